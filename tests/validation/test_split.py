"""The split of the published training runs: fixed, whole configurations, a third of each source that is divided."""

from __future__ import annotations

import random
from typing import Any

from navarch.catalog import Catalog
from navarch.validation.rows import text
from navarch.validation.split import THIRDS, WHOLE, calibration_ids, configuration_of, key_of
from navarch.validation.training import published

Rows = dict[str, dict[str, Any]]
FIXED = 144
"""Calibration rows of the shipped table; another number means another protocol."""


def test_the_split_is_the_same_in_any_order(shipped: Catalog) -> None:
    rows = list(published(shipped))
    chosen = calibration_ids(rows)
    random.Random(0).shuffle(rows)
    assert calibration_ids(rows) == chosen
    assert len(chosen) == FIXED


def test_no_configuration_is_on_both_sides(runs: Rows) -> None:
    chosen = calibration_ids(runs.values())
    checked = [row for row in runs.values() if row["source_check"] != "recalled"]
    sides = [{key_of(row) for row in checked if (row["row_id"] in chosen) == kept} for kept in (True, False)]
    assert sides[0].isdisjoint(sides[1])


def test_a_third_of_the_configurations_of_each_divided_source_is_for_calibration(runs: Rows) -> None:
    chosen = calibration_ids(runs.values())
    for part in THIRDS:
        rows = [row for row in runs.values() if part in row["source"]]
        groups: dict[tuple[str, ...], dict[str, bool]] = {}
        for row in rows:
            groups.setdefault(key_of(row)[:4], {})[configuration_of(row)] = row["row_id"] in chosen
        for configurations in groups.values():
            assert sum(configurations.values()) == (len(configurations) + 1) // 3


def test_whole_sources_are_for_calibration_and_the_others_are_not(runs: Rows) -> None:
    chosen = calibration_ids(runs.values())
    for row in runs.values():
        if any(part in row["source"] for part in WHOLE):
            assert row["row_id"] in chosen
        elif not any(part in row["source"] for part in THIRDS):
            assert row["row_id"] not in chosen


def test_recalled_rows_are_never_for_calibration(runs: Rows) -> None:
    chosen = calibration_ids(runs.values())
    assert not [row for row in runs.values() if row["source_check"] == "recalled" and row["row_id"] in chosen]


def test_a_key_is_the_same_however_numbers_are_written(runs: Rows) -> None:
    row = runs["T389"]
    spelt = {name: f" {text(row, name).removesuffix('.0')} " if name in ("tp", "pp", "cp", "mbs") else value
             for name, value in row.items()}  # fmt: skip
    assert key_of(spelt) == key_of(row)
    assert key_of(row | {"tp": 8}) != key_of(row)
