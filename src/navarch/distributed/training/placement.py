"""Where a plan puts things: layers on stages, parameters on accelerators, groups of ranks on the network.

Ranks are numbered with tensor innermost, then context, data, and pipeline outermost (Megatron-LM's order), so that the
groups that talk most share a scale-up domain.
"""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import product_of, ratio
from navarch.distributed.collectives.library import Tuned
from navarch.distributed.training import activations, states, step
from navarch.distributed.training.anatomy import Anatomy
from navarch.distributed.training.network import Fabric, Group, Link, fabric_of
from navarch.distributed.training.pipeline import parameters_held_of
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Hardware, Number, Plan, TransformerShape


@dataclass(frozen=True, slots=True)
class LayerLinks:
    """What a layer's cost depends on of a plan laid out on hardware: tokens of a microbatch on an accelerator [token],
    the networks, and parts of the routed experts (None where dense)."""

    tokens: Number
    fabric: Fabric
    expert_split: Number | None


@dataclass(frozen=True, slots=True)
class Reductions:
    """What the data-parallel collectives of a population take, all layers of a stage one after the other [s].

    all_reduce: of its gradients, where nothing is sharded; reduce_scatter: of its gradients, all_gather: of its
    weights, where ZeRO shards; across: all-reduce of a shard's gradients between groups of shards. None where there is
    none by construction.
    """

    all_reduce: Number | None
    reduce_scatter: Number | None
    all_gather: Number | None
    across: Number | None


@dataclass(frozen=True, slots=True)
class Population:
    """Parameters that are divided and replicated alike: all but the routed experts, or the routed experts.

    layer: of a mean layer [parameter]; split: ways in which a layer is divided; held: on one accelerator [parameter];
    replicas: accelerators that hold the same; shards: of them among which ZeRO shards; groups: of shards (None where
    there is one by construction); takes: its collectives.
    """

    layer: Number
    split: Number
    held: Number
    replicas: Number
    shards: Number
    groups: Number | None
    takes: Reductions


@dataclass(frozen=True, slots=True)
class Placement:
    """A plan laid out on hardware, beyond its layers.

    accelerators: used; microbatches: of a step; stage_layers: on the fullest stage; tokens: of a microbatch on an
    accelerator [token]; populations: of parameters; pipeline: link between neighbouring stages.
    """

    accelerators: Number
    microbatches: Number
    stage_layers: Number
    tokens: Number
    populations: tuple[Population, ...]
    pipeline: Link


def layer_links(shape: TransformerShape, hardware: Hardware, plan: Plan, runtime: Runtime) -> LayerLinks:
    """What a layer's cost depends on of a plan; pipeline and data degrees are not read."""
    return LayerLinks(
        activations.tokens_per_microbatch(plan.microbatch, plan.sequence_length, plan.context),
        fabric_of(hardware, runtime),
        states.expert_split(plan.tensor, plan.expert) if shape.experts is not None else None,
    )


def _pipeline_link(fabric: Fabric, plan: Plan) -> Link:
    """Between neighbouring stages, which lie a whole tensor x context x data block apart."""
    stride = product_of(plan.tensor, plan.context, plan.data, unit="1", title="Distance between neighbouring stages")
    return fabric.link(plan.pipeline, stride)


@dataclass(frozen=True, slots=True)
class _Site:
    """What the collectives of populations depend on."""

    fabric: Fabric
    plan: Plan
    runtime: Runtime
    stage_layers: Number

    def reductions(
        self, held: Number, split: Number, replicas: Number, shards: Number, groups: Number | None
    ) -> Reductions:
        """The data-parallel collectives of a population, in as many pieces as the stage has layers."""
        fabric, runtime = self.fabric, self.runtime
        gradients = states.state_bytes(held, runtime.gradient_bytes, title="Gradients to be reduced")
        if self.plan.zero_stage == 0:
            return Reductions(
                self._pieces(fabric.all_reduce, gradients, fabric.group(replicas, split)), None, None, None
            )
        weights = states.state_bytes(held, runtime.weight_bytes, title="Weights to be gathered")
        sharded = fabric.group(shards, split)
        across = None
        if groups is not None:
            apart = product_of(split, shards, unit="1", title="Distance between groups of shards")
            shard = ratio(gradients, shards, unit="byte", title="Gradients of one shard", symbol="M_shard")
            across = self._pieces(fabric.all_reduce, shard, fabric.group(groups, apart))
        return Reductions(
            None,
            self._pieces(fabric.reduce_scatter, gradients, sharded),
            self._pieces(fabric.all_gather, weights, sharded),
            across,
        )

    def _pieces(self, kind: Tuned, message: Number, group: Group) -> Number:
        """A collective in as many pieces as the stage has layers."""
        piece = ratio(message, self.stage_layers, unit="byte", title="Message of one layer", symbol="M")
        return step.over_layers(self.fabric.collective(kind, piece, group), self.stage_layers, title="All its pieces")

    def population(self, layer: Number, split: Number, held: Number, replicas: Number) -> Population:
        """Parameters and their replicas, which lie `split` apart; all of them shard together unless the plan says
        fewer."""
        shards, groups = replicas, None
        if self.plan.shard is not None:
            shards = states.shards_of(replicas, self.plan.shard)
            groups = states.groups_of_shards(replicas, shards)
        takes = self.reductions(held, split, replicas, shards, groups)
        return Population(layer, split, held, replicas, shards, groups, takes)


def _populations(shape: TransformerShape, anatomy: Anatomy, site: _Site) -> tuple[Population, ...]:
    plan, stage_layers = site.plan, site.stage_layers
    matrix = anatomy.vocabulary
    vocabulary = matrix if shape.tied else states.vocabulary_held(matrix, plan.pipeline)
    dense_held = states.dense_parameters_per_device(stage_layers, anatomy.layer_dense, vocabulary, plan.tensor)
    dense = site.population(
        anatomy.layer_dense,
        plan.tensor,
        parameters_held_of(plan.schedule, dense_held),
        states.dense_replicas(plan.data, plan.context),
    )
    if anatomy.layer_experts is None:
        return (dense,)
    split = states.expert_split(plan.tensor, plan.expert)
    experts_held = states.expert_parameters_per_device(
        stage_layers, anatomy.layer_experts, split, shape.layers, shape.moe_layers
    )
    experts = site.population(
        anatomy.layer_experts,
        split,
        parameters_held_of(plan.schedule, experts_held),
        states.expert_replicas(plan.tensor, plan.data, plan.context, split),
    )
    return (dense, experts)


def place(shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, runtime: Runtime) -> Placement:
    """Lay a plan out on hardware."""
    fabric = fabric_of(hardware, runtime)
    stage_layers = states.layers_per_stage(shape.layers, plan.pipeline, plan.virtual_stages)
    return Placement(
        step.accelerators_used(plan.tensor, plan.pipeline, plan.data, plan.context),
        step.microbatches_per_step(plan.global_batch, plan.data, plan.microbatch),
        stage_layers,
        activations.tokens_per_microbatch(plan.microbatch, plan.sequence_length, plan.context),
        _populations(shape, anatomy, _Site(fabric, plan, runtime, stage_layers)),
        _pipeline_link(fabric, plan),
    )
