"""One look for every figure: the palette, the theme of altair charts, and SVG without a browser.

The palette is Okabe and Ito's idea in this project's tones: neighbours differ in lightness as well as in hue, so that
they stay apart for colour-blind readers and in grey print. Every colour has a twin for dark paper; a figure is drawn in
the light palette, and `adaptive` turns its colours into CSS variables for a page that can be either.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair

# name: (on light paper, on dark paper)
PALETTE: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#15181d"),
    "ink": ("#1c2026", "#e6e8eb"),
    "muted": ("#5b6370", "#a3abb8"),
    "hair": ("#d5d9df", "#39404a"),
    "grid": ("#e9ebef", "#262b33"),
    "panel": ("#f5f7fb", "#1c2027"),
    "link": ("#1a56b8", "#86b4ff"),
    "blue": ("#1f5fbf", "#5b93ea"),
    "sky": ("#92b1e6", "#35588f"),
    "orange": ("#dd8434", "#e79a54"),
    "sand": ("#f1bc8b", "#94663a"),
    "teal": ("#22857b", "#49b3a6"),
    "red": ("#b3261e", "#ef7d73"),
    "slate": ("#778492", "#8794a3"),
    "mist": ("#c8cdd5", "#4a525d"),
    "plum": ("#7b5c9e", "#b093d6"),
    "green": ("#1a7f4b", "#4cc38a"),
    "amber": ("#b26a00", "#e5a23d"),
}
LIGHT = {name: light for name, (light, _) in PALETTE.items()}
SERIES = ("blue", "sky", "orange", "sand", "teal", "slate", "plum", "mist", "red")
FONT = "Libertinus Serif"
SANS_FALLBACK = f"{FONT}, Palatino, Georgia, serif"

_HEX = {light: name for name, light in LIGHT.items()}
_COLOUR = re.compile("|".join(_HEX), re.IGNORECASE)


def colour(name: str) -> str:
    """A colour of the palette on light paper."""
    return LIGHT[name]


def series(index: int) -> str:
    """The colour of the n-th part of a whole."""
    return LIGHT[SERIES[index % len(SERIES)]]


def adaptive(svg: str) -> str:
    """A figure whose palette colours are CSS variables (`--blue`), for an HTML page in light and dark."""
    return _COLOUR.sub(lambda found: f"var(--{_HEX[found.group().lower()]})", svg)


def variables(dark: bool | None = None) -> str:
    """The palette as CSS variables: of light paper, of dark paper, or (None) of whichever the page is in."""
    if dark is None:
        return "".join(f"--{n}:light-dark({light},{night});" for n, (light, night) in PALETTE.items())
    return "".join(f"--{n}:{pair[dark]};" for n, pair in PALETTE.items())


def config() -> dict[str, Any]:
    """The theme of altair charts (a Vega-Lite config)."""
    small = {
        "labelFont": FONT,
        "titleFont": FONT,
        "labelFontSize": 12,
        "titleFontSize": 12.5,
        "titleFontWeight": "normal",
    }
    axis = {
        **small, "labelColor": LIGHT["muted"], "titleColor": LIGHT["muted"], "domainColor": LIGHT["hair"],
        "gridColor": LIGHT["grid"], "ticks": False, "labelPadding": 6, "titlePadding": 10, "domain": False,
    }  # fmt: skip
    return {
        "background": None,
        "font": FONT,
        "padding": {"left": 4, "right": 12, "top": 8, "bottom": 4},
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {"grid": False, "domain": True},
        "legend": {**small, "labelColor": LIGHT["ink"], "titleColor": LIGHT["muted"], "symbolType": "square"},
        "line": {"color": LIGHT["blue"], "strokeWidth": 2},
        "rule": {"color": LIGHT["muted"]},
        "text": {"font": FONT, "fontSize": 12, "color": LIGHT["ink"]},
        "title": {"font": FONT, "fontSize": 13, "anchor": "start", "color": LIGHT["ink"]},
        "range": {"category": [LIGHT[name] for name in SERIES]},
    }


@cache
def _version() -> str:
    """The Vega-Lite version to draw altair's charts with: altair's own, where the converter has it."""
    import altair
    import vl_convert

    asked = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    known = vl_convert.get_vegalite_versions()
    return asked if asked in known else known[-1]


def to_svg(chart: altair.TopLevelMixin) -> str:
    """An altair chart in this theme as SVG; needs no browser and no network."""
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(chart.to_dict(validate=False), vl_version=_version(), config=config())
    return str(drawn)
