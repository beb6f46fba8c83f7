"""Privacy, robustness and fairness: what protection costs, what slips through, and which users wait longest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from navarch.core.arithmetic import difference, product_of, ratio, share_of, sum_of
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import name, sentence
from navarch.design.chapters.reading import origin, parts_of, sureness
from navarch.design.document.blocks import decision_block, paragraph, section, table
from navarch.design.document.model import Block, DecisionBlock, Figure, Section, Table
from navarch.design.document.prose import Label, Prose, Sayable, say
from navarch.design.figures import latency_by_region

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Evaluation


def chapters(evaluation: Evaluation) -> list[Section]:
    """Privacy where it is asked for, robustness of the training run, and the users' regions; those that there are."""
    with evaluation.ledger:
        made = (privacy(evaluation), robustness(evaluation), users(evaluation))
    return [s for s in made if s is not None]


def privacy(evaluation: Evaluation) -> Section | None:
    """What a differentially private run guarantees and costs."""
    q = evaluation.quantities
    if "privacy.epsilon" not in q:
        return None
    return section(
        "privacy",
        "Privacy",
        _private(evaluation),
        *sureness(
            evaluation,
            [("Noise over the clip norm", "privacy.noise"), ("Extra time", "privacy.extra_accelerator_time")],
        ),
        summary=say("DP-SGD at an epsilon of {epsilon}", epsilon=q["privacy.epsilon"]),
    )


def _private(evaluation: Evaluation) -> DecisionBlock:
    q = evaluation.quantities
    epsilon, extra = q["privacy.epsilon"], q["privacy.extra_accelerator_time"]
    bound = q["privacy.membership_bound"]
    money = product_of(
        extra, q["cost.per_accelerator_time"], unit="USD", title="Cost of private training", symbol="C_DP"
    )
    method = Label(evaluation.labels["privacy"], "catalog")
    return decision_block(
        evaluation.decisions["privacy"],
        decision=say("Train with DP-SGD, {method} clipping.", method=method),
        why=say(
            "A noise of {noise} clip norms, with each record in {rate} of the steps, spends an epsilon of {epsilon} at "
            "a delta of {delta}. An attacker who may name {wrong} of outsiders wrongly then finds at most {bound} of "
            "those who were in the data.",
            noise=q["privacy.noise"],
            rate=q["privacy.sampling_rate"],
            epsilon=epsilon,
            delta=origin(bound, "delta"),
            wrong=origin(bound, "false_positives"),
            bound=bound,
        ),
        alternatives=_clippings(evaluation),
        sensitivity=say(
            "Each step takes {stretch} times as long: {extra} more of accelerator time, {money}.",
            stretch=q["privacy.stretch"],
            extra=extra,
            money=money,
        ),
        revisit=say(
            "the budget falls under an epsilon of {epsilon}, all of which is spent, or the extra {money} are worth "
            "less than the guarantee.",
            epsilon=epsilon,
            money=money,
        ),
    )


def _clippings(evaluation: Evaluation) -> Table:
    rows: list[list[Sayable | None]] = []
    alternatives = evaluation.decisions["privacy"].alternatives
    chosen = next(a for a in alternatives if a.chosen)
    for a in sorted(alternatives, key=lambda a: not a.chosen):
        time = a.metrics["accelerator time"]
        lost: Sayable = Label("chosen", strong=True)
        if not a.chosen:
            gap = time >= chosen.metrics["accelerator time"]
            lost = "takes more accelerator time" if gap else "takes less; the design file asks otherwise"
        rows.append([Label(a.label, "catalog"), time, a.metrics["extra"], lost])
    return table(["Alternative", "Accelerator time", "Extra for privacy", "Why it lost"], rows, chosen=[0])


def robustness(evaluation: Evaluation) -> Section | None:
    """Silent corruption of the run, adversarial training and drift."""
    q = evaluation.quantities
    if "robustness.silent_corruptions" not in q:
        return None
    return section(
        "robustness",
        "Robustness",
        _corruption(evaluation),
        _hostile(evaluation),
        _unprotected(evaluation),
        *sureness(
            evaluation,
            [("Corruptions", "robustness.silent_corruptions"), ("Unnoticed", "robustness.undetected_corruptions")],
        ),
        summary=say("Repeat {share} of the work and compare", share=q["robustness.redundancy_overhead"]),
    )


def _corruption(evaluation: Evaluation) -> DecisionBlock:
    q = evaluation.quantities
    events, left = q["robustness.silent_corruptions"], q["robustness.undetected_corruptions"]
    rework, duration = q["robustness.corruption_rework"], q["training.duration"]
    share = share_of(rework, duration, title="Share of the run repeated after silent corruption")
    return decision_block(
        evaluation.decisions["robustness"],
        decision=say("Compute {share} of the work again and compare.", share=q["robustness.redundancy_overhead"]),
        why=say(
            "In {duration} {count} accelerators silently corrupt {events:.2} results. Checks find {coverage} of them; "
            "{left:.2} go unnoticed.",
            duration=duration,
            count=q["cluster.accelerators"],
            events=events,
            coverage=origin(left, "coverage"),
            left=left,
        ),
        alternatives=_checks(evaluation),
        sensitivity=say(
            "Going back after each corruption repeats {rework} of the run, {share} of it.",
            rework=rework,
            share=share,
        ),
        revisit=_corruption_trigger(evaluation),
    )


def _checks(evaluation: Evaluation) -> Table:
    q = evaluation.quantities
    events, left = q["robustness.silent_corruptions"], q["robustness.undetected_corruptions"]
    more = difference(events, left, title="Corruptions that only the checks find")
    rows: list[list[Sayable | None]] = [
        ["repeat a share", left, q["robustness.redundancy_overhead"], Label("chosen", strong=True)],
        ["no checks", events, None, say("leaves {more:.2} more unnoticed", more=more)],
    ]
    return table(["Alternative", "Corruptions unnoticed", "Overhead", "Why it lost"], rows, chosen=[0])


def _corruption_trigger(evaluation: Evaluation) -> Prose:
    """The rate at which silent corruption costs as much time as restarts do."""
    q = evaluation.quantities
    rate = origin(q["robustness.silent_corruptions"], "rate")
    restarts = product_of(
        q["faults.restart_share"], q["training.duration"], unit="s", title="Time of the run lost to restarts"
    )
    times = ratio(
        restarts, q["robustness.corruption_rework"], unit="1", title="Time lost to restarts over time repeated"
    )
    level = product_of(rate, times, unit="1/s", title="Rate of corruption that costs as much time as restarts")
    often, cost = ("more", "as much") if times >= 1 else ("less", "no more")
    return say(
        f"accelerators are measured to corrupt results {often} often than {{level}} each (taken: {{rate}}): corruption "
        f"then costs {cost} time {'as' if times >= 1 else 'than'} restarts do.",
        level=level,
        rate=rate,
    )


def _hostile(evaluation: Evaluation) -> Block | None:
    """Adversarial training, drift and smoothing, where the design file asks for them."""
    q = evaluation.quantities
    told: list[Prose] = []
    if "robustness.adversarial_stretch" in q:
        stretch, extra = q["robustness.adversarial_stretch"], q["robustness.adversarial_extra_time"]
        if stretch > 1:
            told.append(
                say(
                    "Adversarial training stretches the steps that it covers {stretch} times, {extra} more of "
                    "accelerator time; its bound is {bound} times.",
                    stretch=stretch,
                    extra=extra,
                    bound=q["robustness.adversarial_bound"],
                )
            )
        else:
            told.append(say("There is no adversarial training."))
        told.append(
            say(
                "Drift of the inputs shows after {sample:.2} outcomes, {delay} of traffic.",
                sample=q["robustness.drift_sample"],
                delay=q["robustness.drift_delay"],
            )
        )
    if "robustness.smoothing_accelerators" in q:
        told.append(
            say("Smoothing every answer would take {count} accelerators.", count=q["robustness.smoothing_accelerators"])
        )
    return paragraph(sentence(*told)) if told else None


def _unprotected(evaluation: Evaluation) -> Block | None:
    """What the model does not guarantee, said plainly."""
    if "privacy.epsilon" in evaluation.quantities:
        return None
    return paragraph("The training gives no guarantee of differential privacy: the design file asks for none.")


def users(evaluation: Evaluation) -> Section | None:
    """Time to the first token by the users' region."""
    q = evaluation.quantities
    if "users.worst_latency" not in q:
        return None
    return section(
        "users",
        "Users by region",
        _one_site(evaluation),
        _by_region(evaluation),
        *sureness(evaluation, [("Farthest users", "users.worst_latency"), ("All users, mean", "users.mean_latency")]),
        summary=say("{worst} to the first token for the farthest users", worst=q["users.worst_latency"]),
    )


def _one_site(evaluation: Evaluation) -> DecisionBlock:
    return DecisionBlock(
        decision=say("Serve all users from one site, {site}.", site=name(evaluation, "region")),
        by="user" if evaluation.decisions["site"].by == "user" else "navarch",
        why=_reach(evaluation),
        sensitivity=_nearer(evaluation),
        revisit=_second_site(evaluation),
    )


def _nearer(evaluation: Evaluation) -> Prose:
    """What the farthest users would gain from a site as near to them as this one is to the nearest users."""
    q = evaluation.quantities
    gap, worst = q["users.latency_gap"], q["users.worst_latency"]
    if gap <= 0:
        return say("All users are equally near: another site gains nothing.")
    share = share_of(gap, worst, title="Share of the farthest users' wait that a nearer site saves")
    return say(
        "A site as near to the farthest users as this is to the nearest would save them {gap}, {share} of their wait.",
        gap=gap,
        share=share,
    )


def _limit(evaluation: Evaluation) -> Value:
    return origin(parts_of(evaluation.quantities["users.late"])[0], "limit")


def _asked(evaluation: Evaluation) -> str:
    return "promised" if evaluation.spec.given("serving.ttft") else "planned for"


def _regions(evaluation: Evaluation) -> list[tuple[Label, Value]]:
    """The users' regions, the nearest first: name and latency."""
    prefix, suffix = "users.", ".latency"
    found = []
    for quantity, value in evaluation.quantities.items():
        if quantity.startswith(prefix) and quantity.endswith(suffix):
            key = quantity.removesuffix(suffix)
            text = evaluation.labels.get(key, key.removeprefix(prefix))
            found.append((Label(text, "catalog"), value))
    return sorted(found, key=lambda place: float(place[1]))


def _reach(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    ordered = _regions(evaluation)
    (near, best), (far, worst) = ordered[0], ordered[-1]
    told = [say("Users of {near} get the first token after {best}", near=near, best=best)]
    if len(ordered) > 1:
        told.append(
            say(
                "and those of {far} after {worst}, {gap} later; the mean of all is {mean}.",
                far=far,
                worst=worst,
                gap=q["users.latency_gap"],
                mean=q["users.mean_latency"],
            )
        )
    else:
        told[0] += "."
    late, limit = q["users.late"], _limit(evaluation)
    if late <= 0:
        told.append(say(f"On average no region waits longer than the {{limit}} {_asked(evaluation)}.", limit=limit))
    else:
        told.append(
            say(
                f"**{{late}} of the users live where the mean wait is over the {{limit}} {_asked(evaluation)}.**",
                late=late,
                limit=limit,
            )
        )
    return sentence(*told)


def _by_region(evaluation: Evaluation) -> Figure:
    caption = say(
        "Mean time to the first token by the users' region: {own} at the site, and the way there and back. The limit "
        "holds for {p99}, not for the mean.",
        own=evaluation.quantities["serving.mean_ttft"],
        p99=Label("p99"),
    )
    return latency_by_region(_regions(evaluation), caption, limit=_limit(evaluation))


def _second_site(evaluation: Evaluation) -> Prose:
    """The site's own p99 at which its farthest users need another site."""
    q = evaluation.quantities
    limit, worst, own = _limit(evaluation), q["users.worst_latency"], q["serving.mean_ttft"]
    way = difference(worst, own, title="Way to the farthest users and back")
    slow = sum_of(q["serving.ttft"], way, title="Time to first token at the farthest users, p99", symbol="T_far")
    room = difference(limit, way, title="Time to first token at the site that leaves room for the farthest users")
    p99 = Label("p99")
    if room <= 0:
        return say("a second site can be had: the way to the farthest users and back takes {way} alone.", way=way)
    if slow > limit:
        return say(
            "a second site can be had: at {p99} the farthest users wait {slow}, over the {limit}; from this site alone "
            "its own {p99} would have to be under {room}.",
            p99=p99,
            slow=slow,
            limit=limit,
            room=room,
        )
    return say(
        "the site's own {p99} passes {room} (now {now}): the farthest users, who wait {slow} at {p99}, then need a "
        "site nearer to them.",
        p99=p99,
        room=room,
        now=q["serving.ttft"],
        slow=slow,
    )
