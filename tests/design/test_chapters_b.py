"""The chapters on workload, carbon, cost, storage, orchestration, edge, operations and safety."""

from __future__ import annotations

from pathlib import Path

import pytest

from navarch.catalog import load
from navarch.core.ledger import Entry
from navarch.design.chapters import carbon, cost, edge, operations, orchestration, safety, storage, workload
from navarch.design.chapters.reading import kept, origin, triggers
from navarch.design.document.model import DecisionBlock, Section, numbers_in
from navarch.design.document.prose import Number, Prose, say
from navarch.design.document.wording import words
from navarch.design.evaluation import evaluate
from navarch.design.evaluation.result import Constraint, Evaluation
from navarch.design.reader import read_design
from navarch.design.spec import Design

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
CHAPTERS = (workload, carbon, cost, storage, orchestration, edge, operations)
SERVES = {"name": "Serve", "workload": {"model": "llama3.1-8b"}, "serving": {"requests": "100 requests/s"}}
TRAINS = {
    "name": "Train",
    "workload": {"model": "llama3.1-8b", "tokens": "chinchilla"},
    "cluster": {"node": "dgx-h100", "nodes": 8},
}
BOTH = {**TRAINS, "serving": SERVES["serving"], "edge": {"ambient": "25 degC"}}


def designed(**changes) -> Evaluation:
    return evaluate(Design.of({**BOTH, **changes}), load())


def sections_of(evaluation: Evaluation) -> dict[str, Section]:
    made = [m.chapter(evaluation) for m in CHAPTERS] + safety.chapters(evaluation)
    return {s.key: s for s in made if s is not None}


def text(section: Section) -> str:
    """All prose of a section in one line."""

    def runs(content):
        if isinstance(content, Prose):
            yield words(content)
        elif isinstance(content, tuple):
            for item in content:
                yield from runs(item)
        elif hasattr(content, "__dataclass_fields__") and not isinstance(content, (Number, Entry)):
            for each in content.__dataclass_fields__:
                yield from runs(getattr(content, each))

    return " ".join(said for said in runs(section.blocks) if said)


def numbered(section: Section, title: str) -> float:
    """The value of the number in a section whose ledger entry has this title."""
    return next(n.entry.value for n in numbers_in(section.blocks) if n.entry.title == title)


@pytest.fixture(scope="module")
def both() -> Evaluation:
    return designed()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_examples_have_all_their_sections(path: Path):
    evaluation = evaluate(read_design(path), load())
    before = set(evaluation.ledger.orphans())
    sections = sections_of(evaluation)
    expected = {"workload", "carbon", "cost", "storage", "orchestration", "robustness"}
    if evaluation.spec.serves:
        expected |= {"operations", "users"}
    if evaluation.spec.given("edge"):
        expected |= {"edge"}
    assert set(sections) == expected
    assert set(evaluation.ledger.orphans()) == before == set()
    for section in sections.values():
        assert section.summary
        assert section.blocks
        for number in numbers_in(section):
            assert evaluation.ledger.entries[number.entry.number - 1] is number.entry


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_every_decision_tells_why_how_firm_and_when_to_think_again(path: Path):
    evaluation = evaluate(read_design(path), load())
    for section in sections_of(evaluation).values():
        for block in section.blocks:
            if isinstance(block, DecisionBlock):
                told = (block.decision, block.why, block.sensitivity, block.revisit)
                assert all(told), section.key
                assert list(numbers_in(block.revisit)) or section.key == "cost", section.key
                assert not words(block.revisit).startswith(("Or ", "or ", "now"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_prose_reads_as_sentences(path: Path):
    evaluation = evaluate(read_design(path), load())
    for key, section in sections_of(evaluation).items():
        told = text(section)
        for flaw in ("  ", " .", " ,", "..", "{", "}", " nan", "Or when Or"):
            assert flaw not in told, (key, flaw, told)


def test_a_service_alone_has_no_training_sections():
    sections = sections_of(evaluate(Design.of(SERVES), load()))
    assert set(sections) == {"workload", "carbon", "cost", "operations", "users"}
    assert "raining" not in text(sections["workload"])


def test_a_run_alone_has_no_serving_sections():
    sections = sections_of(evaluate(Design.of(TRAINS), load()))
    assert set(sections) == {"workload", "carbon", "cost", "storage", "orchestration", "robustness"}


def test_chapters_built_twice_say_the_same(both: Evaluation):
    first, second = sections_of(both), sections_of(both)
    assert {k: text(s) for k, s in first.items()} == {k: text(s) for k, s in second.items()}


def test_origin_names_what_it_does_not_find(both: Evaluation):
    with pytest.raises(KeyError, match="was not calculated from 'colour'"):
        origin(both.quantities["cost.owned"], "colour")


def test_triggers_leave_out_what_is_missing():
    assert words(triggers(None, say("a falls."), None, say("b rises."))) == "a falls. Or when b rises."
    assert not triggers(None)


def test_the_grid_trigger_meets_the_budget_exactly():
    evaluation = designed(carbon={"budget": "60 t CO2e"})
    q = evaluation.quantities
    section = sections_of(evaluation)["carbon"]
    level = numbered(section, "Grid intensity at which the carbon budget is just met")
    grid = origin(q["training.operational_carbon"], "intensity")
    at_work = q["carbon.operational"] * level / grid
    assert at_work + q["carbon.embodied"] == pytest.approx(60_000)
    assert "the budget is then missed" in text(section)


def test_a_budget_under_the_making_of_the_hardware_cannot_be_met_by_the_grid():
    evaluation = designed(carbon={"budget": "1 t CO2e"})
    told = text(sections_of(evaluation)["carbon"])
    assert "the making of the hardware alone passes it" in told
    assert "is missed, by" in told


def test_a_budget_without_the_making_of_the_hardware_leaves_it_out():
    evaluation = designed(carbon={"budget": "60 t CO2e", "embodied": False})
    section = sections_of(evaluation)["carbon"]
    level = numbered(section, "Grid intensity at which the carbon budget is just met")
    grid = origin(evaluation.quantities["training.operational_carbon"], "intensity")
    assert evaluation.quantities["carbon.operational"] * level / grid == pytest.approx(60_000)
    assert "counted without the making of the hardware" in text(section)


def test_the_price_of_carbon_is_what_the_cleaner_region_costs(both: Evaluation):
    here = both.decisions["site"].alternatives[0].metrics
    other = min((p for p in both.curves["regions"] if not p.chosen), key=lambda p: float(p.carbon))
    section = sections_of(both)["carbon"]
    price = numbered(section, f"Price of carbon at which {other.name} costs the same")
    assert price == pytest.approx((other.cost - here["energy cost"]) / (here["carbon"] - other.carbon))


def test_owning_that_costs_more_than_renting_is_said(both: Evaluation):
    alone = evaluate(Design.of(SERVES), load())
    assert alone.quantities["cost.rented_for_horizon"] < alone.quantities["cost.owned"]
    assert alone.decisions["cost"].chosen == "rent"
    assert "For this work renting is the cheaper" in text(sections_of(alone)["cost"])
    asked = evaluate(Design.of({**SERVES, "cost": {"ownership": "own"}}), load())
    assert "Renting costs less even for the whole time" in text(sections_of(asked)["cost"])
    q = both.quantities
    assert q["cost.rented_for_work"] < q["cost.owned"] < q["cost.rented_for_horizon"]
    assert "the work alone is cheaper rented" in text(sections_of(both)["cost"])


def test_the_price_of_equipment_that_meets_a_cost_budget():
    evaluation = designed(cost={"budget": "4 million USD", "ownership": "own"})
    q = evaluation.quantities
    section = sections_of(evaluation)["cost"]
    change = numbered(section, "Change of the price of equipment at which the budget is met")
    fixed = sum(q[f"cost.line_{n}"] for n in ("energy", "staff", "facility"))
    assert fixed + (q["cost.owned"] - fixed) * (1 + change) == pytest.approx(4e6)
    assert "is missed, by" in text(section)


def test_a_cost_budget_under_energy_and_staff_cannot_be_met():
    evaluation = designed(cost={"budget": "10000 USD", "ownership": "own"})
    assert "Energy, staff and building alone" in text(sections_of(evaluation)["cost"])


def test_renting_tells_the_rent_and_what_owning_would_cost():
    evaluation = designed(cost={"ownership": "cloud", "budget": "1000 USD"})
    told = text(sections_of(evaluation)["cost"])
    assert "Rent the machines for the work." in told
    assert "What owning the same machines would cost" in told
    assert "Rents would have to move by" in told


def test_storage_that_is_too_small_is_said():
    evaluation = designed(storage={"system": "nvme-gen4", "units": 1, "retained_checkpoints": 200})
    told = text(sections_of(evaluation)["storage"])
    assert "The design has only 1." in told
    assert "It falls short by" in told
    assert "1 unit of" in told


def test_heat_that_limits_a_device_is_said_and_the_air_that_frees_it(both: Evaluation):
    hot = designed(edge={"ambient": "60 degC"})
    section = sections_of(hot)["edge"]
    told = text(section)
    assert "Heat limits the device" in told
    assert "heat then no longer limits it" in told
    air = numbered(section, "Temperature of the air at which heat limits the device")
    assert 0 < air < 60
    cool = sections_of(both)["edge"]
    assert "heat does not limit it" in text(cool)
    assert numbered(cool, "Temperature of the air at which heat limits the device") == pytest.approx(air)


def test_the_pace_at_which_cloud_and_device_are_equal(both: Evaluation):
    q = both.quantities
    title = "Time per output token at which the cloud is as fast as the device"
    even = numbered(sections_of(both)["edge"], title)
    output, pace = (origin(q["edge.cloud_latency"], n) for n in ("output", "per_token"))
    assert q["edge.cloud_latency"] + output * (even - pace) == pytest.approx(q["edge.latency"])


def test_different_models_on_device_and_in_the_cloud_are_not_compared_in_quality(both: Evaluation):
    assert "The two do not answer alike" in text(sections_of(both)["edge"])
    same = designed(edge={"model": "llama3.1-8b"})
    assert "The two do not answer alike" not in text(sections_of(same)["edge"])


def test_an_objective_looser_than_the_promise_is_said():
    serving = {**SERVES["serving"], "availability": "99.99 %"}
    loose = designed(serving=serving, operations={"slo": "99.9 %"})
    assert "looser than the availability promised" in text(sections_of(loose)["operations"])
    same = designed(serving=serving)
    assert "looser than the availability promised" not in text(sections_of(same)["operations"])


def test_the_traffic_at_which_a_canary_takes_the_window(both: Evaluation):
    q = both.quantities
    least = numbered(sections_of(both)["operations"], "Traffic at which a canary takes the ticket's window")
    share = origin(q["operations.canary_duration"], "share")
    assert q["operations.canary_sample"] / (share * least) == pytest.approx(q["operations.ticket.window"])


def test_private_training_has_its_section_and_says_its_price():
    evaluation = designed(privacy={"method": "ghost", "noise_multiplier": 0.8})
    sections = sections_of(evaluation)
    assert "Train with DP-SGD, ghost clipping." in text(sections["privacy"])
    assert "no guarantee of differential privacy" not in text(sections["robustness"])


def test_adversarial_training_is_told_where_it_is_asked_for():
    asked = text(sections_of(designed(robustness={"adversarial_steps": 3}))["robustness"])
    assert "Adversarial training stretches the steps that it covers" in asked
    none = text(sections_of(designed(robustness={"adversarial_steps": 0}))["robustness"])
    assert "There is no adversarial training." in none


def test_users_beyond_the_limit_are_said():
    serving = {**SERVES["serving"], "ttft": "350 ms"}
    told = text(sections_of(designed(serving=serving))["users"])
    assert "of the users live where the mean wait is over the 350 ms promised" in told
    assert "a second site can be had" in told


def test_kept_tells_the_gap_of_a_limit_that_is_missed():
    evaluation = designed(site={"power_limit": "50 kW"})
    limit: Constraint = next(c for c in evaluation.constraints if c.field == "site.power_limit")
    with evaluation.ledger:
        told = kept(limit)
    gap = next(n.entry.value for n in numbers_in(told))
    assert gap == pytest.approx(limit.designed - limit.asked)
    assert words(told).startswith("missed, by")


def test_what_the_scaling_law_says_has_the_interval_of_its_fit(both: Evaluation):
    section = sections_of(both)["workload"]
    for name in ("loss", "optimal_parameters", "optimal_tokens_parametric", "overtraining"):
        value = both.quantities[f"scale.{name}"]
        low, high = both.uncertainty.interval(value.entry)
        assert low < value < high, name
        told = [n for n in numbers_in(section) if n.entry is value.entry]
        assert any(n.interval for n in told), name
    spread = {n: both.uncertainty.interval(both.quantities[n].entry) for n in ("scale.loss", "scale.optimal_loss")}
    assert all(high / low < 1.1 for low, high in spread.values()), "constants that vary together, not one by one"
    assert "whose constants are sampled together" in text(section)
