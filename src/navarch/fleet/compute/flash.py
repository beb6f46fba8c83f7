"""Attention as a fused kernel runs it: tiles of queries over blocks of keys, and the cache beside them.

A prompt's attention (context) is cut into tiles of queries; the query heads that share a key-value head are packed into
one tile, and a tile goes through the keys that it may see. A generated token's attention has a few rows for each
key-value head and is bound by the cache, which may be split over the cores.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

FLASH = "Dao 2023, FlashAttention-2, section 3"
FLASH_URL = "https://arxiv.org/abs/2307.08691"
FLASH3 = "Shah et al. 2024, FlashAttention-3, section 3: exponentials beside matrix products"
FLASH3_URL = "https://arxiv.org/abs/2407.08608"
DECODING = "Dao et al. 2023, Flash-Decoding for long-context inference"
DECODING_URL = "https://crfm.stanford.edu/2023/10/12/flashdecoding.html"
WHOLE = "latent attention of TensorRT-LLM before Hopper, as its measurements show it"
WHOLE_URL = "https://github.com/NVIDIA/TensorRT-LLM"
COUNT = "count"


@equation(
    symbol="a",
    unit="1",
    source=FLASH,
    url=FLASH_URL,
    symbols={"queries": "s", "group": "g", "least": "a_min", "most": "a_max"},
)
def query_tile_rows(queries, group, least, most):
    """Rows of a tile of queries: the next power of two.

    queries: of a sequence; group: query heads that share a key-value head; least: rows of the lowest tile; most: rows
    of the highest tile.
    """
    return np.clip(2 ** np.ceil(np.log2(queries * group)), least, most)


@equation(
    symbol="n_tiles", unit="1", source=FLASH, url=FLASH_URL, symbols={"queries": "s", "group": "g", "tile_rows": "a"}
)
def query_tiles(queries, group, tile_rows):
    """Tiles of queries of one key-value head of one sequence.

    queries: of a sequence; group: query heads that share a key-value head; tile_rows: rows of a tile.
    """
    return np.ceil(queries * group / tile_rows)


@equation(
    symbol="K_sum",
    unit="1",
    source="causal masking skips the blocks of keys that no query of a tile sees: Dao 2023, section 3.1",
    url=FLASH_URL,
    symbols={
        "tiles": "n_tiles", "queries": "s", "keys": "k", "window": "w", "group": "g", "tile_rows": "a", "block": "b_k",
    },
)  # fmt: skip
def causal_keys(tiles, queries, keys, window, group, tile_rows, block):
    """Keys that all tiles of one key-value head go through, where a query sees no later key.

    tiles: of queries; queries: of a sequence, its last ones; keys: of a sequence; window: keys that a query may see;
    group: query heads that share a key-value head; tile_rows: rows of a tile; block: keys taken at once, half of which
    are wasted on average.
    """
    step = tile_rows / group
    before = keys - queries
    growing = np.clip(np.floor((window + step - before) / step), 0, tiles)
    seen = growing * before + step * growing * (growing + 1) / 2 + (tiles - growing) * (window + step)
    return np.minimum(seen, tiles * keys) + tiles * block / 2


@equation(
    symbol="K_max",
    unit="1",
    source="causal masking skips the blocks of keys that no query of a tile sees: Dao 2023, section 3.1",
    url=FLASH_URL,
    symbols={"keys": "k", "window": "w", "group": "g", "tile_rows": "a", "block": "b_k"},
)
def longest_causal_keys(keys, window, group, tile_rows, block):
    """Keys that the longest tile goes through, where a query sees no later key.

    keys: of a sequence; window: keys that a query may see; group: query heads that share a key-value head; tile_rows:
    rows of a tile; block: keys taken at once.
    """
    return np.minimum(window + tile_rows / group, keys) + block / 2


@equation(symbol="K_all", unit="1", source=COUNT, symbols={"keys": "k", "block": "b_k"})
def whole_keys(keys, block):
    """Keys that a tile goes through where every query sees every key.

    keys: of a sequence; block: keys taken at once.
    """
    return np.ceil(keys / block) * block


@equation(
    symbol="t_pair",
    unit="s",
    source=FLASH3,
    url=FLASH3_URL,
    symbols={"key_dim": "d_k", "value_dim": "d_v", "rate": "R_core", "exponential": "t_exp", "overlap": "r"},
    valid="overlap >= 1",
)
def pair_time(key_dim, value_dim, rate, exponential, overlap):
    """Time of a core for one query and one key of a head.

    key_dim: size of a query or key of a head; value_dim: size of a value of a head; rate: of one core [FLOP/s];
    exponential: time of the exponential and what goes with it [s]; overlap: of exponentials with products; one is none.
    """
    products = 2 * (key_dim + value_dim) / rate
    longer = np.maximum(products, exponential)
    return longer * (1 + (np.minimum(products, exponential) / longer) ** overlap) ** (1 / overlap)


@equation(
    symbol="t_tiles",
    unit="s",
    source=FLASH,
    url=FLASH_URL,
    symbols={
        "sequences": "b", "kv_heads": "h_kv", "tiles": "n_tiles", "keys": "K_sum", "longest": "K_max", "tile_rows": "a",
        "pair": "t_pair", "overhead": "t_tile", "cores": "N", "balance": "r_b",
    },
    valid="balance >= 1",
)  # fmt: skip
def query_tiles_time(sequences, kv_heads, tiles, keys, longest, tile_rows, pair, overhead, cores, balance):
    """Time of all tiles of queries, spread over the cores.

    sequences: of the batch; kv_heads: key-value heads; tiles: of one key-value head; keys: that these tiles go through;
    longest: keys that the longest tile goes through; tile_rows: rows of a tile; pair: time of a core for a query and a
    key [s]; overhead: to fill and empty a tile's pipeline [s]; cores: of the accelerator; balance: sharpness of the
    corner between many tiles and one long one.
    """
    spread = sequences * kv_heads * (keys * tile_rows * pair + tiles * overhead) / cores
    alone = longest * tile_rows * pair + overhead
    longer = np.maximum(spread, alone)
    return longer * (1 + (np.minimum(spread, alone) / longer) ** balance) ** (1 / balance)


@equation(
    symbol="Q_ctx",
    unit="byte",
    source="queries read and results written once; keys and values read, written to the cache and read again",
    symbols={
        "sequences": "b", "queries": "s", "keys": "k", "heads": "h", "kv_heads": "h_kv", "key_dim": "d_k",
        "value_dim": "d_v", "element": "e", "cached": "e_kv", "moves": "c_kv",
    },
)  # fmt: skip
def context_traffic(sequences, queries, keys, heads, kv_heads, key_dim, value_dim, element, cached, moves):
    """Memory traffic of the attention of prompts.

    sequences: of the batch; queries: of a sequence; keys: of a sequence; heads: query heads; kv_heads: key-value heads;
    key_dim: size of a query or key of a head; value_dim: size of a value of a head; element: size of an element [byte];
    cached: size of an element of the cache [byte]; moves: times that keys and values are moved.
    """
    own = queries * heads * element + moves * kv_heads * (queries * element + keys * cached)
    return sequences * (key_dim + value_dim) * own


@equation(
    symbol="p",
    unit="1",
    source=DECODING,
    url=DECODING_URL,
    symbols={"sequences": "b", "kv_heads": "h_kv", "keys": "k", "cores": "N", "least_keys": "k_min"},
)
def cache_parts(sequences, kv_heads, keys, cores, least_keys):
    """Parts that the cache of a sequence is split into, so that few sequences fill the cores.

    sequences: of the batch; kv_heads: key-value heads; keys: of a sequence; cores: of the accelerator; least_keys:
    shortest part worth a core of its own.
    """
    return np.clip(np.floor(cores / (sequences * kv_heads)), 1, np.ceil(keys / least_keys))


@equation(
    symbol="t_part",
    unit="s",
    source=DECODING,
    url=DECODING_URL,
    symbols={
        "keys": "k", "parts": "p", "group": "g", "rows": "a", "key_dim": "d_k", "value_dim": "d_v", "rate": "R_core",
        "width": "w_kv", "cached": "e_kv", "bandwidth": "B_core", "overhead": "t_tile",
    },
)  # fmt: skip
def cache_part_time(keys, parts, group, rows, key_dim, value_dim, rate, width, cached, bandwidth, overhead):
    """Time of a core for one part of the cache.

    keys: of a sequence; parts: that its cache is split into; group: query heads that share a key-value head; rows: that
    the group is padded to a multiple of; key_dim: size of a query or key of a head; value_dim: size of a value of a
    head; rate: of one core [FLOP/s]; width: elements cached for a key and its value; cached: size of an element of the
    cache [byte]; bandwidth: at which a core pulls the cache [byte/s]; overhead: to fill and empty the pipeline [s].
    """
    products = 2 * np.ceil(group / rows) * rows * (key_dim + value_dim) / rate
    return keys / parts * np.maximum(products, width * cached / bandwidth) + overhead


@equation(
    symbol="t_fill",
    unit="s",
    source="the first keys and values arrive before the first product: measured times of a few keys grow with the head",
    symbols={"overhead": "t_tile", "element": "t_element", "key_dim": "d_k", "value_dim": "d_v"},
)
def head_fill_time(overhead, element, key_dim, value_dim):
    """Time to fill and empty the pipeline of a part of the cache, by the size of a head.

    overhead: of any head [s]; element: of an element of a key or value [s]; key_dim: size of a query or key of a head;
    value_dim: size of a value of a head.
    """
    return overhead + element * (key_dim + value_dim)


@equation(
    symbol="t_parts",
    unit="s",
    source=DECODING,
    url=DECODING_URL,
    symbols={
        "sequences": "b", "kv_heads": "h_kv", "parts": "p", "part": "t_part", "second": "t_reduce", "cores": "N",
        "balance": "r_b",
    },
    valid="balance >= 1",
)  # fmt: skip
def cache_parts_time(sequences, kv_heads, parts, part, second, cores, balance):
    """Time of all parts of all caches, spread over the cores.

    sequences: of the batch; kv_heads: key-value heads; parts: that a cache is split into; part: time of one [s];
    second: time to join the parts [s]; cores: of the accelerator; balance: sharpness of the corner between many parts
    and one.
    """
    waves = sequences * kv_heads * parts / cores
    longer = np.maximum(waves, 1)
    spread = longer * (1 + (np.minimum(waves, 1) / longer) ** balance) ** (1 / balance)
    return part * spread + np.where(parts > 1, second, 0)


@equation(
    symbol="t_part",
    unit="s",
    source=WHOLE,
    url=WHOLE_URL,
    symbols={
        "keys": "k", "block": "b_k", "rows": "a", "key_dim": "d_k", "value_dim": "d_v", "columns": "p_v",
        "rate": "R_core", "overhead": "t_tile",
    },
)  # fmt: skip
def whole_cache_part_time(keys, block, rows, key_dim, value_dim, columns, rate, overhead):
    """Time of a block that goes through the whole cache of a sequence, alone on a core.

    keys: of a sequence; block: keys taken at once; rows: heads of a block, padded with empty ones; key_dim: size of a
    query or key of a head; value_dim: size of a value of a head; columns: parts that the columns of the result are
    split into, each of which needs all scores; rate: of one core [FLOP/s]; overhead: to fill and empty the pipeline
    [s].
    """
    return np.ceil(keys / block) * block * 2 * rows * (key_dim + value_dim / columns) / rate + overhead


@equation(
    symbol="n_blocks",
    unit="1",
    source=COUNT,
    symbols={"sequences": "b", "kv_heads": "h_kv", "heads": "h", "rows": "a", "columns": "p_v"},
)
def whole_cache_blocks(sequences, kv_heads, heads, rows, columns):
    """Blocks of a batch where the cache of a sequence is not split.

    sequences: of the batch; kv_heads: key-value heads; heads: query heads; rows: heads of a block; columns: parts that
    the columns of the result are split into.
    """
    return sequences * kv_heads * np.ceil(heads / kv_heads / rows) * columns


@equation(
    symbol="t_blocks",
    unit="s",
    source="wave quantisation, with several blocks on a core at once",
    symbols={"blocks": "n_blocks", "cores": "N", "resident": "r", "sharing": "gamma", "part": "t_part"},
    valid="sharing > 0",
)
def shared_cores_time(blocks, cores, resident, sharing, part):
    """Time of all blocks, wave after wave.

    blocks: of the batch; cores: of the accelerator; resident: blocks that a core takes at once; sharing: power of the
    blocks on a core by which each is slower, zero where they do not disturb each other and one where they take turns;
    part: time of a block alone on a core [s].
    """
    full = np.floor(blocks / (cores * resident))
    rest = np.ceil(blocks / cores - full * resident)
    return part * (full * resident**sharing + rest**sharing)


@equation(
    symbol="t_group",
    unit="s",
    source="FlashAttention-2 copies the result of grouped queries back to the order of its heads",
    url="https://github.com/Dao-AILab/flash-attention",
    symbols={"sequences": "b", "kv_heads": "h_kv", "group": "g", "copy": "t_copy"},
)
def regrouping_time(sequences, kv_heads, group, copy):
    """Time to put the result back in order, where query heads were taken together.

    sequences: of the batch; kv_heads: key-value heads; group: query heads that share a key-value head; copy: time of
    the kernel that copies [s]. With one sequence, one key-value head or no group the order is right as it is.
    """
    return np.where((sequences > 1) & (kv_heads > 1) & (group > 1), copy, 0)


@equation(
    symbol="Q_gen",
    unit="byte",
    source="the cache read once; queries, results and the new entry of the cache moved",
    symbols={
        "sequences": "b", "keys": "k", "heads": "h", "kv_heads": "h_kv", "width": "w_kv", "cached": "e_kv",
        "key_dim": "d_k", "value_dim": "d_v", "element": "e", "moves": "c_q",
    },
)  # fmt: skip
def generation_traffic(sequences, keys, heads, kv_heads, width, cached, key_dim, value_dim, element, moves):
    """Memory traffic of the attention of generated tokens.

    sequences: of the batch; keys: of a sequence; heads: query heads; kv_heads: key-value heads; width: elements cached
    for a key and its value; cached: size of an element of the cache [byte]; key_dim: size of a query or key of a head;
    value_dim: size of a value of a head; element: size of an element [byte]; moves: times that queries and results are
    moved.
    """
    return sequences * (keys * kv_heads * width * cached + moves * heads * (key_dim + value_dim) * element)
