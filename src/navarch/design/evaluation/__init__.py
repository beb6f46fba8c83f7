"""A design file in, every number with its derivation out: sections in the order in which they rest on each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from navarch.core.arithmetic import product_of
from navarch.core.ledger import EquationError, Ledger, Value
from navarch.core.uncertainty import Uncertainty, propagate
from navarch.design.errors import DesignError
from navarch.design.evaluation import (
    carbon,
    cluster,
    cost,
    edge,
    fabric,
    faults,
    operations,
    orchestration,
    parallelism,
    safety,
    serving,
    size,
    storage,
    workload,
)
from navarch.design.evaluation.cluster import Fleet
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.faults import Faults
from navarch.design.evaluation.result import Alternative, Constraint, Curve, Decision, Evaluation
from navarch.design.evaluation.serving import Service
from navarch.design.evaluation.storage import Store
from navarch.design.evaluation.workload import Workload

if TYPE_CHECKING:
    from navarch.catalog import Catalog
    from navarch.design.spec import Design

SAMPLES = 10_000

__all__ = ["Alternative", "Constraint", "Curve", "Decision", "Evaluation", "evaluate"]


def evaluate(spec: Design, catalog: Catalog) -> Evaluation:
    """Evaluate a design.

    Raises DesignError naming the field where the design cannot be evaluated as written, CatalogError where it names
    what the catalog does not have.
    """
    ledger = Ledger()
    desk = Desk(spec, catalog, ledger)
    with ledger:
        try:
            _sections(desk)
        except EquationError as error:
            raise DesignError("", f"this design has no answer: {error}") from error
    _note_exceeded(desk)
    reported = [*desk.quantities.values(), *(c.margin for c in desk.constraints)]
    found = propagate(ledger, SAMPLES, int(spec.seed or 1), [value.entry for value in reported])
    constraints = tuple(_with_probability(desk, c, found) for c in desk.constraints)
    return Evaluation(
        spec,
        ledger,
        desk.quantities,
        desk.decisions,
        constraints,
        desk.curves,
        desk.labels,
        found,
        tuple(desk.warnings),
    )


def _with_probability(desk: Desk, constraint: Constraint, found: Uncertainty) -> Constraint:
    """The constraint with the share of samples in which it is met."""
    share = desk.ledger.observation(
        f"Share of the samples that meet: {constraint.title}",
        found.share_at_least(constraint.margin.entry, 0.0),
        "fraction",
        None,
        None,
        "replay of this ledger on samples of its uncertain inputs",
        f"{found.count} samples, seed {found.seed}",
    )
    return replace(constraint, probability=share)


def _sections(desk: Desk) -> None:
    """Every section that the design has, each resting on those before it."""
    trained = workload.evaluate(desk)
    fleet = joined = store = failed = None
    duration: Value | None = None
    if desk.spec.trains:
        fleet = size.fleet(desk, trained)
        cluster.put_cluster(desk, fleet)
        joined = fabric.choose(desk, fleet)
        store, failed = _training(desk, trained, fleet)
        duration = desk.quantities["training.duration"]
    service = serving.evaluate(desk) if desk.spec.serves else None
    site = carbon.site_of(desk, duration)
    spares = failed.spares if failed is not None else None
    drawing = carbon.parties(desk, fleet, joined, store, spares, duration, service)
    carbon.evaluate(desk, site, drawing, trained.tokens, service)
    cost.evaluate(desk, site, drawing, fleet, joined, store, service)
    _rest(desk, trained, fleet, failed, service, site)


def _training(desk: Desk, trained: Workload, fleet: Fleet) -> tuple[Store, Faults]:
    plan = parallelism.evaluate(desk, trained, fleet)
    store = storage.evaluate(desk, trained, fleet, plan)
    return store, faults.evaluate(desk, fleet, store, plan.work)


def _rest(
    desk: Desk,
    trained: Workload,
    fleet: Fleet | None,
    failed: Faults | None,
    service: Service | None,
    site: carbon.Site,
) -> None:
    """What rests on cost and on the whole fleet: orchestration, edge, operations, privacy, robustness, fairness."""
    if fleet is not None and failed is not None:
        orchestration.evaluate(desk, fleet, desk.quantities["cost.per_accelerator_time"])
        time = product_of(
            fleet.accelerators,
            desk.quantities["training.useful_time"],
            unit="s",
            title="Accelerator time of the run",
            symbol="T_acc",
        )
        safety.privacy(desk, trained, time)
        safety.robustness(desk, trained, fleet.accelerators, time, failed, service)
    if service is None:
        return
    if fleet is not None:
        orchestration.put_lending(desk, service.accelerators)
    node = service.node
    rate = failed.node_rate if failed is not None else faults.node_rate(desk, _as_fleet(desk, service))
    operations.evaluate(desk, service, rate)
    desk.labels["serving_node_id"] = node.id
    if desk.given("edge"):
        edge.evaluate(desk, service, site.pue)
    safety.fairness(desk, site, service)


def _as_fleet(desk: Desk, service: Service) -> Fleet:
    """The serving nodes, as far as their failure rate is concerned."""
    return size.fleet_of(desk, service.node, service.nodes, service.accelerators, "bf16")


def _note_exceeded(desk: Desk) -> None:
    """Say which equations were used outside their stated validity, each once."""
    for entry in desk.ledger.exceeded():
        told = f"{entry.title}: outside the validity of its equation ({entry.valid})"
        if told not in desk.warnings:
            desk.warnings.append(told)
