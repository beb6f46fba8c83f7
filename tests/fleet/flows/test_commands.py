"""`navarch simulate network` and `navarch simulate collective` from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from navarch.cli.app import app

RUNNER = CliRunner()


def ran(*arguments: str, code: int = 0) -> str:
    done = RUNNER.invoke(app, ["simulate", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_a_collective_beside_its_estimate() -> None:
    told = json.loads(ran("collective", "--hosts", "64", "--algorithm", "ring", "--message", "1 GB", "--json"))
    assert (told["ranks"], told["rounds"], told["rounds_simulated"]) == (64, 126, 1)
    assert told["time"] == pytest.approx(told["estimate"], rel=1e-6)
    assert told["faults"] == []


def test_faults_of_a_collective_cost() -> None:
    arguments = ("collective", "--hosts", "64", "--routing", "spray", "--fault", "slow-nic:3=0.5", "--fault", "ecmp=2")
    told = json.loads(ran(*arguments, "--json"))
    assert [row["fault"].split(":")[0] for row in told["faults"][:2]] == ["none", "slow adapter"]
    assert told["faults"][1]["slower"] == pytest.approx(2, rel=0.05)
    shown = ran(*arguments)
    assert "Times as long" in shown and "slow adapter: host 3 at 50 %" in shown


def test_a_collective_on_a_torus_without_barriers() -> None:
    told = ran("collective", "--topology", "3-D torus", "--hosts", "64", "--by-need", "--shuffled")
    assert "3-D torus: all-reduce, ring, 1 GB" in told and "no barrier" in told
    faulty = ran("collective", "--hosts", "16", "--by-need", "--fault", "slow-nic:3=0.5")
    assert "with a barrier after each round" in faulty


def test_a_pattern_with_a_fault_during_the_run() -> None:
    arguments = (
        "network", "--topology", "fat-tree", "--hosts", "256", "--pattern", "bisection", "--size", "1 GB", "--fault",
        "lost:spine=1", "--fails-at", "1 ms",
    )  # fmt: skip
    stuck = json.loads(ran(*arguments, "--json"))["runs"]
    assert stuck[0]["stalled"] == 0 and stuck[1]["stalled"] > 0
    again = json.loads(ran(*arguments, "--reroute-after", "1 ms", "--json"))["runs"]
    assert again[1]["stalled"] == 0
    assert "never" in ran(*arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("network", "--pattern", "gossip"), 'there is no pattern "gossip"'),
        (("network", "--size", "big"), "--size"),
        (("network", "--background", "120 %"), "background"),
        (("network", "--topology", "ring"), 'there is no family "ring"'),
        (("network", "--routing", "guess"), 'there is no routing "guess"'),
        (("network", "--link", "qm9700"), "--link"),
        (("collective", "--algorithm", "gossip"), "gossip"),
        (("collective", "--shape", "axb"), "--shape"),
        (("collective", "--algorithm", "hierarchical", "--shape", "3x3"), "shape"),
        (("collective", "--fault", "fire"), "fire"),
    ],
)
def test_a_mistake_is_told_in_one_message(arguments: tuple[str, ...], told: str) -> None:
    said = ran(*arguments, code=2)
    assert told in said and "Traceback" not in said


def test_the_figure_of_faults_is_written(tmp_path: Path) -> None:
    file = tmp_path / "faults.svg"
    ran("collective", "--hosts", "64", "--routing", "spray", "--fault", "slow-nic:3=0.5", "--plot", str(file))
    assert "slow adapter: host 3 at 50 %" in file.read_text("utf-8")
    assert "nothing to draw" in ran("collective", "--hosts", "64", "--plot", str(file), code=2)
    assert "is not one of .png" in ran(
        "collective", "--hosts", "64", "--fault", "ecmp=1", "--plot", str(tmp_path / "faults.gif"), code=2
    )


def test_the_comparison_with_simgrid_is_told_with_its_time() -> None:
    done = RUNNER.invoke(app, ["validate", "network"])
    assert done.exit_code == 0, done.output
    assert "Least times as fast" in done.output and "torus, ring_random" in done.output
    assert "network/optim:Full" in done.output


def test_the_figure_of_a_pattern_is_written(tmp_path: Path) -> None:
    file = tmp_path / "traffic.svg"
    ran("network", "--hosts", "64", "--fault", "ecmp", "--plot", str(file))
    drawn = file.read_text("utf-8")
    assert "no fault" in drawn and "flows done" in drawn
