"""The published confidence intervals come out of the answer: Besiroglu et al. 2024 and their joint fit."""

from __future__ import annotations

import numpy as np
import pytest

from navarch.catalog import Catalog, load
from navarch.catalog.errors import CatalogError
from navarch.core.arithmetic import ratio
from navarch.core.ledger import Entry, Ledger, Value
from navarch.core.uncertainty import Uncertainty, propagate
from navarch.fleet.scale import laws
from navarch.fleet.scale.budget import scaling_law
from navarch.fleet.scale.fits import fitted
from navarch.fleet.scale.fitting import LEAST_RUNS, fit, without_worst
from navarch.fleet.scale.optimum import by_ratio, parametric, through_a_point

CHINCHILLA = 6 * 70e9 * 1.4e12
PUBLISHED_ERRORS = {"A": 124.58, "B": 1293.23, "E": 0.03, "alpha": 0.02, "beta": 0.02}
PUBLISHED_ERROR_OF_A = 0.018  # of beta / (alpha + beta)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load()


def tokens_per_parameter(compute: float, catalog: Catalog) -> tuple[Uncertainty, Entry]:
    with Ledger() as ledger:
        budget = ledger.field("compute", compute, "FLOP", "Compute")
        found = parametric(budget, catalog, take=ledger.fact)
    return propagate(ledger, samples=40_000), found.tokens_per_parameter.entry


def test_standard_errors_are_those_of_the_paper(catalog: Catalog) -> None:
    """Table 1: A 124.58, B 1293.23, E 0.03, alpha 0.02, beta 0.02, and 0.018 for a = beta / (alpha + beta)."""
    with Ledger() as ledger:
        law = {name: ledger.fact(f) for name, f in fitted(catalog, "besiroglu2024").items() if f.joint is not None}
        ratio(law["alpha"], law["beta"])
    drawn = {name: propagate(ledger, 40_000).samples[value.entry.number] for name, value in law.items()}
    for name, published in PUBLISHED_ERRORS.items():
        rounding = 0.006 if published < 1 else 0.0
        tail = 0.25 if name == "B" else 0.05  # resamples of B reach further up than a log-normal
        assert np.std(drawn[name]) == pytest.approx(published, rel=tail, abs=rounding), name
    exponent = drawn["beta"] / (drawn["alpha"] + drawn["beta"])
    assert np.std(exponent) == pytest.approx(PUBLISHED_ERROR_OF_A, abs=0.002)


def test_tokens_per_parameter_at_the_budget_of_chinchilla(catalog: Catalog) -> None:
    """The paper's figure of the optimal ratio: about 20, the 80 % band around it, and Chinchilla inside.

    The bootstrap that the covariance comes from has 10 to 29 (80 %) and 7.7 to 35 (95 %) there.
    """
    found, entry = tokens_per_parameter(CHINCHILLA, catalog)
    assert entry.value == pytest.approx(20, rel=0.1)
    low, high = found.interval(entry)
    assert low < 20 < high
    assert (low, high) == (pytest.approx(10.5, rel=0.1), pytest.approx(30, rel=0.1))
    low, high = found.interval(entry, 0.95)
    assert (low, high) == (pytest.approx(8.0, rel=0.1), pytest.approx(38, rel=0.15))


def test_tokens_per_parameter_far_beyond_the_data(catalog: Catalog) -> None:
    """Section 4: from 1e26 FLOP on the 80 % band is consistent with 4 to 40 tokens a parameter."""
    bands = [found.interval(entry) for found, entry in (tokens_per_parameter(c, catalog) for c in (1e26, 1e27, 1e28))]
    assert min(low for low, _ in bands) == pytest.approx(4, abs=1.5)
    assert max(high for _, high in bands) == pytest.approx(40, rel=0.1)


def test_one_by_one_would_be_absurd(catalog: Catalog) -> None:
    """The same constants sampled independently give an interval wider by more than a factor of ten at each end."""
    found, entry = tokens_per_parameter(CHINCHILLA, catalog)
    with Ledger() as ledger:
        alone = [ledger.fact(catalog.fact("law", f"besiroglu2024.{n}")) for n in ("A", "B", "alpha", "beta")]
        budget = ledger.field("compute", CHINCHILLA, "FLOP", "Compute")
        coefficient = laws.allocation_coefficient(*alone)
        apart = ratio(
            laws.optimal_tokens(budget, coefficient, *alone[2:]),
            laws.optimal_parameters(budget, coefficient, *alone[2:]),
        )
    low, high = found.interval(entry)
    wide_low, wide_high = propagate(ledger, 40_000).interval(apart.entry)
    assert wide_low < low / 10 and wide_high > high * 10


def test_loss_where_the_runs_were_is_known_within_a_per_cent(catalog: Catalog) -> None:
    with Ledger() as ledger:
        law = scaling_law(catalog, ledger.fact)
        sizes = [ledger.field(n, v, u, n) for n, v, u in (("n", 1e9, "parameter"), ("d", 2e10, "token"))]
        loss = _loss(law, *sizes)
    low, high = propagate(ledger).interval(loss.entry)
    assert (high - low) / loss < 0.01


def _loss(law, parameters: Value, tokens: Value) -> Value:
    scales, exponents = (law.parameter_scale, law.token_scale), (law.parameter_exponent, law.token_exponent)
    return laws.chinchilla_loss(parameters, tokens, law.irreducible, *scales, *exponents)


@pytest.mark.parametrize(("law", "low", "high"), [("hoffmann2022_approach1", 0.488, 0.502),
                                                  ("hoffmann2022_approach2", 0.462, 0.534)])  # fmt: skip
def test_the_exponents_interval_turns_about_the_data(law: str, low: float, high: float, catalog: Catalog) -> None:
    """A row of the paper's table is the pivot: no width there, and the published exponents' width far away."""
    with Ledger() as ledger:
        pivot, far = (ledger.field(n, c, "FLOP", n) for n, c in (("near", 1.2e20), ("far", 1.2e24)))
        near, away = (through_a_point(c, catalog, law, ledger.fact).parameters for c in (pivot, far))
    found = propagate(ledger, 40_000)
    ends = found.interval(near.entry)
    assert ends[1] / ends[0] < 1.01
    ends = found.interval(away.entry)
    assert ends == (pytest.approx(1e9 * 1e4**low, rel=0.02), pytest.approx(1e9 * 1e4**high, rel=0.02))


def test_the_rule_of_thumb_has_its_range(catalog: Catalog) -> None:
    with Ledger() as ledger:
        found = by_ratio(ledger.field("c", 1e24, "FLOP", "C"), catalog, ledger.fact)
    low, high = propagate(ledger).interval(found.tokens_per_parameter.entry)
    assert (low, high) == (pytest.approx(16, rel=0.02), pytest.approx(26, rel=0.02))


# The catalog's covariance, and how one is got


def test_constants_of_a_law_without_covariance_stand_alone(catalog: Catalog) -> None:
    assert all(fact.joint is None for fact in fitted(catalog, "kaplan2020").values())
    assert fitted(catalog, "besiroglu2024")["alpha"].joint.members[3] == "law/besiroglu2024.alpha"


def test_an_unknown_law_is_named(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match=r"no law 'nobody2030'; it has: .*besiroglu2024"):
        fitted(catalog, "nobody2030")


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"a": 1, "cov.a.a": 1, "cov.a.b": 0.1, "cov.b.b": 1}, "names b, which is no constant"),
        ({"a": 1, "b": 1, "cov.a.a": 1, "cov.b.b": 1}, "covariance of a and b is missing"),
        ({"a": 1, "b": 1, "cov.a.a": 1, "cov.a.b": 2, "cov.b.b": 1}, "is not one"),
    ],
)
def test_a_covariance_that_is_none_is_refused(entries: dict[str, float], told: str, tmp_path) -> None:
    lines = "".join(f"  - {{id: own.{k}, value: {v}, unit: '1', source: me}}\n" for k, v in entries.items())
    path = tmp_path / "own.yaml"
    path.write_text(f"collection: law\nentries:\n{lines}")
    with pytest.raises(CatalogError, match=told):
        fitted(load((path,)), "own")


def test_fitting_finds_the_law_that_made_the_runs() -> None:
    """Runs made by the published law with errors of 0.5 %: the constants come back, and the covariance covers them."""
    stream = np.random.default_rng(3)
    size, tokens = np.exp(stream.uniform(np.log([[5e7], [5e8]]), np.log([[2e10], [5e11]]), (2, 200)))
    truth = {"A": 482.01, "B": 2085.43, "E": 1.8172, "alpha": 0.3478, "beta": 0.3658}
    losses = laws.chinchilla_loss(size, tokens, *(truth[n] for n in ("E", "A", "B", "alpha", "beta")))
    found = fit(size, tokens, losses * np.exp(0.005 * stream.standard_normal(200)), resamples=60)
    errors = np.sqrt(np.diag(found.covariance))
    wanted = [np.log(truth[n]) for n in ("A", "B", "E")] + [truth["alpha"], truth["beta"]]
    assert np.all(np.abs(found.constants - wanted) < 4 * errors)
    assert found.values["alpha"] == pytest.approx(0.3478, abs=0.03)
    correlation = found.covariance[0, 3] / (errors[0] * errors[3])
    assert correlation > 0.99
    again = fit(size, tokens, losses, resamples=2, seed=1)
    assert again.constants == pytest.approx(wanted, rel=1e-3)


def test_fitting_refuses_what_is_no_run() -> None:
    with pytest.raises(ValueError, match=f"give {LEAST_RUNS} runs or more"):
        fit(np.ones(3), np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="must be positive"):
        fit(np.zeros(20), np.ones(20), np.ones(20))


def test_the_worst_runs_are_left_out() -> None:
    losses = np.array([3.0, 5.0, 2.0, 4.0])
    assert without_worst(losses, 2).tolist() == [True, False, True, False]
    assert without_worst(losses, 0).all()
