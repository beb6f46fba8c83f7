"""The section on storage: its numbers are those of the storage room, on the ledger and off it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from navarch.catalog import load
from navarch.design.chapters import storage
from navarch.design.errors import DesignError
from navarch.design.evaluation import Evaluation, evaluate
from navarch.design.spec import Design
from navarch.fleet.storage.expected import expected
from navarch.fleet.storage.parts import Choice, Parts, checkpoint_modes
from navarch.fleet.storage.search import search, simulated, systems_of


def designed(**changed: Any) -> Evaluation:
    told = {
        "name": "Sixteen nodes",
        "workload": {"model": "llama3.1-8b", "tokens": "1T tokens", "global_batch": 1024},
        "cluster": {"node": "dgx-h100", "nodes": 16},
    }
    for name, fields in changed.items():
        told[name] = {**told.get(name, {}), **fields}
    return evaluate(Design.of(told), load())


@pytest.fixture(scope="module")
def text() -> Evaluation:
    return designed()


@pytest.fixture(scope="module")
def hungry() -> Evaluation:
    """Samples as large as pictures in place of text: 200 kB for each of 8,192 tokens."""
    return designed(storage={"bytes_per_token": "20 kB/token", "dataset": "200 TB", "prefetch": 2})


def section_of(evaluation: Evaluation) -> Any:
    made = storage.chapter(evaluation)
    assert made is not None
    return made


@pytest.mark.parametrize("name", ["text", "hungry"])
def test_the_ledger_and_the_room_expect_the_same(name: str, request: pytest.FixtureRequest) -> None:
    evaluation = request.getfixturevalue(name)
    q, asked = evaluation.quantities, evaluation.curves["storage"].asked
    choice = evaluation.curves["storage"].choice
    parts, reading = Parts(load()), replace(asked.plain_reading, epochs=1.0)
    store = parts.store(reading, choice)
    quiet = expected(store, reading.readers)
    saving = parts.saving(reading, asked.plain_needs.checkpoint, 1, "asynchronous")
    busy = expected(store, reading.readers, saving)
    for title, value in (
        ("starvation", quiet.starvation), ("starvation_writing", busy.starvation), ("late_steps", quiet.late_steps),
        ("fetch", quiet.fetch), ("fetch_writing", busy.fetch), ("lead", quiet.lead), ("read_demand", reading.demand),
        ("busiest", quiet.busiest.utilisation),
    ):  # fmt: skip
        assert float(q[f"storage.{title}"]) == pytest.approx(float(value), rel=1e-9, abs=1e-15), title
    assert not evaluation.ledger.orphans()


def test_the_demand_is_that_of_the_tokens(text: Evaluation) -> None:
    q = text.quantities
    assert float(q["storage.read_demand"]) == pytest.approx(float(q["training.tokens_per_second"]) * 4, rel=1e-9)
    assert float(q["storage.bytes_of_run"]) == pytest.approx(4e12)
    assert float(q["storage.epochs"]) == 1


def test_epochs_follow_from_a_data_set_that_is_read_again(hungry: Evaluation) -> None:
    assert float(hungry.quantities["storage.epochs"]) == pytest.approx(1e12 * 20e3 / 200e12)
    assert float(hungry.quantities["storage.bytes_of_run"]) == pytest.approx(20e15)


@pytest.mark.parametrize("name", ["text", "hungry"])
def test_a_silent_file_gets_what_the_search_finds(name: str, request: pytest.FixtureRequest) -> None:
    evaluation = request.getfixturevalue(name)
    asked = evaluation.curves["storage"].asked
    found = search(Parts(load()), asked.plain_reading, asked.plain_needs, systems_of(load()))
    assert found.best is not None
    assert evaluation.curves["storage"].choice == found.best.choice
    assert float(evaluation.quantities["storage.cost"]) == pytest.approx(found.best.cost, rel=1e-9)
    assert evaluation.decisions["storage"].by == "navarch"
    shown = [a.label for a in evaluation.decisions["storage"].alternatives]
    assert len(shown) == len(found.by_system) and len(set(shown)) == len(shown)


def test_the_simulation_is_the_rooms(hungry: Evaluation) -> None:
    found = hungry.curves["storage"]
    run = simulated(Parts(load()), found.asked.plain_reading, found.asked.plain_needs, found.choice, 0)
    with hungry.ledger:
        told = storage._simulated(hungry)
    assert told is not None
    assert (float(told.starvation), float(told.rate)) == (run.starvation, run.rate)
    assert told.starvation.entry.kind == "observation" and "seed 0" in told.starvation.entry.note


def test_too_little_storage_starves_and_says_so(told_by: Callable[..., Any]) -> None:
    evaluation = designed(
        storage={
            "bytes_per_token": "20 kB/token", "system": "nvme-gen4", "units": 2, "starvation_limit": "1 %",
            "dataset": "1 TB",
        }
    )  # fmt: skip
    assert float(evaluation.quantities["storage.starvation_writing"]) > 0.5
    assert not next(c for c in evaluation.constraints if c.key == "storage.starvation_limit").met
    told = told_by(section_of(evaluation))
    assert "**missed**" not in told and "missed" in told
    assert "an accelerator starves in" in told and "of them did" in told


def test_each_way_of_writing_a_checkpoint(text: Evaluation, rows_of: Callable[..., Any]) -> None:
    q = text.quantities
    rows = rows_of(section_of(text), "Written")
    modes = checkpoint_modes(
        float(q["checkpoint.size"]), 128.0, 16.0, float(q["storage.write_bandwidth"]), 25e9, 20e9,
        float(q["faults.checkpoint_interval"]),
    )  # fmt: skip
    for mode, row in zip(modes, rows.values(), strict=True):
        assert row["Training waits"] == pytest.approx(float(mode.stall))
        assert row["On shared storage after"] == pytest.approx(float(mode.safe))
        assert row["Share of the time"] == pytest.approx(float(mode.share))
        assert row.get("On the nodes' drives after") == (None if mode.near is None else pytest.approx(float(mode.near)))


def test_the_file_may_say_caches_and_how_far_loaders_read_ahead(told_by: Callable[..., Any]) -> None:
    evaluation = designed(storage={"cache_drives": 4, "prefetch": 3, "system": "ceph-1tib", "units": 3})
    assert evaluation.curves["storage"].choice == Choice("ceph-1tib", 3, "nvme-gen4", 4)
    q = evaluation.quantities
    assert float(q["storage.lead"]) == pytest.approx(3 * float(q["training.step_time"]))
    assert "a cache of 4 drives in each node" in told_by(section_of(evaluation))
    plain = designed(storage={"cache_drives": 0, "system": "ceph-1tib", "units": 3})
    assert float(q["storage.cost"]) > float(plain.quantities["storage.cost"])
    with pytest.raises(DesignError, match="cache_drive"):
        designed(storage={"cache_drive": "punch-cards"})


def test_what_was_measured_replaces_the_catalog() -> None:
    evaluation = designed(
        storage={"system": "ddn-ai400x2", "units": 4, "read_bandwidth": "50 GB/s", "write_bandwidth": "10 GB/s",
                 "capacity": "1 PB"}
    )  # fmt: skip
    q = evaluation.quantities
    told = [float(q[f"storage.{n}"]) for n in ("read_bandwidth", "write_bandwidth", "capacity")]
    assert told == pytest.approx([50e9, 10e9, 1e15])
    assert float(q["checkpoint.stall_synchronous"]) == pytest.approx(float(q["checkpoint.size"]) / 10e9)
    found = evaluation.curves["storage"]
    assert found.parts.unit("ddn-ai400x2").read == pytest.approx(12.5e9)
