"""Bars: memory of a device by part, where a step's time goes, cost by line, carbon by kind, latency by region.

Every figure takes (label, value) parts whose values are of the ledger; the numerals in the drawing are those values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from navarch.core.ledger import Value
from navarch.core.plot import SERIES
from navarch.design.document.model import Figure
from navarch.design.document.prose import Prose, Sayable, join, prose, say
from navarch.design.document.wording import words
from navarch.design.figures.drawing import SIZE, WIDTH, Drawing, bar_sketch, numbers_of, shorten, text_width

Part = tuple[Sayable, Value]
Key = tuple[str, str, str]  # of a legend: name, value, palette colour
WIDEST_LABEL, ROW, BAR = 250.0, 26.0, 15.0
STEP, THIN = 20.5, 12.0  # of a waterfall: from row to row, and a bar
SLIVER = 1.5
BOLD = 1.14  # how much wider bold letters are set


def memory_bar(
    parts: Sequence[Part], capacity: Value, caption: Sayable, *, key: str = "memory", total: Value | None = None
) -> Figure:
    """Memory of one device by part [byte], stacked, against its capacity [byte]."""
    shown = [(label, value) for label, value in parts if float(value) > 0]
    size = sum(float(v) for _, v in shown)
    return Figure(
        key,
        lambda: _stacked(shown, capacity, size),
        prose(caption),
        say("Stacked bar: {parts}; capacity {capacity}.", parts=_listed(shown), capacity=capacity),
        bar_sketch([*((label, v, float(v)) for label, v in shown), ("capacity", capacity, float(capacity))]),
        numbers_of(*(v for _, v in shown), capacity, *([total] if total is not None else [])),
    )


def _stacked(parts: Sequence[Part], capacity: Value, size: float) -> str:
    drawing = Drawing()
    full = max(size, float(capacity)) * 1.04 or 1.0
    limit = WIDTH * float(capacity) / full
    drawing.rect(0, 22, limit, 26, "panel", round_=2, stroke="hair")
    x = 0.0
    for index, (_, value) in enumerate(parts):
        width = max(WIDTH * float(value) / full, SLIVER)
        drawing.rect(x, 22, width - 0.8, 26, SERIES[index % len(SERIES)])
        x += width
    drawing.line(limit, 14, limit, 54, "red" if size > float(capacity) else "ink", 1.6)
    text = f"capacity {words(capacity)}"
    drawing.text(min(limit + 2, WIDTH), 11, text, anchor="end", fill="muted", size=12)
    _legend(drawing, [(words(t), words(v), SERIES[i % len(SERIES)]) for i, (t, v) in enumerate(parts)], 74)
    return drawing.svg()


def memory_stages(
    stages: Sequence[tuple[Sayable, Value, Sequence[Part]]],
    capacity: Value,
    caption: Sayable,
    *,
    key: str = "memory",
) -> Figure:
    """Memory of several devices by part [byte], a bar each, against their capacity [byte].

    stages: name, total and parts of each device; all have the same parts in the same order.
    """
    told = say(
        "Stacked bars: {bars}; capacity {capacity}.",
        bars=join(
            (
                say("{name} {total} ({parts})", name=prose(name), total=total, parts=prose(_listed(_there(parts))))
                for name, total, parts in stages
            ),
            between="; ",
            last="; ",
        ),
        capacity=capacity,
    )
    rows = [
        (say("{name}: {part}", name=prose(name), part=prose(label)), value, float(value))
        for name, _, parts in stages
        for label, value in _there(parts)
    ]
    return Figure(
        key,
        lambda: _stages(stages, capacity),
        prose(caption),
        told,
        bar_sketch([*rows, ("capacity", capacity, float(capacity))]),
        numbers_of(*(v for _, total, parts in stages for v in (total, *(v for _, v in _there(parts)))), capacity),
    )


def _there(parts: Sequence[Part]) -> list[Part]:
    return [(label, value) for label, value in parts if float(value) > 0]


def _stages(stages: Sequence[tuple[Sayable, Value, Sequence[Part]]], capacity: Value) -> str:
    drawing = Drawing()
    left = max(text_width(words(t)) for name, total, _ in stages for t in (name, total)) * BOLD + 14
    full = max(*(float(total) for _, total, _ in stages), float(capacity)) * 1.02 or 1.0
    scale = (WIDTH - left) / full
    limit = left + float(capacity) * scale
    y = 22.0
    for name, total, parts in stages:
        drawing.text(left - 12, y + 11, words(name), anchor="end", fill="muted")
        drawing.text(left - 12, y + 25, words(total), anchor="end", weight="bold")
        drawing.rect(left, y, float(capacity) * scale, 28, "panel", round_=2, stroke="hair")
        x = left
        for index, (_, value) in enumerate(parts):
            if float(value) > 0:
                width = max(float(value) * scale, SLIVER)
                drawing.rect(x, y, width - 0.8, 28, SERIES[index % len(SERIES)])
                x += width
        y += 40
    over = any(float(total) > float(capacity) for _, total, _ in stages)
    drawing.line(limit, 14, limit, y - 6, "red" if over else "ink", 1.6)
    drawing.text(min(limit + 2, WIDTH), 11, f"capacity {words(capacity)}", anchor="end", fill="muted", size=12)
    _legend(drawing, _both(stages), y + 16)
    return drawing.svg()


def _both(stages: Sequence[tuple[Sayable, Value, Sequence[Part]]]) -> list[Key]:
    """The parts with their values, those of each device where they differ."""
    made = []
    for index, (label, _) in enumerate(stages[0][2]):
        values = [parts[index][1] for _, _, parts in stages]
        if any(float(v) > 0 for v in values):
            told = dict.fromkeys(words(v) if float(v) > 0 else "none" for v in values)
            made.append((words(label), " · ".join(told), SERIES[index % len(SERIES)]))
    return made


def _legend(drawing: Drawing, parts: Sequence[Key], y: float) -> None:
    """Squares with labels and values, as many to a line as fit."""
    x = 0.0
    for name, amount, tint in parts:
        width = 14 + text_width(name) + 6 + text_width(amount) + 22
        if x and x + width > WIDTH:
            x, y = 0.0, y + 21
        drawing.rect(x, y - 9.5, 10, 10, tint, round_=1)
        drawing.text(x + 15, y, name, fill="muted")
        drawing.text(x + 15 + text_width(name) + 6, y, amount)
        x += width


@dataclass(frozen=True, slots=True)
class Span:
    """One part of a whole that is told as a waterfall: its label, value and colour, and what runs beside others.

    hidden: of the same kind, but beside what comes before it, so that it adds nothing to the whole.
    """

    label: Sayable
    value: Value
    tint: str = ""
    hidden: Value | None = None

    @property
    def hides(self) -> bool:
        return self.hidden is not None and float(self.hidden) > 0

    def told(self) -> Prose:
        """Its numbers in words."""
        if self.hidden is None or not self.hides:
            return prose(self.value)
        if float(self.value) == 0:
            return say("{hidden} hidden", hidden=self.hidden)
        return say("{value}, and {hidden} hidden", value=self.value, hidden=self.hidden)


def waterfall(
    parts: Sequence[Part | Span], total: Value, caption: Sayable, *, key: str = "step", total_label: Sayable = "total"
) -> Figure:
    """Parts of a whole, each beginning where the one before ends, and the whole; for the time of a training step.

    What runs hidden beside other parts is outlined and ends where its own part begins.
    """
    given = [p if isinstance(p, Span) else Span(*p) for p in parts]
    shown = [p for p in given if float(p.value) != 0 or p.hides]
    told = [(p.label, p.told()) for p in shown]
    sketched = [
        (label, value, float(value))
        for p in shown
        for label, value in ((p.label, p.value), (say("{of}, hidden", of=prose(p.label)), p.hidden))
        if value is not None and float(value) != 0
    ]
    return Figure(
        key,
        lambda: _waterfall(shown, total, total_label),
        prose(caption),
        say("Waterfall: {parts}; {name} {total}.", parts=_listed(told), name=prose(total_label), total=total),
        bar_sketch([*sketched, (total_label, total, float(total))]),
        numbers_of(*(value for _, value in told), total),
    )


def _waterfall(parts: Sequence[Span], total: Value, total_label: Sayable) -> str:
    drawing = Drawing()
    left = _label_room([*(p.label for p in parts), total_label])
    ends = np.cumsum([0.0, *(float(p.value) for p in parts)])
    scale = (WIDTH - left - 1) / (max(float(total), float(ends.max())) or 1.0)
    y = 0.0
    for index, part in enumerate(parts):
        begin, end = (left + float(x) * scale for x in ends[index : index + 2])
        tint = part.tint or SERIES[index % len(SERIES)]
        _row_label(drawing, left, y, words(part.label), size=THIN)
        first = begin
        if part.hides:
            width = min(float(part.hidden or 0.0) * scale, begin - left)
            first = begin - width
            drawing.rect(first + 0.5, y + 4.5, width - 1, THIN - 1, "paper", round_=1, stroke=tint)
        if float(part.value) != 0:
            drawing.rect(min(begin, end), y + 4, max(abs(end - begin), SLIVER), THIN, tint, round_=1)
        _beside(drawing, words(part.told()), (min(first, end), max(begin, end)), left, y)
        y += STEP
        drawing.line(end, y - STEP + THIN + 4, end, y + 4, "mist")
    _row_label(drawing, left, y, words(total_label), weight="bold", size=THIN)
    drawing.rect(left, y + 4, float(total) * scale, THIN, "ink", round_=1, opacity=0.78)
    drawing.text(left + 8, y + THIN + 1, words(total), weight="bold", fill="paper")
    return drawing.svg()


def _beside(drawing: Drawing, text: str, bar: tuple[float, float], left: float, y: float) -> None:
    """The numbers of a bar: after it, or before it where there is more room, or in it."""
    start, end = bar
    wide = text_width(text) + 8
    if end + wide <= WIDTH:
        drawing.text(end + 7, y + THIN + 1, text)
    elif start - wide >= left:
        drawing.text(start - 7, y + THIN + 1, text, anchor="end")
    else:
        drawing.text(start + 8, y + THIN + 1, text, fill="paper")


def _label_room(labels: Sequence[Sayable]) -> float:
    """How much room the labels at the left need."""
    return min(WIDEST_LABEL, max((text_width(words(label)) * BOLD for label in labels), default=0.0) + 14)


def _row_label(
    drawing: Drawing, left: float, y: float, text: str, *, weight: str = "normal", size: float = BAR
) -> None:
    fill = "ink" if weight == "bold" else "muted"
    drawing.text(left - 12, y + size + 1, shorten(text, left - 14), anchor="end", fill=fill, weight=weight)


def cost_breakdown(parts: Sequence[Part], caption: Sayable, *, key: str = "cost", total: Value | None = None) -> Figure:
    """Cost by line [USD], the largest first."""
    ordered = sorted(parts, key=lambda p: -float(p[1]))
    rows = [(label, value, "blue") for label, value in ordered]
    if total is not None:
        rows.append(("total", total, "ink"))
    return _rows(key, rows, caption)


def carbon_breakdown(
    groups: Sequence[tuple[Sayable, Sequence[Part]]], caption: Sayable, *, key: str = "carbon"
) -> Figure:
    """Emissions [kgCO2e] by kind (operational, embodied), each kind with its parts in a colour of its own."""
    rows: list[tuple[Sayable, Value | None, str]] = []
    for index, (title, parts) in enumerate(groups):
        rows.append((title, None, ""))
        rows += [(label, value, ("orange", "teal", "slate", "plum")[index % 4]) for label, value in parts]
    return _rows(key, rows, caption)


def latency_by_region(
    parts: Sequence[Part], caption: Sayable, *, key: str = "users", limit: Value | None = None
) -> Figure:
    """Latency of users [s] by their region, the nearest first, against a limit."""
    rows = [
        (label, v, "blue" if limit is None or float(v) <= float(limit) else "red")
        for label, v in sorted(parts, key=lambda p: float(p[1]))
    ]
    return _rows(key, rows, caption, limit)


def _rows(
    key: str, rows: Sequence[tuple[Sayable, Value | None, str]], caption: Sayable, limit: Value | None = None
) -> Figure:
    """Horizontal bars from one baseline; a row without a value is a heading."""
    given = [(label, value) for label, value, _ in rows if value is not None]
    ends = [] if limit is None else [limit]
    return Figure(
        key,
        lambda: _horizontal(rows, limit),
        prose(caption),
        say("Bars: {parts}.", parts=_listed([*given, *(("limit", v) for v in ends)])),
        bar_sketch([*((label, v, float(v)) for label, v in given), *(("limit", v, float(v)) for v in ends)]),
        numbers_of(*(v for _, v in given), *ends),
    )


def _horizontal(rows: Sequence[tuple[Sayable, Value | None, str]], limit: Value | None) -> str:
    drawing = Drawing()
    values = [float(v) for _, v, _ in rows if v is not None] + ([] if limit is None else [float(limit)])
    widest = max((text_width(words(v)) for _, v, _ in rows if v is not None), default=0.0)
    left = _label_room([label for label, _, _ in rows])
    scale = (WIDTH - left - widest - 12) / (max(values, default=0.0) or 1.0)
    y = 20.0 if limit is not None else 0.0
    top = y
    for label, value, fill in rows:
        if value is None:
            drawing.text(left - 12, y + BAR + 2, words(label), anchor="end", weight="bold")
            y += ROW
            continue
        width = max(float(value) * scale, SLIVER)
        _row_label(drawing, left, y, words(label), weight="bold" if fill == "ink" else "normal")
        drawing.rect(left, y + 4, width, BAR, fill, round_=1, opacity=0.78 if fill == "ink" else 1)
        drawing.text(left + width + 7, y + BAR + 1, words(value), weight="bold" if fill == "ink" else "normal")
        y += ROW
    if limit is not None:
        x = left + float(limit) * scale
        drawing.line(x, top, x, y, "red", 1.4, "4 3")
        drawing.text(
            x, SIZE - 2, f"limit {words(limit)}", anchor="middle" if x < WIDTH - 60 else "end", fill="red", size=12
        )
    return drawing.svg()


def _listed(parts: Sequence[tuple[Sayable, Sayable]]) -> Sayable:
    return join(say("{label} {value}", label=prose(label), value=prose(value)) for label, value in parts)
