"""Step time: what must hold of every plan, whatever the constants are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_plans import BACKWARD_SPLIT, MODELS, plans

from navarch.distributed.training import estimate
from navarch.distributed.training.communication import exposed_share
from navarch.distributed.training.pipeline import exact_from
from navarch.distributed.training.ratios import volumes_of
from navarch.distributed.training.shape import SCHEDULES

EXACT = 1 + 1e-12
BANDWIDTHS = ("scaleup_bandwidth", "scaleout_bandwidth", "memory_bandwidth", "host_bandwidth")
STEADY = tuple(s for s in SCHEDULES if s not in BACKWARD_SPLIT)
DRAWN = st.data()
SOME = settings(max_examples=40)
MODEL = st.sampled_from(MODELS)


@pytest.fixture(scope="session")
def model(request):
    """A model of the fixtures, by its name."""
    return request.getfixturevalue


def with_more(hardware, what: str, factor: float):
    """The hardware with more of something; matrix products and attention have theirs of memory and arithmetic."""
    if what == "memory_bandwidth":
        kernel = replace(hardware.matmul, memory_bandwidth=hardware.matmul.memory_bandwidth * factor)
        return replace(hardware, memory_bandwidth=hardware.memory_bandwidth * factor, matmul=kernel)
    if what == "peak":
        kernel = replace(hardware.matmul, peak=hardware.matmul.peak * factor)
        peaks = {"peak": hardware.peak * factor, "attention_peak": hardware.attention_peak * factor}
        return replace(hardware, **peaks, matmul=kernel)
    return replace(hardware, **{what: getattr(hardware, what) * factor})


@given(DRAWN, MODEL)
@SOME
def test_parts_sum_to_the_step(h100, runtime, model, data, name) -> None:
    shape = model(name)
    made = estimate(shape, h100, data.draw(plans(shape)), runtime)
    parts = {key: float(part) for key, _, part in made.step.parts()}
    least = dict.fromkeys(parts, 0.0) | {"unexplained": -float(made.step_time)}
    assert all(parts[key] >= least[key] for key in parts)
    assert sum(parts.values()) == pytest.approx(float(made.step_time))
    assert 0 < float(made.mfu) <= float(made.hfu) * EXACT < 1
    communication = sum(float(part) for _, _, part in made.communication.parts())
    assert communication == pytest.approx(float(made.communication.total))
    for key in ("tensor", "context", "expert", "pipeline"):
        if key in parts:
            assert parts[key] <= float(getattr(made.communication, key)) * EXACT  # exposed, of all
    pace = made.pace
    passes = [float(pace.forward), float(pace.backward_input), float(pace.backward_weight)]
    assert min(passes) > 0
    layers = sum(parts.get(key, 0.0) for key in ("compute", "elementwise", "gaps", "tensor", "context", "expert"))
    assert sum(passes) * float(made.microbatches) == pytest.approx(layers)


@given(DRAWN, MODEL, st.sampled_from([*BANDWIDTHS, "peak"]), st.floats(1.0, 8.0), st.sampled_from(STEADY))
@settings(max_examples=150)
def test_more_bandwidth_is_never_slower(h100, runtime, model, data, name, what, factor, schedule) -> None:
    shape = model(name)
    more_stages = {} if schedule == "1f1b" else {"pipeline": 4.0}
    chosen = data.draw(plans(shape, schedule=schedule, **more_stages))
    before = estimate(shape, h100, chosen, runtime)
    after = estimate(shape, with_more(h100, what, factor), chosen, runtime)
    assert after.step_time <= before.step_time * EXACT
    assert after.communication.total <= before.communication.total * EXACT
    assert after.memory.peak == before.memory.peak


@given(DRAWN, MODEL, st.sampled_from(BANDWIDTHS), st.floats(1.0, 8.0), st.sampled_from(BACKWARD_SPLIT))
@settings(max_examples=150)
def test_nor_in_a_schedule_without_bubbles(h100, runtime, model, data, name, what, factor, schedule) -> None:
    # with the microbatches that its closed form is exact from
    shape, pipeline = model(name), data.draw(st.sampled_from([2.0, 4.0, 8.0]))
    enough = float(exact_from(schedule, int(pipeline), 1)) + data.draw(st.integers(0, 40))
    chosen = data.draw(plans(shape, schedule=schedule, pipeline=pipeline, microbatches=enough))
    slower_host = replace(runtime, layer_launch=runtime.layer_launch * data.draw(st.sampled_from([0.1, 1.0, 10.0])))
    before = estimate(shape, h100, chosen, slower_host).step_time
    assert estimate(shape, with_more(h100, what, factor), chosen, slower_host).step_time <= before * EXACT


@given(DRAWN, MODEL)
@SOME
def test_accumulation_leaves_the_data_parallel_volume(h100, runtime, model, data, name) -> None:
    # ZeRO-0 and ZeRO-1 reduce once a step, however many microbatches there are
    shape = model(name)
    chosen = data.draw(plans(shape, zero_stage=data.draw(st.integers(0, 1)), schedule="1f1b", pipeline=1.0))
    batch = 48 * chosen.data
    each = [replace(chosen, microbatch=b, global_batch=batch) for b in (1.0, 2.0, 3.0, 16.0)]
    assert len({float(estimate(shape, h100, plan, runtime).communication.data) for plan in each}) == 1
    assert len({volumes_of(shape, h100, plan, runtime)["data"] for plan in each}) == 1


@given(DRAWN, MODEL)
@SOME
def test_sharded_weights_are_gathered_every_microbatch(h100, runtime, model, data, name) -> None:
    shape = model(name)
    fixed = {"pipeline": 1.0, "data": 16.0, "expert": 1.0, "shard": None}
    chosen = data.draw(plans(shape, zero_stage=3, **fixed))
    batch = 48 * chosen.data
    one, two = (
        volumes_of(shape, h100, replace(chosen, microbatch=b, global_batch=batch), runtime)["data"] for b in (2.0, 1.0)
    )
    assert two == pytest.approx(2 * one, rel=1e-12)


@given(DRAWN, MODEL)
@SOME
def test_zero_orders_communication(h100, runtime, model, data, name) -> None:
    # Rajbhandari et al. 2020, section 7: of gradients and weights of 2 bytes, stages 1 and 2 send what plain data
    # parallelism does and stage 3 half as much again; a gradient of 4 bytes reduces that of stages 1 to 3.
    shape = model(name)
    fixed = {"shard": None, "data": 16.0, "expert": 1.0, "pipeline": 1.0, "microbatches": 1.0}
    chosen = data.draw(plans(shape, **fixed))

    def volumes(software, **more) -> list[float]:
        each = [replace(chosen, zero_stage=stage, **more) for stage in range(4)]
        return [volumes_of(shape, h100, plan, software)["data"] for plan in each]

    plain, one, two, three = volumes(replace(runtime, gradient_bytes=2.0))
    assert one == pytest.approx(plain) and two == pytest.approx(plain) and three == pytest.approx(1.5 * plain)
    plain, one, two, three = volumes(replace(runtime, gradient_bytes=4.0))
    assert one == pytest.approx(plain * 3 / 4) and two == pytest.approx(one) and three == pytest.approx(plain)
    many = {"global_batch": 8 * chosen.global_batch}
    plain, one, two, three = volumes(runtime, **many)
    assert one <= plain * EXACT and one < two < three


@given(DRAWN, MODEL, st.floats(512, 65536))
@SOME
def test_attention_grows_with_context(h100, runtime, model, data, name, length) -> None:
    shape = model(name)
    chosen = data.draw(plans(shape, sequence_length=length))
    short = estimate(shape, h100, chosen, runtime)
    long = estimate(shape, h100, replace(chosen, sequence_length=2 * length), runtime)
    assert long.anatomy.attention == pytest.approx(2 * short.anatomy.attention, rel=2e-3)
    assert long.anatomy.flops_per_token > short.anatomy.flops_per_token
    assert long.step.compute > short.step.compute
    assert long.step_time > short.step_time
    assert long.memory.peak >= short.memory.peak  # equal where activations lie with the host and the first stage leads


@given(DRAWN, MODEL, st.sampled_from([1, 2, 3]))
@SOME
def test_hybrid_sharding_lies_between(h100, runtime, model, data, name, stage) -> None:
    # HSDP: no sharding is groups of one, full sharding one group
    shape = model(name)
    fixed = {"zero_stage": stage, "data": 16.0, "context": 1.0, "expert": 1.0, "tensor": 1.0, "pipeline": 1.0}
    chosen = data.draw(plans(shape, **fixed, offload="none"))
    each = [replace(chosen, shard=shard) for shard in (1.0, 2.0, 4.0, 8.0, 16.0, None)]
    made = [estimate(shape, h100, plan, runtime) for plan in each]
    memory = [float(m.memory.peak) for m in made]
    assert memory == sorted(memory, reverse=True) and memory[-1] == memory[-2]
    assert made[-1].step_time == pytest.approx(float(made[-2].step_time), rel=1e-9)
    sent = [volumes_of(shape, h100, plan, runtime)["data"] for plan in each]
    plain = volumes_of(shape, h100, replace(chosen, zero_stage=0, shard=None), runtime)["data"]
    assert sent[0] == pytest.approx(plain) and sent[-1] == pytest.approx(sent[-2])
    low, high = sorted((sent[0], sent[-1]))
    assert all(low / EXACT**4 <= volume <= high * EXACT**4 for volume in sent)


@given(DRAWN, st.sampled_from(["llama8b", "gpt3"]), st.sampled_from([2.0, 4.0, 8.0]))
@SOME
def test_ulysses_sends_less_the_more_ranks_there_are(h100, runtime, model, data, name, ranks) -> None:
    # Jacobs et al. 2023, section 3.2: the volume of a rank falls with the ranks; that of a ring does not
    shape, fixed = model(name), {"tensor": 1.0, "recomputation": "none", "attention_kernel": "flash"}
    chosen = data.draw(plans(shape, context_kind="ulysses", sequence_length=65536.0, **fixed))
    far = replace(h100, scaleup_domain=1.0)

    def volume(kind: str, context: float) -> float:
        return volumes_of(shape, far, replace(chosen, context=context, context_kind=kind), runtime)["context"]

    assert volume("ulysses", 2 * ranks) < volume("ulysses", ranks)
    widths = 2 * float(shape.heads) / float(shape.kv_heads) + 2  # queries and outputs against keys and values
    expected = 2 * (ranks - 1) / ranks * widths / 2 / (3 * (ranks - 1))
    assert volume("ulysses", ranks) / volume("ring", ranks) == pytest.approx(expected, rel=1e-9)


@given(DRAWN, MODEL)
@SOME
def test_offloading_trades_time_for_memory(h100, runtime, model, data, name) -> None:
    shape = model(name)
    chosen = data.draw(plans(shape, offload="none"))
    made = {kind: estimate(shape, h100, replace(chosen, offload=kind), runtime) for kind in
            ("none", "optimiser", "activations", "both")}  # fmt: skip
    for kind in ("optimiser", "activations", "both"):
        assert made[kind].step_time >= made["none"].step_time / EXACT
        assert made["both"].step_time >= made[kind].step_time / EXACT
    for stage in ("first", "last"):
        held = {kind: getattr(m.memory, stage) for kind, m in made.items()}
        assert held["optimiser"].optimiser == held["activations"].activations == 0
        assert held["optimiser"].total < held["none"].total
        assert held["both"].total < held["activations"].total


def test_what_hides_one_collective_hides_no_other(llama8b, h100, runtime, plan) -> None:
    # ZeRO-2 reduces every microbatch and gathers once; with one microbatch both want the same computation
    slow = replace(h100, scaleout_bandwidth=h100.scaleout_bandwidth / 20)
    chosen = plan(data=64.0, global_batch=64.0, zero_stage=2)
    quick = with_more(slow, "peak", 4.0)
    assert estimate(llama8b, quick, chosen, runtime).step_time <= estimate(llama8b, slow, chosen, runtime).step_time


def test_waiting_for_the_host_hides_communication(llama8b, h100, runtime, plan) -> None:
    # an accelerator that waits for launches goes on communicating: slower launching exposes no more of it
    chosen = plan(data=64.0, global_batch=64.0, sequence_length=512.0)
    slow = replace(runtime, layer_launch=4 * runtime.layer_launch)
    exposed = [float(estimate(llama8b, h100, chosen, r).step.data) for r in (runtime, slow)]
    assert exposed[1] <= exposed[0]


def test_no_overlap_exposes_everything() -> None:
    assert exposed_share(1.0, 0.0) == 1.0
