"""The networks at equal endpoints: what each is made of, what it carries and costs, what it does to the step, and why
the others lost; and where the parallel groups lie on the chosen one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from navarch.core.arithmetic import difference, ratio, relative_change, share_of
from navarch.core.ledger import Value
from navarch.design.chapters.contention import (
    ADAPTIVE,
    HASHED,
    ROUTINGS,
    SCATTERED,
    OnFabrics,
    placed_rows,
)
from navarch.design.chapters.phrases import sentence
from navarch.design.document.blocks import bullets, heading, paragraph, remark, table
from navarch.design.document.model import Block, Bullets, Figure, Table
from navarch.design.document.prose import Label, Prose, Reference, Sayable, join, number, prose, say, strong
from navarch.design.evaluation.fabric import ROUNDING, Built, titled
from navarch.design.evaluation.result import Decision, Evaluation
from navarch.design.figures import side_by_side

MEDIA = ("copper", "active optical", "optical")
SLIGHT = 5e-4  # a step that is longer by less is told as no longer: a matter of display
FORMS = {
    "tensor": "tensor parallel",
    "context": "context parallel",
    "expert": "expert parallel",
    "data": "data parallel",
    "pipeline": "pipeline",
}
LIES = {
    "within a domain": "within a scale-up domain",
    "within a leaf": "under one leaf switch",
    "within a pod": "within a pod",
    "across pods": "over pods",
    "across leaves": "over leaf switches",
    "across domains": "over domains",
}


def built_of(evaluation: Evaluation) -> Mapping[str, Built]:
    """The topologies that were built, by key."""
    found: Mapping[str, Built] = evaluation.curves.get("fabric", {})
    return found


def alternatives(evaluation: Evaluation, decided: Decision) -> Table:
    """Every network with its parts, reach, bisection, cost and power; the chosen one first."""
    built = built_of(evaluation)
    order = [a.label for a in decided.alternatives]
    alike = len({float(built[kind].estimate.hosts) for kind in order if kind != "torus"}) == 1
    media = [m for m in MEDIA if any(_cables(built[kind], m) is not None for kind in order)]
    rows: list[list[Sayable | None]] = []
    for kind in order:
        fabric = built[kind].estimate
        rows.append(
            [
                prose(named(kind)), fabric.switches, *(_cables(built[kind], m) for m in media), fabric.farthest,
                fabric.bisection_bandwidth, fabric.cost, fabric.power,
            ]
        )  # fmt: skip
    columns = ["Network", "Switches", *(f"{m.capitalize()} cables" for m in media)]
    endpoints = evaluation.quantities["fabric.endpoints"]
    told = say("Networks for the same {hosts} endpoints", hosts=endpoints) if alike else prose("Networks")
    heads = [*columns, "Links to the farthest", "Bisection", "Cost", "Power"]
    return table(heads, rows, told, chosen=[order.index(decided.chosen)])


def named(kind: str) -> str:
    """What a topology is called."""
    return titled(kind)


def _cables(built: Built, medium: str) -> Value | None:
    return next((stock.count for stock in built.estimate.cable_media if stock.name == medium), None)


def beside(evaluation: Evaluation, decided: Decision, seen: OnFabrics | None) -> Figure | None:
    """Cost, power, bisection and what contention does to the step, network by network."""
    built = built_of(evaluation)
    if len(built) < 2:
        return None
    panels: list[Sayable] = ["Cost", "Power", "Bisection"]
    if seen is not None:
        panels.append("Step longer by")
    rows: list[tuple[Sayable, bool, Sequence[Value | None]]] = []
    for other in decided.alternatives:
        fabric = built[other.label].estimate
        values: list[Value | None] = [fabric.cost, fabric.power, fabric.bisection_bandwidth]
        if seen is not None:
            values.append(seen.rows[other.label].longer if other.label in seen.rows else None)
        rows.append((named(other.label), other.chosen, values))
    told = "The networks beside each other" + ("; contention as simulated" if seen is not None else "")
    return side_by_side(panels, rows, told)


def why_they_lost(evaluation: Evaluation, decided: Decision, seen: OnFabrics | None) -> Bullets | None:
    """Each network that lost: what it saves or costs, what it gives up, and what it does to the step."""
    built = built_of(evaluation)
    best = built[decided.chosen]
    told = [
        _lost(evaluation, kind, built[kind], best, _steps(seen, kind, decided.chosen))
        for kind in (a.label for a in decided.alternatives)
        if kind != decided.chosen
    ]
    refused = evaluation.curves.get("fabric refused", {})
    told += [
        say(
            "{kind}: not built, for the endpoints are {how} for it.",
            kind=strong(titled(kind).capitalize()),
            how=_why(why),
        )
        for kind, why in refused.items()
    ]
    return bullets(*told) if told else None


def _why(refusal: str) -> Prose:
    return prose("too many" if "exceed" in refusal else "too few")


def _steps(seen: OnFabrics | None, kind: str, chosen: str) -> tuple[Value, Value] | None:
    """Simulated step times: of a network, and of the chosen one."""
    if seen is None or kind not in seen.rows:
        return None
    return seen.rows[kind].step, seen.rows[chosen].step


def _lost(evaluation: Evaluation, kind: str, other: Built, best: Built, steps: tuple[Value, Value] | None) -> Prose:
    parts = [_money(kind, other, best)]
    share = float(other.estimate.bisection_share) / float(best.estimate.bisection_share)
    if share < 1 - ROUNDING:
        less = share_of(
            other.estimate.bisection_bandwidth,
            best.estimate.bisection_bandwidth,
            title=f"Bisection of a {titled(kind)} as a share",
        )
        parts.append(say("has {less:.2} of the bisection", less=less))
    if other.estimate.switches is None:
        parts.append(prose("presumes accelerators that pass on traffic for others"))
    told = say("{name} {parts}", name=strong(titled(kind).capitalize()), parts=join(parts))
    return told if steps is None else told + _on_the_step(evaluation, kind, other, best, steps)


def _money(kind: str, other: Built, best: Built) -> Prose:
    """What it costs more or less."""
    apart = _apart(kind, other, best)
    if apart is None:
        return prose("costs the same")
    dearer = float(other.estimate.cost) > float(best.estimate.cost)
    return say("costs {apart} more" if dearer else "saves {apart}", apart=apart)


def _apart(kind: str, other: Built, best: Built) -> Value | None:
    """What it costs more, or saves; None where it costs the same."""
    mine, theirs = best.estimate.cost, other.estimate.cost
    if abs(float(theirs) - float(mine)) <= ROUNDING * float(mine):
        return None
    if float(theirs) > float(mine):
        return difference(theirs, mine, title=f"Cost that a {titled(kind)} adds")
    return difference(mine, theirs, title=f"Cost that a {titled(kind)} saves")


def _on_the_step(
    evaluation: Evaluation, kind: str, other: Built, best: Built, steps: tuple[Value, Value]
) -> Prose:  # fmt: skip
    """What becomes of the step there, and whether money and time weigh each other up."""
    theirs, mine = steps
    change = relative_change(theirs, mine, title=f"Step on a {titled(kind)} over that on the chosen network")
    if abs(float(change)) < SLIGHT:
        return prose(". The step, contention simulated, takes as long.")
    slower = float(change) > 0
    size = (
        change if slower else relative_change(mine, theirs, title=f"Step on the chosen network over a {titled(kind)}'s")
    )
    told = say(". The step, contention simulated, takes {size:.2} " + ("longer" if slower else "less"), size=size)
    capital, apart = evaluation.quantities.get("cost.capital"), _apart(kind, other, best)
    dearer = float(other.estimate.cost) > float(best.estimate.cost)
    if capital is None or apart is None or dearer == slower:
        return told + "."
    share = share_of(apart, capital, title=f"{apart.entry.title} as a share of the equipment")
    pays = (float(share) > float(size)) == slower
    verb = "adds" if dearer else "saves"
    more = "less" if pays == slower else "more"
    ending = ": for this plan, so placed, it would pay." if pays else "."
    return told + say(f", {more} than the {{share:.2}} of the equipment that it {verb}" + ending, share=share)


def carried(evaluation: Evaluation, decided: Decision) -> Prose:
    """Bisection of the chosen network two ways, and where the two are not equal of the others."""
    built = built_of(evaluation)
    mine = built[decided.chosen]
    same = _agree(mine)
    told = say(
        "Bisection is {closed} by the closed form, and the greatest flow between the halves of the graph is {flow}.",
        closed=mine.estimate.bisection_bandwidth,
        flow=mine.flow,
    ) if not same else say(
        "Bisection, {closed}, is the same by the closed form and by the greatest flow between the halves of the graph, "
        "{flow}.",
        closed=mine.estimate.bisection_bandwidth,
        flow=mine.flow,
    )  # fmt: skip
    apart = [kind for kind, b in built.items() if kind != decided.chosen and not _agree(b)]
    others = [kind for kind in built if kind != decided.chosen]
    if not others:
        return told
    if not apart:
        return sentence(told, "So it is for every other network.")
    said = join(
        say(f"{{flow}} for the {titled(kind)} (closed form {{closed}}, which counts it evenly filled)",
            flow=built[kind].flow, closed=built[kind].estimate.bisection_bandwidth)
        for kind in apart
    )  # fmt: skip
    return sentence(told, say("By flow it is {said}.", said=said))


def _agree(built: Built) -> bool:
    closed = float(built.estimate.bisection_bandwidth)
    return abs(float(built.flow) - closed) <= ROUNDING * closed


def the_step(evaluation: Evaluation, decided: Decision, seen: OnFabrics | None) -> Sequence[Block | None]:
    """The training step on every network, contention simulated."""
    if seen is None:
        return ()
    return (
        heading("The step on each network"),
        paragraph(_step_told(evaluation, decided, seen)),
        _step_table(decided, seen),
        remark(
            "Simulated flow by flow, all groups of a form at once, routed as told. A factor is how many times as long "
            "it takes as with nothing in the way. Forms that stay within a scale-up domain meet no network."
        ),
    )


def _step_told(evaluation: Evaluation, decided: Decision, seen: OnFabrics) -> Prose:
    mine = seen.rows[decided.chosen]
    first = say(
        "With nothing in the way a step takes {base}, of which {share:.2} is communication that computation does not "
        "hide ({where}).",
        base=seen.base,
        share=seen.exposed,
        where=Reference("parallelism"),
    )
    name, routing = titled(decided.chosen), ROUTINGS[mine.routing]
    by = "given in the design file" if evaluation.labels["routing_by"] == "user" else "chosen by navarch"
    if float(mine.longer) < SLIGHT:
        second = prose(f"On the {name}, flows routed {routing} ({by}), contention adds nothing.")
    else:
        second = say(
            f"On the {name}, flows routed {routing} ({by}), contention makes that {{step}}, {{longer:.2}} longer.",
            step=mine.step,
            longer=mine.longer,
        )
    return sentence(first, second, *_what_if(decided, seen))


def _what_if(decided: Decision, seen: OnFabrics) -> list[Prose]:
    """The other routing, and a job that is scattered over the network."""
    told = []
    for key, told_as in (
        (HASHED, "Were they put on paths by a hash instead"),
        (ADAPTIVE, "Were they routed by load instead"),
        (SCATTERED, "Were the nodes of the job scattered over the network"),
    ):
        other = seen.others.get(key)
        if other is None:
            continue
        if float(other.longer) < SLIGHT:
            told.append(prose(f"{told_as}, it would take no longer than with nothing in the way."))
        else:
            told.append(
                say(f"{told_as}, it would take {{step}}, {{longer:.2}} longer.", step=other.step, longer=other.longer)
            )
    return told


def _step_table(decided: Decision, seen: OnFabrics) -> Table:
    forms = [f for f in FORMS if any(f in row.slowed for row in seen.rows.values())]
    order = [a.label for a in decided.alternatives if a.label in seen.rows]
    rows: list[list[Sayable | None]] = []
    for kind in order:
        row = seen.rows[kind]
        rows.append(
            [
                prose(titled(kind)), prose(ROUTINGS[row.routing]), *(_times(row.slowed.get(f)) for f in forms),
                number(row.exposed, 2), row.step, number(row.longer, 2),
            ]
        )  # fmt: skip
    heads = ["Network", "Flows routed", *(FORMS[f].capitalize() for f in forms)]
    return table([*heads, "Left exposed", "Step", "Longer by"], rows, chosen=[order.index(decided.chosen)])


def _times(factor: Value | None) -> Sayable | None:
    return None if factor is None else number(factor, 2)


def placement(evaluation: Evaluation, seen: OnFabrics | None) -> Sequence[Block | None]:
    """Where the parallel groups lie on the chosen network."""
    if seen is None or not seen.placed:
        return ()
    rows: list[list[Sayable | None]] = []
    known = placed_rows(evaluation, seen)
    extra = [k for k in ("leaves", "pods") if any(k in told for _, told in known)]
    for form, told in known:
        rows.append(
            [
                Label(_form_name(form.name)), told["ranks"], told["groups"], told["stride"], told["domains"],
                *(told.get(k) for k in extra), told.get("sent"), prose(LIES.get(form.lies, form.lies)),
            ]
        )  # fmt: skip
    heads = ["Groups", "Ranks", "How many", "Neighbours apart", "Domains", *(k.capitalize() for k in extra)]
    crossing = [form for form, told in known if "sent" in told]
    return (
        heading("Where the parallel groups lie"),
        paragraph(_placement_told(evaluation, [form.name for form in crossing])),
        table([*heads, "Out of a domain in a step", "A group lies"], rows),
    )


def _form_name(name: str) -> str:
    return name[:1].upper() + name[1:]


def _placement_told(evaluation: Evaluation, crossing: Sequence[str]) -> Prose:
    first = (
        "Neighbours in tensor parallelism are neighbours in a node, then come context, data and pipeline, so that what "
        "talks most stays closest."
    )
    if not crossing:
        return prose(f"{first} Nothing leaves a scale-up domain.")
    told = join([prose(name) for name in crossing])
    return prose(first) + " Of these the network carries: " + told + "."


def capital_share(evaluation: Evaluation) -> Value | None:
    """The training network as a share of what the equipment costs."""
    q = evaluation.quantities
    if "cost.line_network" not in q or "cost.capital" not in q:
        return None
    return share_of(q["fabric.cost"], q["cost.capital"], title="Training network as a share of the equipment")


def power_share(evaluation: Evaluation) -> Value:
    """Power of the network over the greatest power of the nodes."""
    q = evaluation.quantities
    return ratio(
        q["fabric.power"], q["cluster.node_power"], unit="fraction", title="Power of the network over the nodes'"
    )
