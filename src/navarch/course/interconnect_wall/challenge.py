"""The design challenge: servers, network cards of a server and the size of a tensor-parallel group, under a budget.

A design is judged by the same equations on floats (one design) and on arrays (the search over all designs), so that the
best that the search finds and the score of a student cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from navarch.core.arithmetic import difference, product_of, ratio, share_of, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.core.quantity import parse
from navarch.course.desk import reading, shelf, titled
from navarch.course.instrument import Answer, instrument
from navarch.course.interconnect_wall.tensor import MODEL_OF_TRAINING, trained_on
from navarch.course.interconnect_wall.variant import Task, menu, variant_of
from navarch.distributed.training.throughput import token_throughput, tokens_per_step
from navarch.fleet.compute.estimate import scaleout_bandwidth

if TYPE_CHECKING:
    from navarch.fleet.fabric.parts import Parts

Number = Any  # a float, a remembered value or an array

CARDS = (1, 2, 4, 8)
DEGREES = (1, 2, 4, 8)
SERVERS = tuple(range(1, 65))
COMMUNICATION = ("tensor", "context", "expert", "pipeline", "data")
"""Parts of a step that are communication which computation does not hide."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a design comes to; each a number or an array. Times [s], memory of an accelerator [byte], cost [USD]."""

    step: Number
    exposed: Number  # share of the step
    memory: Number
    cost: Number
    parts: dict[str, Number]


def servers() -> list[int]:
    """Servers of the slider."""
    return list(SERVERS)


def cards() -> list[int]:
    """Cards of a server, as the slider has them."""
    return list(CARDS)


def degrees() -> list[int]:
    """Tensor-parallel degrees of the slider."""
    return list(DEGREES)


def start() -> dict[str, int]:
    """Where the sliders begin: many servers, one card each."""
    return {"servers": SERVERS[len(SERVERS) // 2 - 1], "cards": CARDS[0], "tensor": DEGREES[0]}


def task_of(seed: int) -> Task:
    """The task of a seed."""
    return variant_of(seed).task


@lru_cache(maxsize=1)
def _parts() -> Parts:
    from navarch.fleet.fabric.parts import parts_of

    told = menu()["challenge"]
    with off_the_ledger():
        return parts_of(shelf(), told["link"], told["switch"])


@lru_cache(maxsize=1024)
def network_cost(ports: int) -> float:
    """Switches, transceivers and cables of a non-blocking network of so many cards [USD]."""
    from navarch.fleet.fabric import sizing
    from navarch.fleet.fabric.topology import build

    if ports < 2:
        return 0.0
    with off_the_ledger():
        return float(build(sizing.plan("fat-tree", ports, float(_parts().radix)), float(ports), _parts()).cost)


def _facts(node: str) -> tuple[float, float, float, float]:
    """Price of a server without its cards [USD], accelerators of it, price of a card [USD], its bandwidth [byte/s]."""
    catalog = shelf()
    entry = catalog.get("node", node)
    card = float(catalog.fact("constant", "interconnect.network-card-price"))
    link = float(catalog.fact("fabric", menu()["challenge"]["link"], "bandwidth"))
    with off_the_ledger():
        without = difference(float(entry.price), product_of(float(entry.nics), card))
    return float(without), float(entry.accelerators), card, link


def judged(task: Task, servers: Number, cards: Number, tensor: int, network: Number) -> Judged:
    """What a design comes to.

    servers, cards: of a server; tensor: degree; network: cost of switches and cables [USD]. Copies of the model in data
    parallel fill the rest.
    """
    from navarch.distributed.training.estimate import estimate
    from navarch.distributed.training.shape import Plan

    shape, hardware, runtime = trained_on(task.model, task.node)
    without, each, card, link = _facts(task.node)
    with off_the_ledger():
        copies = product_of(servers, ratio(each, float(tensor)))
        plan = Plan(
            tensor=float(tensor), pipeline=1.0, data=copies, context=1.0, expert=1.0, virtual_stages=1.0,
            microbatch=1.0, global_batch=float(task.sequences), sequence_length=float(task.sequence),
            zero_stage=task.zero_stage,
        )  # fmt: skip
        wired = replace(hardware, scaleout_bandwidth=scaleout_bandwidth(cards, link, each))
        made = estimate(shape, wired, plan, runtime)
        parts = {key: part for key, _, part in made.step.parts()}
        waiting = sum_of(*(parts[key] for key in COMMUNICATION if key in parts))
        cost = sum_of(product_of(servers, sum_of(without, product_of(cards, card))), network)
        return Judged(made.step_time, share_of(waiting, made.step_time), made.memory.peak, cost, parts)


def limits(task: Task) -> dict[str, float]:
    """What a design must keep to: cost [USD], exposed communication [fraction], memory [byte]."""
    memory = float(trained_on(task.model, task.node)[1].memory)
    return {"cost": task.budget, "exposed": parse(menu()["challenge"]["exposed"], "fraction"), "memory": memory}


@instrument
def task(seed: int) -> Answer:
    """What the challenge asks of a seed."""
    asked, catalog = task_of(seed), shelf()
    without, _, card, _ = _facts(asked.node)
    readings: dict[str, Any] = {
        "budget": ("Budget", asked.budget, "USD"),
        "exposed": ("Most exposed communication", limits(asked)["exposed"], "fraction"),
        "server": ("A server without network cards", without, "USD"),
        "card": ("A network card", card, "USD"),
        "node": ("Server", catalog.get("node", asked.node).name, "text"),
        "model": ("Model", catalog.get("model", asked.model).name, "text"),
        "sequences": ("Sequences of a step", float(asked.sequences), "1"),
        "sequence": ("Length of a sequence", float(asked.sequence), "token"),
    }
    return Answer(readings)


@instrument
def score(seed: int, servers: int, cards: int, tensor: int) -> Answer:
    """A design against the constraints of a seed's task; the score is the time of a step, and less is better."""
    asked = task_of(seed)
    found = judged(asked, float(servers), float(cards), tensor, network_cost(servers * cards))
    bounds = limits(asked)
    label = f"{servers} servers, {cards} cards each, tensor {tensor}"
    with Ledger() as ledger:
        step = ledger.observation(
            "Time of a training step", float(found.step), "s", None, None, MODEL_OF_TRAINING, label
        )
        waits = [
            ledger.observation(f"Exposed {key} communication", float(part), "s", None, None, MODEL_OF_TRAINING, label)
            for key, part in found.parts.items()
            if key in COMMUNICATION
        ]
        waiting = sum_of(*waits, unit="s", title="Communication that computation does not hide", symbol="t_wait")
        exposed = share_of(waiting, step, title="Exposed communication", symbol="f_wait")
        cost = _cost(ledger, asked.node, servers, cards)
        readings = {
            "score": reading(step.entry),
            "exposed": reading(exposed.entry),
            "waiting": reading(waiting.entry),
            "cost": reading(cost.entry),
        }
        batch = ledger.field("sequences", asked.sequences, "1", "Sequences of a step")
        length = ledger.field("sequence", asked.sequence, "token", "Length of a sequence")
        tokens = tokens_per_step(batch, length)
        readings["rate"] = reading(token_throughput(tokens, step).entry)
    rows = [
        _light("Cost", float(cost), bounds["cost"], "USD"),
        _light("Exposed communication", float(exposed), bounds["exposed"], "fraction"),
        _light("Memory of an accelerator", float(found.memory), bounds["memory"], "byte"),
    ]
    rows += [{"part": key, "time": float(part)} for key, part in found.parts.items()]
    return Answer(titled(readings, {"score": "Time of a step"}), rows)


def _cost(ledger: Ledger, node: str, servers: int, cards: int) -> Any:
    catalog = shelf()
    entry = catalog.get("node", node)
    card = ledger.fact(catalog.fact("constant", "interconnect.network-card-price"))
    count = ledger.field("servers", servers, "1", "Servers")
    fitted = ledger.field("cards", cards, "1", "Network cards of a server")
    usual = product_of(ledger.fact(entry.nics), card, unit="USD", title="Cards in the price of a server")
    without = difference(ledger.fact(entry.price), usual, unit="USD", title="Server without its cards")
    own = product_of(fitted, card, unit="USD", title="Cards of a server")
    server = sum_of(without, own, unit="USD", title="Server with its cards", symbol="c_server")
    network = ledger.observation(
        "Switches, transceivers and cables", network_cost(servers * cards), "USD", None, None,
        "fleet.fabric.topology.build", f"a fat-tree without oversubscription for {servers * cards:,} cards",
    )  # fmt: skip
    all_servers = product_of(count, server, unit="USD", title="All servers")
    return sum_of(all_servers, network, unit="USD", title="Cost of servers and network", symbol="c")


def _light(constraint: str, value: float, limit: float, unit: str) -> dict[str, Any]:
    return {
        "constraint": constraint, "value": value, "limit": limit, "unit": unit, "sense": "at most",
        "met": value <= limit,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Design:
    """A design, with its step [s]."""

    servers: int
    cards: int
    tensor: int
    step: float


@cache
def searched(task: Task) -> tuple[tuple[Judged, int], ...]:
    """Every design of the sliders: a table of servers by cards for each tensor degree."""
    count = np.array(SERVERS, float)[:, None]
    fitted = np.array(CARDS, float)[None, :]
    network = np.array([[network_cost(each * cards) for cards in CARDS] for each in SERVERS])
    with np.errstate(all="ignore"):
        return tuple((judged(task, count, fitted, degree, network), degree) for degree in DEGREES)


def met(task: Task, found: Judged) -> Any:
    """Which designs keep to every constraint."""
    bounds = limits(task)
    return (
        (found.cost <= bounds["cost"]) & (found.exposed <= bounds["exposed"]) & (found.memory <= bounds["memory"])
    )  # fmt: skip


@cache
def search(seed: int) -> Design | None:
    """The fastest of all designs that keep to every constraint of a seed's task."""
    best: Design | None = None
    asked = task_of(seed)
    for found, degree in searched(asked):
        step = np.where(met(asked, found), found.step, np.inf)
        row, column = np.unravel_index(int(np.argmin(step)), step.shape)
        if np.isfinite(step[row, column]) and (best is None or step[row, column] < best.step):
            best = Design(SERVERS[row], CARDS[column], degree, float(step[row, column]))
    return best


@instrument
def best(seed: int) -> Answer:
    """The fastest design that the library's search finds for a seed's task."""
    found = search(seed)
    if found is None:
        return Answer({"score": ("Time of a step", "no design keeps to every constraint", "text")})
    shown = score(seed=seed, servers=found.servers, cards=found.cards, tensor=found.tensor)
    readings: dict[str, Any] = {"score": shown["score"]}
    readings["servers"] = ("Servers", float(found.servers), "1")
    readings["cards"] = ("Network cards of a server", float(found.cards), "1")
    readings["tensor"] = ("Tensor-parallel group", float(found.tensor), "1")
    readings |= {key: shown[key] for key in ("cost", "exposed")}
    return Answer(readings, shown.rows)


@instrument
def landscape(seed: int, tensor: int) -> Answer:
    """Step, cost and exposed communication of every number of servers and cards at one tensor-parallel degree."""
    asked = task_of(seed)
    found = next(table for table, degree in searched(asked) if degree == tensor)
    kept = met(asked, found)
    rows = [
        {
            "servers": SERVERS[row], "cards": cards, "step": float(found.step[row, column]),
            "cost": float(found.cost[row, column]), "exposed": float(found.exposed[row, column]),
            "met": bool(kept[row, column]),
        }
        for column, cards in enumerate(CARDS)
        for row in range(len(SERVERS))
    ]  # fmt: skip
    bounds = limits(asked)
    readings = {
        "budget": ("Budget", bounds["cost"], "USD"),
        "exposed": ("Most exposed communication", bounds["exposed"], "fraction"),
    }
    return Answer(readings, rows)
