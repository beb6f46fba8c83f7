"""Log: every entry of the lab with its receipt, and what is handed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import marimo
from marimo import Html

from navarch.course.frame.page import html, inline, section, tag
from navarch.course.frame.part import Part
from navarch.course.record.clock import said

if TYPE_CHECKING:
    from navarch.course.frame.lab import Lab

HEADS = ("#", "When", "What", "Part", "Receipt")


class LogView(Part):
    """The record of the lab as the student sees it."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab, "log")
        name = f"{lab.student.name}-{lab.student.course}"
        self._exports = [
            marimo.download(self._exported("md"), f"{name}.md", "text/markdown", label="Export Markdown"),
            marimo.download(self._exported("pdf"), f"{name}.pdf", "application/pdf", label="Export PDF"),
            marimo.download(self._exported("json"), f"{name}.json", "application/json", label="Export JSON"),
        ]

    def show(self) -> Html:
        """Entries, receipts, export buttons."""
        rows = "".join(
            tag(
                "tr", tag("td", str(entry.number)), tag("td", inline(said(entry.time))), tag("td", inline(entry.kind)),
                tag("td", inline(entry.part)), tag("td", tag("code", inline(entry.receipt), class_="nv-receipt")),
            )
            for entry in self.lab.record.entries(self.lab.number)
        )  # fmt: skip
        head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in HEADS)))
        grid = tag("table", tag("caption", "Your record of this lab"), head, tag("tbody", rows))
        listed = tag("div", grid, class_="nv-scroll", tabindex="0", role="region", aria_label="Your record of this lab")
        if not rows:
            listed = tag("p", "Nothing is committed yet.")
        exports = tag("div", *(element.text for element in self._exports), class_="nv-actions")
        return html(section("Log", "What you hand in", listed, exports, name="nv-log"))

    def _exported(self, form: str) -> Callable[[], bytes]:
        """The log in a form, made when it is asked for."""

        def made() -> bytes:
            from navarch.course.record.export import exported

            return exported(self.lab.record.log(), form, None if form == "json" else self.lab.number)

        return made
