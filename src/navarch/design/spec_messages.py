"""From pydantic's findings to one plain line a mistake: the dotted field, the value, what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from navarch.design.amount import quoted, type_name
from navarch.design.errors import Problem

WORDS_CUTOFF = 0.6


def problems_of(error: ValidationError, model: type[BaseModel], lines: Mapping[str, int]) -> list[Problem]:
    """Return one problem a mistaken field, in the order of the file's sections."""
    grouped: dict[str, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        grouped.setdefault(_path(detail["loc"], model), []).append(detail)
    found: list[Problem] = []
    for path, details in grouped.items():
        if details[0]["type"] == "contradiction":
            found += [
                Problem(each.field, each.message, lines.get(each.field)) for each in details[0]["ctx"]["problems"]
            ]
        else:
            found.append(Problem(path, _message(details, path, model), line_of(path, lines)))
    return sorted(found, key=lambda problem: problem.line or 0)


def line_of(path: str, lines: Mapping[str, int]) -> int | None:
    """Return the line at which a field stands, or the nearest section around it that the file has."""
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path)


def _path(location: Sequence[int | str], model: type[BaseModel]) -> str:
    """Return the dotted field, without the names that pydantic gives to the branches of a union."""
    parts: list[str] = []
    here: Any = model
    for part in location:
        fields = getattr(here, "model_fields", None)
        if fields is not None:
            parts.append(str(part))
            here = _inner(fields[part].annotation) if part in fields else None
        elif here is dict:
            parts.append(str(part))
            here = None
    return ".".join(parts)


def _inner(annotation: Any) -> Any:
    for part in getattr(annotation, "__args__", (annotation,)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
        if getattr(part, "__origin__", None) is dict:
            return dict
    return None


def _message(details: Sequence[ErrorDetails], path: str, model: type[BaseModel]) -> str:
    choices = [detail["ctx"]["expected"] for detail in details if detail["type"] == "literal_error"]
    amounts = [detail["ctx"]["reason"] for detail in details if detail["type"] == "amount"]
    first = details[0]
    if amounts:
        word = choices[0].replace("'", "") if choices else ""
        return f"{amounts[0]}, or {word}" if word else amounts[0]
    if choices:
        allowed, value = choices[0].replace("'", ""), first["input"]
        return f"{quoted(value)} is not one of {allowed}{_nearest(value, allowed)}"
    if first["type"] == "extra_forbidden":
        return _unknown_key(path, model)
    return _plain(first)


def _plain(detail: ErrorDetails) -> str:
    kind, value = detail["type"], detail["input"]
    if kind == "missing":
        return "is missing; every design file needs it"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{quoted(value)} is {type_name(value)}; write a section of `key: value` lines"
    if kind == "bool_type":
        return f"{quoted(value)} is not a truth value; write true or false"
    if kind == "string_type":
        return f"{quoted(value)} is {type_name(value)}; write text (in quotes if it looks like a number)"
    if kind in ("int_type", "int_from_float", "greater_than_equal", "less_than"):
        return f"{quoted(value)} is not a whole number from 0; write one such as 1"
    if kind == "string_too_short":
        return "is empty; write some text or leave it out"
    if kind == "string_too_long":
        return f"has {len(value):,} characters; at most {detail['ctx']['max_length']:,} are allowed"
    if kind == "string_pattern_mismatch":
        return f"{quoted(value)} has a line break or a control character; write plain text"
    return f"{quoted(value)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _unknown_key(path: str, model: type[BaseModel]) -> str:
    *sections, key = path.split(".")
    here: Any = model
    for section in sections:
        here = _inner(here.model_fields[section].annotation)
    allowed = list(here.model_fields)
    near = difflib.get_close_matches(key, allowed, n=1, cutoff=WORDS_CUTOFF)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"is not a known key; {hint}allowed: {', '.join(allowed)}"


def _nearest(value: Any, allowed: str) -> str:
    words, word = allowed.replace(" or ", ", ").split(", "), str(value).lower()
    near = [each for each in words if len(word) > 1 and each.startswith(word)]
    near = near or difflib.get_close_matches(word, words, n=1, cutoff=WORDS_CUTOFF)
    return f"; did you mean {near[0]}?" if near else ""
