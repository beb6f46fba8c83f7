"""Facts that were fitted together are sampled together."""

from __future__ import annotations

import numpy as np
import pytest

from navarch.core.arithmetic import product_of, ratio
from navarch.core.ledger import Fact, Joint, Ledger
from navarch.core.uncertainty import propagate

PAIR = Joint("pair", ("a", "b"), (True, False), ((0.04, 0.0095), (0.0095, 0.0025)))


def fact(name: str, value: float, joint: Joint | None = PAIR) -> Fact:
    return Fact(name, value, "1", name.upper(), "s", low=0.5 * value, high=2 * value, joint=joint)


def test_samples_have_the_covariance_that_was_stated():
    with Ledger() as ledger:
        a, b = ledger.fact(fact("a", 3.0)), ledger.fact(fact("b", 7.0))
        product_of(a, b)
    drawn = propagate(ledger, samples=50_000).samples
    seen = np.cov(np.log(drawn[a.entry.number] / 3), drawn[b.entry.number] - 7)
    assert seen == pytest.approx(np.array(PAIR.covariance), rel=0.03)
    assert np.median(drawn[a.entry.number]) == pytest.approx(3, rel=0.01)


def test_what_cancels_in_the_fit_cancels_in_the_samples():
    """Two constants with a correlation of 0.95 leave a quotient far more certain than either alone would."""
    tight = Joint("tight", ("a", "b"), (True, True), ((0.04, 0.03999), (0.03999, 0.04)))
    widths = []
    for joint in (tight, None):
        with Ledger() as ledger:
            quotient = ratio(ledger.fact(fact("a", 3.0, joint)), ledger.fact(fact("b", 3.0, joint)))
        low, high = propagate(ledger).interval(quotient.entry)
        widths.append(high / low)
    assert widths[0] < 1.02 < 2 < widths[1]


def test_a_member_has_the_same_samples_whoever_else_is_there():
    with Ledger() as alone:
        a = alone.fact(fact("a", 3.0))
        product_of(a, a)
    with Ledger() as both:
        b, a_too = both.fact(fact("b", 7.0)), both.fact(fact("a", 3.0))
        product_of(a_too, b)
    first = propagate(alone, seed=5).samples[a.entry.number]
    assert np.array_equal(first, propagate(both, seed=5).samples[a_too.entry.number])
    assert not np.array_equal(first, propagate(both, seed=6).samples[a_too.entry.number])


def test_a_joint_estimate_is_named_once_among_the_causes():
    with Ledger() as ledger:
        a, b = ledger.fact(fact("a", 3.0)), ledger.fact(fact("b", 7.0))
        c = ledger.fact(fact("c", 1.0, joint=None))
        result = product_of(a, b, c)
    named = [leaf.fact.id for leaf, _ in propagate(ledger).contributions(result.entry)]
    assert "c" in named
    assert len({"a", "b"} & set(named)) == 1


def test_a_member_without_an_interval_stays_as_it_is():
    with Ledger() as ledger:
        certain = ledger.fact(Fact("a", 3.0, "1", "A", "s", joint=PAIR))
        twice = product_of(certain, certain)
    assert propagate(ledger).interval(twice.entry) == (9, 9)
