"""Published measurements: the trends that a correct model shows, and rows within the stated error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from navarch.catalog import load
from navarch.deployment.serving import Plan, equilibrium_batch, hardware_of, precision_of, replica, shape_of
from navarch.deployment.serving import estimate as room


def test_kv_wall_of_llama_70b_on_one_accelerator(llama: Any) -> None:
    """TensorRT-LLM 0.17, FP8, 128 in and 2,048 out: 912 token/s on H100, 4,166 on H200 for 1.76 times the memory.

    Its default scheduler reserves a sequence's full length, so the batch is what fits at 2,176 tokens.
    """
    catalog = load()
    engine = replace(llama.engine, memory_utilisation=0.95)
    traffic = replace(llama.traffic, prompt=128.0, output=2048.0)
    shape = replace(llama.shape, parameters=70.55e9)
    rate = {}
    memory = {}
    for chip in ("h100-sxm", "h200-sxm"):
        hardware = hardware_of(catalog.get("accelerator", chip), catalog)
        memory[chip] = hardware.memory
        probe = replica(shape, hardware, engine, traffic, Plan(1.0, 1.0, llama.precision)).memory
        reserved = room.kv_bytes_per_sequence(probe.kv_per_token, 128.0 + 2048.0)
        batch = room.concurrent_sequences(probe.kv_memory, reserved, probe.kv_copies)
        rate[chip] = replica(shape, hardware, engine, traffic, Plan(1.0, batch, llama.precision)).pace.token_rate
    assert memory["h200-sxm"] / memory["h100-sxm"] == pytest.approx(1.76, abs=0.01)
    assert rate["h100-sxm"] == pytest.approx(912, rel=0.25)
    assert rate["h200-sxm"] == pytest.approx(4166, rel=0.25)
    assert rate["h200-sxm"] / rate["h100-sxm"] == pytest.approx(4.6, rel=0.25)


# TensorRT-LLM 0.14.0 backend for Triton, BF16: chip, model, split, prompt, output, request/s, TTFT ms, ITL ms
ONLINE = [
    ("h100-sxm", "llama3.1-70b", 4, 467, 256, 2, 62, 21),
    ("h100-sxm", "llama3.1-70b", 4, 467, 256, 8, 92, 32),
    ("h100-sxm", "llama3.1-70b", 4, 202, 214, 8, 57, 25),
    ("h100-sxm", "llama3.1-8b", 1, 467, 256, 2, 23, 8),
    ("h100-sxm", "llama3.1-8b", 1, 202, 214, 16, 23, 10),
    ("h200-sxm", "llama3.1-70b", 4, 467, 256, 4, 63, 20),
    ("h200-sxm", "llama3.1-70b", 4, 467, 16, 8, 67, 20),
    ("h200-sxm", "llama3.1-8b", 1, 467, 256, 4, 23, 7),
]


@pytest.mark.parametrize("row", ONLINE)
def test_online_latency_within_a_third(llama: Any, row: tuple[Any, ...]) -> None:
    chip, model, split, prompt, output, offered, ttft, itl = row
    catalog = load()
    accelerator = catalog.get("accelerator", chip)
    shape = shape_of(catalog.get("model", model), catalog)
    hardware = hardware_of(accelerator, catalog)
    engine = replace(llama.engine, request_overhead=0.002)  # a native runtime, see the constant's source
    traffic = replace(llama.traffic, prompt=float(prompt), output=float(output), prompt_variation=0.3)
    precision = precision_of("bf16", accelerator, catalog)
    batches = np.arange(1.0, 257.0)
    curve = replica(shape, hardware, engine, traffic, Plan(float(split), batches, precision))
    batch = max(equilibrium_batch(offered, batches, curve.pace.rate), 1.0)
    found = replica(shape, hardware, engine, traffic, Plan(float(split), np.float64(batch), precision))
    assert found.latency.ttft * 1e3 == pytest.approx(ttft, rel=0.35)
    assert found.pace.tpot * 1e3 == pytest.approx(itl, rel=0.35)


def test_saturation_makes_the_first_token_wait(llama: Any) -> None:
    """As measured (TensorRT-LLM 0.14.0, Llama 3.1 8B: 50 ms at 32 request/s, seconds with all requests at once)."""
    plan = Plan(4.0, np.array([8.0, 64.0, 128.0]), llama.precision)
    found = replica(llama.shape, llama.hardware, llama.engine, llama.traffic, plan)
    largest = found.memory.largest_batch
    full = replica(
        llama.shape, llama.hardware, llama.engine, llama.traffic, Plan(4.0, np.float64(largest - 1), llama.precision)
    )
    assert full.latency.ttft > 3 * found.latency.ttft[0]
    assert np.all(np.diff(found.latency.ttft_tail) > 0)
