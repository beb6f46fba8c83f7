"""The training step on each fabric, all parallel groups at once on its graph: run off the ledger, then observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import relative_change
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import observe

if TYPE_CHECKING:
    from navarch.design.evaluation.fabric import Built
    from navarch.design.evaluation.result import Evaluation
    from navarch.distributed.training.on_fabric import Comparison, FormGroups, Outcome

MOST_ENDPOINTS = 20_000  # simulated: at more, the tables of routes take minutes and gigabytes
MANY_ENDPOINTS = 4_096  # from which on one seed of a routing that draws lots is enough to wait for
SEEDS, FIRST_SEED = 3, 0
WORKERS = 4
SAME = 1e-9
ROUTINGS = {
    "adaptive": "by load (adaptive)",
    "ecmp": "by a hash (ECMP)",
    "modulo": "by destination",
    "dimension-order": "dimension by dimension",
    "ugal": "by load, detours allowed (UGAL)",
}
FAMILIES = {
    "torus": dict.fromkeys(("adaptive", "ecmp", "modulo"), "dimension-order"),
    "dragonfly": {"adaptive": "ugal"},
}
"""How a family's own routing is called, where a design asks for one of the general ones."""
HASHED, ADAPTIVE, SCATTERED = "hashed", "adaptive", "scattered"


@dataclass(frozen=True)
class Seen:
    """A step on a fabric, simulated.

    routing: its key; step: its time [s]; longer: than with nothing in the way [fraction]; exposed: communication that
    computation does not hide, as a share of the step; slowed: times as long as with nothing in the way, by form.
    """

    routing: str
    step: Value
    longer: Value
    exposed: Value
    slowed: Mapping[str, Value]


@dataclass(frozen=True)
class OnFabrics:
    """The step on every fabric.

    base: time of the step with nothing in the way [s]; exposed: its communication that is not hidden [fraction]; rows:
    by the key of the topology; others: the chosen one with flows hashed or routed by load, whichever the design has
    not, and with the nodes of the job scattered; placed: the groups on the chosen fabric; sent: bytes out of domains.
    """

    base: Value
    exposed: Value
    rows: Mapping[str, Seen]
    others: Mapping[str, Seen]
    placed: Sequence[FormGroups]
    sent: Mapping[str, float]


@dataclass(frozen=True)
class _Run:
    """What is simulated: a fabric, its routing, and whether the nodes of the job are scattered over it."""

    key: str
    kind: str
    routing: str
    scattered: bool = False


def on_fabrics(evaluation: Evaluation) -> OnFabrics | None:
    """The step on every fabric that was built; None where nothing leaves a node, or all are too large to simulate."""
    built: Mapping[str, Built] = evaluation.curves.get("fabric", {})
    if "training" not in evaluation.curves or float(evaluation.quantities["cluster.nodes"]) <= 1:
        return None
    small = {kind: b for kind, b in built.items() if b.network.hosts <= MOST_ENDPOINTS}
    chosen = evaluation.decisions["cluster.topology"].chosen
    if chosen not in small:
        return None
    routing = evaluation.labels["routing"]
    runs = [_Run(kind, kind, FAMILIES.get(kind, {}).get(routing, routing)) for kind in small]
    runs += _what_if(chosen, routing)
    with ThreadPoolExecutor(WORKERS) as pool:
        found = dict(
            zip((r.key for r in runs), pool.map(lambda run: _compared(evaluation, small, run), runs), strict=True)
        )
    return _seen(evaluation, chosen, runs, {key: each for key, each in found.items() if each is not None})


def _what_if(chosen: str, routing: str) -> list[_Run]:
    """The chosen fabric with the other routing, where it has one, and with the job scattered over it."""
    own = FAMILIES.get(chosen, {})
    other = (ADAPTIVE, "adaptive") if routing != "adaptive" else (HASHED, "ecmp")
    mapped = own.get(other[1], other[1])
    told = [] if mapped == own.get(routing, routing) else [_Run(other[0], chosen, mapped)]
    return [*told, _Run(SCATTERED, chosen, own.get(routing, routing), scattered=True)]


def _compared(evaluation: Evaluation, built: Mapping[str, Built], run: _Run) -> Comparison | None:
    """One simulation; None where the family cannot carry the job."""
    from navarch.distributed.training import on_fabric
    from navarch.fleet.fabric.graph import GraphError

    network = built[run.kind].network
    seeds = SEEDS if network.hosts <= MANY_ENDPOINTS else 1
    with off_the_ledger():
        try:
            shape, hardware, plan, runtime = evaluation.curves["training"]
            fabrics = {run.kind: network}
            return on_fabric.compare(
                shape, hardware, plan, runtime, fabrics, run.routing, seeds, FIRST_SEED, run.scattered
            )
        except GraphError:
            return None


def _seen(
    evaluation: Evaluation, chosen: str, runs: Sequence[_Run], found: Mapping[str, Comparison]
) -> OnFabrics | None:
    if chosen not in found or not found[chosen].sent:
        return None
    own = found[chosen]
    with off_the_ledger():
        time, share = own.base.simulated.step_time, own.base.simulated.share
    known = evaluation.quantities["training.step_time"]
    told = ("the estimate of the step, adapters at their full bandwidth", "contention left out")
    same = abs(float(known) - time) <= SAME * time
    base = known if same else observe(evaluation, "Step with nothing in the way", time, "s", *told)
    exposed = observe(evaluation, "Communication left exposed, nothing in the way", share, "fraction", *told)
    made = {run.key: _row(evaluation, run, found[run.key].rows[0], base) for run in runs if run.key in found}
    rows = {run.key: made[run.key] for run in runs if run.key in made and run.key == run.kind}
    others = {run.key: made[run.key] for run in runs if run.key in made and run.key != run.kind}
    return OnFabrics(base, exposed, rows, others, own.placed.forms, own.sent)


def _row(evaluation: Evaluation, run: _Run, outcome: Outcome, base: Value) -> Seen:
    """A simulation's results in the ledger, with what was run."""
    name = f"{run.kind}, {ROUTINGS[run.routing]}" + (", the job scattered" if run.scattered else "")
    source = f"on_fabric.compare, flow by flow, routing {run.routing}"
    note = f"seeds from {FIRST_SEED}; {outcome.network.hosts:,} endpoints" if outcome.network else ""
    spread = outcome.low < outcome.high
    low, high = (outcome.low if spread else None), (outcome.high if spread else None)
    with off_the_ledger():
        time, share = outcome.simulated.step_time, outcome.simulated.share
    step = observe(evaluation, f"Step on a {name}, simulated", time, "s", source, note, low, high)

    def seen(title: str, value: float, unit: str) -> Value:
        return observe(evaluation, f"{title} on a {name}", value, unit, source, note)

    return Seen(
        run.routing,
        step,
        relative_change(step, base, title=f"By how much a {name} lengthens the step"),
        seen("Communication left exposed", share, "fraction"),
        {
            form: seen(f"Times as long as alone: {form}", factor, "1")
            for form, factor in outcome.simulated.slowdowns.items()
        },
    )


def placed_rows(evaluation: Evaluation, found: OnFabrics) -> list[tuple[FormGroups, dict[str, Value]]]:
    """What each form's groups are, and what they touch, as counted on the graph."""

    def counted(form: Any, what: str, value: int | None) -> dict[str, Value]:
        if value is None:
            return {}
        title = f"Groups of {form.name}: {what}"
        return {what: observe(evaluation, title, value, "1", "on_fabric.groups", "counted on the graph")}

    rows = []
    for form in found.placed:
        told: dict[str, Value] = {}
        for what, value in (
            ("groups", form.count), ("ranks", form.ranks), ("stride", form.stride), ("domains", form.domains),
            ("leaves", form.leaves), ("pods", form.pods),
        ):  # fmt: skip
            told |= counted(form, what, value)
        if (sent := found.sent.get(form.name)) is not None:
            title = f"Groups of {form.name}: sent out of domains in a step"
            told["sent"] = observe(evaluation, title, sent, "byte", "on_fabric.traffic", "by the plan")
        rows.append((form, told))
    return rows
