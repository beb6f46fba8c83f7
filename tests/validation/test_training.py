"""The report on published training runs: what counts, order, intervals, memory, and the page on it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import Catalog
from navarch.core.plot import to_svg
from navarch.validation import Prediction, Report
from navarch.validation.cases import Case, case_of, family_of
from navarch.validation.measured import GIBIBYTE
from navarch.validation.memory import memory_of, verdicts_of
from navarch.validation.parity import GROUPS, checked, figures
from navarch.validation.ranking import Point, pairs_right, sweep_of, trend_of
from navarch.validation.reasons import reasons_of
from navarch.validation.report import correlation, summarise
from navarch.validation.training import predict_all

Rows = dict[str, dict[str, Any]]
ROOT = Path(__file__).parents[2]
NARAYANAN = "Narayanan et al. 2021 Table 1 A100-80GB"


def cases_of(names: Sequence[str], runs: Rows, shipped: Catalog) -> list[Case]:
    return [case_of(runs[name], number, shipped) for number, name in enumerate(names, start=1)]


def test_every_row_is_predicted_or_skipped_with_a_reason(training_report: Report, runs: Rows) -> None:
    told = [row.id for row in training_report.predictions] + [row.id for row in training_report.skipped]
    assert sorted(told) == sorted(runs)
    assert all(row.reason for row in training_report.skipped)


def test_nine_of_ten_usable_rows_are_predicted(training_report: Report) -> None:
    usable = training_report.more["usable"]
    assert usable["predicted"] == len(checked(training_report))
    assert usable["share"] >= 0.9


def test_untouched_rows_are_within_a_tenth_or_so(training_report: Report) -> None:
    """Wide of what is reached, so that a new fit passes and a broken model does not."""
    of = training_report.by(lambda p: p.split)["untouched"]
    assert of.median_ape is not None
    assert of.mape is not None
    assert of.median_ape < 0.08
    assert of.mape < 0.12


def test_recalled_rows_are_predicted_and_in_no_figure(training_report: Report, runs: Rows) -> None:
    recalled = {name for name, row in runs.items() if row["source_check"] == "recalled"}
    found = {row.id for row in training_report.predictions if row.split == "recalled"}
    assert found <= recalled
    assert found
    assert training_report.by(lambda p: p.split)["recalled"].median_ape is None
    without = [row for row in training_report.predictions if row.split != "recalled"]
    told, expected = training_report.summary, summarise(without)
    assert (told.mape, told.worst, told.spearman) == (expected.mape, expected.worst, expected.spearman)
    assert told.within_interval == expected.within_interval
    more = training_report.more
    assert not recalled & set(more["memory"]["verdicts"]["wrongly_out_of_memory"])
    assert sum(trend["rows"] for trend in more["trends"].values()) == len(without)


def test_the_interval_counts_what_it_holds() -> None:
    base = Prediction("a", "q", 1.0, 1.1, "assumed", "f", low=0.9, high=1.2)
    rows = [base, replace(base, measured=2.0), replace(base, measured=0.9), replace(base, low=None)]
    assert summarise(rows).within_interval == pytest.approx(2 / 3)
    assert summarise([replace(base, low=None, high=None)]).within_interval is None
    assert summarise([replace(base, split="recalled")]).within_interval is None


def test_intervals_are_told_by_what_they_were_taken_from(training_report: Report) -> None:
    intervals = training_report.more["intervals"]
    untouched = {row.id for row in training_report.predictions if row.split == "untouched"}
    named = [name for of in intervals["constants"].values() for name in of["ids"]]
    assert sorted(named) == sorted(untouched)
    held = sum(of["held"] * of["rows"] for of in intervals["constants"].values())
    assert held / len(untouched) == pytest.approx(intervals["untouched"]["held"])
    assert intervals["untouched"]["held"] == training_report.by(lambda p: p.split)["untouched"].within_interval


def test_a_prediction_lies_within_its_interval(training_report: Report) -> None:
    for row in training_report.predictions:
        assert row.low is not None
        assert row.high is not None
        assert row.low <= row.predicted <= row.high


def test_the_trend_of_narayanan_rises_as_published(training_report: Report) -> None:
    trend = training_report.more["trends"][NARAYANAN]
    assert trend["rows"] == trend["configurations"] == 10
    assert trend["sizes_measured"] > 1
    assert trend["sizes_predicted"] > 1
    assert trend["spearman"] > 0.8
    assert trend["pairs_right"] > 0.9


def test_the_bloom_sweep_is_ranked_in_parts(training_report: Report) -> None:
    found = training_report.more["sweep"]
    counts = {name: of["rows"] for name, of in found["rankings"].items()}
    assert counts["all"] == 87 == counts["untouched"] + counts["calibration"]
    assert counts["all"] == counts["before the cluster was mended"] + counts["after it was mended"]
    assert found["rankings"]["all"]["step_time_spearman"] > 0.85
    assert len(found["rates"]) == 87


def test_a_sweep_needs_rows_of_the_sweep(runs: Rows, shipped: Catalog) -> None:
    assert sweep_of(cases_of(["T001", "T002", "T003"], runs, shipped)) == {}


def test_rows_that_differ_in_the_release_alone_are_one_configuration(runs: Rows, shipped: Catalog) -> None:
    row = runs["T472"]
    later = row | {"row_id": "later", "framework": "Megatron-Bridge 26.04.01", "step_time_s": 1.1 * row["step_time_s"]}
    other = row | {"row_id": "other", "gbs": row["gbs"] / 2, "step_time_s": row["step_time_s"] / 2}
    trend = trend_of([case_of(each, 1, shipped) for each in (row, later, other)])
    assert (trend.rows, trend.configurations, trend.repeated) == (3, 2, 1)
    assert trend.repeats_apart == pytest.approx(1.1)
    assert trend.spearman is None


def points(*pairs: tuple[float, float]) -> list[Point]:
    return [Point(measured, predicted, 1.0, 1.0, ("a",)) for measured, predicted in pairs]


def test_pairs_in_order() -> None:
    assert pairs_right(points((1, 10), (2, 20), (3, 30))) == 1
    assert pairs_right(points((1, 10), (2, 30), (3, 20))) == pytest.approx(2 / 3)
    assert pairs_right(points((1, 10), (2, 10))) == 0  # a tie decides nothing
    assert pairs_right(points((1, 10), (1.01, 5))) is None  # as good as equal


@given(st.lists(st.floats(1, 1e6), min_size=3, max_size=12, unique=True))
def test_a_prediction_in_proportion_is_in_perfect_order(rates: list[float]) -> None:
    made = points(*((rate, 3 * rate) for rate in rates))
    assert pairs_right(made) in (1, None)
    assert correlation([p.measured for p in made], [p.predicted for p in made]) == pytest.approx(1)


def test_a_memory_that_cannot_be_read_is_skipped_in_the_memory_alone(runs: Rows, shipped: Catalog) -> None:
    told = predict_all([runs["T619"], runs["T620"] | {"peak_mem_gib": "lots"}], shipped)
    assert len(told.predictions) == 2
    memory = told.more["memory"]
    assert [row["id"] for row in memory["predictions"]] == ["T619"]
    assert memory["predictions"][0]["measured"] == pytest.approx(47 * GIBIBYTE / 1e9)
    assert 'peak_mem_gib "lots" is not a number' in memory["skipped"][0]["reason"]
    assert memory["summary"]["skipped"] == 1


def test_a_run_that_was_run_and_is_predicted_not_to_fit_is_a_false_alarm(runs: Rows, shipped: Catalog) -> None:
    fits, not_ = cases_of(["T001", "T078"], runs, shipped)
    small = replace(not_, run=replace(not_.run, hardware=replace(not_.run.hardware, memory=1e9)))
    verdicts = verdicts_of([fits, small])
    assert (verdicts["runs"], verdicts["predicted_to_fit"]) == (2, 1)
    assert verdicts["wrongly_out_of_memory"] == ["T078"]
    assert verdicts["over"]["most"] == pytest.approx(float(not_.made.memory.peak) / 1e9)
    assert memory_of([])["verdicts"]["over"] is None


def test_reasons_tell_assumptions_releases_full_memory_and_far_experts(runs: Rows, shipped: Catalog) -> None:
    row = runs["T401"] | {"gpu": "B200", "ep": 8, "n_gpus": 16, "dp": 16, "gpus_per_node": 4}
    slow = row | {"row_id": "slow", "framework": "Megatron-Bridge 26.06.01", "step_time_s": 2 * row["step_time_s"]}
    known = reasons_of([case_of(each, 1, shipped) for each in (row, slow)])
    assert any(told.startswith("least recomputation that fits: ") for told in known["slow"])
    assert any(told.startswith("other releases measured") for told in known["slow"])
    assert "experts of a layer spread over 2 hosts" in known["slow"]
    assert known["slow"][-1] == row["notes"].strip()
    case = case_of(runs["T078"], 1, shipped)
    tight = replace(case, run=replace(case.run, hardware=replace(case.run.hardware, memory=case.made.memory.peak)))
    assert "predicted to fill 100 % of the memory" in reasons_of([tight])["T078"]


def test_a_row_of_the_table_is_fitted_and_its_like_is_calibration_too(runs: Rows, shipped: Catalog) -> None:
    row = runs["T389"]
    rows = [row, row | {"row_id": "T391"}, row | {"source": "ours"}, row | {"row_id": None, "tp": " 4 "}]
    found = [(p.split, p.basis) for p in predict_all(rows, shipped).predictions]
    assert found[0] == ("calibration", "fitted")
    assert found[1][0] == "calibration" and found[1][1] != "fitted"
    assert found[2][0] == "untouched"
    assert found[3][0] == "calibration" and found[3][1] != "fitted"


@pytest.mark.parametrize(
    ("row", "family"),
    [
        ({"source": "NVIDIA Megatron-Bridge performance-summary.md", "gpu": "H100"}, "NVIDIA Megatron-Bridge H100"),
        ({"source": "Narayanan et al. 2021 (arXiv 2104.04473) Table 1", "gpu": "A100-80GB"}, NARAYANAN),
        ({"source": "SimuMax v1.2 B200 release summary (real ms)", "gpu": "B200"}, "SimuMax v1.2 B200"),
        ({"gpu": "H100"}, "own measurements H100"),
        ({}, "own measurements"),
    ],
)
def test_families(row: dict[str, Any], family: str) -> None:
    assert family_of(row) == family


def test_a_table_of_other_columns_gives_tokens_a_second(runs: Rows, shipped: Catalog) -> None:
    names = ("model", "layers", "hidden", "heads", "vocab", "gpu", "n_gpus", "seq", "gbs")
    row = {name: runs["T078"][name] for name in names}
    told = predict_all([row | {"tokens_per_s_per_gpu": 1035, "framework": "FSDP"}], shipped)
    assert told.skipped == []
    assert told.predictions[0].measured == pytest.approx(15.83, abs=0.01)
    assert told.predictions[0].id == "row 1"


def test_every_figure_can_be_drawn(training_report: Report) -> None:
    drawn = {name: to_svg(chart) for name, chart in figures(training_report).items()}
    assert set(drawn) == {"errors", *GROUPS, "bloom-ranking", "intervals", "memory"}
    assert drawn["errors"].count('aria-roledescription="point"') == len(checked(training_report))


def test_no_rows_make_no_figures() -> None:
    assert figures(Report("training", "T", "s", (), ())) == {}


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_validation_page", ROOT / "scripts/build_validation_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_every_block_and_figure_of_the_report(training_report: Report, builder: ModuleType) -> None:
    page = builder.PAGE.read_text("utf-8")
    found = {match.group("name"): match.group(0) for match in builder.BLOCK.finditer(page)}
    texts = builder.blocks(training_report)
    assert set(found) == set(texts)
    for name in ("families", "sources", "order", "sweep", "intervals", "memory", "splits"):
        written, expected = (_first_cells(text) for text in (found[name], texts[name]))
        assert written == expected, f"run scripts/build_validation_page.py: {name}"
    for name in figures(training_report):
        assert f"images/parity-{name}.svg" in page
        assert (builder.IMAGES / f"parity-{name}.svg").exists()


def _first_cells(text: str) -> list[str]:
    return [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]


def test_writing_the_page_again_changes_nothing_but_blocks(training_report: Report, builder: ModuleType) -> None:
    page = builder.PAGE.read_text("utf-8")
    texts = builder.blocks(training_report)
    once = builder.written(page, texts)
    assert builder.written(once, texts) == once
    assert builder.BLOCK.sub("", once) == builder.BLOCK.sub("", page)
