"""Share of the catalogue peak that large matrix products reach: measured where it was, a stand-in elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from navarch.core.ledger import Fact
from navarch.fleet.compute.fitted import peak_of, related

if TYPE_CHECKING:
    from navarch.catalog import Catalog

PREFIX = "compute.matmul-efficiency"


def matmul_efficiency(catalog: Catalog, accelerator: str, precision: str) -> Fact:
    """Matrix-product efficiency of an accelerator at a precision [fraction].

    accelerator: catalog id (`h100-sxm`); precision: `bf16`, `fp16`, `fp8`, `fp4`. In this order: measured on the
    accelerator at the precision; measured on a relation (the same maker's accelerator with the same class of memory,
    nearest in peak and in time); the general fallback. A stand-in is of kind `estimate`, has an id of its own, and says
    in its title and note what it stands for. fp16 is taken as bf16, whose peak and tensor path it shares.
    """
    measured = {i: catalog.fact("constant", i) for i in catalog.ids("constant") if i.startswith(PREFIX)}
    counted = "bf16" if precision == "fp16" else precision
    own = measured.get(f"{PREFIX}.{accelerator}.{counted}")
    if own is not None:
        return own if precision == counted else _borrowed(own, accelerator, precision, "measured at bf16")
    relation = _relation(catalog, list(measured), accelerator, counted)
    if relation is not None:
        return _borrowed(measured[f"{PREFIX}.{relation}.{counted}"], accelerator, precision, f"measured on {relation}")
    general = measured.get(f"{PREFIX}.default.{counted}", measured[f"{PREFIX}.default"])
    return _borrowed(general, accelerator, precision, "no accelerator of this family was measured")


def _relation(catalog: Catalog, measured: list[str], accelerator: str, precision: str) -> str | None:
    """The measured accelerator nearest to this one: same maker and class of memory; then by peak, then by year."""
    entry = catalog.get("accelerator", accelerator)
    near: list[tuple[bool, int, str]] = []
    for identifier in measured:
        other, _, at = identifier.removeprefix(f"{PREFIX}.").rpartition(".")
        if at != precision or not other or other == "default":
            continue
        candidate = catalog.get("accelerator", other)
        if related(candidate, entry):
            differs = peak_of(candidate, precision) != peak_of(entry, precision)
            near.append((differs, abs(candidate.year - entry.year), other))
    return min(near)[-1] if near else None


def _borrowed(fact: Fact, accelerator: str, precision: str, why: str) -> Fact:
    return replace(
        fact,
        id=f"{fact.id}@{accelerator}.{precision}",
        title=f"Matrix-product efficiency of {accelerator} at {precision} (stand-in: {why})",
        kind="estimate",
        note=f"Stand-in: {why}. {fact.note}".strip(),
    )
