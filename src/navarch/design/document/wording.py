"""How numbers, intervals and other people's text are worded, the same in every rendering."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from navarch.core.ledger import Entry
from navarch.core.quantity import mantissa_exponent, parts
from navarch.design.document.prose import Label, Number, Prose, Reference, Sayable, Text, prose

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SUBSCRIPT = (("CO2", "CO₂"), ("m2", "m²"), ("m3", "m³"))
DECIDED_BY = {
    "navarch": "chosen by navarch",
    "partly": "partly given in the design file; the rest chosen by navarch",
    "user": "given in the design file",
}
_RIGHT_TO_LEFT = {"R", "AL", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"}


class Spelt(NamedTuple):
    """A number as it is set: the digits, the power of ten after them (or None), and the unit."""

    digits: str
    exponent: int | None
    unit: str

    @property
    def plain(self) -> str:
        """In one line of plain text."""
        power = "" if self.exponent is None else f" × 10^{self.exponent}".replace("-", "−")
        return f"{self.digits}{power} {self.unit}".rstrip()


def spell(value: float, unit: str, digits: int = 3, signed: bool = False) -> Spelt:
    """A value in the unit a person would choose, with a true minus sign."""
    text, label = parts(value, unit, digits)
    label = set_unit(label)
    if signed and value > 0:
        text = f"+{text}"
    found = mantissa_exponent(text)
    mantissa, exponent = found if found else (text, None)
    return Spelt(mantissa.replace("-", "−"), exponent, label)


def spell_alike(entry: Entry, unit: str | None) -> Spelt:
    """A value in a column of a table; without its unit where those of the column are of different kinds (None)."""
    spelt = spell(entry.value, entry.unit)
    return spelt if unit is not None else spelt._replace(unit="")


def set_unit(label: str) -> str:
    """A unit with its subscripts and powers set."""
    for written, proper in _SUBSCRIPT:
        label = re.sub(rf"(?<![A-Za-z]){written}(?![0-9])", proper, label)
    return label


def parted(given: Prose) -> tuple[Prose, Prose]:
    """A caption as heading and remainder: "What moves the cost most: each input ..." is parted at the colon."""
    first = given.parts[0] if given.parts else None
    if not isinstance(first, Text) or ": " not in first.text:
        return Prose(), given
    heading, rest = first.text.split(": ", 1)
    remainder = (Text(rest[:1].upper() + rest[1:], first.strong), *given.parts[1:])
    return Prose((Text(heading, first.strong),)), Prose(remainder)


def set_formula(text: str) -> str:
    """A printed formula with the units among its numbers set as in the text."""
    return text.replace("CO2e", "CO₂e")


def words(given: Sayable) -> str:
    """Prose as one line of plain text, numbers with their units: for drawings, alternative texts and headings."""
    said = []
    for part in prose(given).parts:
        match part:
            case Text(text=text):
                said.append(text)
            case Label(text=text):
                said.append(clean(text))
            case Number(entry=entry, digits=digits, signed=signed):
                said.append(spell(entry.value, entry.unit, digits, signed).plain)
            case Reference(key=key):
                said.append(key)
    return "".join(said)


def spell_interval(low: float, high: float, unit: str, digits: int = 3) -> tuple[Spelt, Spelt]:
    """Both ends of an interval; the unit stands once, at the end, where it is the same."""
    first, last = spell(low, unit, digits), spell(high, unit, digits)
    return (first._replace(unit="") if first.unit == last.unit else first), last


def stated_interval(entry: Entry) -> tuple[float, float] | None:
    """The 80 % interval that a fact, field or observation states of itself."""
    if entry.low is None and entry.high is None:
        return None
    return (entry.value if entry.low is None else entry.low, entry.value if entry.high is None else entry.high)


def clean(text: str) -> str:
    """Other people's text in one line, without the characters that no document format can hold."""
    return _UNPRINTABLE.sub("�", re.sub(r"[\r\n\t\u2028\u2029]+", " ", text))


def turns(text: str) -> bool:
    """Whether text holds right-to-left letters or direction marks, and so must be kept apart from what is around it."""
    return not text.isascii() and any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text)


def safe_url(url: str) -> str:
    """A web address that may be linked, or nothing."""
    cleaned = url.strip()
    return cleaned if re.fullmatch(r"https?://[^\s<>\"'`\\\x00-\x1f]+", cleaned) else ""
