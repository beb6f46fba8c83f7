"""Fitted constants of kernels: read from the catalog, measured where they were, borrowed from a relation elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from navarch.catalog.errors import CatalogError
from navarch.core.arithmetic import product_of, ratio
from navarch.core.ledger import Fact

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Number = Any  # a float, a Value or an array
Take = Callable[[Fact], Any]
PREFIX = "compute.kernel"


@dataclass(frozen=True, slots=True)
class Fitted:
    """The fitted constants of one kind of kernel on one accelerator at one precision.

    accelerator: that they are for; origin: where they were measured; stand_in: why they stand for something else, or
    empty; foreign: the origin is of another family, so that its cores stand for those of the accelerator.
    """

    accelerator: str
    origin: str
    stand_in: str
    foreign: bool
    facts: dict[str, Fact] = field(hash=False)

    def __getitem__(self, name: str) -> Fact:
        return self.facts[name]

    def known(self, name: str, take: Take) -> Any:
        """A constant that some libraries have and others have not, or None."""
        fact = self.facts.get(name)
        return None if fact is None else take(fact)

    def taken(self, take: Take, *names: str) -> dict[str, Any]:
        """The constants of these names (`core-bandwidth`), each under its name as an identifier."""
        return {name.replace("-", "_"): take(self.facts[name]) for name in names}

    def cores(self, catalog: Catalog, take: Take) -> Any:
        """Cores that the work is spread over: the accelerator's, or those of a foreign origin."""
        return take(hardware(catalog, self.origin if self.foreign else self.accelerator, "sm_count"))

    def core_bandwidth(self, catalog: Catalog, peak: str, take: Take) -> Any:
        """Rate at which a core pulls operands; scaled with the peak where foreign cores stand in."""
        rate = take(self.facts["core-bandwidth"])
        if not self.foreign:
            return rate
        ends = [take(catalog.fact("accelerator", name, peak)) for name in (self.accelerator, self.origin)]
        scale = ratio(*ends, unit="1", title="Peak over that of the accelerator measured")
        return product_of(rate, scale, unit="byte/s", title="Rate at which one core pulls operands, scaled")


def fitted(catalog: Catalog, kind: str, accelerator: str, precision: str) -> Fitted:
    """The constants of a kind of kernel (`matmul`) for an accelerator at a precision.

    In this order: measured on the accelerator; measured on a relation (same maker and class of memory, nearest in peak
    and in time); measured on whichever accelerator is nearest. What stands in is of kind `estimate` and says so.
    """
    entry = catalog.get("accelerator", accelerator)
    stem = f"{PREFIX}.{kind}."
    found: dict[str, dict[str, str]] = {}
    for identifier in catalog.ids("constant"):
        if identifier.startswith(stem):
            where, at, name = identifier.removeprefix(stem).split(".")
            if at == precision:
                found.setdefault(where, {})[name] = identifier
    if not found:
        raise CatalogError(f"no {kind} kernel was measured at {precision}")
    own = found.get(accelerator)
    source = accelerator if own is not None else nearest(catalog, found, entry, precision)
    facts = {name: catalog.fact("constant", identifier) for name, identifier in found[source].items()}
    if source == accelerator:
        return Fitted(accelerator, source, "", False, facts)
    kin = related(catalog.get("accelerator", source), entry)
    why = f"measured on {source}" if kin else f"no accelerator of its family was measured; taken from {source}"
    return Fitted(accelerator, source, why, not kin, {n: borrowed(f, accelerator, why) for n, f in facts.items()})


def hardware(catalog: Catalog, accelerator: str, attribute: str) -> Fact:
    """A fact of an accelerator's build (`sm_count`, `l2`); where the catalog does not know it, a relation's."""
    entry = catalog.get("accelerator", accelerator)
    own: Fact | None = getattr(entry, attribute)
    if own is not None:
        return own
    others = (name for name in catalog.ids("accelerator") if name != accelerator)
    source = nearest(catalog, [n for n in others if getattr(catalog.get("accelerator", n), attribute)], entry, "bf16")
    return borrowed(catalog.fact("accelerator", source, attribute), accelerator, f"that of {source}")


def related(one: Any, other: Any) -> bool:
    """Whether two accelerators are of one family: the same maker and class of memory."""
    return bool(one.vendor == other.vendor and stacked(one) == stacked(other))


def stacked(entry: Any) -> bool:
    """Whether the memory is stacked (HBM): what divides data-centre accelerators from other parts."""
    return str(entry.memory_type).upper().startswith("HBM")


def peak_of(entry: Any, precision: str) -> float | None:
    """The catalogue's peak at a precision, or None."""
    fact: Fact | None = getattr(entry, PEAKS.get(precision, precision), None)
    return None if fact is None else fact.value


def borrowed(fact: Fact, accelerator: str, why: str) -> Fact:
    """A constant that stands for an accelerator that was not measured."""
    return replace(
        fact,
        id=f"{fact.id}@{accelerator}",
        title=f"{fact.title} (stand-in for {accelerator}: {why})",
        kind="estimate",
        note=f"Stand-in: {why}. {fact.note}".strip(),
    )


PEAKS = {"fp8_block": "fp8", "nvfp4": "fp4"}
"""Precisions whose peak the catalog has under another name."""


def nearest(catalog: Catalog, measured: Iterable[str], entry: Any, precision: str) -> str:
    """The measured accelerator nearest to this one: family first, then peak, then year."""
    near = []
    for name in measured:
        other = catalog.get("accelerator", name)
        same_peak = peak_of(other, precision) == peak_of(entry, precision)
        same_memory = stacked(other) == stacked(entry)
        near.append((not related(other, entry), not same_memory, not same_peak, abs(other.year - entry.year), name))
    return min(near)[-1]
