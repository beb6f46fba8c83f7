"""A training step on a real fabric: its groups and what they send, contention on the network, and what faults cost."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_plans import MODELS, plans

from navarch.catalog import Catalog
from navarch.distributed.training import Hardware, Plan, Runtime, TransformerShape, estimate, on_fabric
from navarch.distributed.training.on_fabric.adapters import adapter_bandwidth
from navarch.distributed.training.on_fabric.estimate import expected_largest_of_many
from navarch.distributed.training.on_fabric.rounds import lanes_of, rounds_of
from navarch.distributed.training.on_fabric.slowed import COMMUNICATION, Steps
from navarch.distributed.training.on_fabric.sprays import sprayed
from navarch.distributed.training.ratios import volumes_of
from navarch.fleet.fabric import clos_graph, dragonfly_graph, faults, flows, grid_graph
from navarch.fleet.fabric.graph import GraphError, Network, Wires
from navarch.fleet.fabric.routing import router_for

WIRES = Wires(50e9, 5e-7, 5e-7, 5e-7)
POWERS = st.sampled_from([1.0, 2.0, 4.0, 8.0])
Step = tuple[TransformerShape, Hardware, Plan, Runtime]


@pytest.fixture(scope="session")
def two_levels() -> Network:
    """16 leaves of 16 hosts, 16 spines."""
    return clos_graph.leaf_spine(16, 16, 16, 16, WIRES)


@pytest.fixture(scope="session")
def three_levels() -> Network:
    """4 pods of 4 leaves of 16 hosts, non-blocking."""
    return clos_graph.three_tier(4, 4, 16, 16, 16, 64, 4, WIRES)


@pytest.fixture(scope="session")
def step(llama8b: TransformerShape, h100: Hardware, runtime: Runtime, plan: Callable[..., Plan]) -> Step:
    """256 accelerators: tensor groups within a node, rings of 8 nodes, 4 stages."""
    made = plan(tensor=8.0, pipeline=4.0, data=8.0, global_batch=256.0, sequence_length=8192.0, zero_stage=1)
    return llama8b, h100, made, runtime


def named(texts: tuple[str, ...], network: Network, catalog: Catalog) -> list[faults.Fault]:
    return [faults.read_fault(text, network, catalog) for text in texts]


def test_groups_by_hand(plan: Callable[..., Plan]) -> None:
    placed = on_fabric.groups(plan(tensor=2.0, context=2.0, data=2.0, pipeline=2.0, expert=4.0), 4)
    members = {form.name: form.members.tolist() for form in placed.forms}
    assert members["tensor"][:2] == [[0, 1], [2, 3]]
    assert members["context"][:3] == [[0, 2], [1, 3], [4, 6]]
    assert members["expert"] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]
    assert sorted(members["data"]) == [[0, 2, 4, 6], [1, 3, 5, 7], [8, 10, 12, 14], [9, 11, 13, 15]]
    assert sorted(members["data of experts"])[:2] == [[0, 4], [1, 5]]
    assert members["pipeline"][:2] == [[0, 8], [1, 9]]
    assert {form.name: form.lies for form in placed.forms} == {
        "tensor": "within a domain", "context": "within a domain", "expert": "within a domain",
        "data": "across domains", "data of experts": "across domains", "pipeline": "across domains",
    }  # fmt: skip


@given(data=st.data())
@settings(max_examples=40)
def test_every_accelerator_is_in_one_group_of_each_form(data: st.DataObject, deepseek_v3: TransformerShape) -> None:
    made = data.draw(plans(deepseek_v3))
    replicas = made.data * made.context
    assume(made.shard is None or replicas % min(replicas, made.shard) == 0)
    expert_replicas = made.tensor * replicas / max(made.tensor, made.expert)
    assume(made.shard is None or expert_replicas % min(expert_replicas, made.shard) == 0)
    assume((made.tensor * replicas) % max(made.tensor, made.expert) == 0)
    domain = data.draw(st.sampled_from([1, 4, 8, 72]))
    placed = on_fabric.groups(made, domain)
    assert placed.accelerators == made.tensor * made.pipeline * replicas
    for form in placed.forms:
        assert form.ranks > 1
        assert np.array_equal(np.sort(form.members, axis=None), np.arange(placed.accelerators)), form.name
        assert (np.diff(form.members, axis=1) == form.stride).all()
        touched = max(len(np.unique(row // domain)) for row in form.members)
        assert form.domains == touched
        assert form.crosses == (touched > 1)


def test_a_group_is_placed_on_leaves_and_pods(plan: Callable[..., Plan], three_levels: Network) -> None:
    placed = on_fabric.groups(plan(tensor=8.0, data=8.0, pipeline=4.0), 8, three_levels)
    lies = {form.name: (form.lies, form.leaves, form.pods) for form in placed.forms}
    assert lies == {
        "tensor": ("within a domain", 1, 1), "data": ("within a pod", 4, 1), "pipeline": ("across pods", 4, 4)
    }  # fmt: skip
    assert placed.borders == {"leaf": 16, "pod": 64}
    rails = clos_graph.rail_optimised(32, 8, 8, 4, 8, wires=WIRES)
    railed = on_fabric.groups(plan(tensor=8.0, data=8.0, pipeline=4.0), 8, rails).of("data")
    assert railed is not None
    assert (railed.lies, railed.leaves) == ("within a leaf", 1)


@pytest.mark.parametrize("shard", [2.0, 4.0])
def test_hybrid_sharding_has_shards_and_groups_of_them(plan: Callable[..., Plan], shard: float) -> None:
    placed = on_fabric.groups(plan(tensor=2.0, data=8.0, zero_stage=3, shard=shard), 8)
    assert [form.name for form in placed.forms] == ["tensor", "data, shards", "data, between shards"]
    near, far = placed.forms[1:]
    assert (near.ranks, far.ranks) == (shard, 8 / shard)
    assert far.stride == 2 * shard


@given(data=st.data())
@settings(max_examples=40)
def test_what_is_sent_is_what_the_estimate_sends(
    data: st.DataObject, request: pytest.FixtureRequest, h100: Hardware, runtime: Runtime
) -> None:
    """With one accelerator in a domain everything is sent out of it."""
    shape = request.getfixturevalue(data.draw(st.sampled_from(MODELS)))
    made = data.draw(plans(shape, shard=None, virtual_stages=1.0, schedule="1f1b"))
    assume((made.tensor * made.data * made.context) % max(made.tensor, made.expert) == 0)
    alone = replace(h100, scaleup_domain=1.0)
    found = dict.fromkeys(COMMUNICATION, 0.0)
    for each in on_fabric.traffic(shape, alone, made, runtime):
        found[each.form] += each.sent
    for form, sent in volumes_of(shape, alone, made, runtime).items():
        assert found[form] == pytest.approx(sent, rel=1e-9, abs=1e-3), form


@given(data=st.data())
@settings(max_examples=30)
def test_no_byte_is_lost_on_the_way_to_the_adapters(
    data: st.DataObject, deepseek_v3: TransformerShape, h100: Hardware, runtime: Runtime
) -> None:
    made = data.draw(plans(deepseek_v3, shard=None))
    assume((made.tensor * made.data * made.context) % max(made.tensor, made.expert) == 0)
    domain = data.draw(st.sampled_from([2, 4, 8]))
    several = data.draw(st.sampled_from([(1, 1), (2, 1), (1, 2)]))
    for each in on_fabric.traffic(deepseek_v3, replace(h100, scaleup_domain=float(domain)), made, runtime):
        form = each.groups
        adapters = on_fabric.Adapters(int(made.tensor * made.pipeline * made.data * made.context), *several)
        rounds = [lanes_of(hops, adapters) for hops in rounds_of(each, domain)]
        sizes = [each.sent / len(rounds) / hops.parts for hops in rounds]
        total = sum(size.sum() for size in sizes)
        runs = sum(len(np.unique(row // domain)) for row in form.members)
        if each.pattern == "ring":  # what leaves each domain enters the next
            assert total == pytest.approx(runs * each.sent)
        elif each.pattern == "sends":
            apart = form.members // domain
            neighbours = np.count_nonzero(apart[:, 1:] != apart[:, :-1])
            around = np.count_nonzero(apart[:, 0] != apart[:, -1]) if each.wraps else 0
            assert total == pytest.approx((neighbours + around) * each.sent)
        else:
            assert total == pytest.approx(form.members.size * each.sent)
        for hops, size in zip(rounds, sizes, strict=True):
            sent = np.bincount(hops.source, size, adapters.used)
            got = np.bincount(hops.destination, size, adapters.used)
            assert sent.sum() == pytest.approx(got.sum())
            assert hops.source.max(initial=0) < adapters.used


@given(POWERS, POWERS, POWERS, st.sampled_from([1.0, 2.0]), st.sampled_from(["modulo", "spray", "adaptive"]))
@settings(max_examples=25)
def test_nothing_is_in_the_way_on_a_full_tree_in_order(
    step: Step, three_levels: Network, tensor: float, pipeline: float, context: float, virtual: float, policy: str
) -> None:
    shape, hardware, made, runtime = step
    data = 256.0 / (tensor * pipeline * context)
    assume(data >= 1 and (virtual == 1 or pipeline > 1))
    laid = replace(made, tensor=tensor, pipeline=pipeline, context=context, data=data, virtual_stages=virtual)
    found = on_fabric.compare(shape, hardware, laid, runtime, {"tree": three_levels}, policy)
    row = found.rows[0]
    assert row.simulated.slowdowns == pytest.approx(dict.fromkeys(row.simulated.slowdowns, 1.0), rel=1e-6)
    known = estimate(shape, hardware, laid, runtime)
    assert row.simulated.step_time == pytest.approx(float(known.step_time), rel=1e-6)
    assert row.estimated is not None
    assert row.estimated.step_time == pytest.approx(row.simulated.step_time, rel=1e-6)


@pytest.mark.parametrize(("policy", "scattered"), [("modulo", False), ("spray", False), ("spray", True)])
@pytest.mark.parametrize("levels", ["two_levels", "three_levels"])
def test_the_closed_form_is_the_simulation(
    request: pytest.FixtureRequest, catalog: Catalog, step: Step, levels: str, policy: str, scattered: bool
) -> None:
    network = request.getfixturevalue(levels)
    written: tuple[str, ...] = (
        "slow-nic:3=0.5", "pcie:3=pcie3-x16", "lost:spine=1", "oversubscription=4", "oversubscription=2"
    )  # fmt: skip
    written += ("lost:core=1",) if levels == "three_levels" else ()
    found = on_fabric.costs(*step, network, named(written, network, catalog), policy, scattered=scattered)
    for row in found.rows:
        assert row.estimated is not None
        assert row.estimated.slowdowns == pytest.approx(row.simulated.slowdowns, rel=1e-6), row.name
        assert row.estimated.step_time == pytest.approx(row.simulated.step_time, rel=1e-6), row.name


@pytest.mark.parametrize("levels", ["two_levels", "three_levels"])
def test_expected_collisions_are_about_those_of_many_seeds(
    request: pytest.FixtureRequest, step: Step, levels: str
) -> None:
    network = request.getfixturevalue(levels)
    found = on_fabric.costs(*step, network, [faults.Collisions(20)], "modulo", scattered=True)
    row = found.rows[1]
    assert row.policy == "ecmp"
    assert row.low < row.simulated.step_time < row.high
    assert row.estimated is not None
    assert row.estimated.slowdowns == pytest.approx(row.simulated.slowdowns, rel=0.15)


def test_faults_by_hand(step: Step, two_levels: Network, catalog: Catalog) -> None:
    written = ("slow-nic:3=0.5", "lost:spine=1", "oversubscription=4")
    none, slow, lost, thin = on_fabric.costs(*step, two_levels, named(written, two_levels, catalog)).rows
    assert slow.simulated.slowdowns == pytest.approx({"data": 2, "pipeline": 2})
    assert slow.groups_slowed == {"data": 1 / 32, "pipeline": 1 / 64}  # one ring, one pipeline; all others wait
    assert lost.simulated.slowdowns == pytest.approx({"data": 1, "pipeline": 2})  # 16 whole flows on 15 uplinks
    assert thin.simulated.slowdowns == pytest.approx({"data": 2, "pipeline": 4})  # half a leaf's adapters, or all
    assert none.slower == pytest.approx(1)
    assert none.simulated.share < lost.simulated.share < slow.simulated.share < thin.simulated.share
    for row in (none, slow, lost, thin):
        answer = row.simulated
        assert answer.exposed == pytest.approx(sum(answer.communication.values()))
        assert sum(time for _, _, time in answer.step.parts()) == pytest.approx(answer.step_time, rel=1e-9)


def test_rails_keep_data_parallel_rings_from_meeting(step: Step, two_levels: Network) -> None:
    rails = clos_graph.rail_optimised(32, 8, 8, 4, 8, wires=WIRES)
    tree, railed = on_fabric.compare(*step, {"tree": two_levels, "rails": rails}, "ecmp").rows
    assert railed.simulated.slowdowns["data"] == pytest.approx(1)
    assert tree.simulated.slowdowns["data"] > 2
    assert railed.simulated.step_time < tree.simulated.step_time


def test_what_order_is_worth(step: Step, two_levels: Network) -> None:
    planned, scattered = (
        on_fabric.compare(*step, {"tree": two_levels}, "adaptive", scattered=each).rows[0] for each in (False, True)
    )
    assert planned.slower == pytest.approx(1)
    assert scattered.slower > 1.02
    assert scattered.estimated is None


@given(st.lists(st.sampled_from(["slow-nic:9=0.4", "lost:spine=2", "oversubscription=2"]), min_size=1, unique=True))
@settings(max_examples=10)
def test_faults_never_make_a_step_faster(step: Step, two_levels: Network, catalog: Catalog, texts: list[str]) -> None:
    network, before = two_levels, 0.0
    for text in (None, *texts):
        network = network if text is None else faults.read_fault(text, network, catalog).of(network)
        time = on_fabric.compare(*step, {"tree": network}, "spray").rows[0].simulated.step_time
        assert time >= before * (1 - 1e-9)
        before = time


@given(st.floats(1, 8), st.floats(1, 8), st.floats(1, 3))
@settings(max_examples=30)
def test_slower_communication_never_makes_a_step_faster(step: Step, data: float, sends: float, more: float) -> None:
    shape, hardware, made, runtime = step
    steps = Steps(shape, hardware, made, runtime, float(hardware.scaleout_bandwidth))
    here = steps.slowed({"data": data, "pipeline": sends})
    assert here.total >= steps.alone.total * (1 - 1e-12)
    assert steps.slowed({"data": data * more, "pipeline": sends}).total >= here.total * (1 - 1e-9)
    assert steps.slowed({"data": data, "pipeline": sends * more}).total >= here.total * (1 - 1e-9)
    assert sum(time for _, _, time in here.parts()) == pytest.approx(here.total, rel=1e-9)


@given(st.floats(1, 10), st.sampled_from(["1f1b", "zero-bubble"]))
@settings(max_examples=20)
def test_one_slowdown_for_all_is_a_slower_network(step: Step, factor: float, schedule: Any) -> None:
    shape, hardware, made, runtime = step
    laid = replace(made, schedule=schedule)
    slow = replace(hardware, scaleout_bandwidth=hardware.scaleout_bandwidth / factor)
    known = estimate(shape, slow, laid, runtime)
    steps = Steps(shape, hardware, laid, runtime, float(hardware.scaleout_bandwidth))
    assert steps.slowed({"data": factor, "pipeline": factor}).total == pytest.approx(float(known.step_time), rel=1e-12)
    assert steps._mixed({"data": factor, "pipeline": factor}).total == pytest.approx(float(known.step_time), rel=1e-9)


def test_more_bandwidth_is_never_slower(step: Step) -> None:
    times = [
        on_fabric.compare(*step, {"tree": clos_graph.leaf_spine(16, 16, 16, 16, Wires(rate))}).base.simulated.step_time
        for rate in (12.5e9, 25e9, 50e9, 100e9)
    ]
    assert times == sorted(times, reverse=True)


def test_experts_meet_on_thin_fabrics(
    deepseek_v3: TransformerShape, h100: Hardware, runtime: Runtime, plan: Callable[..., Plan], two_levels: Network
) -> None:
    made = plan(data=64.0, expert=64.0, pipeline=4.0, global_batch=512.0, sequence_length=4096.0)
    thin = faults.Oversubscription(4)
    none, four = on_fabric.costs(deepseek_v3, h100, made, runtime, two_levels, [thin], "spray").rows
    assert set(none.simulated.slowdowns) == {"data", "expert", "pipeline"}
    assert none.simulated.slowdowns["expert"] == pytest.approx(1)
    assert four.simulated.slowdowns["expert"] == pytest.approx(24 / 7)  # 6 of 7 leave the leaf, over 4 uplinks
    assert four.estimated is not None
    assert four.simulated.slowdowns["expert"] <= four.estimated.slowdowns["expert"] * (1 + 1e-9)
    assert four.simulated.communication["expert"] > none.simulated.communication["expert"]


def test_a_step_that_cannot_end(step: Step, two_levels: Network) -> None:
    row = on_fabric.costs(*step, two_levels, [faults.LostSwitches("leaf", 1)], "spray").rows[1]
    assert row.simulated.step_time == math.inf
    assert row.slower == math.inf
    assert row.simulated.share == 1


def test_shared_and_several_adapters(step: Step, two_levels: Network) -> None:
    shape, hardware, made, runtime = step
    half = clos_graph.leaf_spine(8, 16, 16, 16, WIRES)
    twice = clos_graph.leaf_spine(32, 16, 16, 16, WIRES)
    bandwidths = [on_fabric.Adapters.of(network, 256).bandwidth(network) for network in (half, two_levels, twice)]
    assert bandwidths == [25e9, 50e9, 100e9]
    for network, bandwidth in ((half, 25e9), (twice, 100e9)):
        found = on_fabric.compare(*step, {"tree": network}, "spray")
        known = estimate(shape, replace(hardware, scaleout_bandwidth=bandwidth), made, runtime)
        assert found.rows[0].simulated.slowdowns == pytest.approx({"data": 1, "pipeline": 1})
        assert found.rows[0].simulated.step_time == pytest.approx(float(known.step_time))
    with pytest.raises(GraphError, match="not as many for each accelerator"):
        on_fabric.compare(*step, {"one": two_levels, "two": twice})


def test_a_domain_is_a_block_of_a_torus() -> None:
    torus = grid_graph.torus([4, 8, 8], WIRES)
    hosts = on_fabric.planned(torus, on_fabric.Adapters(256, 1, 1), 8)
    assert hosts is not None
    assert np.array_equal(np.sort(hosts), np.arange(256))
    at = np.stack([torus.places[f"axis{i}"] for i in range(3)], axis=1)[hosts]
    blocks = at.reshape(-1, 8, 3)
    assert (np.ptp(blocks, axis=1) == 1).all()
    corners = blocks.min(axis=1)
    assert (np.abs(np.diff(corners, axis=0)).sum(axis=1) == 2).all()  # the next domain is the block beside it
    assert on_fabric.planned(grid_graph.torus([3, 5, 7], WIRES), on_fabric.Adapters(105, 1, 1), 8) is None
    assert on_fabric.planned(clos_graph.one_switch(64, WIRES), on_fabric.Adapters(64, 1, 1), 8) is None


def test_blocks_of_a_torus_are_worth_something(step: Step) -> None:
    torus = grid_graph.torus([4, 8, 8], WIRES)
    planned, scattered = (
        on_fabric.compare(*step, {"torus": torus}, "dimension-order", scattered=each).rows[0] for each in (False, True)
    )
    assert planned.simulated.slowdowns["data"] < scattered.simulated.slowdowns["data"]
    assert planned.estimated is None
    dragonfly = dragonfly_graph.dragonfly(4, 8, 4, 8, wires=WIRES)
    assert on_fabric.compare(*step, {"dragonfly": dragonfly}, "ugal").rows[0].slower >= 1


def test_a_scatter_moves_whole_domains(two_levels: Network) -> None:
    job = on_fabric.Adapters.of(two_levels, 128, 1)
    hosts = on_fabric.shuffled(two_levels, job, 8, seed=1)
    assert len(np.unique(hosts)) == 128
    assert (hosts.reshape(-1, 8) - hosts[::8, None] == np.arange(8)).all()
    assert (hosts[::8] % 8 == 0).all()
    assert not np.array_equal(hosts, on_fabric.shuffled(two_levels, job, 8, seed=2))
    with pytest.raises(GraphError, match="do not share out adapters"):
        on_fabric.shuffled(clos_graph.one_switch(30, WIRES), on_fabric.Adapters(120, 1, 4), 6)


def test_a_job_on_a_part_of_the_network(step: Step, two_levels: Network) -> None:
    shape, hardware, made, runtime = step
    half = replace(made, data=4.0)
    packed, spread = (
        on_fabric.compare(shape, hardware, half, runtime, {"tree": two_levels}, "spray", scattered=each, adapters=1)
        for each in (False, True)
    )
    assert packed.placed.of("pipeline").leaves == 4  # type: ignore[union-attr]
    rows = [found.rows[0].simulated.step_time for found in (packed, spread)]
    assert rows == pytest.approx([packed.base.simulated.step_time] * 2)


@given(st.integers(0, 100))
@settings(max_examples=10)
def test_sprayed_flows_have_the_shares_of_all_their_links(seed: int) -> None:
    rng = np.random.default_rng(seed)
    trees = (
        clos_graph.three_tier(4, 4, 8, 4, 4, 16, 4, WIRES), clos_graph.leaf_spine(8, 8, 4, 4, WIRES),
        clos_graph.rail_optimised(32, 8, 8, 4, 8, 2, 16, 4, WIRES),
    )  # fmt: skip
    for tree in trees:
        network = tree.without(switches=tree.nodes_of("spine")[:1]) if rng.random() < 0.5 else tree
        source = rng.permutation(network.hosts)
        destination = np.roll(source, -1)
        router = router_for(network, "spray")
        whole, few = router.paths(source, destination), sprayed(network, router, source, destination)
        assert len(few.links) < len(whole.links)
        expected = flows.shares(network.capacity, flows.Flows(whole, 1.0))
        assert flows.shares(network.capacity, flows.Flows(few, 1.0)) == pytest.approx(expected, rel=1e-9)


def test_the_expected_largest_of_many_is_that_of_draws() -> None:
    rng = np.random.default_rng(0)
    loads = [np.bincount(rng.integers(0, 512, 512), minlength=512).max() for _ in range(400)]
    assert expected_largest_of_many(512, 512, 1) == pytest.approx(np.mean(loads), rel=0.02)
    assert expected_largest_of_many(1, 1024, 1) == pytest.approx(1, abs=0.01)
    assert expected_largest_of_many(3, 1, 50) == 3


def test_adapters_are_those_into_the_network(two_levels: Network) -> None:
    from navarch.fleet.fabric.scaleup_graph import with_scale_up

    domains = with_scale_up(two_levels, 8, 2, 450e9)
    assert adapter_bandwidth(domains) == 50e9
    assert on_fabric.Adapters.of(domains, 256) == on_fabric.Adapters(256, 1, 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [({"tensor": 1.5}, "tensor: 1.5 is not allowed"), ({"expert": 3.0}, "expert: 3 does not divide")],
)
def test_plans_that_cannot_be_are_refused(plan: Callable[..., Plan], change: dict[str, float], told: str) -> None:
    with pytest.raises(GraphError, match=told):
        on_fabric.groups(plan(**{"data": 4.0, **change}), 8)


def test_a_network_that_is_too_small_is_refused(step: Step, two_levels: Network) -> None:
    with pytest.raises(GraphError, match="none is given"):
        on_fabric.compare(*step, {})
    small = clos_graph.leaf_spine(4, 16, 16, 16, WIRES)
    with pytest.raises(GraphError, match="not as many for each accelerator"):
        on_fabric.compare(*step, {"whole": two_levels, "small": small})


def test_tables_and_figures(step: Step, two_levels: Network) -> None:
    found = on_fabric.costs(*step, two_levels, [faults.Collisions(3)])
    assert found.to_frame()["name"].to_list() == [
        "nothing in the way",
        "none",
        "hash collisions (ECMP), mean of 3 seeds",
    ]
    assert found.placed.to_frame()["name"].to_list() == ["tensor", "data", "pipeline"]
    for drawn in (found.plot("Costs"), found.placed.plot("Costs")):
        told = drawn.to_dict(validate=False)
        assert told["title"]["text"] == "Costs"
        assert len(told["layer"]) >= 3
    assert "no fault" in found._repr_html_()
