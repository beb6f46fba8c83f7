"""Verifying a log: is the chain whole, does the evidence reproduce, do the receipts fit, are the numbers supported?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from navarch.course.instrument import Reading, Shown, differences, instrument_named
from navarch.course.record.chain import Flaw, flaws_of
from navarch.course.record.claims import Claim, claims_of
from navarch.course.record.entry import DECISION, MEASUREMENT, SHOWING, SUBMISSION, Entry
from navarch.course.record.errors import UnreadableRecordError
from navarch.course.record.forms import forms_of
from navarch.course.record.handed_in import Handed, Receipt, held_against
from navarch.course.record.log import Log, read_log
from navarch.course.record.page import machine_in_words
from navarch.course.record.versions import versions

REPRODUCED, MEASURED, DIFFERS, MALFORMED = "reproduced", "measured, not replayed", "does not reproduce", "malformed"
SCORE = "score"  # the reading by which a submitted design is judged
SOUND = (REPRODUCED, MEASURED)


@dataclass(frozen=True, slots=True)
class Replay:
    """What the library says to a kept result. outcome: REPRODUCED, MEASURED, DIFFERS or MALFORMED; details: why."""

    number: int
    name: str
    instrument: str
    outcome: str
    details: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the entry."""
        return self.outcome in SOUND


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found. flaws: of the chain; receipts: one for each handed in; claims: by the number of the decision."""

    log: Log | None
    flaws: tuple[Flaw, ...]
    replays: tuple[Replay, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    claims: Mapping[int, tuple[Claim, ...]] | None = None

    @property
    def ok(self) -> bool:
        """Whether the chain is whole, all evidence reproduces and all receipts fit."""
        sound = all(replay.sound for replay in self.replays)
        return not self.flaws and sound and all(receipt.fits for receipt in self.receipts)

    def sentences(self) -> Iterator[tuple[str, str]]:
        """The findings in words, each with what it is: good, bad, a mark, or neither."""
        for flaw in self.flaws:
            yield "bad", f"Broken: {flaw.message}."
        if self.log is not None and not self.flaws:
            yield "good", f"The chain is whole: {len(self.log.entries)} entries."
        for replay in self.replays:
            if not replay.sound:
                yield "bad", f"Does not reproduce: {replay.name}: {'; '.join(replay.details)}."
        yield from self._counted()
        for receipt in self.receipts:
            told = f"Receipt {receipt.code} {receipt.outcome}"
            yield "good" if receipt.fits else "bad", f"{told}: {receipt.details}."
        for number, claims in (self.claims or {}).items():
            for claim in claims:
                if not claim.where:
                    yield "mark", f"Decision {number}, {claim.field.replace('_', ' ')}: {claim.text!r} is {claim.mark}."

    def _counted(self) -> Iterator[tuple[str, str]]:
        again = sum(replay.outcome == REPRODUCED for replay in self.replays)
        measured = sum(replay.outcome == MEASURED for replay in self.replays)
        if again:
            yield "good", f"Computed again by the library with the same result: {again}."
        if measured:
            yield "", f"Measured on a machine, so not computed again: {measured}."

    def as_data(self) -> dict[str, Any]:
        """The findings as plain data."""
        header = {} if self.log is None else {"student": self.log.header.student, "course": self.log.header.course}
        return {
            "ok": self.ok,
            **header,
            "entries": 0 if self.log is None else len(self.log.entries),
            "flaws": [asdict(flaw) for flaw in self.flaws],
            "replays": [asdict(replay) for replay in self.replays],
            "receipts": [asdict(receipt) for receipt in self.receipts],
            "claims": {str(number): [asdict(c) for c in claims] for number, claims in (self.claims or {}).items()},
        }


def verify(
    path: Path,
    handed_in: Sequence[Handed] = (),
    replay: bool = True,
    whose: tuple[str | None, str | None] = (None, None),
) -> Verification:
    """Verify a record's file or its JSON export. whose: the student and the course that it must be of, where known.

    Raises RecordError where the file is something else.
    """
    try:
        log = read_log(path)
    except UnreadableRecordError as error:
        return Verification(None, (Flaw(0, str(error)),))
    return verify_log(log, handed_in, replay, whose)


def verify_log(
    log: Log, handed_in: Sequence[Handed] = (), replay: bool = True, whose: tuple[str | None, str | None] = (None, None)
) -> Verification:
    """The same for a log that is read."""
    flaws = [*_owner(log, *whose), *flaws_of(log), *forms_of(log)]
    receipts = tuple(held_against(log, handed_in))
    if flaws:
        return Verification(log, tuple(flaws), receipts=receipts)
    replays = tuple(replay_of(entry) for entry in log.entries if _replayable(entry)) if replay else ()
    claims = {entry.number: tuple(claims_of(entry, log)) for entry in log.of(DECISION)}
    return Verification(log, (), replays, receipts, claims)


def _replayable(entry: Entry) -> bool:
    return entry.kind in SHOWING or _design_of(entry) is not None


def replay_of(entry: Entry) -> Replay:
    """A kept result, computed again from its inputs; a measurement is looked at for its form alone."""
    design = _design_of(entry)
    shown = design or entry.shown
    try:
        made = instrument_named(shown.instrument)
        if not made.replays:
            return Replay(entry.number, entry.name, shown.instrument, MEASURED, _machine(entry))
        again = made(**shown.inputs)
        if design is not None:
            again = replace(again, readings={SCORE: replace(again[SCORE], title="Score")}, rows=())
        found = differences(shown, again)
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        return Replay(entry.number, entry.name, shown.instrument, DIFFERS, (f"the library cannot show it: {error}",))
    if not found:
        return Replay(entry.number, entry.name, shown.instrument, REPRODUCED)
    return Replay(entry.number, entry.name, shown.instrument, DIFFERS, (*found, *_other_versions(entry)))


def _design_of(entry: Entry) -> Shown | None:
    """What a submitted design says of its score, where it was scored by an instrument."""
    body = entry.body
    if entry.kind != SUBMISSION or not all(
        isinstance(body.get(name), Mapping) for name in ("design", "given", "score")
    ):
        return None
    score = Reading("Score", body["score"].get("value"), str(body["score"].get("unit")))
    return Shown(str(body.get("instrument")), {**body["given"], **body["design"]}, {SCORE: score})


def _machine(entry: Entry) -> tuple[str, ...]:
    if entry.kind != MEASUREMENT:
        return ()
    return (f"{'recorded on' if entry.body.get('recorded') else 'on'} {machine_in_words(entry)}",)


def _other_versions(entry: Entry) -> list[str]:
    kept = entry.body.get("versions") or {}
    return [
        f"kept with {name} {kept[name]}, replayed with {version}"
        for name, version in versions().items()
        if kept.get(name, version) != version
    ]


def _owner(log: Log, student: str | None, course: str | None) -> list[Flaw]:
    asked = (("student", student, log.header.student), ("course", course, log.header.course))
    return [Flaw(0, f"the {what} is {has!r}, not {want!r}") for what, want, has in asked if want not in (None, has)]
