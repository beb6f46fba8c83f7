"""`navarch simulate pipeline`: what it prints, what it writes, and that a mistake is one message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from navarch.cli.app import app


def pipeline(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["simulate", "pipeline", *(str(a) for a in arguments)], prog_name="navarch")


def data_of(*arguments: object) -> Any:
    done = pipeline(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_estimate_and_simulation_stand_side_by_side() -> None:
    done = pipeline("--schedule", "interleaved", "--stages", 8, "--microbatches", 32, "--virtual", 2,
                    "--forward", "1 ms", "--backward", "2 ms")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Interleaved 1F1B (Megatron): 8 stages, 2 chunks each, 32 microbatches" in done.stdout
    lines = {" ".join(line.split()) for line in done.stdout.splitlines()}
    assert "Estimate Simulation Difference" in lines
    assert "Bubble of the longest stage 10.5 ms 10.5 ms 0 s" in lines
    assert "Microbatches in flight, first stage 11.5 11.5 0" in lines
    assert "7 96 ms 0 s 9.86 % 4.5" in lines


@pytest.mark.parametrize(
    "name", ["gpipe", "1f1b", "interleaved", "zero-bubble", "zero-bubble-2", "zero-bubble-v", "dualpipe"]
)
def test_every_schedule_equals_its_closed_form(name: str) -> None:
    data = data_of("--schedule", name, "--stages", 4, "--microbatches", 12)
    assert data["schedule"] == name
    assert all(abs(apart) < 1e-12 for apart in data["difference"].values())
    assert len(data["by_stage"]) == 4


def test_what_the_estimate_leaves_out() -> None:
    data = data_of("--send", "50 us", "--jitter", 0.02, "--slow", "2=1.2", "--head", "0.3 ms", "--seed", 1)
    assert data["not_in_estimate"] == ["messages", "the head", "slow stages", "jitter"]
    assert data["difference"]["step"] > 0
    told = pipeline("--send", "50 us", "--slow", "2=1.2").stdout
    assert "The estimate leaves out messages and slow stages." in told


def test_replications_and_activations() -> None:
    common = ("--jitter", 0.05, "--seed", 1, "--replications", 30, "--activation", "2 GB")
    data = data_of(*common)
    spread = data["replications"]
    assert spread["number"] == 30
    assert spread["low"] < spread["mean_step"] < spread["high"]
    assert data["by_stage"][0]["held_bytes"] == 8e9
    assert data == data_of(*common)
    told = pipeline(*common).stdout
    assert "30 replications: step" in told
    assert "8 GB" in told


def test_blocking_sends_have_a_column() -> None:
    told = pipeline("--send", "50 us", "--blocking").stdout
    assert "Sends" in told


def test_a_schedule_is_written_changed_and_run(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    assert pipeline("--stages", 2, "--microbatches", 3, "--save", file).exit_code == 0
    said = yaml.safe_load(file.read_text())
    assert said["order"] == ["F0 F1 B0 F2 B1 B2", "F0 B0 F1 B1 F2 B2"]
    said["name"], said["order"][0] = "mine", "F0 F1 F2 B0 B1 B2"
    file.write_text(yaml.safe_dump(said))
    data = data_of("--file", file)
    assert (data["schedule"], data["estimate"]) == ("mine", None)
    assert data["simulation"]["in_flight_first"] == 3
    told = pipeline("--file", file).stdout
    assert "mine: 2 stages, 3 microbatches" in told
    assert "This schedule has no closed form." in told


@pytest.mark.parametrize("suffix", ["png", "svg", "html"])
def test_the_chart_is_drawn(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"gantt.{suffix}"
    assert pipeline("--schedule", "dualpipe", "--plot", file).exit_code == 0
    assert file.stat().st_size > 5000


def test_the_schedules_are_listed() -> None:
    told = pipeline("--list").stdout
    assert "zero-bubble-2  Zero bubble with twice the memory (ZB-H2)" in told
    assert {row["schedule"] for row in data_of("--list")} >= {"gpipe", "dualpipe-v"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--schedule", "pipedream"), '--schedule: "pipedream" is not one of gpipe, 1f1b'),
        (("--schedule", "dualpipe", "--stages", 3), "--stages: 3 is odd; dualpipe needs an even number of stages"),
        (("--forward", "1"), '--forward: "1": the unit is missing'),
        (("--forward", "0 s"), '--forward: "0 s" is not allowed; more than 0'),
        (("--send", "-1 s"), '--send: "-1 s" is not allowed; at least 0'),
        (("--backward-weight", "3 ms"), '--backward-weight: "3 ms" is more than the whole backward, 2 ms'),
        (("--overlapped", "3 ms"), "--overlapped: 1f1b runs no forward and backward side by side; dualpipe does"),
        (("--slow", "4=1.2"), '--slow: "4=1.2" is not allowed; a stage (0 to 3) and a factor, as in 3=1.2'),
        (("--slow", "fast"), '--slow: "fast" is not allowed'),
        (("--jitter", 2), "--jitter: 2 is not allowed; 0 to 1"),
        (("--replications", 0), "--replications: 0 is not allowed; 1 to 100000"),
        (("--activation", "2 m"), '--activation: "2 m": '),
        (("--stages", 10**6, "--microbatches", 10**6), "--microbatches: 2,000,000,000,000 tasks are more than can be"),
        (("--plot", "gantt.gif"), '--plot: ".gif" is not one of .png, .svg, .html, .json'),
    ],
)
def test_mistakes_are_told_in_one_line(arguments: tuple[object, ...], message: str) -> None:
    done = pipeline(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith(f"navarch: {message}")
    assert len(done.stderr.splitlines()) == 1


def test_mistakes_of_a_file_are_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("stages: 2\nmicrobatches: 1\norder: [F0 B0, B0 F0]\n")
    done = pipeline("--file", file)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"navarch: {file}: stage 1: its task 0, backward of microbatch 0, waits for ever")
    file.write_text("stages: [")
    assert pipeline("--file", file).stderr.startswith(f"navarch: {file}: line 1: ")
    assert pipeline("--file", tmp_path / "none.yaml").stderr.startswith(
        f"navarch: {tmp_path / 'none.yaml'}: No such file"
    )
