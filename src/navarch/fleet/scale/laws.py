"""Scaling laws: loss by parameters and tokens, and the compute-optimal division between them.

Losses are in nats a token of the law's own validation set; compare them only within one law.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

KAPLAN_URL = "https://arxiv.org/abs/2001.08361"
HOFFMANN = "Hoffmann et al. 2022 (Chinchilla)"
HOFFMANN_URL = "https://arxiv.org/abs/2203.15556"
MUENNIGHOFF_URL = "https://arxiv.org/abs/2305.16264"
LAW_SYMBOLS = {
    "parameters": "N",
    "tokens": "D",
    "compute": "C",
    "parameter_scale": "A",
    "token_scale": "B",
    "parameter_exponent": "alpha",
    "token_exponent": "beta",
    "coefficient": "G",
    "irreducible": "E",
}


def _law(*names: str) -> dict[str, str]:
    return {name: LAW_SYMBOLS[name] for name in names}


@equation(
    symbol="L",
    unit="1",
    source=HOFFMANN + ", equation 10; constants of Besiroglu et al. 2024",
    url=HOFFMANN_URL,
    symbols=_law(
        "parameters", "tokens", "irreducible", "parameter_scale", "token_scale", "parameter_exponent", "token_exponent"
    ),
)
def chinchilla_loss(parameters, tokens, irreducible, parameter_scale, token_scale, parameter_exponent, token_exponent):
    """Pre-training loss by the parametric scaling law, in nats a token.

    parameters: of the model [parameter]; tokens: trained on, each once [token]; irreducible: loss of perfect
    prediction; parameter_scale: of the term in the parameters; token_scale: of the term in the tokens;
    parameter_exponent: of the parameters; token_exponent: of the tokens.
    """
    return irreducible + parameter_scale / parameters**parameter_exponent + token_scale / tokens**token_exponent


@equation(
    symbol="G",
    unit="1",
    source=HOFFMANN + ", equation 4",
    url=HOFFMANN_URL,
    symbols=_law("parameter_scale", "token_scale", "parameter_exponent", "token_exponent"),
)
def allocation_coefficient(parameter_scale, token_scale, parameter_exponent, token_exponent):
    """Coefficient of the compute-optimal allocation.

    parameter_scale: of the term in the parameters; token_scale: of the term in the tokens;
    parameter_exponent: of the parameters; token_exponent: of the tokens.
    """
    balance = parameter_exponent * parameter_scale / (token_exponent * token_scale)
    return balance ** (1 / (parameter_exponent + token_exponent))


@equation(
    symbol="N_opt",
    unit="parameter",
    source=HOFFMANN + ", equation 4",
    url=HOFFMANN_URL,
    symbols=_law("compute", "coefficient", "parameter_exponent", "token_exponent"),
)
def optimal_parameters(compute, coefficient, parameter_exponent, token_exponent):
    """Compute-optimal parameters by the parametric law.

    compute: budget [FLOP]; coefficient: of the allocation; parameter_exponent: of the parameters;
    token_exponent: of the tokens.
    """
    return coefficient * (compute / 6) ** (token_exponent / (parameter_exponent + token_exponent))


@equation(
    symbol="D_opt",
    unit="token",
    source=HOFFMANN + ", equation 4",
    url=HOFFMANN_URL,
    symbols=_law("compute", "coefficient", "parameter_exponent", "token_exponent"),
)
def optimal_tokens(compute, coefficient, parameter_exponent, token_exponent):
    """Compute-optimal tokens by the parametric law.

    compute: budget [FLOP]; coefficient: of the allocation; parameter_exponent: of the parameters;
    token_exponent: of the tokens.
    """
    return (compute / 6) ** (parameter_exponent / (parameter_exponent + token_exponent)) / coefficient


@equation(
    symbol="D_opt",
    unit="token",
    source=HOFFMANN + ", equation 4: the optimum solved for D at given N",
    url=HOFFMANN_URL,
    symbols=_law("parameters", "parameter_scale", "token_scale", "parameter_exponent", "token_exponent"),
)
def optimal_tokens_for(parameters, parameter_scale, token_scale, parameter_exponent, token_exponent):
    """Tokens for which a model of that size is compute-optimal, by the parametric law.

    parameters: of the model [parameter]; parameter_scale: of the term in the parameters; token_scale: of the term in
    the tokens; parameter_exponent: of the parameters; token_exponent: of the tokens. Where the loss falls as fast with
    compute spent on parameters as on tokens.
    """
    balance = token_exponent * token_scale / (parameter_exponent * parameter_scale)
    return (balance * parameters**parameter_exponent) ** (1 / token_exponent)


@equation(
    symbol="D_opt",
    unit="token",
    source="Llama 3 team 2024, section 3.2.1, figure 3",
    url="https://arxiv.org/abs/2407.21783",
    symbols={"compute": "C", "coefficient": "A", "exponent": "alpha"},
)
def power_law_tokens(compute, coefficient, exponent):
    """Compute-optimal tokens by a power law of the budget.

    compute: budget [FLOP]; coefficient: tokens at 1 FLOP [token]; exponent: of the budget.
    """
    return coefficient * compute**exponent


@equation(
    symbol="L",
    unit="1",
    source="Kaplan et al. 2020, equation 1.1",
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
    source="Kaplan et al. 2020, equation 1.2",
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
    symbol="D_eff",
    unit="token",
    source="Muennighoff et al. 2023, equation 5",
    url=MUENNIGHOFF_URL,
    symbols={"tokens": "D", "unique": "U_D", "half_life": "R_D"},
)
def effective_tokens(tokens, unique, half_life):
    """Tokens' worth when a dataset is repeated.

    tokens: trained on, repetitions included [token]; unique: tokens of the dataset [token];
    half_life: repetitions over which a token's worth decays.
    """
    repetitions = np.maximum(tokens / unique - 1, 0)
    return np.minimum(tokens, unique) + unique * half_life * (1 - np.exp(-repetitions / half_life))
