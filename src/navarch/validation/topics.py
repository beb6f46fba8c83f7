"""The topics that can be validated, and how a topic's rows become a report."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from navarch.design.errors import DesignError
from navarch.validation.report import Prediction, Report, Skipped, StoredError, row_id
from navarch.validation.rows import Row, UnpredictableError, read_rows

if TYPE_CHECKING:
    from navarch.catalog import Catalog

MODULES = ("models", "reliability", "compute", "training", "topology", "collectives", "network", "storage")
"""Modules of this package that hold one topic each, as `TOPIC`."""


@dataclass(frozen=True)
class Told:
    """What a topic makes of all rows at once: predictions, rows left out, and what else they tell, as plain data."""

    predictions: Sequence[Prediction]
    skipped: Sequence[Skipped]
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Topic:
    """Something that navarch predicts and others have measured.

    columns: what a user's own table must have; published: the shipped rows; predict: a row's prediction (where there is
    none it raises UnpredictableError); others: sets of columns that a table may have instead; predict_all: predictions
    of all rows at once, where there may be many; reads: the rows of a file that is no table, or None where it is none
    of those that the topic knows; stored: errors that stand in the catalog, where no rows are shipped.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    published: Callable[[Catalog], Sequence[Row]]
    predict: Callable[[Row, Catalog], Prediction]
    others: tuple[tuple[str, ...], ...] = ()
    predict_all: Callable[[Sequence[Row], Catalog], Told] | None = None
    reads: Callable[[Path], list[Row] | None] | None = None
    stored: Callable[[Catalog], Sequence[StoredError]] | None = None


@cache
def topics() -> dict[str, Topic]:
    """Return every topic by name."""
    found = [import_module(f"navarch.validation.{module}").TOPIC for module in MODULES]
    return {topic.name: topic for topic in found}


def topic_named(name: str) -> Topic:
    """Return the topic of a name, or raise a DesignError that says which there are."""
    known = topics()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise DesignError("TOPIC", f'"{name}" cannot be validated; {hint}the topics are {", ".join(known)}')
    return known[name]


def _read(topic: Topic, data: Path) -> Sequence[Row]:
    """Return the rows of a user's file."""
    known = topic.reads(data) if topic.reads is not None else None
    return read_rows(data, topic.columns, *topic.others) if known is None else known


def validate(name: str, catalog: Catalog, data: Path | None = None) -> Report:
    """Return the predictions of a topic beside the published rows, or beside a user's own table of the same columns."""
    topic = topic_named(name)
    source = "published rows" if data is None else str(data)
    if data is None and topic.stored is not None:
        return Report(topic.name, topic.title, "errors stored in the catalog", (), (), tuple(topic.stored(catalog)))
    rows = topic.published(catalog) if data is None else _read(topic, data)
    if topic.predict_all is not None:
        told = topic.predict_all(rows, catalog)
        return Report(topic.name, topic.title, source, tuple(told.predictions), tuple(told.skipped), more=told.more)
    predictions: list[Prediction] = []
    skipped: list[Skipped] = []
    for index, row in enumerate(rows, start=1):
        try:
            predictions.append(topic.predict(row, catalog))
        except UnpredictableError as reason:
            skipped.append(Skipped(row_id(row, index), str(reason)))
    return Report(topic.name, topic.title, source, tuple(predictions), tuple(skipped))
