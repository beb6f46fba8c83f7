"""The parts that a network is built from: its link, its switch, and the cables of its two reaches.

Prices and powers come from the `fabric` collection; where a maker publishes none, from the constants of price and
energy for each unit of bandwidth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from navarch.core.ledger import Fact
from navarch.fleet.fabric import clos, estimate

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Number = Any  # a float, a Value or an array
Take = Callable[[Fact], Number]  # `float`, or `ledger.fact` under a ledger

HOST_CABLE = "xcvr-800g-2xsr4"
TRUNK_CABLE = "xcvr-800g-2xdr4"


@dataclass(frozen=True, slots=True)
class Cable:
    """One link's cable with both ends: price [USD], power [W], length [m]."""

    price: Number
    power: Number
    length: Number


@dataclass(frozen=True, slots=True)
class Parts:
    """Link, switch and cables. Bandwidth per direction [byte/s], latencies [s], price [USD], power [W], delay [s/m]."""

    link_bandwidth: Number
    link_latency: Number  # host to host through one switch; from one host to the next in a direct network
    radix: Number
    switch_latency: Number
    switch_price: Number
    switch_power: Number
    host_cable: Cable
    trunk_cable: Cable
    delay: Number


def parts_of(
    catalog: Catalog,
    link: str,
    switch: str,
    take: Take = float,
    link_bandwidth: Number | None = None,
    host_cable: str = HOST_CABLE,
    trunk_cable: str = TRUNK_CABLE,
) -> Parts:
    """The parts by their ids in the `fabric` collection.

    take: how a fact becomes a number; link_bandwidth: of one endpoint, per direction [byte/s], where it is not the
    link's own (a node's network card). The switch's ports are split or joined to that rate.
    """
    link_entry, switch_entry = catalog.get("fabric", link), catalog.get("fabric", switch)
    constant = _constants(catalog, take)
    bandwidth = take(link_entry.bandwidth) if link_bandwidth is None else link_bandwidth
    whole = take(switch_entry.bandwidth)
    price, power, passing = switch_entry.price, switch_entry.power, switch_entry.latency
    return Parts(
        link_bandwidth=bandwidth,
        link_latency=take(link_entry.latency) if link_entry.latency else constant("link-latency"),
        radix=clos.switch_radix(whole, bandwidth),
        switch_latency=take(passing) if passing else constant("switch-latency"),
        switch_price=take(price) if price else estimate.switch_price(whole, constant("switch-price-per-bandwidth")),
        switch_power=take(power) if power else estimate.switch_power(whole, constant("switch-energy")),
        host_cable=cable_of(catalog, take, host_cable, bandwidth, constant("host-cable-length")),
        trunk_cable=cable_of(catalog, take, trunk_cable, bandwidth, constant("trunk-cable-length")),
        delay=constant("propagation-delay"),
    )


def cable_of(catalog: Catalog, take: Take, name: str, bandwidth: Number, length: Number) -> Cable:
    """A link's cable: two transceivers and a fibre, or a cable with its ends attached."""
    entry = catalog.get("fabric", name)
    constant = _constants(catalog, take)
    own = take(entry.bandwidth)
    optical = "transceiver" in entry.name.lower()
    if not optical:
        price = estimate.copper_cable_price(take(_known(entry, "price")), own, bandwidth)
    elif entry.price:
        price = estimate.optical_cable_price(take(entry.price), own, bandwidth, constant("fibre-price"))
    else:
        module = estimate.switch_price(
            own, constant("transceiver-price-per-bandwidth"), title="Price of a transceiver", symbol="c_xcvr"
        )
        price = estimate.optical_cable_price(module, own, bandwidth, constant("fibre-price"))
    return Cable(price, estimate.cable_power(take(_known(entry, "power")), own, bandwidth), length)


def _known(entry: Any, attribute: str) -> Fact:
    fact: Fact | None = getattr(entry, attribute)
    if fact is None:
        raise ValueError(f"the {attribute} of the cable {entry.id!r} is not in the catalog; name another cable")
    return fact


def _constants(catalog: Catalog, take: Take) -> Callable[[str], Number]:
    return lambda name: take(catalog.fact("constant", f"fabric.{name}"))
