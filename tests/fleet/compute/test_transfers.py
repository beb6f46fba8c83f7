"""Messages really move: each level at each size, compared with what was sent; a process that ends is noticed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from navarch.fleet.compute import channels, transfers
from navarch.fleet.compute.measurement import MeasureError
from navarch.fleet.compute.transfers import LEVELS, measure_transfers


def test_every_level_moves_messages_of_every_size() -> None:
    told: list[tuple[float, str]] = []
    made = measure_transfers(1.0, sizes=(64, 4096, 2**20 + 1), progress=lambda share, what: told.append((share, what)))
    assert [level.key for level in made.levels] == list(LEVELS)
    assert made.left_out == ()
    for level in made.levels:
        assert [each.size for each in level.sizes] == [64, 4096, 2**20 + 1]
        for each in level.sizes:
            assert 0 < each.time.low <= each.time.median <= each.time.high
            assert each.time.runs >= transfers.LEAST_RUNS
            assert each.rate == pytest.approx(each.size / each.time.median)
        assert level.fastest.rate >= level.bandwidth
    assert made.level("memory").latency.median < made.level("socket").latency.median
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert made.machine.cores >= 1


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"limit": 0.1}, "0.1"), ({"levels": ("memory", "pigeon")}, "pigeon"), ({"sizes": ()}, "sizes")],
)
def test_what_cannot_be_measured_is_told(asked: dict[str, object], message: str) -> None:
    with pytest.raises(MeasureError, match=message):
        measure_transfers(**asked)


def test_a_level_that_does_not_start_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    made = measure_transfers(1.0, sizes=(64,), levels=("memory", "pipe"))
    assert [level.key for level in made.levels] == ["memory"]
    assert "Pipe" in made.left_out[0]
    with pytest.raises(MeasureError, match="nothing could be measured"):
        measure_transfers(1.0, sizes=(64,), levels=("pipe",))


@pytest.mark.parametrize("key", ["pipe", "socket", "shared"])
def test_a_process_that_ends_is_noticed_at_once(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "PATIENCE", 2.0)
    message, came = np.ones(2**16, dtype=np.uint8), np.ones(2**16, dtype=np.uint8)
    with transfers._joined(key, len(message)) as (channel, other):
        assert other.stdin is not None
        other.stdin.write(f"{len(message)} 1000000\n".encode())
        assert other.stdout is not None
        assert other.stdout.read(len(channels.READY)) == channels.READY
        channel.send(message)
        channel.receive(came)
        other.kill()
        other.wait()
        start = time.monotonic()
        with pytest.raises(OSError):
            _exchange(channel, message, came)
        assert time.monotonic() - start < 6


def _exchange(channel: channels.Channel, message: channels.Octets, came: channels.Octets) -> None:
    for _ in range(3):
        channel.send(message)
        channel.receive(came)


def test_shared_memory_has_no_file_left_while_it_is_used() -> None:
    """So that a process that is killed leaves nothing large behind."""
    with transfers._joined("shared", 64) as (channel, other):
        place = Path(str(other.args[-1]))  # type: ignore[index]
        trips = transfers._round_trips(64, channel, other)
        assert trips(3) > 0
        assert not place.exists()
    assert not place.parent.exists()
    assert other.poll() is not None


def test_the_other_process_ends_when_its_orders_do() -> None:
    command = [sys.executable, "-m", "navarch.fleet.compute.channels", "pipe", "-"]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout == b""
