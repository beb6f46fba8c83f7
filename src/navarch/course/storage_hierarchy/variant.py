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

LAB = "04"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Bought:
    """Storage that was bought. system: of the catalog; supply: its reading rate over the mean demand, at the least;
    prefetch: batches that each loader is ahead."""

    system: str
    supply: float
    prefetch: int


@dataclass(frozen=True, slots=True)
class Saved:
    """A language model whose checkpoints are written. tokens: of its data set; system: that holds them; accelerators;
    interval: of training between two checkpoints [s]."""

    tokens: float
    system: str
    accelerators: int
    interval: float


@dataclass(frozen=True, slots=True)
class Variant:
    """One student's numbers, in SI.

    accelerators, rate, sample: who is fed, images a second of each [1/s], size of an image [byte]; bought: the second
    part; saved: the third; pod: accelerators of the fourth; task: the challenge, by its place in the menu.
    """

    accelerators: int
    rate: float
    sample: float
    bought: Bought
    saved: Saved
    pod: int
    task: int


@cache
def menu() -> dict[str, Any]:
    """What the variants are drawn from."""
    return dict(yaml.safe_load(files(__package__).joinpath("menu.yaml").read_text("utf-8")))


def quantities(given: Sequence[str], unit: str) -> list[float]:
    """Quantities of the menu in SI."""
    return [parse(text, unit) for text in given]


@cache
def variant_of(seed: int) -> Variant:
    """The numbers of a seed; each is drawn from a stream of its own."""
    told = menu()
    saved = told["checkpoint"]
    purposes = iter(range(seed_streams()))

    def one(of: Sequence[_T]) -> _T:
        return of[int(draws(seed, next(purposes)).integers(len(of)))]

    return Variant(
        accelerators=one(told["accelerators"]),
        rate=float(one(told["rate"])),
        sample=one(quantities(told["sample"], "byte")),
        bought=Bought(**one(told["bought"])),
        saved=Saved(
            float(one(saved["tokens"])), one(saved["systems"]), one(saved["accelerators"]),
            one(quantities(saved["interval"], "s")),
        ),
        pod=one(told["files"]["accelerators"]),
        task=one(range(len(told["challenge"]["tasks"]))),
    )  # fmt: skip


def seed_streams() -> int:
    """Streams of draws: one for each number of a variant."""
    alone = len(Variant.__dataclass_fields__) - 1
    return alone + len(Saved.__dataclass_fields__)
