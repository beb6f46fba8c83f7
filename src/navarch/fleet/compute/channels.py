"""Ways for bytes to get from one process of this machine to another: shared memory, a pipe, a socket on loopback.

A channel sends a whole message and receives a whole message. The other process (`python -m
navarch.fleet.compute.channels KIND PLACE`) sends each message back as it came, so that half of a round trip is one way.
What is to be sent is told beforehand as a line on its standard input: bytes of a message, and how many of them.
"""

from __future__ import annotations

import mmap
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

Octets = NDArray[np.uint8]

KINDS = ("shared", "pipe", "socket")
LOOPBACK = "127.0.0.1"
FLAG = np.dtype(np.int64).itemsize
HEADER = 8 * FLAG  # before the message in shared memory, a cache line for the flag [byte]
PATIENCE = 20.0  # without an answer [s]
READY = b"ready\n"


class SilentError(OSError):
    """The other process ended or does not answer."""


class Channel(Protocol):
    """One end of a way between two processes."""

    def send(self, message: Octets) -> None:
        """Send all of a message."""

    def receive(self, into: Octets) -> None:
        """Receive a message that fills an array."""


class Shared:
    """A file in memory that both processes map; a number at its head says whose turn it is."""

    def __init__(self, path: Path, opens: bool) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        whole = np.frombuffer(self._map, dtype=np.uint8)
        self._flag = whole[:FLAG].view(np.int64)
        self._data = whole[HEADER:]
        self._turn = 0 if opens else 1
        self._yield: Callable[[], object] = getattr(os, "sched_yield", lambda: time.sleep(0))

    def send(self, message: Octets) -> None:
        """Copy a message in, and pass the turn on."""
        self._await()
        self._data[: len(message)] = message
        self._pass_on()

    def receive(self, into: Octets) -> None:
        """Wait for the turn, and copy the message out; the turn stays here."""
        self._await()
        into[:] = self._data[: len(into)]

    def _await(self) -> None:
        end = 0.0
        while int(self._flag[0]) % 2 != self._turn:
            self._yield()
            now = time.monotonic()
            end = end or now + PATIENCE
            if now > end:
                raise SilentError("the other process does not answer")

    def _pass_on(self) -> None:
        self._flag[0] += 1


class Pipe:
    """Two pipes of the operating system, one a direction."""

    def __init__(self, outgoing: IO[bytes], incoming: IO[bytes]) -> None:
        self._out, self._in = outgoing, incoming

    def send(self, message: Octets) -> None:
        """Write all of a message."""
        left = message.data
        while left:
            left = left[self._out.write(left) or 0 :]

    def receive(self, into: Octets) -> None:
        """Read until the message is whole."""
        left = into.data
        while left:
            read = self._in.readinto(left)  # type: ignore[attr-defined]
            if not read:
                raise SilentError("the other process ended")
            left = left[read:]


class Socket:
    """A TCP connection that sends without delay."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.settimeout(PATIENCE)
        self._socket = connected

    def send(self, message: Octets) -> None:
        """Send all of a message."""
        self._socket.sendall(message.data)

    def receive(self, into: Octets) -> None:
        """Receive until the message is whole."""
        left = into.data
        while left:
            read = self._socket.recv_into(left)
            if not read:
                raise SilentError("the other process ended")
            left = left[read:]


def echo(channel: Channel, orders: IO[bytes], answers: IO[bytes]) -> None:
    """Send messages back as they came, for as long as orders say how large and how many."""
    message = np.ones(0, dtype=np.uint8)
    while line := orders.readline():
        size, count = (int(word) for word in line.split())
        if size != len(message):
            message = np.ones(size, dtype=np.uint8)  # ones, so that its pages are there before they are timed
        answers.write(READY)
        for _ in range(count):
            channel.receive(message)
            channel.send(message)


def main(arguments: Sequence[str]) -> int:
    """Be the other process: `KIND PLACE`, a path for shared memory, a port for a socket."""
    kind, place = arguments
    orders, answers = os.fdopen(0, "rb", buffering=0), os.fdopen(1, "wb", buffering=0)
    if kind == "shared":
        shared = Shared(Path(place), opens=False)
        with suppress(PermissionError):  # where a mapped file cannot be removed, its folder is, later
            Path(place).unlink()
        echo(shared, orders, answers)
    elif kind == "pipe":
        echo(Pipe(answers, orders), orders, answers)
    else:
        with socket.create_connection((LOOPBACK, int(place)), PATIENCE) as connected:
            echo(Socket(connected), orders, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
