"""What the instruments share: the catalog, what a published run took, and readings with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from navarch.catalog import Catalog, load
from navarch.core.explain import explain
from navarch.core.ledger import Entry, Fact, Ledger, Value
from navarch.core.uncertainty import Uncertainty, propagate
from navarch.course.errors import CourseError
from navarch.course.instrument import Reading

SAMPLES, SEED = 10_000, 1
OF_A_FILE, OF_A_LAB = "design file: ", "asked here: "
"""How a derivation names an input, and how a lab does."""


@cache
def shelf() -> Catalog:
    """The shipped catalog, read once."""
    return load()


@cache
def run_compute(run: str) -> Fact:
    """The training compute of a published run of the catalog's table; CourseError where there is none of the name."""
    table = shelf().table("training_facts")
    found = table.filter((table["model"] == run) & table["flop_total"].is_not_null()).to_dicts()
    if not found:
        raise CourseError(f"run: {run!r} is not a published run whose compute is known")
    row = found[0]
    return Fact(
        id=f"training_facts/{run}/flop_total",
        value=float(row["flop_total"]),
        unit="FLOP",
        title=f"Training compute of {run}",
        source=str(row["source"]),
        url=str(row["source_url"] or ""),
        date=str(row["year"]),
        kind="published",
        note=str(row["notes"] or ""),
    )


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
    derivation = explain(entry).replace(OF_A_FILE, OF_A_LAB)
    return Reading(entry.title, entry.value, entry.unit, low, high, derivation)


def titled(readings: Mapping[str, Reading], titles: Mapping[str, str]) -> dict[str, Reading]:
    """Readings under titles of the lab's own, where there are such."""
    return {key: replace(told, title=titles.get(key, told.title)) for key, told in readings.items()}
