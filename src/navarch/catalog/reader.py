"""From YAML files to raw entries: one document is one collection, keys are unique, problems name the file.

Entries by the thousand stand in a table beside the file (`table: kernels.csv`): one row an entry, one column a field,
an empty cell a field that is not given. A table is read fifty times as fast.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from navarch.catalog.errors import CatalogError, listed
from navarch.catalog.facts import Context

_HEADER = frozenset({"collection", "units", "sources", "defaults", "entries", "table"})
_NUMBERS = ("value", "low", "high")
_LARGEST_FILE = 32 * 2**20

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_Base):
    """YAML's safe loader, which refuses a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        if len(made) != len(node.value):
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            twice = next((k for k in keys if keys.count(k) > 1), "<<")
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice!r} is given twice", node.start_mark)
        return made


@dataclass(frozen=True)
class Raw:
    """An entry as a file states it, not yet checked."""

    said: Mapping[str, Any]
    context: Context


def documents(path: Path) -> Iterator[Any]:
    """The YAML documents of a file; any problem is one CatalogError with the line."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise CatalogError(f"{path}: larger than {_LARGEST_FILE // 2**20} MiB: not a catalog file")
        with path.open("rb") as stream:
            yield from list(yaml.load_all(stream, Loader=_UniqueKeyLoader))
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise CatalogError(f"{path}{line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, TypeError) as error:
        if isinstance(error, CatalogError):
            raise
        raise CatalogError(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise CatalogError(f"{path}: nested too deeply to be a catalog file") from error


def read(path: Path, known: Mapping[str, Any], collection: str = "") -> Iterator[tuple[str, str, Raw]]:
    """The entries of a file as (collection, id, raw). A bare list is of the given collection."""
    for document in documents(path):
        if document is None:
            continue
        said = {"collection": collection, "entries": document} if isinstance(document, list) else document
        if not isinstance(said, Mapping):
            raise CatalogError(f"{path}: a catalog file is a mapping with collection and entries, not {said!r:.40}")
        context = _context(path, said, collection)
        if context.collection not in known:
            raise CatalogError(f"{path}: collection {context.collection!r} is unknown; allowed: {listed(known)}")
        entries = said.get("entries", [] if "table" in said else None)
        yield from ((context.collection, *one) for one in _entries(path, entries, context))
        if "table" in said:
            beside = _beside(path, said["table"])
            context = replace(context, path=str(beside))
            yield from ((context.collection, *one) for one in _entries(beside, _rows(beside), context))


def _context(path: Path, said: Mapping[str, Any], collection: str) -> Context:
    unknown = [str(key) for key in said if key not in _HEADER]
    if unknown:
        raise CatalogError(f"{path}: unknown key {listed(unknown)}; a catalog file has: {listed(_HEADER)}")
    for key in ("units", "sources", "defaults"):
        if not isinstance(said.get(key) or {}, Mapping):
            raise CatalogError(f"{path}: {key} must be a mapping, not {said[key]!r:.40}")
    sources = said.get("sources") or {}
    wrong = [str(key) for key, source in sources.items() if not isinstance(source, Mapping)]
    if wrong:
        raise CatalogError(f"{path}: sources: {listed(wrong)} must be a mapping with source, url, date, kind")
    return Context(
        collection=str(said.get("collection") or collection),
        path=str(path),
        units={str(k): str(v) for k, v in (said.get("units") or {}).items()},
        sources={str(k): v for k, v in sources.items()},
        defaults=said.get("defaults") or {},
    )


def _entries(path: Path, entries: Any, context: Context) -> Iterator[tuple[str, Raw]]:
    if not isinstance(entries, list):
        raise CatalogError(f"{path}: entries must be a list ('- id: ...'), not {entries!r:.40}")
    seen: set[str] = set()
    for position, said in enumerate(entries, start=1):
        if not isinstance(said, Mapping) or not said.get("id") or not all(isinstance(k, str) for k in said):
            raise CatalogError(f"{path}: entry {position} must be a mapping with an id, not {said!r:.60}")
        name = str(said["id"])
        if name in seen:
            raise CatalogError(f"{path}: the {context.collection} {name!r} is given twice")
        seen.add(name)
        yield name, Raw(said, context)


def _beside(path: Path, name: Any) -> Path:
    """The table that a file names, in the same folder."""
    if not isinstance(name, str) or Path(name).name != name or not name.endswith(".csv"):
        raise CatalogError(f"{path}: table must be the name of a .csv file in the same folder, not {name!r:.60}")
    return path.with_name(name)


def _rows(path: Path) -> list[dict[str, Any]]:
    """The entries of a table: its cells by column, without the empty ones."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise CatalogError(f"{path}: larger than {_LARGEST_FILE // 2**20} MiB: not a catalog file")
        with path.open(encoding="utf-8", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            columns = next(rows, [])
            return [_row(path, rows.line_num, columns, cells) for cells in rows if cells]
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: not a valid table: {error}") from error


def _row(path: Path, line: int, columns: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(columns):
        raise CatalogError(f"{path}, line {line}: {len(cells)} cells under {len(columns)} columns")
    said: dict[str, Any] = {name: cell for name, cell in zip(columns, cells, strict=True) if cell}
    for name in _NUMBERS:
        if name in said:
            said[name] = _number(said[name])
    return said


def _number(cell: str) -> float | str:
    """A cell as a number where it is one, else as it stands: a number with its unit."""
    try:
        return float(cell)
    except ValueError:
        return cell
