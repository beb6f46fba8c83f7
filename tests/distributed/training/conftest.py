"""Published models, the accelerators that they were trained on, and the catalog's constants of the software."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from navarch.catalog import Catalog, load
from navarch.distributed.training import Hardware, Plan, Runtime, TransformerShape
from navarch.distributed.training.inputs import hardware_of, scaleout_bandwidth
from navarch.distributed.training.runtime import DEFAULT_STACK, runtime_of

sys.path.insert(0, str(Path(__file__).parent))  # for the random plans beside

OLD_STACK = "megatron-lm"
"""The software of Narayanan et al. 2021 and Korthikanti et al. 2022: unfused attention."""


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load()


def machine(catalog: Catalog, node: str, stack: str) -> Hardware:
    """An accelerator of a node of the catalog, trained in 16 bits with a software stack."""
    entry = catalog.get("node", node)
    return hardware_of(catalog, entry, "bf16", scaleout_bandwidth(entry), stack)


@pytest.fixture(scope="session")
def runtime(catalog: Catalog) -> Runtime:
    """The default stack on H100."""
    return runtime_of(catalog, "h100-sxm", "bf16", DEFAULT_STACK)


@pytest.fixture(scope="session")
def old_runtime(catalog: Catalog) -> Runtime:
    """Megatron-LM on A100."""
    return runtime_of(catalog, "a100-sxm-80gb", "bf16", OLD_STACK)


@pytest.fixture(scope="session")
def a100(catalog: Catalog) -> Hardware:
    """A DGX A100 with one 200 Gb/s adapter an accelerator, as Megatron-LM used it."""
    return machine(catalog, "dgx-a100-640", OLD_STACK)


@pytest.fixture(scope="session")
def h100(catalog: Catalog) -> Hardware:
    """A DGX H100 with one 400 Gb/s adapter an accelerator."""
    return machine(catalog, "dgx-h100", DEFAULT_STACK)


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
def gpt3(gpt: Callable[..., TransformerShape]) -> TransformerShape:
    """GPT-3 175B."""
    return gpt(96.0, 12288.0, 96.0)


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
def encoder() -> TransformerShape:
    """BERT large."""
    return TransformerShape(
        layers=24.0, hidden=1024.0, heads=16.0, kv_heads=16.0, head_dim=64.0, ffn_hidden=4096.0, ffn_matrices=2.0,
        vocab=30592.0, tied=True, causal=False, dropout=True,
    )  # fmt: skip


@pytest.fixture(scope="session")
def plan() -> Callable[..., Plan]:
    """A plan of one accelerator, with whatever is given instead."""

    def make(**given: Any) -> Plan:
        single = dict.fromkeys(("tensor", "pipeline", "data", "context", "expert", "virtual_stages"), 1.0)
        return Plan(**{**single, "microbatch": 1.0, "global_batch": 512.0, "sequence_length": 2048.0, **given})

    return make
