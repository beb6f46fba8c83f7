"""What a student hands in for the debate: a name, one strategy and one rule, in a YAML file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from navarch.course.errors import CourseError
from navarch.course.parallelism_puzzle.rules import Row, Rule
from navarch.course.parallelism_puzzle.strategy import Strategy
from navarch.design.amount import quoted, type_name
from navarch.design.errors import DesignError
from navarch.design.reader import read_mapping

LARGEST = 100_000
"""Largest file that is read [byte]; a hand-in has a few kB."""
CUTOFF = 0.6
PLAIN = r"^[^\x00-\x1f\x7f]*$"


class HandInError(CourseError):
    """A hand-in that cannot be used: names the file, the field, what it holds and what is allowed."""


class HandIn(BaseModel):
    """A student's hand-in. student: as the report calls them; rule: its rows, the first that holds counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    student: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=PLAIN)]
    strategy: Strategy
    rule: Annotated[tuple[Row, ...], *Rule.model_fields["rows"].metadata]

    @property
    def decides(self) -> Rule:
        """The rule."""
        return Rule(rows=self.rule)


def read_hand_in(path: Path) -> HandIn:
    """The hand-in in a file; HandInError where it cannot be used."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise HandInError(f"{path.name}: cannot be read: {error.strerror or error}") from error
    if len(data) > LARGEST:
        raise HandInError(f"{path.name}: is larger than {LARGEST // 1000} kB; a hand-in has a few kB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HandInError(f"{path.name}: is not UTF-8 text") from error
    return hand_in_of(text, path.name)


def hand_in_of(text: str, source: str) -> HandIn:
    """The hand-in that a YAML text describes. source: what messages call it."""
    try:
        return HandIn.model_validate(_mapping(text, source))
    except ValidationError as error:
        raise HandInError(f"{source}: {_told(error, HandIn)}") from error


def rule_of(text: str, source: str = "rule") -> Rule:
    """The rule that a YAML text describes: a list of rows under `rule:`."""
    content = _mapping(text, source)
    try:
        return Rule.model_validate({"rows": content.get("rule"), **{k: v for k, v in content.items() if k != "rule"}})
    except ValidationError as error:
        raise HandInError(f"{source}: {_told(error, Rule)}") from error


def _mapping(text: str, source: str) -> dict[str, Any]:
    try:
        return read_mapping(text)[0]
    except DesignError as error:
        problem = error.problems[0]
        where = f"line {problem.line}: " if problem.line else ""
        message = problem.message.replace("a design file is", "a hand-in is")
        message = message.split("; `navarch init`")[0]
        field = f"{problem.field}: " if problem.field else ""
        raise HandInError(f"{source}: {where}{field}{message}") from error


def _told(error: ValidationError, model: type[BaseModel]) -> str:
    """Every mistake in one line: field, value, what is allowed."""
    details = [each for each in error.errors(include_url=False) if not (each["type"] == "too_short" and each["input"])]
    return "; ".join(dict.fromkeys(_mistake(detail, model) for detail in details))


def _mistake(detail: Mapping[str, Any], model: type[BaseModel]) -> str:
    where, value, kind = _where(detail["loc"]), detail["input"], detail["type"]
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        return f"{where} is not a known key; {_known(detail['loc'], model)}"
    if kind == "literal_error":
        return f"{where}: {quoted(value)} is not one of {detail['ctx']['expected']}".replace("'", "")
    if kind == "amount":
        return f"{where}: {detail['ctx']['reason']}"
    if kind == "range":
        return f"{where} {detail['msg']}"
    if kind == "too_short":
        return f"{where} is empty; write at least one row"
    if kind in ("tuple_type", "model_type", "model_attributes_type", "dict_type"):
        wanted = "a list of rows" if kind == "tuple_type" else "`key: value` lines"
        return f"{where}: {quoted(value)} is {type_name(value)}; write {wanted}"
    return f"{where}: {quoted(value)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _where(location: Sequence[int | str]) -> str:
    """A place as people read it: `rule, row 2: use.tensor`."""
    named: list[str] = []
    row = ""
    for part in location:
        if isinstance(part, int):
            row = f"rule, row {part + 1}"
        elif part not in ("rows", "rule") or not named:
            named.append(part)
    fields = ".".join(part for part in named if not (row and part in ("rule", "rows")))
    return f"{row}: {fields}" if row and fields else row or fields


def _known(location: Sequence[int | str], model: type[BaseModel]) -> str:
    """The keys that are allowed where an unknown one stands, the nearest first."""
    here: Any = model
    for part in location[:-1]:
        if isinstance(part, str):
            here = _model_in(here.model_fields[part].annotation)
    allowed = list(here.model_fields)
    near = difflib.get_close_matches(str(location[-1]), allowed, n=1, cutoff=CUTOFF)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}allowed: {', '.join(allowed)}"


def _model_in(annotation: Any) -> Any:
    """The model in an annotation: itself, or one of what it is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _model_in(part))), None)
