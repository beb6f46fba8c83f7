"""The three renderings: every number is linked, links resolve both ways, equal documents give equal bytes."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from navarch.core.ledger import Ledger
from navarch.design.document import Label, Paragraph, ProseError, Reference, numbers_in, say, section
from navarch.design.document.appendix import make_appendix
from navarch.design.document.model import DecisionBlock
from navarch.design.render import render_html, render_markdown, render_pdf, render_typst
from navarch.design.render.typst import unbroken


@pytest.fixture(scope="module")
def html(document):
    return render_html(document)


@pytest.fixture(scope="module")
def markdown(document):
    return render_markdown(document)


def test_every_number_of_the_html_body_is_a_link_to_its_derivation(html, page_of):
    page = page_of(html)
    loose = re.sub(r"CO₂|\(80\s%:|80\s%:|section\s\d+", "", " ".join(page.loose))
    assert not re.findall(r"\S*\d\S*", loose)


def test_html_links_resolve_both_ways(html, document, page_of):
    page = page_of(html)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert all(link.startswith(("#", "https://", "http://")) for link in page.links)
    appendix = make_appendix(document)
    assert {code.lower() for code in appendix.codes.values()} <= set(page.ids)
    uses = [i for i in page.ids if re.fullmatch(r"u-[a-d]\d+-\d+", i)]
    assert {f"#{u}" for u in uses} <= set(page.links)


def test_every_number_has_an_entry_and_every_entry_an_origin(document):
    appendix = make_appendix(document)
    assert all(n.entry.number in appendix.codes for n in numbers_in(document))
    listed = {e.number for part in appendix.parts.values() for e in part}
    assert all(i.entry.number in listed for part in appendix.parts.values() for e in part for i in e.inputs)
    assert appendix.code(next(numbers_in(document)).entry) == "B1"
    assert not document.ledger.orphans()


def test_html_is_self_contained_and_runs_nothing(html, page_of):
    page = page_of(html)
    assert not page.tags & {"script", "iframe", "object", "embed", "link", "img", "base", "form"}
    assert not [a for a, _ in page.attributes if a.startswith("on")]
    assert not re.search(r"url\((?!#)|@import|src=", html)
    assert page.tags >= {"main", "nav", "header", "footer", "math", "svg", "figure", "figcaption", "caption"}
    assert 'lang="en"' in html and "prefers-color-scheme" not in html and "light-dark(" in html


def test_headings_do_not_skip_a_level(html):
    levels = [int(n) for n in re.findall(r"<h([1-6])[ >]", html)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_figures_have_identifiers_of_their_own_and_words(html):
    found = re.findall(r"<svg [^>]*>", html)
    assert len(found) == 9 + 1  # the tornado
    assert all('role="img"' in s and re.search(r'aria-label="[^"]{10,}"', s) for s in found)
    assert "var(--blue)" in html and "#1f5fbf" not in html.split("</style>")[1]


def test_markdown_links_resolve(markdown, document, page_of):
    page = page_of(MarkdownIt("gfm-like", {"linkify": False}).render(markdown))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert {c.lower() for c in make_appendix(document).codes.values()} <= set(page.ids)
    assert page.tags >= {"h1", "h2", "table", "strong"}
    assert "script" not in page.tags


def test_markdown_tables_have_equal_rows(markdown):
    for block in re.findall(r"(?:^\|.*\|\n)+", markdown, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_pdf(document):
    made = render_pdf(document)
    assert made.startswith(b"%PDF-")
    count = re.search(rb"/Type/Pages/Count (\d+)", made)
    assert count is not None and int(count[1]) >= 6
    assert b"/Outlines" in made and b"/StructTreeRoot" in made  # bookmarks, and tags for screen readers


def test_a_decision_given_in_part_says_so(document):
    def partly(block):
        return replace(block, by="partly") if isinstance(block, DecisionBlock) else block

    sections = tuple(replace(s, blocks=tuple(map(partly, s.blocks))) for s in document.sections)
    changed = replace(document, sections=sections)
    for render in (render_html, render_typst, render_markdown):
        assert "partly given in the design file; the rest chosen by navarch" in render(changed)


def test_only_sections_that_decide_stand_among_the_decisions(document):
    listed = [s for s in document.sections if s.decides]
    assert render_html(document).split('<ol class="decisions">')[1].split("</ol>")[0].count("<li>") == len(listed)
    assert 0 < len(listed) < len(document.sections) or all(s.decides for s in document.sections)


def test_the_widest_piece_of_a_formula():
    assert unbroken("a + frac(b - c, d) dot.op e") == "frac(b - c, d)"
    assert unbroken('"1 + 2 (x" dot.op y') == '"1 + 2 (x"'
    assert unbroken("") == ""


def test_equal_documents_give_equal_bytes(document):
    assert render_html(document) == render_html(document)
    assert render_markdown(document) == render_markdown(document)
    assert render_pdf(document) == render_pdf(document)


def test_a_reference_to_no_section_is_refused(document):
    stray = section("stray", "Stray", Paragraph(say("See {x}.", x=Reference("nowhere"))))
    broken = replace(document, sections=(*document.sections, stray))
    for render in (render_html, render_typst, render_markdown):
        with pytest.raises(ProseError, match="nowhere"):
            render(broken)


def test_a_design_without_headlines_still_renders(document):
    bare = replace(
        document, cards=(), constraints=(), movers=None, sections=(), ledger=Ledger(), intervals={}, title=Label("x")
    )
    assert "<h1>" in render_html(bare)
    assert render_markdown(bare).count("# ") >= 1
    assert render_pdf(bare).startswith(b"%PDF-")
