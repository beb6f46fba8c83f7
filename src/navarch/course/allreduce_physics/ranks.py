"""A thousand instead of eight: what more accelerators do to the time of a large and of a small message."""

from __future__ import annotations

from typing import Any

from navarch.core.arithmetic import ratio
from navarch.core.ledger import Ledger
from navarch.course.allreduce_physics.desk import ALGORITHMS, RING, candidate, candidates_of, terms_of, timed
from navarch.course.allreduce_physics.variant import menu, quantities
from navarch.course.desk import reading, with_intervals
from navarch.course.instrument import Answer, instrument

COUNTS = (2, 8, 32, 128, 512)
"""Accelerators of the figure, besides the many."""


def messages() -> list[float]:
    """Large messages of the slider [byte]."""
    return sorted({each for given in menu()["link"].values() for each in quantities(given, "byte")})


def smalls() -> list[float]:
    """Small messages of the slider [byte]."""
    return quantities(menu()["small"], "byte")


def few() -> int:
    """The accelerators to begin with."""
    return int(menu()["few"])


@instrument
def among_few(link: str, message: float) -> Answer:
    """Time of the quickest all-reduce of a message [byte] among the few."""
    with Ledger() as ledger:
        terms = terms_of(ledger, link)
        best = candidates_of(terms.plain, few(), message)[0]
        time = timed(ledger, terms, best, few(), ledger.field("message", message, "byte", "Message"))
        readings: dict[str, Any] = {"few": reading(time.entry)}
    readings["algorithm"] = ("Quickest", ALGORITHMS[best.algorithm], "text")
    return Answer(readings)


@instrument
def more_ranks(link: str, message: float, small: float, many: int) -> Answer:
    """Time of an all-reduce of a large and of a small message [byte] among the few, and among many."""
    with Ledger() as ledger:
        terms = terms_of(ledger, link)
        plain = terms.plain
        size = ledger.field("message", message, "byte", "Large message")
        little = ledger.field("small", small, "byte", "Small message")
        best, before = (candidates_of(plain, ranks, message)[0] for ranks in (many, few()))
        values = {
            "time": timed(ledger, terms, best, many, size),
            "few": timed(ledger, terms, before, few(), size),
        }
        values["longer"] = ratio(values["time"], values["few"], unit="1", title="Times as long, large message")
        ends = [timed(ledger, terms, candidate(plain, RING, n, small), n, little) for n in (many, few())]
        values["small_ring"], values["small_few"] = ends
        values["small_longer"] = ratio(*ends, unit="1", title="Times as long, small message by a ring")
        quickest = candidates_of(plain, many, small)[0]
        values["small_time"] = timed(ledger, terms, quickest, many, little)
        found, _ = with_intervals(ledger, values)
    readings: dict[str, Any] = {
        **found,
        "algorithm": ("Quickest for the large message", ALGORITHMS[best.algorithm], "text"),
        "small_algorithm": ("Quickest for the small message", ALGORITHMS[quickest.algorithm], "text"),
    }
    rows = [_row(plain, count, message, small) for count in sorted({*COUNTS, few(), many})]
    return Answer(readings, rows)


def _row(plain: Any, count: int, message: float, small: float) -> dict[str, Any]:
    best, least = candidates_of(plain, count, message)[0], candidates_of(plain, count, small)[0]
    return {
        "accelerators": count,
        "large": best.time, "large_by": ALGORITHMS[best.algorithm],
        "large_ring": candidate(plain, RING, count, message).time,
        "small": least.time, "small_by": ALGORITHMS[least.algorithm],
        "small_ring": candidate(plain, RING, count, small).time,
    }  # fmt: skip
