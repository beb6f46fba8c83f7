"""A pair, a model on a cluster, and all that any strategy does on it, found by the library's own search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from navarch import load_catalog
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Fact
from navarch.course.parallelism_puzzle.strategy import CONTEXT, EXPERT, TENSOR, Key, Strategy, forms, strategy_of
from navarch.distributed.training.forms import COMMON
from navarch.distributed.training.inputs import hardware_of, scaleout_bandwidth, shape_of
from navarch.distributed.training.legality import NUMERIC, InfeasibleError, Request, fixed_forms, numeric_table
from navarch.distributed.training.runtime import Runtime, runtime_of
from navarch.distributed.training.search import STRATEGY, Task, plain, plan_at, search
from navarch.distributed.training.shape import Hardware, TransformerShape

Take = Callable[[Fact], Any]

PRECISION = "bf16"
FORMS = replace(COMMON, short_context=True)
"""The forms of parallelism of the puzzle: those that all training software has."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A model on a cluster.

    model, node: of the catalog; accelerators: of the fleet; global_batch: sequences; sequence_length [token]; scaleout,
    scaleup: bandwidth of an accelerator out of its server and within it, in place of the node's [byte/s].
    """

    model: str
    node: str
    accelerators: int
    global_batch: int
    sequence_length: int
    scaleout: float | None = None
    scaleup: float | None = None

    def as_inputs(self) -> dict[str, Any]:
        """The pair as inputs of an instrument."""
        return {
            "model": self.model, "node": self.node, "accelerators": self.accelerators,
            "global_batch": self.global_batch, "sequence_length": self.sequence_length,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Machine:
    """What a pair is estimated from."""

    shape: TransformerShape
    hardware: Hardware
    runtime: Runtime

    @property
    def has_experts(self) -> bool:
        return self.shape.experts is not None


@dataclass(frozen=True, slots=True)
class Tried:
    """A strategy on a pair, microbatch and virtual stages as is best: step time [s] and memory at the peak [byte]."""

    key: Key
    step_time: float
    memory: float
    microbatch: int
    virtual_stages: int

    @property
    def strategy(self) -> Strategy:
        return strategy_of(self.key)


@dataclass(frozen=True, slots=True)
class Searched:
    """Every strategy that fits on a pair, fastest first; plans: legal ones that were tried."""

    pair: Pair
    tried: Mapping[Key, Tried]
    plans: int

    @property
    def best(self) -> Tried:
        return next(iter(self.tried.values()))

    def within(self, share: float) -> list[Tried]:
        """The strategies that take no more than a share more time than the best [fraction]."""
        limit = self.best.step_time * (1 + share)
        return [each for each in self.tried.values() if each.step_time <= limit]


def machine_of(pair: Pair, take: Take = float) -> Machine:
    """What a pair is estimated from.

    take: how a fact becomes a number. Where no scale-up network joins the accelerators of a server, its PCIe bus does.
    """
    catalog = load_catalog()
    node = catalog.get("node", pair.node)
    out = scaleout_bandwidth(node, take) if pair.scaleout is None else pair.scaleout
    hardware = hardware_of(catalog, node, PRECISION, out, take=take, scaleup=pair.scaleup)
    if float(hardware.scaleup_domain) == 1:
        hardware = replace(hardware, scaleup_domain=take(node.accelerators))
    shape = shape_of(catalog, catalog.get("model", pair.model), take)
    return Machine(shape, hardware, runtime_of(catalog, node.accelerator, PRECISION, take=take))


@lru_cache(maxsize=256)
def plain_machine(pair: Pair) -> Machine:
    """The same in plain numbers, once for each pair."""
    with off_the_ledger():
        return machine_of(pair)


def _request(pair: Pair, fixed: Mapping[str, Any]) -> Request:
    machine = plain_machine(pair)
    sizes = (pair.accelerators, pair.global_batch, pair.sequence_length)
    return Request(plain(machine.shape), plain(machine.hardware), *sizes, fixed, fixed_forms(FORMS, fixed))


def _table(pair: Pair) -> NDArray[np.float64]:
    """Every legal combination of degrees, microbatch and virtual stages; tensor groups stay within a domain."""
    machine = plain_machine(pair)
    experts = [e for e in EXPERT if machine.shape.experts is not None and e <= machine.shape.experts] or [1]
    rows = []
    for tensor in [t for t in TENSOR if t <= machine.hardware.scaleup_domain]:
        for expert in experts:
            try:
                rows.append(numeric_table(_request(pair, {"tensor": tensor, "expert": expert})))
            except InfeasibleError:
                continue
    table = np.concatenate(rows)
    return table[np.isin(table[:, NUMERIC.index("context")], CONTEXT)]


@lru_cache(maxsize=1024)
def searched(pair: Pair) -> Searched:
    """All that any strategy does on a pair: the exhaustive search of the library for each ZeRO and recomputation."""
    with off_the_ledger():
        machine, table = plain_machine(pair), _table(pair)
        keys = table[:, [NUMERIC.index(name) for name in STRATEGY]]
        numbers = np.asarray(np.unique(keys, axis=0, return_inverse=True)[1].ravel(), np.int64)
        tried: list[Tried] = []
        plans = 0
        for form in forms():
            task = Task(_request(pair, form), plain(machine.runtime), table, numbers, prune=True)
            found = search(task)
            plans += found.considered
            kept = found.strategies
            for row in range(len(kept)):
                plan = plan_at(task, kept, row)
                key = (plan.tensor, plan.pipeline, plan.context, plan.expert, plan.zero_stage, plan.recomputation)
                sizes = (float(kept.time[row]), float(kept.memory[row]), plan.microbatch, plan.virtual_stages)
                tried.append(Tried(key, *sizes))
    tried.sort(key=lambda each: (each.step_time, each.memory, each.key))
    return Searched(pair, {each.key: each for each in tried}, plans)
