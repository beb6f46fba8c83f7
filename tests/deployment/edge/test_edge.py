"""Heat, sustained rates, the cloud beside it and split inference: known answers, measured rows, properties."""

from __future__ import annotations

from dataclasses import astuple
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import Catalog, load
from navarch.core.ledger import Ledger
from navarch.deployment.edge import (
    LocalModel,
    conditions_of,
    cooling_class,
    device_of,
    in_cloud,
    link_of,
    on_device,
    split,
)
from navarch.deployment.edge import estimate as room


def test_steady_state_and_transient_of_one_mass() -> None:
    assert room.junction_temperature(25.0, 25.0, 2.8) == 95
    assert room.sustained_power(99.0, 29.0, 2.8) == 25
    assert room.sustained_power(45.0, 50.0, 2.8) == 0
    constant = room.time_constant(2.8, 120.0)
    assert constant == 336
    assert room.temperature_after(25.0, 25.0, 2.8, constant, constant) == pytest.approx(25 + 70 * (1 - np.exp(-1)))


@given(
    ambient=st.floats(-20, 50),
    headroom=st.floats(1, 60),
    excess=st.floats(1.01, 5),
    resistance=st.floats(0.1, 20),
    constant=st.floats(10, 2000),
)
def test_throttle_begins_when_the_limit_is_reached(
    ambient: float, headroom: float, excess: float, resistance: float, constant: float
) -> None:
    power = headroom * excess / resistance
    moment = room.time_to_throttle(ambient + headroom, ambient, power, resistance, constant)
    reached = room.temperature_after(ambient, power, resistance, moment, constant)
    assert reached == pytest.approx(ambient + headroom, abs=1e-6)


def test_a_cool_device_never_throttles() -> None:
    with np.errstate(divide="ignore"):
        assert room.time_to_throttle(99.0, 25.0, np.float64(10.0), 2.8, 336.0) == np.inf


# NVIDIA, Jetson Orin Nano (15 W, 68 GB/s) and Super (25 W, 102 GB/s), INT4 by MLC: parameters, cache, token/s of each
MEASURED = {
    "Llama 3.1 8B": (8.03e9, 131_072, 14.0, 19.14),
    "Llama 3.2 3B": (3.21e9, 114_688, 27.7, 43.07),
    "Qwen2.5 7B": (7.62e9, 57_344, 14.2, 21.75),
    "Phi 3.5 3B": (3.82e9, 393_216, 24.7, 38.1),
    "SmolLM2 1.7B": (1.71e9, 196_608, 41.0, 64.5),
}


def estimated(parameters: float, cache: float, bandwidth: float) -> float:
    catalog = load()
    chip = catalog.get("accelerator", "jetson-orin-nano-8gb")
    device = device_of(chip, "int8", catalog, cooling="embedded")
    object.__setattr__(device, "bandwidth", bandwidth)
    weight = float(catalog.fact("constant", "edge.group-int4.bytes"))
    model = LocalModel(parameters, parameters, weight, cache)
    return float(on_device(device, model, conditions_of(catalog), 128.0, 128.0).rate)


@pytest.mark.parametrize("name", MEASURED)
def test_measured_decode_rates_within_a_third(name: str) -> None:
    parameters, cache, slow, fast = MEASURED[name]
    assert estimated(parameters, cache, 68e9) == pytest.approx(slow, rel=0.33)
    assert estimated(parameters, cache, 102e9) == pytest.approx(fast, rel=0.33)


def test_heat_lowers_arithmetic_and_spares_memory() -> None:
    catalog = load()
    device = device_of(catalog.get("accelerator", "jetson-agx-orin-64gb"), "int8", catalog)
    model = LocalModel(8e9, 8e9, 0.5625, 131_072.0)
    cool = on_device(device, model, conditions_of(catalog, ambient=20.0), 1000.0, 200.0)
    hot = on_device(device, model, conditions_of(catalog, ambient=np.float64(70.0)), 1000.0, 200.0)
    assert hot.power < cool.power == device.power
    assert hot.temperature == pytest.approx(99)
    assert hot.prefill_rate < cool.prefill_rate
    assert hot.memory_rate == cool.memory_rate
    assert hot.latency > cool.latency
    assert np.isfinite(hot.time_to_throttle)
    assert cool.memory_needed < cool.memory_usable < device.memory


@cache
def shipped() -> Catalog:
    return load()


@given(ambient=st.lists(st.floats(-20, 90), min_size=1, max_size=8), prompt=st.floats(1, 8192))
def test_arrays_agree_with_scalars(ambient: list[float], prompt: float) -> None:
    catalog = shipped()
    device = device_of(catalog.get("accelerator", "jetson-orin-nano-8gb"), "int8", catalog)
    model = LocalModel(3e9, 3e9, 0.5625, 114_688.0)
    many = on_device(device, model, conditions_of(catalog, ambient=np.array(ambient)), prompt, 64.0)
    for i, one in enumerate(ambient):
        single = on_device(device, model, conditions_of(catalog, ambient=np.float64(one)), prompt, 64.0)
        for whole, number in zip(astuple(many), astuple(single), strict=True):
            assert np.broadcast_to(whole, len(ambient))[i] == pytest.approx(float(number), rel=1e-12)


def test_cloud_latency_and_energy_add_up() -> None:
    catalog = load()
    link = link_of(catalog, network="fixed")
    found = in_cloud(link, 0.3, 0.03, 0.5, 1.2, 1000.0, 200.0)
    assert found.sent == 5000 + 4 * 1200 + 200 * 200
    assert found.latency == pytest.approx(0.05 + 4000 / 4.75e6 + 0.3 + 199 * 0.03)
    assert found.energy == pytest.approx(0.5 * 200 * 1.2 + found.sent * 1.08e-4 + 0.5 * found.latency)


def test_split_chooses_an_end_on_a_slow_link_and_sends_nothing_when_all_is_local() -> None:
    link = link_of(load())
    layer = np.arange(0.0, 33.0)
    found = split(2.0, 0.02, layer, 32.0, 1000.0, 4096.0, 2.0, link)
    assert found[0] == pytest.approx(4000 / 2.5e6 + 0.05 + 0.02)
    assert found[-1] == pytest.approx(2.0)
    assert found[1] == pytest.approx(2 / 32 + 1000 * 4096 * 2 / 2.5e6 + 0.05 + 0.02 * 31 / 32)
    assert np.argmin(found) in (0, 32)


def test_shares_traffic_and_battery() -> None:
    assert room.cloud_rate(100.0, 0.3) == pytest.approx(70)
    assert room.traffic_saved(100.0, 0.3, 50_000.0) == pytest.approx(1.5e6)
    assert room.mixed(1.0, 3.0, 0.25) == 2.5
    assert room.battery_life(61_200.0, 0.5, 4.0, 0.1) == pytest.approx(72_000)


def test_classes_follow_rated_power() -> None:
    catalog = load()
    assert [cooling_class(p, catalog) for p in (5.0, 12.0, 25.0, 60.0, 450.0)] == [
        "phone",
        "single-board",
        "embedded",
        "embedded-large",
        "edge-server",
    ]


def test_ledger_has_no_orphan() -> None:
    catalog = load()
    with Ledger() as ledger:

        def given_by_user(path: str, value: float, unit: str) -> Any:
            return ledger.field(path, value, unit, path)

        device = device_of(catalog.get("accelerator", "jetson-agx-orin-64gb"), "int8", catalog, ledger.fact)
        parameters = given_by_user("edge.parameters", 8e9, "parameter")
        weight = ledger.fact(catalog.fact("constant", "edge.group-int4.bytes"))
        model = LocalModel(parameters, parameters, weight, given_by_user("edge.cache", 131_072, "byte/token"))
        prompt, output = given_by_user("edge.prompt", 1000, "token"), given_by_user("edge.output", 200, "token")
        here = on_device(device, model, conditions_of(catalog, ledger.fact), prompt, output)
        link = link_of(catalog, ledger.fact)
        there = in_cloud(
            link,
            given_by_user("serving.ttft", 0.3, "s"),
            given_by_user("serving.tpot", 0.03, "s/token"),
            given_by_user("serving.energy", 0.5, "J/token"),
            given_by_user("region.pue", 1.2, "1"),
            prompt,
            output,
        )
        share = ledger.fact(catalog.fact("constant", "edge.kept-share"))
        mean = room.mixed(here.energy, there.energy, share, unit="J", title="Mean energy of a request")
    assert ledger.orphans() == []
    assert ledger.exceeded() == []
    assert mean.entry.unit == "J"
    assert here.time_to_throttle == float("inf") or here.time_to_throttle > 0
