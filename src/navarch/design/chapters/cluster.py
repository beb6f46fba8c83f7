"""Cluster topology: what joins the nodes, what it carries and costs, and what it beat."""

from __future__ import annotations

from collections.abc import Sequence

from navarch.core.arithmetic import margin_below
from navarch.core.ledger import Value
from navarch.design.chapters import fabrics
from navarch.design.chapters.contention import OnFabrics, on_fabrics
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
from navarch.design.document.blocks import decision_block, heading, paragraph, section
from navarch.design.document.model import Block, Figure, Section
from navarch.design.document.prose import Prose, Reference, say
from navarch.design.evaluation.result import Alternative, Decision, Evaluation
from navarch.design.figures import topology
from navarch.fleet.fabric.graph import Network
from navarch.fleet.fabric.picture import is_cut
from navarch.fleet.fabric.topology import FabricEstimate

FULL = 1 - 1e-9  # shares from here on are full
SWITCHED = ("fat-tree", "rail-optimised")
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
DRAWN = (
    ("endpoints", "fabric.endpoints"),
    ("leaf switches", "fabric.leaf"),
    ("spine switches", "fabric.spine"),
    ("core switches", "fabric.core"),
    ("routers", "fabric.router"),
    ("pods", "fabric.pods"),
    ("cables", "fabric.cables"),
)
"""What the drawing counts, by quantity."""


def chapter(evaluation: Evaluation) -> Section | None:
    """The section on the cluster's topology; None where the design trains nothing."""
    decided = evaluation.decisions.get("cluster.topology")
    if decided is None:
        return None
    with evaluation.ledger:
        seen = on_fabrics(evaluation)
        return section(
            "cluster",
            "Cluster topology",
            decision_block(
                decided,
                decision=_decision(evaluation, decided),
                why=_why(evaluation, decided),
                alternatives=fabrics.alternatives(evaluation, decided),
                sensitivity=_sensitivity(evaluation),
                revisit=_revisit(evaluation, decided),
            ),
            _drawing(evaluation, decided),
            *_what_lost(evaluation, decided, seen),
            *fabrics.the_step(evaluation, decided, seen),
            *fabrics.placement(evaluation, seen),
            heading("What it carries"),
            paragraph(fabrics.carried(evaluation, decided)),
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


def _what_lost(evaluation: Evaluation, decided: Decision, seen: OnFabrics | None) -> Sequence[Block | None]:
    """The networks beside each other, and why the others lost."""
    drawn, told = fabrics.beside(evaluation, decided, seen), fabrics.why_they_lost(evaluation, decided, seen)
    return () if told is None else (heading("Why the others lost"), told, drawn)


def _kind(decided: Decision) -> str:
    return fabrics.named(decided.chosen)


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
    return sentence(halves, price, _better(decided))


def _named(alternative: Alternative) -> str:
    return fabrics.named(alternative.label)


def _chosen(decided: Decision) -> Alternative:
    return next(a for a in decided.alternatives if a.chosen)


def _better(decided: Decision) -> Prose:
    """A topology that carries no less for less, or for no more and is quicker, where the design file passes one by."""
    best = _chosen(decided)
    able = [a for a in decided.alternatives if not a.chosen and _reaches(a, best)]
    cheaper = [a for a in able if float(a.metrics["cost"]) < float(best.metrics["cost"])]
    if cheaper:
        other = min(cheaper, key=lambda a: float(a.metrics["cost"]))
        saved = gap(best.metrics["cost"], other.metrics["cost"], f"Cost that a {_named(other)} saves")
        return say(
            f"navarch would have taken a {_named(other)}, which carries as much for {{saved}} less.", saved=saved
        )
    for other in able:
        same = float(other.metrics["cost"]) <= float(best.metrics["cost"])
        if same and float(other.metrics["latency"]) < float(best.metrics["latency"]):
            quicker = gap(
                best.metrics["latency"], other.metrics["latency"], f"Mean latency that a {_named(other)} saves"
            )
            return say(f"A {_named(other)} carries as much for no more, with {{gap}} less mean latency.", gap=quicker)
    return Prose()


def _reaches(other: Alternative, best: Alternative) -> bool:
    """Whether a network carries as much and could be built for these machines, which pass on nothing for others."""
    if "switches" not in other.metrics:
        return False
    return float(other.metrics["bisection"]) >= float(best.metrics["bisection"]) * FULL


def _sensitivity(evaluation: Evaluation) -> Prose:
    plan = evaluation.decisions.get("parallelism")
    told = []
    if plan is not None and (slower := plan.sensitivity.get("half the network bandwidth")) is not None:
        told.append(
            say(
                "On the training step ({where}), half the network bandwidth {does}.",
                does=longer(slower),
                where=Reference("parallelism"),
            )
        )
    if (part := fabrics.capital_share(evaluation)) is not None:
        told.append(
            say(
                "The network is {part:.2} of what the equipment costs, and draws {power:.2} of what the nodes draw "
                "at most.",
                part=part,
                power=fabrics.power_share(evaluation),
            )
        )
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
        if not a.chosen and _reaches(a, best) and float(a.metrics["cost"]) > float(best.metrics["cost"])
    ]
    return min(able, key=lambda a: float(a.metrics["cost"]), default=None)


def _fabric(evaluation: Evaluation, decided: Decision) -> FabricEstimate | None:
    built = fabrics.built_of(evaluation).get(decided.chosen)
    return None if built is None else built.estimate


def _drawing(evaluation: Evaluation, decided: Decision) -> Figure:
    network = fabrics.built_of(evaluation)[decided.chosen].network
    return topology(network, _caption(evaluation, decided, network), counts=_counts(evaluation, decided))


def _caption(evaluation: Evaluation, decided: Decision, network: Network) -> Prose:
    q = evaluation.quantities
    what = (
        "a dot is an accelerator that passes on what is for others"
        if network.direct
        else "orange is an endpoint, a network card"
    )
    told = say(f"The {_kind(decided)}, what repeats left out; {what}.")
    if not is_cut(network):
        return told
    return told + say(" Across the dashed line go {bisection} each way.", bisection=q["fabric.bisection"])


def _counts(evaluation: Evaluation, decided: Decision) -> Sequence[Titled]:
    """The numbers that the drawing prints."""
    q = evaluation.quantities
    found = [(title, q[key]) for title, key in DRAWN if key in q]
    plan = fabrics.built_of(evaluation)[decided.chosen].estimate.plan
    return [*found, *((name, value) for name, value in plan.values.items() if isinstance(value, Value))]
