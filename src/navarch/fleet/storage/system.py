"""Storage for a training run: a unit of a system, how many of them data and checkpoints demand, and what they cost.

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
class Wanted:
    """What a run asks of its storage, and how many units of a system each need takes.

    retained: size of the checkpoints kept [byte]; capacity [byte], reading, writing [byte/s]: needed; units_for_*: that
    meet one need; units: that meet all.
    """

    retained: Number
    capacity: Number
    reading: Number
    writing: Number
    units_for_capacity: Number
    units_for_reading: Number
    units_for_writing: Number
    units: Number

    @property
    def largest(self) -> str:
        """The need that takes most units."""
        needs = {
            "capacity": self.units_for_capacity,
            "checkpoints": self.units_for_writing,
            "reading": self.units_for_reading,
        }
        return max(needs, key=lambda need: float(needs[need]))


def wanted(
    unit: StorageUnit,
    dataset: Number,
    copies: Number,
    checkpoint: Number,
    kept: Number,
    fill: Number,
    allowed: Number,
    reading: Number,
    restore_allowed: Number | None = None,
) -> Wanted:
    """What capacity, checkpoints and mean rates ask for.

    dataset: size [byte], kept in `copies` forms; checkpoint: size of one [byte], so many `kept`; fill: share of the
    capacity that may be used; allowed: time in which a checkpoint must be written [s]; reading: rate demanded of this
    system [byte/s]; restore_allowed: time in which a checkpoint must be read back, where that is asked [s].
    """
    retained = estimate.retained_bytes(checkpoint, kept)
    capacity = estimate.capacity_needed(dataset, copies, retained, fill)
    writing = estimate.checkpoint_bandwidth(checkpoint, allowed)
    if restore_allowed is not None:
        restoring = estimate.checkpoint_bandwidth(
            checkpoint,
            restore_allowed,
            title="Read rate that restoring a checkpoint in time demands",
            symbol="B_read,ckpt",
        )
        reading = largest_of(reading, restoring, title="Read rate that the storage is sized for", symbol="B_read,need")
    return Wanted(
        retained=retained,
        capacity=capacity,
        reading=reading,
        writing=writing,
        units_for_capacity=estimate.units_for(capacity, unit.capacity, title="Storage units that meet the capacity"),
        units_for_reading=estimate.units_for(reading, unit.read, title="Storage units that meet the read rate"),
        units_for_writing=estimate.units_for(writing, unit.write, title="Storage units that meet the write rate"),
        units=estimate.storage_units(capacity, unit.capacity, reading, unit.read, writing, unit.write),
    )


def cost_of(unit: StorageUnit, capacity: Number, duration: Number) -> Number:
    """Cost of so much capacity [USD]: rented for the duration [s], or bought."""
    if unit.rent is not None:
        return estimate.storage_rent(capacity, unit.rent, duration)
    return estimate.storage_cost(capacity, unit.price)
