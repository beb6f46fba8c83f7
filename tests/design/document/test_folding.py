"""Calculations that repeat are written out once; the others are told by their inputs, and every link still leads."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from markdown_it import MarkdownIt

from navarch.core.arithmetic import sum_of
from navarch.core.folding import FEWEST, folds_of
from navarch.core.ledger import Entry, Ledger, Value, equation
from navarch.design.document import Document, Prose, Section, numbers_in, paragraph, section
from navarch.design.document.appendix import entry_of, make_appendix
from navarch.design.render import render_html, render_markdown, render_pdf


@equation(symbol="t_tile", unit="s", source="test", symbols={"rows": "m", "columns": "n", "tile": "a", "rate": "R"})
def tile_time(rows, columns, tile, rate):
    """Time of all tiles.

    rows: of the result; columns: of the result; tile: side of a tile; rate: of a core [1/s].
    """
    return np.ceil(rows / tile) * np.ceil(columns / tile) / rate


@equation(symbol="t_prod", unit="s", source="test", symbols={"best": "t_best", "launch": "t_0"})
def product_time(best, launch):
    """Time of a product.

    best: of the best tiling [s]; launch: of the kernel [s].
    """
    return best + launch


SIDES = (16, 32, 64, 128, 256, 512, 1024, 2048)


def product(ledger: Ledger, shape: tuple[int, int], sides: tuple[int, ...] = SIDES) -> Value:
    """A product of a shape with many inner numbers, as a chain of sums of its tilings."""
    rows, columns = (ledger.field(f"shape.{n}", n, "1", f"Width {n}") for n in shape)
    rate, launch = ledger.field("rate", 3.0, "1/s", "Rate"), ledger.field("launch", 1.0, "s", "Launch")
    times = [tile_time(rows, columns, ledger.field(f"tile.{s}", s, "1", f"Tile {s}"), rate) for s in sides]
    together = times[0]
    for time in times[1:]:
        together = sum_of(together, time)
    return product_time(together, launch, title=f"Product of {shape[0]}")


def of_many(count: int, **more: tuple[int, ...]) -> tuple[Ledger, list[Value], Value]:
    """A ledger with so many products and their sum."""
    with Ledger() as ledger:
        made = [product(ledger, (100 + i, 7), **more) for i in range(count)]
        total = sum_of(*made, title="All products")
    return ledger, made, total


def folded(ledger: Ledger, *printed: Value):
    reached = {a.number: a for v in printed for a in v.entry.ancestors()}
    return folds_of(list(reached.values()), {v.entry.number for v in printed})


def test_one_is_written_out_and_the_others_are_told_by_what_differs():
    ledger, made, total = of_many(9)
    (fold,), hidden = folded(ledger, total)
    assert fold.shown is made[0].entry
    assert [row.entry for row in fold.rows] == [v.entry for v in made[1:]]
    assert [c.parameter.name for c in fold.columns] == ["rows"]
    assert [row.inputs[0].value for row in fold.rows] == [101 + i for i in range(8)]
    shown = {a.number for a in made[0].entry.ancestors()}
    assert not hidden & shown
    assert hidden == {a.number for v in made[1:] for a in v.entry.ancestors() if not a.is_leaf} - {
        v.entry.number for v in made
    }
    assert fold.unit(0) == "1"


def test_an_input_that_differs_in_place_only_is_told_once():
    """The sides of a matrix change places in its gradients; a row that has them all need not say so again."""
    with Ledger() as ledger:
        made = [product(ledger, shape) for i in range(8) for shape in ((100 + i, 7 + i), (7 + i, 100 + i))]
        total = sum_of(*made)
    (fold,), _ = folded(ledger, total)
    assert [c.parameter.name for c in fold.columns] == ["rows", "columns"]
    assert len(fold.rows) == 15


def test_few_or_small_calculations_are_all_written_out():
    ledger, _, total = of_many(FEWEST - 1)
    assert folded(ledger, total) == ((), set())
    ledger, _, total = of_many(40, sides=(16, 32))
    assert folded(ledger, total) == ((), set())


def test_what_the_text_prints_is_written_out():
    ledger, made, total = of_many(12)
    (fold,), hidden = folded(ledger, total, made[5])
    assert made[5].entry not in [fold.shown, *(row.entry for row in fold.rows)]
    assert not hidden & {a.number for a in made[5].entry.ancestors()}
    inner = next(a for a in made[7].entry.ancestors() if a.equation is tile_time)
    (fold,), hidden = folded(ledger, total, Value(inner.value, inner))
    assert made[7].entry not in [row.entry for row in fold.rows]
    assert inner.number not in hidden


def test_calculations_of_other_forms_are_not_mixed():
    with Ledger() as ledger:
        one = [product(ledger, (100 + i, 7)) for i in range(8)]
        other = [product(ledger, (100 + i, 9), SIDES[:-1]) for i in range(8)]
        total = sum_of(*one, *other)
    folds, _ = folded(ledger, total)
    assert sorted(len(f.rows) for f in folds) == [7, 7]
    assert {f.shown.number for f in folds} == {one[0].entry.number, other[0].entry.number}


@pytest.mark.parametrize("seed", range(20))
def test_in_any_graph_what_is_left_has_all_that_it_rests_on(seed):
    """Random graphs of calculations: nothing shown has an input that is hidden, unless a row tells it."""
    chance = random.Random(seed)
    with Ledger() as ledger:
        known = [product(ledger, (chance.randrange(2, 500), chance.randrange(2, 60))) for _ in range(20)]
        for _ in range(30):
            known.append(chance.choice([sum_of, product_time])(*chance.sample(known, 2)))
        printed = chance.sample(known, 3)
    reached = {a.number: a for v in printed for a in v.entry.ancestors()}
    folds, hidden = folded(ledger, *printed)
    rows = {row.entry.number for fold in folds for row in fold.rows}
    assert not rows & hidden
    for number, entry in reached.items():
        if number not in hidden and number not in rows:
            assert all(i.entry.number not in hidden for i in entry.inputs)
    assert all(e.number not in hidden for fold in folds for row in fold.rows for e in row.inputs)


@pytest.fixture(scope="module")
def repeating(document):
    ledger, made, total = of_many(20)
    told = paragraph("All take {t}, the last of them {one}.", t=total, one=made[-1])
    return bare(document, told.prose, ledger, (section("all", "All", told),))


def bare(document: Document, told: Prose, ledger: Ledger, sections: tuple[Section, ...] = ()) -> Document:
    """A document of little but what is told."""
    verdict = replace(document.verdict, prose=told)
    return replace(document, cards=(), constraints=(), movers=None, subtitle=told, verdict=verdict, sections=sections,
                   ledger=ledger, intervals={})  # fmt: skip


def test_every_link_leads_in_all_renderings(repeating, page_of):
    appendix = make_appendix(repeating)
    (fold,) = appendix.folds
    anchors = {code.lower() for code in appendix.codes.values()}
    page = page_of(render_html(repeating))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert anchors <= set(page.ids) and len(page.ids) == len(set(page.ids))
    assert f"#{appendix.anchor(fold.rows[-1].entry)}" in page.links
    other = page_of(MarkdownIt("gfm-like", {"linkify": False}).render(render_markdown(repeating)))
    assert {link[1:] for link in other.links if link.startswith("#")} <= set(other.ids)
    assert anchors <= set(other.ids)
    assert render_pdf(repeating).startswith(b"%PDF")  # typst refuses a link that leads nowhere


def test_codes_are_without_gaps_and_name_their_entries(repeating):
    appendix = make_appendix(repeating)
    numbers = sorted(int(code[1:]) for code in appendix.codes.values() if code[0] == "A")
    assert numbers == list(range(1, len(numbers) + 1))
    for number, code in appendix.codes.items():
        assert entry_of(repeating, code).number == number
        assert entry_of(repeating, code.lower()).number == number
    assert entry_of(repeating, "A0") is None and entry_of(repeating, "X1") is None
    assert all(n.entry.number in appendix.codes for n in numbers_in(repeating))


def test_a_row_of_a_general_title_is_called_by_what_alone_uses_it(document):
    with Ledger() as ledger:
        launch, made = ledger.field("launch", 1.0, "s", "Launch"), []
        for i in range(9):
            inner = product(ledger, (100 + i, 7))
            general = product_time(Value(*_first(inner)), launch)
            made.append(sum_of(general, launch, title=f"Product number {i}"))
        total = sum_of(*made)
    appendix = make_appendix(bare(document, paragraph("All take {t}.", t=total).prose, ledger))
    (fold,) = appendix.folds
    assert fold.rows[0].entry.title == "Time of a product"
    assert [appendix.named(row) for row in fold.rows] == [f"Product number {i}" for i in range(1, 9)]


def _first(value: Value) -> tuple[float, Entry]:
    """The first input of a calculation."""
    entry = value.entry.inputs[0].entry
    return entry.value, entry
