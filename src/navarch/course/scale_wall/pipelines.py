"""Why more stop helping: where a step goes on each fleet, and its pipeline run task by task beside the closed form."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from navarch.core.arithmetic import relative_change, share_of, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger, Value
from navarch.core.quantity import show
from navarch.course.desk import reading
from navarch.course.instrument import Answer, Shown, instrument
from navarch.course.scale_wall.more import MULTIPLES, best_plan, trained_on

PARTS = {
    "computing": ("compute", "vocabulary", "elementwise"),
    "communication": ("tensor", "context", "expert", "pipeline", "data"),
    "waiting": ("bubble",),
    "rest": ("gaps", "optimiser", "offload", "stragglers", "unexplained"),
}
"""Parts of a step, each of parts of the training model."""


@lru_cache(maxsize=512)
def _run(model: str, node: str, accelerators: int, sequences: int, sequence: int) -> float | None:
    """How long the stages of the best plan's pipeline wait, run task by task [s]; None where there is no plan."""
    from navarch.distributed.training.estimate import estimate
    from navarch.distributed.training.named_schedules import schedule_of
    from navarch.distributed.training.simulate import simulate, timing_of_stage

    found = best_plan(model, node, accelerators, sequences, sequence)
    if isinstance(found, str):
        return None
    plan = found.plan
    if plan.pipeline == 1:
        return 0.0
    shape, hardware, runtime = trained_on(model, node)
    with off_the_ledger():
        made = estimate(shape, hardware, plan, runtime)
        virtual = int(plan.virtual_stages)
        name = "interleaved" if virtual > 1 else "1f1b"
        chunks = virtual if virtual > 1 else None
        schedule = schedule_of(name, int(plan.pipeline), int(made.microbatches), chunks)
        pace = (float(each) for each in (made.pace.forward, made.pace.backward_input, made.pace.backward_weight))
        return float(simulate(schedule, timing_of_stage(schedule, *pace)).idle.max())


@instrument
def where_a_step_goes(model: str, node: str, accelerators: int, sequences: int, sequence: int) -> Answer:
    """Parts of a step of the best plan on a fleet and on 2 to 16 times it; the wait of the pipeline simulated too."""
    rows: list[dict[str, Any]] = []
    readings: dict[str, Any] = {}
    for multiple in MULTIPLES:
        asked = (model, node, accelerators * multiple, sequences, sequence)
        found, waits = best_plan(*asked), _run(*asked)
        if isinstance(found, str) or waits is None:
            continue
        with off_the_ledger():
            told = {name: _sum(found.parts, keys) for name, keys in PARTS.items()}
        row = {"accelerators": asked[2], "multiple": multiple, "step": found.step_time, **told, "simulated": waits}
        rows.append(row)
        with Ledger() as ledger:
            readings |= _waiting(ledger, f"x{multiple}", f"{multiple} times the fleet", row)
    return Answer(readings, rows)


def _sum(parts: Any, keys: tuple[str, ...]) -> float:
    known = [parts[key] for key in keys if key in parts]
    return float(sum_of(*known)) if known else 0.0


def _waiting(ledger: Ledger, key: str, fleet: str, row: dict[str, Any]) -> dict[str, Any]:
    """Waits of the pipeline, estimated and simulated, as shares of the step."""

    def seen(title: str, value: float, source: str) -> Value:
        return ledger.observation(title, value, "s", None, None, source, fleet)

    step = seen("Step of the best plan", row["step"], "distributed.training.strategy.choose")
    estimated = seen("Wait of the pipeline, closed form", row["waiting"], "distributed.training.estimate")
    simulated = seen("Wait of the pipeline, task by task", row["simulated"], "distributed.training.simulate")
    values = {
        f"{key}_estimate": share_of(estimated, step, title=f"Waiting for the pipeline on {fleet}, estimated"),
        f"{key}_simulated": share_of(simulated, step, title=f"Waiting for the pipeline on {fleet}, simulated"),
    }
    if row["waiting"] > 0:
        values[f"{key}_apart"] = relative_change(simulated, estimated, title="Simulation against estimate")
    return {name: reading(value.entry) for name, value in values.items()}


def compared(shown: Shown) -> list[dict[str, Any]]:
    """The wait of the pipeline on each fleet, estimated and simulated, as text."""
    return [
        {
            "accelerators": f"{row['accelerators']:,}",
            "step": show(row["step"], "s"),
            "estimate": show(row["waiting"], "s"),
            "simulated": show(row["simulated"], "s"),
            "share": shown[f"x{row['multiple']}_simulated"].shown,
        }
        for row in shown.rows
    ]
