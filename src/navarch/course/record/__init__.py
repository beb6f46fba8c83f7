"""The decision log: an append-only, hash-chained record of what a student predicted, saw, kept and decided."""

from __future__ import annotations

from navarch.course.record.entry import Decision, Entry, Header, Prediction
from navarch.course.record.errors import (
    AlreadyCommittedError,
    NotPredictedError,
    OtherStudentError,
    RecordError,
    UnreadableRecordError,
)
from navarch.course.record.log import Log, read_log
from navarch.course.record.record import Record

__all__ = [
    "AlreadyCommittedError", "Decision", "Entry", "Header", "Log", "NotPredictedError", "OtherStudentError",
    "Prediction", "Record", "RecordError", "UnreadableRecordError", "read_log",
]  # fmt: skip
