"""Whether each entry holds what its kind holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from navarch.course.instrument import Reading, Shown
from navarch.course.record.chain import Flaw
from navarch.course.record.entry import DECISION, MEASUREMENT, PREDICTION, SHOWING, Entry
from navarch.course.record.log import Log

TEXTS = ("recommendation", "reasoning", "term", "rejected", "rejected_by", "trigger")


def forms_of(log: Log) -> list[Flaw]:
    """Entries whose body is not what their kind holds."""
    found = []
    for entry in log.entries:
        try:
            _check_form(entry)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            found.append(Flaw(entry.number, f"{entry.name} does not hold what such an entry holds: {error}"))
    return found


def _check_form(entry: Entry) -> None:
    if entry.kind == DECISION:
        decision = entry.decision
        _check_texts(entry.body[name] for name in TEXTS)
        if not all(isinstance(number, int) for number in decision.evidence):
            raise ValueError("its evidence is not numbers of entries")
    elif entry.kind in SHOWING:
        _check_shown(entry.shown)
        if entry.kind == MEASUREMENT and not (isinstance(entry.body["machine"], Mapping) and entry.body["machine"]):
            raise ValueError("no machine is named")
    elif entry.kind == PREDICTION:
        _check_texts([entry.prediction.unit, entry.prediction.written, entry.prediction.question])


def _check_texts(texts: Iterable[object]) -> None:
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is no text")


def _check_shown(shown: Shown) -> None:
    if not isinstance(shown.instrument, str) or not isinstance(shown.inputs, Mapping):
        raise ValueError("no instrument with inputs is named")
    for reading in shown.readings.values():
        _check_reading(reading)
    if not all(isinstance(row, Mapping) for row in shown.rows):
        raise ValueError("a row of its figure is no mapping")


def _check_reading(reading: Reading) -> None:
    if isinstance(reading.value, bool) or not isinstance(reading.value, (int, float, str)):
        raise ValueError(f"{reading.title} is {reading.value!r}, neither a number nor a text")
    if not isinstance(reading.unit, str) or not isinstance(reading.title, str):
        raise ValueError("a reading lacks its unit or title")
