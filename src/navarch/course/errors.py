"""What a student or an instructor can get wrong, told in one message."""

from __future__ import annotations


class CourseError(ValueError):
    """A mistake of the user in a lab, a log or a debate: names what was given and what is allowed."""
