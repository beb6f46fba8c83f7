"""Controls: what a student turns. Their values are plain and SI, ready for an instrument."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import marimo

from navarch.core.quantity import factor, parts, show
from navarch.course.errors import CourseError

Plain = str | int | float | bool
FINE = 6
"""Significant digits in which the values of a slider are shown."""
LONGEST, SMALLEST = 1e6, 1e-2
"""A slider shows values of this size; others become a list."""


@dataclass(frozen=True, slots=True)
class Control:
    """A marimo element. plain: from its value to what an instrument takes; as it is where None."""

    element: Any
    plain: Mapping[Any, Plain] | None = None

    def read(self, value: Any) -> Plain:
        """What the instrument takes."""
        return value if self.plain is None else self.plain[value]


class Controls(marimo.ui.batch):
    """Named controls as one element of a notebook."""

    def __init__(self, controls: Mapping[str, Control]) -> None:
        self._controls = dict(controls)
        places = "".join(f'<div class="nv-control">{{{name}}}</div>' for name in controls)
        template = marimo.Html(f'<div class="nv-controls" role="group" aria-label="Controls">{places}</div>')
        super().__init__(template, {name: control.element for name, control in controls.items()})

    @property  # type: ignore[misc]
    def value(self) -> dict[str, Plain]:  # type: ignore[override]
        """By name, plain and SI."""
        chosen = super().value
        return {name: control.read(chosen[name]) for name, control in self._controls.items()}


def choice(label: str, options: Sequence[Plain] | Mapping[Plain, str], start: Plain | None = None) -> Control:
    """One of a list. options: the values, or from value to label."""
    labels = {str(text): value for value, text in options.items()} if isinstance(options, Mapping) else {
        str(value): value for value in options
    }  # fmt: skip
    if not labels:
        raise CourseError(f"control {label!r} has no options")
    chosen = next((text for text, value in labels.items() if value == start), next(iter(labels)))
    return Control(marimo.ui.dropdown(labels, value=chosen, allow_select_none=False, label=label))


def steps(label: str, values: Sequence[float], unit: str, start: float | None = None) -> Control:
    """One of ascending values, in SI, shown in one unit that people read."""
    if not values:
        raise CourseError(f"control {label!r} has no values")
    first = values[0] if start is None else start
    if first not in values:
        raise CourseError(f"control {label!r}: it starts at {first}, which is none of its values")
    readable = _readable(values, unit)
    if readable is None:
        return choice(label, {value: show(value, unit) for value in values}, first)
    shown, name = readable
    slider = marimo.ui.slider(
        steps=shown,
        value=shown[list(values).index(first)],
        show_value=True,
        label=f"{label} ({name})" if name else label,
    )
    return Control(slider, dict(zip(shown, values, strict=True)))


def toggle(label: str, start: bool = False) -> Control:
    """Yes or no."""
    return Control(marimo.ui.switch(value=start, label=label))


def _readable(values: Sequence[float], unit: str) -> tuple[list[float], str] | None:
    """The values in the unit of the middle one, and its name; None where no one unit reads well."""
    if unit in ("1", ""):
        shown, name = [_neat(value) for value in values], ""
    else:
        _, name = parts(sorted(values)[len(values) // 2], unit)
        size = factor(name)[0] if name else 1.0
        shown = [_neat(value / size) for value in values]
    sizes = [abs(value) for value in shown if value != 0]
    if len(set(shown)) < len(values) or any(size > LONGEST or size < SMALLEST for size in sizes):
        return None
    return shown, name


def _neat(value: float) -> float:
    rounded = float(f"{value:.{FINE}g}")
    return int(rounded) if rounded.is_integer() else rounded
