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

LAB = "01"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Training:
    """A model in training. sequences: of a step's batch; sequence [token]."""

    model: str
    node: str
    accelerators: int
    sequences: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Task:
    """The design challenge. compute [FLOP]; deadline [s]; accelerator, price: of the fleet."""

    compute: float
    deadline: float
    accelerator: str
    price: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One student's numbers, in SI.

    run, accelerator, deadline: of the wall; fleet, period: of the failures; training: of 16 times the fleet; money,
    rented, price: of the loss; task: the challenge.
    """

    run: str
    accelerator: str
    deadline: float
    fleet: int
    period: float
    training: Training
    money: float
    rented: str
    price: str
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
    purposes = iter(range(len(Variant.__dataclass_fields__)))

    def one(of: Sequence[_T]) -> _T:
        return of[int(draws(seed, next(purposes)).integers(len(of)))]

    run, accelerator = one(told["run"]), one(told["accelerator"])
    deadline = one(quantities(told["deadline"], "s"))
    fleet, period = one(told["failures"]["accelerators"]), one(quantities(told["failures"]["period"], "s"))
    training, money = Training(**one(told["more"])), one(quantities(told["money"], "USD"))
    rented, of_task = one(told["rented"]), draws(seed, next(purposes))
    compute, days = (
        of[int(of_task.integers(len(of)))]
        for of in (quantities(told["challenge"]["compute"], "FLOP"), quantities(told["challenge"]["deadline"], "s"))
    )
    offer = told["rented"][int(of_task.integers(len(told["rented"])))]
    task = Task(compute, days, offer["accelerator"], offer["price"])
    return Variant(
        run, accelerator, deadline, fleet, period, training, money, rented["accelerator"], rented["price"], task
    )
