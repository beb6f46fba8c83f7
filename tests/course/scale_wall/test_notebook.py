"""Lab 01 as a notebook: checked, rehearsed from top to bottom with its measurement, done by a student in a browser."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import navarch.course.labs
from navarch.course.frame.rehearsing import rehearse
from navarch.course.instrument import differences, instrument_named
from navarch.course.record import Record
from navarch.course.scale_wall import challenge, words
from navarch.course.scale_wall.surprise import answers
from navarch.course.scale_wall.variant import variant_of
from navarch.course.variant import Student, seed_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOTEBOOK = Path(navarch.course.labs.__file__).parent / "lab_01.py"
PARTS = ("years", "interruptions", "sixteen", "loss")
ADA = Student("ada", "test")
MEASURE = "How fast does this machine train?"
DECISION = {
    "Recommendation": "Size the fleet by the deadline and plan for a failure every few hours.",
    "Causal reasoning": "The compute over the rate of one accelerator forces the fleet; failure is its steady state.",
    "Rejected alternative": "Sixteen times the fleet at the same batch.",
    "Rejected by how much": "It makes each token several times as dear.",
    "Trigger to revisit": "A larger critical batch.",
}


def test_marimo_finds_nothing_to_say() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "marimo", "check", "--strict", str(NOTEBOOK)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_it_runs_from_top_to_bottom_with_its_measurement_in_a_minute(tmp_path: Path) -> None:
    done = rehearse("01", NOTEBOOK, record=tmp_path / "log.navlog")
    found = [(entry.kind, entry.part) for entry in done.entries]
    for part in PARTS:
        assert ("prediction", part) in found
        assert ("reveal", part) in found
        assert found.index(("prediction", part)) < found.index(("reveal", part))
    assert ("measurement", "rate") in found
    assert ("submission", "design") in found
    assert "decision" in [kind for kind, _ in found]
    assert len([kind for kind, _ in found if kind == "evidence"]) >= 8
    measured = next(entry for entry in done.entries if entry.kind == "measurement")
    assert measured.shown["rate"].value > 1e8
    for entry in done.entries:
        if entry.kind in ("reveal", "evidence"):
            again = instrument_named(entry.shown.instrument)(**entry.shown.inputs)
            assert differences(entry.shown, again) == []


@pytest.fixture
def questions() -> dict[str, str]:
    """What ada is asked."""
    mine = variant_of(seed_of(ADA, "01"))
    asked = {"years": words.years, "interruptions": words.interruptions, "sixteen": words.sixteen, "loss": words.gain}
    return {part: ask(mine).asked for part, ask in asked.items()}


@pytest.mark.slow
@pytest.mark.browser
def test_a_student_does_it_in_a_browser(
    chromium: Browser, driving: Any, questions: dict[str, str], tmp_path: Path
) -> None:
    keys = answers(variant_of(seed_of(ADA, "01")))
    record = tmp_path / "ada.navlog"
    with driving.served(NOTEBOOK, record) as serving:
        student = driving.driver_of(chromium, serving.address)
        student.open()
        student.settle()
        assert keys["years"]["alone"].shown not in student.text()

        student.predict(questions["years"], "30 years")
        _unlocked(student, 1)
        assert keys["years"]["alone"].shown in student.text()
        assert keys["interruptions"]["between"].shown not in student.text()
        for name in ("NVIDIA B200 SXM 180GB", "AMD Instinct MI300X"):
            student.choose("Accelerator", name)
            student.settle()
        student.measure(MEASURE)
        student.keep()

        student.predict(questions["interruptions"], "40")
        _unlocked(student, 2)
        assert "1,066" in student.text()
        for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):
            student.move("Accelerators", key)
            student.settle()
        student.move("Period", "ArrowLeft")
        student.settle()

        student.reload()
        _unlocked(student, 2)
        assert "30 years" in student.text()
        student.predict(questions["sixteen"], "12")
        _unlocked(student, 3)
        student.move("Accelerators to begin with", "ArrowRight")
        student.settle()

        student.predict(questions["loss"], "0.15")
        _unlocked(student, 4)
        for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
            student.move("Money", key)
            student.settle()
        student.keep()

        _meet(student)
        student.submit("A run that fits")
        student.decide(DECISION, "number of accelerators", evidence=2)
        for form in ("Markdown", "PDF", "JSON"):
            assert student.export(form, tmp_path).stat().st_size > 500
        folder = os.environ.get("NAVARCH_PHOTOGRAPHS")
        if folder:
            for dark in (False, True):
                student.photograph(Path(folder) / f"lab-01-{'dark' if dark else 'light'}.png", dark)
        assert student.violations() == []
        assert student.errors == []
        timings = {name: statistics.median(each) for name, each in student.timings.items()}
        sys.stderr.write(f"\nLab 01 in Chromium, medians [s]: {timings}\n")
    kept = Record.open(record, ADA)
    assert [entry.part for entry in kept.entries("01", "prediction")] == list(PARTS)
    assert kept.entries("01", "submission")[-1].body["met"]


def _unlocked(student: Any, parts: int) -> None:
    """Wait until so many predictions stand beside their results."""
    student.page.wait_for_function("n => document.querySelectorAll('.nv-beside').length >= n", arg=parts)
    student.settle()


def _meet(student: Any) -> None:
    """Move the sliders of the challenge to the cheapest of their designs that meets every constraint."""
    terms = challenge.plain_terms(seed_of(ADA, "01"))
    values = [np.asarray(of) for of in (challenge.sizes(), challenge.amounts(), challenge.fleets())]
    size, tokens, fleet = np.meshgrid(*values, indexing="ij")
    found = challenge.judged(terms, size, tokens, fleet)
    met = (found.compute <= terms.compute) & (found.loss <= terms.loss) & (found.time <= terms.deadline)
    places = np.unravel_index(int(np.argmin(np.where(met, found.cost, np.inf))), met.shape)
    starts = (challenge.start_size(), challenge.start_amount(), challenge.start_fleet())
    part = student.part("A run that fits")
    for label, of, place, start in zip(("Model", "Tokens", "Accelerators"), values, places, starts, strict=True):
        steps = int(place) - list(of).index(start)
        part.get_by_role("slider", name=label).focus()
        for _ in range(abs(steps)):
            student.page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
        student.settle()
    assert part.locator(".nv-light.nv-missed").count() == 0
