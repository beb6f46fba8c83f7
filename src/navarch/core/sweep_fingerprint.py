"""The fingerprint of a sweep: what must be the same for results computed earlier to be its results."""

from __future__ import annotations

import functools
import hashlib
import inspect
import pickle
import platform
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

from navarch.core.sweep_error import SweepError

WHAT = {
    "function": "the function",
    "python": "the version of Python",
    "numpy": "the version of NumPy",
    "code": "the code of the function or of the package that it is in",
    "shared": "the shared argument, or an argument bound to the function,",
    "chunks": "the list of chunks",
}
"""The parts of a fingerprint as a message calls them, in the order in which a difference is reported."""


def fingerprint(function: Any, shared: Any, chunks: Iterable[Any]) -> dict[str, str]:
    """The parts of a sweep's fingerprint, by the names of `WHAT`."""
    inner, bound = _unbound(function)
    return {
        "function": f"{inner.__module__}.{getattr(inner, '__qualname__', type(inner).__qualname__)}",
        "python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": np.__version__,
        "code": _code(inner),
        "shared": digest([(bound, shared)]),
        "chunks": digest(chunks),
    }


def _unbound(function: Any) -> tuple[Any, list[Any]]:
    """The function that a partial rests on, and what is bound to it: arguments, or an object whose method it is."""
    bound: list[Any] = []
    while isinstance(function, functools.partial):
        bound.append((function.args, function.keywords))
        function = function.func
    if inspect.ismethod(function):
        bound.append(function.__self__)
    elif not hasattr(function, "__qualname__"):
        bound.append(function)
    return function, bound


def digest(values: Iterable[Any]) -> str:
    """A digest of values: of what they hold, not of which objects are shared or in which order a set lists them."""
    hashed = hashlib.blake2b(digest_size=16)
    for value in values:
        try:
            _Hashing(hashed).dump(value)
        except (pickle.PicklingError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise SweepError(f"a sweep that can be resumed needs arguments that can be pickled: {error}") from error
    return hashed.hexdigest()


class _Hashing(pickle.Pickler):
    """Pickles into a hash: without a memo, so that equal values have equal bytes; arrays are hashed where they lie."""

    def __init__(self, hashed: Any) -> None:
        self._hashed = hashed
        super().__init__(self, protocol=5, buffer_callback=self._buffer)
        self.fast = True

    def write(self, data: Any) -> None:
        """Take what would go to a file."""
        self._hashed.update(data)

    def _buffer(self, buffer: pickle.PickleBuffer) -> bool:
        with buffer.raw() as raw:
            self._hashed.update(raw.nbytes.to_bytes(8, "little"))
            self._hashed.update(raw)
        return False

    def persistent_id(self, value: Any) -> Any:
        """Replace a set, whose order differs from one process to the next, by the sorted digests of its members."""
        if type(value) in (set, frozenset):
            return type(value).__name__, sorted(digest([member]) for member in value)
        return None


def _code(function: Any) -> str:
    """A digest of the source of the package that a function is in; of its module, where that is in none.

    A package is hashed whole, data files too: an equation or a fact that changed anywhere may change a result.
    """
    name = function.__module__
    module, top = sys.modules.get(name), sys.modules.get(name.partition(".")[0])
    start = getattr(top, "__file__", None)
    if start and Path(start).stem == "__init__":
        return _files(Path(start).parent)
    own = getattr(module, "__file__", None)
    if own and Path(own).exists():
        return hashlib.blake2b(Path(own).read_bytes(), digest_size=16).hexdigest()
    return digest(_compiled(getattr(function, "__code__", None)))


def _files(package: Path) -> str:
    hashed = hashlib.blake2b(digest_size=16)
    for path in sorted(p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        hashed.update(path.relative_to(package).as_posix().encode() + b"\0")
        hashed.update(hashlib.blake2b(path.read_bytes()).digest())
    return hashed.hexdigest()


def _compiled(code: CodeType | None) -> Iterator[Any]:
    """What a compiled function consists of, functions within it too."""
    if code is None:
        return
    yield code.co_code
    yield code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _compiled(constant)
        else:
            yield constant
