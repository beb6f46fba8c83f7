"""What a row of published training runs measured: its step time, whatever figure it was published as."""

from __future__ import annotations

from navarch.validation.rows import Row, UnpredictableError, number, text

GIBIBYTE = 2.0**30
SHORTEST, LONGEST = 1e-6, 1e6
"""Between these [s] lies any time of a training step."""
RATE, WHOLE_RATE = "tokens_per_s_per_gpu", "tokens_per_s"
"""Columns of tokens a second, of an accelerator and of all of them."""


def measured_step(row: Row) -> float:
    """Measured time of one step [s]: as published, or from tokens a second.

    Raises UnpredictableError where the row has neither. Rates in FLOP/s are not converted: conventions differ by up to
    a third.
    """
    seconds = _seconds(row)
    if not SHORTEST <= seconds <= LONGEST:
        raise UnpredictableError(f"{seconds:g} s is no time of a training step")
    return seconds


def _seconds(row: Row) -> float:
    if text(row, "step_time_s"):
        return number(row, "step_time_s")
    if text(row, RATE):
        return _step(row, number(row, RATE) * number(row, "n_gpus"))
    if text(row, WHOLE_RATE):
        return _step(row, number(row, WHOLE_RATE))
    raise UnpredictableError("neither a step time nor tokens a second are given; conventions of FLOP/s differ")


def _step(row: Row, tokens_per_second: float) -> float:
    tokens = number(row, "gbs") * number(row, "seq")
    return tokens / tokens_per_second if tokens_per_second else LONGEST * 2


def measured_memory(row: Row) -> float | None:
    """Measured peak memory of an accelerator [byte], or None where the row has none."""
    return number(row, "peak_mem_gib") * GIBIBYTE if text(row, "peak_mem_gib") else None
