"""User text is data: markup in names appears as written in all three documents and executes nowhere."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from navarch.core.ledger import Fact, Ledger
from navarch.design.document import Label, paragraph, section, table
from navarch.design.document.wording import clean, safe_url
from navarch.design.figures import latency_by_region
from navarch.design.render import render_html, render_markdown, render_pdf, render_typst
from navarch.design.render.markdown import escape

NAMES = (
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "</style></title><b>bold</b>",
    '#import "x.typ": *',
    "#{ panic(1) } $x^2$ #eval(\"1\")",
    '"; panic(); "\\',
    "[a](javascript:alert(1))",
    "![i](http://example.org/x.png) https://example.org www.example.org",
    "a | b || c `code` ``two`` ~~gone~~ **bold** _it_",
    "1. not a list",
    "- nor this\n# nor a heading",
    "&lt;already&gt; &amp; {{ 7*7 }} {% raw %}",
    "שלום ‮desrever‬ عالم",
    "表 Grüße naïve ½ 😀",
    "\x00\x1b[31m\ud800 control",
)  # fmt: skip


class Words(HTMLParser):
    """The text of a page, and its tags."""

    def __init__(self, text: str):
        super().__init__()
        self.said = ""
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [v for k, v in attrs if k in ("href", "src") and v]
        assert not [k for k, _ in attrs if k.startswith("on")]

    def handle_data(self, data):
        self.said += data


def _spaced(text: str) -> str:
    """Text without invisible isolates, and with its spaces as one."""
    return re.sub(r"\s+", " ", re.sub("[\u2068\u2069]", "", text)).strip()


def _hostile(document, name: str):
    """The document with a name in every place where other people's text may stand."""
    with Ledger() as ledger:
        fact = ledger.fact(
            Fact("evil", 3.0, "s", name, name, url="javascript:alert(1)", date=name, note=name, low=2, high=4)
        )
        field = ledger.field(f"site.{name}", 3.0, "s", name)
        choice = ledger.choice(name, 3.0, "s", name, name)
        seen = ledger.observation(name, 3.0, "s", None, None, name, name)
    label = Label(name, "design file")
    blocks = (
        paragraph("A site {x} with {a}, {b}, {c} and {d}.", x=label, a=fact, b=field, c=choice, d=seen),
        table([label, "Value"], [[label, fact]], label),
        latency_by_region([(label, fact)], label),
    )
    made = replace(document.imprint, file=name)
    return replace(
        document, title=label, sections=(section("a", label, *blocks, summary=label),), ledger=ledger, imprint=made
    )


@pytest.mark.parametrize("name", NAMES)
def test_html_shows_it_as_written(document, name):
    page = Words(render_html(_hostile(document, name)))
    assert not page.tags & {"script", "img", "iframe"}
    assert not [link for link in page.links if link.lower().startswith(("javascript", "data"))]
    assert _spaced(page.said).count(_spaced(clean(name))) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_markdown_shows_it_as_written(document, name):
    text = re.sub(r"\$`[^`]*`\$", "", render_markdown(_hostile(document, name)))  # without the formulas
    page = Words(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))
    assert not page.tags & {"script", "img", "del", "code", "em", "b"}
    assert not [
        link for link in page.links if not link.startswith(("#", "https://arxiv.org", "https://www.nvidia.com"))
    ]
    assert _spaced(page.said).count(_spaced(clean(name))) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_typst_takes_it_as_a_literal(document, name):
    made = _hostile(document, name)
    source = render_typst(made)
    literals = re.findall(r'"(?:[^"\\]|\\.)*"', source)
    assert sum(json.loads(re.sub(r"\\u\{(\w+)\}", " ", s)) == clean(name) for s in literals if _loads(s)) >= 8
    body = re.sub(r'"(?:[^"\\]|\\.)*"', "", source.split("#show: sheet.with(")[1])
    for word in ("panic", "import", "eval", "alert", "script", "bold"):
        assert word not in body
    assert render_pdf(made).startswith(b"%PDF-")


def _loads(literal: str) -> bool:
    try:
        json.loads(re.sub(r"\\u\{(\w+)\}", " ", literal))
    except ValueError:
        return False
    return True


def test_drawings_are_sound_xml(document):
    from xml.etree import ElementTree

    for name in NAMES:
        for block in _hostile(document, name).sections[0].blocks:
            if hasattr(block, "svg"):
                drawn = ElementTree.fromstring(block.svg)  # noqa: S314
                assert {e.tag.rpartition("}")[2] for e in drawn.iter()} <= {
                    "svg",
                    "rect",
                    "line",
                    "text",
                    "path",
                    "circle",
                }


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", 'https://x.org/"onclick', "ftp://x", "//x.org", "https://a b"]
)
def test_only_web_addresses_are_linked(url):
    assert safe_url(url) == ""


def test_escaped_markdown_reads_back(document):
    for name in NAMES:
        said = Words(MarkdownIt("commonmark").render(escape(name))).said
        assert _spaced(said) == _spaced(clean(name))
