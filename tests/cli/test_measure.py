"""`navarch measure compute`, really measured in a second or two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from navarch.cli.app import app

QUICK = ["measure", "compute", "--device", "cpu", "--precision", "fp32", "--shape", "128", "--limit", "1"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A measurement in a file."""
    file = tmp_path_factory.mktemp("measured") / "m.json"
    done = CliRunner().invoke(app, [*QUICK, "--out", str(file)])
    assert done.exit_code == 0, done.output
    assert "memory, copy" in done.stdout
    assert "128 x 128 x 128" in done.stdout
    return file


def test_a_kept_measurement_is_shown_again(kept: Path) -> None:
    done = CliRunner().invoke(app, ["measure", "compute", "--read", str(kept), "--json"])
    assert json.loads(done.stdout) == json.loads(kept.read_text("utf-8"))


def test_measured_stands_beside_estimated(kept: Path) -> None:
    command = ["measure", "compute", "--read", str(kept), "--compare", "h200-sxm"]
    done = CliRunner().invoke(app, command)
    assert "Estimate, h200-sxm" in done.stdout
    row = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)["compared"][0]
    assert row["ratio"] == pytest.approx(row["measured"] / row["estimated"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--device", "abacus"], "device: 'abacus'"),
        (["--shape", "1x2"], "shape: '1x2'"),
        (["--limit", "0"], "limit: 0 s"),
        (["--read", "no-such-file"], "no-such-file"),
    ],
)
def test_a_mistake_is_one_message(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["measure", "compute", *arguments])
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output
