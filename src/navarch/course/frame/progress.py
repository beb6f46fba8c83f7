"""What a measurement tells while it runs, and how it says that it cannot."""

from __future__ import annotations

from collections.abc import Callable

from navarch.course.errors import CourseError

Listener = Callable[[float, str], None]


class CannotMeasureError(CourseError):
    """This machine cannot run the measurement; the message says why."""


_listeners: list[Listener] = []


def tell(fraction: float, doing: str = "") -> None:
    """Say how far a measurement is. fraction: of it done, 0 to 1; doing: what it does now.

    Nothing listens outside of a measurement process; then it does nothing.
    """
    for listener in _listeners:
        listener(fraction, doing)


def listen(listener: Listener) -> None:
    """From now on tell `listener`; called by the measurement process."""
    _listeners.append(listener)
