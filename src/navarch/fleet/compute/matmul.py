"""Time of a dense matrix product by shape, precision and accelerator, from a few fitted constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from navarch.core.arithmetic import product_of, smallest_of, sum_of
from navarch.fleet.compute import estimate, tiles
from navarch.fleet.compute.fitted import PEAKS, Fitted, Number, Take, fitted, hardware

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Constant = Callable[[str], Number]
MEASURED_AS = {"fp16": "bf16", "tf32": "bf16", "fp32": "bf16", "int8": "fp8"}
"""Precisions that were not measured, and the measured one whose constants they take."""
ELEMENTS = {"tf32": "fp32", **PEAKS}
"""Precisions whose element the catalog has under another name."""
MENU = ((256, 128), (128, 256), (128, 128), (128, 64), (64, 128), (64, 64))
"""Tiles (rows, columns) of which the fastest is taken."""
SPLIT_MENU = (*MENU, (64, 32))
BY_ROWS = ((16, 64), (64, 128), (128, 128))
"""Tiles of a library that takes the tile by the rows of the product: few, middle and many rows."""


@dataclass(frozen=True, slots=True)
class SplitSum:
    """Splitting the sum over cores: shortest part worth it, and time of the second pass [s]."""

    least_depth: Number
    overhead: Number


@dataclass(frozen=True, slots=True)
class Quantisation:
    """The kernel that quantises activations: times of a core [s], elements of a step, bytes moved an element."""

    row_time: Number
    step: Number
    step_time: Number
    traffic: Number


@dataclass(frozen=True, slots=True)
class WideTiles:
    """Tiles too large for the registers: rate of their store [byte/s], and the products that they are used for."""

    rate: Number
    rows: Number
    columns_above: Number
    columns_to: Number


@dataclass(frozen=True, slots=True)
class Store:
    """Storing the result where it does not overlap with computing: bytes moved an element, and the wide tiles."""

    element: Number
    wide: WideTiles | None


@dataclass(frozen=True, slots=True)
class HostLaunch:
    """Times of the host to launch the kernels of a block-scaled product [s], and the blocks that a shape must fit."""

    plain: Number
    padding: Number
    fallback: Number
    short: Number | None  # where products of few rows take a path of their own
    few: Number
    align: Number
    column_block: Number
    depth_block: Number
    sharpness: Number


@dataclass(frozen=True, slots=True)
class MatmulKernel:
    """Constants of dense matrix products on one accelerator at one precision."""

    accelerator: str
    precision: str
    stand_in: str  # why the constants stand for others; empty where they were measured on this accelerator
    peak: Number  # [FLOP/s]
    cores: Number
    memory_bandwidth: Number  # [byte/s]
    cache: Number  # [byte]
    element: Number  # of an operand [byte]
    output: Number  # element of the result [byte]
    efficiency: Number  # share of the peak in the inner loop
    core_bandwidth: Number  # operands into one core [byte/s]
    tile_overhead: Number  # [s]
    launch: Number  # [s]
    cache_share: Number  # of the cache, that keeps data from run to run
    memory_efficiency: Number
    cache_bandwidth: Number  # over the memory's
    sharpness: Number  # of the corner between computing and moving
    clock_drop: Number  # by how much a long product takes longer
    clock_settling: Number  # time by which half of that is reached [s]
    rounding: Number  # share of the waves that is rounded up
    menu: tuple[tuple[Number, Number], ...]  # tiles (rows, columns)
    reach: Number | None  # rows up to which the middle tile is taken; None: the fastest tile is
    whole: Number  # parts of a sum that is not split: one
    copies: Number | None  # of the weights, used in turn; None: all operands come from memory
    split: SplitSum | None
    quantisation: Quantisation | None
    store: Store | None
    host: HostLaunch | None

    def in_a_model(self) -> MatmulKernel:
        """The same where a model is run: operands come from memory, and a graph has been captured."""
        return replace(self, copies=None, host=None)


def matmul_kernel(
    catalog: Catalog, accelerator: str, precision: str, take: Take = float, constants: Fitted | None = None
) -> MatmulKernel:
    """The constants of dense matrix products on an accelerator at a precision.

    accelerator: catalog id (`h100-sxm`); precision: `bf16`, `fp16`, `tf32`, `fp32`, `fp8`, `fp8_block`, `fp4` or
    `int8`; take: how a fact becomes a number (`float`, or the `fact` of a ledger); constants: others than the
    catalog's. Raises CatalogError where the accelerator has no peak at the precision.
    """
    peak = catalog.fact("accelerator", accelerator, PEAKS.get(precision, precision))
    measured = MEASURED_AS.get(precision, precision)
    if constants is None:
        constants = fitted(catalog, "matmul", accelerator, measured)

    def constant(name: str) -> Number:
        return take(catalog.fact("constant", name))

    reach = constants.known("middle-reach", take)
    menu = BY_ROWS if reach is not None else SPLIT_MENU if "least-depth" in constants.facts else MENU
    whole, rounding = constant("compute.kernel-run.whole"), constants.known("wave-rounding", take)
    return MatmulKernel(
        accelerator=accelerator,
        precision=precision,
        stand_in=constants.stand_in or ("" if measured == precision else f"measured at {measured}"),
        peak=take(peak),
        cores=constants.cores(catalog, take),
        memory_bandwidth=take(catalog.fact("accelerator", accelerator, "memory_bandwidth")),
        cache=take(hardware(catalog, accelerator, "l2")),
        element=constant(f"precision.{ELEMENTS.get(precision, precision)}.bytes"),
        output=constant("precision.bf16.bytes"),
        **constants.taken(
            take, "efficiency", "tile-overhead", "launch", "cache-share", "memory-efficiency",
            "cache-bandwidth", "clock-drop",
        ),
        core_bandwidth=constants.core_bandwidth(catalog, PEAKS.get(precision, precision), take),
        sharpness=constant("compute.kernel-run.sharpness"),
        clock_settling=constant("compute.clock-settling"),
        menu=tuple((constant(f"compute.tile.{rows}"), constant(f"compute.tile.{columns}")) for rows, columns in menu),
        rounding=whole if rounding is None else rounding,
        reach=reach,
        whole=whole,
        copies=constant("compute.kernel-run.weight-copies"),
        split=_split(constants, take),
        quantisation=_quantisation(constants, constant, take),
        store=_store(constants, constant, take),
        host=_host(constants, constant, take),
    )  # fmt: skip


def matmul_time(kernel: MatmulKernel, rows: Number, columns: Number, depth: Number) -> Number:
    """Time of one dense matrix product [s].

    rows: of the result (tokens); columns: of the result (outputs of the weights); depth: summed over. Floats, arrays
    (broadcast against each other), or remembered values under a ledger. Activations are quantised at run time where the
    precision needs it.
    """
    computing = _computing_time(kernel, rows, columns, depth)
    computing = tiles.sustained_time(computing, kernel.clock_drop, kernel.clock_settling)
    moving = _moving_time(kernel, rows, columns, depth)
    if kernel.store is not None:
        storing = _store_times(kernel, kernel.store, rows, columns, depth)
        computing = sum_of(computing, *storing, title="Time of tiles and of their stores")
    device = tiles.kernel_time(kernel.launch, computing, moving, kernel.sharpness)
    if kernel.quantisation is not None:
        quantising = _quantisation_time(kernel, kernel.quantisation, rows, depth)
        device = sum_of(device, quantising, title="Time of quantising and of the product")
    if kernel.host is None:
        return device
    return tiles.call_time(device, _host_time(kernel.host, rows, columns, depth), kernel.host.sharpness)


def _computing_time(kernel: MatmulKernel, rows: Number, columns: Number, depth: Number) -> Number:
    rate = tiles.core_rate(kernel.peak, kernel.efficiency, kernel.cores)
    if kernel.reach is not None:
        few, middle, many = kernel.menu
        height = tiles.tile_rows_for(rows, few[0], middle[0], many[0], kernel.reach)
        width = tiles.tile_columns_for(rows, few[1], many[1])
        return _tiles_time(kernel, rows, columns, depth, height, width, rate)
    times = [_tiles_time(kernel, rows, columns, depth, *tile, rate) for tile in kernel.menu]
    return smallest_of(*times, title="Time of the fastest tiling", symbol="t_math")


def _tiles_time(
    kernel: MatmulKernel, rows: Number, columns: Number, depth: Number, height: Number, width: Number, rate: Number
) -> Number:
    split = kernel.split
    parts = kernel.whole
    if split is not None:
        parts = tiles.split_parts(rows, columns, depth, height, width, kernel.cores, split.least_depth)
    time = tiles.tiles_time(
        rows, columns, depth, height, width, parts, kernel.cores, kernel.rounding, rate, kernel.element,
        kernel.core_bandwidth, kernel.tile_overhead,
    )  # fmt: skip
    if split is None:
        return time
    second = tiles.reduction_time(rows, columns, parts, split.overhead, _cache_rate(kernel))
    return sum_of(time, second, title="Time of tiles and of adding their parts")


def _store_times(
    kernel: MatmulKernel, store: Store, rows: Number, columns: Number, depth: Number
) -> tuple[Number, ...]:
    """Times to store the result after each tile, and on top where the tiles are too large."""
    traffic = product_of(rows, columns, store.element, unit="byte", title="Traffic of storing the result")
    late = _memory_time(kernel, traffic, rows, columns, depth)
    if store.wide is None:
        return (late,)
    wide = store.wide
    spilt = tiles.wide_store_time(
        rows, columns, kernel.output, wide.rows, wide.columns_above, wide.columns_to, wide.rate
    )
    return late, spilt


def _moving_time(kernel: MatmulKernel, rows: Number, columns: Number, depth: Number) -> Number:
    if kernel.store is None:
        traffic = estimate.matmul_traffic(rows, columns, depth, kernel.element, kernel.output)
    else:
        traffic = tiles.operand_traffic(rows, columns, depth, kernel.element)
    return _memory_time(kernel, traffic, rows, columns, depth)


def _memory_time(kernel: MatmulKernel, traffic: Number, rows: Number, columns: Number, depth: Number) -> Number:
    if kernel.copies is None:
        return estimate.memory_time(traffic, kernel.memory_bandwidth, kernel.memory_efficiency)
    in_turn = tiles.bytes_in_turn(rows, columns, depth, kernel.element, kernel.output, kernel.copies)
    return tiles.repeated_time(traffic, in_turn, *_rates(kernel))


def _quantisation_time(kernel: MatmulKernel, used: Quantisation, rows: Number, depth: Number) -> Number:
    traffic = product_of(rows, depth, used.traffic, unit="byte", title="Traffic of quantising the activations")
    if kernel.copies is None:
        moving = estimate.memory_time(traffic, kernel.memory_bandwidth, kernel.memory_efficiency)
    else:
        moving = tiles.repeated_time(traffic, traffic, *_rates(kernel))
    return tiles.quantisation_time(rows, depth, kernel.cores, used.row_time, used.step, used.step_time, moving)


def _rates(kernel: MatmulKernel) -> tuple[Number, Number, Number]:
    """The cache that keeps data from run to run, and the rates of memory and cache."""
    kept = product_of(kernel.cache, kernel.cache_share, unit="byte", title="Cache that keeps data from run to run")
    reached = product_of(kernel.memory_bandwidth, kernel.memory_efficiency, unit="byte/s", title="Rate of the memory")
    return kept, reached, _cache_rate(kernel)


def _cache_rate(kernel: MatmulKernel) -> Number:
    return product_of(kernel.memory_bandwidth, kernel.cache_bandwidth, unit="byte/s", title="Rate of the cache")


def _host_time(host: HostLaunch, rows: Number, columns: Number, depth: Number) -> Number:
    fitting = tiles.padded_host_time(rows, host.align, host.plain, host.padding)
    if host.short is not None:
        fitting = tiles.few_rows_host_time(rows, host.few, host.short, fitting)
    return tiles.block_host_time(columns, depth, host.column_block, host.depth_block, fitting, host.fallback)


def _split(constants: Fitted, take: Take) -> SplitSum | None:
    if "least-depth" not in constants.facts:
        return None
    return SplitSum(take(constants["least-depth"]), take(constants["split-overhead"]))


def _quantisation(constants: Fitted, constant: Constant, take: Take) -> Quantisation | None:
    if "row-time" not in constants.facts:
        return None
    return Quantisation(
        row_time=take(constants["row-time"]),
        step=constant("compute.quantisation.step"),
        step_time=take(constants["step-time"]),
        traffic=take(constants["quantisation-traffic"]),
    )


def _store(constants: Fitted, constant: Constant, take: Take) -> Store | None:
    moves = constants.known("store-moves", take)
    if moves is None:
        return None
    output = constant("precision.bf16.bytes")
    element = product_of(output, moves, unit="byte", title="Bytes moved to store an element of the result")
    if "store-rate" not in constants.facts:
        return Store(element, None)
    names = ("rows", "columns-above", "columns-to")
    limits = (constant(f"compute.wide-tile.{name}") for name in names)
    return Store(element, WideTiles(take(constants["store-rate"]), *limits))


def _host(constants: Fitted, constant: Constant, take: Take) -> HostLaunch | None:
    if "host" not in constants.facts:
        return None
    return HostLaunch(
        plain=take(constants["host"]),
        padding=take(constants["host-padding"]),
        fallback=take(constants["host-fallback"]),
        short=constants.known("host-few-rows", take),
        few=constant("compute.block-scaled.few-rows"),
        align=constant("compute.block-scaled.row-alignment"),
        column_block=constant("compute.block-scaled.columns"),
        depth_block=constant("compute.block-scaled.depth"),
        sharpness=constant("compute.kernel-run.host-sharpness"),
    )
