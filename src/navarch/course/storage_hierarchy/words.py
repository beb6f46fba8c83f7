"""What Lab 04 asks each student, with the student's own numbers in it.

The rooms behind a question are loaded when it is asked, so that the first one is on the page at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from navarch.core.quantity import show
from navarch.course.storage_hierarchy.variant import Variant, menu

TERMS = (
    "bandwidth of the storage", "latency of a request", "requests in flight", "metadata operations",
    "stragglers", "bursts of checkpoints", "capacity", "batches ahead", "money",
)  # fmt: skip
"""What may decide a design here."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the Markdown above it."""

    asked: str
    context: str


def eaters(variant: Variant) -> str:
    """Who is fed."""
    return f"{variant.accelerators:,} accelerators, each eating {variant.rate:,.0f} images a second"


def bytes_(variant: Variant) -> Question:
    """The first question."""
    return Question(
        f"How many bytes a second do {variant.accelerators:,} accelerators read together?",
        f"Each of **{variant.accelerators:,} accelerators** trains on **{variant.rate:,.0f} images a second**, and a "
        f"stored image is **{show(variant.sample, 'byte')}**. Nothing is read twice at once, and nothing is kept.",
    )


def starved(variant: Variant) -> Question:
    """The second question."""
    from navarch.course.storage_hierarchy.cluster import named
    from navarch.course.storage_hierarchy.feeding import before
    from navarch.course.storage_hierarchy.surprise import bought_inputs

    bought = variant.bought
    made = before(**bought_inputs(variant))
    ahead = "one batch" if bought.prefetch == 1 else f"{bought.prefetch} batches"
    return Question(
        "For what share of the time does the training stand still and wait for data?",
        f"You buy **{made['units'].shown} {named(bought.system)}**. Together they read "
        f"**{made['supply'].shown} times** what the accelerators eat. Each loader is "
        f"**{ahead} ahead** of its accelerator. As in every data-parallel training, a step begins when the batches of "
        "all are there. Some requests take longer than others: one in a thousand takes ten times as long as the mean.",
    )


def checkpoint(variant: Variant) -> Question:
    """The third question."""
    from navarch.course.storage_hierarchy import checkpoints
    from navarch.course.storage_hierarchy.surprise import checkpoint_inputs

    saved = variant.saved
    shown = checkpoints.write_a_checkpoint(**checkpoint_inputs(variant))
    model = checkpoints.models()[str(menu()["checkpoint"]["model"])]
    system = checkpoints.systems()[saved.system]
    units = shown["units"].shown
    return Question(
        f"How long does it take until one checkpoint of {model} is written?",
        f"Another cluster trains **{model}** on {saved.accelerators:,} accelerators. Its samples are tokens: all of "
        f"them together read **{shown['read'].shown}**. Storage that holds the {show(saved.tokens, 'token')} and reads "
        f"them so fast is **{units} {system}**, which write **{shown['write'].shown}** together. A checkpoint is the "
        "weights and all that the optimiser keeps of them.",
    )


def beside(variant: Variant) -> str:
    """The training of images, while one is written."""
    told = menu()["beside"]
    return (
        f"Back to the images of part 2, now with storage that reads **{told['supply']} times** what they eat and "
        f"loaders that are **{told['prefetch']} batches ahead**. In the middle of the run every node begins to write "
        f"its part of a checkpoint in the background, {told['depth']} chunks at once."
    )


def files(variant: Variant) -> Question:
    """The fourth question."""
    told = menu()["files"]
    return Question(
        "How many times as long does an epoch take when each image is a file of its own?",
        f"**{variant.pod} accelerators** that eat {variant.rate:,.0f} images a second each get their data from a "
        "parallel file system with bandwidth to spare. Packed into large records, the images arrive in time. Now each "
        f"image of {show(variant.sample, 'byte')} becomes a file, and whoever reads a file must have it opened first "
        f"by **{_counted(told['servers'][0])} metadata server**, which opens {_opened():,.0f} files a second.",
    )


def _opened() -> float:
    from navarch.course.desk import shelf

    return float(shelf().fact("constant", "storage.metadata-rate"))


def _counted(number: int) -> str:
    return {1: "one"}.get(number, str(number))


def measured() -> str:
    """What is really measured."""
    told = menu()["measured"]
    return (
        f"A file of {told['size']} and {told['files']} files of {told['sample']} are written to this machine's storage "
        "and read back: in order, shuffled, one by one, with the page cache kept out where the system allows it. Then "
        "data loaders of threads and of processes read batches ahead of a training that takes them at four fifths of "
        "their full speed: enough on average."
    )


def brief(seed: int) -> str:
    """What the challenge asks."""
    from navarch.course.storage_hierarchy import challenge

    told = {key: reading.shown for key, reading in challenge.task(seed=seed).readings.items()}
    return (
        f"**{told['accelerators']} accelerators** in {told['nodes']} nodes train {told['model']} on images: each eats "
        f"{told['rate'].split()[0]} images of {told['sample']} a second, **{told['demand']}** together, out of "
        f"**{told['dataset']}**. Loaders are {told['prefetch']} batches ahead. A checkpoint of "
        f"**{told['checkpoint']}** must be written within {told['allowed']}, and {told['kept']} of them are kept. Even "
        f"while one is written at most **{told['starvation']}** may starve: of the batches, and of the time. Choose "
        "the shared storage and the drives in each node, which keep as much of the data as they hold. What it costs "
        "is the score, and less is better."
    )
