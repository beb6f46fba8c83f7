"""Measurement: the mechanism really run on this machine, or a recorded result that says where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import marimo
from marimo import Html

from navarch.core.quantity import show
from navarch.course.errors import CourseError
from navarch.course.frame.machine import in_words
from navarch.course.frame.page import alert, html, inline, prose, section, tag
from navarch.course.frame.part import Part, halt
from navarch.course.frame.process import Measurement, Outcome
from navarch.course.frame.receipts import receipt_line
from navarch.course.frame.recorded import recorded_result
from navarch.course.instrument import Instrument, Shown
from navarch.course.record import Entry
from navarch.course.record.entry import MEASUREMENT

if TYPE_CHECKING:
    from navarch.course.frame.lab import Lab

POLL = 0.4


class Measured(Part):
    """A measurement. limit: it is stopped after [s]; recorded: a file of navarch/course with a result of elsewhere."""

    def __init__(
        self,
        lab: Lab,
        name: str,
        title: str,
        instrument: Instrument,
        *,
        inputs: Mapping[str, Any],
        limit: float,
        recorded: str | None,
        context: str,
    ) -> None:
        super().__init__(lab, name)
        self.title = title
        self.instrument = instrument
        self.inputs = dict(inputs)
        self.limit = limit
        self.recorded_file = recorded
        self.context = context
        self.said = ""
        self.running: Measurement | None = None
        self._start = marimo.ui.button(
            label="Measure on this machine", kind="success", on_change=lambda _: self.start()
        )
        self._again = marimo.ui.button(label="Measure again", on_change=lambda _: self.start())
        self._cancel = marimo.ui.button(label="Cancel", on_change=lambda _: self.cancel())
        self._poll = marimo.ui.refresh(default_interval=POLL, on_change=lambda _: self.poll())

    @property
    def entry(self) -> Entry | None:
        """The last result, read from the record."""
        found = self.lab.record.entries(self.lab.number, MEASUREMENT, self.name)
        return found[-1] if found else None

    @property
    def done(self) -> bool:
        """Whether there is a result."""
        return self.entry is not None

    @property
    def shown(self) -> Shown:
        """What was measured; stops the cell while there is nothing."""
        self.gate()
        entry = self.entry
        assert entry is not None  # noqa: S101
        return entry.shown

    @property
    def recorded(self) -> bool:
        """Whether the result was measured elsewhere."""
        self.gate()
        entry = self.entry
        return entry is not None and bool(entry.body["recorded"])

    def gate(self) -> None:
        """Stop this cell, and those that need it, until there is a result."""
        if self.lab.rehearsal is not None and not self.done:
            self.finish()
        halt(not self.done)

    def start(self) -> None:
        """Begin to measure, unless it runs."""
        if self.running is None:
            self.said = ""
            self.running = Measurement(self.instrument.name, self.inputs, self.limit)
            self.changed()

    def cancel(self) -> None:
        """Stop the measurement."""
        if self.running is not None:
            self.running.cancel()
            self.poll()

    def finish(self) -> None:
        """Measure and wait for the result."""
        self.start()
        if self.running is not None:
            self.running.wait()
            self.poll()

    def poll(self) -> None:
        """Take over what the measurement has come to."""
        if self.running is None:
            return
        outcome = self.running.outcome
        if outcome.state != "running":
            self.running = None
            self._settle(outcome)
        self.changed()

    def run(self) -> Html:
        """The button; while it runs, how far it is; then what was measured, and where."""
        if self.lab.rehearsal is not None and not self.done:
            self.finish()
        entry = self.entry
        body = self._progress() if self.running is not None else self._result(entry)
        done = "nv-done" if entry is not None and self.running is None else ""
        return html(section("Measure", self.title, prose(self.context), body, name=f"nv-measurement {done}"))

    def _settle(self, outcome: Outcome) -> None:
        if outcome.shown is not None and outcome.machine is not None:
            self.lab.record.measured(self.lab.number, self.name, outcome.shown, outcome.machine, recorded=False)
        elif outcome.state == "stopped":
            self.said = "The measurement was cancelled; nothing of it is kept."
        else:
            self._fall_back(outcome.why)
        self.lab.wrote()

    def _fall_back(self, why: str) -> None:
        if self.recorded_file is None:
            self.said = f"This machine gave no result: {why}."
            return
        try:
            other = recorded_result(self.recorded_file)
        except CourseError as error:
            self.said = f"This machine gave no result: {why}. {error}."
            return
        self.said = f"This machine gave no result: {why}. What you see was recorded elsewhere."
        self.lab.record.measured(self.lab.number, self.name, other.shown, other.machine, recorded=True)

    def _progress(self) -> str:
        assert self.running is not None  # noqa: S101
        outcome = self.running.outcome
        doing = outcome.doing or "starting"
        bar = tag("progress", max="1", value=f"{outcome.fraction:.3f}", aria_label=f"Progress of {self.title}")
        done = tag("span", f"{show(outcome.fraction, 'fraction', 2)}, {inline(doing)}", class_="nv-muted")
        limit = tag("p", f"It is stopped after {show(self.limit, 's')} at the latest.", class_="nv-hint")
        poll = tag("div", self._poll.text, class_="nv-away", aria_hidden="true")
        return tag(
            "div", bar, done, tag("div", self._cancel.text, class_="nv-actions"), limit, poll, class_="nv-running"
        )

    def _result(self, entry: Entry | None) -> str:
        if entry is None:
            return alert(self.said) + tag("div", self._start.text, class_="nv-actions")
        machine = entry.body["machine"]
        day = machine.get("date", "")
        label = f"Recorded on {day} on another machine" if entry.body["recorded"] else f"Measured here on {day}"
        where = tag("p", tag("strong", inline(label)), f": {inline(in_words(machine))}.", class_="nv-machine")
        readings = self.lab.readings(entry.shown).text
        again = tag("div", self._again.text, class_="nv-actions")
        return alert(self.said) + readings + where + receipt_line(entry) + again
