"""Figures: charts in the one theme, as SVG that follows light and dark, with what they show in words and numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from marimo import Html

from navarch.core.plot import adaptive, to_svg
from navarch.course.frame.page import Units, details, html, inline, table, tag

if TYPE_CHECKING:
    import altair

KEPT = 512
_SIZE = re.compile(r'<svg[^>]*?\bwidth="(?P<width>[\d.]+)"[^>]*?\bheight="(?P<height>[\d.]+)"[^>]*>')


def figure(
    chart: altair.TopLevelMixin | str,
    title: str,
    caption: str,
    alt: str,
    rows: Sequence[Mapping[str, Any]] = (),
    units: Units | None = None,
) -> Html:
    """A figure. chart: altair, or SVG in colours of the palette; alt: what it shows, for who cannot see it; rows: the
    table behind it; units: by column."""
    drawing = picture(chart if isinstance(chart, str) else drawn(chart), alt)
    said = tag("figcaption", tag("b", inline(title)), " ", inline(caption))
    behind = details("Numbers behind this figure", table(rows, units or {}, title)) if rows else ""
    return html(tag("figure", drawing.text, said, behind, class_="nv-figure"))


def picture(svg: str, alt: str, name: str = "nv-picture") -> Html:
    """SVG in colours of the palette, as one image with a text alternative."""
    return html(tag("div", adaptive(_fluid(svg)), class_=name, role="img", aria_label=alt))


def drawn(chart: altair.TopLevelMixin) -> str:
    """An altair chart as SVG; the same chart is drawn once."""
    return _drawn(json.dumps(chart.to_dict(validate=False), sort_keys=True, default=str))


def warm() -> None:
    """Draw something small, so that the first figure of a lab does not wait for the converter to start."""
    import altair

    drawn(altair.Chart(altair.Data(values=[{"x": 1, "y": 1}])).mark_bar().encode(x="x:Q", y="y:Q"))


class _Plain:
    """A chart that is a specification already."""

    def __init__(self, specification: str) -> None:
        self.specification = specification

    def to_dict(self, validate: bool = True) -> dict[str, Any]:
        """The specification."""
        del validate
        loaded: dict[str, Any] = json.loads(self.specification)
        return loaded


@lru_cache(maxsize=KEPT)
def _drawn(specification: str) -> str:
    return to_svg(_Plain(specification))  # type: ignore[arg-type]


def _fluid(svg: str) -> str:
    """SVG that is as wide as its column, at most as wide as it was drawn; hidden from screen readers (`alt` speaks)."""
    found = _SIZE.search(svg)
    if found is None:
        return svg
    head = found.group()
    slim = re.sub(r'\s(width|height)="[\d.]+"', "", head)
    styled = f'{slim[:-1]} aria-hidden="true" focusable="false" style="max-width:{float(found["width"]):.0f}px">'
    return svg.replace(head, styled, 1)
