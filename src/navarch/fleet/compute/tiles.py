"""One dense matrix product as an accelerator runs it: tiles over the cores, waves of tiles, and the memory beside them.

A result of `rows` x `columns` is cut into tiles; each core computes one tile at a time, so that a product takes whole
waves of tiles. A tile is bound by the core's arithmetic or by the operands that the core can pull out of the cache.
Where tiles are fewer than cores the sum may be split over several cores. Moving operands and result overlaps with
computing; what the cache holds from the run before moves at the cache's pace.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

TILING = "tile and wave quantisation: NVIDIA, Matrix Multiplication Background User's Guide, sections 3 and 4"
TILING_URL = "https://docs.nvidia.com/deeplearning/performance/dl-performance-matrix-multiplication/index.html"
SPLIT = "split along the sum: CUTLASS documentation, Efficient GEMM in CUDA, parallelised reductions"
SPLIT_URL = "https://docs.nvidia.com/cutlass/media/docs/cpp/efficient_gemm.html"
ROOFLINE = "Williams, Waterman and Patterson 2009 (roofline), with a soft maximum"
ROOFLINE_URL = "https://doi.org/10.1145/1498765.1498785"
QUANTISATION = "Micikevicius et al. 2022, FP8 Formats for Deep Learning, section 3: scaling factors found at run time"
QUANTISATION_URL = "https://arxiv.org/abs/2209.05433"
DISPATCH = "a kernel cannot start before the host has launched it"


@equation(
    symbol="R_core",
    unit="FLOP/s",
    source="peak shared equally by the cores",
    symbols={"peak": "P", "efficiency": "eta", "cores": "N"},
)
def core_rate(peak, efficiency, cores):
    """Rate that one core reaches within a tile.

    peak: of the accelerator [FLOP/s]; efficiency: share of the peak that the inner loop reaches [fraction]; cores: of
    the accelerator.
    """
    return peak * efficiency / cores


@equation(
    symbol="s",
    unit="1",
    source=SPLIT,
    url=SPLIT_URL,
    symbols={
        "rows": "m", "columns": "n", "depth": "k", "tile_rows": "a", "tile_columns": "b", "cores": "N",
        "least_depth": "k_min",
    },
)  # fmt: skip
def split_parts(rows, columns, depth, tile_rows, tile_columns, cores, least_depth):
    """Parts that the sum of each tile is split into, so that few tiles fill the cores.

    rows: of the result; columns: of the result; depth: summed over; tile_rows: rows of a tile; tile_columns: columns of
    a tile; cores: of the accelerator; least_depth: shortest part worth a core of its own.
    """
    tiles = np.ceil(rows / tile_rows) * np.ceil(columns / tile_columns)
    return np.clip(np.floor(cores / tiles), 1, np.ceil(depth / least_depth))


@equation(
    symbol="t_tiles",
    unit="s",
    source=TILING,
    url=TILING_URL,
    symbols={
        "rows": "m", "columns": "n", "depth": "k", "tile_rows": "a", "tile_columns": "b", "parts": "s", "cores": "N",
        "rounding": "rho", "rate": "R_core", "element": "e", "bandwidth": "B_core", "overhead": "t_tile",
    },
    valid="rounding >= 0 and rounding <= 1",
)  # fmt: skip
def tiles_time(
    rows, columns, depth, tile_rows, tile_columns, parts, cores, rounding, rate, element, bandwidth, overhead
):
    """Time of all waves of tiles.

    rows: of the result; columns: of the result; depth: summed over; tile_rows: rows of a tile; tile_columns: columns of
    a tile; parts: that the sum is split into; cores: of the accelerator; rounding: share of the waves that is rounded
    up, 0 where the last wave is spread over all cores [fraction]; rate: of one core [FLOP/s]; element: size of an
    operand's element [byte]; bandwidth: at which a core pulls operands out of the cache [byte/s]; overhead: to fill and
    empty a tile's pipeline [s].
    """
    even = np.ceil(rows / tile_rows) * np.ceil(columns / tile_columns) * parts / cores
    waves = rounding * np.ceil(even) + (1 - rounding) * np.maximum(even, 1)
    step = np.maximum(2 * tile_rows * tile_columns / rate, (tile_rows + tile_columns) * element / bandwidth)
    return waves * (step * depth / parts + overhead)


@equation(
    symbol="t_hot",
    unit="s",
    source="clocks fall where the power limit is reached: NVIDIA, nvidia-smi documentation, clocks throttle reasons",
    url="https://docs.nvidia.com/deploy/nvidia-smi/index.html",
    symbols={"computing": "t_math", "drop": "delta", "settling": "tau"},
)
def sustained_time(computing, drop, settling):
    """Time to compute where the power limit brings the clocks down.

    computing: time at the clocks of a short product [s]; drop: by how much a long product takes longer [fraction];
    settling: time by which half of that is reached [s].
    """
    return computing * (1 + drop * computing / (computing + settling))


@equation(
    symbol="t_split",
    unit="s",
    source=SPLIT,
    url=SPLIT_URL,
    symbols={"rows": "m", "columns": "n", "parts": "s", "overhead": "t_reduce", "bandwidth": "B_cache"},
)
def reduction_time(rows, columns, parts, overhead, bandwidth):
    """Time to add the parts of a split sum.

    rows: of the result; columns: of the result; parts: that the sum is split into; overhead: of the second pass [s];
    bandwidth: of the cache [byte/s]. Each part is written and read once in four bytes.
    """
    return np.where(parts > 1, overhead + 8 * rows * columns * parts / bandwidth, 0)


@equation(
    symbol="a",
    unit="1",
    source="CUTLASS kernels of vLLM choose the tile by the rows of the product",
    symbols={"rows": "m", "least": "a_1", "middle": "a_2", "most": "a_3", "reach": "m_2"},
)
def tile_rows_for(rows, least, middle, most, reach):
    """Rows of the tile of a library that chooses it by the rows of the product.

    rows: of the result; least: rows of the lowest tile; middle: rows of the middle tile; most: rows of the highest
    tile; reach: most rows of the result that the middle tile is used for.
    """
    return np.where(rows <= least, least, np.where(rows <= reach, middle, most))


@equation(
    symbol="b",
    unit="1",
    source="CUTLASS kernels of vLLM choose the tile by the rows of the product",
    symbols={"rows": "m", "narrow": "b_1", "wide": "b_2"},
)
def tile_columns_for(rows, narrow, wide):
    """Columns of the tile of a library that chooses it by the rows of the product.

    rows: of the result; narrow: columns of the narrow tile, and the most rows that it is used for; wide: columns of the
    wide tile.
    """
    return np.where(rows <= narrow, narrow, wide)


@equation(
    symbol="Q_op",
    unit="byte",
    source="each operand read once",
    symbols={"rows": "m", "columns": "n", "depth": "k", "element": "e"},
)
def operand_traffic(rows, columns, depth, element):
    """Least memory traffic of the operands of a product.

    rows: of the result; columns: of the result; depth: summed over; element: size of an operand's element [byte].
    """
    return element * (rows + columns) * depth


@equation(
    symbol="Q_turn",
    unit="byte",
    source="activations and result are the same in each run, weights are used in turn",
    symbols={"rows": "m", "columns": "n", "depth": "k", "element": "e", "output": "e_out", "copies": "c"},
)
def bytes_in_turn(rows, columns, depth, element, output, copies):
    """Bytes that a product touches before it comes back to the first, where it is run again and again.

    rows: of the result; columns: of the result; depth: summed over; element: size of an operand's element [byte];
    output: size of a result's element [byte]; copies: of the weights that are used in turn.
    """
    return element * (rows + copies * columns) * depth + output * rows * columns


@equation(
    symbol="t_mem",
    unit="s",
    source="data that the cache still holds are not read from memory again",
    symbols={
        "traffic": "Q", "in_turn": "Q_turn", "cache": "M_cache", "memory_rate": "B_mem", "cache_rate": "B_cache",
    },
)  # fmt: skip
def repeated_time(traffic, in_turn, cache, memory_rate, cache_rate):
    """Time to move data of a kernel that is run again and again.

    traffic: bytes moved [byte]; in_turn: bytes touched before the first are needed again [byte]; cache: that keeps data
    from run to run [byte]; memory_rate: reached by the memory [byte/s]; cache_rate: reached by the cache [byte/s].
    Between one and two times the cache, data are lost in proportion.
    """
    missed = np.clip(in_turn / cache - 1, 0, 1)
    return traffic * (missed / memory_rate + (1 - missed) / cache_rate)


@equation(
    symbol="t_store",
    unit="s",
    source="the widest tiles of CUTLASS for compute capability 8.9 in vLLM run out of registers when they store",
    symbols={
        "rows": "m", "columns": "n", "output": "e_out", "many": "m_w", "above": "n_1", "to": "n_2", "rate": "B_store",
    },
)  # fmt: skip
def wide_store_time(rows, columns, output, many, above, to, rate):
    """Time to store the result out of tiles that are too large for the registers.

    rows: of the result; columns: of the result; output: size of a result's element [byte]; many: rows that the library
    uses these tiles above; above: columns that it uses them above; to: columns that it uses them up to; rate: of the
    store [byte/s].
    """
    return np.where((rows > many) & (columns > above) & (columns <= to), output * rows * columns / rate, 0)


@equation(
    symbol="t_kernel",
    unit="s",
    source=ROOFLINE,
    url=ROOFLINE_URL,
    symbols={"launch": "t_launch", "computing": "t_math", "moving": "t_mem", "sharpness": "q"},
    valid="sharpness >= 1",
)
def kernel_time(launch, computing, moving, sharpness):
    """Time of a kernel that computes and moves data at once.

    launch: from the call to the first tile, and back [s]; computing: time to compute [s]; moving: time to move the data
    [s]; sharpness: of the corner between the two; infinite is the plain roofline, one is no overlap.
    """
    longer = np.maximum(computing, moving)
    shorter = np.minimum(computing, moving)
    return launch + longer * (1 + (shorter / longer) ** sharpness) ** (1 / sharpness)


@equation(
    symbol="t_quant",
    unit="s",
    source=QUANTISATION,
    url=QUANTISATION_URL,
    symbols={
        "rows": "m", "depth": "k", "cores": "N", "row_time": "t_row", "step": "w", "step_time": "t_step",
        "moving": "t_mem",
    },
)  # fmt: skip
def quantisation_time(rows, depth, cores, row_time, step, step_time, moving):
    """Time to quantise the activations before the product, a kernel of its own.

    rows: of activations; depth: elements of a row; cores: of the accelerator; row_time: of a core for a row [s]; step:
    elements that a core takes at once; step_time: of a core for each of them [s]; moving: time to read and write the
    activations [s].
    """
    return np.maximum(rows / cores * (row_time + np.ceil(depth / step) * step_time), moving)


@equation(
    symbol="t_plain",
    unit="s",
    source=DISPATCH,
    symbols={"rows": "m", "align": "w_m", "plain": "t_0", "padding": "t_pad"},
)
def padded_host_time(rows, align, plain, padding):
    """Time of the host for a product whose rows may need padding.

    rows: of the result; align: rows that a product is padded to a multiple of; plain: time without padding [s];
    padding: time that it adds [s].
    """
    return plain + np.where(np.ceil(rows / align) * align > rows, padding, 0)


@equation(
    symbol="t_rows",
    unit="s",
    source=DISPATCH,
    symbols={"rows": "m", "few": "m_few", "short": "t_few", "otherwise": "t_plain"},
)
def few_rows_host_time(rows, few, short, otherwise):
    """Time of the host where products of few rows take a shorter path.

    rows: of the result; few: most rows of the shorter path; short: its time [s]; otherwise: time of the other path [s].
    """
    return np.where(rows <= few, short, otherwise)


@equation(
    symbol="t_host",
    unit="s",
    source=DISPATCH,
    symbols={
        "columns": "n", "depth": "k", "column_block": "w_n", "depth_block": "w_k", "fitting": "t_rows",
        "fallback": "t_other",
    },
)  # fmt: skip
def block_host_time(columns, depth, column_block, depth_block, fitting, fallback):
    """Time that the host takes to launch the kernels of one block-scaled product, where no graph was captured.

    columns: of the result; depth: summed over; column_block: that the columns must be a multiple of; depth_block: that
    the depth must be a multiple of; fitting: time where they are [s]; fallback: time where they are not [s].
    """
    fits = (np.ceil(columns / column_block) * column_block <= columns) & (
        np.ceil(depth / depth_block) * depth_block <= depth
    )
    return np.where(fits, fitting, fallback)


@equation(
    symbol="t_call",
    unit="s",
    source=DISPATCH,
    symbols={"device": "t_device", "host": "t_host", "sharpness": "q"},
    valid="sharpness >= 1",
)
def call_time(device, host, sharpness):
    """Time of a call whose kernels the host launches one by one.

    device: time of the kernels [s]; host: time to launch them [s]; sharpness: of the corner between the two.
    """
    longer = np.maximum(device, host)
    return longer * (1 + (np.minimum(device, host) / longer) ** sharpness) ** (1 / sharpness)
