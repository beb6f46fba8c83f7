"""`navarch plan scale`: what it prints, its JSON, and that a user's mistake is one message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from navarch.cli.app import app


def scale(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["plan", "scale", *(str(a) for a in arguments)], prog_name="navarch")


def data_of(*arguments: object) -> Any:
    done = scale(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_table_says_model_tokens_time_and_fleet() -> None:
    done = scale("--compute", "3.8e25", "--deadline", "90 days", "--price", "2.5 USD/h")
    assert done.exit_code == 0, done.output
    for told in ("3.80e25 FLOP is best spent on 619 B parameters and 10.2 T tokens", "80 %: 428 to 883 B parameters",
                 "Chinchilla refitted", "Kaplan et al. 2020", "On one NVIDIA H100 SXM5 80GB", "3,123 years",
                 "Accelerators that keep the deadline", "14,904", "M USD", "Speed-up of 16 times the fleet",
                 "of the samples; "):  # fmt: skip
        assert told in done.stdout, told


def test_a_fleet_for_a_time_is_a_budget() -> None:
    data = data_of("--accelerators", 16384, "--accelerator", "h100-sxm", "--duration", "90 days")
    compute = data["quantities"]["compute"]
    assert compute["unit"] == "FLOP"
    assert compute["low95"] < compute["low"] < compute["value"] < compute["high"] < compute["high95"]
    assert 3e25 < compute["value"] < 6e25
    assert data["quantities"]["fleet.time"]["value"] == pytest.approx(90 * 86400)
    assert data["laws"][0]["law"] == "besiroglu2024"


def test_money_with_a_price_of_the_catalog() -> None:
    data = data_of("--budget", "60 million USD", "--price", "aws-p5-h100-od-2026")
    assert data["question"]["price"] == "aws-p5-h100-od-2026"
    assert data["quantities"]["fleet.cost"]["value"] == pytest.approx(60e6)


def test_a_given_run_is_judged() -> None:
    done = scale("--parameters", "8B", "--tokens", "15T")
    assert done.exit_code == 0, done.output
    assert "This run ends at a loss of" in done.stdout
    assert "times the tokens that its size is best trained on" in done.stdout


def test_short_data_and_serving() -> None:
    done = scale(
        "--compute", "1e25", "--unique-tokens", "1T", "--inference-tokens", "10T", "--serving-utilisation", "10%"
    )
    assert done.exit_code == 0, done.output
    assert "With repeated data: parameters" in done.stdout
    assert "lifetime cost against the compute-optimal model" in done.stdout


def test_a_loss_near_the_limit_says_how_unsure_it_is() -> None:
    done = scale("--loss", "1.83")
    assert done.exit_code == 0, done.output
    assert "of the samples no run reaches this loss" in done.stdout


def test_explain_prints_the_derivation() -> None:
    done = scale("--compute", "1e24", "--accelerators", "1024", "--explain", "fleet.time")
    assert done.exit_code == 0, done.output
    assert "T_fleet = " in done.stdout and "design file: accelerators" in done.stdout


def test_figures_are_written(tmp_path: Path) -> None:
    done = scale("--compute", "1e24", "--figures", tmp_path / "new", "--json")
    assert done.exit_code == 0, done.output
    names = sorted(p.name for p in (tmp_path / "new").iterdir())
    assert names == ["scale-isoflop.svg", "scale-wall.svg"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "nothing fixes the compute of the run; give one of: compute; loss; budget and price"),
        (("--compute", "banana"), '--compute: "banana": no number at its beginning'),
        (("--compute", "3 GB"), "is a unit of byte, not of FLOP"),
        (("--duration", "90"), "--duration: "),
        (("--budget", "1 million USD", "--price", "cheap"), "or the id of a price"),
        (("--compute", "1e24", "--accelerator", "h100"), "did you mean"),
        (("--compute", "1e24", "--utilisation", "140%"), "utilisation: 140 % is not allowed"),
        (("--compute", "1e24", "--explain", "nothing"), "is not a quantity of this plan"),
    ],
)
def test_a_mistake_is_one_message(arguments: tuple[str, ...], told: str) -> None:
    done = scale(*arguments)
    assert done.exit_code == 2
    assert told in done.stderr
    assert done.stderr.startswith("navarch: ")
    assert "Traceback" not in done.stderr


def test_help_of_the_group_is_light() -> None:
    done = CliRunner().invoke(app, ["plan", "--help"], prog_name="navarch")
    assert done.exit_code == 0
    assert "scale" in done.stdout
