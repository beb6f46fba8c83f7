"""What a section says, for the tests of chapters: all its text, and its tables by row and column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from navarch.design.document import Section
from navarch.design.document.model import Table
from navarch.design.document.prose import Number
from navarch.design.document.wording import words


@pytest.fixture(scope="session")
def told_by() -> Callable[[Section], str]:
    return _told_by


@pytest.fixture(scope="session")
def rows_of() -> Callable[[Section, str], dict[str, dict[str, Any]]]:
    return _rows_of


def _told_by(section: Section) -> str:
    """All text of a section."""
    parts: list[str] = []

    def gather(content: object) -> None:
        if isinstance(content, tuple):
            for item in content:
                gather(item)
        elif hasattr(content, "parts"):
            parts.append(words(content))
        elif hasattr(content, "__dataclass_fields__") and not callable(content):
            for name in content.__dataclass_fields__:
                if name not in ("draw", "entry"):
                    gather(getattr(content, name))

    gather(section.blocks)
    return " ".join(parts)


def _rows_of(section: Section, first: str, has: str = "") -> dict[str, dict[str, Any]]:
    """The rows of the table with that first column, and one that is called so: by first cell, the numbers by column."""
    tables = [b for b in section.blocks if isinstance(b, Table)]
    tables += [b.alternatives for b in section.blocks if getattr(b, "alternatives", None) is not None]
    named = [t for t in tables if words(t.columns[0].title) == first]
    wanted = next(t for t in named if not has or has in [words(c.title) for c in t.columns])
    heads = [words(c.title) for c in wanted.columns]
    return {
        words(row.cells[0]): {
            head: cell.parts[0].entry.value
            for head, cell in zip(heads, row.cells, strict=True)
            if cell.parts and isinstance(cell.parts[0], Number)
        }
        for row in wanted.rows
    }
