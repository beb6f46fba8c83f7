"""Instruments to keep, logs to verify."""

from __future__ import annotations

import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from navarch.course.instrument import Answer, Instrument, Reading, instrument
from navarch.course.record import Decision, Prediction, Record
from navarch.course.variant import Student

MODULE = "navarch.course.instruments_of_the_tests"


def ring_time(size: float, ranks: int) -> Answer:
    time = 2 * (ranks - 1) / ranks * size / 50e9
    readings = {
        "time": Reading("Time of the all-reduce", time, "s", time * 0.9, time * 1.2),
        "moved": ("Bytes moved", 2 * (ranks - 1) / ranks * size, "byte"),
        "algorithm": ("Algorithm", "ring", "text"),
    }
    return Answer(readings, [{"ranks": n, "time": 2 * (n - 1) / n * size / 50e9} for n in (2, 4, 8)])


def matrix_rate(size: int) -> Answer:
    return Answer({"rate": ("Rate of matrix products", 213e9 + random.random(), "FLOP/s")})


def design_score(seed: int, tp: int) -> Answer:
    return Answer(
        {"score": ("Rent", float(seed + tp), "USD"), "other": ("Other", 1.0, "1")}, [{"constraint": "memory"}]
    )


@pytest.fixture(scope="session")
def instruments() -> Iterator[ModuleType]:
    """A module of the library that exists in these tests alone, two that calculate and one that measures."""
    module = ModuleType(MODULE)
    for body, replays in ((ring_time, True), (matrix_rate, False), (design_score, True)):
        body.__module__ = MODULE
        setattr(module, body.__name__, instrument(body, replays=replays))
    sys.modules[MODULE] = module
    yield module
    del sys.modules[MODULE]


@pytest.fixture
def ring(instruments: ModuleType) -> Instrument:
    return instruments.ring_time


@pytest.fixture
def rate(instruments: ModuleType) -> Instrument:
    return instruments.matrix_rate


@pytest.fixture
def scorer(instruments: ModuleType) -> Instrument:
    return instruments.design_score


@pytest.fixture
def student() -> Student:
    return Student("ada", "2026")


@pytest.fixture
def record(tmp_path: Path, student: Student) -> Record:
    return Record.open(tmp_path / "ada.navlog", student)


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where the system has one: hundreds of records, each entry of which waits for its disk."""
    memory = Path("/dev/shm")
    if not (memory.is_dir() and os.access(memory, os.W_OK)):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


Fill = Callable[[Path, random.Random], Record]


@pytest.fixture
def honest(instruments: ModuleType) -> Fill:
    """Writes a record as a student would, drawn by a random stream."""

    def fill(path: Path, draw: random.Random) -> Record:
        student = Student(f"student {draw.randrange(10**6)}", f"course {draw.randrange(100)}")
        made = Record.open(path, student)
        for lab in draw.sample(("01", "05", "06"), draw.choice((1, 1, 1, 2))):
            kept = [_part(made, instruments, lab, part, draw) for part in "AB"[: draw.choice((1, 2))]]
            if draw.random() < 0.5:
                made.submit(
                    lab, "challenge", {"tp": draw.choice((1, 2, 4, 8)), "score": draw.random(), "free": "ünïcode"}
                )
            if draw.random() < 0.7:
                made.decide(lab, _decision(kept, draw))
        return made

    return fill


def _part(made: Record, instruments: ModuleType, lab: str, part: str, draw: random.Random) -> int:
    """One part: predict, see, perhaps measure, keep; gives the number of the kept entry."""
    numbers = draw.random() < 0.7
    value = draw.lognormvariate(0, 3) if numbers else draw.choice(("ring", "tree"))
    made.commit(lab, part, Prediction(value, "s" if numbers else "choice", draw.random(), str(value)))
    shown = instruments.ring_time(size=draw.choice((1e9, draw.lognormvariate(20, 2))), ranks=draw.choice((2, 8, 1024)))
    made.reveal(lab, part, shown)
    if draw.random() < 0.3:
        made.measured(lab, part, instruments.matrix_rate(size=512), {"processor": "a", "cores": "2"}, False)
    return made.keep(lab, part, shown, draw.choice(("", "as expected"))).number


def _decision(kept: list[int], draw: random.Random) -> Decision:
    return Decision(
        "Take the ring.", tuple(kept), f"It moves {draw.randrange(99)} GB at 50 GB/s.", "bytes over the slowest link",
        "the tree", "12 %", "ranks rise above 1,000", draw.random(),
    )  # fmt: skip
