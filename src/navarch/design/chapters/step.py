"""Where a step goes: its parts, communication exposed and hidden, the pipeline, and how sure all that is."""

from __future__ import annotations

from collections.abc import Iterator

from navarch.core.arithmetic import difference
from navarch.core.ledger import Value
from navarch.design.chapters.phrases import Titled, bound, how_sure, name, sentence
from navarch.design.chapters.rehearsal import Rehearsal
from navarch.design.document.blocks import heading, paragraph, table
from navarch.design.document.model import Block, Paragraph, Table
from navarch.design.document.prose import Label, Prose, Sayable, number, say
from navarch.design.evaluation.result import Evaluation
from navarch.design.figures import Span, drawn_plans, gantt, memory_bar, memory_stages, pareto, waterfall

STEP = {
    "compute": ("matrix products and attention", "blue"),
    "vocabulary": ("output matrix and loss", "blue"),
    "elementwise": ("memory-bound kernels", "sky"),
    "gaps": ("waiting for the host", "slate"),
    "tensor": ("tensor-parallel communication", "orange"),
    "context": ("context-parallel communication", "orange"),
    "expert": ("expert-parallel communication", "orange"),
    "pipeline": ("pipeline communication", "orange"),
    "bubble": ("pipeline bubble", "slate"),
    "data": ("data-parallel communication", "orange"),
    "optimiser": ("optimiser update", "teal"),
    "offload": ("transfers to and from the host", "teal"),
    "stragglers": ("stragglers and jitter", "slate"),
    "unexplained": ("unexplained by the model", "mist"),
}
"""Parts of a step: what each is called, and its colour: work, communication, waiting, the rest."""
COMMUNICATION = ("tensor", "context", "expert", "pipeline", "data")
MEMORY = {
    "weights": "weights",
    "gradients": "gradients",
    "optimiser": "optimiser states",
    "activations": "activations",
    "logits": "logits",
    "workspace": "workspace and reserve",
}
FEWEST = 3  # points that make a front worth drawing
ROUNDING = 1e-6  # a relative difference that is none
WORTH_SAYING = 0.1  # a relative difference whose cause is told
NEGLIGIBLE = 1e-4  # of the step, under which a part is not told: a matter of display


def parts_of_step(evaluation: Evaluation) -> list[Titled]:
    """The parts of the step that are not nothing."""
    return [(span.label, span.value) for span in _spans(evaluation) if float(span.value) > 0]  # type: ignore[misc]


def parts_of_memory(evaluation: Evaluation, of: str = "memory") -> list[Titled]:
    """The parts of the memory: of the fullest stage, or of another (`memory.first`)."""
    return [(title, evaluation.quantities[f"{of}.{key}"]) for key, title in MEMORY.items()]


def _spans(evaluation: Evaluation) -> Iterator[Span]:
    """The parts of the step, of communication the hidden too; what is next to nothing is left out."""
    q = evaluation.quantities
    least = NEGLIGIBLE * float(q["training.step_time"])
    for key, (title, tint) in STEP.items():
        value, hidden = q.get(f"step.{key}"), q.get(f"hidden.{key}")
        if value is not None and max(abs(float(value)), float(hidden or 0.0)) > least:
            yield Span(title, value, tint, hidden)


def where_a_step_goes(evaluation: Evaluation) -> list[Block | None]:
    """The step as a waterfall, and its communication against computation."""
    spans = list(_spans(evaluation))
    hides = any(span.hides for span in spans)
    outlined = "; outlined: communication hidden beside computation, which adds nothing" if hides else ""
    drawn = waterfall(
        spans,
        evaluation.quantities["training.step_time"],
        say(f"One optimiser step by part{outlined}"),
        total_label="step",
    )
    return [heading("Where a step goes"), drawn, _communication(evaluation)]


def _communication(evaluation: Evaluation) -> Table | None:
    """All communication of a step by form of parallelism; None where one form or none communicates."""
    q = evaluation.quantities
    forms = [key for key in COMMUNICATION if float(q.get(f"communication.{key}", 0.0)) > 0]
    if not forms:
        return None
    rows: list[list[Sayable | None]] = [
        [
            STEP[key][0].split("-")[0].split(" ")[0] + " parallel",
            q[f"communication.{key}"],
            q[f"hidden.{key}"],
            q[f"step.{key}"],
            number(q[f"communication.{key}_ratio"], 2),
        ]
        for key in forms
    ]
    if len(forms) > 1:
        ratio = number(q["training.communication_ratio"], 2)
        rows.append(["all forms", q["communication.total"], *_sums(evaluation, forms), ratio])
    total = [-1] if len(forms) > 1 else []
    return table(["Communication of a step", "In all", "Hidden", "Exposed", "Against computation"], rows, total=total)


def _sums(evaluation: Evaluation, forms: list[str]) -> tuple[Value, Value]:
    """Hidden and exposed communication of all forms."""
    from navarch.core.arithmetic import sum_of

    q = evaluation.quantities
    exposed = sum_of(*(q[f"step.{key}"] for key in forms), title="Exposed communication of a step", symbol="T_exposed")
    return difference(q["communication.total"], exposed, title="Hidden communication of a step"), exposed


def the_pipeline(evaluation: Evaluation, made: Rehearsal | None) -> list[Block | None]:
    """The schedule's Gantt chart, and its wait by the closed form and by the run."""
    if made is None:
        return []
    q = evaluation.quantities
    drawn = gantt(
        made.run,
        made.simulated,
        q["parallelism.pipeline"],
        say(
            "{schedule}: {stages} stages, {microbatches} microbatches; grey is waiting",
            schedule=Label(made.name, "catalog"),
            stages=q["parallelism.pipeline"],
            microbatches=made.microbatches,
        ),
    )
    same = abs(float(made.bubble_apart)) < ROUNDING
    rows: list[list[Sayable | None]] = [
        [
            "messages at no cost: the same" if same else "messages at no cost",
            made.bubble,
            made.simulated_bubble,
            None if same else number(made.bubble_apart, 2, signed=True),
        ],
        ["every message on its link", made.estimated, made.simulated, number(made.apart, 2, signed=True)],
    ]
    heads = ["Wait of a stage in one step", "Closed form", "Run task by task", "Difference"]
    return [heading("The pipeline"), drawn, table(heads, rows), _why_apart(evaluation, made)]


def _why_apart(evaluation: Evaluation, made: Rehearsal) -> Paragraph | None:
    """Why the run waits longer than the closed form, or not as long."""
    q = evaluation.quantities
    if abs(float(made.apart)) < WORTH_SAYING:
        return None
    if float(made.apart) < 0:
        return paragraph(
            "The closed form counts the same share of each message as waiting; in the run most of them arrive while "
            "their stage is still at work."
        )
    few = float(q["training.microbatches"]) <= float(q["parallelism.pipeline"])
    if few and float(q["parallelism.virtual_stages"]) > 1:
        return paragraph(
            "With no more microbatches than stages, all of them are under way when a stage turns to its next virtual "
            "stage: it waits for their messages, which nothing hides."
        )
    return paragraph("The closed form counts a share of each message as waiting; in the run more of them arrive late.")


def what_a_device_holds(evaluation: Evaluation) -> list[Block | None]:
    """Memory by part, of the first and of the last stage."""
    q, chip = evaluation.quantities, name(evaluation, "accelerator")
    title = heading("What one accelerator holds")
    if float(q["parallelism.pipeline"]) <= 1:
        caption = say("Each accelerator: {peak} at the peak, on {chip}", peak=q["memory.peak"], chip=chip)
        parts = [(t, v) for t, v in parts_of_memory(evaluation) if float(v) > 0]
        return [title, memory_bar(parts, q["memory.capacity"], caption, total=q["memory.peak"])]
    stages = [
        (f"{of} stage", q[f"memory.{of}.total"], parts_of_memory(evaluation, f"memory.{of}"))
        for of in ("first", "last")
    ]
    caption = say(
        "An accelerator of the first stage, and of the last where it differs, at the peak, on {chip}", chip=chip
    )
    return [title, memory_stages(stages, q["memory.capacity"], caption)]


def what_memory_buys(evaluation: Evaluation) -> list[Block | None]:
    """The plans that none beats in both memory and time, where there are enough of them."""
    front, q = evaluation.curves.get("pareto"), evaluation.quantities
    if front is None or len(drawn_plans(front, float(q["memory.capacity"]))) < FEWEST:
        return []
    hollow = "; hollow: faster, and does not fit" if front.over else ""
    caption = say(
        f"Plans that no other beats in both memory and step time, up to twice the step of the fastest{hollow}; "
        "the ring is the plan chosen"
    )
    chosen = (q["memory.peak"], q["training.step_time"])
    return [heading("What memory buys"), pareto(front, chosen, q["memory.capacity"], caption)]


def how_sure_of_it(evaluation: Evaluation, made: Rehearsal | None) -> list[Block | None]:
    """Intervals with what moves them, what the model was held against, and the step as simulated."""
    rows = [("Step time", "training.step_time"), ("Peak memory", "memory.peak")]
    return [heading("How sure"), how_sure(evaluation, rows), _validated(evaluation, made)]


def _validated(evaluation: Evaluation, made: Rehearsal | None) -> Paragraph | None:
    """Where the interval comes from: measured runs against predicted ones; and the step as simulated."""
    q = evaluation.quantities
    error = q["training.model_error"]
    low, high = bound(evaluation, error, "low"), bound(evaluation, error, "high")
    told: list[Prose] = []
    if low is not None and high is not None:
        told.append(
            say(
                "Of published runs, eight in ten measured step times lay between {low:.2} and {high} times what the "
                "model predicts; that spread is part of the interval of the step.",
                low=low,
                high=high,
            )
        )
    if made is not None and made.whole:
        told.append(
            say(
                "With the wait of the pipeline as simulated, the step takes {step} in place of {estimate}.",
                step=made.step,
                estimate=q["training.step_time"],
            )
        )
    return paragraph(sentence(*told)) if told else None
