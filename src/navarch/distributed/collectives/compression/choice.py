"""What each method of compression would cost in a data-parallel step, from its equations and the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import product_of, ratio, sum_of
from navarch.distributed.collectives import protocols
from navarch.distributed.collectives.compression import estimate

if TYPE_CHECKING:
    from navarch.catalog import Catalog

Number = Any  # a float or a Value
VALUE, INDEX, SCALE, BITS = 4, 4, 4, 8
"""Bytes of a float32 value, of an index and of a scale; bits of a quantised element."""
BLOCK = 1024
GATHERED = ("top-k", "sign")
METHODS = ("none", "top-k", "random-k", "int8", "fp8", "sign", "powersgd")


@dataclass(frozen=True, slots=True)
class Compressed:
    """A method in a step. traffic: sent by a rank [byte]; encode_decode, transfer, time [s]; penalty: accuracy lost, as
    reported [fraction]; break_even: bandwidth under which it is quicker than none [byte/s]."""

    method: str
    traffic: Number
    coding: Number
    transfer: Number
    time: Number
    penalty: Number
    break_even: Number


def traffic_of(
    method: str, shapes: Sequence[tuple[int, ...]], ranks: Number, setting: Number = 0.0, block: int = BLOCK
) -> Number:
    """Bytes that a rank sends in a step. shapes: of the tensors; setting: share kept, or rank of PowerSGD."""
    elements = sum_of(*(product_of(*shape) for shape in shapes), unit="1", title="Elements of the gradient")
    whole = product_of(elements, VALUE, unit="byte", title="Bytes of the gradient")
    if method == "none":
        return protocols.all_reduce_traffic(whole, ranks)
    if method == "top-k":
        return estimate.gathered_traffic(estimate.sparse_message(elements, setting, VALUE, INDEX), ranks)
    if method == "random-k":
        return protocols.all_reduce_traffic(estimate.sparse_message(elements, setting, VALUE, 0), ranks)
    if method == "sign":
        return estimate.gathered_traffic(estimate.sign_message(elements, len(shapes), SCALE), ranks)
    if method in ("int8", "fp8"):
        padded = estimate.padded_elements(elements, ranks, block)
        return protocols.all_reduce_traffic(estimate.quantised_message(padded, BITS, block, SCALE), ranks)
    parts = [
        estimate.low_rank_message(*shape, setting, VALUE)
        if len(shape) == 2
        else product_of(*shape, VALUE, unit="byte", title="Bytes of a vector")
        for shape in shapes
    ]
    return protocols.all_reduce_traffic(sum_of(*parts, unit="byte", title="Bytes of the factors"), ranks)


def passes_of(catalog: Catalog, method: str, ranks: Number) -> Number:
    """Passes over the gradient to encode and decode it; those of a method that gathers grow with the ranks."""
    stem = f"collectives.compression-{method}-passes"
    passes = float(catalog.fact("constant", stem))
    if method not in GATHERED:
        return passes
    return estimate.gathered_passes(passes, float(catalog.fact("constant", f"{stem}-each")), ranks)


def compressed(
    catalog: Catalog,
    method: str,
    shapes: Sequence[tuple[int, ...]],
    ranks: Number,
    bandwidth: Number,
    memory: Number,
    setting: Number = 0.0,
) -> Compressed:
    """A method in a step. bandwidth: of a rank on the network [byte/s]; memory: bandwidth of its memory [byte/s]."""
    traffic = traffic_of(method, shapes, ranks, setting)
    transfer = ratio(traffic, bandwidth, unit="s", title="Time on the network")
    if method == "none":
        return Compressed(method, traffic, 0.0, transfer, transfer, 0.0, float("inf"))
    elements = sum_of(*(product_of(*shape) for shape in shapes), unit="1", title="Elements of the gradient")
    coding = estimate.coding_time(elements, VALUE, passes_of(catalog, method, ranks), memory)
    plain = traffic_of("none", shapes, ranks)
    return Compressed(
        method,
        traffic,
        coding,
        transfer,
        sum_of(coding, transfer, unit="s", title="Time of the exchange"),
        float(catalog.fact("constant", f"collectives.compression-{method}-penalty")),
        estimate.break_even_bandwidth(plain, traffic, coding),
    )
