"""A process killed with SIGKILL while it appends: what it was told is kept, is kept."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from itertools import count
from pathlib import Path
from typing import NoReturn

import pytest

from navarch.course.instrument import Instrument
from navarch.course.record import Prediction, Record
from navarch.course.record.verify import verify
from navarch.course.variant import Student

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
ADA = Student("ada", "2026")
LINE = 64 + 1


def _append_for_ever(path: Path, turn: int, ring: Instrument, pipe: int) -> NoReturn:
    """Open the record and append; the digest of each entry goes into the pipe once the call has returned."""
    record = Record.open(path, ADA)
    for part in count():
        name = f"{turn}.{part}"
        shown = ring(size=1e9 + part, ranks=8)
        for append in (
            lambda: record.commit("05", name, Prediction(float(part), "s", 0.5, "x")),  # noqa: B023 (called here)
            lambda: record.reveal("05", name, shown),  # noqa: B023
            lambda: record.keep("05", name, shown),  # noqa: B023
            lambda: record.submit("05", name, {"padding": "x" * 20_000}),  # noqa: B023
        ):
            os.write(pipe, f"{append().digest}\n".encode())
    raise AssertionError


def _killed(path: Path, turn: int, ring: Instrument, after: float) -> list[str]:
    """Run the above, kill it `after` its beginning, and give the digests of what it was told is kept."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        try:
            _append_for_ever(path, turn, ring, theirs)
        finally:
            os._exit(1)
    os.close(theirs)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    with os.fdopen(ours, "rb") as pipe:
        told = pipe.read()
    return told[: len(told) // LINE * LINE].decode().split()


@pytest.mark.parametrize("kills", [6, pytest.param(50, marks=pytest.mark.slow)])
def test_nothing_acknowledged_is_lost(tmp_path: Path, ring: Instrument, kills: int) -> None:
    draw = random.Random(kills)
    acknowledged: list[str] = []
    path = tmp_path / "0.navlog"
    for turn in range(kills):
        if turn % 5 == 0:
            acknowledged, path = [], tmp_path / f"{turn}.navlog"
        acknowledged += _killed(path, turn, ring, draw.uniform(0.0, 0.4))
        if path.exists():
            assert verify(path, replay=False).ok or Record.open(path, ADA).entries() == []
        record = Record.open(path, ADA)
        assert record.moved_aside == ""
        digests = [entry.digest for entry in record.entries()]
        assert set(acknowledged) <= set(digests)
        assert len(digests) <= len(acknowledged) + turn % 5 + 1
        acknowledged = digests
        record.submit("05", f"after {turn}", {})
        acknowledged.append(record.entries()[-1].digest)
        assert verify(path, replay=False).ok
    assert not list(tmp_path.glob("*.unreadable-*"))


def test_a_write_cut_in_the_middle_is_undone(tmp_path: Path, ring: Instrument) -> None:
    """A journal is left beside a half-written file: verifying reads the last whole state and touches neither."""
    path = tmp_path / "ada.navlog"
    record = Record.open(path, ADA)
    kept = [record.keep("05", "A", ring(size=1e9, ranks=8)).digest for _ in range(3)]
    child = os.fork()
    if child == 0:
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA cache_size = 2")
        db.execute("BEGIN IMMEDIATE")
        db.execute("DROP TRIGGER entries_stay")
        db.execute("UPDATE entries SET body = ? WHERE number = 2", ("x" * 200_000,))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert sorted(before) == ["ada.navlog", "ada.navlog-journal"] and b"x" * 1000 in before["ada.navlog"]
    found = verify(path)
    assert found.ok and found.log is not None and [entry.digest for entry in found.log.entries] == kept
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    again = Record.open(path, ADA)
    assert again.moved_aside == "" and [entry.digest for entry in again.entries()] == kept


def test_a_file_that_was_never_written_is_told_and_begun(tmp_path: Path) -> None:
    """A process was killed while it made the file: empty, or with a journal that undoes what there is."""
    path = tmp_path / "ada.navlog"
    path.touch()
    assert "is empty: nothing was ever written to it" in verify(path).flaws[0].message
    child = os.fork()
    if child == 0:
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA cache_size = 2")
        db.execute("BEGIN IMMEDIATE")
        db.execute("CREATE TABLE header (text)")
        db.execute("INSERT INTO header VALUES (?)", ("x" * 200_000,))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert path.stat().st_size > 0
    assert "is empty: nothing was ever written to it" in verify(path).flaws[0].message
    record = Record.open(path, ADA)
    assert record.moved_aside == "" and record.submit("05", "A", {}).number == 1
