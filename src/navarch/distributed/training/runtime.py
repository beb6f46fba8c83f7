"""The constants of the training software: bytes by kind of number, efficiencies, overlaps, overheads.

A constant is looked for as measured with the software stack on the accelerator at the precision, then with less and
less of these said, and last as the general constant of all training software.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from navarch.distributed.training.shape import Number
from navarch.fleet.compute.fitted import borrowed, peak_of, related

if TYPE_CHECKING:
    from navarch.catalog import Catalog
    from navarch.core.ledger import Fact

STACKS = {
    "megatron-core": "Megatron-Core with its defaults: gradients in 32 bits",
    "megatron-bridge": "NVIDIA's performance recipes for Megatron-Core (NeMo, Megatron-Bridge): gradients in 16 bits",
    "megatron-bridge-2026.06": "the same from June 2026: experts without waits for the host",
    "megatron-bridge-capacity": "the same of 2025, tokens beyond an expert's capacity dropped",
    "megatron-lm": "Megatron-LM of 2020 to 2023, unfused attention",
    "megatron-deepspeed": "Megatron-DeepSpeed (BLOOM)",
    "megatron-deepspeed-misbound": "Megatron-DeepSpeed, processes bound to the wrong sockets and network cards",
    "fsdp": "PyTorch FSDP (llm-foundry)",
}
"""Training software whose constants are known, and what it is."""
PARENTS = {
    "megatron-core": "megatron-bridge-2026.06",
    "megatron-bridge-2026.06": "megatron-bridge",
    "megatron-bridge-capacity": "megatron-bridge",
    "megatron-deepspeed-misbound": "megatron-deepspeed",
}
"""The stack whose constants hold for a stack where it has none of its own."""
DEFAULT_STACK = "megatron-core"


def lineage(stack: str) -> tuple[str, ...]:
    """A stack and those that it falls back on, the nearest first."""
    parent = PARENTS.get(stack)
    return (stack,) if parent is None else (stack, *lineage(parent))


CONSTANTS = {
    "weight_bytes": "precision.bf16.bytes",
    "gradient_bytes": "training.gradient-bytes",
    "optimiser_bytes": "training.optimiser-bytes",
    "activation_bytes": "precision.bf16.bytes",
    "mask_bytes": "training.mask-bytes",
    "logit_bytes": "training.logit-bytes",
    "alignment": "training.alignment",
    "ragged_rate": "training.ragged-rate",
    "head_alignment": "training.head-alignment",
    "ragged_heads_rate": "training.ragged-heads-rate",
    "sustained": "training.sustained-rate",
    "attention_efficiency": "training.attention-efficiency",
    "unfused_efficiency": "training.unfused-efficiency",
    "score_passes": "training.score-passes",
    "expert_rate": "training.expert-rate",
    "traffic_factor": "training.traffic-factor",
    "backward_traffic": "training.backward-traffic",
    "routing": "training.routing-time",
    "layer_launch": "training.layer-launch",
    "expert_launch": "training.expert-launch",
    "tensor_hidden": "training.tensor-hidden",
    "context_overlap": "training.context-overlap",
    "expert_hidden": "training.expert-hidden",
    "library_rate": "training.library-rate",
    "network_rate": "training.network-rate",
    "exchange_rate": "training.exchange-rate",
    "send_overhead": "training.send-overhead",
    "pipeline_hidden": "training.pipeline-hidden",
    "gather_overlap": "training.gather-overlap",
    "data_overlap": "training.data-overlap",
    "data_exposed": "training.data-exposed",
    "step_overhead": "training.step-overhead",
    "straggler": "training.straggler-slope",
    "host_memory": "training.host-memory-bandwidth",
    "memory_reserve": "training.memory-reserve",
    "model_error": "training.model-error",
    "expert_model_error": "training.model-error-experts",
}
"""Field of `Runtime` -> id of the catalog constant that it is taken from."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Constants of the training software on an accelerator.

    weight_bytes, gradient_bytes, optimiser_bytes (master weights and both moments), activation_bytes, mask_bytes,
    logit_bytes: per element [byte]; alignment: elements that dimensions should be a multiple of, ragged_rate: rate
    of products where they are not [fraction]; head_alignment, ragged_heads_rate: the same of head widths in unfused
    attention; sustained: rate of products within a training step against alone [fraction]; attention_efficiency:
    share of the 16-bit peak of a flash attention kernel, unfused_efficiency: of the products of unfused attention
    [fraction]; expert_rate: of grouped expert products against one dense product of the same tokens [fraction];
    score_passes: times that an unfused score is moved forward; traffic_factor: bytes that memory-bound kernels move
    for each byte counted; backward_traffic: bytes backward against forward; routing: time for one token and expert,
    all passes [s]; layer_launch: host time of one pass through a layer, expert_launch: beside it through a layer
    with experts [s]; tensor_hidden, expert_hidden, pipeline_hidden: share of that communication beside computation;
    context_overlap, gather_overlap, data_overlap: share of the computation beside a communication that hides it;
    data_exposed: share of a step's data-parallel communication that has nothing beside it [fraction];
    library_rate: of collectives within a scale-up domain against the library's alone, network_rate: of those across
    domains, exchange_rate: of expert exchanges against other collectives; send_overhead: of a send between stages,
    step_overhead: of a step [s]; straggler: stretch of a step for each doubling of the accelerators beyond a
    domain; host_memory: host memory bandwidth of one accelerator [byte/s]; memory_reserve: context, communication
    buffers, fragmentation [byte]; model_error, expert_model_error: measured step time over predicted, of dense
    models and of mixtures of experts.
    """

    weight_bytes: Number
    gradient_bytes: Number
    optimiser_bytes: Number
    activation_bytes: Number
    mask_bytes: Number
    logit_bytes: Number
    alignment: Number
    ragged_rate: Number
    head_alignment: Number
    ragged_heads_rate: Number
    sustained: Number
    attention_efficiency: Number
    unfused_efficiency: Number
    score_passes: Number
    expert_rate: Number
    traffic_factor: Number
    backward_traffic: Number
    routing: Number
    layer_launch: Number
    expert_launch: Number
    tensor_hidden: Number
    context_overlap: Number
    expert_hidden: Number
    library_rate: Number
    network_rate: Number
    exchange_rate: Number
    send_overhead: Number
    pipeline_hidden: Number
    gather_overlap: Number
    data_overlap: Number
    data_exposed: Number
    step_overhead: Number
    straggler: Number
    host_memory: Number
    memory_reserve: Number
    model_error: Number
    expert_model_error: Number

    @classmethod
    def from_constants(cls, constant: Callable[[str], Number]) -> Runtime:
        """The runtime whose every field is `constant(id)` of its catalog constant."""
        return cls(**{f.name: constant(CONSTANTS[f.name]) for f in fields(cls)})


def runtime_of(
    catalog: Catalog, accelerator: str, precision: str, stack: str = DEFAULT_STACK, take: Callable[[Fact], Any] = float
) -> Runtime:
    """The constants of a software stack on an accelerator at a precision.

    accelerator: catalog id; precision: `bf16`, `fp16`, `fp8`, `fp8_block` or `fp4`; stack: one of STACKS; take: how a
    fact becomes a number.
    """
    return Runtime.from_constants(lambda name: take(constant_of(catalog, name, accelerator, precision, stack)))


def constant_of(catalog: Catalog, name: str, accelerator: str, precision: str, stack: str) -> Fact:
    """The fact nearest to a stack, an accelerator and a precision for a general constant (`training.sustained-rate`).

    One that was fitted on another accelerator of the family stands in, and says so.
    """
    found = nearest_constant(catalog, name, accelerator, precision, stack)
    fact = catalog.fact("constant", found)
    fitted_on = _accelerator_in(found)
    return fact if fitted_on in ("", accelerator) else borrowed(fact, accelerator, f"fitted on {fitted_on}")


def nearest_constant(catalog: Catalog, name: str, accelerator: str, precision: str, stack: str) -> str:
    """The id of the constant nearest to a stack, an accelerator and a precision.

    In this order, each for the stack and then for those that it falls back on: on the accelerator; on a sibling (the
    same 16-bit peak, maker and class of memory); of the stack as such; on the nearest accelerator of the family. On an
    accelerator, the constant at the precision comes before that at any. The general constant is the last.
    """
    known = _scoped(catalog).get(name)
    if not known:
        return name
    at = "bf16" if precision == "fp16" else precision
    names = lineage(stack)
    kin = _kin(catalog, known, accelerator)
    siblings = [other for gap, other in kin if gap is None]
    for places in ([accelerator], siblings, [""], [other for gap, other in kin if gap is not None]):
        for place in places:
            for software in names:
                for scope in (f"{software}/{place}/{at}", f"{software}/{place}") if place else (software,):
                    if scope in known:
                        return known[scope]
    return name


def _kin(catalog: Catalog, known: dict[str, str], accelerator: str) -> list[tuple[int | None, str]]:
    """Other accelerators of the family for which a constant is known, nearest in time first; None marks a sibling."""
    entry = catalog.get("accelerator", accelerator)
    found: list[tuple[int, str, bool]] = []
    for place in {scope.split("/")[1] for scope in known if "/" in scope} - {accelerator}:
        other = catalog.get("accelerator", place)
        if related(other, entry):
            found.append((abs(other.year - entry.year), place, peak_of(other, "bf16") == peak_of(entry, "bf16")))
    return [(None if sibling else gap, place) for gap, place, sibling in sorted(found)]


@lru_cache(maxsize=8)
def _scoped(catalog: Catalog) -> dict[str, dict[str, str]]:
    """The constants that hold for a scope: general name -> scope -> id."""
    found: dict[str, dict[str, str]] = {}
    for identifier in catalog.ids("constant"):
        name, at, scope = identifier.partition("@")
        if at:
            found.setdefault(name, {})[scope] = identifier
    return found


def _accelerator_in(identifier: str) -> str:
    """The accelerator that a scoped constant was fitted on, or nothing."""
    scope = identifier.partition("@")[2].split("/")
    return scope[1] if len(scope) > 1 else ""
