"""The exhaustive search: every legal plan, memory and time, chunk by chunk, and what is kept of each chunk.

A chunk is a range of rows of the numeric table under all forms. What a layer costs is computed once for each distinct
combination of the few numbers that it depends on, and shared by all rows and all forms of the step. Chunks can be
computed anywhere, in any order and of any size: every plan has its place in one enumeration, and places break ties.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.equation import off_the_ledger
from navarch.core.pareto import pareto_front
from navarch.core.sweep import EngineName, spans, sweep
from navarch.distributed.training import step as steps
from navarch.distributed.training.anatomy import anatomy_of
from navarch.distributed.training.estimate import LAYER_FIELDS, LayerEstimate, layer_of
from navarch.distributed.training.footprint import footprint_of
from navarch.distributed.training.forms import COMMON, Forms, LayerForm, StepForm
from navarch.distributed.training.legality import (
    NUMERIC,
    Request,
    fixed_forms,
    layer_legal,
    numeric_table,
    plan_of,
    step_legal,
)
from navarch.distributed.training.placement import Placement, place
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Hardware, Plan, TransformerShape
from navarch.distributed.training.timing import step_body_of, step_time_of

Array = NDArray[np.float64]
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]

ROWS_OF_A_CHUNK = 4096
"""Rows whose arrays stay in a core's cache."""
STRATEGY = ("tensor", "pipeline", "context", "expert")
"""The fields that make a strategy; plans that differ only in others are variants of one."""


@dataclass(frozen=True, slots=True)
class Task:
    """What every chunk needs.

    request; runtime: the software's constants; table: of the numeric fields, a row each legal combination; strategies:
    the number of each row's; prune: whether plans that provably lose are left untimed. A plan's place in the
    enumeration is by form of the layers, then form of the step, then row of the table.
    """

    request: Request
    runtime: Runtime
    table: Array
    strategies: Places
    prune: bool

    @property
    def layer_forms(self) -> tuple[LayerForm, ...]:
        return self.request.forms.layer_forms()

    @property
    def step_forms(self) -> tuple[StepForm, ...]:
        return self.request.forms.step_forms()


@dataclass(frozen=True)
class Kept:
    """Plans worth keeping, in the order of their places, which breaks ties.

    place: in the enumeration; strategy: number of it; time: of a step [s]; memory: at the peak [byte].
    """

    place: Places
    strategy: Places
    time: Array
    memory: Array

    @classmethod
    def none(cls) -> Kept:
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0))

    def __len__(self) -> int:
        return len(self.place)

    def take(self, rows: Any) -> Kept:
        return Kept(self.place[rows], self.strategy[rows], self.time[rows], self.memory[rows])

    def joined(self, other: Kept) -> Kept:
        both = Kept(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))
        return both.take(np.argsort(both.place))


@dataclass(frozen=True)
class Found:
    """What a search leaves.

    considered: legal plans; feasible: that fit in memory; front: that fit, and that none that fits beats in both memory
    and time; strategies: the fastest that fits of each strategy; over: too large, faster than all that fit, and beaten
    by none too large in both; leanest: needs least memory of all.
    """

    considered: int = 0
    feasible: int = 0
    front: Kept = field(default_factory=Kept.none)
    strategies: Kept = field(default_factory=Kept.none)
    over: Kept = field(default_factory=Kept.none)
    leanest: Kept = field(default_factory=Kept.none)


def merged(one: Found, other: Found) -> Found:
    """What two searches leave together; of equal plans the first in the enumeration counts."""
    best = _best_of_each(one.strategies.joined(other.strategies)) if len(other.strategies) else one.strategies
    over = _front(one.over.joined(other.over)) if len(other.over) else one.over
    return Found(
        one.considered + other.considered,
        one.feasible + other.feasible,
        _front(one.front.joined(other.front)) if len(other.front) else one.front,
        best,
        over.take(over.time < best.time.min(initial=np.inf)),
        _leanest(one.leanest.joined(other.leanest)),
    )


def _front(plans: Kept) -> Kept:
    return plans.take(pareto_front(np.stack([plans.time, plans.memory], axis=1)))


def _best_of_each(plans: Kept) -> Kept:
    """The fastest plan of each strategy, then the leanest, then the first."""
    order = np.lexsort((plans.memory, plans.time, plans.strategy))
    strategy = plans.strategy[order]
    first = order[np.append(True, strategy[1:] != strategy[:-1])]
    return plans.take(np.sort(first))


def _leanest(plans: Kept) -> Kept:
    return plans.take([int(np.argmin(plans.memory))]) if len(plans) else plans


@cache
def _names(kind: type) -> tuple[str, ...]:
    """The fields of a record, or nothing where it is none."""
    return tuple(f.name for f in fields(kind)) if is_dataclass(kind) else ()


def gathered(record: Any, rows: NDArray[np.intp] | int) -> Any:
    """A record of arrays with the rows (or one) picked from each, however deep; what is no array stays."""
    if isinstance(record, np.ndarray):
        return record[rows] if record.ndim else record
    if isinstance(record, tuple):
        return tuple([gathered(part, rows) for part in record])
    names = _names(record.__class__)
    return type(record)(*[gathered(getattr(record, name), rows) for name in names]) if names else record


def plain(record: Any) -> Any:
    """A copy of a record whose numbers are plain floats, however deep."""
    if is_dataclass(record):
        return replace(record, **{f.name: plain(getattr(record, f.name)) for f in fields(record)})  # type: ignore[type-var]
    if isinstance(record, tuple):
        return tuple(plain(part) for part in record)
    return record if record is None or isinstance(record, (bool, str, int)) else float(record)


def evaluate_chunk(task: Task, rows: range) -> Found:
    """Memory and time of every legal plan of some rows of the table, and what is kept of them."""
    with off_the_ledger():
        return _Chunk(task, rows).evaluated()


@dataclass(frozen=True, slots=True)
class _Group:
    """Forms of the step that differ only in where the states lie, each with its place, and the rows legal with them."""

    places: list[int]
    forms: list[StepForm]
    legal: Mask


class _Chunk:
    """Some rows of the table, evaluated under one form of the layers and of the step after the other."""

    def __init__(self, task: Task, rows: range) -> None:
        self.task, self.request, self.step_forms, self.first_row = task, task.request, task.step_forms, rows.start
        self.table = task.table[rows.start : rows.stop]
        self.columns = dict(zip(NUMERIC, np.ascontiguousarray(self.table.T), strict=True))
        self.strategy = task.strategies[rows.start : rows.stop]
        self.fastest = np.full(int(task.strategies.max()) + 1, np.inf)  # of each strategy, of the plans that fit
        self.capacity = float(task.request.hardware.memory)
        names = [name for name in LAYER_FIELDS if name in self.columns]
        numbers = np.stack([self.columns[name] for name in names], axis=1)
        distinct, which = np.unique(numbers, axis=0, return_inverse=True)
        self.layer_numbers, self.which = dict(zip(names, distinct.T, strict=True)), which.ravel()
        self.placements: dict[tuple[bool, bool, str], Placement] = {}
        self.found = Found()

    def evaluated(self) -> Found:
        """What is kept of all legal plans of the rows."""
        groups = self._groups()
        for number, form in enumerate(self.task.layer_forms):
            legal = layer_legal(self.request, form, self.columns)
            if legal.any():
                anatomy, layer = self._layers(form)
                for group in groups:
                    rows = np.flatnonzero(legal & group.legal)
                    if len(rows):
                        self.found = merged(self.found, self._evaluate(number, form, anatomy, layer, group, rows))
        return self.found

    def _groups(self) -> list[_Group]:
        by_states = itertools.groupby(enumerate(self.step_forms), key=lambda pair: replace(pair[1], offload="none"))
        made = []
        for like, pairs in by_states:
            places, forms = zip(*pairs, strict=True)
            made.append(_Group(list(places), list(forms), step_legal(self.request, like, self.columns)))
        return made

    def _layers(self, form: LayerForm) -> tuple[Any, LayerEstimate]:
        """The model's anatomy, and what a layer costs for each distinct combination of the numbers that it reads."""
        unread = {name: 1.0 for name in NUMERIC if name not in self.layer_numbers}
        plan = plan_of(self.request, form, StepForm(0, False, "1f1b", "none"), {**unread, **self.layer_numbers})
        anatomy = anatomy_of(self.request.shape, plan)
        return anatomy, layer_of(self.request.shape, anatomy, self.request.hardware, plan, self.task.runtime)

    def _placement(self, form: LayerForm, step: StepForm, anatomy: Any) -> Placement:
        """All rows laid out, which no other form makes a difference to than these."""
        key = (step.zero_stage == 0, step.hybrid, step.schedule)
        if key not in self.placements:
            plan = plan_of(self.request, form, step, self.columns)
            self.placements[key] = place(self.request.shape, anatomy, self.request.hardware, plan, self.task.runtime)
        return self.placements[key]

    def _evaluate(
        self, number: int, form: LayerForm, anatomy: Any, layer: LayerEstimate, group: _Group, rows: NDArray[np.intp]
    ) -> Found:
        """What is kept of the legal rows under one form of the layers and a group of forms of the step."""
        shape, runtime, which = self.request.shape, self.task.runtime, self.which[rows]
        columns = {name: column[rows] for name, column in self.columns.items()}
        plans = [plan_of(self.request, form, step, columns) for step in group.forms]
        placement = gathered(self._placement(form, group.forms[0], anatomy), rows)
        stored = gathered(layer.memory, which)
        peaks = np.stack(
            [
                np.broadcast_to(footprint_of(shape, anatomy, plan, runtime, placement, stored).peak, rows.shape)
                for plan in plans
            ]
        )
        limits = _Limits(peaks <= self.capacity, _standing(self.found.front, peaks), _standing(self.found.over, peaks))
        timed = np.arange(len(rows))
        if self.task.prune:
            timed = self._wanted(layer.cost.total[which], placement, limits, self.strategy[rows])
        times = np.full(peaks.shape, np.inf)
        if len(timed):
            times[:, timed] = self._times(plans, layer, placement, which, timed)
        places = (number * len(self.step_forms) + np.array(group.places)) * len(self.task.table) + self.first_row
        strategies = np.tile(self.strategy[rows], len(plans))
        every = Kept((places[:, None] + rows).ravel(), strategies, times.ravel(), peaks.ravel())
        return self._kept(every, limits)

    def _times(
        self,
        plans: Sequence[Plan],
        layer: LayerEstimate,
        placement: Placement,
        which: NDArray[np.intp],
        timed: NDArray[np.intp],
    ) -> Array:
        """The step times of some of the rows under plans that differ in where the states lie."""
        request, runtime, of_layer = self.request, self.task.runtime, which[timed]
        if len(timed) < len(which):
            placement, plans = gathered(placement, timed), [gathered(plan, timed) for plan in plans]
        cost, head = gathered(layer.cost, of_layer), gathered(layer.head, of_layer)
        stored = gathered(layer.memory.stored, of_layer)
        body = step_body_of(request.shape, plans[0], runtime, cost, head, placement)
        common = (runtime, body, placement, stored)
        made = [step_time_of(request.shape, request.hardware, plan, *common) for plan in plans]
        return np.stack([np.broadcast_to(step.total, timed.shape) for step in made])

    def _kept(self, plans: Kept, limits: _Limits) -> Found:
        """Of plans with their times, those that may be on a front or the fastest of their strategy."""
        fits, strategy = limits.fits.ravel(), plans.strategy
        quick = np.flatnonzero(fits & (plans.time <= self.fastest[strategy]) & np.isfinite(plans.time))
        np.minimum.at(self.fastest, strategy[quick], plans.time[quick])
        front = fits & (plans.time < limits.front.ravel())
        over = ~fits & (plans.time < limits.over.ravel()) & (plans.time < self.fastest.min())
        return Found(
            considered=len(plans),
            feasible=int(fits.sum()),
            front=plans.take(np.flatnonzero(front)),
            strategies=plans.take(quick[plans.time[quick] <= self.fastest[strategy[quick]]]),
            over=plans.take(np.flatnonzero(over)),
            leanest=plans.take([int(np.argmin(plans.memory))]),
        )

    def _wanted(self, layer: Array, placement: Placement, limits: _Limits, strategy: Places) -> NDArray[np.intp]:
        """The rows that may be on a front or the fastest of their strategy, wherever states lie; only these are timed.

        A plan takes at least the time of its layers over all microbatches, since every other part of a step is at
        least nothing (and the constant of the model's error stretches all alike). A plan that fits is left out only
        where that least time is more than the time of a plan of its strategy, and no less than that of one that needs
        no more memory, both already timed and found to fit; one that is too large, where it is no less than the time of
        the fastest that fits, or of one too large that needs no more memory.
        """
        stage = steps.over_layers(layer, placement.stage_layers)
        least = steps.over_microbatches(stage, placement.microbatches) * _stretch(self.task)
        within = (least < limits.front) | (least <= self.fastest[strategy])
        beyond = (least < limits.over) & (least < self.fastest.min())
        return np.flatnonzero(np.where(limits.fits, within, beyond).any(axis=0))


@dataclass(frozen=True, slots=True)
class _Limits:
    """Of plans: whether they fit, and the least time known with no more memory, among those that fit and those over."""

    fits: Mask
    front: Array
    over: Array


def _standing(front: Kept, memory: Array) -> Array:
    """The least time on a front among the plans that need no more than each amount of memory."""
    order = np.argsort(front.memory)
    least = np.append(np.inf, front.time[order])
    return least[np.searchsorted(front.memory[order], memory, side="right")]


def _stretch(task: Task) -> float:
    """The least factor by which the constant of the model's error stretches a step."""
    error = task.runtime.model_error if task.request.shape.experts is None else task.runtime.expert_model_error
    return float(error)


def chunks_of(task: Task, rows: int = ROWS_OF_A_CHUNK) -> list[range]:
    """The search cut into chunks of so many rows of the table."""
    return spans(len(task.table), rows)


def task_of(
    shape: TransformerShape,
    hardware: Hardware,
    runtime: Runtime,
    accelerators: int,
    global_batch: int,
    sequence_length: int,
    fixed: Mapping[str, Any] | None = None,
    forms: Forms = COMMON,
    prune: bool = True,
) -> Task:
    """A search, ready to be cut into chunks.

    accelerators: all used; global_batch: sequences; sequence_length [token]; fixed: fields of `Plan` set by the user;
    forms: tried; prune: do not time plans that provably lose. Raises InfeasibleError where nothing is legal.
    """
    given = dict(fixed or {})
    sizes = (int(accelerators), int(global_batch), int(sequence_length))
    request = Request(plain(shape), plain(hardware), *sizes, given, fixed_forms(forms, given))
    table = numeric_table(request)
    return Task(request, plain(runtime), table, _strategies(table), prune)


def _strategies(table: Array) -> Places:
    """The number of each row's strategy."""
    keys = table[:, [NUMERIC.index(name) for name in STRATEGY]]
    return np.asarray(np.unique(keys, axis=0, return_inverse=True)[1].ravel(), np.int64)


def search(
    task: Task,
    engine: EngineName = "local",
    workers: int | None = 1,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Found:
    """Every legal plan of a task.

    engine: `local` or `ray`; workers: processes (1: this one); address: of a Ray cluster; progress: called with chunks
    done and chunks in all. The answer is the same, bit for bit, whatever these are.
    """
    return sweep(
        evaluate_chunk, chunks_of(task), merged, Found(), shared=task, engine=engine, workers=workers, address=address,
        progress=progress,
    )  # fmt: skip


def plan_at(task: Task, kept: Kept, index: int) -> Plan:
    """One of the plans kept, of plain numbers."""
    forms, row = divmod(int(kept.place[index]), len(task.table))
    layer, step = divmod(forms, len(task.step_forms))
    numbers = {name: int(value) for name, value in zip(NUMERIC, task.table[row], strict=True)}
    plan = plan_of(task.request, task.layer_forms[layer], task.step_forms[step], numbers)
    shard = None if plan.shard is None else int(plan.shard)
    batch, length = task.request.global_batch, task.request.sequence_length
    return replace(plan, shard=shard, global_batch=batch, sequence_length=length)
