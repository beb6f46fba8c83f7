"""A replica: arrays agree with scalars, the ledger has no orphan, and numbers move the right way."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.catalog import load
from navarch.core.formula import formula
from navarch.core.ledger import Ledger, registry
from navarch.deployment import serving
from navarch.deployment.serving import Plan, Traffic, disaggregated, equilibrium_batch, latency_curve, replica


def numbers(estimate: Any) -> list[Any]:
    """Every number of an estimate, without its plan."""
    return [*astuple(estimate.memory), *astuple(estimate.pace), *astuple(estimate.latency)]


@settings(max_examples=30, deadline=None)
@given(
    splits=st.lists(st.sampled_from([1.0, 2.0, 4.0, 8.0]), min_size=1, max_size=8),
    batch=st.floats(1, 1024),
    prompt=st.floats(1, 32_768),
    output=st.floats(1, 8192),
)
def test_arrays_agree_with_scalars(llama: Any, splits: list[float], batch: float, prompt: float, output: float) -> None:
    traffic = replace(llama.traffic, prompt=prompt, output=output)
    many = replica(llama.shape, llama.hardware, llama.engine, traffic, Plan(np.array(splits), batch, llama.precision))
    for i, split in enumerate(splits):
        one = replica(
            llama.shape, llama.hardware, llama.engine, traffic, Plan(np.float64(split), batch, llama.precision)
        )
        for whole, single in zip(numbers(many), numbers(one), strict=True):
            assert np.broadcast_to(whole, len(splits))[i] == pytest.approx(float(single), rel=1e-12, nan_ok=False)


@settings(max_examples=40, deadline=None)
@given(
    batch=st.floats(1, 512),
    split=st.sampled_from([2.0, 4.0, 8.0]),
    more=st.floats(1.01, 4),
    prompt=st.floats(16, 16_384),
    output=st.floats(2, 4096),
)
def test_more_bandwidth_or_memory_never_hurts(
    llama: Any, batch: float, split: float, more: float, prompt: float, output: float
) -> None:
    traffic = replace(llama.traffic, prompt=prompt, output=output)
    plan = Plan(np.float64(split), np.float64(batch), llama.precision)
    base = replica(llama.shape, llama.hardware, llama.engine, traffic, plan)
    faster = replace(llama.hardware, bandwidth=llama.hardware.bandwidth * more)
    larger = replace(llama.hardware, memory=llama.hardware.memory * more)
    assert replica(llama.shape, faster, llama.engine, traffic, plan).pace.rate >= base.pace.rate
    roomy = replica(llama.shape, larger, llama.engine, traffic, plan)
    assert roomy.memory.largest_batch >= base.memory.largest_batch
    assert roomy.pace.capacity >= base.pace.capacity


@settings(max_examples=40, deadline=None)
@given(split=st.sampled_from([2.0, 4.0, 8.0]), prompt=st.floats(16, 16_384), output=st.floats(2, 4096))
def test_time_per_token_and_rate_rise_with_batch(llama: Any, split: float, prompt: float, output: float) -> None:
    traffic = replace(llama.traffic, prompt=prompt, output=output)
    plan = Plan(split, np.arange(1.0, 400.0), llama.precision)
    found = replica(llama.shape, llama.hardware, llama.engine, traffic, plan)
    assert np.all(np.diff(found.pace.tpot) > 0)
    assert np.all(np.diff(found.pace.rate) > 0)


def test_batch_is_the_equilibrium_of_its_rate(llama: Any) -> None:
    plan = Plan(4.0, np.arange(1.0, 200.0), llama.precision)
    found = replica(llama.shape, llama.hardware, llama.engine, llama.traffic, plan)
    in_decode = found.pace.rate * llama.traffic.output * found.pace.tpot  # Little's law
    np.testing.assert_allclose(in_decode, plan.batch, rtol=1e-12)
    assert equilibrium_batch(float(found.pace.rate[49]), plan.batch, found.pace.rate) == pytest.approx(50)
    assert equilibrium_batch(1e9, plan.batch, found.pace.rate) == float("inf")


def test_weights_that_do_not_fit_give_no_capacity(llama: Any) -> None:
    hardware = replace(llama.hardware, memory=80e9)
    found = replica(
        llama.shape, hardware, llama.engine, llama.traffic, Plan(np.float64(1), np.float64(8), llama.precision)
    )
    assert found.memory.kv_memory <= 0
    assert found.memory.largest_batch == 0
    assert found.pace.capacity == 0
    assert found.latency.ttft == float("inf")


def test_curve_reaches_the_largest_batch(llama: Any) -> None:
    plan = Plan(4.0, 1.0, llama.precision)
    one = replica(llama.shape, llama.hardware, llama.engine, llama.traffic, plan)
    curve = latency_curve(llama.shape, llama.hardware, llama.engine, llama.traffic, plan, one.memory.largest_batch)
    assert curve.plan.batch[-1] == one.memory.largest_batch
    assert np.all(np.diff(curve.pace.token_rate) > 0)


@pytest.mark.parametrize(
    ("model", "accelerator", "experts"),
    [
        ("llama3.1-70b", "h100-sxm", False),
        ("deepseek-v3", "h200-sxm", False),
        ("deepseek-v3", "h200-sxm", True),
        ("gpt-oss-120b", "h100-sxm", True),
    ],
)
def test_ledger_has_no_orphan(model: str, accelerator: str, experts: bool) -> None:
    catalog = load()
    chip, node = catalog.get("accelerator", accelerator), catalog.get("node", "dgx-h100")
    plain = _whole(catalog, model, chip, node, experts, float, lambda path, value, unit: value)
    with Ledger() as ledger:
        recorded = _whole(catalog, model, chip, node, experts, ledger.fact, lambda p, v, u: ledger.field(p, v, u, p))
    assert ledger.orphans() == []
    assert ledger.exceeded() == []
    for one, other in zip(plain, recorded, strict=True):
        assert one == pytest.approx(float(other), rel=1e-12)


def _whole(catalog: Any, model: str, chip: Any, node: Any, experts: bool, take: Any, field: Any) -> list[Any]:
    precision = serving.precision_of("fp8", chip, catalog, take)
    traffic = Traffic(
        field("prompt", 1155.0, "token"),
        field("output", 211.0, "token"),
        field("peak", 200.0, "request/s"),
        *(take(catalog.fact("constant", f"serving.{n}-variation")) for n in ("prompt", "output", "arrival")),
    )
    plan = Plan(field("split", 8.0, "1"), field("batch", 32.0, "1"), precision, experts)
    shape = serving.shape_of(catalog.get("model", model), catalog, take)
    hardware, engine = serving.hardware_of(chip, catalog, take, node), serving.engine_of(catalog, take)
    target = take(catalog.fact("constant", "serving.target-utilisation"))
    apart = disaggregated(shape, hardware, engine, traffic, plan, plan, field("link", 50e9, "byte/s"), target)
    return numbers(replica(shape, hardware, engine, traffic, plan)) + list(astuple(apart))


@pytest.mark.parametrize("dialect", ["latex", "typst", "mathml", "text"])
def test_every_equation_of_the_floor_prints(dialect: str) -> None:
    from navarch.deployment import edge, performance

    assert edge and performance
    rooms = ("deployment.serving", "deployment.edge", "deployment.performance")
    mine = [e for name, e in registry().items() if name.startswith(rooms)]
    assert len(mine) > 80
    for each in mine:
        assert formula(each, dialect)
        assert each.source
        assert all(p.meaning for p in each.parameters), each.identifier
