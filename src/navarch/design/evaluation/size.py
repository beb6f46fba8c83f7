"""The size of the training fleet, where the design file leaves it out: the least cost that meets the deadline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from navarch.core.arithmetic import product_of
from navarch.core.ledger import Value
from navarch.design.errors import DesignError
from navarch.design.evaluation.cluster import Fleet, fleet_of
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.parallelism import runtime_of, search
from navarch.design.evaluation.workload import Workload
from navarch.fleet.compute.estimate import accelerators_of, nodes_for

CANDIDATES = ("dgx-a100-640", "dgx-h100", "dgx-h200", "dgx-b200")
STEPS = (1.0, 1.25, 1.5, 1.75)
DOUBLINGS = 12  # up to 7,168 nodes


@dataclass(frozen=True)
class Sized:
    """A fleet that was tried: node, count, and what the run takes and costs on it."""

    node: str
    nodes: int
    useful_time: float
    cost: float


def fleet(desk: Desk, workload: Workload) -> Fleet:
    """The training fleet: as given, or the cheapest that meets the deadline."""
    if desk.given("cluster.node"):
        node = desk.look("node", str(desk.text("cluster.node")), "cluster.node")
    else:
        node = desk.catalog.get("node", _best(desk, workload).node)
        desk.labels["node_chosen"] = "the cheapest that meets the deadline"
    nodes, accelerators = _count(desk, workload, node)
    return fleet_of(desk, node, nodes, accelerators, workload.precision)


def _count(desk: Desk, workload: Workload, node: Any) -> tuple[Value, Value]:
    per_node = desk.need(node, "accelerators", "cluster.node")
    if desk.given("cluster.accelerators"):
        accelerators = desk.field("cluster.accelerators")
        if float(accelerators) > float(per_node) and float(accelerators) % float(per_node):
            raise DesignError(
                "cluster.accelerators",
                f"{float(accelerators):g} is not a whole number of nodes of {float(per_node):g} accelerators",
            )
        return nodes_for(accelerators, per_node), accelerators
    if desk.given("cluster.nodes"):
        nodes = desk.field("cluster.nodes")
    else:
        best = _smallest(desk, workload, node.id)
        nodes = desk.choose(
            "cluster.nodes", best.nodes, "1", "the fewest nodes, of those tried, that meet the deadline"
        )
    return nodes, accelerators_of(nodes, per_node)


def _best(desk: Desk, workload: Workload) -> Sized:
    """The cheapest of the candidate nodes."""
    count = desk.field("cluster.nodes") if desk.given("cluster.nodes") else None
    found = []
    for name in CANDIDATES:
        try:
            found.append(
                _try(desk, workload, name, int(count)) if count is not None else _smallest(desk, workload, name)
            )
        except DesignError:
            continue
    if not found:
        raise DesignError(
            "cluster.node", f"no fleet of {', '.join(CANDIDATES)} meets the deadline; give a node, or a later deadline"
        )
    return min(found, key=lambda s: s.cost)


def _smallest(desk: Desk, workload: Workload, name: str) -> Sized:
    """The fewest nodes that meet the deadline at the planned goodput; without one, the fewest that hold the model."""
    allowed = float("inf")
    if desk.given("workload.deadline"):
        share = desk.constant("design.planned-goodput")
        allowed = float(
            product_of(desk.field("workload.deadline"), share, unit="s", title="Useful time before the deadline")
        )
    problem: DesignError | None = None
    for nodes in _counts():
        try:
            tried = _try(desk, workload, name, nodes)
        except DesignError as error:
            problem = error
            continue
        if tried.useful_time <= allowed:
            return tried
    raise problem or DesignError(
        "cluster.nodes", f"no count of {name} tried, up to {_counts()[-1]:,} nodes, meets the deadline"
    )


def _counts() -> list[int]:
    """Node counts worth trying: powers of two with quarter steps between, whole numbers only."""
    return sorted({int(2**k * s) for k in range(DOUBLINGS + 1) for s in STEPS if 2**k * s == int(2**k * s)})


def _try(desk: Desk, workload: Workload, name: str, nodes: int) -> Sized:
    """One size: off the ledger, so that what was tried and dropped leaves no entries."""
    from navarch.core.ledger import Ledger
    from navarch.design.evaluation.prices import node_price

    with Ledger() as scratch:
        own = Desk(desk.spec, desk.catalog, scratch)
        node = desk.catalog.get("node", name)
        count = scratch.choice("cluster.nodes", nodes, "1", "Nodes tried", "search")
        fleet = fleet_of(
            own, node, count, accelerators_of(count, own.need(node, "accelerators", "cluster.node")), workload.precision
        )
        found = search(own, workload, fleet, runtime_of(own, workload, fleet))
        tokens = float(workload.tokens) if workload.tokens is not None else 0.0
        per_step = float(workload.batch) * float(workload.sequence)
        price = float(node_price(own, node))
    useful = tokens / per_step * found.best.step_time
    return Sized(name, nodes, useful, price * nodes * useful)
