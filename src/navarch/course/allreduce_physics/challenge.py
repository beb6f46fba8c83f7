"""The design challenge: algorithm by size, bucket size and overlap that hide the most of a step's gradients.

A design is judged by the same equations on floats (one design, with its derivation) and on arrays (the search over all
designs), so that the best that the search finds and the score of a student cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from navarch.core.arithmetic import ceil_div, difference, largest_of, product_of, ratio, share_of, smallest_of, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.course.allreduce_physics.desk import ALGORITHMS, SHOWN, TREE, Terms, cost_of, terms_of, timed
from navarch.course.allreduce_physics.variant import menu, variant_of
from navarch.course.desk import reading, shelf, titled
from navarch.course.instrument import Answer, instrument
from navarch.distributed.collectives import buckets as of_buckets
from navarch.distributed.collectives.choice import Candidate
from navarch.distributed.collectives.estimate import schedule_time

Number = Any  # a float, a remembered value or an array
PRECISION = "bf16"
PIECES = tuple(2**power for power in range(10))
BUCKETS = (*(step * ten for ten in (1e6, 1e7, 1e8) for step in (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)), 1e9)
LASTS = tuple(step * ten for ten in (1e5, 1e6, 1e7, 1e8) for step in (1.0, 2.0, 5.0))
SHARES = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12, 0.13, 0.15, 0.18, 0.2)
CLOSE = 60
"""Bucket sizes that are searched besides those of the slider."""
LINES = 50


def algorithms() -> dict[str, str]:
    """The algorithms that may be chosen, with their names."""
    return {name: ALGORITHMS[name] for name in SHOWN}


def start() -> dict[str, Any]:
    """Where the controls begin: the usual buckets of a framework, everything by a ring."""
    return {"bucket": BUCKETS[len(BUCKETS) // 3], "last": LASTS[len(LASTS) // 2], "share": SHARES[len(SHARES) // 4]}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a design is judged with: the link, the gradients, the backward pass and what limits a design."""

    link: Terms
    ranks: int
    gradients: Number
    backward: Number
    needed: Number  # share of the processors that keeps the link busy
    held: Number  # buckets at a time
    memory: Number
    hidden: Number
    slowed: Number
    nothing: Number
    ledger: Ledger | None = None


@dataclass(frozen=True, slots=True)
class Design:
    """A design: sizes of the buckets and of the last one [byte], their algorithms, share of the processors, overlap."""

    bucket: Number
    last: Number
    algorithm: str
    last_algorithm: str
    share: Number
    overlap: bool = True


@dataclass(frozen=True, slots=True)
class Judged:
    """What a design comes to; each a number, an array or a remembered value, as the design was."""

    count: Number
    one: Number
    tail: Number
    all_of_it: Number
    exposed: Number
    backward: Number
    added: Number
    hidden: Number
    slowed: Number
    memory: Number


def asked_of(seed: int, ledger: Ledger) -> Asked:
    """What a seed's task asks, entered in a ledger."""
    task, told, catalog = variant_of(seed).task, menu()["challenge"], shelf()
    parameters = ledger.fact(catalog.get("model", task.model).params_total)
    each = ledger.fact(catalog.fact("constant", "training.gradient-bytes@megatron-bridge"))
    peak = ledger.fact(catalog.fact("accelerator", str(menu()["accelerator"]), PRECISION))
    used = ledger.fact(catalog.fact("constant", str(told["utilisation"])))
    tokens = ledger.field("tokens", task.tokens, "token", "Tokens of an accelerator in a step")
    return Asked(
        link=terms_of(ledger, task.link),
        ranks=task.ranks,
        gradients=product_of(parameters, each, unit="byte", title="Gradients", symbol="M_g"),
        backward=of_buckets.backward_time(parameters, tokens, peak, used),
        needed=ledger.fact(catalog.fact("constant", "collectives.processors-for-link")),
        held=ledger.field("buffers", told["buffers"], "1", "Buckets held at a time"),
        memory=ledger.field("memory", task.memory, "byte", "Memory for buckets"),
        hidden=ledger.field("hidden", told["hidden"], "fraction", "Hidden share, at the least"),
        slowed=ledger.field("slowed", told["slowed"], "fraction", "Processors that communicate, at the most"),
        nothing=ledger.field("nothing", 0.0, "fraction", "Processors that communicate without overlap"),
        ledger=ledger,
    )


def judged(asked: Asked, design: Design) -> Judged:
    """What a design comes to."""
    body = difference(asked.gradients, design.last, unit="byte", title="Gradients in equal buckets")
    count = ceil_div(body, design.bucket, title="Equal buckets", symbol="k")
    size = ratio(body, count, unit="byte", title="Size of a bucket", symbol="M_b")
    bandwidth = asked.link.bandwidth
    if design.overlap:
        bandwidth = of_buckets.fed_bandwidth(bandwidth, design.share, asked.needed)
    one = _time(asked, design.algorithm, size, bandwidth)
    tail = _time(asked, design.last_algorithm, design.last, bandwidth)
    whole = of_buckets.reduction_time(count, one, tail)
    backward = of_buckets.slowed_time(asked.backward, design.share) if design.overlap else asked.backward
    exposed = whole
    if design.overlap:
        part = share_of(body, asked.gradients, title="Share of the gradients in equal buckets", symbol="f")
        exposed = of_buckets.exposed_buckets(backward, part, count, one, tail)
    longer = difference(backward, asked.backward, unit="s", title="Computation slowed by")
    largest = largest_of(design.bucket, design.last, unit="byte", title="Largest bucket")
    return Judged(
        count=count, one=one, tail=tail, all_of_it=whole, exposed=exposed, backward=backward,
        added=sum_of(exposed, longer, unit="s", title="Added to the backward pass", symbol="T_add"),
        hidden=of_buckets.hidden_share(whole, exposed),
        slowed=design.share if design.overlap else asked.nothing,
        memory=product_of(largest, asked.held, unit="byte", title="Memory of the buckets"),
    )  # fmt: skip


def _time(asked: Asked, algorithm: str, size: Number, bandwidth: Number) -> Number:
    """Time of one bucket; a tree in the number of pieces that is best for it."""
    pieces = PIECES if algorithm == TREE else (0,)
    link = replace(asked.link, bandwidth=bandwidth)
    if asked.ledger is None:
        return smallest_of(*(_plain_time(link, algorithm, asked.ranks, each, size) for each in pieces))
    plain = Terms(*(float(getattr(link, name)) for name in Terms.__dataclass_fields__))
    with off_the_ledger():
        times = [float(_plain_time(plain, algorithm, asked.ranks, each, float(size))) for each in pieces]
    chosen = Candidate(algorithm, pieces[int(np.argmin(times))], min(times), 1.0)
    return timed(asked.ledger, link, chosen, asked.ranks, size)


def _plain_time(link: Terms, algorithm: str, ranks: int, pieces: int, size: Number) -> Number:
    cost = cost_of(algorithm, ranks, pieces)
    return schedule_time(size, cost.rounds, cost.sent, cost.reduced, link.latency, link.bandwidth, link.reduction)


@instrument
def task(seed: int) -> Answer:
    """What the challenge asks of a seed."""
    drawn = variant_of(seed).task
    with Ledger() as ledger:
        asked = asked_of(seed, ledger)
        found = {name: getattr(asked, name) for name in ("gradients", "backward", "memory", "hidden", "slowed")}
        readings: dict[str, Any] = {key: reading(value.entry) for key, value in found.items()}
    catalog = shelf()
    readings["model"] = ("Model", catalog.get("model", drawn.model).name, "text")
    readings["link"] = ("Link", catalog.get("fabric", drawn.link).name, "text")
    return Answer(readings)


@instrument
def score(
    seed: int, bucket: float, last: float, algorithm: str, last_algorithm: str, share: float, overlap: bool
) -> Answer:
    """A design against the constraints of a seed's task; the score is what is added to the backward pass."""
    with Ledger() as ledger:
        asked = asked_of(seed, ledger)
        design = Design(
            ledger.field("bucket", bucket, "byte", "Bucket"), ledger.field("last", last, "byte", "Last bucket"),
            algorithm, last_algorithm,
            ledger.field("share", share, "fraction", "Share of the processors that communicates"), overlap,
        )  # fmt: skip
        found = judged(asked, design)
        rows = [
            _light("Memory of the buckets", found.memory, asked.memory, "byte", "at most"),
            _light("Communication that is hidden", found.hidden, asked.hidden, "fraction", "at least"),
            _light("Processors that communicate", found.slowed, asked.slowed, "fraction", "at most"),
        ]
        values = {
            "score": found.added, "exposed": found.exposed, "all": found.all_of_it, "hidden": found.hidden,
            "one": found.one, "tail": found.tail, "count": found.count, "backward": found.backward,
        }  # fmt: skip
        readings = {key: reading(value.entry) for key, value in values.items()}
    titles = {
        "exposed": "Outlasts the backward pass by", "all": "All reductions together", "one": "One bucket",
        "tail": "The last bucket", "backward": "Backward pass, slowed",
    }  # fmt: skip
    return Answer(titled(readings, titles), rows)


def _light(constraint: str, value: Number, limit: Number, unit: str, sense: str) -> dict[str, Any]:
    met = float(value) <= float(limit) if sense == "at most" else float(value) >= float(limit)
    return {
        "constraint": constraint, "value": float(value), "limit": float(limit), "unit": unit, "sense": sense,
        "met": met,
    }  # fmt: skip


def plain_asked(seed: int) -> Asked:
    """What a seed's task asks, as plain numbers."""
    with Ledger() as ledger:
        asked = asked_of(seed, ledger)
    link = Terms(*(float(getattr(asked.link, name)) for name in Terms.__dataclass_fields__))
    names = ("gradients", "backward", "needed", "held", "memory", "hidden", "slowed", "nothing")
    plain: dict[str, Any] = {name: float(getattr(asked, name)) for name in names}
    return Asked(link=link, ranks=asked.ranks, **plain)


@cache
def search(seed: int) -> tuple[Design, float]:
    """The design that adds least of all that meet every constraint, and what it adds [s].

    Every algorithm for the buckets and for the last one, bucket sizes closely spaced and those of the sliders. Without
    overlap nothing is hidden.
    """
    asked = plain_asked(seed)
    sizes = np.unique([*BUCKETS, *np.geomspace(BUCKETS[0], BUCKETS[-1], CLOSE)])[:, None, None]
    lasts, shares = np.asarray(LASTS)[None, :, None], np.asarray(SHARES)[None, None, :]
    best = Design(sizes[0, 0, 0], LASTS[0], SHOWN[0], SHOWN[0], SHARES[0]), np.inf
    with off_the_ledger():
        for algorithm in SHOWN:
            for other in SHOWN:
                found = judged(asked, Design(sizes, lasts, algorithm, other, shares))
                added = np.where(met(asked, found), found.added, np.inf)
                place = np.unravel_index(int(np.argmin(added)), added.shape)
                if added[place] < best[1]:
                    size, last, share = (float(each[place]) for each in np.broadcast_arrays(sizes, lasts, shares))
                    best = Design(size, last, algorithm, other, share), float(added[place])
    return best


def met(asked: Asked, found: Judged) -> Any:
    """Whether designs meet every constraint."""
    return (found.memory <= asked.memory) & (found.hidden >= asked.hidden) & (found.slowed <= asked.slowed)


@instrument
def best(seed: int) -> Answer:
    """The best design that the library's search finds for a seed's task."""
    found, _ = search(seed)
    shown = score(
        seed=seed, bucket=found.bucket, last=found.last, algorithm=found.algorithm,
        last_algorithm=found.last_algorithm, share=found.share, overlap=True,
    )  # fmt: skip
    readings: dict[str, Any] = {
        "score": shown["score"],
        "bucket": ("Bucket", found.bucket, "byte"),
        "last": ("Last bucket", found.last, "byte"),
        "algorithm": ("Algorithm", ALGORITHMS[found.algorithm], "text"),
        "last_algorithm": ("Algorithm of the last", ALGORITHMS[found.last_algorithm], "text"),
        "share": ("Processors that communicate", found.share, "fraction"),
        "hidden": shown["hidden"],
    }
    return Answer(readings, shown.rows)


@instrument
def by_bucket(seed: int, last: float, last_algorithm: str, share: float, overlap: bool) -> Answer:
    """What is added to the backward pass by the size of the buckets, for each algorithm."""
    asked = plain_asked(seed)
    sizes = np.unique([*BUCKETS, *np.geomspace(BUCKETS[0], BUCKETS[-1], LINES)])
    rows: list[dict[str, Any]] = []
    with off_the_ledger():
        for name in SHOWN:
            found = judged(asked, Design(sizes, last, name, last_algorithm, share, overlap))
            added, hidden = np.broadcast_to(found.added, sizes.shape), np.broadcast_to(found.hidden, sizes.shape)
            rows += [
                {"bucket": float(size), "algorithm": ALGORITHMS[name], "added": float(one), "hidden": float(share)}
                for size, one, share in zip(sizes, added, hidden, strict=True)
            ]
        most = float(ratio(asked.memory, asked.held))
    return Answer({"most": ("Largest bucket that the memory allows", most, "byte")}, rows)


def around(design: Mapping[str, Any]) -> dict[str, Any]:
    """What of a design `by_bucket` takes: all but the buckets and their algorithm."""
    return {name: design[name] for name in ("last", "last_algorithm", "share", "overlap")}
