"""Predictions beside published measurements that nobody here made. Nothing is imported until it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from navarch.validation.report import Prediction, Report, Skipped, Summary
    from navarch.validation.topics import Topic, topics, validate

__all__ = ["Prediction", "Report", "Skipped", "Summary", "Topic", "topics", "validate"]

_HOME = {
    "Prediction": "report",
    "Report": "report",
    "Skipped": "report",
    "Summary": "report",
    "Topic": "topics",
    "topics": "topics",
    "validate": "topics",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
