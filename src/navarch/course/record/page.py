"""A log as a page: per lab what was decided, predictions beside results, evidence, what was handed in; the receipts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from navarch.core.arithmetic import ratio, relative_change
from navarch.core.quantity import show, written_number
from navarch.course.instrument import Reading, Shown
from navarch.course.labs.registry import labs
from navarch.course.record.canonical import WHOLE
from navarch.course.record.chain import flaws_of
from navarch.course.record.claims import Claim, claims_of
from navarch.course.record.clock import said
from navarch.course.record.entry import (
    CHOICE,
    COMMITMENTS,
    DECISION,
    EVIDENCE,
    MEASUREMENT,
    PREDICTION,
    REVEAL,
    SUBMISSION,
    Decision,
    Entry,
)
from navarch.course.record.errors import UnreadableRecordError
from navarch.course.record.forms import forms_of
from navarch.course.record.log import Log

POWER = re.compile(r"(?<![\w.])([0-9]+(?:\.[0-9]+)?)e(-?[0-9]+)(?!\w)")
MINUS = re.compile(r"^-(?=[0-9])")
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
TIMES = 2.0
"""From this factor on a prediction is told as `3 times too high`, below it as a share."""
PROVES = (
    "Every entry seals the one before it: whoever changes, moves, removes, inserts or back-dates one breaks the chain. "
    "A chain alone cannot show that it was not written anew from its beginning, nor that its clock was right; the "
    "receipts that were handed in when they were given can show the first, and the time of their arrival the second."
)


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a text. mark: of a number (see `claims`), empty for words; where: what supports the number."""

    text: str
    mark: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """A prediction beside its result. ratio: predicted to result, where both are numbers above zero."""

    number: int
    part: str
    question: str
    predicted: str
    sure: str
    result: str
    off: str
    ratio: float | None
    committed: str
    revealed: str


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A kept result. origin: calculated, or the machine it was measured on; readings: title, value, interval."""

    number: int
    part: str
    what: str
    inputs: str
    readings: tuple[tuple[str, str, str], ...]
    origin: str
    note: str


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """What was handed in."""

    number: int
    part: str
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DecisionPart:
    """A decision, its texts with marked numbers."""

    number: int
    time: str
    recommendation: tuple[Run, ...]
    reasoning: tuple[Run, ...]
    term: str
    rejected: tuple[Run, ...]
    rejected_by: tuple[Run, ...]
    trigger: tuple[Run, ...]
    evidence: tuple[int, ...]
    confidence: str
    supported: int
    numbers: int


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A commitment's receipt."""

    number: int
    what: str
    time: str
    receipt: str


@dataclass(frozen=True, slots=True)
class LabPage:
    """What a log holds of one lab. decisions: the last one first."""

    lab: str
    name: str
    predictions: tuple[PredictionRow, ...]
    evidence: tuple[EvidenceRow, ...]
    submissions: tuple[SubmissionRow, ...]
    decisions: tuple[DecisionPart, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole log. flaws: of its chain."""

    student: str
    course: str
    begun: str
    ended: str
    entries: int
    note: str
    flaws: tuple[str, ...]
    labs: tuple[LabPage, ...]
    receipts: tuple[ReceiptRow, ...]

    @property
    def verdict(self) -> str:
        """The state of the chain in a sentence."""
        if self.flaws:
            return f"The chain is broken: {self.flaws[0]}."
        count = "The one entry stands" if self.entries == 1 else f"The {self.entries} entries stand"
        return f"{count} as written, from {self.begun} to {self.ended}." if self.entries else "Nothing is written yet."


def page_of(log: Log, lab: str | None = None) -> Page:
    """The page of a log, or of one lab in it; raises UnreadableRecordError where an entry is malformed."""
    odd = forms_of(log)
    if odd:
        raise UnreadableRecordError(odd[0].message)
    found = tuple(_lab(log, each) for each in log.labs if lab in (None, each))
    receipts = tuple(
        ReceiptRow(entry.number, _what(entry), said(entry.time), entry.receipt)
        for entry in log.entries
        if entry.kind in COMMITMENTS and lab in (None, entry.lab)
    )
    begun = said(log.entries[0].time) if log.entries else said(log.header.created)
    ended = said(log.entries[-1].time) if log.entries else begun
    flaws = tuple(flaw.message for flaw in flaws_of(log))
    header = log.header
    return Page(
        header.student, header.course, begun, ended, len(log.entries), header.note, flaws, found, receipts
    )  # fmt: skip


def _lab(log: Log, lab: str) -> LabPage:
    return LabPage(
        lab,
        _name(lab),
        tuple(_prediction(entry, log) for entry in log.of(PREDICTION, lab)),
        tuple(_evidence(entry) for entry in log.entries if entry.lab == lab and entry.kind in (EVIDENCE, MEASUREMENT)),
        tuple(_submission(entry) for entry in log.of(SUBMISSION, lab)),
        tuple(_decision(entry, log) for entry in reversed(log.of(DECISION, lab))),
    )


def _name(lab: str) -> str:
    """The lab's name in the syllabus; empty where it has none of this number."""
    return next((known.name for known in labs() if known.number == lab), "")


def _what(entry: Entry) -> str:
    part = f", part {entry.part}" if entry.part else ""
    return f"{entry.kind.capitalize()}, lab {entry.lab}{part}"


def answer_in(prediction: Entry, reveal: Entry) -> Reading | None:
    """The reading that answers a prediction: the one that the reveal names, or the only one of its unit."""
    answer, shown = prediction.prediction, reveal.shown
    named = shown.readings.get(str(reveal.body.get("answer") or ""))
    if named is not None:
        return named
    alike = _alike(answer.unit, shown)
    return alike[0] if len(alike) == 1 else None


def _alike(unit: str, shown: Shown) -> list[Reading]:
    """The readings of a prediction's unit."""
    return [reading for reading in shown.readings.values() if reading.unit == ("text" if unit == CHOICE else unit)]


def _prediction(entry: Entry, log: Log) -> PredictionRow:
    answer = entry.prediction
    reveal = next(iter(log.of(REVEAL, entry.lab, entry.part)), None)
    reading = answer_in(entry, reveal) if reveal is not None else None
    off, times = _off(answer.value, reading)
    return PredictionRow(
        entry.number,
        entry.part,
        answer.question,
        answer.written or (answer.value if isinstance(answer.value, str) else show(answer.value, answer.unit)),
        show(answer.confidence, "fraction"),
        _result(answer.unit, reading, reveal),
        off,
        times,
        said(entry.time),
        said(reveal.time) if reveal is not None else "",
    )


def _result(unit: str, reading: Reading | None, reveal: Entry | None) -> str:
    """The reading that answers; where several might, each with its title."""
    if reveal is None:
        return "not seen yet"
    if reading is not None:
        return powers(reading.shown)
    alike = _alike(unit, reveal.shown)
    return "; ".join(f"{r.title}: {powers(r.shown)}" for r in alike) or f"see entry {reveal.number}"


def _off(predicted: float | str, reading: Reading | None) -> tuple[str, float | None]:
    """How far a prediction is off, in words, and the ratio of prediction to result."""
    if reading is None:
        return "", None
    if isinstance(predicted, str) or isinstance(reading.value, str):
        return ("as predicted" if predicted == reading.value else "not as predicted"), None
    if not (predicted > 0 and reading.value > 0 and math.isfinite(reading.value)):
        return "", None
    times = float(ratio(predicted, reading.value))
    if times >= TIMES:
        return f"{written_number(times, 2)} times too high", times
    if times <= ratio(1.0, TIMES):
        return f"{written_number(float(ratio(reading.value, predicted)), 2)} times too low", times
    change = float(relative_change(predicted, reading.value))
    share = show(abs(change), "fraction", 2)
    return (f"{share} too {'high' if change > 0 else 'low'}" if change else "exact"), times


def _evidence(entry: Entry) -> EvidenceRow:
    shown = entry.shown
    readings = [(r.title, powers(r.shown), _interval(r)) for r in shown.readings.values()]
    if shown.rows and not readings:
        readings = [("Its figure", f"{len(shown.rows)} rows, kept in the record", "")]
    inputs = ", ".join(f"{_spaced(name)} {spoken(value)}" for name, value in shown.inputs.items())
    note = str(entry.body.get("note") or "")
    return EvidenceRow(
        entry.number, entry.part, _title(shown.instrument), inputs, tuple(readings), _origin(entry), note
    )


def _origin(entry: Entry) -> str:
    if entry.kind != MEASUREMENT:
        return "calculated"
    return f"{'recorded' if entry.body.get('recorded') else 'measured'} on {machine_in_words(entry)}"


def machine_in_words(entry: Entry) -> str:
    """Where a measurement was taken."""
    machine = entry.body["machine"]
    told = {key: f"{value} cores" if key == "cores" else str(value) for key, value in machine.items()}
    return ", ".join(text for key, text in told.items() if text and key != "python")


def _interval(reading: Reading) -> str:
    if reading.low is None or reading.high is None:
        return ""
    return powers(f"{show(reading.low, reading.unit)} to {show(reading.high, reading.unit)}")


def _title(instrument: str) -> str:
    name = _spaced(instrument.rpartition(":")[2])
    return name[:1].upper() + name[1:]


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def powers(text: str) -> str:
    """A number written as `1.20e25`, set as `1.20 × 10²⁵`, with a true minus sign."""
    return POWER.sub(lambda found: f"{found[1]} × 10{found[2].translate(RAISED)}", MINUS.sub("−", text))


def spoken(value: Any) -> str:
    """A plain value of an input or a submission as people read it."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int) and abs(value) >= WHOLE:
        return str(value)
    if isinstance(value, (int, float)):
        return powers(written_number(float(value))) if math.isfinite(value) else show(float(value), "1")
    if isinstance(value, Mapping):
        if value.keys() == {"value", "unit"} and isinstance(value["value"], (int, float)):
            return powers(show(value["value"], str(value["unit"])))
        return ", ".join(f"{_spaced(str(key))} {spoken(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(spoken(item) for item in value)
    return str(value)


def _submission(entry: Entry) -> SubmissionRow:
    told = {key: _title(value) if key == "instrument" else spoken(value) for key, value in entry.body.items()}
    items = tuple((_spaced(key), value) for key, value in told.items())
    return SubmissionRow(entry.number, entry.part, items)


def _decision(entry: Entry, log: Log) -> DecisionPart:
    decision: Decision = entry.decision
    claims = claims_of(entry, log)

    def runs(field: str) -> tuple[Run, ...]:
        return tuple(_runs(str(getattr(decision, field)), [claim for claim in claims if claim.field == field]))

    return DecisionPart(
        entry.number,
        said(entry.time),
        runs("recommendation"),
        runs("reasoning"),
        decision.term,
        runs("rejected"),
        runs("rejected_by"),
        runs("trigger"),
        tuple(decision.evidence),
        show(decision.confidence, "fraction"),
        sum(bool(claim.where) for claim in claims),
        len(claims),
    )


def _runs(text: str, claims: Sequence[Claim]) -> Iterator[Run]:
    """A text parted at its numbers."""
    ends = [(0, 0), *((claim.start, claim.end) for claim in claims), (len(text), len(text))]
    for place, ((_, end), (start, _)) in enumerate(pairwise(ends)):
        if start > end:
            yield Run(text[end:start])
        if place < len(claims):
            claim = claims[place]
            yield Run(claim.text, claim.mark, claim.where)
