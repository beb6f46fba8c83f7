"""What the record takes, and what it refuses."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from navarch.course.instrument import Instrument, Reading, Shown
from navarch.course.record import (
    AlreadyCommittedError,
    Decision,
    NotPredictedError,
    OtherStudentError,
    Prediction,
    Record,
    RecordError,
)
from navarch.course.record import record as record_module
from navarch.course.record.chain import flaws_of
from navarch.course.record.clock import read_time
from navarch.course.variant import Student

ANSWER = Prediction(3.5, "s", 0.7, "3.5 s")


def test_an_entry_is_as_it_was_given(record: Record, ring: Instrument) -> None:
    shown = ring(size=1e9, ranks=8)
    record.commit("05", "A", ANSWER)
    kept = record.keep("05", "A", shown, "a note")
    assert record.prediction("05", "A").prediction == ANSWER
    assert record.entries("05", "evidence", "A") == [kept]
    assert kept.shown == shown
    assert list(kept.shown.readings) == ["time", "moved", "algorithm"]
    assert kept.body["note"] == "a note" and kept.body["versions"]["navarch"]
    assert [e.number for e in record.entries()] == [1, 2]
    assert record.prediction("05", "B") is None


def test_a_prediction_is_committed_once(record: Record) -> None:
    first = record.commit("05", "A", ANSWER)
    with pytest.raises(AlreadyCommittedError, match=rf"'3.5 s', receipt {first.receipt}"):
        record.commit("05", "A", Prediction(4.0, "s", 0.7, "4 s"))
    assert record.commit("05", "B", ANSWER).number == 2
    assert record.prediction("05", "A") == first


def test_a_result_comes_after_its_prediction(record: Record, ring: Instrument) -> None:
    shown = ring(size=1e9, ranks=8)
    with pytest.raises(NotPredictedError, match="part A of lab 05"):
        record.reveal("05", "A", shown)
    committed = record.commit("05", "A", ANSWER)
    revealed = record.reveal("05", "A", shown)
    assert read_time(revealed.time) > read_time(committed.time)
    assert record.reveal("05", "A", shown) == revealed
    assert record.reveal("05", "A", ring(size=2e9, ranks=8)).number == 3


def test_time_moves_forward_though_the_clock_moves_back(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    later = record.commit("05", "A", ANSWER).time
    monkeypatch.setattr(record_module, "now", lambda after: _now_in("2001-01-01T00:00:00.000000Z", after))
    assert record.commit("05", "B", ANSWER).time > later
    assert flaws_of(record.log()) == []


def _now_in(clock: str, after: str) -> str:
    from datetime import timedelta

    from navarch.course.record.clock import WRITTEN

    return max(read_time(clock), read_time(after) + timedelta(microseconds=1)).strftime(WRITTEN)


def test_a_decision_rests_on_kept_evidence(record: Record, ring: Instrument) -> None:
    record.commit("05", "A", ANSWER)
    kept = record.keep("05", "A", ring(size=1e9, ranks=8))
    told = ("go", (kept.number,), "because", "bytes", "stay", "12 %", "never", 0.5)
    first = record.decide("05", Decision(*told))
    assert record.decide("05", Decision("stay", *told[1:])).number == first.number + 1
    with pytest.raises(RecordError, match="entry 1 is no kept evidence; allowed: 2"):
        record.decide("05", Decision("go", (1,), *told[2:]))


@pytest.mark.parametrize(
    ("value", "unit", "confidence"),
    [(math.nan, "s", 0.5), (math.inf, "s", 0.5), ("ring", "s", 0.5), (1.0, "choice", 0.5), (1.0, "s", 70),
     (1.0, "s", True)],
)  # fmt: skip
def test_what_is_no_prediction_is_refused(value: float | str, unit: str, confidence: float) -> None:
    with pytest.raises(RecordError, match=r"allowed|a choice"):
        Prediction(value, unit, confidence, "")


def test_every_float_comes_back_to_the_last_bit(record: Record) -> None:
    odd = [0.1 + 0.2, 5e-324, -0.0, math.inf, -math.inf, 1e22, 2.0**53 + 2, math.nextafter(1, 2)]
    record.submit("05", "A", {"numbers": odd, "array": np.array([1.5, np.pi]), "whole": np.int64(7), "nan": math.nan})
    body = record.entries()[0].body
    assert [float(x).hex() for x in body["numbers"]] == [x.hex() for x in odd]
    assert body["array"] == [1.5, math.pi] and body["whole"] == 7 and math.isnan(body["nan"])
    with pytest.raises(RecordError, match="cannot be kept in a record"):
        record.submit("05", "A", {"set": {1}})


def test_the_file_refuses_to_be_changed(record: Record, ring: Instrument) -> None:
    record.commit("05", "A", ANSWER)
    record.keep("05", "A", ring(size=1e9, ranks=8))
    db = sqlite3.connect(record.path)
    for statement in (
        "UPDATE entries SET body = '{}' WHERE number = 1",
        "DELETE FROM entries WHERE number = 2",
        "UPDATE header SET student = 'bob'",
        "DELETE FROM header",
        "INSERT OR REPLACE INTO header SELECT only, format, 'bob', course, created, note FROM header",
        "UPDATE head SET number = 1",
        "DELETE FROM head",
        "INSERT OR REPLACE INTO head VALUES (1, 1, 'x')",
        "INSERT INTO entries SELECT 9, time, kind, lab, part, body, digest, digest FROM entries WHERE number = 2",
        "INSERT INTO entries SELECT 3, '2001', kind, lab, part, body, digest, digest FROM entries WHERE number = 2",
        "INSERT OR REPLACE INTO entries SELECT 3, 'z', kind, lab, part, body, (SELECT digest FROM head), digest "
        "FROM entries WHERE number = 1",
    ):
        with pytest.raises(sqlite3.DatabaseError, match=r"record|entry|head|committed"):
            db.execute(statement)
        db.rollback()
    db.close()
    assert flaws_of(record.log()) == []


def test_another_students_record_is_refused(record: Record) -> None:
    record.commit("05", "A", ANSWER)
    before = record.path.read_bytes()
    for other in (Student("bob", "2026"), Student("ada", "2027")):
        with pytest.raises(OtherStudentError, match="is the record of 'ada' in course '2026'"):
            Record.open(record.path, other)
    assert record.path.read_bytes() == before
    assert Record.open(record.path, record.student).moved_aside == ""


@pytest.mark.parametrize("damage", ["text", "cut", "page", "changed"])
def test_an_unreadable_file_is_moved_aside_and_never_overwritten(record: Record, ring: Instrument, damage: str) -> None:
    record.commit("05", "A", ANSWER)
    for _ in range(20):
        record.keep("05", "A", ring(size=1e9, ranks=8))
    content = bytearray(record.path.read_bytes())
    if damage == "text":
        content = bytearray(b"my homework" * 100)
    elif damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "page":
        content[4096 * 2 : 4096 * 4] = os.urandom(4096 * 2)
    else:
        content = bytearray(bytes(content).replace(b'"3.5 s"', b'"9.5 s"'))
    record.path.write_bytes(content)
    again = Record.open(record.path, record.student)
    (aside,) = record.path.parent.glob("*.unreadable-*")
    assert aside.read_bytes() == content
    assert aside.name in again.moved_aside and "a new one begins here" in again.moved_aside
    assert again.entries() == []
    assert again.commit("05", "A", ANSWER).number == 1
    assert again.log().header.note == again.moved_aside
    assert Record.open(record.path, record.student).moved_aside == ""


def test_a_database_of_something_else_is_refused_and_left(tmp_path: Path, student: Student) -> None:
    path = tmp_path / "bookmarks.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE bookmarks (name)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(RecordError, match="a database of something else"):
        Record.open(path, student)
    with pytest.raises(RecordError, match="unable to open"):
        Record.open(tmp_path, student)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["bookmarks.db"]


def test_threads_append_one_after_the_other(record: Record) -> None:
    refused: list[AlreadyCommittedError] = []

    def work(name: int) -> None:
        for turn in range(6):
            record.submit("05", f"{name}", {"turn": turn})
        try:
            record.commit("05", "A", ANSWER)
        except AlreadyCommittedError as error:
            refused.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(record.entries()) == 25 and len(refused) == 3
    assert flaws_of(record.log()) == []


WORKER = """
import sys
from pathlib import Path
from navarch.course.record import Record
from navarch.course.variant import Student
mine = Record.open(Path(sys.argv[1]), Student("ada", "2026"))
for turn in range(5):
    mine.submit("05", sys.argv[2], {"turn": turn})
"""


def test_processes_create_and_append_at_once(tmp_path: Path, student: Student) -> None:
    path = tmp_path / "new" / "ada.navlog"
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, path, f"{name}"]) for name in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    made = Record.open(path, student)
    assert made.moved_aside == "" and len(made.entries()) == 15
    for name in range(3):
        assert [e.body["turn"] for e in made.entries(part=f"{name}")] == [0, 1, 2, 3, 4]
    assert flaws_of(made.log()) == []


def test_a_shown_result_that_is_no_instruments_is_kept_as_it_is(record: Record) -> None:
    shown = Shown("x:y", {}, {"a": Reading("A", math.inf, "s")}, ({"a": math.nan},))
    kept = record.keep("05", "A", shown)
    assert kept.shown.readings == shown.readings and math.isnan(kept.shown.rows[0]["a"])
