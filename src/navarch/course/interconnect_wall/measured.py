"""This machine's own hierarchy, really measured: memory, shared memory, a pipe, the network stack."""

from __future__ import annotations

from typing import Any

from navarch.core.arithmetic import ratio
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.course.desk import reading
from navarch.course.frame.progress import CannotMeasureError, tell
from navarch.course.instrument import Answer, Reading, Shown, instrument
from navarch.distributed.collectives.estimate import point_to_point_time
from navarch.fleet.compute.measurement import MeasureError
from navarch.fleet.compute.transfers import (
    LEVELS,
    LevelMeasured,
    TransferMeasured,
    TransfersMeasured,
    measure_transfers,
)

SECONDS = 9.0
"""Time of the lab's measurement, the start of its processes left out [s]."""
LIMIT = 60.0
"""After which it is stopped [s]."""
RECORDED = "interconnect_wall/recorded.json"
"""The recorded result, in navarch/course."""


@instrument(replays=False)
def hierarchy(seconds: float) -> Answer:
    """Time and rate of messages within a process, between two, and through the network stack, in so many seconds."""
    try:
        made = measure_transfers(seconds, progress=tell)
    except MeasureError as error:
        raise CannotMeasureError(str(error)) from error
    readings: dict[str, Any] = {}
    for level in made.levels:
        readings[f"{level.key}_latency"] = _latency(level, made)
        readings[f"{level.key}_rate"] = _rate(level, made)
    readings["machine"] = ("Machine", made.machine.title, "text")
    if made.left_out:
        readings["left_out"] = ("Left out", "; ".join(made.left_out), "text")
    rows = [_row(level, place) for level in made.levels for place in range(len(level.sizes))]
    return Answer(readings, rows)


def _latency(level: LevelMeasured, made: TransfersMeasured) -> Reading:
    smallest = level.sizes[0]
    return Reading(
        f"{level.title}: latency", smallest.time.median, "s", smallest.time.low, smallest.time.high,
        _told(smallest, made),
    )  # fmt: skip


def _rate(level: LevelMeasured, made: TransfersMeasured) -> Reading:
    best = level.fastest
    with off_the_ledger():
        slow, fast = (float(ratio(best.size, time)) for time in (best.time.high, best.time.low))
    return Reading(f"{level.title}: best rate", best.rate, "byte/s", slow, fast, _told(best, made))


def _told(each: TransferMeasured, made: TransfersMeasured) -> str:
    lines = (f"measured on {made.machine.title}, {made.date}", f"median of {each.time.runs}")
    return "\n".join((*lines, f"{each.size:,} bytes, one way"))


def _row(level: LevelMeasured, place: int) -> dict[str, Any]:
    each = level.sizes[place]
    with off_the_ledger():
        told = float(point_to_point_time(float(each.size), level.fastest.rate, level.latency.median))
    return {
        "level": level.title, "size": each.size, "time": each.time.median, "low": each.time.low,
        "high": each.time.high, "rate": each.rate, "line": told,
    }  # fmt: skip


@instrument
def this_machine(latency: float, rate: float, far_latency: float, far_rate: float, recorded: bool) -> Answer:
    """How much further a process is than one's own memory, on a machine whose latencies [s] and rates [byte/s] were
    measured. recorded: whether elsewhere."""
    with Ledger() as ledger:
        source = "recorded on another machine" if recorded else "measured on this machine"
        seen = {
            "latency": ledger.observation("Latency, own memory", latency, "s", None, None, source, ""),
            "rate": ledger.observation("Best rate, own memory", rate, "byte/s", None, None, source, ""),
            "far_latency": ledger.observation("Latency, network stack", far_latency, "s", None, None, source, ""),
            "far_rate": ledger.observation("Best rate, network stack", far_rate, "byte/s", None, None, source, ""),
        }
        near, far = ("latency", "rate"), ("far_latency", "far_rate")
        longer = ratio(seen[far[0]], seen[near[0]], unit="1", title="Longer to another process, smallest messages")
        slower = ratio(seen[near[1]], seen[far[1]], unit="1", title="Slower to another process, best rates")
        readings = {"longer": reading(longer.entry), "slower": reading(slower.entry)}
    return Answer(readings)


def compared_inputs(shown: Shown, recorded: bool) -> dict[str, Any]:
    """What `this_machine` compares, from what was measured: the own memory, and the furthest level that there is."""
    levels = [key for key in LEVELS if f"{key}_rate" in shown.readings]
    near, far = levels[0], levels[-1]
    return {
        "latency": shown[f"{near}_latency"].value, "rate": shown[f"{near}_rate"].value,
        "far_latency": shown[f"{far}_latency"].value, "far_rate": shown[f"{far}_rate"].value, "recorded": recorded,
    }  # fmt: skip
