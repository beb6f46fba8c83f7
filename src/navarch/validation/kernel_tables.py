"""Tables of measured kernels: what their columns mean, which rows a fit may see, and what navarch predicts for them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from navarch.fleet.compute.attention import context_kernel, context_time, generation_kernel, generation_time
from navarch.fleet.compute.experts import expert_kernel, expert_time
from navarch.fleet.compute.fitted import Fitted
from navarch.fleet.compute.matmul import matmul_kernel, matmul_time

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Floats = NDArray[np.float64]
Shapes = Mapping[str, Any]  # one array a column
SYSTEMS = {
    "a100_sxm": "a100-sxm-80gb", "h100_sxm": "h100-sxm", "h200_sxm": "h200-sxm", "b200_sxm": "b200-sxm",
    "b300_sxm": "b300-sxm", "l40s": "l40s",
}  # fmt: skip
"""Accelerators whose name in a table is not their catalog id."""
PRECISIONS = {
    "bfloat16": "bf16", "float16": "fp16", "nvfp4": "fp4", "int4_wo": "int4", "w4a16_mxfp4": "mxfp4",
    "w4a8_mxfp4_mxfp8": "mxfp4-fp8",
}  # fmt: skip
"""Precisions whose name in a table is not the catalog's."""
KEPT_OUT = 4
"""One row in so many is kept out of the fit."""
LATENT = {"rank": 512.0, "rotary": 64.0, "plain": 128.0, "value": 128.0}
"""Sizes of a head of the latent attention that the tables hold: DeepSeek-V3 (the tables name none)."""
NO_GATE = ((1024, 2688), (2048, 5120), (2688, 1856), (4096, 2688))
"""Hidden and inner sizes of the experts without a gate that the tables hold: the Nemotron 3 family."""
PACKED = ((3584, 3072),)
"""Hidden and inner sizes of the experts whose checkpoint was packed by compressed-tensors: Marlin multiplies these."""
EARLIER = "vllm 0.14.0"
"""Version that measured every expert with a gate, and gave all choices to one group where they are few."""
EQUAL = "balanced"
SKEWED = "power_law_"


@dataclass(frozen=True)
class KernelTable:
    """One kind of table.

    shape: columns of a row's shape; precision: those that tell its precision; also: columns that are used where they
    are there; time: predicted times [s] of rows of one accelerator and precision.
    """

    kind: str
    title: str
    precision: tuple[str, ...]
    shape: tuple[str, ...]
    also: tuple[str, ...]
    time: Callable[[Catalog, str, str, Shapes, Fitted], Floats]

    @property
    def columns(self) -> tuple[str, ...]:
        """What a table of this kind must have."""
        return ("system", *self.precision, *self.shape, "latency_ms")


def kept_out(kind: str, shapes: Sequence[Sequence[Any]]) -> NDArray[np.bool_]:
    """Which rows no fit may see: one in four, by the hash of the shape, the same on every accelerator."""
    keys = ("|".join((kind, *map(str, shape))) for shape in shapes)
    return np.fromiter((zlib.crc32(key.encode()) % KEPT_OUT == 0 for key in keys), dtype=np.bool_, count=len(shapes))


def precision_of(names: Sequence[str]) -> str:
    """The catalog's name of the precision that a row's columns tell."""
    return "-".join(PRECISIONS.get(name, name) for name in names)


def kernel_of(table: KernelTable, row: Mapping[str, Any]) -> str:
    """The catalog's name of the precision of a row; of MXFP4, also of the kernels that multiply it."""
    precision = precision_of([str(row[name]) for name in table.precision])
    if table.kind != "experts" or precision != "mxfp4":
        return precision
    library = str(row.get("kernel_source") or "")
    packed = "compressedtensors" in library if library else (row["hidden_size"], row["inter_size"]) in PACKED
    return f"{precision}-marlin" if packed else precision


def _matmul(catalog: Catalog, accelerator: str, precision: str, shapes: Shapes, constants: Fitted) -> Floats:
    kernel = matmul_kernel(catalog, accelerator, precision, constants=constants)
    return np.asarray(matmul_time(kernel, shapes["m"], shapes["n"], shapes["k"]))


def _pair(precision: str) -> tuple[str, str]:
    """The precision of queries and that of the cache."""
    own, cached = precision.split("-", 1)
    return own, cached


def _attention_context(catalog: Catalog, accelerator: str, precision: str, shapes: Shapes, fit: Fitted) -> Floats:
    kernel = context_kernel(catalog, accelerator, _pair(precision), float, fit)
    heads = (shapes["num_heads"], shapes["num_key_value_heads"], shapes["head_dim"], shapes["head_dim"])
    keys = shapes["isl"] + shapes["step"]
    time = context_time(kernel, shapes["batch_size"], shapes["isl"], keys, *heads, _window(shapes, keys), causal=True)
    return np.asarray(time)


def _attention_generation(catalog: Catalog, accelerator: str, precision: str, shapes: Shapes, fit: Fitted) -> Floats:
    kernel = generation_kernel(catalog, accelerator, _pair(precision), float, fit)
    size = shapes["head_dim"]
    heads = (shapes["num_heads"], shapes["num_key_value_heads"], size, size, 2 * size)
    return np.asarray(generation_time(kernel, shapes["batch_size"], _window(shapes, shapes["step"] + 1), *heads))


def _window(shapes: Shapes, keys: Floats) -> Floats:
    """Keys that a query may see: a window of zero, or none, is no window."""
    if "window_size" not in shapes:
        return keys
    window = np.nan_to_num(np.asarray(shapes["window_size"], dtype=np.float64))
    return np.where(window > 0, np.minimum(window, keys), keys)


def _latent_context(catalog: Catalog, accelerator: str, precision: str, shapes: Shapes, fit: Fitted) -> Floats:
    kernel = context_kernel(catalog, accelerator, _pair(precision), float, fit)
    sizes = (LATENT["plain"] + LATENT["rotary"], LATENT["value"])
    heads = (shapes["num_heads"], shapes["num_heads"])
    keys = shapes["isl"] + shapes["step"]
    return np.asarray(
        context_time(kernel, shapes["batch_size"], shapes["isl"], keys, *heads, *sizes, None, causal=True)
    )


def _latent_generation(catalog: Catalog, accelerator: str, precision: str, shapes: Shapes, fit: Fitted) -> Floats:
    kernel = generation_kernel(catalog, accelerator, _pair(precision), float, fit)
    width = LATENT["rank"] + LATENT["rotary"]
    heads = (shapes["num_heads"], kernel.device.latents, width, LATENT["rank"], width)
    return np.asarray(generation_time(kernel, shapes["batch_size"], shapes["step"] + 1, *heads))


def _experts(catalog: Catalog, accelerator: str, precision: str, shapes: Shapes, fit: Fitted) -> Floats:
    kernel = expert_kernel(catalog, accelerator, precision, constants=fit)
    spread = np.asarray(shapes["distribution"]).astype(str)
    numbers = {name: np.asarray(shapes[name], dtype=np.float64) for name in EXPERT_SIZES}
    experts, groups = _groups(numbers, shapes)
    numbers |= {"num_experts": experts, "moe_ep_size": groups}
    matrices = _matrices(shapes)

    def time(chosen: NDArray[np.bool_], skew: Floats | None) -> Floats:
        tokens, hidden, inner, topk, experts, tensor, groups = (column[chosen] for column in numbers.values())
        found = expert_time(kernel, tokens, hidden, inner / tensor, experts, topk, matrices[chosen], groups, skew)
        return np.asarray(found)

    equal = spread == EQUAL
    times = np.empty(equal.size)
    if equal.any():
        times[equal] = time(equal, None)
    if not equal.all():
        skews = np.char.replace(spread[~equal], SKEWED, "").astype(np.float64)
        times[~equal] = time(~equal, skews)
    return times


def _matrices(shapes: Shapes) -> Floats:
    """Matrices of an expert: three, or two where it has no gate."""
    sizes = zip(shapes["hidden_size"], shapes["inter_size"], strict=True)
    plain = np.fromiter((size in NO_GATE for size in sizes), dtype=np.bool_, count=len(shapes["hidden_size"]))
    if "framework_version" in shapes:
        plain &= np.asarray(shapes["framework_version"]) != EARLIER
    return np.where(plain, 2.0, 3.0)


def _groups(numbers: Mapping[str, Floats], shapes: Shapes) -> tuple[Floats, Floats]:
    """Experts that the choices spread over, and the groups that these lie in."""
    experts, groups = numbers["num_experts"], numbers["moe_ep_size"]
    if "framework_version" not in shapes:
        return experts, groups
    few = numbers["num_tokens"] * numbers["topk"] <= experts
    gathered = few & (np.asarray(shapes["framework_version"]) == EARLIER)
    return np.where(gathered, experts / groups, experts), np.where(gathered, 1.0, groups)


EXPERT_SIZES = ("num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size")
HEADS = ("num_heads", "num_key_value_heads", "head_dim")
MATMUL = KernelTable("matmul", "Dense matrix product", ("gemm_dtype",), ("m", "n", "k"), (), _matmul)
ATTENTION_CONTEXT = KernelTable(
    "attention-context", "Attention of prompts", ("attn_dtype", "kv_cache_dtype"),
    ("batch_size", "isl", *HEADS, "step"), ("window_size",), _attention_context,
)  # fmt: skip
ATTENTION_GENERATION = KernelTable(
    "attention-generation", "Attention of generated tokens", ("attn_dtype", "kv_cache_dtype"),
    ("batch_size", "isl", *HEADS, "step"), ("window_size",), _attention_generation,
)  # fmt: skip
LATENT_CONTEXT = KernelTable(
    "latent-context", "Latent attention of prompts", ("mla_dtype", "kv_cache_dtype"),
    ("batch_size", "isl", "num_heads", "step"), (), _latent_context,
)  # fmt: skip
LATENT_GENERATION = KernelTable(
    "latent-generation", "Latent attention of generated tokens", ("mla_dtype", "kv_cache_dtype"),
    ("batch_size", "isl", "num_heads", "step"), (), _latent_generation,
)  # fmt: skip
EXPERTS = KernelTable(
    "experts", "Expert products of a layer", ("moe_dtype",), (*EXPERT_SIZES, "distribution"),
    ("framework_version", "kernel_source"), _experts,
)  # fmt: skip
TABLES = (MATMUL, ATTENTION_CONTEXT, ATTENTION_GENERATION, LATENT_CONTEXT, LATENT_GENERATION, EXPERTS)
