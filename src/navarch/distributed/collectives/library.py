"""A tuned collective library (NCCL, vLLM's own all-reduce) on an accelerator: its fitted constants and its times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from navarch.catalog.errors import CatalogError
from navarch.core.arithmetic import product_of, ratio, smallest_of
from navarch.core.ledger import Fact
from navarch.distributed.collectives import protocols
from navarch.fleet.compute.fitted import borrowed, nearest, related

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Number = Any  # a float, a Value or an array
Take = Callable[[Fact], Any]

PREFIX = "collectives.library"
PROTOCOLS = ("first", "second", "third")
"""From the one that waits least to the one that carries most; NCCL calls them LL, LL128 and Simple."""
TITLES = ("protocol that waits least", "middle protocol", "protocol that carries most")
ALL_REDUCE = "all-reduce"
COLLECTIVES = (ALL_REDUCE, "all-gather", "reduce-scatter", "all-to-all")
NETWORKS = ("infiniband", "roce", "slingshot", "tcp")
ETHERNETS = ("roce", "efa", "gcp", "slingshot")
"""How the names of links begin that are no InfiniBand; those of a cloud's own are taken for RoCE."""
IN_NETWORK = "in-network"
MOST = "most"


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol: base and step [s], bandwidth of a rank of two [byte/s], exponent of crowding."""

    base: Number
    step: Number
    bandwidth: Number
    crowding: Number


@dataclass(frozen=True, slots=True)
class Reducer:
    """The switches of a domain that reduce (NVLS): base [s], bandwidth of a rank [byte/s], least ranks to do it for."""

    base: Number
    bandwidth: Number
    least: Number


@dataclass(frozen=True, slots=True)
class Tuned:
    """One collective of a library on an accelerator.

    collective: its name; protocols: three; most: ranks that they were measured with; origin: accelerator that they were
    measured on; stand_in: why they stand for another accelerator, or empty; reducer: switches that reduce, where there
    are any.
    """

    collective: str
    protocols: tuple[Protocol, ...]
    most: Number
    origin: str
    stand_in: str
    reducer: Reducer | None = None

    def steps(self, ranks: Number) -> Number:
        """Steps of the algorithm."""
        return (protocols.all_reduce_steps if self.collective == ALL_REDUCE else protocols.exchange_steps)(ranks)

    def traffic(self, message: Number, ranks: Number) -> Number:
        """Bytes that each of so many participants sends."""
        reduces = self.collective == ALL_REDUCE
        return (protocols.all_reduce_traffic if reduces else protocols.exchange_traffic)(message, ranks)

    def ring_times(self, traffic: Number, ranks: Number) -> list[Number]:
        """Time of each protocol for the bytes that each rank of a ring sends [s]."""
        steps = self.steps(ranks)
        return [
            protocols.protocol_time(
                traffic, steps, ranks, self.most, p.base, p.step, p.bandwidth, p.crowding,
                title=f"Time in the {name}",
            )
            for name, p in zip(TITLES, self.protocols, strict=True)
        ]  # fmt: skip

    def times(self, message: Number, ranks: Number, floating: bool = True) -> list[Number]:
        """Time of each way that the library has [s]; floating: of the numbers, as switches reduce no others."""
        ways = self.ring_times(self.traffic(message, ranks), ranks)
        r = self.reducer
        if r is not None and floating:
            ways.append(protocols.in_network_time(message, ranks, r.base, r.bandwidth, r.least))
        return ways

    def time(self, message: Number, ranks: Number, floating: bool = True) -> Number:
        """Time among the accelerators of one scale-up domain [s]; message in bytes, as nccl-tests count it."""
        return fastest(self.times(message, ranks, floating))

    def paced(self, rate: Number) -> Tuned:
        """The same where bandwidths are shares, on a link of that rate [byte/s]."""
        return self._with(lambda share: product_of(share, rate, unit="byte/s", title="Bandwidth of a rank, paced"))

    def shares(self, link: Number) -> Tuned:
        """The same with bandwidths as shares of a link [byte/s]."""
        return self._with(lambda own: ratio(own, link, unit="1", title="Bandwidth of a rank as a share of the link"))

    def _with(self, changed: Callable[[Number], Number]) -> Tuned:
        ways = tuple(replace(way, bandwidth=changed(way.bandwidth)) for way in self.protocols)
        r = self.reducer
        return replace(self, protocols=ways, reducer=None if r is None else replace(r, bandwidth=changed(r.bandwidth)))


def fastest(ways: Sequence[Number]) -> Number:
    """The time of the fastest of a library's ways [s]."""
    return smallest_of(*ways, unit="s", title="Time of the library's fastest protocol", symbol="T_lib")


@dataclass(frozen=True, slots=True)
class Network:
    """How a library uses the adapters of a node: base and hop [s], efficiency [fraction], exponent of congestion."""

    base: Number
    hop: Number
    efficiency: Number
    congestion: Number


def tuned(catalog: Catalog, collective: str, accelerator: str, take: Take = float, library: str = "nccl") -> Tuned:
    """A library's collective on an accelerator: its constants, or those of its nearest relation scaled by the link."""
    found: dict[str, dict[str, str]] = {}
    stem = f"{PREFIX}.{library}.{collective}."
    for identifier in catalog.ids("constant"):
        if identifier.startswith(stem):
            where, name = identifier.removeprefix(stem).split(".", 1)
            found.setdefault(where, {})[name] = identifier
    if not found:
        raise CatalogError(f"no {collective} of {library} was measured")
    entry = catalog.get("accelerator", accelerator)
    origin = accelerator if accelerator in found else nearest(catalog, found, entry, "bf16")
    facts = {name: catalog.fact("constant", identifier) for name, identifier in found[origin].items()}
    why, links = "", None
    if origin != accelerator:
        other = catalog.get("accelerator", origin)
        why = f"measured on {origin}" if related(other, entry) else f"no relation was measured; taken from {origin}"
        facts = {name: borrowed(fact, accelerator, why) for name, fact in facts.items()}
        links = _links(entry, other, take)
    made = tuple(_protocol(facts, name, take, links) for name in PROTOCOLS)
    return Tuned(collective, made, take(facts[MOST]), origin, why, _reducer(facts, take, links))


def _links(entry: Any, other: Any, take: Take) -> Number | None:
    """The link of one accelerator over that of another, or None where one is not known."""
    if entry.scaleup_bandwidth is None or other.scaleup_bandwidth is None:
        return None
    ends = (take(entry.scaleup_bandwidth), take(other.scaleup_bandwidth))
    return ratio(*ends, unit="1", title="Scale-up link over that of the accelerator measured")


def _scaled(bandwidth: Number, links: Number | None) -> Number:
    """The bandwidth of a rank on another link."""
    if links is None:
        return bandwidth
    return product_of(bandwidth, links, unit="byte/s", title="Bandwidth of a rank, scaled by the link")


def _protocol(facts: Mapping[str, Fact], name: str, take: Take, links: Number | None) -> Protocol:
    base, step, bandwidth, crowding = (
        take(facts[f"{name}.{part}"]) for part in ("base", "step", "bandwidth", "crowding")
    )
    return Protocol(base, step, _scaled(bandwidth, links), crowding)


def _reducer(facts: Mapping[str, Fact], take: Take, links: Number | None) -> Reducer | None:
    if f"{IN_NETWORK}.base" not in facts:
        return None
    base, bandwidth, least = (take(facts[f"{IN_NETWORK}.{part}"]) for part in ("base", "bandwidth", "least"))
    return Reducer(base, _scaled(bandwidth, links), least)


def network_kind(link: str) -> str:
    """The kind of network that a link of the catalog makes, as the library was measured on it."""
    if not link.startswith(ETHERNETS):
        return "infiniband"
    return "slingshot" if link.startswith("slingshot") else "roce"


def network(catalog: Catalog, kind: str, take: Take = float) -> Network:
    """The constants of a kind of network (`infiniband`, `roce`, `slingshot`, `tcp`)."""
    if kind not in NETWORKS:
        raise CatalogError(f'"{kind}" is no kind of network; there are {", ".join(NETWORKS)}')
    stem = f"{PREFIX}.network.{kind}"
    facts = (catalog.fact("constant", f"{stem}.{name}") for name in ("base", "hop", "efficiency", "congestion"))
    return Network(*map(take, facts))


@dataclass(frozen=True, slots=True)
class Library:
    """A library's collectives on an accelerator, bandwidths as shares of the link, and its use of a network."""

    all_reduce: Tuned
    all_gather: Tuned
    reduce_scatter: Tuned
    all_to_all: Tuned
    network: Network


def library_of(
    catalog: Catalog, accelerator: str, link: Number, kind: str, take: Take = float, library: str = "nccl"
) -> Library:
    """A library on an accelerator with a scale-up link of so many byte/s, and on a kind of network."""
    found = (tuned(catalog, name, accelerator, take, library) for name in COLLECTIVES)
    shares = {known.collective.replace("-", "_"): known.shares(link) for known in found}
    return Library(**shares, network=network(catalog, kind, take))


def time_across(
    tuned: Tuned, message: Number, local: Number, nodes: Number, adapters: Number, network: Network,
    everyone: Number | None = None,
) -> Number:  # fmt: skip
    """Time of a collective over one node or several [s].

    message: bytes as nccl-tests count them [byte]; local: accelerators of the group in each node; nodes: of the group;
    adapters: bandwidth of all adapters of a node, per direction [byte/s]; everyone: accelerators of the group, where
    that is known. Where switches reduce, an all-reduce is
    reduced within each node before it leaves it; else, as every other collective, it is one ring through all.
    """
    if everyone is None:
        everyone = product_of(local, nodes, unit="1", title="Accelerators of the group")
    if tuned.reducer is None:
        sent = tuned.traffic(message, everyone)
        within = fastest(tuned.ring_times(sent, local))
    else:
        sent, within = tuned.traffic(message, nodes), tuned.time(message, local)
    between = protocols.network_time(sent, nodes, adapters, network.efficiency, network.congestion)
    latency = protocols.network_latency(nodes, network.base, network.hop)
    return protocols.two_level_time(nodes, latency, protocols.within_time(local, within), between)
