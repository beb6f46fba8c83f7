"""This machine really runs data, tensor and pipeline parallelism, and the ingredients of their steps."""

from __future__ import annotations

from typing import Any

from navarch.core.arithmetic import ratio, relative_change
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.core.quantity import show
from navarch.course.frame.progress import CannotMeasureError, tell
from navarch.course.instrument import Answer, Reading, instrument
from navarch.distributed.training.measure import measure_parallel
from navarch.distributed.training.measurement import FormMeasured, ParallelMeasured, Problem
from navarch.fleet.compute.measure import measure_compute
from navarch.fleet.compute.measurement import ComputeMeasured, MeasureError

SECONDS = 12.0
"""Time of the lab's measurement, the start of its processes left out [s]."""
LIMIT = 90.0
"""After which it is stopped [s]."""
RANKS = 2
RECORDED = "parallelism_puzzle/recorded.json"
"""The recorded result, in navarch/course."""
PRODUCTS = 0.25
"""Share of the time in which products and memory are measured."""
BYTES_OF_32_BITS = 4


def question_of_bytes() -> tuple[str, str]:
    """What is asked before the measurement, with the numbers of the model that is trained."""
    problem = Problem()
    batch = f"**{problem.batch}** sequences of **{problem.sequence}** tokens"
    told = (
        f"A transformer of {problem.layers} layers of width {problem.width} is trained by **{RANKS}** processes on "
        "this machine, in three ways: by data, by tensors, by stages. It has "
        f"**{show(problem.parameters, 'parameter')}** of {BYTES_OF_32_BITS} bytes, and a batch is {batch}. "
        "The processes talk through sockets, and the operating system counts every byte."
    )
    return "How many bytes does a process send in one data-parallel step?", told


@instrument(replays=False)
def forms_on_this_machine(seconds: float, ranks: int) -> Answer:
    """Steps of three forms of parallelism over processes, beside what their ingredients predict; gradients; bytes."""
    rest = 1 - PRODUCTS
    problem = Problem()
    try:
        made = measure_parallel(
            ranks, problem, limit=seconds * rest, progress=lambda share, what: tell(share * rest, what)
        )
        compute = measure_compute(
            device="cpu", precisions=["fp32"], shapes=_shapes(problem), limit=max(1.0, seconds * PRODUCTS),
            progress=lambda share, what: tell(rest + share * PRODUCTS, what),
        )  # fmt: skip
    except MeasureError as error:
        raise CannotMeasureError(str(error)) from error
    with off_the_ledger():
        rows = [_row(form) for form in made.forms]
    return Answer(_readings(made, compute), rows)


def _shapes(problem: Problem) -> list[tuple[int, int, int]]:
    """The products of a layer, of all tokens of a batch: rows, columns, depth."""
    tokens = problem.batch * problem.sequence
    return sorted({(tokens, columns, depth) for depth, columns in problem.matrices.values()})


def _readings(made: ParallelMeasured, compute: ComputeMeasured) -> dict[str, Any]:
    data = made.forms[0]
    readings: dict[str, Any] = {
        "sent": ("Sent by a process in a data-parallel step", data.sent, "byte"),
        "single": Reading("A step of one process alone", made.single.median, "s", made.single.low, made.single.high),
        "bandwidth": ("Bandwidth between the processes", made.network.bandwidth, "byte/s"),
        "latency": ("Latency of a step between them", made.network.latency, "s"),
        "device": ("What computed", made.device, "text"),
    }
    for form in made.forms:
        derivation = _derivation(form, made)
        readings[form.form] = Reading(
            f"A step, {form.title.lower()}", form.step.median, "s", form.step.low, form.step.high, derivation
        )
        readings[f"{form.form}_gradients"] = (f"Gradients, {form.title.lower()}: furthest from one process's",
                                              form.difference, "1")  # fmt: skip
    for product in compute.products:
        shape = f"{product.rows} x {product.columns} x {product.depth}"
        readings[f"product_{shape}"] = (f"Matrix product {shape}, all cores", product.rate, "FLOP/s")
    if compute.memory is not None:
        readings["memory"] = ("Memory, read and written", compute.memory.rate, "byte/s")
    return readings


def _derivation(form: FormMeasured, made: ParallelMeasured) -> str:
    parts = [("computation", form.computation), ("communication", form.communication), ("waiting", form.bubble)]
    told = " + ".join(f"{show(value, 's')} {name}" for name, value in parts if value)
    counted = "by the operating system" if form.counted else "by the collectives"
    lines = [
        f"measured {made.date}: median of {form.step.runs} steps over {made.ranks} processes",
        f"predicted {show(form.predicted, 's')} = {told}",
        f"bytes counted {counted}: {form.sent:,.0f}; predicted {form.sent_predicted:,.0f}",
    ]
    return "\n".join(lines)


def _row(form: FormMeasured) -> dict[str, Any]:
    return {
        "form": form.title, "step": form.step.median, "predicted": form.predicted,
        "off": float(relative_change(form.predicted, form.step.median)), "computation": form.computation,
        "communication": form.communication, "bubble": form.bubble, "sent": form.sent,
        "sent_predicted": form.sent_predicted, "gradients": form.difference,
    }  # fmt: skip


@instrument
def speedup_here(single: float, step: float, ranks: int) -> Answer:
    """How many times faster the processes are than one alone, from two measured steps."""
    with Ledger() as ledger:
        alone = ledger.observation("A step of one process alone", single, "s", None, None, "measured", "")
        together = ledger.observation("A step of all processes", step, "s", None, None, "measured", "")
        gained = ratio(alone, together, unit="1", title="Times faster than one process")
        reading = Reading(gained.entry.title, float(gained), "1")
    return Answer({"speedup": reading, "processes": ("Processes", float(ranks), "1")})
