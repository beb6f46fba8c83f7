"""Amounts of a design file: a number with a unit, with an optional low and high, as a pydantic type.

`Annotated[Amount, Unit("s", minimum=0, exclusive=True)]` accepts `90 days`, `{value: 90 days, low: 80, high: 100}` and,
where the field counts things (`bare=True`) or is dimensionless, a plain number. Inside, every amount is an SI float.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from navarch.core.quantity import QuantityError, parse, show

DIMENSIONLESS = ("1", "fraction")
PLAIN_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
KEYS = ("value", "low", "high")
VALUE_WIDTH = 60
MESSAGE_WIDTH = 400

KINDS = {
    "1": "a number",
    "fraction": "a share between 0 and 1, or a percentage",
    "s": "a duration",
    "1/s": "a rate",
    "byte": "an amount of data",
    "byte/s": "a bandwidth",
    "FLOP": "an amount of computation",
    "W": "a power",
    "USD": "an amount of money",
    "kgCO2e": "a mass of CO2 equivalent",
    "token": "a number of tokens",
    "request/s": "a rate of requests",
    "degC": "a temperature",
}


@dataclass(frozen=True)
class Amount:
    """A quantity as the user gave it.

    value: in the SI unit `unit`; low, high: the bounds of an 80 % interval in the same unit, or None; text, bounds: as
    written.
    """

    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    text: str = ""
    bounds: tuple[str, str] = ("", "")

    def __float__(self) -> float:
        return self.value

    @property
    def count(self) -> int:
        """The value as a whole number (of nodes, ranks, tokens ...)."""
        return round(self.value)

    def __str__(self) -> str:
        text = self.text or show(self.value, self.unit)
        if self.low is None or self.high is None:
            return text
        low, high = self.bounds
        return f"{text} ({low or show(self.low, self.unit)} to {high or show(self.high, self.unit)})"


@dataclass(frozen=True)
class Unit:
    """What an amount must be: its SI unit, its bounds (in that unit) and how to write it.

    exclusive: the minimum itself is not allowed; whole: no fractions; bare: a plain number is allowed although the unit
    is not dimensionless, because the field counts one kind of thing; example: as a user would write it.
    """

    unit: str
    minimum: float | None = None
    maximum: float | None = None
    exclusive: bool = False
    whole: bool = False
    bare: bool = False
    example: str = ""

    @property
    def takes_number(self) -> bool:
        """Whether a plain number, without a unit, may be written."""
        return self.bare or self.unit in DIMENSIONLESS

    @property
    def allowed(self) -> str:
        """What may be written, with an example, for messages."""
        return f"{self.range}, such as {self.example}" if self.example else self.range

    @property
    def range(self) -> str:
        """What may be written and between which bounds."""
        what = self._kind()
        if self.minimum is not None and self.unit != "fraction":
            what += f", {'more than' if self.exclusive else 'at least'} {self._shown(self.minimum)}"
        if self.maximum is not None and not (self.unit == "fraction" and self.maximum == 1):
            what += f", at most {self._shown(self.maximum)}"
        return what

    def _kind(self) -> str:
        if self.whole and self.takes_number:
            return "a whole number"
        if self.unit == "fraction" and self.maximum is None:
            return "a ratio or a percentage"
        return KINDS.get(self.unit, f"an amount in {self.unit}")

    def _shown(self, bound: float) -> str:
        return f"{bound:g}" if self.takes_number or bound == 0 else show(bound, self.unit)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(written_form)
        return core_schema.no_info_plain_validator_function(self.read, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        plain: list[JsonSchemaValue] = [{"type": "string", "description": self.allowed}]
        if self.takes_number:
            plain.append(self._number_schema())
        bound: JsonSchemaValue = {"anyOf": [{"type": "string"}, {"type": "number"}]}
        mapping = {
            "type": "object",
            "description": f"{self.allowed}; with the low and high of an 80 % interval",
            "properties": {"value": {"anyOf": plain}, "low": bound, "high": bound},
            "required": list(KEYS),
            "additionalProperties": False,
        }
        return {"anyOf": [*plain, mapping], "x-unit": self.unit}

    def _number_schema(self) -> JsonSchemaValue:
        number: JsonSchemaValue = {"type": "integer" if self.whole else "number"}
        if self.minimum is not None:
            number["exclusiveMinimum" if self.exclusive else "minimum"] = self.minimum
        if self.maximum is not None:
            number["maximum"] = self.maximum
        return number

    def read(self, given: Any) -> Amount:
        """Return the amount that a YAML value stands for, or raise a PydanticCustomError that says what is allowed."""
        if isinstance(given, Amount):
            return self._checked_amount(given)
        if isinstance(given, Mapping):
            return self._read_mapping(given)
        return Amount(self._number(given), self.unit, text=_as_written(given))

    def _checked_amount(self, amount: Amount) -> Amount:
        if amount.unit != self.unit:
            raise _problem(f"is in {amount.unit}; {self.unit} is needed ({self.allowed})")
        for value in (amount.value, amount.low, amount.high):
            if value is not None:
                self._check_bounds(value, amount.text or value)
        return amount

    def _read_mapping(self, given: Mapping[Any, Any]) -> Amount:
        unknown = [str(key) for key in given if key not in KEYS]
        if unknown:
            raise _problem(f"has the unknown key {quoted(unknown[0])}; allowed are value, low and high")
        missing = [key for key in KEYS if given.get(key) is None]
        if missing:
            raise _problem(f"lacks {' and '.join(missing)}; write value, low and high together, or the value alone")
        value = self._number(given["value"])
        bounds = tuple(self._with_unit(given[key], given["value"]) for key in ("low", "high"))
        low, high = (self._number(bound) for bound in bounds)
        if not low <= value <= high:
            shown = ", ".join(f"{key} {_as_written(given[key])}" for key in KEYS)
            raise _problem(f"has {shown}; low <= value <= high is needed")
        texts = _as_written(bounds[0]), _as_written(bounds[1])
        return Amount(value, self.unit, low, high, _as_written(given["value"]), texts)

    def _with_unit(self, bound: Any, value: Any) -> Any:
        """Give a bound without a unit the unit of the value."""
        if not isinstance(value, str) or isinstance(bound, bool):
            return bound
        if isinstance(bound, (int, float)) or (isinstance(bound, str) and PLAIN_NUMBER.fullmatch(bound)):
            number = PLAIN_NUMBER.match(value)
            return f"{bound} {value[number.end() :]}".strip() if number else bound
        return bound

    def _number(self, given: Any) -> float:
        if isinstance(given, bool) or not isinstance(given, (str, int, float)):
            raise _problem(f"{quoted(given)} is {type_name(given)}; write {self.allowed}")
        plain = not isinstance(given, str) or PLAIN_NUMBER.fullmatch(given) is not None
        if plain:
            if not self.takes_number:
                raise _problem(f"{quoted(given)} has no unit; write {self.allowed}")
            value = _float(given)
        else:
            value = self._parsed(str(given))
        if not math.isfinite(value):
            raise _problem(f"{quoted(given)} is not a finite number; write {self.allowed}")
        self._check_bounds(value, given)
        return value

    def _parsed(self, text: str) -> float:
        try:
            return parse(text, self.unit)
        except QuantityError as error:
            raise _problem(_clip(str(error), MESSAGE_WIDTH)) from error

    def _check_bounds(self, value: float, given: Any) -> None:
        below = self.minimum is not None and (value <= self.minimum if self.exclusive else value < self.minimum)
        above = self.maximum is not None and value > self.maximum
        if below or above:
            raise _problem(f"{quoted(given)} is too {'small' if below else 'large'}; write {self.allowed}")
        if self.whole and value != round(value):
            raise _problem(f"{quoted(given)} is not a whole number; write {self.allowed}")


def written_form(amount: Amount) -> Any:
    """Return an amount as one would write it in a design file: text, or a mapping with value, low and high."""
    text = amount.text or show(amount.value, amount.unit)
    if amount.low is None or amount.high is None:
        return text
    low, high = amount.bounds
    return {
        "value": text,
        "low": low or show(amount.low, amount.unit),
        "high": high or show(amount.high, amount.unit),
    }


def _float(given: Any) -> float:
    try:
        return float(given)
    except OverflowError:
        return math.inf


def _problem(message: str) -> PydanticCustomError:
    return PydanticCustomError("amount", "{reason}", {"reason": message})


def _as_written(given: Any) -> str:
    return given.strip() if isinstance(given, str) else _clip(repr(given))


def _clip(text: str, width: int = VALUE_WIDTH) -> str:
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(text.split()))
    return line if len(line) <= width else f"{line[: width - 1]}…"


def quoted(given: Any) -> str:
    """Return a value as a message shows it: in one line, cut where it is long, without control characters."""
    return f'"{_clip(given)}"' if isinstance(given, str) else _clip(_yaml_word(given))


def _yaml_word(given: Any) -> str:
    return str(given).lower() if isinstance(given, bool) else "null" if given is None else repr(given)


def type_name(given: Any) -> str:
    """Return what kind of thing a value is, in the words of a design file."""
    names = {
        bool: "a truth value",
        list: "a list",
        dict: "a mapping",
        type(None): "empty",
        int: "a number",
        float: "a number",
        str: "text",
    }
    return names.get(type(given), f"of type {type(given).__name__}")
