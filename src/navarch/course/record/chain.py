"""Whether a log is whole: every entry as it was written, where it was written, when it was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from navarch.course.record.clock import read_time, said
from navarch.course.record.entry import DECISION, PREDICTION, REVEAL, Entry
from navarch.course.record.log import Log


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that an untouched log never has. number: of the entry, 0 for the header or the file."""

    number: int
    message: str


def flaws_of(log: Log) -> list[Flaw]:
    """What is wrong with the chain of a log; empty for every log that only `Record` has written."""
    found = [Flaw(0, message) for message in log.flaws]
    found += _links(log)
    found += _times(log)
    found += _order(log)
    return found


def _links(log: Log) -> Iterator[Flaw]:
    """Each entry seals its contents and the entry before it."""
    number, previous, before = 0, log.header.digest, "the header (student, course, date)"
    for entry in log.entries:
        if entry.number != number + 1:
            yield Flaw(entry.number, _misplaced(entry, number, before))
        elif entry.previous != previous:
            yield Flaw(
                entry.number,
                f"{entry.name} was not written after {before} as it stands here: something there was changed, "
                "inserted, deleted, swapped or moved",
            )
        if entry.digest != entry.sealed:
            yield Flaw(entry.number, f"{entry.name} was changed after it was written: its contents and hash differ")
        number, previous, before = entry.number, entry.digest, entry.name
    if log.head != (number, previous):
        yield Flaw(number, _ends(log.head[0], number))


def _misplaced(entry: Entry, number: int, before: str) -> str:
    if entry.number > number + 1:
        missing = str(number + 1) if entry.number == number + 2 else f"{number + 1} to {entry.number - 1}"
        return f"entry {missing} is missing: {entry.name} comes right after {before}"
    return f"{entry.name} stands after {before}: entries were reordered or inserted"


def _ends(told: int, number: int) -> str:
    if told > number:
        return f"the last entries are missing: the record was written to entry {told} and ends at entry {number}"
    if told < number:
        return f"entry {number} was added from outside: the record was written to entry {told} only"
    return f"the record was written with another entry {number} than the one that stands here"


def _times(log: Log) -> Iterator[Flaw]:
    """Time only moves forward."""
    last, before = log.header.created, "the record was begun"
    for entry in log.entries:
        try:
            if read_time(entry.time) <= read_time(last):
                yield Flaw(
                    entry.number,
                    f"{entry.name} is back-dated: its time, {said(entry.time)}, is not after {before} ({said(last)})",
                )
        except ValueError:
            yield Flaw(entry.number, f"{entry.name} has no readable time: {entry.time!r} or {last!r}")
        last, before = entry.time, entry.name


def _order(log: Log) -> Iterator[Flaw]:
    """One prediction a part, before its result; a decision rests on what was kept before it."""
    predicted: dict[tuple[str, str], Entry] = {}
    revealed: dict[tuple[str, str], Entry] = {}
    numbers: set[int] = set()
    for entry in log.entries:
        place = entry.lab, entry.part
        if entry.kind == PREDICTION:
            if place in predicted:
                yield Flaw(entry.number, f"{entry.name} is a second prediction: the first is {predicted[place].name}")
            elif place in revealed:
                yield Flaw(entry.number, f"{entry.name} comes after its result, which is {revealed[place].name}")
            predicted.setdefault(place, entry)
        elif entry.kind == REVEAL:
            if place not in predicted:
                yield Flaw(entry.number, f"{entry.name} shows a result before any prediction of it")
            revealed.setdefault(place, entry)
        elif entry.kind == DECISION:
            later = [number for number in _cited(entry) if not isinstance(number, int) or number not in numbers]
            if later:
                yield Flaw(entry.number, f"{entry.name} rests on entry {later[0]}, which did not stand before it")
        numbers.add(entry.number)


def _cited(entry: Entry) -> list[object]:
    evidence = entry.body.get("evidence")
    return list(evidence) if isinstance(evidence, (list, tuple)) else [evidence]
