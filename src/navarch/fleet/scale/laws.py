"""Scaling laws of the form L = E + A / N^alpha + B / D^beta, and power laws of the compute-optimal size.

Losses are in nats a token of the law's own validation set; compare them only within one law. What Kaplan et al. found
is in `kaplan.py`; repeated data in `repetition.py`; the cost of serving in `lifetime.py`.
"""

from __future__ import annotations

from navarch.core.ledger import equation

HOFFMANN = "Hoffmann et al. 2022 (Chinchilla)"
HOFFMANN_URL = "https://arxiv.org/abs/2203.15556"
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
    symbol="N_opt",
    unit="parameter",
    source=HOFFMANN + ", approaches 1 and 2: N_opt grows as C^a; Kaplan et al. 2020, table 6",
    url=HOFFMANN_URL,
    symbols={"compute": "C", "reference": "C_0", "size": "N_0", "exponent": "a"},
)
def power_law_parameters(compute, reference, size, exponent):
    """Compute-optimal parameters by a power law through a known point.

    compute: budget [FLOP]; reference: a budget whose optimum is known [FLOP]; size: that optimum [parameter];
    exponent: of the budget.
    """
    return size * (compute / reference) ** exponent


@equation(
    symbol="C",
    unit="FLOP",
    source=HOFFMANN + ", equation 4 put into equation 10 and solved for C",
    url=HOFFMANN_URL,
    symbols=_law("coefficient", "parameter_scale", "parameter_exponent", "token_exponent") | {"reducible": "R"},
    valid="reducible > 0",
)
def compute_for_loss(reducible, coefficient, parameter_scale, parameter_exponent, token_exponent):
    """Least compute that reaches a loss, by the parametric law.

    reducible: loss wanted, less the irreducible loss; coefficient: of the allocation; parameter_scale: of the term in
    the parameters; parameter_exponent: of the parameters; token_exponent: of the tokens. Nothing reaches the
    irreducible loss.
    """
    loss_scale = (1 + parameter_exponent / token_exponent) * parameter_scale / coefficient**parameter_exponent
    return 6 * (loss_scale / reducible) ** (1 / parameter_exponent + 1 / token_exponent)


@equation(
    symbol="x",
    unit=None,
    source=HOFFMANN + ", equation 10: one term of the law, A / N^alpha or B / D^beta, solved for the size",
    url=HOFFMANN_URL,
    symbols={"term": "t", "scale": "K", "exponent": "gamma"},
    valid="term > 0",
)
def size_at_term(term, scale, exponent):
    """Parameters or tokens at which their term of the loss has a given value.

    term: of the loss; scale: of the term; exponent: of the term.
    """
    return (scale / term) ** (1 / exponent)


@equation(
    symbol="R",
    unit="1",
    source=HOFFMANN + ", equation 10",
    url=HOFFMANN_URL,
    symbols={"loss": "L", "irreducible": "E"},
    valid="loss > irreducible",
)
def reducible_loss(loss, irreducible):
    """Loss that parameters and tokens can still take away.

    loss: of the run, in nats a token; irreducible: loss of perfect prediction.
    """
    return loss - irreducible
