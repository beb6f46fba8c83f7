"""The frame that all labs stand on: predict, commit, unlock, measure, keep, decide.

`Lab` is loaded when it is first asked for, so that a measurement process does not load the notebook's machinery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from navarch.course.frame.lab import Lab

__all__ = ["Lab"]


def __getattr__(name: str) -> Any:
    if name != "Lab":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from navarch.course.frame.lab import Lab

    return Lab
