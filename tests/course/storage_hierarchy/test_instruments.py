"""What the instruments of Lab 04 show, held against known answers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from navarch.course.errors import CourseError
from navarch.course.instrument import differences
from navarch.course.storage_hierarchy import checkpoints, cluster, demand, feeding, measured, small_files
from navarch.course.storage_hierarchy.variant import menu

IMAGES = {"accelerators": 1000, "rate": 2500.0, "sample": 115e3}
ON = {**IMAGES, "system": "ddn-ai400x2", "supply": 1.25}
BIG = {"model": "llama3.1-405b", "accelerators": 16384, "tokens": 15e12, "system": "ceph-1tib", "interval": 1800.0}
POD = {"accelerators": 64, "rate": 2500.0, "sample": 115e3, "servers": 1, "prefetch": 4}


def test_a_thousand_accelerators_eat_what_the_product_says() -> None:
    shown = demand.bytes_a_second(**IMAGES)
    assert shown["demand"].value == pytest.approx(287.5e9)
    assert shown["one"].value == pytest.approx(287.5e6)
    assert shown["epoch"].value == pytest.approx(menu()["samples"] / 2.5e6)
    rows = {row["tier"]: row for row in shown.rows}
    appliances = rows["parallel file system, appliances"]
    assert appliances["needed"] == 4  # of 90 GB/s
    assert appliances["in_flight"] == 24  # of 6 MB, half a millisecond each
    assert rows["object store, connections"]["needed"] == 3195
    assert rows["object store, connections"]["keep"] > rows["hard disks"]["keep"]


def test_tokens_are_few_bytes() -> None:
    shown = demand.bytes_a_second(**IMAGES)
    # 1,000 x 989.4 TFLOP/s at 40 % and 6 N operations a token, 4 bytes each
    assert shown["tokens"].value == pytest.approx(1000 * 989.4e12 * 0.4 / (6 * 8.03e9) * 4, rel=0.05)


def test_enough_on_average_is_not_enough() -> None:
    shown = feeding.fed(**ON, prefetch=1, together=True)
    assert shown["supply"].value >= 1.25
    assert shown["average"].value == 1
    assert shown["late"].value < 0.01
    assert shown["still"].value > 0.1
    alone = feeding.fed(**ON, prefetch=1, together=False)
    assert alone["still"].value < 0.2 * shown["still"].value
    assert feeding.fed(**ON, prefetch=4, together=True)["still"].value == 0
    told = feeding.before(**ON)
    assert told["units"].value == shown["units"].value
    assert told["supply"].value == shown["supply"].value


def test_steps_of_a_run_add_up_to_the_time_that_is_lost() -> None:
    shown = feeding.fed(**ON, prefetch=1, together=True)
    waited = sum(row["waited"] for row in shown.rows)
    whole = waited + sum(row["computed"] for row in shown.rows)
    assert waited / whole == pytest.approx(
        shown["still"].value, rel=0.2
    )  # but for the first, which began in the warm-up
    assert all((row["late"] > 0) == (row["waited"] > 1e-9) for row in shown.rows)


def test_the_tail_is_that_of_independent_accelerators() -> None:
    shown = feeding.the_tail(**ON, prefetch=1, together=True)
    late = shown["one"].value
    for row in shown.rows:
        assert row["waits"] == pytest.approx(1 - (1 - late) ** row["together"])
    assert shown["all"].value == pytest.approx(1 - (1 - late) ** 1000)


def test_batches_ahead_end_the_waiting() -> None:
    rows = feeding.by_prefetch(**ON).rows
    assert rows[0]["still"] > 0.1
    assert [row["still"] for row in rows[1:]] == [0.0] * (len(rows) - 1)


def test_a_checkpoint_beside_the_reading_makes_them_wait() -> None:
    asked = {**IMAGES, "system": "ceph-1tib", "supply": 2.0, "prefetch": 2}
    deep, gentle = (feeding.beside_a_checkpoint(**asked, depth=depth) for depth in (16, 1))
    assert deep["without"].value == 0
    assert deep["still"].value > 0.3
    assert gentle["still"].value < deep["still"].value
    quiet = [row for row in deep.rows if not row["writing"]]
    assert all(row["waited"] < 1e-9 for row in quiet[:5])
    assert any(row["writing"] for row in deep.rows)


def test_a_checkpoint_is_its_bytes_over_what_the_storage_writes() -> None:
    shown = checkpoints.write_a_checkpoint(**BIG)
    assert shown["size"].value == pytest.approx(5.67e12)
    assert shown["units"].value == 1  # of 153.6 TB, for 75 TB
    assert shown["time"].value == pytest.approx(5.67e12 / 8.3e9)
    assert shown["needed"].value == 6
    share = {row["mode"]: row for row in shown.rows}
    time = shown["time"].value
    assert share["synchronous"]["share"] == pytest.approx(time / (time + 1800))
    assert share["asynchronous"]["stall"] == pytest.approx(5.67e12 / (16384 * 25e9))
    assert share["multi-tier"]["near"] < share["multi-tier"]["safe"]
    assert shown["time"].low < time < shown["time"].high


def test_checkpoints_size_the_storage_of_large_models_and_samples_that_of_small_ones() -> None:
    rows = checkpoints.what_sizes_it(**{name: BIG[name] for name in ("accelerators", "tokens", "system")}).rows
    units = {(row["model"], row["what"]): row["units"] for row in rows}
    assert units["Llama 3.1 8B", "checkpoints"] <= units["Llama 3.1 8B", "samples"]
    assert units["Llama 3.1 405B", "checkpoints"] > 3 * units["Llama 3.1 405B", "samples"]


def test_files_wait_for_their_metadata_server_and_records_do_not() -> None:
    shown = small_files.an_epoch(**POD)
    assert shown["longer"].value == pytest.approx(64 * 2500 / 50_000)
    rows = {(row["place"], row["layout"]): row for row in shown.rows}
    shared = rows["parallel file system", "files"]
    assert shared["theory"] == pytest.approx(shown["longer"].value)
    assert shared["simulated"] == pytest.approx(shared["theory"], rel=0.05)
    assert rows["parallel file system", "records"]["simulated"] == pytest.approx(1)
    assert rows["drives in the nodes", "files"]["simulated"] == pytest.approx(1)
    far = rows["object store", "files"]["simulated"]
    assert far > 2 * small_files.an_epoch(**{**POD, "prefetch": 16})["objects"].value
    assert small_files.an_epoch(**{**POD, "servers": 8})["shared"].value == pytest.approx(1, abs=0.01)


def test_larger_files_bring_more_bytes() -> None:
    rows = small_files.by_size(accelerators=64, rate=2500.0, servers=1, prefetch=4).rows
    for place in small_files.PLACES.values():
        rates = [row["rate"] for row in rows if row["place"] == place]
        assert all(more >= less * (1 - 1e-9) for less, more in pairwise(rates))
        assert all(row["rate"] <= row["eaten"] * (1 + 1e-9) for row in rows)


def test_a_read_is_a_whole_part_of_its_batch() -> None:
    for batch, sample in ((64, 115e3), (64, 180e3), (32, 500e3), (16, 115e3), (64, 1e6)):
        size = cluster.read_size(batch, sample)
        assert batch * sample % size == 0
        assert size <= 6e6


def test_what_was_shown_is_shown_again() -> None:
    for instrument, inputs in (
        (demand.bytes_a_second, IMAGES),
        (feeding.fed, {**ON, "prefetch": 2, "together": True}),
        (feeding.beside_a_checkpoint, {**ON, "prefetch": 4, "depth": 4}),
        (checkpoints.write_a_checkpoint, BIG),
        (small_files.an_epoch, POD),
    ):
        first = instrument(**inputs)
        for cached in (cluster.run_of, cluster.expected_of, small_files.paced):
            cached.cache_clear()
        assert differences(first, instrument(**inputs)) == []


def test_a_mistake_names_what_is_allowed() -> None:
    with pytest.raises(CourseError, match=r"system: 'tape'.*ddn-ai400x2"):
        feeding.before(**{**ON, "system": "tape"})
    with pytest.raises(CourseError, match=r"system: 'tape'.*ceph-1tib"):
        checkpoints.write_a_checkpoint(**{**BIG, "system": "tape"})


def test_loaders_beside_the_closed_form() -> None:
    shown = measured.loaders_beside(
        layout="records", alone=1000.0, pace=1600.0, batch=32, cores=2, workers=4, prefetch=[1, 2, 8],
        images=[1000.0, 1900.0, 2000.0], late=[0.9, 0.3, 0.0], recorded=True,
    )  # fmt: skip
    told = {row["prefetch"]: row["images"] for row in shown.rows if row["how"] == "closed form"}
    assert told == pytest.approx({1: 1000, 2: 2000, 8: 2000})
    late = [row["late"] for row in shown.rows if row["how"] == "simulated"]
    assert late == sorted(late, reverse=True)
    assert shown["faster"].value == pytest.approx(2)
