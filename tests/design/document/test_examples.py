"""The documents of the real examples: every number is in the ledger, links resolve, hostile names stay text."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from navarch.catalog import load
from navarch.design.chapters import build_document
from navarch.design.document import numbers_in
from navarch.design.evaluation import evaluate
from navarch.design.reader import read_design
from navarch.design.render import render_html, render_markdown, render_pdf, render_typst

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = ("frontier", "llama3-405b", "gpt3-175b", "lab-cluster")
HOSTILE = '<script>alert(1)</script> #import "x" $E=mc^2$ [a](javascript:alert(2)) `c` | *b* <img src=x onerror=y>'
CAPSTONE = ("cluster", "parallelism", "faults", "serving", "carbon", "cost")


@pytest.fixture(scope="module")
def catalog():
    return load()


@pytest.fixture(scope="module")
def documents(catalog):
    return {name: build_document(evaluate(read_design(EXAMPLES / f"{name}.yaml"), catalog)) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_an_entry_of_the_ledger(documents, name):
    document = documents[name]
    entries = set(map(id, document.ledger.entries))
    found = list(numbers_in((document.verdict, document.cards, document.constraints, document.sections)))
    assert len(found) > 100
    assert all(id(number.entry) in entries for number in found)
    assert not [e for number in found for e in number.entry.ancestors() if e.kind == "orphan"]


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_the_page_is_a_link_to_its_derivation(documents, name, page_of):
    page = page_of(render_html(documents[name]))
    loose = re.sub(r"CO₂|\(80\s%:|80\s%:|section\s\d+", "", " ".join(page.loose))
    assert not re.findall(r"\S*\d\S*", loose)


@pytest.mark.parametrize("name", NAMES)
def test_every_link_of_the_page_resolves(documents, name, page_of):
    page = page_of(render_html(documents[name]))
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


@pytest.mark.parametrize("name", [NAMES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])])
def test_markdown_and_pdf_render(documents, name):
    text = render_markdown(documents[name])
    assert "<script" not in MarkdownIt("commonmark", {"html": True}).render(text)
    assert render_pdf(documents[name]).startswith(b"%PDF")


def test_the_capstone_items_come_first(documents):
    keys = [section.key for section in documents["frontier"].sections]
    assert tuple(keys[: len(CAPSTONE)]) == CAPSTONE


def test_every_decision_of_the_frontier_says_what_it_beat(documents, catalog):
    found = evaluate(read_design(EXAMPLES / "frontier.yaml"), catalog)
    for key in ("cluster.topology", "parallelism", "faults", "serving", "site", "cost"):
        assert found.decisions[key].runner_up is not None, key


def hostile_design(folder: Path) -> Path:
    """The frontier example with names that are markup, a model and a region of its own among them."""
    text = (EXAMPLES / "frontier.yaml").read_text()
    quoted = "'" + HOSTILE.replace("'", "''") + "'"
    text = re.sub(r"^name: .*$", lambda _: f"name: {quoted}", text, flags=re.M)
    text = re.sub(r"^summary: .*$", lambda _: f"summary: {quoted}", text, flags=re.M)
    text = text.replace("region: grid-se1 ", "region: hostile ")
    path = folder / "hostile.yaml"
    path.write_text(text)
    (folder / "own.yaml").write_text(
        "collection: region\nentries:\n"
        f"  - id: hostile\n    name: {quoted}\n    provider: own\n    place: {quoted}\n    country: none\n"
        "    lat: 60\n    lon: 20\n    source: here\n    evidence: estimate\n    pue: 1.1\n"
        "    grid_intensity: 20 gCO2e/kWh\n    electricity_price: 0.05 USD/kWh\n"
        f"---\ncollection: model\nentries:\n  - id: llama3.1-405b\n    name: {quoted}\n"
    )
    return path


@pytest.mark.slow
def test_markup_in_user_text_stays_text(tmp_path, page_of):
    design = read_design(hostile_design(tmp_path))
    document = build_document(evaluate(design, load([tmp_path / "own.yaml"])))
    page = page_of(render_html(document))
    assert "script" not in page.tags
    assert not [a for a, _ in page.attributes if a.startswith("on")]
    words = re.sub(r"\s+", " ", "".join(page.words))
    assert words.count(HOSTILE) > 5, "design, summary, region and model, each as written"
    assert f"replicas of {HOSTILE}" in words, "the model"
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(render_markdown(document))
    other = page_of(rendered)
    assert "script" not in other.tags and "img" not in other.tags
    assert not [link for link in other.links if link.startswith("javascript")]
    assert HOSTILE in re.sub(r"\s+", " ", "".join(other.words))
    source = render_typst(document)
    assert '"' + HOSTILE.replace('"', '\\"') + '"' in source.replace("\n", " ")
    assert render_pdf(document).startswith(b"%PDF")


@pytest.mark.slow
def test_killed_at_fifty_moments_the_documents_are_old_or_new(tmp_path):
    design = tmp_path / "fleet.yaml"
    old, new = ((EXAMPLES / f"{n}.yaml").read_text() for n in ("lab-cluster", "gpt3-175b"))
    command = [sys.executable, "-m", "navarch.cli", "design", str(design)]

    def documents() -> tuple[bytes, ...]:
        return tuple((tmp_path / f"fleet.{suffix}").read_bytes() for suffix in ("html", "pdf", "md"))

    versions = []
    for text in (new, old):
        design.write_text(text)
        begin = time.perf_counter()
        assert subprocess.run(command, capture_output=True, check=False).returncode in (0, 1)
        took = time.perf_counter() - begin
        versions.append(documents())
    design.write_text(new)
    chance = random.Random(7)
    for _ in range(50):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.3, 1.1) * took)
        running.send_signal(signal.SIGKILL)
        running.wait()
        for index, content in enumerate(documents()):
            assert content in (versions[0][index], versions[1][index])
    assert subprocess.run(command, capture_output=True, check=False).returncode in (0, 1)
    assert documents() == versions[0]
    assert not list(tmp_path.glob(".fleet.*.tmp")), "what killed runs left behind is swept"
