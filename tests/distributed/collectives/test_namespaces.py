"""Two hosts that are network namespaces with a shaped link: the command finds the rate of the link."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RATE = 400e6
"""Bits a second of the link, each way."""
HOSTS = ("10.211.77.1", "10.211.77.2")
PATIENCE = 120


def _do(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=20)


def _why_not() -> str | None:
    if sys.platform != "linux" or os.geteuid() != 0:
        return "network namespaces need root on Linux"
    if not (shutil.which("ip") and shutil.which("tc")):
        return "ip and tc (iproute2) are not installed"
    return None


@pytest.fixture
def spaces() -> Iterator[tuple[str, str]]:
    """Two namespaces of this test's own, joined by one shaped link; both are gone in the end."""
    reason = _why_not()
    if reason:
        pytest.skip(reason)
    tag = uuid.uuid4().hex[:6]
    names, ends = (f"nv-{tag}-0", f"nv-{tag}-1"), (f"nv{tag}a", f"nv{tag}b")
    made: list[str] = []
    try:
        try:
            for name in names:
                _do("ip", "netns", "add", name)
                made.append(name)
            _do(
                "ip",
                "link",
                "add",
                ends[0],
                "netns",
                names[0],
                "type",
                "veth",
                "peer",
                "name",
                ends[1],
                "netns",
                names[1],
            )
            for name, end, address in zip(names, ends, HOSTS, strict=True):
                _do("ip", "-n", name, "address", "add", f"{address}/24", "dev", end)
                _do("ip", "-n", name, "link", "set", "lo", "up")
                _do("ip", "-n", name, "link", "set", end, "up")
                shape = ["tbf", "rate", f"{RATE:.0f}bit", "burst", "256kb", "latency", "200ms"]
                _do("tc", "-n", name, "qdisc", "add", "dev", end, "root", *shape)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine does not let a namespace be made or shaped: {error.stderr.strip()}")
        yield names
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=20, check=False)


def _command(space: str, place: int, *more: str) -> list[str]:
    own = [sys.executable, "-m", "navarch.cli", "measure", "collectives", "--hosts", ",".join(HOSTS)]
    return ["ip", "netns", "exec", space, *own, "--host", str(place), *more]


@pytest.mark.slow
@pytest.mark.parametrize("peer", ["none", "gloo"])
def test_two_hosts_over_a_shaped_link(spaces: tuple[str, str], peer: str) -> None:
    if peer == "gloo":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    more = ("--processes", "1", "--size", "16 MB", "--repeats", "7", "--peer", peer, "--json")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        _command(spaces[1], 1, *more), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as second:
        try:
            first = subprocess.run(
                _command(spaces[0], 0, *more),
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
            second.wait(timeout=PATIENCE)
        finally:
            second.kill()
    assert first.returncode == 0, first.stderr
    assert second.returncode == 0
    found = json.loads(first.stdout)
    assert found["ranks"] == found["hosts"] == 2
    assert all(check["equal"] for check in found["checks"])
    largest = found["sizes"][-1]
    # two ranks send half of the message each, twice: one message on the link each way
    assert largest["time"]["median"] == pytest.approx(16e6 * 8 / RATE, rel=0.35)
    assert found["fitted"]["bandwidth"] == pytest.approx(RATE / 8, rel=0.35)
    assert abs(largest["error"]) < 0.2
    assert (largest["peer"] is None) == (peer == "none")
