"""Prediction: asked before anything is shown, committed once, held beside the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import marimo
from marimo import Html

from navarch.core.quantity import show
from navarch.course.errors import CourseError
from navarch.course.frame import answers, strip
from navarch.course.frame.comparison import CLOSE, factor_apart
from navarch.course.frame.page import alert, html, inline, prose, quantity, section, tag
from navarch.course.frame.part import Part, halt
from navarch.course.frame.receipts import receipt_line
from navarch.course.instrument import Instrument, Reading, Shown
from navarch.course.record import AlreadyCommittedError, Entry, Prediction

if TYPE_CHECKING:
    from navarch.course.frame.lab import Lab

SURE_OF_NUMBER = "How sure are you that the truth is within a factor of two of it?"
SURE_OF_CHOICE = "How sure are you?"


class Asked(Part):
    """A prediction. choices: key to label, or None where a number of `unit` is asked for."""

    def __init__(
        self,
        lab: Lab,
        name: str,
        question: str,
        *,
        unit: str | None,
        choices: Mapping[str, str] | None,
        context: str,
        between: tuple[float, float] | None,
        answer: str,
    ) -> None:
        super().__init__(lab, name)
        if (unit is None) == (choices is None):
            raise CourseError(f"prediction {name!r}: give either unit= or choices=")
        self.question = question
        self.unit = unit or ""
        self.choices = dict(choices) if choices is not None else None
        self.context = context
        self.between = between
        self.answer = answer
        self.mistake = ""
        self._seen: dict[str, Shown] = {}
        self._answer = self._answer_element()
        self._sure = marimo.ui.dropdown(
            list(answers.CONFIDENCES), label=SURE_OF_CHOICE if self.choices is not None else SURE_OF_NUMBER
        )
        self._button = marimo.ui.button(label="Commit prediction", kind="success", on_change=lambda _: self._clicked())
        if lab.rehearsal is not None and not self.committed:
            self.offer(*lab.rehearsal.prediction(name, self.unit, self.choices))

    @property
    def entry(self) -> Entry | None:
        """What was committed, read from the record."""
        return self.lab.record.prediction(self.lab.number, self.name)

    @property
    def committed(self) -> bool:
        """Whether the prediction is committed."""
        return self.entry is not None

    @property
    def value(self) -> float | str:
        """What was predicted; stops the cell before the commitment."""
        return self._standing().value

    def offer(self, answer: str | None, sure: str | None) -> bool:
        """Commit what was typed or chosen; where it is no answer, say so and commit nothing."""
        try:
            answered = replace(self._read(answer, sure), question=self.question)
            self.lab.record.commit(self.lab.number, self.name, answered)
        except answers.AnswerError as error:
            self.mistake = str(error)
        except AlreadyCommittedError:
            self.mistake = ""
        else:
            self.mistake = ""
        self.changed()
        self.lab.wrote()
        return not self.mistake

    def ask(self) -> Html:
        """The form, or what was committed."""
        entry = self.entry
        if entry is not None:
            return html(section("Prediction", self.question, self._committed(entry), name="nv-prediction nv-done"))
        hint = f"A number with its unit: {answers.examples_of(self.unit)}." if self.choices is None else ""
        form = tag(
            "div",
            tag("div", self._answer.text, class_="nv-field nv-answer"),
            tag("p", inline(hint), class_="nv-hint") if hint else "",
            tag("div", self._sure.text, class_="nv-field"),
            alert(self.mistake),
            tag("div", self._button.text, class_="nv-actions"),
            tag("p", "Once committed it stays as it is; what follows unlocks.", class_="nv-hint"),
            class_="nv-form",
        )
        return html(section("Predict", self.question, prose(self.context), form, name="nv-prediction"))

    def gate(self) -> None:
        """Stop this cell, and those that need it, until the prediction is committed."""
        halt(not self.committed)

    def reveal(self, instrument: Instrument, **inputs: Any) -> Shown:
        """What the instrument shows, once the prediction is committed; the first showing is recorded."""
        self.gate()
        shown = self.lab.ask_instrument(instrument, inputs)
        if not self.lab.record.entries(self.lab.number, "reveal", self.name):
            self.lab.record.reveal(self.lab.number, self.name, shown, self.answer)
            self.lab.wrote()
        return shown

    def beside(self, reading: Reading) -> Html:
        """Prediction and result side by side."""
        predicted = self._standing()
        sure = show(predicted.confidence, "fraction")
        if isinstance(predicted.value, str) or isinstance(reading.value, str):
            return html(self._beside_choice(str(predicted.value), str(reading.value), sure, reading))
        return html(self._beside_number(predicted.value, reading, sure))

    def _standing(self) -> Prediction:
        entry = self.entry
        halt(entry is None)
        assert entry is not None  # noqa: S101
        return entry.prediction

    def _answer_element(self) -> Any:
        if self.choices is not None:
            return marimo.ui.radio({label: key for key, label in self.choices.items()}, label="Your answer")
        return marimo.ui.text(label="Your prediction", placeholder="number and unit")

    def _clicked(self) -> None:
        self.offer(self._answer.value, self._sure.value)

    def _read(self, answer: str | None, sure: str | None) -> Prediction:
        if self.choices is not None:
            return answers.predicted_choice(answer, sure, self.choices)
        return answers.predicted_number(answer or "", sure, self.unit, self.between)

    def _committed(self, entry: Entry) -> str:
        predicted = entry.prediction
        said = inline(predicted.written)
        if not isinstance(predicted.value, str) and show(predicted.value, predicted.unit) != predicted.written:
            said += tag("span", f" = {quantity(predicted.value, predicted.unit)}", class_="nv-muted")
        sure = f"{show(predicted.confidence, 'fraction')} sure"
        return tag(
            "p", tag("strong", said), tag("span", f" {sure}", class_="nv-muted"), class_="nv-said"
        ) + receipt_line(entry)

    def _beside_choice(self, predicted: str, result: str, sure: str, reading: Reading) -> str:
        labels = self.choices or {}
        hit = predicted == result
        verdict = "You saw it coming." if hit else "It came out otherwise."
        pair = _pair(inline(labels.get(predicted, predicted)), inline(labels.get(result, result)), sure, reading.title)
        return tag("div", pair, tag("p", verdict, class_="nv-verdict"), class_="nv-beside", data_hit=str(hit).lower())

    def _beside_number(self, predicted: float, reading: Reading, sure: str) -> str:
        result = float(reading.value)
        pair = _pair(quantity(predicted, self.unit), quantity(result, reading.unit), sure, reading.title)
        if predicted <= 0 or result <= 0 or reading.unit != self.unit:
            return tag("div", pair, class_="nv-beside")
        apart = factor_apart(predicted, result)
        hit = apart <= CLOSE
        drawn = strip.beside(predicted, result, self.unit, CLOSE).text
        verdict = (
            f"{'Within' if hit else 'Not within'} a factor of two: they are a factor of {show(apart, '1', 2)} apart."
        )
        return tag(
            "div", drawn, pair, tag("p", verdict, class_="nv-verdict"), class_="nv-beside", data_hit=str(hit).lower()
        )


def _pair(predicted: str, result: str, sure: str, title: str) -> str:
    mine = tag("div", tag("dt", "You predicted"), tag("dd", predicted), tag("dd", f"{sure} sure", class_="nv-muted"))
    theirs = tag("div", tag("dt", inline(title)), tag("dd", result), tag("dd", "the library", class_="nv-muted"))
    return tag("dl", mine, theirs, class_="nv-pair")
