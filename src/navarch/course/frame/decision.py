"""Decision: what is recommended, on which kept evidence, by which term, against what, until when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import marimo
from marimo import Html

from navarch.course.frame import answers
from navarch.course.frame.answers import AnswerError
from navarch.course.frame.evidence import Evidence, in_words
from navarch.course.frame.page import alert, html, inline, literal, section, tag
from navarch.course.frame.part import Part
from navarch.course.frame.receipts import receipt_line
from navarch.course.record import Decision, Entry, RecordError
from navarch.course.record.claims import ABSENT, PREDICTED, claims_of
from navarch.course.record.entry import DECISION, sealed_entry

if TYPE_CHECKING:
    from navarch.course.frame.lab import Lab

TEXTS = {
    "recommendation": ("Recommendation", "What you would do."),
    "reasoning": ("Causal reasoning", "Which term of the Iron Law, or which bottleneck, makes it so, and how."),
    "rejected": ("Rejected alternative", "The best other option."),
    "rejected_by": ("Rejected by how much", "With a number from your evidence."),
    "trigger": ("Trigger to revisit", "The change that would reopen this decision."),
}
MARKED = {ABSENT: "not in your evidence", PREDICTED: "only predicted"}


class DecisionForm(Part):
    """The decision log of a lab. terms: what may decide here."""

    def __init__(self, lab: Lab, terms: Sequence[str]) -> None:
        super().__init__(lab, "decision")
        self.terms = list(terms)
        self.mistake = ""
        self._texts = {
            key: marimo.ui.text_area(
                label=label, placeholder=hint, rows=3, full_width=True, on_change=lambda _: self.changed()
            )
            for key, (label, hint) in TEXTS.items()
        }
        self._term = marimo.ui.dropdown(self.terms, label="The term that decides")
        self._sure = marimo.ui.dropdown(list(answers.CONFIDENCES), label="How sure are you of this decision?")
        self._button = marimo.ui.button(label="Commit decision", kind="success", on_change=lambda _: self._clicked())
        self._picks: dict[int, Any] = {}
        self._chosen: set[int] = set()

    @property
    def entries(self) -> list[Entry]:
        """The decisions, oldest first; the last one holds."""
        return self.lab.record.entries(self.lab.number, DECISION)

    def form(self, evidence: Evidence) -> Html:
        """The form; after a commitment, what holds, above the form that revises it."""
        if self.lab.rehearsal is not None and not self.entries:
            self._rehearse(evidence)
        fields = "".join(tag("div", element.text, class_="nv-field") for element in self._texts.values())
        choices = tag("div", self._term.text, class_="nv-field") + tag("div", self._sure.text, class_="nv-field")
        body = tag(
            "div", self._evidence(evidence), fields, choices, self._marks(), alert(self.mistake),
            tag("div", self._button.text, class_="nv-actions"), class_="nv-form",
        )  # fmt: skip
        return html(section("Decide", "Your decision", self._standing(), body, name="nv-decision"))

    def offer(self, evidence: Sequence[int], texts: dict[str, str], term: str | None, sure: str | None) -> bool:
        """Commit a decision; where something is missing, say so and commit nothing."""
        try:
            self.lab.record.decide(self.lab.number, self._read(evidence, texts, term, sure))
        except (AnswerError, RecordError) as error:
            self.mistake = str(error)
        else:
            self.mistake = ""
        self.changed()
        self.lab.wrote()
        return not self.mistake

    def _clicked(self) -> None:
        texts = {key: str(element.value) for key, element in self._texts.items()}
        self.offer(sorted(self._chosen), texts, self._term.value, self._sure.value)

    def _read(self, evidence: Sequence[int], texts: dict[str, str], term: str | None, sure: str | None) -> Decision:
        for key, (label, _) in TEXTS.items():
            if not texts.get(key, "").strip():
                raise AnswerError(f"{label} is still empty.")
        if not evidence:
            raise AnswerError("Pick the evidence that your decision rests on; keep some above if there is none.")
        if not term or term not in self.terms:
            raise AnswerError(f"Say which term decides: {', '.join(self.terms)}.")
        told = {key: texts[key].strip() for key in TEXTS}
        return Decision(evidence=tuple(evidence), term=term, confidence=answers.confidence_of(sure), **told)

    def _evidence(self, evidence: Evidence) -> str:
        kept = evidence.entries
        self._chosen &= {entry.number for entry in kept}
        if not kept:
            return tag("p", "Evidence that you keep is listed here, to be picked.", class_="nv-hint")
        for entry in kept:
            if entry.number not in self._picks:
                self._picks[entry.number] = self._pick(entry)
        boxes = "".join(tag("div", self._picks[entry.number].text, class_="nv-pick") for entry in kept)
        return tag("fieldset", tag("legend", "Evidence"), boxes, class_="nv-field")

    def _pick(self, entry: Entry) -> Any:
        def picked(yes: bool) -> None:
            (self._chosen.add if yes else self._chosen.discard)(entry.number)
            self.changed()

        return marimo.ui.checkbox(label=literal(in_words(entry)), value=entry.number in self._chosen, on_change=picked)

    def _marks(self) -> str:
        """The numbers in the texts that the picked evidence does not hold."""
        told = {key: str(element._value or "") for key, element in self._texts.items()}
        log = self.lab.record.log()
        body = {**told, "evidence": sorted(self._chosen)}
        draft = sealed_entry(log.head[0] + 1, "", DECISION, self.lab.number, "", body, "")
        rows = "".join(
            tag("li", tag("mark", inline(claim.text)), f" in {TEXTS[claim.field][0].lower()}: {MARKED[claim.mark]}")
            for claim in claims_of(draft, log)
            if claim.mark in MARKED
        )
        return tag("ul", rows, class_="nv-marks", role="status", aria_label="Numbers to check") if rows else ""

    def _standing(self) -> str:
        entries = self.entries
        if not entries:
            return ""
        decided = entries[-1].decision
        rows = [(label, getattr(decided, key)) for key, (label, _) in TEXTS.items()]
        rows += [("Deciding term", decided.term), ("Evidence", ", ".join(f"#{number}" for number in decided.evidence))]
        listed = "".join(tag("dt", inline(label)) + tag("dd", inline(text)) for label, text in rows)
        again = tag("p", "You may revise it; what you decided before stays in the log.", class_="nv-hint")
        return tag(
            "div", tag("dl", listed, class_="nv-decided"), receipt_line(entries[-1]), again, class_="nv-standing"
        )

    def _rehearse(self, evidence: Evidence) -> None:
        assert self.lab.rehearsal is not None  # noqa: S101
        told = dict(self.lab.rehearsal.decision)
        sure = told.pop("confidence")
        term = told.pop("term", self.terms[0])
        self.offer([entry.number for entry in evidence.entries], told, term, sure)
