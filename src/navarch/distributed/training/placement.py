"""Where a plan puts things: layers on stages, parameters on accelerators, groups of ranks on the network.

Ranks are numbered with tensor innermost, then context, data, and pipeline outermost (Megatron-LM's order), so that the
groups that talk most share a scale-up domain.
"""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.arithmetic import product_of
from navarch.distributed.collectives import estimate as collectives
from navarch.distributed.training import activations, states, step
from navarch.distributed.training.anatomy import Anatomy
from navarch.distributed.training.shape import Hardware, Number, Plan, TransformerShape


@dataclass(frozen=True, slots=True)
class Link:
    """What a group of ranks gets from the network: bandwidth per direction [byte/s] and latency of a step [s]."""

    bandwidth: Number
    latency: Number


@dataclass(frozen=True, slots=True)
class Population:
    """Parameters that are divided and replicated alike: all but the routed experts, or the routed experts.

    layer: of a mean layer [parameter]; split: ways in which a layer is divided; held: on one accelerator [parameter];
    replicas: accelerators that hold the same; link: among the replicas.
    """

    layer: Number
    split: Number
    held: Number
    replicas: Number
    link: Link


@dataclass(frozen=True, slots=True)
class Placement:
    """A plan laid out on hardware.

    accelerators: used; microbatches: of a step; stage_layers: on the fullest stage; tokens: of a microbatch on an
    accelerator [token]; populations: of parameters; tensor, context, expert, pipeline: links of their groups;
    expert_split: parts of the routed experts (None where dense).
    """

    accelerators: Number
    microbatches: Number
    stage_layers: Number
    tokens: Number
    populations: tuple[Population, ...]
    tensor: Link
    context: Link
    pipeline: Link
    expert: Link | None
    expert_split: Number | None


def _group(hardware: Hardware, ranks: Number, stride: Number, title: str) -> Link:
    """What a ring over `ranks` accelerators, `stride` apart, gets."""
    up, out = _achieved(hardware)
    latency = (hardware.scaleup_latency, hardware.scaleout_latency)
    return Link(
        collectives.group_bandwidth(
            ranks, stride, hardware.scaleup_domain, up, out, title=f"Bandwidth of the {title} group"
        ),
        collectives.group_latency(
            ranks, stride, hardware.scaleup_domain, *latency, title=f"Latency of a step of the {title} group"
        ),
    )


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


def _pipeline_link(hardware: Hardware, plan: Plan) -> Link:
    """Between neighbouring stages, which lie a whole tensor x context x data block apart."""
    stride = product_of(plan.tensor, plan.context, plan.data, unit="1", title="Distance between neighbouring stages")
    up, out = _achieved(hardware)
    latency = (hardware.scaleup_latency, hardware.scaleout_latency)
    tier = (plan.pipeline, stride, hardware.scaleup_domain)
    return Link(collectives.tier_of(*tier, up, out, unit="byte/s"), collectives.tier_of(*tier, *latency, unit="s"))


def _tensor_link(hardware: Hardware, plan: Plan) -> Link:
    """Among the ranks of a tensor group, which are neighbours."""
    up, out = _achieved(hardware)
    latency = (hardware.scaleup_latency, hardware.scaleout_latency)
    return Link(
        collectives.adjacent_group_bandwidth(plan.tensor, hardware.scaleup_domain, up, out),
        collectives.adjacent_group_latency(plan.tensor, hardware.scaleup_domain, *latency),
    )


def _expert_link(hardware: Hardware, plan: Plan) -> Link:
    """Among the ranks of an expert group, which are neighbours."""
    up, out = _achieved(hardware)
    latency = (hardware.scaleup_latency, hardware.scaleout_latency)
    return Link(
        collectives.all_to_all_bandwidth(plan.expert, hardware.scaleup_domain, up, out),
        collectives.adjacent_group_latency(plan.expert, hardware.scaleup_domain, *latency),
    )


def _populations(
    shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan, stage_layers: Number
) -> tuple[Population, ...]:
    matrix = anatomy.vocabulary
    vocabulary = matrix if shape.tied else states.vocabulary_held(matrix, plan.pipeline)
    replicas = states.dense_replicas(plan.data, plan.context)
    dense = Population(
        anatomy.layer_dense,
        plan.tensor,
        states.dense_parameters_per_device(stage_layers, anatomy.layer_dense, vocabulary, plan.tensor),
        replicas,
        _group(hardware, replicas, plan.tensor, "data-parallel"),
    )
    if anatomy.layer_experts is None:
        return (dense,)
    split = states.expert_split(plan.tensor, plan.expert)
    copies_of_experts = states.expert_replicas(plan.tensor, plan.data, plan.context, split)
    experts = Population(
        anatomy.layer_experts,
        split,
        states.expert_parameters_per_device(stage_layers, anatomy.layer_experts, split),
        copies_of_experts,
        _group(hardware, copies_of_experts, split, "expert data-parallel"),
    )
    return (dense, experts)


def place(shape: TransformerShape, anatomy: Anatomy, hardware: Hardware, plan: Plan) -> Placement:
    """Lay a plan out on hardware."""
    stage_layers = states.layers_per_stage(shape.layers, plan.pipeline, plan.virtual_stages)
    is_moe = anatomy.layer_experts is not None
    return Placement(
        step.accelerators_used(plan.tensor, plan.pipeline, plan.data, plan.context),
        step.microbatches_per_step(plan.global_batch, plan.data, plan.microbatch),
        stage_layers,
        activations.tokens_per_microbatch(plan.microbatch, plan.sequence_length, plan.context),
        _populations(shape, anatomy, hardware, plan, stage_layers),
        _tensor_link(hardware, plan),
        _group(hardware, plan.context, plan.tensor, "context-parallel"),
        _pipeline_link(hardware, plan),
        _expert_link(hardware, plan) if is_moe else None,
        states.expert_split(plan.tensor, plan.expert) if is_moe else None,
    )
