"""Which plans are legal: every combination of degrees that a model, a fleet and a batch allow.

What a user fixes is kept, and refused with a message where it cannot be; the rest is enumerated.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from navarch.distributed.training.shape import RECOMPUTATIONS, Hardware, Plan, TransformerShape

NUMERIC = ("tensor", "pipeline", "data", "context", "expert", "virtual_stages", "microbatch")
CATEGORICAL = ("zero_stage", "sequence_parallel", "recomputation", "attention_kernel")

MAX_MICROBATCH = 16
MAX_VIRTUAL_STAGES = 16
MAX_CONTEXT = 16
LONG_SEQUENCE = 16384


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
    usual = [c for c in legal if c == 1 or (c <= MAX_CONTEXT and request.sequence_length >= LONG_SEQUENCE)]
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


def check_fixed(request: Request) -> None:
    """Refuse fixed fields that are unknown, not whole, or of a category that does not exist."""
    for field, value in request.fixed.items():
        if field in NUMERIC:
            if not float(value).is_integer() or value < 1:
                raise InfeasibleError(field, value, "is not a whole number of at least 1", "allowed: 1, 2, 3, ...")
        elif field == "zero_stage":
            if value not in (0, 1, 2, 3):
                raise InfeasibleError(field, value, "is not a stage of ZeRO", "allowed: 0, 1, 2, 3")
        elif field == "recomputation":
            if value not in RECOMPUTATIONS:
                raise InfeasibleError(field, value, "is not known", "allowed: " + ", ".join(RECOMPUTATIONS))
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


def enumerate_plans(
    shape: TransformerShape,
    hardware: Hardware,
    accelerators: int,
    global_batch: int,
    sequence_length: int,
    fixed: Mapping[str, Any] | None = None,
) -> list[Plan]:
    """Every legal plan, as one `Plan` of arrays for each combination of categories.

    accelerators: all of them are used; global_batch: sequences; sequence_length [token]; fixed: fields of `Plan` that
    the user has set. Tensor groups stay within a scale-up domain, ZeRO-2 and ZeRO-3 within a single stage, and
    context parallelism is tried from 16,384 tokens, unless fixed otherwise. Raises InfeasibleError where nothing is
    legal.
    """
    request = Request(shape, hardware, int(accelerators), int(global_batch), int(sequence_length), dict(fixed or {}))
    check_fixed(request)
    table = np.array(_rows(request), dtype=float)
    columns = dict(zip(NUMERIC, table.T, strict=True))
    replicated = columns["data"] * columns["context"] > 1
    single = columns["pipeline"] == 1
    plans = []
    for zero, recomputation in itertools.product(
        [request.fixed["zero_stage"]] if "zero_stage" in request.fixed else (0, 1, 2, 3),
        [request.fixed["recomputation"]] if "recomputation" in request.fixed else RECOMPUTATIONS,
    ):
        legal = np.ones(len(table), bool)
        if "zero_stage" not in request.fixed:
            legal = (replicated if zero else legal) & (single if zero >= 2 else legal)
        if not legal.any():
            continue
        plans.append(
            Plan(
                **{name: column[legal] for name, column in columns.items()},
                global_batch=float(global_batch),
                sequence_length=float(sequence_length),
                zero_stage=int(zero),
                sequence_parallel=bool(request.fixed.get("sequence_parallel", True)),
                recomputation=recomputation,
                attention_kernel=request.fixed.get("attention_kernel", "flash"),
            )
        )
    return plans
