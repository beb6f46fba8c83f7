"""A student's record: what was predicted, seen, kept, decided, in the order in which it happened, and never changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from navarch.course.instrument import Shown
from navarch.course.record.canonical import canonical, parsed, written
from navarch.course.record.chain import flaws_of
from navarch.course.record.clock import now, said
from navarch.course.record.entry import (
    DECISION,
    EVIDENCE,
    MEASUREMENT,
    PREDICTION,
    REVEAL,
    SHOWING,
    SUBMISSION,
    Decision,
    Entry,
    Header,
    Prediction,
    sealed_entry,
)
from navarch.course.record.errors import (
    AlreadyCommittedError,
    NotPredictedError,
    OtherStudentError,
    RecordError,
    UnreadableRecordError,
)
from navarch.course.record.log import COLUMNS, Log, entry_of_row, log_of, read_store
from navarch.course.record.store import create, examine, is_empty, move_aside, reading, writing
from navarch.course.record.versions import versions
from navarch.course.variant import Student

Check = Callable[["Standing"], Entry | None]


class Record:
    """The record of one student: entries are added, each durable when the call returns, and none is ever changed.

    moved_aside: what became of an unreadable file that stood here; empty where there was none.
    """

    def __init__(self, path: Path, student: Student, moved_aside: str = ""):
        self.path = path
        self.student = student
        self.moved_aside = moved_aside

    @classmethod
    def open(cls, path: Path, student: Student) -> Record:
        """The record at `path`, made where there is none. A file that cannot be read, or whose chain is broken, is
        moved aside, never overwritten. Raises OtherStudentError for the file of another student."""
        note = _make_room(path, student)
        if is_empty(path):
            create(path, Header(student.name, student.course, now(), note))
        _check_owner(path, read_store(path), student)
        return cls(path, student, note)

    def commit(self, lab: str, part: str, answer: Prediction) -> Entry:
        """Commit a prediction; raises AlreadyCommittedError where the part has one."""
        return self._append(PREDICTION, lab, part, asdict(answer), partial(_not_yet, lab=lab, part=part))

    def prediction(self, lab: str, part: str) -> Entry | None:
        """The committed prediction of a part."""
        return next(iter(self.entries(lab, PREDICTION, part)), None)

    def reveal(self, lab: str, part: str, shown: Shown, answer: str = "") -> Entry:
        """Note the result that a prediction is held beside; the same result again is the same entry.

        answer: key of the reading that answers the question; left out, the only one of the prediction's unit.
        Raises NotPredictedError before the prediction.
        """
        plain = shown.as_plain()
        body = {"shown": plain, "versions": versions(), "answer": answer}
        return self._append(REVEAL, lab, part, body, partial(_predicted, lab=lab, part=part, shown=plain))

    def keep(self, lab: str, part: str, shown: Shown, note: str = "") -> Entry:
        """Keep evidence: exactly what was shown, and by which versions."""
        return self._append(EVIDENCE, lab, part, {"shown": shown.as_plain(), "versions": versions(), "note": note})

    def measured(self, lab: str, part: str, shown: Shown, machine: Mapping[str, Any], recorded: bool) -> Entry:
        """Keep a measurement. machine: where it was taken, in words; recorded: not here, but earlier and elsewhere."""
        body = {"shown": shown.as_plain(), "versions": versions(), "machine": dict(machine), "recorded": recorded}
        return self._append(MEASUREMENT, lab, part, body)

    def decide(self, lab: str, decision: Decision) -> Entry:
        """Note a decision; a later one supersedes it, and both stay. Its evidence must be kept entries."""
        return self._append(DECISION, lab, "", asdict(decision), partial(_kept, numbers=decision.evidence))

    def submit(self, lab: str, part: str, body: Mapping[str, Any]) -> Entry:
        """Hand in a strategy, a rule, or a design of the challenge with its score."""
        return self._append(SUBMISSION, lab, part, dict(body))

    def entries(self, lab: str | None = None, kind: str | None = None, part: str | None = None) -> list[Entry]:
        """The entries of a lab, a kind, a part, oldest first."""
        with reading(self.path) as db:
            return Standing(db).entries(lab=lab, kind=kind, part=part)

    def log(self) -> Log:
        """All that stands in the record."""
        return read_store(self.path)

    def _append(self, kind: str, lab: str, part: str, body: Mapping[str, Any], check: Check | None = None) -> Entry:
        """Add one entry in one transaction, unless `check` finds that it stands already."""
        text = written(body)
        with writing(self.path) as db:
            standing = Standing(db)
            standing.belongs_to(self.student, self.path)
            found = check(standing) if check is not None else None
            if found is not None:
                return found
            number, previous = standing.head()
            moment = now(standing.last_time())
            entry = sealed_entry(number + 1, moment, kind, lab, part, parsed(text), previous)
            row = (entry.number, entry.time, kind, lab, part, text, previous, entry.digest)
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return entry


class Standing:
    """What stands in the record within one transaction."""

    def __init__(self, db: sqlite3.Connection):
        self.db = db

    def belongs_to(self, student: Student, path: Path) -> None:
        """Raise OtherStudentError where the file was replaced by another student's while it was open."""
        name, course = self.db.execute("SELECT student, course FROM header").fetchone()
        if (name, course) != (student.name, student.course):
            raise OtherStudentError(f"{path} has become the record of {name!r}: it was replaced while it was open")

    def head(self) -> tuple[int, str]:
        """Number and digest of the last entry."""
        number, digest = self.db.execute("SELECT number, digest FROM head").fetchone()
        return number, digest

    def last_time(self) -> str:
        """The time of the last entry, or of the header."""
        (time,) = self.db.execute(
            "SELECT max(created, coalesce((SELECT max(time) FROM entries), '')) FROM header"
        ).fetchone()
        return str(time)

    def entries(self, **wanted: str | None) -> list[Entry]:
        """The entries with the wanted lab, kind, part."""
        asked = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{name} = ?" for name in asked) or "1"
        query = f"SELECT {', '.join(COLUMNS)} FROM entries WHERE {where} ORDER BY number"  # noqa: S608 (own names)
        return [entry_of_row(row) for row in self.db.execute(query, tuple(asked.values()))]


def _make_room(path: Path, student: Student) -> str:
    """Move an unreadable file aside, and say so; an empty text where the file is sound or absent."""
    if not path.exists():
        return ""
    seen = path.stat()
    try:
        if is_empty(path):
            return ""
        with reading(path) as db:
            examine(db, path)
            log = log_of(db)
        _check_owner(path, log, student)
        broken = flaws_of(log)
        why = broken[0].message if broken else ""
    except UnreadableRecordError as error:
        why = str(error)
    if not why:
        return ""
    aside = move_aside(path, seen)
    if aside is None:
        return _make_room(path, student)
    moved = f"It was moved aside, unchanged, to {aside.name}; a new one begins here."
    return f"The record could not be trusted: {why}. {moved}"


def _check_owner(path: Path, log: Log, student: Student) -> None:
    owner = log.header.owner
    if owner != student:
        raise OtherStudentError(
            f"{path} is the record of {owner.name!r} in course {owner.course!r}, not of {student.name!r} in "
            f"course {student.course!r}: name another file, or open it as its student"
        )


def _not_yet(standing: Standing, lab: str, part: str) -> None:
    for first in standing.entries(lab=lab, kind=PREDICTION, part=part):
        raise AlreadyCommittedError(
            f"the prediction for part {part} of lab {lab} is committed since {said(first.time)} "
            f"({first.body['written']!r}, receipt {first.receipt}): it stays as it is"
        )


def _predicted(standing: Standing, lab: str, part: str, shown: Mapping[str, Any]) -> Entry | None:
    if not standing.entries(lab=lab, kind=PREDICTION, part=part):
        raise NotPredictedError(f"the result of part {part} of lab {lab} is shown after its prediction is committed")
    same = canonical(shown)
    seen = standing.entries(lab=lab, kind=REVEAL, part=part)
    return next((entry for entry in seen if canonical(entry.body["shown"]) == same), None)


def _kept(standing: Standing, numbers: tuple[int, ...]) -> None:
    kept = {entry.number for entry in standing.entries() if entry.kind in SHOWING}
    strange = [number for number in numbers if number not in kept]
    if strange:
        allowed = ", ".join(map(str, sorted(kept))) or "none yet"
        raise RecordError(f"entry {strange[0]} is no kept evidence; allowed: {allowed}")
