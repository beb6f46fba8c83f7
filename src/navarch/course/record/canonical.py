"""One text for one value: JSON with sorted keys and no spaces, its floats to the last bit.

A whole number is written the same as integer and as float, so that a JSON tool in between does no harm; what JSON
cannot say (infinity, not a number) is a mapping with the one key `~`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from navarch.course.record.errors import RecordError

TAG = "~"
WHOLE = 2.0**53
SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def canonical(value: object) -> str:
    """The one text of a value that consists of mappings, sequences, texts, numbers, booleans and None."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def written(value: object) -> str:
    """The same, but with the keys in the order in which they were given: what is kept, for people to read."""
    return json.dumps(plain(value), separators=(",", ":"), allow_nan=False)


def plain(value: object) -> Any:
    """The value as JSON knows it; NumPy's numbers and arrays become Python's. Raises RecordError for anything else."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _number(float(value))
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise RecordError(f"{value!r} cannot be kept in a record; allowed: texts, numbers, lists and mappings of them")


def restored(value: Any) -> Any:
    """The inverse of `plain`."""
    if isinstance(value, dict):
        if value.keys() == {TAG}:
            return _special(value[TAG])
        return {key: restored(item) for key, item in value.items()}
    return [restored(item) for item in value] if isinstance(value, list) else value


def parsed(text: str) -> Any:
    """The value of a JSON text; raises RecordError where it is none or says a key twice."""
    try:
        return restored(json.loads(text, object_pairs_hook=_unique))
    except (ValueError, RecursionError) as error:
        raise RecordError(f"not JSON: {error}") from error


def _number(value: float) -> Any:
    if not math.isfinite(value):
        return {TAG: "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    whole = value.is_integer() and abs(value) < WHOLE and (value != 0 or math.copysign(1, value) > 0)
    return int(value) if whole else value


def _mapping(value: Mapping[Any, object]) -> dict[str, Any]:
    odd = [key for key in value if not isinstance(key, str)]
    if odd or value.keys() == {TAG}:
        raise RecordError(
            f"a mapping with the key {odd[0] if odd else TAG!r} cannot be kept in a record: keys are words"
        )
    return {key: plain(item) for key, item in value.items()}


def _special(name: object) -> float:
    if not isinstance(name, str) or name not in SPECIAL:
        raise RecordError(f"{name!r} is no number; allowed: {', '.join(SPECIAL)}")
    return SPECIAL[name]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise RecordError("a key stands twice in one mapping")
    return made
