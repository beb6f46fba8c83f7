"""Quantities at the border: text with units to SI floats and back.

People write `400 Gb/s`, `80 GiB`, `3 years`, `0.12 USD/kWh`, `15.6T tokens`; inside, everything is a float in SI.
`parse` refuses whatever has two readings, `show` picks the unit a person would, and what `show` writes `parse` reads.
A year is 365 days, a month a twelfth of a year. Case matters: Gb is gigabit, GB gigabyte, mW milliwatt, MW megawatt.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache

from navarch.core.ladders import ladder
from navarch.core.units import (
    COUNTED,
    LETTER_MULTIPLIERS,
    MULTIPLIERS,
    PLAIN,
    Unit,
    UnitError,
    canonical_name,
    plain,
    read_unit,
)

MAX_LENGTH = 100
MAX_EXPONENT = 300

EXAMPLES = {
    "s": "90 s, 15 min, 8 h, 30 days, 3 years",
    "byte": "80 GB, 80 GiB, 2 PB",
    "byte/s": "400 Gb/s, 50 GB/s",
    "FLOP": "3.8e25 FLOP",
    "FLOP/s": "989 TFLOP/s",
    "W": "700 W, 30 MW",
    "J": "1.2 GWh, 3.6 MJ",
    "USD": "250000 USD, 1.2 million USD",
    "kgCO2e": "12 kt CO2e, 500 kg CO2e",
    "fraction": "0.4, 40 %",
    "1": "16384, 1e6",
    "token": "15.6T tokens",
    "token/s": "50 tokens/s",
    "request": "1e9 requests",
    "request/s": "1e9 requests/day, 200 requests/s",
    "parameter": "405B parameters",
    "m": "30 m",
    "K": "40 K",
    "degC": "25 degC",
    "L": "500 L, 3 m3",
    "L/J": "1.8 L/kWh",
    "kgCO2e/J": "430 gCO2e/kWh",
    "USD/J": "0.12 USD/kWh",
    "USD/s": "2.5 USD/h, 3 million USD/year",
    "USD/byte": "100 USD/TB",
    "USD/(byte*s)": "0.023 USD/GB/month",
    "USD/W": "10 USD/W",
    "1/s": "3 per day, 1.98 GHz",
    "USD/token": "2.5 USD/million tokens",
}

_NUMBER = re.compile(
    r"\s*(?P<sign>[+-]?)(?P<digits>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])(?:\.[0-9]*)?|[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
    r"(?:[eE](?P<exponent>[+-]?[0-9]+))?(?![0-9_.,'])"
)


class QuantityError(ValueError):
    """Text that is not one clear quantity of the asked unit: names the value, the problem and what is allowed."""


def parse(text: object, unit: str) -> float:
    """The SI value of `text`, which must have the dimension of `unit` (a canonical unit such as "byte/s").

    Counts (tokens, requests, parameters, plain numbers) and fractions may be bare numbers; all else needs its unit.
    Thousands separators are read only in well-formed English groups (16,384). Negative values are read: a field's own
    bound refuses them. Raises QuantityError.
    """
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise QuantityError(f"{_quoted(text)} is not a quantity. {_allowed(unit)}")
    if not isinstance(text, str):
        return _bare(text, unit)
    try:
        number, written = _split(text)
        return _convert(number, written, read_unit(unit), unit)
    except UnitError as error:
        stop = "" if str(error).endswith("?") else "."
        raise QuantityError(f"{_quoted(text)}: {error}{stop} {_allowed(unit)}") from error
    except OverflowError as error:
        raise QuantityError(f"{_quoted(text)}: the value is out of range. {_allowed(unit)}") from error


def factor(unit: str) -> tuple[float, str]:
    """What one of `unit` is in SI, and the canonical unit of its dimension: `factor("GB/s") == (1e9, "byte/s")`."""
    try:
        read = read_unit(unit)
    except UnitError as error:
        raise QuantityError(f"{_quoted(unit)}: {error}") from error
    name = canonical_name(read)
    if name == "1" and unit.strip() in ("%", "percent", "fraction"):
        name = "fraction"
    return float(read.factor / read_unit(name).factor), name


def _bare(value: float, unit: str) -> float:
    try:
        number = float(value)
    except OverflowError as error:
        raise QuantityError(f"the number is out of range. {_allowed(unit)}") from error
    if not math.isfinite(number):
        raise QuantityError(f"{number} is not a finite number. {_allowed(unit)}")
    if not _countable(read_unit(unit)):
        raise QuantityError(f"{_quoted(value)} has no unit. {_allowed(unit)}")
    return number


def _split(text: str) -> tuple[Fraction, str]:
    if len(text) > MAX_LENGTH:
        raise UnitError(f"a quantity has at most {MAX_LENGTH} characters, this has {len(text):,}")
    match = _NUMBER.match(text)
    if match is None or re.match(r"\s+[0-9]", text[match.end() :]):
        raise UnitError(_why_no_number(text))
    if abs(int((match["exponent"] or "0")[:6])) > MAX_EXPONENT:
        raise UnitError(f"the exponent {match['exponent'][:12]} is out of range")
    number = Fraction(match["sign"] + match["digits"].replace(",", "").rstrip(".") + "e" + (match["exponent"] or "0"))
    return number, text[match.end() :].strip()


def _why_no_number(text: str) -> str:
    if re.match(r"\s*[+-]?\s*\.?(nan|inf)", text, re.IGNORECASE):
        return "not a finite number"
    if re.match(r"\s*[+-]?[0-9]+[0-9,]*,[0-9]", text):
        return "the comma is ambiguous (decimals or thousands?): write 1.5, or 1500 or 1,500"
    if re.match(r"\s*[+-]?[0-9]+[_' ]?[0-9_']+", text):
        return "separators within a number are not read: write 1000000 or 1e6"
    if re.match(r"\s*[$€£¥]", text):
        return "write the currency after the number, as in 12 USD"
    return "no number at its beginning"


def _convert(number: Fraction, written: str, asked: Unit, unit: str) -> float:
    if not written:
        if not _countable(asked):
            raise UnitError("the unit is missing")
        return float(number)
    if written in LETTER_MULTIPLIERS and _countable(asked) and unit != "fraction":
        return float(number * LETTER_MULTIPLIERS[written])
    read = read_unit(written)
    if written in MULTIPLIERS and _countable(asked):
        return float(number * read.factor)
    if read.dimensions != asked.dimensions and plain(read.dimensions) != asked.dimensions:
        raise UnitError(_mismatch(written, read, asked, unit))
    return float(number * read.factor / asked.factor)


def _mismatch(written: str, read: Unit, asked: Unit, unit: str) -> str:
    bases = {base for base, _ in asked.dimensions}
    if written in ("m", "M") and bases == {"s"}:
        return "m is metre: a minute is min, a month is month"
    if {read.dimensions, asked.dimensions} == {(("K", 1),), (("degC", 1),)}:
        return "a temperature is given in degC, a temperature difference in K"
    return f"{written} is a unit of {canonical_name(read)}, not of {unit}"


def _countable(unit: Unit) -> bool:
    return (
        all(value == 1 and (base in COUNTED or base in PLAIN) for base, value in unit.dimensions)
        and len(unit.dimensions) < 2
    )


def _quoted(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}..."'


def _allowed(unit: str) -> str:
    example = EXAMPLES.get(unit)
    return f"Allowed: a quantity in {unit}, for example {example}" if example else f"Allowed: a quantity in {unit}"


def show(value: float, unit: str, digits: int = 3) -> str:
    """`value` in the unit a person would choose: `show(50e9, "byte/s") == "50 GB/s"`, `show(11128, "s") == "3.09 h"`"""
    number, label = parts(value, unit, digits)
    return f"{number} {label}" if label else number


def parts(value: float, unit: str, digits: int = 3) -> tuple[str, str]:
    """The number and the unit of `show`, apart: `parts(11128, "s") == ("3.09", "h")`."""
    value = float(value)
    steps = ladder(unit)
    if not math.isfinite(value):
        return ("undefined" if math.isnan(value) else "unlimited" if value > 0 else "-unlimited"), ""
    size = abs(value) * (1 + 0.5 * 10.0**-digits)
    step = steps[0]
    for candidate in steps[1:]:
        if size < candidate.threshold:
            break
        step = candidate
    if value == 0.0:
        step = next((candidate for candidate in steps if candidate.scale == 1.0), steps[0])
    scaled = value / step.scale
    number = _percent(scaled, digits) if step.label == "%" else written_number(scaled, digits)
    return number, step.singular if number == "1" else step.label


@lru_cache(maxsize=65536)
def written_number(value: float, digits: int = 3) -> str:
    """A number in `digits` significant digits, whole digits always in full, thousands apart, `3.80e25` when long.

    Zeros at the end are kept where the value was rounded and left out where it is exact.
    """
    size = abs(value)
    if size == 0.0:
        return "0"
    if size >= 1e7 or size < 1e-4:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    leading = math.floor(math.log10(size * (1 + 0.5 * 10.0**-digits)))
    return _fixed(value, max(0, digits - 1 - leading))


def _fixed(value: float, decimals: int) -> str:
    rounded = f"{value:,.{decimals}f}"
    if "." in rounded and math.isclose(value, float(short := f"{value:.{decimals}f}".rstrip("0")), rel_tol=1e-9):
        rounded = f"{float(short):,.{len(short.partition('.')[2])}f}"
    return rounded


def _percent(value: float, digits: int) -> str:
    """A percentage; near 100 as many digits as its distance from 100 needs (99.95 %)."""
    rest = 100.0 - value
    if not 0.0 < rest < 1.0 or rest < 1e-7:
        return written_number(value, digits)
    return _fixed(value, max(digits - 2, 1 - math.floor(math.log10(rest))))


def mantissa_exponent(number: str) -> tuple[str, int] | None:
    """`("3.80", 25)` for a number written as `3.80e25`, so that a document can typeset the power; None otherwise."""
    mantissa, letter, exponent = number.partition("e")
    return (mantissa, int(exponent)) if letter and exponent.lstrip("-").isdigit() else None
