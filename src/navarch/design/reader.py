"""From a design file to a Design: YAML without its traps, and a message for everything that can be wrong with a file.

Booleans are only `true` and `false`, numbers only decimal, so that `no`, `1:30` or `0x10` stay text. Anchors, aliases,
tags, duplicate keys and several documents in one file are refused. The parser's events are read one by one, so that
nothing is built from a file that will be refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from navarch.design.errors import DesignError
from navarch.design.spec import Design

SIZE_LIMIT = 1_000_000
"""Largest design file [byte]."""
DEPTH_LIMIT = 16
"""Deepest nesting of a design file."""

INTEGER = re.compile(r"[-+]?[0-9]+")
DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
DIGITS_LIMIT = 400
WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
NOTHING = {"", "~", "null", "Null", "NULL"}

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_design(path: str | Path) -> Design:
    """Return the design that a file describes, or raise a DesignError that tells what is wrong with it."""
    source = Path(path)
    data = _bytes(source)
    content, lines = read_mapping(_text(data, source), str(source))
    return Design.of(content, source_path=source, text_sha256=hashlib.sha256(data).hexdigest(), lines=lines)


def read_mapping(text: str, source: str = "") -> tuple[dict[str, Any], dict[str, int]]:
    """Return the mapping that a YAML text holds, and the line at which each dotted key stands."""
    reader = _Reader(source)
    try:
        events = yaml.parse(text, Loader=Loader)
        content = reader.document(iter(events))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = error.problem or error.context or "cannot be read"
        raise DesignError("", f"{at}not valid YAML: {what}", source=source) from error
    except yaml.reader.ReaderError as error:
        raise DesignError(
            "", f"not valid YAML: character {error.position + 1} is a control character", source=source
        ) from error
    if content is None:
        raise DesignError("", "is empty; `navarch init` writes a file to start from", source=source)
    if not isinstance(content, dict):
        kind = "a list" if isinstance(content, list) else "a single value"
        raise DesignError("", f"holds {kind}; a design file is a mapping of `key: value` lines", source=source)
    return content, reader.lines


def _bytes(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError as error:
        raise DesignError(
            "", "there is no such file; `navarch init` writes one to start from", source=str(source)
        ) from error
    except IsADirectoryError as error:
        raise DesignError("", "is a folder; name a design file", source=str(source)) from error
    except OSError as error:
        raise DesignError("", f"cannot be read: {error.strerror or error}", source=str(source)) from error
    except ValueError as error:
        raise DesignError("", f"is not a file name: {error}", source=repr(str(source))) from error
    if len(data) > SIZE_LIMIT:
        raise DesignError("", f"is larger than {SIZE_LIMIT / 1e6:g} MB; a design file has a few kB", source=str(source))
    return data


def _text(data: bytes, source: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DesignError(
            "", f"line {line}: byte 0x{data[error.start]:02x} is not UTF-8 text", source=str(source)
        ) from error


class _Reader:
    """Builds plain dicts, lists and scalars from YAML events, and remembers where each key stands."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[str, int] = {}

    def document(self, events: Iterator[Event]) -> Any:
        content: Any = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error("", "a second document starts; one design a file", event)
            elif isinstance(event, (MappingStartEvent, SequenceStartEvent, ScalarEvent, AliasEvent)):
                content = self._node(event, events, "", 0)
        return content

    def _node(self, event: Event, events: Iterator[Event], path: str, depth: int) -> Any:
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise self._error(path, "YAML anchors and aliases (& and *) are not allowed; write the value out", event)
        tag = getattr(event, "tag", None)
        if tag and tag != "!":
            raise self._error(path, f"the YAML tag {tag.replace('tag:yaml.org,2002:', '!!')} is not allowed", event)
        if depth > DEPTH_LIMIT:
            raise self._error(path, f"is nested more than {DEPTH_LIMIT} deep", event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, path, depth)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, path, depth)
        scalar = cast(ScalarEvent, event)
        return scalar.value if scalar.style not in (None, "") else _scalar(scalar.value)

    def _mapping(self, events: Iterator[Event], path: str, depth: int) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                return content
            key = self._key(event, path)
            here = f"{path}.{key}" if path else key
            line = _line(event) or 0
            if key in content:
                raise self._error(here, f"is given twice, in lines {self.lines[here]} and {line}", None)
            self.lines[here] = line
            content[key] = self._node(next(events), events, here, depth + 1)
        return content

    def _key(self, event: Event, path: str) -> str:
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise self._error(path, "YAML anchors and aliases (& and *) are not allowed; write the value out", event)
        if not isinstance(event, ScalarEvent):
            raise self._error(path, "a list or mapping stands where a key should be", event)
        if event.value == "<<" and event.style in (None, ""):
            raise self._error(path, "YAML merge keys (<<) are not allowed; write the values out", event)
        return event.value

    def _sequence(self, events: Iterator[Event], path: str, depth: int) -> list[Any]:
        content: list[Any] = []
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            content.append(self._node(event, events, path, depth + 1))
        return content

    def _error(self, path: str, message: str, event: Event | None) -> DesignError:
        return DesignError(path, message, line=_line(event), source=self.source)


def _line(event: Event | None) -> int | None:
    """Return the line at which an event stands, counted from 1."""
    return event.start_mark.line + 1 if event is not None and event.start_mark is not None else None


def _scalar(text: str) -> Any:
    """Return what an unquoted word means: nothing, a truth value, a decimal number, or text."""
    if text in NOTHING:
        return None
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text) and len(text) <= DIGITS_LIMIT:
        return int(text)
    if DECIMAL.fullmatch(text):
        return float(text)
    if NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "").lower())
    return text
