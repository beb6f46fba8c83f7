"""Numbers in a decision against what was kept: which are supported, and by what."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations

from navarch.core.arithmetic import difference, ratio, relative_change
from navarch.core.quantity import show
from navarch.course.record.entry import PREDICTION, SHOWING, Entry
from navarch.course.record.log import Log
from navarch.course.record.numbers import Meaning, Written, numbers_in, unit_known

SUPPORTED, PREDICTED, ABSENT = "supported", "predicted", "not in the evidence"
TEXTS = ("recommendation", "reasoning", "rejected", "rejected_by", "trigger")
ROUNDED = 0.05
CLOSE = 0.005
DIGITS = re.compile(r"(?<=[A-Za-z])[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Claim:
    """A number in a text of a decision. mark: SUPPORTED, PREDICTED or ABSENT; where: what supports it."""

    field: str
    text: str
    start: int
    end: int
    mark: str
    where: str


@dataclass(frozen=True, slots=True)
class Known:
    """A number that stands in the record. unit: SI, or empty where the record does not say."""

    value: float
    unit: str
    where: str


def claims_of(entry: Entry, log: Log) -> list[Claim]:
    """The numbers in a decision, each held against the evidence that it picked, then against all that was kept before
    it, then against what was predicted.

    A number is supported where a kept one rounds to it at the digits written (and is at most 5 % away), or is within
    0.5 % of it; so are the ratio, the difference and the relative change of one reading in two kept entries.
    """
    before = [other for other in log.entries if other.number < entry.number]
    picked = [other for other in before if other.number in set(entry.body["evidence"])]
    kept = [other for other in before if other.kind in SHOWING]
    pools = [
        (SUPPORTED, list(_known(picked))),
        (SUPPORTED, list(_derived(picked))),
        (SUPPORTED, list(_known(kept))),
        (PREDICTED, [known for other in before if other.kind == PREDICTION for known in _predicted(other)]),
    ]
    return [
        _claim(field, written, pools) for field in TEXTS for written in numbers_in(str(entry.body.get(field) or ""))
    ]


def _claim(field: str, written: Written, pools: list[tuple[str, list[Known]]]) -> Claim:
    for mark, pool in pools:
        near = [(_distance(m, k), k.where) for m in written.meanings for k in pool if _fits(m, k)]
        if near:
            return Claim(field, written.text, written.start, written.end, mark, min(near)[1])
    return Claim(field, written.text, written.start, written.end, ABSENT, "")


def _fits(meaning: Meaning, known: Known) -> bool:
    if known.unit and unit_known(known.unit) != meaning.unit:
        return False
    size = abs(known.value)
    rounded = min(meaning.half, ROUNDED * size) if known.unit else 0.0
    return abs(abs(meaning.value) - size) <= max(rounded * (1 + CLOSE), CLOSE * size)


def _distance(meaning: Meaning, known: Known) -> float:
    return abs(abs(meaning.value) - abs(known.value)) / (abs(known.value) or 1.0)


def _known(entries: Iterable[Entry]) -> Iterator[Known]:
    for entry in entries:
        shown, where = entry.shown, f"entry {entry.number}"
        for reading in shown.readings.values():
            if isinstance(reading.value, str):
                yield from _loose(reading.value, f"{where}, {reading.title}: {reading.value}")
                continue
            for value in (reading.value, reading.low, reading.high):
                if value is not None and math.isfinite(value):
                    yield Known(float(value), reading.unit, f"{where}, {reading.title}: {show(value, reading.unit)}")
        for name, value in shown.inputs.items():
            yield from _loose(value, f"{where}, input {name}")
        for row in shown.rows:
            for name, value in row.items():
                yield from _loose(value, f"{where}, {name} in its figure")


def _loose(value: object, where: str) -> Iterator[Known]:
    """Numbers whose unit the record does not say: inputs, rows of figures, digits within words (`TP8`)."""
    if isinstance(value, str):
        for written in numbers_in(value):
            yield from (Known(meaning.value, meaning.unit, where) for meaning in written.meanings)
        yield from (Known(float(digits), "1", where) for digits in DIGITS.findall(value))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _loose(item, where)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _loose(item, where)
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        yield Known(float(value), "", where)


def _derived(entries: Iterable[Entry]) -> Iterator[Known]:
    """What two entries say of the same reading: how many times, how much more, by what share."""
    for one, other in permutations(entries, 2):
        for key, reading in one.shown.readings.items():
            beside = other.shown.readings.get(key)
            if beside is None or beside.unit != reading.unit:
                continue
            a, b = reading.value, beside.value
            if isinstance(a, str) or isinstance(b, str) or not b or not math.isfinite(a) or not math.isfinite(b):
                continue
            where = f"{reading.title} in entry {one.number} against entry {other.number}"
            between = f"{reading.title} between entry {other.number} and entry {one.number}"
            yield Known(float(ratio(a, b)), "1", f"ratio: {where}")
            yield Known(float(relative_change(a, b)), "1", f"relative change: {where}")
            if one.number > other.number:
                yield Known(float(difference(a, b)), reading.unit, f"difference: {between}")


def _predicted(entry: Entry) -> Iterator[Known]:
    answer = entry.prediction
    if not isinstance(answer.value, str):
        yield Known(float(answer.value), answer.unit, f"entry {entry.number}, the prediction for part {entry.part}")
