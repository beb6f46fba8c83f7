"""A step whose forms of communication are slowed, each by its own factor, through the estimate of the step itself.

The estimate is asked with the network's bandwidth divided by the factor of each form, and that form's exposed part is
taken from it, so that what computation hides is counted as the estimate counts it. Parts that wait for communication
within a microbatch (the bubble, waits for the host, what the output matrix adds) get from each form the share of their
change that it brings. This is exact where one form is slowed, where all are slowed alike, and for bubbles that are
linear in what they wait for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace

import numpy as np

from navarch.core.arithmetic import difference, product_of, ratio, share_of, sum_of
from navarch.core.equation import off_the_ledger
from navarch.distributed.training.estimate import estimate
from navarch.distributed.training.on_fabric.estimate import brought_by
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Hardware, Plan, TransformerShape
from navarch.distributed.training.timing import StepTime

COMMUNICATION = ("tensor", "context", "expert", "pipeline", "data")
IN_A_MICROBATCH = COMMUNICATION[:-1]
WAITING = ("vocabulary", "gaps", "bubble")
SUMMED = ("stragglers", "unexplained", "total")


class Steps:
    """The step of a plan by how much its communication is slowed; bandwidth: out of a domain, with nothing in the way
    [byte/s]."""

    def __init__(
        self, shape: TransformerShape, hardware: Hardware, plan: Plan, runtime: Runtime, bandwidth: float
    ) -> None:
        self.shape, self.hardware, self.plan, self.runtime = shape, hardware, plan, runtime
        self.bandwidth = bandwidth
        self.known: dict[float, StepTime] = {}
        self.alone = self.at(1.0)

    def at(self, factor: float) -> StepTime:
        """The step with all communication out of domains slowed by one factor."""
        if factor not in self.known:
            with off_the_ledger():
                network = replace(self.hardware, scaleout_bandwidth=ratio(self.bandwidth, factor))
                self.known[factor] = _plain(estimate(self.shape, network, self.plan, self.runtime).step)
        return self.known[factor]

    def slowed(self, factors: Mapping[str, float]) -> StepTime:
        """The step with each form slowed by its own factor; forms that are not named are not slowed."""
        never = {form: math.inf for form, factor in factors.items() if factor == math.inf}
        if never:
            return replace(self.alone, **never, total=math.inf)
        if len(set(factors.values())) == 1 and set(factors) >= self._crossing():
            return self.at(next(iter(factors.values())))
        return self._mixed(factors)

    def _crossing(self) -> set[str]:
        """The forms that the network's bandwidth makes a difference to."""
        other = self.at(2.0)
        return {form for form in COMMUNICATION if getattr(other, form) != getattr(self.alone, form)}

    def _mixed(self, factors: Mapping[str, float]) -> StepTime:
        alone = self.alone
        changed = {form: getattr(self.at(factor), form) for form, factor in factors.items()}
        for part in WAITING:
            brought = [self._brought(part, form, factor) for form, factor in factors.items()]
            changed[part] = float(sum_of(getattr(alone, part), *brought))
        if alone.offload is not None:
            changed["offload"] = self.at(factors.get("data", 1.0)).offload
        smooth = sum_of(*(_smooth(replace(alone, **changed))))
        stretch = ratio(smooth, sum_of(*_smooth(alone)))
        summed = {part: float(product_of(getattr(alone, part), stretch)) for part in SUMMED}
        return replace(alone, **changed, **summed)

    def _brought(self, part: str, form: str, factor: float) -> float:
        """What a slowed form brings to a part that waits for all forms within a microbatch [s]."""
        if form not in IN_A_MICROBATCH:
            return 0.0
        slowed = self.at(factor)
        grown = {each: _grown(self.alone, slowed, each) for each in IN_A_MICROBATCH}
        every = float(sum_of(*grown.values()))
        if every <= 0:
            return 0.0
        return float(brought_by(getattr(self.alone, part), getattr(slowed, part), grown[form], every))


def _grown(alone: StepTime, slowed: StepTime, form: str) -> float:
    before = getattr(alone, form)
    return 0.0 if before is None else float(difference(getattr(slowed, form), before))


def _smooth(step: StepTime) -> list[float]:
    """The parts of a step before what stretches the whole of it."""
    return [float(time) for key, _, time in step.parts() if key not in SUMMED]


def _plain(step: StepTime) -> StepTime:
    """The same in floats."""
    values = {each.name: getattr(step, each.name) for each in fields(step)}
    return StepTime(**{n: None if v is None else float(np.asarray(v, float)) for n, v in values.items()})


def exposed(step: StepTime) -> dict[str, float]:
    """Communication that computation does not hide, by form [s]."""
    return {form: getattr(step, form) for form in COMMUNICATION if getattr(step, form) is not None}


def exposed_share(step: StepTime) -> float:
    """Share of the step in which computation waits for communication."""
    waited = float(sum_of(*exposed(step).values()))
    return 1.0 if waited == math.inf else float(share_of(waited, step.total))
