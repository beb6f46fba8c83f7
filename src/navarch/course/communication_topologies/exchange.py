"""A ring all-reduce and an all-to-all on fabrics that cost the same: what they must take, and what they take."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from navarch.core.arithmetic import largest_of, product_of, ratio, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger, Value
from navarch.course.communication_topologies import fabrics
from navarch.course.communication_topologies.fabrics import FAT_TREE, ROUTING, THREE, TORUS
from navarch.course.desk import reading
from navarch.course.instrument import Answer, instrument
from navarch.distributed.collectives import estimate

HOSTS = (64, 128)
MESSAGES = (16e6, 64e6, 256e6, 512e6, 1e9)
RING, EXCHANGE = "ring all-reduce", "all-to-all"
KEYS = {RING: "ring", EXCHANGE: "exchange"}
COLLECTIVES = {RING: ("all_reduce", "ring"), EXCHANGE: ("all_to_all", "pairwise")}


def hosts() -> list[int]:
    """Hosts of the slider."""
    return list(HOSTS)


def messages() -> list[float]:
    """Messages of the slider [byte]."""
    return list(MESSAGES)


@lru_cache(maxsize=256)
def simulated(
    family: str, hosts: int, dimensions: int, parts: str, money: float, collective: str, message: float, draw: int
) -> tuple[float, float]:
    """Time of a collective on a fabric that so much money for each host buys, and the latency of its rounds [s].

    draw: of a random order of the ranks; 0 leaves them in the order of the hosts.
    """
    from navarch.distributed.collectives.algorithms import schedule_of
    from navarch.distributed.collectives.simulate import Setting, simulate

    network = fabrics.bought(family, hosts, dimensions, parts, money)
    order = None if draw == 0 else np.random.default_rng(draw).permutation(hosts)
    schedule = schedule_of(*COLLECTIVES[collective], hosts)
    with off_the_ledger():
        run = simulate(schedule, message, Setting(network, ROUTING[family], hosts=order))
        waited = sum_of(*(product_of(step.rounds, step.latency) for step in run.steps), 0.0)
        return run.time, float(ratio(waited, schedule.steps))


@lru_cache(maxsize=64)
def at_once(family: str, hosts: int, dimensions: int, parts: str, money: float, message: float) -> float:
    """Time of an all-to-all whose messages all start at once [s]."""
    from navarch.fleet.fabric import traffic

    network = fabrics.bought(family, hosts, dimensions, parts, money)
    with off_the_ledger():
        part = float(ratio(message, hosts))
        return traffic.run(network, "all-to-all", part, ROUTING[family]).time


@instrument
def collectives(hosts: int, dimensions: int, parts: str, money: float, message: float) -> Answer:
    """A ring all-reduce and an all-to-all among all hosts of three fabrics for the same money.

    dimensions: of the torus; parts: link and switch; money: for each host [USD]; message: of each rank [byte].
    """
    with Ledger() as ledger:
        size = ledger.field("message", message, "byte", "Message")
        count = ledger.field("hosts", hosts, "1", "Hosts")
        times: dict[tuple[str, str], Value] = {}
        rows: list[dict[str, Any]] = []
        for collective in COLLECTIVES:
            for family in THREE:
                asked = (family, hosts, dimensions, parts, money)
                time, latency = simulated(*asked, collective, message, 0)
                name = fabrics.title_of(family, dimensions)
                found = _seen(ledger, family, dimensions, collective, time)
                times[collective, family] = found
                told = _estimate(ledger, collective, asked, size, count, latency)
                once = at_once(*asked, message) if collective == EXCHANGE else None
                rows.append({"collective": collective, "fabric": name, "family": family, "estimate": float(told),
                             "simulated": time, "at_once": once})  # fmt: skip
        readings = _compared(times, dimensions)
    for row in rows:
        first = times[row["collective"], FAT_TREE]
        row["times"] = float(ratio(row["simulated"], float(first), unit="1"))
    return Answer(readings, rows)


def _estimate(ledger: Ledger, collective: str, asked: Any, size: Value, count: Value, latency: float) -> Any:
    """The closed form: of a ring with nothing in its way; of an exchange the later of hosts and bisection."""
    family, hosts, dimensions, parts, money = asked
    rate = fabrics.rate_for(fabrics.money_of(money, hosts), fabrics.bill(family, hosts, dimensions, parts))
    if collective == RING:
        return estimate.ring_all_reduce_time(size, count, rate, latency)
    across = fabrics.links_across(family, hosts, dimensions)[0]
    own = estimate.all_to_all_time(size, count, rate, latency)
    crossing = product_of(size, count, ledger.field("quarter", 0.25, "1", "Share that crosses to the other half"))
    bound = ratio(crossing, float(product_of(across, rate)), unit="s", title="Time across the bisection")
    return largest_of(own, bound, unit="s", title="All-to-all, the later of hosts and bisection")


def _compared(times: dict[tuple[str, str], Value], dimensions: int) -> dict[str, Any]:
    """Each collective on the fat-tree, and how many times as long it takes on the others."""
    name = fabrics.title_of(TORUS, dimensions)
    found = {}
    for collective in dict.fromkeys(key[0] for key in times):
        key, best = KEYS[collective], times[collective, FAT_TREE]
        found[f"{key}_time"] = reading(best.entry)
        for family in THREE[1:]:
            title = f"{collective.capitalize()} on the {name if family == TORUS else family}, times the fat-tree's"
            times_as_long = ratio(times[collective, family], best, unit="1", title=title)
            found[f"{key}_{family}"] = reading(times_as_long.entry)
    return found


@instrument
def rings(hosts: int, dimensions: int, parts: str, money: float, message: float) -> Answer:
    """The ring all-reduce alone, which is told before the all-to-all is asked."""
    asked = (hosts, dimensions, parts, money, RING, message, 0)
    with Ledger() as ledger:
        times = {(RING, family): _seen(ledger, family, dimensions, RING, simulated(family, *asked)[0])
                 for family in THREE}  # fmt: skip
        return Answer(_compared(times, dimensions))


def _seen(ledger: Ledger, family: str, dimensions: int, collective: str, time: float) -> Value:
    return ledger.observation(
        f"{collective.capitalize()} on the {fabrics.title_of(family, dimensions)}", time, "s", None, None,
        "distributed.collectives.simulate", f"routing {ROUTING[family]}, ranks in order",
    )  # fmt: skip


@instrument
def in_random_order(hosts: int, dimensions: int, parts: str, money: float, message: float, draw: int) -> Answer:
    """The same ring with its ranks on the hosts in random order, on each of the three fabrics."""
    rows = []
    readings: dict[str, Any] = {}
    with Ledger() as ledger:
        for family in THREE:
            asked = (family, hosts, dimensions, parts, money, RING, message)
            name = fabrics.title_of(family, dimensions)
            seen = [
                _ring_seen(ledger, f"Ring {told} on the {name}", asked, number)
                for told, number in (("in order", 0), ("in random order", draw))
            ]
            longer = ratio(seen[1], seen[0], unit="1", title=f"Random order on the {name}, times as long")
            readings[family] = reading(longer.entry)
            rows.append({"fabric": name, "in_order": float(seen[0]), "random": float(seen[1]), "times": float(longer)})
    return Answer(readings, rows)


def _ring_seen(ledger: Ledger, title: str, asked: Any, draw: int) -> Value:
    time, _ = simulated(*asked, draw)
    told = f"draw {draw}" if draw else "ranks in order"
    return ledger.observation(title, time, "s", None, None, "distributed.collectives.simulate", told)
