"""500 tamperings all caught, 500 honest logs never accused; receipts catch a chain that was written anew."""

from __future__ import annotations

import copy
import json
import math
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from navarch.course.record import Record
from navarch.course.record.canonical import parsed
from navarch.course.record.clock import WRITTEN, read_time
from navarch.course.record.entry import sealed_entry
from navarch.course.record.handed_in import Handed
from navarch.course.record.log import COLUMNS, as_data, export_text
from navarch.course.record.store import SCHEMA
from navarch.course.record.verify import verify

Data = dict[str, Any]
Tampering = Callable[[Data, random.Random], None]
LOGS, PER_LOG, HONEST = 25, 20, 500


def edited_number(data: Data, draw: random.Random) -> None:
    """One number anywhere in an entry, often by its last bit only."""
    holder, key = draw.choice([spot for entry in data["entries"] for spot in _numbers(entry["body"])])
    value = holder[key]
    if isinstance(value, int) or draw.random() < 0.5:
        holder[key] = value + draw.choice((1, -1, 10))
    else:
        holder[key] = math.nextafter(value, draw.choice((-math.inf, math.inf)))
    if holder[key] == value:
        holder[key] = value * 2


def edited_number_resealed(data: Data, draw: random.Random) -> None:
    """The same, by someone who also writes the entry's own hash anew."""
    before = copy.deepcopy(data["entries"])
    edited_number(data, draw)
    changed = next(i for i, entry in enumerate(data["entries"]) if entry != before[i])
    data["entries"][changed] = _resealed(data["entries"][changed])


def reordered(data: Data, draw: random.Random) -> None:
    """Two entries change places, and with them their numbers or their times or neither."""
    one, other = sorted(draw.sample(range(len(data["entries"])), 2))
    entries = data["entries"]
    entries[one], entries[other] = entries[other], entries[one]
    for name in draw.choice((["number"], ["number", "time"], ["number", "time", "previous"])):
        entries[one][name], entries[other][name] = entries[other][name], entries[one][name]


def deleted(data: Data, draw: random.Random) -> None:
    """An entry is gone, be it the last; those after it may be numbered and chained anew."""
    place = draw.randrange(len(data["entries"]))
    del data["entries"][place]
    if draw.random() < 0.5:
        for entry in data["entries"][place:]:
            entry["number"] -= 1
    elif draw.random() < 0.5 and 0 < place < len(data["entries"]):
        data["entries"][place]["previous"] = data["entries"][place - 1]["digest"]


def inserted(data: Data, draw: random.Random) -> None:
    """A well-formed entry with a hash of its own stands somewhere among the others, or at the end."""
    place = draw.randrange(1, len(data["entries"]) + 1)
    new = copy.deepcopy(draw.choice(data["entries"]))
    before = data["entries"][place - 1]
    new |= {"number": place + 1, "previous": before["digest"], "part": "Z", "time": _shifted(before["time"], 1e-6)}
    for entry in data["entries"][place:]:
        entry["number"] += 1
    data["entries"].insert(place, _resealed(new))


def back_dated(data: Data, draw: random.Random) -> None:
    """A prediction claims to be older, or trades places and times with the result before which it should stand."""
    predictions = [i for i, entry in enumerate(data["entries"]) if entry["kind"] == "prediction"]
    entry = data["entries"][draw.choice(predictions)]
    entry["time"] = _shifted(entry["time"], -draw.choice((1e-6, 60, 86400.0)))
    if draw.random() < 0.5:
        data["entries"][entry["number"] - 1] = _resealed(entry)


def swapped_student(data: Data, draw: random.Random) -> None:
    """Another name, or another course."""
    name = draw.choice(("student", "course"))
    data[name] = draw.choice((data[name] + "x", "bob"))


TAMPERINGS: tuple[Tampering, ...] = (
    edited_number, edited_number_resealed, reordered, deleted, inserted, back_dated, swapped_student,
)  # fmt: skip


def test_500_tamperings_are_all_caught(memory_folder: Path, honest: Callable[..., Record]) -> None:
    tried: dict[str, int] = {}
    for number in range(LOGS):
        draw = random.Random(number)
        made = honest(memory_folder / f"{number}.navlog", draw)
        untouched = as_data(made.log())
        for turn in range(PER_LOG):
            tampering = TAMPERINGS[(number * PER_LOG + turn) % len(TAMPERINGS)]
            data = copy.deepcopy(untouched)
            tampering(data, draw)
            write = _write_json if turn % 2 else _write_sqlite
            target = write(made.path, data)
            found = verify(target, replay=False)
            assert not found.ok, f"{tampering.__name__} of log {number}, turn {turn}, {target.name}"
            assert any("entry" in f.message or "entries" in f.message for f in found.flaws)
            target.unlink()
            tried[f"{tampering.__name__} {write.__name__}"] = 1
        assert verify(made.path, replay=False).ok
    assert len(tried) == 2 * len(TAMPERINGS)


@pytest.mark.slow
def test_500_honest_logs_are_never_accused(memory_folder: Path, honest: Callable[..., Record]) -> None:
    for number in range(HONEST):
        made = honest(memory_folder / f"{number}.navlog", random.Random(1000 + number))
        found = verify(made.path)
        assert found.ok, list(found.sentences())
        if number % 10 == 0:
            target = made.path.with_suffix(".json")
            target.write_text(export_text(made.log()), encoding="utf-8")
            assert verify(target).ok
            target.write_text(json.dumps(json.loads(target.read_text("utf-8")), indent=None, sort_keys=True), "utf-8")
            assert verify(target).ok
        made.path.unlink()


def test_a_message_names_the_entry(tmp_path: Path, honest: Callable[..., Record]) -> None:
    made = honest(tmp_path / "ada.navlog", random.Random(3))
    data = as_data(made.log())
    data["entries"][1]["body"]["shown"]["readings"]["time"]["value"] *= 2
    (flaw,) = verify(_write_json(made.path, data)).flaws
    assert flaw.message.startswith("entry 2 (reveal, lab ")
    assert "was changed after it was written" in flaw.message
    data = as_data(made.log())
    del data["entries"][1]
    assert "entry 2 is missing" in verify(_write_json(made.path, data)).flaws[0].message
    data = as_data(made.log())
    del data["entries"][-1]
    assert "the last entries are missing" in verify(_write_json(made.path, data)).flaws[0].message


def test_removed_guards_are_seen(record: Record) -> None:
    record.submit("05", "A", {})
    db = sqlite3.connect(record.path)
    db.execute("DROP TRIGGER entries_stay")
    db.close()
    assert "lacks the guards" in verify(record.path).flaws[0].message


def test_receipts_catch_a_chain_written_anew(tmp_path: Path, honest: Callable[..., Record]) -> None:
    """With every hash, the head and the guards in place, only what was handed in before tells."""
    made = honest(tmp_path / "ada.navlog", random.Random(5))
    handed = [Handed(entry.receipt) for entry in made.entries(kind="prediction")]
    honest_one = verify(made.path, handed)
    predicted = [entry.number for entry in made.entries(kind="prediction")]
    assert honest_one.ok and [receipt.number for receipt in honest_one.receipts] == predicted
    data = as_data(made.log())
    data["entries"][0]["body"]["confidence"] = 0.99
    _rebuild(data)
    for write in (_write_json, _write_sqlite):
        forged = write(made.path, data)
        assert verify(forged).ok
        found = verify(forged, handed)
        assert not found.ok and {receipt.outcome for receipt in found.receipts} == {"fits no entry"}


def test_a_chain_written_anew_with_better_numbers_does_not_reproduce(
    tmp_path: Path, honest: Callable[..., Record]
) -> None:
    made = honest(tmp_path / "ada.navlog", random.Random(5))
    data = as_data(made.log())
    data["entries"][1]["body"]["shown"]["readings"]["time"]["value"] *= 1.001
    _rebuild(data)
    found = verify(_write_json(made.path, data))
    assert not found.flaws and not found.ok
    (differs,) = [replay for replay in found.replays if not replay.sound]
    assert differs.number == 2 and "Time of the all-reduce: kept " in differs.details[0]


@pytest.mark.parametrize("name", ["time", "kind", "body", "digest", "number"])
def test_an_entry_that_cannot_be_read_is_no_traceback(tmp_path: Path, honest: Callable[..., Record], name: str) -> None:
    made = honest(tmp_path / "ada.navlog", random.Random(1))
    for value in (None, [], 3.5, "x"):
        data = as_data(made.log())
        data["entries"][1][name] = value
        assert not verify(_write_json(made.path, data)).ok
    data = as_data(made.log())
    del data["entries"][1][name]
    assert not verify(_write_json(made.path, data)).ok


def _rebuild(data: Data) -> None:
    """Chain all entries anew."""
    previous = data["entries"][0]["previous"]
    for place, entry in enumerate(data["entries"]):
        entry["previous"] = previous
        data["entries"][place] = _resealed(entry)
        previous = data["entries"][place]["digest"]
    data["head"]["digest"] = previous


def _resealed(entry: Data) -> Data:
    told = {name: entry[name] for name in COLUMNS if name != "digest"}
    made = sealed_entry(**(told | {"body": parsed(json.dumps(told["body"]))}))
    return {**entry, "digest": made.digest} | ({"receipt": made.receipt} if "receipt" in entry else {})


def _numbers(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, (dict, list)):
            yield from _numbers(item)
        elif isinstance(item, (int, float)) and not isinstance(item, bool):
            yield value, key


def _shifted(time: str, seconds: float) -> str:
    from datetime import timedelta

    return (read_time(time) + timedelta(seconds=seconds)).strftime(WRITTEN)


def _write_json(path: Path, data: Data) -> Path:
    target = path.with_suffix(".tampered.json")
    target.write_text(json.dumps(data), encoding="utf-8")
    return target


def _write_sqlite(path: Path, data: Data) -> Path:
    """The file of someone who knows SQLite: the guards are taken off, the tables written, the guards put back."""
    target = path.with_suffix(".tampered.navlog")
    target.write_bytes(path.read_bytes())
    db = sqlite3.connect(target, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("BEGIN")
    guards = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    assert len(guards) == SCHEMA.count("CREATE TRIGGER")
    for name, _ in guards:
        db.execute(f"DROP TRIGGER {name}")
    db.execute("DELETE FROM entries")
    db.execute("UPDATE header SET student = ?, course = ?", (data["student"], data["course"]))
    db.execute("UPDATE head SET number = ?, digest = ?", (data["head"]["number"], data["head"]["digest"]))
    for entry in data["entries"]:
        row = tuple(json.dumps(entry[name]) if name == "body" else entry[name] for name in COLUMNS)
        db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    for _, guard in guards:
        db.execute(guard)
    db.execute("COMMIT")
    db.close()
    return target
