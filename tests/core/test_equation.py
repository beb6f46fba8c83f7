"""An equation is a plain call without a ledger, a remembered float under one, and prints from its own body."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.core.arithmetic import ceil_div, largest_of, ratio, share_of, sum_of
from navarch.core.explain import explain
from navarch.core.formula import UnprintableError, formula, validity
from navarch.core.ledger import EquationError, Fact, Ledger, Value, equation, printable


@equation(
    symbol="T_ring",
    unit="s",
    source="Patarasuk and Yuan 2009, section 3",
    symbols={"message": "M", "ranks": "n", "bandwidth": "B", "latency": "alpha"},
    valid="ranks >= 2",
)
def ring(message, ranks, bandwidth, latency):
    """Time of a bandwidth-optimal ring all-reduce.

    message: bytes reduced [byte]; ranks: participants; bandwidth: of the slowest link, per direction [byte/s];
    latency: per step [s]. Valid for ranks >= 2 and equal links.
    """
    return 2 * (ranks - 1) / ranks * message / bandwidth + 2 * (ranks - 1) * latency


@printable(latex=r"W_0", name="W0")
def lambert(x):
    return x


@equation(symbol="y", unit="s", source="none", symbols={"a": "tau", "b": "B_link"})
def pieces(a, b):
    """Piecewise.

    a: first [s]; b: second.
    """
    u = a / b
    return np.where(a > b, lambert(-u) * np.sqrt(a - (b - 1)), np.where(a == b, np.maximum(a, np.maximum(b, 2)), a**2))


@pytest.fixture
def book():
    ledger = Ledger()
    with ledger:
        yield ledger


def leaves(ledger):
    return (
        ledger.fact(Fact("m", 1e9, "byte", "Message", "a paper", low=5e8, high=2e9)),
        ledger.field("cluster.ranks", 8, "1", "Ranks"),
        ledger.fact(Fact("b", 50e9, "byte/s", "Link", "a datasheet")),
        ledger.choice("latency", 5e-6, "s", "Latency", "least"),
    )


def test_plain_call_without_a_ledger():
    assert ring(1e9, 8, 50e9, 5e-6) == pytest.approx(35.07e-3)
    assert type(ring(1e9, 8, 50e9, 5e-6)) is float
    many = ring(np.full(3, 1e9), np.array([2, 4, 8]), 50e9, 5e-6)
    assert many.shape == (3,) and many[2] == ring(1e9, 8, 50e9, 5e-6)


def test_result_remembers_its_inputs(book):
    time = ring(*leaves(book))
    assert isinstance(time, Value) and time == pytest.approx(35.07e-3)
    assert [i.entry.kind for i in time.entry.inputs] == ["fact", "field", "fact", "choice"]
    assert time.entry.unit == "s" and "Patarasuk" in time.entry.source
    assert ring(*leaves(book)).entry is time.entry, "the same call is one entry"
    assert not book.orphans() and not book.exceeded()


def test_arithmetic_forgets_and_makes_an_orphan(book):
    message, ranks, bandwidth, latency = leaves(book)
    forgotten = message * 2
    assert not isinstance(forgotten, Value)
    ring(forgotten, ranks, bandwidth, latency)
    assert [o.value for o in book.orphans()] == [2e9]


def test_a_value_of_another_ledger_is_an_orphan(book):
    with Ledger() as other:
        foreign = other.field("x", 8, "1", "Ranks")
    message, _, bandwidth, latency = leaves(book)
    ring(message, foreign, bandwidth, latency)
    assert len(book.orphans()) == 1


def test_naming_takes_only_remembered_values(book):
    with pytest.raises(TypeError, match="remembers no entry"):
        book.name("training.step_time", 3.0)
    book.name("training.step_time", ring(*leaves(book)))
    with pytest.raises(ValueError, match="already names"):
        book.name("training.step_time", leaves(book)[0])


def test_validity_is_checked_and_printed(book):
    message, _, bandwidth, latency = leaves(book)
    one = book.field("one", 1, "1", "One rank")
    assert ring(message, one, bandwidth, latency).entry.exceeded
    assert validity(ring) == "n ≥ 2"


def test_no_value_is_an_error_that_names_the_equation(book):
    zero = book.field("zero", 0, "1", "Zero")
    with pytest.raises(EquationError, match=r"ratio has no value for numerator=0"):
        ratio(zero, zero)


def test_arrays_under_a_ledger_are_a_plain_call(book):
    message, _, bandwidth, latency = leaves(book)
    before = len(book.entries)
    assert ring(message, np.array([2.0, 4.0]), bandwidth, latency).shape == (2,)
    assert len(book.entries) == before


def test_defaults_and_unknown_symbols_are_refused():
    with pytest.raises(TypeError, match="no defaults"):
        equation(symbol="x", unit="1", source="s")(lambda a=1: a)
    with pytest.raises(TypeError, match="unknown parameters"):
        equation(symbol="x", unit="1", source="s", symbols={"b": "B"})(lambda a: a)


def test_formula_is_generated_in_four_dialects():
    assert formula(ring) == "T_ring = 2 (n - 1) M / (n B) + 2 (n - 1) α"
    assert formula(ring, "latex").startswith(r"T_{\mathrm{ring}} = \frac{2\,\left(n - 1\right)\,M}")
    assert formula(ring, "typst").startswith('T_("ring") = frac("2"')
    assert formula(ring, "mathml").startswith("<msub><mi>T</mi><mtext>ring</mtext></msub><mo>=</mo><mfrac>")
    assert formula(pieces) == (
        "y = {W0(-u) sqrt(τ - (B_link - 1)) if τ > B_link; max(τ, B_link, 2) if τ = B_link; τ^2 otherwise}"
        ",  u = τ / B_link"
    )


def test_formula_with_numbers(book):
    time = ring(*leaves(book))
    assert formula(time.entry, numbers=True) == "2 (8 - 1) · 1 GB / (8 · 50 GB/s) + 2 (8 - 1) · 5 µs"


def test_variadic_formula_shows_each_part(book):
    time = ring(*leaves(book))
    total = sum_of(time, leaves(book)[3], title="Whole", symbol="T_all")
    assert total.entry.title == "Whole" and total.entry.unit == "s"
    assert formula(total.entry) == "T_all = T_ring + x_2"
    assert largest_of(time, leaves(book)[3]) == time


def test_a_body_that_cannot_be_printed_says_so():
    @equation(symbol="z", unit="1", source="s")
    def looped(n):
        """Loop.

        n: count.
        """
        for _ in range(3):
            n = n + 1
        return n

    with pytest.raises(UnprintableError, match="neither assignment nor return"):
        formula(looped)


def test_explain_reaches_every_leaf(book):
    text = explain(ring(*leaves(book)).entry)
    assert "M = 1 GB (80 %: 500 MB to 2 GB)" in text
    assert "[design file: cluster.ranks]" in text and "chosen by navarch: latency; least" in text


def test_generic_equations_take_a_unit_at_the_call(book):
    message, _, bandwidth, _ = leaves(book)
    assert ratio(message, bandwidth, unit="s").entry.unit == "s"
    assert share_of(message, message).entry.unit == "fraction"


@given(st.floats(1, 1e12), st.floats(1, 1e6))
def test_ceil_div_holds_the_amount(amount, size):
    assert ceil_div(amount, size) * size >= amount * (1 - 1e-12)
    assert (ceil_div(amount, size) - 1) * size <= amount * (1 + 1e-12)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=6))
def test_sum_of_is_the_sum(parts):
    assert math.isclose(sum_of(*parts), math.fsum(parts), rel_tol=1e-9, abs_tol=1e-3)
