"""Types of the elements of a message, and how they add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from navarch.distributed.collectives.schedule import Array, CollectiveError

_HALF_OF_LAST_BIT, _LOWER_BITS = np.uint32(0x7FFF), np.uint32(16)
_QUIET = np.uint16(0x7FC0)


@dataclass(frozen=True)
class ElementType:
    """A type of elements. stored: as NumPy holds it; add_into: adds the second array to the first; exact: integers."""

    name: str
    stored: np.dtype[Any]
    add_into: Callable[[Array, Array], None]
    exact: bool

    def add(self, held: Array, arrived: Array) -> Array:
        """The sum as a new array, to the same bits as `add_into`."""
        total = held.copy()
        self.add_into(total, arrived)
        return total

    def drawn(self, seed: int, rank: int, elements: int) -> Array:
        """Elements that a rank brings, the same wherever they are drawn: normal, or over the range of the integers."""
        stream = np.random.default_rng([seed, rank])
        if self.exact:
            return stream.integers(0, 256, elements * self.stored.itemsize, np.uint8).view(self.stored)
        normal = stream.standard_normal(elements, np.float32)
        return to_bfloat16(normal) if self.name == "bfloat16" else normal.astype(self.stored)

    def wide(self, stored: Array) -> Array:
        """The elements as float64 (integers as they are)."""
        if self.exact:
            return stored
        return (from_bfloat16(stored) if self.name == "bfloat16" else stored).astype(np.float64)

    def ones(self, elements: int) -> Array:
        """As many ones."""
        one = to_bfloat16(np.ones(1, np.float32)) if self.name == "bfloat16" else np.ones(1, self.stored)
        return np.full(elements, one[0], self.stored)


def from_bfloat16(stored: Array) -> Array:
    """bfloat16, held as uint16, as float32."""
    return (stored.astype(np.uint32) << _LOWER_BITS).view(np.float32)


def to_bfloat16(values: Array) -> Array:
    """float32 rounded to the nearest bfloat16 (ties to even), held as uint16."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + _HALF_OF_LAST_BIT + ((bits >> _LOWER_BITS) & np.uint32(1))) >> _LOWER_BITS
    return np.where(np.isnan(values), _QUIET, rounded.astype(np.uint16))


def _add_native(held: Array, arrived: Array) -> None:
    np.add(held, arrived, out=held)


def _add_bfloat16(held: Array, arrived: Array) -> None:
    from navarch.distributed.collectives.half_kernels import add_bfloat16

    add_bfloat16(held, arrived)


def _add_float16(held: Array, arrived: Array) -> None:
    from navarch.distributed.collectives.half_kernels import add_float16

    add_float16(held.view(np.uint16), arrived.view(np.uint16))


_OWN_SUMS = {"bfloat16": _add_bfloat16, "float16": _add_float16}
ELEMENT_TYPES = {
    name: ElementType(
        name,
        np.dtype(np.uint16 if name == "bfloat16" else name),
        _OWN_SUMS.get(name, _add_native),
        "int" in name,
    )
    for name in ("float32", "float64", "float16", "bfloat16", "int32", "int64", "uint8")
}


def element_type(name: str) -> ElementType:
    """The type of a name; CollectiveError names those there are."""
    if name not in ELEMENT_TYPES:
        raise CollectiveError(f"dtype: {name!r} is not one; there are: {', '.join(ELEMENT_TYPES)}")
    return ELEMENT_TYPES[name]
