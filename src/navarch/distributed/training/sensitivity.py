"""How a plan bears change: the time of the chosen plan, and of the best one then, on other hardware and batches.

A change keeps everything else as it is, the constants of the software too. The chosen plan is estimated again as it is;
the best is searched for again among all legal plans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from navarch.core.arithmetic import product_of, ratio, relative_change
from navarch.core.equation import off_the_ledger
from navarch.core.sweep import EngineName
from navarch.distributed.training.estimate import estimate
from navarch.distributed.training.forms import StepForm
from navarch.distributed.training.legality import NUMERIC, InfeasibleError, step_legal
from navarch.distributed.training.search import Task, search, task_of
from navarch.distributed.training.shape import Hardware, Plan
from navarch.distributed.training.strategy import STRATEGY, Candidate, choice_of

What = Literal["scaleout", "scaleup", "memory-bandwidth", "memory", "batch"]
TITLES: Mapping[What, str] = {
    "scaleout": "network bandwidth",
    "scaleup": "scale-up bandwidth",
    "memory-bandwidth": "memory bandwidth",
    "memory": "memory",
    "batch": "global batch",
}
FACTORS = (0.5, 2.0)
WORDS = {0.5: "half the", 2.0: "twice the"}


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change does.

    what, factor: changed; kept: relative change of the time of one token, the plan kept [fraction] (None where it no
    longer fits or divides the batch); best: the best plan then (None where there is none); moved: relative change of
    the time of one token with it [fraction]; flips: whether it is of another strategy; considered: plans then; why:
    there is no best, or the plan cannot be kept.
    """

    what: What
    factor: float
    kept: float | None
    best: Candidate | None
    moved: float | None
    flips: bool
    considered: int
    why: str = ""

    @property
    def title(self) -> str:
        """The change in words: `half the network bandwidth`."""
        return f"{WORDS.get(self.factor, f'{self.factor:g} times the')} {TITLES[self.what]}"


def changed_hardware(hardware: Hardware, what: What, factor: float) -> Hardware:
    """Hardware with more or less of something; matrix products read memory at the accelerator's bandwidth."""
    if what == "batch":
        return hardware

    def scaled(value: Any) -> Any:
        return product_of(value, factor)

    if what == "memory-bandwidth":
        kernel = replace(hardware.matmul, memory_bandwidth=scaled(hardware.matmul.memory_bandwidth))
        return replace(hardware, memory_bandwidth=scaled(hardware.memory_bandwidth), matmul=kernel)
    name = {"scaleout": "scaleout_bandwidth", "scaleup": "scaleup_bandwidth", "memory": "memory"}[what]
    return replace(hardware, **{name: scaled(getattr(hardware, name))})


def changed_task(task: Task, what: What, factor: float) -> Task:
    """The same search after a change. Raises InfeasibleError where nothing is legal then."""
    request = task.request
    batch = request.global_batch
    if what == "batch":
        changed = product_of(batch, factor)
        if changed < 1 or not float(changed).is_integer():
            raise InfeasibleError("global_batch", changed, "is not a whole number of sequences", "it must be even")
        batch = int(changed)
    return task_of(
        request.shape, changed_hardware(request.hardware, what, factor), task.runtime, request.accelerators, batch,
        request.sequence_length, request.fixed, request.forms, task.prune,
    )  # fmt: skip


def sensitivity_of(
    task: Task,
    best: Candidate,
    whats: tuple[What, ...] = tuple(TITLES),
    factors: tuple[float, ...] = FACTORS,
    engine: EngineName = "local",
    workers: int | None = 1,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Changed, ...]:
    """What each change does to the chosen plan of a task, and to the choice.

    best: the chosen plan; whats, factors: changes that are tried, each by itself; engine, workers, address: where the
    searches run; progress: called with the searches done and the searches in all.
    """
    changes = [(what, factor) for what in whats for factor in factors]
    made = []
    for done, (what, factor) in enumerate(changes, start=1):
        with off_the_ledger():
            made.append(_changed(task, best, what, factor, engine, workers, address))
        if progress is not None:
            progress(done, len(changes))
    return tuple(made)


def _changed(
    task: Task, best: Candidate, what: What, factor: float, engine: EngineName, workers: int | None, address: str | None
) -> Changed:
    before = time_of_a_token(best.step_time, task)
    try:
        then = changed_task(task, what, factor)
        choice = choice_of(then, search(then, engine, workers, address), 0)
    except InfeasibleError as error:
        return Changed(what, factor, None, None, None, False, 0, str(error))
    kept, why = _kept(then, best.plan, before)
    moved = relative_change(time_of_a_token(choice.best.step_time, then), before)
    flips = any(getattr(choice.best.plan, name) != getattr(best.plan, name) for name in STRATEGY)
    return Changed(what, factor, kept, choice.best, float(moved), flips, choice.considered, why)


def time_of_a_token(step_time: float, task: Task) -> float:
    """Time of a step for each of its tokens, which makes batches comparable [s/token]."""
    tokens = product_of(task.request.global_batch, task.request.sequence_length)
    return float(ratio(step_time, tokens))


def _kept(then: Task, plan: Plan, before: float) -> tuple[float | None, str]:
    """Relative change of the time of one token with the plan kept, or None and why it cannot be."""
    request = then.request
    plan = replace(plan, global_batch=request.global_batch)
    if not _is_legal(then, plan):
        return None, "the plan does not divide the batch"
    made = estimate(request.shape, request.hardware, plan, then.runtime)
    if made.memory.peak > request.hardware.memory:
        return None, "the plan does not fit"
    return float(relative_change(time_of_a_token(float(made.step_time), then), before)), ""


def _is_legal(task: Task, plan: Plan) -> bool:
    """Whether a plan is among those that a task searches."""
    rows = task.table[(task.table == [float(getattr(plan, name)) for name in NUMERIC]).all(axis=1)]
    form = StepForm(plan.zero_stage, False, plan.schedule, plan.offload)
    return bool(len(rows)) and bool(step_legal(task.request, form, dict(zip(NUMERIC, rows.T, strict=True))).all())
