"""Fat-tree, torus and dragonfly of the same hosts as graphs, what they cost at a rate, and the rate that money buys.

Every switch is priced by the bandwidth of its ports, and so is the router that each host of a torus needs: otherwise a
torus would have its switching for nothing. A bill grows in proportion to the rate of the links (but for fibres, whose
price does not), so that one sum of money decides the rate of each fabric.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.arithmetic import difference, product_of, ratio, sum_of
from navarch.core.equation import off_the_ledger
from navarch.course.communication_topologies.variant import menu
from navarch.course.desk import shelf
from navarch.course.errors import CourseError

if TYPE_CHECKING:
    from navarch.fleet.fabric.graph import Network
    from navarch.fleet.fabric.parts import Parts

FAT_TREE, TORUS, DRAGONFLY = "fat-tree", "torus", "dragonfly"
THREE = (FAT_TREE, TORUS, DRAGONFLY)
ROUTING = {FAT_TREE: "modulo", TORUS: "dimension-order", DRAGONFLY: "spray"}
"""How flows find their way: without a hash, so that nothing is left to luck."""
OWN_PORT = 1
"""Port of a torus' router that faces its own host."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a fabric costs. fixed [USD] does not depend on the rate of its links, by_rate [USD*s/byte] is for each
    byte a second of it; ports: of all switches and routers; cables: by medium."""

    ports: int
    cables: Mapping[str, int]
    fixed: float
    by_rate: float


@lru_cache(maxsize=8)
def parts_named(name: str) -> Parts:
    """Link and switch by their name in the menu."""
    from navarch.fleet.fabric.parts import parts_of

    if name not in menu()["parts"]:
        raise CourseError(f"parts: {name!r} is not one of {', '.join(menu()['parts'])}")
    told = menu()["parts"][name]
    with off_the_ledger():
        return parts_of(shelf(), told["link"], told["switch"])


@lru_cache(maxsize=64)
def fabric(family: str, hosts: int, dimensions: int, parts: str, rate: float) -> Network:
    """A fabric in its hall, its cables as long and as slow as they are there.

    dimensions: of a torus; parts: link and switch, by name in the menu; rate: of each link, per direction [byte/s].
    """
    from navarch.fleet.fabric import families
    from navarch.fleet.fabric.placement import hall_of, placed, wires_of

    ports = int(menu()["ports"])
    made_of = replace(parts_named(parts), link_bandwidth=rate, radix=float(ports))
    asked = families.Asked(hosts=hosts, radix=ports, oversubscription=1.0, rails=1)
    named = {FAT_TREE: "fat-tree", TORUS: f"{dimensions}-D torus", DRAGONFLY: "dragonfly"}
    if family not in named:
        raise CourseError(f"fabric: {family!r} is not one of {', '.join(named)}")
    with off_the_ledger():
        network = families.made(named[family], asked, made_of, wires_of(made_of))
        return replace(placed(network, hall_of(shelf()), made_of), name=title_of(family, dimensions))


def title_of(family: str, dimensions: int) -> str:
    """What a fabric is called."""
    return f"{dimensions}-D torus" if family == TORUS else family


def ports_of(network: Network) -> int:
    """Ports of all switches; of a direct network the ports of each host's router, that to the host among them."""
    ends = network.ports()
    return int(ends.sum()) + OWN_PORT * network.hosts if network.direct else int(ends[network.hosts :].sum())


@lru_cache(maxsize=64)
def bill(family: str, hosts: int, dimensions: int, parts: str) -> Bill:
    """What a fabric costs, by the rate of its links."""
    return bill_of(fabric(family, hosts, dimensions, parts, float(parts_named(parts).link_bandwidth)))


def bill_of(network: Network) -> Bill:
    """What a placed network costs, by the rate of its links: cables by their medium, switches by their ports."""
    from navarch.fleet.fabric.placement import MEDIA, hall_of, media_of

    with off_the_ledger():
        media = media_of(network, hall_of(shelf()))
        cables = {name: int(np.count_nonzero(media == place)) for place, name in enumerate(MEDIA)}
        ports = ports_of(network)
        nothing, nominal = 0.0, float(network.bandwidth.max())
        fixed, whole = (_cost(ports, cables, rate) for rate in (nothing, nominal))
        return Bill(ports, cables, fixed, float(ratio(difference(whole, fixed), nominal)))


def _cost(ports: int, cables: Mapping[str, int], rate: float) -> float:
    from navarch.fleet.fabric import estimate
    from navarch.fleet.fabric.parts import cable_of
    from navarch.fleet.fabric.placement import CABLES

    price = float(shelf().fact("constant", "fabric.switch-price-per-bandwidth"))
    parts = [estimate.tier_cost(ports, estimate.switch_price(rate, price))]
    for medium, count in cables.items():
        parts.append(estimate.tier_cost(count, cable_of(shelf(), float, CABLES[medium], rate, 0.0).price))
    return float(sum_of(*parts))


def rate_for(money: float, found: Bill) -> float:
    """The rate of links that money [USD] buys, per direction [byte/s]."""
    with off_the_ledger():
        left = difference(money, found.fixed)
        if float(left) <= 0:
            raise CourseError(f"money: {money:,.0f} USD do not pay for the fibres alone")
        return float(ratio(left, found.by_rate))


def money_of(each: float, hosts: int) -> float:
    """Money of the whole network, of so much for each host [USD]."""
    with off_the_ledger():
        return float(product_of(each, hosts))


@lru_cache(maxsize=64)
def bought(family: str, hosts: int, dimensions: int, parts: str, money: float) -> Network:
    """The fabric that money for each host [USD] buys."""
    rate = rate_for(money_of(money, hosts), bill(family, hosts, dimensions, parts))
    return fabric(family, hosts, dimensions, parts, rate)


@lru_cache(maxsize=32)
def links_across(family: str, hosts: int, dimensions: int) -> tuple[float, float | None, Any]:
    """Links across the bisection by the greatest flow, by theory, and hops of the farthest and the mean pair."""
    from navarch.fleet.fabric.bisection import bisection_of
    from navarch.fleet.fabric.measures import lengths_of

    name = next(iter(menu()["parts"]))
    with off_the_ledger():
        network = fabric(family, hosts, dimensions, name, 1.0)
        found = bisection_of(network, searched=0)
        return found.flow, found.theory, lengths_of(network)
