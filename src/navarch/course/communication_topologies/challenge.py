"""The design challenge: a fabric and a placement for three jobs that run at once, as cheaply as their limits allow.

All jobs send at the same time: the flows of every collective start together and share the links fairly, so that a job
pays for its neighbours. The search tries every design that the controls can make.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.arithmetic import ceil_div, product_of, ratio
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.core.quantity import parse
from navarch.course.communication_topologies import fabrics
from navarch.course.communication_topologies.fabrics import DRAGONFLY, ROUTING, parts_named
from navarch.course.communication_topologies.variant import menu, variant_of
from navarch.course.desk import reading, shelf
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, instrument

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from navarch.fleet.fabric.graph import Network


TRAINING, EXPERTS, SEARCH = "training", "experts", "search"
JOBS = {TRAINING: "Training, ring all-reduce", EXPERTS: "Experts, all-to-all", SEARCH: "Search, halving-doubling"}
MESSAGES = {TRAINING: "gradient", EXPERTS: "tokens", SEARCH: "index"}
COLLECTIVES = {
    TRAINING: ("all_reduce", "ring"), EXPERTS: ("all_to_all", "pairwise"), SEARCH: ("all_reduce", "halving_doubling"),
}  # fmt: skip
PLACEMENTS = {
    "packed": "job by job, in order",
    "dealt": "dealt out, a host of each leaf in turn",
    "random": "wherever a host is free",
}


@dataclass(frozen=True, slots=True)
class Job:
    """A job: how many hosts, its message [byte], and how long its collective may take [s]."""

    name: str
    hosts: int
    message: float
    limit: float


@dataclass(frozen=True, slots=True)
class Design:
    """A fabric by its name, a placement, and the order of the jobs."""

    fabric: str
    placement: str
    order: str


def fabric_names() -> dict[str, str]:
    """Fabrics that may be chosen."""
    ratios = {f"leaves-{each}": f"fat-tree, {each} : 1" for each in menu()["challenge"]["ratios"]}
    return {**ratios, "torus-2": "2-D torus", "torus-3": "3-D torus", DRAGONFLY: DRAGONFLY}


def placements() -> dict[str, str]:
    """Ways to place the jobs."""
    return dict(PLACEMENTS)


def orders() -> dict[str, str]:
    """Which job takes its hosts first."""
    every = itertools.permutations(JOBS)
    return {"-".join(each): ", then ".join(each) for each in every}


def start() -> Design:
    """Where the controls begin."""
    return Design("leaves-1", "random", next(iter(orders())))


@cache
def jobs_of(seed: int) -> tuple[Job, ...]:
    """The jobs of a seed's task; a limit is a multiple of what the collective takes with nothing in the way."""
    task, told = variant_of(seed).task, menu()["challenge"]
    mix, slack = told["mixes"][task.mix], told["slack"][task.slack]
    found = []
    for name in JOBS:
        message, hosts = parse(mix[MESSAGES[name]], "byte"), int(mix[name])
        with off_the_ledger():
            limit = float(product_of(float(slack[name]), alone(name, hosts, message)))
        found.append(Job(name, hosts, message, limit))
    return tuple(found)


def _rate() -> float:
    return float(parts_named(menu()["challenge"]["parts"]).link_bandwidth)


@lru_cache(maxsize=64)
def alone(name: str, hosts: int, message: float) -> float:
    """Time of a job's collective where only one link of its busiest host limits it [s]."""
    from navarch.distributed.collectives.estimate import bandwidth_bound

    source, target, share = _pairs(name, hosts)
    busiest = max(float(np.bincount(end, share).max()) for end in (source, target))
    with off_the_ledger():
        return float(bandwidth_bound(float(product_of(message, busiest)), _rate()))


@lru_cache(maxsize=16)
def network_of(fabric: str) -> Network:
    """A fabric of the challenge."""
    from navarch.fleet.fabric import clos_graph
    from navarch.fleet.fabric.placement import hall_of, placed, wires_of

    told = menu()["challenge"]
    hosts, parts = int(told["hosts"]), str(told["parts"])
    if fabric not in fabric_names():
        raise CourseError(f"fabric: {fabric!r} is not one of {', '.join(fabric_names())}")
    kind, _, number = fabric.partition("-")
    if kind != "leaves":
        return fabrics.fabric(kind, hosts, int(number or 2), parts, _rate())
    leaf_hosts, made_of = int(told["leaf_hosts"]), parts_named(parts)
    with off_the_ledger():
        uplinks = int(ceil_div(leaf_hosts, int(number)))
        leaves = int(ceil_div(hosts, leaf_hosts))
        spines = int(ceil_div(product_of(uplinks, leaves), int(menu()["ports"])))
        made = clos_graph.leaf_spine(leaves, leaf_hosts, spines, uplinks, wires_of(made_of))
        return placed(made, hall_of(shelf()), made_of)


@lru_cache(maxsize=16)
def price_of(fabric: str) -> float:
    """What a fabric of the challenge costs [USD]."""
    bill = fabrics.bill_of(network_of(fabric))
    with off_the_ledger():
        return float(product_of(bill.by_rate, _rate())) + bill.fixed


def seats(design: Design, jobs: tuple[Job, ...]) -> dict[str, NDArray[np.int64]]:
    """The hosts of each job, in the order of its ranks."""
    told = menu()["challenge"]
    hosts, leaf_hosts = int(told["hosts"]), int(told["leaf_hosts"])
    line = np.arange(hosts)
    if design.placement == "dealt":
        line = line.reshape(-1, leaf_hosts).T.ravel()
    elif design.placement == "random":
        line = np.random.default_rng(int(told["draw"])).permutation(hosts)
    elif design.placement != "packed":
        raise CourseError(f"placement: {design.placement!r} is not one of {', '.join(PLACEMENTS)}")
    if design.order not in orders():
        raise CourseError(f"order: {design.order!r} is not one of {', '.join(orders())}")
    found, taken = {}, 0
    by_name = {job.name: job for job in jobs}
    for name in design.order.split("-"):
        found[name] = line[taken : taken + by_name[name].hosts]
        taken += by_name[name].hosts
    return found


@lru_cache(maxsize=2048)
def _times(design: Design, sizes: tuple[tuple[str, int, float], ...]) -> dict[str, float]:
    jobs = tuple(Job(name, hosts, message, np.inf) for name, hosts, message in sizes)
    return _run(design, jobs)


def times_of(design: Design, jobs: tuple[Job, ...]) -> dict[str, float]:
    """Time of each job's collective where all start at once and share the links [s]."""
    return _times(design, tuple((job.name, job.hosts, job.message) for job in jobs))


def _run(design: Design, jobs: tuple[Job, ...]) -> dict[str, float]:
    """Simulate the flows of all jobs together: between each two hosts what the whole collective sends there."""
    from navarch.fleet.fabric import flows
    from navarch.fleet.fabric.routing import router_for

    network, places = network_of(design.fabric), seats(design, jobs)
    source, target, size, owner = [], [], [], []
    for number, job in enumerate(jobs):
        pairs = _pairs(job.name, job.hosts)
        source.append(places[job.name][pairs[0]])
        target.append(places[job.name][pairs[1]])
        size.append(pairs[2])
        owner.append(np.full(len(pairs[0]), number))
    starts, ends = np.concatenate(source), np.concatenate(target)
    owners = np.concatenate(owner)
    with off_the_ledger():
        sizes = product_of(np.concatenate(size), np.asarray([job.message for job in jobs])[owners])
        policy = ROUTING.get(design.fabric.partition("-")[0], "spray")
        paths = router_for(network, policy).paths(starts, ends, sizes)
        made = flows.Flows(paths, sizes, flows.latency_of(paths, network.delay))
        done = flows.simulate(network.capacity, made).end
    return {job.name: float(done[owners == number].max()) for number, job in enumerate(jobs)}


@lru_cache(maxsize=64)
def _pairs(name: str, hosts: int) -> tuple[Any, Any, Any]:
    """Who sends to whom how much of the message in a whole collective, as its schedule has it."""
    from navarch.distributed.collectives.algorithms import schedule_of

    schedule = schedule_of(*COLLECTIVES[name], hosts)
    sent = np.zeros((hosts, hosts))
    for each in schedule.rounds:
        np.add.at(sent, (each.source, each.destination), each.count * each.repeats)
    source, target = np.nonzero(sent)
    with off_the_ledger():
        return source, target, ratio(sent[source, target], schedule.chunks)


@instrument
def score(seed: int, fabric: str, placement: str, order: str) -> Answer:
    """A design against the limits of a seed's jobs; the score is the price of its fabric, and less is better."""
    design, jobs = Design(fabric, placement, order), jobs_of(seed)
    times = times_of(design, jobs)
    rows: list[dict[str, Any]] = []
    with Ledger() as ledger:
        cost = ledger.observation(
            f"Price of the {fabric_names()[fabric]}", price_of(fabric), "USD", None, None,
            "course.communication_topologies.fabrics.bill_of", "switches by their ports, cables by their length",
        )  # fmt: skip
        readings: dict[str, Any] = {"score": reading(cost.entry)}
        for job in jobs:
            run = ledger.observation(
                JOBS[job.name], times[job.name], "s", None, None, "fleet.fabric.flows.simulate", "all jobs at once"
            )  # fmt: skip
            free = ledger.observation(
                f"{JOBS[job.name]}, with a link for itself", alone(job.name, job.hosts, job.message), "s", None, None,
                "distributed.collectives.estimate.bandwidth_bound", "",
            )  # fmt: skip
            longer = ratio(run, free, unit="1", title=f"{JOBS[job.name]}: times as long as with nothing in its way")
            readings[job.name] = reading(run.entry)
            readings[f"{job.name}_longer"] = reading(longer.entry)
            rows.append({"constraint": JOBS[job.name], "value": times[job.name], "limit": job.limit, "unit": "s",
                         "sense": "at most", "met": times[job.name] <= job.limit})  # fmt: skip
    return Answer(readings, rows)


@cache
def search(seed: int) -> tuple[Design, float]:
    """The cheapest of all designs that meets every limit of a seed's jobs, of equally cheap ones the quickest."""
    jobs = jobs_of(seed)
    best: tuple[float, float, Design] | None = None
    for fabric in sorted(fabric_names(), key=price_of):
        if best is not None and price_of(fabric) > best[0]:
            break
        for placement, order in itertools.product(PLACEMENTS, orders()):
            design = Design(fabric, placement, order)
            times = times_of(design, jobs)
            found = (price_of(fabric), max(times.values()), design)
            if all(times[job.name] <= job.limit for job in jobs) and (best is None or found[:2] < best[:2]):
                best = found
    if best is None:
        raise CourseError(f"no design meets the limits of the jobs of seed {seed}")
    return best[2], best[0]


@instrument
def best(seed: int) -> Answer:
    """The cheapest design that the library's search finds for a seed's jobs."""
    design, _ = search(seed)
    shown = score(seed=seed, fabric=design.fabric, placement=design.placement, order=design.order)
    readings: dict[str, Any] = {"score": shown["score"]}
    readings["fabric"] = ("Fabric", fabric_names()[design.fabric], "text")
    readings["placement"] = ("Placement", PLACEMENTS[design.placement], "text")
    readings["order"] = ("Order of the jobs", orders()[design.order], "text")
    readings |= {name: shown[name] for name in JOBS}
    return Answer(readings, shown.rows)


@instrument
def landscape(seed: int, placement: str, order: str) -> Answer:
    """Every fabric with one placement: its price, and whether the jobs keep their limits."""
    jobs = jobs_of(seed)
    rows = []
    for fabric, name in fabric_names().items():
        times = times_of(Design(fabric, placement, order), jobs)
        missed = [JOBS[job.name].partition(",")[0].lower() for job in jobs if times[job.name] > job.limit]
        rows.append({"fabric": name, "price": price_of(fabric), "missed": ", ".join(missed) or "none",
                     "kept": not missed, **times})  # fmt: skip
    return Answer({}, sorted(rows, key=lambda row: float(row["price"])))


@instrument
def task(seed: int) -> Answer:
    """The jobs of a seed's task, and their limits."""
    rows = [
        {"job": JOBS[job.name], "hosts": job.hosts, "message": job.message, "limit": job.limit}
        for job in jobs_of(seed)
    ]  # fmt: skip
    return Answer({}, rows)
