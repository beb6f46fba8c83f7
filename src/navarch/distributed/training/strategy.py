"""The choice of a strategy: the fastest plan that fits, of every legal one, and why the others lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from navarch.core.arithmetic import relative_change
from navarch.core.equation import off_the_ledger
from navarch.core.quantity import show
from navarch.core.sweep import EngineName
from navarch.distributed.training.anatomy import anatomy_of
from navarch.distributed.training.estimate import LAYER_FIELDS, LayerEstimate, TrainingEstimate, estimate, layer_of
from navarch.distributed.training.forms import COMMON, Forms, LayerForm
from navarch.distributed.training.legality import InfeasibleError, no_form
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.search import (
    STRATEGY,
    Found,
    Kept,
    Task,
    gathered,
    plain,
    plan_at,
    search,
    task_of,
)
from navarch.distributed.training.shape import Hardware, Plan, TransformerShape

__all__ = ["STRATEGY", "Candidate", "Choice", "choice_of", "choose", "label_of"]

LAYER_KINDS = tuple(field.name for field in fields(LayerForm))
RECOMPUTED = {"none": "no recomputation", "selective": "selective recomputation", "full": "full recomputation"}
SCHEDULED = {
    "gpipe": "GPipe", "zero-bubble": "ZB-H1", "zero-bubble-2": "ZB-H2", "zero-bubble-v": "ZB-V", "dualpipe": "DualPipe",
}  # fmt: skip
OFFLOADED = {"optimiser": "optimiser offloaded", "activations": "activations offloaded", "both": "all offloaded"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One plan and what it does.

    plan: of plain numbers; step_time [s]; memory: at the peak [byte]; mfu [fraction]; fits: within the accelerator's
    memory; parts: of the step, by key [s]; communication_ratio: of all communication to computation; why_lost: against
    the winner, in words (empty for the winner).
    """

    plan: Plan
    step_time: float
    memory: float
    mfu: float
    fits: bool
    parts: Mapping[str, float]
    communication_ratio: float = 0.0
    why_lost: str = ""

    @property
    def label(self) -> str:
        """The plan as people write it: `TP 8 x PP 16 x DP 128, ...`."""
        return label_of(self.plan)


@dataclass(frozen=True, slots=True)
class Choice:
    """The outcome of an exhaustive search.

    best: fastest plan that fits; runner_up: fastest that fits with another strategy (None if there is none);
    considered, feasible: plans counted; losers: first the leanest plan that is faster but does not fit, if any, then
    the best of each other strategy, fastest first; front: plans that none beats in both memory and time, fastest
    first; binding: what kept faster plans out.
    """

    best: Candidate
    runner_up: Candidate | None
    considered: int
    feasible: int
    losers: tuple[Candidate, ...]
    front: tuple[Candidate, ...]
    binding: str


def label_of(plan: Plan) -> str:
    """A plan as people write it."""
    degrees = [("TP", plan.tensor), ("PP", plan.pipeline), ("CP", plan.context), ("EP", plan.expert), ("DP", plan.data)]
    extras = [" x ".join(f"{name} {int(n)}" for name, n in degrees if n > 1 or name == "DP")]
    extras.append(f"microbatch {int(plan.microbatch)}")
    if plan.virtual_stages > 1:
        extras.append(f"{int(plan.virtual_stages)} virtual stages")
    if plan.schedule in SCHEDULED:
        extras.append(SCHEDULED[plan.schedule])
    if plan.zero_stage:
        within = "" if plan.shard is None else f" within {int(plan.shard)}"
        extras.append(f"ZeRO-{plan.zero_stage}{within}")
    if plan.context > 1 and plan.context_kind == "ulysses":
        extras.append("Ulysses")
    if plan.tensor > 1 and not plan.sequence_parallel:
        extras.append("no sequence parallelism")
    extras.append(RECOMPUTED[plan.recomputation])
    if plan.offload in OFFLOADED:
        extras.append(OFFLOADED[plan.offload])
    return ", ".join(extras)


class _Explained:
    """Some plans of a task with what they do, the costs of their layers computed together."""

    def __init__(self, task: Task, plans: Sequence[Plan]) -> None:
        self.task = task
        self.layers: dict[tuple[Any, ...], LayerEstimate] = {}
        shape, hardware = task.request.shape, task.request.hardware
        of_kinds: dict[tuple[Any, ...], dict[tuple[Any, ...], Plan]] = {}
        for plan in plans:
            of_kinds.setdefault(_fields(plan, LAYER_KINDS), {})[_fields(plan, LAYER_FIELDS)] = plan
        for kinds, alike in of_kinds.items():
            numbers = dict(zip(LAYER_FIELDS, np.array(list(alike), float).T, strict=True))
            plan = replace(next(iter(alike.values())), **numbers)
            with off_the_ledger():
                layers = layer_of(shape, anatomy_of(shape, plan), hardware, plan, task.runtime)
            for row, key in enumerate(alike):
                self.layers[kinds + key] = plain(gathered(layers, row))

    def estimate(self, plan: Plan) -> TrainingEstimate:
        """What a plan does."""
        layer = self.layers[_fields(plan, LAYER_KINDS + LAYER_FIELDS)]
        with off_the_ledger():
            return estimate(self.task.request.shape, self.task.request.hardware, plan, self.task.runtime, layer)

    def candidate(self, plan: Plan, best: TrainingEstimate | None = None) -> Candidate:
        """A plan with what it does, and why it lost against the best."""
        made = self.estimate(plan)
        capacity = float(self.task.request.hardware.memory)
        return Candidate(
            plan,
            float(made.step_time),
            float(made.memory.peak),
            float(made.mfu),
            bool(made.memory.peak <= capacity),
            {key: float(part) for key, _, part in made.step.parts()},
            float(made.communication_ratio),
            "" if best is None else _why_lost(made, best, capacity),
        )


def _fields(plan: Plan, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(plan, name) for name in names)


def _why_lost(made: TrainingEstimate, best: TrainingEstimate, capacity: float) -> str:
    """In words, why a plan lost against the winner."""
    memory, time, reference = float(made.memory.peak), float(made.step_time), float(best.step_time)
    if memory > capacity:
        return f"needs {show(memory, 'byte')}, {show(memory - capacity, 'byte')} more than the accelerator has"
    if time <= reference:
        return "as fast, with more memory" if memory > float(best.memory.peak) else "as fast"
    was = {key: float(part) for key, _, part in best.step.parts()}
    more = {key: (float(part) - was.get(key, 0.0), title, float(part)) for key, title, part in made.step.parts()}
    key = max(more, key=lambda k: more[k][0])
    _, title, part = more[key]
    with off_the_ledger():
        slower = show(float(relative_change(time, reference)), "fraction", digits=2)
    share, winners = (show(x, "fraction", digits=2) for x in (part / time, was.get(key, 0.0) / reference))
    return f"{slower} slower: {title.lower()} {share} of the step (winner {winners})"


def _ordered(kept: Kept) -> list[int]:
    """Places of plans by time, then memory, then the order of enumeration."""
    return [int(row) for row in np.lexsort((np.arange(len(kept)), kept.memory, kept.time))]


def choice_of(task: Task, found: Found, losers: int = 6) -> Choice:
    """The choice that a search leaves, explained.

    losers: how many to explain. Raises InfeasibleError where no plan fits in memory.
    """
    if not len(found.strategies):
        raise _does_not_fit(task, found)
    first, *others = _ordered(found.strategies)
    best = plan_at(task, found.strategies, first)
    faster = np.flatnonzero(found.over.time < found.strategies.time[first])
    lost = [] if not len(faster) else [plan_at(task, found.over, int(faster[np.argmin(found.over.memory[faster])]))]
    rest = [plan_at(task, found.strategies, row) for row in others[: max(1, losers - len(lost))]]
    front = [plan_at(task, found.front, row) for row in _ordered(found.front)]
    explained = _Explained(task, [best, *lost, *rest, *front])
    made = explained.estimate(best)
    beaten = [explained.candidate(plan, made) for plan in lost + rest]
    return Choice(
        best=explained.candidate(best),
        runner_up=beaten[len(lost)] if rest else None,
        considered=found.considered,
        feasible=found.feasible,
        losers=tuple(beaten[:losers]),
        front=tuple(explained.candidate(plan, made) for plan in front),
        binding="accelerator memory" if len(faster) else "none: no legal plan is faster",
    )


def choose(
    shape: TransformerShape,
    hardware: Hardware,
    runtime: Runtime,
    accelerators: int,
    global_batch: int,
    sequence_length: int,
    fixed: Mapping[str, Any] | None = None,
    losers: int = 6,
    forms: Forms = COMMON,
    engine: EngineName = "local",
    workers: int | None = 1,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Choice:
    """The fastest plan that fits, of every legal one.

    accelerators: all used; global_batch: sequences; sequence_length [token]; fixed: fields of `Plan` set by the user;
    losers: how many to explain; forms: of parallelism that are tried; engine, workers, address, progress: where the
    search runs (`search`). Raises InfeasibleError where no plan is legal or none fits in memory.
    """
    task = task_of(shape, hardware, runtime, accelerators, global_batch, sequence_length, fixed, forms)
    return choice_of(task, search(task, engine, workers, address, progress), losers)


def _does_not_fit(task: Task, found: Found) -> InfeasibleError:
    """What the leanest plan lacks, or why there is none."""
    if not found.considered:
        return no_form(task.request)
    capacity, needed = float(task.request.hardware.memory), float(found.leanest.memory[0])
    return InfeasibleError(
        "accelerators",
        task.request.accelerators,
        f"none of {found.considered:,} legal plans fits in {show(capacity, 'byte')} an accelerator",
        f"the leanest ({label_of(plan_at(task, found.leanest, 0))}) needs {show(needed, 'byte')}, "
        f"{show(needed - capacity, 'byte')} too much: "
        "more accelerators, more memory or a smaller model is needed",
    )
