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

LAB = "06"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Task:
    """The design challenge. model, link; ranks: data-parallel; tokens: of each in a step; memory: of buckets [byte]."""

    model: str
    link: str
    ranks: int
    tokens: int
    memory: float


@dataclass(frozen=True, slots=True)
class Variant:
    """One student's numbers, in SI.

    link: between the accelerators; message, small, many: of the first part; pair: ranks of ring against tree;
    bus_ranks, bus_message: of the bus bandwidth; model, fewer, ranks: of compression; task: the challenge.
    """

    link: str
    message: float
    small: float
    many: int
    pair: int
    bus_ranks: int
    bus_message: float
    model: str
    fewer: int
    ranks: int
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
    purposes = iter(range(2 * len(Variant.__dataclass_fields__)))

    def one(of: Sequence[_T]) -> _T:
        return of[int(draws(seed, next(purposes)).integers(len(of)))]

    link, many, pair = one(list(told["link"])), one(told["many"]), one(told["pair"])
    message, small = one(quantities(told["link"][link], "byte")), one(quantities(told["small"], "byte"))
    bus, compression, challenge = told["bus"], told["compression"], told["challenge"]
    bus_ranks, bus_message = one(bus["ranks"]), one(quantities(bus["message"], "byte"))
    asked, model = one(compression["asked"]), one(compression["model"])
    task = Task(memory=one(quantities(challenge["memory"], "byte")), **one(challenge["tasks"]))
    return Variant(
        link, message, small, many, pair, bus_ranks, bus_message, model, asked["fewer"], asked["ranks"], task
    )
