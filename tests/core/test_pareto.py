"""The Pareto front: none of it is dominated, all else is, and the fronts of parts make the front of the whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from navarch.core.pareto import pareto_front

Table = NDArray[np.float64]

few_values = st.integers(0, 4).map(float)
any_values = st.floats(allow_nan=False)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Rows of one to six objectives, many of them equal in some."""
    shape = draw(st.integers(1, 60)), draw(st.integers(1, 6))
    return draw(arrays(np.float64, shape, elements=draw(st.sampled_from([few_values, any_values]))))


def large(rows: int, objectives: int, kind: str) -> Table:
    """Drawn rows: all over a cube, rounded so that many are equal, or on a sphere, where none is dominated."""
    draw = np.random.Generator(np.random.Philox(key=[rows, objectives]))
    if kind == "sphere":
        drawn = draw.standard_normal((rows, objectives))
        return -np.abs(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
    drawn = draw.random((rows, objectives))
    return np.round(drawn, 1) if kind == "rounded" else drawn


def dominates(one: Table, many: Table) -> NDArray[np.bool_]:
    return (one <= many).all(axis=1) & (one < many).any(axis=1)


def check_front(values: Table) -> None:
    front = pareto_front(values)
    assert len(front) > 0
    assert (np.diff(front) > 0).all()
    beaten = np.zeros(len(values), bool)
    earlier = np.zeros(len(values), bool)
    for row in front:
        beaten |= dominates(values[row], values)
        earlier |= (values == values[row]).all(axis=1) & (np.arange(len(values)) > row)
    assert not beaten[front].any()
    assert not earlier[front].any()
    assert (beaten | earlier)[np.setdiff1d(np.arange(len(values)), front)].all()


@given(tables())
def test_the_front_is_what_nothing_dominates(values: Table):
    check_front(values)


@pytest.mark.parametrize("objectives", range(1, 7))
@pytest.mark.parametrize("kind", ["cube", "rounded", "sphere"])
def test_the_front_of_many_rows(objectives: int, kind: str):
    check_front(large(1500, objectives, kind))


@given(tables(), st.lists(st.integers(0, 60), max_size=4))
def test_fronts_of_parts_make_the_front_of_the_whole(values: Table, cuts: list[int]):
    edges = [0, *sorted(min(cut, len(values)) for cut in cuts), len(values)]
    fronts = [start + pareto_front(values[start:end]) for start, end in pairwise(edges) if end > start]
    together = np.concatenate(fronts)
    assert together[pareto_front(values[together])].tolist() == pareto_front(values).tolist()


@given(tables())
def test_scale_does_not_matter(values: Table):
    bounded = np.clip(values, -1e3, 1e3).round(3)
    scales = 10.0 ** np.arange(values.shape[1]) * 3
    assert pareto_front(bounded).tolist() == pareto_front(bounded * scales).tolist()


@pytest.mark.parametrize("kind", ["cube", "sphere"])
def test_two_equal_objectives_are_one(kind: str):
    values = large(3000, 3, kind)
    doubled = np.column_stack([values, values[:, 0], values[:, 1]])
    assert pareto_front(doubled).tolist() == pareto_front(values).tolist()


def test_of_equal_rows_the_first_counts():
    assert pareto_front([[1, 2], [1, 2], [2, 1], [1, 2]]).tolist() == [0, 2]
    assert pareto_front([[1, 2, 3]] * 200 + [[0, 9, 9]]).tolist() == [0, 200]
    assert pareto_front([[3], [1], [1]]).tolist() == [1]


def test_infinities_are_values():
    inf = np.inf
    assert pareto_front([[inf, inf], [inf, inf]]).tolist() == [0]
    assert pareto_front([[inf, 0, 0], [0, inf, -inf], [inf, inf, 0]]).tolist() == [0, 1]


def test_no_rows_have_no_front():
    assert pareto_front(np.empty((0, 3))).tolist() == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, 2.0], r"shape \(2,\)"),
        (np.empty((3, 0)), r"shape \(3, 0\)"),
        ([[0.0, 1.0], [np.nan, 2.0]], "NaN, first in row 1"),
    ],
)
def test_what_has_no_front_is_refused(values: object, message: str):
    with pytest.raises(ValueError, match=message):
        pareto_front(values)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_front_of_a_million_rows_of_six_objectives():
    values = large(1_000_000, 6, "cube")
    front = pareto_front(values)
    assert len(front) > 1000
    rest = np.setdiff1d(np.arange(len(values)), front)[::5000]
    for row in rest:
        assert dominates_any(values[front], values[row])
    assert pareto_front(values[front]).tolist() == list(range(len(front)))


def dominates_any(many: Table, one: Table) -> bool:
    return bool(((many <= one).all(axis=1) & (many < one).any(axis=1)).any())
