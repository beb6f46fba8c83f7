"""What a row measured, whatever it was published as."""

from __future__ import annotations

from typing import Any

import pytest

from navarch.validation.measured import measured_memory, measured_step
from navarch.validation.rows import UnpredictableError

ROW: dict[str, Any] = {"gbs": 64, "seq": 2048, "n_gpus": 8}


def test_a_step_time_is_taken_as_it_is() -> None:
    assert measured_step(ROW | {"step_time_s": " 1.5 ", "tokens_per_s_per_gpu": 1}) == 1.5


def test_tokens_a_second_give_a_step_time() -> None:
    assert measured_step(ROW | {"tokens_per_s_per_gpu": 4096}) == pytest.approx(64 * 2048 / (4096 * 8))
    assert measured_step(ROW | {"tokens_per_s": 32768}) == pytest.approx(4)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({}, "neither a step time nor tokens a second"),
        ({"tflops_per_gpu": 400}, "conventions of FLOP/s differ"),
        ({"step_time_s": "fast"}, 'step_time_s "fast" is not a number'),
        ({"step_time_s": 1e9}, "is no time of a training step"),
        ({"step_time_s": -1}, "is not a positive number"),
        ({"tokens_per_s_per_gpu": 1e-320}, "is no time of a training step"),
        ({"tokens_per_s_per_gpu": 1e3, "gbs": ""}, "gbs is empty"),
    ],
)
def test_what_is_no_measurement_says_why(cells: dict[str, Any], said: str) -> None:
    with pytest.raises(UnpredictableError, match=said):
        measured_step(ROW | cells)


def test_memory_is_in_gibibytes_or_missing() -> None:
    assert measured_memory({"peak_mem_gib": 2}) == 2 * 2**30
    assert measured_memory({"peak_mem_gib": None}) is None
