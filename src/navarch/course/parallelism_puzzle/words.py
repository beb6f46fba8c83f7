"""What Lab 05 asks each student, with the student's own numbers in it, and its figures in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from navarch.core.quantity import show
from navarch.course.instrument import Shown
from navarch.course.parallelism_puzzle.flip import bandwidths_of, own_bandwidth
from navarch.course.parallelism_puzzle.instruments import LARGE, MIDDLE, flip_place, pair_at
from navarch.course.parallelism_puzzle.names import cluster_name, cluster_told, model_name, pair_name
from navarch.course.parallelism_puzzle.pairs import Pair, plain_machine
from navarch.course.parallelism_puzzle.strategy import (
    CONTEXT,
    EXPERT,
    KINDS,
    PIPELINE,
    RECOMPUTATIONS,
    TENSOR,
    Strategy,
)
from navarch.course.parallelism_puzzle.variant import variant_of_seed

FAST, ETHERNET, PCIE = range(3)
"""The clusters of a variant, in their order."""
GIVEN = {
    "tensor": 4, "pipeline": 8, "context": 1, "expert": 8, "zero_stage": 1, "recomputation": "selective",
}  # fmt: skip
"""The strategy that the lab begins with: one that many would argue for."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the Markdown above it."""

    asked: str
    context: str


def given() -> Strategy:
    """The strategy that the lab begins with."""
    return Strategy.model_validate(GIVEN)


def degrees() -> dict[str, tuple[int, ...]]:
    """What a strategy's degrees may be."""
    return {"tensor": TENSOR[:4], "pipeline": PIPELINE[:6], "context": CONTEXT, "expert": EXPERT[:5]}


def kinds() -> dict[str, str]:
    """The kinds of strategies, and what they are."""
    return dict(KINDS)


def zero_stages() -> dict[int, str]:
    """The stages of ZeRO by what they shard."""
    return {0: "nothing sharded", 1: "ZeRO-1: optimiser", 2: "ZeRO-2: and gradients", 3: "ZeRO-3: and weights"}


def recomputations() -> tuple[str, ...]:
    """What is recomputed."""
    return RECOMPUTATIONS


def place(size: int, cluster: int) -> int:
    """Where a pair stands among the nine."""
    return size * (PCIE + 1) + cluster


def places(seed: int) -> dict[int, str]:
    """The nine pairs by their place."""
    return {number: pair_name(pair) for number, pair in enumerate(variant_of_seed(seed).pairs)}


def batch_told(pair: Pair) -> str:
    """A model and its batch."""
    return (
        f"**{model_name(pair.model)}**, {pair.global_batch:,} sequences of {pair.sequence_length:,} tokens a step, on "
        f"{pair.accelerators} accelerators"
    )


def clusters(seed: int) -> str:
    """The three clusters, a line each."""
    variant = variant_of_seed(seed)
    pairs = variant.pairs[: len(variant.nodes)]
    return "\n".join(f"- **{cluster_name(pair.node)}**: {cluster_told(pair)}" for pair in pairs)


def workloads(seed: int) -> str:
    """The three models, a line each."""
    variant = variant_of_seed(seed)
    return "\n".join(f"- {batch_told(w.on(variant.nodes[0], variant.accelerators))}" for w in variant.workloads)


def best_kind(seed: int) -> Question:
    """Which kind of strategy is best for the middle model on Ethernet."""
    pair = pair_at(seed, place(MIDDLE, ETHERNET))
    return Question(
        f"Which kind of strategy trains {model_name(pair.model)} fastest on {cluster_name(pair.node)}?",
        f"Three models, each trained on three clusters:\n\n{workloads(seed)}\n\n{clusters(seed)}\n\n"
        f"Take the second model on the second cluster: {cluster_told(pair)}. Whatever the kind, its best degrees, "
        "ZeRO stage, recomputation and microbatch are used.",
    )


def step_time(seed: int) -> Question:
    """How long a step of the large model takes with the given strategy."""
    pair = pair_at(seed, place(LARGE, FAST))
    hardware = plain_machine(pair).hardware
    return Question(
        f"How long does one step of {model_name(pair.model)} take on {cluster_name(pair.node)}?",
        f"{batch_told(pair)}, with **{given().label}**. An accelerator does {show(float(hardware.peak), 'FLOP/s')} at "
        "its peak.",
    )


def memory(seed: int) -> Question:
    """How much memory an accelerator needs for it."""
    pair = pair_at(seed, place(LARGE, FAST))
    hardware = plain_machine(pair).hardware
    return Question(
        "And how much memory does an accelerator need at the peak?",
        f"The same model, cluster and strategy. An accelerator has {show(float(hardware.memory), 'byte')}.",
    )


def tensor_ratio(seed: int) -> Question:
    """The communication over computation of tensor parallelism within a server on Ethernet and PCIe."""
    pair = pair_at(seed, place(MIDDLE, PCIE))
    hardware = plain_machine(pair).hardware
    domain, bus = int(hardware.scaleup_domain), show(float(hardware.scaleup_bandwidth), "byte/s")
    return Question(
        f"{model_name(pair.model)}, tensor parallel alone over the {domain} accelerators of one server of "
        f"{cluster_name(pair.node)}: how many seconds of communication for each second of computation?",
        f"The {domain} share a PCIe bus at {bus} each. Communication is counted whether it is hidden or not.",
    )


def tensor_inputs(seed: int) -> dict[str, int]:
    """The pair and the degree of that question."""
    at = place(MIDDLE, PCIE)
    return {"seed": seed, "place": at, "degree": int(plain_machine(pair_at(seed, at)).hardware.scaleup_domain)}


def flip(seed: int) -> Question:
    """At which network bandwidth the best of the middle model flips."""
    pair = pair_at(seed, flip_place(seed))
    now = show(own_bandwidth(pair, "scaleout"), "byte/s")
    return Question(
        f"{pair_name(pair)}: from which network bandwidth down are other degrees best?",
        f"Nothing changes but the network of an accelerator, now **{now}** in each direction. Somewhere below, the "
        "best strategy of today is no longer the best.",
    )


def flip_inputs(seed: int) -> dict[str, Any]:
    """The pair and the bandwidth of that question."""
    return {"seed": seed, "place": flip_place(seed), "which": "scaleout"}


def bandwidths(seed: int) -> tuple[float, ...]:
    """The bandwidths that the slider has [byte/s]."""
    return bandwidths_of(pair_at(seed, flip_place(seed)), "scaleout")


def own(seed: int) -> float:
    """The network bandwidth that there is [byte/s]."""
    return own_bandwidth(pair_at(seed, flip_place(seed)), "scaleout")


def cells_told(rows: Sequence[Mapping[str, Any]]) -> str:
    """A map of times over the optimum, for who cannot see it."""
    each = [
        f"{row['model']} on {row['cluster']}: " + ("does not run" if row["over"] is None else f"{row['over']:.2f}")
        for row in rows
    ]
    return "Step time over that of the best strategy. " + "; ".join(each) + "."


BESIDE = ("model", "cluster", "step_time", "over", "best", "best_time")
RAN = ("model", "cluster", "strategy", "over", "why")
KINDS_SHOWN = ("kind", "strategy", "step_time", "memory")


def picked(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Some columns of a table."""
    return [{name: row[name] for name in names} for row in rows]


def kinds_told(shown: Shown) -> str:
    """The best of each kind in words."""
    return "; ".join(f"{row['kind']}: {show(row['step_time'], 's')}, {row['strategy']}" for row in shown.rows) + "."


def parts_told(shown: Shown) -> str:
    """Where a step goes in words."""
    return "; ".join(f"{row['part']}: {show(row['time'], 's')}" for row in shown.rows) + "."


def ratios_told(shown: Shown) -> str:
    """The ratios at the largest degree of each form in words."""
    last = {row["form"]: row for row in shown.rows}
    return "; ".join(f"{form} over {row['degree']}: {row['ratio']:.2g}" for form, row in last.items()) + "."


def flip_told(shown: Shown) -> str:
    """The best strategy at each bandwidth in words."""
    return "; ".join(f"{show(row['bandwidth'], 'byte/s')}: {row['best']}" for row in shown.rows) + "."


def measured_told(shown: Shown) -> str:
    """Measured and predicted steps in words."""
    each = [
        f"{row['form']}: measured {show(row['step'], 's')}, predicted {show(row['predicted'], 's')}"
        for row in shown.rows
    ]
    return "; ".join(each) + "."


def runs(shown: Shown) -> bool:
    """Whether a strategy that was shown runs."""
    return "why" not in shown.readings
