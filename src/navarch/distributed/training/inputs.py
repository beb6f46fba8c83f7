"""The catalog's models, nodes and accelerators as what a training step is estimated from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from navarch.catalog.errors import CatalogError
from navarch.core.arithmetic import product_of
from navarch.core.ledger import Fact
from navarch.distributed.collectives.library import library_of
from navarch.distributed.training.runtime import DEFAULT_STACK, constant_of
from navarch.distributed.training.shape import Hardware, Number, TransformerShape
from navarch.fleet.compute import estimate as compute
from navarch.fleet.compute.matmul import matmul_kernel

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Take = Callable[[Fact], Any]

SIXTEEN_BITS = ("bf16", "fp16")


def needed(entry: Any, attribute: str, take: Take) -> Number:
    """A fact of a catalog entry; a CatalogError where it is not known."""
    found = getattr(entry, attribute)
    if found is None:
        what = attribute.replace("_", " ")
        raise CatalogError(f"{entry.id} cannot be trained here: the catalog does not know its {what}")
    return take(found)


def shape_of(catalog: Catalog, model: Any, take: Take = float) -> TransformerShape:
    """The shape of a model of the catalog (or read from a config.json).

    take: how a fact becomes a number. A CatalogError where the model is of a type whose training is not modelled, or
    lacks a dimension.
    """
    if model.type not in ("decoder", "encoder"):
        raise CatalogError(f"{model.id} is of type {model.type!r}; decoder and encoder transformers are modelled")

    def number(attribute: str) -> Number | None:
        found = getattr(model, attribute)
        return None if found is None else take(found)

    latent = model.attention == "mla"
    routed = model.experts is not None
    moe_hidden = needed(model, "moe_ffn_hidden", take) if routed else None
    windowed = model.sliding_window is not None and model.sliding_layers is not None
    return TransformerShape(
        layers=needed(model, "layers", take),
        hidden=needed(model, "hidden", take),
        heads=needed(model, "heads", take),
        kv_heads=number("kv_heads") or needed(model, "heads", take),
        head_dim=needed(model, "head_dim", take),
        ffn_hidden=number("ffn_hidden") or moe_hidden or needed(model, "ffn_hidden", take),
        ffn_matrices=take(
            catalog.fact("constant", "model.ffn-matrices.gated" if model.ffn_gated else "model.ffn-matrices.plain")
        ),
        vocab=needed(model, "vocab", take),
        tied=bool(model.tied_embeddings),
        causal=model.type == "decoder",
        experts=number("experts"),
        experts_per_token=needed(model, "experts_per_token", take) if routed else None,
        moe_ffn_hidden=moe_hidden,
        moe_layers=(number("moe_layers") or needed(model, "layers", take)) if routed else None,
        shared_ffn_hidden=_shared_width(number("shared_experts") if routed else None, moe_hidden),
        kv_rank=needed(model, "mla_kv_lora", take) if latent else None,
        q_rank=(number("mla_q_lora") or None) if latent else None,
        nope_dim=needed(model, "mla_nope_dim", take) if latent else None,
        rope_dim=needed(model, "mla_rope_dim", take) if latent else None,
        value_dim=needed(model, "mla_v_dim", take) if latent else None,
        window=number("sliding_window") if windowed else None,
        window_layers=number("sliding_layers") if windowed else None,
    )


def _shared_width(shared: Number | None, width: Number | None) -> Number | None:
    if not shared or width is None:
        return None
    return product_of(shared, width, unit="1", title="Inner width of all shared experts", symbol="f_shared")


def peak_precision(accelerator: Any, precision: str) -> str:
    """The precision under which the catalog has an accelerator's peak: bf16 stands for fp16 and the other way round."""
    if getattr(accelerator, precision, None) is None and precision in SIXTEEN_BITS:
        other = SIXTEEN_BITS[1 - SIXTEEN_BITS.index(precision)]
        if getattr(accelerator, other) is not None:
            return other
    return precision


def hardware_of(
    catalog: Catalog,
    node: Any,
    precision: str,
    scaleout: Number,
    stack: str = DEFAULT_STACK,
    take: Take = float,
    scaleup: Number | None = None,
    network: str = "infiniband",
) -> Hardware:
    """One accelerator of a node and the networks around it.

    node: catalog entry; precision: `bf16`, `fp16`, `fp8`, `fp8_block` or `fp4`; scaleout: bandwidth of an accelerator
    out of its domain, per direction [byte/s]; stack: training software, whose links are not equally fast; take: how a
    fact becomes a number; scaleup: bandwidth within the domain, in place of the catalog's [byte/s]; network: its kind,
    one of `library.NETWORKS`.
    """
    accelerator = catalog.get("accelerator", node.accelerator)

    def constant(name: str) -> Number:
        return take(constant_of(catalog, name, accelerator.id, precision, stack))

    kernel = matmul_kernel(catalog, accelerator.id, peak_precision(accelerator, precision), take).in_a_model()
    attention = peak_precision(accelerator, "bf16")
    link = scaleup_bandwidth(catalog, node, take)
    return Hardware(
        peak=kernel.peak,
        attention_peak=take(catalog.fact("accelerator", accelerator.id, attention)),
        matmul=kernel,
        memory=needed(accelerator, "usable_memory", take),
        memory_bandwidth=needed(accelerator, "memory_bandwidth", take),
        memory_efficiency=constant("compute.memory-efficiency"),
        scaleup_domain=needed(node, "accelerators" if node.scaleup_domain is None else "scaleup_domain", take),
        scaleup_bandwidth=scaleup if scaleup is not None else link,
        scaleout_bandwidth=scaleout,
        library=library_of(catalog, accelerator.id, link, network, take),
        host_bandwidth=host_bandwidth(catalog, accelerator, take),
    )


def scaleout_bandwidth(node: Any, take: Take = float) -> Number:
    """Network bandwidth of one accelerator of a node, per direction [byte/s]; that of its pod where it has no cards."""
    if node.nics is None or node.nic_bandwidth is None:
        return needed(node, "scaleup_bandwidth", take)
    return compute.scaleout_bandwidth(take(node.nics), take(node.nic_bandwidth), needed(node, "accelerators", take))


def scaleup_bandwidth(catalog: Catalog, node: Any, take: Take = float) -> Number:
    """Bandwidth of one accelerator within its domain, per direction [byte/s]; PCIe where nothing else joins."""
    accelerator = catalog.get("accelerator", node.accelerator)
    for entry in (node, accelerator):
        if entry.scaleup_bandwidth is not None:
            return take(entry.scaleup_bandwidth)
    if accelerator.pcie_generation is None:
        raise CatalogError(f"the catalog knows no link between the accelerators {accelerator.id} of a node")
    return take(_pcie(catalog, accelerator))


def host_bandwidth(catalog: Catalog, accelerator: Any, take: Take = float) -> Number:
    """Bandwidth between an accelerator and its host, per direction [byte/s]: its PCIe slot, or a usual one."""
    if accelerator.pcie_generation is None:
        return take(catalog.fact("constant", "training.host-bandwidth"))
    return take(_pcie(catalog, accelerator))


def _pcie(catalog: Catalog, accelerator: Any) -> Fact:
    return catalog.fact("fabric", f"pcie{accelerator.pcie_generation}-x16", "bandwidth")
