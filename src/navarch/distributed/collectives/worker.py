"""One rank of a measurement: joins the rendezvous, connects to the others, and does the tasks that all are given.

python -m navarch.distributed.collectives.worker --rendezvous 127.0.0.1:29400 --rank 0
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from socket import socket
from typing import Any

import numpy as np

from navarch.distributed.collectives.algorithms import schedule_of
from navarch.distributed.collectives.elements import ElementType, element_type
from navarch.distributed.collectives.mesh import connect, listener_at
from navarch.distributed.collectives.rendezvous import GIVE_UP, Guest, Message, parse_address
from navarch.distributed.collectives.replay import padded, replay
from navarch.distributed.collectives.schedule import Array, CollectiveError, Schedule
from navarch.distributed.collectives.transport import Link, LostError, Program, Run, program_of

FAILED = 1
LARGEST_WHOLE_CHECK = 1 << 24
"""Bytes up to which every element of a timed collective is checked, not a sample."""
SAMPLE = 1 << 12


@dataclass(frozen=True)
class Asked:
    """A collective on a message. elements: of the message; options: `shape`, `segments` and `root` of its schedule."""

    collective: str
    algorithm: str
    elements: int
    dtype: str
    options: dict[str, Any]


@dataclass(eq=False)
class Rank:
    """A rank among the others. nodes: ranks and switches that reduce; processes: ranks of each host."""

    number: int
    ranks: int
    nodes: int
    processes: int
    guest: Guest
    links: Mapping[Link, socket]
    timeout: float
    programs: dict[str, Program] = field(default_factory=dict)
    peer: Any = None

    def program(self, asked: Asked) -> Program:
        """The program of a collective, made once."""
        key = repr(asked)
        if key not in self.programs:
            schedule = schedule_of(asked.collective, asked.algorithm, self.ranks, **asked.options)
            kind = element_type(asked.dtype)
            self.programs[key] = program_of(schedule, self.number, padded(schedule, asked.elements), kind)
        return self.programs[key]

    def run(self, program: Program, buffer: Array) -> float:
        """Run a program on a buffer; the time that it took here [s]."""
        run = Run(program, self.links, buffer, self.timeout)
        start = time.perf_counter()
        run.finish(self.guest.wake)
        return time.perf_counter() - start

    def barrier(self) -> None:
        """Wait until all are here: a gather of one byte from each."""
        key = "barrier"
        if key not in self.programs:
            schedule = schedule_of("all_gather", "bruck", self.nodes)
            self.programs[key] = program_of(schedule, self.number, self.nodes, element_type("uint8"))
        self.run(self.programs[key], self.programs[key].buffer())

    def told_by_first(self, number: int) -> int:
        """A number that rank 0 tells the others."""
        program = program_of(schedule_of("broadcast", "chain", self.ranks, segments=1), self.number, 1, _WORD)
        buffer = np.full(1, number, np.int64)
        self.run(program, buffer)
        return int(buffer[0])


_WORD = element_type("int64")


def check(rank: Rank, asked: Asked, seed: int) -> Message:
    """Run once on drawn elements and compare with the schedule replayed in memory, bit for bit, and with the sum."""
    program = rank.program(asked)
    schedule, kind = program.schedule, program.kind
    if rank.number >= rank.ranks:
        rank.run(program, program.buffer())
        return {}
    drawn = [filled(program, schedule, kind, seed, other) for other in range(rank.ranks)]
    buffer = drawn[rank.number].copy()
    rank.run(program, buffer)
    places = result_places(program, rank.number)
    found, expected = (
        each[places] for each in (buffer, replay(schedule, drawn, program.elements, kind.add)[rank.number])
    )
    equal = bool(np.array_equal(found.view(np.uint8), expected.view(np.uint8)))
    return {"equal": equal, "error": _error(program, drawn, rank.number, found, places)}


def filled(program: Program, schedule: Schedule, kind: ElementType, seed: int, rank: int) -> Array:
    """The buffer of a rank before the collective: its own elements where it brings some, zeros elsewhere."""
    buffer = program.buffer()
    drawn = kind.drawn(seed, rank, len(buffer))
    for slot in schedule.inputs(rank):
        buffer[program.edges[slot] : program.edges[slot + 1]] = drawn[program.edges[slot] : program.edges[slot + 1]]
    return buffer


def result_places(program: Program, rank: int) -> Array:
    """The elements of the buffer that hold a rank's result, in order."""
    spans = [np.arange(program.edges[slot], program.edges[slot + 1]) for slot in program.schedule.outputs(rank)]
    return np.concatenate(spans) if spans else np.empty(0, np.int64)


def _error(program: Program, drawn: list[Array], rank: int, found: Array, places: Array) -> float:
    """Largest error against NumPy's own sum, relative to the largest sum; zero where nothing is summed."""
    kind = program.kind
    if program.schedule.collective not in ("all_reduce", "reduce_scatter") or not len(found):
        return 0.0
    if kind.exact:
        total = np.sum([each[places] for each in drawn], axis=0, dtype=kind.stored)
        return 0.0 if np.array_equal(total, found) else 1.0
    total = np.sum([kind.wide(each)[places] for each in drawn], axis=0)
    return float(np.abs(kind.wide(found) - total).max() / max(np.abs(total).max(), np.finfo(np.float64).tiny))


def timed(rank: Rank, asked: Asked, repeats: int, warm: int, peer: str) -> Message:
    """Run several times, each beside the peer if there is one: times and processor times of this rank [s]."""
    program = rank.program(asked)
    takes_part = rank.number < rank.ranks
    ours: list[float] = []
    theirs: list[float] = []
    ours_busy: list[float] = []
    theirs_busy: list[float] = []
    right = True
    buffer = program.kind.ones(program.edges[-1])
    for _ in range(warm + repeats):
        _ones(buffer, program, takes_part)
        rank.barrier()
        busy = time.process_time()
        ours.append(rank.run(program, buffer))
        ours_busy.append(time.process_time() - busy)
        right &= not takes_part or _is_sum(buffer, program, rank)
        if peer:
            _ones(buffer, program, takes_part)
            rank.barrier()
            busy = time.process_time()
            message = buffer[: program.edges[program.schedule.chunks]]
            theirs.append(rank.peer(message, asked.dtype) if takes_part else 0.0)
            theirs_busy.append(time.process_time() - busy)
            if takes_part and not _is_sum(buffer, program, rank):
                raise CollectiveError(f"peer: rank {rank.number} got a wrong sum from it")
    seen = {"times": ours, "peer": theirs, "busy": ours_busy, "peer_busy": theirs_busy}
    return {"equal": right, **{name: each[warm:] for name, each in seen.items()}}


def _ones(buffer: Array, program: Program, takes_part: bool) -> None:
    buffer[:] = program.kind.ones(1)[0] if takes_part else 0


def _is_sum(buffer: Array, program: Program, rank: Rank) -> bool:
    """Whether ones became what the collective makes of them; of a large message, in a sample."""
    edges, outputs = program.edges, program.schedule.outputs(rank.number)
    whole = edges[-1] * program.kind.stored.itemsize <= LARGEST_WHOLE_CHECK
    reduces = program.schedule.collective in ("all_reduce", "reduce_scatter")
    expected = program.kind.ones(1)
    for _ in range(rank.ranks - 1 if reduces else 0):
        expected = program.kind.add(expected, program.kind.ones(1))
    for slot in outputs:
        found = buffer[edges[slot] : edges[slot + 1]]
        parts = [found] if whole else [found[:SAMPLE], found[-SAMPLE:]]
        if any(np.any(part != expected[0]) for part in parts):
            return False
    return True


def reduction(rank: Rank, asked: Asked, repeats: int) -> Message:
    """Times [s] in which all ranks at once add what is in the cache to a message that is not."""
    kind = element_type(asked.dtype)
    held, arrived = kind.ones(asked.elements), kind.ones(min(asked.elements, (1 << 18) // kind.stored.itemsize))
    times = []
    for _ in range(repeats + 1):
        rank.barrier()
        start = time.perf_counter()
        for first in range(0, asked.elements, len(arrived)):
            place = held[first : first + len(arrived)]
            kind.add_into(place, arrived[: len(place)])
        times.append(time.perf_counter() - start)
    return {"times": times[1:], "equal": True}


def _task(rank: Rank, task: Message) -> Message:
    asked = Asked(**task["asked"])
    if task["kind"] == "check":
        return check(rank, asked, task["seed"])
    if task["kind"] == "reduction":
        return reduction(rank, asked, task["repeats"])
    if task["peer"] and rank.peer is None and rank.number < rank.ranks:
        from navarch.distributed.collectives.measure import torch_peer

        rank.peer = torch_peer(task["peer"], rank)
    return timed(rank, asked, task["repeats"], task["warm"], task["peer"])


def joined(guest: Guest, number: int, timeout: float) -> tuple[Rank, list[Message]]:
    """Join the others: this rank with its connections, and the tasks."""
    listener = listener_at(guest.local)
    guest.say({"join": number, "address": listener.getsockname()[:2], "pid": os.getpid()})
    plan = guest.hear()
    guest.watch(lambda: _give_up(guest, number), GIVE_UP)
    addresses = {int(peer): (host, port) for peer, (host, port) in plan["addresses"].items()}
    links = connect(number, addresses.keys() - {number}, addresses, listener, plan["secret"], timeout)
    listener.close()
    rank = Rank(number, plan["ranks"], len(addresses), plan["processes"], guest, links, plan["timeout"])
    return rank, plan["tasks"]


def _give_up(guest: Guest, number: int) -> None:
    """End a rank that has not noticed the word to stop, as one that waits in another library; it says so first."""
    with suppress(OSError):
        guest.say({"failed": f"rank {number} was still in its task: {guest.reason}"})
    os._exit(FAILED)


def serve(address: tuple[str, int], number: int, timeout: float, task: Callable[[Rank, Message], Message]) -> int:
    """Be a rank until all tasks are done; the exit status."""
    guest = Guest(address, timeout)
    try:
        rank, tasks = joined(guest, number, timeout)
        for place, each in enumerate(tasks):
            guest.say({"task": place, **task(rank, each)})
        rank.barrier()
        guest.say({"done": True})
    except CollectiveError as error:
        return _gone(guest, number, error)
    return 0


def _gone(guest: Guest, number: int, error: CollectiveError) -> int:
    """Say why this rank stops: with the cause that the rendezvous knows, if it tells in time."""
    message = str(error)
    try:
        if isinstance(error, LostError) and not guest.reason_within(GIVE_UP / 2):
            guest.say({"failed": message})
        else:
            cause = guest.reason
            message = f"{message}: {cause}" if cause and cause not in message else message
            guest.say({"failed": message})
    except OSError:
        message = f"{message}; the rendezvous is gone too"
    sys.stderr.write(f"{message}\n")
    time.sleep(0.2)
    return FAILED


def main(task: Callable[[Rank, Message], Message] = _task) -> int:
    """The process of one rank. task: what it does with each task."""
    parser = argparse.ArgumentParser(description="One rank of a measurement.")
    parser.add_argument("--rendezvous", required=True)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--timeout", type=float, default=60.0)
    given = parser.parse_args()
    try:
        return serve(parse_address(given.rendezvous, 0), given.rank, given.timeout, task)
    except CollectiveError as error:
        sys.stderr.write(f"rank {given.rank}: {error}\n")
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
