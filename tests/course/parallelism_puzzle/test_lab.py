"""Lab 05 as a student has it: rehearsed from top to bottom, and driven in a real Chromium."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from navarch.course.instrument import Shown, differences, instrument_named
from navarch.course.labs.registry import HERE
from navarch.course.record import Record
from navarch.course.variant import Student

NOTEBOOK = HERE / "lab_05.py"
KIND = "Which kind of strategy"
STEP, MEMORY = "How long does one step", "how much memory does an accelerator need"
RATIO, SENT, FLIP = "tensor parallel alone", "How many bytes does a process send", "from which network bandwidth"
FORMS = "Data, tensors and stages"
ONE = "One strategy for nine pairs"
MOVES = ("ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowRight")
CARD = {"Tensor": "1", "Pipeline": "1", "Sharding": "ZeRO-3: and weights", "Recomputation": "full"}


@pytest.mark.slow
def test_the_lab_rehearses_from_top_to_bottom_with_its_measurement(tmp_path: Path) -> None:
    record = tmp_path / "ada.navlog"
    asked = ["lab", "05", "--rehearse", "--student", "ada", "--course", "test", "--record", str(record)]
    done = subprocess.run([sys.executable, "-m", "navarch.cli", *asked], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = Record.open(record, Student("ada", "test"))
    parts = [entry.part for entry in kept.entries("05", "prediction")]
    assert parts == ["kind", "step", "memory", "ratio", "sent", "flip"]
    assert {entry.part for entry in kept.entries("05", "submission")} == {"strategy", "rule"}
    assert not kept.entries("05", "measurement")[0].body["recorded"]


@pytest.mark.slow
@pytest.mark.browser
def test_a_student_goes_through_the_lab(driving: Any, chromium: Any, tmp_path: Path) -> None:
    record = tmp_path / "ada.navlog"
    with driving.served(NOTEBOOK, record, "ada", "2026") as serving:
        student = driving.driver_of(chromium, serving.address)
        student.open()
        student.settle()
        assert serving.state(record)["shown"] == []
        assert student.page.locator("figure.nv-figure").count() == 0
        student.predict(KIND, "Data parallel alone, states sharded")
        student.page.locator("figure.nv-figure svg").first.wait_for()
        student.settle()
        student.keep()
        student.predict(STEP, "20 s")
        student.predict(MEMORY, "60 GB")
        student.settle()
        student.reload()
        student.settle()
        assert "20 s" in student.part(STEP).inner_text()
        student.predict(RATIO, "0.1")
        student.settle()
        student.predict(SENT, "3 MB")
        student.settle()
        student.measure(FORMS)
        student.settle()
        student.predict(FLIP, "10 GB/s")
        student.part(ONE).locator(".nv-lights").wait_for()
        student.settle()
        for key in MOVES:
            student.move("Network of an accelerator", key)
        one = student.part(ONE)
        for label, option in (
            ("Tensor", "1"),
            ("Pipeline", "1"),
            ("Sharding", "ZeRO-3: and weights"),
            ("Recomputation", "full"),
        ):
            one.get_by_label(label, exact=True).select_option(label=option)
            student.settle()
        student.submit(ONE)
        assert "The best that the search finds" in one.inner_text()
        assert student.violations() == []
        assert student.errors == []
    kept = Record.open(record, Student("ada", "2026"))
    evidence = kept.entries("05", "evidence")
    assert evidence
    for entry in evidence:
        shown = Shown.from_plain(entry.body["shown"])
        assert differences(shown, instrument_named(shown.instrument)(**shown.inputs)) == []
