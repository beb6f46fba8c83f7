"""The orders of the published pipeline schedules, stage by stage.

Each is written from the description of its authors. A row is a task: kind, microbatch, chunk, and 1 where a forward
runs beside the backward that follows it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from navarch.distributed.training.schedules import (
    BACKWARD,
    FORWARD,
    INPUT,
    WEIGHT,
    Schedule,
    ScheduleError,
    made,
    routes_of,
)

Rows = NDArray[np.int32]
Symbol = tuple[int, int, int]
"""Kind, chunk and whether beside the next; the microbatch is the next one of its kind and chunk."""


def _rows(kind: int, microbatch: NDArray[np.int64], chunk: NDArray[np.int64] | int = 0) -> Rows:
    """Tasks of one kind."""
    rows = np.zeros((len(microbatch), 4), np.int32)
    rows[:, 0], rows[:, 1], rows[:, 2] = kind, microbatch, chunk
    return rows


def _alternating(*columns: Rows) -> Rows:
    """The first of each column, then the second of each, and so on."""
    return np.stack(columns, axis=1).reshape(-1, 4)


def _by_key(*keyed: tuple[Rows, NDArray[np.int64]]) -> Rows:
    """Tasks in the order of their keys."""
    rows, keys = (np.concatenate(part) for part in zip(*keyed, strict=True))
    return rows[np.argsort(keys, kind="stable")]


def gpipe(stages: int, chunks: int, microbatches: int, group: int | None = None) -> Schedule:
    """All forwards, then all backwards in the same order of microbatches; chunk after chunk (Huang et al. 2019)."""
    every = np.tile(np.arange(microbatches), chunks)
    chunk = np.repeat(np.arange(chunks), microbatches)
    order = np.concatenate([_rows(FORWARD, every, chunk), _rows(BACKWARD, every, chunks - 1 - chunk)])
    routes = routes_of("loop", stages, chunks, microbatches)
    return made("gpipe", [order] * stages, routes, chunks, microbatches)


def one_forward_one_backward(stages: int, chunks: int, microbatches: int, group: int | None = None) -> Schedule:
    """As many forwards as there are stages to come, then one forward and one backward in turn (PipeDream-flush)."""
    every = np.arange(microbatches)
    forward, backward = _rows(FORWARD, every), _rows(BACKWARD, every)
    orders = [_warm_then_alternate(forward, backward, stages - 1 - stage) for stage in range(stages)]
    return made("1f1b", orders, routes_of("loop", stages, 1, microbatches), 1, microbatches)


def _warm_then_alternate(forward: Rows, backward: Rows, warm: int) -> Rows:
    """So many forwards, then a forward and a backward in turn, then the backwards that are left."""
    warm = min(warm, len(forward))
    steady = len(forward) - warm
    return np.concatenate([forward[:warm], _alternating(forward[warm:], backward[:steady]), backward[steady:]])


def interleaved(stages: int, chunks: int, microbatches: int, group: int | None = None) -> Schedule:
    """Megatron's interleaved 1F1B: a group of microbatches through one chunk, the same group through the next.

    Narayanan et al. 2021, section 2.2.2, with Megatron-Core's warm-up: 2 (p - s - 1) + (v - 1) g chunks on stage s.
    """
    group = group_of(stages, microbatches, group) if chunks > 1 else stages
    every = np.arange(microbatches)
    turn = every // group
    table_microbatch = np.tile(every, chunks)
    table_chunk = np.repeat(np.arange(chunks), microbatches)
    order = np.lexsort((table_microbatch, table_chunk, np.tile(turn, chunks)))
    microbatch, chunk = table_microbatch[order], table_chunk[order]
    forward, backward = _rows(FORWARD, microbatch, chunk), _rows(BACKWARD, microbatch, chunks - 1 - chunk)
    twice = 2 if chunks > 1 else 1
    orders = [
        _warm_then_alternate(forward, backward, twice * (stages - stage - 1) + (chunks - 1) * group)
        for stage in range(stages)
    ]
    return made("interleaved", orders, routes_of("loop", stages, chunks, microbatches), chunks, microbatches)


def group_of(stages: int, microbatches: int, group: int | None) -> int:
    """The group of microbatches that an interleaved schedule takes through a chunk: as asked, or the smallest legal.

    As Megatron-Core has it: at least as many as stages, and what is left for the last group none or as many again.
    """
    if microbatches < stages:
        raise ScheduleError(
            "microbatches", f"{microbatches} are fewer than the {stages} stages; interleaved needs as many"
        )

    def legal(size: int) -> bool:
        return size >= stages and (microbatches % size == 0 or microbatches % size >= stages)

    if group is None:
        return next(size for size in range(stages, microbatches + 1) if legal(size))
    if not legal(group):
        raise ScheduleError(
            "group",
            f"{group} is not allowed with {stages} stages and {microbatches} microbatches; at least {stages}, and the "
            f"last group empty or at least {stages}",
        )
    return group


def _split(microbatches: int, warm: int, delay: int) -> Rows:
    """So many forwards, then backward-input, backward-weight of so many microbatches before, and a forward, in turn."""
    every = np.arange(microbatches)
    steady = every - min(warm, microbatches)
    return _by_key(
        (_rows(FORWARD, every), np.where(steady < 0, steady, 3 * steady + 2)),
        (_rows(INPUT, every), 3 * every),
        (_rows(WEIGHT, every), 3 * (every + delay) + 1),
    )


def zero_bubble(stages: int, chunks: int, microbatches: int, group: int | None = None) -> Schedule:
    """ZB-H1 (Qi et al. 2023, figure 3): stage s puts the gradients of the weights off by s microbatches."""
    orders = [_split(microbatches, stages - stage, stage) for stage in range(stages)]
    return made("zero-bubble", orders, routes_of("loop", stages, 1, microbatches), 1, microbatches)


def zero_bubble_2(stages: int, chunks: int, microbatches: int, group: int | None = None) -> Schedule:
    """ZB-H2 (Qi et al. 2023, figure 3): twice the warm-up, and gradients of the weights put off twice as long."""
    orders = [_split(microbatches, 2 * (stages - stage) - 1, 2 * stage) for stage in range(stages)]
    return made("zero-bubble-2", orders, routes_of("loop", stages, 1, microbatches), 1, microbatches)


def _numbered(symbols: Sequence[Symbol], first: Sequence[int]) -> Rows:
    """Rows of symbols: each task is of the next microbatch of its chunk; gradients of weights in the order put off."""
    table = np.array(symbols, np.int32).reshape(-1, 3)
    rows = np.zeros((len(table), 4), np.int32)
    rows[:, 0], rows[:, 2], rows[:, 3] = table[:, 0], table[:, 1], table[:, 2]
    kind, chunk = rows[:, 0], rows[:, 2]
    for family in ((FORWARD,), (BACKWARD, INPUT)):
        for place, begin in enumerate(first):
            here = np.isin(kind, family) & (chunk == place)
            rows[here, 1] = begin + np.arange(int(here.sum()))
    waiting, run = rows[kind == INPUT], np.flatnonzero(kind == WEIGHT)
    rows[run, 1:3] = waiting[: len(run), 1:3]
    return rows


def zero_bubble_v(stages: int, chunks: int, microbatches: int, group: int | None = None) -> Schedule:
    """ZB-V (Qi et al. 2023, arXiv version, section 6): two chunks a stage, down the stages and up again."""
    whole = max(microbatches, 2 * stages - 1)
    orders = [_zero_bubble_v(stages, stage, whole) for stage in range(stages)]
    kept = [order[order[:, 1] < microbatches] for order in orders]
    return made("zero-bubble-v", kept, routes_of("v", stages, 2, microbatches), 2, microbatches)


def _zero_bubble_v(stages: int, stage: int, microbatches: int) -> Rows:
    f0, f1, b0, b1 = (FORWARD, 0, 0), (FORWARD, 1, 0), (INPUT, 0, 0), (INPUT, 1, 0)
    w0, w1 = (WEIGHT, 0, 0), (WEIGHT, 1, 0)
    rest = stages - stage
    warm = [f0] * (2 * rest - 1) + [f1, f0] * stage + [f1, b1, w1] * rest
    begun = 2 * stages - stage - 1
    both = microbatches - begun
    steady = [f0, b0, w0, f1, b1, w1] * both + [b0, w0, f1, b1, w1] * (begun - stages)
    cool = [b0, b1] * stage + [b0, w0] * rest + [w1] * stage + [w0] * stage
    rows = _numbered(warm + steady + cool, (0, 0))
    for chunk in range(2):
        here = (rows[:, 0] == WEIGHT) & (rows[:, 2] == chunk)
        rows[here, 1] = np.arange(int(here.sum()))
    return rows


def dualpipe(stages: int, chunks: int, microbatches: int, group: int | None = None) -> Schedule:
    """DualPipe (DeepSeek-AI 2024, section 3.2.1 and figure 5): half of the microbatches from either end."""
    if stages % 2:
        raise ScheduleError("stages", f"{stages} is odd; dualpipe needs an even number of stages")
    if microbatches % 2 or microbatches < 2 * stages:
        allowed = f"an even number, at least twice the {stages} stages"
        raise ScheduleError("microbatches", f"{microbatches} is not allowed; dualpipe needs {allowed}")
    half = microbatches // 2
    orders = []
    for stage in range(stages):
        upper = stage < stages // 2
        near, far = (0, 1) if upper else (1, 0)
        symbols = _folded(stages // 2, min(stage, stages - 1 - stage), half, near, far)
        orders.append(_numbered(symbols, (0, half)))
    return made("dualpipe", orders, routes_of("two-way", stages, 2, microbatches), 2, microbatches)


def dualpipe_v(stages: int, chunks: int, microbatches: int, group: int | None = None) -> Schedule:
    """DualPipeV: DualPipe cut in half and folded, so that each stage holds two chunks of one copy of the model."""
    if microbatches < 2 * stages:
        raise ScheduleError("microbatches", f"{microbatches} is not allowed; dualpipe-v needs at least {2 * stages}")
    orders = [_numbered(_folded(stages, stage, microbatches, 0, 1), (0, 0)) for stage in range(stages)]
    return made("dualpipe-v", orders, routes_of("v", stages, 2, microbatches), 2, microbatches)


def _folded(stages: int, stage: int, microbatches: int, near: int, far: int) -> list[Symbol]:
    """The order of one stage of DualPipe, counted from its end of the pipeline (eight phases, as published).

    near: the chunk whose microbatches come from this end; far: the other.
    """
    rest, begun = stages - stage - 1, stage + 1
    fn, ff = (FORWARD, near, 0), (FORWARD, far, 0)
    bn, bf = (BACKWARD, near, 0), (BACKWARD, far, 0)
    kn, kf, weight = (INPUT, near, 0), (INPUT, far, 0), (WEIGHT, near, 0)
    near_beside, far_beside = [(FORWARD, near, 1), bf], [(FORWARD, far, 1), bn]
    main = microbatches - 2 * stages + begun
    first = [fn, bf] if rest == 0 else near_beside
    cool: list[Symbol] = []
    for turn in range(begun):
        late = turn > begun // 2 or (turn == begun // 2 and stage % 2 == 1)
        cool.append(kf if late else bf)
        cool.append(kn if late or turn == begun // 2 else bn)
    return [
        *[fn] * (2 * rest),
        *[fn, ff] * begun,
        *[kf, weight, ff] * rest,
        *first,
        *far_beside,
        *(near_beside + far_beside) * (main - 1),
        *[bf, *far_beside] * rest,
        *cool,
        *[weight, kn] * rest,
        *[weight] * begun,
    ]
