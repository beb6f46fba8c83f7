"""Sums, ratios and counts as equations, so that the trail never breaks.

Their unit is that of the inputs unless given at the call (`ratio(a, b, unit="byte/s")`); `title` and `symbol` may be
given there too.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from navarch.core.equation import equation

ARITHMETIC = "arithmetic"


@equation(symbol="Sigma", unit=None, source=ARITHMETIC, symbols={"parts": "x"})
def sum_of(*parts):
    """Sum of parts.

    parts: the summands.
    """
    return sum(parts)


@equation(symbol="Pi", unit=None, source=ARITHMETIC, symbols={"factors": "x"})
def product_of(*factors):
    """Product of factors.

    factors: the factors.
    """
    return math.prod(factors)


@equation(symbol="x_max", unit=None, source=ARITHMETIC, symbols={"parts": "x"})
def largest_of(*parts):
    """Largest of several.

    parts: the candidates.
    """
    return functools.reduce(np.maximum, parts)


@equation(symbol="x_min", unit=None, source=ARITHMETIC, symbols={"parts": "x"})
def smallest_of(*parts):
    """Smallest of several.

    parts: the candidates.
    """
    return functools.reduce(np.minimum, parts)


@equation(symbol="r", unit=None, source=ARITHMETIC, symbols={"numerator": "a", "denominator": "b"})
def ratio(numerator, denominator):
    """Ratio of two quantities.

    numerator: above the line; denominator: below it.
    """
    return numerator / denominator


@equation(symbol="f", unit="fraction", source=ARITHMETIC, symbols={"part": "a", "whole": "b"}, valid="whole > 0")
def share_of(part, whole):
    """Share of a whole.

    part: the part; whole: the whole.
    """
    return part / whole


@equation(symbol="Delta", unit=None, source=ARITHMETIC, symbols={"minuend": "a", "subtrahend": "b"})
def difference(minuend, subtrahend):
    """Difference of two quantities.

    minuend: from which is taken; subtrahend: what is taken.
    """
    return minuend - subtrahend


@equation(symbol="delta", unit="fraction", source=ARITHMETIC, symbols={"value": "x", "reference": "x_ref"})
def relative_change(value, reference):
    """Change relative to a reference.

    value: compared; reference: compared with.
    """
    return (value - reference) / reference


@equation(symbol="g", unit="1", source=ARITHMETIC, symbols={"increase": "delta"})
def growth_factor(increase):
    """Factor of a relative increase.

    increase: relative [fraction].
    """
    return 1 + increase


@equation(symbol="m", unit="fraction", source=ARITHMETIC, symbols={"limit": "x_max", "value": "x"})
def margin_below(limit, value):
    """Margin under an upper limit, as a share of the limit.

    limit: not to be passed; value: designed.
    """
    return (limit - value) / limit


@equation(symbol="m", unit="fraction", source=ARITHMETIC, symbols={"limit": "x_min", "value": "x"})
def margin_above(limit, value):
    """Margin over a lower limit, as a share of the limit.

    limit: to be reached; value: designed.
    """
    return (value - limit) / limit


@equation(symbol="m", unit="fraction", source=ARITHMETIC, symbols={"limit": "x_min", "value": "x"}, valid="limit < 1")
def margin_of_error_budget(limit, value):
    """Margin over a lower limit, as a share of what the limit allows to fail.

    limit: share that must be good [fraction]; value: share that is good [fraction].
    """
    return (value - limit) / (1 - limit)


@equation(symbol="f", unit="fraction", source=ARITHMETIC, symbols={"share": "s"}, valid="share >= 0 and share <= 1")
def complement(share):
    """What a share leaves of the whole.

    share: taken [fraction].
    """
    return 1 - share


@equation(symbol="k", unit="1", source=ARITHMETIC, symbols={"amount": "a", "size": "b"}, valid="size > 0")
def ceil_div(amount, size):
    """Whole units that hold an amount.

    amount: to be held; size: of one unit.
    """
    return np.ceil(amount / size)
