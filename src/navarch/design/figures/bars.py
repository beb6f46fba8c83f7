"""Bars: memory of a device by part, where a step's time goes, cost by line, carbon by kind, latency by region.

Every figure takes (label, value) parts whose values are of the ledger; the numerals in the drawing are those values.
"""

from __future__ import annotations

from collections.abc import Sequence

from navarch.core.ledger import Value
from navarch.core.plot import SERIES
from navarch.design.document.model import Figure
from navarch.design.document.prose import Sayable, join, number, prose, say
from navarch.design.document.wording import words
from navarch.design.figures.drawing import SIZE, WIDTH, Drawing, bar_sketch, numbers_of, shorten, text_width

Part = tuple[Sayable, Value]
WIDEST_LABEL, ROW, BAR = 250.0, 26.0, 15.0
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
    _legend(drawing, parts, 74)
    return drawing.svg()


def _legend(drawing: Drawing, parts: Sequence[Part], y: float) -> None:
    """Squares with labels and values, as many to a line as fit."""
    x = 0.0
    for index, (label, value) in enumerate(parts):
        name, amount = words(label), words(value)
        width = 14 + text_width(name) + 6 + text_width(amount) + 22
        if x and x + width > WIDTH:
            x, y = 0.0, y + 21
        drawing.rect(x, y - 9.5, 10, 10, SERIES[index % len(SERIES)], round_=1)
        drawing.text(x + 15, y, name, fill="muted")
        drawing.text(x + 15 + text_width(name) + 6, y, amount)
        x += width


def waterfall(
    parts: Sequence[Part], total: Value, caption: Sayable, *, key: str = "step", total_label: Sayable = "total"
) -> Figure:
    """Parts of a whole, each beginning where the one before ends, and the whole; for the time of a training step."""
    shown = [(label, value) for label, value in parts if float(value) != 0]
    return Figure(
        key,
        lambda: _waterfall(shown, total, total_label),
        prose(caption),
        say("Waterfall: {parts}; {name} {total}.", parts=_listed(shown), name=prose(total_label), total=total),
        bar_sketch([*((label, v, float(v)) for label, v in shown), (total_label, total, float(total))]),
        numbers_of(*(v for _, v in shown), total),
    )


def _waterfall(parts: Sequence[Part], total: Value, total_label: Sayable) -> str:
    drawing = Drawing()
    values = [*(words(v) for _, v in parts), words(total)]
    left = _label_room([*(label for label, _ in parts), total_label])
    room = WIDTH - left - max(text_width(v) for v in values) - 12
    scale = room / (max(float(total), sum(float(v) for _, v in parts)) or 1.0)
    x, y = left, 0.0
    for index, (label, value) in enumerate(parts):
        width = max(float(value) * scale, SLIVER)
        _row_label(drawing, left, y, words(label))
        drawing.rect(x, y + 4, width, BAR, SERIES[index % len(SERIES)], round_=1)
        drawing.text(x + width + 7, y + BAR + 1, words(value))
        x += float(value) * scale
        y += ROW
        drawing.line(x, y - ROW + BAR + 4, x, y + 4, "mist")
    _row_label(drawing, left, y, words(total_label), weight="bold")
    drawing.rect(left, y + 4, float(total) * scale, BAR, "ink", round_=1, opacity=0.78)
    drawing.text(left + float(total) * scale + 7, y + BAR + 1, words(total), weight="bold")
    return drawing.svg()


def _label_room(labels: Sequence[Sayable]) -> float:
    """How much room the labels at the left need."""
    return min(WIDEST_LABEL, max((text_width(words(label)) * BOLD for label in labels), default=0.0) + 14)


def _row_label(drawing: Drawing, left: float, y: float, text: str, *, weight: str = "normal") -> None:
    fill = "ink" if weight == "bold" else "muted"
    drawing.text(left - 12, y + BAR + 1, shorten(text, left - 14), anchor="end", fill=fill, weight=weight)


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


def _listed(parts: Sequence[Part]) -> Sayable:
    return join(say("{label} {value}", label=prose(label), value=number(value)) for label, value in parts)
