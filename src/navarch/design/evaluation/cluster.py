"""Cluster: the nodes, and the hardware as one accelerator sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from navarch.catalog.errors import CatalogError
from navarch.core.arithmetic import ratio
from navarch.core.ledger import Value
from navarch.design.errors import DesignError
from navarch.design.evaluation.desk import Desk
from navarch.distributed.collectives.library import network_kind
from navarch.distributed.training.inputs import hardware_of as training_hardware
from navarch.distributed.training.inputs import peak_precision
from navarch.distributed.training.runtime import DEFAULT_STACK
from navarch.distributed.training.shape import Hardware
from navarch.fleet.compute import estimate as compute


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
    kind = network_kind(str(desk.text("cluster.link") or ""))
    try:
        return training_hardware(desk.catalog, node, precision, out, stack, desk.enter, network=kind)
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
