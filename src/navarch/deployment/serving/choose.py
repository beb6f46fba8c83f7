"""The search for a serving plan: every tensor parallelism, batch, precision and place of experts, at once.

The search runs the same composition as one design does, on arrays; its numbers are plain floats. What is reported of
the winner is evaluated again under a ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from navarch.core.arithmetic import product_of
from navarch.deployment.serving import throughput as rates
from navarch.deployment.serving.replica import (
    Engine,
    Hardware,
    Number,
    Plan,
    Precision,
    ServingEstimate,
    Shape,
    Traffic,
    replica,
)

Reason = Literal["", "memory", "ttft", "tpot", "ttft and tpot", "accelerators", "latency"]


@dataclass(frozen=True, slots=True)
class Objectives:
    """Latencies that the tail of requests must meet [s, s/token], and the share of a replica's rate to be used."""

    ttft: Number
    tpot: Number
    target: Number


@dataclass(frozen=True, slots=True)
class Option:
    """One way to run a replica at its best batch: what it needs, what it gives, and why it lost (empty: it won)."""

    plan: Plan
    fits: bool
    meets: bool
    replicas: float
    accelerators: float
    ttft_tail: float
    tpot_tail: float
    kv_memory: float
    reason: Reason = ""

    @property
    def label(self) -> str:
        """As a reader names it: precision, split and batch."""
        experts = ", experts split" if self.plan.expert_parallel else ""
        return f"TP {self.plan.tensor_parallel:g}, {self.plan.precision.name.upper()}{experts}"


@dataclass(frozen=True, slots=True)
class ServingChoice:
    """What the search found. Where nothing meets the objectives, `chosen` is the nearest and `missed` says in what."""

    chosen: Option
    runner_up: Option | None
    lost: tuple[Option, ...]
    considered: int
    met: bool
    missed: Reason


def batch_grid(largest: float) -> np.ndarray:
    """Batches worth trying: each up to 32, then steps of about 4 %, up to the engine's limit."""
    steps = np.unique(np.round(np.geomspace(1, max(largest, 1), 256)))
    return np.unique(np.concatenate([np.arange(1, min(32, largest) + 1), steps]))


def tensor_splits(shape: Shape, hardware: Hardware) -> np.ndarray:
    """Powers of two that divide the query heads and stay inside the scale-up domain."""
    powers = 2.0 ** np.arange(0, 1 + int(np.log2(max(float(hardware.domain), 1))))
    return powers[float(shape.heads) % powers == 0]


def latency_curve(
    shape: Shape, hardware: Hardware, engine: Engine, traffic: Traffic, plan: Plan, largest: float
) -> ServingEstimate:
    """Latency against throughput: the replica at every batch of the grid up to `largest`."""
    return replica(shape, hardware, engine, traffic, replace(plan, batch=batch_grid(float(largest))))


def choose(
    shape: Shape,
    hardware: Hardware,
    engine: Engine,
    traffic: Traffic,
    objectives: Objectives,
    precisions: Sequence[Precision],
    split: float | None = None,
    batch: float | None = None,
) -> ServingChoice:
    """The plan with the fewest accelerators that meets both objectives at the peak; latency breaks a tie.

    Considered are all precisions given, all powers of two inside the scale-up domain as tensor parallelism, all
    batches of the grid and, for a mixture of experts, experts split by tensor or placed whole. split, batch: the only
    tensor parallelism and batch to consider, where the user fixes them.
    """
    batches = batch_grid(float(engine.largest_batch)) if batch is None else np.array([batch])
    splits = tensor_splits(shape, hardware) if split is None else np.array([split])
    groups = [
        option
        for precision in precisions
        for experts in ((False, True) if shape.mixture else (False,))
        for option in _options(shape, hardware, engine, traffic, objectives, precision, experts, splits, batches)
    ]
    ranked = sorted(groups, key=lambda o: _rank(o, objectives))
    chosen, rest = ranked[0], ranked[1:]
    missed: Reason = "" if chosen.meets else _missed(chosen, objectives)
    lost = tuple(replace(o, reason=_why(o, chosen, objectives)) for o in rest)
    runner_up = next((o for o in lost if o.fits), None)
    return ServingChoice(chosen, runner_up, lost, len(groups) * len(batches), chosen.meets, missed)


def _options(
    shape: Shape,
    hardware: Hardware,
    engine: Engine,
    traffic: Traffic,
    objectives: Objectives,
    precision: Precision,
    experts: bool,
    splits: np.ndarray,
    batches: np.ndarray,
) -> Iterator[Option]:
    """The best batch of each split, for one precision and place of experts."""
    splits = splits[splits > 1] if experts else splits
    if not len(splits):
        return
    split, batch = np.meshgrid(splits, batches, indexing="ij")
    found = replica(shape, hardware, engine, traffic, Plan(split, batch, precision, experts))
    replicas = rates.replicas_needed(traffic.peak_rate, found.pace.rate, objectives.target)
    accelerators = product_of(replicas, split, unit="1")
    fits = np.broadcast_to(found.memory.largest_batch >= batch, batch.shape)
    ttft, tpot = found.latency.ttft_tail, found.latency.tpot_tail
    meets = fits & (ttft <= objectives.ttft) & (tpot <= objectives.tpot)
    excess = np.where(fits, np.maximum(ttft / objectives.ttft, tpot / objectives.tpot), np.inf)
    free = np.broadcast_to(found.memory.kv_memory, batch.shape)
    for row in range(len(splits)):
        best = _best(meets[row], accelerators[row], tpot[row], excess[row])
        yield Option(
            plan=Plan(float(splits[row]), float(batches[best]), precision, experts),
            fits=bool(fits[row, best]),
            meets=bool(meets[row, best]),
            replicas=float(replicas[row, best]),
            accelerators=float(accelerators[row, best]),
            ttft_tail=float(ttft[row, best]),
            tpot_tail=float(tpot[row, best]),
            kv_memory=float(free[row, best]),
        )


def _best(meets: np.ndarray, accelerators: np.ndarray, tpot: np.ndarray, excess: np.ndarray) -> int:
    """The cheapest batch that meets the objectives; else the cheapest of those within 10 % of the nearest."""
    if not meets.any():
        meets = excess <= 1.1 * excess.min()
    return int(np.lexsort((tpot, np.where(meets, accelerators, np.inf)))[0])


def _excess(option: Option, objectives: Objectives) -> float:
    return max(option.ttft_tail / float(objectives.ttft), option.tpot_tail / float(objectives.tpot))


def _rank(option: Option, objectives: Objectives) -> tuple[float, ...]:
    if option.meets:
        return (0, option.accelerators, option.tpot_tail, option.ttft_tail)
    if option.fits:
        return (1, _excess(option, objectives), option.accelerators)
    return (2, -option.kv_memory)


def _missed(option: Option, objectives: Objectives) -> Reason:
    if not option.fits:
        return "memory"
    late, slow = option.ttft_tail > objectives.ttft, option.tpot_tail > objectives.tpot
    if late and slow:
        return "ttft and tpot"
    return "ttft" if late else "tpot"


def _why(option: Option, chosen: Option, objectives: Objectives) -> Reason:
    if not option.meets:
        return _missed(option, objectives)
    return "accelerators" if option.accelerators > chosen.accelerators else "latency"
