"""Evidence: exactly what was shown, kept under a number and a receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import marimo
from marimo import Html

from navarch.course.frame.page import html, inline, section, tag
from navarch.course.frame.part import Part
from navarch.course.frame.receipts import receipt_line
from navarch.course.instrument import Shown
from navarch.course.record import Entry
from navarch.course.record.entry import EVIDENCE, MEASUREMENT

if TYPE_CHECKING:
    from navarch.course.frame.lab import Lab

FIRST = 3
"""Readings of a kept entry that are listed."""


class Evidence(Part):
    """What was kept in a lab."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab, "evidence")
        self._buttons: dict[str, Any] = {}

    @property
    def entries(self) -> list[Entry]:
        """The entries that a decision may rest on: kept evidence and measurements."""
        return [entry for entry in self.lab.record.entries(self.lab.number) if entry.kind in (EVIDENCE, MEASUREMENT)]

    def keep(self, part: str, shown: Shown, note: str = "") -> Html:
        """The button that keeps exactly this; once kept, its number and receipt."""
        entry = self.kept(part, shown)
        if entry is None and self.lab.rehearsal is not None:
            entry = self.take(part, shown, note)
        if entry is not None:
            return html(tag("div", receipt_line(entry), class_="nv-kept", role="status"))

        def clicked(_: object) -> None:
            self.take(part, shown, note)

        button = marimo.ui.button(label="Keep as evidence", on_change=clicked)
        self._buttons[part] = button
        return html(tag("div", button.text, class_="nv-actions"))

    def take(self, part: str, shown: Shown, note: str = "") -> Entry:
        """Keep it."""
        entry = self.kept(part, shown) or self.lab.record.keep(self.lab.number, part, shown, note)
        self.changed()
        self.lab.wrote()
        return entry

    def kept(self, part: str, shown: Shown) -> Entry | None:
        """The entry under which exactly this is kept."""
        plain = shown.as_plain()
        found = self.lab.record.entries(self.lab.number, EVIDENCE, part)
        return next((entry for entry in found if entry.shown.as_plain() == plain), None)

    def show(self) -> Html:
        """What was kept, oldest first."""
        kept = self.entries
        if not kept:
            return html(section("Evidence", "Nothing is kept yet", tag("p", "Keep what your decision will rest on.")))
        rows = "".join(tag("li", _line(entry)) for entry in kept)
        return html(section("Evidence", "What you kept", tag("ul", rows, class_="nv-list nv-evidence")))


def in_words(entry: Entry) -> str:
    """A kept entry in one line: what it is and its first readings."""
    return f"Entry {entry.number}, {entry.part}: {_readings(entry)}"


def _readings(entry: Entry) -> str:
    shown = entry.shown
    told = [f"{reading.title} {reading.shown}" for reading in shown.readings.values()]
    if not told:
        return f"a table of {len(shown.rows)} rows"
    more = len(told) - FIRST
    return "; ".join(told[:FIRST]) + (f"; and {more} more" if more > 0 else "")


def _line(entry: Entry) -> str:
    head = tag("b", f"Entry {entry.number}, {inline(entry.part)}. ")
    return head + inline(_readings(entry)) + ". " + tag("code", inline(entry.receipt), class_="nv-receipt")
