"""What Lab 06 asks each student, with the student's own numbers in it.

The rooms behind a question are loaded when it is asked, so that the first one is on the page at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.quantity import show
from navarch.course.allreduce_physics.variant import Variant
from navarch.course.desk import shelf

TERMS = (
    "latency of a round", "rounds of the algorithm", "bandwidth of the link", "size of the message",
    "number of accelerators", "work to encode and decode", "computation to hide behind", "congestion of the fabric",
)  # fmt: skip
"""What may decide a design here."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the Markdown above it."""

    asked: str
    context: str


def link_of(variant: Variant) -> str:
    """The link's name."""
    return str(shelf().get("fabric", variant.link).name)


def thousand(variant: Variant) -> Question:
    """The first question."""
    from navarch.course.allreduce_physics import ranks

    before = ranks.among_few(link=variant.link, message=variant.message)
    return Question(
        f"{_counted(ranks.few()).capitalize()} accelerators add up {show(variant.message, 'byte')} in "
        f"{before['few'].shown}. How long do "
        f"{variant.many:,} take?",
        f"An **all-reduce**: each accelerator holds a gradient of **{show(variant.message, 'byte')}**, and in the end "
        f"each holds the sum of all. Each has one {link_of(variant)} port into a network that nothing slows down, and "
        f"the quickest algorithm is taken for each number of accelerators. Among {_counted(ranks.few())} that is "
        f"{before['algorithm'].shown}.",
    )


def crossing(variant: Variant) -> Question:
    """The second question."""
    return Question(
        f"Among {variant.pair}, from which message on is a ring quicker than a double binary tree?",
        "A **ring** cuts the message into as many parts as there are accelerators and passes them round twice: nobody "
        "sends a byte too many, but there are almost twice as many rounds as accelerators. A **double binary tree** "
        "reduces up and broadcasts down two trees at once, in pieces that follow each other: few rounds, and a "
        "pipeline that has to fill. Small messages belong to the tree, large ones to the ring.",
    )


def bus(variant: Variant) -> Question:
    """The third question."""
    from navarch.course.allreduce_physics.desk import plain_link

    link = plain_link(variant.link)
    return Question(
        f"A ring of {variant.bus_ranks} all-reduces {show(variant.bus_message, 'byte')}. What bus bandwidth does the "
        "benchmark report?",
        f"Each port achieves **{show(link.bandwidth, 'byte/s')}** with large transfers, and a round waits "
        f"**{show(link.latency, 's')}** before it moves anything. nccl-tests report the **bus bandwidth**: what each "
        "link would carry if the ring did nothing but move bytes, 2 (n - 1) / n times the message over the time.",
    )


def compressed(variant: Variant) -> Question:
    """The fourth question."""
    model = shelf().get("model", variant.model).name
    return Question(
        f"Each of {variant.ranks} ranks encodes {_counted(variant.fewer)} times fewer bytes. How many times as fast is "
        "the exchange?",
        f"Gradients of {model}, 4 bytes each. **Top-k** with error feedback sends only the largest ones, each with its "
        f"place: {_counted(variant.fewer)} times fewer bytes. Every rank keeps other places, so that nothing can be "
        f"added on the way: each must see what every other one encoded. Without compression they are all-reduced over "
        f"{link_of(variant)}. Answer 2 for twice as fast, 0.5 for half as fast.",
    )


def _counted(number: int) -> str:
    return {8: "eight", 10: "ten"}.get(number, str(number))


def brief(seed: int) -> str:
    """What the challenge asks."""
    from navarch.course.allreduce_physics import challenge
    from navarch.course.allreduce_physics.variant import variant_of

    asked = {key: reading.shown for key, reading in challenge.task(seed=seed).readings.items()}
    drawn = variant_of(seed).task
    return (
        f"{asked['model']} trains data-parallel on **{drawn.ranks}** accelerators, {asked['link']} between them: "
        f"**{asked['gradients']}** of gradients a step, which a backward pass of **{asked['backward']}** produces "
        "evenly. Each full bucket is all-reduced while the pass goes on; the last one, the first layers' gradients, "
        "can only start when the pass is over. Processors that communicate do not compute: too few leave the link "
        f"idle, too many slow the pass. Buckets may take **{asked['memory']}**, two at a time; at least "
        f"{asked['hidden']} of the communication must be hidden, with at most {asked['slowed']} of the processors. "
        "What is added to the backward pass is the score, and less is better."
    )
