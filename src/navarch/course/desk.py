"""What the instruments of all labs share: the catalog, and readings with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from navarch.catalog import Catalog, load
from navarch.core.explain import explain
from navarch.core.ledger import Entry, Ledger, Value
from navarch.core.uncertainty import Uncertainty, propagate
from navarch.course.instrument import Reading

SAMPLES, SEED = 10_000, 1
ASKED = "asked here"
"""How a derivation names an input of a lab."""


@cache
def shelf() -> Catalog:
    """The shipped catalog, read once."""
    return load()


def accelerator_of(name: str) -> Any:
    """The catalog's entry of an accelerator."""
    return shelf().get("accelerator", name)


def with_intervals(
    ledger: Ledger, values: Mapping[str, Value], others: Iterable[Value] = ()
) -> tuple[dict[str, Reading], Uncertainty]:
    """Remembered values as readings with their 80 % intervals, and the samples of these and of others."""
    drawn = propagate(ledger, SAMPLES, SEED, [value.entry for value in (*values.values(), *others)])
    return {key: reading(value.entry, drawn) for key, value in values.items()}, drawn


def reading(entry: Entry, drawn: Uncertainty | None = None) -> Reading:
    """A ledger entry as a reading; without an interval where it does not vary."""
    low, high = (entry.low, entry.high) if drawn is None else drawn.interval(entry)
    if low == high:
        low = high = None
    derivation = explain(entry, given=ASKED)
    return Reading(entry.title, entry.value, entry.unit, low, high, derivation)


def titled(readings: Mapping[str, Reading], titles: Mapping[str, str]) -> dict[str, Reading]:
    """Readings under titles of the lab's own, where there are such."""
    return {key: replace(told, title=titles.get(key, told.title)) for key, told in readings.items()}
