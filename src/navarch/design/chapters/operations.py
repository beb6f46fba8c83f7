"""Operations: the error budget, the alerts that guard it, spare replicas, canaries and releases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from navarch.core.arithmetic import difference, product_of, ratio, share_of
from navarch.core.ledger import Value
from navarch.deployment.operations.estimate import canary_share, service_availability
from navarch.design.chapters.phrases import sentence
from navarch.design.chapters.reading import constraint, kept, origin, sureness, triggers
from navarch.design.document.blocks import decision_block, heading, paragraph, section, table
from navarch.design.document.model import DecisionBlock, Section, Table
from navarch.design.document.prose import Label, Prose, Sayable, say

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Evaluation

TIERS = {"page_fast": "page, fast", "page_slow": "page, slow", "ticket": "ticket"}

SURE = [
    ("Availability of the replicas", "operations.availability"),
    ("Duration of a canary", "operations.canary_duration"),
    ("Requests that may fail", "operations.request_error_budget"),
]


def chapter(evaluation: Evaluation) -> Section | None:
    """The operations of the design; None where nothing is served."""
    if "operations.error_budget" not in evaluation.quantities:
        return None
    q = evaluation.quantities
    with evaluation.ledger:
        return section(
            "operations",
            "Operations",
            _decision(evaluation),
            heading("Replicas"),
            paragraph(_replicas(evaluation)),
            heading("Canary and release"),
            paragraph(_canary(evaluation)),
            *sureness(evaluation, SURE),
            summary=say("Three tiers of alerts on {objective}, canary first", objective=q["operations.objective"]),
        )


def _decision(evaluation: Evaluation) -> DecisionBlock:
    decided = replace(evaluation.decisions["operations"], considered=None)  # the tiers go together
    return decision_block(
        decided,
        decision="Alert on the burn rate of the error budget in three tiers; a canary before every release.",
        why=_why(evaluation),
        numbers=_tiers(evaluation),
        alternatives=_alternatives(evaluation),
        sensitivity=_sensitivity(evaluation),
        revisit=_revisit(evaluation),
    )


def _why(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    window = origin(q["operations.error_budget"], "window")
    return sentence(
        say(
            "An objective of {objective} lets {requests} fail in {window}, or everything for {budget}.",
            objective=q["operations.objective"],
            requests=q["operations.request_error_budget"],
            window=window,
            budget=q["operations.error_budget"],
        ),
        say("A tier fires when the budget burns faster than its rate in both its windows."),
        _promised(evaluation),
    )


def _promised(evaluation: Evaluation) -> Prose | None:
    """Whether the objective that alerts guard is looser than the availability that is promised."""
    limit = constraint(evaluation, "serving.availability")
    objective = evaluation.quantities["operations.objective"]
    if limit is None or limit.asked <= objective:
        return None
    return say(
        "The objective is looser than the availability promised, {asked}: alerts let more fail than the promise does.",
        asked=limit.asked,
    )


def _tiers(evaluation: Evaluation) -> Table:
    q = evaluation.quantities
    columns = ("burn_rate", "error_ratio", "window", "short_window", "detection_time", "time_to_exhaustion")
    titles = ["Tier", "Burn rate", "Bad requests", "Window", "Short window", "Outage noticed after", "Budget lasts"]
    return table(titles, [[t, *(q[f"operations.{name}.{c}"] for c in columns)] for name, t in TIERS.items()])


def _alternatives(evaluation: Evaluation) -> Table:
    """One tier alone instead of three: what it would not see, or how much later."""
    q = evaluation.quantities
    fast, ticket = "operations.page_fast", "operations.ticket"
    later = difference(
        q[f"{ticket}.detection_time"],
        q[f"{fast}.detection_time"],
        title="Later notice of an outage by the ticket alone",
    )
    missed = say("sees no incident with fewer bad requests than {least}", least=q[f"{fast}.error_ratio"])
    rows: list[list[Sayable | None]] = [
        ["three tiers", q[f"{ticket}.error_ratio"], q[f"{fast}.detection_time"], Label("chosen", strong=True)],
        ["fast page alone", q[f"{fast}.error_ratio"], q[f"{fast}.detection_time"], missed],
        [
            "ticket alone",
            q[f"{ticket}.error_ratio"],
            q[f"{ticket}.detection_time"],
            say("notices an outage later, by {later}", later=later),
        ],
    ]
    return table(["Alternative", "Bad requests seen from", "Outage noticed after", "Why it lost"], rows, chosen=[0])


def _sensitivity(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    share = share_of(
        q["operations.page_fast.detection_time"],
        q["operations.error_budget"],
        title="Budget spent when an outage pages",
    )
    return say(
        "An outage has spent {share} of the budget when the first page goes out; bad requests at the threshold of the "
        "slow page would spend all of it in {left}.",
        share=share,
        left=q["operations.page_slow.time_to_exhaustion"],
    )


def _revisit(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    ratio_, window = q["operations.ticket.error_ratio"], q["operations.ticket.window"]
    sample, duration = q["operations.canary_sample"], q["operations.canary_duration"]
    tried = product_of(origin(duration, "share"), window, unit="s", title="Time of all traffic that a canary sees")
    least = ratio(sample, tried, unit="request/s", title="Traffic at which a canary takes the ticket's window")
    crossed = "falls under" if duration <= window else "grows past"
    then = "takes longer than" if duration <= window else "fits into"
    return triggers(
        say("steady errors stay over {ratio}: the budget is then spent before its window ends.", ratio=ratio_),
        say(f"traffic {crossed} {{least}}: a canary then {then} {{window}}.", least=least, window=window),
    )


def _replicas(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    availability = q["operations.availability"]
    needed = origin(availability, "needed")
    each = q["operations.replica_availability"]
    bare = service_availability(needed, needed, each, title="Availability without spare replicas", symbol="A_bare")
    limit = constraint(evaluation, "serving.availability")
    told = [
        say("{needed} replicas carry the peak, each up {each} of the time.", needed=needed, each=each),
        _spares(q["operations.spare_replicas"], availability, bare),
    ]
    if limit is not None:
        told.append(
            say("The availability of {asked} asked for is {kept}.", asked=limit.asked, kept=_kept_budget(evaluation))
        )
    return sentence(*told)


def _kept_budget(evaluation: Evaluation) -> Prose:
    """The availability's margin is a share of what it allows to fail."""
    limit = constraint(evaluation, "serving.availability")
    if limit is None:
        return Prose()
    if limit.met:
        return say("met, with {margin:.2} of what it allows to fail to spare", margin=limit.margin)
    return kept(limit)


def _spares(spares: Value, availability: Value, bare: Value) -> Prose:
    if spares <= 0:
        return say("No spare is needed: all are up {availability} of the time.", availability=availability)
    return say(
        "With {spares} spare, enough of them are up {availability} of the time; with none, {bare}.",
        spares=spares,
        availability=availability,
        bare=bare,
    )


def _canary(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    sample, duration = q["operations.canary_sample"], q["operations.canary_duration"]
    share, rate = origin(duration, "share"), origin(duration, "rate")
    old, new = origin(sample, "baseline"), origin(sample, "degraded")
    hour = q["operations.page_fast.window"]
    needed = canary_share(sample, rate, hour, title="Share of the traffic for a canary within the fast page's window")
    told = [
        say(
            "To tell {new} of bad requests from {old}, a canary needs {sample}. With {share} of the traffic that takes "
            "{duration}, and a bad version spoils {harm} before it is found.",
            new=new,
            old=old,
            sample=sample,
            share=share,
            duration=duration,
            harm=q["operations.canary_harm"],
        )
    ]
    if needed <= 1 and duration > hour:
        told.append(say("Within {hour} it would take {needed} of the traffic.", hour=hour, needed=needed))
    elif needed > 1:
        told.append(say("All of the traffic does not decide it within {hour}.", hour=hour))
    told.append(
        say(
            "A release holds {capacity} of accelerator time beside what serves, while both versions stand.",
            capacity=q["operations.release_capacity"],
        )
    )
    return sentence(*told)
