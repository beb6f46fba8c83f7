"""Which plans are legal: every combination of degrees that a model, a fleet and a batch allow.

What a user fixes is kept, and refused with a message where it cannot be; the rest is enumerated.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from navarch.distributed.training.forms import COMMON, Forms, LayerForm, StepForm
from navarch.distributed.training.pipeline import runs_with
from navarch.distributed.training.shape import (
    ATTENTION_KERNELS,
    CONTEXT_KINDS,
    OFFLOADS,
    RECOMPUTATIONS,
    SCHEDULES,
    Hardware,
    Plan,
    TransformerShape,
)

NUMERIC = ("tensor", "pipeline", "data", "context", "expert", "virtual_stages", "microbatch")
CATEGORICAL = (
    "zero_stage", "shard", "sequence_parallel", "recomputation", "attention_kernel", "schedule", "context_kind",
    "offload",
)  # fmt: skip

MAX_MICROBATCH = 16
MAX_VIRTUAL_STAGES = 16
MAX_CONTEXT = 16
LONG_SEQUENCE = 16384

WORDS: Mapping[str, tuple[str, ...]] = {
    "recomputation": RECOMPUTATIONS,
    "schedule": SCHEDULES,
    "context_kind": CONTEXT_KINDS,
    "offload": OFFLOADS,
    "attention_kernel": ATTENTION_KERNELS,
}

Table = NDArray[np.float64]
Mask = NDArray[np.bool_]


class InfeasibleError(ValueError):
    """A fixed field, or the whole request, that no plan can meet.

    field: its name; value: asked; allowed: what would be possible, in words.
    """

    def __init__(self, field: str, value: Any, problem: str, allowed: str) -> None:
        super().__init__(f"{field} = {_plain(value)}: {problem}; {allowed}")
        self.field = field
        self.value = value
        self.problem = problem
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Request:
    """A fleet, a batch and what is fixed about the plan, all plain numbers."""

    shape: TransformerShape
    hardware: Hardware
    accelerators: int
    global_batch: int
    sequence_length: int
    fixed: Mapping[str, Any]
    forms: Forms = COMMON


def _plain(value: Any) -> Any:
    """A whole number without its decimal point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _listed(values: Iterable[int]) -> str:
    return "allowed: " + (", ".join(f"{v:,}" for v in values) or "none")


def divisors(number: int) -> list[int]:
    """The divisors of a positive whole number, in order."""
    small = [d for d in range(1, int(number**0.5) + 1) if number % d == 0]
    return small + [number // d for d in reversed(small) if d * d != number]


def _candidates(request: Request, field: str, legal: list[int], usual: list[int], problem: str) -> list[int]:
    """The values to try for a field: the fixed one if it is legal, else the usual ones."""
    if field not in request.fixed:
        return usual
    value = request.fixed[field]
    if float(value) not in legal:
        raise InfeasibleError(field, value, problem, _listed(legal))
    return [int(value)]


def _tensor(request: Request) -> list[int]:
    heads, kv_heads = int(request.shape.heads), int(request.shape.kv_heads)
    legal = [
        t
        for t in divisors(request.accelerators)
        if heads % t == 0 and (kv_heads % t == 0 or t % kv_heads == 0 or request.shape.kv_rank is not None)
    ]
    usual = [t for t in legal if t <= request.hardware.scaleup_domain]
    problem = (
        f"must divide {request.accelerators:,} accelerators and the {heads} attention heads "
        f"({kv_heads} of keys and values)"
    )
    return _candidates(request, "tensor", legal, usual, problem)


def _pipeline(request: Request, tensor: int) -> list[int]:
    layers = int(request.shape.layers)
    legal = [p for p in divisors(request.accelerators // tensor) if p <= layers]
    left = request.accelerators // tensor
    problem = f"must divide {left:,} accelerators (after tensor = {tensor}) and not exceed {layers} layers"
    return _candidates(request, "pipeline", legal, legal, problem)


def _context(request: Request, tensor: int, pipeline: int) -> list[int]:
    left = request.accelerators // (tensor * pipeline)
    legal = [c for c in divisors(left) if request.sequence_length % (2 * c) == 0 or c == 1]
    tried = request.forms.short_context or request.sequence_length >= LONG_SEQUENCE
    usual = [c for c in legal if c == 1 or (c <= MAX_CONTEXT and tried)]
    problem = (
        f"must divide the {left:,} accelerators left by tensor x pipeline = {tensor * pipeline:,} and half the sequence"
    )
    return _candidates(request, "context", legal, usual, problem)


def _expert(request: Request, tensor: int, ranks: int) -> list[int]:
    if request.shape.experts is None:
        return _candidates(request, "expert", [1], [1], "the model has no experts")
    legal = [e for e in divisors(int(request.shape.experts)) if ranks % e == 0 and (e % tensor == 0 or tensor % e == 0)]
    usual = [e for e in legal if e == 1 or e >= tensor]
    problem = f"must divide the {int(request.shape.experts)} experts and the {ranks:,} ranks of tensor x data x context"
    return _candidates(request, "expert", legal, usual, problem)


def _microbatch(request: Request, data: int) -> list[int]:
    if request.global_batch % data:
        return []
    legal = divisors(request.global_batch // data)
    if "microbatch" in request.fixed and float(request.fixed["microbatch"]) not in legal:
        return []
    return _candidates(request, "microbatch", legal, [b for b in legal if b <= MAX_MICROBATCH], "")


def _virtual(request: Request, pipeline: int, microbatches: int) -> list[int]:
    most = int(request.shape.layers) // pipeline if pipeline > 1 and microbatches % pipeline == 0 else 1
    ceiling = -(-int(request.shape.layers) // pipeline) if most > 1 else 1
    if "virtual_stages" in request.fixed:
        asked = int(request.fixed["virtual_stages"])
        return [asked] if asked == 1 or (pipeline > 1 and asked <= ceiling and microbatches % pipeline == 0) else []
    return [v for v in range(1, min(ceiling, MAX_VIRTUAL_STAGES) + 1) if v == 1 or ceiling % v == 0]


def _rows(request: Request) -> list[tuple[int, ...]]:
    """Every legal combination of the numeric fields."""
    rows: list[tuple[int, ...]] = []
    problems: list[InfeasibleError] = []

    def attempt(choices: Any, *given: int) -> list[int]:
        try:
            return choices(request, *given)
        except InfeasibleError as problem:
            problems.append(problem)
            return []

    for tensor in _tensor(request):
        for pipeline in attempt(_pipeline, tensor):
            for context in attempt(_context, tensor, pipeline):
                data = request.accelerators // (tensor * pipeline * context)
                if float(request.fixed.get("data", data)) != data:
                    continue
                for expert in attempt(_expert, tensor, tensor * context * data):
                    for microbatch in _microbatch(request, data):
                        microbatches = request.global_batch // (data * microbatch)
                        for virtual in _virtual(request, pipeline, microbatches):
                            rows.append((tensor, pipeline, data, context, expert, virtual, microbatch))
    if not rows:
        raise problems[-1] if problems else _nothing(request)
    return rows


def _nothing(request: Request) -> InfeasibleError:
    """Why no combination is left, in the field most likely meant."""
    fixed = request.fixed
    for field in ("data", "microbatch", "virtual_stages"):
        if field in fixed:
            allowed = {
                "data": f"tensor x pipeline x data x context must be {request.accelerators:,} accelerators",
                "microbatch": f"microbatch x data must divide the global batch of {request.global_batch:,} sequences",
                "virtual_stages": "allowed: 1, or up to the layers of a stage, microbatches a multiple of pipeline",
            }[field]
            return InfeasibleError(field, fixed[field], "no legal plan has it", allowed)
    return InfeasibleError(
        "global_batch",
        request.global_batch,
        "no data-parallel degree divides it",
        f"it must be a multiple of the data-parallel degree of some split of {request.accelerators:,} accelerators",
    )


FORMS_NEED = {
    "schedule": "only 1f1b runs without a pipeline or with virtual stages; dualpipe needs an even number of stages and "
    "of microbatches, and twice as many of these",
    "context_kind": "tensor x context must divide the attention heads for ulysses",
    "shard": "it must divide the replicas, data x context, of a plan",
}


def no_form(request: Request) -> InfeasibleError:
    """Why the degrees that are legal go with none of the forms."""
    for field, need in FORMS_NEED.items():
        if field in request.fixed:
            return InfeasibleError(field, request.fixed[field], "no legal plan has it", need)
    sizes = f"{request.accelerators:,} accelerators"
    return InfeasibleError("forms", sizes, "none of the forms that are tried can be run", "try more forms")


def check_fixed(request: Request) -> None:
    """Refuse fixed fields that are unknown, not whole, or of a category that does not exist."""
    for field, value in request.fixed.items():
        if field in (*NUMERIC, "shard"):
            if value is not None and (not float(value).is_integer() or value < 1):
                raise InfeasibleError(field, value, "is not a whole number of at least 1", "allowed: 1, 2, 3, ...")
        elif field == "zero_stage":
            if value not in (0, 1, 2, 3):
                raise InfeasibleError(field, value, "is not a stage of ZeRO", "allowed: 0, 1, 2, 3")
        elif field in WORDS:
            if value not in WORDS[field]:
                raise InfeasibleError(field, value, "is not known", "allowed: " + ", ".join(WORDS[field]))
        elif field not in CATEGORICAL:
            raise InfeasibleError(
                field, value, "is not a field of a plan", "allowed: " + ", ".join(NUMERIC + CATEGORICAL)
            )
    degrees = [int(request.fixed[f]) for f in ("tensor", "pipeline", "context", "data") if f in request.fixed]
    product = int(np.prod(degrees)) if degrees else 1
    if len(degrees) > 1 and request.accelerators % product:
        names = " x ".join(f for f in ("tensor", "pipeline", "context", "data") if f in request.fixed)
        raise InfeasibleError(
            names,
            product,
            f"does not divide {request.accelerators:,} accelerators",
            "their product must divide the fleet",
        )


def fixed_forms(forms: Forms, fixed: Mapping[str, Any]) -> Forms:
    """The forms that are left where some categories are fixed."""
    kept = {
        "zero_stages": ("zero_stage", int),
        "schedules": ("schedule", str),
        "context_kinds": ("context_kind", str),
        "recomputations": ("recomputation", str),
        "sequence_parallel": ("sequence_parallel", bool),
        "offloads": ("offload", str),
    }
    left: dict[str, Any] = {name: (kind(fixed[field]),) for name, (field, kind) in kept.items() if field in fixed}
    if "shard" in fixed:
        left["hybrid"] = False
    return replace(forms, **left)


def numeric_table(request: Request) -> Table:
    """Every legal combination of the numeric fields, a row each, in the order of NUMERIC."""
    check_fixed(request)
    return np.array(_rows(request), dtype=float)


def layer_legal(request: Request, form: LayerForm, columns: Mapping[str, Table]) -> Mask:
    """The rows that a layer's form can be combined with; a form that would change nothing is left to its twin."""
    legal = np.ones(len(columns["tensor"]), bool)
    if not form.sequence_parallel and "sequence_parallel" not in request.fixed:
        legal &= columns["tensor"] > 1
    if form.context_kind == "ulysses":
        split = columns["tensor"] * columns["context"]
        heads, kv_heads = float(request.shape.heads), float(request.shape.kv_heads)
        whole = (np.mod(heads, split) == 0) & ((np.mod(kv_heads, split) == 0) | (np.mod(split, kv_heads) == 0))
        legal &= whole & ((columns["context"] > 1) | ("context_kind" in request.fixed))
    return legal


def step_legal(request: Request, form: StepForm, columns: Mapping[str, Table]) -> Mask:
    """The rows that a step's form can be combined with; a form that would change nothing is left to its twin."""
    replicas = columns["data"] * columns["context"]
    microbatches = float(request.global_batch) / (columns["data"] * columns["microbatch"])
    legal = np.ones(len(replicas), bool)
    if "zero_stage" not in request.fixed:
        legal &= (replicas > 1) | (form.zero_stage == 0)
        legal &= (columns["pipeline"] == 1) | (form.zero_stage < 2)
    if form.hybrid:
        shard = shard_within_domain(request.hardware, columns["tensor"])
        legal &= (shard > 1) & (shard < replicas) & (np.mod(replicas, shard) == 0)
    elif request.fixed.get("shard"):
        legal &= np.mod(replicas, np.minimum(replicas, request.fixed["shard"])) == 0
    if form.schedule == "1f1b":
        return legal & runs_with("interleaved", columns["pipeline"], columns["virtual_stages"], microbatches)
    legal &= (columns["pipeline"] > 1) | ("schedule" in request.fixed)
    return legal & (columns["virtual_stages"] == 1) & runs_with(form.schedule, columns["pipeline"], 1.0, microbatches)


def shard_within_domain(hardware: Hardware, tensor: Any) -> Any:
    """Replicas that a hybrid sharding shares states among: those within one scale-up domain."""
    return np.maximum(1, np.floor(float(hardware.scaleup_domain) / tensor))


def plan_of(request: Request, layer: LayerForm, step: StepForm, columns: Mapping[str, Any]) -> Plan:
    """The plan of arrays of some rows under two forms."""
    shard = shard_within_domain(request.hardware, columns["tensor"]) if step.hybrid else request.fixed.get("shard")
    return Plan(
        **columns,
        global_batch=float(request.global_batch),
        sequence_length=float(request.sequence_length),
        zero_stage=step.zero_stage,
        shard=shard,
        sequence_parallel=layer.sequence_parallel,
        recomputation=layer.recomputation,
        attention_kernel=request.fixed.get("attention_kernel", "flash"),
        schedule=step.schedule,
        context_kind=layer.context_kind,
        offload=step.offload,
    )


def enumerate_plans(
    shape: TransformerShape,
    hardware: Hardware,
    accelerators: int,
    global_batch: int,
    sequence_length: int,
    fixed: Mapping[str, Any] | None = None,
    forms: Forms = COMMON,
) -> list[Plan]:
    """Every legal plan, as one `Plan` of arrays for each combination of forms.

    accelerators: all of them are used; global_batch: sequences; sequence_length [token]; fixed: fields of `Plan` that
    the user has set; forms: tried. Tensor groups stay within a scale-up domain and ZeRO-2 and ZeRO-3 within a single
    stage, unless fixed otherwise. Raises InfeasibleError where nothing is legal.
    """
    given = dict(fixed or {})
    left = fixed_forms(forms, given)
    request = Request(shape, hardware, int(accelerators), int(global_batch), int(sequence_length), given, left)
    table = numeric_table(request)
    columns = dict(zip(NUMERIC, table.T, strict=True))
    plans = []
    for layer, step in itertools.product(left.layer_forms(), left.step_forms()):
        legal = layer_legal(request, layer, columns) & step_legal(request, step, columns)
        if legal.any():
            kept = {name: column[legal] for name, column in columns.items()}
            plans.append(plan_of(request, layer, step, kept))
    return plans
