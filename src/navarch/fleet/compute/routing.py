"""How many tokens the experts of one group get: equal shares, or shares that follow a power law.

A group is the experts that one rank holds. Under a power law the relative load of an expert is drawn from a density
that falls with the power `skew` between a least and a most; the time of a layer is that of the heaviest group.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

POWER = "moments of a power law cut off at both ends"
COUNT = "count"
SPREAD = {"skew": "alpha", "least": "x_0", "most": "x_1"}


@equation(
    symbol="x_1",
    unit="1",
    source="loads as aiconfigurator draws them",
    symbols={"tokens": "T", "chosen": "k", "experts": "E", "share": "c", "few": "x_few"},
)
def most_load(tokens, chosen, experts, share, few):
    """Most relative load of an expert.

    tokens: of the layer; chosen: experts of a token; experts: of the layer; share: of the tokens, where there are more
    choices than experts; few: most load where there are not.
    """
    return np.where(tokens * chosen > experts, share * tokens, few)


@equation(
    symbol="x_0",
    unit="1",
    source="loads as aiconfigurator draws them",
    symbols={"tokens": "T", "chosen": "k", "experts": "E", "many": "x_many", "few": "x_few"},
)
def least_load(tokens, chosen, experts, many, few):
    """Least relative load of an expert.

    tokens: of the layer; chosen: experts of a token; experts: of the layer; many: least load where there are more
    choices than experts; few: least load where there are not.
    """
    return np.where(tokens * chosen > experts, many, few)


@equation(symbol="mu", unit="1", source=POWER, symbols=SPREAD, valid="least < most")
def mean_load(skew, least, most):
    """Mean relative load of an expert.

    skew: power with which the density falls, not 1 or 2; least: load; most: load.
    """
    a = 1 - skew
    return a / (a + 1) * (most ** (a + 1) - least ** (a + 1)) / (most**a - least**a)


@equation(symbol="v", unit="1", source=POWER, symbols={**SPREAD, "mean": "mu"}, valid="least < most")
def load_variation(skew, least, most, mean):
    """Coefficient of variation of the load of an expert.

    skew: power with which the density falls, not 1 or 3; least: load; most: load; mean: load.
    """
    a = 1 - skew
    square = a / (a + 2) * (most ** (a + 2) - least ** (a + 2)) / (most**a - least**a)
    return np.sqrt(np.maximum(square / mean**2 - 1, 0))


@equation(
    symbol="f_max",
    unit="1",
    source="maximum of normal variables, Gumbel 1958, section 6.3; no group is heavier than its heaviest expert",
    symbols={"variation": "v", "groups": "p_e", "held": "E_g", "most": "x_1", "mean": "mu"},
)
def heaviest_group(variation, groups, held, most, mean):
    """Load of the heaviest group over the mean.

    variation: coefficient of variation of an expert's load; groups: of experts; held: experts of a group; most:
    relative load of an expert; mean: relative load of an expert.
    """
    return np.minimum(1 + variation * np.sqrt(2 * np.log(groups) / held), most / mean)


@equation(
    symbol="n_e",
    unit="1",
    source=COUNT,
    symbols={"tokens": "T", "chosen": "k", "experts": "E", "heaviest": "f_max"},
)
def tokens_per_expert(tokens, chosen, experts, heaviest):
    """Mean tokens of an expert of the heaviest group.

    tokens: of the layer; chosen: experts of a token; experts: of the layer; heaviest: load of that group over the mean.
    """
    return tokens * chosen / experts * heaviest


@equation(
    symbol="P_x",
    unit="fraction",
    source=POWER,
    symbols={**SPREAD, "threshold": "n", "mean": "mu", "load": "n_e"},
    valid="least < most",
)
def experts_above(threshold, load, skew, least, most, mean):
    """Share of the experts with at least so many tokens.

    threshold: tokens; load: mean tokens of an expert; skew: power with which the density falls, not 1; least: relative
    load; most: relative load; mean: relative load.
    """
    a = 1 - skew
    at = np.clip(threshold / load * mean, least, most)
    return (most**a - at**a) / (most**a - least**a)


@equation(
    symbol="P_n",
    unit="fraction",
    source=POWER,
    symbols={**SPREAD, "threshold": "n", "mean": "mu", "load": "n_e"},
    valid="least < most",
)
def tokens_above(threshold, load, skew, least, most, mean):
    """Share of the tokens that go to experts with at least so many.

    threshold: tokens; load: mean tokens of an expert; skew: power with which the density falls, not 2; least: relative
    load; most: relative load; mean: relative load.
    """
    b = 2 - skew
    at = np.clip(threshold / load * mean, least, most)
    return (most**b - at**b) / (most**b - least**b)


@equation(
    symbol="E_a",
    unit="1",
    source="an expert whose expected tokens are below one is used that often",
    symbols={"held": "E_g", "load": "n_e", "whole": "P_x", "share": "P_n"},
)
def active_experts(held, load, whole, share):
    """Experts of a group that get a token.

    held: experts of a group; load: mean tokens of an expert; whole: share of the experts with at least one; share: of
    the tokens that go to these.
    """
    return np.maximum(held * (whole + load * (1 - share)), 1)


@equation(
    symbol="n_tiles",
    unit="1",
    source="tile quantisation: half a tile is empty on average",
    symbols={
        "held": "E_g", "load": "n_e", "rows": "a", "whole": "P_1", "share": "Q_1", "full": "P_a", "filled": "Q_a",
    },
)  # fmt: skip
def skewed_tiles(held, load, rows, whole, share, full, filled):
    """Rows of tiles of a group whose experts have unequal loads.

    held: experts of a group; load: mean tokens of an expert; rows: of a tile; whole: share of the experts with at least
    one token; share: of the tokens that go to these; full: share of the experts with at least a tile of tokens; filled:
    share of the tokens that go to these.
    """
    large = load * filled / rows + full / 2
    return np.maximum(held * (large + whole - full + load * (1 - share)), 1)


@equation(symbol="E_a", unit="1", source=COUNT, symbols={"held": "E_g", "load": "n_e"})
def equal_active_experts(held, load):
    """Experts of a group that get a token, where loads are equal.

    held: experts of a group; load: mean tokens of an expert.
    """
    return np.minimum(held, np.maximum(held * load, 1))


@equation(
    symbol="n_tiles", unit="1", source=COUNT, symbols={"active": "E_a", "held": "E_g", "load": "n_e", "rows": "a"}
)
def equal_tiles(active, held, load, rows):
    """Rows of tiles of a group whose experts have equal loads.

    active: experts of a group that get a token; held: experts of a group; load: mean tokens of an expert; rows: of a
    tile.
    """
    return active * np.ceil(np.maximum(held * load, 1) / active / rows)


@equation(
    symbol="a",
    unit="1",
    source="fused expert kernels of vLLM choose the tile by the tokens of an expert",
    symbols={"held": "E_g", "load": "n_e", "active": "E_a", "least": "a_min", "most": "a_max"},
)
def expert_tile_rows(held, load, active, least, most):
    """Rows of a tile of an expert's tokens: the next power of two.

    held: experts of a group; load: mean tokens of an expert; active: experts of a group that get a token; least: rows
    of the lowest tile; most: rows of the highest tile.
    """
    return np.clip(2 ** np.ceil(np.log2(np.maximum(held * load / active, 1))), least, most)


@equation(
    symbol="a",
    unit="1",
    source="vLLM, fused_marlin_moe: the lowest of 8, 16, 32, 48 and 64 rows that the choices of a rank do not fill",
    url="https://github.com/vllm-project/vllm",
    symbols={
        "tokens": "T", "chosen": "k", "held": "E_g", "fill": "c_fill", "least": "a_min", "step": "a_step",
        "most": "a_max",
    },
)  # fmt: skip
def marlin_tile_rows(tokens, chosen, held, fill, least, step, most):
    """Rows of a tile of Marlin's expert products.

    tokens: of the layer; chosen: experts of a token; held: experts of a group, over which Marlin spreads the choices of
    all groups; fill: of a tile above which a higher one is taken; least: rows of the lowest tile; step: rows of the
    next, and by which the others are higher; most: rows of the highest tile.
    """
    need = tokens * chosen / held / fill
    higher = np.where(need < step, step, np.minimum(step * (np.floor(need / step) + 1), most))
    return np.where(need < least, least, higher)


@equation(
    symbol="a",
    unit="1",
    source="vLLM 0.14, get_default_config of its fused expert kernels",
    url="https://github.com/vllm-project/vllm",
    symbols={"tokens": "T", "held": "E_g", "few": "a_few", "many": "a_many"},
)
def default_tile_rows(tokens, held, few, many):
    """Rows of a tile of an expert's tokens where the library knows two.

    tokens: of the layer; held: experts of a group; few: rows where tokens do not outnumber these experts; many: rows
    where they do.
    """
    return np.where(tokens <= held, few, many)


@equation(symbol="n_1", unit="1", source=COUNT, symbols={"matrices": "c_mat", "inner": "d_e"})
def columns_of_first(matrices, inner):
    """Columns of the first product of an expert: all matrices but the last.

    matrices: of an expert; inner: columns of one matrix.
    """
    return (matrices - 1) * inner
