"""Nine pairs for each student: three models on three clusters, drawn from a pool in which every draw has its surprise.

The pool is data (`pool.yaml`, written by scripts/build_puzzle.py). In every draw of it no strategy comes within 1 % of
the best on two of the nine pairs; a test searches the pairs of 1,000 seeds to see that this holds.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from navarch.course.parallelism_puzzle.pairs import Pair
from navarch.course.variant import Student, draws, seed_of

LAB = "05"
DEBATE, HIDDEN = "debate", "debate, hidden pairs"
PAIRS, UNSEEN = 0, 1
"""Purposes of the random streams."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A model with its batch. sequence_length [token]; global_batch: sequences."""

    model: str
    sequence_length: int
    global_batch: int

    def on(self, node: str, accelerators: int) -> Pair:
        """The workload on a cluster."""
        return Pair(self.model, node, accelerators, self.global_batch, self.sequence_length)


@dataclass(frozen=True, slots=True)
class Variant:
    """Three workloads on three clusters. nodes: NVLink and InfiniBand, NVLink and Ethernet, PCIe and Ethernet."""

    workloads: tuple[Workload, ...]
    nodes: tuple[str, ...]
    accelerators: int

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The nine pairs, workload by workload."""
        return tuple(w.on(node, self.accelerators) for w, node in itertools.product(self.workloads, self.nodes))


@cache
def pool() -> dict[str, Any]:
    """What the variants are drawn from."""
    text = files("navarch.course.parallelism_puzzle").joinpath("pool.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def variant_of(student: Student) -> Variant:
    """A student's nine pairs."""
    return variant_of_seed(seed_of(student, LAB))


def debate_variant(course: str) -> Variant:
    """The nine pairs of a course's debate, the same for all."""
    return variant_of_seed(seed_of(Student(DEBATE, course), LAB))


def hidden_pairs(secret: str) -> tuple[Pair, ...]:
    """Pairs of clusters and fleets that no student has seen.

    secret: a word that the instructor keeps until the debate.
    """
    return hidden_draw(seed_of(Student(HIDDEN, secret), LAB))


def variant_of_seed(seed: int) -> Variant:
    """The variant of a seed: a family in proportion to its draws, then each of its parts evenly."""
    drawn, families = draws(seed, PAIRS), pool()["families"]
    sizes = [_draws_in(family) for family in families]
    place = int(drawn.integers(sum(sizes)))
    for family, size in zip(families, sizes, strict=True):
        if place < size:
            return _draw_at(family, place)
        place -= size
    raise AssertionError("a place beyond the last draw")


PARTS = ("small", "middle", "large", "clusters")


def _draws_in(family: dict[str, Any]) -> int:
    counted = 1
    for part in PARTS:
        counted *= len(family[part])
    return counted


def _draw_at(family: dict[str, Any], place: int) -> Variant:
    """The draw of a family at a place in the enumeration of its parts."""
    rows = []
    for part in reversed(PARTS):
        place, row = divmod(place, len(family[part]))
        rows.append(family[part][row])
    nodes, *workloads = rows
    return Variant(tuple(Workload(*each) for each in reversed(workloads)), tuple(nodes), int(pool()["accelerators"]))


def hidden_draw(seed: int) -> tuple[Pair, ...]:
    """Three unseen workloads, each on unseen clusters."""
    drawn, unseen = draws(seed, UNSEEN), pool()["unseen"]
    pairs = []
    for size in ("small", "middle", "large"):
        workload = Workload(*unseen[size][int(drawn.integers(len(unseen[size])))])
        nodes = drawn.permutation(len(unseen["nodes"]))[: unseen["pairs_of_a_workload"]]
        fleet = unseen["accelerators"][int(drawn.integers(len(unseen["accelerators"])))]
        pairs += [workload.on(unseen["nodes"][int(node)], int(fleet)) for node in nodes]
    return tuple(pairs)


def every_pair() -> list[Pair]:
    """All pairs that any student can be given."""
    found = set()
    for family in pool()["families"]:
        nodes = {node for cluster in family["clusters"] for node in cluster}
        workloads = [Workload(*row) for part in PARTS[:3] for row in family[part]]
        found |= {w.on(node, int(pool()["accelerators"])) for w, node in itertools.product(workloads, nodes)}
    return sorted(found, key=lambda pair: (pair.model, pair.global_batch, pair.node))
