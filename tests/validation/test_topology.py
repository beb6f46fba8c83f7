"""Published networks are reproduced exactly; rows that cannot be are told why."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from navarch.catalog import Catalog
from navarch.validation import Report, validate
from navarch.validation.topology import predict, published

SHARED = Path(__file__).parents[3] / "shared/data/network/topologies.csv"
ROUNDED = "topo034"  # the pod of TPU v4, 24 TB/s


@pytest.fixture(scope="module")
def report(shipped: Catalog) -> Report:
    return validate("topology", shipped)


def test_published_networks_are_reproduced_exactly(report: Report) -> None:
    assert len(report.predictions) > 200
    wrong = [p.id for p in report.predictions if p.ape > 1e-12 and not p.id.startswith(ROUNDED)]
    assert wrong == []
    assert report.more["exact"] >= len(report.predictions) - 3
    rounded = next(p for p in report.predictions if p.id == f"{ROUNDED} bisection [byte/s]")
    assert rounded.ape < 0.05


def test_the_bars_of_the_field_are_among_them(report: Report) -> None:
    found = {(p.note.partition(":")[0], p.quantity): p.predicted for p in report.predictions}
    assert found["fat-tree k=48", "hosts"] == 27_648
    assert found["fat-tree k=48", "switches"] == 2880
    assert found["Frontier", "switches"] == 2368
    assert found["Frontier", "bisection [byte/s]"] == pytest.approx(136.9e12)
    assert found["Summit", "hosts"] == 9216
    assert found["TPU v4 pod", "hosts"] == 4096
    assert found["DGX SuperPOD B200 64 SU", "core"] == 256


def test_rows_that_publish_too_little_are_told(report: Report) -> None:
    assert len(report.skipped) == 3
    assert all("not published" in row.reason for row in report.skipped)
    assert {p.split for p in report.predictions} == {"untouched", "recalled"}


def test_the_shipped_table_says_what_the_shared_one_does(shipped: Catalog) -> None:
    if not SHARED.exists():
        pytest.skip("the table of published topologies (../shared/data/network) is not on this machine")
    ours = {row["name"]: row for row in published(shipped)}
    with SHARED.open(encoding="utf-8") as file:
        theirs = [row for row in csv.DictReader(file) if re.match(r"fat-tree k|DGX|balanced", row["name"])]
    assert len(theirs) > 20
    for row in theirs:
        for mine, column in (("switches", "switches_total"), ("leaf", "leaf"), ("spine", "spine"), ("core", "core")):
            if row[column]:
                assert float(ours[row["name"]][mine]) == float(row[column]), row["name"]


def test_own_rows(tmp_path: Path, shipped: Catalog) -> None:
    table = tmp_path / "own.csv"
    table.write_text(
        "name,family,parameters,hosts,switches,diameter\n"
        "right,dragonfly+,p=2 l=2 s=2 h=2 g=5,20,20,4\n"
        "wrong,hypercube,dimensions=4,17,,4\n"
        "odd,mesh,x=3,9,,\n"
        "less,torus,y=3,9,,\n"
        "more,fat-tree,radix=4 x=3,9,,\n"
        "words,fat-tree,radix=four,9,,\n"
        "large,fat-tree,radix=1000,9,,\n"
        "blank,fat-tree,radix=4,,,\n"
        "uneven,fat-tree,radix=5,9,,\n",
        "utf-8",
    )
    report = validate("topology", shipped, table)
    assert {p.id: p.ape for p in report.predictions} == {
        "row 1 hosts": 0, "row 1 switches": 0, "row 1 diameter": 0, "row 2 hosts": pytest.approx(1 / 17),
        "row 2 diameter": 0,
    }  # fmt: skip
    why = {row.id: row.reason for row in report.skipped}
    for number, words in (
        (3, 'no family "mesh"'), (4, "a torus lacks x"), (5, "a fat-tree has no x"), (6, "such as radix=48"),
        (7, "250,000,000 hosts are more than the 2,000,000"), (8, "publishes no count"), (9, "even number of ports"),
    ):  # fmt: skip
        assert words in why[f"row {number}"]


def test_one_row(shipped: Catalog) -> None:
    row: dict[str, Any] = {"name": "k=4", "family": "fat-tree", "parameters": "radix=4", "hosts": 16}
    assert predict(row, shipped).predicted == 16
