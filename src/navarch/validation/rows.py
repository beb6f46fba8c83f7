"""Rows of a table of measurements, shipped or the user's own (CSV or Parquet), and how a cell is read."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from navarch.design.errors import DesignError

Row = Mapping[str, Any]
SIZE_LIMIT = 200_000_000
"""Largest table of measurements [byte]."""


class UnpredictableError(ValueError):
    """Why a row has no prediction."""


def read_rows(path: Path, columns: Sequence[str], *others: Sequence[str]) -> list[Row]:
    """Return the rows of a user's table; a file that is no table with these columns (or others) is a DesignError."""
    if path.is_dir():
        raise DesignError("--data", "is a folder; name a CSV or Parquet file", source=str(path))
    if not path.exists():
        raise DesignError("--data", "there is no such file", source=str(path))
    if path.stat().st_size > SIZE_LIMIT:
        raise DesignError("--data", f"is larger than {SIZE_LIMIT / 1e6:g} MB", source=str(path))
    rows, found = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    columns = min((columns, *others), key=lambda names: len(set(names).difference(found)))
    missing = [name for name in columns if name not in found]
    if missing:
        told = f"lacks the columns {', '.join(missing)}; needed are {', '.join(columns)}"
        more = "" if not others else f", or another of the {len(others) + 1} sets that `navarch validate` lists"
        raise DesignError("--data", told + more, source=str(path))
    return rows


def text(row: Row, column: str) -> str:
    """Return a cell as text, "" when empty."""
    cell = row.get(column)
    return "" if cell is None else str(cell).strip()


def number(row: Row, column: str) -> float:
    """Return a cell as a positive finite number, or say why the row cannot be used."""
    written = text(row, column)
    if not written:
        raise UnpredictableError(f"{column} is empty")
    try:
        value = float(written)
    except ValueError as error:
        raise UnpredictableError(f'{column} "{written[:40]}" is not a number') from error
    if not math.isfinite(value) or value <= 0:
        raise UnpredictableError(f'{column} "{written[:40]}" is not a positive number')
    return value


def _csv(path: Path) -> tuple[list[Row], list[str]]:
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DesignError("--data", "is not UTF-8 text", source=str(path)) from error
    try:
        reader = csv.DictReader(io.StringIO(content, newline=""), restkey="beyond the last column")
        rows: list[Row] = [dict(row) for row in reader]
    except csv.Error as error:
        raise DesignError("--data", f"is not a CSV table: {error}", source=str(path)) from error
    return rows, list(reader.fieldnames or ())


def _parquet(path: Path) -> tuple[list[Row], list[str]]:
    import polars as pl

    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DesignError("--data", "is not a Parquet table", source=str(path)) from error
    return list(frame.iter_rows(named=True)), frame.columns
