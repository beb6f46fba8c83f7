"""The section on topology: its numbers are those of the fabric's room and of the step simulated on each network."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from navarch.catalog import load
from navarch.design.chapters import cluster, contention
from navarch.design.document import Section
from navarch.design.document.model import Figure, Table
from navarch.design.document.wording import words
from navarch.design.errors import DesignError
from navarch.design.evaluation import Evaluation, evaluate
from navarch.design.evaluation.fabric import FULL, THINNED
from navarch.design.reader import read_design
from navarch.design.spec import Design
from navarch.distributed.training import on_fabric
from navarch.fleet.fabric.comparison import described, media_counts
from navarch.fleet.fabric.parts import parts_of
from navarch.fleet.fabric.placement import hall_of

EXAMPLES = Path(__file__).parents[2] / "examples"


def designed(**changed: Any) -> Evaluation:
    told = {
        "name": "Sixteen nodes",
        "workload": {"model": "llama3.1-70b", "tokens": "1T tokens", "global_batch": 1024},
        "cluster": {"node": "dgx-h100", "nodes": 16},
    }
    for name, fields in changed.items():
        told[name] = {**told.get(name, {}), **fields}
    return evaluate(Design.of(told), load())


@pytest.fixture(scope="module")
def gpt3() -> Evaluation:
    return evaluate(read_design(EXAMPLES / "gpt3-175b.yaml"), load())


@pytest.fixture(scope="module")
def section(gpt3: Evaluation) -> Section:
    made = cluster.chapter(gpt3)
    assert made is not None
    return made


def test_networks_are_priced_and_measured_as_the_fabric_room_does(
    gpt3: Evaluation, section: Section, told_by: Callable[..., Any], rows_of: Callable[..., Any]
) -> None:
    catalog, q = load(), gpt3.quantities
    parts = parts_of(catalog, "ib-hdr", "qm8700", link_bandwidth=25e9)
    hall = hall_of(catalog, float(q["cluster.nodes_per_rack"]) * 8)
    shown = rows_of(section, "Network", "Cost")
    built = gpt3.curves["fabric"]
    assert set(built) == {"fat-tree", "rail-optimised", "torus", "dragonfly", THINNED}
    for kind, each in built.items():
        row = shown[{"rail-optimised": "rail-optimised fat-tree"}.get(kind, kind)]
        room = described(each.network, parts, hall, catalog)
        assert row["Cost"] == pytest.approx(room.bill.cost, rel=1e-9)
        assert row["Power"] == pytest.approx(room.bill.power, rel=1e-9)
        assert room.lengths.farthest <= row["Links to the farthest"]
        assert kind == "dragonfly" or room.lengths.farthest == row["Links to the farthest"]
        assert row.get("Switches", 0) == room.bill.switches
        counts = media_counts(each.network, hall)
        assert sum(counts.values()) == each.network.cables == float(each.estimate.cables)
        assert {k: v for k, v in counts.items() if v} == {s.name: float(s.count) for s in each.estimate.cable_media}
        assert float(each.flow) == room.bisection.flow
        if kind != "dragonfly":  # 1,024 endpoints do not fill its groups evenly
            assert row["Bisection"] == pytest.approx(room.bisection.flow, rel=1e-9)
    assert "By flow it is 8.6 TB/s for the dragonfly" in told_by(section)


def test_the_step_on_each_network_is_that_of_the_training_room(
    gpt3: Evaluation, section: Section, told_by: Callable[..., Any]
) -> None:
    shape, hardware, plan, runtime = gpt3.curves["training"]
    tables = [b for b in section.blocks if isinstance(b, Table)]
    wanted = next(t for t in tables if "Flows routed" in [words(c.title) for c in t.columns])
    for row in wanted.rows:
        name = words(row.cells[0])
        kind = {"rail-optimised fat-tree": "rail-optimised"}.get(name, name)
        routing = {"torus": "dimension-order", "dragonfly": "ugal"}.get(kind, "adaptive")
        network = gpt3.curves["fabric"][kind].network
        told = on_fabric.compare(shape, hardware, plan, runtime, {kind: network}, routing, 3, 0)
        step = next(
            c.parts[0].entry for c, h in zip(row.cells, wanted.columns, strict=True) if words(h.title) == "Step"
        )
        assert step.value == pytest.approx(told.rows[0].simulated.step_time, rel=1e-12)
        assert step.kind == "observation" and "seeds from 0" in step.note and routing in step.source
    text = told_by(section)
    assert "by a hash" in text and "scattered over the network" in text


def test_groups_lie_where_the_training_room_puts_them(
    gpt3: Evaluation, section: Section, rows_of: Callable[..., Any]
) -> None:
    _, hardware, plan, _ = gpt3.curves["training"]
    placed = on_fabric.groups(plan, hardware.scaleup_domain, gpt3.curves["fabric"]["fat-tree"].network)
    shown = rows_of(section, "Groups")
    for form in placed.forms:
        row = shown[form.name.capitalize()]
        assert (row["Ranks"], row["How many"], row["Domains"]) == (form.ranks, form.count, form.domains)
        assert row["Leaves"] == form.leaves and row["Pods"] == form.pods
        assert ("Out of a domain in a step" in row) == form.crosses


def test_the_figures_tell_the_networks_and_the_drawing(section: Section) -> None:
    figures = {b.key: b for b in section.blocks if isinstance(b, Figure)}
    assert set(figures) == {"topology", "alternatives"}
    drawn = figures["topology"].svg
    cited = {n.entry.value for n in figures["topology"].cited}
    tiers = [int(found.replace(",", "")) for found in re.findall(r'font-weight="bold">([\d,]+)<', drawn)]
    assert len(tiers) == 4 and set(tiers) <= cited
    assert drawn.count("rect") > 100
    beside = figures["alternatives"]
    known = {words(n) for n in beside.cited}
    numerals = re.findall(r">([^<>]*\d[^<>]*)</text>", beside.svg)
    assert len(numerals) == 20 and all(t in known for t in numerals)


def test_each_network_that_lost_says_by_how_much(section: Section, told_by: Callable[..., Any]) -> None:
    text = told_by(section)
    assert re.search(
        r"Torus saves [\d.]+ M USD, has 25 % of the bisection and presumes accelerators that pass on", text
    )
    assert re.search(
        r"Dragonfly saves .* has \d+ % of the bisection\. The step, contention simulated, takes \d+ %", text
    )
    assert re.search(r"Rail-optimised fat-tree costs [\d,]+ USD more", text)


def test_routing_is_the_users_where_given() -> None:
    chosen, given = designed(), designed(cluster={"routing": "ecmp"})
    assert (chosen.labels["routing"], chosen.labels["routing_by"]) == ("adaptive", "navarch")
    assert (given.labels["routing"], given.labels["routing_by"]) == ("ecmp", "user")
    with chosen.ledger:
        by_load = contention.on_fabrics(chosen)
    with given.ledger:
        hashed = contention.on_fabrics(given)
    assert by_load is not None and hashed is not None
    name = chosen.decisions["cluster.topology"].chosen
    assert hashed.rows[name].step >= by_load.rows[name].step
    assert float(hashed.rows[name].step) == float(by_load.others["hashed"].step)
    assert float(hashed.others["adaptive"].step) == float(by_load.rows[name].step)
    with pytest.raises(DesignError, match="routing"):
        designed(cluster={"routing": "hot potato"})


def test_navarch_takes_the_cheapest_with_full_bisection_that_the_machines_allow() -> None:
    found = designed()
    built = {kind: b.estimate for kind, b in found.curves["fabric"].items()}
    chosen = found.decisions["cluster.topology"].chosen
    able = [k for k, b in built.items() if float(b.bisection_share) >= 1 and k not in ("torus", THINNED)]
    assert chosen == min(able, key=lambda k: float(built[k].cost))
    thin = designed(cluster={"oversubscription": 2})
    assert FULL in thin.curves["fabric"] and THINNED not in thin.curves["fabric"]
    assert float(thin.curves["fabric"][FULL].estimate.bisection_share) == pytest.approx(1)


def test_a_single_node_has_no_network_to_contend_for(told_by: Callable[..., Any]) -> None:
    found = designed(workload={"model": "llama3.1-8b", "tokens": "20B tokens"}, cluster={"nodes": 1})
    made = cluster.chapter(found)
    assert made is not None
    assert "The step on each network" not in told_by(made)
    assert list(found.curves["fabric"]) == ["fat-tree"]
    assert [f.key for f in made.blocks if isinstance(f, Figure)] == ["topology"]
