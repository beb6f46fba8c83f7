"""Objectives: what a step costs, draws and emits, and the front over fleets of several sizes."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.core.ledger import Ledger
from navarch.distributed.training.legality import InfeasibleError
from navarch.distributed.training.objectives import (
    OBJECTIVES,
    Option,
    Rates,
    best_of,
    choose_fleets,
    front_of,
    objectives_of,
    options_of,
    power_share,
    rates_of,
    step_carbon,
    step_cost,
    step_energy,
)
from navarch.distributed.training.strategy import choose

KWH, HOUR = 3.6e6, 3600.0
SIZES = (32, 64, 128)


@pytest.fixture(scope="module")
def rates(catalog) -> Rates:
    """Two dollars an hour, and 400 g/kWh."""
    return rates_of(catalog, catalog.get("node", "dgx-h100"), price=2 / HOUR, intensity=0.4 / KWH)


@pytest.fixture(scope="module")
def fleets(llama8b, h100, runtime):
    return choose_fleets(llama8b, h100, runtime, SIZES, 256, 8192)


@pytest.fixture(scope="module")
def options(fleets, h100, rates) -> list[Option]:
    return options_of(fleets, float(h100.memory), rates)


def test_what_a_step_costs_draws_and_emits() -> None:
    assert step_cost(1000, 36.0, 2 / HOUR) == pytest.approx(20.0)
    power = power_share(10200.0, 8, 0.8)
    assert power == pytest.approx(1020.0)
    energy = step_energy(1000, 36.0, power)
    assert energy / KWH == pytest.approx(10.2)
    assert step_carbon(energy, 1.25, 0.4 / KWH) == pytest.approx(5.1)


def test_the_catalog_has_the_power_of_a_node(catalog, rates) -> None:
    node = catalog.get("node", "dgx-h100")
    share = float(node.power) / float(node.accelerators)
    assert rates.power == pytest.approx(share * float(catalog.fact("constant", "sustainability.power-utilisation")))
    assert rates.pue == float(catalog.fact("constant", "sustainability.pue"))
    assert all(rates.knows(name) for name in OBJECTIVES)


def test_what_is_not_known_is_not_told(catalog) -> None:
    bare = rates_of(catalog, catalog.get("node", "dgx-h100"))
    assert [name for name in OBJECTIVES if not bare.knows(name)] == ["cost", "carbon"]
    told = objectives_of(8, 1.0, 0.4, 0.1, Rates())
    assert told.known() == ("time", "mfu", "headroom")


def test_under_a_ledger_the_rates_are_facts(catalog) -> None:
    with Ledger() as ledger:
        price = ledger.field("price", 2 / HOUR, "USD/s", "Price")
        intensity = ledger.field("intensity", 0.4 / KWH, "kgCO2e/J", "Intensity")
        rates = rates_of(catalog, catalog.get("node", "dgx-h100"), price, intensity, take=ledger.fact)
        sizes = [ledger.field(name, value, unit, name) for name, value, unit in
                 (("n", 64.0, "1"), ("t", 3.0, "s"), ("mfu", 0.4, "fraction"), ("free", 0.1, "fraction"))]  # fmt: skip
        told = objectives_of(*sizes, rates)
    assert ledger.orphans() == []
    assert all(hasattr(getattr(told, f.name), "entry") for f in fields(told))


def test_every_size_is_searched(fleets, llama8b, h100, runtime) -> None:
    for fleet in fleets:
        alone = choose(llama8b, h100, runtime, fleet.accelerators, 256, 8192)
        assert fleet.choice.best.plan == alone.best.plan
        assert (fleet.choice.considered, fleet.choice.feasible) == (alone.considered, alone.feasible)


def test_on_one_fleet_every_rate_follows_the_time(options) -> None:
    own = [option for option in options if option.accelerators == 64]
    by_time = sorted(own, key=lambda option: option.objectives.time)
    for name in ("cost", "energy", "carbon", "mfu"):
        assert sorted(own, key=lambda option: option.objectives.to_minimise(name)) == by_time
        assert best_of(own, name) is best_of(own, "time")


def test_more_accelerators_are_faster_and_cost_more(options) -> None:
    fastest, cheapest = best_of(options, "time"), best_of(options, "cost")
    assert fastest.accelerators == max(SIZES)
    assert cheapest.accelerators < fastest.accelerators
    assert cheapest.objectives.cost < fastest.objectives.cost
    assert best_of(options, "energy") is cheapest and best_of(options, "carbon") is cheapest
    assert best_of(options, "mfu") is cheapest  # the same operations, on accelerators that cost the same


def test_headroom_is_what_the_leanest_plan_leaves(options, fleets, h100) -> None:
    leanest = best_of(options, "headroom")
    assert leanest.objectives.headroom == max(option.objectives.headroom for option in options)
    assert leanest.objectives.headroom == pytest.approx(1 - leanest.candidate.memory / float(h100.memory))


@given(st.permutations(OBJECTIVES), st.integers(1, len(OBJECTIVES)))
@settings(max_examples=40)
def test_no_option_beats_the_front(options, names, how_many) -> None:
    names = names[:how_many]
    front = front_of(options, names)

    def values(option: Option) -> np.ndarray:
        return np.array([option.objectives.to_minimise(name) for name in names])

    assert front
    for kept in front:
        assert not any(
            np.all(values(other) <= values(kept)) and np.any(values(other) < values(kept)) for other in options
        )
    for other in options:
        assert any(np.all(values(kept) <= values(other)) for kept in front)
    assert best_of(options, names[0]).objectives.to_minimise(names[0]) == values(front[0])[0]


def test_a_fleet_without_a_plan_says_why(llama405b, h100, runtime) -> None:
    fixed = {"tensor": 16}
    fleets = choose_fleets(llama405b, h100, runtime, (64, 1000, 1024), 1024, 8192, fixed)
    small, odd, large = fleets
    assert small.choice is None and "legal plans fits" in str(small.infeasible)
    assert odd.choice is None and odd.infeasible.field == "tensor"
    assert large.choice is not None and large.infeasible is None
    with pytest.raises(InfeasibleError):
        choose_fleets(llama405b, h100, runtime, (64, 1000), 1024, 8192, fixed)


def test_progress_names_the_fleet(llama8b, h100, runtime) -> None:
    told = []
    choose_fleets(llama8b, h100, runtime, SIZES, 256, 8192, progress=lambda *said: told.append(said))
    assert [size for size, done, every in told if done == every] == list(SIZES)
