"""Figures are sound SVG, print only numbers of the ledger, and say in text what they draw."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from navarch.core.plot import PALETTE, adaptive, series
from navarch.core.uncertainty import propagate
from navarch.design import figures
from navarch.design.document import Label, ProseError, figures_in, prose
from navarch.design.document.wording import words
from navarch.design.figures.curves import _sides, axis_unit
from navarch.design.figures.drawing import wrap
from navarch.design.figures.tornado import input_name


def _texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)  # noqa: S314
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


def test_every_figure_is_sound_and_has_words_and_a_text_form(document):
    drawn = list(figures_in(document))
    assert len(drawn) == 10
    for figure in drawn:
        assert _texts(figure.svg)
        assert figure.caption and figure.sketch and len(words(figure.alt)) > 20
        assert len({f.key for f in drawn}) == len(drawn)


def test_numerals_of_drawn_bars_are_values_of_the_ledger(document, fleet):
    kept = {"memory", "step", "cost", "carbon", "users"}
    for figure in (f for f in figures_in(document) if f.key in kept):
        known = {words(n) for n in figure.cited}
        for text in _texts(figure.svg):
            assert not re.search(r"\d", text) or any(k in text for k in known)


def test_parts_take_no_number_without_origin(fleet):
    with pytest.raises(ProseError):
        figures.memory_bar([("weights", 3.0e9)], fleet.q["hbm"], "Memory")
    with pytest.raises(ProseError):
        figures.memory_bar([("layer 7", fleet.q["act"])], fleet.q["hbm"], "Memory")


def test_memory_over_the_capacity_is_drawn_past_it(fleet):
    small = figures.memory_bar([("weights", fleet.q["hbm"])], fleet.q["act"], "Memory").svg
    assert PALETTE["red"][0] in small


def test_equal_marks_are_one(document, fleet):
    curve = SimpleNamespace(
        x=np.array([1.0, 2.0, 3.0]), y=np.array([1.0, 2.0, 1.5]), x_unit="s", y_unit="s", x_title="x", y_title="y",
        chosen=fleet.q["interval"], optimum=fleet.q["interval"],
    )  # fmt: skip
    assert len(figures.goodput_curve(curve, "Goodput").cited) == 1
    curve.optimum = fleet.q["write"]
    assert len(figures.goodput_curve(curve, "Goodput").cited) == 2


def test_axes_are_in_units_that_people_read():
    assert axis_unit(np.array([120.0, 600.0, 7200.0]), "s") == (60.0, "min")
    assert axis_unit(np.array([1e6, 2e6]), "kgCO2e") == (1e6, "kt CO₂e")
    assert axis_unit(np.array([0.2, 0.9]), "fraction") == (0.01, "%")


def test_swings_are_ordered_and_signed(fleet):
    spread = propagate(fleet.ledger, 4000, 1)
    found = figures.swings(spread, fleet.q["tco"].entry)
    assert [s.reach for s in found] == sorted((s.reach for s in found), reverse=True)
    assert found[0].leaf.title == "Price of an H100 SXM in a node"
    assert all(s.low < 0 < s.high for s in found)
    assert figures.swings(spread, fleet.q["n"].entry) == ()


def test_a_field_is_called_by_its_path_where_it_stands_alone():
    def named(path: str, title: str, kind: str = "field") -> str:
        return words(input_name(SimpleNamespace(path=path, title=title, kind=kind)))

    assert named("serving.prompt_tokens", "Prompt") == "serving: prompt tokens"
    assert named("site.pue", "PUE") == "site: PUE"
    assert named("edge.share", "Share") == "edge: share"
    assert named("serving.users_regions.aws-eu-central-1", "Users") == "serving: users regions, aws-eu-central-1"
    assert named("", "Price of a node", "fact") == "Price of a node"


def test_long_names_take_two_lines_and_are_then_cut():
    assert wrap("a short name", 200) == ["a short name"]
    lines = wrap("attained share of the peak rate in serving with eight bits and more", 120)
    assert len(lines) == 2 and lines[1].endswith("…")


def test_the_axis_ends_soon_above_the_limit(fleet):
    curve = SimpleNamespace(
        x=np.linspace(1, 10, 50), y=np.r_[np.linspace(1, 20, 49), 5000.0], x_unit="s", y_unit="s", x_title="x",
        y_title="y", chosen=None, optimum=None,
    )  # fmt: skip
    limit = fleet.q["write"]
    svg = figures.latency_throughput(curve, "Latency", limit=limit).svg
    ticks = [float(t.replace(",", "")) for t in _texts(svg) if re.fullmatch(r"[\d,.]+", t)]
    assert max(ticks) <= 3 * max(float(limit), 1.0) + 1


def test_names_of_dots_do_not_cover_each_other():
    sides = _sides(
        [(100.0, 50.0), (105.0, 52.0), (102.0, 51.0)], ["one long name", "another name", "third"], [False] * 3
    )
    assert len(set(sides)) == 3


def test_colours_adapt_to_the_page():
    for index in range(12):
        assert adaptive(f'fill="{series(index)}"').startswith('fill="var(--')
    assert len({light for light, _ in PALETTE.values()}) == len(PALETTE)


def test_text_is_contrasted_on_its_paper():
    for name in ("ink", "muted", "link", "red", "green", "amber"):
        for mode in (0, 1):
            assert _contrast(PALETTE[name][mode], PALETTE["paper"][mode]) >= 4.0


def test_a_drawing_is_made_once(document):
    figure = next(figures_in(document))
    calls: list[int] = []
    made = replace(figure, draw=lambda: str(calls.append(1)))
    assert made.svg == made.svg and len(calls) == 1
    assert prose(Label("x"))


def _contrast(one: str, other: str) -> float:
    a, b = sorted((_luminance(one), _luminance(other)))
    return (b + 0.05) / (a + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
