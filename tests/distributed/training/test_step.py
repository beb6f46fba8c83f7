"""Step time: published answers, and what must hold whatever the constants are."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.core.ledger import Ledger
from navarch.distributed.training import estimate, step, throughput
from navarch.distributed.training.anatomy import anatomy_of

KERNELS = st.sampled_from(["flash", "unfused"])
RECOMPUTATIONS = st.sampled_from(["none", "selective", "full"])


def test_bubble_of_narayanan() -> None:
    # section 2.2: (p - 1)/m of the ideal time, divided by v when interleaved
    assert step.bubble_fraction(8, 4, 1) == 3 / 8
    assert step.bubble_fraction(8, 4, 2) == 3 / 16


@pytest.mark.parametrize(
    ("dimensions", "billions"),
    [((96.0, 12288.0, 96.0), 174.6), ((105.0, 20480.0, 128.0), 529.6), ((128.0, 25600.0, 160.0), 1008.0)],
)
def test_parameters_of_published_gpts(gpt, plan, dimensions, billions) -> None:
    assert float(anatomy_of(gpt(*dimensions), plan()).total) / 1e9 == pytest.approx(billions, rel=2e-3)


def test_parameters_of_llama_and_deepseek(llama405b, deepseek_v3, plan) -> None:
    assert float(anatomy_of(llama405b, plan()).total) == pytest.approx(405.85e9, rel=1e-4)
    deepseek = anatomy_of(deepseek_v3, plan())
    assert float(deepseek.total) == pytest.approx(671.03e9, rel=1e-3)
    assert float(deepseek.active) == pytest.approx(36.6e9, rel=0.01)


def test_operations_of_korthikanti(gpt, plan) -> None:
    # appendix A: 72 B L s h^2 (1 + s/6h + V/12hL) for the model, attention in full
    shape, s, h, layers, vocab = gpt(96.0, 12288.0, 96.0), 2048.0, 12288.0, 96.0, 51200.0
    anatomy = anatomy_of(shape, plan(attention_kernel="unfused"))
    expected = 72 * layers * h**2 * (1 + s / (6 * h) + vocab / (12 * h * layers))
    assert float(anatomy.flops_per_token_full_attention) == pytest.approx(expected, rel=1e-9)


def test_full_recomputation_executes_four_thirds_of_the_layers(gpt, plan) -> None:
    shape = gpt(96.0, 12288.0, 96.0)
    anatomy = anatomy_of(shape, plan(attention_kernel="unfused", recomputation="full"))
    head = 6 * 51200.0 * 12288.0
    layers = float(anatomy.flops_per_token_full_attention) - head
    assert float(anatomy.flops_per_token_executed) == pytest.approx(4 / 3 * layers + head)


def test_a_window_leaves_less_to_attend_to(llama8b, plan) -> None:
    windowed = replace(llama8b, window=1024.0, window_layers=16.0)
    long = plan(sequence_length=32768.0)
    full, part = anatomy_of(llama8b, long).attention, anatomy_of(windowed, long).attention
    assert full * 0.5 < part < full * 0.6
    assert anatomy_of(replace(windowed, window=32768.0), long).attention == pytest.approx(full)


@given(
    tensor=st.sampled_from([1.0, 4.0, 16.0]), pipeline=st.sampled_from([1.0, 4.0]), data=st.sampled_from([1.0, 16.0]),
    zero=st.integers(0, 3), recomputation=RECOMPUTATIONS, kernel=KERNELS, sequence_parallel=st.booleans(),
)  # fmt: skip
def test_parts_sum_to_the_step(
    llama8b, h100, runtime, plan, tensor, pipeline, data, zero, recomputation, kernel, sequence_parallel
) -> None:
    chosen = plan(
        tensor=tensor, pipeline=pipeline, data=data, zero_stage=zero, recomputation=recomputation,
        attention_kernel=kernel, sequence_parallel=sequence_parallel,
    )  # fmt: skip
    made = estimate(llama8b, h100, chosen, runtime)
    parts = [float(x) for _, _, x in made.step.parts()]
    assert all(x >= 0 for x in parts)
    assert sum(parts) == pytest.approx(float(made.step_time))
    assert 0 < float(made.mfu) <= float(made.hfu) * (1 + 1e-12) < 1


@given(
    faster=st.sampled_from(["scaleup_bandwidth", "scaleout_bandwidth", "memory_bandwidth", "peak"]),
    factor=st.floats(1.0, 8.0), zero=st.integers(0, 3), expert=st.sampled_from([1.0, 8.0, 64.0]),
)  # fmt: skip
def test_more_bandwidth_is_never_slower(deepseek_v3, h100, runtime, plan, faster, factor, zero, expert) -> None:
    chosen = plan(tensor=8.0, data=32.0, expert=expert, zero_stage=zero)
    before = estimate(deepseek_v3, h100, chosen, runtime).communication.total
    quick = replace(h100, **{faster: getattr(h100, faster) * factor})
    after = estimate(deepseek_v3, quick, chosen, runtime)
    assert after.communication.total <= before * (1 + 1e-12)
    if faster != "peak":
        assert after.step_time <= estimate(deepseek_v3, h100, chosen, runtime).step_time * (1 + 1e-12)


@given(batch=st.sampled_from([256.0, 512.0]), zero=st.sampled_from([0, 1]))
def test_accumulation_leaves_the_data_parallel_volume(llama8b, h100, runtime, plan, batch, zero) -> None:
    volumes = {
        float(estimate(llama8b, h100, plan(data=16.0, microbatch=b, global_batch=batch, zero_stage=zero), runtime)
              .communication.data)
        for b in (1.0, 2.0, 4.0, 16.0)
    }  # fmt: skip
    assert len(volumes) == 1


@given(st.floats(512, 65536))
def test_attention_grows_with_context(llama8b, h100, runtime, plan, length) -> None:
    short = estimate(llama8b, h100, plan(sequence_length=length), runtime).anatomy.attention
    assert estimate(llama8b, h100, plan(sequence_length=2 * length), runtime).anatomy.attention > short


def numbers_of(record) -> list:
    """Every number of a result, in order, however deep."""
    found = []
    for item in fields(record):
        value = getattr(record, item.name)
        found += numbers_of(value) if is_dataclass(value) else [] if value is None else [value]
    return found


@pytest.mark.parametrize("zero", range(4))
@pytest.mark.parametrize("recomputation", ["none", "selective", "full"])
def test_arrays_give_what_scalars_give(deepseek_v3, h100, runtime, plan, zero, recomputation) -> None:
    rows = [(1.0, 4.0, 2.0, 8.0), (8.0, 1.0, 1.0, 64.0), (2.0, 8.0, 1.0, 1.0), (16.0, 2.0, 4.0, 16.0)]
    names = ("tensor", "pipeline", "virtual_stages", "expert")
    common = {"data": 16.0, "context": 2.0, "zero_stage": zero, "recomputation": recomputation}
    columns = dict(zip(names, np.array(rows).T, strict=True))
    together = numbers_of(estimate(deepseek_v3, h100, plan(**columns, **common), runtime))
    for index, row in enumerate(rows):
        alone = numbers_of(estimate(deepseek_v3, h100, plan(**dict(zip(names, row, strict=True)), **common), runtime))
        picked = [float(np.broadcast_to(x, (len(rows),))[index]) for x in together]
        assert picked == [float(x) for x in alone]


@pytest.mark.parametrize("kernel", ["flash", "unfused"])
@pytest.mark.parametrize("model", ["llama405b", "deepseek_v3"])
def test_the_ledger_records_the_same_without_orphans(model, kernel, h100, runtime, plan, request) -> None:
    shape = request.getfixturevalue(model)
    chosen = plan(tensor=8.0, pipeline=4.0, data=16.0, expert=8.0, virtual_stages=2.0, attention_kernel=kernel)
    with Ledger() as ledger:

        def remembered(record, prefix):
            given = {
                f.name: ledger.field(f"{prefix}.{f.name}", value, "1", f.name)
                for f in fields(record)
                if isinstance(value := getattr(record, f.name), float)
            }
            return replace(record, **given)

        inputs = [
            remembered(r, p) for r, p in ((shape, "model"), (h100, "node"), (chosen, "plan"), (runtime, "runtime"))
        ]
        recorded = estimate(*inputs)
    plain = estimate(shape, h100, chosen, runtime)
    assert ledger.orphans() == []
    assert ledger.exceeded() == []
    assert [float(x) for x in numbers_of(recorded)] == [float(x) for x in numbers_of(plain)]
    assert all(hasattr(x, "entry") for x in numbers_of(recorded))


def test_steps_and_run_time() -> None:
    assert throughput.steps_for(15.6e12, 2048 * 8192) == 929833
    assert throughput.run_time(1000, 6.0) == 6000


def test_mfu_of_the_published_llama_3_run(llama405b, h100, runtime, plan) -> None:
    # Llama 3 2024, table 4: 43 % on 8,192 and 41 % on 16,384 accelerators at 8,192 tokens; 38 % at 131,072
    common = {"tensor": 8.0, "pipeline": 16.0, "virtual_stages": 8.0, "recomputation": "selective"}
    short = {"global_batch": 2048.0, "sequence_length": 8192.0}
    half = float(estimate(llama405b, h100, plan(**common, **short, data=64.0), runtime).mfu)
    whole = float(estimate(llama405b, h100, plan(**common, **short, data=128.0), runtime).mfu)
    long = plan(**common, data=8.0, context=16.0, global_batch=128.0, sequence_length=131072.0)
    assert 0.38 < whole < 0.45
    assert whole < half < 0.48
    assert 0.34 < float(estimate(llama405b, h100, long, runtime).mfu) < 0.43


def test_rate_of_the_published_gpt_3_run(gpt, a100, runtime, plan) -> None:
    # Narayanan et al. 2021, section 5.1: 1,024 A100, batch 1,536, 140 TFLOP/s each (recomputation counted)
    chosen = plan(
        tensor=8.0, pipeline=8.0, data=16.0, global_batch=1536.0, zero_stage=0, sequence_parallel=False,
        recomputation="full", attention_kernel="unfused",
    )  # fmt: skip
    made = estimate(gpt(96.0, 12288.0, 96.0), a100, chosen, runtime)
    assert made.accelerators == 1024
    assert float(made.executed_per_accelerator) / 1e12 == pytest.approx(140, rel=0.10)
    assert float(made.memory.peak) < 80e9
