"""Lab 03 as a notebook: checked, rehearsed from top to bottom with its measurement, done by a student in a browser."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import navarch.course.labs
from navarch.course.communication_topologies import challenge, words
from navarch.course.communication_topologies.surprise import PARTS, READ, answers
from navarch.course.communication_topologies.variant import variant_of
from navarch.course.frame.rehearsing import rehearse
from navarch.course.instrument import differences, instrument_named
from navarch.course.record import Record
from navarch.course.variant import Student, seed_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOTEBOOK = Path(navarch.course.labs.__file__).parent / "lab_03.py"
ADA = Student("ada", "test")
MEASURE = "A ring in order, at random, and at its worst"
DECISION = {
    "Recommendation": "Thin the fat-tree and place the jobs on hosts that are next to each other.",
    "Causal reasoning": "A ring in order leaves each leaf once; only the exchange needs bisection bandwidth.",
    "Rejected alternative": "A torus.",
    "Rejected by how much": "It costs more than twice as much at the same rate.",
    "Trigger to revisit": "An exchange among all hosts.",
}


def test_it_is_short_and_marimo_finds_nothing_to_say() -> None:
    assert len(NOTEBOOK.read_text("utf-8").splitlines()) < 600
    done = subprocess.run(
        [sys.executable, "-m", "marimo", "check", "--strict", str(NOTEBOOK)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_it_runs_from_top_to_bottom_with_its_measurement_in_a_minute(tmp_path: Path) -> None:
    done = rehearse("03", NOTEBOOK, record=tmp_path / "log.navlog")
    found = [(entry.kind, entry.part) for entry in done.entries]
    for part in PARTS:
        assert found.index(("prediction", part)) < found.index(("reveal", part))
    assert ("submission", "design") in found
    assert "decision" in [kind for kind, _ in found]
    assert len([kind for kind, _ in found if kind == "evidence"]) >= 8
    measured = next(entry for entry in done.entries if entry.kind == "measurement")
    assert not measured.body["recorded"]
    assert float(measured.shown["longer"].value) > 1
    for entry in done.entries:
        if entry.kind in ("reveal", "evidence"):
            again = instrument_named(entry.shown.instrument)(**entry.shown.inputs)
            assert differences(entry.shown, again) == []


@pytest.fixture
def questions() -> dict[str, str]:
    """What ada is asked."""
    mine = variant_of(seed_of(ADA, "03"))
    asked = (words.bisection, words.exchange, words.placement, words.collision)
    return {part: ask(mine).asked for part, ask in zip(PARTS, asked, strict=True)}


@pytest.mark.slow
@pytest.mark.browser
def test_a_student_does_it_in_a_browser(
    chromium: Browser, driving: Any, questions: dict[str, str], tmp_path: Path
) -> None:
    shown = answers(variant_of(seed_of(ADA, "03")))
    keys = {part: shown[part][READ[part]].shown for part in PARTS}
    bisection = shown["bisection"]["torus_bisection"].shown
    record = tmp_path / "ada.navlog"
    with driving.served(NOTEBOOK, record) as serving:
        student = driving.driver_of(chromium, serving.address)
        student.open()
        student.settle()
        assert bisection not in student.text()
        assert shown["exchange"]["exchange_time"].shown not in student.text()
        assert not [each for each in serving.state(record)["shown"] if keys["bisection"] in each]

        student.predict(questions["bisection"], "2")
        _unlocked(student, 1)
        assert bisection in student.text()
        assert not [each for each in serving.state(record)["shown"] if "exchange_torus" in each]
        for key in ("ArrowLeft", "ArrowLeft"):
            student.move("Hosts", key)
            student.settle()
        student.move("Money for each host", "ArrowRight")
        student.settle()

        student.predict(questions["exchange"], "1.5")
        _unlocked(student, 2)
        for key in ("ArrowRight", "ArrowLeft", "ArrowLeft"):
            student.move("Message", key)
            student.settle()
        student.keep()

        student.reload()
        _unlocked(student, 2)
        assert shown["placement"]["random"].shown not in student.text()
        student.predict(questions["placement"], "1.3")
        _unlocked(student, 3)
        for key in ("ArrowLeft", "ArrowRight"):
            student.move("Ports down for each port up", key)
            student.settle()
        student.measure(MEASURE)
        student.settle()

        student.predict(questions["collision"], "1.2")
        _unlocked(student, 4)
        student.choose("Uplink chosen by", "packet by packet")
        student.settle()

        _meet(student)
        student.submit("Three jobs, one fabric")
        student.decide(DECISION, "placement of the ranks")
        for form in ("Markdown", "PDF", "JSON"):
            assert student.export(form, tmp_path).stat().st_size > 500
        folder = os.environ.get("NAVARCH_PHOTOGRAPHS")
        if folder:
            for dark in (False, True):
                student.photograph(Path(folder) / f"lab-03-{'dark' if dark else 'light'}.png", dark)
        assert student.violations() == []
        assert student.errors == []
        timings = {name: statistics.median(each) for name, each in student.timings.items()}
        sys.stderr.write(f"\nLab 03 in Chromium, medians [s]: {timings}\n")
    kept = Record.open(record, ADA)
    assert [entry.part for entry in kept.entries("03", "prediction")] == list(PARTS)
    assert kept.entries("03", "submission")[-1].body["met"]


def _unlocked(student: Any, parts: int) -> None:
    """Wait until so many predictions stand beside their results."""
    student.page.wait_for_function("n => document.querySelectorAll('.nv-beside').length >= n", arg=parts)
    student.settle()


def _meet(student: Any) -> None:
    """Choose the design that the search finds."""
    design, _ = challenge.search(seed_of(ADA, "03"))
    part = student.part("Three jobs, one fabric")
    for label, value in (
        ("Jobs are placed", challenge.placements()[design.placement]),
        ("Who takes hosts first", challenge.orders()[design.order]),
        ("Fabric", challenge.fabric_names()[design.fabric]),
    ):
        part.get_by_label(label, exact=True).select_option(label=value)
        student.settle()
    assert part.locator(".nv-light.nv-missed").count() == 0
