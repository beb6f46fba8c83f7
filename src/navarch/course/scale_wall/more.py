"""Sixteen times the fleet at the same batch: the best plan on each fleet, by the training model's exhaustive search."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from navarch.core.arithmetic import product_of, ratio, share_of, smallest_of
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger, Value
from navarch.course.desk import reading, shelf
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, instrument
from navarch.course.scale_wall.variant import Training, menu
from navarch.distributed.training.legality import InfeasibleError
from navarch.distributed.training.objectives import step_cost
from navarch.fleet.scale import estimate, strong_scaling

if TYPE_CHECKING:
    from navarch.distributed.training.runtime import Runtime
    from navarch.distributed.training.shape import Hardware, TransformerShape
    from navarch.distributed.training.strategy import Candidate

PRECISION, STACK = "bf16", "megatron-core"
MULTIPLES = (1, 2, 4, 8, 16)
PRICES = {"dgx-a100-640": "oci-a100-od", "dgx-h100": "nebius-h100-od", "dgx-h200": "nebius-h200-od",
          "dgx-b200": "nebius-b200-od"}  # fmt: skip
"""The price of an accelerator of each node, in the catalog."""
SEQUENCES = (1024, 2048, 3072, 4096, 6144)
FLEETS = (4096, 8192, 16384)
PUBLISHED_AS, PUBLISHED_SEQUENCE = ("gpt3-175b", "dgx-a100-640"), 2048
PUBLISHED = "MegaScale (arXiv 2402.15627) Table 2"


def trainings() -> list[Training]:
    """The models in training that the variants are drawn from."""
    return [Training(**told) for told in menu()["more"]]


def models() -> dict[str, str]:
    """The models that may be asked about, with their names."""
    return {t.model: shelf().get("model", t.model).name for t in trainings()}


def nodes() -> dict[str, str]:
    """The nodes that may be asked about, with their names."""
    return {name: shelf().get("node", name).name for name in PRICES}


@lru_cache(maxsize=64)
def trained_on(model: str, node: str) -> tuple[TransformerShape, Hardware, Runtime]:
    """What the training model needs to know of a model and a node."""
    from navarch.distributed.training.inputs import hardware_of, scaleout_bandwidth, shape_of
    from navarch.distributed.training.runtime import runtime_of

    catalog = shelf()
    entry = catalog.get("node", node)
    with off_the_ledger():
        hardware = hardware_of(catalog, entry, PRECISION, scaleout_bandwidth(entry), STACK)
        runtime = runtime_of(catalog, entry.accelerator, PRECISION, STACK)
        return shape_of(catalog, catalog.get("model", model)), hardware, runtime


@lru_cache(maxsize=512)
def _search(model: str, node: str, accelerators: int, sequences: int, sequence: int) -> tuple[Candidate, int] | str:
    """The fastest plan that uses all of a fleet, and how many were considered; or why there is none."""
    from navarch.distributed.training.strategy import choose

    with off_the_ledger():
        try:
            choice = choose(*trained_on(model, node), accelerators, sequences, sequence, losers=0)
        except InfeasibleError as error:
            return str(error)
    return choice.best, choice.considered


def best_plan(model: str, node: str, accelerators: int, sequences: int, sequence: int) -> Candidate | str:
    """The fastest plan that uses all of a fleet, or why there is none."""
    found = _search(model, node, accelerators, sequences, sequence)
    return found if isinstance(found, str) else found[0]


def _best(model: str, node: str, accelerators: int, sequences: int, sequence: int) -> dict[str, Any] | str:
    """Step time, utilisation and label of the fastest plan, and how many were considered; or why there is none."""
    found = _search(model, node, accelerators, sequences, sequence)
    if isinstance(found, str):
        return found
    best, considered = found
    return {"step": best.step_time, "mfu": best.mfu, "plan": best.label, "considered": considered}


@instrument
def one_fleet(model: str, node: str, accelerators: int, sequences: int, sequence: int) -> Answer:
    """The best plan of a fleet by itself. sequences: of a step; sequence: length [token]."""
    found = _best(model, node, accelerators, sequences, sequence)
    if isinstance(found, str):
        return _without_plan(found)
    with Ledger() as ledger:
        return Answer({"step": reading(_step(ledger, 1, found).entry), "plan": ("Best plan", found["plan"], "text")})


@instrument
def more_accelerators(model: str, node: str, accelerators: int, sequences: int, sequence: int) -> Answer:
    """What 2, 4, 8 and 16 times the accelerators give at the same batch.

    sequences: of a step; sequence: length [token]. Each fleet has its best plan; one that is slower than a smaller
    fleet leaves the accelerators that do not help idle.
    """
    if node not in PRICES:
        raise CourseError(f"node: {node!r} is not one of {', '.join(PRICES)}")
    found = {k: _best(model, node, accelerators * k, sequences, sequence) for k in MULTIPLES}
    start = found[1]
    if isinstance(start, str):
        return _without_plan(start)
    with Ledger() as ledger:
        price = ledger.fact(shelf().fact("price", PRICES[node]))
        steps = {k: _step(ledger, k, told) for k, told in found.items() if not isinstance(told, str)}
        rows = [_row(k, accelerators, found, steps, price, node) for k in steps]
        top = max(MULTIPLES)
        fastest = smallest_of(*steps.values(), unit="s", title=f"Step on up to {top} times the fleet", symbol="t_16")
        speedup = ratio(steps[1], fastest, unit="1", title=f"Speed-up of {top} times the fleet", symbol="S_16")
        multiple = ledger.field("multiple", top, "1", "Times the fleet")
        count = ledger.field("accelerators", accelerators, "1", "Accelerators of the fleet")
        more = product_of(count, multiple, unit="1", title=f"{top} times the fleet")
        costs = {
            "cost": step_cost(count, steps[1], price, title="Cost of a step on the fleet"),
            "cost_more": step_cost(more, fastest, price, title=f"Cost of a step on {top} times the fleet"),
        }
        values = {
            "speedup": speedup,
            "step": steps[1],
            "step_more": fastest,
            "efficiency": share_of(speedup, multiple, title=f"Share of the {top} times that becomes speed"),
            **costs,
            "dearer": ratio(
                costs["cost_more"], costs["cost"], unit="1", title="Each token costs so many times more", symbol="r"
            ),
        }
        readings: dict[str, Any] = {key: reading(value.entry) for key, value in values.items()}
    readings["plan"] = ("Best plan on the fleet", str(start["plan"]), "text")
    quickest = min(steps, key=lambda k: float(steps[k]))
    readings["plan_more"] = ("Fastest plan", str(found[quickest]["plan"]), "text")  # type: ignore[index]
    readings["fastest"] = ("Accelerators of the fastest plan", float(accelerators * quickest), "1")
    return Answer(readings, rows)


def _without_plan(why: str) -> Answer:
    """What is shown where the fleet itself cannot train the model at this batch."""
    titles = {
        "speedup": "Speed-up", "efficiency": "Share that becomes speed", "step": "Step", "step_more": "Step on more",
        "cost": "Cost of a step", "cost_more": "Cost of a step on more", "dearer": "Each token costs",
        "plan_more": "Fastest plan", "fastest": "Accelerators of the fastest plan",
    }  # fmt: skip
    readings = {key: (title, "no plan", "text") for key, title in titles.items()}
    return Answer({"plan": ("Best plan on the fleet", f"none: {why}", "text"), **readings})


def _step(ledger: Ledger, multiple: int, told: Any) -> Value:
    return ledger.observation(
        f"Step on {multiple} times the fleet" if multiple > 1 else "Step on the fleet", told["step"], "s", None, None,
        "distributed.training.strategy.choose", f"{told['plan']}; best of {told['considered']:,} plans",
    )  # fmt: skip


def _row(
    multiple: int, accelerators: int, found: Any, steps: dict[int, Value], price: Value, node: str
) -> dict[str, Any]:
    count = accelerators * multiple
    here = found[multiple]
    return {
        "accelerators": count,
        "multiple": multiple,
        "step": here["step"],
        "speedup": float(ratio(steps[1], steps[multiple], unit="1")),
        "rule": _by_rule(accelerators, count, found[1], node),
        "mfu": here["mfu"],
        "cost": float(step_cost(count, steps[multiple], price)),
        "plan": here["plan"],
    }


def _by_rule(accelerators: int, count: int, told: Any, node: str) -> float:
    """Speed-up of a larger fleet by the rule of thumb: work that divides, and a floor."""
    catalog = shelf()
    chip = catalog.get("node", node).accelerator
    peak = float(catalog.fact("accelerator", chip, PRECISION))
    floor = float(catalog.fact("constant", "scale.step-floor"))
    with off_the_ledger():
        work = estimate.compute_budget(accelerators, peak, told["mfu"], told["step"])
        dividing = strong_scaling.dividing_utilisation(told["mfu"], work, accelerators, peak, floor)
        steps = [strong_scaling.step_time_with_floor(work, n, peak, dividing, floor) for n in (accelerators, count)]
        return float(ratio(*steps))


@instrument
def published_scaling() -> Answer:
    """What others measured: GPT-3 175B at a fixed batch on more and more A100 (MegaScale 2024, table 2)."""
    table = shelf().table("training_runs")
    found = table.filter(table["source"] == PUBLISHED).sort("n_gpus").to_dicts()
    rows = []
    series = sorted({(row["framework"], row["gbs"]) for row in found})
    with Ledger() as ledger:
        for framework, batch in series:
            own = [row for row in found if (row["framework"], row["gbs"]) == (framework, batch)]
            first = _measured(ledger, own[0])
            for row in own:
                now = _measured(ledger, row)
                rows.append({
                    "series": f"{framework}, {int(batch):,} sequences",
                    "accelerators": int(row["n_gpus"]),
                    "multiple": float(ratio(row["n_gpus"], own[0]["n_gpus"], unit="1")),
                    "speedup": float(ratio(first, now, unit="1")),
                    "step": float(now),
                })  # fmt: skip
        rows += _modelled(ledger, {(int(row["gbs"]), int(row["n_gpus"])) for row in found})
    return Answer({}, rows)


def _modelled(ledger: Ledger, fleets: set[tuple[int, int]]) -> list[dict[str, Any]]:
    """The best plans of the training model on the same fleets and batches."""
    rows = []
    for batch in sorted({batch for batch, _ in fleets}):
        sizes = sorted(size for of, size in fleets if of == batch)
        found = {size: _best(*PUBLISHED_AS, size, batch, PUBLISHED_SEQUENCE) for size in sizes}
        steps = {size: _step(ledger, size, told) for size, told in found.items() if not isinstance(told, str)}
        first = min(steps)
        rows += [
            {
                "series": f"navarch's best plan, {batch:,} sequences", "accelerators": size,
                "multiple": float(ratio(size, first, unit="1")),
                "speedup": float(ratio(steps[first], step, unit="1")), "step": float(step),
            }
            for size, step in steps.items()
        ]  # fmt: skip
    return rows


def _measured(ledger: Ledger, row: Any) -> Value:
    return ledger.observation(
        f"Step of {row['model']} on {int(row['n_gpus']):,} {row['gpu']}", float(row["step_time_s"]), "s", None, None,
        str(row["source"]), str(row["row_id"]),
    )  # fmt: skip
