"""The house: what can be seen from outside of every room."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import navarch

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MOST_LINES = 500
OF_A_NOTEBOOK = 600
"""A lab is a page that is read from top to bottom, in the one layout that its editor writes."""
LABS = ROOT / "src/navarch/course/labs"
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_importing_navarch_loads_no_library() -> None:
    code = (
        "import sys, navarch; print([m for m in ('numpy', 'pydantic', 'pint', 'polars', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src")
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [n for n in navarch.__all__ if n not in ("evaluate", "write_documents")])
def test_names_are_there(name: str) -> None:
    assert getattr(navarch, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = navarch.nothing


@pytest.mark.parametrize("source", SOURCES, ids=_name)
def test_a_source_file_keeps_to_the_house_rules(source: Path) -> None:
    text = source.read_text("utf-8")
    assert text.count("\n") < (OF_A_NOTEBOOK if source.parent == LABS else MOST_LINES)
    assert source.name != "utils.py"
    assert not UNFINISHED.search(text)
    assert not text or text.lstrip().startswith('"""')


def test_every_package_has_a_docstring() -> None:
    folders = {p.parent for p in SOURCES}
    without = [_name(f) for f in sorted(folders) if f != ROOT / "src" and not (f / "__init__.py").exists()]
    assert without == []


def test_constraints_name_versions_only() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines)
