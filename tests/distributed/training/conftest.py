"""Published models, the accelerators that they were trained on, and the catalog's constants of the runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from navarch.catalog import load
from navarch.distributed.training import Hardware, Plan, Runtime, TransformerShape


def constant(name: str) -> float:
    return float(load().fact("constant", name))


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    return Runtime.from_constants(constant)


@pytest.fixture(scope="session")
def a100() -> Hardware:
    """A DGX A100 with one 200 Gb/s adapter an accelerator."""
    return Hardware(
        peak=312e12,
        matmul_efficiency=constant("compute.matmul-efficiency.a100-sxm-80gb.bf16"),
        memory=80e9,
        memory_bandwidth=2.039e12,
        memory_efficiency=constant("compute.memory-efficiency"),
        scaleup_domain=8.0,
        scaleup_bandwidth=300e9,
        scaleup_efficiency=constant("collectives.scaleup-efficiency"),
        scaleup_latency=constant("collectives.scaleup-latency"),
        scaleout_bandwidth=25e9,
        scaleout_efficiency=constant("collectives.scaleout-efficiency"),
        scaleout_latency=constant("collectives.scaleout-latency"),
    )


@pytest.fixture(scope="session")
def h100(a100: Hardware) -> Hardware:
    """A DGX H100 with one 400 Gb/s adapter an accelerator."""
    return replace(
        a100,
        peak=989.4e12,
        matmul_efficiency=constant("compute.matmul-efficiency.h100-sxm.bf16"),
        memory_bandwidth=3.35e12,
        scaleup_bandwidth=450e9,
        scaleout_bandwidth=50e9,
    )


@pytest.fixture(scope="session")
def gpt() -> Callable[..., TransformerShape]:
    """A GPT of the Megatron-LM papers: fused QKV, no gate, dropout, tied embeddings."""

    def make(layers: float, hidden: float, heads: float, vocab: float = 51200.0) -> TransformerShape:
        return TransformerShape(
            layers=layers, hidden=hidden, heads=heads, kv_heads=heads, head_dim=hidden / heads, ffn_hidden=4 * hidden,
            ffn_matrices=2.0, vocab=vocab, tied=True, dropout=True,
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def llama405b() -> TransformerShape:
    return TransformerShape(
        layers=126.0, hidden=16384.0, heads=128.0, kv_heads=8.0, head_dim=128.0, ffn_hidden=53248.0, ffn_matrices=3.0,
        vocab=128256.0,
    )  # fmt: skip


@pytest.fixture(scope="session")
def llama8b() -> TransformerShape:
    return TransformerShape(
        layers=32.0, hidden=4096.0, heads=32.0, kv_heads=8.0, head_dim=128.0, ffn_hidden=14336.0, ffn_matrices=3.0,
        vocab=128256.0,
    )  # fmt: skip


@pytest.fixture(scope="session")
def deepseek_v3() -> TransformerShape:
    return TransformerShape(
        layers=61.0, hidden=7168.0, heads=128.0, kv_heads=128.0, head_dim=128.0, ffn_hidden=18432.0, ffn_matrices=3.0,
        vocab=129280.0, experts=256.0, experts_per_token=8.0, moe_ffn_hidden=2048.0, moe_layers=58.0,
        shared_ffn_hidden=2048.0, kv_rank=512.0, q_rank=1536.0, nope_dim=128.0, rope_dim=64.0, value_dim=128.0,
    )  # fmt: skip


@pytest.fixture(scope="session")
def plan() -> Callable[..., Plan]:
    """A plan of one accelerator, with whatever is given instead."""

    def make(**given: Any) -> Plan:
        single = dict.fromkeys(("tensor", "pipeline", "data", "context", "expert", "virtual_stages"), 1.0)
        return Plan(**{**single, "microbatch": 1.0, "global_batch": 512.0, "sequence_length": 2048.0, **given})

    return make
