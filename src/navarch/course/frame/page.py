"""Pieces of a page: HTML whose interactive parts stay alive with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import marimo
from marimo import Html

from navarch.core.quantity import mantissa_exponent, parts, show

Units = Mapping[str, str | tuple[str, str]]


def tag(name: str, *content: str, **attributes: str | None) -> str:
    """An element; `class_` and `for_` lose their underscore, other underscores become hyphens."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{given}>{''.join(content)}</{name}>"


def html(*pieces: object) -> Html:
    """Pieces under each other as one output."""
    return Html("".join(text_of(piece) for piece in pieces))


def text_of(piece: object) -> str:
    """The HTML of a piece: an output of marimo, or HTML text of ours."""
    if piece is None:
        return ""
    if isinstance(piece, Html):
        return piece.text
    if isinstance(piece, str):
        return piece
    return marimo.as_html(piece).text


def prose(markdown: str) -> str:
    """Markdown as HTML."""
    return tag("div", marimo.md(markdown).text, class_="nv-prose") if markdown.strip() else ""


def literal(text: str) -> str:
    """Plain text for a label of marimo, which reads Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#$~|])", r"\\\1", text)


def inline(text: str) -> str:
    """Plain text, escaped."""
    return escape(text)


def quantity(value: float, unit: str) -> str:
    """A quantity, its power of ten typeset."""
    number, label = parts(value, unit)
    power = mantissa_exponent(number)
    shown = f"{power[0]} × 10{tag('sup', str(power[1]))}" if power else inline(number)
    return f"{shown} {inline(label)}".replace(" ", "\u00a0").strip()


def alert(sentence: str) -> str:
    """A sentence that a screen reader says at once; the place is there before the sentence is."""
    return tag("div", tag("p", inline(sentence)) if sentence else "", class_="nv-alert", role="alert")


def details(title: str, content: str, name: str = "") -> str:
    """Something that opens."""
    return tag("details", tag("summary", inline(title)), content, class_=f"nv-details {name}".strip())


def section(label: str, title: str, *content: str, name: str = "", level: int = 3) -> str:
    """A part of the page with its heading."""
    kicker = tag("span", inline(label), class_="nv-kicker") if label else ""
    heading = tag(f"h{level}", kicker, tag("span", inline(title))) if title else kicker
    return tag("section", heading, *content, class_=f"nv-part {name}".strip(), aria_label=f"{label} {title}".strip())


def table(rows: Sequence[Mapping[str, Any]], units: Units, caption: str = "") -> str:
    """Rows as a table. units: by column, an SI unit, or a title and an SI unit; others are shown as they are."""
    if not rows:
        return ""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    columns = [column for column in columns if any(_scalar(row.get(column)) for row in rows)]
    heads = [_head(column, units) for column in columns]
    numeric = {column for column in columns if any(_number(row.get(column)) for row in rows)}
    head = "".join(
        tag("th", inline(title), scope="col", class_=_side(c in numeric)) for c, (title, _) in heads_of(columns, heads)
    )
    body = "".join(
        tag("tr", *(_cell(row.get(c), unit, c in numeric) for c, (_, unit) in heads_of(columns, heads))) for row in rows
    )
    said = tag("caption", inline(caption)) if caption else ""
    grid = tag("table", said, tag("thead", tag("tr", head)), tag("tbody", body))
    return tag("div", grid, class_="nv-scroll", tabindex="0", role="region", aria_label=caption or "Table")


def heads_of(columns: Sequence[str], heads: Sequence[tuple[str, str]]) -> Sequence[tuple[str, tuple[str, str]]]:
    """Columns with their titles and units."""
    return list(zip(columns, heads, strict=True))


def _head(column: str, units: Units) -> tuple[str, str]:
    given = units.get(column, "")
    if isinstance(given, tuple):
        return given
    return column.replace("_", " ").capitalize(), given


def _scalar(value: object) -> bool:
    return isinstance(value, (str, int, float, bool))


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _side(numeric: bool) -> str | None:
    return "nv-right" if numeric else None


def _cell(value: object, unit: str, numeric: bool) -> str:
    if isinstance(value, bool):
        shown = "yes" if value else "no"
    elif isinstance(value, (int, float)):
        shown = show(float(value), unit or "1")
    else:
        shown = "" if value is None else str(value)
    return tag("td", inline(shown), class_=_side(numeric))
