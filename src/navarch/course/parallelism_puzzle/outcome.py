"""What a strategy does on a pair: its best plan, how far from the best of all, or why it does not run."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from navarch.core.equation import off_the_ledger
from navarch.core.quantity import show
from navarch.course.parallelism_puzzle import estimate as eq
from navarch.course.parallelism_puzzle.pairs import FORMS, Pair, machine_of, plain_machine, searched
from navarch.course.parallelism_puzzle.strategy import Strategy
from navarch.distributed.training.estimate import TrainingEstimate, estimate
from navarch.distributed.training.legality import InfeasibleError
from navarch.distributed.training.search import Found, Task, plan_at, search, task_of
from navarch.distributed.training.shape import Plan
from navarch.distributed.training.strategy import choice_of

if TYPE_CHECKING:
    from navarch.core.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Outcome:
    """A strategy on a pair.

    why: it does not run, in a few words ("" where it runs); step_time: infinite where it does not run [s]; memory: at
    the peak [byte]; microbatch, virtual_stages: of the best plan with it (0 where it does not run); over: step time
    over that of the best of all; lost: share of the best speed that is lost, 1 where it does not run [fraction].
    """

    strategy: Strategy
    pair: Pair
    why: str
    step_time: float
    memory: float
    microbatch: int
    virtual_stages: int
    over: float
    lost: float

    @property
    def runs(self) -> bool:
        return not self.why

    @property
    def wins(self) -> bool:
        """Whether no strategy is faster on this pair."""
        return self.over == 1.0

    @property
    def tuned(self) -> Strategy:
        """The strategy with the microbatch and the virtual stages of its best plan."""
        if not self.runs:
            return self.strategy
        return self.strategy.model_copy(update={"microbatch": self.microbatch, "virtual_stages": self.virtual_stages})


@lru_cache(maxsize=65536)
def outcome_of(strategy: Strategy, pair: Pair) -> Outcome:
    """What a strategy does on a pair, microbatch and virtual stages set for the best where it leaves them open."""
    every = searched(pair)
    known = every.tried.get(strategy.key(plain_machine(pair).has_experts))
    if known is None or strategy.microbatch is not None or strategy.virtual_stages is not None:
        try:
            task, found = _searched_with(strategy, pair)
        except InfeasibleError as error:
            return _judged(strategy, pair, _why(error, pair), math.inf, math.inf)
        plan, kept = plan_at(task, found.strategies, 0), found.strategies
        sizes = (float(kept.time[0]), float(kept.memory[0]), int(plan.microbatch), int(plan.virtual_stages))
        return _judged(strategy, pair, "", *sizes)
    return _judged(strategy, pair, "", known.step_time, known.memory, known.microbatch, known.virtual_stages)


def _judged(
    strategy: Strategy, pair: Pair, why: str, step_time: float, memory: float, microbatch: int = 0, virtual: int = 0
) -> Outcome:
    best = searched(pair).best.step_time
    with off_the_ledger():
        over, lost = float(eq.time_over_optimum(step_time, best)), float(eq.lost_speed(step_time, best))
    return Outcome(strategy, pair, why, step_time, memory, microbatch, virtual, over, lost)


def _searched_with(strategy: Strategy, pair: Pair) -> tuple[Task, Found]:
    """The search among the plans with a strategy; InfeasibleError where none is legal or none fits."""
    machine = plain_machine(pair)
    sizes = (pair.accelerators, pair.global_batch, pair.sequence_length)
    fixed = strategy.fixed(machine.has_experts)
    domain = int(machine.hardware.scaleup_domain)
    if strategy.tensor > domain:
        raise InfeasibleError(
            "tensor", strategy.tensor, f"only {domain} accelerators are joined closely here", f"allowed: 1 to {domain}"
        )
    with off_the_ledger():
        task = task_of(machine.shape, machine.hardware, machine.runtime, *sizes, fixed, FORMS)
        found = search(task)
        if not len(found.strategies):
            choice_of(task, found)
    return task, found


def _why(error: InfeasibleError, pair: Pair) -> str:
    """What stands in the way, in a few words: the field, its value and what is allowed, or the memory that lacks."""
    if error.field != "accelerators":
        return str(error)
    needed = error.allowed.partition(") needs ")[2].partition(",")[0]
    if not needed:
        return str(error)
    return f"does not fit: needs {needed} of {show(float(plain_machine(pair).hardware.memory), 'byte')}"


def plan_of(strategy: Strategy, pair: Pair) -> Plan:
    """The fastest plan with a strategy; InfeasibleError where none runs."""
    task, found = _searched_with(strategy, pair)
    return plan_at(task, found.strategies, 0)


def estimated(strategy: Strategy, pair: Pair, ledger: Ledger) -> tuple[Plan, TrainingEstimate]:
    """The library's estimate of a strategy's best plan, every number of it with its derivation in a ledger.

    Raises InfeasibleError where the strategy does not run.
    """
    plan = plan_of(strategy, pair)
    machine = machine_of(pair, ledger.fact)
    return plan, estimate(machine.shape, machine.hardware, _entered(plan, ledger), machine.runtime)


def _entered(plan: Plan, ledger: Ledger) -> Plan:
    """A plan whose numbers are fields of a ledger."""
    counts = ("tensor", "pipeline", "data", "context", "expert", "virtual_stages", "microbatch", "global_batch")
    units = dict.fromkeys(counts, "1") | {"sequence_length": "token"}
    numbers: dict[str, Any] = {
        name: ledger.field(f"plan.{name}", getattr(plan, name), unit, name.replace("_", " ").capitalize())
        for name, unit in units.items()
    }
    return replace(plan, **numbers)
