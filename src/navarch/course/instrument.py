"""Instruments: library functions that a lab may show, from plain inputs to readings with their derivations.

A notebook calls instruments and lays out what they return; it computes nothing itself. What an instrument showed is
kept as evidence, and replayed from its inputs alone when a log is verified.
"""

from __future__ import annotations

import functools
import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from numbers import Real
from typing import Any

from navarch.core.explain import explain
from navarch.core.ledger import Ledger, Value
from navarch.core.quantity import show
from navarch.course.errors import CourseError

HOME = "navarch."
SAME = 1e-9
HIDDEN = 1e-2


class InstrumentError(CourseError):
    """An instrument is not known, or cannot take what it was given; the message names both."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One number or word that an instrument shows.

    value: SI, or text where unit is "text"; low, high: 80 % interval, where known; derivation: of the value, as text.
    """

    title: str
    value: float | str
    unit: str
    low: float | None = None
    high: float | None = None
    derivation: str = ""

    @property
    def shown(self) -> str:
        """The value as people read it."""
        return self.value if isinstance(self.value, str) else show(self.value, self.unit)


@dataclass(frozen=True, slots=True)
class Shown:
    """Exactly what an instrument showed.

    instrument: `package.module:function`; inputs: plain (text, numbers, lists) and SI; readings: by key; rows: the
    table under a figure, one mapping a row, SI.
    """

    instrument: str
    inputs: Mapping[str, Any]
    readings: Mapping[str, Reading]
    rows: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    def __getitem__(self, key: str) -> Reading:
        return self.readings[key]

    def as_plain(self) -> dict[str, Any]:
        """What goes into a log: JSON values only, the floats to the last bit."""
        readings = {
            key: {"title": r.title, "value": r.value, "unit": r.unit, "low": r.low, "high": r.high,
                  "derivation": r.derivation}
            for key, r in self.readings.items()
        }  # fmt: skip
        return {
            "instrument": self.instrument,
            "inputs": dict(self.inputs),
            "readings": readings,
            "rows": [dict(row) for row in self.rows],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Shown:
        """The inverse of `as_plain`."""
        readings = {key: Reading(**reading) for key, reading in plain["readings"].items()}
        return cls(plain["instrument"], plain["inputs"], readings, tuple(plain["rows"]))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the body of an instrument returns: readings by key, and the rows of its figure."""

    readings: Mapping[str, tuple[str, float | str, str] | Reading]
    rows: Sequence[Mapping[str, Any]] = ()


def reading_of(given: tuple[str, float | str, str] | Reading) -> Reading:
    """A reading of `(title, value, unit)`; a value that the ledger remembers brings its derivation along."""
    if isinstance(given, Reading):
        return given
    title, value, unit = given
    if isinstance(value, str):
        return Reading(title, value, unit)
    derivation = explain(value.entry, given="asked here") if isinstance(value, Value) else ""
    return Reading(title, float(value), unit, derivation=derivation)


class Instrument:
    """A function of keyword arguments that returns an `Answer`; called, it is run under a ledger of its own."""

    def __init__(self, body: Callable[..., Answer], replays: bool):
        functools.update_wrapper(self, body)
        self.body = body
        self.replays = replays
        self.name = f"{body.__module__}:{body.__qualname__}"
        self.parameters = tuple(inspect.signature(body).parameters)

    def __call__(self, **inputs: Any) -> Shown:
        missing = [name for name in self.parameters if name not in inputs]
        extra = [name for name in inputs if name not in self.parameters]
        if missing or extra:
            raise InstrumentError(f"{self.name} takes {', '.join(self.parameters)}: missing {missing}, extra {extra}")
        plain = json.loads(json.dumps(inputs))
        with Ledger():
            answer = self.body(**plain)
            readings = {key: reading_of(given) for key, given in answer.readings.items()}
        return Shown(self.name, plain, readings, tuple(dict(row) for row in answer.rows))


def instrument(body: Callable[..., Answer] | None = None, *, replays: bool = True) -> Any:
    """Mark a library function as an instrument.

    replays: whether the same inputs give the same readings (not so for what was measured on a machine).
    """
    if body is None:
        return lambda given: Instrument(given, replays)
    return Instrument(body, replays)


def instrument_named(name: str) -> Instrument:
    """The instrument `package.module:function` of this library; raises InstrumentError for any other name."""
    module, _, function = name.partition(":")
    if not module.startswith(HOME):
        raise InstrumentError(f"{name!r} is no instrument of navarch")
    try:
        found = getattr(import_module(module), function, None)
    except ImportError as error:
        raise InstrumentError(f"{name!r}: {error}") from error
    if not isinstance(found, Instrument):
        raise InstrumentError(f"{name!r} is no instrument of navarch")
    return found


def differences(kept: Shown, again: Shown) -> list[str]:
    """What does not reproduce, one sentence each: a reading, its interval or a row that differs by more than 1e-9."""
    found = []
    for key in sorted({*kept.readings, *again.readings}):
        one, other = kept.readings.get(key), again.readings.get(key)
        if one is None or other is None:
            found.append(f"{key}: {'not kept' if one is None else 'no longer shown'}")
        elif one.unit != other.unit or not _same(one.value, other.value):
            found.append(f"{one.title}: kept {_told(one, other)}, the library says {_told(other, one)}")
        elif not _same([one.low, one.high], [other.low, other.high]):
            found.append(f"{one.title}: kept an interval from {one.low} to {one.high}, the library says "
                         f"{other.low} to {other.high}")  # fmt: skip
    if len(kept.rows) != len(again.rows):
        found.append(f"the figure: kept {len(kept.rows)} rows, the library says {len(again.rows)}")
    else:
        pairs = enumerate(zip(kept.rows, again.rows, strict=True), 1)
        found += [f"row {n} of the figure: {_row(one, other)}" for n, (one, other) in pairs if not _same(one, other)]
    return found


def _told(reading: Reading, other: Reading) -> str:
    """A reading as people read it, or in full where the short form hides the difference."""
    one, two = reading.value, other.value
    if isinstance(one, str) or isinstance(two, str) or reading.unit != other.unit:
        return reading.shown
    return f"{one!r} {reading.unit}" if math.isclose(one, two, rel_tol=HIDDEN) else reading.shown


def _row(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    keys = [key for key in sorted({*one, *other}) if not _same(one.get(key), other.get(key))]
    return "; ".join(f"{key}: kept {one.get(key)!r}, the library says {other.get(key)!r}" for key in keys)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Real) and isinstance(other, Real):
        return math.isclose(one, other, rel_tol=SAME) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)
