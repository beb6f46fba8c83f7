"""This machine really trains a block, multiplies matrices and copies memory; other machines as they were recorded."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from navarch.core.arithmetic import ratio
from navarch.core.ledger import Ledger
from navarch.course.frame.progress import CannotMeasureError, tell
from navarch.course.instrument import Answer, Reading, instrument
from navarch.fleet.compute.measure import measure_compute
from navarch.fleet.compute.measurement import ComputeMeasured, MeasureError

SECONDS = 12.0
"""Time of the lab's measurement [s]."""
LIMIT = 60.0
"""After which it is stopped [s]."""
RECORDED = "scale_wall/recorded.json"
"""The recorded result, in navarch/course."""
FOLDER = "machines"


@instrument(replays=False)
def training_rate(seconds: float) -> Answer:
    """How fast this machine trains a transformer block, multiplies matrices and copies memory, in so many seconds."""
    try:
        measured = measure_compute(limit=seconds, progress=tell)
        best = measured.best_training
    except MeasureError as error:
        raise CannotMeasureError(str(error)) from error
    with Ledger() as ledger:
        slowest, fastest = (float(ratio(best.work, time, unit="FLOP/s")) for time in (best.time.high, best.time.low))
        rate = ledger.observation(
            f"Training rate, forward and backward of a block, {best.precision}", best.rate, "FLOP/s", slowest, fastest,
            measured.told, f"median of {best.time.runs} steps",
        )  # fmt: skip
    readings: dict[str, Any] = {
        "rate": Reading(rate.entry.title, float(rate), "FLOP/s", slowest, fastest, _derivation(measured)),
        "machine": ("Machine", measured.machine.title, "text"),
    }
    if measured.products:
        top = max(measured.products, key=lambda each: each.rate)
        readings["product"] = (f"Fastest matrix product, {top.precision}", top.rate, "FLOP/s")
    if measured.memory is not None:
        readings["memory"] = ("Memory, read and written", measured.memory.rate, "byte/s")
    return Answer(readings, [_row(each) for each in measured.products])


def _row(product: Any) -> dict[str, Any]:
    return {
        "precision": product.precision, "side": product.rows, "rate": product.rate, "time": product.time.median,
        "low": product.time.low, "high": product.time.high,
    }  # fmt: skip


def _derivation(measured: ComputeMeasured) -> str:
    best = measured.best_training
    lines = [
        f"measured on {measured.told}, {measured.machine.software}",
        f"block of width {best.width:,}, {best.batch} x {best.sequence:,} tokens, {best.precision}",
        f"{best.work:.4g} FLOP a step / {best.time.median:.4g} s (median of {best.time.runs})",
    ]
    return "\n".join(lines)


@cache
def recorded_machines() -> dict[str, float]:
    """Training rates of machines that were recorded, by machine and date [FLOP/s]."""
    import json

    found = {}
    for file in sorted(files(__package__).joinpath(FOLDER).iterdir(), key=lambda each: each.name):
        if file.name.endswith(".json"):
            measured = ComputeMeasured.from_plain(json.loads(file.read_text("utf-8")))
            found[f"{measured.machine.title} ({measured.date})"] = measured.best_training.rate
    return found
