"""The instruments of Lab 05: what its parts show, each from plain inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from navarch.core.equation import off_the_ledger, open_ledger
from navarch.core.ledger import Ledger
from navarch.core.quantity import show
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, instrument
from navarch.course.parallelism_puzzle.flip import Bandwidth, at_bandwidth, flip_below, own_bandwidth, sweep_of
from navarch.course.parallelism_puzzle.names import cluster_name, model_name
from navarch.course.parallelism_puzzle.outcome import Outcome, estimated, outcome_of, plan_of
from navarch.course.parallelism_puzzle.pairs import Pair, plain_machine, searched
from navarch.course.parallelism_puzzle.strategy import SHORT, Strategy
from navarch.course.parallelism_puzzle.variant import variant_of_seed
from navarch.distributed.training.estimate import estimate
from navarch.distributed.training.named_schedules import schedule_of
from navarch.distributed.training.ratios import FORMS, ratio_of, ratios_by_degree
from navarch.distributed.training.simulate import PipelineRun, simulate, timing_of_stage

ALONE = "no pipeline: a stage has nobody to wait for"
NO_FLIP = "no other degrees are better, down to the least bandwidth tried"
SMALL, MIDDLE, LARGE = range(3)
TENSOR_FORM = next(form for form in FORMS if form.key == "tensor")


def _ledger() -> Ledger:
    """The ledger that an instrument runs under."""
    opened = open_ledger.get()
    if not isinstance(opened, Ledger):
        raise CourseError("an instrument runs under a ledger")
    return opened


def pair_at(seed: int, place: int) -> Pair:
    """One of the nine pairs of a seed, 0 to 8, model by model."""
    return variant_of_seed(seed).pairs[place]


def flip_place(seed: int) -> int:
    """The place among the nine of the pair whose network is changed: on NVLink and InfiniBand, the middle model, or the
    large one where that has experts and this has none."""
    each = len(variant_of_seed(seed).nodes)
    middle, large = (plain_machine(pair_at(seed, size * each)).has_experts for size in (MIDDLE, LARGE))
    return LARGE * each if middle and not large else MIDDLE * each


def row_of(outcome: Outcome) -> dict[str, Any]:
    """A strategy on a pair as a row of a figure; what does not run has no numbers."""
    pair = outcome.pair
    runs = outcome.runs
    return {
        "model": model_name(pair.model),
        "cluster": cluster_name(pair.node),
        "strategy": (outcome.tuned if runs else outcome.strategy).label,
        "step_time": outcome.step_time if runs else None,
        "over": outcome.over if runs else None,
        "memory": outcome.memory if runs else None,
        "lost": outcome.lost,
        "why": outcome.why,
    }


@instrument
def best_on_pair(seed: int, place: int) -> Answer:
    """The fastest of all strategies on one of the nine pairs, with the derivation of its time and memory."""
    pair = pair_at(seed, place)
    found = searched(pair)
    best = found.best.strategy
    _, made = estimated(best, pair, _ledger())
    kinds: dict[str, Outcome] = {}
    for tried in found.tried.values():
        kinds.setdefault(tried.strategy.form, outcome_of(tried.strategy, pair))
    rows = [{"kind": SHORT[kind], **row_of(outcome)} for kind, outcome in kinds.items()]
    readings: dict[str, Any] = {
        "kind": ("Kind of the best strategy", best.form, "text"),
        "strategy": ("Best strategy", outcome_of(best, pair).tuned.label, "text"),
        "step_time": ("Step time", made.step_time, "s"),
        "memory": ("Memory of an accelerator at the peak", made.memory.peak, "byte"),
        "ratio": ("Communication over computation", made.communication_ratio, "1"),
        "plans": ("Plans tried", float(found.plans), "1"),
    }
    return Answer(readings, rows)


@instrument
def strategy_on_pair(
    seed: int, place: int, tensor: int, pipeline: int, context: int, expert: int, zero_stage: int, recomputation: str
) -> Answer:
    """What a strategy does on one of the nine pairs, time by part and memory, or why it does not run."""
    asked = strategy_from(tensor, pipeline, context, expert, zero_stage, recomputation)
    pair = pair_at(seed, place)
    outcome = outcome_of(asked, pair)
    if not outcome.runs:
        return Answer({"strategy": ("Strategy", asked.label, "text"), "why": ("It does not run", outcome.why, "text")})
    _, made = estimated(asked, pair, _ledger())
    readings: dict[str, Any] = {
        "strategy": ("Strategy", outcome.tuned.label, "text"),
        "step_time": ("Step time", made.step_time, "s"),
        "memory": ("Memory of an accelerator at the peak", made.memory.peak, "byte"),
        "free": ("Memory left free", made.memory_margin, "fraction"),
        "over": ("Times the best step time", outcome.over, "1"),
        "mfu": ("Model FLOPs utilisation", made.mfu, "fraction"),
        "ratio": ("Communication over computation", made.communication_ratio, "1"),
    }
    every = {key: float(time) for key, _, time in made.communication.parts()}
    rows = [
        {"part": title, "key": key, "time": float(time), "communication": every.get(key, float(time))}
        for key, title, time in made.step.parts()
    ]
    return Answer(readings, rows)


def strategy_from(
    tensor: int, pipeline: int, context: int, expert: int, zero_stage: int, recomputation: str
) -> Strategy:
    """The strategy that the controls stand at."""
    fields: Mapping[str, Any] = {
        "tensor": tensor, "pipeline": pipeline, "context": context, "expert": expert,
        "zero_stage": zero_stage, "recomputation": recomputation,
    }  # fmt: skip
    return Strategy(**fields)


@instrument
def strategy_on_model(
    seed: int, size: int, tensor: int, pipeline: int, context: int, expert: int, zero_stage: int, recomputation: str
) -> Answer:
    """A strategy on the three clusters with one model (0 small, 1 middle, 2 large), beside the best of each."""
    asked = strategy_from(tensor, pipeline, context, expert, zero_stage, recomputation)
    return _over(asked, _of_model(seed, size))


@instrument
def strategy_on_nine(
    seed: int, tensor: int, pipeline: int, context: int, expert: int, zero_stage: int, recomputation: str
) -> Answer:
    """A strategy on all nine pairs, beside the best of each."""
    asked = strategy_from(tensor, pipeline, context, expert, zero_stage, recomputation)
    return _over(asked, variant_of_seed(seed).pairs)


def _of_model(seed: int, size: int) -> tuple[Pair, ...]:
    variant = variant_of_seed(seed)
    workload = variant.workloads[size]
    return tuple(workload.on(node, variant.accelerators) for node in variant.nodes)


def _over(strategy: Strategy, pairs: tuple[Pair, ...]) -> Answer:
    outcomes = [outcome_of(strategy, pair) for pair in pairs]
    bests = [outcome_of(searched(pair).best.strategy, pair) for pair in pairs]
    rows = [
        {**row_of(mine), "best": best.tuned.label, "best_kind": SHORT[best.strategy.form], "best_time": best.step_time,
         "best_memory": best.memory}
        for mine, best in zip(outcomes, bests, strict=True)
    ]  # fmt: skip
    readings: dict[str, Any] = {
        "strategy": ("Strategy", strategy.label, "text"),
        "wins": ("Pairs won", float(sum(each.wins for each in outcomes)), "1"),
        "runs": ("Pairs on which it runs", float(sum(each.runs for each in outcomes)), "1"),
        "kinds": ("Different strategies that are best", float(len({best.strategy for best in bests})), "1"),
    }
    return Answer(readings, rows)


@instrument
def ratios_on_pair(seed: int, place: int) -> Answer:
    """Communication over computation of each form of parallelism alone, by its degree, on one of the nine pairs."""
    pair, machine = pair_at(seed, place), plain_machine(pair_at(seed, place))
    sizes = (pair.accelerators, pair.global_batch, pair.sequence_length)
    with off_the_ledger():
        every = ratios_by_degree(machine.shape, machine.hardware, machine.runtime, *sizes)
    rows = [
        {"form": each.form.title, "degree": each.degree, "ratio": each.ratio, "communication": each.communication,
         "computation": each.computation, "sent": each.volume, "crosses": each.crosses}
        for each in every
    ]  # fmt: skip
    return Answer({"pair": ("Pair", f"{model_name(pair.model)} on {cluster_name(pair.node)}", "text")}, rows)


@instrument
def tensor_ratio(seed: int, place: int, degree: int) -> Answer:
    """Communication over computation of tensor parallelism alone, at one degree, on one of the nine pairs."""
    pair, machine = pair_at(seed, place), plain_machine(pair_at(seed, place))
    made = ratio_of(
        TENSOR_FORM, degree, machine.shape, machine.hardware, machine.runtime, pair.global_batch, pair.sequence_length
    )
    readings: dict[str, Any] = {
        "ratio": ("Communication over computation", made.ratio, "1"),
        "sent": ("Sent by an accelerator in a step", made.volume, "byte"),
        "communication": ("Time of the communication", made.communication, "s"),
        "computation": ("Time of the computation", made.computation, "s"),
    }
    return Answer(readings)


@instrument
def pipeline_on_pair(
    seed: int, place: int, tensor: int, pipeline: int, context: int, expert: int, zero_stage: int, recomputation: str
) -> Answer:
    """The pipeline of a strategy run event by event: what each stage waits, beside the closed form."""
    asked = strategy_from(tensor, pipeline, context, expert, zero_stage, recomputation)
    pair = pair_at(seed, place)
    outcome = outcome_of(asked, pair)
    if not outcome.runs:
        return Answer({"why": ("It does not run", outcome.why, "text")})
    if asked.pipeline == 1:
        return Answer({"why": ("Nothing to run", ALONE, "text")})
    run, made = pipeline_run(asked, pair)
    with off_the_ledger():
        rows = [
            {"stage": float(stage), "busy": float(run.busy[stage]), "waits": float(run.bubble[stage])}
            for stage in range(run.schedule.stages)
        ]
    readings: dict[str, Any] = {
        "schedule": ("Schedule", f"{run.schedule.stages} stages, {run.schedule.microbatches} microbatches", "text"),
        "step": ("Time of the pipeline, run event by event", run.step, "s"),
        "bubble": ("Longest that a stage waits, run event by event", float(run.bubble.max()), "s"),
        "estimate": ("Bubble, by the closed form", float(made), "s"),
    }
    return Answer(readings, rows)


def pipeline_run(strategy: Strategy, pair: Pair) -> tuple[PipelineRun, float]:
    """The pipeline of a strategy's best plan, run event by event, and its bubble by the closed form [s]."""
    plan, machine = plan_of(strategy, pair), plain_machine(pair)
    with off_the_ledger():
        made = estimate(machine.shape, machine.hardware, plan, machine.runtime)
        virtual = int(plan.virtual_stages)
        schedule = schedule_of(
            "interleaved" if virtual > 1 else "1f1b", int(plan.pipeline), int(made.microbatches), virtual
        )
        pace = made.pace
        times = (float(pace.forward), float(pace.backward_input), float(pace.backward_weight))
        run = simulate(schedule, timing_of_stage(schedule, *times, transfer=float(pace.send)))
    return run, float(made.step.bubble)


@instrument
def flip_on_pair(seed: int, place: int, which: Bandwidth) -> Answer:
    """At which bandwidth other degrees become best on one of the nine pairs, everything else as it is."""
    pair = pair_at(seed, place)
    flips = flip_below(pair, which)
    own = own_bandwidth(pair, which)
    rows = [
        {"bandwidth": each.bandwidth, "best": outcome_label(each.best.strategy), "best_time": each.best.step_time,
         "kept_time": each.kept.step_time if each.kept.runs else None, "own": each.bandwidth == own}
        for each in sweep_of(pair, which)
    ]  # fmt: skip
    readings: dict[str, Any] = {
        "own": ("Bandwidth that there is", own, "byte/s"),
        "strategy": ("Best strategy with it", searched(pair).best.strategy.label, "text"),
        "flip": ("Other degrees are best from here down", NO_FLIP if flips is None else flips,
                 "text" if flips is None else "byte/s"),
    }  # fmt: skip
    if flips is not None:
        then = at_bandwidth(pair, which, flips)
        readings["then"] = ("Best strategy there", then.best.strategy.label, "text")
        readings["kept"] = ("Times the best, had one kept the strategy", then.kept.over, "1")
    return Answer(readings, rows)


def outcome_label(strategy: Strategy) -> str:
    """Degrees alone: what a figure has room for."""
    return strategy.label.split(",")[0]


@instrument
def at_one_bandwidth(seed: int, place: int, which: Bandwidth, bandwidth: float) -> Answer:
    """The best strategy on one of the nine pairs at another bandwidth, and what keeping the old one would cost."""
    pair = pair_at(seed, place)
    then = at_bandwidth(pair, which, bandwidth)
    readings: dict[str, Any] = {
        "bandwidth": ("Bandwidth", bandwidth, "byte/s"),
        "strategy": ("Best strategy", then.best.strategy.label, "text"),
        "step_time": ("Its step time", then.best.step_time, "s"),
    }
    if then.kept.runs:
        readings["kept"] = ("Times the best, had one kept the strategy", then.kept.over, "1")
    else:
        readings["why"] = ("The old strategy does not run", then.kept.why, "text")
    return Answer(readings)


def told(pair: Pair) -> str:
    """A pair with its batch, in one line."""
    batch = f"{pair.global_batch:,} sequences of {pair.sequence_length:,} tokens"
    return (
        f"{model_name(pair.model)} on {cluster_name(pair.node)}, {batch}, {show(pair.accelerators, '1')} accelerators"
    )
