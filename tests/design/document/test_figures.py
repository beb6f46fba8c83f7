"""Figures are sound SVG, print only numbers of the ledger, and say in text what they draw."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from navarch.core.arithmetic import difference
from navarch.core.plot import PALETTE, adaptive, series
from navarch.core.uncertainty import propagate
from navarch.design import figures
from navarch.design.document import Label, ProseError, figures_in, prose
from navarch.design.document.wording import words
from navarch.design.evaluation.result import Front
from navarch.design.figures.curves import axis_unit
from navarch.design.figures.drawing import wrap
from navarch.design.figures.places import sides_of
from navarch.design.figures.tornado import input_name
from navarch.distributed.training.named_schedules import schedule_of
from navarch.distributed.training.simulate import simulate, timing_of_stage


def _texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)  # noqa: S314
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


def nothing(fleet):
    """A value of the ledger that is nought."""
    with fleet.ledger:
        return difference(fleet.q["step"], fleet.q["step"], title="Nothing")


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


def test_hidden_communication_is_outlined_and_adds_nothing(fleet):
    q = fleet.q
    spans = [
        figures.Span("work", q["train"], "blue"),
        figures.Span("talk", q["step"], "orange", q["pp"]),
        figures.Span("all hidden", nothing(fleet), "orange", q["pp"]),
    ]
    drawn = figures.waterfall(spans, q["train"], "Where it goes")
    assert f"{words(q['step'])}, and {words(q['pp'])} hidden" in _texts(drawn.svg)
    assert f"{words(q['pp'])} hidden" in _texts(drawn.svg)
    assert drawn.svg.count('fill="#ffffff" stroke=') == 2
    labels = [words(s.label) for s in drawn.sketch]
    assert labels == ["work", "talk", "talk, hidden", "all hidden, hidden", "total"]
    assert {n.entry.number for n in drawn.cited} == {q[k].entry.number for k in ("train", "step", "pp")}


def test_bars_of_a_waterfall_stay_in_the_drawing(fleet):
    q = fleet.q
    drawn = figures.waterfall([figures.Span(f"part {c}", q["step"]) for c in "abcdefg"], q["step"], "x").svg
    for x, width in re.findall(r'<rect x="([-\d.]+)" y="[\d.]+" width="([\d.]+)"', drawn):
        assert float(x) >= 0 and float(x) + float(width) <= 681


def test_memory_of_two_stages_tells_what_differs(fleet):
    q = fleet.q
    first = [("weights", q["w2"]), ("activations", q["act"]), ("logits", nothing(fleet))]
    last = [("weights", q["w2"]), ("activations", q["hbm"]), ("logits", q["act"])]
    drawn = figures.memory_stages(
        [("first stage", q["hbm"], first), ("last stage", q["largest"], last)], q["hbm"], "Memory"
    )
    texts = _texts(drawn.svg)
    assert f"{words(q['act'])} · {words(q['hbm'])}" in texts
    assert f"none · {words(q['act'])}" in texts
    assert words(q["w2"]) in texts
    assert "first stage" in words(drawn.alt) and "last stage" in words(drawn.alt)


def test_plans_far_from_the_accelerator_are_not_drawn(fleet):
    front = Front(np.array([1.0, 2.0, 3.0, 4.5, 9.0]), np.array([5.0, 2.0, 1.0, 0.9, 0.8]), tuple("abcde"),
                  ("full", "selective", "none", "none", "none"), 2)  # fmt: skip
    assert figures.drawn_plans(front, 4.0) == [1, 2, 3]


def test_the_front_shows_the_chosen_plan_and_the_capacity(fleet):
    q = fleet.q
    memory, step = float(q["w2"]), float(q["step"])
    front = Front(np.array([memory, memory / 2, memory / 4]), np.array([step, 1.3 * step, 1.6 * step]),
                  ("TP 8", "TP 4", "TP 2"), ("none", "selective", "full"))  # fmt: skip
    drawn = figures.pareto(front, (q["w2"], q["step"]), q["hbm"], "Plans")
    texts = _texts(drawn.svg)
    assert {"TP 8", "TP 4", "TP 2", f"capacity {words(q['hbm'])}", "nothing recomputed"} <= set(texts)
    assert PALETTE["orange"][0] in drawn.svg


def test_a_gantt_chart_is_told_in_text_too(fleet):
    schedule = schedule_of("1f1b", 4, 8)
    run = simulate(schedule, timing_of_stage(schedule, 1.0, 1.0, 1.0))
    drawn = figures.gantt(run, fleet.q["pp"], fleet.q["t"], "The pipeline")
    assert {"stage 0", "stage 3", "forward", "backward"} <= set(_texts(drawn.svg))
    first, *_, last, waiting = drawn.sketch
    assert first.drawn.startswith("█") and "░" in first.drawn
    assert last.drawn.startswith("░") and last.drawn.endswith("░")
    assert words(waiting.value) == words(fleet.q["pp"])


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
    spots, names = [(100.0, 50.0), (105.0, 52.0), (102.0, 51.0)], ["one long name", "another name", "third"]
    assert len(set(sides_of(spots, names, [False] * 3, (560, 210)))) == 3
    assert sides_of([(100.0, 50.0)], ["name"], [False], (560, 210), [(0, 0, 560, 210)]) == [""]


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
