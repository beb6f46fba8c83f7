"""The frame of `navarch validate`: the contract of its report, and rows that are never an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from typer.testing import CliRunner, Result

from navarch.catalog import load
from navarch.cli.app import app
from navarch.validation import Prediction, Skipped, validate
from navarch.validation.report import Report, rank_correlation, summarise
from navarch.validation.topics import topics

KEYS = {"rows", "predicted", "skipped", "median_ape", "mape", "p90_ape", "worst_ape", "bias", "spearman"}
ROW_KEYS = {"id", "quantity", "measured", "predicted", "ape", "basis", "note"}


def navarch(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["validate", *(str(a) for a in arguments)], prog_name="navarch")


def predictions(pairs: list[tuple[float, float]], family: str = "f") -> list[Prediction]:
    return [Prediction(str(i), "q", m, p, "assumed", family) for i, (m, p) in enumerate(pairs)]


@pytest.mark.parametrize("topic", ["reliability", "models"])
def test_a_topic_reports_what_the_contract_says(topic: str) -> None:
    done = navarch(topic, "--json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert set(data["summary"]) >= KEYS
    assert data["summary"]["rows"] == data["summary"]["predicted"] + data["summary"]["skipped"]
    assert len(data["predictions"]) == data["summary"]["predicted"]
    assert len(data["skipped"]) == data["summary"]["skipped"]
    for row in data["predictions"]:
        assert set(row) >= ROW_KEYS
        assert row["basis"] in ("fitted", "interpolated", "assumed")
    assert all(row["reason"] for row in data["skipped"])
    assert navarch(topic).exit_code == 0


def test_reliability_meets_the_known_answers() -> None:
    report = validate("reliability", load())
    by_id = {row.id: row for row in report.predictions}
    assert by_id["int003"].predicted == pytest.approx(419)
    assert by_id["int028"].predicted == pytest.approx(3.093, abs=5e-4)
    assert by_id["int034"].predicted == pytest.approx(1.803, abs=5e-4)
    assert by_id["int033"].predicted == pytest.approx(28.8, abs=0.05)
    assert (by_id["int003"].basis, by_id["int003"].split) == ("fitted", "calibration")
    assert (by_id["int034"].basis, by_id["int034"].split) == ("interpolated", "untouched")
    assert by_id["int225"].basis == "assumed"


def test_models_are_counted_within_a_fifth_and_half_of_them_within_a_hundredth() -> None:
    summary = validate("models", load()).summary
    assert summary.predicted > 100
    assert summary.median_ape is not None
    assert summary.median_ape < 0.01
    assert summary.within_20 == 1


def test_an_unknown_topic_names_those_that_exist() -> None:
    done = navarch("training-runs")
    assert done.exit_code == 2
    assert "cannot be validated" in done.stderr
    assert f"the topics are {', '.join(topics())}" in done.stderr
    assert "did you mean models?" in navarch("model").stderr
    listed = navarch()
    assert listed.exit_code == 0
    assert "reliability" in listed.stdout
    named = [topic["topic"] for topic in json.loads(navarch("--json").stdout)]
    assert named == list(topics())
    assert {"models", "reliability", "compute", "training", "topology", "collectives", "network"} <= set(named)


HEADER = "id,model,quantity,value\n"


def test_rows_that_cannot_be_used_are_skipped_with_a_reason(tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text(
        HEADER + "a,llama3.1-8b,params_total,8.03e9\nb,llama3.1-8b,params_total,eight\nc,llama3.1-8b,params_total,\n"
        "d,no-such-model,params_total,1\ne,llama3.1-8b,weight,1\nf,llama3.1-8b,params_total,nan\n"
        ",llama3.1-8b,params_total,-1\nh\ni,llama3.1-8b,params_total,8e9,and,more\n"
    )
    data = json.loads(navarch("models", "--data", table, "--json").stdout)
    assert [row["id"] for row in data["predictions"]] == ["a", "i"]
    reasons = {row["id"]: row["reason"] for row in data["skipped"]}
    assert reasons["b"] == 'value "eight" is not a number'
    assert reasons["c"] == "value is empty"
    assert reasons["d"] == 'the catalog has no model "no-such-model"'
    assert reasons["f"] == reasons["row 7"].replace("-1", "nan")
    assert set(reasons) == {"b", "c", "d", "e", "f", "row 7", "h"}


def test_a_parquet_table_gives_the_same_report(tmp_path: Path) -> None:
    rows = [{"id": "a", "model": "llama3.1-8b", "quantity": "params_total", "value": 8.03e9}]
    pl.DataFrame(rows).write_parquet(tmp_path / "own.parquet")
    pl.DataFrame(rows).write_csv(tmp_path / "own.csv")
    reports = [
        json.loads(navarch("models", "--data", tmp_path / f"own.{kind}", "--json").stdout)
        for kind in ("csv", "parquet")
    ]
    assert reports[0]["summary"] == reports[1]["summary"]
    assert reports[0]["summary"]["predicted"] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id,value\n1,2\n", "lacks the columns model, quantity"),
        (b"", "lacks the columns"),
        (b"\xff\xfe\x00", "is not UTF-8"),
        (b'id,model,quantity,value\n"' + b"x" * 200_000, "is not a CSV table"),
    ],
)
def test_a_file_that_is_no_such_table_is_a_mistake(tmp_path: Path, content: bytes, said: str) -> None:
    table = tmp_path / "own.csv"
    table.write_bytes(content)
    done = navarch("models", "--data", table)
    assert done.exit_code == 2
    assert said in done.stderr
    (tmp_path / "own.parquet").write_bytes(content)
    assert navarch("models", "--data", tmp_path / "own.parquet").exit_code == 2
    assert navarch("models", "--data", tmp_path / "none.csv").exit_code == 2
    assert navarch("models", "--data", tmp_path).exit_code == 2


def test_a_summary_by_hand() -> None:
    rows = predictions([(100, 110), (200, 160), (400, 400), (800, 1200)])
    summary = summarise(rows, skipped=1)
    assert (summary.rows, summary.predicted, summary.skipped) == (5, 4, 1)
    assert summary.median_ape == pytest.approx(0.15)
    assert summary.mape == pytest.approx(0.2)
    assert summary.worst_ape == pytest.approx(0.5)
    assert summary.worst == "3"
    assert summary.bias == pytest.approx(0.1)
    assert summary.within_10 == pytest.approx(0.5)
    assert summary.within_20 == pytest.approx(0.75)
    assert summary.spearman == pytest.approx(1)


def test_no_rows_is_a_summary_too() -> None:
    report = Report("t", "T", "s", (), (Skipped("a", "why"),))
    assert report.summary.median_ape is None
    assert json.dumps(report.as_data())
    assert rank_correlation(predictions([(1, 1), (2, 2)])) is None


@given(st.lists(st.tuples(st.floats(0.1, 1e6), st.floats(0.1, 1e6)), min_size=3, max_size=30))
def test_the_rank_correlation_is_spearmans(pairs: list[tuple[float, float]]) -> None:
    measured, predicted = zip(*pairs, strict=True)
    found = rank_correlation(predictions(pairs))
    if len(set(measured)) == 1 or len(set(predicted)) == 1:
        assert found is None
    else:
        expected: Any = stats.spearmanr(measured, predicted).statistic
        assert found == pytest.approx(expected, abs=1e-9)


def test_the_rank_correlation_stays_within_a_family() -> None:
    rising = predictions([(1, 10), (2, 20), (3, 30)], "a")
    falling = predictions([(100, 3), (200, 2), (300, 1)], "b")
    assert rank_correlation(rising + falling) == pytest.approx(0)
