"""The file of a record: SQLite that takes new entries and nothing else.

Every write is one transaction that takes the file's lock first and is on disk when it returns. The journal is the
rollback one (no second file beside the record, and file servers can hold it); its removal is synced as well.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from navarch.course.record.entry import FORMAT, Header
from navarch.course.record.errors import RecordError, UnreadableRecordError

APPLICATION = 0x6E617672  # "navr", by which `file` and this module know the format
VERSION = 1
PATIENCE = 60.0
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
SIDE_FILES = ("-journal", "-wal", "-shm")
TABLES = {"header", "entries", "head"}

SCHEMA = """
CREATE TABLE header (only INTEGER PRIMARY KEY CHECK (only = 1), format TEXT NOT NULL, student TEXT NOT NULL,
    course TEXT NOT NULL, created TEXT NOT NULL, note TEXT NOT NULL);
CREATE TABLE entries (number INTEGER PRIMARY KEY, time TEXT NOT NULL, kind TEXT NOT NULL, lab TEXT NOT NULL,
    part TEXT NOT NULL, body TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL);
CREATE TABLE head (only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL, digest TEXT NOT NULL);
CREATE TRIGGER header_stays BEFORE UPDATE ON header BEGIN SELECT RAISE(ABORT, 'a record is never changed'); END;
CREATE TRIGGER header_is_kept BEFORE DELETE ON header BEGIN SELECT RAISE(ABORT, 'a record is never changed'); END;
CREATE TRIGGER one_header BEFORE INSERT ON header WHEN (SELECT count(*) FROM header) > 0
    BEGIN SELECT RAISE(ABORT, 'a record has one header'); END;
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;
CREATE TRIGGER entries_follow BEFORE INSERT ON entries
    WHEN NEW.number <> (SELECT number + 1 FROM head) OR NEW.previous <> (SELECT digest FROM head)
        OR NEW.time <= (SELECT coalesce(max(time), '') FROM entries)
    BEGIN SELECT RAISE(ABORT, 'an entry follows the last one'); END;
CREATE TRIGGER one_prediction BEFORE INSERT ON entries WHEN NEW.kind = 'prediction'
        AND EXISTS (SELECT 1 FROM entries WHERE kind = 'prediction' AND lab = NEW.lab AND part = NEW.part)
    BEGIN SELECT RAISE(ABORT, 'a prediction is committed once'); END;
CREATE TRIGGER head_moves AFTER INSERT ON entries
    BEGIN UPDATE head SET number = NEW.number, digest = NEW.digest; END;
CREATE TRIGGER head_follows BEFORE UPDATE ON head WHEN NEW.number <> OLD.number + 1
        OR NOT EXISTS (SELECT 1 FROM entries WHERE number = NEW.number AND digest = NEW.digest)
    BEGIN SELECT RAISE(ABORT, 'the head follows the entries'); END;
CREATE TRIGGER one_head BEFORE INSERT ON head WHEN (SELECT count(*) FROM head) > 0
    BEGIN SELECT RAISE(ABORT, 'a record has one head'); END;
CREATE TRIGGER head_is_kept BEFORE DELETE ON head BEGIN SELECT RAISE(ABORT, 'a record is never changed'); END;
"""


def create(path: Path, header: Header) -> None:
    """Make the file, unless another process has made it meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path, new=True) as db:
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return
        for statement in _statements():
            db.execute(statement)
        told = (FORMAT, header.student, header.course, header.created, header.note)
        db.execute("INSERT INTO header VALUES (1, ?, ?, ?, ?, ?)", told)
        db.execute("INSERT INTO head VALUES (1, 0, ?)", (header.digest,))
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection in one read transaction."""
    with _connected(path) as db:
        db.execute("BEGIN")
        yield db
        db.execute("COMMIT")


@contextmanager
def writing(path: Path, new: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection in one write transaction, which is on disk at the end, or undone where the block raises."""
    with _connected(path, new) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def examine(db: sqlite3.Connection, path: Path) -> None:
    """Raise UnreadableRecordError where the file is damaged, RecordError where it is something else than a record."""
    broken = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if broken != "ok":
        raise UnreadableRecordError(f"{path.name} is damaged ({broken})")
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise UnreadableRecordError(f"{path.name} is empty: nothing was ever written to it")
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise RecordError(f"{path} is a database of something else, not a record of navarch: give another file")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise RecordError(f"{path} is a record of version {version}; this navarch knows version {VERSION}: update it")
    missing = TABLES - {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if missing:
        raise UnreadableRecordError(f"{path.name} lacks its table {', '.join(sorted(missing))}")


def missing_guards(db: sqlite3.Connection) -> list[str]:
    """The guards of the schema that a file lacks: triggers that were removed or rewritten."""
    has = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    guards = (statement for statement in _statements() if statement.startswith("CREATE TRIGGER"))
    return [name for guard in guards if has.get(name := guard.split()[2]) != guard]


def is_empty(path: Path) -> bool:
    """Whether nothing was ever written to the file: there is none, or a process was killed before its first write."""
    if not path.exists():
        return True
    with reading(path) as db:
        return db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0


@contextmanager
def snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    """The file as it stands between two writes, in memory. Nothing of it is touched: where it needs a repair first (a
    process was killed while it wrote), it is copied with its journal, and the copy is repaired."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        try:
            _take(f"{path.absolute().as_uri()}?mode=ro", db)
        except sqlite3.DatabaseError:
            with TemporaryDirectory(prefix="navarch-log-") as folder, _told(path):
                copy = Path(folder, path.name)
                for side in ("", *SIDE_FILES):
                    with suppress(FileNotFoundError):
                        shutil.copyfile(f"{path}{side}", f"{copy}{side}")
                _take(copy.absolute().as_uri(), db)
        with _told(path):
            yield db


def _take(address: str, db: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as source:
        source.backup(db)


def move_aside(path: Path, seen: os.stat_result) -> Path | None:
    """Rename the file, with what SQLite keeps beside it, to a name that says when; nothing in it is changed.

    seen: the file that was found unreadable; where another process has moved it already, nothing is done.
    """
    if not path.exists() or not os.path.samestat(path.stat(), seen):
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{path.name}.unreadable-{stamp}")
    for side in SIDE_FILES:
        beside = path.with_name(path.name + side)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + side))
    path.rename(aside)
    return aside


@contextmanager
def _connected(path: Path, new: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection of its own for each use, so that threads and forked processes share none."""
    address = f"{path.absolute().as_uri()}?mode={'rwc' if new else 'rw'}"
    with _told(path), closing(sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = EXTRA")
        db.execute("PRAGMA fullfsync = ON")
        yield db


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """SQLite's errors in words, with the file that they are about."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in DAMAGED:
            raise UnreadableRecordError(f"{path.name} is damaged ({error})") from error
        raise RecordError(f"{path}: {error}") from error


def _statements() -> list[str]:
    """The statements of the schema, each whole (a trigger holds semicolons of its own)."""
    made, text = [], ""
    for line in SCHEMA.strip().splitlines():
        text = f"{text}\n{line}" if text else line
        if sqlite3.complete_statement(text):
            made.append(text.removesuffix(";"))
            text = ""
    return made
