"""What a training run costs, whether it spends it well, and what it takes to finish in time.

Plain compositions of the equations of `estimate.py`: they run on floats, on arrays of designs and, under a ledger, on
remembered values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import ceil_div, product_of, ratio
from navarch.fleet.scale import estimate, laws
from navarch.fleet.scale.fits import parametric_constants

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Number = Any  # a float, a Value or an array


@dataclass(frozen=True, slots=True)
class TrainingCompute:
    """Operations of a training run [FLOP]."""

    dense: Number
    attention: Number
    total: Number
    per_token: Number


def training_compute(
    parameters: Number, tokens: Number, layers: Number, width: Number, context: Number
) -> TrainingCompute:
    """Operations of a run: the weights' products, attention over the context, and their sum.

    parameters: active in each token [parameter]; tokens [token]; layers: with attention; width: heads times head size
    (`attention_width`); context: mean tokens attended to [token]: the sequence (PaLM), or `causal_context`,
    `window_context`, `mixed_context`.
    """
    dense = estimate.dense_training_compute(parameters, tokens)
    attention = estimate.attention_training_compute(layers, width, context, tokens)
    total = estimate.training_compute(dense, attention)
    per_token = ratio(total, tokens, unit="FLOP/token", title="Training compute of a token", symbol="c_token")
    return TrainingCompute(dense, attention, total, per_token)


@dataclass(frozen=True, slots=True)
class ScalingLaw:
    """Constants of a law L = E + A / N^alpha + B / D^beta, and the rule-of-thumb ratio of tokens to parameters."""

    irreducible: Number
    parameter_scale: Number
    token_scale: Number
    parameter_exponent: Number
    token_exponent: Number
    tokens_per_parameter: Number


def scaling_law(catalog: Catalog, take: Callable[[Any], Number] = float, law: str = "besiroglu2024") -> ScalingLaw:
    """The constants of a published parametric law. take: `float`, or `ledger.fact` under a ledger."""

    irreducible, parameter_scale, token_scale, parameter_exponent, token_exponent = parametric_constants(
        catalog, law, take
    )
    return ScalingLaw(
        irreducible=irreducible,
        parameter_scale=parameter_scale,
        token_scale=token_scale,
        parameter_exponent=parameter_exponent,
        token_exponent=token_exponent,
        tokens_per_parameter=take(catalog.fact("constant", "scale.tokens-per-parameter")),
    )


@dataclass(frozen=True, slots=True)
class Allocation:
    """How a run divides its compute between parameters and tokens, beside the compute-optimal division."""

    loss: Number  # of the run, nats a token
    loss_optimal: Number  # of the compute-optimal run of the same compute
    tokens_optimal: Number  # for this model, parametric law
    tokens_by_ratio: Number  # for this model, rule of thumb
    parameters_optimal: Number  # for this compute
    tokens_optimal_for_compute: Number
    tokens_per_parameter: Number
    overtraining: Number  # tokens over the compute-optimal tokens of this model


def allocation(parameters: Number, tokens: Number, compute: Number, law: ScalingLaw) -> Allocation:
    """Loss and compute-optimal sizes by the parametric law.

    parameters: of the model, active where it is a mixture [parameter]; tokens: trained on [token]; compute: of the
    run [FLOP].
    """
    scales = (law.parameter_scale, law.token_scale)
    exponents = (law.parameter_exponent, law.token_exponent)
    coefficient = laws.allocation_coefficient(*scales, *exponents)
    best_parameters = laws.optimal_parameters(compute, coefficient, *exponents)
    best_tokens = laws.optimal_tokens(compute, coefficient, *exponents)
    own_tokens = laws.optimal_tokens_for(parameters, *scales, *exponents)
    return Allocation(
        loss=laws.chinchilla_loss(parameters, tokens, law.irreducible, *scales, *exponents),
        loss_optimal=laws.chinchilla_loss(
            best_parameters,
            best_tokens,
            law.irreducible,
            *scales,
            *exponents,
            title="Loss of the compute-optimal run of the same compute",
            symbol="L_opt",
        ),
        tokens_optimal=own_tokens,
        tokens_by_ratio=estimate.tokens_at_ratio(parameters, law.tokens_per_parameter),
        parameters_optimal=best_parameters,
        tokens_optimal_for_compute=best_tokens,
        tokens_per_parameter=ratio(
            tokens, parameters, unit="token/parameter", title="Tokens trained per parameter", symbol="rho"
        ),
        overtraining=ratio(
            tokens, own_tokens, unit="1", title="Tokens trained over compute-optimal tokens", symbol="o_train"
        ),
    )


@dataclass(frozen=True, slots=True)
class ScaleWall:
    """Why one machine is not enough: times on one [s], and machines needed for the deadline."""

    time_one_accelerator: Number
    time_one_node: Number
    accelerators: Number
    nodes: Number
    accelerators_rounded: Number


def scale_wall(
    compute: Number,
    peak: Number,
    utilisation: Number,
    availability: Number,
    accelerators_per_node: Number,
    deadline: Number,
) -> ScaleWall:
    """Time of the run on one accelerator and on one node, and the accelerators and nodes that the deadline needs.

    compute [FLOP]; peak: of one accelerator [FLOP/s]; utilisation, availability [fraction]; deadline [s].
    """
    alone = estimate.time_on_one(compute, peak, utilisation)
    node = estimate.time_at_utilisation(
        compute, accelerators_per_node, peak, utilisation, title="Time on one node", symbol="T_node"
    )
    needed = estimate.accelerators_for_deadline(compute, deadline, peak, utilisation, availability)
    nodes = ceil_div(needed, accelerators_per_node, title="Nodes needed to finish by the deadline", symbol="n_nodes")
    whole = product_of(nodes, accelerators_per_node, unit="1", title="Accelerators in those nodes", symbol="n_acc")
    return ScaleWall(alone, node, needed, nodes, whole)
