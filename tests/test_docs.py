"""The documentation's code runs, its links lead somewhere, and the page of equations can be made."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from navarch import formula, registry

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
PAGES += sorted(ROOT.glob("docs/decisions/*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
GENERATED = ("equations/index.md", "images/frontier-page1.png")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


SLOW = ("docs/storage.md", "docs/flows.md")
"""Pages whose code simulates for longer than a few seconds."""


def _paced(page: Path) -> object:
    return pytest.param(page, id=_name(page), marks=[pytest.mark.slow] if _name(page) in SLOW else [])


@pytest.mark.parametrize("page", [_paced(p) for p in PAGES if BLOCK.search(p.read_text("utf-8"))])
def test_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    source = tmp_path / f"{page.stem.replace('-', '_')}_page.py"
    source.write_text("\n".join(BLOCK.findall(page.read_text("utf-8"))), "utf-8")
    spec = importlib.util.spec_from_file_location(source.stem, source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, source.stem, module)
    spec.loader.exec_module(module)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_to_files(page: Path) -> None:
    missing = [
        link for link in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / link).exists() and not link.endswith(GENERATED)
    ]  # fmt: skip
    assert missing == []


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs/decisions/index.md").read_text("utf-8")
    assert [p.name for p in sorted(ROOT.glob("docs/decisions/0*.md")) if p.name not in index] == []


def test_pages_of_equations(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "scripts/build_docs.py")
    assert spec is not None
    assert spec.loader is not None
    build_docs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build_docs)
    before = set(registry())
    written = build_docs.write_equations(tmp_path)
    text = "".join(path.read_text("utf-8") for path in written)
    assert before <= set(registry())
    ours = [used for used in registry().values() if used.function.__module__.startswith("navarch.")]
    assert len(ours) > 20
    for used in ours:
        assert f"`{used.identifier}`" in text
        assert formula(used, "mathml") in text
