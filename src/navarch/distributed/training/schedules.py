"""Pipeline schedules as data: what each stage runs, in which order, and what every task waits for.

A stage holds one or more model chunks. A route is the way of some microbatches through the chunks, in the model's
order. A forward waits for the forward on the place before it; a backward for the backward on the place after it (on the
last place, for its own forward); a gradient of the weights for the gradient of the input of the same microbatch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FORWARD, BACKWARD, INPUT, WEIGHT = range(4)
KINDS = ("forward", "backward", "backward-input", "backward-weight")
"""A backward gives both gradients; backward-input and backward-weight give one each."""

MOST_TASKS = 100_000_000

Placement = Literal["loop", "v", "two-way"]
PLACEMENTS: tuple[Placement, ...] = ("loop", "v", "two-way")
Integers = NDArray[np.int64]


class ScheduleError(ValueError):
    """A schedule that cannot be run as written: the field, what is wrong, and what is allowed."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Route:
    """The way of some microbatches through the model.

    places: (stage, chunk) in the model's order; first: the first microbatch that goes this way; count: how many do.
    """

    places: tuple[tuple[int, int], ...]
    first: int
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """What each stage runs, in order; the tasks of all stages in one array, stage after stage.

    name: of the schedule; stages; chunks: model chunks of a stage; microbatches: of one step, on all routes; routes: of
    the microbatches; offset: where the tasks of each stage begin, and the end; kind, microbatch, chunk: of each task;
    beside: whether a forward runs side by side with the backward that follows it (DualPipe).
    """

    name: str
    stages: int
    chunks: int
    microbatches: int
    routes: tuple[Route, ...]
    offset: Integers
    kind: NDArray[np.int8]
    microbatch: NDArray[np.int32]
    chunk: NDArray[np.int16]
    beside: NDArray[np.bool_] = field(repr=False)

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def stage(self) -> NDArray[np.int32]:
        """The stage of each task."""
        return np.repeat(np.arange(self.stages, dtype=np.int32), np.diff(self.offset))

    @property
    def chunks_of_a_stage(self) -> int:
        """How many chunks make up a whole stage of one copy of the model; where there are two copies, each has one."""
        return self.chunks // len(self.routes)

    def tasks_of(self, stage: int) -> slice:
        """Where the tasks of a stage lie in the arrays."""
        return slice(int(self.offset[stage]), int(self.offset[stage + 1]))

    def neighbours(self) -> tuple[Integers, Integers]:
        """For each place (stage * chunks + chunk), the place before it and the place after it, or -1 at the ends."""
        before, after = np.full((2, self.stages * self.chunks), -1, np.int64)
        for route in self.routes:
            line = np.array([stage * self.chunks + chunk for stage, chunk in route.places], np.int64)
            before[line[1:]], after[line[:-1]] = line[:-1], line[1:]
        return before, after

    def carried(self) -> tuple[Integers, Integers]:
        """For each place, the first microbatch that comes there and the one after the last; both 0 where none does."""
        first, end = np.zeros((2, self.stages * self.chunks), np.int64)
        for route in self.routes:
            for stage, chunk in route.places:
                first[stage * self.chunks + chunk] = route.first
                end[stage * self.chunks + chunk] = route.first + route.count
        return first, end

    def named(self, task: int) -> str:
        """A task in words."""
        chunk = f", chunk {self.chunk[task]}" if self.chunks > 1 else ""
        return f"{KINDS[self.kind[task]]} of microbatch {self.microbatch[task]}{chunk}"


def routes_of(placement: Placement, stages: int, chunks: int, microbatches: int) -> tuple[Route, ...]:
    """The routes of a usual placement.

    "loop": round and round the stages, a chunk a round; "v": down the stages and up again, in alternation; "two-way":
    two copies of the model, half of the microbatches down through chunk 0 and half up through chunk 1.
    """
    down = list(range(stages))
    if placement == "two-way":
        half = microbatches // 2
        there = tuple((stage, 0) for stage in down)
        back = tuple((stage, 1) for stage in reversed(down))
        return Route(there, 0, half), Route(back, half, microbatches - half)
    order = [down if placement == "loop" or chunk % 2 == 0 else down[::-1] for chunk in range(chunks)]
    places = tuple((stage, chunk) for chunk, stages_ in enumerate(order) for stage in stages_)
    return (Route(places, 0, microbatches),)


def made(
    name: str,
    orders: Sequence[NDArray[np.int32]],
    routes: tuple[Route, ...],
    chunks: int,
    microbatches: int,
) -> Schedule:
    """A schedule from one order a stage: rows of kind, microbatch, chunk and (0 or 1) beside the next."""
    rows = np.concatenate(orders) if orders else np.empty((0, 4), np.int32)
    lengths = np.array([0, *(len(order) for order in orders)], np.int64)
    return Schedule(
        name=name,
        stages=len(orders),
        chunks=chunks,
        microbatches=microbatches,
        routes=routes,
        offset=np.cumsum(lengths),
        kind=rows[:, 0].astype(np.int8),
        microbatch=rows[:, 1].astype(np.int32),
        chunk=rows[:, 2].astype(np.int16),
        beside=rows[:, 3].astype(bool),
    )


def check_complete(schedule: Schedule) -> None:
    """Refuse a schedule in which a task is missing or there twice, or that names what does not exist."""
    _check_ranges(schedule)
    place = schedule.stage.astype(np.int64) * schedule.chunks + schedule.chunk
    slot = place * schedule.microbatches + schedule.microbatch
    size = schedule.stages * schedule.chunks * schedule.microbatches
    count = np.stack([np.bincount(slot[schedule.kind == kind], minlength=size) for kind in range(len(KINDS))])
    first, end = schedule.carried()
    at = np.arange(schedule.microbatches)
    due = ((at >= first[:, None]) & (at < end[:, None])).ravel()
    wrong = [
        (count[FORWARD] != due, "forward", count[FORWARD]),
        (count[BACKWARD] + count[INPUT] != due, "backward", count[BACKWARD] + count[INPUT]),
        (count[WEIGHT] != count[INPUT], "backward-weight", count[WEIGHT]),
    ]
    for bad, name, found in wrong:
        if bad.any():
            raise _miscounted(schedule, int(np.argmax(bad)), name, due, found)


def _check_ranges(schedule: Schedule) -> None:
    for name, values, most in (
        ("microbatch", schedule.microbatch, schedule.microbatches),
        ("chunk", schedule.chunk, schedule.chunks),
    ):
        bad = (values < 0) | (values >= most)
        if bad.any():
            task = int(np.argmax(bad))
            message = f"{schedule.named(task)}: {name} {values[task]} does not exist; there are 0 to {most - 1}"
            raise ScheduleError(f"stage {schedule.stage[task]}", message)


def _miscounted(schedule: Schedule, slot: int, name: str, due: NDArray[np.bool_], found: Integers) -> ScheduleError:
    place, microbatch = divmod(slot, schedule.microbatches)
    stage, chunk = divmod(place, schedule.chunks)
    task = f"{name} of microbatch {microbatch}" + (f", chunk {chunk}" if schedule.chunks > 1 else "")
    if not due[slot]:
        return ScheduleError(f"stage {stage}", f"{task} does not come this way")
    times = int(found[slot])
    if times == 0:
        return ScheduleError(f"stage {stage}", f"{task} is missing")
    if name == "backward-weight":
        return ScheduleError(f"stage {stage}", f"{task} has no backward-input of its own")
    return ScheduleError(f"stage {stage}", f"{task} is there {times} times; each task is run once")


def group_taken(schedule: Schedule) -> int | None:
    """The microbatches that an interleaved schedule takes through a chunk; None where they are as many as stages.

    They are read from the order: so many forwards of the first chunk come before the first of the second.
    """
    if schedule.name != "interleaved" or schedule.chunks == 1:
        return None
    here = schedule.tasks_of(0)
    forward = schedule.chunk[here][schedule.kind[here] == FORWARD]
    group = int(np.argmax(forward > 0))
    return None if group == schedule.stages else group
