"""What the instruments share: the link between accelerators, the cost of a schedule, and its time on that link."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from navarch.core.arithmetic import ratio
from navarch.core.ledger import Ledger
from navarch.course.allreduce_physics.variant import menu
from navarch.course.desk import shelf
from navarch.distributed.collectives import estimate
from navarch.distributed.collectives.algorithms import schedule_of
from navarch.distributed.collectives.choice import Candidate, Link, candidates
from navarch.distributed.collectives.schedule import Cost

ALL_REDUCE, RING, TREE, HALVING = "all_reduce", "ring", "double_binary_tree", "halving_doubling"
ALGORITHMS = {RING: "ring", TREE: "double binary tree", HALVING: "halving and doubling", "binary_tree": "binary tree",
              "bidirectional_ring": "ring both ways"}  # fmt: skip
"""Algorithms by name, as people call them."""
SHOWN = (RING, TREE, HALVING)
"""Those that the figures draw."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the time of an all-reduce rests on, remembered values: latency of a round [s], bandwidth that the link
    achieves [byte/s], rate at which a rank adds [byte/s]."""

    latency: Any
    bandwidth: Any
    reduction: Any

    @property
    def plain(self) -> Link:
        """The same as plain numbers, for the library's choice."""
        return Link(float(self.latency), float(self.bandwidth), float(self.reduction))


def links() -> dict[str, str]:
    """The links that may be chosen, with their names."""
    return {name: shelf().get("fabric", name).name for name in menu()["link"]}


def terms_of(ledger: Ledger, link: str) -> Terms:
    """The terms of a link of the catalog, one port an accelerator, entered in a ledger."""
    catalog = shelf()
    port = ledger.fact(catalog.fact("fabric", link, "bandwidth"))
    efficiency = ledger.fact(catalog.fact("constant", "collectives.scaleout-efficiency"))
    memory = ledger.fact(catalog.fact("accelerator", str(menu()["accelerator"]), "memory_bandwidth"))
    passes = ledger.field("additions", menu()["additions"], "1", "Reads and writes for a number that is added")
    return Terms(
        ledger.fact(catalog.fact("constant", "collectives.scaleout-latency")),
        estimate.achieved_bandwidth(port, efficiency),
        ratio(memory, passes, unit="byte/s", title="Rate at which an accelerator adds", symbol="G"),
    )


@lru_cache(maxsize=64)
def plain_link(link: str) -> Link:
    """A link of the catalog as plain numbers."""
    with Ledger() as ledger:
        return terms_of(ledger, link).plain


@lru_cache(maxsize=512)
def cost_of(algorithm: str, ranks: int, segments: int) -> Cost:
    """What the schedule of an all-reduce needs; segments: 0 where it is not cut into pieces."""
    return schedule_of(ALL_REDUCE, algorithm, ranks, segments=max(segments, 1)).cost


@lru_cache(maxsize=4096)
def candidates_of(link: Link, ranks: int, message: float) -> tuple[Candidate, ...]:
    """Every algorithm for a message [byte], the quickest first."""
    return candidates(ALL_REDUCE, ranks, message, link)


def candidate(link: Link, algorithm: str, ranks: int, message: float) -> Candidate:
    """An algorithm with the number of pieces that is best for it."""
    return next(each for each in candidates_of(link, ranks, message) if each.algorithm == algorithm)


def timed(ledger: Ledger, terms: Terms, chosen: Candidate, ranks: int, message: Any) -> Any:
    """Time of an algorithm on the link, remembered [s]; message: a remembered value [byte]."""
    cost = cost_of(chosen.algorithm, ranks, chosen.segments)
    name = ALGORITHMS.get(chosen.algorithm, chosen.algorithm)
    pieces = f" in {chosen.segments} pieces" if chosen.segments > 1 else ""
    key = f"{chosen.algorithm}.{ranks}.{chosen.segments}"
    rounds = ledger.field(f"rounds.{key}", cost.rounds, "1", f"Rounds of the {name} among {ranks:,}{pieces}")
    sent = ledger.field(f"sent.{key}", cost.sent, "1", f"Messages that the busiest of {ranks:,} sends, {name}{pieces}")
    added = ledger.field(f"added.{key}", cost.reduced, "1", f"Messages that it adds, {name}{pieces}")
    return estimate.schedule_time(
        message, rounds, sent, added, terms.latency, terms.bandwidth, terms.reduction,
        title=f"Time of the {name} among {ranks:,}",
    )  # fmt: skip
