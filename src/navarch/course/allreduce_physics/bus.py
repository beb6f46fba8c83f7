"""Latency and bandwidth: what of an all-reduce waits, what moves, and the same as flows on a fabric."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from navarch.core.arithmetic import ceil_div, difference, product_of, ratio, relative_change, share_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.course.allreduce_physics.desk import (
    ALGORITHMS,
    ALL_REDUCE,
    RING,
    SHOWN,
    candidate,
    cost_of,
    plain_link,
    terms_of,
    timed,
)
from navarch.course.allreduce_physics.variant import menu, quantities
from navarch.course.desk import shelf, with_intervals
from navarch.course.instrument import Answer, instrument
from navarch.distributed.collectives.algorithms import schedule_of
from navarch.distributed.collectives.estimate import algorithm_bandwidth, all_reduce_bus_bandwidth
from navarch.distributed.collectives.simulate import Setting, simulate

SIZES = np.geomspace(1e5, 1e11, 31)
"""Messages of the figure [byte]."""
MOST_PIECES = 16
"""Of a tree that is simulated."""
LEAF = 16
"""Hosts of a leaf switch of the simulated fabric."""
TAPERS = {"1": "as many uplinks as hosts", "4": "a quarter of the uplinks"}
LINKS, HOPS = 2, 4
"""Links from a host to one of the same leaf, and of another."""


def counts() -> list[int]:
    """Ranks of the slider."""
    return [int(count) for count in menu()["bus"]["ranks"]]


def messages() -> list[float]:
    """Messages of the slider [byte]."""
    return [*quantities(menu()["bus"]["message"], "byte"), *map(float, (3e7, 1e8, 3e8, 1e9, 3e9, 1e10))]


@instrument
def bus_bandwidth(link: str, ranks: int, message: float) -> Answer:
    """Bus bandwidth of a ring among so many ranks for a message [byte], and where its time goes."""
    with Ledger() as ledger:
        terms = terms_of(ledger, link)
        plain = terms.plain
        size = ledger.field("message", message, "byte", "Message")
        count = ledger.field("ranks", ranks, "1", "Ranks")
        cost = cost_of(RING, ranks, 0)
        time = timed(ledger, terms, candidate(plain, RING, ranks, message), ranks, size)
        rounds = ledger.field("rounds", cost.rounds, "1", f"Rounds of the ring among {ranks:,}")
        waits = product_of(rounds, terms.latency, unit="s", title="Latency: rounds times alpha", symbol="T_alpha")
        bus = all_reduce_bus_bandwidth(size, time, count)
        values = {
            "bus": bus,
            "algorithm": algorithm_bandwidth(size, time),
            "share": share_of(bus, terms.bandwidth, title="Bus bandwidth, of what the link achieves"),
            "time": time,
            "latency": waits,
            "moving": difference(time, waits, unit="s", title="Bandwidth: bytes moved and added", symbol="T_beta"),
            "waiting": share_of(waits, time, title="Latency, of the time"),
        }
        readings, _ = with_intervals(ledger, values)
        limit = float(terms.bandwidth)
    with off_the_ledger():
        rows = [_row(plain, name, ranks, float(each)) for name in SHOWN for each in SIZES]
    return Answer({**readings, "limit": ("What the link achieves", limit, "byte/s")}, rows)


def _row(plain: Any, name: str, ranks: int, message: float) -> dict[str, Any]:
    time = candidate(plain, name, ranks, message).time
    return {
        "message": message, "algorithm": ALGORITHMS[name], "time": time,
        "bus": float(all_reduce_bus_bandwidth(message, time, ranks)),
        "algorithm_bandwidth": float(algorithm_bandwidth(message, time)),
    }  # fmt: skip


@instrument
def on_a_fabric(link: str, ranks: int, message: float, taper: str) -> Answer:
    """The all-reduces of a message [byte] as flows through leaves and spines, beside the estimate.

    taper: hosts of a leaf for each of its uplinks. Trees are cut into no more than `MOST_PIECES` pieces here.
    """
    from navarch.fleet.fabric.clos_graph import leaf_spine
    from navarch.fleet.fabric.graph import Wires

    plain = plain_link(link)
    with off_the_ledger():
        wire = float(ratio(shelf().fact("constant", "fabric.link-latency").value, LINKS))
        ups = int(ceil_div(LEAF, float(taper)))
        network = leaf_spine(int(ceil_div(ranks, LEAF)), LEAF, ups, ups, Wires(plain.bandwidth, wire, wire), ranks)
        step = float(difference(plain.latency, product_of(HOPS, wire)))
        shuffled = np.random.default_rng(0).permutation(ranks)
        settings = {name: Setting(network, "modulo", hosts=hosts, step=max(step, 0.0), reduction=plain.reduction)
                    for name, hosts in (("in order", None), ("in random order", shuffled))}  # fmt: skip
        rows: list[dict[str, Any]] = []
        for name in SHOWN:
            pieces = min(candidate(plain, name, ranks, message).segments, MOST_PIECES)
            schedule, estimate = _schedule(name, ranks, pieces), plain.time(message, cost_of(name, ranks, pieces))
            for order, setting in settings.items():
                run = simulate(schedule, message, setting)
                rows.append({
                    "algorithm": ALGORITHMS[name], "order": order, "estimate": estimate, "simulated": run.time,
                    "difference": float(relative_change(run.time, estimate)),
                })  # fmt: skip
        ring = {row["order"]: row["simulated"] for row in rows if row["algorithm"] == ALGORITHMS[RING]}
        slower = float(ratio(ring["in random order"], ring["in order"]))
    readings = {
        "ring": ("Ring in order, simulated", ring["in order"], "s"),
        "random": ("Ring in random order, simulated", ring["in random order"], "s"),
        "slower": ("Times as long in random order", slower, "1"),
    }
    return Answer(readings, rows)


@cache
def _schedule(name: str, ranks: int, segments: int) -> Any:
    return schedule_of(ALL_REDUCE, name, ranks, segments=max(segments, 1))
