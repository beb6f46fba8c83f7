"""Storage: sized for the data, the checkpoints and their rates; the checkpoint on every tier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from navarch.core.arithmetic import complement, ratio, relative_change
from navarch.core.ledger import Value
from navarch.design.errors import DesignError
from navarch.design.evaluation.cluster import Fleet
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.result import Alternative, Decision
from navarch.design.evaluation.workload import Workload
from navarch.fleet.storage import estimate as equations
from navarch.fleet.storage.system import (
    Checkpoint,
    StorageDemand,
    StorageEstimate,
    StorageUnit,
    checkpoint,
    cost_of,
    storage,
    storage_unit,
)

SHOWN = 5  # alternatives told


@dataclass(frozen=True)
class Store:
    """The storage as decided, and the checkpoint that it holds."""

    entry: Any
    estimate: StorageEstimate
    checkpoint: Checkpoint


def evaluate(desk: Desk, workload: Workload, fleet: Fleet, token_rate: Value, duration: Value) -> Store:
    """Decide the storage system, and put sizes, rates and checkpoint times down."""
    demand = _demand(desk, workload, token_rate)
    sized = {e.id: (e, storage(demand, u, duration)) for e, u in _candidates(desk)}
    ranked = sorted(sized, key=lambda i: float(sized[i][1].cost))
    chosen = str(desk.text("storage.system") or ranked[0])
    entry, estimate = sized[chosen]
    estimate = _as_given(desk, estimate, storage_unit(desk.catalog, chosen, desk.enter), duration)
    sized[chosen] = (entry, estimate)
    saved = _checkpoint(desk, workload, fleet, estimate)
    _put(desk, entry, estimate, saved)
    _decide(desk, sized, ranked, chosen)
    return Store(entry, estimate, saved)


def _demand(desk: Desk, workload: Workload, token_rate: Value) -> StorageDemand:
    per_parameter = desk.constant("storage.checkpoint-bytes-per-parameter")
    per_token = desk.take("storage.bytes_per_token", "design.bytes-per-token")
    tokens = workload.tokens
    if desk.given("storage.dataset"):
        stored = desk.field("storage.dataset")
        tokens = ratio(stored, per_token, unit="token", title="Tokens that the stored data set holds", symbol="D")
    return StorageDemand(
        tokens=tokens,
        bytes_per_token=per_token,
        token_rate=token_rate,
        copies=desk.constant("storage.dataset-copies"),
        checkpoint_size=equations.checkpoint_bytes(workload.parameters, per_parameter),
        checkpoints_kept=desk.take("storage.retained_checkpoints", "design.retained-checkpoints"),
        checkpoint_allowed=desk.constant("storage.checkpoint-allowed"),
        restore_allowed=desk.constant("storage.restore-allowed"),
        fill=desk.constant("storage.fill"),
        headroom=desk.constant("storage.read-headroom"),
    )


def _candidates(desk: Desk) -> list[tuple[Any, StorageUnit]]:
    """The systems that can be bought or rented by the unit, and the one that the user names."""
    asked = desk.text("storage.system")
    rented = desk.text("cost.ownership") == "cloud"
    found = []
    if asked is not None:
        entry = desk.look("storage", asked, "storage.system")
        try:
            found.append((entry, storage_unit(desk.catalog, asked, desk.enter)))
        except ValueError as error:
            raise DesignError("storage.system", str(error)) from error
    for identifier in (i for i in desk.catalog.ids("storage") if i != asked):
        entry = desk.catalog.get("storage", identifier)
        kind = entry.kind.startswith("managed") if rented else "file system" in entry.kind
        sizeable = entry.read_bandwidth is not None and entry.capacity is not None
        if kind and sizeable and (entry.rent is not None) == rented:
            found.append((entry, storage_unit(desk.catalog, identifier, desk.enter)))
    return found


def _as_given(desk: Desk, sized: StorageEstimate, unit: StorageUnit, duration: Value) -> StorageEstimate:
    """The sized storage with what the user fixed put in its place."""
    if desk.given("storage.units"):
        units = desk.field("storage.units")
        read = equations.aggregate_bandwidth(
            units, unit.read, title="Read rate of the storage", symbol="B_storage,read"
        )
        supply = equations.supply_ratio(read, sized.read_demand)
        capacity = equations.aggregate_capacity(units, unit.capacity)
        sized = replace(
            sized,
            units=units,
            capacity=capacity,
            cost=cost_of(unit, capacity, duration),
            read_bandwidth=read,
            supply=supply,
            write_bandwidth=equations.aggregate_bandwidth(
                units, unit.write, title="Write rate of the storage", symbol="B_storage,write"
            ),
            accelerator_utilisation=equations.accelerator_utilisation(supply),
            power=None if unit.power is None else equations.storage_power(units, unit.power),
        )
    if desk.given("storage.read_bandwidth"):
        read = desk.field("storage.read_bandwidth")
        supply = equations.supply_ratio(read, sized.read_demand)
        utilisation = equations.accelerator_utilisation(supply)
        sized = replace(sized, read_bandwidth=read, supply=supply, accelerator_utilisation=utilisation)
    if desk.given("storage.write_bandwidth"):
        sized = replace(sized, write_bandwidth=desk.field("storage.write_bandwidth"))
    return replace(sized, capacity=desk.field("storage.capacity")) if desk.given("storage.capacity") else sized


def _checkpoint(desk: Desk, workload: Workload, fleet: Fleet, estimate: StorageEstimate) -> Checkpoint:
    return checkpoint(
        workload.parameters,
        desk.constant("storage.checkpoint-bytes-per-parameter"),
        fleet.accelerators,
        fleet.nodes,
        estimate.write_bandwidth,
        estimate.read_bandwidth,
        desk.constant("storage.host-bandwidth"),
        fleet.hardware.scaleout_bandwidth,
        desk.constant("storage.local-bandwidth"),
        desk.constant("storage.peer-copies"),
        desk.constant("storage.restore-readers"),
    )


def _put(desk: Desk, entry: Any, estimate: StorageEstimate, saved: Checkpoint) -> None:
    desk.labels |= {"storage": entry.name or entry.id, "storage_unit": entry.unit_of_scale}
    starved = complement(estimate.accelerator_utilisation, title="Share of the time that accelerators wait for data")
    found = {
        "dataset": estimate.dataset,
        "retained": estimate.retained,
        "capacity_needed": estimate.capacity_needed,
        "read_demand": estimate.read_demand,
        "read_needed": estimate.read_needed,
        "write_needed": estimate.write_needed,
        "units": estimate.units,
        "capacity": estimate.capacity,
        "read_bandwidth": estimate.read_bandwidth,
        "write_bandwidth": estimate.write_bandwidth,
        "supply": estimate.supply,
        "starvation": starved,
        "power": estimate.power,
        "cost": estimate.cost,
        "units_for_capacity": estimate.units_for_capacity,
        "units_for_read": estimate.units_for_read,
        "units_for_write": estimate.units_for_write,
    }
    desk.put_all("storage", {k: v for k, v in found.items() if v is not None})
    desk.put_all(
        "checkpoint",
        {
            "size": saved.size,
            "stall_synchronous": saved.stall_synchronous,
            "stall_asynchronous": saved.stall_asynchronous,
            "time_to_peers": saved.time_to_peers,
            "time_to_local": saved.time_to_local,
            "restore": saved.restore,
            "restore_from_peers": saved.restore_from_peers,
        },
    )
    desk.at_most("storage.starvation_limit", "Waiting for data", starved)


def _decide(desk: Desk, sized: dict[str, tuple[Any, StorageEstimate]], ranked: list[str], chosen: str) -> None:
    cost = sized[chosen][1].cost
    alternatives = []
    for identifier in [chosen, *(i for i in ranked if i != chosen)][:SHOWN]:
        entry, found = sized[identifier]
        dearer = relative_change(found.cost, cost, title="Cost over the chosen storage")
        metrics = {
            "units": found.units,
            "read": found.read_bandwidth,
            "write": found.write_bandwidth,
            "cost": found.cost,
        }
        dear = "costs more, by" if float(dearer) >= 0 else "the design file passes it by; cost changes by"
        lost = "" if identifier == chosen else dear
        alternatives.append(
            Alternative(entry.name or identifier, metrics, lost, identifier == chosen, dearer if lost else None)
        )
    count = desk.ledger.choice("storage.system.considered", len(sized), "1", "Storage systems sized", "each was sized")
    desk.decide(
        Decision(
            "storage",
            "Storage",
            sized[chosen][0].name or chosen,
            "user" if desk.given("storage.system") else "navarch",
            considered=count,
            alternatives=tuple(alternatives),
            binding=_binding(sized[chosen][1]),
            margin=alternatives[1].lost_by if len(alternatives) > 1 else None,
        )
    )


def _binding(estimate: StorageEstimate) -> str:
    """Which of the needs sizes the storage."""
    needs = {
        "capacity": float(estimate.units_for_capacity),
        "read rate": float(estimate.units_for_read),
        "checkpoint write rate": float(estimate.units_for_write),
    }
    return max(needs, key=lambda k: needs[k])
