"""Memory: the published figures of ZeRO and of Korthikanti et al., and how sharding must order it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_plans import MODELS, plans

from navarch.distributed.training import activations as act
from navarch.distributed.training import estimate, states
from navarch.distributed.training.anatomy import anatomy_of
from navarch.distributed.training.footprint import layer_memory

GB, GIB = 1e9, 2.0**30
BF16, MASK = 2, 1
DRAWN = st.data()
SOME = settings(max_examples=60)
MODEL = st.sampled_from(MODELS)

# Korthikanti et al. 2022, table 3 (layers, hidden, heads, TP, PP, interleaving, microbatch) and figure 1 as profiled
# [GiB]: states of the layers, activations without and with sequence parallelism and selective recomputation
PROFILED = {
    "22B": ((48.0, 6144.0, 64.0), (8.0, 1.0, 1.0, 4.0), 45.5625, 59.25, 9.5625),
    "175B": ((96.0, 12288.0, 96.0), (8.0, 8.0, 3.0, 1.0), 45.5625, 66.84375, 12.3515625),
    "530B": ((105.0, 20480.0, 128.0), (8.0, 35.0, 3.0, 1.0), 31.640625, 114.0234375, 23.076171875),
    "1T": ((128.0, 25600.0, 160.0), (8.0, 64.0, 1.0, 1.0), 32.958984375, 131.25, 26.5625),
}


@pytest.mark.parametrize(("stage", "published"), [(0, 120.0), (1, 31.4), (2, 16.6), (3, 1.9)])
def test_states_of_the_zero_paper(stage: int, published: float) -> None:
    # Rajbhandari et al. 2020, figure 1: 7.5e9 parameters, 64 ways, 2 + 2 + 12 bytes
    parameters, shards = 7.5e9, 64
    total = 0.0
    for level, bytes_each in ((3, 2), (2, 2), (1, 12)):
        sharded = states.sharded_state_bytes(parameters, bytes_each, shards)
        total += sharded if stage >= level else states.state_bytes(parameters, bytes_each)
    assert total / GB == pytest.approx(published, abs=0.05)


def layer_bytes(shape, runtime, plan):
    """What one layer stores for one microbatch."""
    tokens = act.tokens_per_microbatch(plan.microbatch, plan.sequence_length, plan.context)
    return layer_memory(shape, anatomy_of(shape, plan), plan, runtime, tokens).stored


@pytest.mark.parametrize(("hidden", "heads", "saved"), [(12288.0, 96.0, 0.70), (20480.0, 128.0, 0.65)])
def test_activations_are_korthikantis(hidden, heads, saved, gpt, old_runtime, plan) -> None:
    shape, s, b, t = gpt(96.0, hidden, heads), 2048.0, 1.0, 8.0
    unit = s * b * hidden
    quadratic = 5 * heads * s / hidden
    common = {"tensor": t, "attention_kernel": "unfused"}
    tensor = layer_bytes(shape, old_runtime, plan(**common, sequence_parallel=False))
    assert tensor == pytest.approx(unit * (10 + 24 / t + quadratic / t))  # eq. 2
    both = layer_bytes(shape, old_runtime, plan(**common))
    assert both == pytest.approx(unit / t * (34 + quadratic))  # eq. 4
    selective = layer_bytes(shape, old_runtime, plan(**common, recomputation="selective"))
    assert selective == pytest.approx(unit / t * 34)  # eq. 6
    assert 1 - selective / both == pytest.approx(saved, abs=0.01)  # section 5: 70 % of GPT-3, 65 % of MT-NLG


def profiled(name, gpt, a100, old_runtime, plan, **more):
    """A model of Korthikanti et al. 2022 as they ran it: shape, anatomy and what it takes."""
    dimensions, (tensor, pipeline, virtual, microbatch), *_ = PROFILED[name]
    shape = gpt(*dimensions)
    chosen = plan(
        tensor=tensor, pipeline=pipeline, virtual_stages=virtual, microbatch=microbatch, zero_stage=0,
        global_batch=16 * pipeline * microbatch, attention_kernel="unfused", **more,
    )  # fmt: skip
    return shape, chosen, estimate(shape, a100, chosen, old_runtime)


def test_states_of_korthikanti(gpt, a100, old_runtime, plan) -> None:
    # The figure leaves the vocabulary out: its numbers are 18 bytes for each parameter of the layers of a stage.
    errors, with_vocabulary = [], []
    for name, (_, (tensor, *_), published, *_) in PROFILED.items():
        shape, chosen, made = profiled(name, gpt, a100, old_runtime, plan)
        held = made.memory.first
        everything = float(held.weights + held.gradients + held.optimiser)
        anatomy = anatomy_of(shape, chosen)
        bytes_each = old_runtime.weight_bytes + old_runtime.gradient_bytes + old_runtime.optimiser_bytes
        layers = everything - float(anatomy.vocabulary) / tensor * bytes_each
        errors.append(abs(layers / GIB / published - 1))
        with_vocabulary.append(everything / GIB / published - 1)
    assert sum(errors) / len(errors) < 0.001
    assert max(errors) < 0.002
    assert min(with_vocabulary) > 0  # the vocabulary counted: what is really held
    assert max(with_vocabulary) < 0.15


@pytest.mark.parametrize(
    ("column", "more"),
    [(3, {"sequence_parallel": False}), (4, {"recomputation": "selective"})],
    ids=["tensor parallel", "sequence parallel, selective recomputation"],
)
def test_activations_of_korthikanti(column, more, gpt, a100, old_runtime, plan) -> None:
    errors = []
    for name, row in PROFILED.items():
        _, _, made = profiled(name, gpt, a100, old_runtime, plan, **more)
        errors.append(abs(float(made.memory.first.activations) / GIB / row[column] - 1))
    assert sum(errors) / len(errors) < 0.001
    assert max(errors) < 0.002


def test_full_recomputation_stores_the_layer_input() -> None:
    assert act.layer_input_bytes(2048, 12288, BF16) == 2 * 2048 * 12288


def test_in_flight_microbatches_of_the_first_stage() -> None:
    assert act.in_flight_first(64, 8, 1) == 8
    assert act.in_flight_first(4, 8, 1) == 4
    # Korthikanti et al. 2022, section 4.2.3: L (1 + (p - 1)/(p v)) layers' worth
    assert act.in_flight_first(64, 8, 3) == pytest.approx(8 * (1 + 7 / 24))
    assert act.in_flight_last(64, 8, 1) == 1


@given(DRAWN, MODEL)
@SOME
def test_parts_sum_to_the_total(h100, runtime, request, data, name) -> None:
    shape = request.getfixturevalue(name)
    memory = estimate(shape, h100, data.draw(plans(shape)), runtime).memory
    for stage in (memory.first, memory.last):
        parts = [float(x) for _, _, x in stage.parts()]
        assert min(parts) >= 0
        assert sum(parts) == pytest.approx(float(stage.total))
    assert memory.peak == max(memory.first.total, memory.last.total)


@given(DRAWN, MODEL)
@SOME
def test_zero_orders_memory(h100, runtime, request, data, name) -> None:
    # each stage shards one state more (Rajbhandari et al. 2020, figure 1); gathered weights are workspace
    shape = request.getfixturevalue(name)
    chosen = data.draw(plans(shape, data=16.0, expert=1.0, offload="none"))
    shards = 16 * float(chosen.context) if chosen.shard is None else float(chosen.shard)
    held = [estimate(shape, h100, replace(chosen, zero_stage=z), runtime).memory.first for z in range(4)]
    for stage, state in ((1, "optimiser"), (2, "gradients"), (3, "weights")):
        amounts = [float(getattr(memory, state)) for memory in held]
        assert amounts[:stage] == [amounts[0]] * stage
        assert amounts[stage:] == pytest.approx([amounts[0] / shards] * (4 - stage)) or shape.experts
        assert amounts[stage] <= amounts[0]
    totals = [float(memory.total - memory.workspace) for memory in held]
    assert totals == sorted(totals, reverse=True)


@given(DRAWN, MODEL, st.sampled_from([1.0, 2.0, 4.0]))
@SOME
def test_a_wider_tensor_group_never_takes_more(h100, runtime, request, data, name, tensor) -> None:
    shape = request.getfixturevalue(name)
    chosen = data.draw(plans(shape, tensor=tensor, shard=None, zero_stage=0, data=16.0))
    doubled = estimate(shape, h100, replace(chosen, tensor=2 * tensor), runtime).memory.peak
    once = estimate(shape, h100, chosen, runtime).memory.peak
    assert doubled < once or (chosen.offload == "both" and doubled <= once)


@given(DRAWN, MODEL)
@SOME
def test_recomputation_orders_memory(h100, runtime, request, data, name) -> None:
    shape = request.getfixturevalue(name)
    chosen = data.draw(plans(shape, offload="none"))
    stored = [
        float(estimate(shape, h100, replace(chosen, recomputation=r), runtime).memory.first.activations)
        for r in ("none", "selective", "full")
    ]
    assert stored == sorted(stored, reverse=True)
    assert stored[2] < stored[0] / 3


@given(DRAWN, MODEL)
@SOME
def test_two_directions_hold_the_parameters_twice(h100, runtime, request, data, name) -> None:
    # DeepSeek-V3 2024, table 2: DualPipe holds two stages, one of each direction, and p + 1 microbatches
    shape = request.getfixturevalue(name)
    fixed = {"virtual_stages": 1.0, "zero_stage": 0, "offload": "none", "pipeline": 4.0}
    chosen = data.draw(plans(shape, schedule="dualpipe", **fixed))
    both = estimate(shape, h100, chosen, runtime).memory.first
    one = estimate(shape, h100, replace(chosen, schedule="1f1b"), runtime).memory.first
    for state in ("weights", "gradients", "optimiser"):
        assert float(getattr(both, state)) == pytest.approx(2 * float(getattr(one, state)))
    assert float(both.activations) == pytest.approx(5 / 4 * float(one.activations))


@given(DRAWN, MODEL, st.sampled_from([2.0, 4.0, 8.0]))
@SOME
def test_schedules_order_activations(h100, runtime, request, data, name, pipeline) -> None:
    # Huang et al. 2019, Narayanan et al. 2021, Qi et al. 2023: all of them; p; p; 2p - 1; p
    shape = request.getfixturevalue(name)
    fixed = {"pipeline": pipeline, "virtual_stages": 1.0, "microbatches": 64.0, "offload": "none"}
    chosen = data.draw(plans(shape, schedule="1f1b", **fixed))
    held = {
        schedule: float(estimate(shape, h100, replace(chosen, schedule=schedule), runtime).memory.first.activations)
        for schedule in ("1f1b", "gpipe", "zero-bubble", "zero-bubble-2", "zero-bubble-v")
    }
    one = held["1f1b"] / pipeline
    expected = {"1f1b": pipeline, "gpipe": 64, "zero-bubble": pipeline, "zero-bubble-2": 2 * pipeline - 1,
                "zero-bubble-v": pipeline}  # fmt: skip
    assert held == pytest.approx({schedule: count * one for schedule, count in expected.items()})


def test_experts_divide_over_the_expert_group(deepseek_v3, h100, runtime, plan) -> None:
    few = estimate(deepseek_v3, h100, plan(data=128.0, expert=8.0, pipeline=16.0), runtime).memory.first.weights
    many = estimate(deepseek_v3, h100, plan(data=128.0, expert=64.0, pipeline=16.0), runtime).memory.first.weights
    assert many < few / 2
