"""A schedule carried out by one rank over TCP: each byte is sent on as soon as it may be.

Every transfer of the rank is an operation on an interval of its buffer. An operation may pass a byte once all earlier
operations on that byte have: a send waits for what must arrive in it, a receive for what must leave before it is
overwritten. So rounds overlap by themselves, byte by byte, and no barrier stands between them.
"""

from __future__ import annotations

import select
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from socket import socket, socketpair

import numpy as np

from navarch.distributed.collectives.elements import ElementType
from navarch.distributed.collectives.replay import bounds
from navarch.distributed.collectives.schedule import Array, CollectiveError, Schedule

SEGMENT = 1 << 20
"""Bytes received at once: what stays in a core's cache until it is added."""
LEAST_FOR_CHANNELS = 1 << 22
"""Bytes of a message from which several connections to a peer share it, each with threads of its own."""
CHANNELS = 2
LEAST_WAIT = 0.05

Link = tuple[int, int]
"""A peer's rank and the number of the connection to it."""


class LostError(CollectiveError):
    """A peer is gone. peer: its rank."""

    def __init__(self, peer: int, message: str) -> None:
        super().__init__(message)
        self.peer = peer


class StalledError(CollectiveError):
    """Nothing moved within the timeout."""


class AbortedError(CollectiveError):
    """Another rank stopped, and said why."""


@dataclass(eq=False)
class Operation:
    """A transfer on bytes [begin, end) of the buffer; at: the next byte. before: operations that go first."""

    peer: int
    channel: int
    begin: int
    end: int
    receives: bool
    reduces: bool
    number: int
    before: list[Operation] = field(default_factory=list)
    at: int = 0
    filled: int = 0

    @property
    def link(self) -> Link:
        """The connection that it uses."""
        return self.peer, self.channel

    def limit(self) -> int:
        """The first byte that it may not pass yet."""
        limit, before = self.end, self.before
        while before and before[-1].at >= before[-1].end:
            before = self.before = before[:-1]
        for other in before:
            if max(self.at, other.at) < other.end and other.at < limit:
                limit = other.at
        return limit


@dataclass(frozen=True, eq=False)
class Program:
    """What one rank does in a schedule: its operations by peer, each list in order."""

    rank: int
    schedule: Schedule
    elements: int
    kind: ElementType
    edges: Array
    sends: Mapping[Link, tuple[Operation, ...]]
    receives: Mapping[Link, tuple[Operation, ...]]
    before: tuple[tuple[Operation, tuple[Operation, ...]], ...]

    @property
    def channels(self) -> int:
        """Connections that it uses to each peer."""
        return 1 + max((channel for _, channel in (*self.sends, *self.receives)), default=0)

    def buffer(self) -> Array:
        """A buffer of zeros for the whole of it, staging included."""
        return np.zeros(self.edges[-1], self.kind.stored)

    def rewound(self) -> None:
        """Make it ready to run again."""
        for operation, before in self.before:
            operation.at, operation.filled, operation.before = operation.begin, 0, list(before)


def program_of(schedule: Schedule, rank: int, elements: int, kind: ElementType) -> Program:
    """What a rank has to do for a message of so many elements (`replay.padded` to what the schedule can take)."""
    edges = bounds(schedule, elements)
    size = kind.stored.itemsize
    channels = CHANNELS if elements * size >= LEAST_FOR_CHANNELS else 1
    order = _Order()
    for number, each in enumerate(schedule.each()):
        for receives in (False, True):
            ours, theirs = (each.destination, each.source) if receives else (each.source, each.destination)
            first = each.into if receives else each.begin
            for i in np.flatnonzero(ours == rank):
                slots = range(first[i], first[i] + each.count[i])
                begin, end = int(edges[slots[0]]), int(edges[slots[-1] + 1])
                cuts = [begin + (end - begin) * part // channels for part in range(channels + 1)]
                order.add(
                    slots,
                    [
                        Operation(int(theirs[i]), channel, a * size, b * size, receives, bool(each.reduces[i]), number)
                        for channel, (a, b) in enumerate(pairwise(cuts))
                    ],
                )
    return Program(rank, schedule, elements, kind, edges, *order.by_link(), order.taken())


class _Order:
    """Operations in order, each with those that it must not overtake."""

    def __init__(self) -> None:
        self.written: dict[int, list[Operation]] = {}
        self.read: dict[int, list[Operation]] = {}
        self.operations: list[Operation] = []

    def add(self, slots: Sequence[int], parts: list[Operation]) -> None:
        """Add the parts of one transfer on some slots."""
        earlier: dict[int, Operation] = {}
        for slot in slots:
            earlier.update({id(other): other for other in self.written.get(slot, [])})
            if parts[0].receives:
                earlier.update({id(other): other for other in self.read.pop(slot, [])})
                self.written[slot] = parts
            else:
                self.read.setdefault(slot, []).extend(parts)
        for part in parts:
            part.before = [o for o in earlier.values() if o.begin < part.end and part.begin < o.end]
        self.operations += parts

    def by_link(self) -> tuple[dict[Link, tuple[Operation, ...]], dict[Link, tuple[Operation, ...]]]:
        """Sends and receives by connection."""
        sides: tuple[dict[Link, tuple[Operation, ...]], ...] = ({}, {})
        for operation in self.operations:
            side = sides[operation.receives]
            side[operation.link] = (*side.get(operation.link, ()), operation)
        return sides  # type: ignore[return-value]

    def taken(self) -> tuple[tuple[Operation, tuple[Operation, ...]], ...]:
        """Each operation with those before it."""
        return tuple((operation, tuple(operation.before)) for operation in self.operations)


class Run:
    """One run of a program on a buffer: by one thread, or for a large message by two a channel, of which one sends and
    one receives and adds."""

    def __init__(self, program: Program, links: Mapping[Link, socket], buffer: Array, timeout: float) -> None:
        program.rewound()
        self.program, self.links, self.timeout = program, links, timeout
        self.typed = buffer
        self.bytes = memoryview(buffer.view(np.uint8).data)
        self.sends = {link: deque(found) for link, found in program.sends.items()}
        self.receives = {link: deque(found) for link, found in program.receives.items()}
        self.scratch = {
            link: np.empty(SEGMENT, np.uint8)
            for link, found in program.receives.items()
            if any(operation.reduces for operation in found)
        }
        self.moved_at = time.monotonic()
        self.failure: CollectiveError | None = None
        self.sides = self._shared_out()

    def _shared_out(self) -> list[Side]:
        channels = self.program.channels
        if channels == 1:
            return [Side(self, self.sends, self.receives)]
        sides = []
        for channel in range(channels):
            sends, receives = (
                {link: found for link, found in side.items() if link[1] == channel}
                for side in (self.sends, self.receives)
            )
            sides += [Side(self, {}, receives), Side(self, sends, {})]
        return [side for side in sides if side.sends or side.receives]

    def finish(self, wake: socket | None = None) -> None:
        """Carry it out. wake: becomes readable where the run must stop. LostError, StalledError or AbortedError."""
        if not self.sides:
            return
        first, *others = self.sides
        with ExitStack() as stack:
            for side in self.sides if others else ():
                stack.enter_context(side.belled())
            threads = [threading.Thread(target=side.work, args=(None,), daemon=True) for side in others]
            for thread in threads:
                thread.start()
            first.work(wake)
            for thread in threads:
                while thread.is_alive():
                    thread.join(LEAST_WAIT)
                    if wake is not None and self.failure is None and _readable(wake):
                        self.failure = AbortedError(f"rank {self.program.rank} was told to stop")
                    if self.failure is not None:
                        self.call()
        if self.failure is not None:
            raise self.failure

    def call(self, caller: Side | None = None) -> None:
        """Wake the threads that wait for what another one does."""
        for side in self.sides:
            if side is not caller:
                side.call()

    def send(self, to: Link, sends: dict[Link, deque[Operation]]) -> bool:
        """Send what may be sent; whether anything moved."""
        waiting, link, moved = sends[to], self.links[to], False
        while waiting:
            operation = waiting[0]
            limit = operation.limit()
            if operation.at < limit:
                try:
                    operation.at += link.send(self.bytes[operation.at : limit])
                except BlockingIOError:
                    return moved
                except OSError as error:
                    raise self._lost(to[0], error) from error
                moved = True
            if operation.at < operation.end:
                return moved
            waiting.popleft()
            moved = True
        del sends[to]
        return moved

    def receive(self, source: Link, receives: dict[Link, deque[Operation]]) -> bool:
        """Take one segment at most, so that what came can go on at once; whether anything moved."""
        waiting = receives[source]
        operation = waiting[0]
        limit = operation.limit()
        moved = operation.at < limit and self._take(operation, limit) > 0
        if operation.at == operation.end:
            waiting.popleft()
            moved = True
            if not waiting:
                del receives[source]
        return moved

    def _take(self, operation: Operation, limit: int) -> int:
        """Receive some bytes and put or add them; how many came."""
        link, at = self.links[operation.link], operation.at
        if operation.reduces:
            scratch, filled = self.scratch[operation.link], operation.filled
            room = scratch.data[filled : min(SEGMENT, limit - at)]
        else:
            room = self.bytes[at : min(limit, at + SEGMENT)]
        if not room:
            return 0
        try:
            came = link.recv_into(room)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._lost(operation.peer, error) from error
        if came == 0:
            raise self._lost(operation.peer, None)
        if operation.reduces:
            self._added(operation, operation.filled + came)
        else:
            operation.at += came
        return came

    def _added(self, operation: Operation, filled: int) -> None:
        size = self.typed.itemsize
        whole, rest = divmod(filled, size)
        scratch = self.scratch[operation.link]
        if whole:
            first = operation.at // size
            self.program.kind.add_into(
                self.typed[first : first + whole], scratch[: whole * size].view(self.typed.dtype)
            )
            operation.at += whole * size
            if rest:
                scratch[:rest] = scratch[whole * size : filled]
        operation.filled = rest

    def _lost(self, peer: int, error: OSError | None) -> LostError:
        why = "closed its connection" if error is None else (error.strerror or str(error)).lower()
        where = f"{self.program.schedule.collective} ({self.program.schedule.algorithm})"
        return LostError(peer, f"rank {self.program.rank} lost rank {peer} in {where}: {why}")

    def stalled(self) -> StalledError:
        """What it waits for."""
        lists = [(side.receives, side.sends) for side in self.sides]
        parts = {f"from rank {link[0]}" for receives, _ in lists for link in list(receives)}
        parts |= {f"room to send to rank {link[0]}" for _, sends in lists for link in list(sends)}
        who = f"rank {self.program.rank} waited {self.timeout:g} s in vain"
        return StalledError(f"{who} for data {', '.join(sorted(parts))} in {self.program.schedule.collective}")


class Side:
    """What one thread of a run does: some of the sends and receives, and a bell by which the other threads wake it."""

    def __init__(self, run: Run, sends: dict[Link, deque[Operation]], receives: dict[Link, deque[Operation]]) -> None:
        self.run, self.sends, self.receives = run, sends, receives
        self.bell: tuple[socket, socket] | None = None
        self.hungry = False
        self.poll = select.poll()
        self.watched: dict[int, int] = {}

    @contextmanager
    def belled(self) -> Iterator[None]:
        """With a bell."""
        ear, hand = socketpair()
        with ear, hand:
            ear.setblocking(False)
            hand.setblocking(False)
            self.bell = (ear, hand)
            self.poll.register(ear, select.POLLIN)
            yield
            self.bell = None

    def work(self, wake: socket | None) -> None:
        """Do all of it; what goes wrong is in the run's `failure`."""
        try:
            self._work(wake)
        except CollectiveError as error:
            self.run.failure = self.run.failure or error
        self.run.call(self)

    def call(self) -> None:
        """Wake this side if it waits for another."""
        if self.hungry and self.bell is not None:
            self.hungry = False
            with suppress(BlockingIOError):
                self.bell[1].send(b"x")

    def _work(self, wake: socket | None) -> None:
        run = self.run
        if wake is not None:
            self.poll.register(wake, select.POLLIN)
        while (self.sends or self.receives) and run.failure is None:
            if self._step():
                continue
            self.hungry = True
            if not self._step() and run.failure is None:
                self._wait(wake)
            self.hungry = False

    def _step(self) -> bool:
        moved = False
        for link in list(self.receives):
            moved |= self.run.receive(link, self.receives)
        for link in list(self.sends):
            moved |= self.run.send(link, self.sends)
        if moved:
            self.run.moved_at = time.monotonic()
            if self.bell is not None:
                self.run.call(self)
        return moved

    def _wait(self, wake: socket | None) -> None:
        self._watch()
        left = self.run.timeout - (time.monotonic() - self.run.moved_at)
        for number, _ in self.poll.poll(1000 * max(LEAST_WAIT, left)):
            if wake is not None and number == wake.fileno():
                raise AbortedError(f"rank {self.run.program.rank} was told to stop")
            if self.bell is not None and number == self.bell[0].fileno():
                with suppress(BlockingIOError):
                    self.bell[0].recv(64)
        if time.monotonic() - self.run.moved_at > self.run.timeout:
            raise self.run.stalled()

    def _watch(self) -> None:
        wanted: dict[int, int] = {}
        for waiting, event in ((self.receives, select.POLLIN), (self.sends, select.POLLOUT)):
            for link, operations in waiting.items():
                number = self.run.links[link].fileno()
                free = operations[0].limit() > operations[0].at
                wanted[number] = wanted.get(number, 0) | (event if free else 0)
        for number, events in wanted.items():
            if self.watched.get(number) != events:
                self.poll.register(number, events)
                self.watched[number] = events
        for number in [n for n in self.watched if n not in wanted]:
            self.poll.unregister(number)
            del self.watched[number]


def _readable(wake: socket) -> bool:
    return bool(select.select([wake], [], [], 0)[0])
