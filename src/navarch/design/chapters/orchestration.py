"""Orchestration: who waits, what fragmentation costs, and what the service lends outside its peak."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from navarch.core.arithmetic import difference, ratio
from navarch.design.chapters.phrases import sentence
from navarch.design.chapters.reading import constraint, kept, moves, origin, sureness
from navarch.design.document.blocks import decision_block, heading, paragraph, section, table
from navarch.design.document.model import DecisionBlock, Section, Table
from navarch.design.document.prose import Label, Prose, Sayable, number, say

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Alternative, Evaluation

SCHEDULERS = {"slurm": "Slurm", "kubernetes": "Kubernetes"}
POLICIES = {"fifo": "order of arrival", "gang": "gang scheduling", "priority": "priorities"}
NO_WAIT = 1.0  # a wait under this many seconds is told as none: a matter of wording, nothing is calculated from it

SURE = [
    ("Fragmentation, a year", "orchestration.fragmentation_cost"),
    ("Mean wait", "orchestration.wait"),
    ("Accelerators lent", "orchestration.harvest"),
]


def chapter(evaluation: Evaluation) -> Section | None:
    """The orchestration of the design; None where there is no training cluster to share."""
    if "orchestration.utilisation" not in evaluation.quantities:
        return None
    q = evaluation.quantities
    with evaluation.ledger:
        return section(
            "orchestration",
            "Orchestration",
            _decision(evaluation),
            heading("Waiting and starting"),
            paragraph(_waiting(evaluation)),
            heading("Lending") if "orchestration.harvest" in q else None,
            paragraph(_lending(evaluation)) if "orchestration.harvest" in q else None,
            *sureness(evaluation, [row for row in SURE if row[1] != "orchestration.wait" or _queues(evaluation)]),
            summary=_choice(evaluation),
        )


def _choice(evaluation: Evaluation) -> Prose:
    scheduler, policy = evaluation.labels["scheduler"], evaluation.labels["policy"]
    return say(
        "{scheduler}, {policy}, best-fit placement",
        scheduler=Label(SCHEDULERS.get(scheduler, scheduler)),
        policy=Label(POLICIES.get(policy, policy)),
    )


def _decision(evaluation: Evaluation) -> DecisionBlock:
    decided = evaluation.decisions["orchestration"]
    return decision_block(
        decided,
        decision=_choice(evaluation) + ".",
        why=_why(evaluation),
        alternatives=_placements(evaluation),
        sensitivity=_sensitivity(evaluation),
        revisit=_revisit(evaluation),
    )


def _why(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    return say(
        "On a full cluster shared by jobs of mixed sizes, best fit leaves {stranded} of {all} accelerators stranded, "
        "{cost} a year. Of the placements that stock schedulers offer it strands least.",
        stranded=q["orchestration.stranded"],
        all=q["cluster.accelerators"],
        cost=q["orchestration.fragmentation_cost"],
    )


def _placements(evaluation: Evaluation) -> Table:
    rows: list[list[Sayable | None]] = []
    decided = evaluation.decisions["orchestration"]
    for a in sorted(decided.alternatives, key=lambda a: not a.chosen):
        change = None if a.lost_by is None else number(a.lost_by, signed=True)
        rows.append([Label(a.label, "catalog"), a.metrics["stranded"], a.metrics["cost a year"], change, _lost(a)])
    return table(["Placement", "Stranded", "Cost a year", "Against chosen", "Why it lost"], rows, chosen=[0])


def _lost(alternative: Alternative) -> Sayable:
    if alternative.chosen:
        return Label("chosen", strong=True)
    if alternative.lost_by is not None and alternative.lost_by < 0:
        return "in no stock scheduler"
    return "strands more"


def _fewest(evaluation: Evaluation) -> Alternative | None:
    """The placement that strands fewest, where it is not the chosen one."""
    alternatives = evaluation.decisions["orchestration"].alternatives
    best = min(alternatives, key=lambda a: float(a.metrics["cost a year"]))
    return None if best.chosen else best


def _sensitivity(evaluation: Evaluation) -> Prose:
    return moves(evaluation, "The cost of fragmentation", evaluation.quantities["orchestration.fragmentation_cost"])


def _revisit(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    best = _fewest(evaluation)
    if best is None:
        return say("the cluster's jobs are measured: what is stranded rests on published traces.")
    saving = difference(
        q["orchestration.fragmentation_cost"],
        best.metrics["cost a year"],
        title="Saving of the placement that strands fewest",
    )
    salary = origin(q["cost.line_staff"], "salary")
    people = ratio(
        saving, salary, unit="1", title="Staff that the saving of another placement would pay", symbol="n_staff"
    )
    return say(
        "{placement} can be run for less than {saving} a year, what it saves: the pay of {people:.2} people.",
        placement=Label(best.label, "catalog"),
        saving=saving,
        people=people,
    )


def _waiting(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    wait, load = q["orchestration.wait"], q["orchestration.utilisation"]
    jobs = say(
        "Other jobs, of {size} accelerators and {time} on average, in a partition of {partition} that they keep {load} "
        "busy,",
        size=q["orchestration.job_accelerators"],
        time=q["orchestration.job_time"],
        partition=q["orchestration.partition"],
        load=load,
    )
    if wait < NO_WAIT:
        jobs += " practically never wait."
    elif math.isinf(wait):
        jobs += " wait without end: the load fills the cluster."
    else:
        jobs += say(" wait {wait} on average.", wait=wait)
    limit = constraint(evaluation, "orchestration.wait_limit")
    return sentence(
        jobs,
        None if limit is None else say("The limit of {asked} is {kept}.", asked=limit.asked, kept=kept(limit)),
        say(
            "While the training run holds all {all} accelerators, the partition waits for it. The estimate does not "
            "tell policies apart.",
            all=q["cluster.accelerators"],
        ),
        say(
            "A job on all {nodes} nodes starts {start} after it is placed, when the last of them is ready.",
            nodes=q["cluster.nodes"],
            start=q["orchestration.start_time"],
        ),
        _rounding(evaluation),
    )


def _queues(evaluation: Evaluation) -> bool:
    return bool(NO_WAIT <= evaluation.quantities["orchestration.wait"] < math.inf)


def _rounding(evaluation: Evaluation) -> Prose | None:
    lost = evaluation.quantities["orchestration.rounding_loss"]
    return say("Rounding it to whole nodes leaves {lost} of them idle.", lost=lost) if lost > 0 else None


def _lending(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    return say(
        "Serving keeps {mean:.3} accelerators busy on average of the {held} that its replicas hold for the peak. "
        "Outside the peak it can lend {harvest} to preemptible training.",
        mean=q["orchestration.serving_mean"],
        held=q["serving.accelerators"],
        harvest=q["orchestration.harvest"],
    )
