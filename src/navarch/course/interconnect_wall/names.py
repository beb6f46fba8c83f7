"""Names as figures and questions have room for them."""

from __future__ import annotations


def short(name: str) -> str:
    """A name without what stands in brackets."""
    return name.partition(" (")[0]
