"""What all kernels of attention know of their accelerator, and how long it moves data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from navarch.core.arithmetic import product_of
from navarch.fleet.compute import estimate, tiles
from navarch.fleet.compute.fitted import Fitted, Number, Take, hardware

if TYPE_CHECKING:
    from navarch.catalog import Catalog

MEASURED_AS = {"fp16": "bf16"}


@dataclass(frozen=True, slots=True)
class Device:
    """What both phases share: the accelerator's own facts, and the shapes that its kernels work in."""

    peak: Number  # [FLOP/s]
    cores: Number
    memory_bandwidth: Number  # [byte/s]
    cache: Number | None  # that may keep data from run to run [byte]; None: all data come from memory
    element: Number  # of queries, keys and values before they are cached [byte]
    cached: Number  # of the cache [byte]
    least_rows: Number  # of a tile of queries
    most_rows: Number
    block: Number  # keys taken at once
    latents: Number  # key-value heads of a latent cache: one


def device_of(catalog: Catalog, accelerator: str, precisions: tuple[str, str], take: Take, constants: Fitted) -> Device:
    """An accelerator as attention sees it. precisions: of queries and of the cache."""
    precision, cache_precision = precisions

    def constant(name: str) -> Number:
        return take(catalog.fact("constant", name))

    return Device(
        peak=take(catalog.fact("accelerator", accelerator, MEASURED_AS.get(precision, precision))),
        cores=constants.cores(catalog, take),
        memory_bandwidth=take(catalog.fact("accelerator", accelerator, "memory_bandwidth")),
        cache=take(hardware(catalog, accelerator, "l2")),
        element=constant(f"precision.{precision}.bytes"),
        cached=constant(f"precision.{cache_precision}.bytes"),
        least_rows=constant("compute.tile.16"),
        most_rows=constant("compute.tile.128"),
        block=constant("compute.tile.64"),
        latents=constant("compute.latent-heads"),
    )


def moving_time(device: Device, traffic: Number, memory: Number, share: Number, cache: Number) -> Number:
    """Time to move data, from the cache where it keeps them from run to run [s].

    traffic: moved [byte]; memory: share of the memory's bandwidth that is reached; share: of the cache that keeps data;
    cache: rate of the cache over the memory's.
    """
    if device.cache is None:
        return estimate.memory_time(traffic, device.memory_bandwidth, memory)
    reached = product_of(device.memory_bandwidth, memory, unit="byte/s", title="Rate of the memory")
    rate = product_of(device.memory_bandwidth, cache, unit="byte/s", title="Rate of the cache")
    kept = product_of(device.cache, share, unit="byte", title="Cache that keeps data from run to run")
    return tiles.repeated_time(traffic, traffic, kept, reached, rate)
