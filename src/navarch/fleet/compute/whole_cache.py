"""Attention of generated tokens by kernels that leave the cache of a sequence whole.

TensorRT-LLM's latent attention before Hopper: a block takes the heads of one sequence, a tile of them at a time, with
some of the columns of the result, and goes through the cache from end to end. Long caches are not split, so that few
sequences leave cores idle. Several blocks share a core, each slower than alone. The cache has the precision of the
queries, also where one of eight bits is asked for: the times of both are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from navarch.fleet.compute import flash, tiles
from navarch.fleet.compute.device import Device, moving_time
from navarch.fleet.compute.fitted import Fitted, Number, Take


@dataclass(frozen=True, slots=True)
class WholeCacheKernel:
    """Fitted constants of the attention of generated tokens where the cache of a sequence is not split."""

    device: Device
    efficiency: Number  # share of the peak that one block reaches alone on a core
    tile_overhead: Number  # [s]
    head_rows: Number  # heads of a block
    column_parts: Number  # parts that the columns of the result are split into, one a block
    resident: Number  # blocks that a core takes at once
    sharing: Number  # power of these by which they are slower
    memory_efficiency: Number
    cache_share: Number  # of the accelerator's cache, that keeps data from run to run
    cache_bandwidth: Number  # over the memory's
    query_moves: Number  # times that queries and results are moved
    launch: Number  # [s]
    sharpness: Number  # of the corner between computing and moving


def whole_cache_kernel(device: Device, take: Take, constants: Fitted) -> WholeCacheKernel:
    """The constants as numbers. device: the accelerator; take: how a fact becomes a number; constants: fitted."""
    names = (
        "efficiency", "tile-overhead", "head-rows", "column-parts", "resident", "sharing", "memory-efficiency",
        "cache-share", "cache-bandwidth", "query-moves", "launch", "sharpness",
    )  # fmt: skip
    return WholeCacheKernel(device, **constants.taken(take, *names))


def whole_cache_time(
    kernel: WholeCacheKernel,
    batch: Number,
    keys: Number,
    heads: Number,
    kv_heads: Number,
    key_dim: Number,
    value_dim: Number,
    width: Number,
) -> Number:
    """Time of the attention of generated tokens [s]; arguments as in `attention_generation_time`."""
    device = kernel.device
    rate = tiles.core_rate(device.peak, kernel.efficiency, device.cores)
    part = flash.whole_cache_part_time(
        keys, device.block, kernel.head_rows, key_dim, value_dim, kernel.column_parts, rate, kernel.tile_overhead
    )
    blocks = flash.whole_cache_blocks(batch, kv_heads, heads, kernel.head_rows, kernel.column_parts)
    computing = flash.shared_cores_time(blocks, device.cores, kernel.resident, kernel.sharing, part)
    traffic = flash.generation_traffic(
        batch, keys, heads, kv_heads, width, device.element, key_dim, value_dim, device.element, kernel.query_moves
    )
    moving = moving_time(device, traffic, kernel.memory_efficiency, kernel.cache_share, kernel.cache_bandwidth)
    return tiles.kernel_time(kernel.launch, computing, moving, kernel.sharpness)
