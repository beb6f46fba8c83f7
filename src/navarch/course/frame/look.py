"""The look of every lab: one style sheet and one script, in the palette of `navarch.core.plot`."""

from __future__ import annotations

from importlib.resources import files

from navarch.core.plot import variables


def head() -> str:
    """What goes into the head of a lab's page.

    The style sheet is titled as marimo's own, so that it also reaches the inside of its elements.
    """
    here = files(__package__)
    style = (here / "lab.css").read_text("utf-8")
    script = (here / "lab.js").read_text("utf-8")
    return f'<style title="marimo-custom">{_palettes()}{style}</style><script>{script}</script>'


def _palettes() -> str:
    """Light and dark as marimo's page says, which carries the theme as a class, as its elements do; print is light."""
    light, dark = variables(False), variables(True)
    paper = f"@media print{{:root,:host,:root:has(body.dark),.dark{{{light}}}}}"
    return f":root,:host{{{light}}}:root:has(body.dark),.dark{{{dark}}}{paper}"
