"""Storage: what training reads and saves, what feeds it at least cost, and the checkpoint on every tier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from navarch.core.arithmetic import complement, largest_of, product_of, ratio, relative_change, smallest_of, sum_of
from navarch.core.ledger import Value, off_the_ledger
from navarch.design.errors import DesignError
from navarch.design.evaluation.cluster import Fleet
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.parallelism import Training
from navarch.design.evaluation.result import Alternative, Decision, decided_by
from navarch.design.evaluation.workload import Workload
from navarch.fleet.storage import estimate as equations
from navarch.fleet.storage.expected import Expected, expected
from navarch.fleet.storage.model import StorageError
from navarch.fleet.storage.parts import Choice, Parts
from navarch.fleet.storage.parts import Workload as Reading
from navarch.fleet.storage.search import Candidate, Found, Needs, search
from navarch.fleet.storage.system import StorageUnit, Wanted, cost_of, wanted

SHOWN = 5  # alternatives told
DRIVE, DRIVES = "nvme-gen4", (0, 1, 2, 4, 8)
BUSY = 0.5  # utilisation from which on the equations are not trusted alone, and the search simulates
SEED = 0


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint: size [byte], and how long each way of saving it takes or stalls training [s]."""

    size: Value
    stall_synchronous: Value  # all of the write
    stall_asynchronous: Value  # copy to host memory
    time_to_storage: Value  # until it survives the loss of the cluster
    time_to_peers: Value  # until it survives the loss of a node, in a peer's memory
    time_to_local: Value  # until it is on local drives
    restore: Value  # from storage
    restore_from_peers: Value


@dataclass(frozen=True)
class Bought:
    """Storage as designed. Sizes [byte], rates [byte/s], cost [USD], power [W] (None: the provider's).

    wanted: what each need asks for.
    """

    choice: Choice
    units: Value
    wanted: Wanted
    capacity: Value
    read: Value
    write: Value
    cost: Value
    power: Value | None


@dataclass(frozen=True)
class Queued:
    """What queueing theory expects of the readers, while no checkpoint is written and while one is."""

    quiet: Expected
    writing: Expected


@dataclass(frozen=True)
class Store:
    """The storage as decided, and the checkpoint that it holds."""

    entry: Any
    estimate: Bought
    checkpoint: Checkpoint


@dataclass(frozen=True)
class Asked:
    """What the storage is for, in the ledger and (plain_*) as plain numbers for the search and the simulation."""

    reading: Reading
    checkpoint: Value
    kept: Value
    copies: Value
    fill: Value
    allowed: Value
    restore: Value
    starved: Value
    duration: Value
    write_depth: Value
    plain_reading: Reading
    plain_needs: Needs


@dataclass(frozen=True)
class Searched:
    """For the document: what may be simulated, and what was (`Candidate.run`)."""

    parts: Parts
    asked: Asked
    choice: Choice
    chosen: Candidate | None


def evaluate(desk: Desk, workload: Workload, fleet: Fleet, plan: Training) -> Store:
    """Decide the storage, and put sizes, rates, starvation and checkpoint times down."""
    asked = _asked(desk, workload, fleet, plan)
    found = _search(desk, asked)
    parts = _parts(desk)
    chosen = _chosen(desk, asked, found)
    bought = {chosen.system: _bought(desk, parts, asked, chosen, "storage")}
    desk.curves["storage"] = _searched(desk, asked, found, chosen)
    for each in found.by_system:
        if each.choice.system not in bought and len(bought) < SHOWN:
            path = f"storage.considered.{each.choice.system}"
            bought[each.choice.system] = _bought(desk, parts, asked, each.choice, path)
    best = bought[chosen.system]
    entry = desk.catalog.get("storage", chosen.system)
    saved = _checkpoint(desk, workload, fleet, best)
    _put(desk, entry, asked, best, _queued(desk, asked, best), saved)
    _decide(desk, found, bought, chosen)
    return Store(entry, best, saved)


def _parts(desk: Desk, measured: dict[str, StorageUnit] | None = None) -> Parts:
    """The catalog's facts in the ledger."""

    def stated(number: float, what: str) -> Value:
        return desk.ledger.choice(f"storage.queues.{what}", number, "1", what, "of the queue itself")

    return Parts(desk.catalog, desk.enter, stated=stated, measured=measured or {})


def _asked(desk: Desk, workload: Workload, fleet: Fleet, plan: Training) -> Asked:
    """What training reads and saves. A replica of the model reads each sequence once, whatever shares it out."""
    per_token = desk.take("storage.bytes_per_token", "design.bytes-per-token")
    trained = workload.tokens
    if trained is None:
        raise DesignError("workload.tokens", "is needed to size the storage")
    stored = trained
    if desk.given("storage.dataset"):
        size = desk.field("storage.dataset")
        stored = ratio(size, per_token, unit="token", title="Tokens that the stored data set holds", symbol="D")
    batch = ratio(workload.batch, plan.plan.data, unit="1", title="Sequences that a replica reads in a step")
    sample = product_of(
        workload.sequence, per_token, unit="byte", title="Size of a sequence as stored", symbol="m_sample"
    )
    whole = product_of(batch, sample, unit="byte", title="Size of the batch of a replica")
    reading = Reading(
        accelerators=plan.plan.data,
        rate=ratio(
            batch, plan.estimate.step_time, unit="1/s", title="Sequences a second of a replica", symbol="r_sample"
        ),
        batch=batch,
        sample=sample,
        samples=ratio(stored, workload.sequence, unit="1", title="Sequences of the stored data set", symbol="D_seq"),
        epochs=ratio(trained, stored, unit="1", title="Epochs of the run", symbol="E"),
        request=smallest_of(desk.constant("storage.loader-request"), whole, title="Size of a read request"),
        workers=desk.constant("storage.loader-workers"),
        depth=desk.constant("storage.loader-depth"),
        prefetch=desk.take("storage.prefetch", "storage.loader-prefetch"),
        per_node=1,
        fleet=fleet.nodes,
    )
    size = equations.checkpoint_bytes(workload.parameters, desk.constant("storage.checkpoint-bytes-per-parameter"))
    numbers = {
        "checkpoint": size,
        "kept": desk.take("storage.retained_checkpoints", "design.retained-checkpoints"),
        "copies": desk.constant("storage.dataset-copies"),
        "fill": desk.constant("storage.fill"),
        "allowed": desk.constant("storage.checkpoint-allowed"),
        "restore": desk.constant("storage.restore-allowed"),
        "starved": desk.take("storage.starvation_limit", "storage.starvation-allowed"),
        "duration": plan.work,
        "write_depth": desk.constant("storage.write-depth"),
    }
    plain = {name: float(value) for name, value in numbers.items()}
    needs = Needs(
        plain["checkpoint"], plain["allowed"], plain["kept"], plain["copies"], plain["starved"], plain["duration"],
        plain["fill"], int(plain["write_depth"]), plain["restore"],
    )  # fmt: skip
    return Asked(reading, **numbers, plain_reading=_plain(reading), plain_needs=needs)


def _plain(reading: Reading) -> Reading:
    """The same in plain numbers, epochs and batch at least one."""
    whole = ("accelerators", "workers", "depth", "prefetch", "fleet")
    told: dict[str, Any] = {name: int(float(getattr(reading, name))) for name in whole}
    told |= {name: float(getattr(reading, name)) for name in ("rate", "sample", "samples", "request")}
    told |= {"batch": max(int(float(reading.batch)), 1), "epochs": max(float(reading.epochs), 1.0)}
    return replace(reading, **told)


def _search(desk: Desk, asked: Asked) -> Found:
    """The grid judged by the equations; simulated too where they might be wrong."""
    parts, names = Parts(desk.catalog), _systems(desk)
    drive = str(desk.text("storage.cache_drive") or DRIVE)
    desk.look("storage", drive, "storage.cache_drive")
    drives = (int(desk.field("storage.cache_drives")),) if desk.given("storage.cache_drives") else DRIVES
    with off_the_ledger():
        try:
            found = search(
                parts, asked.plain_reading, asked.plain_needs, names, drives, drive, seed=SEED, runs_of_best=False
            )
            if found.best is None or desk.given("storage.system") or _is_plain(found.best):
                return found
            return search(parts, asked.plain_reading, asked.plain_needs, names, drives, drive, seed=SEED)
        except StorageError as error:
            raise DesignError("storage", str(error)) from error


def _is_plain(best: Candidate) -> bool:
    """Whether a simulation could tell nothing new: servers half idle, and buffers that outlast a checkpoint's write."""
    told = best.expected
    return float(told.busiest.utilisation) <= BUSY and float(told.lead) >= best.write_time


def _systems(desk: Desk) -> list[str]:
    """The systems that can be bought or rented by the unit, and the one that the user names."""
    from navarch.fleet.storage.search import systems_of

    asked = desk.text("storage.system")
    if asked is not None:
        desk.look("storage", asked, "storage.system")
        try:
            with off_the_ledger():
                Parts(desk.catalog).unit(asked)
        except StorageError as error:
            raise DesignError("storage.system", str(error).removeprefix("system: ")) from error
    names = systems_of(desk.catalog, rented=desk.text("cost.ownership") == "cloud")
    return names if asked is None or asked in names else [asked, *names]


def _chosen(desk: Desk, asked: Asked, found: Found) -> Choice:
    """The user's system, units and cache where given, else the cheapest that feeds everybody."""
    system = desk.text("storage.system")
    if system is None:
        best = found.best or found.naive
        if best is None:
            raise DesignError("storage.system", "no system of the catalog can be sized; name one")
        choice = best.choice
    else:
        known = next((each.choice for each in found.by_system if each.choice.system == system), None)
        choice = known or Choice(str(system), _fewest(desk, asked, str(system)), DRIVE, 0)
    if desk.given("storage.units"):
        choice = replace(choice, units=int(desk.field("storage.units")), drives=0)
    if desk.given("storage.cache_drives"):
        choice = replace(choice, drives=int(desk.field("storage.cache_drives")))
    return choice


def _fewest(desk: Desk, asked: Asked, system: str) -> int:
    """Units that averages ask for, of a system of which no count feeds everybody."""
    needs, reading = asked.plain_needs, asked.plain_reading
    with off_the_ledger():
        told = wanted(
            Parts(desk.catalog).unit(system), reading.dataset, needs.copies, needs.checkpoint, needs.kept, needs.fill,
            needs.allowed, reading.demand, needs.restore,
        )  # fmt: skip
    return int(told.units)


def _searched(desk: Desk, asked: Asked, found: Found, chosen: Choice) -> Searched:
    ran = next((each for each in found.simulated if each.choice == chosen), None)
    measured = {}
    if any(desk.given(f"storage.{name}") for name in ("read_bandwidth", "write_bandwidth", "capacity")):
        with off_the_ledger():
            unit = Parts(desk.catalog).unit(chosen.system)
            measured = {chosen.system: _as_measured(desk, unit, chosen.units)}
    return Searched(Parts(desk.catalog, measured=measured), asked, chosen, ran)


def _bought(desk: Desk, parts: Parts, asked: Asked, choice: Choice, path: str) -> Bought:
    """A design in the ledger: what is wanted of it, what it gives and costs, and what queues do to its readers."""
    reading, mine = asked.reading, path == "storage"
    reason = "the fewest units that feed every accelerator" if mine else "considered"
    units = _number(desk, f"{path}.units", choice.units, f"Units of {choice.system}", reason, mine)
    drives: Value | int = 0
    if choice.drives:
        drives = _number(desk, f"{path}.cache_drives", choice.drives, "Drives of a node's cache", reason, mine)
    unit = parts.unit(choice.system)
    cost = cost_of(unit, equations.aggregate_capacity(units, unit.capacity), asked.duration)
    power = None if unit.power is None else equations.storage_power(units, unit.power)
    if mine:
        parts = _parts(desk, {choice.system: _as_measured(desk, unit, units)})
        unit = parts.unit(choice.system)
    on_ledger = replace(choice, units=units, drives=drives)
    missed = complement(parts.cached(reading, on_ledger), title="Share of the reads that shared storage serves")
    demand = product_of(reading.demand, missed, unit="byte/s", title="Read rate demanded of shared storage")
    told = wanted(
        unit, reading.dataset, asked.copies, asked.checkpoint, asked.kept, asked.fill, asked.allowed, demand,
        asked.restore,
    )  # fmt: skip
    if choice.drives:
        drive = parts.unit(choice.drive)
        many = product_of(reading.fleet, drives, unit="1", title="Drives of all caches")
        cache = cost_of(drive, equations.aggregate_capacity(many, drive.capacity), asked.duration)
        cost = sum_of(cost, cache, title="Cost of the storage, caches included")
        if power is not None and drive.power is not None:
            power = sum_of(power, equations.storage_power(many, drive.power), title="Power of the storage")
    return Bought(
        choice=on_ledger,
        units=units,
        wanted=told,
        capacity=equations.aggregate_capacity(units, unit.capacity),
        read=equations.aggregate_bandwidth(units, unit.read, title="Read rate of the storage", symbol="B_storage,read"),
        write=equations.aggregate_bandwidth(
            units, unit.write, title="Write rate of the storage", symbol="B_storage,write"
        ),
        cost=cost,
        power=power,
    )


def _queued(desk: Desk, asked: Asked, bought: Bought) -> Queued:
    """The readers of the chosen storage."""
    unit = _parts(desk).unit(bought.choice.system)
    parts = _parts(desk, {bought.choice.system: _as_measured(desk, unit, bought.units)})
    store, readers = parts.store(asked.reading, bought.choice), asked.reading.readers
    saving = parts.saving(asked.reading, asked.checkpoint, 1, "asynchronous", depth=asked.write_depth)
    return Queued(expected(store, readers, None, parts.stated), expected(store, readers, saving, parts.stated))


def _number(desk: Desk, path: str, number: float, title: str, reason: str, mine: bool) -> Value:
    """The user's field where it is of the chosen design, else a choice."""
    if mine and desk.given(path):
        return desk.field(path)
    return desk.ledger.choice(path, float(number), "1", title, reason)


def _as_measured(desk: Desk, unit: StorageUnit, units: Value | float) -> StorageUnit:
    """A unit with what the user measured of the whole in place of the catalog's figures."""
    told = {
        name: ratio(desk.field(f"storage.{field}"), units, unit=measure, title=title)
        for name, field, measure, title in (
            ("read", "read_bandwidth", "byte/s", "Measured read rate of a unit"),
            ("write", "write_bandwidth", "byte/s", "Measured write rate of a unit"),
            ("capacity", "capacity", "byte", "Measured capacity of a unit"),
        )
        if desk.given(f"storage.{field}")
    }
    return replace(unit, **told)


def _checkpoint(desk: Desk, workload: Workload, fleet: Fleet, bought: Bought) -> Checkpoint:
    size = equations.checkpoint_bytes(workload.parameters, desk.constant("storage.checkpoint-bytes-per-parameter"))
    network, accelerators = fleet.hardware.scaleout_bandwidth, fleet.accelerators
    written = equations.checkpoint_write_time(size, bought.write)
    return Checkpoint(
        size=size,
        stall_synchronous=written,
        stall_asynchronous=equations.host_copy_time(size, accelerators, desk.constant("storage.host-bandwidth")),
        time_to_storage=written,
        time_to_peers=equations.peer_copy_time(size, accelerators, desk.constant("storage.peer-copies"), network),
        time_to_local=equations.local_write_time(size, fleet.nodes, desk.constant("storage.local-bandwidth")),
        restore=equations.restore_time(size, desk.constant("storage.restore-readers"), bought.read),
        restore_from_peers=equations.host_copy_time(
            size, accelerators, network, title="Time to restore from a peer's memory", symbol="t_peer"
        ),
    )


def _put(desk: Desk, entry: Any, asked: Asked, bought: Bought, queued: Queued, saved: Checkpoint) -> None:
    desk.labels |= {"storage": entry.name or entry.id, "storage_unit": entry.unit_of_scale}
    reading, told = asked.reading, bought.wanted
    demand = reading.demand
    found = {
        "replicas": reading.accelerators,
        "sample": reading.sample,
        "sample_rate": product_of(
            reading.accelerators, reading.rate, unit="1/s", title="Sequences a second of all replicas"
        ),
        "epochs": reading.epochs,
        "bytes_of_run": reading.total,
        "epoch_time": reading.epoch,
        "dataset": reading.dataset,
        "retained": told.retained,
        "capacity_needed": told.capacity,
        "read_demand": demand,
        "read_needed": told.reading,
        "write_needed": told.writing,
        "units": bought.units,
        "capacity": bought.capacity,
        "read_bandwidth": bought.read,
        "write_bandwidth": bought.write,
        "supply": equations.supply_ratio(bought.read, demand),
        "starvation": queued.quiet.starvation,
        "starvation_writing": queued.writing.starvation,
        "waiting": complement(
            queued.writing.utilisation, title="Share of the time that accelerators wait for data, by rates alone"
        ),
        "late_steps": queued.quiet.late_steps,
        "busiest": queued.quiet.busiest.utilisation,
        "fetch": queued.quiet.fetch,
        "fetch_writing": queued.writing.fetch,
        "lead": queued.quiet.lead,
        "power": bought.power,
        "cost": bought.cost,
        "units_for_capacity": told.units_for_capacity,
        "units_for_read": told.units_for_reading,
        "units_for_write": told.units_for_writing,
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
    limited = largest_of(
        queued.writing.starvation, desk.quantities["storage.waiting"], title="Starvation while a checkpoint is written"
    )
    desk.at_most("storage.starvation_limit", "Waiting for data", limited)


def _decide(desk: Desk, found: Found, bought: dict[str, Bought], chosen: Choice) -> None:
    best = bought[chosen.system]
    alternatives = []
    for system, other in bought.items():
        mine = system == chosen.system
        dearer = relative_change(other.cost, best.cost, title="Cost over the chosen storage")
        dear = "costs more, by" if float(dearer) >= 0 else "the design file passes it by; cost changes by"
        written = equations.checkpoint_write_time(desk.quantities["checkpoint.size"], other.write)
        metrics = {
            "units": other.units,
            "read": other.read,
            "write": other.write,
            "checkpoint in": written,
            "cost": other.cost,
        }
        alternatives.append(
            Alternative(_title(desk, other), metrics, "" if mine else dear, mine, None if mine else dearer)
        )
    count = desk.ledger.choice(
        "storage.system.considered", found.considered, "1", "Storage designs judged", "systems, units and caches"
    )
    feasible = desk.ledger.choice(
        "storage.system.feasible", found.feasible, "1", "Storage designs that feed every accelerator", "by the queues"
    )
    desk.decide(
        Decision(
            "storage",
            "Storage",
            alternatives[0].label,
            decided_by([desk.given("storage.system"), desk.given("storage.units")]),
            considered=count,
            feasible=feasible,
            alternatives=tuple(alternatives),
            binding=best.wanted.largest,
            margin=alternatives[1].lost_by if len(alternatives) > 1 else None,
        )
    )


def _title(desk: Desk, bought: Bought) -> str:
    """A design in words: its system, and the cache of each node if it has one."""
    entry = desk.catalog.get("storage", bought.choice.system)
    name = entry.name or entry.id
    if not bought.choice.drives:
        return str(name)
    return f"{name}, and {int(float(bought.choice.drives))} x {bought.choice.drive} a node"
