"""Receipts that were handed in, against the log that came later."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from navarch.course.record.clock import read_time, said
from navarch.course.record.entry import PREDICTION, REVEAL, Entry
from navarch.course.record.errors import RecordError
from navarch.course.record.log import Log
from navarch.course.record.receipt import read_receipt

FITS, UNKNOWN, MISTYPED = "fits", "fits no entry", "mistyped"


@dataclass(frozen=True, slots=True)
class Handed:
    """A receipt as it was handed in. time: when it arrived, where the instructor wrote that down."""

    code: str
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a receipt. number: of the entry that it fits, else 0."""

    code: str
    outcome: str
    number: int
    details: str

    @property
    def fits(self) -> bool:
        """Whether the log holds what the receipt was given for."""
        return self.outcome == FITS


def read_handed_in(given: Sequence[str]) -> list[Handed]:
    """Receipts from files or typed as such. A file has one a line, perhaps with the time of its arrival behind it
    (2026-03-01 14:05, UTC unless it says otherwise); `#` begins a remark."""
    found: list[Handed] = []
    for each in given:
        path = Path(each)
        if path.is_file():
            lines = path.read_text(encoding="utf-8-sig").splitlines()
            found += [_handed(line) for raw in lines if (line := raw.partition("#")[0].strip())]
        else:
            found += [Handed(code) for code in re.split(r"[\s,;]+", each) if code]
    if given and not found:
        raise RecordError(f"no receipt stands in {', '.join(given)}")
    return found


def held_against(log: Log, handed_in: Sequence[Handed]) -> Iterator[Receipt]:
    """Each receipt: the entry that it fits, or that none does. Only digests that belong to their contents count."""
    by_code = {entry.receipt: entry for entry in log.entries if entry.digest == entry.sealed} if handed_in else {}
    for handed in handed_in:
        code, wrong = read_receipt(handed.code)
        entry = by_code.get(code)
        if wrong:
            yield Receipt(code, MISTYPED, 0, wrong)
        elif entry is None:
            yield Receipt(
                code, UNKNOWN, 0,
                "this log was changed or rebuilt after the receipt was given, or the receipt is of another log",
            )  # fmt: skip
        else:
            yield Receipt(code, FITS, entry.number, f"{entry.name}{_delay(log, entry, handed.time)}")


def _delay(log: Log, entry: Entry, arrived: datetime | None) -> str:
    """What the time of arrival says: whether it came before the result."""
    if arrived is None:
        return ""
    reveal = next(iter(log.of(REVEAL, entry.lab, entry.part)), None) if entry.kind == PREDICTION else None
    if reveal is not None and read_time(reveal.time) < arrived:
        return (
            f"; it arrived after the result was shown ({said(reveal.time)}), so it does not prove that it came before"
        )
    return "; it arrived before the result was shown" if reveal is not None else ""


def _handed(line: str) -> Handed:
    code, _, time = re.sub(r"[,;\t]+", " ", line).strip().partition(" ")
    if not time.strip():
        return Handed(code)
    try:
        moment = datetime.fromisoformat(time.strip().removesuffix(" UTC"))
    except ValueError as error:
        raise RecordError(f"{time.strip()!r} after the receipt {code} is no time; write 2026-03-01 14:05") from error
    return Handed(code, moment if moment.tzinfo else moment.replace(tzinfo=UTC))
