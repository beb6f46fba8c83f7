"""The four keys of a variant, computed by the library, and whether each is the surprise that it must be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from navarch.core.arithmetic import largest_of, ratio
from navarch.core.equation import off_the_ledger
from navarch.course.communication_topologies import collisions, exchange, placement, wired
from navarch.course.communication_topologies.fabrics import DRAGONFLY, TORUS
from navarch.course.communication_topologies.variant import Variant, menu
from navarch.course.instrument import Instrument, Shown

PARTS = ("bisection", "exchange", "placement", "collision")
READ = {"bisection": "more", "exchange": f"exchange_{TORUS}", "placement": "longer", "collision": "longer"}
"""The reading that answers each."""


@cache
def _answered(asked: Instrument, inputs: tuple[tuple[str, object], ...]) -> Shown:
    return asked(**dict(inputs))


def answers(variant: Variant) -> Mapping[str, Shown]:
    """What the instruments of the four predictions show for a variant."""
    asked: Mapping[str, tuple[Instrument, Mapping[str, object]]] = {
        "bisection": (wired.same_money, wired_inputs(variant)),
        "exchange": (exchange.collectives, exchange_inputs(variant)),
        "placement": (placement.ring_on_leaves, placement_inputs(variant)),
        "collision": (collisions.one_hash, collision_inputs(variant)),
    }
    return {part: _answered(used, tuple(sorted(inputs.items()))) for part, (used, inputs) in asked.items()}


def wired_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the first instrument."""
    asked = variant.wired
    return {"hosts": asked.hosts, "dimensions": asked.dimensions, "parts": asked.parts, "money": variant.money}


def exchange_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the second instrument."""
    asked = variant.exchange
    return {
        "hosts": asked.hosts, "dimensions": asked.dimensions, "parts": variant.wired.parts, "money": variant.money,
        "message": asked.message,
    }  # fmt: skip


def placement_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the third instrument."""
    asked = variant.leaves
    return {
        "shape": placement.shape_of(asked), "ratio": asked.ratio, "algorithm": placement.RING,
        "gradient": variant.gradient, "draw": asked.draw,
    }  # fmt: skip


def collision_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the fourth instrument."""
    return {"shape": collisions.shape_of(variant.hashed), "block": variant.block, "spread": collisions.HASHED}


def keys(variant: Variant) -> dict[str, float]:
    """The right answers of a variant, SI."""
    shown = answers(variant)
    return {part: float(shown[part][READ[part]].value) for part in PARTS}


def surprises(variant: Variant) -> dict[str, bool]:
    """Which parts of a variant hold what the lab must make felt.

    bisection: the same money buys several times the bisection; exchange: a ring hardly cares, an all-to-all does;
    placement: few uplinks cost a ring in order nothing and one in random order a factor; collision: a hash costs a
    factor with as many uplinks as flows.
    """
    limits = {key: float(limit) for key, limit in menu()["surprise"].items()}
    shown = answers(variant)
    swapped = shown["exchange"]
    with off_the_ledger():
        rings = largest_of(*(_number(swapped, f"ring_{family}") for family in (TORUS, DRAGONFLY)))
        apart = ratio(_number(swapped, f"exchange_{TORUS}"), _number(swapped, f"ring_{TORUS}"))
    return {
        "bisection": _number(shown["bisection"], "more") >= limits["bisection"],
        "exchange": float(rings) <= limits["ring"]
        and _number(swapped, f"exchange_{TORUS}") >= limits["exchange"]
        and float(apart) >= limits["apart"],
        "placement": _number(shown["placement"], "thinned") <= limits["in_order"]
        and _number(shown["placement"], "longer") >= limits["at_random"],
        "collision": _number(shown["collision"], "longer") >= limits["collided"],
    }


def _number(shown: Shown, key: str) -> float:
    return float(shown[key].value)
