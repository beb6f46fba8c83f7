"""The four keys of a variant, computed by the library, and whether each is the surprise that it must be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from navarch.core.arithmetic import product_of, ratio, share_of
from navarch.core.equation import off_the_ledger
from navarch.course.allreduce_physics import bus, compression, ranks, sizes
from navarch.course.allreduce_physics.desk import RING, candidate, candidates_of, plain_link
from navarch.course.allreduce_physics.variant import Variant, menu
from navarch.course.instrument import Instrument, Shown
from navarch.distributed.collectives.estimate import all_reduce_bus_bandwidth

PARTS = ("thousand", "crossing", "bus", "compressed")
_READ = {"thousand": "time", "crossing": "crossing", "bus": "bus", "compressed": "faster"}


@cache
def _answered(asked: Instrument, inputs: tuple[tuple[str, object], ...]) -> Shown:
    return asked(**dict(inputs))


def answers(variant: Variant) -> Mapping[str, Shown]:
    """What the instruments of the four predictions show for a variant."""
    asked: Mapping[str, tuple[Instrument, Mapping[str, object]]] = {
        "thousand": (ranks.more_ranks, rank_inputs(variant)),
        "crossing": (sizes.ring_or_tree, pair_inputs(variant)),
        "bus": (bus.bus_bandwidth, bus_inputs(variant)),
        "compressed": (compression.exchange, exchange_inputs(variant)),
    }
    return {part: _answered(used, tuple(sorted(inputs.items()))) for part, (used, inputs) in asked.items()}


def rank_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the first instrument."""
    return {name: getattr(variant, name) for name in ("link", "message", "small", "many")}


def pair_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the second instrument."""
    return {"link": variant.link, "ranks": variant.pair}


def bus_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the third instrument."""
    return {"link": variant.link, "ranks": variant.bus_ranks, "message": variant.bus_message}


def exchange_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the fourth instrument."""
    return {"link": variant.link, "model": variant.model, "ranks": variant.ranks, "fewer": variant.fewer}


def keys(variant: Variant) -> dict[str, float]:
    """The right answers of a variant, SI."""
    shown = answers(variant)
    return {part: _number(shown[part], _READ[part]) for part in PARTS}


def surprises(variant: Variant) -> dict[str, bool]:
    """Which parts of a variant hold what the lab must make felt.

    thousand: the large message hardly takes longer, the small one in a ring takes as many times longer as there are
    more ranks; crossing: the ring's realm moves away faster than ranks join; bus: a ring of many waits more than it
    moves; compressed: ten times fewer bytes are slower, and would not be among eight.
    """
    limits = {name: float(limit) for name, limit in menu()["surprise"].items()}
    found = felt(variant)
    return {
        "thousand": found["longer"] <= limits["large"] and found["small_longer"] >= limits["small"],
        "crossing": found["growth"] >= limits["crossing"],
        "bus": found["share"] <= limits["bus"],
        "compressed": found["faster"] <= limits["slower"] and found["few"] > 1,
    }


def felt(variant: Variant) -> dict[str, float]:
    """The numbers that the surprises are in, as the instruments show them, without their derivations."""
    v, link = variant, plain_link(variant.link)
    with off_the_ledger():
        large = [candidates_of(link, n, v.message)[0].time for n in (v.many, ranks.few())]
        small = [candidate(link, RING, n, v.small).time for n in (v.many, ranks.few())]
        crossings = [_crossing(v.link, int(product_of(v.pair, times))) for times in (menu()["more"], 1)]
        time = candidate(link, RING, v.bus_ranks, v.bus_message).time
        bandwidth = all_reduce_bus_bandwidth(v.bus_message, time, v.bus_ranks)
        return {
            "longer": float(ratio(*large)),
            "small_longer": float(ratio(*small)),
            "growth": float(ratio(*crossings)),
            "share": float(share_of(bandwidth, link.bandwidth)),
            "faster": compression.times_as_fast(v.link, v.model, v.ranks, compression.KEPT, v.fewer),
            "few": compression.times_as_fast(v.link, v.model, ranks.few(), compression.KEPT, v.fewer),
        }


@cache
def _crossing(link: str, count: int) -> float:
    return sizes.crossing_of(plain_link(link), count)


def _number(shown: Shown, key: str) -> float:
    return float(shown[key].value)
