"""Cluster topology: what joins the nodes, what it carries and costs, and what it beat."""

from __future__ import annotations

from collections.abc import Sequence

from navarch.core.arithmetic import margin_below, share_of
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import (
    Titled,
    beside,
    bound,
    clauses,
    constant,
    counted,
    field,
    gap,
    how_sure,
    longer,
    name,
    sentence,
)
from navarch.design.document.blocks import decision_block, heading, section
from navarch.design.document.model import Figure, Section
from navarch.design.document.prose import Prose, Reference, join, prose, say
from navarch.design.evaluation.result import Alternative, Decision, Evaluation
from navarch.design.figures import topology
from navarch.fleet.fabric.drawing import layout, parameters_of
from navarch.fleet.fabric.topology import FabricEstimate

KINDS = {
    "fat-tree": "fat-tree",
    "rail-optimised": "rail-optimised fat-tree",
    "torus": "torus",
    "dragonfly": "dragonfly",
}
FULL = 1 - 1e-9  # shares from here on are full
SWITCHED = ("fat-tree", "rail-optimised")
DRAWN = (
    ("hosts", "fabric.endpoints", "endpoint", "endpoints"),
    ("leaf", "fabric.leaf", "leaf switch", "leaf switches"),
    ("spine", "fabric.spine", "spine switch", "spine switches"),
    ("core", "fabric.core", "core switch", "core switches"),
    ("router", "fabric.router", "router", "routers"),
    ("pods", "fabric.pods", "pod", "pods"),
)
FLEET = (
    ("Peak rate", "cluster.peak"),
    ("Memory", "cluster.memory"),
    ("Scale-up over network bandwidth", "cluster.bandwidth_ratio"),
    ("Greatest power of the nodes", "cluster.node_power"),
    ("Racks", "cluster.racks"),
)
NETWORK = (
    ("Bisection, one direction", "fabric.bisection"),
    ("Bisection for each endpoint", "fabric.bisection_per_endpoint"),
    ("Mean latency", "fabric.latency"),
    ("Latency of the farthest", "fabric.latency_far"),
    ("Power", "fabric.power"),
)


def chapter(evaluation: Evaluation) -> Section | None:
    """The section on the cluster's topology; None where the design trains nothing."""
    decided = evaluation.decisions.get("cluster.topology")
    if decided is None:
        return None
    with evaluation.ledger:
        return section(
            "cluster",
            "Cluster topology",
            decision_block(
                decided,
                decision=_decision(evaluation, decided),
                why=_why(evaluation, decided),
                sensitivity=_sensitivity(evaluation),
                revisit=_revisit(evaluation, decided),
            ),
            _drawing(evaluation, decided),
            heading("What it carries"),
            beside(evaluation, ("Fleet", FLEET), ("Network", NETWORK)),
            heading("How sure"),
            how_sure(
                evaluation,
                [
                    ("Cost of the network", "fabric.cost"),
                    ("Power of the network", "fabric.power"),
                    ("Mean latency", "fabric.latency"),
                ],
            ),
            summary=_summary(evaluation, decided),
        )


def _kind(decided: Decision) -> str:
    return KINDS.get(decided.chosen, decided.chosen)


def _summary(evaluation: Evaluation, decided: Decision) -> Prose:
    q = evaluation.quantities
    told = say(
        f"{_kind(decided).capitalize()} for {{count}} {{chip}}",
        count=q["cluster.accelerators"],
        chip=name(evaluation, "accelerator"),
    )
    return told + say(", {share:.2} of full bisection", share=q["fabric.bisection_share"])


def _decision(evaluation: Evaluation, decided: Decision) -> Prose:
    q = evaluation.quantities
    told = say(
        f"A {_kind(decided)} joins {{nodes}} of {{node}}, {{chips}} in all, by {{cables}} of {{link}}",
        nodes=counted(q["cluster.nodes"], "node", "nodes"),
        node=name(evaluation, "node"),
        chips=counted(q["cluster.accelerators"], "accelerator", "accelerators"),
        cables=counted(q["fabric.cables"], "cable", "cables"),
        link=name(evaluation, "link"),
    )
    if "fabric.switches" in q:
        switches = q["fabric.switches"]
        told += say(" and {n} {switch}", n=switches, switch=name(evaluation, "switch"))
        told += " switch" if float(switches) == 1 else " switches"
    ratio = field(evaluation, "cluster.oversubscription")
    if ratio is not None and decided.chosen in SWITCHED:
        told += (
            ", not oversubscribed" if float(ratio) == 1 else say(", oversubscribed by a factor of {ratio}", ratio=ratio)
        )
    return told + "."


def _why(evaluation: Evaluation, decided: Decision) -> Prose:
    q = evaluation.quantities
    halves = say(
        "Half of the endpoints can send to the other half at {total}, {each} for each of them: "
        "{share:.2} of full bisection.",
        total=q["fabric.bisection"],
        each=q["fabric.bisection_per_endpoint"],
        share=q["fabric.bisection_share"],
    )
    price = say(
        "It costs {cost} ({each} an endpoint) and draws {power}.",
        cost=q["fabric.cost"],
        each=q["fabric.cost_per_endpoint"],
        power=q["fabric.power"],
    )
    return sentence(halves, price, _cheaper(decided), _better(decided))


def _named(alternative: Alternative) -> str:
    return KINDS.get(alternative.label, alternative.label)


def _chosen(decided: Decision) -> Alternative:
    return next(a for a in decided.alternatives if a.chosen)


def _cheaper(decided: Decision) -> Prose:
    """The topologies that cost less, and what they give up."""
    best = _chosen(decided)
    told = []
    for other in decided.alternatives:
        if float(other.metrics["cost"]) >= float(best.metrics["cost"]):
            continue
        saved = gap(best.metrics["cost"], other.metrics["cost"], f"Cost that a {other.label} saves")
        item = say(f"a {_named(other)}, by {{saved}}", saved=saved)
        if float(other.metrics["bisection"]) < float(best.metrics["bisection"]):
            less = share_of(
                other.metrics["bisection"], best.metrics["bisection"], title=f"Bisection of a {other.label} as a share"
            )
            item += say(" with {less} of the bisection", less=less)
        told.append(item)
    if not told:
        return prose("No topology that was built costs less.") if len(decided.alternatives) > 1 else Prose()
    return say("Cheaper: {told}.", told=join(told, between="; ", last="; "))


def _better(decided: Decision) -> Prose:
    """A topology that costs no more, carries no less and is quicker, where the design file passes one by."""
    best = _chosen(decided)
    for other in decided.alternatives:
        cheap = float(other.metrics["cost"]) <= float(best.metrics["cost"])
        wide = float(other.metrics["bisection"]) >= float(best.metrics["bisection"])
        if not other.chosen and cheap and wide and float(other.metrics["latency"]) < float(best.metrics["latency"]):
            quicker = gap(best.metrics["latency"], other.metrics["latency"], f"Mean latency that a {other.label} saves")
            return say(f"A {_named(other)} carries as much for no more, with {{gap}} less mean latency.", gap=quicker)
    return Prose()


def _sensitivity(evaluation: Evaluation) -> Prose:
    q, plan = evaluation.quantities, evaluation.decisions.get("parallelism")
    told = []
    if plan is not None and (slower := plan.sensitivity.get("half the network bandwidth")) is not None:
        told.append(
            say(
                "On the training step ({where}), half the network bandwidth {does}.",
                does=longer(slower),
                where=Reference("parallelism"),
            )
        )
    if "cost.line_network" in q and "cost.capital" in q:
        part = share_of(q["fabric.cost"], q["cost.capital"], title="Training network as a share of the equipment")
        told.append(say("The network is {part:.2} of what the equipment costs.", part=part))
    return sentence(*told)


def _revisit(evaluation: Evaluation, decided: Decision) -> Prose:
    told: list[Prose] = []
    fabric = _fabric(evaluation, decided)
    if fabric is not None and isinstance(fabric.capacity, Value):
        told.append(say("the cluster passes {ports} endpoints, all that this build can join", ports=fabric.capacity))
    achieved = constant(evaluation, "collectives.scaleout-efficiency")
    if achieved is not None and (low := bound(evaluation, achieved, "low")) is not None:
        told.append(
            say(
                "large collectives are measured under {low:.2} of the link's rate (planned: {planned:.2})",
                low=low,
                planned=achieved,
            )
        )
    rival = _rival(decided)
    if rival is not None:
        fall = margin_below(
            rival.metrics["cost"],
            _chosen(decided).metrics["cost"],
            title=f"Fall of price at which a {rival.label} costs as little",
        )
        told.append(say(f"the price of a {_named(rival)} falls by {{fall:.2}}", fall=fall))
    return clauses(told)


def _rival(decided: Decision) -> Alternative | None:
    """The cheapest of the dearer topologies that carry as much."""
    best = _chosen(decided)
    able = [
        a
        for a in decided.alternatives
        if not a.chosen
        and float(a.metrics["bisection"]) >= float(best.metrics["bisection"]) * FULL
        and float(a.metrics["cost"]) > float(best.metrics["cost"])
    ]
    return min(able, key=lambda a: float(a.metrics["cost"]), default=None)


def _fabric(evaluation: Evaluation, decided: Decision) -> FabricEstimate | None:
    built: dict[str, FabricEstimate] = evaluation.curves.get("fabric", {})
    return built.get(decided.chosen)


def _drawing(evaluation: Evaluation, decided: Decision) -> Figure | None:
    fabric = _fabric(evaluation, decided)
    if fabric is None:
        return None
    drawn = layout(decided.chosen, parameters_of(fabric))
    return topology(drawn.nodes, drawn.edges, _caption(decided), counts=_counts(evaluation))


def _caption(decided: Decision) -> Prose:
    if decided.chosen in SWITCHED:
        return say(f"The {_kind(decided)}, what repeats left out; a box at the foot stands for its leaf's endpoints")
    return say(f"The {_kind(decided)}, what repeats left out")


def _counts(evaluation: Evaluation) -> Sequence[Titled]:
    """How many of each there really are."""
    q = evaluation.quantities
    found = [(one if float(q[key]) == 1 else many, q[key]) for _, key, one, many in DRAWN if key in q]
    if "cluster.nodes" in q and "fabric.cables" in q:
        found.append(("cables", q["fabric.cables"]))
    return found
