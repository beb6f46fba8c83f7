"""The commands on the real examples, with the real evaluation: what is promised of them, and in what time."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from navarch.cli.app import app

ROOT = Path(__file__).parents[2]
EXAMPLES = ("frontier", "gpt3-175b", "lab-cluster", "llama3-405b")


def navarch(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="navarch")


def example(name: str) -> Path:
    return ROOT / "examples" / f"{name}.yaml"


def data_of(*arguments: object) -> Any:
    done = navarch(*arguments, "--json")
    assert done.exit_code in (0, 1), done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", EXAMPLES)
def test_check_of_an_example_agrees_with_its_exit_code(name: str) -> None:
    done = navarch("check", example(name))
    data = data_of("check", example(name))
    assert done.exit_code == (0 if data["met"] else 1)
    assert data["met"] == all(constraint["met"] for constraint in data["constraints"])
    assert {"training.duration", "training.step_time", "training.mfu", "cost.tco"} <= set(data["quantities"])
    for title in ("Quantity", "80 % interval", "Decision"):
        assert title in done.stdout


def test_every_leaf_under_the_step_time_is_a_fact_a_field_or_a_choice() -> None:
    data = data_of("explain", example("llama3-405b"), "training.step_time")
    leaves = [entry for entry in data["entries"] if "inputs" not in entry]
    assert len(leaves) > 20
    assert {leaf["kind"] for leaf in leaves} <= {"fact", "field", "choice"}
    assert all(leaf["source"] for leaf in leaves if leaf["kind"] == "fact")
    assert any(leaf.get("fact", "").startswith("accelerator/") for leaf in leaves)


@pytest.mark.parametrize("name", [EXAMPLES[-1], *(pytest.param(n, marks=pytest.mark.slow) for n in EXAMPLES[:-1])])
def test_every_listed_quantity_can_be_explained(name: str) -> None:
    listed = data_of("explain", example(name), "--list")
    assert len(listed) > 50
    for quantity in list(listed)[::25]:
        assert listed[quantity]["title"]
        assert quantity in navarch("explain", example(name), quantity).stdout


@pytest.mark.slow
def test_a_code_of_the_document_can_be_explained(tmp_path: Path) -> None:
    """What the appendix only tells by its inputs is written out in full."""
    done = navarch("design", example("llama3-405b"), "--out", tmp_path, "--format", "markdown")
    assert done.exit_code in (0, 1), done.output
    text = (tmp_path / "llama3-405b.md").read_text("utf-8")
    asked = re.findall(r"navarch explain (\S+) (A\d+)\*", text)
    assert asked and asked[0][0] == "llama3-405b.yaml"
    code = asked[0][1]
    told = navarch("explain", example("llama3-405b"), code).stdout
    title = re.search(rf'id="{code.lower()}"></a>\*\*{code}\*\* \| ([^|]*) \|', text)
    assert title is not None and title[1] in told
    assert told.count("Time of all waves of tiles") > 1
    assert data_of("explain", example("llama3-405b"), code.lower())["entries"]


def test_a_code_that_the_document_has_not_is_refused() -> None:
    done = navarch("explain", example("lab-cluster"), "C9999")
    assert done.exit_code == 2
    assert "C9999" in done.stderr and "C1 to C" in done.stderr


def test_two_examples_differ_in_fields_and_numbers() -> None:
    data = data_of("diff", example("llama3-405b"), example("gpt3-175b"))
    assert any(change["field"] == "workload.model" for change in data["fields"])
    assert any(change["name"] == "training.mfu" for change in data["quantities"])


def test_the_starter_file_can_be_checked_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "design.yaml"
    assert navarch("init", file).exit_code == 0
    assert navarch("check", file).exit_code in (0, 1)
