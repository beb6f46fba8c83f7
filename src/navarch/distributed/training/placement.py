"""Where a plan puts things: layers on stages, parameters on accelerators, groups of ranks on the network.

Ranks are numbered with tensor innermost, then context, data, and pipeline outermost (Megatron-LM's order), so that the
groups that talk most share a scale-up domain.
"""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import product_of
from navarch.distributed.collectives import estimate as collectives
from navarch.distributed.training import activations, states, step
from navarch.distributed.training import communication as com
from navarch.distributed.training.anatomy import Anatomy
from navarch.distributed.training.pipeline import parameters_held_of
from navarch.distributed.training.shape import Hardware, Number, Plan, TransformerShape


@dataclass(frozen=True, slots=True)
class Link:
    """What a group of ranks gets from the network: bandwidth per direction [byte/s] and latency of a step [s]."""

    bandwidth: Number
    latency: Number


@dataclass(frozen=True, slots=True)
class ExpertLinks:
    """How an expert group exchanges tokens: copies of a token over each tier, achieved bandwidths, latency [s]."""

    near: Number
    far: Number
    scaleup: Number
    scaleout: Number
    latency: Number

    def as_arguments(self) -> tuple[Number, Number, Number, Number]:
        return self.near, self.far, self.scaleup, self.scaleout


@dataclass(frozen=True, slots=True)
class LayerLinks:
    """What a layer's cost depends on of a plan laid out on hardware: tokens of a microbatch on an accelerator [token],
    links of its groups, and parts of the routed experts (None where dense)."""

    tokens: Number
    tensor: Link
    context: Link
    expert: ExpertLinks | None
    expert_split: Number | None


@dataclass(frozen=True, slots=True)
class Population:
    """Parameters that are divided and replicated alike: all but the routed experts, or the routed experts.

    layer: of a mean layer [parameter]; split: ways in which a layer is divided; held: on one accelerator [parameter];
    replicas: accelerators that hold the same; shards: of them among which ZeRO shards; groups: of shards (None where
    there is one by construction); link: among the shards; across: between the groups (None likewise).
    """

    layer: Number
    split: Number
    held: Number
    replicas: Number
    shards: Number
    groups: Number | None
    link: Link
    across: Link | None


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


def _achieved(hardware: Hardware) -> tuple[Number, Number]:
    """Achieved bandwidth of an accelerator within its scale-up domain and out of it."""
    achieved = collectives.achieved_bandwidth
    return (
        achieved(
            hardware.scaleup_bandwidth, hardware.scaleup_efficiency, title="Achieved scale-up bandwidth", symbol="B_up"
        ),
        achieved(
            hardware.scaleout_bandwidth,
            hardware.scaleout_efficiency,
            title="Achieved scale-out bandwidth",
            symbol="B_out",
        ),
    )


def _latencies(hardware: Hardware) -> tuple[Number, Number]:
    return hardware.scaleup_latency, hardware.scaleout_latency


def _group(hardware: Hardware, ranks: Number, stride: Number, title: str) -> Link:
    """What a ring over `ranks` accelerators, `stride` apart, gets."""
    where = (ranks, stride, hardware.scaleup_domain)
    return Link(
        collectives.group_bandwidth(*where, *_achieved(hardware), title=f"Bandwidth of the {title} group"),
        collectives.group_latency(*where, *_latencies(hardware), title=f"Latency of a step of the {title} group"),
    )


def _adjacent(hardware: Hardware, ranks: Number) -> Link:
    """What a ring over neighbouring accelerators gets."""
    return Link(
        collectives.adjacent_group_bandwidth(ranks, hardware.scaleup_domain, *_achieved(hardware)),
        collectives.adjacent_group_latency(ranks, hardware.scaleup_domain, *_latencies(hardware)),
    )


def _context_link(hardware: Hardware, plan: Plan) -> Link:
    """Among the ranks of a context group, which lie a tensor group apart."""
    return _group(hardware, plan.context, plan.tensor, "context-parallel")


def _expert_links(shape: TransformerShape, hardware: Hardware, plan: Plan) -> ExpertLinks:
    """Among the ranks of an expert group, which are neighbours."""
    domains = com.domains_of(plan.expert, hardware.scaleup_domain)
    up, out = _achieved(hardware)
    return ExpertLinks(
        com.copies_within(plan.expert, domains, shape.experts_per_token),
        com.copies_across(domains, shape.experts_per_token),
        up,
        out,
        collectives.adjacent_group_latency(plan.expert, hardware.scaleup_domain, *_latencies(hardware)),
    )


def layer_links(shape: TransformerShape, hardware: Hardware, plan: Plan) -> LayerLinks:
    """What a layer's cost depends on of a plan; pipeline and data degrees are not read."""
    is_moe = shape.experts is not None
    return LayerLinks(
        activations.tokens_per_microbatch(plan.microbatch, plan.sequence_length, plan.context),
        _adjacent(hardware, plan.tensor),
        _context_link(hardware, plan),
        _expert_links(shape, hardware, plan) if is_moe else None,
        states.expert_split(plan.tensor, plan.expert) if is_moe else None,
    )


def _pipeline_link(hardware: Hardware, plan: Plan) -> Link:
    """Between neighbouring stages, which lie a whole tensor x context x data block apart."""
    stride = product_of(plan.tensor, plan.context, plan.data, unit="1", title="Distance between neighbouring stages")
    tier = (plan.pipeline, stride, hardware.scaleup_domain)
    return Link(
        collectives.tier_of(*tier, *_achieved(hardware), unit="byte/s"),
        collectives.tier_of(*tier, *_latencies(hardware), unit="s"),
    )


def _population(
    hardware: Hardware, plan: Plan, layer: Number, split: Number, held: Number, replicas: Number, title: str
) -> Population:
    """Parameters and their replicas, which lie `split` apart; all of them shard together unless the plan says fewer."""
    if plan.shard is None:
        link = _group(hardware, replicas, split, title)
        return Population(layer, split, held, replicas, replicas, None, link, None)
    shards = states.shards_of(replicas, plan.shard)
    groups = states.groups_of_shards(replicas, shards)
    apart = product_of(split, shards, unit="1", title="Distance between groups of shards")
    return Population(
        layer,
        split,
        held,
        replicas,
        shards,
        groups,
        _group(hardware, shards, split, f"{title} sharding"),
        _group(hardware, groups, apart, f"{title} replication"),
    )


def _populations(
    shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, stage_layers: Number
) -> tuple[Population, ...]:
    matrix = anatomy.vocabulary
    vocabulary = matrix if shape.tied else states.vocabulary_held(matrix, plan.pipeline)
    dense_held = states.dense_parameters_per_device(stage_layers, anatomy.layer_dense, vocabulary, plan.tensor)
    dense = _population(
        hardware,
        plan,
        anatomy.layer_dense,
        plan.tensor,
        parameters_held_of(plan.schedule, dense_held),
        states.dense_replicas(plan.data, plan.context),
        "data-parallel",
    )
    if anatomy.layer_experts is None:
        return (dense,)
    split = states.expert_split(plan.tensor, plan.expert)
    experts_held = states.expert_parameters_per_device(
        stage_layers, anatomy.layer_experts, split, shape.layers, shape.moe_layers
    )
    experts = _population(
        hardware,
        plan,
        anatomy.layer_experts,
        split,
        parameters_held_of(plan.schedule, experts_held),
        states.expert_replicas(plan.tensor, plan.data, plan.context, split),
        "expert data-parallel",
    )
    return (dense, experts)


def place(shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan) -> Placement:
    """Lay a plan out on hardware."""
    stage_layers = states.layers_per_stage(shape.layers, plan.pipeline, plan.virtual_stages)
    return Placement(
        step.accelerators_used(plan.tensor, plan.pipeline, plan.data, plan.context),
        step.microbatches_per_step(plan.global_batch, plan.data, plan.microbatch),
        stage_layers,
        activations.tokens_per_microbatch(plan.microbatch, plan.sequence_length, plan.context),
        _populations(shape, anatomy, hardware, plan, stage_layers),
        _pipeline_link(hardware, plan),
    )
