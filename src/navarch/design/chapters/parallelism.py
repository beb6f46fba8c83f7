"""Parallelism strategy: how the model is spread, what a device holds, where a step goes, and what lost."""

from __future__ import annotations

from dataclasses import replace

from navarch.core.arithmetic import difference, product_of, ratio, share_of, sum_of
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import (
    clauses,
    field,
    largest,
    longer,
    sentence,
    under,
)
from navarch.design.chapters.rehearsal import rehearse
from navarch.design.chapters.step import (
    COMMUNICATION,
    STEP,
    how_sure_of_it,
    parts_of_memory,
    parts_of_step,
    the_pipeline,
    what_a_device_holds,
    what_memory_buys,
    where_a_step_goes,
)
from navarch.design.document.blocks import alternatives_table, decision_block, section
from navarch.design.document.model import Section
from navarch.design.document.prose import Label, Prose, join, prose, say
from navarch.design.evaluation.result import Alternative, Decision, Evaluation
from navarch.distributed.training.strategy import SCHEDULED

DEGREES = ("tensor", "pipeline", "context", "data")
RECOMPUTED = {"none": "nothing recomputed", "selective": "selective recomputation", "full": "full recomputation"}
OFFLOADED = {
    "optimiser": "optimiser states in the host's memory",
    "activations": "activations in the host's memory",
    "both": "optimiser states and activations in the host's memory",
}


def chapter(evaluation: Evaluation) -> Section | None:
    """The section on the parallelism strategy; None where the design trains nothing."""
    decided = evaluation.decisions.get("parallelism")
    if decided is None:
        return None
    with evaluation.ledger:
        made = rehearse(evaluation)
        return section(
            "parallelism",
            "Parallelism strategy",
            decision_block(
                decided,
                decision=_decision(evaluation),
                why=_why(evaluation, decided),
                sensitivity=_sensitivity(evaluation, decided),
                revisit=_revisit(evaluation, decided),
                alternatives=alternatives_table(_shortened(decided)),
            ),
            *where_a_step_goes(evaluation),
            *the_pipeline(evaluation, made),
            *what_a_device_holds(evaluation),
            *what_memory_buys(evaluation),
            *how_sure_of_it(evaluation, made),
            summary=_degrees(evaluation) + say(", MFU {mfu}", mfu=evaluation.quantities["training.mfu"]),
        )


def _degrees(evaluation: Evaluation) -> Prose:
    """Tensor 8 × pipeline 16 × data 128; degrees of one left out."""
    q = evaluation.quantities
    real = [(key, q[f"parallelism.{key}"]) for key in DEGREES if float(q.get(f"parallelism.{key}", 1)) > 1]
    if not real:
        return prose("One accelerator, nothing in parallel")
    first, *rest = real
    alone = "" if rest else " parallel"
    told = say(f"{first[0].capitalize()}{alone} {{n}}", n=first[1])
    for word, degree in rest:
        told += say(f" × {word} {{n}}", n=degree)
    experts = q.get("parallelism.expert")
    if experts is not None and float(experts) > 1:
        told += say(", experts over {n}", n=experts)
    return told


def _decision(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    told = _degrees(evaluation) + ", " + join(_forms(evaluation), last=", ")
    told += say("; microbatch {size}", size=q["parallelism.microbatch"])
    batch, length = field(evaluation, "workload.global_batch"), field(evaluation, "workload.sequence_length")
    if batch is not None and length is not None:
        told += say(", global batch {batch} sequences of {length}", batch=batch, length=length)
    return told + "."


def _forms(evaluation: Evaluation) -> list[Prose]:
    """The forms of parallelism beside the degrees, those that this plan has."""
    q, labels = evaluation.quantities, evaluation.labels
    told: list[Prose] = []
    if float(q["parallelism.tensor"]) > 1:
        told.append(prose(labels.get("sequence_parallel", "")))
    if float(q["parallelism.context"]) > 1:
        told.append(prose("context by Ulysses" if labels.get("context_kind") == "ulysses" else "context by a ring"))
    told.append(_sharding(evaluation))
    if float(q["parallelism.virtual_stages"]) > 1:
        told.append(say("interleaved schedule of {v} virtual stages", v=q["parallelism.virtual_stages"]))
    elif labels.get("schedule") in SCHEDULED and float(q["parallelism.pipeline"]) > 1:
        told.append(say("{name} schedule", name=Label(SCHEDULED[labels["schedule"]])))
    told.append(prose(RECOMPUTED.get(labels.get("recomputation", ""), "")))
    told.append(prose(OFFLOADED.get(labels.get("offload", ""), "")))
    return [t for t in told if t]


def _sharding(evaluation: Evaluation) -> Prose:
    """What the data-parallel ranks share out, and among how many where it is not all of them."""
    stage, shard = evaluation.labels.get("zero_stage", "0"), evaluation.quantities.get("parallelism.shard")
    if stage == "0":
        return prose("optimiser states held in full by every replica")
    told = prose(Label(f"ZeRO-{stage}"))
    return told if shard is None else told + say(" within groups of {shard}", shard=shard)


def _why(evaluation: Evaluation, decided: Decision) -> Prose:
    q = evaluation.quantities
    title, most = largest(parts_of_memory(evaluation))
    memory = say(
        f"{_holder(evaluation)} needs {{peak}} of {{capacity}}; the most of it is {title}, {{most}}.",
        peak=q["memory.peak"],
        capacity=q["memory.capacity"],
        most=most,
    )
    title, most = largest(parts_of_step(evaluation))
    step = say(
        f"Of a step of {{step}}, {{share:.2}} is {title}.",
        step=q["training.step_time"],
        share=share_of(most, q["training.step_time"], title=f"Share of the step: {title}"),
    )
    return sentence(memory, step, _communication(evaluation), _bubble(evaluation), _binding(decided))


def _holder(evaluation: Evaluation) -> str:
    """Whose memory is told: every accelerator's is the same where there are no stages."""
    staged = float(evaluation.quantities["parallelism.pipeline"]) > 1
    return "An accelerator of the fullest stage" if staged else "Each accelerator"


def _communication(evaluation: Evaluation) -> Prose:
    """Communication that is not hidden: how much, and which is the most."""
    titles = {STEP[key][0] for key in COMMUNICATION}
    parts = [(title, v) for title, v in parts_of_step(evaluation) if title in titles]
    if not parts:
        return prose("No communication is left exposed.")
    whole = evaluation.quantities["training.step_time"]
    together = sum_of(*(v for _, v in parts), title="Exposed communication of a step", symbol="T_exposed")
    share = share_of(together, whole, title="Exposed communication as a share of the step")
    told = say("Communication that computation does not hide is {share:.2}", share=share)
    if len(parts) == 1:
        return told + say(", all of it {title}.", title=prose(parts[0][0]))
    title, most = largest(parts)
    return told + say(f", {{most}} of it {title}.", most=most)


def _bubble(evaluation: Evaluation) -> Prose:
    q = evaluation.quantities
    if float(q["parallelism.pipeline"]) <= 1:
        return Prose()
    told = say(
        "With {m} microbatches through {p} stages, the pipeline's bubble is {bubble:.2} of the step",
        m=q["training.microbatches"],
        p=q["parallelism.pipeline"],
        bubble=q["training.bubble"],
    )
    virtual = q["parallelism.virtual_stages"]
    if float(virtual) > 1:
        told += say(", {v} virtual stages dividing it by as many", v=virtual)
    return told + "."


def _binding(decided: Decision) -> Prose:
    """What keeps a faster plan out."""
    closest = _too_big(decided)
    if closest is None or closest.lost_by is None:
        searched = decided.considered is not None and float(decided.considered) > 1
        return prose("Of the legal plans that the design file leaves open, none is faster.") if searched else Prose()
    gained = difference(
        _chosen(decided).metrics["step"], closest.metrics["step"], title="Step time that the plan without room saves"
    )
    return say(
        "Memory binds: the leanest of the faster plans would save {gained:.2} a step and lacks {over}.",
        gained=gained,
        over=closest.lost_by,
    )


def _chosen(decided: Decision) -> Alternative:
    return next(a for a in decided.alternatives if a.chosen)


def _shortened(decided: Decision) -> Decision:
    """The decision with what all its plans share left out of their labels."""
    words = [a.label.replace(" x ", " × ").split(", ") for a in decided.alternatives]
    shared = set(words[0]).intersection(*words) if words else set()
    labels = [", ".join([w[0], *(part for part in w[1:] if part not in shared)]) for w in words]
    told = zip(decided.alternatives, labels, strict=True)
    return replace(decided, alternatives=tuple(replace(a, label=label) for a, label in told))


def _too_big(decided: Decision) -> Alternative | None:
    """The faster plan that does not fit in memory, if there is one."""
    step = float(_chosen(decided).metrics["step"])
    return next(
        (a for a in decided.alternatives if _memory_lacked(a) is not None and float(a.metrics["step"]) < step),
        None,
    )


def _sensitivity(evaluation: Evaluation, decided: Decision) -> Prose:
    effects = [say(f"{what} {{does}}", does=longer(change)) for what, change in decided.sensitivity.items()]
    told = [say("Of the step: {effects}.", effects=join(effects, between="; ", last="; "))] if effects else []
    if decided.margin is not None and float(decided.margin) >= 0:
        told.append(_next_best(decided, decided.margin))
    return sentence(*told)


def _next_best(decided: Decision, margin: Value) -> Prose:
    """The best strategy of those that lost and fit, and why it lost."""
    runner = next((a for a in decided.alternatives if not a.chosen and _memory_lacked(a) is None), None)
    if runner is None:
        return say("The next best strategy takes {margin:.2} longer.", margin=margin)
    plan, why = Label(runner.label.split(", ")[0].replace(" x ", " × "), "catalog"), runner.why_lost.split(";")[0]
    if runner.lost_by is None:
        return say(f"The next best, {{plan}}, is {why}.", plan=plan)
    return say(f"The next best, {{plan}}, takes {{margin:.2}} longer: {why}.", plan=plan, margin=margin)


def _memory_lacked(alternative: Alternative) -> Value | None:
    """The memory that a plan lacks; None where it fits."""
    lost = alternative.lost_by
    return lost if lost is not None and lost.entry.unit == "byte" else None


def _revisit(evaluation: Evaluation, decided: Decision) -> Prose:
    q = evaluation.quantities
    told: list[Prose] = []
    bigger = _too_big(decided)
    if bigger is not None:
        told.append(
            say(
                "accelerators of {memory} or more are at hand, on which the faster plan fits",
                memory=bigger.metrics["memory"],
            )
        )
    if float(q["parallelism.pipeline"]) > 1:
        least = product_of(
            q["parallelism.pipeline"],
            q["parallelism.data"],
            q["parallelism.microbatch"],
            unit="1",
            title="Global batch that gives each stage a microbatch",
        )
        told.append(say("the global batch falls under {least} sequences, fewer microbatches than stages", least=least))
    told.append(_slow(evaluation))
    return clauses([t for t in told if t])


def _slow(evaluation: Evaluation) -> Prose:
    """The utilisation under which the plan is in question."""
    mfu, duration = evaluation.quantities["training.mfu"], evaluation.quantities["training.duration"]
    deadline = field(evaluation, "workload.deadline")
    needed = None
    if deadline is not None:
        needed = ratio(
            product_of(mfu, duration, unit="s", title="Utilisation times duration"),
            deadline,
            unit="fraction",
            title="Utilisation that the deadline needs",
            symbol="MFU_min",
        )
    attainable = needed is None or float(needed) <= 1
    return under(evaluation, "the measured MFU", mfu, needed if attainable else None)
