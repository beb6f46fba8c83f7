"""Lab 04 as a notebook: checked, rehearsed from top to bottom with its measurement, done by a student in a browser."""

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
from navarch.course.record import Record
from navarch.course.storage_hierarchy import challenge, words
from navarch.course.storage_hierarchy.surprise import PARTS, READ, answers
from navarch.course.storage_hierarchy.variant import variant_of
from navarch.course.variant import Student, seed_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOTEBOOK = Path(navarch.course.labs.__file__).parent / "lab_04.py"
ADA = Student("ada", "test")
MEASURE = "This machine's own storage and loaders"
CHALLENGE = "The cheapest tiers that starve nobody"
DECISION = {
    "Recommendation": "Size the shared storage by checkpoints and keep the samples on drives in the nodes.",
    "Causal reasoning": "One late batch stops all; batches ahead hide it, bandwidth beyond the mean does not.",
    "Rejected alternative": "A file system that feeds the samples alone.",
    "Rejected by how much": "It costs more and still starves while a checkpoint is written.",
    "Trigger to revisit": "A data set that the drives no longer hold.",
}


def test_it_is_short_and_marimo_finds_nothing_to_say() -> None:
    assert len(NOTEBOOK.read_text("utf-8").splitlines()) < 600
    done = subprocess.run(
        [sys.executable, "-m", "marimo", "check", "--strict", str(NOTEBOOK)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_it_runs_from_top_to_bottom_with_its_measurement_in_a_minute(tmp_path: Path) -> None:
    done = rehearse("04", NOTEBOOK, record=tmp_path / "log.navlog")
    found = [(entry.kind, entry.part) for entry in done.entries]
    for part in PARTS:
        assert found.index(("prediction", part)) < found.index(("reveal", part))
    assert ("submission", "design") in found
    assert "decision" in [kind for kind, _ in found]
    assert len([kind for kind, _ in found if kind == "evidence"]) >= 8
    measured = next(entry for entry in done.entries if entry.kind == "measurement")
    assert not measured.body["recorded"]
    assert float(measured.shown["in_order"].value) > 0
    for entry in done.entries:
        if entry.kind in ("reveal", "evidence"):
            again = instrument_named(entry.shown.instrument)(**entry.shown.inputs)
            assert differences(entry.shown, again) == []


@pytest.fixture
def questions() -> dict[str, str]:
    """What ada is asked."""
    mine = variant_of(seed_of(ADA, "04"))
    asked = (words.bytes_, words.starved, words.checkpoint, words.files)
    return {part: ask(mine).asked for part, ask in zip(PARTS, asked, strict=True)}


@pytest.mark.slow
@pytest.mark.browser
def test_a_student_does_it_in_a_browser(
    chromium: Browser, driving: Any, questions: dict[str, str], tmp_path: Path
) -> None:
    shown = answers(variant_of(seed_of(ADA, "04")))
    keys = {part: shown[part][READ[part]].shown for part in PARTS}
    record = tmp_path / "ada.navlog"
    with driving.served(NOTEBOOK, record) as serving:
        student = driving.driver_of(chromium, serving.address)
        student.open()
        student.settle()
        assert keys["bytes"] not in student.text()
        assert shown["bytes"]["tokens"].shown not in student.text()
        assert not [each for each in serving.state(record)["shown"] if keys["bytes"] in each]

        student.predict(questions["bytes"], "20 GB/s")
        _unlocked(student, 1)
        assert keys["bytes"] in student.text()
        assert not [each for each in serving.state(record)["shown"] if "feeding:fed" in each]
        for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):
            student.move("Accelerators", key)
            student.settle()

        student.predict(questions["starved"], "1 %")
        _unlocked(student, 2)
        for key in ("ArrowRight", "ArrowLeft"):
            student.move("Batches ahead", key)
            student.settle()
        student.keep()

        student.reload()
        _unlocked(student, 2)
        assert keys["checkpoint"] not in student.text()
        student.predict(questions["checkpoint"], "2 min")
        _unlocked(student, 3)
        for key in ("ArrowLeft", "ArrowRight"):
            student.move("Accelerators that train it", key)
            student.settle()
        student.choose("Chunks that each node writes at once", "1")
        student.settle()

        student.predict(questions["files"], "1.2")
        _unlocked(student, 4)
        for key in ("ArrowRight", "ArrowLeft"):
            student.move("Metadata servers", key)
            student.settle()
        student.measure(MEASURE)
        student.settle()

        _meet(student)
        student.submit(CHALLENGE)
        student.decide(DECISION, "stragglers")
        for form in ("Markdown", "PDF", "JSON"):
            assert student.export(form, tmp_path).stat().st_size > 500
        folder = os.environ.get("NAVARCH_PHOTOGRAPHS")
        if folder:
            for dark in (False, True):
                student.photograph(Path(folder) / f"lab-04-{'dark' if dark else 'light'}.png", dark)
        assert student.violations() == []
        assert student.errors == []
        timings = {name: statistics.median(each) for name, each in student.timings.items()}
        sys.stderr.write(f"\nLab 04 in Chromium, medians [s]: {timings}\n")
    kept = Record.open(record, ADA)
    assert [entry.part for entry in kept.entries("04", "prediction")] == list(PARTS)
    assert kept.entries("04", "submission")[-1].body["met"]


def _unlocked(student: Any, parts: int) -> None:
    """Wait until so many predictions stand beside their results."""
    student.page.wait_for_function("n => document.querySelectorAll('.nv-beside').length >= n", arg=parts)
    student.settle()


def _meet(student: Any) -> None:
    """Choose the design that the search finds."""
    design, _ = challenge.search(seed_of(ADA, "04"))
    part = student.part(CHALLENGE)
    part.get_by_label("Shared storage", exact=True).select_option(label=challenge.systems()[design.system])
    student.settle()
    start = challenge.start()
    for label, values, of, wanted in (
        ("Units of it", challenge.units(), start.units, design.units),
        ("Drives in each node", challenge.drives(), start.drives, design.drives),
    ):
        for _ in range(values.index(wanted) - values.index(of)):
            student.move(label, "ArrowRight")
        student.settle()
    assert part.locator(".nv-light.nv-missed").count() == 0
