"""`navarch simulate step`: the training step of a design on its fabric, as tables, JSON and a drawing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from navarch.cli import simulate_step
from navarch.cli.app import app
from navarch.cli.session import evaluated

EXAMPLES = Path(__file__).parents[2] / "examples"
GPT3 = EXAMPLES / "gpt3-175b.yaml"
FAULTS = ("--fault", "slow-nic:3=0.5", "--fault", "oversubscription=4", "--fault", "ecmp=2")


@pytest.fixture(scope="module")
def design() -> Any:
    """GPT-3 on 1,024 accelerators, evaluated once."""
    return evaluated(GPT3, None)


@pytest.fixture
def ran(design: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(simulate_step, "evaluated", lambda file, catalog: design)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["simulate", "step", str(GPT3), *(str(a) for a in arguments)])

    return run


def test_the_step_and_its_faults_as_data(ran: Any) -> None:
    done = ran(*FAULTS, "--routing", "spray", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["hosts"], told["accelerators"], told["domain"], told["routing"]) == (1024, 1024, 8, "spray")
    assert [row["name"] for row in told["groups"]] == ["tensor", "data", "pipeline"]
    assert [row["groups"] * row["ranks"] for row in told["groups"]] == [1024, 1024, 1024]
    none, slow, thin, hashed = told["faults"]
    assert none["simulated"]["step_time"] == pytest.approx(told["base"]["step_time"], rel=1e-6)
    assert slow["simulated"]["slowdowns"] == pytest.approx({"data": 2, "pipeline": 2})
    for row in (none, slow, thin, hashed):
        assert row["estimated"]["step_time"] == pytest.approx(row["simulated"]["step_time"], rel=0.05)
        assert row["slower"] >= none["slower"]
    assert hashed["routing"] == "ecmp" and hashed["low"] < hashed["high"]


def test_the_step_and_its_faults_as_tables(ran: Any) -> None:
    told = ran(*FAULTS).stdout
    for words in (
        "GPT-3 175B on 1,024 A100: a training step on its fabric, fat-tree", "routing adaptive, nodes in order",
        "within a domain", "across pods", "Nothing in the way", "Waits for data communication", "Groups slowed",
        "slow adapter: host 3 at 50 %", "oversubscription 4 : 1", "hash collisions (ECMP), mean of 2 seeds",
    ):  # fmt: skip
        assert words in told, words


def test_other_fabrics_and_a_scattered_job(ran: Any) -> None:
    told = json.loads(ran("--topology", "torus", "--json").stdout)
    assert told["routing"] == "dimension-order" and told["faults"][0]["estimated"] is None
    planned, scattered = (
        json.loads(ran("--topology", "rail-optimised", "--routing", "ecmp", *more, "--json").stdout)
        for more in ((), ("--shuffled",))
    )
    assert scattered["scattered"] and not planned["scattered"]
    assert scattered["faults"][0]["slower"] > planned["faults"][0]["slower"] > 1


def test_a_drawing(ran: Any, tmp_path: Path) -> None:
    assert ran("--fault", "lost:spine=1", "--plot", tmp_path / "step.svg").exit_code == 0
    drawn = (tmp_path / "step.svg").read_text("utf-8")
    for words in ("Where the parallel groups lie", "What faults cost a step", "1 spine lost", "within a domain"):
        assert words in drawn, words


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--topology", "moebius"), '--topology: "moebius" is not one of fat-tree, rail-optimised'),
        (("--routing", "none"), 'there is no routing "none"'),
        (("--fault", "fire"), 'fault: "fire" is not one'),
        (("--fault", "slow-nic:5000=0.5"), "there is no host 5000; they are numbered 0 to 1023"),
        (("--plot", "step.gif"), "--plot: \".gif\" is not one of .png"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_message(ran: Any, arguments: tuple[str, ...], told: str) -> None:
    done = ran(*arguments)
    assert done.exit_code == 2
    assert told in done.output
    assert "Traceback" not in done.output


def test_a_design_that_trains_nothing(ran: Any, design: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    without = {name: curve for name, curve in design.curves.items() if name != "training"}
    serves = replace(design, curves=without)
    monkeypatch.setattr(simulate_step, "evaluated", lambda file, catalog: serves)
    done = ran()
    assert done.exit_code == 2 and "this design trains nothing" in done.output
