"""Orchestration: who waits, what fragmentation costs, and what the service lends outside its peak."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from navarch.core.arithmetic import difference, ratio
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import given_or, sentence
from navarch.design.chapters.reading import constraint, kept, moves, origin, sureness
from navarch.design.document.blocks import decision_block, heading, paragraph, section, table
from navarch.design.document.model import DecisionBlock, Section, Table
from navarch.design.document.prose import Label, Prose, Sayable, number, say
from navarch.distributed.orchestration.estimate import job_wait

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
    q = evaluation.quantities
    told = []
    planned = given_or(evaluation, "orchestration.target_utilisation", "orchestration.target-utilisation")
    wait, load = q["orchestration.wait"], q["orchestration.utilisation"]
    if planned is not None and planned > load:
        names = ("servers", "service_time", "arrival_variation", "service_variation")
        then = job_wait(planned, *(origin(wait, n) for n in names), title="Mean wait at the planned utilisation")
        told.append(say("At a load of {planned} a job would wait {then} on average.", planned=planned, then=then))
    told.append(moves(evaluation, "The cost of fragmentation", q["orchestration.fragmentation_cost"]))
    return sentence(*told)


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
        "{placement} can be run for less than {saving} a year, what it saves: the pay of {people:.2} of the staff.",
        placement=Label(best.label, "catalog"),
        saving=saving,
        people=people,
    )


def _waiting(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    wait, load = q["orchestration.wait"], q["orchestration.utilisation"]
    size = origin(wait, "servers", "denominator")
    jobs = say(
        "Jobs of {size} accelerators and {time} on average, at a load of {load} of the cluster,",
        size=size,
        time=origin(wait, "service_time"),
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
            "That lets them use all {all} accelerators; while the training run holds the cluster they wait for the run. "
            "The estimate does not tell policies apart.",
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
    reserve, harvest = q["orchestration.serving_reserve"], q["orchestration.harvest"]
    mean: Value = origin(reserve, "mean")
    told = [
        say(
            "Serving keeps {mean:.3} accelerators busy on average. From a reserve of {reserve}, {margin} over the peak, it "
            "can lend {harvest} to preemptible training, on average.",
            mean=mean,
            reserve=reserve,
            margin=origin(reserve, "margin"),
            harvest=harvest,
        )
    ]
    if reserve > q["serving.accelerators"]:
        told.append(
            say("The replicas hold {held}: without that reserve they lend less.", held=q["serving.accelerators"])
        )
    return sentence(*told)
