"""Ring against tree: which is quicker at which size, and how far the size moves as ranks join."""

from __future__ import annotations

from typing import Any

import numpy as np

from navarch.core.arithmetic import product_of, ratio
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.course.allreduce_physics.desk import ALGORITHMS, RING, SHOWN, TREE, candidate, terms_of, timed
from navarch.course.allreduce_physics.variant import menu
from navarch.course.desk import reading, titled
from navarch.course.instrument import Answer, Reading, instrument
from navarch.distributed.collectives.choice import Link

SIZES = np.geomspace(1e3, 1e11, 25)
"""Messages of the figure [byte]."""
LEAST, MOST, HALVINGS = 1.0, 1e15, 40
"""Between which the crossing is looked for [byte], and how often the interval is halved."""


def pairs() -> list[int]:
    """Ranks of the slider."""
    return [int(count) for count in menu()["pair"]]


def crossing_of(link: Link, ranks: int) -> float:
    """Message from which on the ring is quicker than the double binary tree [byte], by bisection."""
    low, high = LEAST, MOST
    with off_the_ledger():
        for _ in range(HALVINGS):
            middle = float(np.sqrt(product_of(low, high)))
            ring, tree = (candidate(link, name, ranks, middle).time for name in (RING, TREE))
            low, high = (low, middle) if ring < tree else (middle, high)
    return high


@instrument
def ring_or_tree(link: str, ranks: int) -> Answer:
    """Times of the algorithms by size among so many ranks, and the message from which on the ring wins."""
    with Ledger() as ledger:
        terms = terms_of(ledger, link)
        plain = terms.plain
        many = int(product_of(ranks, menu()["more"]))
        crossings = [crossing_of(plain, count) for count in (ranks, many)]
        sizes = [
            ledger.observation(
                f"Message from which on the ring wins among {count:,}", at, "byte", None, None,
                "bisection over the times of both algorithms, the tree in its best number of pieces", "",
            )
            for count, at in zip((ranks, many), crossings, strict=True)
        ]  # fmt: skip
        ring, tree = (timed(ledger, terms, candidate(plain, name, ranks, crossings[0]), ranks, sizes[0])
                      for name in (RING, TREE))  # fmt: skip
        growth = ratio(sizes[1], sizes[0], unit="1", title=f"Times as large with {menu()['more']} times the ranks")
        found = {"ring": ring, "tree": tree, "growth": growth}
        readings = {key: reading(value.entry) for key, value in found.items()}
        told = f"{readings['ring'].derivation}\n\n{readings['tree'].derivation}"
        readings["crossing"] = Reading(f"The ring wins from, among {ranks:,}", crossings[0], "byte", derivation=told)
        readings["crossing_more"] = Reading(f"The ring wins from, among {many:,}", crossings[1], "byte")
    rows: list[dict[str, Any]] = [
        {"message": float(size), "algorithm": ALGORITHMS[name], "time": candidate(plain, name, ranks, size).time,
         "pieces": candidate(plain, name, ranks, size).segments or 1}
        for name in SHOWN
        for size in map(float, SIZES)
    ]  # fmt: skip
    return Answer(titled(readings, {"ring": "Ring, there", "tree": "Double binary tree, there"}), rows)
