"""The compute-optimal model and tokens of a budget, by each published law.

Plain compositions: on floats, on arrays of budgets and, under a ledger, on remembered values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import ratio
from navarch.fleet.scale import estimate, kaplan, laws
from navarch.fleet.scale.fits import fitted, parametric_constants
from navarch.fleet.scale.question import DEFAULT_LAW

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Number = Any  # a float, a Value or an array
Take = Callable[[Any], Number]

REFERENCE = DEFAULT_LAW
"""The law of the answer where none is asked for: its constants come with their covariance."""

UNCONVERGED = "hoffmann2022_approach3"
"""The paper's own parametric fit, which stopped before it converged (Besiroglu et al. 2024, section 3)."""

TITLES = {
    "besiroglu2024": "Chinchilla refitted (Besiroglu)",
    "hoffmann2022_approach1": "Chinchilla 1 (training curves)",
    "hoffmann2022_approach2": "Chinchilla 2 (isoFLOP)",
    UNCONVERGED: "Chinchilla 3 (parametric)",
    "rule": "20 tokens a parameter",
    "llama3_2024": "Llama 3, isoFLOP",
    "deepseek_llm2024": "DeepSeek LLM, isoFLOP",
    "kaplan2020": "Kaplan et al. 2020",
}

CAVEATS = {
    UNCONVERGED: "stopped before it converged; its published interval is far too narrow",
    "llama3_2024": "on Meta's data; no interval published",
    "deepseek_llm2024": "on DeepSeek's data, attention counted; no interval published",
    "kaplan2020": "parameters without embeddings, at the critical batch; no interval published",
}


@dataclass(frozen=True, slots=True)
class Optimum:
    """What a law makes of a budget. loss: where the law has one, in nats a token of the law's own data."""

    law: str
    parameters: Number
    tokens: Number
    tokens_per_parameter: Number
    loss: Number | None = None

    @property
    def title(self) -> str:
        """The law by the names of its authors."""
        return TITLES.get(self.law, self.law)

    @property
    def caveat(self) -> str:
        """What to know of the law, or nothing."""
        return CAVEATS.get(self.law, "")


def optima(compute: Number, catalog: Catalog, take: Take = float, law: str = REFERENCE) -> tuple[Optimum, ...]:
    """The optimum of a compute budget [FLOP] by every published law, first by the one that answers.

    take: as in `scaling_law`; law: of the answer, a parametric one of the catalog.
    """
    return (
        parametric(compute, catalog, law, take),
        *(parametric(compute, catalog, other, take) for other in (REFERENCE, UNCONVERGED) if other != law),
        through_a_point(compute, catalog, "hoffmann2022_approach1", take),
        through_a_point(compute, catalog, "hoffmann2022_approach2", take),
        by_ratio(compute, catalog, take),
        by_tokens(compute, catalog, "llama3_2024", ("A_fig3", "alpha_fig3"), take),
        by_tokens(compute, catalog, "deepseek_llm2024", ("D_base", "b"), take),
        by_kaplan(compute, catalog, take),
    )


def parametric(compute: Number, catalog: Catalog, law: str = REFERENCE, take: Take = float) -> Optimum:
    """The optimum of L = E + A / N^alpha + B / D^beta."""
    irreducible, *constants = parametric_constants(catalog, law, take)
    coefficient = laws.allocation_coefficient(*constants)
    parameters = laws.optimal_parameters(compute, coefficient, *constants[2:])
    tokens = laws.optimal_tokens(compute, coefficient, *constants[2:])
    loss = laws.chinchilla_loss(
        parameters, tokens, irreducible, *constants, title="Loss of the optimum", symbol="L_opt"
    )
    return _optimum(law, parameters, tokens, loss)


def through_a_point(compute: Number, catalog: Catalog, law: str, take: Take = float) -> Optimum:
    """The optimum where only the exponent and a table of optima are published: a power law through a row."""
    constants = fitted(catalog, law)
    parameters = laws.power_law_parameters(compute, *(take(constants[name]) for name in ("C_1B", "N_1B", "a")))
    return _optimum(law, parameters, estimate.affordable_tokens(compute, parameters))


def by_ratio(compute: Number, catalog: Catalog, take: Take = float) -> Optimum:
    """The optimum by the rule of thumb of so many tokens a parameter."""
    rule = take(catalog.fact("constant", "scale.tokens-per-parameter"))
    parameters = estimate.parameters_at_ratio(compute, rule)
    return _optimum("rule", parameters, estimate.tokens_at_ratio(parameters, rule))


def by_tokens(compute: Number, catalog: Catalog, law: str, names: tuple[str, str], take: Take = float) -> Optimum:
    """The optimum where the tokens are a power law of the compute."""
    constants = fitted(catalog, law)
    tokens = laws.power_law_tokens(compute, *(take(constants[name]) for name in names))
    return _optimum(law, estimate.affordable_parameters(compute, tokens), tokens)


def by_kaplan(compute: Number, catalog: Catalog, take: Take = float, batch_ratio: Number | None = None) -> Optimum:
    """The optimum of Kaplan et al. batch_ratio: of the run, over the critical batch (at the critical one, where None).

    The tokens are what the compute trains, more than the least that the loss could take.
    """
    constants = fitted(catalog, "kaplan2020")
    ratio_ = take(catalog.fact("constant", "scale.batch-over-critical")) if batch_ratio is None else batch_ratio
    least = kaplan.kaplan_least_compute(compute, ratio_)
    names = ("C_e", "N_e", "N_opt_exponent")
    parameters = laws.power_law_parameters(least, *(take(constants[name]) for name in names))
    loss = kaplan.kaplan_compute_loss(least, take(constants["C_c_min"]), take(constants["alpha_C_min"]))
    return _optimum("kaplan2020", parameters, estimate.affordable_tokens(compute, parameters), loss)


def _optimum(law: str, parameters: Number, tokens: Number, loss: Number | None = None) -> Optimum:
    each = ratio(tokens, parameters, unit="token/parameter", title="Compute-optimal tokens per parameter", symbol="rho")
    return Optimum(law, parameters, tokens, each, loss)
