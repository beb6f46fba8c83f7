"""Instruments of the example in the docs: which accelerators hold a model's weights.

They are real: the frame's own tests drive a notebook made of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from navarch.catalog import load
from navarch.core.arithmetic import difference, product_of, ratio
from navarch.core.plot import colour
from navarch.course.frame.progress import CannotMeasureError, tell
from navarch.course.instrument import Answer, Shown, instrument

if TYPE_CHECKING:
    import altair

MODELS = ("llama3-8b", "llama3-70b", "gpt3-175b", "llama3.1-405b")
ACCELERATORS = ("a100-sxm-80gb", "h100-sxm", "h200-sxm", "b200-sxm", "mi300x")
PRECISIONS = ("precision.int8.bytes", "precision.bf16.bytes", "precision.fp32.bytes")
NODE = "hgx-h100-8"
HEIGHT = 220
TURNS = 40
COPIED = 64 * 2**20


def models() -> dict[str, str]:
    """The models by id."""
    return {name: load().get("model", name).name for name in MODELS}


def accelerators() -> dict[str, str]:
    """The accelerators by id."""
    return {name: load().get("accelerator", name).name for name in ACCELERATORS}


def parameter_bytes() -> list[float]:
    """Bytes that a parameter can take, ascending."""
    return [float(load().get("constant", name).value.value) for name in PRECISIONS]


def counts() -> list[float]:
    """Accelerators that a node can have, ascending."""
    return [float(count) for count in range(1, int(load().get("node", NODE).accelerators.value) + 1)]


@instrument
def weights(model: str, parameter_bytes: float) -> Answer:
    """Memory of a model's weights, beside what accelerators hold."""
    catalog = load()
    needed = product_of(catalog.get("model", model).params_total, parameter_bytes)
    rows = []
    for name in ACCELERATORS:
        chip = catalog.get("accelerator", name)
        share = ratio(needed, chip.memory)
        rows.append({"accelerator": chip.name, "memory": float(chip.memory.value), "share": float(share)})
    return Answer({"memory": ("Memory of the weights", needed, "byte")}, rows)


@instrument
def score(model: str, parameter_bytes: float, accelerator: str, count: float) -> Answer:
    """A replica's memory, and whether it holds the weights."""
    catalog = load()
    needed = product_of(catalog.get("model", model).params_total, parameter_bytes)
    bought = product_of(catalog.get("accelerator", accelerator).memory, count)
    spare = difference(bought, needed)
    rows = [
        {"constraint": "Weights fit", "value": float(needed), "limit": float(bought), "unit": "byte",
         "sense": "at most", "met": float(spare) >= 0},
    ]  # fmt: skip
    return Answer({"score": ("Memory bought", bought, "byte"), "spare": ("Memory to spare", spare, "byte")}, rows)


@instrument
def best(model: str, parameter_bytes: float) -> Answer:
    """The least memory that holds the weights, of all accelerators and counts."""
    found = min(
        (shown for shown in _designs(model, parameter_bytes) if all(row["met"] for row in shown.rows)),
        key=lambda shown: float(shown["score"].value),
    )
    chosen = accelerators()[found.inputs["accelerator"]]
    return Answer(
        {
            "score": found["score"],
            "accelerator": ("Accelerator", chosen, "text"),
            "count": ("Accelerators", float(found.inputs["count"]), "1"),
        }
    )


@instrument(replays=False)
def copying(turns: int) -> Answer:
    """Bandwidth at which this machine copies memory, really copied."""
    if turns < 1:
        raise CannotMeasureError("there is nothing to copy")
    import numpy as np

    source, target = np.ones(COPIED, np.uint8), np.zeros(COPIED, np.uint8)
    rows = []
    for turn in range(turns):
        started = time.perf_counter()
        np.copyto(target, source)
        rate = ratio(product_of(2.0, float(COPIED)), time.perf_counter() - started)
        rows.append({"turn": turn + 1, "rate": float(rate)})
        tell((turn + 1) / turns, f"copy {turn + 1} of {turns}")
        time.sleep(0.02)
    best_rate = max(float(row["rate"]) for row in rows)
    return Answer({"rate": ("Memory bandwidth, read and written", best_rate, "byte/s")}, rows)


def bars(shown: Shown) -> altair.TopLevelMixin:
    """What the accelerators hold, and the line that the weights need."""
    import altair as alt

    needed = float(shown["memory"].value)
    table = alt.Data(values=[dict(row) for row in shown.rows])
    bar = alt.Chart(table).mark_bar(height=18, color=colour("blue"), cornerRadiusEnd=3).encode(
        x=alt.X("memory:Q", title="Memory", axis=alt.Axis(format="~s", labelExpr="datum.label + 'B'")),
        y=alt.Y("accelerator:N", sort="-x", title=None),
    )  # fmt: skip
    line = (
        alt.Chart(alt.Data(values=[{"needed": needed}]))
        .mark_rule(color=colour("orange"), size=2.5)
        .encode(x="needed:Q")
    )
    return alt.layer(bar, line).properties(width=460, height=HEIGHT)


def told(shown: Shown) -> str:
    """The figure in words."""
    holding = [str(row["accelerator"]) for row in shown.rows if row["share"] <= 1]
    fits = f"{', '.join(holding)} hold them" if holding else "no accelerator shown holds them alone"
    return f"Bars of accelerator memory and a line at {shown['memory'].shown}, the memory of the weights: {fits}."


def _designs(model: str, parameter_bytes: float) -> Iterator[Shown]:
    for accelerator in ACCELERATORS:
        for count in counts():
            given: dict[str, Any] = {"accelerator": accelerator, "count": count}
            yield score(model=model, parameter_bytes=parameter_bytes, **given)
