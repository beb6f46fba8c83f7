"""`navarch measure collectives` and `navarch measure compression` from the shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def _navarch(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "navarch.cli", "measure", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


def test_collectives_as_a_table_and_as_json(tmp_path: Path) -> None:
    kept = tmp_path / "measured.json"
    usual = ("collectives", "--processes", "2", "--size", "1 MB", "--peer", "none", "--repeats", "2")
    done = _navarch(*usual, "--algorithm", "double-binary-tree", "--out", str(kept))
    assert done.returncode == 0, done.stderr
    for word in ("all-reduce, double binary tree", "Estimate", "Simulated", "Measured", "alpha", "bit for bit"):
        assert word in done.stdout
    found = json.loads(kept.read_text("utf-8"))
    assert found["algorithm"] == "double_binary_tree" and len(found["sizes"]) == 4
    assert all(each["time"]["median"] > 0 and each["simulated"] > 0 for each in found["sizes"])


def test_compression_as_json() -> None:
    done = _navarch("compression", "--processes", "2", "--steps", "4", "--method", "powersgd", "--rank", "2", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [run["method"] for run in found["runs"]] == ["none", "powersgd"]
    assert found["runs"][1]["setting"] == 2 and found["runs"][1]["fewer"] > 10


def test_collectives_are_listed() -> None:
    done = _navarch("collectives", "--list", "--json")
    assert json.loads(done.stdout)["all_reduce"][0] == "ring"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--processes", "1"), "processes: 1 is not allowed; at least 2"),
        (("--algorithm", "star"), "algorithm: 'star' is not one of all_reduce"),
        (("--shape", "2by2"), '--shape: "2by2" is not allowed; sides such as 2x4'),
        (("--hosts", "no-such-host.invalid"), "which is not in --hosts; give its place"),
        (("--hosts", "a,b", "--host", "2"), "--host: 2 is not allowed; 0 to 1"),
        (("--rendezvous", "here:now"), "rendezvous: 'here:now' is not allowed"),
        (("--size", "fast"), "fast"),
    ],
)
def test_a_mistake_is_one_message(words: tuple[str, ...], message: str) -> None:
    done = _navarch("collectives", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
