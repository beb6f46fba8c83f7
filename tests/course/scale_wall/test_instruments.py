"""The instruments of Lab 01: known answers, simulation beside estimate, what replays, and every figure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from navarch.catalog import load
from navarch.core.plot import to_svg
from navarch.core.quantity import parse
from navarch.course.errors import CourseError
from navarch.course.instrument import Shown, differences, instrument_named
from navarch.course.scale_wall import challenge, failures, figures, loss, measured, more, pipelines, wall, words
from navarch.course.scale_wall.surprise import answers, failure_inputs, more_inputs, wall_inputs
from navarch.course.scale_wall.variant import variant_of

SEED = 5
VARIANT = variant_of(SEED)
RATE = 2e11


@pytest.fixture(scope="module")
def shown() -> dict[str, Shown]:
    """Everything that the lab shows to one student."""
    told = dict(answers(VARIANT))
    told |= {
        "machines": wall.this_machine(
            run=VARIANT.run, rate=RATE, machine="a laptop", recorded=False, deadline=VARIANT.deadline
        ),
        "run": failures.run_failures(**failure_inputs(VARIANT), interval=1800.0, seed=1),
        "records": failures.by_record(accelerators=VARIANT.fleet, period=VARIANT.period),
        "published": more.published_scaling(),
        "pipelines": pipelines.where_a_step_goes(**more_inputs(VARIANT.training)),
        "landscape": challenge.landscape(seed=SEED, accelerators=challenge.start_fleet()),
        "before": loss.before(money=VARIANT.money, price=VARIANT.price),
        "provocation": failures.provocation(),
        "score": challenge.score(
            seed=SEED, parameters=challenge.start_size(), tokens=challenge.start_amount(),
            accelerators=challenge.start_fleet(),
        ),
        "best": challenge.best(seed=SEED),
    }  # fmt: skip
    return told


def test_the_provocations_fleet_is_interrupted_1066_times() -> None:
    told = failures.provocation()
    assert told["interruptions"].shown == "1,066"
    assert told["interruptions"].low < 1066 < told["interruptions"].high
    assert told["between"].value == pytest.approx(90 * 86400 / 1065.57, rel=1e-4)


def test_the_record_of_the_lab_is_reproduced() -> None:
    found = failures.interruptions(accelerators=16384, period=54 * 86400.0, record="llama3-2024")
    assert found["interruptions"].value == pytest.approx(419)


def test_llama_on_one_h100_takes_three_thousand_years() -> None:
    found = wall.one_accelerator(run="Llama 3.1 405B", accelerator="h100-sxm", deadline=54 * 86400.0)
    years = 3.8e25 / (989.4e12 * 0.39) / (365 * 86400)
    assert found["alone"].value == pytest.approx(years * 365 * 86400)
    assert 3000 < years < 3300
    assert 16384 < found["fleet"].value < 30000  # Meta had 16,384 and took 80 days
    times = {row["accelerators"]: row["time"] for row in found.rows}
    assert times[1] == pytest.approx(1024 * times[1024])


def test_the_simulation_tends_to_the_estimate(shown: dict[str, Shown]) -> None:
    run = shown["run"]
    expected = run["estimate"].value
    assert run["interruptions"].value == pytest.approx(expected, abs=4 * math.sqrt(expected / failures.RUNS))
    assert run["difference"].value == pytest.approx(run["interruptions"].value / expected - 1)
    for key in ("useful", "repeated", "restarting", "checkpointing"):
        assert run[key].value == pytest.approx(run[f"{key}_estimate"].value, abs=4e-3)
    assert len(run.rows) == round(VARIANT.period / 86400)
    assert failures.compared(run)[0]["what"] == "Interruptions"


def test_another_draw_gives_other_failures_and_the_same_mean() -> None:
    one, other = (failures.run_failures(**failure_inputs(VARIANT), interval=1800.0, seed=n) for n in (1, 2))
    assert one.rows != other.rows
    assert one["interruptions"].value == pytest.approx(other["interruptions"].value, rel=0.02)


def test_more_never_gives_less_than_the_fleet_or_more_than_ideal(shown: dict[str, Shown]) -> None:
    told = shown["sixteen"]
    assert 1 <= told["speedup"].value <= 16
    assert told["dearer"].value == pytest.approx(16 / told["speedup"].value)
    assert told["speedup"].value == pytest.approx(max(row["speedup"] for row in told.rows))
    for row in told.rows:
        assert row["rule"] <= row["multiple"] + 1e-9


def test_a_step_is_the_sum_of_its_parts_and_its_pipeline_runs_as_estimated(shown: dict[str, Shown]) -> None:
    told, best = shown["pipelines"], shown["sixteen"]
    assert [row["step"] for row in told.rows] == [row["step"] for row in best.rows]
    for row in told.rows:
        parts = [row[name] for name in pipelines.PARTS]
        assert sum(parts) == pytest.approx(row["step"], rel=1e-9)
        assert row["simulated"] == pytest.approx(row["waiting"], rel=0.08)
    assert [row["accelerators"] for row in pipelines.compared(told)] == [f"{r['accelerators']:,}" for r in told.rows]
    first, last = (told[f"x{k}_simulated"].value for k in (1, 16))
    assert last > 3 * first


def test_a_fleet_without_a_plan_is_an_answer() -> None:
    told = more.more_accelerators(
        model="mt-nlg-530b", node="dgx-a100-640", accelerators=8, sequences=1024, sequence=2048
    )
    assert told["plan"].value.startswith("none: ")
    assert told.rows == ()
    for draw in (figures.sixteen, figures.costs):
        assert "<svg" in to_svg(draw(told))
    nothing = pipelines.where_a_step_goes(
        model="mt-nlg-530b", node="dgx-a100-640", accelerators=8, sequences=1024, sequence=2048
    )
    assert "x1_simulated" not in nothing.readings
    assert "<svg" in to_svg(figures.where(nothing))


def test_the_model_is_near_what_others_measured(shown: dict[str, Shown]) -> None:
    """Speed-ups of the best plans beside MegaScale's: within a fifth on every fleet."""
    rows = shown["published"].rows
    modelled = {
        (row["series"].split(", ")[1], row["accelerators"]): row["speedup"]
        for row in rows
        if "navarch" in row["series"]
    }
    measured_ = [row for row in rows if row["series"].startswith("MegaScale")]
    assert len(measured_) == 8
    for row in measured_:
        batch = row["series"].split(", ")[1]
        assert modelled[batch, row["accelerators"]] == pytest.approx(row["speedup"], rel=0.2)


def test_the_loss_has_the_joint_interval_of_the_fit() -> None:
    """Constants drawn together give a narrower band than the same constants drawn one by one."""
    from dataclasses import replace

    from navarch.core.ledger import Ledger
    from navarch.core.uncertainty import propagate
    from navarch.fleet.scale import laws
    from navarch.fleet.scale.fits import parametric_constants

    widths = []
    for joint in (True, False):
        with Ledger() as ledger:
            taken = [
                f if joint else replace(f, joint=None) for f in parametric_constants(load(), "besiroglu2024", _same)
            ]
            size = [ledger.field("n", 1e11, "parameter", "N"), ledger.field("d", 2e12, "token", "D")]
            value = laws.chinchilla_loss(*size, *(ledger.fact(f) for f in taken))
        low, high = propagate(ledger, 10_000, 1, [value.entry]).interval(value.entry)
        widths.append(high - low)
    assert widths[0] < 0.8 * widths[1]
    found = loss.loss_of_money(money=1e8, price="nebius-h100-od")
    assert found["loss"].low < found["loss"].value < found["loss"].high
    assert found["irreducible"].value < found["loss_ten"].value < found["loss"].value


def _same(fact: Any) -> Any:
    return fact


def test_the_curve_of_the_loss_passes_through_the_answer(shown: dict[str, Shown]) -> None:
    rows = {row["money"]: row["loss"] for row in shown["loss"].rows}
    assert rows[VARIANT.money] == pytest.approx(shown["loss"]["loss"].value)
    assert rows[VARIANT.money / 1e4] == pytest.approx(shown["before"]["loss_0"].value, rel=1e-9)
    losses = list(rows.values())
    assert losses == sorted(losses, reverse=True)


def test_this_machine_takes_the_compute_over_its_rate(shown: dict[str, Shown]) -> None:
    told = shown["machines"]
    compute = answers(VARIANT)["years"]["compute"].value
    assert told["alone"].value == pytest.approx(compute / RATE)
    assert told["machines"].value == math.ceil(compute / RATE / VARIANT.deadline)
    kinds = [row["kind"] for row in told.rows]
    assert kinds.count("measured now") == 1
    assert "recorded" in kinds
    elsewhere = wall.this_machine(
        run=VARIANT.run, rate=RATE, machine="a laptop", recorded=True, deadline=VARIANT.deadline
    )
    assert "measured now" not in [row["kind"] for row in elsewhere.rows]


def test_recorded_machines_say_what_and_when_and_no_more() -> None:
    machines = measured.recorded_machines()
    assert machines
    for told, rate in machines.items():
        assert rate > 1e9
        assert "20" in told
        assert "/" not in told


def test_what_is_shown_replays_to_the_last_bit(shown: dict[str, Shown]) -> None:
    for told in shown.values():
        kept = Shown.from_plain(told.as_plain())
        again = instrument_named(kept.instrument)(**kept.inputs)
        assert differences(kept, again) == []
        assert again.as_plain() == told.as_plain()


def test_derivations_end_in_facts_and_what_was_asked(shown: dict[str, Shown]) -> None:
    for told in shown.values():
        for reading in told.readings.values():
            assert "no origin" not in reading.derivation, reading.title


@pytest.mark.parametrize(
    ("draw", "of"),
    [
        ("wall", "years"), ("machines", "machines"), ("failures", "interruptions"), ("days", "run"),
        ("records", "records"), ("sixteen", "sixteen"), ("costs", "sixteen"), ("measured_scaling", "published"),
        ("loss", "loss"), ("landscape", "landscape"), ("where", "pipelines"),
    ],
)  # fmt: skip
def test_every_figure_is_drawn_and_told(shown: dict[str, Shown], draw: str, of: str) -> None:
    svg = to_svg(getattr(figures, draw)(shown[of]))
    assert svg.startswith("<svg")
    assert "NaN" not in svg
    said = getattr(figures, f"{draw}_told")(shown[of])
    assert len(said) > 30


def test_the_fleet_of_the_provocation_has_a_square_each() -> None:
    assert figures.FLEET_COLUMNS * 100 == 25_000
    assert 'width="750" height="300"' in figures.fleet()


def test_sliders_begin_at_the_students_own_numbers() -> None:
    for seed in range(60):
        variant = variant_of(seed)
        assert variant.run in wall.runs()
        assert variant.accelerator in wall.accelerators()
        assert variant.deadline in wall.deadlines()
        assert variant.fleet in failures.fleets()
        assert variant.period in failures.periods()
        assert variant.training.accelerators in more.FLEETS
        assert variant.training.sequences in more.SEQUENCES
        assert variant.training.node in more.nodes()
        assert variant.money in loss.sums()
        assert variant.price in loss.offers()


def test_questions_do_not_hold_their_answers() -> None:
    for seed in range(6):
        variant = variant_of(seed)
        found = answers(variant)
        asked = {
            "years": (words.years(variant), found["years"]["alone"]),
            "interruptions": (words.interruptions(variant), found["interruptions"]["interruptions"]),
            "sixteen": (words.sixteen(variant), found["sixteen"]["speedup"]),
            "loss": (words.gain(variant), found["loss"]["gain"]),
        }
        for question, answer in asked.values():
            assert f" {answer.shown}" not in f"{question.asked} {question.context}"


@pytest.mark.parametrize(
    ("asked", "inputs", "message"),
    [
        (wall.one_accelerator, {**wall_inputs(VARIANT), "run": "GPT-9"}, "GPT-9"),
        (failures.interruptions, {**failure_inputs(VARIANT), "record": "none"}, "none"),
        (more.more_accelerators, {**more_inputs(VARIANT.training), "node": "abacus"}, "abacus"),
    ],
)
def test_a_name_that_is_not_known_is_told(asked: Any, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(CourseError, match=message):
        asked(**inputs)


def test_periods_and_intervals_are_in_seconds() -> None:
    assert parse("90 days", "s") in failures.periods()
    assert failures.usual_interval() in failures.intervals()
    assert np.all(np.diff(failures.periods()) > 0)
