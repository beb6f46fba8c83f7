"""Storage for a training run: what data and checkpoints demand, the units that supply it, and what they cost.

Plain compositions of the equations of `estimate.py`: they run on floats, on arrays of designs and, under a ledger, on
remembered values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import largest_of
from navarch.core.ledger import Fact
from navarch.fleet.storage import estimate

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Number = Any  # a float, a Value or an array


@dataclass(frozen=True, slots=True)
class StorageUnit:
    """A unit of a storage system: rates [byte/s], capacity [byte], power [W], price [USD/byte], rent [USD/(byte*s)].

    `power` is None where it is the provider's (rented storage); one of `price` and `rent` is None.
    """

    read: Number
    write: Number
    capacity: Number
    power: Number | None
    price: Number | None
    rent: Number | None


def storage_unit(catalog: Catalog, name: str, take: Callable[[Fact], Number] = float) -> StorageUnit:
    """A unit by its id in the `storage` collection; what its maker does not publish comes from the constants.

    take: `float`, or `ledger.fact` under a ledger. Raises ValueError where read rate or capacity is not known, since
    nothing can be sized by such an entry.
    """
    entry = catalog.get("storage", name)
    lacking = [a for a in ("read_bandwidth", "capacity") if getattr(entry, a) is None]
    if lacking:
        raise ValueError(f"the storage system {name!r} cannot be sized: its {' and '.join(lacking)} is not published")

    def constant(key: str) -> Number:
        return take(catalog.fact("constant", f"storage.{key}"))

    read, capacity = take(entry.read_bandwidth), take(entry.capacity)
    rented = entry.rent is not None
    if entry.write_bandwidth is not None:
        write = take(entry.write_bandwidth)
    else:
        write = estimate.write_from_read(read, constant("write-over-read"))
    if rented:
        return StorageUnit(read, write, capacity, None, None, take(entry.rent))
    if entry.power is not None:
        power = take(entry.power)
    else:
        power = estimate.storage_power_by_capacity(
            capacity, constant("power-per-byte"), title="Power of a storage unit", symbol="P_unit"
        )
    price = take(entry.capex) if entry.capex is not None else constant("capex")
    return StorageUnit(read, write, capacity, power, price, None)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint: size [byte], and how long each way of saving it stalls training or exposes it [s]."""

    size: Number
    stall_synchronous: Number  # all of the write
    stall_asynchronous: Number  # copy to host memory
    time_to_storage: Number  # until it survives the loss of the cluster
    time_to_peers: Number  # until it survives the loss of a node, in a peer's memory
    time_to_local: Number  # until it is on local drives
    restore: Number  # from storage
    restore_from_peers: Number


def checkpoint(
    parameters: Number,
    bytes_per_parameter: Number,
    accelerators: Number,
    nodes: Number,
    write_bandwidth: Number,
    read_bandwidth: Number,
    host_bandwidth: Number,
    network_bandwidth: Number,
    local_bandwidth: Number,
    copies: Number,
    readers: Number,
) -> Checkpoint:
    """Size and times of a checkpoint on each tier.

    write_bandwidth, read_bandwidth: of the storage, all together [byte/s]; host_bandwidth: of one accelerator to its
    host; network_bandwidth: of one accelerator to the network; local_bandwidth: of one node's drives [byte/s];
    copies: in peers' memories; readers: replicas that each read all of it on restart.
    """
    size = estimate.checkpoint_bytes(parameters, bytes_per_parameter)
    written = estimate.checkpoint_write_time(size, write_bandwidth)
    return Checkpoint(
        size=size,
        stall_synchronous=written,
        stall_asynchronous=estimate.host_copy_time(size, accelerators, host_bandwidth),
        time_to_storage=written,
        time_to_peers=estimate.peer_copy_time(size, accelerators, copies, network_bandwidth),
        time_to_local=estimate.local_write_time(size, nodes, local_bandwidth),
        restore=estimate.restore_time(size, readers, read_bandwidth),
        restore_from_peers=estimate.host_copy_time(
            size, accelerators, network_bandwidth, title="Time to restore from a peer's memory", symbol="t_peer"
        ),
    )


@dataclass(frozen=True, slots=True)
class StorageEstimate:
    """Storage as sized. Sizes [byte], rates [byte/s], power [W], cost [USD]."""

    dataset: Number
    retained: Number
    capacity_needed: Number
    read_demand: Number  # of the data loader
    read_needed: Number  # what the storage is sized for: the loader with headroom, or restoring in time
    write_needed: Number
    units: Number
    units_for_capacity: Number
    units_for_read: Number
    units_for_write: Number
    capacity: Number
    read_bandwidth: Number
    write_bandwidth: Number
    supply: Number  # delivered over demanded
    accelerator_utilisation: Number
    power: Number | None  # None: the provider's
    cost: Number  # bought, or rented for the duration


@dataclass(frozen=True, slots=True)
class StorageDemand:
    """What a run asks of its storage."""

    tokens: Number
    bytes_per_token: Number
    token_rate: Number  # token/s of the whole run
    copies: Number  # of the dataset
    checkpoint_size: Number  # byte
    checkpoints_kept: Number
    checkpoint_allowed: Number  # s in which a checkpoint must be written
    restore_allowed: Number  # s in which a checkpoint must be read back
    fill: Number  # share of the capacity that may be used
    headroom: Number  # read rate provided over the loader's demand


def storage(demand: StorageDemand, unit: StorageUnit, duration: Number) -> StorageEstimate:
    """Size the storage of a run: the larger of what capacity, reading and writing need.

    duration: for which rented storage is paid [s].
    """
    dataset = estimate.dataset_bytes(demand.tokens, demand.bytes_per_token)
    retained = estimate.retained_bytes(demand.checkpoint_size, demand.checkpoints_kept)
    needed = estimate.capacity_needed(dataset, demand.copies, retained, demand.fill)
    loader = estimate.token_read_rate(demand.token_rate, demand.bytes_per_token)
    read = largest_of(
        estimate.with_headroom(loader, demand.headroom),
        estimate.checkpoint_bandwidth(
            demand.checkpoint_size,
            demand.restore_allowed,
            title="Read rate that restoring a checkpoint in time demands",
            symbol="B_read,ckpt",
        ),
        title="Read rate that the storage is sized for",
        symbol="B_read,need",
    )
    write = estimate.checkpoint_bandwidth(demand.checkpoint_size, demand.checkpoint_allowed)
    units = estimate.storage_units(needed, unit.capacity, read, unit.read, write, unit.write)
    capacity = estimate.aggregate_capacity(units, unit.capacity)
    delivered = estimate.aggregate_bandwidth(
        units, unit.read, title="Read rate of the storage", symbol="B_storage,read"
    )
    supply = estimate.supply_ratio(delivered, loader)
    return StorageEstimate(
        dataset=dataset,
        retained=retained,
        capacity_needed=needed,
        read_demand=loader,
        read_needed=read,
        write_needed=write,
        units=units,
        units_for_capacity=estimate.units_for(needed, unit.capacity, title="Storage units that meet the capacity"),
        units_for_read=estimate.units_for(read, unit.read, title="Storage units that meet the read rate"),
        units_for_write=estimate.units_for(write, unit.write, title="Storage units that meet the write rate"),
        capacity=capacity,
        read_bandwidth=delivered,
        write_bandwidth=estimate.aggregate_bandwidth(
            units, unit.write, title="Write rate of the storage", symbol="B_storage,write"
        ),
        supply=supply,
        accelerator_utilisation=estimate.accelerator_utilisation(supply),
        power=None if unit.power is None else estimate.storage_power(units, unit.power),
        cost=cost_of(unit, capacity, duration),
    )


def cost_of(unit: StorageUnit, capacity: Number, duration: Number) -> Number:
    """Cost of so much capacity [USD]: rented for the duration [s], or bought."""
    if unit.rent is not None:
        return estimate.storage_rent(capacity, unit.rent, duration)
    return estimate.storage_cost(capacity, unit.price)
