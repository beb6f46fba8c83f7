"""Compressed gradients: fewer bytes to encode, and what every rank then sends, waits and works."""

from __future__ import annotations

from functools import cache
from typing import Any

from navarch.core.arithmetic import product_of, ratio, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.course.allreduce_physics.desk import plain_link, terms_of
from navarch.course.allreduce_physics.variant import menu
from navarch.course.desk import reading, shelf, titled
from navarch.course.instrument import Answer, instrument
from navarch.distributed.collectives.compression.choice import INDEX, METHODS, VALUE, compressed

NAMES = {
    "none": "none", "top-k": "top-k", "random-k": "random-k", "int8": "8-bit integers", "fp8": "FP8", "sign": "signs",
    "powersgd": "PowerSGD",
}  # fmt: skip
RANKS = (8, 16, 32, 48, 64, 96, 128, 256, 512)
LOW_RANK = 4
"""Rank of PowerSGD's factors."""
KEPT = "top-k"
SHARED = "random-k"


def models() -> dict[str, str]:
    """The models that may be chosen, with their names."""
    return {name: shelf().get("model", name).name for name in menu()["compression"]["model"]}


def factors() -> dict[int, str]:
    """How many times fewer bytes a rank encodes."""
    return {factor: f"{factor} times fewer" for factor in (4, 10, 32, 100)}


@cache
def shapes_of(model: str) -> tuple[tuple[float, ...], ...]:
    """Weight matrices of a model of the catalog: embedding, attention and feed-forward of each layer."""
    entry = shelf().get("model", model)
    wide, deep = float(entry.hidden.value), float(entry.ffn_hidden.value)
    heads, kept = (float(product_of(count.value, entry.head_dim.value)) for count in (entry.heads, entry.kv_heads))
    feeding = [(wide, deep), (deep, wide)] + ([(wide, deep)] if entry.ffn_gated else [])
    layer = [(wide, heads), (wide, kept), (wide, kept), (heads, wide), *feeding]
    return ((float(entry.vocab.value), wide), *(layer * int(entry.layers.value)))


def setting_of(method: str, fewer: int) -> float:
    """Share that a sparse method keeps so that it encodes so many times fewer bytes, or the rank of PowerSGD."""
    with off_the_ledger():
        sent = {KEPT: float(sum_of(VALUE, INDEX)), SHARED: float(VALUE)}.get(method)
        return float(LOW_RANK) if sent is None else float(ratio(VALUE, product_of(fewer, sent)))


@instrument
def exchange(link: str, model: str, ranks: int, fewer: int) -> Answer:
    """Time to exchange a model's gradients among so many ranks: as they are, and by the largest of them (top-k).

    fewer: times fewer bytes that each rank encodes. The rows are all methods.
    """
    catalog = shelf()
    with Ledger() as ledger:
        terms = terms_of(ledger, link)
        elements = ledger.fact(catalog.get("model", model).params_total)
        count = ledger.field("ranks", ranks, "1", "Ranks")
        kept = ledger.field("kept", setting_of(KEPT, fewer), "fraction", "Share of the gradient that is kept")
        memory = ledger.fact(catalog.fact("accelerator", str(menu()["accelerator"]), "memory_bandwidth"))
        whole: Any = [(elements,)]
        by = {name: compressed(catalog, name, whole, count, terms.bandwidth, memory, kept) for name in ("none", KEPT)}
        faster = ratio(by["none"].time, by[KEPT].time, unit="1", title="Times as fast as without compression")
        found = {
            "faster": faster, "plain": by["none"].time, "time": by[KEPT].time, "sent": by[KEPT].traffic,
            "sent_plain": by["none"].traffic, "coding": by[KEPT].coding,
        }  # fmt: skip
        readings = {key: reading(value.entry) for key, value in found.items()}
    rows = _methods(link, model, ranks, fewer)
    titles = {
        "plain": "Exchange without compression", "time": "Exchange with top-k", "sent": "Sent by a rank, top-k",
        "sent_plain": "Sent by a rank, without", "coding": "Of it, to encode and decode",
    }  # fmt: skip
    few = (f"Times as fast among {RANKS[0]}", times_as_fast(link, model, RANKS[0], KEPT, fewer), "1")
    return Answer({**titled(readings, titles), "few": few}, rows)


def _methods(link: str, model: str, ranks: int, fewer: int) -> list[dict[str, Any]]:
    plain = _cost(link, model, ranks, "none", fewer)
    rows = []
    for method in METHODS:
        found = _cost(link, model, ranks, method, fewer)
        with off_the_ledger():
            rows.append({
                "method": NAMES[method], "sent": float(found.traffic), "coding": float(found.coding),
                "transfer": float(found.transfer), "time": float(found.time),
                "faster": float(ratio(plain.time, found.time)), "penalty": float(found.penalty),
            })  # fmt: skip
    return rows


def times_as_fast(link: str, model: str, ranks: int, method: str, fewer: int) -> float:
    """Time of the exchange without compression over that with a method."""
    with off_the_ledger():
        ends = (_cost(link, model, ranks, name, fewer).time for name in ("none", method))
        return float(ratio(*ends))


@cache
def _cost(link: str, model: str, ranks: int, method: str, fewer: int) -> Any:
    """A method in plain numbers; the factors of PowerSGD follow from the model's matrices."""
    catalog = shelf()
    low_rank = method == "powersgd"
    shapes: Any = shapes_of(model) if low_rank else [(float(catalog.get("model", model).params_total.value),)]
    memory = float(catalog.fact("accelerator", str(menu()["accelerator"]), "memory_bandwidth").value)
    with off_the_ledger():
        return compressed(
            catalog, method, shapes, ranks, plain_link(link).bandwidth, memory, setting_of(method, fewer)
        )  # fmt: skip


@instrument
def by_ranks(link: str, model: str, fewer: int) -> Answer:
    """How many times as fast the exchange is with each method, by the number of ranks."""
    rows: list[dict[str, Any]] = [
        {"ranks": ranks, "method": NAMES[method], "faster": times_as_fast(link, model, ranks, method, fewer)}
        for method in METHODS
        if method != "none"
        for ranks in RANKS
    ]
    gained = [row for row in rows if row["method"] == NAMES[KEPT] and row["faster"] > 1]
    most = max((row["ranks"] for row in gained), default=0)
    return Answer({"most": ("Most ranks among which top-k is quicker, of those drawn", float(most), "1")}, rows)
