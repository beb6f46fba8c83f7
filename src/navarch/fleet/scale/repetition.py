"""Repeated data: what a token seen again is worth, and how compute is best divided when data run out.

Muennighoff et al. 2023: repeated tokens and parameters beyond what the unique data can use both lose their worth
exponentially.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation, printable

MUENNIGHOFF = "Muennighoff et al. 2023"
MUENNIGHOFF_URL = "https://arxiv.org/abs/2305.16264"

_RANGE = 1e4  # factor about N = D within which the optimum is looked for
_COARSE = 129  # sizes tried first, evenly on a logarithmic scale
_GOLDEN = (5**0.5 - 1) / 2
_GOLDEN_STEPS = 40  # the bracket shrinks to 4e-9 of a coarse step


@equation(
    symbol="D_eff",
    unit="token",
    source=MUENNIGHOFF + ", equation 5",
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


@equation(
    symbol="N_eff",
    unit="parameter",
    source=MUENNIGHOFF + ", equation 6",
    url=MUENNIGHOFF_URL,
    symbols={"parameters": "N", "usable": "U_N", "half_life": "R_N"},
)
def effective_parameters(parameters, usable, half_life):
    """Parameters' worth when the unique data could use fewer.

    parameters: of the model [parameter]; usable: compute-optimal for the unique tokens [parameter];
    half_life: multiples of that over which a parameter's worth decays.
    """
    excess = np.maximum(parameters / usable - 1, 0)
    return np.minimum(parameters, usable) + usable * half_life * (1 - np.exp(-excess / half_life))


@equation(
    symbol="N_opt",
    unit="parameter",
    source=MUENNIGHOFF + ", section 3.1: the compute-optimal model of the unique tokens",
    url=MUENNIGHOFF_URL,
    symbols={
        "tokens": "D",
        "parameter_scale": "A",
        "token_scale": "B",
        "parameter_exponent": "alpha",
        "token_exponent": "beta",
    },
)
def optimal_parameters_for(tokens, parameter_scale, token_scale, parameter_exponent, token_exponent):
    """Parameters for which so many tokens are compute-optimal, by the parametric law.

    tokens: trained on [token]; parameter_scale: of the term in the parameters; token_scale: of the term in the tokens;
    parameter_exponent: of the parameters; token_exponent: of the tokens.
    """
    balance = parameter_exponent * parameter_scale / (token_exponent * token_scale)
    return (balance * tokens**token_exponent) ** (1 / parameter_exponent)


@printable(latex=r"\arg\min_N L", name="argmin_N L")
def least_loss_size(*given):
    """The size that minimises the loss over C = 6 N D: the best of a coarse scan, then golden section."""
    budget, unique, *law, excess, repeat = np.broadcast_arrays(*(np.asarray(g, dtype=float) for g in given))
    usable = optimal_parameters_for.function(unique, *law)

    def loss(log_size):
        size = np.exp(log_size)
        worth = effective_parameters.function(size, usable, excess)
        data = effective_tokens.function(budget / (6 * size), unique, repeat)
        return law[0] / worth ** law[2] + law[1] / data ** law[3]

    start = np.log(budget / 6) / 2
    steps = np.linspace(-np.log(_RANGE), np.log(_RANGE), _COARSE)
    best, place = np.full(budget.shape, np.inf), np.zeros(budget.shape)
    for step in steps:
        found = loss(start + step)
        best, place = np.minimum(found, best), np.where(found < best, step, place)
    low, high = start + place - (steps[1] - steps[0]), start + place + (steps[1] - steps[0])
    for _ in range(_GOLDEN_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        lower = loss(left) < loss(right)
        low, high = np.where(lower, low, left), np.where(lower, right, high)
    return np.exp((low + high) / 2)


@equation(
    symbol="N_opt",
    unit="parameter",
    source=MUENNIGHOFF + ", section 3.1: the loss with effective parameters and tokens, minimised over C = 6 N D",
    url=MUENNIGHOFF_URL,
    symbols={
        "compute": "C",
        "unique": "U_D",
        "parameter_scale": "A",
        "token_scale": "B",
        "parameter_exponent": "alpha",
        "token_exponent": "beta",
        "excess_life": "R_N",
        "repeat_life": "R_D",
    },
)
def data_constrained_parameters(
    compute, unique, parameter_scale, token_scale, parameter_exponent, token_exponent, excess_life, repeat_life
):
    """Compute-optimal parameters when only so many unique tokens exist.

    compute: budget [FLOP]; unique: tokens of the dataset [token]; parameter_scale: of the term in the parameters;
    token_scale: of the term in the tokens; parameter_exponent: of the parameters; token_exponent: of the tokens;
    excess_life: multiples over which an excess parameter's worth decays; repeat_life: repetitions over which a token's
    worth decays.
    """
    return least_loss_size(
        compute, unique, parameter_scale, token_scale, parameter_exponent, token_exponent, excess_life, repeat_life
    )
