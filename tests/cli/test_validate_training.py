"""`navarch validate training`: the verdict first, tables of many rows, one's own runs, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from navarch.catalog import load
from navarch.cli.app import app
from navarch.validation.training import COLUMNS, published

ROWS = {str(row["row_id"]): dict(row) for row in published(load())}
KEYS = {"rows", "predicted", "skipped", "median_ape", "mape", "p90_ape", "worst_ape", "bias", "spearman"}
ROW_KEYS = {"id", "quantity", "measured", "predicted", "ape", "basis", "note"}


def navarch(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["validate", "training", *(str(a) for a in arguments)], prog_name="navarch")


def table(folder: Path, rows: list[dict[str, Any]], name: str = "own.csv") -> Path:
    path = folder / name
    frame = pl.DataFrame(rows, infer_schema_length=None)
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return path


@pytest.fixture(scope="module")
def shown() -> str:
    done = navarch()
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """The report on the published rows, as JSON."""
    done = navarch("--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_verdict_comes_first_and_everything_after(shown: str) -> None:
    lines = shown.splitlines()
    assert "rows that no constant was fitted on: half within" in lines[2]
    order = ["Untouched  ", "Family  ", "Order within a family", "BLOOM sweep", "Intervals, untouched", "Peak memory",
             "The 10 worst rows", "Skipped (47)"]  # fmt: skip
    places = [shown.index(part) for part in order]
    assert places == sorted(places)
    assert "Recalled, in no figure" in shown
    assert "which is not modelled" in shown
    assert len(lines) < 140


def test_all_prints_every_row_of_many(tmp_path: Path, shown: str) -> None:
    assert "\nT002 " not in shown
    path = table(tmp_path, [ROWS["T001"] | {"row_id": f"own{n}"} for n in range(50)])
    assert "own49 " not in navarch("--data", path).stdout
    printed = navarch("--data", path, "--all").stdout
    assert all(f"\nown{n} " in printed for n in range(50))
    assert "80 % interval" in printed


def test_json_keeps_the_contract(told: dict[str, Any]) -> None:
    data = told
    assert set(data["summary"]) >= KEYS
    assert len(data["predictions"]) == data["summary"]["predicted"]
    assert len(data["skipped"]) == data["summary"]["skipped"]
    assert data["summary"]["rows"] == data["summary"]["predicted"] + data["summary"]["skipped"] == len(ROWS)
    for row in data["predictions"]:
        assert set(row) >= ROW_KEYS
        assert row["basis"] in ("fitted", "interpolated", "assumed")
        assert row["split"] in ("calibration", "untouched", "recalled")
    assert set(data) >= {"usable", "intervals", "memory", "trends", "sweep"}


@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
def test_the_same_rows_in_a_file_give_the_same_predictions(tmp_path: Path, name: str, told: dict[str, Any]) -> None:
    chosen = [ROWS[row] for row in ("T001", "T024", "T078", "T355", "T619", "T747")]
    data = json.loads(navarch("--data", table(tmp_path, chosen, name), "--json").stdout)
    shipped = {row["id"]: row for row in told["predictions"]}
    assert data["skipped"] == []
    for row in data["predictions"]:
        expected = shipped[row["id"]]
        assert (row["split"], row["basis"]) == (expected["split"], expected["basis"])
        for key in ("predicted", "measured", "low", "high"):
            assert row[key] == pytest.approx(expected[key])


def test_few_rows_are_printed_one_by_one_with_their_intervals(tmp_path: Path) -> None:
    own = [ROWS["T078"] | {"source": None, "row_id": f"run [{n}]", "step_time_s": 15.0 + n} for n in range(4)]
    printed = navarch("--data", table(tmp_path, own)).stdout
    assert all(f"run [{n}]" in printed for n in range(4))
    assert "80 % interval" in printed
    assert "own measurements H100-80GB" in printed
    assert "worst rows" not in printed


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    own = {name: ROWS["T389"][name] for name in COLUMNS}
    data = json.loads(navarch("--data", table(tmp_path, [own]), "--json").stdout)
    assert [row["id"] for row in data["predictions"]] == ["row 1"]
    assert data["predictions"][0]["basis"] == "assumed"
    assert "taken for Megatron-Core" in data["predictions"][0]["note"]


def test_tokens_a_second_stand_for_step_times(tmp_path: Path) -> None:
    own = {name: ROWS["T389"][name] for name in COLUMNS if name != "step_time_s"} | {"tokens_per_s_per_gpu": 844.0}
    data = json.loads(navarch("--data", table(tmp_path, [own]), "--json").stdout)
    assert data["predictions"][0]["measured"] == pytest.approx(1536 * 8192 / (844 * 256))


def test_a_table_without_what_is_needed_says_so(tmp_path: Path) -> None:
    done = navarch("--data", table(tmp_path, [{"model": "GPT", "gpu": "H100", "step_time_s": 1.0}]))
    assert done.exit_code == 2
    assert "lacks the columns n_gpus, tp, pp, seq, gbs" in done.stderr


def test_rows_that_cannot_be_used_never_stop_the_report(tmp_path: Path) -> None:
    good = ROWS["T389"]
    odd = [{"gpu": "abacus"}, {"tp": "many"}, {"gbs": -1}, {"model": "Nemotron_3_Nano"}, {"step_time_s": None,
           "tokens_per_s_per_gpu": None}, {"precision": "fp32"}, {"n_gpus": 255}]  # fmt: skip
    rows = [{key: None if value is None else str(value) for key, value in (good | change).items()} for change in odd]
    path = table(tmp_path, [row | {"row_id": f"own {n}"} for n, row in enumerate(rows)])
    done = navarch("--data", path)
    assert done.exit_code == 0
    assert "No row could be predicted." in done.stdout
    data = json.loads(navarch("--data", path, "--json").stdout)
    assert [row["id"] for row in data["skipped"]] == [f"own {n}" for n in range(len(odd))]
    reasons = [row["reason"] for row in data["skipped"]]
    assert 'no accelerator "abacus"' in reasons[0]
    assert 'tp "many" is not a number' in reasons[1]
    assert "conventions of FLOP/s differ" in reasons[4]
    assert "the row has 255" in reasons[6]


def test_an_empty_table_is_a_report_too(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text(",".join(COLUMNS) + "\n")
    done = navarch("--data", path)
    assert done.exit_code == 0
    assert "No row could be predicted." in done.stdout
    assert json.loads(navarch("--data", path, "--json").stdout)["summary"]["rows"] == 0
