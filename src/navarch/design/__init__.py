"""Week 16: the design file, its evaluation, and the document that justifies it. Names are loaded on use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from navarch.design.amount import Amount
    from navarch.design.document import write_documents
    from navarch.design.errors import DesignError, Problem
    from navarch.design.evaluation import evaluate
    from navarch.design.reader import read_design
    from navarch.design.schema import design_schema
    from navarch.design.spec import Design, notes
    from navarch.design.starter import starter_text, write_starter

__all__ = [
    "Amount",
    "Design",
    "DesignError",
    "Problem",
    "design_schema",
    "evaluate",
    "notes",
    "read_design",
    "starter_text",
    "write_documents",
    "write_starter",
]

_HOME = {
    "Amount": "amount",
    "Design": "spec",
    "DesignError": "errors",
    "Problem": "errors",
    "design_schema": "schema",
    "evaluate": "evaluation",
    "notes": "spec",
    "read_design": "reader",
    "starter_text": "starter",
    "write_documents": "document",
    "write_starter": "starter",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
