"""How far a prediction is from the result, and a design from the best; equations of `navarch.core.arithmetic` alone."""

from __future__ import annotations

from navarch.core.arithmetic import largest_of, ratio

CLOSE = 2.0
"""A prediction within this factor of the result counts as close; students are asked how sure they are of that."""


def factor_apart(predicted: float, result: float) -> float:
    """The factor between two positive values of one unit, never under 1."""
    return float(largest_of(ratio(predicted, result), ratio(result, predicted)))


def share_of_best(score: float, best: float, lower_is_better: bool) -> float:
    """How near a score is to the best: 1 is as good, 0.5 half as good."""
    return float(ratio(best, score) if lower_is_better else ratio(score, best))
