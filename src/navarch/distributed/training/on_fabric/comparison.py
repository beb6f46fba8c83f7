"""A training step on several fabrics, and on one fabric with faults: estimated and simulated side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import ratio, sum_of
from navarch.distributed.training.on_fabric.adapters import Adapters, planned, shuffled
from navarch.distributed.training.on_fabric.contention import Crossing, Sent, slowdowns
from navarch.distributed.training.on_fabric.groups import Groups, groups
from navarch.distributed.training.on_fabric.slowed import Steps, exposed, exposed_share
from navarch.distributed.training.on_fabric.traffic import traffic
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Hardware, Plan, TransformerShape
from navarch.distributed.training.timing import StepTime
from navarch.fleet.fabric import faults
from navarch.fleet.fabric.graph import GraphError, Network

if TYPE_CHECKING:
    import altair
    import polars

DRAWN = ("ecmp", "valiant", "ugal")
"""Routings that draw lots, so that they are simulated with several seeds."""
PLAIN = "nothing in the way"
Fabric = Network | tuple[Network, str]


@dataclass(frozen=True, eq=False)
class Answer:
    """A step on a fabric.

    slowdowns: times as long as each form that leaves its domain takes, by its key among the parts of a step; step: its
    parts, with that communication [s].
    """

    slowdowns: Mapping[str, float]
    step: StepTime = field(repr=False)

    @property
    def step_time(self) -> float:
        """Time of the step [s]; inf where it never ends."""
        return float(self.step.total)

    @property
    def communication(self) -> dict[str, float]:
        """Communication that computation does not hide, by form [s]."""
        return exposed(self.step)

    @property
    def exposed(self) -> float:
        """All communication that computation does not hide [s]."""
        return float(sum_of(*self.communication.values()))

    @property
    def share(self) -> float:
        """The same as a share of the step: what communication costs it [fraction]."""
        return exposed_share(self.step)


@dataclass(frozen=True, eq=False)
class Outcome:
    """A fabric, or a fault of one.

    name; network: with the fault (None: nothing in the way); policy: of its routing; simulated; estimated: by the
    closed form, None where there is none; low, high: least and most of the step's simulated times over the seeds of
    the routing [s]; slower: simulated time of the step over that with nothing in the way; groups_slowed: share of the
    groups that the fabric slows, by form; the others wait for them [fraction].
    """

    name: str
    network: Network | None
    policy: str
    simulated: Answer
    estimated: Answer | None
    low: float
    high: float
    slower: float
    groups_slowed: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Outcomes, and the step with nothing in the way (base); placed: the plan's groups on the first network; sent:
    bytes out of the domains in a step, by the name of the groups (of a ring over each cut, else of an accelerator)."""

    base: Outcome
    rows: tuple[Outcome, ...]
    placed: Groups
    sent: Mapping[str, float]

    def to_frame(self) -> polars.DataFrame:
        """A row for each outcome, nothing in the way first."""
        import polars as pl

        return pl.DataFrame([_flat(row) for row in (self.base, *self.rows)], infer_schema_length=None)

    def plot(self, title: str = "What the fabric costs a step") -> altair.TopLevelMixin:
        """The figure (`figure.steps`) with its theme."""
        from navarch.core.gantt import themed
        from navarch.distributed.training.on_fabric.figure import steps

        return themed(steps(self, title))

    def _repr_html_(self) -> str:
        from navarch.core.gantt import inline_html
        from navarch.distributed.training.on_fabric.figure import steps

        return inline_html(steps(self, "What the fabric costs a step"))


def _flat(row: Outcome) -> dict[str, Any]:
    told = {"name": row.name, "routing": row.policy, "slower": row.slower, "low": row.low, "high": row.high}
    for kind, answer in (("simulated", row.simulated), ("estimated", row.estimated)):
        for name in ("step_time", "exposed", "share"):
            told[f"{kind}_{name}"] = None if answer is None else getattr(answer, name)
    return told


def compare(
    shape: TransformerShape,
    hardware: Hardware,
    plan: Plan,
    runtime: Runtime,
    fabrics: Mapping[str, Fabric],
    policy: str = "ecmp",
    seeds: int = 3,
    seed: int = 0,
    scattered: bool = False,
    adapters: float | None = None,
) -> Comparison:
    """The step on each of some fabrics.

    fabrics: networks by name, each alone or with its own routing; policy: of the routing where it has none of its own;
    seeds: drawn of routings that draw lots; seed: the first of them, and of the scatter; scattered: domains of the job
    over the whole network in random order, and not one after another; adapters: of one accelerator (2, 1, 1/2), as many
    as the first network allows where left out.
    """
    if not fabrics:
        raise GraphError("fabrics: none is given; at least one network")
    told = {name: each if isinstance(each, tuple) else (each, policy) for name, each in fabrics.items()}
    job = _Job(shape, hardware, plan, runtime, next(iter(told.values()))[0], seed, scattered, adapters)
    return job.compared([job.outcome(name, *each, seeds=seeds) for name, each in told.items()])


def costs(
    shape: TransformerShape,
    hardware: Hardware,
    plan: Plan,
    runtime: Runtime,
    network: Network,
    given: Sequence[faults.Fault],
    policy: str = "modulo",
    seed: int = 0,
    seeds: int = 3,
    scattered: bool = False,
    adapters: float | None = None,
) -> Comparison:
    """The step on a fabric without a fault (the first row, "none"), and with each of some.

    given: faults as of `fabric.faults.read_fault`; the other arguments as of `compare`.
    """
    job = _Job(shape, hardware, plan, runtime, network, seed, scattered, adapters)
    rows = [job.outcome("none", network, policy, seeds=seeds)]
    for fault in given:
        drawn = fault.draws if isinstance(fault, faults.Collisions) else seeds
        rows.append(job.outcome(fault.told, network, policy, seeds=drawn, fault=fault))
    return job.compared(rows)


class _Job:
    """A plan on the networks of as many adapters as the first one has for it."""

    def __init__(
        self,
        shape: TransformerShape,
        hardware: Hardware,
        plan: Plan,
        runtime: Runtime,
        network: Network,
        seed: int,
        scattered: bool,
        adapters: float | None,
    ) -> None:
        self.seed, self.scattered, self.each = seed, scattered, adapters
        bare = groups(plan, hardware.scaleup_domain)
        self.adapters = Adapters.of(network, bare.accelerators, adapters)
        self.domain = bare.domain
        self.placed = groups(plan, hardware.scaleup_domain, network, self.hosts(network), self.adapters)
        self.exchanges = traffic(shape, hardware, plan, runtime, bare)
        self.crossing = Crossing(self.exchanges, bare.domain, self.adapters)
        self.steps = Steps(shape, hardware, plan, runtime, self.adapters.bandwidth(network))

    def hosts(self, network: Network) -> NDArray[np.int64] | None:
        """The host of each adapter, None in order."""
        if not self.scattered:
            return planned(network, self.adapters, self.domain)
        return shuffled(network, self.adapters, self.domain, self.seed)

    def outcome(
        self, name: str, network: Network, policy: str, seeds: int, fault: faults.Fault | None = None
    ) -> Outcome:
        """The step on a network, simulated with each seed and in closed form."""
        found = Adapters.of(network, self.adapters.accelerators, self.each)
        if found != self.adapters:
            raise GraphError(f"{name}: {network.hosts:,} hosts are not as many for each accelerator as on the others")
        collides = isinstance(fault, faults.Collisions)
        drawn = [self.seed + number for number in range(seeds if collides or policy in DRAWN else 1)]
        sent = self.crossing.on(network, policy, drawn, self.hosts(network), fault)
        simulated = self._answer(slowdowns(sent))
        each = [self._answer(slowdowns(sent, _times(sent, place))).step_time for place in range(len(drawn))]
        there = network if fault is None else fault.of(network)
        slowed = {one.exchange.name: one.groups_slowed for one in sent}
        return Outcome(
            name, there, "ecmp" if collides else policy, simulated, self._closed(sent), min(each), max(each),
            float(ratio(simulated.step_time, self.steps.alone.total)), slowed,
        )  # fmt: skip

    def _closed(self, sent: Sequence[Sent]) -> Answer | None:
        times = {each.exchange.name: each.closed for each in sent if each.closed is not None}
        return self._answer(slowdowns(sent, times)) if len(times) == len(sent) else None

    def _answer(self, factors: Mapping[str, float]) -> Answer:
        return Answer(dict(factors), self.steps.slowed(factors))

    def compared(self, rows: Sequence[Outcome]) -> Comparison:
        """The outcomes beside the step with nothing in the way."""
        alone = Answer({each.form: 1.0 for each in self.exchanges}, self.steps.alone)
        time = alone.step_time
        base = Outcome(PLAIN, None, "", alone, alone, time, time, 1.0, {each.name: 0.0 for each in self.exchanges})
        return Comparison(base, tuple(rows), self.placed, {each.name: each.sent for each in self.exchanges})


def _times(sent: Sequence[Sent], place: int) -> dict[str, float]:
    return {each.exchange.name: each.times[place] for each in sent}
