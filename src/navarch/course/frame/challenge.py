"""Challenge: a design under hard constraints, with lights that follow the controls, beside the best of the search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import marimo
from marimo import Html

from navarch.core.quantity import show
from navarch.course.errors import CourseError
from navarch.course.frame.comparison import share_of_best
from navarch.course.frame.controls import Controls
from navarch.course.frame.page import alert, html, inline, prose, quantity, section, tag
from navarch.course.frame.part import Part
from navarch.course.frame.receipts import receipt_line
from navarch.course.instrument import Instrument, Shown
from navarch.course.record import Entry
from navarch.course.record.entry import SUBMISSION

if TYPE_CHECKING:
    from navarch.course.frame.lab import Lab

SCORE = "score"


class Challenge(Part):
    """A design challenge. score, best: instruments; given: the variant's inputs of both."""

    def __init__(
        self,
        lab: Lab,
        name: str,
        title: str,
        brief: str,
        *,
        score: Instrument,
        best: Instrument,
        given: Mapping[str, Any],
        lower_is_better: bool,
    ) -> None:
        super().__init__(lab, name)
        self.title = title
        self.brief = brief
        self.score = score
        self.best = best
        self.given = dict(given)
        self.lower_is_better = lower_is_better
        self.mistake = ""
        self._design: Shown | None = None
        self._submit = marimo.ui.button(label="Submit this design", kind="success", on_change=lambda _: self._clicked())

    @property
    def entries(self) -> list[Entry]:
        """The designs that were submitted, oldest first."""
        return self.lab.record.entries(self.lab.number, SUBMISSION, self.name)

    def lights(self, knobs: Controls) -> Html:
        """Constraints and score of the design that the controls stand at, and what was submitted."""
        self._design = self.lab.ask_instrument(self.score, {**self.given, **knobs.value})
        check_score(self._design)
        if self.lab.rehearsal is not None and not self.entries:
            self.submit(anyway=True)
        rows = "".join(_light(row) for row in self._design.rows if "constraint" in row)
        board = tag("ul", rows, class_="nv-lights", aria_label="Constraints")
        now = tag("p", "Score now ", tag("strong", _score(self._design)), class_="nv-score", role="status")
        button = alert(self.mistake) + tag("div", self._submit.text, class_="nv-actions")
        return html(
            section(
                "Design challenge", self.title, prose(self.brief), knobs.text, board, now, button, self._standing(),
                name="nv-challenge",
            )
        )  # fmt: skip

    def submit(self, anyway: bool = False) -> Entry | None:
        """Hand in the design that is shown. anyway: also where it misses a constraint."""
        design = self._design
        if design is None:
            return None
        missed = [str(row["constraint"]) for row in design.rows if "constraint" in row and not row["met"]]
        self.mistake = f"Not yet: {', '.join(missed)} stands on red." if missed and not anyway else ""
        entry = None
        if not self.mistake:
            body = {
                "instrument": design.instrument,
                "design": {key: value for key, value in design.inputs.items() if key not in self.given},
                "given": self.given,
                "score": _plain_score(design),
                "met": not missed,
            }
            entry = self.lab.record.submit(self.lab.number, self.name, body)
            self.lab.wrote()
        self.changed()
        return entry

    def _clicked(self) -> None:
        self.submit()

    def _standing(self) -> str:
        entries = self.entries
        if not entries:
            return ""
        entry = entries[-1]
        submitted = self.lab.ask_instrument(self.score, {**entry.body["given"], **entry.body["design"]})
        best = self.lab.ask_instrument(self.best, self.given)
        met = bool(entry.body["met"])
        but = "" if met else ", which misses a constraint"
        head = tag("p", f"You submitted {_score(submitted)}{but}. The best that the search finds: {_score(best)}.")
        fields = "".join(
            tag("li", f"{inline(reading.title)}: {inline(reading.shown)}")
            for key, reading in best.readings.items()
            if key != SCORE
        )
        design = tag("ul", fields, class_="nv-list") if fields else ""
        meter = self._meter(submitted, best) if met else ""
        return tag("div", meter, head, design, receipt_line(entry), class_="nv-standing")

    def _meter(self, submitted: Shown, best: Shown) -> str:
        mine, theirs = submitted[SCORE].value, best[SCORE].value
        if isinstance(mine, str) or isinstance(theirs, str) or mine <= 0 or theirs <= 0:
            return ""
        share = share_of_best(mine, theirs, self.lower_is_better)
        said = f"{show(share, 'fraction')} of the best"
        bar = tag("meter", min="0", max="1", low="0.5", high="0.8", optimum="1", value=f"{share:.4f}", aria_label=said)
        return tag("div", bar, tag("span", said), class_="nv-meter")


def check_score(shown: Shown) -> None:
    """Raise CourseError where a score instrument does not keep to the convention."""
    if SCORE not in shown.readings:
        raise CourseError(f"{shown.instrument} has no reading {SCORE!r}")
    for row in shown.rows:
        if "constraint" in row and not {"value", "limit", "unit", "sense", "met"} <= set(row):
            raise CourseError(f"{shown.instrument}: a constraint has value, limit, unit, sense and met; {row} has not")


def _score(shown: Shown) -> str:
    reading = shown[SCORE]
    return inline(reading.value) if isinstance(reading.value, str) else quantity(float(reading.value), reading.unit)


def _plain_score(shown: Shown) -> Mapping[str, float | str]:
    return {"value": shown[SCORE].value, "unit": shown[SCORE].unit}


def _light(row: Mapping[str, Any]) -> str:
    state = "met" if row["met"] else "missed"
    unit = str(row["unit"])
    is_, limit = quantity(float(row["value"]), unit), quantity(float(row["limit"]), unit)
    lamp = tag("span", "met" if row["met"] else "missed", class_=f"nv-lamp nv-{state}")
    told = tag("span", f"{inline(str(row['constraint']))}: ", tag("b", is_), f", {inline(str(row['sense']))} {limit}")
    why = tag("span", inline(str(row["why"])), class_="nv-muted") if row.get("why") else ""
    return tag("li", lamp, told, why, class_=f"nv-light nv-{state}")
