"""The one error of sweeps, and what a failing chunk is called in it."""

from __future__ import annotations

import pickle
from typing import Any

LONGEST = 80


class SweepError(ValueError):
    """Why a sweep cannot start, go on or be resumed, in one message that says what to do."""


class ToldError(Exception):
    """An error of another process, by its name and message alone."""


def failed_chunk(index: int, chunk: Any, cause: BaseException) -> SweepError:
    """The error of a chunk, named by its number and what it holds, and its cause."""
    held = repr(chunk)
    named = held if len(held) <= LONGEST else f"{held[:LONGEST]}..."
    told = str(cause) if isinstance(cause, ToldError) else _named(cause)
    return SweepError(f"chunk {index} of the sweep, {named}, failed: {told}")


def sendable(error: Exception) -> Exception:
    """An error as it can be sent to another process: itself, or where it cannot be unpickled, what it is called."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (made here)
    except (pickle.PicklingError, TypeError, ValueError, AttributeError, LookupError):
        return ToldError(_named(error))
    return error


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
