"""The instruments of Lab 02: known answers, what is shown replays, every figure is drawn and told."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from navarch.catalog import load
from navarch.core.plot import to_svg
from navarch.course.errors import CourseError
from navarch.course.frame.recorded import recorded_result
from navarch.course.instrument import Shown, differences, instrument_named
from navarch.course.interconnect_wall import (
    challenge,
    columns,
    figures,
    generations,
    levels,
    links,
    measured,
    pod,
    tensor,
    words,
)
from navarch.course.interconnect_wall.surprise import (
    answers,
    group_inputs,
    pod_inputs,
    tensor_inputs,
)
from navarch.course.interconnect_wall.variant import variant_of

SEED = 11
VARIANT = variant_of(SEED)
H100 = {"node": "dgx-h100", "network": "ib-ndr", "hall": "roce-100gbe"}
GROUP = {"model": "llama3.1-70b", "node": "dgx-h100", "sequence": 4096}


@pytest.fixture(scope="module")
def shown() -> dict[str, Shown]:
    """What every instrument shows of one variant."""
    own = recorded_result(measured.RECORDED).shown
    return {
        **answers(VARIANT),
        "memory": links.from_memory(node=VARIANT.server.node, message=VARIANT.message),
        "sizes": links.by_size(**asdict(VARIANT.server)),
        "levels": levels.machine_levels(node="dgx-h100", network="ib-ndr", accelerators=16384),
        "product": links.product_next_door(**asdict(VARIANT.server)),
        "first": generations.first_generation(family=VARIANT.family, link=VARIANT.link),
        "tier": tensor.one_tier_out(**group_inputs(VARIANT)),
        "reduce": tensor.all_reduce(**tensor_inputs(VARIANT)),
        "families": pod.families(hosts=256),
        "own": measured.this_machine(**measured.compared_inputs(own, recorded=True)),
        "task": challenge.task(seed=SEED),
        "score": challenge.score(seed=SEED, servers=16, cards=4, tensor=2),
        "best": challenge.best(seed=SEED),
        "landscape": challenge.landscape(seed=SEED, tensor=1),
    }


def test_a_gigabyte_from_tier_to_tier() -> None:
    told = links.one_message(**H100, message=1e9)
    assert told["memory"].value == pytest.approx(1e9 / 3.35e12, rel=2e-3)
    assert told["scaleup"].value == pytest.approx(1e9 / 450e9, rel=1e-3)
    assert told["bus"].value == pytest.approx(1e9 / 63e9, rel=1e-3)
    assert told["network"].value == pytest.approx(0.02, rel=1e-3)
    assert told["hall"].value == pytest.approx(0.08, rel=1e-3)
    assert told["slower"].value == pytest.approx(268, abs=1)


def test_half_of_the_bandwidth_is_reached_where_a_message_takes_twice_the_latency() -> None:
    told = links.by_size(**H100)
    size = told["network"].value
    row = links.one_message(**H100, message=size).rows[3]
    assert row["time"] == pytest.approx(2 * row["latency"])
    assert size / row["time"] == pytest.approx(row["bandwidth"] / 2)


def test_the_product_takes_about_a_millisecond_and_its_result_longer_to_the_next_rack() -> None:
    for node in links.nodes():
        server = next(each for each in links.servers() if each.node == node)
        told = links.product_next_door(**asdict(server))
        assert 0.7e-3 < told["product"].value < 1.4e-3
        assert told["scaleup"].value < told["product"].value < told["network"].value < told["hall"].value
        assert told["result"].value == 2 * links.side_of_product(node) ** 2


def test_a_machine_from_chip_to_cluster() -> None:
    told = levels.machine_levels(node="dgx-h100", network="ib-ndr", accelerators=16384)
    assert [row["level"] for row in told.rows] == ["chip", "node", "rack", "pod", "cluster"]
    assert [row["accelerators"] for row in told.rows] == [1, 8, 24, 240, 16384]
    assert [row["bandwidth"] for row in told.rows] == [3.35e12, 450e9, 50e9, 50e9, 50e9]
    assert told["drop"].value == 9
    assert told["bisection"].value == 8192 * 50e9
    for node in links.nodes():
        for network in links.networks("network"):
            for size in levels.sizes():
                assert (
                    levels.machine_levels(node=node, network=network, accelerators=size).rows[-1]["level"] == "cluster"
                )


def test_three_generations_multiplied_arithmetic_and_not_the_link() -> None:
    told = generations.generations(family="ampere", link="scaleup")
    assert told["arithmetic"].value == pytest.approx(2250 / 312)
    assert told["link"].value == pytest.approx(3)
    assert told["bytes_first"].value == pytest.approx(300e9 * 1e6 / 312e12)
    assert told["bytes"].value == pytest.approx(400)
    assert told.rows[0]["peak_growth"] == 1


def test_computing_divides_and_moving_does_not() -> None:
    told = tensor.tensor_parallel(**GROUP, domain=8)
    assert [row["degree"] for row in told.rows] == [2, 4, 8, 16, 32, 64]
    computing = [row["computation"] for row in told.rows]
    moving = [row["communication"] for row in told.rows]
    assert computing == sorted(computing, reverse=True)
    assert moving == sorted(moving)
    assert [row["crosses"] for row in told.rows].count("within a server") == 3
    assert told["ratio"].value > 1


def test_larger_servers_carry_larger_groups() -> None:
    first = [float(tensor.tensor_parallel(**GROUP, domain=domain)["degree"].value) for domain in (1, 8, 64)]
    assert first == sorted(first)
    assert first[0] < first[-1]


def test_one_tier_out_halves_the_utilisation() -> None:
    told = tensor.one_tier_out(**GROUP)
    assert told["left"].value == pytest.approx(told["across"].value / told["within"].value)
    assert told["left"].value < 0.5 < told["half"].value < 1


def test_a_group_without_a_degree_is_an_answer() -> None:
    told = tensor.tensor_parallel(model="gpt3-175b", node="dgx-a100-640", sequence=2048, domain=8)
    assert told["degree"].value == tensor.NEVER
    assert "<svg" in to_svg(figures.degrees(told))


def test_the_simulation_is_the_estimate_within_a_server_and_near_it_between() -> None:
    told = tensor.all_reduce(**GROUP, domain=8)
    for row in told.rows:
        assert row["off"] == pytest.approx(0, abs=1e-6 if row["servers"] == 1 else 0.4)
        assert row["one_ring"] > (0.99 if row["servers"] == 1 else 4) * row["simulated"]
    scattered = tensor.all_reduce(**GROUP, domain=1)
    assert all(row["off"] == pytest.approx(0, abs=1e-6) for row in scattered.rows)


@pytest.mark.parametrize("leaves", [8, 12, 28, 32])
@pytest.mark.parametrize("split", list(pod.splits()))
def test_the_greatest_flow_is_the_closed_form(leaves: int, split: str) -> None:
    told = pod.bisection(leaves=leaves, split=split, accelerator="h100-sxm")
    down, up = pod.split_of(split)
    assert told["flow"].value == told["bisection"].value == leaves / 2 * min(down, up) * 50e9
    assert told["off"].value == 0


@pytest.mark.parametrize("hosts", [64, 256, 1024])
def test_closed_form_and_flow_agree_on_every_family(hosts: int) -> None:
    rows = pod.families(hosts=hosts).rows
    assert len(rows) >= 5
    for row in rows:
        assert row["theory"] is None or row["flow"] == pytest.approx(row["theory"])
    assert sum(row["theory"] is not None for row in rows) >= 5


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
        ("message", "message"), ("by_size", "sizes"), ("product", "product"), ("levels", "levels"),
        ("generations", "generations"), ("degrees", "degree"), ("tier", "tier"), ("reduces", "reduce"),
        ("pod", "bisection"), ("against", "bisection"), ("families", "families"),
    ],
)  # fmt: skip
def test_every_figure_is_drawn_and_told(shown: dict[str, Shown], draw: str, of: str) -> None:
    chart = getattr(figures, draw)(shown[of])
    svg = chart if isinstance(chart, str) else to_svg(chart)
    assert svg.startswith("<svg")
    assert "NaN" not in svg
    assert len(getattr(figures, f"{draw}_told")(shown[of])) > 30


def test_the_other_figures_are_drawn_and_told(shown: dict[str, Shown]) -> None:
    own = recorded_result(measured.RECORDED).shown
    assert "<svg" in to_svg(figures.hierarchy(own))
    assert "Memory" in figures.hierarchy_told(own)
    assert "<svg" in to_svg(figures.landscape(shown["landscape"], 16, 1))
    assert len(figures.landscape_told(shown["landscape"])) > 30
    assert figures.hall().startswith("<svg")


def test_sliders_begin_at_the_students_own_numbers() -> None:
    for seed in range(60):
        variant = variant_of(seed)
        assert variant.message in links.messages()
        assert variant.server.node in links.nodes()
        assert variant.server.network in links.networks("network")
        assert variant.server.hall in links.networks("hall")
        assert variant.family in generations.families(variant.link)
        assert variant.link in generations.links_beside(variant.link)
        assert variant.group.model in tensor.models()
        assert tensor.domain_of(variant.group.node) in tensor.domains()
        assert variant.pod.leaves in pod.leaves()
        assert pod_inputs(variant.pod)["split"] in pod.splits()
        assert variant.pod.accelerator in pod.accelerators()
    for name, known in (("servers", challenge.servers()), ("cards", challenge.cards())):
        assert challenge.start()[name] in known


def test_every_family_and_link_that_the_controls_offer_has_an_answer() -> None:
    for asked in generations.LINKS:
        for family in generations.families(asked):
            for link in generations.links_beside(asked):
                assert generations.generations(family=family, link=link).rows


def test_every_model_and_server_that_the_controls_offer_has_an_answer() -> None:
    for model in tensor.models():
        for node in tensor.nodes():
            assert tensor.tensor_parallel(model=model, node=node, sequence=4096, domain=8).rows


def test_questions_do_not_hold_their_answers() -> None:
    for seed in range(6):
        variant = variant_of(seed)
        found = answers(variant)
        asked = {
            "message": (words.message(variant), found["message"]["hall"]),
            "generations": (words.bytes_a_flop(variant), found["generations"]["bytes"]),
            "bisection": (words.bisection(variant), found["bisection"]["bisection"]),
        }
        for question, answer in asked.values():
            assert f" {answer.shown}" not in f"{question.asked} {question.context}"


@pytest.mark.parametrize(
    ("asked", "inputs", "message"),
    [
        (generations.generations, {"family": "abacus", "link": "memory"}, "abacus"),
        (generations.generations, {"family": "tpu", "link": "network"}, "network"),
        (tensor.tensor_parallel, {**GROUP, "model": "gpt-9", "domain": 8}, "gpt-9"),
        (pod.bisection, {"leaves": 8, "split": "60/4", "accelerator": "h100-sxm"}, "60/4"),
    ],
)
def test_a_name_that_is_not_known_is_told(asked: Any, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(CourseError, match=message):
        asked(**inputs)


def test_the_recorded_result_says_where_and_when() -> None:
    told = recorded_result(measured.RECORDED)
    assert told.date.startswith("20")
    assert "/" not in told.machine["processor"]
    assert told.shown["memory_latency"].value < told.shown["socket_latency"].value
    assert told.shown["memory_rate"].value > told.shown["socket_rate"].value
    assert len({row["level"] for row in told.shown.rows}) == 4


def test_the_constants_of_the_lab_are_estimates_with_their_intervals() -> None:
    catalog = load()
    for name in ("memory-latency", "bus-latency", "network-card-price"):
        fact = catalog.fact("constant", f"interconnect.{name}")
        assert fact.kind == "estimate"
        assert fact.low < fact.value < fact.high


def test_every_column_of_a_table_is_in_its_rows(shown: dict[str, Shown]) -> None:
    own = recorded_result(measured.RECORDED).shown
    behind = {
        "message": "MESSAGE", "sizes": "BY_SIZE", "product": "PRODUCT", "levels": "LEVELS", "degree": "DEGREES",
        "tier": "TIER", "reduce": "REDUCES", "bisection": "AGAINST", "families": "FAMILIES",
        "landscape": "LANDSCAPE",
    }  # fmt: skip
    for part, name in behind.items():
        assert set(getattr(columns, name)) <= set(shown[part].rows[0]), part
    assert set(columns.HIERARCHY) <= set(own.rows[0])
    assert set(columns.GENERATIONS) == set(generations.generations(family="ampere", link="network").rows[0])
