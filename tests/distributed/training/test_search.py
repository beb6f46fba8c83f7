"""The search: what pruning leaves out never mattered, and the answer is the same however the work is cut or spread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.core.sweep import OFFLINE
from navarch.core.sweep_threads import environment
from navarch.distributed.training import TransformerShape, estimate
from navarch.distributed.training.forms import COMMON, EVERYTHING
from navarch.distributed.training.legality import InfeasibleError, enumerate_plans
from navarch.distributed.training.search import (
    NUMERIC,
    STRATEGY,
    Found,
    chunks_of,
    evaluate_chunk,
    merged,
    plan_at,
    search,
    task_of,
)
from navarch.distributed.training.shape import Hardware, Plan

GIB = 2.0**30
DRAWN = st.data()
PARTS = ("front", "strategies", "over", "leanest")
SOME = replace(COMMON, zero_stages=(0, 1, 3), hybrid=True, schedules=("1f1b", "zero-bubble"), offloads=("none", "both"))
FEW = replace(SOME, zero_stages=(0, 3), hybrid=False, recomputations=("none", "full"))


def the_same(one: Found, other: Found) -> None:
    """Bit for bit."""
    assert (one.considered, one.feasible) == (other.considered, other.feasible)
    for part in PARTS:
        for column in fields(getattr(one, part)):
            first, second = (getattr(getattr(found, part), column.name) for found in (one, other))
            assert first.dtype == second.dtype
            assert first.tobytes() == second.tobytes(), (part, column.name)


@st.composite
def shapes(draw: Any) -> TransformerShape:
    """A small transformer, dense or with experts."""
    heads = draw(st.sampled_from([2.0, 3.0, 4.0, 6.0, 8.0]))
    layers = float(draw(st.integers(1, 12)))
    moe = draw(st.booleans())
    experts = {
        "experts": draw(st.sampled_from([4.0, 6.0, 8.0])), "experts_per_token": 2.0, "moe_ffn_hidden": 256.0,
        "moe_layers": float(draw(st.integers(1, int(layers)))),
    }  # fmt: skip
    return TransformerShape(
        layers=layers, hidden=64 * heads, heads=heads, kv_heads=draw(st.sampled_from([1.0, heads])), head_dim=64.0,
        ffn_hidden=draw(st.sampled_from([512.0, 2816.0])), ffn_matrices=draw(st.sampled_from([2.0, 3.0])),
        vocab=32000.0, tied=draw(st.booleans()), **(experts if moe else {}),
    )  # fmt: skip


@st.composite
def tasks(draw: Any, hardware: Hardware, runtime: Any, forms: Any = EVERYTHING) -> Any:
    """A small request as keywords of `task_of`; its memory is often too little for some plans, sometimes for all."""
    shape = draw(shapes())
    memory = draw(st.sampled_from([0.6, 1.0, 2.0, 4.0])) * GIB
    return {
        "shape": shape,
        "hardware": replace(hardware, memory=memory, scaleup_domain=draw(st.sampled_from([2.0, 6.0, 8.0]))),
        "runtime": replace(runtime, memory_reserve=0.2 * GIB),
        "accelerators": draw(st.sampled_from([1, 2, 6, 8, 12])),
        "global_batch": draw(st.sampled_from([12, 24, 30, 48])),
        "sequence_length": draw(st.sampled_from([512, 1536, 16384])),
        "forms": forms,
    }


@given(DRAWN)
@settings(max_examples=20)
def test_pruning_loses_nothing(h100, runtime, data) -> None:
    request = data.draw(tasks(h100, runtime))
    try:
        task = task_of(**request)
    except InfeasibleError:
        return
    the_same(search(task), search(replace(task, prune=False)))


def test_nor_in_a_large_space(deepseek_v3, h100, runtime) -> None:
    request = (96, 720, 4096)
    pruned, full = (
        search(task_of(deepseek_v3, h100, runtime, *request, forms=EVERYTHING, prune=prune)) for prune in (True, False)
    )
    the_same(pruned, full)
    assert pruned.considered > 1_000_000 > pruned.feasible > 1_000
    assert len(pruned.front) > 10 and len(pruned.strategies) > 20


@given(DRAWN, st.integers(5, 40))
@settings(max_examples=12)
def test_the_size_of_chunks_does_not_matter(h100, runtime, data, rows) -> None:
    request = data.draw(tasks(h100, runtime, SOME))
    try:
        task = task_of(**request)
    except InfeasibleError:
        return
    found = Found()
    for chunk in chunks_of(task, rows):
        found = merged(found, evaluate_chunk(task, chunk))
    the_same(found, search(task))


@given(DRAWN)
@settings(max_examples=10)
def test_nor_the_order_in_which_they_are_merged(h100, runtime, data) -> None:
    request = data.draw(tasks(h100, runtime, SOME))
    try:
        task = task_of(**request)
    except InfeasibleError:
        return
    parts = [evaluate_chunk(task, chunk) for chunk in chunks_of(task, 7)]
    backwards = Found()
    for part in reversed(parts):
        backwards = merged(part, backwards)
    the_same(backwards, search(task))


def one_by_one(plans: list[Plan]) -> Iterator[Plan]:
    """Plans of arrays as plans of plain numbers."""
    for many in plans:
        rows = len(many.tensor)
        shard = many.shard if many.shard is None else np.broadcast_to(many.shard, rows)
        for row in range(rows):
            numbers = {name: float(getattr(many, name)[row]) for name in NUMERIC}
            yield replace(many, **numbers, shard=None if shard is None else float(shard[row]))


def brute_force(request: dict[str, Any]) -> dict[str, Any]:
    """What a search should find, by the scalar estimate of every plan."""
    given = {k: request[k] for k in ("shape", "hardware", "accelerators", "global_batch", "sequence_length", "forms")}
    plans = list(one_by_one(enumerate_plans(**given)))
    made = [estimate(request["shape"], request["hardware"], plan, request["runtime"]) for plan in plans]
    points = [(float(m.step_time), float(m.memory.peak)) for m in made]
    fitting = [i for i, (_, memory) in enumerate(points) if memory <= request["hardware"].memory]
    front = {points[i] for i in fitting
             if not any(points[j] != points[i] and points[j][0] <= points[i][0] and points[j][1] <= points[i][1]
                        for j in fitting)}  # fmt: skip
    fastest: dict[tuple[float, ...], float] = {}
    for i in fitting:
        key = tuple(getattr(plans[i], name) for name in STRATEGY)
        fastest[key] = min(fastest.get(key, np.inf), points[i][0])
    leanest = min(memory for _, memory in points)
    return {"counts": (len(plans), len(fitting)), "front": front, "fastest": fastest, "leanest": leanest}


@given(DRAWN)
@settings(max_examples=6)
def test_it_finds_what_brute_force_finds(h100, runtime, data) -> None:
    request = data.draw(tasks(h100, runtime, FEW))
    try:
        task = task_of(**request)
    except InfeasibleError:
        return
    found, expected = search(task), brute_force(request)
    assert (found.considered, found.feasible) == expected["counts"]
    close = {"rel": 1e-12}
    times = sorted((float(t), float(m)) for t, m in zip(found.front.time, found.front.memory, strict=True))
    assert [x for point in times for x in point] == pytest.approx(
        [x for point in sorted(expected["front"]) for x in point], **close
    )
    fastest = {
        tuple(float(getattr(plan_at(task, found.strategies, i), name)) for name in STRATEGY): float(time)
        for i, time in enumerate(found.strategies.time)
    }
    assert fastest == pytest.approx(expected["fastest"], **close)
    assert float(found.leanest.memory[0]) == pytest.approx(expected["leanest"], **close)


@given(DRAWN)
@settings(max_examples=10)
def test_a_plan_kept_is_what_it_says(h100, runtime, data) -> None:
    request = data.draw(tasks(h100, runtime))
    try:
        task = task_of(**request)
    except InfeasibleError:
        return
    found = search(task)
    for kept in (found.front, found.strategies, found.over, found.leanest):
        for index in range(min(5, len(kept))):
            made = estimate(request["shape"], request["hardware"], plan_at(task, kept, index), request["runtime"])
            assert float(made.memory.peak) == pytest.approx(float(kept.memory[index]), rel=1e-12)
            if np.isfinite(kept.time[index]):
                assert float(made.step_time) == pytest.approx(float(kept.time[index]), rel=1e-12)


def test_every_form_is_tried(llama8b, h100, runtime) -> None:
    fixed = {"tensor": 2, "pipeline": 4, "microbatch": 1}
    task = task_of(llama8b, h100, runtime, 64, 256, 32768, fixed, EVERYTHING)
    plans = list(one_by_one(enumerate_plans(llama8b, h100, 64, 256, 32768, fixed, EVERYTHING)))
    assert search(task).considered == len(plans)
    assert len({repr(plan) for plan in plans}) == len(plans)
    seen = {(p.schedule, p.offload, p.recomputation, p.sequence_parallel, p.zero_stage) for p in plans}
    every = EVERYTHING
    stages = (0, 1)  # ZeRO-2 and ZeRO-3 only within a single stage
    assert seen == set(product(every.schedules, every.offloads, every.recomputations, every.sequence_parallel, stages))
    assert {p.context_kind for p in plans if p.context > 1} == {"ring", "ulysses"}
    within = 4.0  # of the eight of a domain, two to a tensor group
    assert {p.shard for p in plans if p.zero_stage} == {None, within}


def test_progress_is_told(llama8b, h100, runtime) -> None:
    told: list[tuple[int, int]] = []
    search(task_of(llama8b, h100, runtime, 64, 256, 8192), progress=lambda done, every: told.append((done, every)))
    assert told and told[-1][0] == told[-1][1]


@pytest.fixture(scope="module")
def wide(request) -> dict[str, Any]:
    """A request whose table fills several chunks."""
    hardware, runtime = request.getfixturevalue("h100"), request.getfixturevalue("runtime")
    shape = request.getfixturevalue("deepseek_v3")
    return {"shape": shape, "hardware": hardware, "runtime": runtime, "accelerators": 2048, "global_batch": 15360,
            "sequence_length": 4096}  # fmt: skip


@pytest.mark.slow
def test_two_workers_find_what_one_finds(wide) -> None:
    task = task_of(**wide, forms=EVERYTHING)
    assert len(chunks_of(task)) > 2
    the_same(search(task, workers=1), search(task, workers=2))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed (pip install 'navarch[ray]')")
def test_a_ray_cluster_of_two_nodes_finds_the_same(wide) -> None:
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
    task = task_of(**wide, forms=EVERYTHING)
    with environment(OFFLINE):
        cluster = Cluster(initialize_head=True, head_node_args=node)
        cluster.add_node(**node)
    try:
        the_same(search(task, workers=1), search(task, "ray", workers=None, address=cluster.address))
    finally:
        cluster.shutdown()
