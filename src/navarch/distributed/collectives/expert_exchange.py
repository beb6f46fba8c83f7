"""A library that exchanges tokens between experts (DeepEP): its fitted constants and its times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from navarch.catalog.errors import CatalogError
from navarch.distributed.collectives.library import PREFIX, Number, Take
from navarch.distributed.collectives.protocols import expert_exchange_time
from navarch.fleet.compute.fitted import borrowed, nearest

if TYPE_CHECKING:
    from navarch.catalog import Catalog

MODES = ("normal", "low-latency")
"""Kernels for long prompts and training, and for decoding."""
OPERATIONS = ("dispatch", "combine")
PARTS = ("floor", "base", "bandwidth", "choice")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One operation of the library. floor, base, choice [s]; bandwidth [byte/s]; stand_in: what it was measured on, if
    not on this accelerator and as many nodes."""

    floor: Number
    base: Number
    bandwidth: Number
    choice: Number
    stand_in: str = ""

    def time(self, tokens: Number, token_bytes: Number, choices: Number, ranks: Number) -> Number:
        """Time of the operation for the tokens of a rank [s]; token_bytes: of one on the wire; choices: its experts."""
        return expert_exchange_time(
            tokens, token_bytes, choices, ranks, self.floor, self.base, self.bandwidth, self.choice
        )


def exchange(catalog: Catalog, mode: str, operation: str, accelerator: str, nodes: int, take: Take = float) -> Exchange:
    """The constants of an operation on an accelerator and so many nodes, or of what is nearest to them."""
    stem = f"{PREFIX}.deepep-{mode}.{operation}."
    found: dict[str, dict[int, str]] = {}
    for identifier in catalog.ids("constant"):
        if identifier.startswith(stem) and identifier.endswith(f".{PARTS[0]}"):
            where, several, _ = identifier.removeprefix(stem).split(".")
            found.setdefault(where, {})[int(several.removeprefix("nodes-"))] = identifier.removesuffix(PARTS[0])
    if not found:
        raise CatalogError(f"no {operation} of {mode} expert exchange was measured")
    origin = (
        accelerator
        if accelerator in found
        else nearest(catalog, found, catalog.get("accelerator", accelerator), "bf16")
    )
    measured = min(found[origin], key=lambda known: (abs(known - nodes), known))
    facts = [catalog.fact("constant", f"{found[origin][measured]}{part}") for part in PARTS]
    why = "" if origin == accelerator and measured == nodes else f"measured on {measured} nodes of {origin}"
    if why:
        facts = [borrowed(fact, accelerator, why) for fact in facts]
    floor, base, bandwidth, choice = map(take, facts)
    return Exchange(floor, base, bandwidth, choice, why)
