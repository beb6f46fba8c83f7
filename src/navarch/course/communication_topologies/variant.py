"""Each student's numbers, drawn from `menu.yaml`, in which every draw has its surprise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import yaml

from navarch.core.quantity import parse
from navarch.course.variant import draws

LAB = "03"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Wired:
    """A cluster to be wired. dimensions: of its torus; parts: link and switch, by name in the menu."""

    hosts: int
    dimensions: int
    parts: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A collective among the hosts of a cluster. message [byte]."""

    hosts: int
    dimensions: int
    message: float


@dataclass(frozen=True, slots=True)
class Leaves:
    """Leaves and spines. hosts: of a leaf; ratio: ports down over ports up; draw: of the random order."""

    leaves: int
    hosts: int
    ratio: int
    draw: int


@dataclass(frozen=True, slots=True)
class Hashed:
    """Leaves with as many uplinks as hosts, over which a hash spreads the flows."""

    leaves: int
    hosts: int


@dataclass(frozen=True, slots=True)
class Task:
    """The design challenge: which jobs, and how long they may take; both by their place in the menu."""

    mix: int
    slack: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One student's numbers, in SI.

    wired, money: the first part, money of the network for each host [USD]; exchange: the second; leaves, gradient: the
    third, gradient [byte]; hashed, block: the fourth, block [byte]; order: draw of the order that is measured; task:
    the challenge.
    """

    wired: Wired
    money: float
    exchange: Exchange
    leaves: Leaves
    gradient: float
    hashed: Hashed
    block: float
    order: int
    task: Task


@cache
def menu() -> dict[str, Any]:
    """What the variants are drawn from."""
    return dict(yaml.safe_load(files(__package__).joinpath("menu.yaml").read_text("utf-8")))


def quantities(given: Sequence[str], unit: str) -> list[float]:
    """Quantities of the menu in SI."""
    return [parse(text, unit) for text in given]


@cache
def variant_of(seed: int) -> Variant:
    """The numbers of a seed; each part is drawn from a stream of its own."""
    told = menu()
    purposes = iter(range(len(Variant.__dataclass_fields__) + 1))

    def one(of: Sequence[_T]) -> _T:
        return of[int(draws(seed, next(purposes)).integers(len(of)))]

    wired, money = Wired(**one(told["wired"])), one(quantities(told["money"], "USD"))
    asked = dict(one(told["exchange"]))
    exchange = Exchange(**{**asked, "message": parse(asked["message"], "byte")})
    leaves, gradient = Leaves(**one(told["leaves"])), one(quantities(told["gradient"], "byte"))
    hashed, block = Hashed(**one(told["hashed"])), one(quantities(told["block"], "byte"))
    order = one(told["measured"]["orders"])
    task = Task(one(range(len(told["challenge"]["mixes"]))), one(range(len(told["challenge"]["slack"]))))
    return Variant(wired, money, exchange, leaves, gradient, hashed, block, order, task)
