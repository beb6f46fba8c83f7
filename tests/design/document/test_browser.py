"""The HTML document in a real browser: no error, no sideways scrolling on a phone, dark mode, links there and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from navarch.catalog import load
from navarch.design.chapters import build_document
from navarch.design.evaluation import evaluate
from navarch.design.reader import read_design
from navarch.design.render import render_html

EXAMPLE = Path(__file__).parents[3] / "examples" / "lab-cluster.yaml"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "lab.html"
    path.write_text(render_html(build_document(evaluate(read_design(EXAMPLE), load()))))
    return path.as_uri()


@pytest.fixture(scope="module")
def browser(browser_path):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=str(browser_path), args=["--no-sandbox"])
        yield launched
        launched.close()


def opened(browser, address, width, scheme="light"):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.errors = []
    page.on("console", lambda said: page.errors.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(address)
    return page


@pytest.mark.parametrize("width", [1280, 400])
def test_no_error_and_no_sideways_scrolling(browser, address, width):
    page = opened(browser, address, width)
    assert page.errors == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_dark_is_dark(browser, address):
    paper = {}
    for scheme in ("light", "dark"):
        page = opened(browser, address, 1000, scheme)
        shade = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        paper[scheme] = sum(int(part) for part in shade.strip("rgba() ").split(",")[:3])
        page.close()
    assert paper["dark"] < 200 < 600 < paper["light"]


def test_a_number_leads_to_its_derivation_and_back(browser, address):
    page = opened(browser, address, 1280)
    number = page.locator("main a.n[href^='#a']").first
    target = number.get_attribute("href")
    number.click()
    assert page.url.endswith(target)
    entry = page.locator(target)
    assert entry.is_visible()
    assert page.evaluate("id => document.getElementById(id).getBoundingClientRect().top", target[1:]) < 900
    page.close()
