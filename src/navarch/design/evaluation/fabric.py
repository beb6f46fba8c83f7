"""The fabric: every topology sized, stood in the hall, counted and priced, and the cheapest that carries all chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from navarch.core.arithmetic import product_of, relative_change
from navarch.core.ledger import Value, off_the_ledger
from navarch.design.errors import DesignError
from navarch.design.evaluation.cluster import Fleet
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.result import Alternative, Decision
from navarch.fleet.fabric.parts import Cable, Parts, cable_of, parts_of
from navarch.fleet.fabric.sizing import KINDS, Plan, SizingError, plan
from navarch.fleet.fabric.topology import FabricEstimate, build

if TYPE_CHECKING:
    from navarch.fleet.fabric.graph import Network
    from navarch.fleet.fabric.placement import Hall

ROUNDING = 1e-9  # shares within this of each other are equal
THINNED, FULL = "oversubscribed fat-tree", "non-blocking fat-tree"
"""The fat-tree beside the design's own: with fewer cables up, or where the design has few already, with all of them."""
ROUTING = "adaptive"
"""How flows find their way where the design file is silent: by load, as InfiniBand and current Ethernet can."""
TITLES = {"rail-optimised": "rail-optimised fat-tree"}
"""Topologies that are called otherwise than in the design file."""


@dataclass(frozen=True)
class Built:
    """A topology for the cluster's endpoints.

    estimate: by equations; network: the graph of the same counts, its cables as long as they are where it stands; flow:
    the greatest flow between its halves, an observation [byte/s]; oversubscription: at its leaves.
    """

    estimate: FabricEstimate
    network: Network
    flow: Value
    oversubscription: Value


def titled(kind: str) -> str:
    """What a topology is called in a sentence."""
    return TITLES.get(kind, kind)


def choose(desk: Desk, fleet: Fleet) -> FabricEstimate:
    """Build every topology for the cluster's endpoints, and decide."""
    endpoints = product_of(fleet.nodes, fleet.nics, unit="1", title="Network endpoints", symbol="n_ends")
    desk.put("fabric.endpoints", endpoints)
    parts = _parts(desk, fleet)
    built: dict[str, Built] = {}
    refused: dict[str, str] = {}
    for kind, thinning in _candidates(desk, fleet).items():
        try:
            built[kind] = _built(desk, fleet, kind, thinning, endpoints, parts)
        except SizingError as error:
            refused[kind] = str(error)
    asked = desk.text("cluster.topology")
    if asked in refused:
        raise DesignError("cluster.topology", refused[asked])
    full = [k for k, b in built.items() if _is_full(b.estimate, fleet.oversubscription)]
    open_to_choice = [k for k in full or built if _is_open(k, fleet)] or list(built)
    ranked = sorted(
        open_to_choice, key=lambda k: (float(built[k].estimate.cost), float(built[k].estimate.latency_mean))
    )
    chosen = str(asked or ranked[0])
    desk.labels["routing"] = str(desk.text("cluster.routing") or ROUTING)
    desk.labels["routing_by"] = "user" if desk.given("cluster.routing") else "navarch"
    desk.curves["fabric"] = built
    desk.curves["fabric refused"] = refused
    _decide(desk, {k: b.estimate for k, b in built.items()}, full, ranked, chosen)
    _put(desk, built[chosen])
    return built[chosen].estimate


def _is_full(fabric: FabricEstimate, oversubscription: Value) -> bool:
    """Whether a topology has all the bisection that the design asks for."""
    return float(fabric.bisection_share) * float(oversubscription) >= 1 - ROUNDING


def _is_open(kind: str, fleet: Fleet) -> bool:
    """Whether navarch may choose a topology: a torus only for machines whose own links pass on what is for others."""
    return kind not in (THINNED, FULL) and (kind != "torus" or fleet.node.nics is None)


def _candidates(desk: Desk, fleet: Fleet) -> Mapping[str, Value]:
    """The topologies to build, each with the oversubscription of its leaves."""
    asked = fleet.oversubscription
    if float(fleet.nodes) <= 1:
        return {KINDS[0]: asked}
    found = dict.fromkeys(KINDS, asked)
    if float(asked) > 1:
        found[FULL] = desk.ledger.choice("cluster.considered.full", 1.0, "1", "No oversubscription", "considered")
    else:
        found[THINNED] = desk.constant("design.considered-oversubscription")
    return found


def _parts(desk: Desk, fleet: Fleet) -> Parts:
    """The link and the switch: given, or the InfiniBand generation of the node's network cards."""
    link, switch = desk.text("cluster.link"), desk.text("cluster.switch")
    entries = [desk.catalog.get("fabric", i) for i in desk.catalog.ids("fabric")]
    rate = float(fleet.nic_bandwidth)
    if link is None:
        links = [e for e in entries if e.kind == "link" and e.id.startswith(("ib-", "roce-")) and e.bandwidth]
        link = min(links, key=lambda e: (abs(float(e.bandwidth) - rate), not e.id.startswith("ib-"))).id
    if switch is None:
        switches = [
            e
            for e in entries
            if e.kind == "switch" and e.port_bandwidth and e.ports and not e.id.startswith("nvswitch")
        ]
        switch = min(switches, key=lambda e: (abs(float(e.port_bandwidth) - rate), e.price is None, e.id)).id
    named = {"link": desk.look("fabric", link, "cluster.link"), "switch": desk.look("fabric", switch, "cluster.switch")}
    for kind, entry in named.items():
        if entry.kind != kind or entry.bandwidth is None:
            raise DesignError(f"cluster.{kind}", f"{entry.id} is a {entry.kind} of the catalog's fabrics, not a {kind}")
    desk.labels |= {kind: entry.name for kind, entry in named.items()}
    desk.labels |= {f"{kind}_id": entry.id for kind, entry in named.items()}
    return parts_of(desk.catalog, link, switch, desk.enter, fleet.nic_bandwidth)


def _built(desk: Desk, fleet: Fleet, kind: str, thinning: Value, endpoints: Value, parts: Parts) -> Built:
    """A topology with whole numbers chosen, cables counted where it stands, and the flow between its halves."""
    from navarch.fleet.fabric.bisection import cut_of

    family = kind if kind in KINDS else KINDS[0]
    sized = plan(family, endpoints, parts.radix, thinning, rails=fleet.nics)
    values = {
        c.name: desk.ledger.choice(f"cluster.{kind}.{c.name}", c.value, "1", c.title, c.reason) for c in sized.choices
    }
    one = desk.constant("fabric.pod-oversubscription")
    hall = _hall(desk, fleet)
    network = _network(fleet, sized, endpoints, parts, thinning, one, hall)
    media = _media(desk, kind, network, hall, parts)
    remembered = sized.with_values(values)
    estimate = build(remembered, endpoints, parts, thinning, one, fleet.nodes, fleet.nics, media)
    flow = desk.ledger.observation(
        f"Greatest flow between the halves of the {titled(kind)}", cut_of(network).flow, "byte/s", None, None,
        _command(desk, network, kind, thinning),
        f"the least cut of its graph of {network.nodes:,} nodes and {network.cables:,} cables",
    )  # fmt: skip
    return Built(estimate, network, flow, thinning)


def _hall(desk: Desk, fleet: Fleet) -> Hall:
    """The hall, with as many endpoints in a rack as its power lets nodes be."""
    from navarch.fleet.fabric.placement import hall_of

    return hall_of(desk.catalog, max(float(desk.quantities["cluster.nodes_per_rack"]), 1.0) * float(fleet.nics))


def _network(
    fleet: Fleet, sized: Plan, endpoints: Value, parts: Parts, thinning: Value, one: Value, hall: Hall
) -> Network:
    """The graph, its cables as long as they are in the hall: off the ledger, for nothing of it is a quantity."""
    from navarch.fleet.fabric.families import graph_of
    from navarch.fleet.fabric.placement import placed, wires_of

    with off_the_ledger():
        counted = build(sized, endpoints, parts, thinning, one, fleet.nodes, fleet.nics)
        return placed(graph_of(counted, wires_of(parts), int(fleet.nics)), hall, parts)


def _media(
    desk: Desk, kind: str, network: Network, hall: Hall, parts: Parts
) -> Mapping[str, tuple[Value, Cable]]:  # fmt: skip
    """How many cables are of copper, active optical and optical, those that there are, and what one is."""
    from navarch.fleet.fabric.comparison import media_counts
    from navarch.fleet.fabric.placement import CABLES

    found = {}
    for name, count in media_counts(network, hall).items():
        if count:
            told = desk.ledger.observation(
                f"{name.capitalize()} cables of the {titled(kind)}", count, "1", None, None,
                "counted on the graph where it stands, by the length of each cable",
                f"racks of {hall.rack_hosts:g} endpoints in rows; copper to {hall.copper_reach:g} m, active optical to "
                f"{hall.active_reach:g} m",
            )  # fmt: skip
            found[name] = (
                told,
                cable_of(desk.catalog, desk.enter, CABLES[name], parts.link_bandwidth, parts.trunk_cable.length),
            )
    return found


def _command(desk: Desk, network: Network, kind: str, thinning: Value) -> str:
    """What to type to see the same network."""
    families = {THINNED: "thinned fat-tree", FULL: "fat-tree", "torus": "3-D torus"}
    told = f"navarch plan topology --hosts {network.hosts} --family '{families.get(kind, kind)}'"
    told += f" --link {desk.labels['link_id']} --switch {desk.labels['switch_id']}"
    return told + (f" --oversubscription {float(thinning):g}" if kind == THINNED else "")


def _decide(desk: Desk, built: dict[str, FabricEstimate], full: list[str], ranked: list[str], chosen: str) -> None:
    best = built[chosen]
    order = [chosen, *(k for k in ranked if k != chosen), *(k for k in built if k not in ranked and k != chosen)]
    alternatives = []
    for kind in order:
        fabric = built[kind]
        dearer = relative_change(fabric.cost, best.cost, title=f"Cost of a {titled(kind)} over the chosen topology")
        lost, by = "", None
        if kind != chosen and kind not in full:
            lost, by = "bisection for each endpoint falls to", fabric.bisection_share
        elif kind != chosen:
            lost, by = (
                "costs more, by" if float(dearer) >= 0 else "the design file passes it by; cost changes by",
                dearer,
            )
            if abs(float(dearer)) < ROUNDING:
                lost, by = "costs the same; mean latency is", fabric.latency_mean
        alternatives.append(Alternative(kind, _metrics(fabric), lost, kind == chosen, by))
    count = desk.ledger.choice(
        "cluster.topology.considered", len(built), "1", "Topologies that hold the endpoints", "each was built"
    )
    runner = next((a for a in alternatives if not a.chosen), None)
    margin = (
        relative_change(runner.metrics["cost"], best.cost, title="Cost of the runner-up topology over the chosen")
        if runner
        else None
    )
    desk.decide(
        Decision(
            "cluster.topology",
            "Topology",
            chosen,
            "user" if desk.given("cluster.topology") else "navarch",
            considered=count,
            alternatives=tuple(alternatives),
            binding="full bisection at least cost",
            margin=margin,
        )
    )


def _metrics(fabric: FabricEstimate) -> dict[str, Value]:
    found = {
        "switches": fabric.switches,
        "cables": fabric.cables,
        "cost": fabric.cost,
        "power": fabric.power,
        "bisection": fabric.bisection_bandwidth,
        "latency": fabric.latency_mean,
    }
    return {title: value for title, value in found.items() if value is not None}


def _put(desk: Desk, chosen: Built) -> None:
    fabric = chosen.estimate
    desk.labels["topology"] = fabric.plan.kind
    found = {
        "switches": fabric.switches,
        "cables": fabric.cables,
        "diameter": fabric.diameter,
        "farthest": fabric.farthest,
        "pods": fabric.pods,
        "bisection": fabric.bisection_bandwidth,
        "bisection_flow": chosen.flow,
        "bisection_per_endpoint": fabric.bisection_per_host,
        "bisection_share": fabric.bisection_share,
        "injection": fabric.injection_bandwidth,
        "mean_hops": fabric.mean_hops,
        "latency": fabric.latency_mean,
        "latency_far": fabric.latency_far,
        "cost": fabric.cost,
        "power": fabric.power,
        "cost_per_endpoint": fabric.cost_per_host,
    }
    desk.put_all("fabric", {name: value for name, value in found.items() if value is not None})
    for tier in (*fabric.switch_tiers, *fabric.cable_tiers, *fabric.cable_media):
        desk.put(f"fabric.{tier.name.replace(' ', '_')}", tier.count)
