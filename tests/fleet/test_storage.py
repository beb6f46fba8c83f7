"""Data rates, checkpoints and the sizing of storage against published numbers."""

from __future__ import annotations

from dataclasses import replace

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


def demand() -> system.StorageDemand:
    """Llama 3 405B: 15.6T tokens, about 2.9M tokens a second."""
    return system.StorageDemand(
        tokens=15.6e12, bytes_per_token=4.0, token_rate=2.9e6, copies=3.0, checkpoint_size=405e9 * 14,
        checkpoints_kept=10.0, checkpoint_allowed=120.0, restore_allowed=120.0, fill=0.8, headroom=2.0,
    )  # fmt: skip


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


def test_asynchronous_stall_is_shorter() -> None:
    saved = system.checkpoint(405e9, 14.0, 16384.0, 2048.0, 100e9, 100e9, 25e9, 50e9, 20e9, 1.0, 1.0)
    assert saved.size == 405e9 * 14
    assert saved.stall_asynchronous < 0.02 < 50 < saved.stall_synchronous
    assert saved.time_to_local < saved.time_to_storage
    assert estimate.stall_share(saved.stall_synchronous, 1800.0) == pytest.approx(0.03, abs=0.002)


def test_starvation() -> None:
    assert estimate.accelerator_utilisation(estimate.supply_ratio(50e9, 100e9)) == 0.5
    assert estimate.accelerator_utilisation(estimate.supply_ratio(200e9, 100e9)) == 1


def test_requests_in_flight() -> None:
    """100 GB/s from an object store of 100 ms to the first byte, in requests of 8 MB: 1,250 in flight."""
    assert estimate.requests_in_flight(100e9, 0.1, 8e6) == 1250


def test_units_are_the_larger_need(catalog: Catalog) -> None:
    unit = system.storage_unit(catalog, "ddn-ai400x2")
    sized = system.storage(demand(), unit, 3 * YEAR)
    assert sized.units == max(sized.units_for_capacity, sized.units_for_read, sized.units_for_write)
    assert sized.capacity >= sized.capacity_needed
    assert sized.write_bandwidth >= sized.write_needed
    assert sized.read_bandwidth >= sized.read_needed >= 2 * sized.read_demand
    assert sized.accelerator_utilisation == 1
    assert sized.dataset == 62.4e12
    assert sized.power == sized.units * 2200
    assert sized.cost > 0


def test_rented_storage_has_rent_and_no_power(catalog: Catalog) -> None:
    unit = system.storage_unit(catalog, "fsx-lustre-500")
    sized = system.storage(demand(), unit, 3 * YEAR)
    assert sized.power is None
    assert sized.cost == pytest.approx(sized.capacity / 1e12 * 340 * 36)


def test_every_storage_system_is_sized_or_refused(catalog: Catalog) -> None:
    for name in catalog.ids("storage"):
        entry = catalog.get("storage", name)
        if entry.read_bandwidth is None or entry.capacity is None:
            with pytest.raises(ValueError, match=f"{name}.*not published"):
                system.storage_unit(catalog, name)
        else:
            assert system.storage(demand(), system.storage_unit(catalog, name), YEAR).units >= 1


@given(st.floats(1e9, 1e14), st.floats(1, 100), st.floats(1.0, 10))
def test_more_demand_needs_no_fewer_units(size: float, kept: float, factor: float) -> None:
    unit = system.StorageUnit(90e9, 65e9, 500e12, 2200.0, 2.5e-10, None)
    base = replace(demand(), checkpoint_size=size, checkpoints_kept=kept)
    small = system.storage(base, unit, YEAR)
    large = system.storage(replace(base, checkpoint_size=size * factor), unit, YEAR)
    assert large.units >= small.units
    assert large.cost >= small.cost


def test_the_trail_is_unbroken(catalog: Catalog) -> None:
    with Ledger() as ledger:
        given_ = {n: ledger.field(n, v, "1", n) for n, v in vars_of(demand()).items()}
        years = ledger.field("years", YEAR, "s", "Years")
        unit = system.storage_unit(catalog, "ceph-1tib", ledger.fact)  # neither write rate, power nor price published
        sized = system.storage(system.StorageDemand(**given_), unit, years)
        ledger.name("storage.cost", sized.cost)
    assert ledger.orphans() == []


def vars_of(asked: system.StorageDemand) -> dict[str, float]:
    """The fields of a demand by name."""
    return {name: getattr(asked, name) for name in asked.__dataclass_fields__}
