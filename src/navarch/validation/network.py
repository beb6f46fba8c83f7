"""The flow simulator beside SimGrid: the same networks, routing, traffic and sharing, round by round with barriers.

The recorded runs are in the table `simgrid_runs`. A user's table has the same columns; `shape` is `4x4x4` of a torus,
`8x8x8/1x8x8` (children / parents, level by level) of a fat-tree, `groups x chassis x routers x nodes` of a dragonfly.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import product_of, ratio, sum_of
from navarch.distributed.collectives.algorithms import all_reduce
from navarch.fleet.fabric import flows
from navarch.fleet.fabric.routing import Paths
from navarch.validation import simgrid_networks
from navarch.validation.report import Prediction, Skipped, row_id
from navarch.validation.rows import Row, UnpredictableError, number, text
from navarch.validation.topics import Told, Topic

if TYPE_CHECKING:
    from navarch.catalog import Catalog

COLUMNS = (
    "topology", "shape", "link_bytes_per_s", "link_latency_s", "model", "pattern", "message_bytes", "seconds",
)  # fmt: skip
TABLE = "simgrid_runs"
MOST_HOSTS = 65_536
LONG_ENOUGH = 0.1
"""A row is timed until its runs took so long together [s]."""
SIDES = {"fattree": 0, "torus": 0, "dragonfly": 4}
"""Numbers that the shape of each topology has; 0: any."""
Longs = NDArray[np.int64]
Sent = tuple[Longs, Longs, float]


@dataclass(frozen=True)
class Sharing:
    """How SimGrid corrects flows (Velho and Legrand 2009).

    latency, bandwidth: factors; payload: what each link adds to the round trip by which flows share [byte]; backward:
    share of its rate that a flow takes the other way.
    """

    latency: float = 1.0
    bandwidth: float = 1.0
    payload: float = 0.0
    backward: float = 0.0


def published(catalog: Catalog) -> Sequence[Row]:
    """The recorded runs."""
    return catalog.table(TABLE).to_dicts()


def predict_all(rows: Sequence[Row], catalog: Catalog) -> Told:
    """Simulate every row; `more` has how long that took beside SimGrid's own time."""
    predictions, skipped, clocks = [], [], []
    models = _models(catalog)
    _compiled()
    for index, row in enumerate(rows, start=1):
        name = row_id(row, index)
        try:
            measured = number(row, "seconds")
            ready = _prepared(row, models)
            predicted, took = _timed(ready)
        except UnpredictableError as reason:
            skipped.append(Skipped(name, str(reason)))
            continue
        family = f"{text(row, 'topology')}, {text(row, 'pattern')}"
        told = text(row, "note")
        predictions.append(Prediction(name, "completion [s]", measured, predicted, "assumed", family, note=told))
        clocks.append({"id": name, "navarch_s": took, **_peer(row, took)})
    return Told(predictions, skipped, {"wall": clocks})


def _timed(ready: Callable[[], float]) -> tuple[float, float]:
    """What a simulation finds, and the least time of some runs [s]: others use the machine too."""
    clocks: list[float] = []
    while sum(clocks) < LONG_ENOUGH:
        begun = time.perf_counter()
        found = ready()
        clocks.append(time.perf_counter() - begun)
    return found, min(clocks)


def _compiled() -> None:
    """Run once what is compiled, so that no row is timed with it."""
    for zone in (simgrid_networks.torus((2,)), simgrid_networks.dragonfly(1, 1, 2, 1)):
        flows.simulate(np.ones(zone.links), flows.Flows(zone.paths(np.array([0]), np.array([1])), 1.0))


def _peer(row: Row, took: float) -> dict[str, float]:
    """SimGrid's own time, where the row has it, and how many times as long it is."""
    try:
        theirs = number(row, "wall_s")
    except UnpredictableError:
        return {}
    return {"simgrid_s": theirs, "times": float(ratio(theirs, took))}


def _models(catalog: Catalog) -> dict[str, Sharing]:
    def fact(name: str) -> float:
        return float(catalog.fact("constant", f"fabric.simgrid-lv08.{name}").value)

    corrected = Sharing(*(fact(name) for name in ("latency-factor", "bandwidth-factor", "payload", "backward-share")))
    return {"CM02": Sharing(), "LV08": corrected}


def simulated(row: Row, catalog: Catalog) -> float:
    """Completion of a row's traffic [s]."""
    return _prepared(row, _models(catalog))()


def _prepared(row: Row, models: dict[str, Sharing]) -> Callable[[], float]:
    """The simulation of a row, checked, with its network built."""
    zone = zone_of(text(row, "topology"), text(row, "shape"))
    sharing = models.get(text(row, "model"))
    if sharing is None:
        raise UnpredictableError(f'model "{text(row, "model")}" is not one of {", ".join(models)}')
    pattern, message = text(row, "pattern"), number(row, "message_bytes")
    if pattern not in PATTERNS:
        raise UnpredictableError(f'pattern "{pattern}" is not one of {", ".join(PATTERNS)}')
    seed = int(number(row, "order_seed")) if pattern == "ring_random" else 0
    link = (number(row, "link_bytes_per_s"), number(row, "link_latency_s"))
    rounds = list(PATTERNS[pattern](zone.hosts, message, seed))
    return lambda: _completion(zone, sharing, *link, rounds)


def zone_of(topology: str, shape: str) -> simgrid_networks.Zone:
    """The network of a topology and its shape as a table writes it."""
    if topology not in SIDES:
        raise UnpredictableError(f'topology "{topology}" is not one of {", ".join(SIDES)}')
    parts = [part.split("x") for part in shape.replace(" ", "").split("/")]
    wanted = 2 if topology == "fattree" else 1
    unlike = UnpredictableError(f'shape "{shape}" is not one of a {topology}, such as {EXAMPLES[topology]}')
    if len(parts) != wanted or not all(side.isdigit() and int(side) > 0 for part in parts for side in part):
        raise unlike
    sides = [[int(side) for side in part] for part in parts]
    if len({len(part) for part in sides}) > 1 or (SIDES[topology] and len(sides[0]) != SIDES[topology]):
        raise unlike
    if any(np.prod([float(side) for side in part]) > MOST_HOSTS for part in sides):
        raise UnpredictableError(f'shape "{shape}" has more than {MOST_HOSTS:,} hosts')
    if topology == "fattree":
        return simgrid_networks.fat_tree(*sides)
    if topology == "torus":
        return simgrid_networks.torus(sides[0])
    if sides[0][0] > sides[0][2]:
        raise UnpredictableError(f'shape "{shape}" has more groups than routers in a chassis to join them')
    return simgrid_networks.dragonfly(*sides[0])


EXAMPLES = {"fattree": "8x8x8/1x8x8", "torus": "8x8x8", "dragonfly": "8x1x8x8"}


def _ring(hosts: int, message: float, seed: int) -> Iterator[tuple[int, Sent]]:
    yield from _rounds("ring", hosts, message, np.arange(hosts))


def _ring_random(hosts: int, message: float, seed: int) -> Iterator[tuple[int, Sent]]:
    """The order of the recorded runs is that of Python's own shuffle."""
    order = list(range(hosts))
    random.Random(seed).shuffle(order)  # noqa: S311
    yield from _rounds("ring", hosts, message, np.array(order))


def _halving_doubling(hosts: int, message: float, seed: int) -> Iterator[tuple[int, Sent]]:
    yield from _rounds("halving_doubling", hosts, message, np.arange(hosts))


def _bisection(hosts: int, message: float, seed: int) -> Iterator[tuple[int, Sent]]:
    """Everybody sends the whole message to who is half the hosts away."""
    own = np.arange(hosts)
    yield 1, (own, (own + hosts // 2) % hosts, message)


def _rounds(algorithm: str, hosts: int, message: float, place: Longs) -> Iterator[tuple[int, Sent]]:
    schedule = all_reduce(algorithm, hosts)
    for each in schedule.rounds:
        size = float(product_of(message, ratio(float(each.count[0]), schedule.chunks)))
        yield each.repeats, (place[each.source], place[each.destination], size)


PATTERNS: dict[str, Callable[[int, float, int], Iterator[tuple[int, Sent]]]] = {
    "ring": _ring,
    "ring_random": _ring_random,
    "halving_doubling": _halving_doubling,
    "bisection": _bisection,
}


def _completion(
    zone: simgrid_networks.Zone, sharing: Sharing, bandwidth: float, latency: float, rounds: list[tuple[int, Sent]]
) -> float:
    """Time of rounds with a barrier after each [s]; rounds that are alike are simulated once."""
    capacity = np.full(zone.links, bandwidth)
    known: dict[tuple[bytes, float], float] = {}
    parts = []
    for repeats, (source, destination, size) in rounds:
        key = (source.tobytes() + destination.tobytes(), size)
        if key not in known:
            made = _flows(zone.paths(source, destination), sharing, bandwidth, latency, size)
            if sharing.backward:
                made = _both_ways(made, zone.paths(destination, source), sharing.backward)
            known[key] = flows.simulate(capacity, made, group_alike=False).time
        parts.append(product_of(repeats, known[key]))
    return float(sum_of(*parts))


def _flows(paths: Paths, sharing: Sharing, bandwidth: float, latency: float, size: float) -> flows.Flows:
    """Flows that share in inverse proportion to their round trip (Casanova and Marchal 2002)."""
    hops = np.diff(paths.offsets).astype(float)
    idle = product_of(hops, latency)
    trip = sum_of(idle, product_of(hops, ratio(sharing.payload, bandwidth)))
    weight = ratio(1.0, np.where(trip > 0, trip, 1.0))
    return flows.Flows(paths, ratio(size, sharing.bandwidth), product_of(idle, sharing.latency), weight=weight)


def _both_ways(made: flows.Flows, back: Paths, share: float) -> flows.Flows:
    """Flows whose acknowledgements take a share of their rate on the way back."""
    ahead = made.paths
    lengths = np.stack([np.diff(ahead.offsets), np.diff(back.offsets)], axis=1)
    offsets = np.concatenate([[0], np.cumsum(lengths.sum(axis=1))])
    is_ahead = np.repeat(np.tile([True, False], len(ahead)), lengths.ravel())
    links, weights = np.empty(offsets[-1], np.int32), np.where(is_ahead, 1.0, share)
    links[is_ahead], links[~is_ahead] = ahead.links, back.links
    paths = Paths(offsets, links, ahead.reached, weights)
    return flows.Flows(paths, made.size, made.latency, weight=made.weight)


def _predict(row: Row, catalog: Catalog) -> Prediction:
    told = predict_all([row], catalog)
    if told.skipped:
        raise UnpredictableError(told.skipped[0].reason)
    return told.predictions[0]


TOPIC = Topic(
    "network", "Completion of flows, beside SimGrid", COLUMNS, published, _predict, predict_all=predict_all
)  # fmt: skip
