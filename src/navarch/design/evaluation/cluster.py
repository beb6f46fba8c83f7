"""Cluster: nodes, the fabric between them, and the hardware as one accelerator sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from navarch.catalog.errors import CatalogError
from navarch.core.arithmetic import product_of, ratio, relative_change
from navarch.core.ledger import Value
from navarch.design.errors import DesignError
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.result import Alternative, Decision
from navarch.distributed.training.inputs import hardware_of as training_hardware
from navarch.distributed.training.inputs import peak_precision
from navarch.distributed.training.runtime import DEFAULT_STACK
from navarch.distributed.training.shape import Hardware
from navarch.fleet.compute import estimate as compute
from navarch.fleet.fabric.parts import Parts, parts_of
from navarch.fleet.fabric.sizing import KINDS, SizingError, plan
from navarch.fleet.fabric.topology import FabricEstimate, build

ROUNDING = 1e-9  # shares within this of each other are equal


@dataclass(frozen=True)
class Fleet:
    """The training cluster."""

    node: Any
    accelerator: Any
    nodes: Value
    per_node: Value
    accelerators: Value
    nics: Value
    nic_bandwidth: Value
    oversubscription: Value
    node_power: Value
    hardware: Hardware
    fabric: FabricEstimate | None = None


def node_entry(desk: Desk, path: str, default: str = "") -> Any:
    """The node that a field names, or the default."""
    return desk.look("node", str(desk.text(path) or default), path)


def fleet_of(desk: Desk, node: Any, nodes: Value, accelerators: Value, precision: str) -> Fleet:
    """The cluster of so many nodes, as far as training sees it."""
    accelerator = desk.catalog.get("accelerator", node.accelerator)
    per_node = desk.need(node, "accelerators", "cluster.node")
    if nodes.entry.unit != "1":
        raise DesignError("cluster.nodes", "is a count")
    nics, nic = _network_cards(desk, node, per_node)
    oversubscription = desk.settle(
        "cluster.oversubscription", 1.0, "1", "non-blocking: any placement of the ranks gets its bandwidth"
    )
    return Fleet(
        node,
        accelerator,
        nodes,
        per_node,
        accelerators,
        nics,
        nic,
        oversubscription,
        node_power(desk, node, accelerator, per_node),
        hardware_of(desk, node, accelerator, precision, nics, nic, per_node, oversubscription),
    )


def _network_cards(desk: Desk, node: Any, per_node: Value) -> tuple[Value, Value]:
    """Network cards of a node and their bandwidth; the scale-up links carry the network of a pod without cards."""
    if node.nics is not None and node.nic_bandwidth is not None:
        return desk.enter(node.nics), desk.enter(node.nic_bandwidth)
    return per_node, desk.need(node, "scaleup_bandwidth", "cluster.node")


def hardware_of(
    desk: Desk,
    node: Any,
    accelerator: Any,
    precision: str,
    nics: Value,
    nic: Value,
    per_node: Value,
    oversubscription: Value,
) -> Hardware:
    """One accelerator of a node and the networks around it."""
    if desk.known(accelerator, peak_precision(accelerator, precision)) is None:
        allowed = [p for p in ("bf16", "fp16", "fp8") if getattr(accelerator, p) is not None]
        raise DesignError(
            "workload.precision", f"{accelerator.id} has no {precision} rate; allowed: {', '.join(allowed)}"
        )
    out = ratio(
        compute.scaleout_bandwidth(nics, nic, per_node),
        oversubscription,
        unit="byte/s",
        title="Network bandwidth of one accelerator after oversubscription",
        symbol="B_net",
    )
    stack = str(desk.text("parallelism.software") or DEFAULT_STACK)
    try:
        return training_hardware(desk.catalog, node, precision, out, stack, desk.enter)
    except CatalogError as error:
        raise DesignError("cluster.node", str(error)) from error


def node_power(desk: Desk, node: Any, accelerator: Any, per_node: Value) -> Value:
    """Greatest power of a node: its maker's figure, or from its accelerators."""
    known = desk.known(node, "power")
    if known is not None:
        return known
    tdp = desk.need(accelerator, "tdp", "cluster.node")
    return compute.node_power_from_accelerators(per_node, tdp, desk.constant("compute.node-power-overhead"))


def put_cluster(desk: Desk, fleet: Fleet) -> None:
    """Put the cluster's totals down."""
    hardware = fleet.hardware
    desk.labels |= {
        "node": fleet.node.name or fleet.node.id,
        "accelerator": fleet.accelerator.name or fleet.accelerator.id,
    }
    height = desk.known(fleet.node, "rack_units") or desk.constant("compute.node-height")
    per_rack = compute.nodes_per_rack(
        desk.constant("compute.rack-power"), fleet.node_power, desk.constant("compute.rack-height"), height
    )
    desk.put_all(
        "cluster",
        {
            "nodes": fleet.nodes,
            "accelerators": fleet.accelerators,
            "peak": compute.aggregate_peak(fleet.accelerators, hardware.peak),
            "memory": compute.aggregate_memory(fleet.accelerators, hardware.memory),
            "memory_bandwidth": compute.aggregate_memory_bandwidth(fleet.accelerators, hardware.memory_bandwidth),
            "node_power": compute.cluster_power(fleet.nodes, fleet.node_power),
            "nodes_per_rack": per_rack,
            "racks": compute.racks_for(fleet.nodes, per_rack),
            "ridge_point": compute.ridge_point(hardware.peak, hardware.memory_bandwidth),
            "bandwidth_ratio": compute.bandwidth_ratio(hardware.scaleup_bandwidth, hardware.scaleout_bandwidth),
        },
    )


def choose_fabric(desk: Desk, fleet: Fleet) -> FabricEstimate:
    """Build every topology for the cluster's endpoints, and decide."""
    endpoints = product_of(fleet.nodes, fleet.nics, unit="1", title="Network endpoints", symbol="n_ends")
    desk.put("fabric.endpoints", endpoints)
    parts = _parts(desk, fleet)
    built: dict[str, FabricEstimate] = {}
    refused: dict[str, str] = {}
    for kind in KINDS if float(fleet.nodes) > 1 else KINDS[:1]:
        try:
            built[kind] = _built(desk, fleet, kind, endpoints, parts)
        except SizingError as error:
            refused[kind] = str(error)
    asked = desk.text("cluster.topology")
    if asked in refused:
        raise DesignError("cluster.topology", refused[asked])
    full = {k: f for k, f in built.items() if float(f.bisection_share) * float(fleet.oversubscription) >= 1 - ROUNDING}
    ranked = sorted(full or built, key=lambda k: (float(built[k].cost), float(built[k].latency_mean)))
    chosen = str(asked or ranked[0])
    desk.curves["fabric"] = built
    _decide(desk, fleet, built, full, ranked, chosen)
    _put_fabric(desk, built[chosen])
    return built[chosen]


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
    return parts_of(desk.catalog, link, switch, desk.enter, fleet.nic_bandwidth)


def _built(desk: Desk, fleet: Fleet, kind: str, endpoints: Value, parts: Parts) -> FabricEstimate:
    sized = plan(kind, endpoints, parts.radix, fleet.oversubscription, rails=fleet.nics)
    values = {
        c.name: desk.ledger.choice(f"cluster.{kind}.{c.name}", c.value, "1", c.title, c.reason) for c in sized.choices
    }
    one = desk.constant("fabric.pod-oversubscription")
    return build(sized.with_values(values), endpoints, parts, fleet.oversubscription, one, fleet.nodes, fleet.nics)


def _decide(
    desk: Desk,
    fleet: Fleet,
    built: dict[str, FabricEstimate],
    full: dict[str, FabricEstimate],
    ranked: list[str],
    chosen: str,
) -> None:
    best = built[chosen]
    order = [chosen, *(k for k in ranked if k != chosen), *(k for k in built if k not in ranked and k != chosen)]
    alternatives = []
    for kind in order:
        fabric = built[kind]
        dearer = relative_change(fabric.cost, best.cost, title=f"Cost of a {kind} over the chosen topology")
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
        metrics = {
            "switches": fabric.switches or fabric.cables,
            "cables": fabric.cables,
            "cost": fabric.cost,
            "power": fabric.power,
            "bisection": fabric.bisection_bandwidth,
            "latency": fabric.latency_mean,
        }
        if fabric.switches is None:
            metrics.pop("switches")
        alternatives.append(Alternative(kind, metrics, lost, kind == chosen, by))
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


def _put_fabric(desk: Desk, fabric: FabricEstimate) -> None:
    desk.labels["topology"] = fabric.plan.kind
    found = {
        "switches": fabric.switches,
        "cables": fabric.cables,
        "diameter": fabric.diameter,
        "pods": fabric.pods,
        "bisection": fabric.bisection_bandwidth,
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
    for tier in (*fabric.switch_tiers, *fabric.cable_tiers):
        desk.put(f"fabric.{tier.name.replace(' ', '_')}", tier.count)
