"""Eight processes on two leaves run one ring all-reduce in several orders, over one uplink that is as slow as a link.

python -m navarch.course.communication_topologies.ranks --rendezvous 127.0.0.1:29400 --rank 0   # one of them
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from navarch.course.communication_topologies import spaces
from navarch.distributed.collectives import worker
from navarch.distributed.collectives.algorithms import schedule_of
from navarch.distributed.collectives.elements import element_type
from navarch.distributed.collectives.launch import Site, crew, plan_of
from navarch.distributed.collectives.rendezvous import Message, Rendezvous
from navarch.distributed.collectives.replay import padded
from navarch.distributed.collectives.schedule import CollectiveError, Schedule
from navarch.distributed.collectives.transport import program_of

LOCAL = "127.0.0.1"
DTYPE = "float32"
TIMEOUT = 30.0
"""After which a rank that hears nothing gives up [s]."""
UPLINK = "navarch.course.communication_topologies.uplink"

Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class OrderMeasured:
    """A ring in one order. name; order: the ranks as they sit in the ring; times: of the slowest rank, of each run
    [s]; correct: whether every sum was right."""

    name: str
    order: tuple[int, ...]
    times: tuple[float, ...]
    correct: bool


@dataclass(frozen=True, slots=True)
class RingsMeasured:
    """Rings in several orders in the same processes. shaped: whether the kernel shaped the links, else why not."""

    orders: tuple[OrderMeasured, ...]
    message: float
    shaped: bool
    why: str


def leaf_of(ranks: int) -> list[int]:
    """The leaf of each rank: half of them on either."""
    return [int(2 * rank >= ranks) for rank in range(ranks)]


def orders_of(ranks: int, draw: int) -> dict[str, list[int]]:
    """The ring in order, in a random order, and in the worst, where every step crosses the uplink."""
    half = ranks // 2
    worst = [rank for pair in zip(range(half), range(half, ranks), strict=True) for rank in pair]
    return {
        "in order": list(range(ranks)),
        "at random": [int(rank) for rank in np.random.default_rng(draw).permutation(ranks)],
        "every step across": worst,
    }


def crossings(order: Sequence[int], leaf: Sequence[int]) -> int:
    """How many steps of a ring go from the first leaf to the second; as many come back."""
    return sum(leaf[here] < leaf[there] for here, there in pairwise([*order, order[0]]))


def ring_in(order: Sequence[int]) -> Schedule:
    """A ring all-reduce whose ranks sit in the given order."""
    place = np.asarray(order, np.int64)
    ring = schedule_of("all_reduce", "ring", len(order))
    moved = [
        replace(each, source=place[each.source], destination=place[each.destination]) for each in ring.rounds
    ]  # fmt: skip
    return replace(ring, rounds=tuple(moved))


def measure_rings(
    ranks: int, rate: float, message: float, draw: int, repeats: int, progress: Progress, shaped: bool = True
) -> RingsMeasured:
    """Run the three rings. rate: of the uplink, each way, and of every link where they are shaped [byte/s]; message
    [byte]; draw: of the random order; repeats: runs of each; shaped: whether to try namespaces first."""
    leaf, orders = leaf_of(ranks), orders_of(ranks, draw)
    schedule = ring_in(orders["in order"])
    elements = padded(schedule, int(message / element_type(DTYPE).stored.itemsize))
    tasks: list[Message] = [{"order": order, "elements": padded(schedule, ranks)} for order in orders.values()]
    tasks += [{"order": order, "elements": elements} for _ in range(repeats) for order in orders.values()]
    heard: list[dict[int, Message]] = [{} for _ in tasks]

    def hear(rank: int, report: Message) -> None:
        if "task" in report:
            heard[report["task"]][rank] = report
            done = sum(len(each) for each in heard)
            progress(done / (ranks * len(tasks)), f"rings {list(orders)[report['task'] % len(orders)]}")

    why = "not asked for" if not shaped else _in_spaces(leaf, rate, tasks, hear)
    if why:
        _by_uplink(leaf, rate, tasks, hear)
    found = []
    for place, (name, order) in enumerate(orders.items()):
        runs = [each for number, each in enumerate(heard) if number % len(orders) == place]
        slowest = tuple(max(report["time"] for report in run.values()) for run in runs[1:])
        right = all(report["equal"] for run in runs for report in run.values())
        found.append(OrderMeasured(name, tuple(order), slowest, right))
    size = float(elements * element_type(DTYPE).stored.itemsize)
    return RingsMeasured(tuple(found), size, not why, why)


def _in_spaces(leaf: Sequence[int], rate: float, tasks: Sequence[Message], hear: Any) -> str:
    """Run in namespaces; why they cannot be had, or nothing."""
    try:
        with spaces.spaces(leaf, rate) as made, _told(made.name):
            _lead(leaf, made.address, tasks, hear, None)
    except spaces.NoSpacesError as error:
        return str(error)
    return ""


def _by_uplink(leaf: Sequence[int], rate: float, tasks: Sequence[Message], hear: Any) -> None:
    _lead(leaf, LOCAL, tasks, hear, rate)


def _lead(leaf: Sequence[int], address: str, tasks: Sequence[Message], hear: Any, rate: float | None) -> None:
    """Start the ranks, tell each leaf where the others are, and hear what they report. rate: of an uplink to start."""
    ranks = range(len(leaf))
    server = Rendezvous((address, 0), len(leaf), TIMEOUT)
    try:
        with crew(ranks, (address, server.address[1]), TIMEOUT, __name__) as started:
            about = server.gather(started.dead)
            own = {rank: list(each["address"]) for rank, each in about.items()}
            plan = plan_of(Site(len(leaf), timeout=TIMEOUT), tasks)
            with _uplink(leaf, own, rate) as beyond:
                for place in range(2):
                    at = {rank: own[rank] if leaf[rank] == place else beyond[rank] for rank in ranks}
                    server.tell({**plan, "addresses": at}, {rank: at for rank in ranks if leaf[rank] == place})
                server.collect(hear)
    finally:
        server.close()


@contextmanager
def _uplink(
    leaf: Sequence[int], own: dict[int, list[Any]], rate: float | None
) -> Iterator[dict[int, list[Any]]]:  # fmt: skip
    """Where the other leaf finds each rank: at its own address, or at that of the uplink's process."""
    if rate is None:
        yield own
        return
    told = json.dumps({"rate": rate, "to": own, "leaf": list(leaf)})
    with subprocess.Popen(
        [sys.executable, "-m", UPLINK, told], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise CollectiveError("the process of the uplink did not start")
            yield {int(rank): [LOCAL, port] for rank, port in json.loads(line).items()}
        finally:
            process.kill()


@contextmanager
def _told(name: str) -> Iterator[None]:
    """With the name of the namespaces in the environment, where the ranks find it."""
    os.environ[spaces.VARIABLE] = name
    try:
        yield
    finally:
        del os.environ[spaces.VARIABLE]


def task(rank: worker.Rank, asked: Message) -> Message:
    """What a rank does: one ring in an order, timed from a barrier on, and its sum checked."""
    kind = element_type(DTYPE)
    key = repr(asked)
    if key not in rank.programs:
        rank.programs[key] = program_of(ring_in(asked["order"]), rank.number, asked["elements"], kind)
    program = rank.programs[key]
    buffer = kind.ones(program.edges[-1])
    rank.barrier()
    time = rank.run(program, buffer)
    return {"time": time, "equal": bool(np.all(buffer == rank.ranks))}


def main() -> int:
    """The process of a rank, in its namespace where it has one."""
    name = os.environ.get(spaces.VARIABLE)
    if name:
        spaces.enter(f"{name}{sys.argv[sys.argv.index('--rank') + 1]}")
    return worker.main(task)


if __name__ == "__main__":
    sys.exit(main())
