"""The forms of parallelism that a search tries, beside the degrees."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cache

from navarch.distributed.training.shape import (
    CONTEXT_KINDS,
    OFFLOADS,
    RECOMPUTATIONS,
    SCHEDULES,
    ContextKind,
    Offload,
    Recomputation,
    Schedule,
)


@dataclass(frozen=True, slots=True)
class LayerForm:
    """What of a plan's categories the cost of a layer depends on."""

    sequence_parallel: bool
    recomputation: Recomputation
    context_kind: ContextKind


@dataclass(frozen=True, slots=True)
class StepForm:
    """What of a plan's categories the step depends on beside its layers.

    hybrid: ZeRO shards within the scale-up domain and replicates across (HSDP).
    """

    zero_stage: int
    hybrid: bool
    schedule: Schedule
    offload: Offload


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms that a search tries.

    zero_stages: of 0 to 3; hybrid: hybrid sharding too; schedules, context_kinds, recomputations, offloads: of the
    literals in `shape`; sequence_parallel: with, without or both; short_context: context parallelism of short sequences
    too.
    """

    zero_stages: tuple[int, ...] = (0, 1, 2, 3)
    hybrid: bool = True
    schedules: tuple[Schedule, ...] = SCHEDULES
    context_kinds: tuple[ContextKind, ...] = CONTEXT_KINDS
    recomputations: tuple[Recomputation, ...] = RECOMPUTATIONS
    sequence_parallel: tuple[bool, ...] = (True, False)
    offloads: tuple[Offload, ...] = OFFLOADS
    short_context: bool = True

    def layer_forms(self) -> tuple[LayerForm, ...]:
        """Every form of the layers, in the order of the enumeration."""
        return _layer_forms(self)

    def step_forms(self) -> tuple[StepForm, ...]:
        """Every form of the step, in the order of the enumeration."""
        return _step_forms(self)


@cache
def _layer_forms(forms: Forms) -> tuple[LayerForm, ...]:
    every = itertools.product(forms.sequence_parallel, forms.recomputations, forms.context_kinds)
    return tuple(itertools.starmap(LayerForm, every))


@cache
def _step_forms(forms: Forms) -> tuple[StepForm, ...]:
    hybrid = (False, True) if forms.hybrid else (False,)
    every = itertools.starmap(StepForm, itertools.product(forms.zero_stages, hybrid, forms.schedules, forms.offloads))
    return tuple(form for form in every if form.zero_stage > 0 or not form.hybrid)


EVERYTHING = Forms()
"""Every form that is modelled."""

COMMON = replace(
    EVERYTHING,
    hybrid=False,
    schedules=("1f1b",),
    context_kinds=("ring",),
    sequence_parallel=(True,),
    offloads=("none",),
    short_context=False,
)
"""The forms that all training software has: ZeRO, 1F1B plain or interleaved, ring attention, recomputation."""
