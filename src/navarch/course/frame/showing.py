"""What a lab shows around its parts: masthead, provocation, headings, readings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marimo import Html

from navarch.core.quantity import show
from navarch.course.errors import CourseError
from navarch.course.frame.page import alert, details, html, inline, prose, quantity, tag, text_of
from navarch.course.instrument import Reading, Shown

if TYPE_CHECKING:
    from navarch.course.frame.lab import Lab

THEMES = (("system", "Auto"), ("light", "Light"), ("dark", "Dark"))


def masthead(lab: Lab) -> Html:
    """Number, name, week, learning objectives, student, and the choice of light and dark."""
    known = lab.course_lab
    kicker = f"Week {known.week} · {known.topic} · {known.part}" if known is not None else "For practice"
    title = known.name if known is not None else "An example"
    links = "".join(tag("a", label, href=f"?theme={theme}", data_theme=theme) for theme, label in THEMES)
    themes = tag("nav", links, class_="nv-themes", aria_label="Light or dark")
    who = f"{lab.student.name}, course {lab.student.course}"
    aims = _aims(lab)
    aside = alert(lab.record.log().header.note)
    heading = tag("h1", tag("span", f"Lab {lab.number}", class_="nv-number"), tag("span", inline(title)))
    return html(
        tag("header", themes, tag("p", inline(kicker), class_="nv-kicker"), heading,
            tag("p", inline(who), class_="nv-who"), aside, aims, class_="nv-masthead")
    )  # fmt: skip


def provocation(quote: str, text: str, figure: Html | None) -> Html:
    """A figure before a paragraph, and the sentence that the lab begins with."""
    said = tag("blockquote", tag("p", inline(quote)))
    return html(tag("section", text_of(figure), said, prose(text), class_="nv-provocation", aria_label="Provocation"))


def heading(label: str, title: str) -> Html:
    """The heading of a part of the lab."""
    return html(
        tag("h2", tag("span", inline(label), class_="nv-kicker"), tag("span", inline(title)), class_="nv-heading")
    )


def readings(shown: Shown, keys: Sequence[str] = ()) -> Html:
    """Readings as large numbers; all of them where no keys are given."""
    unknown = [key for key in keys if key not in shown.readings]
    if unknown:
        raise CourseError(f"{shown.instrument} shows no {unknown[0]!r}: it shows {', '.join(shown.readings)}")
    cards = "".join(_card(shown.readings[key]) for key in (keys or shown.readings))
    return html(tag("dl", cards, class_="nv-readings"))


def _card(reading: Reading) -> str:
    value = inline(reading.value) if isinstance(reading.value, str) else quantity(float(reading.value), reading.unit)
    span = ""
    if reading.low is not None and reading.high is not None:
        low, high = show(reading.low, reading.unit), show(reading.high, reading.unit)
        span = tag("dd", f"{inline(low)} to {inline(high)} (80 %)", class_="nv-muted")
    how = ""
    if reading.derivation:
        how = tag(
            "dd", details("How it is derived", tag("pre", inline(reading.derivation), tabindex="0"), "nv-derivation")
        )
    return tag(
        "div", tag("dt", inline(reading.title)), tag("dd", value, class_="nv-value"), span, how, class_="nv-card"
    )


def _aims(lab: Lab) -> str:
    if lab.course_lab is None:
        return ""
    aims = "".join(tag("li", inline(aim.text)) for aim in lab.course_lab.objectives)
    return details("What you learn here", tag("ul", aims))
