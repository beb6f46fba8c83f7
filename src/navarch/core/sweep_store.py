"""The folder of a sweep: each finished chunk a Parquet file, so that an interrupted sweep loses nothing finished."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from io import BufferedWriter
from pathlib import Path
from typing import Any

import numpy as np

from navarch.core.sweep_error import SweepError
from navarch.core.sweep_fingerprint import WHAT

FORMAT = 1
MANIFEST = "sweep.json"
LOCK = ".lock"
CHUNK = re.compile(r"chunk-(\d{7,})\.parquet")
KINDS = "biufU"
WIDEST = 8
"""The widest number that Parquet holds [byte]."""
TYPES, NUMBERS = b"navarch.types", b"navarch.numbers"

Columns = Mapping[str, Any]


class Store:
    """The finished chunks of one sweep, in a folder that no other sweep uses meanwhile."""

    def __init__(self, folder: Path, identity: Mapping[str, str], count: int) -> None:
        self._parquet = import_module("pyarrow.parquet")  # now: Ctrl-C within an import would leave half a library
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(folder)
        try:
            _same_sweep(folder, {"format": FORMAT, "count": count, **identity})
        except SweepError:
            self.close()
            raise
        self._finished = {int(m[1]) for p in folder.iterdir() if (m := CHUNK.fullmatch(p.name))}

    def read(self, index: int) -> dict[str, Any] | None:
        """The result of a chunk; None where it was not finished, or its file is damaged."""
        if index not in self._finished:
            return None
        import pyarrow as pa

        try:
            table = self._parquet.read_table(self._path(index), use_threads=False, page_checksum_verification=True)
            metadata = table.schema.metadata or {}
            types, numbers = json.loads(metadata[TYPES]), json.loads(metadata[NUMBERS])
        except (pa.ArrowException, OSError, KeyError, ValueError):
            return None
        columns = {name: np.array(table[name].to_numpy(), dtype=kind) for name, kind in types.items() if kind}
        return {name: columns[name] if kind else numbers[name] for name, kind in types.items()}

    def write(self, index: int, result: Any) -> dict[str, Any]:
        """Put the result of a chunk on disk, under its name only once it is whole, and return it as `read` will."""
        import pyarrow as pa

        values = _columns(index, result)
        columns = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
        types = {name: value.dtype.str if isinstance(value, np.ndarray) else None for name, value in values.items()}
        numbers = {name: value for name, value in values.items() if name not in columns}
        arrays = {name: pa.array(column.tolist() if column.dtype.kind == "U" else column, _arrow(column, pa))
                  for name, column in columns.items()}  # fmt: skip
        table = pa.table(arrays).replace_schema_metadata({TYPES: json.dumps(types), NUMBERS: json.dumps(numbers)})

        def fill(file: BufferedWriter) -> None:
            self._parquet.write_table(table, file, compression="zstd", use_dictionary=False, write_page_checksum=True)

        _put(self._path(index), fill)
        return values

    def close(self) -> None:
        """Let another sweep have the folder."""
        os.close(self._lock)

    def _path(self, index: int) -> Path:
        return self._folder / f"chunk-{index:07d}.parquet"


def _arrow(column: Any, pa: Any) -> Any:
    return pa.string() if column.dtype.kind == "U" else pa.from_numpy_dtype(column.dtype)


def _columns(index: int, result: Any) -> dict[str, Any]:
    """The result of a chunk with arrays in one piece and plain numbers, checked to be what a file can hold."""
    if not isinstance(result, Mapping):
        raise _unfit(index, f"is a {type(result).__name__}")
    values = {name: value.item() if isinstance(value, np.generic) else value for name, value in result.items()}
    lengths = set()
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            kind = value.dtype
            if value.ndim != 1 or kind.kind not in KINDS or (kind.kind != "U" and kind.itemsize > WIDEST):
                raise _unfit(index, f"has the array {name!r} of shape {value.shape} and type {kind}")
            values[name] = np.ascontiguousarray(value, dtype=kind.newbyteorder("="))
            lengths.add(len(value))
        elif not isinstance(value, (bool, int, float, str)):
            raise _unfit(index, f"has {name!r} of type {type(value).__name__}")
    if len(lengths) > 1:
        raise _unfit(index, f"has columns of {', '.join(str(n) for n in sorted(lengths))} rows")
    return values


def _unfit(index: int, what: str) -> SweepError:
    return SweepError(
        f"a sweep that is written to a folder needs results that are a mapping of names to one-dimensional arrays of "
        f"one length, or to plain numbers or texts; that of chunk {index} {what}"
    )


def _put(path: Path, fill: Any) -> None:
    """Write a file under a temporary name and rename it once it is on disk."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    if sys.platform != "win32":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _locked(folder: Path) -> int:
    """An open file that holds the folder for this process until it is closed, or the process ends."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise SweepError(f"another sweep is writing to {folder} at this moment") from error
    return handle


def _same_sweep(folder: Path, identity: dict[str, Any]) -> None:
    """Check that what a folder holds belongs to this sweep; claim a folder that is empty."""
    path = folder / MANIFEST
    if not path.exists():
        others = sorted(p.name for p in folder.iterdir() if p.name not in (LOCK, f".{MANIFEST}.tmp"))
        if others:
            raise SweepError(f"{folder} holds other files ({others[0]}, ...): name an empty or a new folder")
        _put(path, lambda file: file.write(json.dumps(identity, indent=1).encode()))
        return
    try:
        before = json.loads(path.read_text("utf-8"))
    except ValueError:
        before = {}
    if before == identity:
        return
    changed = next((text for name, text in WHAT.items() if before.get(name) != identity[name]), "its format")
    raise SweepError(
        f"the sweep in {folder} cannot be resumed: {changed} changed since it began; "
        "name another folder, or remove this one to begin anew"
    )
