"""A model's whole life: the size that reaches a quality with the least cost of training and serving together.

Sardana et al. 2024. The loss above the irreducible one is shared between the law's two terms; the share that the
parameters may have is what is solved for, and size and tokens follow in closed form. With no serving the share is
beta / (alpha + beta), the compute-optimal one; serving lowers it: a smaller model, trained longer.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation, printable

SARDANA = "Sardana et al. 2024"
SARDANA_URL = "https://arxiv.org/abs/2401.00448"

_HALVINGS = 60  # of the interval in which the share is looked for: to the last bit


@printable(latex=r"\mathrm{root}_s", name="root_s")
def balanced_share(*given):
    """The share s at which alpha s / (beta (1 - s)) = 1 + w D_inf / (3 D(s)), by bisection: the left side rises."""
    reducible, served, weight, scale, alpha, beta = np.broadcast_arrays(*(np.asarray(g, dtype=float) for g in given))
    low, high = np.zeros(reducible.shape), np.ones(reducible.shape)
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        tokens = (scale / ((1 - share) * reducible)) ** (1 / beta)
        short = alpha * share / (beta * (1 - share)) < 1 + weight * served / (3 * tokens)
        low, high = np.where(short, share, low), np.where(short, high, share)
    return np.where(reducible > 0, (low + high) / 2, np.nan)


@equation(
    symbol="s",
    unit="fraction",
    source=SARDANA + ", equations 3 and 6: the first-order condition of 6 N D + 2 w N D_inf at a given loss",
    url=SARDANA_URL,
    symbols={
        "reducible": "R",
        "served": "D_inf",
        "weight": "w",
        "token_scale": "B",
        "parameter_exponent": "alpha",
        "token_exponent": "beta",
    },
    valid="reducible > 0 and served >= 0 and weight >= 0",
)
def lifetime_share(reducible, served, weight, token_scale, parameter_exponent, token_exponent):
    """Share of the reducible loss that the parameters may have when training and serving are paid together.

    reducible: loss wanted, less the irreducible loss; served: tokens read and written over the model's life [token];
    weight: cost of a FLOP in serving over one in training; token_scale: of the term in the tokens;
    parameter_exponent: of the parameters; token_exponent: of the tokens.
    """
    return balanced_share(reducible, served, weight, token_scale, parameter_exponent, token_exponent)


@equation(
    symbol="C_life",
    unit="FLOP",
    source=SARDANA + ", equations 3 and 6",
    url=SARDANA_URL,
    symbols={"parameters": "N", "tokens": "D", "served": "D_inf", "weight": "w"},
)
def lifetime_compute(parameters, tokens, served, weight):
    """Compute of a model's life: training, and serving at what its FLOP cost.

    parameters: active in each token [parameter]; tokens: trained on [token]; served: tokens read and written over the
    model's life [token]; weight: cost of a FLOP in serving over one in training.
    """
    return 6 * parameters * tokens + 2 * weight * parameters * served
