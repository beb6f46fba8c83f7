"""Cost: what the fleet costs by line, what a unit of its work costs, and whether to own or to rent it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from navarch.core.arithmetic import difference, margin_below, relative_change, share_of, sum_of
from navarch.core.ledger import Value
from navarch.deployment.operations.cost import break_even_time, break_even_utilisation
from navarch.design.chapters.phrases import constant, sentence
from navarch.design.chapters.reading import constraint, kept, moves, origin, parts_of, sureness, triggers
from navarch.design.document.blocks import decision_block, heading, paragraph, section, table
from navarch.design.document.model import Block, DecisionBlock, Figure, Section, Table
from navarch.design.document.prose import Label, Prose, Sayable, number, say
from navarch.design.figures import cost_breakdown

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Evaluation

LINES = ("servers", "network", "storage", "energy", "maintenance", "staff", "facility", "interest")
FIXED = ("energy", "staff", "facility")  # lines that do not follow the price of the equipment
NAMES = {"facility": "building", "interest": "cost of capital"}
UNITS = {
    "cost.per_accelerator_time": "an accelerator's time",
    "cost.training": "the training run",
    "cost.per_trained_token": "tokens trained on",
    "cost.per_million_tokens": "a million tokens served",
}

SURE = [
    ("Total", "cost.tco"),
    ("A million tokens served", "cost.per_million_tokens"),
    ("The training run", "cost.training"),
]


def chapter(evaluation: Evaluation) -> Section:
    """The cost estimate of the design."""
    q = evaluation.quantities
    rents = _rents(evaluation)
    with evaluation.ledger:
        return section(
            "cost",
            "Cost estimate",
            _decision(evaluation),
            heading("Where the money goes"),
            paragraph(_total(evaluation)),
            _rent_figure(evaluation) if rents else _figure(evaluation),
            _lines(evaluation),
            heading("What a unit of work costs"),
            _units(evaluation),
            *sureness(evaluation, SURE),
            summary=say("Rent: {total} for the work", total=q["cost.tco"])
            if rents
            else say("Own: {total} over {horizon}", total=q["cost.tco"], horizon=_horizon(evaluation)),
        )


def _rents(evaluation: Evaluation) -> bool:
    return evaluation.decisions["cost"].chosen == "rent"


def _horizon(evaluation: Evaluation) -> Value:
    """The period that the cost of owning covers."""
    return origin(evaluation.quantities["cost.line_energy"], "energy", "period")


def _decision(evaluation: Evaluation) -> DecisionBlock:
    decided = replace(evaluation.decisions["cost"], considered=None)  # ways to pay are told, not searched
    rents = _rents(evaluation)
    return decision_block(
        decided,
        decision="Rent the machines for the work." if rents else "Buy the machines and run them.",
        why=_why(evaluation),
        alternatives=_ways(evaluation),
        sensitivity=_sensitivity(evaluation),
        revisit=_revisit(evaluation),
    )


def _why(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    if "cost.rented_for_work" not in q:
        return say(
            "Owning costs {own} over {horizon}. The catalog knows no rent of these accelerators: renting is not "
            "compared.",
            own=q["cost.owned"],
            horizon=_horizon(evaluation),
        )
    owned, always, work = q["cost.owned"], q["cost.rented_for_horizon"], q["cost.rented_for_work"]
    alone = say(", and {work} for this work alone", work=work) if work != always else Prose()
    told = [
        say(
            "Over {horizon} owning costs {own}; renting the same accelerators on demand costs {always} for all of that "
            "time{alone}.",
            horizon=_horizon(evaluation),
            own=owned,
            always=always,
            alone=alone,
        )
    ]
    cheapest = min(owned, always, work)
    if _rents(evaluation):
        told.append(say("For this work renting is the cheaper." if work <= owned else "Owning would cost less."))
    elif cheapest == owned:
        told.append(say("Owning is the cheapest of the three."))
    elif work < owned <= always:
        told.append(say("Owning pays if the fleet goes on working after this: the work alone is cheaper rented."))
    else:
        told.append(say("Renting costs less even for the whole time; the design file asks to own."))
    return sentence(*told)


def _ways(evaluation: Evaluation) -> Table | None:
    q = evaluation.quantities
    if "cost.rented_for_work" not in q:
        return None
    rents, chosen = _rents(evaluation), q["cost.tco"]
    ways = [
        ("own", q["cost.owned"], not rents, "the machines outlast the work"),
        ("rent for the work", q["cost.rented_for_work"], rents, "leaves no fleet when the work ends"),
        ("rent for the horizon", q["cost.rented_for_horizon"], False, "holds the machines when the work is done"),
    ]
    if q["cost.rented_for_horizon"] == q["cost.rented_for_work"]:
        ways.pop()
    rows: list[list[Sayable | None]] = []
    for name, total, is_chosen, lost in sorted(ways, key=lambda w: not w[2]):
        change = None if is_chosen else relative_change(total, chosen, title=f"Cost of {name} over the chosen way")
        shown = None if change is None else number(change, signed=True)
        if name == "rent for the horizon" and not rents:
            lost = "costs more for the same machines" if total > chosen else "not asked for"
        rows.append([Label(name), total, shown, Label("chosen", strong=True) if is_chosen else lost])
    return table(["Way to pay", "Total", "Against chosen", "Why it lost"], rows, chosen=[0])


def _even(evaluation: Evaluation) -> Value:
    q = evaluation.quantities
    return break_even_utilisation(q["cost.owned"], q["cost.rented_for_horizon"])


def _sensitivity(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    if "cost.rented_for_horizon" not in q:
        return moves(evaluation, "The cost of owning", q["cost.owned"])
    even = _even(evaluation)
    used = share_of(
        q["cost.rented_for_work"], q["cost.rented_for_horizon"], title="Share of the horizon that the work fills"
    )
    if even > 1:
        return say("Renting all the time is cheaper than owning, so that no use of the machines makes owning pay.")
    return say(
        "Owning pays once the machines work {even} of the time; this work fills {used} of it.", even=even, used=used
    )


def _revisit(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    if "cost.rented_for_horizon" not in q:
        return say("a rent of these accelerators becomes known.")
    if _rents(evaluation):
        return _revisit_rent(evaluation)
    owned, always = q["cost.owned"], q["cost.rented_for_horizon"]
    if owned > always:
        change = relative_change(owned, always, title="Rise of rents at which owning costs as little")
        return say("rents on demand rise by {change}: until then owning costs more over the horizon.", change=change)
    fall = margin_below(always, owned, title="Fall of rents at which renting for the horizon costs as little")
    fallen = say("rents on demand fall by {fall}: renting for the whole horizon then costs as little.", fall=fall)
    payback = break_even_time(q["cost.capital"], q["cost.operating"], always, _horizon(evaluation))
    if not (math.isfinite(payback) and payback < _horizon(evaluation)):
        return fallen
    return triggers(
        fallen, say("the fleet may be needed for less than {payback}: it pays back only then.", payback=payback)
    )


def _revisit_rent(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    even, horizon = _even(evaluation), _horizon(evaluation)
    if even > 1:
        return say(
            "owning falls under {always}, the rent for all of {horizon}.",
            always=q["cost.rented_for_horizon"],
            horizon=horizon,
        )
    return say(
        "the machines would work more than {even} of {horizon}: owning is then the cheaper.", even=even, horizon=horizon
    )


def _total(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    told: list[Prose | None] = []
    if _rents(evaluation):
        told.append(say("Renting for the work costs {total}.", total=q["cost.tco"]))
    else:
        share = share_of(q["cost.capital"], _spent(evaluation), title="Share of equipment in all that is spent")
        told.append(
            say(
                "The fleet costs {total} over {horizon}. Equipment is {capital}, {share} of all that is spent.",
                total=q["cost.tco"],
                horizon=_horizon(evaluation),
                capital=q["cost.capital"],
                share=share,
            )
        )
    limit = constraint(evaluation, "cost.budget")
    if limit is not None:
        told.append(say("The budget of {asked} is {kept}.", asked=limit.asked, kept=kept(limit)))
        if not limit.met:
            told.append(_way_out(evaluation, limit.asked))
    return sentence(*told)


def _way_out(evaluation: Evaluation, budget: Value) -> Prose:
    """What would meet a budget that is missed."""
    q = evaluation.quantities
    if _rents(evaluation):
        change = relative_change(budget, q["cost.tco"], title="Change of rents at which the budget is met")
        return say("Rents would have to move by {change:+} to meet it.", change=change)
    told = []
    if "cost.rented_for_work" in q and q["cost.rented_for_work"] <= budget:
        told.append(say("Renting for this work alone, {work}, would meet it.", work=q["cost.rented_for_work"]))
    fixed = sum_of(*(q[f"cost.line_{n}"] for n in FIXED), title="Cost that does not follow the price of the equipment")
    room = difference(budget, fixed, title="Budget left for equipment and what follows its price")
    if room <= 0:
        told.append(say("Energy, staff and building alone, {fixed}, pass it.", fixed=fixed))
    else:
        now = difference(q["cost.owned"], fixed, title="Cost of equipment and of what follows its price")
        change = relative_change(room, now, title="Change of the price of equipment at which the budget is met")
        told.append(say("Owning meets it when equipment costs {change:+}.", change=change))
    return sentence(*told)


def _spent(evaluation: Evaluation) -> Value:
    return origin(evaluation.quantities["cost.owned"], "spent")


def _shown(evaluation: Evaluation) -> list[tuple[str, Value]]:
    """The lines that cost something."""
    q = evaluation.quantities
    return [(n, q[f"cost.line_{n}"]) for n in LINES if q.get(f"cost.line_{n}")]


def _figure(evaluation: Evaluation) -> Figure:
    parts = [(NAMES.get(n, n), v) for n, v in _shown(evaluation)]
    caption = say(
        "Cost over {horizon} by line; the total is less what the equipment fetches at the end.",
        horizon=_horizon(evaluation),
    )
    return cost_breakdown(parts, caption, total=evaluation.quantities["cost.tco"])


def _rent_figure(evaluation: Evaluation) -> Figure | None:
    work = evaluation.quantities["cost.rented_for_work"]
    parts = parts_of(work)
    if len(parts) < 2:
        return None
    shown = [("serving" if p.entry.title.endswith("serving") else "training", p) for p in parts]
    return cost_breakdown(shown, "Rent of the accelerators by what they do.", total=work)


def _lines(evaluation: Evaluation) -> Table:
    """The lines of owning, with their share of all that is spent."""
    q = evaluation.quantities
    spent = _spent(evaluation)
    rows: list[list[Sayable | None]] = [
        [
            NAMES.get(n, n),
            number(v, interval=True),
            share_of(v, spent, title=f"Share of {NAMES.get(n, n)} in all that is spent"),
        ]
        for n, v in _shown(evaluation)
    ]
    rows.append(["spent", number(spent, interval=True), None])
    rows.append(["less value at the end", number(q["cost.residual"], interval=True), None])
    rows.append(["total of owning", number(q["cost.owned"], interval=True), None])
    caption = (
        say("What owning the same machines would cost over {horizon}.", horizon=_horizon(evaluation))
        if _rents(evaluation)
        else None
    )
    return table(["Line", "Cost", "Share"], rows, caption, total=[-1])


def _units(evaluation: Evaluation) -> Block:
    q = evaluation.quantities
    rows: list[list[Sayable | None]] = []
    for name, title in UNITS.items():
        if name in q and not (name == "cost.per_accelerator_time" and _rents(evaluation)):
            rows.append([title, number(q[name], interval=True)])
    return table(["Unit", "Cost"], rows, _note(evaluation))


def _note(evaluation: Evaluation) -> Prose:
    used = constant(evaluation, "operations.share-used")
    if _rents(evaluation) or used is None:
        return say("At the rent of the accelerators, for the time that they are held.")
    return say("At the cost of owning, with the accelerators in use {used} of the time.", used=used)
