"""The time of entries: UTC to the microsecond, and always later than the entry before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

WRITTEN = "%Y-%m-%dT%H:%M:%S.%fZ"
LEAST = timedelta(microseconds=1)


def now(after: str = "") -> str:
    """This moment; where the machine's clock stands at or before `after`, the smallest step after it."""
    moment = datetime.now(UTC)
    if after:
        moment = max(moment, read_time(after) + LEAST)
    return moment.strftime(WRITTEN)


def read_time(text: str) -> datetime:
    """The moment of a written time; raises ValueError where it is not written as `now` writes it."""
    moment = datetime.strptime(text, WRITTEN).replace(tzinfo=UTC)
    if moment.strftime(WRITTEN) != text:
        raise ValueError(f"{text!r} is not written as {now()}")
    return moment


def said(time: str) -> str:
    """A written time as people read it: to the second, UTC."""
    return f"{time[:10]} {time[11:19]} UTC"
