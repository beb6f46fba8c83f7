"""A strategy: what one writes on a card and carries from cluster to cluster.

It fixes how a model is divided and what is kept: degrees, ZeRO and recomputation. How many replicas there are follows
from the fleet. Microbatch and virtual stages may be left open; then whoever runs it sets them for the best.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from navarch.distributed.training.strategy import RECOMPUTED

TENSOR = (1, 2, 4, 8, 16)
PIPELINE = (1, 2, 4, 8, 16, 32, 64)
CONTEXT = (1, 2, 4, 8)
EXPERT = (1, 2, 4, 8, 16, 32, 64, 128)
MICROBATCH = (1, 2, 4, 8, 16)
MOST_VIRTUAL_STAGES = 16
ALLOWED = {
    "tensor": TENSOR, "pipeline": PIPELINE, "context": CONTEXT, "expert": EXPERT, "zero_stage": (0, 1, 2, 3),
    "microbatch": MICROBATCH,
}  # fmt: skip

KINDS = {
    "data": "Data parallel alone, states sharded",
    "tensor": "Tensor parallel within servers, data parallel across them",
    "pipeline": "A pipeline of stages, data parallel beside it",
    "tensor-pipeline": "Tensor parallel within servers and a pipeline across them",
}
"""Kinds of strategies, by what divides the layers."""

SHORT = {
    "data": "Data alone", "tensor": "Tensor and data", "pipeline": "Pipeline and data",
    "tensor-pipeline": "Tensor and pipeline",
}  # fmt: skip
"""The same for a figure."""

Key = tuple[int, int, int, int, int, str]
"""Tensor, pipeline, context, expert, ZeRO stage and recomputation."""
Recomputation = Literal["none", "selective", "full"]


class Strategy(BaseModel):
    """How a model is divided over a fleet, and what each accelerator keeps.

    tensor, pipeline, context, expert: degrees; expert counts for models with experts alone; zero_stage: 0 to 3;
    recomputation: none, selective or full; microbatch: sequences, virtual_stages: model chunks of a stage (None: the
    best for each pair).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tensor: Literal[TENSOR] = 1  # type: ignore[valid-type]
    pipeline: Literal[PIPELINE] = 1  # type: ignore[valid-type]
    context: Literal[CONTEXT] = 1  # type: ignore[valid-type]
    expert: Literal[EXPERT] = 1  # type: ignore[valid-type]
    zero_stage: Literal[0, 1, 2, 3] = 1
    recomputation: Recomputation = "none"
    microbatch: Literal[MICROBATCH] | None = None  # type: ignore[valid-type]
    virtual_stages: Annotated[int, Field(ge=1, le=MOST_VIRTUAL_STAGES)] | None = None

    @field_validator("tensor", "pipeline", "context", "expert", "zero_stage", "microbatch", mode="before")
    @classmethod
    def _is_whole(cls, given: Any, about: ValidationInfo) -> Any:
        """Refuse what equals a whole number and is none, such as true."""
        if given is not None and type(given) is not int:
            allowed = ", ".join(str(n) for n in ALLOWED[about.field_name or ""])
            raise PydanticCustomError("literal_error", "is not a whole number", {"expected": allowed})
        return given

    def key(self, has_experts: bool) -> Key:
        """What the strategy fixes on a model; a model without experts has none to spread."""
        key = (self.tensor, self.pipeline, self.context, self.expert, self.zero_stage, self.recomputation)
        return key if has_experts else without_experts(key)

    @property
    def form(self) -> str:
        """Of what kind the strategy is, a key of KINDS."""
        divided = ("tensor" if self.tensor > 1 else "", "pipeline" if self.pipeline > 1 else "")
        return "-".join(filter(None, divided)) or "data"

    @property
    def label(self) -> str:
        """The strategy as people write it; what is 1 or none is left out."""
        degrees = (("TP", self.tensor), ("PP", self.pipeline), ("CP", self.context), ("EP", self.expert))
        parts = [" x ".join(f"{name} {degree}" for name, degree in degrees if degree > 1) or "DP alone"]
        parts.append(f"ZeRO-{self.zero_stage}" if self.zero_stage else "no ZeRO")
        parts.append(RECOMPUTED[self.recomputation])
        if self.microbatch is not None:
            parts.append(f"microbatch {self.microbatch}")
        if self.virtual_stages is not None and self.virtual_stages > 1:
            parts.append(f"{self.virtual_stages} virtual stages")
        return ", ".join(parts)

    def fixed(self, has_experts: bool) -> dict[str, Any]:
        """The fields of a plan that the strategy fixes."""
        tensor, pipeline, context, expert, zero_stage, recomputation = self.key(has_experts)
        tuned = {"microbatch": self.microbatch, "virtual_stages": self.virtual_stages}
        return {
            "tensor": tensor, "pipeline": pipeline, "context": context, "expert": expert,
            "zero_stage": zero_stage, "recomputation": recomputation,
            **{name: value for name, value in tuned.items() if value is not None},
        }  # fmt: skip


def without_experts(key: Key) -> Key:
    """What a key fixes on a model without experts, which has none to spread."""
    tensor, pipeline, context, _, zero_stage, recomputation = key
    return (tensor, pipeline, context, 1, zero_stage, recomputation)


def strategy_of(key: Key) -> Strategy:
    """The strategy with these fields, microbatch and virtual stages left open."""
    return Strategy.model_validate(dict(zip(FIELDS, key, strict=True)))


FIELDS = ("tensor", "pipeline", "context", "expert", "zero_stage", "recomputation")
RECOMPUTATIONS: tuple[Recomputation, ...] = get_args(Recomputation)


def forms() -> Iterator[Mapping[str, Any]]:
    """Every combination of ZeRO stage and recomputation."""
    for zero_stage in (0, 1, 2, 3):
        for recomputation in RECOMPUTATIONS:
            yield {"zero_stage": zero_stage, "recomputation": recomputation}
