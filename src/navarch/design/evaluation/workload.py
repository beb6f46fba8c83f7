"""Workload: the model, its tokens, the compute that they take, and what the scaling laws say of the division."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from navarch.catalog.errors import CatalogError
from navarch.core.arithmetic import ceil_div
from navarch.core.ledger import Fact, Value
from navarch.design.errors import DesignError
from navarch.design.evaluation.desk import Desk
from navarch.distributed.training.inputs import shape_of as training_shape
from navarch.distributed.training.shape import TransformerShape
from navarch.fleet.scale import estimate as scale
from navarch.fleet.scale.budget import allocation, scaling_law, training_compute

CHINCHILLA = "chinchilla"


@dataclass(frozen=True)
class Workload:
    """What is trained: the model (its entry and shape), its size, and the run's tokens and compute."""

    model: Any
    shape: TransformerShape
    parameters: Value
    active: Value
    sequence: Value
    batch: Value
    tokens: Value | None
    compute: Value | None
    precision: str


def model_entry(desk: Desk, path: str) -> Any:
    """The model that a field names: of the catalog, or read from a Hugging Face config.json."""
    config = desk.spec.model_config_path(path)
    if config is None:
        return desk.look("model", str(desk.text(path)), path)
    from navarch.catalog.huggingface import from_config

    try:
        return from_config(config)
    except CatalogError as error:
        raise DesignError(path, str(error)) from error


def shape_of(desk: Desk, model: Any, path: str) -> TransformerShape:
    """The shape of a model, every dimension a fact in the ledger.

    Raises DesignError where the model is of a type whose training is not modelled.
    """
    try:
        return training_shape(desk.catalog, model, desk.enter)
    except CatalogError as error:
        raise DesignError(path, str(error)) from error


def evaluate(desk: Desk) -> Workload:
    """Put down the workload's quantities."""
    model = model_entry(desk, "workload.model")
    desk.labels |= {"model": model.name or model.id, "precision": str(desk.text("workload.precision") or "bf16")}
    shape = shape_of(desk, model, "workload.model")
    from navarch.design.evaluation.parameters import count_parameters

    total, active = count_parameters(desk, model)
    desk.put("workload.parameters", total)
    desk.put("workload.active_parameters", active)
    sequence = _sequence(desk, model)
    batch = _batch(desk, sequence)
    tokens = compute = None
    if desk.spec.trains:
        tokens = _tokens(desk, active)
        compute = _compute(desk, shape, active, tokens, sequence)
    return Workload(model, shape, total, active, sequence, batch, tokens, compute, desk.labels["precision"])


def _sequence(desk: Desk, model: Any) -> Value:
    if desk.given("workload.sequence_length"):
        return desk.field("workload.sequence_length")
    usual = desk.catalog.fact("constant", "design.sequence-length")
    longest: Fact | None = model.max_context
    length = min(float(usual), float(longest)) if longest is not None else float(usual)
    return desk.choose(
        "workload.sequence_length", length, "token", "the usual pre-training length, within the model's context"
    )


def _batch(desk: Desk, sequence: Value) -> Value:
    if desk.given("workload.global_batch"):
        return desk.field("workload.global_batch")
    tokens = desk.constant("design.global-batch-tokens")
    sequences = ceil_div(tokens, sequence, title="Sequences in one optimiser step", symbol="B")
    whole = 2.0 ** round(math.log2(float(sequences)))
    reason = "the batch of a published frontier run, in sequences, to the nearest power of two"
    return desk.choose("workload.global_batch", whole, "1", reason)


def _tokens(desk: Desk, active: Value) -> Value:
    given = desk.text("workload.tokens")
    if given not in (None, CHINCHILLA):
        return desk.put("workload.tokens", desk.field("workload.tokens"))
    if desk.given("workload.compute"):
        return desk.put("workload.tokens", scale.affordable_tokens(desk.field("workload.compute"), active))
    ratio = desk.constant("scale.tokens-per-parameter")
    return desk.put("workload.tokens", scale.tokens_at_ratio(active, ratio))


def _compute(desk: Desk, shape: TransformerShape, active: Value, tokens: Value, sequence: Value) -> Value:
    head = shape.head_dim
    width = scale.attention_width(shape.heads, head, shape.value_dim or head)
    context = scale.causal_context(sequence) if shape.causal else sequence
    run = training_compute(active, tokens, shape.layers, width, context)
    desk.put("workload.dense_compute", run.dense)
    desk.put("workload.attention_compute", run.attention)
    desk.put("workload.compute", run.total)
    law = scaling_law(desk.catalog, desk.enter)
    divided = allocation(active, tokens, run.dense, law)
    desk.put_all(
        "scale",
        {
            "loss": divided.loss,
            "optimal_loss": divided.loss_optimal,
            "optimal_tokens": divided.tokens_by_ratio,
            "optimal_tokens_parametric": divided.tokens_optimal,
            "optimal_parameters": divided.parameters_optimal,
            "tokens_per_parameter": divided.tokens_per_parameter,
            "overtraining": divided.overtraining,
        },
    )
    return run.total
