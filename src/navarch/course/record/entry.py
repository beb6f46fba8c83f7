"""The entries of a record: what each kind holds, and how an entry is chained to the one before it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from navarch.course.instrument import Shown
from navarch.course.record.canonical import canonical
from navarch.course.record.errors import RecordError
from navarch.course.record.receipt import receipt_of
from navarch.course.variant import Student

FORMAT = "navarch-record-1"
PREDICTION, REVEAL, EVIDENCE, MEASUREMENT = "prediction", "reveal", "evidence", "measurement"
SUBMISSION, DECISION = "submission", "decision"
KINDS = (PREDICTION, REVEAL, EVIDENCE, MEASUREMENT, SUBMISSION, DECISION)
COMMITMENTS = (PREDICTION, SUBMISSION, DECISION)
SHOWING = (REVEAL, EVIDENCE, MEASUREMENT)
CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a student expects.

    value: in SI, or the choice; unit: SI, or "choice"; confidence: fraction of 1; written: the text as it was typed;
    question: what was asked.
    """

    value: float | str
    unit: str
    confidence: float
    written: str
    question: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.value, str) != (self.unit == CHOICE):
            raise RecordError(
                f"a prediction of {self.value!r} in {self.unit!r}: a text is a choice, a number has a unit"
            )
        if not isinstance(self.value, str) and not math.isfinite(self.value):
            raise RecordError(f"a prediction of {self.value}: allowed is a finite number")
        _check_confidence(self.confidence)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a student decides at the end of a lab.

    evidence: numbers of kept entries; term: of the Iron Law, or the bottleneck, that decides; rejected: the best
    alternative; rejected_by: how much worse it is; trigger: what would reopen the decision; confidence: fraction of 1.
    """

    recommendation: str
    evidence: tuple[int, ...]
    reasoning: str
    term: str
    rejected: str
    rejected_by: str
    trigger: str
    confidence: float

    def __post_init__(self) -> None:
        _check_confidence(self.confidence)
        object.__setattr__(self, "evidence", tuple(self.evidence))


@dataclass(frozen=True, slots=True)
class Header:
    """Whose record it is. note: what became of an earlier file, where one had to be moved aside."""

    student: str
    course: str
    created: str
    note: str = ""

    @property
    def digest(self) -> str:
        """The digest to which the first entry is chained."""
        return digest_of({"format": FORMAT, **asdict(self)})

    @property
    def owner(self) -> Student:
        """The student."""
        return Student(self.student, self.course)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. time: UTC; previous: digest of the entry before, or of the header; digest: of all that stands here."""

    number: int
    time: str
    kind: str
    lab: str
    part: str
    body: Mapping[str, Any]
    previous: str
    digest: str

    @property
    def receipt(self) -> str:
        """The short code that proves, once handed in, that this entry and all before it stood so."""
        return receipt_of(self.digest)

    @property
    def sealed(self) -> str:
        """The digest that belongs to the contents."""
        return digest_of({name: getattr(self, name) for name in FIELDS})

    @property
    def name(self) -> str:
        """How messages call the entry."""
        where = f", part {self.part}" if self.part else ""
        return f"entry {self.number} ({self.kind}, lab {self.lab}{where})"

    @property
    def shown(self) -> Shown:
        """What an instrument showed; only for entries that keep it."""
        return Shown.from_plain(self.body["shown"])

    @property
    def prediction(self) -> Prediction:
        """What was predicted; only for predictions."""
        return Prediction(**self.body)

    @property
    def decision(self) -> Decision:
        """What was decided; only for decisions."""
        return Decision(**self.body)


FIELDS = ("number", "time", "kind", "lab", "part", "body", "previous")


def sealed_entry(
    number: int, time: str, kind: str, lab: str, part: str, body: Mapping[str, Any], previous: str
) -> Entry:
    """An entry with the digest of its contents."""
    open_entry = Entry(number, time, kind, lab, part, body, previous, "")
    return Entry(number, time, kind, lab, part, body, previous, open_entry.sealed)


def digest_of(value: object) -> str:
    """SHA-256 of the canonical text of a value."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _check_confidence(confidence: float) -> None:
    if isinstance(confidence, bool) or not isinstance(confidence, (int, float)) or not 0 <= confidence <= 1:
        raise RecordError(f"a confidence of {confidence!r}: allowed is a fraction from 0 to 1, as 0.8 for 80 %")
