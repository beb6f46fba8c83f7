"""This machine's own hierarchy: how long a message takes within a process, between two, and through the network stack.

Each level is timed at several sizes: a copy in memory; a round trip to another process and back through shared memory,
a pipe and a TCP connection on loopback, of which half is one way. Every message is compared with what was sent. Needs
NumPy alone.
"""

from __future__ import annotations

import datetime
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from navarch.core.arithmetic import ratio
from navarch.core.equation import off_the_ledger
from navarch.fleet.compute import channels
from navarch.fleet.compute.channels import Channel, Octets
from navarch.fleet.compute.measure import machine_seen
from navarch.fleet.compute.measurement import MachineSeen, MeasureError, Spread

Progress = Callable[[float, str], None]
Trip = Callable[[int], float]
"""A number of round trips, and the time of all of them one way [s]."""

LIMIT, LEAST_LIMIT = 10.0, 1.0
SIZES = (64, 2**10, 2**14, 2**18, 2**22, 2**26)
"""Messages that are sent [byte]."""
LEVELS = ("memory", "shared", "pipe", "socket")
TITLES = {
    "memory": "Memory, one process", "shared": "Shared memory, two processes", "pipe": "Pipe, two processes",
    "socket": "Network stack, loopback",
}  # fmt: skip
IN_MEMORY = Path("/dev") / "shm"
MOMENT = 2e-3  # that one observation takes at least [s]
LEAST_RUNS, MOST_RUNS = 5, 200
PATTERN = np.arange(251, dtype=np.uint8)  # of a prime length, so that it does not repeat at a power of two


@dataclass(frozen=True, slots=True)
class TransferMeasured:
    """A message of one size, one way. size [byte]; time: of one [s]; rate: at the median time [byte/s]."""

    size: int
    time: Spread
    rate: float


@dataclass(frozen=True, slots=True)
class LevelMeasured:
    """One level of the hierarchy, by size, smallest first. key: of LEVELS."""

    key: str
    title: str
    sizes: tuple[TransferMeasured, ...]

    @property
    def latency(self) -> Spread:
        """Time of the smallest message, one way [s]."""
        return self.sizes[0].time

    @property
    def bandwidth(self) -> float:
        """Rate of the largest message, for which no cache is large enough [byte/s]."""
        return self.sizes[-1].rate

    @property
    def fastest(self) -> TransferMeasured:
        """The size of the highest rate."""
        return max(self.sizes, key=lambda each: each.rate)


@dataclass(frozen=True, slots=True)
class TransfersMeasured:
    """The hierarchy of a machine. date: ISO; left_out: levels that were not measured, each with its reason."""

    machine: MachineSeen
    date: str
    levels: tuple[LevelMeasured, ...]
    left_out: tuple[str, ...] = ()

    def level(self, key: str) -> LevelMeasured | None:
        """A level by its key; None where it was left out."""
        return next((level for level in self.levels if level.key == key), None)


def measure_transfers(
    limit: float = LIMIT,
    sizes: Sequence[int] = SIZES,
    levels: Sequence[str] = LEVELS,
    progress: Progress | None = None,
) -> TransfersMeasured:
    """Time messages of this machine by level and size.

    limit: of the whole, the start of processes left out [s]; sizes: of messages [byte]; levels: of LEVELS; progress:
    called with the share done and what is measured next. MeasureError where it cannot be as asked.
    """
    if limit < LEAST_LIMIT:
        raise MeasureError(f"limit: {limit:g} s is not allowed; it must be at least {LEAST_LIMIT:g} s")
    unknown = [level for level in levels if level not in LEVELS]
    if unknown:
        raise MeasureError(f"level: {unknown[0]!r} is not one; there are: {', '.join(LEVELS)}")
    wanted = sorted({int(size) for size in sizes})
    if not wanted or wanted[0] < 1:
        raise MeasureError(f"sizes: {list(sizes)} is not allowed; give one byte or more")
    tell = progress or (lambda _share, _what: None)
    share = limit / (len(levels) * len(wanted))
    measured, left_out = [], []
    for place, key in enumerate(levels):
        try:
            with _opened(key, wanted[-1]) as trips_of:
                timed = []
                for step, size in enumerate(wanted):
                    tell((place + step / len(wanted)) / len(levels), f"{TITLES[key].lower()}, {size:,} bytes")
                    timed.append(_timed(size, trips_of(size), share))
            measured.append(LevelMeasured(key, TITLES[key], tuple(timed)))
        except (OSError, MemoryError, subprocess.SubprocessError) as error:
            left_out.append(f"{TITLES[key]}: {error}")
    if not measured:
        raise MeasureError(f"nothing could be measured: {'; '.join(left_out)}")
    tell(1.0, "done")
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    return TransfersMeasured(machine_seen(None, "cpu"), date, tuple(measured), tuple(left_out))


def _timed(size: int, trips: Trip, share: float) -> TransferMeasured:
    """Observations of one size in its share of the time [s]."""
    trips(1)
    once = max(trips(1), time.get_clock_info("perf_counter").resolution)
    count = max(1, round(MOMENT / once))
    end = time.perf_counter() + share
    observed: list[float] = []
    while len(observed) < LEAST_RUNS or (time.perf_counter() < end and len(observed) < MOST_RUNS):
        with off_the_ledger():
            observed.append(float(ratio(trips(count), count)))
    spread = Spread.of(observed)
    with off_the_ledger():
        return TransferMeasured(size, spread, float(ratio(size, spread.median, unit="byte/s")))


@contextmanager
def _opened(key: str, largest: int) -> Iterator[Callable[[int], Trip]]:
    """A level, ready: from the size of a message to its trips. largest: message that will be sent [byte]."""
    if key == "memory":
        yield _copies
        return
    with _joined(key, largest) as (channel, orders):
        yield lambda size: _round_trips(size, channel, orders)


def _message(size: int) -> Octets:
    return np.resize(PATTERN, size)


def _copies(size: int) -> Trip:
    source, target = _message(size), np.ones(size, dtype=np.uint8)

    def trips(count: int) -> float:
        start = time.perf_counter()
        for _ in range(count):
            np.copyto(target, source)
        return time.perf_counter() - start

    return trips


def _round_trips(size: int, channel: Channel, orders: subprocess.Popen[bytes]) -> Trip:
    sent, came = _message(size), np.ones(size, dtype=np.uint8)

    def trips(count: int) -> float:
        assert orders.stdin is not None  # noqa: S101
        assert orders.stdout is not None  # noqa: S101
        orders.stdin.write(f"{size} {count}\n".encode())
        answer = orders.stdout.read(len(channels.READY))
        if answer != channels.READY:
            raise channels.SilentError("the other process ended before it began")
        start = time.perf_counter()
        for _ in range(count):
            channel.send(sent)
            channel.receive(came)
        spent = time.perf_counter() - start
        if not np.array_equal(sent, came):
            raise channels.SilentError("a message came back altered")
        return spent / 2

    return trips


@contextmanager
def _joined(key: str, largest: int) -> Iterator[tuple[Channel, subprocess.Popen[bytes]]]:
    """A channel to another process, and that process, which takes orders on its standard input."""
    folder = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=folder, prefix="navarch-") as place, socket.socket() as listening:
        file = Path(place) / "message"
        where = str(file)
        own: Channel | None = None
        if key == "shared":
            file.write_bytes(bytes(channels.HEADER + largest))
            own = channels.Shared(file, opens=True)
        elif key == "socket":
            listening.bind((channels.LOOPBACK, 0))
            listening.listen(1)
            listening.settimeout(channels.PATIENCE)
            where = str(listening.getsockname()[1])
        command = [sys.executable, "-m", "navarch.fleet.compute.channels", key, where]
        other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        try:
            if key == "socket":
                with listening.accept()[0] as connected:
                    yield channels.Socket(connected), other
            else:
                assert other.stdin is not None  # noqa: S101
                assert other.stdout is not None  # noqa: S101
                yield own or channels.Pipe(other.stdin, other.stdout), other
        finally:
            other.kill()
            other.communicate()
