"""The parts without a page: what they commit, what they show, what they refuse."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import altair as alt
import pytest
from marimo._runtime.control_flow import MarimoStopError

from navarch.core.plot import colour
from navarch.course.errors import CourseError
from navarch.course.frame import example, figure, recorded
from navarch.course.frame.comparison import factor_apart, share_of_best
from navarch.course.frame.controls import Controls, choice, steps, toggle
from navarch.course.frame.lab import Lab
from navarch.course.frame.page import literal, quantity, table
from navarch.course.frame.session import Session, session_told, usual_record
from navarch.course.instrument import Reading
from navarch.course.record import Record
from navarch.course.variant import Student

MEMORY = {"model": "llama3-8b", "parameter_bytes": 2.0}


def _asked(lab: Lab, name: str = "memory"):
    return lab.predict(name, "How much?", unit="byte", objective="1.2", uses=[example.weights])


def test_nothing_is_computed_before_the_commitment(lab: Lab) -> None:
    asked = _asked(lab)
    for locked in (asked.gate, lambda: asked.value, lambda: asked.reveal(example.weights, **MEMORY)):
        with pytest.raises(MarimoStopError):
            locked()
    assert lab.record.entries() == []


def test_a_prediction_is_committed_once(lab: Lab) -> None:
    asked = _asked(lab)
    assert not asked.offer("16 s", "75 %")
    assert "s is a unit of s" in asked.mistake
    assert asked.mistake.replace('"', "&quot;") in asked.ask().text
    assert asked.offer("16 GB", "75 %")
    assert asked.offer("99 GB", "99 %")
    assert asked.value == 16e9
    assert [entry.body["written"] for entry in lab.record.entries(kind="prediction")] == ["16 GB"]
    page = asked.ask().text
    assert asked.entry is not None
    assert asked.entry.receipt in page
    assert "marimo-ui-element" not in page


def test_the_first_showing_is_recorded_after_the_prediction(lab: Lab) -> None:
    asked = _asked(lab)
    asked.offer("16 GB", "75 %")
    shown = asked.reveal(example.weights, **MEMORY)
    asked.reveal(example.weights, model="gpt3-175b", parameter_bytes=2.0)
    predicted, revealed = lab.record.entries()
    assert (predicted.kind, revealed.kind) == ("prediction", "reveal")
    assert predicted.time < revealed.time
    assert revealed.shown.as_plain() == shown.as_plain()


def test_prediction_and_result_stand_side_by_side(lab: Lab) -> None:
    asked = _asked(lab)
    asked.offer("16 GB", "75 %")
    near = asked.beside(Reading("Memory", 20e9, "byte")).text
    far = asked.beside(Reading("Memory", 160e9, "byte")).text
    assert 'data-hit="true"' in near
    assert 'data-hit="false"' in far
    assert "a factor of 10 apart" in far
    assert 'aria-label="On a logarithmic axis: predicted 16 GB, result 160 GB."' in far


def test_a_choice_stands_beside_the_right_answer(lab: Lab) -> None:
    asked = lab.predict(
        "which", "Which?", choices={"a": "Few <large>", "b": "Many small"}, objective="5.3", uses=[example.best]
    )
    asked.offer("b", "50 %")
    assert 'data-hit="true"' in asked.beside(Reading("Best", "b", "text")).text
    other = asked.beside(Reading("Best", "a", "text")).text
    assert 'data-hit="false"' in other
    assert "Few &lt;large&gt;" in other


def test_a_part_serves_an_objective_of_the_syllabus(lab: Lab) -> None:
    with pytest.raises(CourseError, match=r"no objective '17\.1'"):
        lab.predict("x", "?", unit="s", objective="17.1", uses=[])
    with pytest.raises(CourseError, match="either unit= or choices="):
        lab.predict("x", "?", objective="1.1", uses=[])


def test_a_reopened_lab_reads_everything_from_the_record(lab: Lab, session: Session) -> None:
    asked = _asked(lab)
    asked.offer("16 GB", "75 %")
    shown = asked.reveal(example.weights, **MEMORY)
    kept = lab.evidence().take("memory", shown)
    again = Lab.open("00", session)
    assert _asked(again).value == 16e9
    assert again.evidence().kept("memory", shown) == kept
    assert kept.receipt in again.evidence().keep("memory", shown).text


def test_evidence_is_exactly_what_was_shown_and_kept_once(lab: Lab) -> None:
    asked = _asked(lab)
    asked.offer("16 GB", "75 %")
    evidence = lab.evidence()
    shown = asked.reveal(example.weights, **MEMORY)
    assert "Keep as evidence" in evidence.keep("memory", shown).text
    entry = evidence.take("memory", shown)
    assert evidence.take("memory", shown) == entry
    assert entry.shown.as_plain() == shown.as_plain()
    assert "navarch" in entry.body["versions"]
    other = asked.reveal(example.weights, model="gpt3-175b", parameter_bytes=1.0)
    assert evidence.kept("memory", other) is None


def test_a_measurement_falls_back_on_a_labelled_record(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {
        "machine": {
            "processor": "A processor",
            "cores": "8",
            "memory": "64 GB",
            "system": "Linux",
            "date": "2026-01-31",
        },
        "shown": example.copying(turns=1).as_plain(),
    }
    (tmp_path / "other.json").write_text(json.dumps(elsewhere), "utf-8")
    monkeypatch.setattr(recorded, "files", lambda _: tmp_path)
    part = lab.measure(
        "rate", "How fast?", example.copying, inputs={"turns": 0}, limit=60, objective="1.2", recorded="other.json"
    )
    with pytest.raises(MarimoStopError):
        part.gate()
    part.finish()
    assert part.recorded
    page = part.run().text
    assert "there is nothing to copy" in page
    assert "Recorded on 2026-01-31 on another machine" in page
    assert "A processor, 8 cores, 64 GB, Linux" in page


def test_a_measurement_is_shown_with_its_progress_and_can_be_cancelled(lab: Lab) -> None:
    part = lab.measure("rate", "How fast?", example.copying, inputs={"turns": 100_000}, limit=60, objective="1.2")
    part.start()
    end = time.monotonic() + 60
    while part.running is not None and part.running.outcome.fraction == 0 and time.monotonic() < end:
        time.sleep(0.02)
    page = part.run().text
    assert re.search(r'<progress max="1" value="0\.\d+" aria-label="Progress of How fast\?">', page)
    assert "Cancel" in page
    part.cancel()
    assert part.running is None
    assert not part.done
    assert "was cancelled; nothing of it is kept" in part.run().text


def test_a_measurement_is_no_instrument_of_a_figure(lab: Lab) -> None:
    with pytest.raises(CourseError, match=r"is a measurement: use lab\.measure"):
        lab.ask_instrument(example.copying, {"turns": 1})


def test_a_challenge_reveals_the_best_only_after_a_design(rehearsed: Lab) -> None:
    rehearsed.rehearsal = None
    part = rehearsed.challenge(
        "fleet", "Hold it", "Brief.", score=example.score, best=example.best,
        given={"model": "gpt3-175b", "parameter_bytes": 2.0}, lower_is_better=True, objective="1.3",
    )  # fmt: skip
    small = Controls({"accelerator": choice("A", ["h100-sxm"]), "count": steps("N", [1.0, 5.0], "1")})
    page = part.lights(small).text
    assert "nv-missed" in page
    assert part.submit() is None
    assert "Weights fit stands on red" in part.mistake
    assert "best" not in part.lights(small).text.lower().replace("nv-", "")
    large = Controls({"accelerator": choice("A", ["h100-sxm"]), "count": steps("N", [1.0, 5.0], "1", start=5.0)})
    part.lights(large)
    entry = part.submit()
    assert entry is not None
    assert entry.body["design"] == {"accelerator": "h100-sxm", "count": 5}
    assert entry.body["met"] is True
    page = part.lights(large).text
    assert "The best that the search finds: 360\u00a0GB" in page
    assert "90 % of the best" in page
    assert entry.receipt in page


def test_a_decision_needs_all_its_fields_and_evidence(lab: Lab) -> None:
    asked = _asked(lab)
    asked.offer("16 GB", "75 %")
    evidence = lab.evidence()
    kept = evidence.take("memory", asked.reveal(example.weights, **MEMORY))
    form = lab.decision(["memory capacity"])
    texts = {
        "recommendation": "Buy one.", "reasoning": "16 GB must fit.", "rejected": "Two.", "rejected_by": "twice",
        "trigger": "a larger model",
    }  # fmt: skip
    assert not form.offer([kept.number], {**texts, "trigger": " "}, "memory capacity", "75 %")
    assert form.mistake == "Trigger to revisit is still empty."
    assert not form.offer([], texts, "memory capacity", "75 %")
    assert "Pick the evidence" in form.mistake
    assert not form.offer([kept.number], texts, "luck", "75 %")
    assert form.mistake == "Say which term decides: memory capacity."
    assert not form.offer([kept.number], texts, "memory capacity", None)
    assert not form.offer([99], texts, "memory capacity", "75 %")
    assert "99" in form.mistake
    assert form.offer([kept.number], texts, "memory capacity", "75 %")
    assert form.offer([kept.number], {**texts, "rejected": "Three."}, "memory capacity", "90 %")
    assert [entry.decision.rejected for entry in form.entries] == ["Two.", "Three."]
    assert form.entries[-1].receipt in form.form(evidence).text


def test_values_of_controls_are_plain_and_si() -> None:
    knobs = Controls(
        {
            "bandwidth": steps("Bandwidth", [50e9, 100e9, 400e9], "byte/s", start=100e9),
            "deadline": steps("Deadline", [86400.0, 365 * 86400.0], "s"),
            "accelerators": steps("Accelerators", [8.0, 1024.0], "1", start=1024.0),
            "chip": choice("Chip", {"h100-sxm": "H100", "b200-sxm": "B200"}, start="b200-sxm"),
            "overlap": toggle("Overlap", True),
        }
    )
    assert knobs.value == {
        "bandwidth": 100e9, "deadline": 86400.0, "accelerators": 1024.0, "chip": "b200-sxm", "overlap": True,
    }  # fmt: skip
    assert "Bandwidth (GB/s)" in knobs.text
    with pytest.raises(CourseError, match="none of its values"):
        steps("Bandwidth", [50e9], "byte/s", start=1.0)


def test_a_figure_has_words_numbers_and_both_palettes() -> None:
    bar = alt.Chart(alt.Data(values=[{"x": 1, "y": 2e9}])).mark_bar(color=colour("blue"))
    chart = bar.encode(x="x:Q", y="y:Q")
    page = figure.figure(
        chart, "A title", "a caption.", "One bar <b>", [{"x": 1, "memory": 2e9}], {"memory": "byte"}
    ).text
    assert 'role="img" aria-label="One bar &lt;b&gt;"' in page
    assert 'aria-hidden="true"' in page
    assert "var(--blue)" in page
    assert '<td class="nv-right">2 GB</td>' in page
    assert figure.drawn(chart) is figure.drawn(chart)


def test_tables_take_what_is_missing() -> None:
    page = table([{"a": 1.5e9, "b": True}, {"a": None, "b": False, "c": "x & y"}], {"a": ("Size", "byte")}, "Rows")
    assert '<th scope="col" class="nv-right">Size</th>' in page
    assert "1.5 GB" in page
    assert "x &amp; y" in page
    assert "yes" in page
    assert table([], {}) == ""


def test_powers_of_ten_are_typeset_and_labels_are_literal() -> None:
    assert quantity(3.8e25, "1") == "3.80\u00a0×\u00a010<sup>25</sup>"
    assert literal("# a_b*") == r"\# a\_b\*"


def test_how_far_apart() -> None:
    assert factor_apart(2.0, 8.0) == factor_apart(8.0, 2.0) == 4.0
    assert share_of_best(640.0, 360.0, lower_is_better=True) == 0.5625
    assert share_of_best(9.0, 12.0, lower_is_better=False) == 0.75


def test_sessions_are_told_through_the_environment(session: Session) -> None:
    assert session_told(session.environment()) == session
    named = Student("ada/../x", "2026")
    assert ".." not in usual_record(named).name.replace(".navlog", "")
    assert usual_record(Student("ada", "2026")).parts[-2:] == ("2026", "ada.navlog")
    with pytest.raises(CourseError, match="student"):
        session_told({"NAVARCH_STUDENT": "a\nb"})


def test_a_file_that_is_no_record_is_moved_aside_and_said(session: Session) -> None:
    session.record.write_bytes(b"this is no record at all")
    opened = Lab.open("00", session)
    assert "moved aside" in opened.title().text
    assert isinstance(opened.record, Record)
