"""Random plans of every form, for properties: each could be run, none is a multiple of anything by chance."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from navarch.distributed.training import Plan, TransformerShape
from navarch.distributed.training.pipeline import runs_with
from navarch.distributed.training.shape import CONTEXT_KINDS, OFFLOADS, RECOMPUTATIONS, SCHEDULES

MODELS = ("llama8b", "llama405b", "deepseek_v3", "gpt3", "encoder")
BACKWARD_SPLIT = ("zero-bubble", "zero-bubble-2", "zero-bubble-v")


def whole(values: list[int]) -> st.SearchStrategy[float]:
    return st.sampled_from([float(value) for value in values])


@st.composite
def plans(draw: Any, shape: TransformerShape, **fixed: Any) -> Plan:
    """A plan of any form for a model; what is fixed is kept."""

    def choose(name: str, values: st.SearchStrategy[Any]) -> Any:
        return fixed[name] if name in fixed else draw(values)

    pipeline = choose("pipeline", whole([1, 2, 3, 4, 8, 12]))
    schedules = [s for s in SCHEDULES if s == "1f1b" or (pipeline > 1 and (s != "dualpipe" or pipeline % 2 == 0))]
    schedule = choose("schedule", st.sampled_from(schedules))
    virtual = choose("virtual_stages", whole([1, 2, 3])) if schedule == "1f1b" and pipeline > 1 else 1.0
    microbatches = choose("microbatches", st.integers(1, 40).map(float))
    if schedule == "dualpipe":
        microbatches = 2 * pipeline + 2 * (microbatches // 2)
    elif virtual > 1:
        microbatches += pipeline
    assert runs_with("interleaved" if schedule == "1f1b" else schedule, pipeline, virtual, microbatches)
    tensor, context = choose("tensor", whole([1, 2, 8])), choose("context", whole([1, 2, 6]))
    data, microbatch = choose("data", whole([1, 2, 5, 16, 64])), choose("microbatch", whole([1, 2, 3]))
    ranks = tensor * data * context
    expert = draw(st.sampled_from([e for e in (1.0, 2.0, 8.0, 64.0) if ranks % e == 0])) if shape.experts else 1.0
    return Plan(
        tensor=tensor,
        pipeline=pipeline,
        data=data,
        context=context,
        expert=fixed.get("expert", expert),
        virtual_stages=virtual,
        microbatch=microbatch,
        global_batch=microbatches * data * microbatch,
        sequence_length=choose("sequence_length", whole([512, 3072, 8192, 65536])),
        zero_stage=choose("zero_stage", st.integers(0, 3)),
        shard=choose("shard", st.sampled_from([None, 1.0, 4.0])),
        sequence_parallel=choose("sequence_parallel", st.booleans()),
        recomputation=choose("recomputation", st.sampled_from(RECOMPUTATIONS)),
        attention_kernel=choose("attention_kernel", st.sampled_from(["flash", "unfused"])),
        schedule=schedule,
        context_kind=choose("context_kind", st.sampled_from(CONTEXT_KINDS)),
        offload=choose("offload", st.sampled_from(OFFLOADS)),
    )
