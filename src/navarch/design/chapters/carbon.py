"""Carbon budget: the site, what the work emits there and in other regions, the making of the hardware, and water."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from navarch.core.arithmetic import difference, product_of, ratio, relative_change, share_of
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import name, sentence
from navarch.design.chapters.reading import constraint, kept, origin, sureness, triggers
from navarch.design.document.blocks import decision_block, heading, paragraph, section, table
from navarch.design.document.model import DecisionBlock, Figure, Section, Table
from navarch.design.document.prose import Label, Prose, Sayable, join, number, say
from navarch.design.figures import carbon_breakdown, region_scatter
from navarch.responsible.sustainability.estimate import operational_carbon

if TYPE_CHECKING:
    from navarch.design.evaluation.carbon import RegionPoint
    from navarch.design.evaluation.result import Constraint, Evaluation

PARTIES = ("training", "serving")
NEAR = 0.05  # of the largest carbon: regions nearer than this would overlap in the drawing


@dataclass(frozen=True)
class Place:
    """The site as the comparison sees it, and the best of the others."""

    name: Label
    grid: Value
    price: Value
    pue: Value
    cost: Value
    carbon: Value  # at work, on the grid's own mix, as for every other region
    cleanest: RegionPoint | None
    cheapest: RegionPoint | None


SURE = [
    ("Carbon in all", "carbon.total"),
    ("Carbon at work", "carbon.operational"),
    ("Power of the site", "power.facility"),
    ("Energy", "energy.total"),
    ("Water", "water.total"),
]


def chapter(evaluation: Evaluation) -> Section:
    """The carbon budget of the design."""
    q = evaluation.quantities
    with evaluation.ledger:
        here = _place(evaluation)
        return section(
            "carbon",
            "Carbon budget",
            _decision(evaluation, here),
            _scatter(evaluation, here),
            heading("What it emits"),
            paragraph(_emitted(evaluation)),
            _breakdown(evaluation),
            heading("Energy and water"),
            paragraph(_energy_and_water(evaluation, here)),
            *sureness(evaluation, SURE),
            summary=say("{place}: {total}", place=name(evaluation, "region"), total=q["carbon.total"]),
        )


def _place(evaluation: Evaluation) -> Place:
    q = evaluation.quantities
    party = next(p for p in PARTIES if f"{p}.operational_carbon" in q)
    emitted = q[f"{party}.operational_carbon"]
    grid = origin(emitted, "intensity")
    carbon = q["carbon.operational"]
    if evaluation.spec.given("carbon.clean_share"):
        carbon = operational_carbon(q["energy.total"], grid, title="Operational carbon on the grid's own mix")
    others = [p for p in evaluation.curves["regions"] if not p.chosen]
    return Place(
        name(evaluation, "region"),
        grid,
        origin(q["cost.line_energy"], "price"),
        origin(emitted, "energy", "pue"),
        q["cost.energy_of_workload"],
        carbon,
        min(others, key=lambda p: float(p.carbon), default=None),
        min(others, key=lambda p: float(p.cost), default=None),
    )


def _decision(evaluation: Evaluation, here: Place) -> DecisionBlock:
    decided = evaluation.decisions["site"]
    why = say(
        "Electricity there costs {price} and emits {grid}; at a PUE of {pue} the work takes {cost} of it.",
        price=here.price,
        grid=here.grid,
        pue=here.pue,
        cost=here.cost,
    )
    if decided.by == "navarch":
        why += say(" It emits least among the regions whose energy costs no more than in half of them.")
    return decision_block(
        decided,
        decision=say("Site: {place}.", place=here.name),
        why=sentence(why, _cleaner(evaluation, here)),
        alternatives=_regions(evaluation, here),
        sensitivity=_sensitivity(evaluation),
        revisit=_revisit(evaluation, here),
    )


def _cleaner(evaluation: Evaluation, here: Place) -> Prose | None:
    """What the cleanest other region would give and cost."""
    other = here.cleanest
    count = evaluation.decisions["site"].considered
    if other is None or count is None:
        return None
    name = Label(other.name, "catalog")
    if other.carbon >= here.carbon:
        more = difference(other.carbon, here.carbon, title="Carbon that the cleanest other region adds")
        return say(
            "None of the {count} regions compared emits less at work; {name} comes nearest, with {more} more.",
            count=count,
            name=name,
            more=more,
        )
    saved = difference(here.carbon, other.carbon, title="Carbon that the cleanest region saves")
    if other.cost <= here.cost:
        less = difference(here.cost, other.cost, title="Energy cost that the cleanest region saves")
        return say(
            "{name} would emit {saved} less and its energy would cost {less} less.", name=name, saved=saved, less=less
        )
    more = difference(other.cost, here.cost, title="Energy cost that the cleanest region adds")
    return say(
        "{name} would emit {saved} less for {more} more in energy: {price}.",
        name=name,
        saved=saved,
        more=more,
        price=_price(here, other),
    )


def _regions(evaluation: Evaluation, here: Place) -> Table:
    rows: list[list[Sayable | None]] = [
        [here.name, here.cost, None, here.carbon, None, Label("chosen", strong=True)],
    ]
    seen: set[str] = set()
    for other in (here.cleanest, here.cheapest):
        if other is None or other.id in seen:
            continue
        seen.add(other.id)
        cost = relative_change(other.cost, here.cost, title=f"Energy cost in {other.name} over the site's")
        carbon = relative_change(other.carbon, here.carbon, title=f"Carbon at work in {other.name} over the site's")
        lost = _why_lost(evaluation, float(cost), float(carbon))
        rows.append(
            [
                Label(other.name, "catalog"),
                other.cost,
                number(cost, signed=True),
                other.carbon,
                number(carbon, signed=True),
                lost,
            ]
        )
    titles = ["Region", "Energy cost", "change", "Carbon at work", "change", "Why it lost"]
    return table(titles, rows, chosen=[0])


def _why_lost(evaluation: Evaluation, cost: float, carbon: float) -> str:
    given = evaluation.decisions["site"].by == "user"
    if cost <= 0 and carbon <= 0:
        return "the design file names the site" if given else "differs by too little to tell"
    if carbon < 0:
        return "its energy costs more" if given else "its energy costs more than in half of the regions"
    return "emits more" if cost < 0 else "costs more and emits more"


def _sensitivity(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    share = share_of(q["carbon.operational"], q["carbon.total"], title="Share of the carbon emitted at work")
    return say(
        "The site decides over {share} of the carbon, what is emitted at work; the other {made} were emitted when the "
        "hardware was made.",
        share=share,
        made=q["carbon.embodied"],
    )


def _revisit(evaluation: Evaluation, here: Place) -> Prose:
    """The grid intensity at which the budget or another region decides, and what carbon or electricity must cost."""
    limit = constraint(evaluation, "carbon.budget")
    return triggers(
        None if limit is None else _budget_trigger(evaluation, here, limit),
        None if here.cleanest is None else _cleanest_trigger(here, here.cleanest, limit is None),
        None if here.cheapest is None else _cheapest_trigger(here, here.cheapest),
    )


def _budget_trigger(evaluation: Evaluation, here: Place, limit: Constraint) -> Prose:
    """The grid intensity at which the carbon budget is just met."""
    q = evaluation.quantities
    room = limit.asked
    if _counts_embodied(evaluation):
        room = difference(limit.asked, q["carbon.embodied"], title="Budget left for carbon at work")
    if room <= 0:
        return say("the budget changes: the making of the hardware alone passes it.")
    share = ratio(room, q["carbon.operational"], unit="1", title="Budget left over carbon at work")
    title = "Grid intensity at which the carbon budget is just met"
    level = product_of(here.grid, share, unit="kgCO2e/J", title=title, symbol="I_max")
    if limit.met:
        return say("the grid emits more than {level}: the budget is then missed.", level=level)
    return say("the grid emits less than {level}: the budget is then met.", level=level)


def _cleanest_trigger(here: Place, other: RegionPoint, alone: bool) -> Prose | None:
    """What carbon must be worth for the cleanest region to win; without a budget, the grid at which it is cleaner."""
    name = Label(other.name, "catalog")
    if other.carbon < here.carbon and other.cost > here.cost:
        return say("carbon is worth more than {price}: {name} then pays.", price=_price(here, other), name=name)
    if other.carbon < here.carbon:
        return say("the fleet can stand in {name}: it is cleaner and no dearer there.", name=name)
    if not alone or other.carbon == here.carbon:
        return None
    times = ratio(other.carbon, here.carbon, unit="1", title="Carbon of the cleanest other region over the site's")
    title = "Grid intensity at which another region emits as little"
    level = product_of(here.grid, times, unit="kgCO2e/J", title=title, symbol="I_even")
    return say("the grid emits more than {level}: {name} is then the cleaner.", level=level, name=name)


def _cheapest_trigger(here: Place, other: RegionPoint) -> Prose | None:
    """The electricity price at which the cheapest other region wins; or what carbon is worth, where it is cheaper."""
    name = Label(other.name, "catalog")
    if other.cost > here.cost:
        times = ratio(other.cost, here.cost, unit="1", title="Energy cost of the cheapest other region over the site's")
        title = "Electricity price at which another region is as cheap"
        level = product_of(here.price, times, unit="USD/J", title=title, symbol="p_even")
        return say("electricity here costs more than {level}: {name} is then the cheaper.", level=level, name=name)
    if other.carbon <= here.carbon:
        return None
    return say("carbon is worth less than {price}: {name} then pays.", price=_price(here, other), name=name)


def _price(here: Place, other: RegionPoint) -> Value:
    """The price of carbon at which the site and another region cost the same, where one is cleaner and one cheaper."""
    if other.cost > here.cost:
        money = difference(other.cost, here.cost, title=f"Energy cost that {other.name} adds")
        carbon = difference(here.carbon, other.carbon, title=f"Carbon that {other.name} saves")
    else:
        money = difference(here.cost, other.cost, title=f"Energy cost that {other.name} saves")
        carbon = difference(other.carbon, here.carbon, title=f"Carbon that {other.name} adds")
    title = f"Price of carbon at which {other.name} costs the same"
    return ratio(money, carbon, unit="USD/kgCO2e", title=title, symbol="p_m")


def _counts_embodied(evaluation: Evaluation) -> bool:
    """Whether the budget counts the making of the hardware."""
    return evaluation.spec.field("carbon.embodied") is not False


def _scatter(evaluation: Evaluation, here: Place) -> Figure | None:
    """The regions that no other beats on both counts, and the site among them."""
    points = [p for p in evaluation.curves["regions"] if not p.chosen]
    if not points:
        return None
    best = [p for p in points if not any(o.cost < p.cost and o.carbon < p.carbon for o in points)]
    marks = [(here.name, here.cost, here.carbon, True)]
    marks += [(Label(p.name, "catalog"), p.cost, p.carbon, False) for p in _apart(best)]
    caption = say(
        "The same work in other regions: cost of its energy and carbon at work. Drawn are those that no other beats on "
        "both; of near neighbours one."
    )
    return region_scatter(marks, caption)


def _apart(points: list[RegionPoint]) -> list[RegionPoint]:
    """Points from the cleanest on, those left out whose carbon is nearly that of the one before."""
    ordered = sorted(points, key=lambda p: float(p.carbon))
    near = NEAR * float(ordered[-1].carbon)
    shown = ordered[:1]
    for point in ordered[1:]:
        if float(point.carbon) - float(shown[-1].carbon) > near:
            shown.append(point)
    return shown


def _emitted(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    told: list[Prose | None] = [
        say(
            "The design emits {total}: {operational} at work, and {embodied} in the making of its hardware for the "
            "share of its life that the work takes.",
            total=q["carbon.total"],
            operational=q["carbon.operational"],
            embodied=q["carbon.embodied"],
        )
    ]
    if evaluation.spec.given("carbon.clean_share"):
        told.append(say("Carbon at work counts the clean share of the supply as free."))
    limit = constraint(evaluation, "carbon.budget")
    if limit is not None:
        what = (
            "with the making of the hardware" if _counts_embodied(evaluation) else "without the making of the hardware"
        )
        told.append(say(f"The budget of {{asked}}, counted {what}, is {{kept}}.", asked=limit.asked, kept=kept(limit)))
    else:
        told.append(say("The design file sets no budget."))
    if all(f"{p}.operational_carbon" in q for p in PARTIES):
        told.append(_dominant(evaluation))
    return sentence(*told)


def _dominant(evaluation: Evaluation) -> Prose:
    """Which of training and serving emits more, and how many times."""
    q = evaluation.quantities
    first, second = sorted(PARTIES, key=lambda p: -float(q[f"{p}.operational_carbon"]))
    times = ratio(
        q[f"{first}.operational_carbon"],
        q[f"{second}.operational_carbon"],
        unit="1",
        title=f"Carbon at work of {first} over that of {second}",
    )
    return say(f"{first.capitalize()} emits {{times}} times as much at work as {second}.", times=times)


def _breakdown(evaluation: Evaluation) -> Figure:
    q = evaluation.quantities
    present = [p for p in PARTIES if f"{p}.operational_carbon" in q]
    groups = [
        ("at work", [(p, q[f"{p}.operational_carbon"]) for p in present]),
        ("making", [(p, q[f"{p}.embodied_carbon"]) for p in present]),
    ]
    clean = evaluation.spec.given("carbon.clean_share")
    caption = "Emissions at work and in the making of the hardware" + (", before the clean share." if clean else ".")
    return carbon_breakdown(groups, caption)


def _energy_and_water(evaluation: Evaluation, here: Place) -> Prose:
    q = evaluation.quantities
    told: list[Prose | None] = [
        say(
            "The site draws {power} when everything runs; the work takes {energy} at the meter.",
            power=q["power.facility"],
            energy=q["energy.total"],
        )
    ]
    limit = constraint(evaluation, "site.power_limit")
    if limit is not None:
        pue = product_of(
            here.pue,
            ratio(limit.asked, limit.designed, unit="1", title="Power limit over power drawn"),
            unit="1",
            title="PUE at which the power limit is just met",
            symbol="PUE_max",
        )
        told.append(say("The power limit of {asked} is {kept};", asked=limit.asked, kept=kept(limit)))
        just = "it is reached" if limit.met else "it would be met"
        told.append(say(f"{just} at a PUE of {{pue}}.", pue=pue) if pue >= 1 else say("no PUE would meet it."))
    each = [
        say(f"{party} {{each}}", each=q[f"{party}.energy_per_token"])
        for party in PARTIES
        if f"{party}.energy_per_token" in q
    ]
    told.append(say("Energy of a token: {each}.", each=join(each)))
    told.append(say("Cooling and the generation of the electricity consume {water} of water.", water=q["water.total"]))
    return sentence(*told)
