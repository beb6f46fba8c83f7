"""The unit table and the unit grammar: what `GB/s`, `kgCO2e/kWh` or `USD/million tokens` mean, exactly.

Units are case-sensitive, bits and bytes and SI and IEC prefixes are kept apart, and factors are exact fractions.
A year is 365 days (8,760 h) and a month a twelfth of it. pint is asked, lazily, only for names of three letters or
more that the table does not know (`gallon`, `horsepower`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pint

Dimensions = tuple[tuple[str, int], ...]


class UnitError(ValueError):
    """A unit that is unknown, ambiguous or malformed; the message says which and what to write instead."""


class Unit(NamedTuple):
    """A unit as an exact multiple of base units (s, byte, FLOP, J, USD, kgCO2e, K, m, ...)."""

    factor: Fraction
    dimensions: Dimensions
    words: str = ""


SI = {
    "f": (-15, "femto"), "p": (-12, "pico"), "n": (-9, "nano"), "u": (-6, "micro"), "µ": (-6, "micro"),
    "m": (-3, "milli"), "c": (-2, "centi"), "k": (3, "kilo"), "M": (6, "mega"), "G": (9, "giga"),
    "T": (12, "tera"), "P": (15, "peta"), "E": (18, "exa"), "Z": (21, "zetta"),
}  # fmt: skip
IEC = {
    "Ki": (10, "kibi"),
    "Mi": (20, "mebi"),
    "Gi": (30, "gibi"),
    "Ti": (40, "tebi"),
    "Pi": (50, "pebi"),
    "Ei": (60, "exbi"),
}
LARGE = "kMGTPEZ"

MINUTE, HOUR, DAY = 60, 3600, 86400
YEAR = 365 * DAY
MONTH = Fraction(YEAR, 12)

MULTIPLIERS = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
LETTER_MULTIPLIERS = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}

# Things that are counted. The first three are dimensions of their own, the others read well and count as plain numbers.
COUNTED = ("token", "request", "parameter")
PLAIN = (
    "sequence", "sample", "node", "GPU", "accelerator", "device", "rack", "replica", "user", "failure", "interruption",
    "event", "job", "core", "port", "link", "cable", "server", "chip", "image", "frame", "step", "layer", "drive",
)  # fmt: skip

# (names, SI prefixes that the first name takes, factor, dimensions, word)
_ROWS: tuple[tuple[str, str, Fraction | int | str, dict[str, int], str], ...] = (
    ("s second seconds sec", "numµ", 1, {"s": 1}, "second"),
    ("min minute minutes", "", MINUTE, {"s": 1}, "minute"),
    ("h hour hours hr", "", HOUR, {"s": 1}, "hour"),
    ("d day days", "", DAY, {"s": 1}, "day"),
    ("week weeks", "", 7 * DAY, {"s": 1}, "week"),
    ("month months", "", MONTH, {"s": 1}, "month"),
    ("year years yr", "", YEAR, {"s": 1}, "year"),
    ("Hz", LARGE, 1, {"s": -1}, "hertz"),
    ("B", LARGE, 1, {"byte": 1}, "byte"),
    ("byte bytes", LARGE, 1, {"byte": 1}, "byte"),
    ("b", LARGE, "1/8", {"byte": 1}, "bit"),
    ("bit bits", LARGE, "1/8", {"byte": 1}, "bit"),
    ("bps", LARGE, "1/8", {"byte": 1, "s": -1}, "bit per second"),
    ("FLOP", LARGE, 1, {"FLOP": 1}, "operation"),
    ("FLOPS", LARGE, 1, {"FLOP": 1, "s": -1}, "operation per second"),
    ("OP", LARGE, 1, {"FLOP": 1}, "operation"),
    ("OPS", LARGE, 1, {"FLOP": 1, "s": -1}, "operation per second"),
    ("J joule joules", "fpnuµm" + LARGE, 1, {"J": 1}, "joule"),
    ("Wh", "m" + LARGE, HOUR, {"J": 1}, "watt-hour"),
    ("W watt watts", "nuµm" + LARGE, 1, {"J": 1, "s": -1}, "watt"),
    ("USD", "kM", 1, {"USD": 1}, "US dollar"),
    ("gCO2e", "umk" + "MGT", "1/1000", {"kgCO2e": 1}, "gram of CO2 equivalent"),
    ("tCO2e", "kMG", 1000, {"kgCO2e": 1}, "tonne of CO2 equivalent"),
    ("g gram grams", "umk", "1/1000", {"kg": 1}, "gram"),
    ("t tonne tonnes", "", 1000, {"kg": 1}, "tonne"),
    ("K kelvin", "m", 1, {"K": 1}, "kelvin"),
    ("degC °C", "", 1, {"degC": 1}, "degree Celsius"),
    ("m metre metres meter meters", "numµck", 1, {"m": 1}, "metre"),
    ("m2", "", 1, {"m": 2}, "square metre"),
    ("m3", "", 1, {"m": 3}, "cubic metre"),
    ("L litre litres liter liters", "muµk" + "MG", "1/1000", {"m": 3}, "litre"),
    ("% percent", "", "1/100", {}, "percent"),
    ("fraction", "", 1, {}, "fraction"),
    ("IOPS", "kM", 1, {"s": -1}, "operation per second"),
)

REFUSED = {
    "KB": "kB (1,000 bytes) or KiB (1,024 bytes)?",
    "Kb": "kbit (1,000 bits) or KiB (1,024 bytes)?",
    "kb": "kbit (1,000 bits) or kB (1,000 bytes)?",
    "C": "write degC",
    "F": "write the temperature in degC",
    "ton": "metric or short? write t (1,000 kg)",
    "tons": "metric or short? write t (1,000 kg)",
    "decade": "write it in years",
    "decades": "write it in years",
    "century": "write it in years",
    "centuries": "write it in years",
    "millennium": "write it in years",
    "mo": "write month",
    "CO2e": "write the mass too, as in g CO2e, kg CO2e or t CO2e",
    "bn": "write billion",
    "mn": "write million",
}

_PINT = {  # pint's dimensionality -> (base dimensions, factor of pint's own base unit)
    "[time]": ({"s": 1}, "second"),
    "[length]": ({"m": 1}, "meter"),
    "[length] ** 2": ({"m": 2}, "meter ** 2"),
    "[length] ** 3": ({"m": 3}, "meter ** 3"),
    "[mass]": ({"kg": 1}, "kilogram"),
    "[temperature]": ({"K": 1}, "kelvin"),
    "[length] ** 2 * [mass] / [time] ** 2": ({"J": 1}, "joule"),
    "[length] ** 2 * [mass] / [time] ** 3": ({"J": 1, "s": -1}, "watt"),
}


def _dimensions(powers: Iterable[tuple[str, int]]) -> Dimensions:
    total: dict[str, int] = {}
    for base, power in powers:
        total[base] = total.get(base, 0) + power
    return tuple(sorted((base, power) for base, power in total.items() if power))


@cache
def table() -> dict[str, Unit]:
    """Every unit name that the table knows, prefixed forms included."""
    units: dict[str, Unit] = {}
    for names, prefixes, factor, powers, word in _ROWS:
        first, *others = names.split()
        dimensions = _dimensions(powers.items())
        for name in (first, *others):
            units[name] = Unit(Fraction(factor), dimensions, word)
        for prefix in prefixes:
            exponent, prefix_word = SI[prefix]
            units[prefix + first] = Unit(Fraction(factor) * Fraction(10) ** exponent, dimensions, prefix_word + word)
    for name in ("B", "byte", "b", "bit"):
        one = units[name]
        for prefix, (exponent, prefix_word) in IEC.items():
            units[prefix + name] = Unit(one.factor * 2**exponent, one.dimensions, prefix_word + one.words)
    for name in (*COUNTED, *PLAIN):
        for written in (name, name + "s"):
            units[written] = Unit(Fraction(1), ((name, 1),), name)
    for prefix in "kMGT":
        units[prefix + "token"] = Unit(Fraction(10) ** SI[prefix][0], (("token", 1),), SI[prefix][1] + "token")
    for name, multiplier in MULTIPLIERS.items():
        units[name] = Unit(Fraction(multiplier), (), name)
    for name in REFUSED:
        units.pop(name, None)
    return units


@cache
def _by_lower_case() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in table():
        found.setdefault(name.lower(), []).append(name)
    return found


def atom(name: str) -> Unit:
    """One unit name, looked up; raises UnitError with the reason and the alternatives."""
    known = table().get(name)
    if known is not None:
        return known
    if name in REFUSED:
        is_question = REFUSED[name].endswith("?")
        raise UnitError(f"{name} is ambiguous: {REFUSED[name]}" if is_question else f"{name}: {REFUSED[name]}")
    if name.endswith(("FLOPs", "OPs")):
        stem = name[:-1]
        raise UnitError(f"{name} is ambiguous: a count of operations ({stem}) or operations a second ({stem}/s)?")
    if name in SI or name in IEC or name in LETTER_MULTIPLIERS:
        raise UnitError(f"{name} is a prefix without a unit")
    if name in ("$", "€", "£", "¥", "EUR", "GBP", "CNY", "JPY", "dollar", "dollars"):
        raise UnitError(f"{name}: the only currency is USD")
    similar = [written for written in _by_lower_case().get(name.lower(), []) if written not in ("k", "M")]
    if similar:
        options = " or ".join(_described(written) for written in sorted(similar, reverse=True))
        raise UnitError(f"{name} is not a unit (case matters): {options}?")
    return _from_pint(name)


def _described(name: str) -> str:
    word = table()[name].words
    return name if word in ("", name) else f"{word} ({name})"


@cache
def _registry() -> pint.UnitRegistry[Any]:
    import pint

    return pint.UnitRegistry()


@cache
def _from_pint(name: str) -> Unit:
    unknown = UnitError(f"{name} is not a known unit")
    if len(name) < 3 or not name.isascii() or not name.replace("_", "a").isalpha():
        raise unknown
    from pint.errors import PintError

    registry = _registry()
    try:
        quantity = registry.Quantity(1, registry.Unit(name))
        base = _PINT.get(str(quantity.dimensionality))
        if base is None:
            raise unknown
        powers, pint_unit = base
        factor = Fraction(str(quantity.to(pint_unit).magnitude))
    except (PintError, AttributeError, TypeError, ValueError) as error:
        raise unknown from error
    return Unit(factor, _dimensions(powers.items()), name)


_TOKEN = re.compile(
    r"\s*(?:(?P<power>\^|\*\*)\s*(?P<exponent>[+-]?[0-9]+)|(?P<operator>[/*·()-])|(?P<name>[A-Za-zµ°%$€£¥_]+[0-9]?e?q?))"
)
_CO2 = re.compile(r"(?<![A-Za-z])([umkMGT]?(?:kg|g|t)|grams?|tonnes?)\s*CO2(e?q?)(?![A-Za-z0-9])")


def _joined_co2(match: re.Match[str]) -> str:
    if not match[2]:
        raise UnitError(f"{match[0]}: CO2 alone or CO2 equivalent? write {match[1]} CO2e")
    mass = {"gram": "g", "grams": "g", "tonne": "t", "tonnes": "t"}.get(match[1], match[1])
    return mass + "CO2e"


class _Reader:
    """Recursive descent over `expression := term (('/' | '*') term)*`, `term := factor (('-' | ' ') factor)*`."""

    def __init__(self, text: str) -> None:
        self.text = _CO2.sub(_joined_co2, re.sub(r"(?:^|(?<=\s))per(?=\s)", "/", text.replace("μ", "µ")))
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(self.text.rstrip()):
            match = _TOKEN.match(self.text, position)
            if match is None:
                raise UnitError(f"cannot read {self.text[position:].strip()!r} as a unit")
            kind = "power" if match["power"] else "operator" if match["operator"] else "name"
            self.tokens.append((kind, match["exponent"] or match["operator"] or match["name"]))
            position = match.end()
        self.next = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.next] if self.next < len(self.tokens) else ("end", "")

    def expression(self) -> Unit:
        result = ONE if self.peek() == ("operator", "/") else self.term()
        while self.peek() in (("operator", "/"), ("operator", "*"), ("operator", "·")):
            sign = -1 if self.peek()[1] == "/" else 1
            self.next += 1
            result = multiply(result, power(self.term(), sign))
        return result

    def term(self) -> Unit:
        result = self.factor()
        while True:
            kind, value = self.peek()
            if (kind, value) == ("operator", "-"):
                self.next += 1
            elif kind != "name":
                return result
            result = multiply(result, self.factor())

    def factor(self) -> Unit:
        kind, value = self.peek()
        self.next += 1
        if (kind, value) == ("operator", "("):
            result = self.expression()
            if self.peek() != ("operator", ")"):
                raise UnitError(f"a closing parenthesis is missing in {self.text.strip()!r}")
            self.next += 1
        elif kind == "name":
            result = self.counted(value) or atom(value)
        else:
            raise UnitError(f"a unit is missing in {self.text.strip()!r}")
        if self.peek()[0] == "power":
            exponent = int(self.peek()[1][:4])
            if abs(exponent) > 9:
                raise UnitError(f"the exponent {exponent} is out of range")
            self.next += 1
            result = power(result, exponent)
        return result

    def counted(self, value: str) -> Unit | None:
        """`T` in `T tokens`, `M` in `M USD`: a multiplier when something counted follows it, else not."""
        kind, following = self.peek()
        if value not in LETTER_MULTIPLIERS or kind != "name":
            return None
        if following not in table() or not table()[following].dimensions:
            return None
        base = table()[following].dimensions[0][0]
        is_counted = base in COUNTED or base in PLAIN or following == "USD"
        return Unit(Fraction(LETTER_MULTIPLIERS[value]), ()) if is_counted else None


ONE = Unit(Fraction(1), ())


def multiply(left: Unit, right: Unit) -> Unit:
    """The product of two units."""
    return Unit(left.factor * right.factor, _dimensions((*left.dimensions, *right.dimensions)))


def power(unit: Unit, exponent: int) -> Unit:
    """A unit raised to a whole power."""
    return Unit(unit.factor**exponent, tuple((base, value * exponent) for base, value in unit.dimensions if exponent))


@cache
def read_unit(text: str) -> Unit:
    """The meaning of a unit expression: `GB/s`, `USD/(byte*s)`, `USD/million tokens`, `accelerator-hour`, `1`.

    A degree Celsius alone is a temperature; within a product or quotient it is a difference, as a kelvin.
    """
    text = text.strip()
    if text in ("", "1"):
        return ONE
    reader = _Reader(re.sub(r"^1\s*(?=/)", "", text))
    unit = reader.expression()
    if reader.next < len(reader.tokens):
        raise UnitError(f"cannot read {reader.tokens[reader.next][1]!r} in the unit {text!r}")
    if unit.dimensions != (("degC", 1),):
        dimensions = _dimensions(("K" if base == "degC" else base, value) for base, value in unit.dimensions)
        unit = Unit(unit.factor, dimensions)
    return unit


def plain(dimensions: Dimensions) -> Dimensions:
    """The dimensions without the nouns that only say what is counted."""
    return tuple((base, value) for base, value in dimensions if base not in PLAIN)


CANONICAL = (
    "s", "byte", "byte/s", "FLOP", "FLOP/s", "W", "J", "USD", "kgCO2e", "token", "token/s", "request", "request/s",
    "parameter", "m", "m^2", "K", "degC", "K/W", "J/K", "L", "L/J", "kgCO2e/J", "USD/J", "USD/s", "USD/byte",
    "USD/(byte*s)", "USD/W", "1/s", "byte/token", "FLOP/token", "s/token", "FLOP/byte", "J/byte", "J/token",
    "USD/token", "FLOP/J", "USD/request", "J/request", "kgCO2e/request", "kgCO2e/token", "L/request", "L/token",
    "token/request", "byte/parameter", "W/K", "kgCO2e/W", "kg",
)  # fmt: skip


@cache
def _canonical_names() -> dict[Dimensions, str]:
    return {read_unit(name).dimensions: name for name in CANONICAL}


def canonical_name(unit: Unit) -> str:
    """The SI unit string of a unit's dimensions: `byte/s` for GB/s, `W` for kWh/h, `1` for a count."""
    dimensions = plain(unit.dimensions)
    if not dimensions:
        return "1"
    known = _canonical_names().get(dimensions)
    if known is not None:
        return known
    over = [base if value == 1 else f"{base}^{value}" for base, value in dimensions if value > 0]
    under = [base if value == -1 else f"{base}^{-value}" for base, value in dimensions if value < 0]
    numerator = "*".join(over) or "1"
    if not under:
        return numerator
    return f"{numerator}/{under[0]}" if len(under) == 1 else f"{numerator}/({'*'.join(under)})"
