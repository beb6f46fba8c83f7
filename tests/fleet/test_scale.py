"""Operations, scaling laws and the scale wall against published numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.catalog import Catalog, load
from navarch.core.ledger import Ledger
from navarch.fleet.scale import budget, estimate, laws
from navarch.fleet.scale.kaplan import kaplan_parameter_loss, kaplan_token_loss
from navarch.fleet.scale.repetition import effective_tokens

DAY = 86_400.0


CATALOG = load()


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return CATALOG


@pytest.fixture(scope="module")
def law(catalog: Catalog) -> budget.ScalingLaw:
    return budget.scaling_law(catalog)


def test_gpt3_training_compute() -> None:
    """Brown et al. 2020, table D.1: 174.6B parameters, 300B tokens, 3.14e23 FLOP."""
    assert estimate.dense_training_compute(174.6e9, 300e9) == pytest.approx(3.14e23, rel=0.005)


def test_gpt3_parts(catalog: Catalog) -> None:
    """Attention adds s / (6 h) to the dense part (Narayanan et al. 2021, equation 3): 2.8 % for GPT-3."""
    parts = budget.training_compute(12 * 96 * 12288.0**2, 300e9, 96.0, 12288.0, 2048.0)
    assert parts.attention / parts.dense == pytest.approx(2048 / (6 * 12288))
    assert parts.total == parts.dense + parts.attention


def test_llama3_training_compute() -> None:
    """Llama 3 team 2024, section 3.2: 405B parameters, 15.6T tokens, 3.8e25 FLOP."""
    assert estimate.dense_training_compute(405e9, 15.6e12) == pytest.approx(3.8e25, rel=0.01)


def test_gpt4_scale_wall() -> None:
    """A run of 2.1e25 FLOP takes centuries on one A100 and about three months on 25,000."""
    wall = budget.scale_wall(2.1e25, 312e12, 0.35, 1.0, 8.0, 90 * DAY)
    assert wall.time_one_accelerator / (365 * DAY) > 5000
    assert wall.time_one_accelerator / wall.time_one_node == pytest.approx(8)
    assert wall.accelerators == pytest.approx(25_000, rel=0.02)
    assert wall.accelerators_rounded == 8 * wall.nodes >= wall.accelerators


def test_mixture_active_parameters() -> None:
    """Mixtral 8x7B: 46.7B in all, 12.9B active (two of eight experts, 32 layers, 3 x 4096 x 14336 an expert)."""
    active = estimate.active_parameters(46.7e9, 32.0, 8.0, 2.0, 3 * 4096 * 14336.0)
    assert active == pytest.approx(12.9e9, rel=0.01)


def test_chinchilla_tokens_for_70b(law: budget.ScalingLaw) -> None:
    """Compute-optimal tokens for 70B near 1.4T, by the ratio and by the refitted law."""
    tokens = estimate.tokens_at_ratio(70e9, law.tokens_per_parameter)
    assert tokens == pytest.approx(1.4e12)
    by_law = laws.optimal_tokens_for(
        70e9, law.parameter_scale, law.token_scale, law.parameter_exponent, law.token_exponent
    )
    assert by_law == pytest.approx(1.4e12, rel=0.15)


def test_chinchilla_budget(law: budget.ScalingLaw) -> None:
    """Gopher's budget, 5.76e23 FLOP, is best spent on about 70B parameters and 1.4T tokens."""
    best = budget.allocation(70e9, 1.4e12, 5.76e23, law)
    assert best.parameters_optimal == pytest.approx(70e9, rel=0.15)
    assert best.tokens_optimal_for_compute == pytest.approx(1.4e12, rel=0.15)
    assert 6 * best.parameters_optimal * best.tokens_optimal_for_compute == pytest.approx(5.76e23)
    assert best.loss == pytest.approx(best.loss_optimal, rel=0.002)
    assert best.tokens_per_parameter == pytest.approx(20)


def test_overtraining_of_a_small_model(law: budget.ScalingLaw) -> None:
    """Llama 3 8B on 15T tokens is trained about a hundred times longer than its optimum."""
    own = budget.allocation(8e9, 15e12, estimate.dense_training_compute(8e9, 15e12), law)
    assert own.overtraining > 50
    assert own.loss > own.loss_optimal


def test_llama3_own_law(catalog: Catalog) -> None:
    """Llama 3 team 2024, figure 3: 0.299 C^0.537 gives about 16.55T tokens at 3.8e25 FLOP."""
    coefficient = float(catalog.fact("law", "llama3_2024.A_fig3"))
    exponent = float(catalog.fact("law", "llama3_2024.alpha_fig3"))
    assert laws.power_law_tokens(3.8e25, coefficient, exponent) == pytest.approx(16.55e12, rel=0.05)


def test_kaplan_laws(catalog: Catalog) -> None:
    """Kaplan et al. 2020, section 1.2: a loss of 1 at N_c and D_c; doubling N divides the loss by 2^0.076."""
    scale, exponent = (float(catalog.fact("law", f"kaplan2020.{n}")) for n in ("N_c", "alpha_N"))
    assert kaplan_parameter_loss(scale, scale, exponent) == 1
    halved = kaplan_parameter_loss(1e9, scale, exponent) / kaplan_parameter_loss(2e9, scale, exponent)
    assert halved == pytest.approx(2**0.076)
    tokens, decay = (float(catalog.fact("law", f"kaplan2020.{n}")) for n in ("D_c", "alpha_D"))
    assert kaplan_token_loss(22e9, tokens, decay) == pytest.approx(2.1, rel=0.02)


def test_repeated_data_loses_worth(catalog: Catalog) -> None:
    """Muennighoff et al. 2023: four epochs are worth nearly four times the data, forty far less than forty."""
    half_life = float(catalog.fact("constant", "scale.repetition-half-life"))
    assert effective_tokens(4e9, 1e9, half_life) > 3.7e9
    assert effective_tokens(40e9, 1e9, half_life) < 17e9
    assert effective_tokens(0.5e9, 1e9, half_life) == 0.5e9


def test_contexts() -> None:
    """Mean context by the formulas equals the mean over positions."""
    positions = np.arange(1, 4097)
    assert estimate.causal_context(4096.0) == positions.mean()
    assert estimate.window_context(4096.0, 512.0) == pytest.approx(np.minimum(positions, 512).mean())
    assert estimate.window_context(4096.0, 10_000.0) == pytest.approx(positions.mean())
    assert estimate.mixed_context(0.5, 100.0, 50.0) == 75


@given(st.floats(1e8, 1e13), st.floats(1e8, 1e14), st.floats(1.01, 100))
def test_more_costs_more(parameters: float, tokens: float, factor: float) -> None:
    base = estimate.dense_training_compute(parameters, tokens)
    assert estimate.dense_training_compute(parameters * factor, tokens) > base
    assert estimate.affordable_tokens(base, parameters) == pytest.approx(tokens)
    assert estimate.affordable_parameters(base, tokens) == pytest.approx(parameters)


@given(st.floats(1e18, 1e27))
def test_the_optimum_is_the_best_division(compute: float) -> None:
    law = budget.scaling_law(CATALOG)
    exponents = (law.parameter_exponent, law.token_exponent)
    scales = (law.parameter_scale, law.token_scale)
    coefficient = laws.allocation_coefficient(*scales, *exponents)
    best = laws.optimal_parameters(compute, coefficient, *exponents)
    sizes = best * np.array([0.5, 0.9, 1.0, 1.1, 2.0])
    losses = laws.chinchilla_loss(sizes, compute / (6 * sizes), law.irreducible, *scales, *exponents)
    assert losses.argmin() == 2


@given(st.floats(1, 1e6), st.floats(0, 1))
def test_amdahl(workers: float, serial: float) -> None:
    speedup = estimate.amdahl_speedup(workers, serial)
    assert 1 - 1e-9 <= speedup <= workers * (1 + 1e-9)
    assert serial == 0 or speedup <= (1 / serial) * (1 + 1e-9)


def test_the_trail_is_unbroken(catalog: Catalog) -> None:
    with Ledger() as ledger:
        parameters = ledger.field("parameters", 70e9, "parameter", "Parameters")
        tokens = ledger.field("tokens", 1.4e12, "token", "Tokens")
        sizes = [ledger.field(n, v, u, n) for n, v, u in (("l", 80, "1"), ("w", 8192, "1"), ("s", 4096, "token"))]
        spent = budget.training_compute(parameters, tokens, *sizes)
        found = budget.allocation(parameters, tokens, spent.total, budget.scaling_law(catalog, ledger.fact))
        ledger.name("scale.loss", found.loss)
    assert ledger.orphans() == []
    assert ledger.exceeded() == []
    assert {leaf.kind for leaf in ledger.named["scale.loss"].leaves()} == {"field", "fact"}
