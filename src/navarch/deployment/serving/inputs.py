"""From catalog entries to what the serving equations take. `take` is `float`, or a ledger's `fact` to record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from navarch.core.ledger import Fact
from navarch.deployment.serving.replica import Engine, Hardware, Number, Precision, Shape

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Take = Callable[[Fact], Number]

PRECISIONS = ("bf16", "fp16", "fp8", "fp4")
"""Serving precisions, widest first."""


def shape_of(
    model: Any, catalog: Catalog, take: Take = float, parameters: Number | None = None, active: Number | None = None
) -> Shape:
    """What serving must know of a catalog model. Raises ValueError where the model has no decoder cache.

    parameters, active: counts derived from the architecture, where they are to replace the published labels.
    """
    if model.type != "decoder":
        raise ValueError(f"{model.id}: serving is modelled for decoders, this is {model.type}")

    def optional(fact: Fact | None) -> Number | None:
        return None if fact is None else take(fact)

    mixture = model.experts is not None
    latent = model.attention == "mla"
    sliding = model.sliding_window is not None and model.sliding_layers is not None
    return Shape(
        layers=take(model.layers),
        hidden=take(model.hidden),
        heads=take(model.heads),
        kv_heads=take(model.kv_heads),
        head_dim=take(model.head_dim),
        parameters=take(model.params_total) if parameters is None else parameters,
        active=_active(model, take, parameters, active),
        latent=take(model.mla_kv_lora) if latent else None,
        rope=take(model.mla_rope_dim) if latent else None,
        single=take(catalog.fact("constant", "serving.latent-heads")) if latent else None,
        window=take(model.sliding_window) if sliding else None,
        sliding=take(model.sliding_layers) if sliding else None,
        experts=optional(model.experts),
        chosen=take(model.experts_per_token) if mixture else None,
        moe_layers=take(model.moe_layers) if mixture else None,
        expert_hidden=take(model.moe_ffn_hidden) if mixture else None,
    )


def _active(model: Any, take: Take, parameters: Number | None, active: Number | None) -> Number:
    """Parameters that a token meets: given, published, or all where the model is dense."""
    if active is not None:
        return active
    if model.params_active is not None:
        return take(model.params_active)
    return take(model.params_total) if parameters is None else parameters


def hardware_of(accelerator: Any, catalog: Catalog, take: Take = float, node: Any = None) -> Hardware:
    """What serving must know of an accelerator; the scale-up link and domain are the node's where it states them."""
    link = next(
        (e.scaleup_bandwidth for e in (node, accelerator) if e is not None and e.scaleup_bandwidth is not None),
        catalog.fact("constant", "serving.host-link"),
    )
    domain = node.scaleup_domain if node is not None and node.scaleup_domain is not None else None
    if domain is None:
        domain = catalog.fact("constant", "serving.scaleup-domain")
    if accelerator.usable_memory is None or accelerator.memory_bandwidth is None:
        raise ValueError(f"{accelerator.id}: the catalog gives no memory or memory bandwidth")
    return Hardware(take(accelerator.usable_memory), take(accelerator.memory_bandwidth), take(link), take(domain))


def precisions_of(accelerator: Any, catalog: Catalog, take: Take = float) -> tuple[Precision, ...]:
    """The serving precisions that an accelerator computes in, widest first (FP16 only where there is no BF16)."""
    known = [p for p in PRECISIONS if getattr(accelerator, p) is not None]
    return tuple(precision_of(p, accelerator, catalog, take) for p in known if p != "fp16" or "bf16" not in known)


def precision_of(
    name: str, accelerator: Any, catalog: Catalog, take: Take = float, cache: str | None = None
) -> Precision:
    """One serving precision; `cache` names that of the key-value cache (by default the same, but at least FP8)."""
    peak = getattr(accelerator, name, None) if name in PRECISIONS else None
    if peak is None:
        allowed = ", ".join(p for p in PRECISIONS if getattr(accelerator, p) is not None)
        raise ValueError(f"{accelerator.id} has no {name!r} rate; it serves in {allowed}")

    def size(of: str) -> Number:
        return take(catalog.fact("constant", f"precision.{of}.bytes"))

    efficiency = "bf16" if name == "fp16" else name
    return Precision(
        name=name,
        peak=take(peak),
        efficiency=take(catalog.fact("constant", f"serving.compute-efficiency.{efficiency}")),
        weight=size(name),
        cache=size(cache or ("fp8" if name == "fp4" else name)),
        activation=size("bf16"),
    )


def engine_of(catalog: Catalog, take: Take = float) -> Engine:
    """The engine's constants from the catalog."""

    def constant(name: str) -> Number:
        return take(catalog.fact("constant", f"serving.{name}"))

    return Engine(
        memory_utilisation=constant("memory-utilisation"),
        reserve=constant("activation-reserve"),
        largest_batch=constant("largest-batch"),
        memory_efficiency=constant("memory-efficiency"),
        link_efficiency=constant("link-efficiency"),
        reduction_latency=constant("all-reduce-latency"),
        layer_overhead=constant("layer-overhead"),
        mixture_layer_overhead=constant("mixture-layer-overhead"),
        step_overhead=constant("step-overhead"),
        sequence_overhead=constant("sequence-overhead"),
        request_overhead=constant("request-overhead"),
        tail_level=constant("tail-level"),
    )
