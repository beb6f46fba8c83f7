"""The Gantt chart: every block once, bubbles in grey, cut where it repeats, in the palette alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from navarch.core import gantt
from navarch.core.plot import PALETTE


def bars(rows: int = 3, each: int = 6, tints: int = 1, length: float = 1.0, beside: bool = False) -> gantt.Bars:
    """A staircase: row by row a unit later, forwards and backwards in turn."""
    row = np.repeat(np.arange(rows), each)
    place = np.tile(np.arange(each), rows)
    start = (row + place) * length
    flags = np.zeros(rows * each, bool)
    if beside:
        flags[::2] = True
        start = (row + place // 2 * 2) * length
    end = start + length * (2 if beside else 1)
    return gantt.Bars(row, start, end, place % 2, place % tints, place, flags, rows, tints)


def rectangles(chart: gantt.Any) -> list[dict[str, float]]:
    return [row for layer in chart.to_dict(validate=False)["layer"] if layer["mark"]["type"] == "rect"
            for row in layer["data"]["values"] if "kind" in row]  # fmt: skip


def test_every_task_is_a_block() -> None:
    drawn = gantt.chart(bars())
    blocks = rectangles(drawn)
    assert len(blocks) == 18
    assert {b["kind"] for b in blocks} == {"forward", "backward"}
    assert blocks[0]["x"] == 0 and blocks[-1]["x2"] == 8


def test_side_by_side_blocks_share_a_row() -> None:
    blocks = rectangles(gantt.chart(bars(rows=1, each=2, beside=True)))
    assert [b["x"] for b in blocks] == [0, 0]
    assert blocks[0]["y2"] == pytest.approx(0.5)
    assert blocks[1]["y"] == pytest.approx(0.5)


def test_only_the_palette_is_used() -> None:
    svg = gantt.to_svg(gantt.chart(bars(tints=3), remarks=["1 %", "2 %", "3 %"], remarks_title="waits"))
    known = {light.lower() for light, _ in PALETTE.values()}
    assert {c.lower() for c in re.findall(r"#[0-9a-fA-F]{6}", svg)} <= known
    for text in ("forward", "backward", "stage 0", "stage 2", "Time [s]", "shaded: later chunk", "waits", "3 %"):
        assert text in svg
    assert svg.count("<path") < 30  # one a look, not one a block


def test_numbers_stand_where_they_fit() -> None:
    def numbers(drawn: gantt.Any) -> list[int]:
        return [row["number"] for layer in drawn.to_dict(validate=False)["layer"] if layer["mark"]["type"] == "text"
                for row in layer["data"]["values"] if "number" in row]  # fmt: skip

    assert sorted(numbers(gantt.chart(bars()))) == sorted(list(range(6)) * 3)
    assert numbers(gantt.chart(bars(rows=3, each=90), width=200)) == []
    assert numbers(gantt.chart(bars(rows=40))) == []


def test_long_runs_are_cut_in_the_middle() -> None:
    long = bars(rows=4, each=1000)
    cut = gantt.cut_of(long)
    assert cut is not None
    assert 0 < cut.begin < cut.end < 1003
    blocks = rectangles(gantt.chart(long))
    assert len(blocks) < 600
    starts = sorted({b["x"] for b in blocks})
    assert min(starts) == 0
    assert all(b["x2"] > b["x"] for b in blocks)
    assert max(b["x2"] for b in blocks) == pytest.approx(1003 - cut.shift)
    assert len(rectangles(gantt.chart(long, whole=True))) == 4000
    svg = gantt.to_svg(gantt.chart(long))
    assert "⋯" in svg
    labels = [float(text) for text in re.findall(r">([\d.]+)</text>", svg) if "." in text]
    assert max(labels) == 16.5
    assert not [text for text in labels if 1.5 < text < 15]


@pytest.mark.parametrize("length", [2e-5, 1e-3, 1.0, 300.0])
def test_the_axis_is_in_a_unit_that_reads_well(length: float) -> None:
    svg = gantt.to_svg(gantt.chart(bars(length=length)))
    unit = {2e-5: "µs", 1e-3: "ms", 1.0: "s", 300.0: "min"}[length]
    assert f"Time [{unit}]" in svg


@pytest.mark.parametrize(
    ("suffix", "begins"), [("png", b"\x89PNG"), ("svg", b"<svg"), ("html", b"<!doctype html>"), ("json", b"{")]
)
def test_files(tmp_path: Path, suffix: str, begins: bytes) -> None:
    file = tmp_path / f"chart.{suffix}"
    gantt.write(gantt.chart(bars()), file, "A <chart>")
    content = file.read_bytes()
    assert content.startswith(begins)
    if suffix == "json":
        assert json.loads(content)["config"]["font"]
    if suffix == "html":
        assert b"A &lt;chart&gt;" in content
        assert b"var(--blue)" in content
        assert b"light-dark(" in content
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'"\.gif" is not one of \.png, \.svg, \.html, \.json'):
        gantt.write(gantt.chart(bars()), tmp_path / "chart.gif", "x")


def test_dark_paper() -> None:
    light, dark = (gantt.to_png(gantt.chart(bars()), dark) for dark in (False, True))
    assert light.startswith(b"\x89PNG") and dark.startswith(b"\x89PNG")
    assert light != dark


def test_thin_blocks_of_one_look_that_touch_are_drawn_as_one() -> None:
    row, place = np.zeros(400, int), np.arange(400)
    kind = np.repeat([0, 1], 200)
    thin = gantt.Bars(row, place * 1.0, place + 1.0, kind, place % 200 // 100, place, np.zeros(400, bool), 1, 2)
    blocks = rectangles(gantt.chart(thin, whole=True))
    assert [(b["x"], b["x2"], b["kind"]) for b in blocks] == [
        (0, 100, "forward"), (100, 200, "forward"), (200, 300, "backward"), (300, 400, "backward"),
    ]  # fmt: skip
    labels = [row for layer in gantt.chart(thin, whole=True).to_dict(validate=False)["layer"] for row in
              layer.get("data", {}).get("values", []) if "number" in row]  # fmt: skip
    assert labels == []


def test_blocks_with_a_wait_between_them_stay_apart() -> None:
    row, place = np.zeros(300, int), np.arange(300)
    apart = gantt.Bars(row, place * 2.0, place * 2 + 1.0, row, row, place, np.zeros(300, bool), 1, 1)
    assert len(rectangles(gantt.chart(apart, whole=True))) == 300
