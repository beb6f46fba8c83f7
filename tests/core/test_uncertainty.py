"""Replaying the ledger on samples: the input's interval comes back, and the inputs that matter are named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.core.arithmetic import product_of, ratio, sum_of
from navarch.core.ledger import Fact, Ledger
from navarch.core.uncertainty import propagate, sample


def test_one_input_gives_its_own_interval_back():
    with Ledger() as ledger:
        price = ledger.fact(Fact("p", 0.08, "USD/J", "Price", "s", low=0.05, high=0.14))
        energy = ledger.field("energy", 100.0, "J", "Energy")
        cost = product_of(price, energy, unit="USD")
    low, high = propagate(ledger).interval(cost.entry)
    assert low == pytest.approx(5, rel=0.03) and high == pytest.approx(14, rel=0.03)


def test_what_does_not_vary_has_no_width():
    with Ledger() as ledger:
        fixed = ratio(ledger.field("a", 6, "1", "A"), ledger.field("b", 3, "1", "B"))
    assert propagate(ledger).interval(fixed.entry) == (2, 2)
    assert propagate(ledger).contributions(fixed.entry) == []


def test_the_input_that_moves_most_comes_first():
    with Ledger() as ledger:
        wide = ledger.fact(Fact("wide", 1.0, "1", "Wide", "s", low=0.5, high=2.0))
        narrow = ledger.fact(Fact("narrow", 1.0, "1", "Narrow", "s", low=0.95, high=1.05))
        ledger.fact(Fact("unused", 1.0, "1", "Unused", "s", low=0.1, high=9.0))
        total = sum_of(wide, narrow)
    found = propagate(ledger).contributions(total.entry)
    assert found[0][0].fact.id == "wide" and found[0][1] > 0.9
    assert "unused" not in [e.fact.id for e, _ in found]


def test_samples_do_not_depend_on_the_other_leaves():
    with Ledger() as alone:
        a = alone.fact(Fact("a", 1.0, "1", "A", "s", low=0.5, high=2.0))
        x = sum_of(a, a)
    with Ledger() as more:
        more.fact(Fact("b", 1.0, "1", "B", "s", low=0.5, high=2.0))
        b = more.fact(Fact("a", 1.0, "1", "A", "s", low=0.5, high=2.0))
        y = sum_of(b, b)
    assert np.array_equal(propagate(alone).samples[x.entry.number], propagate(more).samples[y.entry.number])
    other = propagate(alone, seed=2).samples[x.entry.number]
    assert not np.array_equal(other, propagate(alone).samples[x.entry.number])


@settings(max_examples=30)
@given(st.floats(0.01, 0.9), st.floats(0.2, 1.0), st.floats(1.0, 3.0))
def test_a_fraction_stays_one(value, below, above):
    with Ledger() as ledger:
        share = ledger.field("f", value, "fraction", "Share", value * below, min(value * above, 1.0))
    drawn = sample(share.entry, 500, 7)
    assert drawn.min() >= 0 and drawn.max() <= 1


def test_a_replay_is_gone_on_with():
    """What is added later, or was not wanted at first, has the samples that it would have had at once."""
    with Ledger() as ledger:
        price = ledger.fact(Fact("p", 0.08, "USD/J", "Price", "s", low=0.05, high=0.14))
        energy = ledger.field("energy", 100.0, "J", "Energy", low=80.0, high=130.0)
        cost = product_of(price, energy, unit="USD")
        other = ratio(cost, energy)
    first = propagate(ledger, 2000, 3, targets=[cost.entry])
    assert other.entry.number not in first.samples
    with ledger:
        late = sum_of(cost, ledger.field("fee", 5.0, "USD", "Fee", low=4.0, high=7.0))
    on, whole = propagate(ledger, 2000, 3, known=first), propagate(ledger, 2000, 3)
    assert on.samples.keys() == whole.samples.keys()
    assert all((on.samples[number] == drawn).all() for number, drawn in whole.samples.items())
    assert on.contributions(late.entry) == whole.contributions(late.entry)
    assert propagate(ledger, 2000, 4, known=first).samples[cost.entry.number][0] != on.samples[cost.entry.number][0]
