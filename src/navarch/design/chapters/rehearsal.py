"""The pipeline of the chosen plan run task by task, beside its closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from navarch.core.arithmetic import difference, relative_change, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import observe
from navarch.distributed.training.pipeline import bubble_of
from navarch.distributed.training.step import over_microbatches

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Evaluation
    from navarch.distributed.training.schedules import Schedule
    from navarch.distributed.training.simulate import PipelineRun

MOST_TASKS = 2_000_000  # run: about a second


@dataclass(frozen=True)
class Rehearsal:
    """A schedule's run, and how long a stage waits in it, by the closed form and by the run [s].

    bubble, simulated_bubble: with messages that cost nothing; estimated, simulated: with all messages; bubble_apart,
    apart: simulated over estimated; whole: whether all microbatches of a step were run; step: the step's time with the
    simulated wait in place of the closed form's [s]; name: of the schedule.
    """

    run: PipelineRun
    name: str
    microbatches: Value
    bubble: Value
    simulated_bubble: Value
    bubble_apart: Value
    estimated: Value
    simulated: Value
    apart: Value
    whole: bool
    step: Value


def rehearse(evaluation: Evaluation) -> Rehearsal | None:
    """Run the chosen plan's schedule at its pace, messages between stages included; None where there are no stages."""
    q = evaluation.quantities
    if float(q["parallelism.pipeline"]) <= 1:
        return None
    from navarch.distributed.training.named_schedules import rules
    from navarch.distributed.training.simulate import simulate, timing_of_stage

    schedule = _schedule(evaluation)
    pace = tuple(float(q[f"pace.{part}"]) for part in ("forward", "backward_input", "backward_weight"))
    forward, for_input, for_weight = pace
    messages = {"transfer": float(q["pace.send"]), "latency": float(q["pace.send_overhead"])}
    with off_the_ledger():
        side_by_side = sum_of(*pace) if schedule.beside.any() else None  # as the closed form has it
        run = simulate(schedule, timing_of_stage(schedule, forward, for_input, for_weight, side_by_side, **messages))
        free = simulate(schedule, timing_of_stage(schedule, forward, for_input, for_weight, side_by_side))
    how = f"{len(schedule):,} tasks of {schedule.stages} stages and {schedule.microbatches:,} microbatches"
    source = f"navarch simulate pipeline --schedule {schedule.name}, at the pace of the plan"

    def seen(title: str, value: float, unit: str = "s") -> Value:
        return observe(evaluation, title, value, unit, source, how)

    whole = schedule.microbatches == int(q["training.microbatches"])
    microbatches = q["training.microbatches"]
    if not whole:
        microbatches = seen("Microbatches run task by task", schedule.microbatches, "1")
    simulated = seen("Wait of a stage, the pipeline run task by task with its messages", float(run.idle.max()))
    bubble = seen("Wait of a stage, the pipeline run task by task", float(free.idle.max()))
    estimated, alone = _estimated(evaluation, microbatches, whole), _bubble(evaluation, microbatches)
    return Rehearsal(
        run,
        rules()[schedule.name].title,
        microbatches,
        alone,
        bubble,
        relative_change(bubble, alone, title="Wait of a stage without messages, simulated over estimated"),
        estimated,
        simulated,
        relative_change(simulated, estimated, title="Wait of a stage, simulated over estimated"),
        whole,
        _step(evaluation, estimated, simulated),
    )


def _bubble(evaluation: Evaluation, microbatches: Value) -> Value:
    """The bubble of the plan's schedule where messages cost nothing."""
    q = evaluation.quantities
    pace = (q["pace.forward"], q["pace.backward_input"], q["pace.backward_weight"])
    degrees = (q["parallelism.pipeline"], q["parallelism.virtual_stages"], microbatches)
    return bubble_of(evaluation.labels["schedule"], *degrees, *pace, barrier=True)


def _schedule(evaluation: Evaluation) -> Schedule:
    """The plan's schedule; of a very long step as many microbatches as can be run in a second."""
    from navarch.distributed.training.named_schedules import schedule_of

    q, name = evaluation.quantities, evaluation.labels["schedule"]
    stages, virtual = int(q["parallelism.pipeline"]), int(q["parallelism.virtual_stages"])
    microbatches = int(q["training.microbatches"])
    rounds = MOST_TASKS // (2 * stages * stages * virtual)
    if microbatches > 2 * stages:
        microbatches = min(microbatches, max(rounds, 2) * stages)
    chunks = virtual if virtual > 1 else None
    return schedule_of("interleaved" if name == "1f1b" and chunks else name, stages, microbatches, chunks)


def _estimated(evaluation: Evaluation, microbatches: Value, whole: bool) -> Value:
    """What the closed form has a stage wait: the bubble, and the sends that are not hidden."""
    q = evaluation.quantities
    sends = q["step.pipeline"]
    if not whole:
        each = sends.entry.inputs[0].entry
        sends = over_microbatches(Value(each.value, each), microbatches, title="Exposed sends of the microbatches run")
    return sum_of(q["step.bubble"], sends, title="Wait of a stage: bubble and exposed sends", symbol="T_wait")


def _step(evaluation: Evaluation, estimated: Value, simulated: Value) -> Value:
    """The step with the simulated wait in place of the estimated."""
    step = evaluation.quantities["training.step_time"]
    without = difference(step, estimated, title="Step time without the wait of the pipeline")
    return sum_of(without, simulated, title="Step time with the simulated wait", symbol="T_step,sim")
