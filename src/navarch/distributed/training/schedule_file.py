"""A user's own schedule: read from YAML or JSON, and any schedule written in the same form.

A task is a letter and a microbatch, with the chunk after a dot where a stage has several: `F3` (forward), `B3`
(backward), `I3.1` (backward-input), `W3.1` (backward-weight); `F5.0&B2.1` runs both side by side. All count from 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from navarch.distributed.training.schedules import (
    BACKWARD,
    FORWARD,
    MOST_TASKS,
    PLACEMENTS,
    Route,
    Schedule,
    ScheduleError,
    check_complete,
    made,
    routes_of,
)

LETTERS = "FBIW"
FIELDS = ("name", "stages", "microbatches", "chunks", "placement", "order")
SHOWN = 24
_TASK = re.compile(r"([FBIW])(\d{1,9})(?:\.(\d{1,4}))?")


def read_schedule(file: Path) -> Schedule:
    """The schedule in a file, complete and without a circle. Raises ScheduleError naming field, or stage and task."""
    import yaml

    try:
        said = yaml.safe_load(file.read_text("utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise ScheduleError(str(file), f"{where}{getattr(error, 'problem', None) or 'this is not YAML'}") from error
    except UnicodeDecodeError as error:
        raise ScheduleError(str(file), "this is not a text file") from error
    if not isinstance(said, Mapping):
        raise ScheduleError(str(file), f"a schedule has the fields {', '.join(FIELDS)}")
    return schedule_from(said, file.stem)


def schedule_from(said: Mapping[str, Any], name: str = "own") -> Schedule:
    """The schedule that a mapping describes, complete and without a circle."""
    unknown = [str(key) for key in said if key not in FIELDS]
    if unknown:
        raise ScheduleError(unknown[0], f"this field does not exist; there are {', '.join(FIELDS)}")
    stages, microbatches = _count(said, "stages", None), _count(said, "microbatches", None)
    chunks = _count(said, "chunks", 1)
    tasks = 2 * stages * microbatches * chunks
    if tasks > MOST_TASKS:
        raise ScheduleError("microbatches", f"{tasks:,} tasks are more than can be run; at most {MOST_TASKS:,}")
    order = said.get("order")
    if not isinstance(order, list) or len(order) != stages:
        found = f"{len(order)} are given" if isinstance(order, list) else "it is no list"
        raise ScheduleError("order", f"a list with the tasks of each of the {stages} stages is needed; {found}")
    rows = [_rows_of(line, stage) for stage, line in enumerate(order)]
    routes = _routes(said.get("placement", "loop"), stages, chunks, microbatches)
    schedule = made(str(said.get("name", name)), rows, routes, chunks, microbatches)
    check_complete(schedule)
    _check_pairs(schedule)
    from navarch.distributed.training.simulate import Timing, simulate

    simulate(schedule, Timing(1.0, 1.0, 1.0))
    return schedule


def _count(said: Mapping[str, Any], field: str, default: int | None) -> int:
    value = said.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        found = "is missing" if value is None else f"is {_shown(value)}"
        raise ScheduleError(field, f"it {found}; a whole number of at least 1 is needed")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _rows_of(line: Any, stage: int) -> NDArray[np.int32]:
    """The rows of one stage's tasks: one text, or a list of texts."""
    texts = line if isinstance(line, list) else [line]
    words = [word for text in texts for word in str(text).replace(",", " ").split()]
    rows: list[tuple[int, int, int, int]] = []
    for number, word in enumerate(words):
        parts = word.split("&")
        found = [_TASK.fullmatch(part) for part in parts]
        if len(parts) > 2 or not all(found):
            allowed = "F, B, I or W with a microbatch, as in F3 or F3.1, or two with & between"
            raise ScheduleError(f"stage {stage}", f'task {number}, "{word[:SHOWN]}", is not a task; {allowed}')
        for place, match in enumerate(found):
            if match is not None:
                kind, microbatch, chunk = match.groups(default="0")
                rows.append((LETTERS.index(kind), int(microbatch), int(chunk), int(place + 1 < len(parts))))
    return np.array(rows, np.int32).reshape(-1, 4)


def _routes(placement: Any, stages: int, chunks: int, microbatches: int) -> tuple[Route, ...]:
    for usual in PLACEMENTS:
        if placement == usual:
            if usual == "two-way" and chunks != 2:
                raise ScheduleError("chunks", f"{chunks} is not allowed with two-way; it has 2 a stage")
            return routes_of(usual, stages, chunks, microbatches)
    allowed = f"{', '.join(PLACEMENTS)}, or a list of [stage, chunk] in the model's order"
    if not isinstance(placement, list):
        raise ScheduleError("placement", f"{_shown(placement)} is not one of {allowed}")
    places = [tuple(place) if isinstance(place, list) else () for place in placement]
    every = {(stage, chunk) for stage in range(stages) for chunk in range(chunks)}
    if len(places) != len(every) or set(places) != every:
        raise ScheduleError("placement", f"the {len(every)} chunks must each be there once, as {allowed}")
    return (Route(tuple((int(stage), int(chunk)) for stage, chunk in places), 0, microbatches),)


def _check_pairs(schedule: Schedule) -> None:
    """Side by side are a forward and the backward after it."""
    first = np.flatnonzero(schedule.beside)
    wrong = first[(schedule.kind[first] != FORWARD) | (schedule.kind[first + 1] != BACKWARD)]
    if len(wrong):
        stage = schedule.stage[wrong[0]]
        raise ScheduleError(
            f"stage {stage}", f"{schedule.named(int(wrong[0]))}: & joins a forward and a backward, F and B"
        )


def data_of(schedule: Schedule) -> dict[str, Any]:
    """A schedule as a mapping, as `schedule_from` reads it."""
    placement: Any = None
    for usual in PLACEMENTS:
        if usual != "two-way" or schedule.chunks == 2:
            same = routes_of(usual, schedule.stages, schedule.chunks, schedule.microbatches) == schedule.routes
            placement = placement or (usual if same else None)
    if placement is None:
        placement = [list(place) for place in schedule.routes[0].places]
    head = {"name": schedule.name, "stages": schedule.stages, "microbatches": schedule.microbatches}
    order = [_text_of(schedule, stage) for stage in range(schedule.stages)]
    return {**head, "chunks": schedule.chunks, "placement": placement, "order": order}


def _text_of(schedule: Schedule, stage: int) -> str:
    here = schedule.tasks_of(stage)
    columns = (schedule.kind[here], schedule.microbatch[here], schedule.chunk[here], schedule.beside[here])
    several = schedule.chunks > 1
    return "".join(
        f"{LETTERS[kind]}{microbatch}{f'.{chunk}' if several else ''}{'&' if beside else ' '}"
        for kind, microbatch, chunk, beside in zip(*(column.tolist() for column in columns), strict=True)
    ).rstrip()


def write_schedule(schedule: Schedule, file: Path) -> None:
    """Write a schedule as YAML, or as JSON where the file's name says so."""
    import json

    import yaml

    said = data_of(schedule)
    if file.suffix.lower() == ".json":
        text = json.dumps(said, indent=1) + "\n"
    else:
        text = yaml.safe_dump(said, sort_keys=False, default_flow_style=False, width=10**9)
    begun = file.with_name(f".{file.name}.part")
    begun.write_text(text, "utf-8")
    begun.replace(file)
