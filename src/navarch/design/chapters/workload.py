"""Workload: what is trained and served, the compute that it takes, and why one machine is not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from navarch.core.arithmetic import difference, margin_below, relative_change
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import counted, name, sentence
from navarch.design.chapters.reading import constraint, moves, origin, sureness
from navarch.design.document.blocks import heading, paragraph, remark, section, table
from navarch.design.document.model import Block, DecisionBlock, Section, Table
from navarch.design.document.prose import Label, Prose, Sayable, number, say
from navarch.fleet.scale.budget import scale_wall
from navarch.fleet.scale.estimate import time_at_utilisation, time_on_one
from navarch.fleet.scale.laws import chinchilla_loss

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Evaluation

LAW = Label("Besiroglu et al., refitted from Chinchilla")
LOSS_DIGITS = 4
LAW_INTERVALS = (
    "The intervals of the scaling law are those of its fit, whose constants are sampled together; other data, "
    "architectures or tokenizers are not in them."
)

SURE = [
    ("Tokens", "workload.tokens"),
    ("Compute", "workload.compute"),
    ("Loss, nats a token", "scale.loss"),
    ("Compute-optimal size for this compute", "scale.optimal_parameters"),
    ("Compute-optimal tokens for this model", "scale.optimal_tokens_parametric"),
    ("Tokens over these", "scale.overtraining"),
    ("Requests, average", "serving.requests"),
    ("Requests, peak", "serving.peak_requests"),
]


def chapter(evaluation: Evaluation) -> Section:
    """The workload of the design."""
    spec = evaluation.spec
    with evaluation.ledger:
        blocks: list[Block | None] = []
        if spec.trains:
            blocks += [_decision(evaluation), _compute(evaluation), heading("The scale wall"), _wall(evaluation)]
        if spec.serves:
            blocks += [heading("Traffic") if spec.trains else None, _traffic(evaluation)]
        blocks += sureness(evaluation, SURE)
        if spec.trains:
            blocks.append(remark(LAW_INTERVALS))
        return section("workload", "Workload", *blocks, summary=_summary(evaluation))


def _summary(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    model = name(evaluation, "model")
    if evaluation.spec.trains:
        tokens, compute = q["workload.tokens"], q["workload.compute"]
        return say("{model} on {tokens}: {compute}", model=model, tokens=tokens, compute=compute)
    served = name(evaluation, "serving_model")
    return say("{model} for {rate} on average", model=served, rate=q["serving.requests"])


def _decision(evaluation: Evaluation) -> DecisionBlock:
    """How the compute is divided between parameters and tokens."""
    q = evaluation.quantities
    spec = evaluation.spec
    asked = spec.given("workload.tokens") or spec.given("workload.compute")
    over = q["scale.overtraining"]
    ratio = say("{per} and {over:~} times", per=q["scale.tokens_per_parameter"], over=over)
    return DecisionBlock(
        decision=say("Train {model} on {tokens}.", model=name(evaluation, "model"), tokens=q["workload.tokens"]),
        by="user" if asked else "navarch",
        why=sentence(
            say("That is {ratio} the tokens at which a model of this size is compute-optimal.", ratio=ratio),
            say(
                "The scaling law ({law}) puts the loss at {loss:~.4} nats a token, {gap:~.2} above the best that the "
                "same compute could buy.",
                law=LAW,
                loss=q["scale.loss"],
                gap=_gap(evaluation),
            ),
        ),
        alternatives=_alternatives(evaluation),
        sensitivity=_sensitivity(evaluation),
        revisit=say(
            "smaller runs leave the law by more than {stake} nats a token, all that lies between these tokens and the "
            "compute-optimal ones.",
            stake=_stake(evaluation),
        ),
    )


def _gap(evaluation: Evaluation) -> Value:
    q = evaluation.quantities
    title = "Loss above that of the compute-optimal run"
    return difference(q["scale.loss"], q["scale.optimal_loss"], title=title, symbol="Delta_L")


def _alternatives(evaluation: Evaluation) -> Table:
    """The model as trained, the compute-optimal one for the same compute, and this one on compute-optimal tokens."""
    q = evaluation.quantities
    active, tokens, loss = q["workload.active_parameters"], q["workload.tokens"], q["scale.loss"]
    best, best_tokens = q["scale.optimal_parameters"], origin(q["scale.optimal_loss"], "tokens")
    own = q["scale.optimal_tokens_parametric"]
    wider = relative_change(best, active, title="Size of the compute-optimal model over this one")
    compute, _ = _at_optimal(evaluation)
    smaller = margin_below(active, best, title="By how much the compute-optimal model is smaller")
    size = (
        say("every token served costs more compute, by {by}", by=wider)
        if wider > 0
        else say("is another model, smaller by {by}", by=smaller)
    )
    fewer = "ends at a higher loss; the compute changes by" if compute < 0 else "takes more compute, by"
    rows: list[list[Sayable | None]] = [
        [name(evaluation, "model"), active, tokens, number(loss, LOSS_DIGITS), Label("chosen", strong=True)],
        [
            "compute-optimal, same compute",
            say("about {best:~}", best=best),
            say("about {tokens:~}", tokens=best_tokens),
            number(q["scale.optimal_loss"], LOSS_DIGITS),
            size,
        ],
        [
            "same model, compute-optimal tokens",
            active,
            say("about {own:~}", own=own),
            number(_loss_at(evaluation, own), LOSS_DIGITS),
            say(f"{fewer} {{by}}", by=compute),
        ],
    ]
    return table(["Alternative", "Parameters in use", "Tokens", "Loss", "Why it lost"], rows, chosen=[0])


def _loss_at(evaluation: Evaluation, tokens: Value) -> Value:
    """The loss of this model on other tokens, by the same law."""
    loss = evaluation.quantities["scale.loss"]
    names = ("irreducible", "parameter_scale", "token_scale", "parameter_exponent", "token_exponent")
    constants = [origin(loss, n) for n in names]
    active = evaluation.quantities["workload.active_parameters"]
    return chinchilla_loss(
        active, tokens, *constants, title="Loss of this model at its compute-optimal tokens", symbol="L_own"
    )


def _at_optimal(evaluation: Evaluation) -> tuple[Value, Value]:
    """What this model's compute-optimal tokens would change: compute (relative) and loss [nats a token]."""
    q = evaluation.quantities
    own, tokens = q["scale.optimal_tokens_parametric"], q["workload.tokens"]
    compute = relative_change(own, tokens, title="Change of compute at this model's compute-optimal tokens")
    loss = difference(
        _loss_at(evaluation, own), q["scale.loss"], title="Change of loss at this model's compute-optimal tokens"
    )
    return compute, loss


def _stake(evaluation: Evaluation) -> Value:
    """The loss between these tokens and this model's compute-optimal ones, whichever is the higher."""
    _, change = _at_optimal(evaluation)
    if change >= 0:
        return change
    optimal = _loss_at(evaluation, evaluation.quantities["scale.optimal_tokens_parametric"])
    return difference(
        evaluation.quantities["scale.loss"], optimal, title="Loss above that at this model's compute-optimal tokens"
    )


def _sensitivity(evaluation: Evaluation) -> Prose:
    compute, change = _at_optimal(evaluation)
    own = evaluation.quantities["scale.optimal_tokens_parametric"]
    return say(
        "At {own}, compute-optimal for this model, the compute changes by {compute:+} and the loss by {change:+} nats "
        "a token.",
        own=own,
        compute=compute,
        change=change,
    )


def _compute(evaluation: Evaluation) -> Block:
    q = evaluation.quantities
    total, active = q["workload.parameters"], q["workload.active_parameters"]
    model = name(evaluation, "model")
    size = say("{model} has {total}", model=model, total=total)
    if active < total:
        size += say(", {active} of them in use for each token", active=active)
    return paragraph(
        sentence(
            size + ".",
            say(
                "Training takes {compute}: {dense} in the products of the weights and {attention} in attention.",
                compute=q["workload.compute"],
                dense=q["workload.dense_compute"],
                attention=q["workload.attention_compute"],
            ),
        )
    )


def _wall(evaluation: Evaluation) -> Block:
    """One accelerator, one node, the whole cluster; and what the deadline needs."""
    q = evaluation.quantities
    compute, peak, mfu = q["workload.compute"], origin(q["cluster.peak"], "peak"), q["training.mfu"]
    cluster = q["cluster.accelerators"] if q["cluster.accelerators"].entry.inputs else q["cluster.nodes"]
    per_node = origin(cluster, "per_node")
    alone = time_on_one(compute, peak, mfu)
    node = time_at_utilisation(compute, per_node, peak, mfu, title="Time on one node", symbol="T_node")
    told = [
        say(
            "At the utilisation of this run, {mfu}, one {accelerator} would train for {alone} and one node for {node}.",
            mfu=mfu,
            accelerator=name(evaluation, "accelerator"),
            alone=alone,
            node=node,
        ),
        say(
            "{count} accelerators take {useful}, and {duration} with the interruptions of so many machines.",
            count=q["cluster.accelerators"],
            useful=q["training.useful_time"],
            duration=q["training.duration"],
        ),
    ]
    limit = constraint(evaluation, "workload.deadline")
    if limit is not None:
        wall = scale_wall(compute, peak, mfu, q["faults.goodput"], per_node, limit.asked)
        told.append(
            say(
                "At the same utilisation and goodput the deadline of {deadline} needs {nodes}; the design has {have}.",
                deadline=limit.asked,
                nodes=counted(wall.nodes, "node", "nodes"),
                have=q["cluster.nodes"],
            )
        )
    return paragraph(sentence(*told))


def _traffic(evaluation: Evaluation) -> Block:
    q = evaluation.quantities
    asked = say(
        "Users send {model} {mean} on average", model=name(evaluation, "serving_model"), mean=q["serving.requests"]
    )
    if "edge.requests" in q:
        asked += say("; their devices answer {kept} of them", kept=q["edge.requests"])
    return paragraph(
        sentence(
            asked + ".",
            say("At the peak {peak} reach the service.", peak=q["serving.peak_requests"]),
            say(
                "Each computes {prompt} of prompt and writes {output}.",
                prompt=q["serving.prompt_tokens"],
                output=q["serving.output_tokens"],
            ),
            moves(evaluation, "The size of the service", q["serving.accelerators"]),
        )
    )
