"""Every shipped fact is sound: it loads, has a source, and agrees with the other files."""

from __future__ import annotations

import math
import re

import pytest

from navarch.catalog import Catalog, load
from navarch.catalog.schema import KINDS

CATALOG = load()
COLLECTIONS = CATALOG.collections


def entries(catalog: Catalog, collection: str) -> list:
    return [catalog.get(collection, name) for name in catalog.ids(collection)]


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_entry_loads_and_every_fact_has_unit_kind_and_source(collection: str) -> None:
    assert CATALOG.ids(collection)
    for entry in entries(CATALOG, collection):
        for attribute, fact in entry.facts.items():
            assert fact.source, fact.id
            assert fact.title and fact.unit, fact.id
            assert fact.kind in KINDS, fact.id
            assert math.isfinite(fact.value), fact.id
            assert fact.value >= 0 or entry.measures[attribute].signed or collection in ("law", "constant"), fact.id
            assert fact.low is None or fact.low <= fact.value, fact.id
            assert fact.high is None or fact.high >= fact.value, fact.id


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_what_was_recalled_is_an_estimate(collection: str) -> None:
    for entry in entries(CATALOG, collection):
        for fact in entry.facts.values():
            assert "(recalled)" not in fact.source or fact.kind == "estimate", fact.id


def test_collections_hold_what_was_collected() -> None:
    least = {"accelerator": 57, "node": 45, "fabric": 60, "model": 105, "other_model": 12, "region": 101, "storage": 28}
    least |= {"price": 135, "law": 97, "failure": 20}
    assert {name: len(CATALOG.ids(name)) for name in least} == least


def test_nodes_name_accelerators_and_agree_with_their_scaleup_links() -> None:
    for node in entries(CATALOG, "node"):
        chip = CATALOG.get("accelerator", node.accelerator)
        assert node.scaleup_domain is None or node.scaleup_domain.value >= 1
        if node.scaleup_bandwidth is not None and chip.scaleup_bandwidth is not None:
            assert node.scaleup_bandwidth.value == pytest.approx(chip.scaleup_bandwidth.value), node.id


@pytest.mark.parametrize(
    ("link", "chip"),
    [("nvlink2", "v100-sxm2-32gb"), ("nvlink3", "a100-sxm-80gb"), ("nvlink4", "h100-sxm"), ("nvlink4", "h200-sxm"),
     ("nvlink5", "b200-sxm"), ("nvlink5", "gb200"), ("nvlink6", "rubin-r100"), ("ici-v4", "tpu-v4"),
     ("ici-v5e", "tpu-v5e"), ("ici-v5p", "tpu-v5p"), ("ici-v6e", "tpu-v6e"), ("ici-v7x", "tpu-v7x"),
     ("infinity-fabric-mi300x", "mi300x"), ("infinity-fabric-mi355x", "mi355x"), ("neuronlink-v3", "trainium2")],
)  # fmt: skip
def test_links_in_bits_agree_with_chips_in_bytes(link: str, chip: str) -> None:
    bits, octets = CATALOG.fact("fabric", link, "bandwidth"), CATALOG.fact("accelerator", chip, "scaleup_bandwidth")
    assert bits.unit == octets.unit == "byte/s"
    assert bits.value == pytest.approx(octets.value)


def test_ports_of_links_add_up_to_their_bandwidth() -> None:
    for fabric in entries(CATALOG, "fabric"):
        if fabric.ports is None or fabric.port_bandwidth is None or fabric.id == "gaudi3-roce":
            continue
        assert fabric.ports.value * fabric.port_bandwidth.value == pytest.approx(fabric.bandwidth.value), fabric.id


def test_prices_of_fabrics_are_estimates_within_forty_per_cent() -> None:
    for fabric in entries(CATALOG, "fabric"):
        if fabric.price is not None:
            assert fabric.price.kind == "estimate"
            assert fabric.price.low == pytest.approx(0.6 * fabric.price.value)
            assert fabric.price.high == pytest.approx(1.4 * fabric.price.value)


def test_dense_rates_are_not_the_sparse_headlines() -> None:
    assert CATALOG.fact("accelerator", "h100-sxm", "bf16").value == pytest.approx(989.4e12)
    assert CATALOG.fact("accelerator", "l4", "bf16").value == pytest.approx(121e12)
    assert CATALOG.fact("accelerator", "jetson-agx-orin-64gb", "int8").value == pytest.approx(138e12)
    for chip in entries(CATALOG, "accelerator"):
        if chip.vendor == "NVIDIA" and chip.bf16 is not None and chip.fp8 is not None:
            assert chip.fp8.value <= 4.5 * chip.bf16.value, chip.id


def test_memory_is_what_the_vendor_prints() -> None:
    assert CATALOG.fact("accelerator", "h100-sxm", "memory").value == 80e9
    assert CATALOG.fact("accelerator", "b200-sxm", "memory").value == 180e9


def test_regions_are_physical() -> None:
    for region in entries(CATALOG, "region"):
        if region.grid_intensity is not None:
            assert 1 < region.grid_intensity.value * 3.6e9 < 1000, region.id
        if region.pue is not None:
            assert 1 <= region.pue.value < 2, region.id
        if region.electricity_price is not None:
            assert 0.02 < region.electricity_price.value * 3.6e6 < 0.5, region.id


def test_units_of_prices() -> None:
    assert CATALOG.fact("price", "aws-p5-h100-od-2026").value * 3600 == pytest.approx(6.88)
    assert CATALOG.fact("price", "elec-va").value * 3.6e6 == pytest.approx(0.0892)
    assert CATALOG.fact("price", "s3-standard").value * 1e9 * 8760 / 12 * 3600 == pytest.approx(0.023)
    assert CATALOG.fact("price", "staff-dc-tech").value * 8760 * 3600 == pytest.approx(110000)
    staff = CATALOG.fact("price", "staff-dc-tech")
    assert (staff.kind, staff.low is not None, staff.high is not None) == ("estimate", True, True)


def test_failures_hold_the_published_observations() -> None:
    llama = CATALOG.get("failure", "llama3-2024")
    assert (llama.count.value, llama.period.value, llama.accelerators.value) == (419, 54 * 86400, 16384)
    assert (llama.count.low, llama.count.high) == (393.0, 446.5)
    assert CATALOG.fact("failure", "meta-rsc-1", "rate_per_node_day").value * 86400 == pytest.approx(6.5e-3)
    assert CATALOG.fact("failure", "meta-rsc-2", "rate_per_node_day").value * 86400 == pytest.approx(2.34e-3)


def test_poisson_bounds_of_counts_are_exact() -> None:
    chi2 = pytest.importorskip("scipy.stats").chi2
    for failure in entries(CATALOG, "failure"):
        count = failure.count
        if count is None or count.low is None:
            continue
        assert count.low == pytest.approx(chi2.ppf(0.1, 2 * count.value) / 2, rel=2e-3), failure.id
        assert count.high == pytest.approx(chi2.ppf(0.9, 2 * count.value + 2) / 2, rel=2e-3), failure.id


def test_laws_carry_their_published_constants() -> None:
    assert CATALOG.fact("law", "besiroglu2024.alpha").value == 0.3478
    assert CATALOG.fact("law", "kaplan2020.C_c_min").value == pytest.approx(3.1e8 * 8.64e19)
    for law in entries(CATALOG, "law"):
        assert law.id == f"{law.law}.{law.parameter}"


def test_tables_ship_with_their_sources() -> None:
    pytest.importorskip("polars")
    for name in ("interruptions", "checkpoints", "training_facts"):
        table = CATALOG.table(name)
        assert table.height > 50
        assert "source" in table.columns and table["source"].null_count() == 0


def test_no_name_of_a_model_or_place_is_given_twice() -> None:
    for collection in ("model", "accelerator", "node", "region"):
        names = [entry.name for entry in entries(CATALOG, collection)]
        assert len(set(names)) == len(names), collection
        assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name) for name in CATALOG.ids(collection)), collection
