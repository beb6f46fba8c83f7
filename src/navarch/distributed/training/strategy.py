"""The choice of a strategy: every legal plan evaluated, the fastest that fits, and why the others lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.equation import off_the_ledger
from navarch.core.quantity import show
from navarch.distributed.training.estimate import TrainingEstimate, estimate
from navarch.distributed.training.legality import NUMERIC, InfeasibleError, enumerate_plans
from navarch.distributed.training.shape import Hardware, Plan, Runtime, TransformerShape

STRATEGY = ("tensor", "pipeline", "context", "expert")
"""The fields that make a strategy; plans that differ only in others are variants of one."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One plan and what it does.

    plan: of plain numbers; step_time [s]; memory: at the peak [byte]; mfu [fraction]; fits: within the accelerator's
    memory; parts: of the step, by key [s]; why_lost: against the winner, in words (empty for the winner).
    """

    plan: Plan
    step_time: float
    memory: float
    mfu: float
    fits: bool
    parts: Mapping[str, float]
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


@dataclass(frozen=True, slots=True)
class Evaluated:
    """All plans of a search, one row each, over the combinations of categories."""

    plans: tuple[Plan, ...]
    which: NDArray[np.int64]
    table: Array
    step_time: Array
    memory: Array
    mfu: Array
    parts: Mapping[str, Array]
    titles: Mapping[str, str]

    def plan(self, row: int) -> Plan:
        """The plan of a row, of plain numbers."""
        values = dict(zip(NUMERIC, (int(x) for x in self.table[row]), strict=True))
        whole = self.plans[self.which[row]]
        batch, length = int(whole.global_batch), int(whole.sequence_length)
        return replace(whole, **values, global_batch=batch, sequence_length=length)


def label_of(plan: Plan) -> str:
    """A plan as people write it."""
    degrees = [("TP", plan.tensor), ("PP", plan.pipeline), ("CP", plan.context), ("EP", plan.expert), ("DP", plan.data)]
    spread = " x ".join(f"{name} {int(n)}" for name, n in degrees if n > 1 or name == "DP")
    extras = [f"microbatch {int(plan.microbatch)}"]
    if plan.virtual_stages > 1:
        extras.append(f"{int(plan.virtual_stages)} virtual stages")
    if plan.zero_stage:
        extras.append(f"ZeRO-{plan.zero_stage}")
    extras.append(
        {"none": "no recomputation", "selective": "selective recomputation", "full": "full recomputation"}[
            plan.recomputation
        ]
    )
    return ", ".join([spread, *extras])


def _plain(record: Any) -> Any:
    """A copy of a dataclass whose numbers are plain floats."""
    numbers = {
        f.name: float(value)
        for f in fields(record)
        if (value := getattr(record, f.name)) is not None and not isinstance(value, (bool, str))
    }
    return replace(record, **numbers)


def _joined(plans: list[Plan], estimates: list[TrainingEstimate]) -> Evaluated:
    """The rows of all categories, one after the other."""
    counts = [len(p.tensor) for p in plans]

    def column(values: list[Any]) -> Array:
        pairs = zip(values, counts, strict=True)
        return np.concatenate([np.broadcast_to(np.asarray(v, float), (n,)) for v, n in pairs])

    named = [e.step.parts() for e in estimates]
    return Evaluated(
        plans=tuple(plans),
        which=np.repeat(np.arange(len(plans)), counts),
        table=np.concatenate([np.stack([getattr(p, name) for name in NUMERIC], axis=1) for p in plans]),
        step_time=column([e.step_time for e in estimates]),
        memory=column([e.memory.peak for e in estimates]),
        mfu=column([e.mfu for e in estimates]),
        parts={key: column([parts[i][2] for parts in named]) for i, (key, _, _) in enumerate(named[0])},
        titles={key: title for key, title, _ in named[0]},
    )


def evaluate_plans(shape: TransformerShape, hardware: Hardware, runtime: Runtime, plans: list[Plan]) -> Evaluated:
    """Memory and time of every plan, off the ledger."""
    shape, hardware, runtime = _plain(shape), _plain(hardware), _plain(runtime)
    with off_the_ledger():
        return _joined(plans, [estimate(shape, hardware, plan, runtime) for plan in plans])


def _order(rows: Evaluated, among: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows by step time, then memory, then the order of enumeration."""
    return among[np.lexsort((among, rows.memory[among], rows.step_time[among]))]


def _why_lost(rows: Evaluated, row: int, best: int, capacity: float) -> str:
    """In words, why a plan lost against the winner."""
    over = rows.memory[row] - capacity
    if over > 0:
        return f"needs {show(rows.memory[row], 'byte')}, {show(over, 'byte')} more than the accelerator has"
    time, reference = rows.step_time[row], rows.step_time[best]
    if time <= reference:
        return "as fast, with more memory" if rows.memory[row] > rows.memory[best] else "as fast"
    more = {key: part[row] - part[best] for key, part in rows.parts.items()}
    worst = max(more, key=lambda key: more[key])
    slower = show(time / reference - 1, "fraction", digits=2)
    share = show(rows.parts[worst][row] / time, "fraction", digits=2)
    was = show(rows.parts[worst][best] / reference, "fraction", digits=2)
    return f"{slower} slower: {rows.titles[worst].lower()} {share} of the step (winner {was})"


def _candidate(rows: Evaluated, row: int, best: int, capacity: float) -> Candidate:
    return Candidate(
        rows.plan(row),
        float(rows.step_time[row]),
        float(rows.memory[row]),
        float(rows.mfu[row]),
        bool(rows.memory[row] <= capacity),
        {key: float(part[row]) for key, part in rows.parts.items()},
        "" if row == best else _why_lost(rows, row, best, capacity),
    )


def _best_of_each(rows: Evaluated, order: NDArray[np.int64]) -> list[int]:
    """The first row of each strategy, in the given order."""
    keys = rows.table[order][:, [NUMERIC.index(name) for name in STRATEGY]]
    _, first = np.unique(keys, axis=0, return_index=True)
    return [int(order[i]) for i in np.sort(first)]


def pareto(memory: Array, time: Array) -> NDArray[np.int64]:
    """Rows that no other row beats in both memory and time, fastest first."""
    order = np.lexsort((memory, time))
    leanest = np.minimum.accumulate(memory[order])
    keep = np.ones(len(order), bool)
    keep[1:] = memory[order][1:] < leanest[:-1]
    return order[keep]


def choose(
    shape: TransformerShape,
    hardware: Hardware,
    runtime: Runtime,
    accelerators: int,
    global_batch: int,
    sequence_length: int,
    fixed: Mapping[str, Any] | None = None,
    losers: int = 6,
) -> Choice:
    """The fastest plan that fits, of every legal one.

    accelerators: all used; global_batch: sequences; sequence_length [token]; fixed: fields of `Plan` set by the user;
    losers: how many to explain. Raises InfeasibleError where no plan is legal or none fits in memory.
    """
    rows = evaluate_plans(
        shape, hardware, runtime, enumerate_plans(shape, hardware, accelerators, global_batch, sequence_length, fixed)
    )
    capacity = float(hardware.memory)
    everything = np.arange(len(rows.step_time))
    fits = _order(rows, everything[rows.memory <= capacity])
    if not len(fits):
        raise _does_not_fit(rows, capacity, accelerators)
    best = int(fits[0])
    others = [row for row in _best_of_each(rows, fits) if _strategy(rows, row) != _strategy(rows, best)]
    too_big = everything[(rows.memory > capacity) & (rows.step_time < rows.step_time[best])]
    explained = [int(too_big[np.argmin(rows.memory[too_big])])] if len(too_big) else []
    explained += others[: max(0, losers - len(explained))]
    front = fits[pareto(rows.memory[fits], rows.step_time[fits])]
    return Choice(
        best=_candidate(rows, best, best, capacity),
        runner_up=_candidate(rows, others[0], best, capacity) if others else None,
        considered=len(everything),
        feasible=len(fits),
        losers=tuple(_candidate(rows, row, best, capacity) for row in explained),
        front=tuple(_candidate(rows, int(row), best, capacity) for row in front),
        binding="accelerator memory" if len(too_big) else "none: no legal plan is faster",
    )


def _strategy(rows: Evaluated, row: int) -> tuple[float, ...]:
    return tuple(rows.table[row][NUMERIC.index(name)] for name in STRATEGY)


def _does_not_fit(rows: Evaluated, capacity: float, accelerators: int) -> InfeasibleError:
    """What the leanest plan lacks."""
    leanest = int(np.argmin(rows.memory))
    needed = rows.memory[leanest]
    return InfeasibleError(
        "accelerators",
        accelerators,
        f"none of {len(rows.memory):,} legal plans fits in {show(capacity, 'byte')} an accelerator",
        f"the leanest ({label_of(rows.plan(leanest))}) needs {show(needed, 'byte')}, "
        f"{show(needed - capacity, 'byte')} too much: "
        "more accelerators, more memory or a smaller model is needed",
    )
