"""Readers, stragglers, bursts and checkpoints: what the mechanism does at its edges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.core.gantt import write
from navarch.core.ledger import Ledger
from navarch.fleet.storage import estimate
from navarch.fleet.storage.expected import expected
from navarch.fleet.storage.model import Metadata, Readers, Saving, StorageError, Store, Tier
from navarch.fleet.storage.parts import Choice, Parts, Workload, checkpoint_modes
from navarch.fleet.storage.simulate import replicate, simulate

SHARED = Tier("shared", 4, 4, 1e-3, 4e-3)
READERS = Readers(64, 0.1, 8, 1e6, workers=2, depth=2, prefetch=4)


def test_the_same_seed_gives_the_same_run_and_another_another() -> None:
    store = Store((replace(SHARED, service="pareto"),))
    first, again, other = (simulate(store, READERS, 30, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.began, again.began)
    assert first.tiers[0].response == again.tiers[0].response
    assert first.tiers[0].response != other.tiers[0].response


def test_enough_storage_never_starves_and_delivers_what_is_demanded() -> None:
    run = simulate(Store((SHARED,)), READERS, 50)
    assert run.starvation == run.stalled == run.late_steps == 0
    assert run.utilisation == 1
    assert run.rate == pytest.approx(64 * 8 * 1e6 / 0.1)
    assert run.duration == pytest.approx(50 * 0.1, rel=0.03)


def test_too_little_storage_delivers_what_it_can() -> None:
    """Sixteen channels of 4 ms serve 4,000 requests a second where 5,120 are demanded."""
    store = Store((replace(SHARED, read=4e-3),))
    run = simulate(store, READERS, 200)
    assert run.rate == pytest.approx(4000 * 1e6, rel=0.05)
    assert run.utilisation == pytest.approx(4000 / 5120, rel=0.05)
    assert expected(store, READERS).utilisation == pytest.approx(4000 / 5120, rel=1e-6)


def test_a_slow_loader_is_bound_by_its_own_requests_in_flight() -> None:
    """One request of 50 ms in flight an accelerator: 20 a second, 80 demanded."""
    slow = replace(SHARED, latency=0.05)
    readers = replace(READERS, workers=1, depth=1)
    run = simulate(Store((slow,)), readers, 60, warm=20)
    assert run.utilisation == pytest.approx(0.1 / (8 * 0.051), rel=0.03)
    assert float(expected(Store((slow,)), readers).utilisation) == pytest.approx(0.1 / (8 * 0.051), rel=0.03)


@settings(max_examples=6)
@given(st.integers(1, 6))
def test_more_prefetch_never_starves_more(prefetch: int) -> None:
    store = Store((Tier("t", 4, 1, 2.8e-3, 2.8e-3, service="exponential"),))
    readers = replace(READERS, accelerators=16, prefetch=prefetch, workers=8)
    less = simulate(store, readers, 150, seed=3)
    more = simulate(store, replace(readers, prefetch=2 * prefetch), 150, seed=3)
    assert more.stalled <= less.stalled + 1e-3


def test_one_straggler_stops_everybody_who_steps_together() -> None:
    """Late batches are rare; steps of 64 accelerators that wait for one of them are not."""
    store = Store((Tier("t", 64, 1, 4e-3, 4e-3, service="pareto", shape=2.1),))
    readers = replace(READERS, prefetch=1, workers=1, depth=4)
    run = simulate(store, readers, 200, seed=1)
    assert 0 < run.starvation < 0.1
    assert run.late_steps > 5 * run.starvation


def test_a_slow_server_holds_everybody_back_and_a_second_copy_does_not() -> None:
    slow = Tier("t", 10, 2, 2.4e-3, 2.4e-3, slow=0.1, slow_factor=3.0)
    alone = simulate(Store((slow,)), READERS, 120)
    copied = simulate(Store((replace(slow, choices=2),)), READERS, 120)
    assert alone.stalled > 0.1
    assert copied.stalled < 0.01
    assert expected(Store((slow,)), READERS).starvation == 1


def test_local_servers_are_those_of_the_node() -> None:
    own = Tier("own", 8, 1, 1e-3, 1e-3, own_reads=True)
    run = simulate(Store((own,)), READERS, 40)
    assert run.tiers[0].utilisation == pytest.approx(8 * 8 * 1e-3 / 0.1, rel=0.05)


def test_shares_of_the_tiers_are_met() -> None:
    store = Store((replace(SHARED, share=0.25), Tier("cache", 8, 8, 1e-4, 1e-4, share=0.75)))
    run = simulate(store, READERS, 100)
    served = run.tiers[0].requests / (run.tiers[0].requests + run.tiers[1].requests)
    assert served == pytest.approx(0.25, abs=0.01)


def test_small_files_queue_for_metadata() -> None:
    """5,120 opens a second on servers that do 2,000: the metadata, not the bytes, starve the accelerators."""
    store = Store((replace(SHARED, lookup=True),), Metadata(2, 1e-3))
    run = simulate(store, READERS, 80)
    assert run.tiers[0].utilisation < 0.2
    assert run.utilisation == pytest.approx(2000 / 5120, rel=0.1)
    assert float(expected(store, READERS).utilisation) == pytest.approx(2000 / 5120, rel=1e-6)


# Checkpoints


def saving(mode: str, **more: object) -> Saving:
    given = {"every": 20, "writers": 8, "chunks": 50, "copy": 0.05, "shared": "shared"} | more
    return Saving(mode=mode, **given)  # type: ignore[arg-type]


def test_a_synchronous_checkpoint_holds_training_for_the_whole_write() -> None:
    """400 chunks of 4 ms on 16 channels are 0.1 s; nobody reads meanwhile but to fill the buffers."""
    run = simulate(Store((SHARED,)), READERS, 60, warm=0, saving=saving("synchronous"))
    assert len(run.checkpoints) == 2
    assert run.checkpoints[0].times[0] == pytest.approx(0.1, rel=0.3)
    assert run.held == pytest.approx(sum(each.times[0] for each in run.checkpoints) / run.duration, rel=0.01)


def test_an_asynchronous_checkpoint_holds_training_for_the_copy_alone() -> None:
    run = simulate(Store((SHARED,)), READERS, 60, warm=0, saving=saving("asynchronous"))
    assert run.held == pytest.approx(2 * 0.05 / run.duration, rel=0.01)
    assert run.checkpoints[0].times[0] > 0.05


def test_a_multi_tier_checkpoint_is_near_first_and_shared_later() -> None:
    local = Tier("local", 8, 1, 1e-3, 1e-3, share=0.0, own_writes=True)
    run = simulate(Store((SHARED, local)), READERS, 60, warm=0, saving=saving("multi-tier", local="local"))
    near, safe = run.checkpoints[0].times
    assert near == pytest.approx(0.05 + 50 * 1e-3, rel=0.02)
    assert safe > near + 0.09
    assert run.held == pytest.approx(2 * 0.05 / run.duration, rel=0.01)


def test_checkpoints_faster_than_they_can_be_written_hold_training() -> None:
    often = saving("asynchronous", every=2, chunks=400)
    run = simulate(Store((SHARED,)), READERS, 40, warm=0, saving=often)
    assert run.held > 0.5
    stall = estimate.background_stall(0.05, 0.8, 0.2)
    assert stall == pytest.approx(0.65)


def test_a_checkpoint_beside_the_reading_starves_who_is_fed_on_average() -> None:
    store = Store((Tier("shared", 4, 4, 2.5e-3, 40e-3),))
    quiet = simulate(store, READERS, 80, warm=20)
    burst = simulate(store, READERS, 80, warm=20, saving=saving("asynchronous", chunks=200, depth=16))
    assert quiet.stalled == 0
    assert burst.stalled > 0.05
    assert expected(store, READERS, saving("asynchronous", chunks=200, depth=16)).utilisation < 1


def test_modes_in_closed_form() -> None:
    """405B at 14 bytes: 5.67 TB on 100 GB/s; 16,384 accelerators copy it to their hosts in 14 ms."""
    sync, background, tiered = checkpoint_modes(5.67e12, 16384.0, 2048.0, 100e9, 25e9, 20e9, 600.0)
    assert sync.stall == pytest.approx(56.7)
    assert background.stall == pytest.approx(0.01384, rel=1e-3)
    assert tiered.near == pytest.approx(0.01384 + 0.1384, rel=1e-3)
    assert tiered.safe > sync.safe
    assert sync.share > 0.08 > 1e-4 > background.share


# From the catalog


def test_a_thousand_accelerators_on_an_appliance(parts: Parts) -> None:
    workload = Workload(1000, 2500.0, 250, 115e3, 1e8)
    assert workload.demand == pytest.approx(287.5e9)
    assert workload.epoch == pytest.approx(40.0)
    assert workload.total == pytest.approx(115e12)
    run = simulate(parts.store(workload, Choice("ddn-ai400x2", 4)), workload.readers, 20)
    assert run.starvation == 0


def test_object_store_prefixes_limit_requests(parts: Parts) -> None:
    """29,000 requests a second are demanded, a prefix does 5,500; its latency needs 32 in flight and more."""
    workload = Workload(100, 2500.0, 250, 115e3, 1e8, workers=16)
    few = expected(parts.store(workload, Choice("s3-standard", 1)), workload.readers)
    many = expected(parts.store(workload, Choice("s3-standard", 10)), workload.readers)
    assert few.utilisation == pytest.approx(5500 / 29000)
    assert many.utilisation == 1


def test_an_object_store_whose_limits_are_not_published_is_refused(parts: Parts) -> None:
    workload = Workload(100, 2500.0, 250, 115e3, 1e8)
    with pytest.raises(StorageError, match=r"gcs-standard.*read_bandwidth.*not published"):
        parts.store(workload, Choice("gcs-standard", 1))


def test_the_trail_of_the_estimate_leads_to_facts(parts: Parts) -> None:
    with Ledger() as ledger:
        traced = Parts(parts.catalog, ledger.fact)
        stall = estimate.background_stall(
            estimate.host_copy_time(
                ledger.field("size", 5.67e12, "byte", "Size"), ledger.field("n", 1000.0, "1", "Accelerators"),
                traced.constant("host-bandwidth"),
            ),
            ledger.field("write", 60.0, "s", "Write"), ledger.field("interval", 600.0, "s", "Interval"),
        )  # fmt: skip
        ledger.name("stall", stall)
    assert ledger.orphans() == []


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: replace(READERS, accelerators=0), r"accelerators: 0 is not allowed; at least 1"),
        (lambda: replace(READERS, step=0.0), r"step: 0 is not allowed; more than 0"),
        (lambda: replace(SHARED, service="normal"), r"service: 'normal' is not one of fixed, exponential, pareto"),
        (lambda: replace(SHARED, service="pareto", shape=1.5), r"shape: 1.5 is not allowed; more than 2"),
        (lambda: Store((replace(SHARED, share=0.5),)), r"add up to 0.5; they must add up to 1"),
        (lambda: simulate(Store((SHARED,)), READERS, 10, warm=10), r"warm: 10 is not allowed; 0 to 9"),
        (lambda: simulate(Store((SHARED,)), READERS, 10**7), r"requests, more than the 400,000,000"),
        (lambda: saving("multi-tier"), r"needs a local tier"),
        (
            lambda: simulate(Store((SHARED,)), replace(READERS, together=False), 9, saving=saving("synchronous")),
            r"checkpoints need accelerators that step together",
        ),
        (
            lambda: simulate(Store((SHARED,)), READERS, 9, saving=saving("synchronous", shared="disk")),
            r"none named 'disk'; there are: shared",
        ),
    ],
)
def test_a_mistake_is_told(make: object, told: str) -> None:
    with pytest.raises(StorageError, match=told):
        make()  # type: ignore[operator]


def test_replications_differ_and_tell_how_far_they_are() -> None:
    told: list[float] = []
    store = Store((replace(SHARED, service="pareto"),))
    runs = replicate(store, READERS, 20, 3, progress=told.append)
    assert len({run.tiers[0].response for run in runs}) == 3
    assert told[-1] == 1


def test_a_run_is_drawn_and_is_a_table(tmp_path: Path) -> None:
    run = simulate(Store((SHARED,)), READERS, 60, saving=saving("asynchronous"))
    assert run.to_frame().shape == (60, 3)
    write(run.plot(), tmp_path / "run.svg", "Storage")
    assert "checkpoint being written" in (tmp_path / "run.svg").read_text()


@pytest.mark.slow
def test_sixteen_thousand_accelerators(parts: Parts) -> None:
    workload = Workload(16384, 2500.0, 250, 115e3, 1e9, request=4e6)
    run = simulate(parts.store(workload, Choice("ddn-ai400x2", 80)), workload.readers, 20)
    assert run.requests > 2_000_000
    assert run.rate == pytest.approx(16384 * 8 * 4e6 / 0.1, rel=0.01)
