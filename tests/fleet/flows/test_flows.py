"""Flows by hand, and what must hold of any: bytes are kept, no link is over its capacity, the sharing is max-min."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.fleet.fabric import clos_graph
from navarch.fleet.fabric.flows import Change, FlowError, FlowRun, Flows, shares, simulate
from navarch.fleet.fabric.graph import Wires
from navarch.fleet.fabric.routing import Paths, router_for

CLOSE = 1e-9


def paths_of(rows: Any) -> Paths:
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    links = np.array([link for row in rows for link in row], np.int32)
    return Paths(offsets, links, np.ones(len(rows), bool))


def line(*rows: Any, size: Any = 10.0, **more: Any) -> Flows:
    return Flows(paths_of(rows), size, **more)


def test_one_flow_takes_latency_and_bytes_over_bandwidth() -> None:
    run = simulate([4.0, 2.0], line([0, 1], size=10.0, latency=0.5))
    assert run.time == pytest.approx(0.5 + 10 / 2, rel=CLOSE)
    assert run.begun[0] == 0.5
    assert run.carried.tolist() == [10.0, 10.0]


def test_the_textbook_example_of_max_min_sharing() -> None:
    """Bertsekas and Gallager 1992, 6.5.2: a long flow is held to 1/3 where three share; the others get the rest."""
    flows = line([0, 1, 2], [0], [1], [1], [2])
    assert shares([1.0, 1.0, 1.0], flows) == pytest.approx([1 / 3, 2 / 3, 1 / 3, 1 / 3, 2 / 3], rel=CLOSE)


def test_what_a_flow_leaves_is_shared_by_those_that_stay() -> None:
    run = simulate([10.0], line([0], [0], size=[10.0, 30.0]))
    assert run.end == pytest.approx([2.0, 4.0], rel=CLOSE)
    assert run.events == 3


def test_weights_share_in_proportion() -> None:
    assert shares([12.0], line([0], [0], [0], weight=[1.0, 2.0, 3.0])) == pytest.approx([2.0, 4.0, 6.0], rel=CLOSE)


def test_a_flow_that_takes_part_of_a_link_fills_it_later() -> None:
    """A flow split over two links of 1 goes at 2; beside a whole flow on one of them, at what is left."""
    split = Paths(np.array([0, 2, 3]), np.array([0, 1, 0], np.int32), np.ones(2, bool), np.array([0.5, 0.5, 1.0]))
    assert shares([1.0, 1.0], Flows(split, 1.0)) == pytest.approx([2 / 3, 2 / 3], rel=CLOSE)


def test_a_flow_waits_for_those_before_it() -> None:
    run = simulate(
        [10.0, 10.0], line([0], [1], [0, 1], latency=[0, 0, 1.0], size=[10.0, 20.0, 10.0], after=[(2, 0), (2, 1)])
    )
    assert run.begun[2] == pytest.approx(2.0 + 1.0, rel=CLOSE)
    assert run.end[2] == pytest.approx(4.0, rel=CLOSE)


def test_flows_that_wait_for_each_other_stand_still() -> None:
    run = simulate([10.0], line([0], [0], after=[(0, 1), (1, 0)]))
    assert run.stalled.tolist() == [0, 1]


def test_background_is_not_waited_for() -> None:
    run = simulate([10.0], line([0], [0], size=[10.0, np.inf], counted=[True, False]))
    assert run.time == pytest.approx(2.0, rel=CLOSE)
    assert run.carried[0] == pytest.approx(20.0, rel=CLOSE)
    assert np.isnan(run.end[1])


def test_a_failed_link_holds_its_flows_until_it_is_back() -> None:
    down, up = np.array([0.0, 10.0]), np.array([10.0, 10.0])
    run = simulate(up, line([0], [1]), [Change(0.5, down), Change(3.5, up)])
    assert run.end == pytest.approx([4.0, 1.0], rel=CLOSE)
    never = simulate(up, line([0], [1]), [Change(0.5, down)])
    assert never.stalled.tolist() == [0]
    assert never.left[0] == pytest.approx(5.0, rel=CLOSE)


def test_a_flow_routed_anew_keeps_what_it_has_sent() -> None:
    rerouted = [Change(0.5, np.array([0.0, 10.0])), Change(1.0, np.array([0.0, 10.0]), paths_of([[1], [1]]))]
    run = simulate([10.0, 10.0], line([0], [1], size=[10.0, 20.0]), rerouted)
    assert run.end == pytest.approx([2.0, 2.5], rel=CLOSE)
    assert run.carried == pytest.approx([5.0, 25.0], rel=CLOSE)


def test_a_flow_without_a_path_never_arrives() -> None:
    paths = replace(paths_of([[0], []]), reached=np.array([True, False]))
    assert simulate([1.0], Flows(paths, 1.0)).stalled.tolist() == [1]


def test_a_flow_that_stays_on_its_host_takes_its_latency() -> None:
    assert simulate([1.0], line([], size=5.0, latency=0.25)).end[0] == 0.25


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"size": -1.0}, "size: -1 of flow 0 is not allowed; a number of at least 0"),
        ({"size": [1.0, np.nan]}, "size: nan of flow 1"),
        ({"weight": 0.0}, "weight: 0 of flow 0 is not allowed; a number of more than 0"),
        ({"latency": np.inf}, "latency: inf of flow 0"),
        ({"start": [0.0]}, "start: 1 values are not allowed; one, or one for each of 2 flows"),
        ({"size": np.inf}, "size: flow 0 has no end, and the run waits for it"),
    ],
)
def test_values_that_cannot_be_are_refused(more: Any, told: str) -> None:
    with pytest.raises(FlowError, match=told):
        simulate([1.0], line([0], [0], **more))


@st.composite
def traffic(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], Flows]:
    """Links of any capacity, flows over any of them."""
    links = draw(st.integers(1, 8))
    capacity = np.array(draw(st.lists(st.floats(0.5, 20.0), min_size=links, max_size=links)))
    row = st.lists(st.integers(0, links - 1), min_size=1, max_size=links, unique=True)
    rows = draw(st.lists(row, min_size=1, max_size=14))

    def each(least: float, most: float) -> Any:
        return draw(st.lists(st.floats(least, most), min_size=len(rows), max_size=len(rows)))

    after = [(later, draw(st.integers(0, later - 1))) for later in range(1, len(rows)) if draw(st.integers(0, 3)) == 0]
    return capacity, Flows(paths_of(rows), each(0.1, 50.0), each(0.0, 2.0), each(0.0, 3.0), each(0.2, 5.0), after=after)


@given(traffic())
def test_bytes_are_kept(made: tuple[Any, Flows]) -> None:
    capacity, flows = made
    run = simulate(capacity, flows)
    assert not np.isnan(run.end).any()
    assert run.left == pytest.approx(np.zeros(len(flows)), abs=CLOSE)
    sent = np.bincount(flows.paths.links, np.repeat(flows.size, flows.paths.hops()), minlength=len(capacity))
    assert run.carried == pytest.approx(sent, rel=1e-7)
    assert (run.utilisation <= 1 + CLOSE).all()


@given(traffic())
def test_sharing_is_max_min(made: tuple[Any, Flows]) -> None:
    """No link is over its capacity, and each flow has a full link on which nobody has more for its weight."""
    capacity, flows = made
    rates, weights = shares(capacity, flows), np.asarray(flows.weight)
    load = np.bincount(flows.paths.links, np.repeat(rates, flows.paths.hops()), minlength=len(capacity))
    assert (load <= capacity * (1 + CLOSE)).all()
    full = load >= capacity * (1 - 1e-7)
    level = rates / weights
    most = np.zeros(len(capacity))
    np.maximum.at(most, flows.paths.links, np.repeat(level, flows.paths.hops()))
    for flow in range(len(flows)):
        mine = flows.paths.of(flow)
        assert (full[mine] & (level[flow] >= most[mine] * (1 - 1e-7))).any()


@given(traffic(), st.integers(0, 2**31))
def test_the_order_of_flows_changes_nothing(made: tuple[Any, Flows], seed: int) -> None:
    capacity, flows = made
    order = np.random.default_rng(seed).permutation(len(flows))
    place = np.argsort(order)
    mixed = Flows(
        paths_of([flows.paths.of(flow) for flow in order]),
        *(np.asarray(getattr(flows, name))[order] for name in ("size", "latency", "start", "weight")),
        after=[(place[a], place[b]) for a, b in flows.after],
    )
    assert simulate(capacity, mixed).end[place] == pytest.approx(simulate(capacity, flows).end, rel=1e-9)


@given(traffic())
def test_flows_that_are_alike_may_go_as_one(made: tuple[Any, Flows]) -> None:
    capacity, flows = made
    rows = [flows.paths.of(flow) for flow in range(len(flows))] * 3
    values = (np.tile(getattr(flows, name), 3) for name in ("size", "latency", "start", "weight"))
    thrice = Flows(paths_of(rows), *values)
    together, apart = simulate(capacity, thrice), simulate(capacity, thrice, group_alike=False)
    assert together.end == pytest.approx(apart.end, rel=1e-9)
    assert together.carried == pytest.approx(apart.carried, rel=1e-9)


@given(traffic(), st.floats(0.1, 20.0))
def test_a_run_may_be_cut_anywhere(made: tuple[Any, Flows], cut: float) -> None:
    capacity, flows = made
    whole = simulate(capacity, flows)
    assert simulate(capacity, flows, [Change(cut, capacity)]).end == pytest.approx(whole.end, rel=1e-9)


@given(traffic())
def test_incremental_sharing_equals_sharing_anew(made: tuple[Any, Flows]) -> None:
    """The run as it is, and cut at every moment at which something happens, where all is shared from nothing."""
    capacity, flows = made
    whole: FlowRun = simulate(capacity, flows)
    moments = np.unique(np.concatenate([whole.begun, whole.end]))
    cuts = [Change(float(moment), capacity) for moment in moments]
    assert simulate(capacity, flows, cuts).end == pytest.approx(whole.end, rel=1e-8)


@given(traffic(), st.floats(1.0, 10.0))
def test_time_scales_with_bandwidth(made: tuple[Any, Flows], factor: float) -> None:
    """More bandwidth everywhere is never slower; without waiting it is as much faster."""
    capacity, flows = made
    ready = replace(flows, latency=0.0, start=0.0)
    slow, fast = simulate(capacity, ready), simulate(capacity * factor, ready)
    assert fast.end == pytest.approx(slow.end / factor, rel=1e-8)


def test_utilisation_counts_the_capacity_that_was_there() -> None:
    run = simulate([10.0], line([0]), [Change(0.5, np.array([2.0]))])
    assert run.time == pytest.approx(0.5 + 5.0 / 2.0, rel=CLOSE)
    assert run.utilisation == pytest.approx([1.0], rel=CLOSE)
    assert run.to_frame()["took"][0] == pytest.approx(3.0, rel=CLOSE)


def test_no_flows_take_no_time() -> None:
    run = simulate([10.0], Flows(paths_of([]), np.zeros(0)))
    assert (run.time, run.events) == (0.0, 0)


def test_flows_that_tie_are_shared_anew() -> None:
    # a brute force: the shares of all flows that are left, worked out whenever one is done
    network = clos_graph.three_tier(4, 4, 8, 4, 4, 16, 4, Wires(1.0))
    generator = np.random.default_rng(0)
    source = generator.permutation(network.hosts)
    paths, size = router_for(network, "spray").paths(source, np.roll(source, -1)), generator.random(len(source))
    left, end, now = size.copy(), np.zeros(len(size)), 0.0
    while (running := np.flatnonzero(left > 0)).size:
        rate = shares(network.capacity, Flows(_some(paths, running), 1.0))
        until = (left[running] / rate).min()
        now += until
        left[running] -= rate * until
        done = running[left[running] <= 1e-12 * size[running]]
        left[done], end[done] = 0.0, now
    assert simulate(network.capacity, Flows(paths, size)).end == pytest.approx(end, rel=1e-9)


def _some(paths: Paths, flows: Any) -> Paths:
    """The paths of some of the flows."""
    rows = [slice(paths.offsets[flow], paths.offsets[flow + 1]) for flow in flows]
    offsets = np.cumsum([0, *(row.stop - row.start for row in rows)])
    links, weights = (np.concatenate([each[row] for row in rows]) for each in (paths.links, paths.weights))
    return Paths(offsets, links, paths.reached[flows], weights)
