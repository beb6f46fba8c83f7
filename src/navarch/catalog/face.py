"""What the catalog shows: lists of entries, entries line by line, and a model's config taken into a user's file."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from navarch.catalog.errors import CatalogError
from navarch.catalog.huggingface import said_by_config
from navarch.catalog.loader import CLASSES, Catalog
from navarch.catalog.reader import documents, read
from navarch.core.ledger import Fact
from navarch.core.quantity import show

_HIDDEN = frozenset({"id", "name", "source", "url", "date", "evidence", "note"})


@dataclass(frozen=True, slots=True)
class Line:
    """One attribute of an entry as it is shown; low and high are empty where they are not known."""

    attribute: str
    shown: str
    low: str
    high: str
    source: str
    url: str
    date: str
    kind: str
    note: str


def rows(catalog: Catalog, collection: str) -> list[tuple[str, str, str]]:
    """The entries of a collection: id, name and note."""
    return [
        (name, entry.name, entry.note) for name in catalog.ids(collection) if (entry := catalog.get(collection, name))
    ]


def describe(catalog: Catalog, collection: str, name: str) -> list[Line]:
    """All that is known of an entry, line by line: texts with the entry's source, facts with their own."""
    entry = catalog.get(collection, name)
    lines = []
    for attribute in type(entry).model_fields:
        value = getattr(entry, attribute)
        if attribute in _HIDDEN or value in (None, ""):
            continue
        if isinstance(value, Fact):
            lines.append(_line(attribute, value))
        else:
            lines.append(Line(attribute, _text(value), "", "", entry.source, entry.url, entry.date, "", ""))
    return lines


def import_config(config: Path | str, target: Path | str, name: str = "") -> str:
    """Put the model of a Hugging Face `config.json` into a user's catalog file, and return its id.

    A file that is there keeps its other entries; it is written to a temporary name and renamed, so that it is never
    half written. Raises CatalogError where the config, or the file, is not sound, or the id is taken.
    """
    path, said = Path(target), said_by_config(config, name)
    kept = list(documents(path)) if path.exists() else []
    taken = {(kind, known) for kind, known, _ in read(path, CLASSES)} if path.exists() else set()
    if ("model", said["id"]) in taken:
        raise CatalogError(f"{path}: the model {said['id']!r} is there already; give another name")
    added = {"collection": "model", "entries": [said]}
    own = next((d for d in kept if isinstance(d, dict) and d.get("collection") == "model" and not d.get("units")), None)
    if own is None:
        kept.append(added)
    else:
        own["entries"] = [*own["entries"], said]
    _write_whole(path, yaml.safe_dump_all(kept, sort_keys=False, allow_unicode=True, width=120))
    return str(said["id"])


def _line(attribute: str, fact: Fact) -> Line:
    low, high = ("" if end is None else show(end, fact.unit) for end in (fact.low, fact.high))
    return Line(
        attribute, show(fact.value, fact.unit), low, high, fact.source, fact.url, fact.date, fact.kind, fact.note
    )


def _text(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise CatalogError(f"{path}: cannot be written: {error.strerror}") from error
