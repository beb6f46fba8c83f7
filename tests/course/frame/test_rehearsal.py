"""The whole notebook as a script, and the commands around it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from navarch.cli.app import app
from navarch.course.errors import CourseError
from navarch.course.frame.rehearsal import Rehearsal
from navarch.course.frame.rehearsing import rehearse
from navarch.course.frame.server import free_port
from navarch.course.record.verify import verify


def test_a_lab_runs_from_top_to_bottom_as_a_script(notebook: Path, tmp_path: Path) -> None:
    done = rehearse("00", notebook, record=tmp_path / "r.navlog")
    kinds = [entry.kind for entry in done.entries]
    assert kinds == ["prediction", "reveal", "evidence", "prediction", "measurement", "submission", "decision"]
    assert done.entries[4].body["recorded"] is False
    assert verify(done.record).ok


def test_a_rehearsal_that_fails_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "lab_00.py"
    broken.write_text("raise ValueError('no such model')", "utf-8")
    with pytest.raises(CourseError, match="no such model"):
        rehearse("00", broken, record=tmp_path / "r.navlog")


def test_answers_stand_beside_the_notebook(tmp_path: Path) -> None:
    (tmp_path / "lab_00.yaml").write_text(
        "predictions:\n  memory: {answer: 12 GB, sure: 90 %}\ndecision:\n  recommendation: Buy it.\n", "utf-8"
    )
    told = Rehearsal.beside(tmp_path / "lab_00.py")
    assert told.prediction("memory", "byte", None) == ("12 GB", "90 %")
    assert told.prediction("other", "byte", None) == ("80 GB", "50 %")
    assert told.prediction("which", "", {"a": "A", "b": "B"}) == ("a", "50 %")
    assert told.decision["recommendation"] == "Buy it."
    assert told.decision["trigger"]


def test_without_a_rehearsal_a_script_stops_at_the_first_prediction(notebook: Path, tmp_path: Path) -> None:
    record = tmp_path / "r.navlog"
    told = {"NAVARCH_STUDENT": "ada", "NAVARCH_COURSE": "test", "NAVARCH_RECORD": str(record)}
    done = subprocess.run([sys.executable, str(notebook)], env={"PATH": "", **told}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert verify(record).ok


def test_marimo_check_has_nothing_to_say(notebook: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "marimo", "check", "--strict", str(notebook)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_commands() -> None:
    run = CliRunner().invoke
    listed = json.loads(run(app, ["lab", "list", "--json"]).stdout)
    assert len(listed) == 16
    assert listed[4]["name"] == "The Parallelism Puzzle (3D Parallelism)"
    assert "to come" in run(app, ["lab", "list"]).stdout
    missing = run(app, ["lab", "16"])
    assert missing.exit_code == 2
    assert "Lab 16: The Fleet Synthesis (Capstone) is to come" in missing.stderr
    assert "Allowed: 01 to 16" in run(app, ["lab", "x"]).stderr
    covered = json.loads(run(app, ["lab", "coverage", "--json"]).stdout)
    assert len(covered) == 48


def test_a_taken_port_is_told() -> None:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(CourseError, match="is taken"):
            free_port(taken.getsockname()[1])
