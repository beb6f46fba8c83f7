"""Lab 06 as a notebook: checked, rehearsed from top to bottom with its measurements, done by a student in a browser."""

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
from navarch.course.allreduce_physics import challenge, words
from navarch.course.allreduce_physics.surprise import answers
from navarch.course.allreduce_physics.variant import variant_of
from navarch.course.coverage import coverage_of_course
from navarch.course.frame.rehearsing import rehearse
from navarch.course.instrument import differences, instrument_named
from navarch.course.record import Record
from navarch.course.variant import Student, seed_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOTEBOOK = Path(navarch.course.labs.__file__).parent / "lab_06.py"
PARTS = ("thousand", "crossing", "bus", "compressed")
ADA = Student("ada", "test")
MEASURES = ("How fast is a ring on this machine?", "What does compression gain in training on this machine?")
DECISION = {
    "Recommendation": "Buckets of tens of megabytes beside the backward pass, by a tree among many.",
    "Causal reasoning": "Bytes hardly depend on the number of accelerators, rounds do.",
    "Rejected alternative": "Top-k, to send ten times fewer bytes.",
    "Rejected by how much": "It takes several times as long among so many ranks.",
    "Trigger to revisit": "A link that is much slower than the memory.",
}


def test_marimo_finds_nothing_to_say() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "marimo", "check", "--strict", str(NOTEBOOK)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_objective_of_the_week_is_served() -> None:
    rows = [row for row in coverage_of_course() if row.objective.key.startswith("6.")]
    assert len(rows) == 3
    assert [row.objective.key for row in rows if row.gap or not row.functions_told] == []


@pytest.mark.slow
def test_it_runs_from_top_to_bottom_with_its_measurements_in_a_minute(tmp_path: Path) -> None:
    done = rehearse("06", NOTEBOOK, record=tmp_path / "log.navlog")
    found = [(entry.kind, entry.part) for entry in done.entries]
    for part in PARTS:
        assert found.index(("prediction", part)) < found.index(("reveal", part))
    assert ("submission", "design") in found
    assert "decision" in [kind for kind, _ in found]
    assert len([kind for kind, _ in found if kind == "evidence"]) >= 8
    measured = {entry.part: entry for entry in done.entries if entry.kind == "measurement"}
    assert measured["ring"].shown["correct"].value == "as they must be"
    assert measured["training"].shown["fewer"].value > 10
    for entry in done.entries:
        if entry.kind in ("reveal", "evidence") and instrument_named(entry.shown.instrument).replays:
            again = instrument_named(entry.shown.instrument)(**entry.shown.inputs)
            assert differences(entry.shown, again) == []


@pytest.fixture
def questions() -> dict[str, str]:
    """What ada is asked."""
    mine = variant_of(seed_of(ADA, "06"))
    return {part: getattr(words, part)(mine).asked for part in PARTS}


@pytest.mark.slow
@pytest.mark.browser
def test_a_student_does_it_in_a_browser(
    chromium: Browser, driving: Any, questions: dict[str, str], tmp_path: Path
) -> None:
    keys = answers(variant_of(seed_of(ADA, "06")))
    record = tmp_path / "ada.navlog"
    with driving.served(NOTEBOOK, record) as serving:
        student = driving.driver_of(chromium, serving.address)
        student.open()
        student.settle()
        assert keys["thousand"]["time"].shown not in student.text()

        student.predict(questions["thousand"], "1.2 s")
        _unlocked(student, 1)
        assert keys["thousand"]["time"].shown in student.text()
        assert keys["crossing"]["crossing_more"].shown not in student.text()
        for name in ("InfiniBand XDR 4x", "RoCE v2 100 GbE"):
            student.choose("Link", name)
            student.settle()
        student.move("Large message", "ArrowLeft")
        student.settle()
        student.keep()

        student.predict(questions["crossing"], "1 MB")
        _unlocked(student, 2)
        for key in ("ArrowLeft", "ArrowRight"):
            student.move("Ranks of ring and tree", key)
            student.settle()

        student.reload()
        _unlocked(student, 2)
        assert "1.2 s" in student.text() or "1.20 s" in student.text()
        student.predict(questions["bus"], "20 GB/s")
        _unlocked(student, 3)
        student.move("Ranks of the benchmark", "ArrowLeft")
        student.settle()
        student.choose("Leaf switches with", "a quarter of the uplinks")
        student.settle()
        student.measure(MEASURES[0])
        student.settle()

        student.predict(questions["compressed"], "8")
        _unlocked(student, 4)
        student.choose("Ranks that exchange", "8")
        student.settle()
        student.measure(MEASURES[1])
        student.settle()
        student.keep()

        _meet(student)
        student.submit("Hide it")
        student.decide(DECISION, "rounds of the algorithm", evidence=2)
        for form in ("Markdown", "PDF", "JSON"):
            assert student.export(form, tmp_path).stat().st_size > 500
        folder = os.environ.get("NAVARCH_PHOTOGRAPHS")
        if folder:
            for dark in (False, True):
                student.photograph(Path(folder) / f"lab-06-{'dark' if dark else 'light'}.png", dark)
        assert student.violations() == []
        assert student.errors == []
        timings = {name: statistics.median(each) for name, each in student.timings.items()}
        sys.stderr.write(f"\nLab 06 in Chromium, medians [s]: {timings}\n")
    kept = Record.open(record, ADA)
    assert [entry.part for entry in kept.entries("06", "prediction")] == list(PARTS)
    assert kept.entries("06", "submission")[-1].body["met"]


def _unlocked(student: Any, parts: int) -> None:
    """Wait until so many predictions stand beside their results."""
    student.page.wait_for_function("n => document.querySelectorAll('.nv-beside').length >= n", arg=parts)
    student.settle()


def _meet(student: Any) -> None:
    """Set the controls of the challenge to the best of their designs that meets every constraint, a tree throughout."""
    asked = challenge.plain_asked(seed_of(ADA, "06"))
    values = [np.asarray(of) for of in (challenge.BUCKETS, challenge.LASTS, challenge.SHARES)]
    bucket, last, share = np.meshgrid(*values, indexing="ij")
    found = challenge.judged(asked, challenge.Design(bucket, last, challenge.TREE, challenge.TREE, share))
    added = np.where(challenge.met(asked, found), found.added, np.inf)
    places = np.unravel_index(int(np.argmin(added)), added.shape)
    part, start = student.part("Hide it"), challenge.start()
    for label in ("Algorithm of the buckets", "Algorithm of the last bucket"):
        part.get_by_label(label, exact=True).select_option(label=challenge.algorithms()[challenge.TREE])
        student.settle()
    names = {"bucket": "Size of a bucket", "last": "Size of the last bucket", "share": "Processors that communicate"}
    for (name, label), of, place in zip(names.items(), values, places, strict=True):
        steps = int(place) - list(of).index(start[name])
        part.get_by_role("slider", name=label).focus()
        for _ in range(abs(steps)):
            student.page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
        student.settle()
    assert part.locator(".nv-light.nv-missed").count() == 0
