"""Data, tensor and pipeline parallelism really run over processes: gradients, bytes, and what cannot be asked."""

from __future__ import annotations

import importlib.util

import pytest

from navarch.distributed.collectives.estimate import ring_all_reduce_time
from navarch.distributed.training.measure import measure_parallel, predicted_beside
from navarch.distributed.training.measurement import FORM_NAMES, ParallelMeasured, Problem
from navarch.fleet.compute.measurement import MeasureError

SMALL = Problem(width=32, heads=4, layers=2, sequence=16, batch=8, microbatches=4)
TOLERANCE = 1e-12
"""Largest relative difference of gradients in 64 bits: sums are taken in another order."""


@pytest.fixture(scope="module")
def made() -> ParallelMeasured:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    told: list[tuple[float, str]] = []
    measured = measure_parallel(2, SMALL, "cpu", limit=2.0, progress=lambda share, what: told.append((share, what)))
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert any("tensor" in what for _, what in told)
    return measured


@pytest.mark.slow
def test_gradients_are_those_of_one_process(made: ParallelMeasured) -> None:
    assert [form.form for form in made.forms] == list(FORM_NAMES)
    for form in made.forms:
        assert form.difference < TOLERANCE


@pytest.mark.slow
def test_bytes_are_those_of_the_equations(made: ParallelMeasured) -> None:
    for form in made.forms:
        assert form.sent == pytest.approx(form.sent_predicted, rel=0.15), form.form
        assert form.sent >= form.sent_predicted
    data = made.forms[0]
    assert data.sent_predicted == ring_all_reduce_time(4 * made.parameters, 2, 1.0, 0.0)


@pytest.mark.slow
def test_steps_are_predicted_from_their_parts(made: ParallelMeasured) -> None:
    assert made.network.bandwidth > 0 and made.network.latency > 0
    for form in made.forms:
        assert form.predicted == pytest.approx(form.computation + form.communication + form.bubble)
        assert form.step.runs >= 3
        assert 0.02 < form.predicted / form.step.median < 50, "not even of the same order"
    assert made.as_plain()["problem"]["width"] == 32


def test_predictions_of_known_times() -> None:
    form = {"step": [1.0], "computation": [0.8], "sent": 400.0, "counted": True, "parameters": 100, "difference": 0.0}
    seen = {
        "device": "none", "bytes": [4, 2004], "small": ([2e-3], [2e-3]), "large": ([4e-3], [4e-3]), "single": [2.0],
        "forms": {"data": form, "tensor": form, "pipeline": form},
    }  # fmt: skip
    made = predicted_beside(seen, 2, SMALL)
    assert made.network.latency == pytest.approx(1e-3)
    assert made.network.bandwidth == pytest.approx(2000 / 2e-3)
    assert made.network.message_bandwidth == pytest.approx(2000 / 1e-3)
    data, tensor, pipeline = made.forms
    assert data.predicted == pytest.approx(0.8 + 400 / 1e6 + 2e-3)
    assert tensor.sent_predicted == (4 * 2 - 1) * 16 * 8 * 32 * 4
    assert pipeline.bubble == pytest.approx(0.2)
    assert pipeline.sent_predicted == 16 * 8 * 32 * 4


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"ranks": 1}, "ranks: 1 is not allowed"),
        ({"ranks": 3}, "heads: 8 is not allowed; a multiple of 3"),
        ({"limit": 0.1}, "limit: 0.1 s"),
        ({"device": "tpu"}, "device: 'tpu' is not one"),
        ({"problem": Problem(width=30)}, "width: 30 is not allowed"),
    ],
)
def test_what_cannot_be_measured_is_said(asked: dict, said: str) -> None:
    with pytest.raises(MeasureError, match="is not") as told:
        measure_parallel(**asked)
    assert said in str(told.value)
