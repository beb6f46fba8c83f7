"""A lab: what a notebook opens, and the parts that it is made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from marimo import Html

from navarch.course.errors import CourseError
from navarch.course.frame import controls as knobs
from navarch.course.frame import figure as figures
from navarch.course.frame import page, showing
from navarch.course.frame.challenge import Challenge
from navarch.course.frame.controls import Control, Controls, Plain
from navarch.course.frame.decision import DecisionForm
from navarch.course.frame.evidence import Evidence
from navarch.course.frame.log import LogView
from navarch.course.frame.measurement import Measured
from navarch.course.frame.page import Units
from navarch.course.frame.prediction import Asked
from navarch.course.frame.rehearsal import Rehearsal
from navarch.course.frame.session import Session, session_told
from navarch.course.instrument import Instrument, Shown, instrument_named
from navarch.course.labs.registry import CourseLab, lab_named, objective
from navarch.course.record import Record
from navarch.course.variant import Student, seed_of

Objectives = str | Sequence[str]
Uses = Sequence[Callable[..., Any]]
KEPT = 1024


class Lab:
    """A student's lab. course_lab: None where the course has no lab of that number (a lab for practice)."""

    def __init__(self, number: str, record: Record, course_lab: CourseLab | None, rehearsal: Rehearsal | None) -> None:
        self.number = number
        self.record = record
        self.course_lab = course_lab
        self.rehearsal = rehearsal
        self._logs: list[LogView] = []

    @classmethod
    def open(cls, number: str, session: Session | None = None) -> Lab:
        """The lab of a number, with the student and the record that `navarch lab` told of."""
        told = session or session_told()
        try:
            known: CourseLab | None = lab_named(number)
        except CourseError:
            known = None
        told.record.parent.mkdir(parents=True, exist_ok=True)
        record = Record.open(told.record, told.student)
        rehearsal = Rehearsal.beside(known.notebook if known is not None else None) if told.rehearsing else None
        return cls(number, record, known, rehearsal)

    @property
    def student(self) -> Student:
        """Whose lab it is."""
        return self.record.student

    @property
    def seed(self) -> int:
        """The seed of the student's variant."""
        return seed_of(self.student, self.number)

    # Parts

    def predict(
        self,
        name: str,
        question: str,
        *,
        unit: str | None = None,
        choices: Mapping[str, str] | None = None,
        objective: Objectives,
        uses: Uses,
        context: str = "",
        between: tuple[float, float] | None = None,
        answer: str = "",
    ) -> Asked:
        """A prediction: of a number in `unit`, or of one of `choices` (key to label).

        answer: key of the reading that answers it; left out, the only one of its unit that the instrument shows.
        """
        self._declare(name, objective, uses)
        return Asked(self, name, question, unit=unit, choices=choices, context=context, between=between, answer=answer)

    def measure(
        self,
        name: str,
        title: str,
        instrument: Instrument,
        *,
        inputs: Mapping[str, Any],
        limit: float,
        objective: Objectives,
        recorded: str | None = None,
        context: str = "",
    ) -> Measured:
        """A measurement in a process of its own."""
        self._declare(name, objective, [instrument])
        return Measured(self, name, title, instrument, inputs=inputs, limit=limit, recorded=recorded, context=context)

    def challenge(
        self,
        name: str,
        title: str,
        brief: str,
        *,
        score: Instrument,
        best: Instrument,
        given: Mapping[str, Any],
        lower_is_better: bool,
        objective: Objectives,
    ) -> Challenge:
        """A design challenge."""
        self._declare(name, objective, [score, best])
        return Challenge(
            self, name, title, brief, score=score, best=best, given=given, lower_is_better=lower_is_better
        )  # fmt: skip

    def evidence(self) -> Evidence:
        """What is kept."""
        return Evidence(self)

    def decision(self, terms: Sequence[str]) -> DecisionForm:
        """The form of the decision log."""
        return DecisionForm(self, terms)

    def log(self) -> LogView:
        """The record, with its receipts and exports."""
        view = LogView(self)
        self._logs.append(view)
        return view

    # Controls

    def controls(self, **named: Control) -> Controls:
        """Controls by the names that the instrument gives them."""
        return Controls(named)

    def choice(self, label: str, options: Sequence[Plain] | Mapping[Plain, str], start: Plain | None = None) -> Control:
        """One of a list, or of a mapping from value to label."""
        return knobs.choice(label, options, start)

    def steps(self, label: str, values: Sequence[float], unit: str, start: float | None = None) -> Control:
        """One of ascending values, in SI."""
        return knobs.steps(label, values, unit, start)

    def toggle(self, label: str, start: bool = False) -> Control:
        """Yes or no."""
        return knobs.toggle(label, start)

    # Showing

    def title(self) -> Html:
        """The masthead."""
        return showing.masthead(self)

    def provocation(self, quote: str, text: str = "", figure: Html | None = None) -> Html:
        """What the lab begins with."""
        return showing.provocation(quote, text, figure)

    def figure(
        self,
        chart: Any,
        title: str,
        caption: str,
        alt: str,
        rows: Sequence[Mapping[str, Any]] = (),
        units: Units | None = None,
    ) -> Html:
        """A figure with its text alternative and its numbers."""
        return figures.figure(chart, title, caption, alt, rows, units)

    def readings(self, shown: Shown, *keys: str) -> Html:
        """Readings of an instrument as large numbers."""
        return showing.readings(shown, keys)

    def table(self, rows: Sequence[Mapping[str, Any]], units: Units, caption: str) -> Html:
        """Rows as a table."""
        return page.html(page.table(rows, units, caption))

    def text(self, markdown: str) -> Html:
        """Prose."""
        return page.html(page.prose(markdown))

    def section(self, label: str, title: str) -> Html:
        """A heading."""
        return showing.heading(label, title)

    def page(self, *pieces: object) -> Html:
        """Pieces under each other."""
        return page.html(*pieces)

    def columns(self, *pieces: object) -> Html:
        """Pieces side by side where there is room."""
        return page.html(page.tag("div", *(page.tag("div", page.text_of(p)) for p in pieces), class_="nv-columns"))

    # What the parts use

    def ask_instrument(self, instrument: Instrument, inputs: Mapping[str, Any]) -> Shown:
        """What an instrument shows for these inputs; the same question is answered once in a session."""
        if not isinstance(instrument, Instrument):
            raise CourseError(f"{instrument!r} is no instrument: mark it with navarch.course.instrument.instrument")
        if not instrument.replays:
            raise CourseError(f"{instrument.name} is a measurement: use lab.measure")
        return _answered(instrument.name, json.dumps(dict(inputs), sort_keys=True))

    def wrote(self) -> None:
        """Something was written into the record: logs show it."""
        for view in self._logs:
            view.changed()

    def _declare(self, name: str, objectives: Objectives, uses: Uses) -> None:
        for key in [objectives] if isinstance(objectives, str) else objectives:
            objective(key)
        strange = [used for used in uses if not callable(used)]
        if strange:
            raise CourseError(f"part {name!r}: {strange[0]!r} is no function of the library")


@lru_cache(maxsize=KEPT)
def _answered(name: str, inputs: str) -> Shown:
    return instrument_named(name)(**json.loads(inputs))
