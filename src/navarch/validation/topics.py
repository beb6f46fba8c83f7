"""The topics that can be validated, and how a topic's rows become a report."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from navarch.design.errors import DesignError
from navarch.validation.report import Prediction, Report, Skipped, row_id
from navarch.validation.rows import Row, UnpredictableError, read_rows

if TYPE_CHECKING:
    from navarch.catalog import Catalog

MODULES = ("models", "reliability")
"""Modules of this package that hold one topic each, as `TOPIC`."""


@dataclass(frozen=True)
class Topic:
    """Something that navarch predicts and others have measured.

    columns: what a user's own table must have; published: the shipped rows; predict: a row's prediction (where there is
    none it raises UnpredictableError).
    """

    name: str
    title: str
    columns: tuple[str, ...]
    published: Callable[[Catalog], Sequence[Row]]
    predict: Callable[[Row, Catalog], Prediction]


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


def validate(name: str, catalog: Catalog, data: Path | None = None) -> Report:
    """Return the predictions of a topic beside the published rows, or beside a user's own table of the same columns."""
    topic = topic_named(name)
    rows = topic.published(catalog) if data is None else read_rows(data, topic.columns)
    predictions: list[Prediction] = []
    skipped: list[Skipped] = []
    for index, row in enumerate(rows, start=1):
        try:
            predictions.append(topic.predict(row, catalog))
        except UnpredictableError as reason:
            skipped.append(Skipped(row_id(row, index), str(reason)))
    source = "published rows" if data is None else str(data)
    return Report(topic.name, topic.title, source, tuple(predictions), tuple(skipped))
