"""Pipeline schedules, run event by event.

A stage runs its tasks in their order; a task starts when the stage is free and its input has arrived. Because every
stage and every link takes what it has in a fixed order, no clock is needed: the events are worked off as their inputs
become known, each once, and the times are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from navarch.core.arithmetic import difference, ratio, share_of, sum_of
from navarch.core.events import stream
from navarch.distributed.training.schedules import (
    BACKWARD,
    FORWARD,
    INPUT,
    KINDS,
    WEIGHT,
    Schedule,
    ScheduleError,
    check_complete,
)

if TYPE_CHECKING:
    import altair
    import polars

    from navarch.core.gantt import Bars

Times = NDArray[np.float64]
NOT_BUSY = 0.0


@dataclass(frozen=True, slots=True)
class Extra:
    """Work beside that of the layers, per microbatch: of the embedding, or of the output matrix and the loss [s]."""

    forward: float = NOT_BUSY
    backward_input: float = NOT_BUSY
    backward_weight: float = NOT_BUSY


@dataclass(frozen=True, slots=True)
class Timing:
    """How long everything takes [s].

    forward, backward_input, backward_weight: of one microbatch through one model chunk: a number, or an array that
    spreads over (stages, chunks). overlapped: of a forward and a backward side by side, a number or one a stage; None
    runs them one after the other. transfer: of one message between stages, which occupies the link; latency: until it
    arrives, besides; numbers or (stages, stages) from stage to stage. blocking: a stage does nothing else while it
    sends. embedding, head: what the first and the last chunk of the model have besides. slowdown: factor of each stage;
    jitter: relative standard deviation of each task's time (log-normal, mean 1), drawn with `seed` for each stage.
    """

    forward: ArrayLike
    backward_input: ArrayLike
    backward_weight: ArrayLike = NOT_BUSY
    overlapped: ArrayLike | None = None
    transfer: ArrayLike = NOT_BUSY
    latency: ArrayLike = NOT_BUSY
    blocking: bool = False
    embedding: Extra = Extra()
    head: Extra = Extra()
    slowdown: ArrayLike = 1.0
    jitter: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """Bytes of activations.

    activation: of one microbatch in one model chunk, from its forward to its backward [byte], a number or an array that
    spreads over (stages, chunks); kept: share of it that is left between backward-input and backward-weight [fraction].
    """

    activation: ArrayLike
    kept: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class PipelineRun:
    """What a schedule did.

    start, end: of each task of the schedule [s]; makespan: from the first start to the last end [s]; busy, sending: of
    each stage [s]; span: of each stage, from its first task to its last [s]; bubble: what a stage waits within its span
    [s]; idle: the same within the makespan [s]; bubble_share: idle share of the makespan, of each stage [fraction];
    in_flight: most microbatches whose activations a stage holds at once, in activations of a whole stage;
    in_flight_by_chunk: the same for each chunk alone; held_bytes: most bytes of activations at once, of each stage,
    where their size was given.
    """

    schedule: Schedule
    start: Times
    end: Times
    makespan: float
    busy: Times
    sending: Times
    span: Times
    bubble: Times
    idle: Times
    bubble_share: Times
    in_flight: Times
    in_flight_by_chunk: NDArray[np.int64]
    held_bytes: Times | None

    @property
    def step(self) -> float:
        """The longest span of a stage: the time of a step where the next follows without a barrier [s]."""
        return float(self.span.max())

    def to_frame(self) -> polars.DataFrame:
        """A row for each task."""
        import polars as pl

        schedule = self.schedule
        return pl.DataFrame(
            {
                "stage": schedule.stage,
                "kind": pl.Series(np.array(KINDS)[schedule.kind], dtype=pl.Enum(KINDS)),
                "microbatch": schedule.microbatch,
                "chunk": schedule.chunk,
                "start": self.start,
                "end": self.end,
            }
        )

    def stages_frame(self) -> polars.DataFrame:
        """A row for each stage."""
        import polars as pl

        columns: dict[str, Any] = {"stage": np.arange(self.schedule.stages)}
        for name in ("busy", "sending", "span", "bubble", "idle", "bubble_share", "in_flight", "held_bytes"):
            if getattr(self, name) is not None:
                columns[name] = getattr(self, name)
        return pl.DataFrame(columns)

    def plot(self, **options: Any) -> altair.LayerChart:
        """The Gantt chart; options as of `navarch.core.gantt.chart`."""
        from navarch.core.gantt import chart, themed

        return themed(chart(bars_of(self), **options))

    def _repr_html_(self) -> str:
        from navarch.core.gantt import chart, inline_html

        return inline_html(chart(bars_of(self)))


def bars_of(run: PipelineRun) -> Bars:
    """The run as data of a Gantt chart."""
    from navarch.core.gantt import Bars

    schedule = run.schedule
    return Bars(
        row=schedule.stage,
        start=run.start,
        end=run.end,
        kind=schedule.kind,
        tint=schedule.chunk,
        label=schedule.microbatch,
        beside=schedule.beside & (run.start == np.roll(run.start, -1)) & (schedule.kind == FORWARD),
        rows=schedule.stages,
        tints=schedule.chunks,
    )


def timing_of_stage(
    schedule: Schedule,
    forward: float,
    backward_input: float,
    backward_weight: float,
    overlapped: float | None = None,
    **others: Any,
) -> Timing:
    """The timing of equal chunks, from the times of one microbatch on a whole stage [s]; others: as of `Timing`."""
    chunks = schedule.chunks_of_a_stage
    return Timing(
        forward=ratio(forward, chunks),
        backward_input=ratio(backward_input, chunks),
        backward_weight=ratio(backward_weight, chunks),
        overlapped=None if overlapped is None else ratio(overlapped, chunks),
        **others,
    )


def simulate(schedule: Schedule, timing: Timing, holding: Holding | None = None) -> PipelineRun:
    """Run a schedule. Raises ScheduleError where a task is missing, or where the stages wait for each other."""
    check_complete(schedule)
    duration, together = durations(schedule, timing)
    start, end, free, sending = _run(schedule, timing, duration, together)
    return _told(schedule, np.where(np.roll(together, 1), 0.0, duration), start, end, free, sending, holding)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """A schedule run many times with other draws: steps and makespans, one a replication [s]."""

    steps: Times
    makespans: Times

    def interval(self, share: float) -> tuple[float, float]:
        """Between which two steps so large a share of the replications lies [s]."""
        tail = (1 - share) / 2
        low, high = np.quantile(self.steps, [tail, 1 - tail])
        return float(low), float(high)


def replicate(schedule: Schedule, timing: Timing, replications: int) -> Spread:
    """Run a schedule again and again, with the seeds that follow `timing.seed`."""
    check_complete(schedule)
    steps, makespans = np.empty((2, replications))
    first = schedule.offset[:-1]
    for index in range(replications):
        drawn = replace(timing, seed=timing.seed + index)
        start, end, free, _ = _run(schedule, drawn, *durations(schedule, drawn))
        steps[index] = difference(np.maximum(free, end[schedule.offset[1:] - 1]), start[first]).max()
        makespans[index] = end.max()
    return Spread(steps, makespans)


def durations(schedule: Schedule, timing: Timing) -> tuple[Times, NDArray[np.bool_]]:
    """The time of each task, and which start and end with the next one."""
    _check_times(timing)
    shape = (schedule.stages, schedule.chunks)
    slow = _column(timing.slowdown, schedule.stages)
    layers = [
        np.broadcast_to(np.asarray(part, float), shape) * slow
        for part in (timing.forward, timing.backward_input, timing.backward_weight)
    ]
    parts = _with_ends(schedule, timing, layers)
    place = schedule.stage.astype(np.int64) * schedule.chunks + schedule.chunk
    each = [part.ravel()[place] for part in parts]
    if timing.jitter:
        each = [part * factor for part, factor in zip(each, _jitter(schedule, timing), strict=True)]
    of_kind = {FORWARD: each[0], INPUT: each[1], WEIGHT: each[2], BACKWARD: each[1] + each[2]}
    duration = np.select([schedule.kind == kind for kind in of_kind], list(of_kind.values()))
    together = np.zeros(len(schedule), bool)
    if timing.overlapped is not None and schedule.beside.any():
        together = schedule.beside.copy()
        first = np.flatnonzero(together)
        side = (_column(timing.overlapped, schedule.stages) * slow).ravel()[schedule.stage[first]]
        whole, of_layers = (_of_pairs(found, place[first], place[first + 1]) for found in (parts, layers))
        share = (whole - of_layers + side) / whole
        duration[first] = duration[first + 1] = share * (duration[first] + duration[first + 1])
    return duration, together


def _of_pairs(parts: Sequence[Times], ahead: NDArray[np.int64], back: NDArray[np.int64]) -> Times:
    """The time of a forward on one place and a backward on another, one after the other."""
    forward, backward_input, backward_weight = (part.ravel() for part in parts)
    total: Times = forward[ahead] + backward_input[back] + backward_weight[back]
    return total


def _check_times(timing: Timing) -> None:
    """Refuse times that are negative or no numbers, and stages that do not work at all."""
    for name in (
        "forward",
        "backward_input",
        "backward_weight",
        "overlapped",
        "transfer",
        "latency",
        "slowdown",
        "jitter",
    ):
        given = getattr(timing, name)
        values = np.asarray(0.0 if given is None else given, float)
        if not np.all(np.isfinite(values) & (values >= 0)):
            raise ScheduleError(name, f"{given} is not allowed; finite numbers of at least 0")
    if not np.all(np.asarray(timing.slowdown, float) > 0):
        raise ScheduleError("slowdown", f"{timing.slowdown} is not allowed; factors of more than 0")


def _column(values: ArrayLike, stages: int) -> Times:
    return np.broadcast_to(np.asarray(values, float), (stages,))[:, None]


def _with_ends(schedule: Schedule, timing: Timing, parts: Sequence[Times]) -> list[Times]:
    """The times of the chunks, with the embedding on the first and the head on the last of each route."""
    slow = _column(timing.slowdown, schedule.stages).ravel()
    added = [part.copy() for part in parts]
    for route in schedule.routes:
        for extra, place in ((timing.embedding, route.places[0]), (timing.head, route.places[-1])):
            more = (extra.forward, extra.backward_input, extra.backward_weight)
            for part, seconds in zip(added, more, strict=True):
                part[place] += seconds * slow[place[0]]
    return added


def _jitter(schedule: Schedule, timing: Timing) -> list[Times]:
    """Factors of the forward, backward-input and backward-weight time of each task.

    A task's factor hangs on its stage, chunk, microbatch and kind alone, so that schedules can be compared.
    """
    spread = np.sqrt(np.log1p(timing.jitter**2))
    each = np.empty((3, len(schedule)))
    for stage in range(schedule.stages):
        here = schedule.tasks_of(stage)
        drawn = stream(timing.seed, stage).standard_normal((schedule.microbatches, schedule.chunks, 3))
        each[:, here] = drawn[schedule.microbatch[here], schedule.chunk[here]].T
    return list(np.exp(spread * each - spread**2 / 2))


def _run(
    schedule: Schedule, timing: Timing, duration: Times, together: NDArray[np.bool_]
) -> tuple[Times, Times, Times, Times]:
    from navarch.distributed.training import pipeline_events as events

    stages = schedule.stages
    place = schedule.stage.astype(np.int64) * schedule.chunks + schedule.chunk
    slot = place * schedule.microbatches + schedule.microbatch
    before, after = schedule.neighbours()
    first, last = schedule.carried()
    home = np.repeat(np.arange(stages), schedule.chunks)
    latency, transfer = (
        np.array(np.broadcast_to(np.asarray(given, float), (stages, stages)))
        for given in (timing.latency, timing.transfer)
    )
    start, end = np.full((2, len(schedule)), np.nan)
    free, sending = np.zeros((2, stages))
    stuck = events.run(
        schedule.offset, schedule.kind, slot, together, duration, home, before, after, schedule.microbatches, first,
        last, latency, transfer, timing.blocking, start, end, free, sending,
    )  # fmt: skip
    if (stuck < schedule.offset[1:]).any():
        raise _deadlock(schedule, stuck, int(np.argmax(stuck < schedule.offset[1:])))
    return start, end, free, sending


def _deadlock(schedule: Schedule, stuck: NDArray[np.int64], stage: int) -> ScheduleError:
    """The circle of stages that wait for each other, told from the first that is met in it."""
    met: list[int] = []
    while stage not in met:
        met.append(stage)
        stage, _ = _waits_for(schedule, int(stuck[stage]))
    circle = [*met[met.index(stage) :], stage]
    task = int(stuck[stage])
    number = task - int(schedule.offset[stage])
    _, wanted = _waits_for(schedule, task)
    message = f"its task {number}, {schedule.named(task)}, waits for ever for {wanted}"
    if len(circle) > 2:
        message += f"; the stages that wait for each other: {' → '.join(map(str, circle))}"
    return ScheduleError(f"stage {stage}", message)


def _waits_for(schedule: Schedule, task: int) -> tuple[int, str]:
    """The stage that runs what a task needs, and what that is."""
    stage = int(schedule.stage[task])
    kind, microbatch = int(schedule.kind[task]), schedule.microbatch[task]
    if kind == WEIGHT:
        return stage, f"the backward-input of microbatch {microbatch}, which comes after it"
    before, after = schedule.neighbours()
    place = stage * schedule.chunks + int(schedule.chunk[task])
    source = int(before[place] if kind == FORWARD else after[place])
    if source < 0:
        return stage, f"the forward of microbatch {microbatch}, which comes after it"
    home, chunk = divmod(source, schedule.chunks)
    where = f"chunk {chunk} on stage {home}" if schedule.chunks > 1 else f"stage {home}"
    return home, f"the {'forward' if kind == FORWARD else 'backward'} of microbatch {microbatch} by {where}"


def _told(
    schedule: Schedule,
    worked: Times,
    start: Times,
    end: Times,
    free: Times,
    sending: Times,
    holding: Holding | None,
) -> PipelineRun:
    first, last = schedule.offset[:-1], schedule.offset[1:] - 1
    busy = np.add.reduceat(worked, first)
    span = difference(np.maximum(free, end[last]), start[first])
    makespan = np.full(schedule.stages, end.max())
    in_flight, by_chunk, held = _held(schedule, holding)
    used = sum_of(busy, sending)
    idle = difference(makespan, used)
    return PipelineRun(
        schedule=schedule,
        start=start,
        end=end,
        makespan=float(end.max()),
        busy=busy,
        sending=sending,
        span=span,
        bubble=difference(span, used),
        idle=idle,
        bubble_share=share_of(idle, makespan),
        in_flight=in_flight,
        in_flight_by_chunk=by_chunk,
        held_bytes=held,
    )


def _held(schedule: Schedule, holding: Holding | None) -> tuple[Times, NDArray[np.int64], Times | None]:
    """The most activations at once: by stage, by stage and chunk, and in bytes; the order alone decides."""
    change = np.select([schedule.kind == FORWARD, schedule.kind == INPUT], [1, 0], -1)
    stages, chunks = schedule.stages, schedule.chunks
    total = np.zeros(stages)
    by_chunk = np.zeros((stages, chunks), np.int64)
    held = None if holding is None else np.zeros(stages)
    for stage in range(stages):
        here = schedule.tasks_of(stage)
        total[stage] = np.cumsum(change[here]).max(initial=0)
        for chunk in range(chunks):
            by_chunk[stage, chunk] = np.cumsum(change[here] * (schedule.chunk[here] == chunk)).max(initial=0)
        if held is not None and holding is not None:
            size = np.broadcast_to(np.asarray(holding.activation, float), (stages, chunks))[stage]
            released = np.select([schedule.kind[here] == INPUT, schedule.kind[here] == WEIGHT],
                                 [holding.kept - 1, -holding.kept], change[here])  # fmt: skip
            held[stage] = np.cumsum(released * size[schedule.chunk[here]]).max(initial=0)
    return ratio(total, schedule.chunks_of_a_stage), by_chunk, held
