"""One replica from end to end: memory, step times, rates, latencies. The same calls serve arrays and ledger values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from navarch.core.arithmetic import sum_of
from navarch.core.queueing import single_server_wait
from navarch.deployment.serving import estimate as room
from navarch.deployment.serving import throughput as rates
from navarch.deployment.serving import waiting

Number = Any
"""A float, a NumPy array or a ledger value."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What serving must know of a model. Numbers are floats, arrays or ledger values; None where it does not apply."""

    layers: Number
    hidden: Number
    heads: Number
    kv_heads: Number
    head_dim: Number
    parameters: Number
    active: Number
    latent: Number | None = None
    rope: Number | None = None
    single: Number | None = None
    window: Number | None = None
    sliding: Number | None = None
    experts: Number | None = None
    chosen: Number | None = None
    moe_layers: Number | None = None
    expert_hidden: Number | None = None

    @property
    def mixture(self) -> bool:
        """Whether the model has routed experts."""
        return self.experts is not None


@dataclass(frozen=True, slots=True)
class Hardware:
    """What serving must know of an accelerator: memory [byte], bandwidth [byte/s], link per direction [byte/s]."""

    memory: Number
    bandwidth: Number
    link: Number
    domain: Number


@dataclass(frozen=True, slots=True)
class Precision:
    """A serving precision: name, accelerator's peak [FLOP/s], attained share of it, bytes of a number of each kind."""

    name: str
    peak: Number
    efficiency: Number
    weight: Number
    cache: Number
    activation: Number


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine's constants, each a catalog fact (`serving.*`)."""

    memory_utilisation: Number
    reserve: Number
    largest_batch: Number
    memory_efficiency: Number
    link_efficiency: Number
    reduction_latency: Number
    layer_overhead: Number
    mixture_layer_overhead: Number
    step_overhead: Number
    sequence_overhead: Number
    request_overhead: Number
    tail_level: Number


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests: lengths [token], peak rate [request/s], coefficients of variation of lengths and of arrivals."""

    prompt: Number
    output: Number
    peak_rate: Number
    prompt_variation: Number
    output_variation: Number
    arrival_variation: Number


@dataclass(frozen=True, slots=True)
class Plan:
    """How a replica is run: accelerators that split each layer, sequences in decode, precision, where experts lie."""

    tensor_parallel: Number
    batch: Number
    precision: Precision
    expert_parallel: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a replica: bytes of weights and cache, and the sequences that they leave room for."""

    weights: Number
    kv_per_token: Number
    context: Number
    kv_per_sequence: Number
    kv_copies: Number
    kv_memory: Number
    sequences: Number
    largest_batch: Number


@dataclass(frozen=True, slots=True)
class Pace:
    """Speed of a replica at its batch [s, request/s, token/s], and its capacity at the largest batch."""

    prefill: Number
    step: Number
    rate: Number
    capacity: Number
    load: Number
    token_rate: Number
    tpot: Number
    user_rate: Number
    hold: Number


@dataclass(frozen=True, slots=True)
class Latency:
    """What a user waits [s, s/token]: means, and at the tail level (99 % unless the catalog says otherwise)."""

    slot_wait: Number
    queue_wait: Number
    ttft: Number
    ttft_tail: Number
    tpot_tail: Number
    total: Number


@dataclass(frozen=True, slots=True)
class ServingEstimate:
    """What one replica does at its operating batch."""

    plan: Plan
    memory: Memory
    pace: Pace
    latency: Latency


def kv_per_token(shape: Shape, precision: Precision) -> Number:
    """Cache of one token [byte/token]."""
    if shape.latent is not None:
        return room.latent_kv_bytes_per_token(shape.layers, shape.latent, shape.rope, precision.cache)
    return room.kv_bytes_per_token(shape.layers, shape.kv_heads, shape.head_dim, precision.cache)


def kv_per_sequence(shape: Shape, per_token: Number, context: Number) -> Number:
    """Cache of one sequence at a context [byte]."""
    if shape.window is not None:
        return room.windowed_kv_bytes_per_sequence(per_token, shape.layers, shape.sliding, context, shape.window)
    return room.kv_bytes_per_sequence(per_token, context)


def weights_read(shape: Shape, plan: Plan, tokens: Number) -> Number:
    """Weight bytes that a pass over `tokens` tokens reads [byte]."""
    if not shape.mixture:
        return room.weight_bytes(shape.parameters, plan.precision.weight)
    routed = room.routed_parameters(shape.moe_layers, shape.experts, shape.hidden, shape.expert_hidden)
    touched = room.touched_experts(shape.experts, shape.chosen, tokens)
    return room.routed_weight_bytes_read(shape.parameters, routed, shape.experts, touched, plan.precision.weight)


def communication_time(shape: Shape, hardware: Hardware, plan: Plan, engine: Engine, tokens: Number) -> Number:
    """Communication in one forward pass over `tokens` tokens [s]."""
    link = (plan.tensor_parallel, hardware.link, engine.link_efficiency, engine.reduction_latency)
    activation = plan.precision.activation
    if not (shape.mixture and plan.expert_parallel):
        return room.reduction_time(room.tensor_all_reduces(shape.layers), tokens, shape.hidden, activation, *link)
    attention = room.reduction_time(shape.layers, tokens, shape.hidden, activation, *link)
    experts = room.expert_exchange_time(shape.moe_layers, tokens, shape.chosen, shape.hidden, activation, *link)
    return sum_of(attention, experts, unit="s", title="Communication of a pass", symbol="T_comm")


def _roofline(flop: Number, read: Number, hardware: Hardware, plan: Plan, engine: Engine) -> Number:
    return room.roofline_time(
        flop,
        read,
        plan.tensor_parallel,
        plan.precision.peak,
        hardware.bandwidth,
        plan.precision.efficiency,
        engine.memory_efficiency,
    )


def decode_step(
    shape: Shape, hardware: Hardware, plan: Plan, engine: Engine, batch: Number, cache: Number, context: Number
) -> Number:
    """Time of a decode step of `batch` sequences whose cache (all copies) is `cache` bytes each [s]."""
    products = _roofline(
        room.forward_flop(shape.active, batch), weights_read(shape, plan, batch), hardware, plan, engine
    )
    if shape.latent is not None:
        work = room.latent_decode_attention_flop(shape.layers, shape.heads, shape.latent, shape.rope, context, batch)
    else:
        work = room.decode_attention_flop(shape.layers, shape.heads, shape.head_dim, context, batch)
    attention = _roofline(work, cache, hardware, plan, engine)
    communication = communication_time(shape, hardware, plan, engine, batch)
    return room.step_time(
        products,
        attention,
        communication,
        shape.layers,
        engine.mixture_layer_overhead if shape.mixture else engine.layer_overhead,
        engine.step_overhead,
        batch,
        engine.sequence_overhead,
    )


def prefill_work(shape: Shape, hardware: Hardware, plan: Plan, engine: Engine, prompt: Number) -> Number:
    """Engine time that one prompt adds to the steps that carry it [s]; these read the weights anyway."""
    flop = sum_of(
        room.forward_flop(shape.active, prompt),
        room.prefill_attention_flop(shape.layers, shape.heads, shape.head_dim, prompt),
        unit="FLOP",
        title="Work of one prompt",
        symbol="F_p",
    )
    arithmetic = room.arithmetic_time(flop, plan.tensor_parallel, plan.precision.peak, plan.precision.efficiency)
    communication = communication_time(shape, hardware, plan, engine, prompt)
    return sum_of(arithmetic, communication, unit="s", title="Prefill of one prompt", symbol="T_p")


def memory_of(shape: Shape, hardware: Hardware, engine: Engine, traffic: Traffic, plan: Plan) -> Memory:
    """Weights, cache of a sequence at its mean context, and the batch that fits."""
    weights = room.weight_bytes(shape.parameters, plan.precision.weight)
    per_token = kv_per_token(shape, plan.precision)
    context = room.mean_context(traffic.prompt, traffic.output)
    per_sequence = kv_per_sequence(shape, per_token, context)
    copies = room.kv_copies(plan.tensor_parallel, shape.kv_heads if shape.latent is None else shape.single)
    cache = room.kv_memory(plan.tensor_parallel, hardware.memory, engine.memory_utilisation, engine.reserve, weights)
    sequences = room.concurrent_sequences(cache, per_sequence, copies)
    largest = room.largest_batch(sequences, engine.largest_batch)
    return Memory(weights, per_token, context, per_sequence, copies, cache, sequences, largest)


def step_at(shape: Shape, hardware: Hardware, engine: Engine, plan: Plan, memory: Memory, batch: Number) -> Number:
    """Time of a decode step at a batch other than the plan's [s]."""
    cache = room.kv_bytes_of_users(memory.kv_per_sequence, batch, memory.kv_copies)
    return decode_step(shape, hardware, plan, engine, batch, cache, memory.context)


def pace_of(shape: Shape, hardware: Hardware, engine: Engine, traffic: Traffic, plan: Plan, memory: Memory) -> Pace:
    """Rate and time per token at the plan's batch, and the capacity at the largest batch."""
    prefill = prefill_work(shape, hardware, plan, engine, traffic.prompt)
    step = step_at(shape, hardware, engine, plan, memory, plan.batch)
    full_step = step_at(shape, hardware, engine, plan, memory, memory.largest_batch)
    rate = rates.replica_rate(plan.batch, prefill, step, traffic.output)
    capacity = rates.replica_rate(memory.largest_batch, prefill, full_step, traffic.output)
    tpot = rates.time_per_output_token(plan.batch, prefill, step, traffic.output)
    full_tpot = rates.time_per_output_token(memory.largest_batch, prefill, full_step, traffic.output)
    return Pace(
        prefill=prefill,
        step=step,
        rate=rate,
        capacity=capacity,
        load=waiting.utilisation(rate, capacity),
        token_rate=rates.token_rate(rate, traffic.output),
        tpot=tpot,
        user_rate=rates.user_token_rate(tpot),
        hold=rates.decode_time(traffic.output, full_tpot),
    )


def latency_of(
    shape: Shape, hardware: Hardware, engine: Engine, traffic: Traffic, plan: Plan, memory: Memory, pace: Pace
) -> Latency:
    """Means and tails of the time to the first token and per output token."""
    level = engine.tail_level
    every_slot = waiting.wait_probability(pace.load, memory.largest_batch)
    slot = waiting.slot_wait(
        every_slot, traffic.arrival_variation, traffic.output_variation, pace.load, memory.largest_batch, pace.hold
    )
    busy = waiting.busy_share(pace.rate, pace.prefill)
    queue = single_server_wait(
        busy, pace.prefill, traffic.prompt_variation, title="Mean wait for the prefill of others", symbol="W_p"
    )
    ttft = waiting.time_to_first_token(slot, queue, pace.prefill, pace.step, engine.request_overhead)
    long_prompt = waiting.length_quantile(traffic.prompt, traffic.prompt_variation, level)
    long_prefill = prefill_work(shape, hardware, plan, engine, long_prompt)
    crowd = waiting.batch_quantile(plan.batch, memory.largest_batch, level)
    crowded_step = step_at(shape, hardware, engine, plan, memory, crowd)
    return Latency(
        slot_wait=slot,
        queue_wait=queue,
        ttft=ttft,
        ttft_tail=waiting.time_to_first_token_tail(
            waiting.tail_wait(slot, every_slot, level),
            waiting.tail_wait(queue, busy, level),
            long_prefill,
            crowded_step,
            engine.request_overhead,
        ),
        tpot_tail=rates.time_per_output_token(crowd, pace.prefill, crowded_step, traffic.output),
        total=rates.request_latency(ttft, traffic.output, pace.tpot),
    )


def replica(shape: Shape, hardware: Hardware, engine: Engine, traffic: Traffic, plan: Plan) -> ServingEstimate:
    """What one replica does at the plan's batch.

    The batch is the mean number of sequences in decode; the rate is that at which it is the equilibrium (Little's
    law), so that no fixed point is solved. Where weights do not fit, the largest batch and the capacity are 0 and
    the waits infinite. A batch beyond the largest is not refused here: see `choose`.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        memory = memory_of(shape, hardware, engine, traffic, plan)
        pace = pace_of(shape, hardware, engine, traffic, plan, memory)
        return ServingEstimate(plan, memory, pace, latency_of(shape, hardware, engine, traffic, plan, memory, pace))


def equilibrium_batch(rate: float, batches: np.ndarray, completed: np.ndarray) -> float:
    """Mean decode batch at an offered rate: the batch of a grid at which the replica completes it.

    rate: offered [request/s]; batches: rising grid; completed: rate of the replica at each [request/s]. Linear
    between grid points; infinite where no batch of the grid completes the rate.
    """
    if rate > np.max(completed):
        return float("inf")
    return float(np.interp(rate, completed, batches))
