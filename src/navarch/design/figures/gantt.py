"""The pipeline of a step, run task by task: a row for each stage; grey is waiting."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from navarch.design.document.model import Figure, Sketch
from navarch.design.document.prose import Label, Sayable, prose, say
from navarch.design.figures.drawing import numbers_of

if TYPE_CHECKING:
    from navarch.core.ledger import Value
    from navarch.distributed.training.simulate import PipelineRun

WIDTH = 590
CELLS = 48  # of a line of text
BUSY, IDLE = "█", "░"


def gantt(run: PipelineRun, waiting: Value, stages: Value, caption: Sayable, *, key: str = "pipeline") -> Figure:
    """A pipeline's run as a Gantt chart. waiting: of a stage [s]; stages: how many."""
    return Figure(
        key,
        lambda: _gantt(run),
        prose(caption),
        say(
            "Gantt chart of one step: what each of {stages} stages runs when; a stage waits {waiting}.",
            stages=stages,
            waiting=waiting,
        ),
        (
            *(Sketch(prose(Label(f"stage {row}")), drawn=_line(run, row)) for row in _ends(run.schedule.stages)),
            Sketch(prose("waiting"), prose(waiting)),
        ),
        numbers_of(waiting),
    )


def _gantt(run: PipelineRun) -> str:
    from navarch.core.gantt import chart, to_svg
    from navarch.distributed.training.simulate import bars_of

    return to_svg(chart(bars_of(run), width=WIDTH))


def _ends(stages: int) -> list[int]:
    """The first, the middle and the last stage."""
    return sorted({0, stages // 2, stages - 1})


def _line(run: PipelineRun, row: int) -> str:
    """A stage's time in one line of text: where it works and where it waits."""
    import numpy as np

    here = run.schedule.tasks_of(row)
    edges = np.linspace(0.0, run.makespan, CELLS + 1)
    busy = [
        np.sum(np.clip(np.minimum(run.end[here], b) - np.maximum(run.start[here], a), 0, None)) / (b - a)
        for a, b in pairwise(edges)
    ]
    return "".join(BUSY if share >= 0.5 else IDLE for share in busy)
