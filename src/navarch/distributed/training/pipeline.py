"""Pipeline schedules in closed form: the bubble, the activations in flight and the parameters held.

All times are of one microbatch on a whole stage (all its model chunks); all stages are equal and messages cost nothing.
The backward pass has two parts: the gradient of the input, which the stage before waits for, and the gradient of the
weights, for which nothing waits. `navarch.distributed.training.simulate` runs the same schedules task by task, and
tests hold both together. Where the published formula assumes parts of equal length, the equation here is exact for any,
and its source says where the two are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from navarch.core import ledger
from navarch.core.arithmetic import largest_of, sum_of
from navarch.distributed.training import activations, step

Number = Any

SCHEDULES = ("gpipe", "1f1b", "interleaved", "zero-bubble", "zero-bubble-2", "zero-bubble-v", "dualpipe")
"""Schedules with a closed form: GPipe, PipeDream-flush, Megatron's interleaved, ZB-H1, ZB-H2, ZB-V and DualPipe."""

QI = "Qi et al. 2023 (Zero Bubble Pipeline Parallelism), table 2"
QI_V = "Qi et al. 2023 (Zero Bubble Pipeline Parallelism, arXiv), section 6"
DEEPSEEK = "DeepSeek-AI 2024 (DeepSeek-V3), table 2"
LONGEST = "longest path through the published order"

SYMBOLS = {
    "pipeline": "p", "microbatches": "m", "virtual": "v", "group": "g", "forward": "T_F", "backward_input": "T_B",
    "backward_weight": "T_W", "overlapped": "T_F&B", "full": "T_full", "parameters": "P_stage",
}  # fmt: skip


def equation(*, symbol: str, unit: str, source: str, valid: str = "") -> Callable[[Callable[..., Any]], Any]:
    """An equation of pipelines, with the symbols of the papers on zero-bubble schedules."""

    def mark(function: Callable[..., Any]) -> Any:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        symbols = {name: SYMBOLS[name] for name in names}
        return ledger.equation(symbol=symbol, unit=unit, source=source, symbols=symbols, valid=valid)(function)

    return mark


@equation(symbol="T_bubble", unit="s", source=f"{QI}, ZB-H1: the same where T_W <= T_F and m >= p; {LONGEST}")
def zero_bubble_time(pipeline, microbatches, forward, backward_input, backward_weight):
    """Pipeline bubble of the zero-bubble schedule with the memory of 1F1B (ZB-H1).

    pipeline: stages; microbatches: of one step; forward: of one microbatch on a stage [s]; backward_input: its gradient
    of the input [s]; backward_weight: its gradient of the weights [s].
    """
    filled = np.minimum(microbatches, pipeline) - 1
    return (pipeline - 1) * (forward + backward_input) - filled * np.minimum(forward, backward_weight)


@equation(
    symbol="T_bubble", unit="s",
    source=f"{QI}, ZB-H2: the same where T_W <= T_F, 2 T_W <= T_F + T_B and m >= 2p - 1; {LONGEST}",
)  # fmt: skip
def zero_bubble_2_time(pipeline, microbatches, forward, backward_input, backward_weight):
    """Pipeline bubble of the zero-bubble schedule with twice the memory of 1F1B (ZB-H2).

    pipeline: stages; microbatches: of one step; forward: of one microbatch on a stage [s]; backward_input: its gradient
    of the input [s]; backward_weight: its gradient of the weights [s].
    """
    filler = np.minimum(forward, backward_weight)
    waited = (pipeline - 1) * (forward + backward_input) - (np.minimum(microbatches, 2 * pipeline - 1) - 1) * filler
    stages_ahead = np.minimum(pipeline - 1, np.floor((microbatches - 1) / 2))
    return waited + stages_ahead * np.maximum(0, 2 * filler - forward - backward_input)


@equation(symbol="T_full", unit="s", source=f"{QI_V}: none where T_F = T_B = T_W; {LONGEST}")
def zero_bubble_v_full_time(pipeline, forward, backward_input, backward_weight):
    """Pipeline bubble of the V-shaped zero-bubble schedule (ZB-V) that has microbatches enough.

    pipeline: stages; forward: of one microbatch on a stage [s]; backward_input: its gradient of the input [s];
    backward_weight: its gradient of the weights [s]. Enough are 2 p - 1.
    """
    slow_forward = (pipeline - 1) * (forward - (backward_input + backward_weight) / 2)
    slow_input = (pipeline - 1) * (backward_input - backward_weight)
    late_end = np.maximum(backward_input - forward, -backward_weight) / 2
    fast_weight = (pipeline - 1) * (forward - backward_weight) + late_end
    uneven = np.maximum(np.maximum(backward_input, backward_weight) - forward, forward - backward_input)
    turn = (pipeline - 2) / 2 * uneven + np.maximum(0, backward_input - forward) / 2
    longest = np.maximum(np.maximum(slow_forward, slow_input), np.maximum(fast_weight, turn))
    return np.where(pipeline > 1, longest, 0)


@equation(symbol="T_bubble", unit="s", source=f"{LONGEST}; between m = p and m = 2p - 1 the straight line")
def zero_bubble_v_time(pipeline, microbatches, forward, backward_input, backward_weight, full):
    """Pipeline bubble of the V-shaped zero-bubble schedule (ZB-V).

    pipeline: stages; microbatches: of one step; forward: of one microbatch on a stage [s]; backward_input: its gradient
    of the input [s]; backward_weight: its gradient of the weights [s]; full: bubble with microbatches enough [s].
    Exact from 2 p - 1 microbatches on; with fewer, within 1 % of the step for parts of like length.
    """
    filler = np.minimum(np.minimum(forward, (forward + backward_input) / 2), backward_input + backward_weight)
    few = (pipeline - 1) * (forward + backward_input) - (np.minimum(microbatches, pipeline) - 1) * filler
    way = np.minimum(1, np.maximum(0, microbatches - pipeline) / np.maximum(1, pipeline - 1))
    return np.maximum(full, few + way * (full - few))


@equation(
    symbol="T_bubble", unit="s", source=f"{DEEPSEEK}: the same where T_F = T_B >= T_W; {LONGEST}",
    valid="overlapped >= backward_input + backward_weight",
)  # fmt: skip
def dualpipe_time(pipeline, forward, backward_input, backward_weight, overlapped):
    """Pipeline bubble of DualPipe.

    pipeline: stages; forward: of one microbatch on a stage [s]; backward_input: its gradient of the input [s];
    backward_weight: its gradient of the weights [s]; overlapped: a forward and a backward of two microbatches side by
    side [s], at most their sum. It needs an even number of stages, and of microbatches at least twice as many.
    """
    pairs = np.maximum(0, pipeline / 2 - 1)
    paced = np.maximum(pairs * forward, pairs * backward_input - forward)
    return paced + pairs * (overlapped - backward_weight - np.minimum(backward_input, backward_weight))


@equation(symbol="T_bubble", unit="s", source=f"{LONGEST}, for microbatches >= p")
def zero_bubble_barrier_time(pipeline, forward, backward_input, backward_weight):
    """Pipeline bubble of ZB-H1 where all stages wait for each other between steps.

    pipeline: stages; forward: of one microbatch on a stage [s]; backward_input: its gradient of the input [s];
    backward_weight: its gradient of the weights [s].
    """
    slowest = np.maximum(np.maximum(forward, backward_input), forward + backward_input - backward_weight)
    return (pipeline - 1) * slowest


@equation(symbol="T_bubble", unit="s", source=f"{LONGEST}, for microbatches >= 2p - 1")
def zero_bubble_2_barrier_time(pipeline, forward, backward_input, backward_weight):
    """Pipeline bubble of ZB-H2 where all stages wait for each other between steps.

    pipeline: stages; forward: of one microbatch on a stage [s]; backward_input: its gradient of the input [s];
    backward_weight: its gradient of the weights [s].
    """
    return (pipeline - 1) * np.maximum(forward, forward + backward_input - 2 * np.minimum(forward, backward_weight))


@equation(symbol="T_bubble", unit="s", source=f"{LONGEST}, for microbatches >= 2p - 1")
def zero_bubble_v_barrier_time(pipeline, forward, backward_input, backward_weight):
    """Pipeline bubble of ZB-V where all stages wait for each other between steps.

    pipeline: stages; forward: of one microbatch on a stage [s]; backward_input: its gradient of the input [s];
    backward_weight: its gradient of the weights [s].
    """
    slow_input = (pipeline - 1) * (backward_input - backward_weight)
    late_end = np.maximum(backward_input - forward, -backward_weight) / 2
    fast_weight = (pipeline - 1) * (forward - backward_weight) + late_end
    slow_end = np.maximum(forward, 2 * forward - backward_input - backward_weight) / 2
    slow_forward = (pipeline - 2) * (forward - backward_input / 2) + slow_end
    slower = np.maximum(backward_input, backward_weight)
    turn = (pipeline - 2) / 2 * slower + np.maximum(forward, backward_input) / 2
    longest = np.maximum(np.maximum(slow_input, fast_weight), np.maximum(slow_forward, turn))
    return np.where(pipeline > 1, longest, 0)


@equation(symbol="k_act", unit="1", source="Huang et al. 2019 (GPipe), without recomputation")
def in_flight_gpipe(microbatches):
    """Microbatches whose activations a stage of GPipe holds.

    microbatches: of one step. All forwards come before the first backward.
    """
    return microbatches


@equation(symbol="k_act", unit="1", source="Megatron-Core: 2 (p - 1) + (v - 1) g chunks of warm-up, and one")
def in_flight_grouped_first(microbatches, pipeline, virtual, group):
    """Microbatches whose activations the first stage holds, interleaved in groups.

    microbatches: of one step; pipeline: stages; virtual: model chunks of a stage; group: microbatches that go through a
    chunk before the next.
    """
    return np.minimum(microbatches, (2 * (pipeline - 1) + (virtual - 1) * group + 1) / virtual)


@equation(symbol="k_act", unit="1", source="Megatron-Core: (v - 1) g chunks of warm-up, and one")
def in_flight_grouped_last(microbatches, virtual, group):
    """Microbatches whose activations the last stage holds, interleaved in groups.

    microbatches: of one step; virtual: model chunks of a stage; group: microbatches that go through a chunk before the
    next.
    """
    return np.minimum(microbatches, ((virtual - 1) * group + 1) / virtual)


@equation(symbol="k_act", unit="1", source=f"{QI}, ZB-H1")
def in_flight_zero_bubble(microbatches, pipeline):
    """Microbatches whose activations a stage of ZB-H1 holds.

    microbatches: of one step; pipeline: stages. Later stages hold as many as the first, for they put off the gradients
    of the weights.
    """
    return np.minimum(microbatches, pipeline)


@equation(symbol="k_act", unit="1", source=f"{QI}, ZB-H2")
def in_flight_zero_bubble_2(microbatches, pipeline):
    """Microbatches whose activations a stage of ZB-H2 holds.

    microbatches: of one step; pipeline: stages.
    """
    return np.minimum(microbatches, 2 * pipeline - 1)


@equation(symbol="k_act", unit="1", source=f"{QI_V}: the memory of 1F1B on every stage")
def in_flight_zero_bubble_v_first(microbatches, pipeline):
    """Microbatches whose activations the first stage of ZB-V holds.

    microbatches: of one step; pipeline: stages.
    """
    return np.minimum(pipeline, (microbatches + 1) / 2)


@equation(symbol="k_act", unit="1", source=f"{QI_V}: the memory of 1F1B on every stage")
def in_flight_zero_bubble_v_last(microbatches, pipeline):
    """Microbatches whose activations the last stage of ZB-V holds.

    microbatches: of one step; pipeline: stages.
    """
    return np.minimum(pipeline, microbatches)


@equation(symbol="k_act", unit="1", source=DEEPSEEK)
def in_flight_dualpipe(pipeline):
    """Microbatches whose activations a stage of DualPipe holds.

    pipeline: stages. Those of both directions together.
    """
    return pipeline + 1


@equation(symbol="P_held", unit="parameter", source=DEEPSEEK)
def parameters_held_dualpipe(parameters):
    """Parameters that a stage of DualPipe holds.

    parameters: of one stage [parameter]. One stage for each direction.
    """
    return 2 * parameters


@dataclass(frozen=True, slots=True)
class InFlight:
    """Microbatches whose activations are held on the first and on the last stage, in activations of a whole stage."""

    first: Number
    last: Number


def bubble_of(
    schedule: str,
    pipeline: Number,
    virtual: Number,
    microbatches: Number,
    forward: Number,
    backward_input: Number,
    backward_weight: Number,
    *,
    overlapped: Number | None = None,
    barrier: bool = False,
) -> Number:
    """Seconds that a stage waits in one step.

    schedule: one of SCHEDULES; pipeline: stages; virtual: model chunks of a stage (1 for "1f1b"; the zero-bubble
    schedules and DualPipe do not read it); microbatches: of one step; forward, backward_input, backward_weight: of one
    microbatch on a whole stage [s]; overlapped: a forward and a backward side by side [s] ("dualpipe"; left out, as
    long as one after the other). Numbers, arrays or values of a ledger.
    barrier: whether all stages wait for each other between steps, as a gradient norm before the optimiser makes them.
    Without it, as the authors of the zero-bubble schedules count, a stage goes on to the next step by itself. With it
    the bubble of a zero-bubble schedule is exact from `exact_from` microbatches on, and a lower bound with fewer.
    """
    _known(schedule)
    parts = (forward, backward_input, backward_weight)
    if schedule in ("zero-bubble", "zero-bubble-2", "zero-bubble-v"):
        alone = _zero_bubble(schedule, pipeline, microbatches, parts)
        if not barrier:
            return alone
        together = {
            "zero-bubble": zero_bubble_barrier_time,
            "zero-bubble-2": zero_bubble_2_barrier_time,
            "zero-bubble-v": zero_bubble_v_barrier_time,
        }[schedule](pipeline, *parts)
        return largest_of(alone, together, title="Pipeline bubble where stages wait for each other", symbol="T_bubble")
    both = sum_of(*parts, title="Forward and backward of one microbatch on a stage", symbol="T_F&B")
    if schedule == "dualpipe":
        return dualpipe_time(pipeline, *parts, both if overlapped is None else overlapped)
    return step.bubble_time(both, pipeline, virtual)


def _zero_bubble(schedule: str, pipeline: Number, microbatches: Number, parts: tuple[Number, Number, Number]) -> Number:
    """The bubble of a zero-bubble schedule whose stages go on by themselves."""
    if schedule == "zero-bubble":
        return zero_bubble_time(pipeline, microbatches, *parts)
    if schedule == "zero-bubble-2":
        return zero_bubble_2_time(pipeline, microbatches, *parts)
    return zero_bubble_v_time(pipeline, microbatches, *parts, zero_bubble_v_full_time(pipeline, *parts))


def step_of(
    schedule: str,
    pipeline: Number,
    virtual: Number,
    microbatches: Number,
    forward: Number,
    backward_input: Number,
    backward_weight: Number,
    *,
    overlapped: Number | None = None,
    barrier: bool = False,
) -> Number:
    """Seconds of one step of a pipeline: the work of a stage and its bubble; inputs as of `bubble_of`."""
    parts = (forward, backward_input, backward_weight)
    bubble = bubble_of(schedule, pipeline, virtual, microbatches, *parts, overlapped=overlapped, barrier=barrier)
    both = sum_of(*parts, title="Forward and backward of one microbatch on a stage", symbol="T_F&B")
    work = step.over_microbatches(both, microbatches, title="Work of a stage in one step", symbol="T_work")
    return sum_of(work, bubble, title="Time of one step through the pipeline", symbol="T_step")


def in_flight_of(
    schedule: str, pipeline: Number, virtual: Number, microbatches: Number, group: Number | None = None
) -> InFlight:
    """Microbatches in flight on the first and the last stage, in activations of a whole stage.

    schedule: one of SCHEDULES; pipeline: stages; virtual: model chunks of a stage (1 for "1f1b"; the zero-bubble
    schedules and DualPipe do not read it); microbatches: of one step; group: microbatches that "interleaved" takes
    through a chunk before the next, where it is not the number of stages. Numbers, arrays or values of a ledger.
    """
    _known(schedule)
    if schedule == "interleaved" and group is not None:
        return InFlight(
            in_flight_grouped_first(microbatches, pipeline, virtual, group),
            in_flight_grouped_last(microbatches, virtual, group),
        )
    if schedule in ("1f1b", "interleaved"):
        return InFlight(
            activations.in_flight_first(microbatches, pipeline, virtual),
            activations.in_flight_last(microbatches, pipeline, virtual),
        )
    if schedule == "zero-bubble-v":
        return InFlight(
            in_flight_zero_bubble_v_first(microbatches, pipeline), in_flight_zero_bubble_v_last(microbatches, pipeline)
        )
    if schedule == "gpipe":
        held = in_flight_gpipe(microbatches)
    elif schedule == "dualpipe":
        held = in_flight_dualpipe(pipeline)
    else:
        held = (in_flight_zero_bubble if schedule == "zero-bubble" else in_flight_zero_bubble_2)(microbatches, pipeline)
    return InFlight(held, held)


def parameters_held_of(schedule: str, parameters: Number) -> Number:
    """Parameters that an accelerator holds, of a stage with so many."""
    _known(schedule)
    return parameters_held_dualpipe(parameters) if schedule == "dualpipe" else parameters


def runs_with(schedule: str, pipeline: Number, virtual: Number, microbatches: Number) -> Any:
    """Whether a schedule can be run with so many stages, chunks and microbatches: a truth value, or an array."""
    _known(schedule)
    stages, chunks, many = np.asarray(pipeline, float), np.asarray(virtual, float), np.asarray(microbatches, float)
    least = {"interleaved": np.where(chunks > 1, stages, 1), "gpipe": np.where(chunks > 1, stages, 1)}
    enough = many >= (2 * stages if schedule == "dualpipe" else least.get(schedule, 1))
    if schedule == "dualpipe":
        return enough & (stages % 2 == 0) & (many % 2 == 0)
    if schedule == "zero-bubble-v":
        return enough & ((chunks == 1) | (chunks == 2))
    return enough & ((chunks == 1) | (schedule in ("gpipe", "interleaved")))


def exact_from(schedule: str, pipeline: int, virtual: int) -> int:
    """The microbatches of a step from which the closed forms are what the schedule does, with and without a barrier."""
    _known(schedule)
    if schedule in ("zero-bubble-2", "zero-bubble-v"):
        return 2 * pipeline - 1
    if schedule == "dualpipe":
        return 2 * pipeline
    return pipeline if schedule == "zero-bubble" or virtual > 1 else 1


def _known(schedule: str) -> None:
    if schedule not in SCHEDULES:
        raise ValueError(f'schedule: "{schedule}" is not one of {", ".join(SCHEDULES)}')
