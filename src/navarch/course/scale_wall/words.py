"""What Lab 01 asks each student, with the student's own numbers in it.

The rooms behind a question are loaded when it is asked, so that the first one is on the page at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.quantity import show
from navarch.course.desk import accelerator_of, shelf
from navarch.course.scale_wall.runs import run_compute
from navarch.course.scale_wall.variant import Training, Variant, menu
from navarch.course.scale_wall.wall import PRECISION

TERMS = (
    "compute of the run", "rate of one accelerator", "number of accelerators", "utilisation",
    "part of a step that does not divide", "failures and restarts", "money",
)  # fmt: skip
"""What may decide a design here."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the Markdown above it."""

    asked: str
    context: str


def years(variant: Variant) -> Question:
    """The first question."""
    chip = accelerator_of(variant.accelerator)
    peak = chip.facts[PRECISION]
    took, rate = show(run_compute(variant.run).value, "FLOP"), show(peak.value, peak.unit)
    return Question(
        f"How long would one {chip.name} need for the training of {variant.run}?",
        f"The run took about **{took}**, and finished in months. The data sheet gives the accelerator **{rate}** in "
        f"{PRECISION}; no large run gets all of that. Suppose that memory were no problem.",
    )


def interruptions(variant: Variant) -> Question:
    """The second question."""
    from navarch.course.scale_wall import failures

    record = str(menu()["record"])
    life = failures.reliability(record=record)["life"]
    system = shelf().get("failure", record).name.partition(",")[0]
    return Question(
        f"How often is a job on {variant.fleet:,} accelerators interrupted in {show(variant.period, 's')}?",
        f"One accelerator, with its share of the server and of the network, ran **{life.shown}** between failures on "
        f"average ({system}, 2024). The job needs every one of them at once: each failure stops it.",
    )


def sixteen(variant: Variant) -> Question:
    """The third question."""
    from navarch.course.scale_wall import more

    training = variant.training
    inputs = {name: getattr(training, name) for name in Training.__dataclass_fields__}
    step = more.one_fleet(**inputs)["step"].shown
    model, node = (shelf().get(kind, getattr(training, kind)).name for kind in ("model", "node"))
    multiple = int(menu()["multiple"])
    return Question(
        f"You get {multiple} times the accelerators, and the batch stays. How many times faster is a step, at best?",
        f"{model} trains on **{training.accelerators:,}** accelerators in {node} nodes, {training.sequences:,} "
        f"sequences of {training.sequence:,} tokens a step. The best of all plans with the usual schedules takes "
        f"**{step}** a step. A larger batch would need more tokens for the same loss, so it is kept.",
    )


def gain(variant: Variant) -> Question:
    """The fourth question."""
    from navarch.course.scale_wall import loss

    earlier = loss.before(money=variant.money, price=variant.price)
    told = {key: reading.shown for key, reading in earlier.readings.items()}
    chip = accelerator_of(variant.rented).name
    paid = shelf().fact("price", variant.price)
    return Question(
        f"Your budget is {show(variant.money, 'USD')}. How much lower would the loss be with ten times as much?",
        f"{chip} at {show(paid.value, paid.unit)} ({paid.title}), each run compute-optimal. **{told['money_0']}** buys "
        f"a loss of **{told['loss_0']}** nats a token, **{told['money_1']}** one of **{told['loss_1']}**: those ten "
        f"times took {told['gain']} off.",
    )


def brief(seed: int) -> str:
    """What the challenge asks."""
    from navarch.course.scale_wall import challenge

    asked = {key: reading.shown for key, reading in challenge.task(seed=seed).readings.items()}
    return (
        f"Train a model to a loss of at most **{asked['loss']}** nats a token ({asked['reducible']} above the "
        f"irreducible), within **{asked['deadline']}** and **{asked['compute']}**, on {asked['accelerator']} at "
        f"{asked['price']} each. Choose the model, the tokens and the fleet. Failures, restarts and the part of each "
        "step that does not divide are in the time. The rent of the fleet is the score, and less is better."
    )
