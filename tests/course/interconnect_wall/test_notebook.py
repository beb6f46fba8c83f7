"""Lab 02 as a notebook: checked, rehearsed from top to bottom with its measurement, done by a student in a browser."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import navarch.course.labs
from navarch.course.frame.rehearsing import rehearse
from navarch.course.instrument import differences, instrument_named
from navarch.course.interconnect_wall import challenge, words
from navarch.course.interconnect_wall.surprise import PARTS, answers
from navarch.course.interconnect_wall.variant import variant_of
from navarch.course.record import Record
from navarch.course.variant import Student, seed_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOTEBOOK = Path(navarch.course.labs.__file__).parent / "lab_02.py"
ADA = Student("ada", "test")
SEED = seed_of(ADA, "02")
READ = {"message": "hall", "generations": "bytes", "degree": "degree", "bisection": "bisection"}
MEASURE = "How far is this machine from itself?"
DECISION = {
    "Recommendation": "Keep tensor-parallel groups within a server and fill its slots with network cards.",
    "Causal reasoning": "A group that leaves its server waits for cards that carry a part of its scale-up link.",
    "Rejected alternative": "More servers with one card each.",
    "Rejected by how much": "They wait for a third of every step.",
    "Trigger to revisit": "A scale-up network that joins several servers.",
}


def test_marimo_finds_nothing_to_say() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "marimo", "check", "--strict", str(NOTEBOOK)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_it_runs_from_top_to_bottom_with_its_measurement_in_a_minute(tmp_path: Path) -> None:
    done = rehearse("02", NOTEBOOK, record=tmp_path / "log.navlog")
    found = [(entry.kind, entry.part) for entry in done.entries]
    for part in PARTS:
        assert ("prediction", part) in found
        assert ("reveal", part) in found
        assert found.index(("prediction", part)) < found.index(("reveal", part))
    assert ("measurement", "hierarchy") in found
    assert ("submission", "design") in found
    assert "decision" in [kind for kind, _ in found]
    assert len([kind for kind, _ in found if kind == "evidence"]) >= 10
    measured = next(entry for entry in done.entries if entry.kind == "measurement")
    assert measured.shown["memory_latency"].value < measured.shown["socket_latency"].value
    assert not measured.body["recorded"]
    for entry in done.entries:
        if entry.kind in ("reveal", "evidence"):
            again = instrument_named(entry.shown.instrument)(**entry.shown.inputs)
            assert differences(entry.shown, again) == []


@pytest.fixture
def questions() -> dict[str, str]:
    """What ada is asked."""
    mine = variant_of(SEED)
    asked = {
        "message": words.message, "generations": words.bytes_a_flop, "degree": words.degree,
        "bisection": words.bisection,
    }  # fmt: skip
    return {part: ask(mine).asked for part, ask in asked.items()}


@pytest.mark.slow
@pytest.mark.browser
def test_a_student_does_it_in_a_browser(
    chromium: Browser, driving: Any, questions: dict[str, str], tmp_path: Path
) -> None:
    keys = answers(variant_of(SEED))
    record = tmp_path / "ada.navlog"
    with driving.served(NOTEBOOK, record) as serving:
        student = driving.driver_of(chromium, serving.address)
        student.open()
        student.settle()
        assert keys["message"]["hall"].shown not in student.text()
        held = _held(serving, record)
        for part in PARTS:
            assert keys[part].instrument not in held, part
            assert part == "degree" or repr(keys[part][READ[part]].value) not in held, part

        student.predict(questions["message"], "10 ms")
        _unlocked(student, 1)
        assert keys["message"]["hall"].shown in student.text()
        held = _held(serving, record)
        assert keys["message"].instrument in held
        for part in PARTS[1:]:
            assert keys[part].instrument not in held, part
        assert keys["generations"]["outgrown"].title not in student.text()
        for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):
            student.move("Message", key)
            student.settle()
        student.measure(MEASURE)
        student.keep()

        student.predict(questions["generations"], "800 bytes")
        _unlocked(student, 2)
        student.choose("Link", "Its own memory")
        student.settle()

        student.reload()
        _unlocked(student, 2)
        assert "10 ms" in student.text()
        student.predict(questions["degree"], "64")
        _unlocked(student, 3)
        for key in ("ArrowLeft", "ArrowRight"):
            student.move("Accelerators of a server", key)
            student.settle()

        student.predict(questions["bisection"], "50 TB/s")
        _unlocked(student, 4)
        for key in ("ArrowRight", "ArrowLeft"):
            student.move("Leaf switches", key)
            student.settle()
        student.keep()

        _meet(student)
        student.submit("A cluster that does not wait")
        student.decide(DECISION, "bandwidth of the network cards", evidence=2)
        for form in ("Markdown", "PDF", "JSON"):
            assert student.export(form, tmp_path).stat().st_size > 500
        folder = os.environ.get("NAVARCH_PHOTOGRAPHS")
        if folder:
            for dark in (False, True):
                student.photograph(Path(folder) / f"lab-02-{'dark' if dark else 'light'}.png", dark)
        timings = {name: statistics.median(each) for name, each in student.timings.items()}
        sys.stderr.write(f"\nLab 02 in Chromium, medians [s]: {timings}\n")
        assert student.violations() == []
        assert student.errors == []
    kept = Record.open(record, ADA)
    assert [entry.part for entry in kept.entries("02", "prediction")] == list(PARTS)
    assert kept.entries("02", "submission")[-1].body["met"]


def _held(serving: Any, record: Path) -> str:
    """All that the kernel holds: results of instruments, and the names of the notebook."""
    state = serving.state(record)
    return "\n".join([*state["shown"], *state["globals"].values()])


def _unlocked(student: Any, parts: int) -> None:
    """Wait until so many predictions stand beside their results."""
    student.page.wait_for_function("n => document.querySelectorAll('.nv-beside').length >= n", arg=parts)
    student.settle()


def _meet(student: Any) -> None:
    """Move the sliders of the challenge to the fastest design, which meets every constraint."""
    best = challenge.search(SEED)
    assert best is not None
    part = student.part("A cluster that does not wait")
    sliders = {
        "Servers": (challenge.servers(), best.servers, challenge.start()["servers"]),
        "Network cards of a server": (challenge.cards(), best.cards, challenge.start()["cards"]),
        "Tensor-parallel group": (challenge.degrees(), best.tensor, challenge.start()["tensor"]),
    }
    for label, (values, wanted, start) in sliders.items():
        steps = values.index(wanted) - values.index(start)
        part.get_by_role("slider", name=label).focus()
        for _ in range(abs(steps)):
            student.page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
        student.settle()
    student.page.wait_for_function("() => !document.querySelector('.nv-light.nv-missed')")
    student.settle()
