"""The schedules that navarch can generate, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from navarch.distributed.training import orders
from navarch.distributed.training.schedules import MOST_TASKS, Schedule, ScheduleError


@dataclass(frozen=True, slots=True)
class Rule:
    """A schedule that navarch can generate.

    name, title; chunks: model chunks of a stage, or None where the user sets them; build: from stages, chunks,
    microbatches and the group of microbatches.
    """

    name: str
    title: str
    chunks: int | None
    build: Callable[[int, int, int, int | None], Schedule]


def rules() -> dict[str, Rule]:
    """The schedules that can be generated, by name."""
    listed = (
        Rule("gpipe", "GPipe: all forwards, then all backwards", None, orders.gpipe),
        Rule("1f1b", "1F1B (PipeDream-flush)", 1, orders.one_forward_one_backward),
        Rule("interleaved", "Interleaved 1F1B (Megatron)", None, orders.interleaved),
        Rule("zero-bubble", "Zero bubble with the memory of 1F1B (ZB-H1)", 1, orders.zero_bubble),
        Rule("zero-bubble-2", "Zero bubble with twice the memory (ZB-H2)", 1, orders.zero_bubble_2),
        Rule("zero-bubble-v", "Zero bubble, V-shaped (ZB-V)", 2, orders.zero_bubble_v),
        Rule("dualpipe", "DualPipe: two copies, two directions", 2, orders.dualpipe),
        Rule("dualpipe-v", "DualPipeV: DualPipe folded, one copy", 2, orders.dualpipe_v),
    )
    return {rule.name: rule for rule in listed}


def schedule_of(
    name: str, stages: int, microbatches: int, virtual: int | None = None, group: int | None = None
) -> Schedule:
    """A schedule by name.

    name: one of `rules()`; stages; microbatches: of one step; virtual: model chunks of a stage ("gpipe" and
    "interleaved"; the others have their own); group: microbatches that "interleaved" takes through one chunk before the
    next. Raises ScheduleError.
    """
    known = rules()
    if name not in known:
        raise ScheduleError("schedule", f'"{name}" is not one of {", ".join(known)}')
    rule = known[name]
    _check_sizes(stages, microbatches, virtual, group)
    if rule.chunks is not None and virtual not in (None, rule.chunks, 1):
        raise ScheduleError("virtual", f"{virtual} is not allowed; {name} has {rule.chunks} a stage")
    if group is not None and name != "interleaved":
        raise ScheduleError("group", f"{name} has none; only interleaved takes microbatches in groups")
    return rule.build(stages, rule.chunks or virtual or 1, microbatches, group)


def _check_sizes(stages: int, microbatches: int, virtual: int | None, group: int | None) -> None:
    for given, value in (("stages", stages), ("microbatches", microbatches), ("virtual", virtual), ("group", group)):
        if value is not None and value < 1:
            raise ScheduleError(given, f"{value} is not allowed; at least 1")
    tasks = 2 * stages * microbatches * (virtual or 1)
    if tasks > MOST_TASKS:
        raise ScheduleError("microbatches", f"{tasks:,} tasks are more than can be run; at most {MOST_TASKS:,}")
