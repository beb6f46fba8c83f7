"""Time of attention by shape, precision and accelerator: prompts and generated tokens, plain and latent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from navarch.core.arithmetic import product_of, ratio, sum_of
from navarch.fleet.compute import flash, tiles
from navarch.fleet.compute.device import MEASURED_AS, Device, device_of, moving_time
from navarch.fleet.compute.fitted import Fitted, Number, Take, fitted
from navarch.fleet.compute.whole_cache import WholeCacheKernel, whole_cache_kernel, whole_cache_time

if TYPE_CHECKING:
    from navarch.catalog import Catalog


@dataclass(frozen=True, slots=True)
class ContextKernel:
    """Fitted constants of the attention of prompts."""

    device: Device
    efficiency: Number  # share of the peak within a tile
    exponential: Number  # time of a core for the exponential of one pair [s]
    overlap: Number  # of exponentials with matrix products
    tile_overhead: Number  # [s]
    balance: Number  # sharpness of the corner between many tiles and one long one
    memory_efficiency: Number
    cache_share: Number  # of the accelerator's cache, that keeps data from run to run
    cache_bandwidth: Number  # over the memory's
    cache_moves: Number  # times that keys and values are moved
    launch: Number  # [s]


@dataclass(frozen=True, slots=True)
class GenerationKernel:
    """Fitted constants of the attention of generated tokens."""

    device: Device
    efficiency: Number  # share of the peak within a tile
    core_bandwidth: Number  # cache into one core [byte/s]
    tile_overhead: Number  # [s]
    least_keys: Number  # shortest part of a split cache
    split_overhead: Number  # [s]
    memory_efficiency: Number
    cache_share: Number  # of the accelerator's cache, that keeps data from run to run
    cache_bandwidth: Number  # over the memory's
    query_moves: Number  # times that queries and results are moved
    launch: Number  # [s]
    sharpness: Number  # of the corner between computing and moving
    fill: Number | None  # time to fill the pipeline for each element of a head, where it grows with these [s]
    regrouping: Number | None  # time of the kernel that puts results back in order, where the library has one [s]


@dataclass(frozen=True, slots=True)
class AttentionKernel:
    """Attention on one accelerator at one precision of queries and one of the cache, in both phases."""

    accelerator: str
    precision: str
    cache_precision: str
    stand_in: str  # why the constants stand for others; empty where they were measured on this accelerator
    context: ContextKernel
    generation: GenerationKernel | WholeCacheKernel

    def in_a_model(self) -> AttentionKernel:
        """The same where a model is run: the caches of keys and values, and the queries, come from memory."""
        context = replace(self.context, device=replace(self.context.device, cache=None))
        generation = replace(self.generation, device=replace(self.generation.device, cache=None))
        return replace(self, context=context, generation=generation)


def attention_kernel(
    catalog: Catalog, accelerator: str, precision: str = "bf16", cache_precision: str = "bf16", take: Take = float
) -> AttentionKernel:
    """The constants of attention whose heads have keys and values of their own (multi-head, grouped, multi-query).

    accelerator: catalog id; precision: of queries (`bf16`, `fp16`); cache_precision: of the cache (`bf16`, `fp16`,
    `fp8`); take: how a fact becomes a number (`float`, or the `fact` of a ledger).
    """
    return _kernel(catalog, "attention", accelerator, precision, cache_precision, take)


def latent_kernel(
    catalog: Catalog, accelerator: str, precision: str = "bf16", cache_precision: str = "bf16", take: Take = float
) -> AttentionKernel:
    """The constants of multi-head latent attention; arguments as those of `attention_kernel`."""
    return _kernel(catalog, "latent", accelerator, precision, cache_precision, take)


def attention_context_time(
    kernel: AttentionKernel,
    batch: Number,
    queries: Number,
    keys: Number,
    heads: Number,
    kv_heads: Number,
    key_dim: Number,
    value_dim: Number,
    window: Number | None = None,
    causal: bool = True,
) -> Number:
    """Time of the attention of prompts in one layer, forward, without the projections [s].

    batch: sequences; queries: of a sequence, its last ones; keys: of a sequence (more than queries where earlier tokens
    are cached); heads: query heads; kv_heads: key-value heads; key_dim: size of a query or key of a head; value_dim:
    size of a value of a head; window: keys that a query may see, None for all; causal: a query sees no later key.
    """
    return context_time(kernel.context, batch, queries, keys, heads, kv_heads, key_dim, value_dim, window, causal)


def context_time(
    kernel: ContextKernel,
    batch: Number,
    queries: Number,
    keys: Number,
    heads: Number,
    kv_heads: Number,
    key_dim: Number,
    value_dim: Number,
    window: Number | None,
    causal: bool,
) -> Number:
    """Time of the attention of prompts; see `attention_context_time`."""
    device = kernel.device
    group = ratio(heads, kv_heads, title="Query heads that share a key-value head", symbol="g")
    rows = flash.query_tile_rows(queries, group, device.least_rows, device.most_rows)
    count = flash.query_tiles(queries, group, rows)
    if causal:
        seen = keys if window is None else window
        total = flash.causal_keys(count, queries, keys, seen, group, rows, device.block)
        longest = flash.longest_causal_keys(keys, seen, group, rows, device.block)
    else:
        longest = flash.whole_keys(keys, device.block)
        total = product_of(count, longest, unit="1", title="Keys that all tiles go through")
    rate = tiles.core_rate(device.peak, kernel.efficiency, device.cores)
    pair = flash.pair_time(key_dim, value_dim, rate, kernel.exponential, kernel.overlap)
    computing = flash.query_tiles_time(
        batch, kv_heads, count, total, longest, rows, pair, kernel.tile_overhead, device.cores, kernel.balance
    )
    traffic = flash.context_traffic(
        batch, queries, keys, heads, kv_heads, key_dim, value_dim, device.element, device.cached, kernel.cache_moves
    )
    moving = moving_time(device, traffic, kernel.memory_efficiency, kernel.cache_share, kernel.cache_bandwidth)
    return sum_of(kernel.launch, computing, moving, title="Time of the attention of prompts", symbol="t_ctx")


def attention_generation_time(
    kernel: AttentionKernel,
    batch: Number,
    keys: Number,
    heads: Number,
    kv_heads: Number,
    key_dim: Number,
    value_dim: Number,
    width: Number,
) -> Number:
    """Time of the attention of one generated token of each sequence in one layer, without the projections [s].

    batch: sequences; keys: in the cache of a sequence, the new one among them (no more than the window); heads: query
    heads; kv_heads: key-value heads; key_dim: size of a query or key of a head; value_dim: size of a value of a head;
    width: elements cached for a token and key-value head (key_dim + value_dim; the latent's where it serves as both).
    """
    return generation_time(kernel.generation, batch, keys, heads, kv_heads, key_dim, value_dim, width)


def generation_time(
    kernel: GenerationKernel | WholeCacheKernel,
    batch: Number,
    keys: Number,
    heads: Number,
    kv_heads: Number,
    key_dim: Number,
    value_dim: Number,
    width: Number,
) -> Number:
    """Time of the attention of generated tokens; see `attention_generation_time`."""
    if isinstance(kernel, WholeCacheKernel):
        return whole_cache_time(kernel, batch, keys, heads, kv_heads, key_dim, value_dim, width)
    device = kernel.device
    group = ratio(heads, kv_heads, title="Query heads that share a key-value head", symbol="g")
    parts = flash.cache_parts(batch, kv_heads, keys, device.cores, kernel.least_keys)
    rate = tiles.core_rate(device.peak, kernel.efficiency, device.cores)
    overhead = kernel.tile_overhead
    if kernel.fill is not None:
        overhead = flash.head_fill_time(overhead, kernel.fill, key_dim, value_dim)
    part = flash.cache_part_time(
        keys, parts, group, device.least_rows, key_dim, value_dim, rate, width, device.cached, kernel.core_bandwidth,
        overhead,
    )  # fmt: skip
    computing = flash.cache_parts_time(
        batch, kv_heads, parts, part, kernel.split_overhead, device.cores, kernel.sharpness
    )
    traffic = flash.generation_traffic(
        batch, keys, heads, kv_heads, width, device.cached, key_dim, value_dim, device.element, kernel.query_moves
    )
    moving = moving_time(device, traffic, kernel.memory_efficiency, kernel.cache_share, kernel.cache_bandwidth)
    time = tiles.kernel_time(kernel.launch, computing, moving, kernel.sharpness)
    if kernel.regrouping is None:
        return time
    copying = flash.regrouping_time(batch, kv_heads, group, kernel.regrouping)
    return sum_of(time, copying, title="Time of attention and of putting its result in order")


def latent_context_time(
    kernel: AttentionKernel,
    batch: Number,
    queries: Number,
    keys: Number,
    heads: Number,
    key_dim: Number,
    value_dim: Number,
    causal: bool = True,
) -> Number:
    """Time of the latent attention of prompts in one layer, where each head's keys and values have been expanded [s].

    key_dim: size of a query or key of a head, its rotary part included (192); value_dim: size of a value (128); the
    rest as in `attention_context_time`.
    """
    return attention_context_time(kernel, batch, queries, keys, heads, heads, key_dim, value_dim, causal=causal)


def latent_generation_time(
    kernel: AttentionKernel, batch: Number, keys: Number, heads: Number, latent_dim: Number, rotary_dim: Number
) -> Number:
    """Time of the latent attention of one generated token of each sequence in one layer, on the latent itself [s].

    batch: sequences; keys: in the cache of a sequence; heads: query heads, all on one latent; latent_dim: size of the
    latent (512); rotary_dim: size of the shared rotary key (64).
    """
    width = sum_of(latent_dim, rotary_dim, title="Elements cached for a token", symbol="w_kv")
    latents = kernel.generation.device.latents
    return attention_generation_time(kernel, batch, keys, heads, latents, width, latent_dim, width)


def context_kernel(
    catalog: Catalog,
    accelerator: str,
    precisions: tuple[str, str],
    take: Take,
    constants: Fitted,
) -> ContextKernel:
    """The constants of the attention of prompts as numbers. precisions: of queries and of the cache."""
    names = (
        "efficiency", "exponential", "overlap", "tile-overhead", "balance", "memory-efficiency", "cache-share",
        "cache-bandwidth", "cache-moves",
        "launch",
    )  # fmt: skip
    return ContextKernel(device_of(catalog, accelerator, precisions, take, constants), **constants.taken(take, *names))


def generation_kernel(
    catalog: Catalog,
    accelerator: str,
    precisions: tuple[str, str],
    take: Take,
    constants: Fitted,
) -> GenerationKernel | WholeCacheKernel:
    """The constants of the attention of generated tokens as numbers. precisions: of queries and of the cache."""
    if "sharing" in constants.facts:
        return whole_cache_kernel(device_of(catalog, accelerator, precisions, take, constants), take, constants)
    names = (
        "efficiency", "tile-overhead", "least-keys", "split-overhead", "memory-efficiency", "cache-share",
        "cache-bandwidth", "query-moves", "launch", "sharpness",
    )  # fmt: skip
    pulled = constants.core_bandwidth(catalog, MEASURED_AS.get(precisions[0], precisions[0]), take)
    device = device_of(catalog, accelerator, precisions, take, constants)
    return GenerationKernel(
        device=device,
        core_bandwidth=pulled,
        fill=constants.known("fill", take),
        regrouping=constants.known("regrouping", take),
        **constants.taken(take, *names),
    )


def _kernel(
    catalog: Catalog, kind: str, accelerator: str, precision: str, cache_precision: str, take: Take
) -> AttentionKernel:
    measured = "-".join(MEASURED_AS.get(name, name) for name in (precision, cache_precision))
    precisions = (precision, cache_precision)
    context = fitted(catalog, f"{kind}-context", accelerator, measured)
    generation = fitted(catalog, f"{kind}-generation", accelerator, measured)
    return AttentionKernel(
        accelerator=accelerator,
        precision=precision,
        cache_precision=cache_precision,
        stand_in=context.stand_in or ("" if measured == "-".join(precisions) else f"measured at {measured}"),
        context=context_kernel(catalog, accelerator, precisions, take, context),
        generation=generation_kernel(catalog, accelerator, precisions, take, generation),
    )
