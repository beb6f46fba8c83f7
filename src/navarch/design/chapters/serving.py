"""Serving architecture: the replica, how many of them, what a user waits, and what lost."""

from __future__ import annotations

from navarch.core.arithmetic import product_of, ratio, share_of, sum_of
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import (
    NOTHING,
    beside,
    bound,
    clauses,
    constant,
    counted,
    field,
    given_or,
    how_sure,
    inputs_told,
    name,
    sentence,
)
from navarch.design.document.blocks import decision_block, heading, paragraph, section
from navarch.design.document.model import Figure, Paragraph, Section
from navarch.design.document.prose import Label, Prose, prose, say
from navarch.design.evaluation.result import Decision, Evaluation
from navarch.design.figures import latency_throughput

MEMORY = (
    ("Weights", "serving.weights"),
    ("Cache of one token", "serving.kv_per_token"),
    ("Cache of a mean sequence", "serving.kv_per_sequence"),
    ("Left for the cache", "serving.kv_memory"),
    ("Sequences that it holds", "serving.concurrent_sequences"),
)
PACE = (
    ("Prefill of one prompt", "serving.prefill_time"),
    ("One decode step", "serving.step_time"),
    ("Requests completed", "serving.replica_rate"),
    ("Output", "serving.replica_token_rate"),
    ("Mean time to the last token", "serving.request_latency"),
)


def chapter(evaluation: Evaluation) -> Section | None:
    """The section on serving; None where the design serves nothing."""
    decided = evaluation.decisions.get("serving")
    if decided is None:
        return None
    with evaluation.ledger:
        return section(
            "serving",
            "Serving architecture",
            decision_block(
                decided,
                decision=_decision(evaluation),
                why=_why(evaluation, decided),
                sensitivity=_sensitivity(evaluation, decided),
                revisit=_revisit(evaluation),
            ),
            heading("Latency against throughput"),
            _curve(evaluation),
            heading("One replica"),
            beside(evaluation, ("Memory", MEMORY), ("Pace", PACE)),
            _held(evaluation),
            heading("How sure"),
            how_sure(
                evaluation,
                [
                    ("Accelerators that serve", "serving.accelerators"),
                    ("Requests of one replica", "serving.replica_rate"),
                    ("Time to first token, tail", "serving.ttft"),
                    ("Time per output token, tail", "serving.time_per_output_token"),
                ],
            ),
            summary=_summary(evaluation),
        )


def _summary(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    return say(
        "{replicas} of {model} in {format}, tensor {tensor}: {count} {chip}",
        replicas=counted(q["serving.replicas"], "replica", "replicas"),
        model=name(evaluation, "serving_model"),
        format=_format(evaluation),
        tensor=q["serving.tensor"],
        count=q["serving.accelerators"],
        chip=name(evaluation, "serving_accelerator"),
    )


def _format(evaluation: Evaluation) -> Label:
    return Label(evaluation.labels.get("serving_precision", "").upper(), "catalog")


def _decision(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    whole = float(q["serving.tensor"]) == 1
    spread = prose("on one accelerator each") if whole else say("each over {n} accelerators", n=q["serving.tensor"])
    told = say(
        "{replicas} of {model}, weights in {format}, {spread}, decoding {batch} at once",
        replicas=counted(q["serving.replicas"], "replica", "replicas"),
        model=name(evaluation, "serving_model"),
        format=_format(evaluation),
        spread=spread,
        batch=counted(q["serving.batch"], "sequence", "sequences"),
    )
    return told + say(
        ": {count} in {nodes} of {node}.",
        count=counted(q["serving.accelerators"], "accelerator", "accelerators"),
        nodes=counted(q["serving.nodes"], "node", "nodes"),
        node=name(evaluation, "serving_node"),
    )


def _why(evaluation: Evaluation, decided: Decision) -> Prose:
    q = evaluation.quantities
    traffic = say(
        "The peak brings {peak} with {prompt} to compute and {output} to write each.",
        peak=q["serving.peak_requests"],
        prompt=say("{n:.3} of prompt", n=q["serving.prompt_tokens"]),
        output=q["serving.output_tokens"],
    )
    pace = say(
        "A replica completes {rate} and is used to {use:.3} of that at the peak.",
        rate=q["serving.replica_rate"],
        use=q["serving.utilisation"],
    )
    memory = say(
        "Its weights take {weights}; the {cache} left for the cache hold {n} sequences of mean length.",
        weights=q["serving.weights"],
        cache=q["serving.kv_memory"],
        n=q["serving.concurrent_sequences"],
    )
    return sentence(traffic, pace, memory, _prefill_share(evaluation), _outcome(evaluation, decided))


def _prefill_share(evaluation: Evaluation) -> Prose:
    """Whether prompts or output take the replica's time."""
    q = evaluation.quantities
    decode = ratio(
        product_of(q["serving.output_tokens"], q["serving.step_time"], unit="s", title="Decode steps of one request"),
        q["serving.batch"],
        unit="s",
        title="One request's share of its decode steps",
    )
    both = sum_of(q["serving.prefill_time"], decode, title="Replica time of one request")
    prompt = share_of(q["serving.prefill_time"], both, title="Share of the replica's time that prompts take")
    return say("Prompts take {share:.2} of its time, decoding the rest.", share=prompt)


def _outcome(evaluation: Evaluation, decided: Decision) -> Prose:
    """Whether the latencies are kept, and why this plan."""
    q = evaluation.quantities
    level = constant(evaluation, "serving.tail-level")
    who = prose("Requests") if level is None else say("{level} of the requests", level=level)
    tails = who + say(
        " see their first token within {ttft} and each further one within {pace}",
        ttft=q["serving.ttft"],
        pace=q["serving.time_per_output_token"],
    )
    if decided.binding.startswith("missed"):
        return tails + ": no plan that was evaluated keeps both promises, and this one comes nearest."
    if decided.by == "user":
        return tails + "."
    return tails + ": of the plans known to keep both promises, this one needs the fewest accelerators."


def _sensitivity(evaluation: Evaluation, decided: Decision) -> Prose:
    q = evaluation.quantities
    told: list[Prose] = []
    next_best = next((a for a in decided.alternatives if not a.chosen and "accelerators" in a.metrics), None)
    if decided.margin is not None and next_best is not None:
        told.append(
            say(
                "The next plan ({label}) {does}.",
                label=Label(next_best.label, "catalog"),
                does=_fleet_change(decided.margin),
            )
        )
    told.append(
        say(
            "The accelerators needed vary most with {inputs} (shares of the variance).",
            inputs=inputs_told(evaluation, q["serving.accelerators"]),
        )
    )
    return sentence(*told)


def _fleet_change(change: Value) -> Prose:
    """What a plan does to the number of accelerators."""
    if abs(float(change)) < NOTHING:
        return prose("needs as many accelerators")
    return say("changes the accelerators by {change:+.2}", change=change)


def _revisit(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    told: list[Prose] = []
    target = constant(evaluation, "serving.target-utilisation")
    if target is not None:
        holds = product_of(
            q["serving.replicas"],
            q["serving.replica_rate"],
            target,
            unit="request/s",
            title="Peak that the replicas carry at the utilisation planned",
        )
        told.append(say("the peak passes {holds}", holds=holds))
    for path, fallback, key, what in (
        ("serving.ttft", "design.ttft", "serving.ttft", "time to first token"),
        (
            "serving.time_per_output_token",
            "design.time-per-output-token",
            "serving.time_per_output_token",
            "time per output token",
        ),
    ):
        limit = given_or(evaluation, path, fallback)
        if limit is not None and float(q[key]) <= float(limit):
            told.append(say(f"the measured tail of the {what} passes {{limit}}", limit=limit))
    for key, what in (("serving.prompt_tokens", "the prompt to compute"), ("serving.output_tokens", "the output")):
        high = bound(evaluation, q[key], "high")
        if high is not None:
            told.append(say(f"{what} averages more than {{high}}", high=high))
    return clauses(told)


def _curve(evaluation: Evaluation) -> Figure | None:
    curve = evaluation.curves.get("serving")
    if curve is None:
        return None
    limit = given_or(evaluation, "serving.time_per_output_token", "design.time-per-output-token")
    caption = say(
        "Tail of the time per output token of one replica as its batch grows, and the design's batch of {batch}",
        batch=evaluation.quantities["serving.batch"],
    )
    return latency_throughput(curve, caption, limit=limit)


def _held(evaluation: Evaluation) -> Paragraph | None:
    """Memory for a stated number of requests in progress at once."""
    q = evaluation.quantities
    users = field(evaluation, "serving.concurrent_requests")
    if users is None or "serving.accelerators_to_hold" not in q:
        return None
    return paragraph(
        say(
            "For {users} requests in progress at once the cache takes {cache} beside the weights: at least {held}.",
            users=users,
            cache=q["serving.concurrent_cache"],
            held=counted(q["serving.accelerators_to_hold"], "accelerator", "accelerators"),
        )
    )
