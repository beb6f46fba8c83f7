"""The Pareto front: the rows that no other row beats, exact for any number of objectives.

Rows are halved and the front of each half found; what is left of the second half is compared with the first in ever
fewer rows and objectives (Kung, Luccio and Preparata 1975; Bentley 1980), in blocks once they are small.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ranks = NDArray[np.int32]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

BLOCK = 2**17
"""Pairs of rows that are compared at once."""
LEAF = 128
"""Rows whose front is found by comparing each with each."""
STRONG = 64
"""Rows that all others are compared with first; most rows fall to one of them."""


def pareto_front(objectives: ArrayLike) -> Rows:
    """The rows that no other row dominates, in ascending order.

    objectives: a row a candidate, of values to be minimised, in any unit (infinities are allowed, NaN is not). A row
    dominates another where it is nowhere higher and somewhere lower; of equal rows the first counts.

    The front of parts put together is the front of the whole: with parts in order, and the rows of a part counted on
    from those before it, `pareto_front` of the parts' fronts names the same rows.
    """
    values = np.asarray(objectives, float)
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"objectives of shape {values.shape}: a table with a row a candidate is needed")
    if np.isnan(values).any():
        raise ValueError(f"objectives with NaN, first in row {int(np.isnan(values).any(axis=1).argmax())}")
    if len(values) == 0:
        return np.empty(0, np.int64)
    if values.shape[1] == 1:
        return np.array([values[:, 0].argmin()], np.int64)
    if values.shape[1] == 2:
        return np.sort(_front_of_two(values))
    ranks = _ranks(values)
    rows = _without_the_weak(ranks)
    rows = rows[np.lexsort(ranks[rows].T[::-1])]
    rows = rows[np.append(True, (ranks[rows[1:]] != ranks[rows[:-1]]).any(axis=1))]
    return np.sort(rows[_front(ranks[rows])])


def _front_of_two(values: NDArray[np.float64]) -> Rows:
    """The front by one pass over the rows in order of the first objective."""
    order = np.lexsort((values[:, 1], values[:, 0]))
    second = values[order, 1]
    lowest_before = np.append(np.inf, np.minimum.accumulate(second)[:-1])
    keep = second < lowest_before
    keep[0] = True
    return order[keep]


def _ranks(values: NDArray[np.float64]) -> Ranks:
    """Each objective as the number of lower values that it takes: the same order, whatever the scale."""
    columns = [np.unique(column, return_inverse=True)[1] for column in values.T]
    return np.stack(columns, axis=1).astype(np.int32)


def _without_the_weak(ranks: Ranks) -> Rows:
    """The rows that none of the strongest dominates; the strongest are among them, unless dominated themselves."""
    total = ranks.sum(axis=1, dtype=np.int64)
    rows = np.arange(len(ranks))
    if len(rows) <= LEAF:
        return rows
    for strong in np.argpartition(total, STRONG)[:STRONG]:
        dominated = _compared(ranks[strong][None], ranks[rows])[0] & (total[rows] > total[strong])
        rows = rows[~dominated]
    return rows


def _front(ranks: Ranks) -> Mask:
    """Which of distinct rows in lexicographic order no other dominates; none dominates a row before it."""
    if len(ranks) <= LEAF:
        return ~_any(np.triu(_compared(ranks[:, 1:], ranks[:, 1:]), 1))
    half = len(ranks) // 2
    first, second = _front(ranks[:half]), _front(ranks[half:])
    left = np.flatnonzero(second)
    second[left] = ~_beaten(ranks[:half][first][:, 1:], ranks[half:][left][:, 1:])
    return np.append(first, second)


def _beaten(by: Ranks, rows: Ranks) -> Mask:
    """Which of `rows` some row of `by` is nowhere above."""
    beaten = np.zeros(len(rows), bool)
    if not len(by) or not len(rows):
        return beaten
    within = _compared(by.min(axis=0)[None], rows)[0]
    by = by[_compared(by, rows.max(axis=0)[None])[:, 0]]
    if not len(by) or not within.any():
        return beaten
    beaten[within] = _split(by, rows[within])
    return beaten


def _split(by: Ranks, rows: Ranks) -> Mask:
    """The same, for rows whose ranges overlap: cut in two at the middle of the last objective."""
    if by.shape[1] == 1:
        return rows[:, 0] >= by[:, 0].min()
    if by.shape[1] == 2:
        return _beaten_in_two(by, rows)
    if len(by) * len(rows) <= BLOCK:
        return _any(_compared(by, rows))
    last = np.append(by[:, -1], rows[:, -1])
    if last.min() == last.max():
        return _beaten(by[:, :-1], rows[:, :-1])
    middle = np.partition(last, len(last) // 2)[len(last) // 2]
    if middle == last.min():
        middle = last[last > middle].min()
    by_low, low = by[:, -1] < middle, rows[:, -1] < middle
    beaten = np.empty(len(rows), bool)
    beaten[low] = _beaten(by[by_low], rows[low])
    high = _beaten(by[by_low][:, :-1], rows[~low][:, :-1])
    high[~high] = _beaten(by[~by_low], rows[~low][~high])
    beaten[~low] = high
    return beaten


def _beaten_in_two(by: Ranks, rows: Ranks) -> Mask:
    """The same, for two objectives: the lowest second objective of those whose first is no higher."""
    by = by[np.argsort(by[:, 0], kind="stable")]
    lowest = np.append(np.iinfo(np.int32).max, np.minimum.accumulate(by[:, 1]))
    return lowest[np.searchsorted(by[:, 0], rows[:, 0], side="right")] <= rows[:, 1]


def _compared(by: Ranks, rows: Ranks) -> Mask:
    """Each row of `by` with each of `rows`: nowhere above."""
    compared: Mask = by[:, :1] <= rows[:, 0]
    for column in range(1, by.shape[1]):
        compared &= by[:, column, None] <= rows[:, column]
    return compared


def _any(compared: Mask) -> Mask:
    return np.asarray(compared.any(axis=0))
