"""navarch: one design file in, a justified design document out.

A workbench for the people who design, run and learn to design AI fleets. The names below are loaded when first used,
so that `import navarch` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from navarch.catalog import Catalog
    from navarch.catalog import load as load_catalog
    from navarch.core.explain import explain
    from navarch.core.formula import formula
    from navarch.core.ledger import Fact, Ledger, Value, equation, printable, registry
    from navarch.core.quantity import parse, show
    from navarch.core.uncertainty import propagate
    from navarch.design import Design, evaluate, read_design, write_documents

__version__ = "0.1.0"

__all__ = [
    "Catalog",
    "Design",
    "Fact",
    "Ledger",
    "Value",
    "__version__",
    "equation",
    "evaluate",
    "explain",
    "formula",
    "load_catalog",
    "parse",
    "printable",
    "propagate",
    "read_design",
    "registry",
    "show",
    "write_documents",
]

_HOME = {
    "Catalog": ("catalog", "Catalog"),
    "Design": ("design", "Design"),
    "Fact": ("core.ledger", "Fact"),
    "Ledger": ("core.ledger", "Ledger"),
    "Value": ("core.ledger", "Value"),
    "equation": ("core.ledger", "equation"),
    "evaluate": ("design", "evaluate"),
    "explain": ("core.explain", "explain"),
    "formula": ("core.formula", "formula"),
    "load_catalog": ("catalog", "load"),
    "parse": ("core.quantity", "parse"),
    "printable": ("core.ledger", "printable"),
    "propagate": ("core.uncertainty", "propagate"),
    "read_design": ("design", "read_design"),
    "registry": ("core.ledger", "registry"),
    "show": ("core.quantity", "show"),
    "write_documents": ("design", "write_documents"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOME[name]
    found = getattr(import_module(f"{__name__}.{module}"), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
