"""`navarch simulate pipeline`: a pipeline schedule, task by task."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, console, print_json, working
from navarch.cli.simulate_report import Estimate, Found, Stage

if TYPE_CHECKING:
    from navarch.distributed.training.schedules import Schedule, ScheduleError
    from navarch.distributed.training.simulate import Timing

MOST_REPLICATIONS = 100_000


def _option(flag: str, meaning: str, metavar: str = "TIME", **more: Any) -> Any:
    return typer.Option(flag, help=meaning, metavar=metavar, **more)


def pipeline(
    schedule: Annotated[str, _option("--schedule", "Schedule by name; --list has them.", "NAME")] = "1f1b",
    stages: Annotated[int, _option("--stages", "Pipeline stages.", "N")] = 4,
    microbatches: Annotated[int, _option("--microbatches", "Microbatches of one step.", "N")] = 8,
    virtual: Annotated[int | None, _option("--virtual", "Model chunks of a stage (gpipe, interleaved).", "N")] = None,
    group: Annotated[
        int | None, _option("--group", "Microbatches through a chunk before the next (interleaved).", "N")
    ] = None,
    forward: Annotated[str, _option("--forward", "Forward of a microbatch on a stage.")] = "1 ms",
    backward: Annotated[str, _option("--backward", "Backward of a microbatch on a stage.")] = "2 ms",
    backward_weight: Annotated[
        str | None, _option("--backward-weight", "The gradient of the weights in it; half, where left out.")
    ] = None,
    overlapped: Annotated[
        str | None,
        _option("--overlapped", "A forward and a backward side by side (dualpipe); their sum, where left out."),
    ] = None,
    send: Annotated[str, _option("--send", "A message between stages, in which its link is busy.")] = "0 s",
    latency: Annotated[str, _option("--latency", "What a message takes besides.")] = "0 s",
    blocking: Annotated[bool, typer.Option("--blocking", help="A stage does nothing else while it sends.")] = False,
    embedding: Annotated[str, _option("--embedding", "Forward and backward of the embedding.")] = "0 s",
    head: Annotated[str, _option("--head", "Forward and backward of the output matrix and the loss.")] = "0 s",
    slow: Annotated[
        list[str] | None, _option("--slow", "A slow stage, such as 3=1.2. May be repeated.", "STAGE=FACTOR")
    ] = None,
    jitter: Annotated[float, _option("--jitter", "Relative standard deviation of each task's time.", "SHARE")] = 0.0,
    seed: Annotated[int, _option("--seed", "Of the draws.", "N")] = 0,
    replications: Annotated[int, _option("--replications", "Runs with other draws.", "N")] = 1,
    activation: Annotated[
        str | None, _option("--activation", "Activations of a microbatch on a stage, such as 2 GB.", "SIZE")
    ] = None,
    file: Annotated[
        Path | None, _option("--file", "Own schedule (YAML or JSON) instead of --schedule.", "FILE")
    ] = None,
    plot: Annotated[Path | None, _option("--plot", "Draw the Gantt chart: .png, .svg, .html or .json.", "FILE")] = None,
    save: Annotated[Path | None, _option("--save", "Write the schedule as data, to be changed.", "FILE")] = None,
    names: Annotated[bool, typer.Option("--list", help="List the schedules.")] = False,
    json: AsJson = False,
) -> None:
    """Run a pipeline schedule task by task: its time, bubble and activations, beside the closed form."""
    from navarch.cli import simulate_report as report

    if names:
        report.list_schedules(json)
        return
    with working("Running the pipeline"):
        known = _schedule(schedule, stages, microbatches, virtual, group, file)
        stage = _stage(known, forward, backward, backward_weight, overlapped)
        others = {
            "transfer": _amount("--send", send, "s"),
            "latency": _amount("--latency", latency, "s"),
            "blocking": blocking,
            "embedding": _extra("--embedding", embedding, stage),
            "head": _extra("--head", head, stage),
            "slowdown": _slowdown(slow or [], known.stages),
            "jitter": _between("--jitter", jitter, 0.0, 1.0),
            "seed": int(_between("--seed", seed, 0, 2**63 - 1)),
        }
        found = _found(
            known, stage, others, int(_between("--replications", replications, 1, MOST_REPLICATIONS)), activation
        )
    if save is not None:
        from navarch.distributed.training.schedule_file import write_schedule

        write_schedule(known, save)
    if plot is not None:
        report.draw(found, plot)
    if json:
        print_json(report.as_data(found))
    else:
        report.show(found, console())


def _schedule(
    name: str, stages: int, microbatches: int, virtual: int | None, group: int | None, file: Path | None
) -> Schedule:
    from navarch.distributed.training.named_schedules import schedule_of
    from navarch.distributed.training.schedule_file import read_schedule
    from navarch.distributed.training.schedules import ScheduleError

    try:
        if file is not None:
            return read_schedule(file)
        return schedule_of(name, stages, microbatches, virtual, group)
    except ScheduleError as error:
        raise _told(error, file) from error


def _told(error: ScheduleError, file: Path | None) -> Exception:
    from navarch.design.errors import DesignError

    if file is None:
        return DesignError(f"--{error.field}", error.message)
    return DesignError(error.field, error.message, source="" if error.field == str(file) else str(file))


def _amount(option: str, text: str, unit: str, positive: bool = False) -> float:
    from navarch.core.quantity import QuantityError, parse
    from navarch.design.errors import DesignError

    try:
        value = parse(text, unit)
    except QuantityError as error:
        raise DesignError(option, str(error)) from error
    if value < 0 or (positive and value == 0):
        raise DesignError(option, f'"{text}" is not allowed; {"more than" if positive else "at least"} 0')
    return value


def _between(option: str, value: float, least: float, most: float) -> float:
    from navarch.design.errors import DesignError

    if not least <= value <= most:
        raise DesignError(option, f"{value:g} is not allowed; {least:g} to {most:g}")
    return value


def _stage(schedule: Schedule, forward: str, backward: str, weight: str | None, overlapped: str | None) -> Stage:
    from navarch.core.arithmetic import difference, ratio, sum_of
    from navarch.design.errors import DesignError

    both = _amount("--backward", backward, "s", positive=True)
    ahead = _amount("--forward", forward, "s", positive=True)
    of_weights = ratio(both, 2) if weight is None else _amount("--backward-weight", weight, "s")
    if of_weights > both:
        raise DesignError("--backward-weight", f'"{weight}" is more than the whole backward, {backward}')
    beside = None
    if schedule.beside.any():
        beside = sum_of(ahead, both) if overlapped is None else _amount("--overlapped", overlapped, "s", positive=True)
    elif overlapped is not None:
        raise DesignError("--overlapped", f"{schedule.name} runs no forward and backward side by side; dualpipe does")
    return Stage(ahead, difference(both, of_weights), of_weights, beside)


def _extra(option: str, text: str, stage: Stage) -> Any:
    """Work of the embedding or the head, parted as that of a stage is."""
    from navarch.core.arithmetic import product_of, ratio, sum_of
    from navarch.distributed.training.simulate import Extra

    parts = (stage.forward, stage.backward_input, stage.backward_weight)
    share = ratio(_amount(option, text, "s"), sum_of(*parts))
    return Extra(*(product_of(share, part) for part in parts))


def _slowdown(texts: list[str], stages: int) -> list[float]:
    from navarch.design.errors import DesignError

    factors = [1.0] * stages
    for text in texts:
        match = re.fullmatch(r"(\d{1,6})=(\d+(?:\.\d+)?)", text)
        if match is None or int(match[1]) >= stages or float(match[2]) == 0:
            raise DesignError(
                "--slow", f'"{text}" is not allowed; a stage (0 to {stages - 1}) and a factor, as in 3=1.2'
            )
        factors[int(match[1])] = float(match[2])
    return factors


def _found(
    schedule: Schedule, stage: Stage, others: dict[str, Any], replications: int, activation: str | None
) -> Found:
    from navarch.core.arithmetic import ratio
    from navarch.distributed.training.named_schedules import rules
    from navarch.distributed.training.simulate import Holding, replicate, simulate, timing_of_stage

    timing = timing_of_stage(
        schedule, stage.forward, stage.backward_input, stage.backward_weight, stage.overlapped, **others
    )
    holding = None
    if activation is not None:
        whole = _amount("--activation", activation, "byte")
        holding = Holding(ratio(whole, schedule.chunks_of_a_stage))
    rule = rules().get(schedule.name)
    return Found(
        schedule,
        rule.title if rule is not None else schedule.name,
        stage,
        simulate(schedule, timing, holding),
        replicate(schedule, timing, replications) if replications > 1 else None,
        _estimate(schedule, stage),
        _unlike(timing),
    )


def _estimate(schedule: Schedule, stage: Stage) -> Estimate | None:
    """The closed form, where the schedule is one that has it."""
    from navarch.distributed.training.pipeline import SCHEDULES, bubble_of, exact_from, in_flight_of, step_of
    from navarch.distributed.training.schedules import group_taken

    if schedule.name not in SCHEDULES:
        return None
    shape = (schedule.stages, schedule.chunks, schedule.microbatches)
    times = (stage.forward, stage.backward_input, stage.backward_weight)
    beside = stage.overlapped
    enough = schedule.microbatches >= exact_from(schedule.name, schedule.stages, schedule.chunks)
    flight = in_flight_of(schedule.name, *shape, group=group_taken(schedule))
    return Estimate(
        float(step_of(schedule.name, *shape, *times, overlapped=beside)),
        float(bubble_of(schedule.name, *shape, *times, overlapped=beside)),
        float(step_of(schedule.name, *shape, *times, overlapped=beside, barrier=True)) if enough else None,
        float(flight.first),
        float(flight.last),
    )


def _unlike(timing: Timing) -> tuple[str, ...]:
    """What the run has that the closed form leaves out."""
    import numpy as np

    there = {
        "messages": np.any(np.asarray(timing.transfer)) or np.any(np.asarray(timing.latency)),
        "the embedding": timing.embedding.forward > 0,
        "the head": timing.head.forward > 0,
        "slow stages": np.any(np.asarray(timing.slowdown) != 1),
        "jitter": timing.jitter > 0,
    }
    return tuple(name for name, is_there in there.items() if is_there)
