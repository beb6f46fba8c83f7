"""The log as files, and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from navarch.cli.app import app
from navarch.course.instrument import Instrument
from navarch.course.record import Decision, Prediction, Record, RecordError, read_log
from navarch.course.record.export import export_log, exported
from navarch.course.record.page import page_of

run = CliRunner()


@pytest.fixture
def full(record: Record, ring: Instrument, rate: Instrument) -> Record:
    """A record with something of every kind."""
    record.commit("01", "A", Prediction(3.5e-4, "s", 0.7, "0.35 ms", "How long does the all-reduce take?"))
    record.reveal("01", "A", ring(size=1e9, ranks=8))
    record.commit("05", "A", Prediction("ring", "choice", 0.6, "the ring"))
    record.reveal("05", "A", ring(size=1e9, ranks=8))
    record.commit("05", "B", Prediction(1.0, "byte", 0.25, "1 byte"))
    record.reveal("05", "B", ring(size=1e9, ranks=8), "moved")
    record.commit("05", "C", Prediction(1.0, "W", 0.25, "1 W"))
    kept = record.keep("05", "A", ring(size=1e9, ranks=8), "with *stars* | and a <b>tag</b>")
    record.measured("05", "B", rate(size=512), {"processor": "a processor", "cores": "2"}, recorded=True)
    record.submit("05", "challenge", {"tensor_parallel": 8, "score": 0.98, "rule": [{"if": "memory > 80 GB"}]})
    record.decide("05", Decision("Take the tree.", (), "Not known.", "?", "the ring", "?", "never", 0.5))
    record.decide("05", Decision("Take the ring: 35 ms.", (kept.number,), "It is 9 times better.", "bytes over #links",
                                 "the tree", "12 %", "ranks pass 1,000", 0.8))  # fmt: skip
    return record


def test_predictions_stand_beside_results(full: Record) -> None:
    one, five = page_of(full.log()).labs
    assert one.name == "The Scale Wall"
    (row,) = one.predictions
    assert (row.predicted, row.result, row.off, row.sure) == ("0.35 ms", "35 ms", "100 times too low", "70 %")
    assert row.question == "How long does the all-reduce take?" and row.committed and row.revealed
    choice, moved, open_one = five.predictions
    assert (choice.result, choice.off) == ("ring", "as predicted")
    assert moved.result == "1.75 GB" and moved.off.endswith("times too low")
    assert (open_one.result, open_one.off, open_one.revealed) == ("not seen yet", "", "")
    assert [d.number for d in five.decisions] == [12, 11]
    assert (five.decisions[0].supported, five.decisions[0].numbers) == (1, 4)


def test_markdown_escapes_what_people_wrote(full: Record) -> None:
    text = exported(full.log(), "md").decode()
    assert "**35 ms** (✅ entry 8, Time of the all-reduce: 35 ms)" in text
    assert "(❓ not in the evidence)" in text
    assert "<b>" not in text and "\\*stars\\*" in text and "&#124;" in text
    assert all(entry.receipt in text for entry in full.entries(kind="prediction"))
    assert "recorded on a processor, 2 cores" in text


def test_the_pdf_is_one_and_the_same_for_the_same_log(full: Record) -> None:
    log = full.log()
    first = exported(log, "pdf")
    assert first.startswith(b"%PDF") and exported(log, "pdf") == first
    assert exported(log, "pdf", "01") != first


def test_the_json_export_is_the_whole_record(full: Record, tmp_path: Path) -> None:
    (path,) = export_log(full.log(), tmp_path / "out", "ada", ["json"])
    assert read_log(path) == full.log()
    assert [e.body for e in read_log(path).entries] == [e.body for e in full.entries()]


def test_other_formats_are_refused(full: Record) -> None:
    with pytest.raises(RecordError, match="'docx' is no format of a log; allowed: md, pdf, json"):
        exported(full.log(), "docx")


def test_an_empty_log_has_its_files(record: Record, tmp_path: Path) -> None:
    for path in export_log(record.log(), tmp_path / "out", "ada"):
        assert path.stat().st_size > 100
    assert "Nothing is written yet" in (tmp_path / "out" / "ada.md").read_text("utf-8")


def test_show(full: Record) -> None:
    told = run.invoke(app, ["log", "show", str(full.path)])
    assert told.exit_code == 0
    assert "Lab 05" in told.stdout and "100 times too low" in told.stdout and "The 12 entries stand" in told.stdout
    one = json.loads(run.invoke(app, ["log", "show", str(full.path), "--lab", "5", "--json"]).stdout)
    assert [lab["lab"] for lab in one["labs"]] == ["05"] and one["verdict"].startswith("The 12 entries")


def test_the_own_record_is_shown_without_its_name(full: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAVARCH_RECORD", str(full.path))
    assert "Decision log of ada" in run.invoke(app, ["log", "show"]).stdout


def test_export(full: Record, tmp_path: Path) -> None:
    told = run.invoke(app, ["log", "export", str(full.path), "--out", str(tmp_path / "x"), "--json"])
    assert [Path(p).name for p in json.loads(told.stdout)["written"]] == ["ada.md", "ada.pdf", "ada.json"]
    told = run.invoke(app, ["log", "export", str(full.path), "-f", "md", "--lab", "01", "--out", str(tmp_path / "y")])
    assert told.exit_code == 0 and [p.name for p in (tmp_path / "y").iterdir()] == ["ada.md"]


def test_verify(full: Record, tmp_path: Path) -> None:
    receipts = tmp_path / "receipts.txt"
    receipts.write_text("\n".join(entry.receipt for entry in full.entries(kind="prediction")), "utf-8")
    args = ["log", "verify", str(full.path)]
    told = run.invoke(app, [*args, "--receipts", str(receipts), "--student", "ada"])
    assert told.exit_code == 0, told.stdout
    assert told.stdout.count(" fits: entry") == 4 and "'9' is not in the evidence" in told.stdout
    assert "the student is 'ada', not 'bob'" in run.invoke(app, [*args, "--student", "bob"]).stdout
    strange = run.invoke(app, [*args, "--receipts", receipts_of_another(tmp_path), "--json"])
    assert strange.exit_code == 1
    assert json.loads(strange.stdout)["receipts"][0]["outcome"] == "fits no entry"


def receipts_of_another(tmp_path: Path) -> str:
    from navarch.course.variant import Student

    return Record.open(tmp_path / "bob.navlog", Student("bob", "2026")).submit("05", "A", {}).receipt


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [(None, 2, "there is no such file"), ("{}", 2, "not a record of navarch"), ("hello", 1, "neither SQLite nor JSON")],
)
def test_other_files_are_told(tmp_path: Path, content: str | None, code: int, told: str) -> None:
    path = tmp_path / "x.json"
    if content is not None:
        path.write_text(content, "utf-8")
    result = run.invoke(app, ["log", "verify", str(path)])
    assert result.exit_code == code and told in result.output
    assert run.invoke(app, ["log", "show", str(path)]).exit_code == 2
