"""What a student types, read; what cannot be an answer gets one friendly sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from navarch.core.quantity import EXAMPLES, QuantityError, parse, show
from navarch.course.errors import CourseError
from navarch.course.record import Prediction
from navarch.course.record.entry import CHOICE

CONFIDENCES = ("10 %", "25 %", "50 %", "75 %", "90 %", "99 %")


class AnswerError(CourseError):
    """Not yet an answer; the message is a sentence for the student."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Beyond `highest` (SI) an answer is a slip. told: why."""

    highest: float
    told: str


@cache
def limits() -> Mapping[str, Limit]:
    """The limits by unit."""
    told = yaml.safe_load((files(__package__) / "limits.yaml").read_text("utf-8"))
    return {unit: Limit(parse(row["highest"], unit), row["told"]) for unit, row in told.items()}


def examples_of(unit: str) -> str:
    """How an answer in a unit may look."""
    return EXAMPLES.get(unit, f"12 {unit}")


def number_of(written: str, unit: str, between: tuple[float, float] | None = None) -> float:
    """The SI value of what was typed. between: lowest and highest answers that make sense here; raises AnswerError."""
    if not written.strip():
        raise AnswerError(f"Write your number first, with its unit: for example {examples_of(unit)}.")
    try:
        value = parse(written.strip(), unit)
    except QuantityError as error:
        raise AnswerError(f"That does not read as an answer yet. {error}.".replace("..", ".")) from error
    _check_sense(value, written.strip(), unit, between)
    return value


def choice_of(chosen: str | None, choices: Mapping[str, str]) -> str:
    """The key of the choice; raises AnswerError where there is none."""
    if not chosen:
        raise AnswerError("Choose one of the answers first.")
    if chosen not in choices:
        raise AnswerError(f"{chosen!r} is not one of the answers: {', '.join(choices.values())}.")
    return chosen


def confidence_of(chosen: str | None) -> float:
    """How sure, as a fraction of 1; raises AnswerError where it was left out."""
    if not chosen:
        raise AnswerError("Say how sure you are; 50 % means that you would toss a coin for it.")
    if chosen not in CONFIDENCES:
        raise AnswerError(f"{chosen!r}: how sure is one of {', '.join(CONFIDENCES)}.")
    return parse(chosen, "fraction")


def predicted_number(
    written: str, sure: str | None, unit: str, between: tuple[float, float] | None = None
) -> Prediction:
    """A number and how sure; raises AnswerError."""
    value = number_of(written, unit, between)
    return Prediction(value, unit, confidence_of(sure), written.strip())


def predicted_choice(chosen: str | None, sure: str | None, choices: Mapping[str, str]) -> Prediction:
    """A choice and how sure; raises AnswerError."""
    key = choice_of(chosen, choices)
    return Prediction(key, CHOICE, confidence_of(sure), choices[key])


def _check_sense(value: float, written: str, unit: str, between: tuple[float, float] | None) -> None:
    if between is not None:
        low, high = between
        if not low <= value <= high:
            raise AnswerError(
                f"{written} is far from anything that can come out here (between {show(low, unit)} and "
                f"{show(high, unit)}). Is it the unit that you meant?"
            )
        return
    if value <= 0:
        raise AnswerError(f"{written}: a prediction here is more than nothing. What do you expect?")
    limit = limits().get(unit)
    if limit is not None and value > limit.highest:
        raise AnswerError(f"{written} is {limit.told} ({show(limit.highest, unit)}). Is it the unit that you meant?")
