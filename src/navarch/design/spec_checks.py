"""Contradictions inside a design file that need no catalog to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from navarch.design.amount import Amount
from navarch.design.errors import Problem

if TYPE_CHECKING:
    from navarch.design.spec import Design

EITHER_OR = (
    ("workload.tokens", "workload.compute"),
    ("cluster.nodes", "cluster.accelerators"),
    ("fault_tolerance.failure_rate", "fault_tolerance.failures"),
    ("privacy.epsilon", "privacy.noise_multiplier"),
)
SHARES_TOLERANCE = 1e-3
"""How far the shares of the users' regions may be from 1 in sum, for rounded percentages."""


def contradictions(design: Design) -> Iterator[Problem]:
    """Yield every pair of fields that cannot both hold."""
    for first, second in EITHER_OR:
        if design.given(first) and design.given(second):
            yield Problem(
                second, f"{_shown(design, second)} is given beside {first} = {_shown(design, first)}; give one of them"
            )
    yield from _of_parallelism(design)
    yield from _of_serving(design)
    yield from _of_privacy(design)
    yield from _of_cost(design)


def _of_parallelism(design: Design) -> Iterator[Problem]:
    plan = design.parallelism
    if plan is None:
        return
    if plan.virtual_stages and plan.virtual_stages.count > 1 and plan.pipeline and plan.pipeline.count == 1:
        yield Problem(
            "parallelism.virtual_stages", f"{plan.virtual_stages} needs a pipeline; parallelism.pipeline is 1"
        )
    if plan.sequence_parallel and plan.tensor and plan.tensor.count == 1:
        yield Problem("parallelism.sequence_parallel", "true needs tensor parallelism; parallelism.tensor is 1")
    batch = design.workload.global_batch
    at_once = _product(plan.data, plan.microbatch)
    if batch and at_once > 1 and batch.count % at_once:
        yield Problem(
            "workload.global_batch",
            f"{batch} is not a multiple of {at_once}, the sequences that "
            f"{_factors(('parallelism.data', plan.data), ('parallelism.microbatch', plan.microbatch))} take at once",
        )
    length = design.workload.sequence_length
    if length and plan.context and length.count % plan.context.count:
        yield Problem("parallelism.context", f"{plan.context} does not divide workload.sequence_length = {length}")
    yield from _of_size(design)


def _of_size(design: Design) -> Iterator[Problem]:
    plan, cluster = design.parallelism, design.cluster
    if plan is None or cluster is None or cluster.accelerators is None:
        return
    named = tuple((f"parallelism.{name}", getattr(plan, name)) for name in ("tensor", "context", "pipeline", "data"))
    ranks = _product(*(amount for _, amount in named))
    total = cluster.accelerators.count
    if all(amount for name, amount in named if name != "parallelism.context"):
        if ranks != total:
            yield Problem("cluster.accelerators", f"{cluster.accelerators} is not {_factors(*named)} = {ranks:,}")
    elif ranks and total % ranks:
        yield Problem(
            "cluster.accelerators", f"{cluster.accelerators} is not a multiple of {_factors(*named)} = {ranks:,}"
        )


def _of_serving(design: Design) -> Iterator[Problem]:
    if design.edge is not None and design.edge.share and design.edge.share.value > 0 and design.serving is None:
        yield Problem(
            "edge.share", f"{design.edge.share} of the requests needs a serving section that says how many there are"
        )
    regions = design.serving.users_regions if design.serving else None
    if regions is None:
        return
    if not regions:
        yield Problem("serving.users_regions", "is empty; write region: share, or leave it out")
        return
    total = sum(share.value for share in regions.values())
    if abs(total - 1) > SHARES_TOLERANCE:
        yield Problem("serving.users_regions", f"the shares sum to {total:.4g}; they must sum to 1")


def _of_privacy(design: Design) -> Iterator[Problem]:
    privacy = design.privacy
    if privacy is None or privacy.method != "none":
        return
    for name in ("epsilon", "delta", "noise_multiplier", "records"):
        if getattr(privacy, name) is not None:
            yield Problem(f"privacy.{name}", f"{getattr(privacy, name)} is given, but privacy.method is none")


def _of_cost(design: Design) -> Iterator[Problem]:
    cost = design.cost
    if cost is None:
        return
    if cost.ownership == "own" and cost.accelerator_rent is not None:
        yield Problem("cost.accelerator_rent", f"{cost.accelerator_rent} is given, but cost.ownership is own")
    if cost.ownership == "cloud":
        for name in ("node_price", "residual", "maintenance"):
            if getattr(cost, name) is not None:
                yield Problem(f"cost.{name}", f"{getattr(cost, name)} is given, but cost.ownership is cloud")


def _shown(design: Design, path: str) -> str:
    return str(design.field(path))


def _product(*amounts: Amount | None) -> int:
    total = 1
    for amount in amounts:
        total *= amount.count if amount else 1
    return total


def _factors(*named: tuple[str, Amount | None]) -> str:
    return " x ".join(f"{name} {amount.count}" for name, amount in named if amount)
