"""What can go wrong with a record, told in one message."""

from __future__ import annotations

from navarch.course.errors import CourseError


class RecordError(CourseError):
    """Something that a record refuses; the message names it and what is allowed."""


class AlreadyCommittedError(RecordError):
    """A second prediction for a part: the first one stands."""


class NotPredictedError(RecordError):
    """A result asked for before its prediction is committed."""


class OtherStudentError(RecordError):
    """The record of one student opened as another's."""


class UnreadableRecordError(RecordError):
    """A file that is not a record, or one so damaged that its entries cannot be read."""
