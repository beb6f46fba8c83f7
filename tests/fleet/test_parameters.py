"""Parameter counts recomputed from the architecture of every model of the catalog."""

from __future__ import annotations

import numpy as np
import pytest

from navarch.catalog import load
from navarch.core.ledger import Ledger
from navarch.fleet.scale.parameters import active_as_published, attention_parameters, parameter_count

CATALOG = load()
# Published with two digits that were cut, not rounded: 2.4B of 2.45B, 3.3B of 3.35B.
CUT = {"deepseek-v2-lite": 2.5e9, "qwen3-30b-a3b": 3.4e9}


@pytest.mark.parametrize("name", CATALOG.ids("model"))
def test_published_total_is_recomputed_within_one_per_cent(name: str) -> None:
    model = CATALOG.get("model", name)
    error = abs(parameter_count(model).total / float(model.params_total) - 1)
    assert error <= 0.01 or (model.params_note and error < 0.06), (name, error)


def test_eighteen_labels_are_explained_and_no_more() -> None:
    models = [CATALOG.get("model", name) for name in CATALOG.ids("model")]
    assert sum(bool(model.params_note) for model in models) == 18


@pytest.mark.parametrize("name", [n for n in CATALOG.ids("model") if CATALOG.get("model", n).params_active is not None])
def test_published_active_count_is_recomputed_within_one_per_cent(name: str) -> None:
    model = CATALOG.get("model", name)
    active, published = active_as_published(model, parameter_count(model)), float(model.params_active)
    assert active == pytest.approx(published, rel=0.01) or published <= active < CUT.get(name, 0)


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("bloom-176b", 176_247_271_424),
        ("bert-base", 109_482_240),
        ("bert-large", 335_141_888),
        ("t5-11b", 11_307_321_344),
        ("llama2-70b", 68_976_648_192),
        ("llama3.1-405b", 405_853_388_800),
        ("gemma1-7b", 8_537_680_896),
        ("mixtral-8x7b", 46_702_792_704),
        ("qwen2.5-7b", 7_615_616_512),
    ],
)
def test_exact_counts(name: str, exact: int) -> None:
    assert parameter_count(CATALOG.get("model", name)).total == exact


def test_parts_add_up_and_experts_idle() -> None:
    count = parameter_count(CATALOG.get("model", "mixtral-8x7b"))
    parts = (count.embedding, count.head, count.attention, count.ffn, count.experts, count.norms)
    assert sum(p for p in parts if p is not None) == count.total
    assert count.active < count.total
    assert count.active - count.active_without_embedding == count.embedding
    dense = parameter_count(CATALOG.get("model", "llama3-8b"))
    assert dense.active == dense.total and dense.experts is None


def test_the_same_count_under_a_ledger_and_no_orphans() -> None:
    for name in ("gpt3-175b", "deepseek-v3", "gpt-oss-120b", "t5-11b", "phi-2", "gopher-280b", "vit-b-16"):
        model = CATALOG.get("model", name)
        plain = parameter_count(model)
        with Ledger() as ledger:
            remembered = parameter_count(model)
        assert float(remembered.total) == plain.total
        assert float(remembered.active) == plain.active
        assert ledger.orphans() == []
        assert remembered.total.entry.unit == "parameter"


def test_vectorised() -> None:
    heads = np.array([8, 16, 32])
    counted = attention_parameters(1024, heads, heads, 64)
    assert counted.tolist() == [attention_parameters(1024, h, h, 64) for h in (8, 16, 32)]
