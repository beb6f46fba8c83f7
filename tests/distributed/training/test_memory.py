"""Memory: the published figures of ZeRO and of Korthikanti et al., and how sharding must order it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.distributed.training import activations as act
from navarch.distributed.training import estimate, states
from navarch.distributed.training.anatomy import anatomy_of
from navarch.distributed.training.footprint import _layer_activations
from navarch.distributed.training.placement import place

GB = 1e9
BF16, MASK = 2, 1


@pytest.mark.parametrize(("stage", "published"), [(0, 120.0), (1, 31.4), (2, 16.6), (3, 1.9)])
def test_states_of_the_zero_paper(stage: int, published: float) -> None:
    # Rajbhandari et al. 2020, figure 1: 7.5e9 parameters, 64 ways, 2 + 2 + 12 bytes
    parameters, shards = 7.5e9, 64
    total = 0.0
    for level, bytes_each in ((3, 2), (2, 2), (1, 12)):
        sharded = states.sharded_state_bytes(parameters, bytes_each, shards)
        total += sharded if stage >= level else states.state_bytes(parameters, bytes_each)
    assert total / GB == pytest.approx(published, abs=0.05)


def layer_bytes(shape, hardware, runtime, plan, selective=False):
    anatomy = anatomy_of(shape, plan)
    placement = place(shape, anatomy, hardware, plan)
    return _layer_activations(shape, anatomy, plan, runtime, placement, selective)


@pytest.mark.parametrize(("hidden", "heads", "saved"), [(12288.0, 96.0, 0.70), (20480.0, 128.0, 0.65)])
def test_activations_are_korthikantis(hidden, heads, saved, gpt, a100, runtime, plan) -> None:
    shape, s, b, t = gpt(96.0, hidden, heads), 2048.0, 1.0, 8.0
    unit = s * b * hidden
    quadratic = 5 * heads * s / hidden
    common = {"tensor": t, "attention_kernel": "unfused"}
    tensor = layer_bytes(shape, a100, runtime, plan(**common, sequence_parallel=False))
    assert tensor == pytest.approx(unit * (10 + 24 / t + quadratic / t))  # eq. 2
    both = layer_bytes(shape, a100, runtime, plan(**common))
    assert both == pytest.approx(unit / t * (34 + quadratic))  # eq. 4
    selective = layer_bytes(shape, a100, runtime, plan(**common), selective=True)
    assert selective == pytest.approx(unit / t * 34)  # eq. 6
    assert 1 - selective / both == pytest.approx(saved, abs=0.01)  # section 5: 70 % of GPT-3, 65 % of MT-NLG


def test_full_recomputation_stores_the_layer_input() -> None:
    assert act.layer_input_bytes(2048, 12288, BF16) == 2 * 2048 * 12288


def test_in_flight_microbatches_of_the_first_stage() -> None:
    assert act.in_flight_first(64, 8, 1) == 8
    assert act.in_flight_first(4, 8, 1) == 4
    # Korthikanti et al. 2022, section 4.2.3: L (1 + (p - 1)/(p v)) layers' worth
    assert act.in_flight_first(64, 8, 3) == pytest.approx(8 * (1 + 7 / 24))
    assert act.in_flight_last(64, 8, 1) == 1


def test_parts_sum_to_the_total(llama405b, deepseek_v3, h100, runtime, plan) -> None:
    for shape in (llama405b, deepseek_v3):
        for recomputation in ("none", "selective", "full"):
            for zero in range(4):
                chosen = plan(tensor=8.0, data=64.0, expert=8.0, zero_stage=zero, recomputation=recomputation)
                memory = estimate(shape, h100, chosen, runtime).memory
                for stage in (memory.first, memory.last):
                    assert sum(float(x) for _, _, x in stage.parts()) == pytest.approx(float(stage.total))
                assert memory.peak == max(memory.first.total, memory.last.total)


@given(tensor=st.sampled_from([1.0, 2.0, 4.0, 8.0]), data=st.sampled_from([2.0, 8.0, 64.0]))
def test_sharding_more_never_takes_more(llama8b, h100, runtime, plan, tensor, data) -> None:
    peaks = [
        float(estimate(llama8b, h100, plan(tensor=tensor, data=data, zero_stage=z), runtime).memory.first.total)
        - float(estimate(llama8b, h100, plan(tensor=tensor, data=data, zero_stage=z), runtime).memory.first.workspace)
        for z in range(4)
    ]
    assert peaks == sorted(peaks, reverse=True)
    doubled = estimate(llama8b, h100, plan(tensor=2 * tensor, data=data), runtime).memory.peak
    assert doubled < estimate(llama8b, h100, plan(tensor=tensor, data=data), runtime).memory.peak


def test_recomputation_orders_memory(llama405b, h100, runtime, plan) -> None:
    stored = [
        float(
            estimate(
                llama405b, h100, plan(tensor=8.0, pipeline=16.0, recomputation=r), runtime
            ).memory.first.activations
        )
        for r in ("none", "selective", "full")
    ]
    assert stored == sorted(stored, reverse=True)
    assert stored[2] < stored[0] / 10


def test_experts_divide_over_the_expert_group(deepseek_v3, h100, runtime, plan) -> None:
    few = estimate(deepseek_v3, h100, plan(data=128.0, expert=8.0, pipeline=16.0), runtime).memory.first.weights
    many = estimate(deepseek_v3, h100, plan(data=128.0, expert=64.0, pipeline=16.0), runtime).memory.first.weights
    assert many < few / 2
