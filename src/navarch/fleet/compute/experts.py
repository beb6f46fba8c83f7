"""Time of the expert products of one mixture-of-experts layer, by shape, precision and accelerator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from navarch.core.arithmetic import ratio, sum_of
from navarch.core.ledger import equation
from navarch.fleet.compute import estimate, routing, tiles
from navarch.fleet.compute.fitted import Fitted, Number, Take, fitted

if TYPE_CHECKING:
    from navarch.catalog import Catalog

MEASURED_AS = {"fp16": "bf16"}
FORMATS = {
    "int4": ("bf16", "int4"), "mxfp4": ("bf16", "fp4"), "mxfp4-marlin": ("bf16", "fp4"), "mxfp4-fp8": ("fp8", "fp4"),
    "fp8_block": ("fp8", "fp8"),
}  # fmt: skip
"""Formats that compute at the peak of one precision on weights of another; the rest do both at their own."""
GROUPED = "tile and wave quantisation over all experts of a rank"


@equation(
    symbol="t_group",
    unit="s",
    source=GROUPED,
    symbols={
        "tiles_of_rows": "n_tiles", "columns": "n", "depth": "k", "tile_rows": "a", "tile_columns": "b", "cores": "N",
        "rate": "R_core", "element": "e", "bandwidth": "B_core", "overhead": "t_tile",
    },
)  # fmt: skip
def grouped_product_time(
    tiles_of_rows, columns, depth, tile_rows, tile_columns, cores, rate, element, bandwidth, overhead
):
    """Time to compute one product of all experts of a group.

    tiles_of_rows: of all experts; columns: of the result; depth: summed over; tile_rows: rows of a tile; tile_columns:
    columns of a tile; cores: of the accelerator; rate: of one core [FLOP/s]; element: size of an element [byte];
    bandwidth: at which a core pulls operands [byte/s]; overhead: to fill and empty a tile's pipeline [s].
    """
    waves = np.maximum(tiles_of_rows * np.ceil(columns / tile_columns) / cores, 1)
    step = np.maximum(2 * tile_rows * tile_columns / rate, (tile_rows + tile_columns) * element / bandwidth)
    return waves * (step * depth + overhead)


@equation(
    symbol="t_launch",
    unit="s",
    source="Triton's MXFP4 kernels in vLLM: choices are mapped to the experts of a rank where these are spread",
    url="https://github.com/vllm-project/vllm",
    symbols={"groups": "p_e", "launch": "t_0", "mapping": "t_map"},
)
def spread_launch_time(groups, launch, mapping):
    """Time to launch all kernels of a layer where experts that are spread over ranks need more of them.

    groups: that the experts are spread over; launch: of all kernels where one rank holds all experts [s]; mapping: time
    of the kernels that map choices to the experts of a rank [s].
    """
    return launch + np.where(groups > 1, mapping, 0)


@equation(
    symbol="Q_w",
    unit="byte",
    source="weights of the active experts read once",
    symbols={"active": "E_a", "matrices": "c_mat", "hidden": "d", "inner": "d_e", "element": "e_w"},
)
def expert_weight_traffic(active, matrices, hidden, inner, element):
    """Traffic of the weights of a group.

    active: experts of a group that get a token; matrices: of an expert (3 with a gate, 2 without); hidden: size; inner:
    columns of an expert that the rank holds; element: size of an element of the weights [byte].
    """
    return active * matrices * hidden * inner * element


@equation(
    symbol="Q_a",
    unit="byte",
    source="tokens gathered, products and activation written and read, results added for each token",
    symbols={
        "tokens": "T", "chosen": "k", "held": "E_g", "load": "n_e", "matrices": "c_mat", "hidden": "d", "inner": "d_e",
        "element": "e", "own": "c_own", "every": "c_all",
    },
)  # fmt: skip
def expert_activation_traffic(tokens, chosen, held, load, matrices, hidden, inner, element, own, every):
    """Traffic of the activations of a group.

    tokens: of the layer; chosen: experts of a token; held: experts of a group; load: mean tokens of an expert;
    matrices: of an expert; hidden: size; inner: columns of an expert that the rank holds; element: size of an
    activation [byte]; own: times that the activations of the group's own choices are moved; every: times that those of
    every choice are.
    """
    once = 2 * tokens * hidden
    local = own * held * load * (2 * hidden + matrices * inner)
    all_choices = every * tokens * chosen * (hidden + matrices * inner)
    return element * (once + local + all_choices)


@dataclass(frozen=True, slots=True)
class Loads:
    """How the benchmark and the planner draw the loads of experts that are not equal."""

    share: Number  # of the tokens that one expert gets at most
    many: Number  # least load where there are more choices than experts
    few_most: Number
    few_least: Number


@dataclass(frozen=True, slots=True)
class ExpertKernel:
    """Constants of the expert products on one accelerator at one precision."""

    accelerator: str
    precision: str
    stand_in: str  # why the constants stand for others; empty where they were measured on this accelerator
    peak: Number  # [FLOP/s]
    cores: Number
    memory_bandwidth: Number  # [byte/s]
    element: Number  # of the weights [byte]
    activation: Number  # of an activation between the products [byte]
    least_rows: Number  # of a tile
    most_rows: Number
    rows_step: Number  # by which tiles are higher, where the library knows more than powers of two
    tile_columns: Number
    one: Number  # token
    loads: Loads
    efficiency: Number  # share of the peak within a tile
    core_bandwidth: Number  # operands into one core [byte/s]
    tile_overhead: Number  # [s]
    memory_efficiency: Number
    own_moves: Number  # times that the activations of the rank's own choices are moved
    every_moves: Number  # times that those of all choices are
    launch: Number  # of all kernels of the layer [s]
    sharpness: Number
    tile_fill: Number | None  # of a tile above which Marlin takes a higher one; None: another library
    many_rows: (
        Number | None
    )  # of a tile where tokens outnumber experts, where the library knows no other; None: it does
    mapping: Number | None  # time of the kernels that map choices to the experts of a rank, where there are any [s]


def expert_kernel(
    catalog: Catalog, accelerator: str, precision: str, take: Take = float, constants: Fitted | None = None
) -> ExpertKernel:
    """The constants of expert products on an accelerator at a precision.

    accelerator: catalog id; precision: `bf16`, `fp16`, `fp8`, `fp8_block`, `fp4`, `int4`, `mxfp4` or `mxfp4-marlin`
    (weights of four bits, computed in BF16: the kernels of gpt-oss, and Marlin's where a checkpoint was packed by
    compressed-tensors), `mxfp4-fp8`; take: how a fact becomes a number; constants: others than the catalog's.
    """
    measured = MEASURED_AS.get(precision, precision)
    if constants is None:
        constants = fitted(catalog, "experts", accelerator, measured)
    computed, stored = FORMATS.get(measured, (measured, measured))

    def constant(name: str) -> Number:
        return take(catalog.fact("constant", name))

    fill = constants.known("tile-fill", take)
    least, most = ("8", "64") if fill is not None else ("16", "128")
    return ExpertKernel(
        accelerator=accelerator,
        precision=precision,
        stand_in=constants.stand_in or ("" if measured == precision else f"measured at {measured}"),
        peak=take(catalog.fact("accelerator", accelerator, computed)),
        cores=constants.cores(catalog, take),
        memory_bandwidth=take(catalog.fact("accelerator", accelerator, "memory_bandwidth")),
        element=constant(f"precision.{stored}.bytes"),
        activation=constant("precision.bf16.bytes"),
        least_rows=constant(f"compute.tile.{least}"),
        most_rows=constant(f"compute.tile.{most}"),
        rows_step=constant("compute.tile.16"),
        tile_columns=constant("compute.tile.128"),
        one=constant("compute.kernel-run.whole"),
        loads=Loads(*(constant(f"compute.expert-load.{name}") for name in ("share", "many", "few-most", "few-least"))),
        core_bandwidth=constants.core_bandwidth(catalog, computed, take),
        tile_fill=fill,
        many_rows=constants.known("many-rows", take),
        mapping=constants.known("mapping", take),
        **constants.taken(
            take, "efficiency", "tile-overhead", "memory-efficiency", "own-moves", "every-moves",
            "launch", "sharpness",
        ),
    )  # fmt: skip


def expert_time(
    kernel: ExpertKernel,
    tokens: Number,
    hidden: Number,
    inner: Number,
    experts: Number,
    chosen: Number,
    matrices: Number,
    groups: Number,
    skew: Number | None = None,
) -> Number:
    """Time of the expert products of one layer on the rank with the most work, without the exchange of tokens [s].

    tokens: that the ranks of all groups route together; hidden: size; inner: columns of an expert that the rank
    holds (divided by tensor parallelism); experts: routed experts of the layer; chosen: of a token; matrices: of an
    expert (3 with a gate, 2 without); groups: that the experts are spread over; skew: None for equal loads, else the
    power with which the loads fall (near 1; not exactly 1, 2 or 3).
    """
    held = ratio(experts, groups, title="Experts of a group", symbol="E_g")
    load, active, rows, count = _loads(kernel, tokens, experts, chosen, groups, held, skew)
    rate = tiles.core_rate(kernel.peak, kernel.efficiency, kernel.cores)
    wide = routing.columns_of_first(matrices, inner)
    shared = (kernel.cores, rate, kernel.element, kernel.core_bandwidth, kernel.tile_overhead)
    first = grouped_product_time(count, wide, hidden, rows, kernel.tile_columns, *shared)
    second = grouped_product_time(count, hidden, inner, rows, kernel.tile_columns, *shared)
    weights = expert_weight_traffic(active, matrices, hidden, inner, kernel.element)
    reading = estimate.memory_time(weights, kernel.memory_bandwidth, kernel.memory_efficiency)
    launch = kernel.launch
    if kernel.mapping is not None:
        launch = spread_launch_time(groups, launch, kernel.mapping)
    products = tiles.kernel_time(launch, sum_of(first, second), reading, kernel.sharpness)
    moved = expert_activation_traffic(
        tokens, chosen, held, load, matrices, hidden, inner, kernel.activation, kernel.own_moves, kernel.every_moves
    )
    moving = ratio(moved, kernel.memory_bandwidth, unit="s", title="Time to move the activations")
    return sum_of(products, moving, title="Time of the expert products of a layer", symbol="t_experts")


def _loads(
    kernel: ExpertKernel,
    tokens: Number,
    experts: Number,
    chosen: Number,
    groups: Number,
    held: Number,
    skew: Number | None,
) -> tuple[Number, Number, Number, Number]:
    """Mean tokens of an expert, active experts, rows of a tile, and rows of tiles."""
    if skew is None:
        load = routing.tokens_per_expert(tokens, chosen, experts, kernel.one)
        active = routing.equal_active_experts(held, load)
        rows = _tile_rows(kernel, tokens, chosen, held, load, active)
        return load, active, rows, routing.equal_tiles(active, held, load, rows)
    drawn = kernel.loads
    least = routing.least_load(tokens, chosen, experts, drawn.many, drawn.few_least)
    most = routing.most_load(tokens, chosen, experts, drawn.share, drawn.few_most)
    mean = routing.mean_load(skew, least, most)
    variation = routing.load_variation(skew, least, most, mean)
    heaviest = routing.heaviest_group(variation, groups, held, most, mean)
    load = routing.tokens_per_expert(tokens, chosen, experts, heaviest)
    spread = (load, skew, least, most, mean)
    whole, share = routing.experts_above(kernel.one, *spread), routing.tokens_above(kernel.one, *spread)
    active = routing.active_experts(held, load, whole, share)
    rows = _tile_rows(kernel, tokens, chosen, held, load, active)
    full, filled = routing.experts_above(rows, *spread), routing.tokens_above(rows, *spread)
    return load, active, rows, routing.skewed_tiles(held, load, rows, whole, share, full, filled)


def _tile_rows(
    kernel: ExpertKernel, tokens: Number, chosen: Number, held: Number, load: Number, active: Number
) -> Number:
    """Rows of a tile, as the library chooses them."""
    if kernel.tile_fill is not None:
        sizes = (kernel.least_rows, kernel.rows_step, kernel.most_rows)
        return routing.marlin_tile_rows(tokens, chosen, held, kernel.tile_fill, *sizes)
    if kernel.many_rows is not None:
        return routing.default_tile_rows(tokens, held, kernel.least_rows, kernel.many_rows)
    return routing.expert_tile_rows(held, load, active, kernel.least_rows, kernel.most_rows)
