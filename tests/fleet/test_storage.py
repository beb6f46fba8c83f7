"""Data rates, checkpoints and the sizing of storage against published numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import Catalog, load
from navarch.core.ledger import Ledger
from navarch.fleet.storage import estimate, system

YEAR = 31_536_000.0


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


CHECKPOINT = 405e9 * 14


def sized(unit: system.StorageUnit, checkpoint: float = CHECKPOINT, kept: float = 10.0) -> system.Wanted:
    """Units for Llama 3 405B: 15.6T tokens of 4 bytes in three forms, read at 12 MB/s."""
    return system.wanted(unit, 62.4e12, 3.0, checkpoint, kept, 0.8, 120.0, 11.6e6, 120.0)


def test_mlperf_storage_demand() -> None:
    """3D U-Net on one H100: batch 7 of 146,600,628 bytes in 0.323 s is 3.18 GB/s."""
    assert estimate.loader_demand(1.0, 7.0, 146_600_628.0, 0.323) == pytest.approx(3.177e9, rel=0.001)


def test_checkpoint_sizes() -> None:
    """ML systems textbook, table D.4: 14 bytes a parameter give 98 GB at 7B and 2,450 GB at 175B."""
    assert estimate.checkpoint_bytes(7e9, 14.0) == 98e9
    assert estimate.checkpoint_bytes(175e9, 14.0) == 2450e9


def test_bloom_checkpoint_time() -> None:
    """BLOOM 176B: 2.3 TB written in 40 s is 57.5 GB/s."""
    assert estimate.checkpoint_write_time(2.3e12, 57.5e9) == pytest.approx(40)
    assert estimate.checkpoint_bandwidth(2.3e12, 40.0) == pytest.approx(57.5e9)


def test_tokens_need_little_bandwidth_and_checkpoints_much() -> None:
    assert estimate.token_read_rate(2.9e6, 4.0) < 20e6
    assert estimate.checkpoint_bandwidth(405e9 * 14, 120.0) > 40e9


def test_starvation() -> None:
    assert estimate.accelerator_utilisation(estimate.supply_ratio(50e9, 100e9)) == 0.5
    assert estimate.accelerator_utilisation(estimate.supply_ratio(200e9, 100e9)) == 1


def test_requests_in_flight() -> None:
    """100 GB/s from an object store of 100 ms to the first byte, in requests of 8 MB: 1,250 in flight."""
    assert estimate.requests_in_flight(100e9, 0.1, 8e6) == 1250


def test_units_are_the_larger_need(catalog: Catalog) -> None:
    unit = system.storage_unit(catalog, "ddn-ai400x2")
    found = sized(unit)
    assert found.units == max(found.units_for_capacity, found.units_for_reading, found.units_for_writing)
    assert estimate.aggregate_capacity(found.units, unit.capacity) >= found.capacity
    assert estimate.aggregate_bandwidth(found.units, unit.write) >= found.writing == CHECKPOINT / 120
    assert found.reading == found.writing  # reading it back in as much time asks for more than tokens do
    assert found.largest == "capacity"
    assert system.wanted(unit, 62.4e12, 3.0, CHECKPOINT, 10.0, 0.8, 120.0, 11.6e6).reading == 11.6e6


def test_rented_storage_has_rent_and_no_power(catalog: Catalog) -> None:
    unit = system.storage_unit(catalog, "fsx-lustre-500")
    assert unit.power is None
    assert system.cost_of(unit, 1e15, 3 * YEAR) == pytest.approx(1000 * 340 * 36)


def test_every_storage_system_is_sized_or_refused(catalog: Catalog) -> None:
    for name in catalog.ids("storage"):
        entry = catalog.get("storage", name)
        if entry.read_bandwidth is None or entry.capacity is None:
            with pytest.raises(ValueError, match=f"{name}.*not published"):
                system.storage_unit(catalog, name)
        else:
            assert sized(system.storage_unit(catalog, name)).units >= 1


@given(st.floats(1e9, 1e14), st.floats(1, 100), st.floats(1.0, 10))
def test_more_demand_needs_no_fewer_units(size: float, kept: float, factor: float) -> None:
    unit = system.StorageUnit(90e9, 65e9, 500e12, 2200.0, 2.5e-10, None)
    small, large = sized(unit, size, kept), sized(unit, size * factor, kept)
    assert large.units >= small.units
    assert large.writing >= small.writing


def test_the_trail_is_unbroken(catalog: Catalog) -> None:
    given_ = {
        "dataset": 62.4e12, "copies": 3.0, "checkpoint": CHECKPOINT, "kept": 10.0, "fill": 0.8, "allowed": 120.0,
        "reading": 11.6e6, "restore_allowed": 120.0,
    }  # fmt: skip
    with Ledger() as ledger:
        unit = system.storage_unit(catalog, "ceph-1tib", ledger.fact)  # neither write rate, power nor price published
        found = system.wanted(unit, **{n: ledger.field(n, v, "1", n) for n, v in given_.items()})
        cost = system.cost_of(
            unit, estimate.aggregate_capacity(found.units, unit.capacity), ledger.field("y", YEAR, "s", "y")
        )
        ledger.name("storage.cost", cost)
    assert ledger.orphans() == []
