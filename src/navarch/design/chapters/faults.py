"""Fault tolerance: how often the run is interrupted, what that costs, and what is done about it."""

from __future__ import annotations

from navarch.core.arithmetic import difference, ratio, sum_of
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import (
    Titled,
    beside,
    bound,
    clauses,
    counted,
    field,
    given_or,
    how_sure,
    largest,
    name,
    runner_up_told,
    sentence,
    under,
)
from navarch.design.document.blocks import decision_block, heading, paragraph, section, table
from navarch.design.document.model import Section, Table
from navarch.design.document.prose import Prose, Sayable, number, prose, say
from navarch.design.evaluation.result import Decision, Evaluation
from navarch.design.figures import goodput_curve

LOST = (
    ("restarting", "faults.restart_share"),
    ("writing checkpoints", "faults.checkpoint_share"),
    ("repeating lost work", "faults.rework_share"),
)
FAILURES = (
    ("A node fails every", "faults.node_mttf"),
    ("The job fails every", "faults.job_mttf"),
    ("Failures a day", "faults.failures_per_day"),
    ("An hour without failure", "faults.quiet_hour"),
    ("A day without failure", "faults.quiet_day"),
)
REPAIRS = (
    ("Size of a checkpoint", "checkpoint.size"),
    ("Stop for a checkpoint", "faults.checkpoint_time"),
    ("Work lost at a failure", "faults.lost_work"),
    ("Failure to running again", "faults.restart_time"),
    ("Nodes under repair", "faults.nodes_down"),
)


def chapter(evaluation: Evaluation) -> Section | None:
    """The section on fault tolerance; None where the design trains nothing."""
    decided = evaluation.decisions.get("faults")
    if decided is None:
        return None
    with evaluation.ledger:
        curve = evaluation.curves.get("goodput")
        return section(
            "faults",
            "Fault tolerance",
            decision_block(
                decided,
                decision=_decision(evaluation),
                why=_why(evaluation, decided),
                sensitivity=_sensitivity(evaluation, decided),
                revisit=_revisit(evaluation),
            ),
            heading("Goodput against the checkpoint interval"),
            None if curve is None else goodput_curve(curve, _caption(evaluation)),
            heading("Where the calendar time goes"),
            _calendar(evaluation),
            paragraph(sentence(_undisturbed(evaluation), _levels(evaluation))),
            heading("Failures and repairs"),
            beside(evaluation, ("Failures", FAILURES), ("Checkpoints and repairs", REPAIRS)),
            paragraph(_spares(evaluation)),
            heading("How sure"),
            how_sure(
                evaluation,
                [
                    ("Goodput", "faults.goodput"),
                    ("Interruptions", "faults.expected_interruptions"),
                    ("Calendar time", "training.duration"),
                ],
            ),
            summary=_summary(evaluation),
        )


def _summary(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    spares = q["faults.spares"]
    kept = counted(spares, "spare node", "spare nodes") if float(spares) else prose("no spare nodes")
    return say(
        f"{_mode(evaluation).capitalize()} checkpoints every {{interval}}, {{kept}}, goodput {{goodput}}",
        interval=q["faults.checkpoint_interval"],
        kept=kept,
        goodput=q["faults.goodput"],
    )


def _mode(evaluation: Evaluation) -> str:
    return evaluation.labels.get("checkpoint_mode", "")


def _decision(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    told = say(
        f"{_mode(evaluation).capitalize()} checkpoints every {{interval}}", interval=q["faults.checkpoint_interval"]
    )
    spares = q["faults.spares"]
    if float(spares) == 0:
        return told + ", and no spare nodes."
    return told + say(
        ", and {spares} beside {nodes}.",
        spares=counted(spares, "hot spare node", "hot spare nodes"),
        nodes=counted(q["cluster.nodes"], "training node", "training nodes"),
    )


def _why(evaluation: Evaluation, decided: Decision) -> Prose:
    q = evaluation.quantities
    if "failures" in evaluation.labels:
        source = say("At the recorded failure rate ({record})", record=name(evaluation, "failures"))
    else:
        source = prose("At the failure rate that the design file gives")
    rate = source + say(
        ", the job fails every {mttf}: {count} interruptions are expected in the run.",
        mttf=q["faults.job_mttf"],
        count=q["faults.expected_interruptions"],
    )
    price = say(
        "A failure loses {work} of work and takes {restart} until training runs again; "
        "a checkpoint stops the job for {stop}.",
        work=q["faults.lost_work"],
        restart=q["faults.restart_time"],
        stop=q["faults.checkpoint_time"],
    )
    title, most = largest(_lost(evaluation))
    sums = say(
        f"So {{goodput}} of the calendar time is useful work; the largest loss is {title}, {{most:.2}}.",
        goodput=q["faults.goodput"],
        most=most,
    )
    return sentence(rate, price, sums, _interval(evaluation), _rejected(decided))


def _lost(evaluation: Evaluation) -> list[Titled]:
    return [(title, evaluation.quantities[key]) for title, key in LOST if key in evaluation.quantities]


def _interval(evaluation: Evaluation) -> Prose:
    """How the interval stands to the best one."""
    q = evaluation.quantities
    chosen, best = q["faults.checkpoint_interval"], q["faults.daly_interval"]
    if evaluation.spec.given("fault_tolerance.checkpoint_interval"):
        return say("The design file sets the interval; the shortest expected run has one of {best}.", best=best)
    if float(chosen) > float(best):
        return say("The best interval would be {best}, less than it takes to write a checkpoint to storage.", best=best)
    return prose("The interval is the one of the shortest expected run.")


def _rejected(decided: Decision) -> Prose:
    told = runner_up_told(decided)
    return say("Rejected: {other}.", other=told) if told else Prose()


def _sensitivity(evaluation: Evaluation, decided: Decision) -> Prose:
    goodput = evaluation.quantities["faults.goodput"]
    told = []
    for what, other in decided.sensitivity.items():
        change = difference(other, goodput, title=f"Change of goodput with {what}")
        told.append(say(f"{what.capitalize()}: goodput {{other:.4}} ({{change:+.2}}).", other=other, change=change))
    return sentence(*told)


def _revisit(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    told: list[Prose] = []
    low = bound(evaluation, q["faults.job_mttf"], "low")
    if low is not None:
        told.append(say("the mean time between interruptions stays under {low}", low=low))
    deadline = field(evaluation, "workload.deadline")
    needed = None
    if deadline is not None:
        needed = ratio(
            q["training.useful_time"],
            deadline,
            unit="fraction",
            title="Goodput that the deadline needs",
            symbol="G_min",
        )
    attainable = needed is None or float(needed) <= 1
    told.append(under(evaluation, "measured goodput", q["faults.goodput"], needed if attainable else None))
    high = bound(evaluation, q["faults.restart_time"], "high")
    if high is not None:
        told.append(say("a restart takes more than {high}", high=high))
    return clauses([t for t in told if t])


def _caption(evaluation: Evaluation) -> Prose:
    return say(
        "Share of the calendar time that is useful work, by the complete model of Daly; "
        "the time between failures is {mttf}",
        mttf=evaluation.quantities["faults.job_mttf"],
    )


def _calendar(evaluation: Evaluation) -> Table:
    """Useful time and losses, as shares that sum to the whole."""
    q = evaluation.quantities
    rows: list[list[Sayable | None]] = [["useful work", number(q["faults.goodput"])]]
    rows += [[title, number(v)] for title, v in sorted(_lost(evaluation), key=lambda p: -float(p[1]))]
    return table([say("Of {time} of calendar time", time=q["training.duration"]), "Share"], rows)


def _undisturbed(evaluation: Evaluation) -> Prose:
    return say("Without interruptions the run would take {time}.", time=evaluation.quantities["training.useful_time"])


def _levels(evaluation: Evaluation) -> Prose:
    """Two levels of checkpoints against the one chosen."""
    q = evaluation.quantities
    single = sum_of(
        q["faults.checkpoint_share"], q["faults.rework_share"], title="Time lost to checkpoints and rework, one level"
    )
    two = q["faults.two_level_waste"]
    told = say(
        "Two levels, in the memory of peers every {near} and on storage every {far}, would lose {two} to checkpoints "
        "and rework against {single} with one",
        near=q["faults.two_level_near_interval"],
        far=q["faults.two_level_far_interval"],
        two=two,
        single=single,
    )
    better = float(two) < float(single)
    return told + (": two would lose less." if better else ": one loses less.")


def _spares(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    needed, kept = q["faults.spares_needed"], q["faults.spares"]
    confidence = given_or(evaluation, "fault_tolerance.spare_confidence", "faults.spare-confidence")
    repair = given_or(evaluation, "fault_tolerance.repair_time", "faults.repair-time")
    told = say("A repair takes {repair}", repair=repair) if repair is not None else prose("During repairs")
    told += say(", so that on average {down:.2} of the nodes are down", down=q["faults.nodes_down"])
    if confidence is not None:
        told += say(
            "; {needed} {share} of the time.",
            needed=counted(needed, "spare suffices", "spares suffice"),
            share=confidence,
        )
    else:
        told += "."
    if float(kept) < float(needed):
        told += _short(kept)
    return told


def _short(kept: Value) -> Prose:
    """What it means to keep fewer spares than needed."""
    had = say("The design keeps {kept}", kept=kept) if float(kept) else prose("The design keeps none")
    return (
        prose(" ")
        + had
        + (": the goodput above counts on a node being there for each restart, and is an upper bound without.")
    )
