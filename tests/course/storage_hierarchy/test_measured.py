"""This machine's storage, really measured in a process of its own; and the recorded result."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from navarch.course.frame.process import Measurement
from navarch.course.frame.recorded import recorded_result
from navarch.course.storage_hierarchy import measured


def test_the_recorded_result_can_be_compared() -> None:
    recorded = recorded_result(measured.RECORDED)
    assert dict(recorded.shown.inputs) == measured.inputs()
    shown = measured.files_beside(**measured.files_inputs(recorded.shown, recorded=True))
    assert shown["slower"].value == pytest.approx(recorded.shown["in_order"].value / recorded.shown["files"].value)
    loaders = measured.loader_inputs(recorded.shown, recorded=True)
    assert [each["layout"] for each in loaders] == list(measured.LAYOUTS)
    for each in loaders:
        assert measured.loaders_beside(**each)["faster"].value > 0


def test_loaders_for_which_there_was_no_time_are_left_out() -> None:
    shown = recorded_result(measured.RECORDED).shown
    kept = type(shown)(shown.instrument, shown.inputs, shown.readings, [r for r in shown.rows if "layout" not in r])
    assert measured.loader_inputs(kept, recorded=True) == []


@pytest.mark.slow
def test_it_measures_in_a_process_of_its_own_and_leaves_nothing() -> None:
    before = set(Path(tempfile.gettempdir()).glob("navarch-storage-*"))
    asked = {**measured.inputs(), "size": 16e6, "files": 64, "seconds": 4.0}
    outcome = Measurement(measured.storage_here.name, asked, measured.LIMIT).wait()
    assert outcome.state == "done", outcome.why
    assert outcome.shown is not None
    for key in measured.KEYS:
        assert float(outcome.shown[key].value) > 0
    names = {row["what"] for row in outcome.shown.rows if "what" in row}
    assert {measured.IN_ORDER, measured.SHUFFLED, measured.FILES, measured.LOOKUP} <= names
    assert set(Path(tempfile.gettempdir()).glob("navarch-storage-*")) <= before
