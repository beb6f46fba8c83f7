"""The forms of parallelism that a search tries, beside the degrees."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

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

    def layer_forms(self) -> Iterator[LayerForm]:
        for form in itertools.product(self.sequence_parallel, self.recomputations, self.context_kinds):
            yield LayerForm(*form)

    def step_forms(self) -> Iterator[StepForm]:
        hybrid = (False, True) if self.hybrid else (False,)
        every = itertools.product(self.zero_stages, hybrid, self.schedules, self.offloads)
        for zero, groups, schedule, offload in every:
            if zero > 0 or not groups:
                yield StepForm(zero, groups, schedule, offload)


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
