"""The same money, wired three ways: the rate, the bisection and the diameter that it buys."""

from __future__ import annotations

from typing import Any

from navarch.core.arithmetic import difference, product_of, ratio
from navarch.core.ledger import Ledger, Value
from navarch.course.communication_topologies import fabrics
from navarch.course.communication_topologies.fabrics import FAT_TREE, THREE, TORUS
from navarch.course.communication_topologies.variant import menu, quantities
from navarch.course.desk import reading
from navarch.course.instrument import Answer, instrument
from navarch.fleet.fabric import estimate

HOSTS = (64, 128, 256, 512, 1024)
DIMENSIONS = (2, 3)


def hosts() -> list[int]:
    """Hosts of the slider."""
    return list(HOSTS)


def moneys() -> list[float]:
    """Money of the network for each host, of the slider [USD]."""
    return quantities(menu()["money"], "USD")


def dimensions() -> dict[int, str]:
    """Tori that may be asked about."""
    return {count: f"{count}-D torus" for count in DIMENSIONS}


@instrument
def same_money(hosts: int, dimensions: int, parts: str, money: float) -> Answer:
    """Fat-tree, torus and dragonfly of so many hosts for the same money [USD for each host].

    dimensions: of the torus; parts: link and switch, by name in the menu.
    """
    with Ledger() as ledger:
        each = ledger.field("money", money, "USD", "Money for each host")
        count = ledger.field("hosts", hosts, "1", "Hosts")
        whole = product_of(each, count, unit="USD", title="Money for the network")
        bisections, readings, rows = {}, {"money": reading(whole.entry)}, []
        for family in THREE:
            name = fabrics.title_of(family, dimensions)
            rate = _rate(ledger, name, fabrics.bill(family, hosts, dimensions, parts), whole)
            found = fabrics.links_across(family, hosts, dimensions)
            links = _seen(ledger, f"Links across the bisection, {name}", found[0], "greatest flow between the halves")
            bisection = estimate.bisection_bandwidth(links, rate, title=f"Bisection of the {name}")
            per_host = estimate.bisection_per_host(bisection, count, title=f"Bisection for each host, {name}")
            bisections[family] = bisection
            readings |= {f"{family}_rate": reading(rate.entry), f"{family}_bisection": reading(bisection.entry)}
            rows.append(_row(name, family, hosts, dimensions, parts, (rate, bisection, per_host), found))
        more = ratio(
            bisections[FAT_TREE], bisections[TORUS], unit="1", title="Times the torus' bisection in the fat-tree"
        )
        readings["more"] = reading(more.entry)
    return Answer(readings, rows)


def _rate(ledger: Ledger, name: str, bill: fabrics.Bill, money: Value) -> Value:
    told = f"{bill.ports:,} ports, {sum(bill.cables.values()):,} cables"
    fixed = ledger.observation(
        f"Part of the bill that no rate changes, {name}", bill.fixed, "USD", None, None,
        "course.communication_topologies.fabrics.bill_of", "fibres",
    )  # fmt: skip
    by_rate = ledger.observation(
        f"Bill of each byte a second of a link, {name}", bill.by_rate, "USD*s/byte", None, None,
        "course.communication_topologies.fabrics.bill_of", told,
    )  # fmt: skip
    left = difference(money, fixed, unit="USD", title=f"Money for what carries bytes, {name}")
    return ratio(left, by_rate, unit="byte/s", title=f"Rate of each link, {name}", symbol="B_link")


def _seen(ledger: Ledger, title: str, value: float, note: str) -> Value:
    return ledger.observation(title, value, "1", None, None, "fleet.fabric.bisection.cut_of", note)


def _row(name: str, family: str, hosts: int, dimensions: int, parts: str, found: Any, links: Any) -> dict[str, Any]:
    bill = fabrics.bill(family, hosts, dimensions, parts)
    rate, bisection, per_host = (float(value) for value in found)
    flow, theory, lengths = links
    return {
        "fabric": name, "family": family, "rate": rate, "bisection": bisection, "per_host": per_host,
        "diameter": lengths.farthest, "mean": lengths.mean, "ports": bill.ports, "cables": sum(bill.cables.values()),
        "closed_form": theory, "greatest_flow": flow,
    }  # fmt: skip


@instrument
def halves(dimensions: int) -> Answer:
    """The bisection three ways on networks so small that every balanced partition can be tried [links]."""
    from navarch.fleet.fabric import clos_graph, dragonfly_graph, grid_graph
    from navarch.fleet.fabric.bisection import bisection_of

    sides = {2: (4, 4), 3: (4, 2, 2)}[dimensions]
    networks = {
        "fat-tree": clos_graph.fat_tree(4),
        "thinned 2 : 1": clos_graph.leaf_spine(leaves=4, leaf_hosts=4, spines=2, uplinks=2),
        f"{dimensions}-D torus": grid_graph.torus(sides),
        "dragonfly": dragonfly_graph.dragonfly(1, 4, 1, 4),
    }
    rows = []
    for name, network in networks.items():
        found = bisection_of(network)
        rows.append({"fabric": name, "hosts": network.hosts, "closed_form": found.theory, "greatest_flow": found.flow,
                     "all_partitions": found.search})  # fmt: skip
    return Answer({}, rows)
