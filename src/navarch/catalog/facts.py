"""From what a catalog file says of one attribute to a `Fact` in SI."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from navarch.catalog.errors import listed
from navarch.core.ledger import Fact
from navarch.core.quantity import factor, parse

_KINDS = ("datasheet", "measured", "published", "estimate")
_KEYS = frozenset({"value", "unit", "low", "high", "kind", "source", "url", "date", "note", "from"})
_BARE = ("1", "token", "parameter", "fraction")
_NUMBER = re.compile(r"^\s*[+-]?[\d.,_' ]*\d\.?(?:[eE][+-]?\d+)?")


class Measure(NamedTuple):
    """What an attribute measures: its SI unit (None where each entry states its own) and its title."""

    unit: str | None
    title: str
    signed: bool = False


@dataclass(frozen=True)
class Context:
    """What a file says once for all its entries: units by column, sources by key, and defaults."""

    collection: str
    path: str
    units: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


def fact_from(given: Any, measure: Measure, attribute: str, entry: Mapping[str, Any], context: Context) -> Fact:
    """The fact that an entry states for one attribute.

    given: a number in the unit of the file's header, a text with its unit, or a mapping with `value` and any of unit,
    low, high, kind, source, url, date, note, from. Raises ValueError with the problem and what is allowed.
    """
    said: Mapping[str, Any] = given if isinstance(given, Mapping) else {"value": given}
    unknown = set(said) - _KEYS
    if unknown:
        raise ValueError(f"unknown key {listed(map(str, unknown))}; allowed: {listed(_KEYS)}")
    if said.get("value") is None:
        raise ValueError("has no value")
    unit, to_si, value = _amount(said, measure, attribute, context)
    low, high = (None if said.get(end) is None else _end(said[end], unit, to_si) for end in ("low", "high"))
    _check(value, low, high, measure)
    origin = context.sources.get(str(said["from"])) if "from" in said else None
    if "from" in said and origin is None:
        raise ValueError(f"from: {said['from']!r} is not a key of this file's sources ({listed(context.sources)})")
    told = {**(origin or {}), **said}
    kind = str(told.get("kind") or entry.get("evidence") or "estimate")
    if kind not in _KINDS:
        raise ValueError(f"kind {kind!r} is not one of {', '.join(_KINDS)}")
    single = measure.unit is None
    name = str(entry.get("name") or entry.get("id"))
    return Fact(
        id=f"{context.collection}/{entry.get('id')}" + ("" if single else f"/{attribute}"),
        value=value,
        unit=unit,
        title=name if single else f"{measure.title}, {name}",
        source=str(told.get("source") or entry.get("source") or ""),
        url=str(told.get("url") or ("" if told.get("source") else entry.get("url") or "")),
        date=str(told.get("date") or entry.get("date") or ""),
        kind=kind,  # type: ignore[arg-type]
        low=low,
        high=high,
        note=str(told.get("note") or entry.get("note") or ""),
    )


def _amount(said: Mapping[str, Any], measure: Measure, attribute: str, context: Context) -> tuple[str, float, float]:
    """SI unit, factor to it and value in it."""
    number, written = said["value"], said.get("unit") or context.units.get(attribute)
    if isinstance(number, str):
        written = _unit_of(number) or written or measure.unit or "1"
        unit, to_si = _factor(written, measure.unit)
        return unit, to_si, parse(number, unit) if _unit_of(number) else parse(number, "1") * to_si
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ValueError(f"{said['value']!r} is not a number (write 80 with the unit in the header, or '80 GB')")
    if written is None and measure.unit not in _BARE:
        raise ValueError(f"{number:g} has no unit (give one of {measure.unit or 'any kind'}, as in '80 GB')")
    unit, to_si = _factor(str(written or measure.unit), measure.unit)
    return unit, to_si, float(number) * to_si


@functools.cache
def _factor(written: str, wanted: str | None) -> tuple[str, float]:
    """The SI unit that a unit belongs to, and the factor that takes a number to it."""
    if wanted is None:
        to_si, unit = factor(written)
        return unit, to_si
    if written in ("1", wanted) and wanted in _BARE:
        return wanted, 1.0
    return wanted, parse(f"1 {written.removeprefix('1') if written.startswith('1/') else written}", wanted)


def _end(said: Any, unit: str, to_si: float) -> float:
    """One end of an interval: a number in the unit of the value, or a text with its own unit."""
    if isinstance(said, str):
        return parse(said, unit) if _unit_of(said) else parse(said, "1") * to_si
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise ValueError(f"low and high must be numbers, not {said!r}")
    return said * to_si


def _unit_of(text: str) -> str:
    """What stands after the number of a text."""
    return _NUMBER.sub("", text, count=1).strip()


def _check(value: float, low: float | None, high: float | None, measure: Measure) -> None:
    numbers = [n for n in (value, low, high) if n is not None]
    if not all(math.isfinite(n) for n in numbers):
        raise ValueError(f"{value!r} is not a finite number")
    if not measure.signed and measure.unit is not None and any(n < 0 for n in numbers):
        raise ValueError(f"{min(numbers):g} {measure.unit} is negative")
    if (low is not None and low > value) or (high is not None and high < value):
        raise ValueError(f"the value {value:g} does not lie between low {low} and high {high}")
