"""What is known of a prediction that may be why it is off: assumptions, other releases, full memory, far experts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from navarch.core.arithmetic import ratio
from navarch.core.quantity import show
from navarch.validation.cases import Case
from navarch.validation.ranking import layout_of
from navarch.validation.rows import text
from navarch.validation.runs import FASTEST_MICROBATCH, LEAST_RECOMPUTATION

APART = 1.1
"""Rows of one layout whose longest step is more than so many times the shortest are told to lie apart."""
FULL = 0.95
"""Share of the memory of an accelerator from which it is told to be nearly full."""


def reasons_of(cases: Iterable[Case]) -> Mapping[str, tuple[str, ...]]:
    """For each row, by its id, what is known of it that may be why its prediction is off."""
    known = list(cases)
    alike: dict[tuple[str, ...], list[float]] = {}
    for case in known:
        alike.setdefault(layout_of(case), []).append(case.measured)
    return {case.id: _of(case, alike[layout_of(case)]) for case in known}


def _of(case: Case, measured: list[float]) -> tuple[str, ...]:
    taken = {FASTEST_MICROBATCH: f"{float(case.plan.microbatch):g}", LEAST_RECOMPUTATION: case.plan.recomputation}
    found = [f"{words}: {taken[words]}" if words in taken else words for words in case.run.assumed]
    shortest, longest = min(measured), max(measured)
    if longest > APART * shortest:
        found.append(f"other releases measured {show(shortest, 's')} to {show(longest, 's')}")
    filled = float(ratio(case.made.memory.peak, case.run.hardware.memory))
    if filled > FULL:
        found.append(f"predicted to fill {show(filled, 'fraction', 2)} of the memory")
    domain = float(case.run.hardware.scaleup_domain)
    if case.run.shape.experts is not None and float(case.plan.expert) > domain:
        found.append(f"experts of a layer spread over {float(case.plan.expert) / domain:.0f} hosts")
    notes = text(case.row, "notes")
    return (*found, notes) if notes else tuple(found)
