"""Communication against computation of each form of parallelism by itself, as one compares them in a course.

Each form alone divides the model or the batch over as many accelerators as it has ranks; everything else is one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from navarch.core.arithmetic import ratio
from navarch.core.equation import off_the_ledger
from navarch.distributed.collectives.library import Library, Network, Protocol, Tuned
from navarch.distributed.training.estimate import TrainingEstimate, estimate
from navarch.distributed.training.forms import COMMON
from navarch.distributed.training.legality import InfeasibleError, Request, divisors, numeric_table
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Hardware, Plan, TransformerShape

ALONE = {"tensor": 1, "pipeline": 1, "data": 1, "context": 1, "expert": 1, "virtual_stages": 1}


@dataclass(frozen=True, slots=True)
class Form:
    """A form of parallelism: its key, what it is called, the degrees that it is made of and what else it sets."""

    key: str
    title: str
    degrees: tuple[str, ...]
    communication: str
    zero_stage: int = 0


FORMS = (
    Form("data", "Data parallel (replicas)", ("data",), "data"),
    Form("zero-3", "ZeRO-3 / FSDP", ("data",), "data", 3),
    Form("tensor", "Tensor parallel", ("tensor",), "tensor"),
    Form("pipeline", "Pipeline (1F1B)", ("pipeline",), "pipeline"),
    Form("context", "Context (ring attention)", ("context",), "context"),
    Form("expert", "Expert parallel", ("data", "expert"), "expert"),
)


@dataclass(frozen=True, slots=True)
class CommunicationRatio:
    """One form of parallelism alone.

    form; degree: accelerators that it runs on; volume: that one accelerator sends in a step, of this form only [byte];
    communication: its time, hidden or not [s]; computation: time of a step's products and memory-bound kernels [s];
    ratio: of the two times; crosses: whether it leaves the scale-up domain; memory: at the peak [byte]; fits: within
    the accelerator's memory.
    """

    form: Form
    degree: int
    volume: float
    communication: float
    computation: float
    ratio: float
    crosses: bool
    memory: float
    fits: bool


def unit_network(hardware: Hardware) -> Hardware:
    """The same on a network of one byte a second, without latency: what is sent takes a second for each byte."""
    library = hardware.library
    unit = Library(
        all_reduce=unit_ring(library.all_reduce),
        all_gather=unit_ring(library.all_gather),
        reduce_scatter=unit_ring(library.reduce_scatter),
        all_to_all=unit_ring(library.all_to_all),
        network=Network(0.0, 0.0, 1.0, 0.0),
    )
    return replace(hardware, scaleup_bandwidth=1.0, scaleout_bandwidth=1.0, library=unit)


def unit_ring(kind: Tuned) -> Tuned:
    """A collective as one ring that loses nothing."""
    return replace(kind, protocols=tuple(Protocol(0.0, 0.0, 1.0, 0.0) for _ in kind.protocols), reducer=None)


def unit_software(runtime: Runtime) -> Runtime:
    """The same software, of which messages cost nothing but their bytes."""
    return replace(runtime, library_rate=1.0, network_rate=1.0, exchange_rate=1.0, send_overhead=0.0)


def volumes_of(shape: TransformerShape, hardware: Hardware, plan: Plan, runtime: Runtime) -> dict[str, float]:
    """Bytes that one accelerator sends in a step, by form of parallelism [byte]."""
    with off_the_ledger():
        made = estimate(shape, unit_network(hardware), plan, unit_software(runtime))
    return {key: float(sent) for key, _, sent in made.communication.parts()}


def degrees_of(
    form: Form, shape: TransformerShape, hardware: Hardware, accelerators: int, global_batch: int, sequence_length: int
) -> list[int]:
    """The degrees above one at which a form can run alone, on no more than a fleet, smallest first."""
    return [
        degree
        for degree in divisors(accelerators)
        if degree > 1 and _legal(form, shape, hardware, degree, global_batch, sequence_length)
    ]


def _legal(
    form: Form, shape: TransformerShape, hardware: Hardware, degree: int, global_batch: int, sequence_length: int
) -> bool:
    """Whether a form can run alone on so many accelerators."""
    fixed = {**ALONE, **dict.fromkeys(form.degrees, degree), "microbatch": 1}
    try:
        numeric_table(Request(shape, hardware, degree, global_batch, sequence_length, fixed, COMMON))
    except InfeasibleError:
        return False
    return True


def plan_alone(form: Form, degree: int, global_batch: int, sequence_length: int, **more: Any) -> Plan:
    """A form alone: so many ranks of it, one of everything else, microbatches of one sequence."""
    degrees: dict[str, Any] = {**ALONE, **dict.fromkeys(form.degrees, degree)}
    numbers = {name: float(count) for name, count in degrees.items()}
    batch = {"global_batch": float(global_batch), "sequence_length": float(sequence_length)}
    fields: dict[str, Any] = {**numbers, **batch, **more}
    return Plan(microbatch=1.0, zero_stage=form.zero_stage, **fields)


def ratio_of(
    form: Form,
    degree: int,
    shape: TransformerShape,
    hardware: Hardware,
    runtime: Runtime,
    global_batch: int,
    sequence_length: int,
) -> CommunicationRatio:
    """Communication against computation of one form alone, at one degree."""
    plan = plan_alone(form, degree, global_batch, sequence_length)
    with off_the_ledger():
        made: TrainingEstimate = estimate(shape, hardware, plan, runtime)
        time = getattr(made.communication, form.communication)
        against = ratio(time, made.communication.computation, unit="1", title="Communication against computation")
    return CommunicationRatio(
        form,
        degree,
        volumes_of(shape, hardware, plan, runtime)[form.communication],
        float(time),
        float(made.communication.computation),
        float(against),
        degree > float(hardware.scaleup_domain),
        float(made.memory.peak),
        float(made.memory.peak) <= float(hardware.memory),
    )


def ratios_of(
    shape: TransformerShape,
    hardware: Hardware,
    runtime: Runtime,
    accelerators: int,
    global_batch: int,
    sequence_length: int,
    degree: int | None = None,
) -> tuple[CommunicationRatio, ...]:
    """Each form alone, at its largest legal degree on a fleet, or at the largest up to a given one.

    accelerators: of the fleet, at most; global_batch: sequences, the same for all; sequence_length [token]; degree: not
    to be passed. A form that no degree is legal for is left out.
    """
    every = ratios_by_degree(shape, hardware, runtime, accelerators, global_batch, sequence_length, degree)
    return tuple({ratio.form: ratio for ratio in every}.values())


def ratios_by_degree(
    shape: TransformerShape,
    hardware: Hardware,
    runtime: Runtime,
    accelerators: int,
    global_batch: int,
    sequence_length: int,
    degree: int | None = None,
) -> tuple[CommunicationRatio, ...]:
    """Each form alone, at every legal degree up to a given one; inputs as of `ratios_of`."""
    sizes = (global_batch, sequence_length)
    return tuple(
        ratio_of(form, each, shape, hardware, runtime, *sizes)
        for form in FORMS
        for each in degrees_of(form, shape, hardware, accelerators, *sizes)
        if degree is None or each <= degree
    )
