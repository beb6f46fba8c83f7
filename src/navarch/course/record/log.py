"""A record as it is read, from its file or from its export: the header, the entries, and where it says it ends."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from navarch.course.record.canonical import parsed, plain
from navarch.course.record.entry import COMMITMENTS, FORMAT, KINDS, Entry, Header
from navarch.course.record.errors import RecordError, UnreadableRecordError
from navarch.course.record.store import examine, missing_guards, reading, snapshot

SQLITE_MAGIC = b"SQLite format 3\0"
TEXTS = ("time", "kind", "lab", "part", "previous", "digest")


@dataclass(frozen=True, slots=True)
class Log:
    """What stands in a record. head: number and digest of its last entry, as the record itself says; flaws: what is
    wrong with the file already before its entries are looked at."""

    header: Header
    entries: tuple[Entry, ...]
    head: tuple[int, str]
    flaws: tuple[str, ...] = ()

    def of(self, kind: str | None = None, lab: str | None = None, part: str | None = None) -> list[Entry]:
        """The entries of a kind, a lab, a part."""
        return [e for e in self.entries if kind in (None, e.kind) and lab in (None, e.lab) and part in (None, e.part)]

    @property
    def labs(self) -> list[str]:
        """The labs that have entries."""
        return sorted({entry.lab for entry in self.entries})

    def entry(self, number: int) -> Entry | None:
        """The entry of a number."""
        return next((entry for entry in self.entries if entry.number == number), None)


def read_log(path: Path) -> Log:
    """The log in a record's file or its JSON export. Nothing of the file is touched.

    Raises UnreadableRecordError where it cannot be read, RecordError where it is no record.
    """
    if not path.is_file():
        raise RecordError(f"{path}: there is no such file; give a record or its JSON export")
    with path.open("rb") as file:
        start = file.read(len(SQLITE_MAGIC))
    unfinished = path.with_name(f"{path.name}-journal").exists()
    if start and start != SQLITE_MAGIC and not unfinished:
        return _read_export(path)
    with snapshot(path) as db:
        examine(db, path)
        return log_of(db)


def read_store(path: Path) -> Log:
    """The log in a record's file."""
    with reading(path) as db:
        return log_of(db)


def log_of(db: sqlite3.Connection) -> Log:
    """The log within a transaction."""
    headers = db.execute("SELECT format, student, course, created, note FROM header").fetchall()
    heads = db.execute("SELECT number, digest FROM head").fetchall()
    if len(headers) != 1 or len(heads) != 1:
        raise UnreadableRecordError("the record has not one header and one head")
    rows = db.execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY number").fetchall()  # noqa: S608 (own names)
    guards = missing_guards(db)
    flaws = [f"the file lacks the guards that keep it from being changed ({', '.join(guards)})"] if guards else []
    return Log(_header(*headers[0]), tuple(map(entry_of_row, rows)), _head(*heads[0]), tuple(flaws))


COLUMNS = ("number", "time", "kind", "lab", "part", "body", "previous", "digest")


def entry_of_row(row: Iterable[Any]) -> Entry:
    """An entry from its columns."""
    told = dict(zip(COLUMNS, row, strict=True))
    if not isinstance(told["body"], str):
        raise UnreadableRecordError(f"entry {told['number']} cannot be read: its body is no text")
    try:
        return _entry(told | {"body": parsed(told["body"])})
    except RecordError as error:
        raise UnreadableRecordError(f"entry {told['number']} cannot be read: {error}") from error


def as_data(log: Log) -> dict[str, Any]:
    """The log as plain JSON data: all that `read_log` needs to check it, with the receipts of its commitments."""
    entries = []
    for entry in log.entries:
        told = plain(asdict(entry))
        entries.append(told | ({"receipt": entry.receipt} if entry.kind in COMMITMENTS else {}))
    number, digest = log.head
    return {"format": FORMAT, **asdict(log.header), "head": {"number": number, "digest": digest}, "entries": entries}


def from_data(data: Any) -> Log:
    """The inverse of `as_data`."""
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise RecordError(f"this is not a record of navarch: its format is not {FORMAT}")
    try:
        header = _header(*(data[name] for name in ("format", "student", "course", "created", "note")))
        head = _head(data["head"]["number"], data["head"]["digest"])
        told = list(data["entries"])
    except (KeyError, TypeError) as error:
        raise UnreadableRecordError(f"the export cannot be read: {error} is missing or no mapping") from error
    entries = tuple(_entry(each) for each in told)
    flaws = [
        f"{entry.name} has another receipt in the export than its contents give"
        for entry, each in zip(entries, told, strict=True)
        if "receipt" in each and each["receipt"] != entry.receipt
    ]
    return Log(header, entries, head, tuple(flaws))


def export_text(log: Log) -> str:
    """The JSON export."""
    return json.dumps(as_data(log), indent=1, ensure_ascii=False, allow_nan=False) + os.linesep


def _read_export(path: Path) -> Log:
    try:
        data = parsed(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, RecordError) as error:
        raise UnreadableRecordError(f"{path.name} is neither SQLite nor JSON: {error}") from error
    return from_data(data)


def _header(form: object, student: object, course: object, created: object, note: object) -> Header:
    if form != FORMAT or not all(isinstance(text, str) for text in (student, course, created, note)):
        raise UnreadableRecordError(f"the header cannot be read: the format is {form!r}, known is {FORMAT!r}")
    return Header(str(student), str(course), str(created), str(note))


def _head(number: object, digest: object) -> tuple[int, str]:
    if not isinstance(number, int) or not isinstance(digest, str):
        raise UnreadableRecordError("the head cannot be read: it is a number and a digest")
    return number, digest


def _entry(told: Any) -> Entry:
    if not isinstance(told, Mapping) or any(name not in told for name in COLUMNS):
        raise UnreadableRecordError("an entry cannot be read: it lacks one of " + ", ".join(COLUMNS))
    number = told["number"]
    odd = [name for name in TEXTS if not isinstance(told[name], str)]
    if isinstance(number, bool) or not isinstance(number, int):
        raise UnreadableRecordError(f"an entry cannot be read: its number is {number!r}")
    if odd or not isinstance(told["body"], dict) or told["kind"] not in KINDS:
        raise UnreadableRecordError(f"entry {number} cannot be read: {', '.join(odd) or 'its kind or body'} is odd")
    return Entry(**{name: told[name] for name in COLUMNS})
