"""Parallelism strategy: how the model is spread, what a device holds, where a step goes, and what lost."""

from __future__ import annotations

from dataclasses import replace

from navarch.core.arithmetic import difference, product_of, ratio, share_of, sum_of
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import (
    Titled,
    clauses,
    field,
    how_sure,
    largest,
    longer,
    name,
    sentence,
    under,
)
from navarch.design.document.blocks import alternatives_table, decision_block, heading, section
from navarch.design.document.model import Block, Figure, Section
from navarch.design.document.prose import Label, Prose, Sayable, join, prose, say
from navarch.design.evaluation.result import Alternative, Curve, Decision, Evaluation
from navarch.design.figures import curve_figure, memory_bar, waterfall

MEMORY = {
    "weights": "weights",
    "gradients": "gradients",
    "optimiser": "optimiser states",
    "activations": "activations",
    "logits": "logits",
    "workspace": "workspace and reserve",
}
STEP = {
    "compute": "matrix products and attention",
    "vocabulary": "output matrix and loss",
    "elementwise": "memory-bound kernels",
    "gaps": "gaps between kernels",
    "tensor": "tensor-parallel communication",
    "context": "context-parallel communication",
    "expert": "expert-parallel communication",
    "pipeline": "pipeline communication",
    "bubble": "pipeline bubble",
    "data": "data-parallel communication",
    "optimiser": "optimiser update",
    "stragglers": "stragglers and jitter",
}
EXPOSED = ("tensor", "context", "expert", "pipeline", "data")
DEGREES = ("tensor", "pipeline", "context", "data")
RECOMPUTED = {"none": "nothing recomputed", "selective": "selective recomputation", "full": "full recomputation"}
FEWEST = 3  # points that make a front worth drawing
SLOWEST = 2.0  # times the fastest step, beyond which the front is not drawn


def chapter(evaluation: Evaluation) -> Section | None:
    """The section on the parallelism strategy; None where the design trains nothing."""
    decided = evaluation.decisions.get("parallelism")
    if decided is None:
        return None
    with evaluation.ledger:
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
            heading("Where a step goes"),
            _step(evaluation),
            heading("What one accelerator holds"),
            _memory(evaluation),
            *_front(evaluation),
            heading("How sure"),
            how_sure(
                evaluation,
                [("Step time", "training.step_time"), ("Peak memory", "memory.peak")],
            ),
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
    q, labels = evaluation.quantities, evaluation.labels
    extras: list[Prose] = []
    if float(q["parallelism.tensor"]) > 1:
        extras.append(prose(labels.get("sequence_parallel", "")))
    stage = labels.get("zero_stage", "0")
    extras.append(
        prose("optimiser states held in full by every replica") if stage == "0" else prose(Label(f"ZeRO-{stage}"))
    )
    if float(q["parallelism.virtual_stages"]) > 1:
        extras.append(say("interleaved schedule of {v} virtual stages", v=q["parallelism.virtual_stages"]))
    extras.append(prose(RECOMPUTED.get(labels.get("recomputation", ""), "")))
    told = _degrees(evaluation) + ", " + join([e for e in extras if e], last=", ")
    told += say("; microbatch {size}", size=q["parallelism.microbatch"])
    batch, length = field(evaluation, "workload.global_batch"), field(evaluation, "workload.sequence_length")
    if batch is not None and length is not None:
        told += say(", global batch {batch} sequences of {length}", batch=batch, length=length)
    return told + "."


def _parts(evaluation: Evaluation, prefix: str, titles: dict[str, str]) -> list[Titled]:
    """The parts of the step or of the memory that are not nothing."""
    q = evaluation.quantities
    found = [(title, q[f"{prefix}.{key}"]) for key, title in titles.items() if f"{prefix}.{key}" in q]
    return [(title, v) for title, v in found if float(v) > 0]


def _why(evaluation: Evaluation, decided: Decision) -> Prose:
    q = evaluation.quantities
    title, most = largest(_parts(evaluation, "memory", MEMORY))
    memory = say(
        f"{_holder(evaluation)} needs {{peak}} of {{capacity}}; the most of it is {title}, {{most}}.",
        peak=q["memory.peak"],
        capacity=q["memory.capacity"],
        most=most,
    )
    title, most = largest(_parts(evaluation, "step", STEP))
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
    parts = [(STEP[k], evaluation.quantities[f"step.{k}"]) for k in EXPOSED if f"step.{k}" in evaluation.quantities]
    parts = [(title, v) for title, v in parts if float(v) > 0]
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
        "With {m} microbatches through {p} stages, the pipeline's bubble is {bubble:.2} of the ideal time",
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
        (
            a
            for a in decided.alternatives
            if a.lost_by is not None and a.lost_by.entry.unit == "byte" and float(a.metrics["step"]) < step
        ),
        None,
    )


def _sensitivity(evaluation: Evaluation, decided: Decision) -> Prose:
    effects = [say(f"{what} {{does}}", does=longer(change)) for what, change in decided.sensitivity.items()]
    told = [say("Of the step: {effects}.", effects=join(effects, between="; ", last="; "))] if effects else []
    if decided.margin is not None and float(decided.margin) >= 0:
        told.append(say("The next best strategy takes {margin:.2} longer.", margin=decided.margin))
    return sentence(*told)


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


def _step(evaluation: Evaluation) -> Figure:
    q = evaluation.quantities
    return waterfall(
        _parts(evaluation, "step", STEP),
        q["training.step_time"],
        say("One optimiser step by part; only communication that computation does not hide is counted"),
        total_label="step",
    )


def _memory(evaluation: Evaluation) -> Figure:
    q = evaluation.quantities
    return memory_bar(
        _parts(evaluation, "memory", MEMORY),
        q["memory.capacity"],
        say(
            f"{_holder(evaluation)}: {{peak}} at the peak, on {{chip}}",
            chip=name(evaluation, "accelerator"),
            peak=q["memory.peak"],
        ),
        total=q["memory.peak"],
    )


def _front(evaluation: Evaluation) -> list[Block]:
    """The plans that none beats in both memory and time, where there are enough for a curve."""
    front, step = evaluation.curves.get("pareto"), evaluation.quantities["training.step_time"]
    if front is None:
        return []
    near = front["step"] <= SLOWEST * float(step)
    if near.sum() < FEWEST:
        return []
    curve = Curve(
        "Plans that none beats", "Memory of one accelerator", "byte", front["memory"][near], "Step time", "s",
        front["step"][near],
    )  # fmt: skip
    marks: list[tuple[Sayable, Value, str]] = [("chosen", evaluation.quantities["memory.peak"], "orange")]
    caption = say(
        "Plans that no other beats in both memory and step time, up to twice the step of the fastest; "
        "less memory is paid for with time"
    )
    return [heading("What memory buys"), curve_figure(curve, caption, marks, key="pareto")]
