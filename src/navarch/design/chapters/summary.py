"""The first page: the verdict, the headline numbers, the constraints, and what moves the result most."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from navarch.core.arithmetic import product_of, ratio
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import (
    counted,
    gap,
    given_or,
    largest,
    lost_because,
    observe,
    sentence,
    sure_table,
)
from navarch.design.document.blocks import card, paragraph, section
from navarch.design.document.blocks import verdict as verdict_of
from navarch.design.document.model import Card, Figure, Section, Status, Verdict
from navarch.design.document.prose import Label, Prose, Reference, Sayable, join, prose, say, strong
from navarch.design.evaluation.result import Constraint, Evaluation
from navarch.design.figures import swings, tornado

TIGHT = 0.05  # a margin under this share is tight, as in the table of constraints
SWINGS = 6
TOLD = 2  # missed constraints told with their lever; the rest are named
TOLD_AT = {  # where a constraint is dealt with: by field, the section's key
    "storage.starvation_limit": "storage",
    "workload.deadline": "faults",
    "fault_tolerance.goodput": "faults",
    "serving.ttft": "serving",
    "serving.time_per_output_token": "serving",
    "serving.availability": "operations",
    "carbon.budget": "carbon",
    "site.power_limit": "carbon",
    "cost.budget": "cost",
    "edge.latency_limit": "edge",
    "orchestration.wait_limit": "orchestration",
}
LEVERS = {  # a constraint, and the decision and the figure of its alternatives that bear on it
    "cost.budget": ("cost", "total"),
    "carbon.budget": ("site", "carbon"),
    "serving.ttft": ("serving", "first token"),
    "serving.time_per_output_token": ("serving", "per token"),
    "workload.deadline": ("faults", "calendar time"),
}
COST_LINES = {
    "servers": "servers",
    "network": "the network",
    "storage": "storage",
    "energy": "energy",
    "maintenance": "maintenance",
    "staff": "staff",
    "facility": "the facility",
    "interest": "interest",
}
RESTS = (
    ("training.duration", "Time to train"),
    ("training.step_time", "Step time"),
    ("training.mfu", "Model FLOPs utilisation"),
    ("faults.goodput", "Goodput"),
    ("faults.job_mttf", "Time between failures of the job"),
    ("faults.expected_interruptions", "Interruptions"),
    ("serving.accelerators", "Accelerators that serve"),
    ("serving.ttft", "Time to first token, tail"),
    ("serving.time_per_output_token", "Time per output token, tail"),
    ("power.facility", "Power of the site"),
    ("energy.total", "Energy"),
    ("carbon.total", "Carbon"),
    ("water.total", "Water"),
    ("cost.tco", "Cost"),
    ("cost.training", "Cost of the run"),
    ("cost.per_million_tokens", "Cost of a million output tokens"),
)


def subtitle(evaluation: Evaluation) -> Prose:
    """The author's own summary, or what the design does in one line."""
    if evaluation.spec.summary:
        return prose(Label(evaluation.spec.summary, "design file"))
    does = " and ".join(
        word for word, does in (("train", evaluation.spec.trains), ("serve", evaluation.spec.serves)) if does
    )
    return say(f"{does.capitalize()} {{model}}", model=Label(evaluation.labels["model"], "catalog"))


def verdict(evaluation: Evaluation, sections: Collection[str]) -> Verdict:
    """Whether the design does what was asked: what was missed and by how much, and what binds."""
    with evaluation.ledger:
        stated = evaluation.constraints
        missed = sorted((c for c in stated if not c.met), key=lambda c: float(c.margin))
        kept = [c for c in stated if c.met]
        if not stated:
            told = sentence("**The design file sets no limits to hold the design against.**", _outcome(evaluation))
        elif missed:
            told = sentence(
                _tally(evaluation, len(kept), len(stated)),
                *(_miss(evaluation, c, sections) for c in missed[:TOLD]),
                _also(missed[TOLD:]),
                _binding(kept, "The tightest of those met"),
            )
        else:
            told = sentence(
                _tally(evaluation, len(kept), len(stated)),
                _outcome(evaluation),
                _binding(kept, "The binding constraint"),
            )
    return verdict_of(_status(stated), told)


def _status(constraints: Collection[Constraint]) -> Status:
    least = min((float(c.margin) for c in constraints), default=1.0)
    if least < 0:
        return "missed"
    return "tight" if least < TIGHT else "met"


def _tally(evaluation: Evaluation, kept: int, stated: int) -> Prose:
    source = "count over the constraints of the design file"
    count = observe(evaluation, "Constraints that the design file sets", stated, "1", source)
    if kept == stated:
        return strong(
            sentence(
                say("Meets {all}.", all=counted(count, "constraint", "constraints"))
                if stated == 1
                else say("Meets all {n} constraints.", n=count)
            )
        )
    met = observe(evaluation, "Constraints that the design meets", kept, "1", source)
    return strong(say("Meets {met} of {n} constraints.", met=met, n=count))


def _outcome(evaluation: Evaluation) -> Prose:
    """What the design does, in a line."""
    q = evaluation.quantities
    told = []
    if "training.duration" in q:
        told.append(
            say(
                "Training takes {time} at an MFU of {mfu} and a goodput of {goodput}.",
                time=q["training.duration"],
                mfu=q["training.mfu"],
                goodput=q["faults.goodput"],
            )
        )
    if "serving.accelerators" in q:
        told.append(say("Serving takes {n}.", n=counted(q["serving.accelerators"], "accelerator", "accelerators")))
    return sentence(*told)


def _named(constraint: Constraint) -> Label:
    title = constraint.title
    return Label(title[:1].lower() + title[1:], "catalog")


def _binding(constraints: list[Constraint], lead: str) -> Prose:
    """The constraint with the least margin among these, and how often it holds."""
    if not constraints:
        return Prose()
    least = min(constraints, key=lambda c: float(c.margin))
    told = say(
        f"{lead} is {{name}}: {{designed}} against {{asked}}, a margin of {{margin:.2}}",
        name=_named(least),
        designed=least.designed,
        asked=least.asked,
        margin=least.margin,
    )
    if least.probability is not None and 0 < float(least.probability) < 1:
        told += say(
            "; with the uncertainty of the inputs it holds in {share:.2} of the samples", share=least.probability
        )
    return told + "."


def _miss(evaluation: Evaluation, constraint: Constraint, sections: Collection[str]) -> Prose:
    """A constraint that is missed: by how much, where it is dealt with, and the nearest lever."""
    told = strong("Missed: ") + say(
        "{name}, {designed} against {asked}, {by}",
        name=_named(constraint),
        designed=constraint.designed,
        asked=constraint.asked,
        by=_by(constraint),
    )
    where = TOLD_AT.get(constraint.field)
    if where in sections and where is not None:
        told += say(" ({where})", where=Reference(where))
    lever = _lever(evaluation, constraint)
    return told + "; " + lever + "." if lever else told + "."


def _by(constraint: Constraint) -> Prose:
    """By how much a constraint is missed."""
    above = float(constraint.designed) > float(constraint.asked)
    larger, smaller = (constraint.designed, constraint.asked) if above else (constraint.asked, constraint.designed)
    by = gap(larger, smaller, f"{constraint.title}: distance from what was asked")
    return say(f"{{by}} {'over' if above else 'short'}", by=by)


def _also(constraints: Collection[Constraint]) -> Prose:
    """The other missed constraints, each with by how much."""
    if not constraints:
        return Prose()
    each = (say("{name}, {by}", name=_named(c), by=_by(c)) for c in constraints)
    return say("Also missed: {each}.", each=join(each, between="; ", last="; "))


def _lever(evaluation: Evaluation, constraint: Constraint) -> Prose:
    """What would bring a missed constraint nearest, as far as the numbers tell."""
    found = _alternative(evaluation, constraint)
    if found:
        return found
    q = evaluation.quantities
    match constraint.field:
        case "workload.deadline":
            needed = product_of(
                q["cluster.accelerators"],
                ratio(constraint.designed, constraint.asked, unit="1", title="Duration over the deadline"),
                unit="1",
                title="Accelerators that meet the deadline at the same utilisation and goodput",
            )
            return say("at the same utilisation and goodput it takes {n} accelerators", n=needed)
        case "site.power_limit":
            return _most(evaluation, {"training": "training", "serving": "serving"}, "{key}.power")
        case "cost.budget":
            return _most(evaluation, COST_LINES, "cost.line_{key}")
        case "carbon.budget":
            return _most(evaluation, {"operational": "operation", "embodied": "making the hardware"}, "carbon.{key}")
        case "serving.ttft" | "serving.time_per_output_token":
            missed = evaluation.decisions["serving"].binding.startswith("missed")
            return prose("no serving plan that was evaluated keeps both latencies") if missed else Prose()
        case _:
            return Prose()


def _alternative(evaluation: Evaluation, constraint: Constraint) -> Prose:
    """The alternative of a decision that would meet the constraint, with why it lost."""
    key, figure = LEVERS.get(constraint.field, ("", ""))
    decided = evaluation.decisions.get(key)
    chosen = next((a for a in decided.alternatives if a.chosen), None) if decided else None
    if decided is None or chosen is None or figure not in chosen.metrics:
        return Prose()
    for other in decided.alternatives:
        means = key == "serving" and "replicas" not in other.metrics  # told without the tails that were promised
        if other.chosen or figure not in other.metrics or means:
            continue
        title = f"{constraint.title} with {other.label}"
        saved = gap(chosen.metrics[figure], other.metrics[figure], f"{constraint.title}: what {other.label} saves")
        instead = gap(constraint.designed, saved, title)
        if float(instead) <= float(constraint.asked):
            return say(
                "{other} would meet it, at {instead} ({why})",
                other=Label(other.label, "catalog"),
                instead=instead,
                why=lost_because(other),
            )
    return Prose()


def _most(evaluation: Evaluation, titles: dict[str, str], pattern: str) -> Prose:
    """The largest part of what is over its limit."""
    q = evaluation.quantities
    parts = [(title, q[name]) for key, title in titles.items() if (name := pattern.format(key=key)) in q]
    if not parts:
        return Prose()
    title, most = largest(parts)
    return say(f"the largest part, {{most}}, is {title}", most=most)


def cards(evaluation: Evaluation) -> tuple[Card, ...]:
    """Four headline numbers, each with a line of what stands behind it."""
    q, both = evaluation.quantities, evaluation.spec.trains and evaluation.spec.serves
    found: list[Card | None] = []
    with evaluation.ledger:
        if "training.duration" in q:
            found += [_training_card(q)] if both else [_training_card(q), _goodput_card(q)]
        if "serving.accelerators" in q:
            found += [_serving_card(q)] if both else [_serving_card(q), _latency_card(q)]
        found += [_cost_card(evaluation), _carbon_card(q)]
    return tuple(c for c in found if c is not None)


def _training_card(q: Mapping[str, Value]) -> Card:
    detail = say("MFU {mfu}, goodput {goodput}", mfu=q["training.mfu"], goodput=q["faults.goodput"])
    return card("Time to train", q["training.duration"], detail)


def _goodput_card(q: Mapping[str, Value]) -> Card:
    mttf, interval = q["faults.job_mttf"], q["faults.checkpoint_interval"]
    detail = say("a failure every {mttf}, a checkpoint every {interval}", mttf=mttf, interval=interval)
    return card("Goodput", q["faults.goodput"], detail)


def _serving_card(q: Mapping[str, Value]) -> Card:
    peak, replicas = q["serving.peak_requests"], counted(q["serving.replicas"], "replica", "replicas")
    return card(
        "Accelerators that serve",
        q["serving.accelerators"],
        say("{replicas} for a peak of {peak}", replicas=replicas, peak=peak),
    )


def _latency_card(q: Mapping[str, Value]) -> Card:
    detail = say("then {pace}", pace=q["serving.time_per_output_token"])
    return card("Time to first token, tail", q["serving.ttft"], detail)


def _cost_card(evaluation: Evaluation) -> Card | None:
    q = evaluation.quantities
    if "cost.tco" not in q:
        return None
    horizon = given_or(evaluation, "cost.horizon", "design.horizon")
    title: Sayable = "Cost"
    if horizon is not None and evaluation.decisions["cost"].chosen != "rent":
        title = say("Cost, {horizon}", horizon=horizon)
    detail = []
    if "cost.training" in q:
        detail.append(say("the run {cost}", cost=q["cost.training"]))
    if "cost.per_million_tokens" in q:
        detail.append(say("{cost} a million tokens served", cost=q["cost.per_million_tokens"]))
    return card(title, q["cost.tco"], join(detail, last=", "))


def _carbon_card(q: Mapping[str, Value]) -> Card | None:
    if "carbon.total" not in q:
        return None
    return card(
        "Carbon",
        q["carbon.total"],
        say("operation {use}, making the hardware {made}", use=q["carbon.operational"], made=q["carbon.embodied"]),
    )


def movers(evaluation: Evaluation) -> Figure | None:
    """What moves the cost most, or the time to train where there is no cost."""
    for name, target in (("cost.tco", "the cost"), ("training.duration", "the time to train")):
        value = evaluation.quantities.get(name)
        rows = swings(evaluation.uncertainty, value.entry, SWINGS) if value is not None else ()
        if rows:
            caption = say(f"What moves {target} most: each uncertain input at either end of its interval")
            return tornado(rows, caption, target=target)
    return None


def certainty(evaluation: Evaluation) -> Section:
    """What each headline number rests on: its interval and the inputs that move it most."""
    known = [(title, evaluation.quantities[name]) for name, title in RESTS if name in evaluation.quantities]
    return section(
        "certainty",
        "How sure",
        paragraph(
            "What each headline number rests on. A share is of the variance that one input alone explains; the rest "
            "lies in the other inputs and in how they act together."
        ),
        sure_table(evaluation, known),
        summary="what each headline number rests on",
    )
