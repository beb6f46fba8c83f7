"""A small evaluation of one design, made with the real ledger, so that the commands are tested apart from the rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from navarch.core.arithmetic import margin_above, margin_below, product_of, ratio
from navarch.core.ledger import Fact, Ledger
from navarch.core.uncertainty import propagate
from navarch.design.evaluation.result import Alternative, Constraint, Decision, Evaluation

SPEED = Fact(
    "accelerator.test.bf16", 1e15, "FLOP/s", "Peak rate", "A datasheet", "https://example.org", low=0.9e15, high=1.1e15
)

DESIGN = """\
name: A [red]small[/red] <b>design</b>
workload:
  model: llama3.1-8b
  compute: {compute} FLOP
  deadline: {deadline} days
"""


def small_evaluation(spec: Any, catalog: Any) -> Evaluation:
    """Days to compute so many FLOP at one chip's speed, against a deadline."""
    with Ledger() as ledger:
        compute = ledger.field("workload.compute", float(spec.workload.compute), "FLOP", "Compute budget")
        chips = ledger.choice("cluster.nodes", 1000.0, "1", "Nodes", "the least that keeps the deadline")
        rate = product_of(chips, ledger.fact(SPEED), unit="FLOP/s", title="Rate of the cluster")
        duration = ledger.name("training.duration", ratio(compute, rate, unit="s", title="Time to train"))
        asked = ledger.field("workload.deadline", float(spec.workload.deadline), "s", "Deadline")
        late = margin_below(asked, duration, title="Margin of the deadline")
        spare = margin_above(ledger.fact(SPEED), rate, title="Margin of the rate")
        considered = ledger.observation("Candidates", 12.0, "1", None, None, "search", "")
    constraints = (
        Constraint("workload.deadline", "Deadline", asked, duration, late, "workload.deadline"),
        Constraint("rate", "Rate", ledger.fact(SPEED), rate, spare, "cluster.nodes"),
    )
    losing = Alternative("2,000 nodes", {"Time to train": duration}, "total changes by", lost_by=late)
    decision = Decision(
        "cluster.nodes", "Nodes", "1,000 nodes", "navarch", considered=considered,
        alternatives=(Alternative("1,000 nodes", {"Time to train": duration}, chosen=True), losing),
    )  # fmt: skip
    quantities = {"training.duration": duration, "training.rate": ledger.name("training.rate", rate)}
    return Evaluation(
        spec,
        ledger,
        quantities,
        {"cluster.nodes": decision},
        constraints,
        {},
        {},
        propagate(ledger, 500),
        ("One thing to know.",),
    )


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command evaluates with the small evaluation."""
    monkeypatch.setattr("navarch.design.evaluation.evaluate", small_evaluation, raising=False)


@pytest.fixture
def design_file(tmp_path: Path) -> Path:
    """A design that meets its deadline: 1e21 FLOP at 1e18 FLOP/s take a thousand seconds."""
    return write_design(tmp_path / "good.yaml")


@pytest.fixture
def late_file(tmp_path: Path) -> Path:
    """A design that misses its deadline of a day."""
    return write_design(tmp_path / "late.yaml", compute="1e24", deadline="1")


def write_design(path: Path, compute: str = "1e21", deadline: str = "1") -> Path:
    path.write_text(DESIGN.format(compute=compute, deadline=deadline))
    return path
