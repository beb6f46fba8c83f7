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

LAB = "02"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Server:
    """A server and the networks that it is in: the nearest, and the one across the hall."""

    node: str
    network: str
    hall: str


@dataclass(frozen=True, slots=True)
class Group:
    """A model in training by a tensor-parallel group on servers. sequence [token]."""

    model: str
    node: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Pod:
    """Leaf switches, each with ports down to accelerators and ports up to spines, and what the accelerators are."""

    leaves: int
    down: int
    up: int
    accelerator: str


@dataclass(frozen=True, slots=True)
class Task:
    """The design challenge. budget [USD]; sequences: of a step's batch; sequence [token]; zero_stage: of the states."""

    budget: float
    model: str
    node: str
    sequences: int
    sequence: int
    zero_stage: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One student's numbers, in SI.

    server, message: of the first part; family, link: of the generations; group: of the tensor-parallel group; pod: of
    the bisection; task: of the challenge.
    """

    server: Server
    message: float
    family: str
    link: str
    group: Group
    pod: Pod
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

    server, message = Server(**one(told["servers"])), one(quantities(told["message"], "byte"))
    asked, group = one(told["asked"]), Group(**one(told["tensor"]))
    down, up = one(told["pod"]["split"])
    pod = Pod(one(told["pod"]["leaves"]), down, up, one(told["pod"]["accelerator"]))
    budget = one(quantities(told["challenge"]["budget"], "USD"))
    task = Task(budget=budget, **one(told["challenge"]["tasks"]))
    return Variant(server, message, asked["family"], asked["link"], group, pod, task)
