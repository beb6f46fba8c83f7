"""The design challenge: model size, tokens and fleet that reach a loss by a deadline within a compute budget, cheaply.

A design is judged by the same equations on floats (one design, with its derivation) and on arrays (the search over all
designs), so that the best that the search finds and the score of a student cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from navarch.core.arithmetic import ceil_div, difference, margin_below, product_of, ratio, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger
from navarch.course.desk import reading, shelf, titled
from navarch.course.instrument import Answer, instrument
from navarch.course.scale_wall.failures import node_rate, node_size
from navarch.course.scale_wall.variant import menu, variant_of
from navarch.course.scale_wall.wall import PRECISION
from navarch.distributed.faults import estimate as faults
from navarch.fleet.scale import estimate, laws, strong_scaling
from navarch.fleet.scale.fits import parametric_constants
from navarch.fleet.scale.optimum import parametric
from navarch.fleet.scale.question import DEFAULT_LAW

Number = Any  # a float, a remembered value or an array

STEPS_OF_TEN = (
    1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.35, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1, 2.2, 2.3, 2.4, 2.6, 2.8, 3.0,
    3.2, 3.4, 3.6, 3.8, 4.0, 4.2, 4.5, 4.8, 5.0, 5.4, 5.8, 6.2, 6.6, 7.0, 7.5, 8.0, 8.5, 9.0, 9.5,
)  # fmt: skip
NODES = 12_288  # the largest fleet that is searched
SIZES = 200  # model sizes that are searched


def sizes() -> list[float]:
    """Model sizes of the slider [parameter]."""
    return [step * ten for ten in (1e10, 1e11) for step in STEPS_OF_TEN] + [1e12]


def amounts() -> list[float]:
    """Training tokens of the slider [token]."""
    return [step * ten for ten in (1e12, 1e13) for step in STEPS_OF_TEN] + [1e14]


def fleets() -> list[float]:
    """Accelerators of the slider, whole nodes."""
    each = int(float(node_size(str(menu()["record"]))))
    return sorted({float(round(step * ten / each) * each) for ten in (1e3, 1e4) for step in STEPS_OF_TEN})


def start_size() -> float:
    """Where the slider of the size begins."""
    return sizes()[len(sizes()) // 2]


def start_amount() -> float:
    """Where the slider of the tokens begins."""
    return amounts()[len(amounts()) // 2]


def start_fleet() -> float:
    """Where the slider of the fleet begins."""
    return fleets()[len(fleets()) // 2]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a design is judged with: the task, and the facts behind it."""

    compute: Number
    deadline: Number
    loss: Number
    price: Number
    peak: Number
    utilisation: Number
    floor: Number
    batch: Number
    sequence: Number
    state: Number  # of a parameter [byte]
    memory: Number  # of an accelerator [byte]
    node: Number
    rate: Number  # of failures of a node [1/s]
    restart: Number
    checkpoint: Number
    law: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a design comes to; each a number, an array or a remembered value, as the design was."""

    compute: Number
    loss: Number
    step: Number
    goodput: Number
    time: Number
    least: Number  # accelerators that hold the model states
    most: Number  # accelerators over which the batch divides
    cost: Number


def terms_of(seed: int, ledger: Ledger) -> Terms:
    """The terms of a seed's task, entered in a ledger."""
    task = variant_of(seed).task
    catalog = shelf()

    def constant(name: str) -> Number:
        return ledger.fact(catalog.fact("constant", name))

    budget = ledger.field("compute", task.compute, "FLOP", "Compute budget")
    enough = ledger.field("enough", float(menu()["challenge"]["enough"]), "fraction", "Share that must be enough")
    needed = product_of(budget, enough, unit="FLOP", title="Compute that is enough for the loss")
    chip = catalog.get("accelerator", task.accelerator)
    record = str(menu()["record"])
    return Terms(
        compute=budget,
        deadline=ledger.field("deadline", task.deadline, "s", "Deadline"),
        loss=parametric(needed, catalog, DEFAULT_LAW, ledger.fact).loss,
        price=ledger.fact(catalog.fact("price", task.price)),
        peak=ledger.fact(catalog.fact("accelerator", task.accelerator, PRECISION)),
        utilisation=constant("scale.utilisation"),
        floor=constant("scale.step-floor"),
        batch=constant("design.global-batch-tokens"),
        sequence=constant("design.sequence-length"),
        state=sum_of(
            constant("scale.weight-bytes"), constant("training.gradient-bytes"), constant("training.optimiser-bytes"),
            unit="byte", title="Bytes of model state a parameter", symbol="b_state",
        ),
        memory=ledger.fact(chip.memory),
        node=ledger.fact(node_size(record)),
        rate=node_rate(ledger, record),
        restart=constant("faults.restart-time"),
        checkpoint=constant("faults.asynchronous-stall"),
        law=parametric_constants(catalog, DEFAULT_LAW, ledger.fact),
    )  # fmt: skip


def judged(terms: Terms, parameters: Number, tokens: Number, accelerators: Number) -> Judged:
    """What a design comes to. parameters [parameter]; tokens [token]; accelerators: of the fleet."""
    work = estimate.dense_training_compute(parameters, terms.batch, title="Work of a step", symbol="W")
    step = strong_scaling.step_time_with_floor(work, accelerators, terms.peak, terms.utilisation, terms.floor)
    steps = ratio(tokens, terms.batch, unit="1", title="Optimiser steps", symbol="k")
    useful = product_of(steps, step, unit="s", title="Time of the run without failures", symbol="T_work")
    nodes = ratio(accelerators, terms.node, unit="1", title="Nodes of the fleet", symbol="n")
    mttf = faults.job_mttf(nodes, terms.rate)
    costs = (faults.daly_interval(terms.checkpoint, mttf), terms.checkpoint, terms.restart, mttf)
    time = faults.completion_time(useful, *costs)
    states = product_of(parameters, terms.state, unit="byte", title="Model states", symbol="M_state")
    least = ceil_div(states, terms.memory, title="Accelerators that hold the model states", symbol="m")
    return Judged(
        compute=estimate.dense_training_compute(parameters, tokens),
        loss=laws.chinchilla_loss(parameters, tokens, *terms.law),
        step=step,
        goodput=faults.goodput(*costs),
        time=time,
        least=least,
        most=strong_scaling.most_accelerators(terms.batch, terms.sequence, least),
        cost=product_of(accelerators, time, terms.price, unit="USD", title="Rent of the fleet", symbol="c_run"),
    )


@instrument
def task(seed: int) -> Answer:
    """What the challenge asks of a seed."""
    with Ledger() as ledger:
        terms = terms_of(seed, ledger)
        readings: dict[str, Any] = {
            name: reading(getattr(terms, name).entry) for name in ("compute", "deadline", "loss", "price")
        }
        readings["reducible"] = reading(laws.reducible_loss(terms.loss, terms.law[0]).entry)
    readings["accelerator"] = (
        "Accelerator",
        shelf().get("accelerator", variant_of(seed).task.accelerator).name,
        "text",
    )
    return Answer(readings)


@instrument
def score(seed: int, parameters: float, tokens: float, accelerators: float) -> Answer:
    """A design against the constraints of a seed's task; the score is its rent, and less is better."""
    with Ledger() as ledger:
        terms = terms_of(seed, ledger)
        design = [
            ledger.field("parameters", parameters, "parameter", "Parameters of the model"),
            ledger.field("tokens", tokens, "token", "Training tokens"),
            ledger.field("accelerators", accelerators, "1", "Accelerators of the fleet"),
        ]
        found = judged(terms, *design)
        reducible = [laws.reducible_loss(each, terms.law[0]) for each in (found.loss, terms.loss)]
        rows = [
            _row("Compute", found.compute, terms.compute, "FLOP", "at most"),
            _row("Loss above the irreducible", reducible[0], reducible[1], "1", "at most"),
            _row("Time, failures included", found.time, terms.deadline, "s", "at most"),
            _row("Fleet that holds the model", design[2], found.least, "1", "at least"),
            _row("Fleet over which the batch divides", design[2], found.most, "1", "at most"),
        ]
        values = {
            "score": found.cost,
            "loss": found.loss,
            "compute": found.compute,
            "time": found.time,
            "step": found.step,
            "goodput": found.goodput,
            "spare": margin_below(terms.deadline, found.time, title="Time to spare, as a share of the deadline"),
        }
        readings = {key: reading(value.entry) for key, value in values.items()}
    titles = {"loss": "Loss", "compute": "Compute", "time": "Time, failures included", "goodput": "Useful time"}
    return Answer(titled(readings, titles), rows)


def _row(constraint: str, value: float, limit: float, unit: str, sense: str) -> dict[str, Any]:
    met = float(value) <= float(limit) if sense == "at most" else float(value) >= float(limit)
    return {
        "constraint": constraint, "value": float(value), "limit": float(limit), "unit": unit, "sense": sense,
        "met": met,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Design:
    """A design of plain numbers, with its rent [USD]."""

    parameters: float
    tokens: float
    accelerators: float
    cost: float


@cache
def search(seed: int) -> Design:
    """The cheapest design that meets every constraint of a seed's task.

    Every whole number of nodes, and model sizes closely spaced and those of the slider; for each size the fewest tokens
    that reach the loss, since more only cost. The slider's designs are never better.
    """
    terms = plain_terms(seed)
    size = np.unique(np.concatenate([sizes(), np.geomspace(sizes()[0], sizes()[-1], SIZES)]))[:, None]
    fleet = terms.node * np.arange(1.0, NODES + 1)[None, :]
    with off_the_ledger(), np.errstate(all="ignore"):
        tokens = fewest_tokens(terms, size)
        found = judged(terms, size, tokens, fleet)
        met = (
            (found.compute <= terms.compute) & (found.time <= terms.deadline) & (fleet >= found.least)
            & (fleet <= found.most)
        )  # fmt: skip
    cost = np.where(met, found.cost, np.inf)
    place = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return Design(*(float(each[place]) for each in np.broadcast_arrays(size, tokens, fleet, cost)))


def fewest_tokens(terms: Terms, size: Number) -> Number:
    """The fewest tokens with which models of a size reach the loss; infinite where none do."""
    irreducible, parameter_scale, token_scale, parameter_exponent, token_exponent = terms.law
    reducible = laws.reducible_loss(terms.loss, irreducible)
    left = difference(reducible, _term(parameter_scale, size, parameter_exponent))
    return np.where(left > 0, laws.size_at_term(np.maximum(left, 0), token_scale, token_exponent), np.inf)


def _term(scale: float, size: Number, exponent: float) -> Number:
    """The part of the loss that a size leaves: the law with endless tokens."""
    return laws.chinchilla_loss(size, np.inf, 0.0, scale, 0.0, exponent, 1.0)


def plain_terms(seed: int) -> Terms:
    """The terms of a seed's task as plain numbers."""
    with Ledger() as ledger:
        terms = terms_of(seed, ledger)
    numbers: dict[str, Any] = {name: getattr(terms, name) for name in Terms.__dataclass_fields__ if name != "law"}
    plain: dict[str, Any] = {name: float(value) for name, value in numbers.items()}
    return Terms(**plain, law=tuple(float(part) for part in terms.law))


@instrument
def best(seed: int) -> Answer:
    """The cheapest design that the library's search finds for a seed's task."""
    found = search(seed)
    shown = score(seed=seed, parameters=found.parameters, tokens=found.tokens, accelerators=found.accelerators)
    readings: dict[str, Any] = {"score": shown["score"]}
    readings["parameters"] = ("Parameters", found.parameters, "parameter")
    readings["tokens"] = ("Tokens", found.tokens, "token")
    readings["accelerators"] = ("Accelerators", found.accelerators, "1")
    readings |= {key: shown[key] for key in ("time", "compute", "loss")}
    return Answer(readings, shown.rows)


@instrument
def landscape(seed: int, accelerators: float) -> Answer:
    """Rent and time of fleets that reach the loss, each with the model and tokens that cost it least."""
    terms = plain_terms(seed)
    size = np.asarray(sizes())[:, None]
    fleet = np.unique([*fleets(), accelerators])[None, :]
    with off_the_ledger(), np.errstate(all="ignore"):
        found = judged(terms, size, fewest_tokens(terms, size), fleet)
    cost = np.where(found.compute <= terms.compute, found.cost, np.inf)
    cheapest = np.argmin(cost, axis=0)
    rows = [
        {
            "accelerators": float(fleet[0, place]), "cost": float(cost[row, place]),
            "time": float(found.time[row, place]), "parameters": float(size[row, 0]),
        }
        for place, row in enumerate(cheapest)
    ]  # fmt: skip
    return Answer({"deadline": ("Deadline", terms.deadline, "s")}, [row for row in rows if np.isfinite(row["cost"])])
