"""The matrix products of a layer, shape by shape, and their times forward and backward.

Each product has three: the output (rows x columns, summed over depth), the gradient of its input (rows x depth, summed
over columns) and the gradient of its weights (depth x columns, summed over rows).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from navarch.core.arithmetic import sum_of
from navarch.distributed.training import architecture as eq
from navarch.distributed.training.anatomy import Anatomy, mean_of, total_of
from navarch.distributed.training.notation import equation
from navarch.distributed.training.shape import Hardware, Number, Plan, TransformerShape
from navarch.fleet.compute.matmul import matmul_time

BACKWARD = "the gradient of the input and the gradient of the weights are a product each"


class Product(NamedTuple):
    """One product of a layer on one accelerator: its title, and the columns and depth of its matrix."""

    title: str
    columns: Number
    depth: Number


@dataclass(frozen=True, slots=True)
class Passes:
    """Times of one layer or part of it: forward, gradient of the input, gradient of the weights [s]."""

    forward: Number
    backward_input: Number
    backward_weight: Number

    def as_tuple(self) -> tuple[Number, Number, Number]:
        return self.forward, self.backward_input, self.backward_weight


@equation(symbol="w_dev", unit="1", source="Shoeybi et al. 2019, section 3 (matrices cut by columns, then by rows)")
def width_per_device(width, tensor):
    """Columns or rows of a matrix that one accelerator holds.

    width: of the whole matrix; tensor: parallel degree.
    """
    return width / tensor


@equation(symbol="w_up", unit="1", source="definition")
def up_width(ffn_hidden, ffn_matrices):
    """Columns of the products into a feed-forward block, taken as one.

    ffn_hidden: inner width; ffn_matrices: 3 where gated, 2 where not.
    """
    return ffn_hidden * (ffn_matrices - 1)


@equation(symbol="w_kvup", unit="1", source=eq.DEEPSEEK)
def latent_key_value_width(heads, nope_dim, value_dim):
    """Columns of the product that decompresses keys and values.

    heads: of attention; nope_dim: part of a head without position; value_dim: width of a value head.
    """
    return heads * (nope_dim + value_dim)


@equation(symbol="T_mat", unit="s", source="kernels slow down within a step: clocks fall, collectives take processors")
def sustained_time(time, sustained):
    """Time of products within a training step.

    time: of the kernels run alone [s]; sustained: rate of kernels within a step against alone [fraction].
    """
    return time / sustained


@equation(symbol="T_prod", unit="s", source="NVIDIA, Matrix Multiplication Background User's Guide, section 2.2")
def aligned_time(time, columns, depth, alignment, ragged_rate):
    """Time of a product whose dimensions may not fit the tensor cores' tiles.

    time: of the kernel, dimensions fitting [s]; columns: of the matrix; depth: of the matrix; alignment: elements that
    a dimension must be a multiple of to be loaded at full width; ragged_rate: rate where one is not [fraction].
    """
    fits = (np.ceil(columns / alignment) * alignment <= columns) & (np.ceil(depth / alignment) * alignment <= depth)
    return np.where(fits, time, time / ragged_rate)


@equation(symbol="n_copy", unit="token", source="tokens split over the tensor group (Liu et al. 2025, section 3)")
def routed_tokens(tokens, tensor, experts_per_token):
    """Tokens that the experts of one accelerator work on, counted once for each expert; experts evenly loaded.

    tokens: of the microbatch on the accelerator [token]; tensor: parallel degree; experts_per_token: visited.
    """
    return tokens / tensor * experts_per_token


@equation(symbol="E_dev", unit="1", source="experts spread over the expert group (Lepikhin et al. 2020, section 3.1)")
def experts_per_device(experts, split):
    """Experts on one accelerator.

    experts: of a layer; split: parts into which they are divided.
    """
    return np.maximum(1, experts / split)


@equation(symbol="h_all", unit="1", source="the gradients of all experts' weights are one group of products")
def stacked_rows(depth, held):
    """Rows of the gradients of the weights of all experts on one accelerator, one above the other.

    depth: of an expert's matrix; held: experts on the accelerator.
    """
    return depth * held


@equation(symbol="n_each", unit="token", source="experts evenly loaded")
def tokens_per_expert(routed, held):
    """Tokens of one expert.

    routed: tokens that the experts of the accelerator work on [token]; held: experts on the accelerator.
    """
    return routed / held


@equation(symbol="T_grp", unit="s", source="grouped products, or reading every expert's weights")
def grouped_time(alone, rate, weights, held, element, bandwidth, efficiency):
    """Time of a product of all experts on an accelerator.

    alone: as one dense product of all their tokens [s]; rate: of grouped products against that [fraction]; weights: of
    one expert's matrix [parameter]; held: experts on the accelerator; element: of a weight [byte]; bandwidth: of the
    memory [byte/s]; efficiency: achieved share of it [fraction].
    """
    return np.maximum(alone / rate, weights * held * element / (bandwidth * efficiency))


@equation(symbol="P_mat", unit="parameter", source="definition")
def matrix_parameters(columns, depth):
    """Parameters of a matrix.

    columns: of the matrix; depth: of the matrix.
    """
    return columns * depth


def attention_products(shape: TransformerShape, anatomy: Anatomy, tensor: Number) -> list[Product]:
    """The products around the attention core of one layer, on one accelerator."""

    def cut(width: Number, title: str) -> Number:
        return width_per_device(width, tensor, title=title)

    output = Product("Output projection", shape.hidden, cut(anatomy.output_width, "Output projection, rows"))
    if shape.kv_rank is None:
        joint = sum_of(
            anatomy.query_width, anatomy.key_width, anatomy.value_width, title="Width of queries, keys and values"
        )
        return [
            Product("Queries, keys and values", cut(joint, "Queries, keys and values, columns"), shape.hidden),
            output,
        ]
    down = sum_of(shape.kv_rank, shape.rope_dim, title="Width of the compressed keys and values")
    up = latent_key_value_width(shape.heads, shape.nope_dim, shape.value_dim)
    made = [
        Product("Compression of keys and values", down, shape.hidden),
        Product("Decompression of keys and values", cut(up, "Decompressed keys and values, columns"), shape.kv_rank),
        output,
    ]
    query = cut(anatomy.query_width, "Queries, columns")
    if shape.q_rank is None:
        return [Product("Queries", query, shape.hidden), *made]
    return [
        Product("Compression of queries", shape.q_rank, shape.hidden),
        Product("Decompression of queries", query, shape.q_rank),
        *made,
    ]


def recomputed_products(shape: TransformerShape, anatomy: Anatomy, tensor: Number) -> list[Product]:
    """The products that selective recomputation repeats: what decompresses latent queries, keys and values."""
    if shape.kv_rank is None or shape.q_rank is None:
        return []
    return [p for p in attention_products(shape, anatomy, tensor) if p.title.startswith("Decompression")]


def ffn_products(shape: TransformerShape, inner: Number, tensor: Number, of: str) -> list[Product]:
    """The products into and out of a feed-forward block of an inner width, on one accelerator."""
    into = up_width(inner, shape.ffn_matrices, title=f"Columns into {of}")
    return [
        Product(
            f"Into {of}", width_per_device(into, tensor, title=f"Columns into {of}, per accelerator"), shape.hidden
        ),
        Product(
            f"Out of {of}", shape.hidden, width_per_device(inner, tensor, title=f"Rows out of {of}, per accelerator")
        ),
    ]


def times_of(hardware: Hardware, tokens: Number, products: Iterable[Product], ragged: tuple[Number, Number]) -> Passes:
    """Times of some products for so many tokens, kernels run alone.

    ragged: elements of alignment, and the rate where a dimension is no multiple of them.
    """
    forward, inputs, weights = [], [], []
    for title, columns, depth in products:

        def timed(rows: Number, across: Number, along: Number, title: str = title) -> Number:
            alone = matmul_time(hardware.matmul, rows, across, along)
            return aligned_time(alone, columns, depth, *ragged, title=title)  # noqa: B023

        forward.append(timed(tokens, columns, depth))
        inputs.append(timed(tokens, depth, columns, f"{title}, gradient of the input"))
        weights.append(timed(depth, columns, tokens, f"{title}, gradient of the weights"))
    return Passes(
        total_of(forward, title="Products of a layer forward", symbol="T_F"),
        total_of(inputs, title="Products of a layer for gradients of the input", symbol="T_B"),
        total_of(weights, title="Products of a layer for gradients of the weights", symbol="T_W"),
    )


def layer_products(
    shape: TransformerShape,
    anatomy: Anatomy,
    hardware: Hardware,
    plan: Plan,
    tokens: Number,
    ragged: tuple[Number, Number],
) -> Passes:
    """Times of the products of a mean layer, routed experts aside, kernels run alone."""
    common = times_of(hardware, tokens, attention_products(shape, anatomy, plan.tensor), ragged)
    dense = special = None
    if shape.ffn_hidden is not None:
        dense = times_of(
            hardware, tokens, ffn_products(shape, shape.ffn_hidden, plan.tensor, "the feed-forward block"), ragged
        )
    if shape.shared_ffn_hidden is not None:
        special = times_of(
            hardware, tokens, ffn_products(shape, shape.shared_ffn_hidden, plan.tensor, "the shared experts"), ragged
        )
    return Passes(
        *(
            _with_blocks(shape, getattr(common, p), getattr(dense, p, None), getattr(special, p, None))
            for p in ("forward", "backward_input", "backward_weight")
        )
    )


def _with_blocks(shape: TransformerShape, common: Number, dense: Number | None, special: Number | None) -> Number:
    """A pass of attention with the mean of the feed-forward blocks over the layers."""
    title = "Feed-forward products of a mean layer, routed experts aside"
    if shape.experts is None:
        blocks = dense
    elif dense is not None and special is not None:
        blocks = mean_of(shape, special, dense, "s", title)
    elif special is not None:
        blocks = eq.share_over_layers(shape.layers, shape.moe_layers, special, unit="s", title=title)
    elif dense is not None:
        blocks = eq.rest_over_layers(shape.layers, shape.moe_layers, dense, unit="s", title=title)
    else:
        blocks = None
    return common if blocks is None else sum_of(common, blocks, title="Products of a mean layer, routed experts aside")


def expert_products(
    shape: TransformerShape, hardware: Hardware, tensor: Number, split: Number, tokens: Number, rate: Number
) -> Passes:
    """Times of the routed experts of a mean layer, kernels run alone.

    split: parts into which the experts are divided; rate: of grouped products against dense ones.
    """
    routed = routed_tokens(tokens, tensor, shape.experts_per_token)
    held = experts_per_device(shape.experts, split)
    each = tokens_per_expert(routed, held)
    into = up_width(shape.moe_ffn_hidden, shape.ffn_matrices, title="Columns into an expert")
    memory = (hardware.matmul.element, hardware.memory_bandwidth, hardware.memory_efficiency)
    made: list[list[Number]] = [[], [], []]
    for columns, depth in ((into, shape.hidden), (shape.hidden, shape.moe_ffn_hidden)):
        weights = matrix_parameters(columns, depth)
        shapes = ((routed, columns, depth), (routed, depth, columns), (stacked_rows(depth, held), columns, each))
        for parts, product in zip(made, shapes, strict=True):
            parts.append(grouped_time(matmul_time(hardware.matmul, *product), rate, weights, held, *memory))
    return Passes(
        *(
            eq.share_over_layers(
                shape.layers,
                shape.moe_layers,
                sum_of(*parts, title="Products of the routed experts of a layer"),
                unit="s",
                title="Products of the routed experts of a mean layer",
            )
            for parts in made
        )
    )
