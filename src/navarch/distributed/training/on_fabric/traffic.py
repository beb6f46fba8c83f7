"""What a step sends out of its scale-up domains: the bytes of each form, from the equations of the step itself.

Bytes are the time of the same communication on a network of one byte a second without latency.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from navarch.core.arithmetic import product_of, ratio, sum_of
from navarch.core.equation import off_the_ledger
from navarch.distributed.collectives.protocols import all_reduce_traffic, exchange_traffic
from navarch.distributed.training import activations, states, step
from navarch.distributed.training import communication as com
from navarch.distributed.training.anatomy import Anatomy, anatomy_of
from navarch.distributed.training.on_fabric.groups import (
    BETWEEN,
    DENSE_DATA,
    EXPERT_DATA,
    SHARDS,
    FormGroups,
    Groups,
    groups,
)
from navarch.distributed.training.pipeline import parameters_held_of
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Hardware, Plan, TransformerShape

Pattern = Literal["ring", "spread", "exchange", "sends"]
UNIT = (1.0, 0.0)
"""A network of one byte a second, without latency."""


@dataclass(frozen=True, eq=False)
class Exchange:
    """What one form sends out of its domains in a step.

    groups: which; pattern: `ring` (around the members in each domain, at once), `spread` (each member to the one with
    its place in every other domain: tokens go once to a domain), `exchange` (each member to every one in another
    domain) or `sends` (to the next and to the one before); sent: bytes of a ring over each cut between domains, and
    else bytes of a member, in a step [byte]; wraps: whether the last sends to the first.
    """

    groups: FormGroups
    pattern: Pattern
    sent: float
    wraps: bool = False

    @property
    def form(self) -> str:
        """The part of the step."""
        return self.groups.form

    @property
    def name(self) -> str:
        """The groups' own name."""
        return self.groups.name


def traffic(
    shape: TransformerShape, hardware: Hardware, plan: Plan, runtime: Runtime, placed: Groups | None = None
) -> tuple[Exchange, ...]:
    """What leaves the scale-up domains in a step; placed: the plan's groups where they are known."""
    found = groups(plan, hardware.scaleup_domain) if placed is None else placed
    with off_the_ledger():
        every = list(_Step(shape, plan, runtime, found).exchanges())
    return tuple(each for each in every if each.groups.crosses and each.sent > 0)


class _Step:
    """The traffic of a step, form by form."""

    def __init__(self, shape: TransformerShape, plan: Plan, runtime: Runtime, placed: Groups) -> None:
        self.shape, self.plan, self.runtime, self.placed = shape, plan, runtime, placed
        self.anatomy: Anatomy = anatomy_of(shape, plan)
        self.microbatches = step.microbatches_per_step(plan.global_batch, plan.data, plan.microbatch)
        self.layers = states.layers_per_stage(shape.layers, plan.pipeline, plan.virtual_stages)
        self.tokens = activations.tokens_per_microbatch(plan.microbatch, plan.sequence_length, plan.context)

    def exchanges(self) -> Iterator[Exchange]:
        """Every form that has groups."""
        forms = {"tensor": self._tensor, "context": self._context, "expert": self._expert, "pipeline": self._pipeline}
        for name, made in forms.items():
            found = self.placed.of(name)
            if found is not None and (name != "expert" or self.shape.experts is not None):
                yield made(found)
        yield from self._data()

    def _over_step(self, of_layer: Any) -> float:
        return float(step.over_microbatches(step.over_layers(of_layer, self.layers), self.microbatches))

    def _tensor(self, found: FormGroups) -> Exchange:
        message = com.layer_message(self.tokens, self.shape.hidden, self.runtime.activation_bytes)
        every = com.tensor_time_recomputed if self.plan.recomputation == "full" else com.tensor_time
        return Exchange(found, "ring", self._over_step(every(all_reduce_traffic(message, self.plan.tensor))))

    def _context(self, found: FormGroups) -> Exchange:
        a, plan, element = self.anatomy, self.plan, self.runtime.activation_bytes
        if plan.context_kind == "ulysses":
            widths = (a.query_width, a.key_width, a.value_width, a.output_width)
            message = com.ulysses_message(self.tokens, *widths, plan.tensor, element)
            far = com.exchanged_across(message, found.ranks, found.within)
            return Exchange(found, "exchange", self._over_step(com.ulysses_time(far)))
        keys = com.key_value_message(self.tokens, a.key_width, a.value_width, plan.tensor, element)
        return Exchange(found, "ring", self._over_step(com.context_time(keys, plan.context, *UNIT)))

    def _expert(self, found: FormGroups) -> Exchange:
        shape, plan = self.shape, self.plan
        message = com.token_message(self.tokens, shape.hidden, plan.tensor, self.runtime.activation_bytes)
        domains = com.domains_of(plan.expert, self.placed.domain)
        far = product_of(message, com.copies_across(domains, shape.experts_per_token))
        every = com.expert_time_recomputed if plan.recomputation == "full" else com.expert_time
        return Exchange(found, "spread", self._over_step(every(far, shape.layers, shape.moe_layers)))

    def _pipeline(self, found: FormGroups) -> Exchange:
        plan = self.plan
        message = com.boundary_message(self.tokens, self.shape.hidden, plan.tensor, self.runtime.activation_bytes)
        sent = com.pipeline_time(message, 0.0, plan.pipeline, plan.virtual_stages)
        wraps = float(plan.virtual_stages) > 1
        return Exchange(found, "sends", float(step.over_microbatches(sent, self.microbatches)), wraps)

    def _data(self) -> Iterator[Exchange]:
        """Rings over the replicas of the dense parameters, and of those of routed experts."""
        for name, held in self._held().items():
            whole, shards, between = (
                self.placed.of(each) for each in (name, f"{name}, {SHARDS}", f"{name}, {BETWEEN}")
            )
            if whole is not None:
                yield Exchange(whole, "ring", self._replicated(held, whole.ranks))
            if shards is not None:
                yield Exchange(shards, "ring", self._replicated(held, shards.ranks))
            if between is not None:
                parts = 1 if shards is None else shards.ranks
                gradients = ratio(states.state_bytes(held, self.runtime.gradient_bytes), parts)
                yield Exchange(between, "ring", float(all_reduce_traffic(gradients, between.ranks)))

    def _held(self) -> dict[str, Any]:
        """Parameters on one accelerator by the groups that replicate them [parameter]."""
        shape, plan, anatomy = self.shape, self.plan, self.anatomy
        matrix = anatomy.vocabulary
        vocabulary = matrix if shape.tied else states.vocabulary_held(matrix, plan.pipeline)
        dense = states.dense_parameters_per_device(self.layers, anatomy.layer_dense, vocabulary, plan.tensor)
        found = {DENSE_DATA: parameters_held_of(plan.schedule, dense)}
        if anatomy.layer_experts is None:
            return found
        split = states.expert_split(plan.tensor, plan.expert)
        experts = states.expert_parameters_per_device(
            self.layers, anatomy.layer_experts, split, shape.layers, shape.moe_layers
        )
        held = parameters_held_of(plan.schedule, experts)
        if float(split) == float(plan.tensor):
            return {DENSE_DATA: sum_of(found[DENSE_DATA], held)}
        return {**found, EXPERT_DATA: held}

    def _replicated(self, held: Any, ranks: int) -> float:
        """Bytes of a ring that reduces gradients and gathers weights among so many, in a step."""
        gradients = states.state_bytes(held, self.runtime.gradient_bytes)
        if self.plan.zero_stage == 0:
            return float(all_reduce_traffic(gradients, ranks))
        reduced = exchange_traffic(gradients, ranks)
        gathered = exchange_traffic(states.state_bytes(held, self.runtime.weight_bytes), ranks)
        if self.plan.zero_stage == 1:
            return float(sum_of(reduced, gathered))
        each = step.over_microbatches(reduced, self.microbatches)
        if self.plan.zero_stage == 2:
            return float(sum_of(each, gathered))
        return float(sum_of(each, step.over_microbatches(product_of(2, gathered), self.microbatches)))
