"""Numbers in free text: `3.1 h on 16 GPUs, 44 % of the peak` holds three, each with its unit and its precision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from navarch.core.quantity import QuantityError, factor
from navarch.core.units import LETTER_MULTIPLIERS, MULTIPLIERS, table

WORDS_OF_A_UNIT = 5
TIMES = ("x", "×", "times")
REFERENCES = (
    "lab",
    "part",
    "entry",
    "entries",
    "evidence",
    "section",
    "week",
    "chapter",
    "figure",
    "table",
    "no.",
    "#",
)
OPERATIONS = {"FLOPs": ("FLOP", "FLOP/s")}  # people write both meanings so

_NUMBER = re.compile(
    r"(?<![\w.,/])(?<![A-Za-z0-9]-)(?<!\d[:/–])"
    r"(?P<digits>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)"
    r"(?:[eE](?P<exponent>[+-]?[0-9]{1,3})(?![0-9A-Za-z])|\s?[×x]\s?10\^?(?P<power>[-−]?[0-9]{1,3}|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)(?![0-9A-Za-z]))?"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?|[0-9]{1,2}:[0-9]{2}")
_WORD = re.compile(r"(?P<between>\s?[/*·]\s?|[\s\u00a0\u202f]?|-)(?P<word>[A-Za-zµμ°%][A-Za-z0-9µμ°]*|%|×)")
_MASS = re.compile(r"[kMGT]?t")  # of CO2e
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


@dataclass(frozen=True, slots=True)
class Meaning:
    """One way to read a number: its value, half a unit of its last digit, and its unit, all in SI."""

    value: float
    half: float
    unit: str


@dataclass(frozen=True, slots=True)
class Written:
    """A number in a text. text: as written, with its unit; start, end: where it stands; meanings: at least one."""

    text: str
    start: int
    end: int
    meanings: tuple[Meaning, ...]


def numbers_in(text: str) -> Iterator[Written]:
    """The numbers of a text, in order. Left out are dates, references (`lab 05`) and parts of names (`H100`, `3D`)."""
    end = 0
    for match in _NUMBER.finditer(text):
        if match.start() < end or _DATE.match(text, match.start()) or _refers(text[: match.start()]):
            continue
        found = _written(text, match)
        if found is not None:
            end = found.end
            yield found


@cache
def unit_known(unit: str) -> str:
    """The SI unit by which two numbers are told to be of one kind: `1` for all that is counted."""
    try:
        name = factor(unit)[1]
    except QuantityError:
        return unit
    return "1" if name in ("fraction", "token", "request", "parameter", "1") else name


def _written(text: str, match: re.Match[str]) -> Written | None:
    value, half = _value(match)
    attached = re.compile(r"[A-Za-z×]+").match(text, match.end())
    for end, units in _phrases(text, match.end()):
        read = [Meaning(value * scale, half * scale, unit) for scale, unit in units]
        letter = text[match.end() : end]
        if letter in LETTER_MULTIPLIERS:
            scale = float(LETTER_MULTIPLIERS[letter])
            read.append(Meaning(value * scale, half * scale, "1"))
        return Written(text[match.start() : end], match.start(), end, tuple(read))
    if attached and attached[0] not in TIMES:
        if attached[0] not in LETTER_MULTIPLIERS:
            return None
        scale = float(LETTER_MULTIPLIERS[attached[0]])
        meaning = Meaning(value * scale, half * scale, "1")
        return Written(text[match.start() : attached.end()], match.start(), attached.end(), (meaning,))
    end = attached.end() if attached else match.end()
    return Written(text[match.start() : end], match.start(), end, (Meaning(value, half, "1"),))


def _value(match: re.Match[str]) -> tuple[float, float]:
    """The number, and half a unit of its last significant digit; zeros at the end of a whole number are not."""
    digits = match["digits"].replace(",", "")
    exponent = int((match["exponent"] or match["power"] or "0").translate(_RAISED))
    number = Decimal(digits).scaleb(exponent)
    places = -len(digits.partition(".")[2]) if "." in digits else len(digits) - len(digits.rstrip("0"))
    if not digits.strip("0."):
        places = min(places, 0)
    return float(number), float(Decimal(5).scaleb(places - 1 + exponent))


def _phrases(text: str, start: int) -> Iterator[tuple[int, list[tuple[float, str]]]]:
    """The longest unit that follows a number: where it ends, and what it may mean."""
    ends: list[int] = []
    position = start
    while len(ends) < WORDS_OF_A_UNIT and (match := _WORD.match(text, position)) is not None:
        if not _is_unit_word(match["word"]):
            break
        position = match.end()
        ends.append(position)
    for end in reversed(ends):
        units = list(_units(text[start:end].lstrip(" -\u00a0\u202f").strip()))
        if units:
            yield end, units


def _units(phrase: str) -> Iterator[tuple[float, str]]:
    spellings = [phrase]
    for name, meanings in OPERATIONS.items():
        if name in phrase:
            spellings = [phrase.replace(name, meaning) for meaning in meanings]
    for spelling in spellings:
        try:
            scale, unit = factor(spelling.replace("-", " "))
        except QuantityError:
            continue
        yield scale, unit_known(unit)


def _is_unit_word(word: str) -> bool:
    stem = word[:-1] if word.endswith("FLOPs") else word
    known = stem in table() or word in MULTIPLIERS or word in LETTER_MULTIPLIERS or word in ("per", "CO2e")
    return known or _MASS.fullmatch(word) is not None


def _refers(before: str) -> bool:
    words = before.rstrip(" \u00a0(").lower().split()
    return bool(words) and words[-1] in REFERENCES and not before.endswith("\n")
