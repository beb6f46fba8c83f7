"""The scaling laws of Kaplan et al. 2020: parameters without embeddings, tokens of WebText2, losses in nats a token.

Compute is counted as `C_min`, what a run would take at a batch far under the critical one; at the critical batch a run
takes twice that.
"""

from __future__ import annotations

from navarch.core.ledger import equation

KAPLAN = "Kaplan et al. 2020"
KAPLAN_URL = "https://arxiv.org/abs/2001.08361"


@equation(
    symbol="L",
    unit="1",
    source=KAPLAN + ", equation 1.1",
    url=KAPLAN_URL,
    symbols={"parameters": "N", "scale": "N_c", "exponent": "alpha_N"},
)
def kaplan_parameter_loss(parameters, scale, exponent):
    """Loss limited by the parameters, in nats a token.

    parameters: without embeddings [parameter]; scale: parameters at which the law would give a loss of 1 [parameter];
    exponent: of the law. Valid with enough data and training to convergence.
    """
    return (scale / parameters) ** exponent


@equation(
    symbol="L",
    unit="1",
    source=KAPLAN + ", equation 1.2",
    url=KAPLAN_URL,
    symbols={"tokens": "D", "scale": "D_c", "exponent": "alpha_D"},
)
def kaplan_token_loss(tokens, scale, exponent):
    """Loss limited by the data, in nats a token.

    tokens: of the dataset [token]; scale: tokens at which the law would give a loss of 1 [token];
    exponent: of the law. Valid for large models stopped early.
    """
    return (scale / tokens) ** exponent


@equation(
    symbol="L",
    unit="1",
    source=KAPLAN + ", equation 1.3",
    url=KAPLAN_URL,
    symbols={"compute": "C_min", "scale": "C_c", "exponent": "alpha_C"},
)
def kaplan_compute_loss(compute, scale, exponent):
    """Loss limited by the compute, optimally divided, in nats a token.

    compute: least that the run could take, far under the critical batch [FLOP]; scale: compute at which the law would
    give a loss of 1 [FLOP]; exponent: of the law.
    """
    return (scale / compute) ** exponent


@equation(
    symbol="L",
    unit="1",
    source=KAPLAN + ", equation 1.5",
    url=KAPLAN_URL,
    symbols={
        "parameters": "N",
        "tokens": "D",
        "parameter_scale": "N_c",
        "token_scale": "D_c",
        "parameter_exponent": "alpha_N",
        "token_exponent": "alpha_D",
    },
)
def kaplan_joint_loss(parameters, tokens, parameter_scale, token_scale, parameter_exponent, token_exponent):
    """Loss limited by parameters and data together, in nats a token.

    parameters: without embeddings [parameter]; tokens: of the dataset [token]; parameter_scale: parameters at which the
    law would give a loss of 1 [parameter]; token_scale: tokens at which it would [token]; parameter_exponent: of the
    parameters; token_exponent: of the tokens. Valid for models stopped early.
    """
    by_size = (parameter_scale / parameters) ** (parameter_exponent / token_exponent)
    return (by_size + token_scale / tokens) ** token_exponent


@equation(
    symbol="L",
    unit="1",
    source=KAPLAN + ", equation 1.6",
    url=KAPLAN_URL,
    symbols={
        "parameters": "N",
        "steps": "S_min",
        "parameter_scale": "N_c",
        "step_scale": "S_c",
        "parameter_exponent": "alpha_N",
        "step_exponent": "alpha_S",
    },
)
def kaplan_step_loss(parameters, steps, parameter_scale, step_scale, parameter_exponent, step_exponent):
    """Loss after a number of optimiser steps on endless data, in nats a token.

    parameters: without embeddings [parameter]; steps: fewest that the run could take, far over the critical batch;
    parameter_scale: of the term in the parameters [parameter]; step_scale: of the term in the steps;
    parameter_exponent: of the parameters; step_exponent: of the steps.
    """
    return (parameter_scale / parameters) ** parameter_exponent + (step_scale / steps) ** step_exponent


@equation(
    symbol="B_crit",
    unit="token",
    source=KAPLAN + ", equation 5.3",
    url=KAPLAN_URL,
    symbols={"loss": "L", "scale": "B_star", "exponent": "alpha_B"},
)
def critical_batch(loss, scale, exponent):
    """Critical batch: from here on, twice the batch saves less than it costs.

    loss: reached, in nats a token of WebText2; scale: critical batch at a loss of 1 [token]; exponent: of the law.
    """
    return scale / loss ** (1 / exponent)


@equation(
    symbol="C_min",
    unit="FLOP",
    source=KAPLAN + ", equation 5.5",
    url=KAPLAN_URL,
    symbols={"compute": "C", "batch_ratio": "b"},
    valid="batch_ratio >= 0",
)
def kaplan_least_compute(compute, batch_ratio):
    """Compute that the same loss would take far under the critical batch.

    compute: of the run [FLOP]; batch_ratio: batch of the run over the critical batch.
    """
    return compute / (1 + batch_ratio)
