"""The parallelism section: what it shows is consistent, the run agrees with the closed form, and every form is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from navarch.catalog import load
from navarch.design.chapters import build_document
from navarch.design.chapters.rehearsal import rehearse
from navarch.design.chapters.step import STEP, parts_of_step
from navarch.design.document import DecisionBlock, Document, Figure, Section, Table, numbers_in
from navarch.design.document.wording import words
from navarch.design.evaluation import Evaluation, evaluate
from navarch.design.figures import drawn_plans
from navarch.design.reader import read_design
from navarch.design.spec import Design
from navarch.distributed.training.timing import StepTime

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
LARGE = {"workload": {"model": "llama3.1-70b", "tokens": "1T tokens", "global_batch": 1024}}
FOUR_NODES = {"cluster": {"node": "dgx-h100", "nodes": 32}}
FORMS: dict[str, dict[str, Any]] = {
    "zero bubble": {**LARGE, **FOUR_NODES, "parallelism": {"schedule": "zero-bubble", "tensor": 4, "pipeline": 8}},
    "zero bubble, twice the memory": {
        **LARGE, **FOUR_NODES, "parallelism": {"schedule": "zero-bubble-2", "tensor": 8, "pipeline": 4},
    },
    "zero bubble in a V": {
        **LARGE, **FOUR_NODES, "parallelism": {"schedule": "zero-bubble-v", "tensor": 4, "pipeline": 8},
    },
    "GPipe": {**LARGE, **FOUR_NODES, "parallelism": {"schedule": "gpipe", "tensor": 4, "pipeline": 8}},
    "DualPipe": {
        "workload": {"model": "mixtral-8x7b", "tokens": "1T tokens", "global_batch": 1024},
        "cluster": {"node": "dgx-h100", "nodes": 32},
        "parallelism": {"schedule": "dualpipe", "tensor": 4, "pipeline": 8},
    },
    "long context": {
        "workload": {"model": "llama3.1-70b", "tokens": "1T tokens", "sequence_length": 131072, "global_batch": 128},
        "cluster": {"node": "dgx-h100", "nodes": 32},
        "parallelism": {"context": 4, "pipeline": 2, "context_kind": "ulysses"},
    },
    "offload": {
        "workload": {"model": "llama3.1-8b", "tokens": "1T tokens"},
        "cluster": {"node": "dgx-h100", "nodes": 2},
        "parallelism": {"offload": "both", "zero_stage": 3, "software": "fsdp"},
    },
    "every form": {**LARGE, **FOUR_NODES, "parallelism": {"forms": "all"}},
    "a very long step": {
        "workload": {"model": "llama3.1-8b", "tokens": "1T tokens", "global_batch": 65536},
        "cluster": {"node": "dgx-h100", "nodes": 2},
        "parallelism": {"tensor": 1, "pipeline": 16, "data": 1, "microbatch": 1},
    },
}  # fmt: skip


@pytest.fixture(scope="module", params=[*(p.stem for p in EXAMPLES), *FORMS])
def made(request: pytest.FixtureRequest) -> tuple[Evaluation, Document]:
    known = {p.stem: p for p in EXAMPLES}
    spec = read_design(known[request.param]) if request.param in known else None
    found = evaluate(spec or Design.of({"name": "Made up", **FORMS[request.param]}), load())
    return found, build_document(found)


def section_of(document: Document) -> Section:
    return next(s for s in document.sections if s.key == "parallelism")


def figure(document: Document, key: str) -> Figure | None:
    return next((b for b in section_of(document).blocks if isinstance(b, Figure) and b.key == key), None)


def said(document: Document) -> str:
    told = []
    for block in section_of(document).blocks:
        match block:
            case DecisionBlock():
                told += [block.decision, block.why, block.sensitivity, block.revisit]
            case Table():
                told += [cell for row in block.rows for cell in row.cells]
            case Figure():
                told += [block.caption, block.alt]
            case _:
                told += [block.prose]
    return " | ".join(words(t) for t in told)


def test_nothing_comes_from_nowhere(made):
    evaluation, document = made
    assert not evaluation.ledger.orphans()
    assert all(n.entry in evaluation.ledger.entries for n in numbers_in(section_of(document)))


def test_the_parts_of_a_step_are_told_and_sum_to_it(made):
    evaluation, document = made
    parts = parts_of_step(evaluation)
    total = float(evaluation.quantities["training.step_time"])
    assert sum(float(v) for _, v in parts) == pytest.approx(total, rel=2e-3)
    drawn = figure(document, "step")
    for title, _ in parts:
        assert title in words(drawn.alt)
    assert "0 s" not in words(drawn.alt).split(";")[0].split(", ")


def test_every_part_of_a_step_has_a_name():
    assert set(STEP) == {name for name in StepTime.__dataclass_fields__ if name != "total"}


def test_hidden_and_exposed_communication_are_all_of_it(made):
    q = made[0].quantities
    forms = [key.removeprefix("hidden.") for key in q if key.startswith("hidden.")]
    assert set(forms) >= {"tensor", "context", "pipeline", "data"}
    for form in forms:
        assert q[f"hidden.{form}"] + q[f"step.{form}"] == pytest.approx(float(q[f"communication.{form}"]))
        assert float(q[f"hidden.{form}"]) >= -1e-9 * float(q["training.step_time"]), form
    ratios = sum(float(q[f"communication.{form}_ratio"]) for form in forms)
    assert ratios == pytest.approx(float(q["training.communication_ratio"]))


def test_the_run_agrees_with_the_closed_form_where_messages_are_free(made):
    evaluation, _ = made
    with evaluation.ledger:
        found = rehearse(evaluation)
    if found is None:
        assert float(evaluation.quantities["parallelism.pipeline"]) == 1
        return
    assert float(found.simulated_bubble) == pytest.approx(float(found.bubble), rel=0.01, abs=1e-9)
    assert float(found.simulated) >= float(found.simulated_bubble) * (1 - 1e-9)
    assert found.simulated.entry.kind == "observation"
    assert found.whole == (found.run.schedule.microbatches == float(evaluation.quantities["training.microbatches"]))
    step, wait = float(evaluation.quantities["training.step_time"]), float(found.simulated) - float(found.estimated)
    assert float(found.step) == pytest.approx(step + wait)


def test_stages_have_a_chart_and_their_own_memory(made):
    evaluation, document = made
    staged = float(evaluation.quantities["parallelism.pipeline"]) > 1
    assert (figure(document, "pipeline") is not None) == staged
    assert ("first stage" in words(figure(document, "memory").alt)) == staged
    if staged:
        assert "stage 0" in figure(document, "pipeline").svg
        q = evaluation.quantities
        assert max(q["memory.first.total"], q["memory.last.total"]) == q["memory.peak"]


def test_the_front_is_drawn_where_it_is_one(made):
    evaluation, document = made
    front = evaluation.curves["pareto"]
    fits = len(front.memory) - front.over
    order = front.memory[:fits].argsort()
    assert (front.step[:fits][order][1:] <= front.step[:fits][order][:-1]).all()
    capacity = float(evaluation.quantities["memory.capacity"])
    assert (front.memory[:fits] <= capacity).all() and (front.memory[fits:] > capacity).all()
    drawn = drawn_plans(front, capacity)
    assert (figure(document, "pareto") is not None) == (len(drawn) >= 3)
    if figure(document, "pareto") is not None:
        svg = figure(document, "pareto").svg
        assert "capacity" in svg and any(front.labels[i] in svg for i in drawn)


def test_the_section_says_where_the_interval_comes_from(made):
    evaluation, document = made
    error = evaluation.quantities["training.model_error"]
    low, high = evaluation.uncertainty.interval(error.entry)
    assert low < 1 < high and error.entry.fact.kind == "measured"
    assert "Of published runs, eight in ten measured step times lay between" in said(document)
    assert error.entry in evaluation.quantities["training.step_time"].entry.leaves()


def test_the_decision_names_the_forms_of_the_plan(made):
    evaluation, document = made
    block = next(b for b in section_of(document).blocks if isinstance(b, DecisionBlock))
    told, labels, q = words(block.decision), evaluation.labels, evaluation.quantities
    if float(q["parallelism.pipeline"]) > 1 and labels["schedule"] != "1f1b":
        assert "schedule" in told
    if labels["offload"] != "none":
        assert "in the host's memory" in told
    if float(q["parallelism.context"]) > 1:
        assert ("Ulysses" in told) == (labels["context_kind"] == "ulysses")
    assert (f"ZeRO-{labels['zero_stage']}" in told) == (labels["zero_stage"] != "0")


def test_the_runner_up_is_named_with_its_reason(made):
    evaluation, document = made
    decided = evaluation.decisions["parallelism"]
    losers = [a for a in decided.alternatives if not a.chosen and (a.lost_by is None or a.lost_by.entry.unit != "byte")]
    block = next(b for b in section_of(document).blocks if isinstance(b, DecisionBlock))
    assert ("The next best" in words(block.sensitivity)) == bool(losers)
    if losers:
        assert losers[0].why_lost.split(";")[0] in words(block.sensitivity)


def test_a_step_too_long_to_run_is_cut(monkeypatch):
    from navarch.design.chapters import rehearsal

    monkeypatch.setattr(rehearsal, "MOST_TASKS", 20_000)
    found = evaluate(Design.of({"name": "Long", **FORMS["a very long step"]}), load())
    with found.ledger:
        told = rehearse(found)
    assert not told.whole
    assert float(told.microbatches) < float(found.quantities["training.microbatches"])
    assert float(told.microbatches) % 16 == 0
    assert float(told.simulated_bubble) == pytest.approx(float(told.bubble), rel=1e-6)
    assert not found.ledger.orphans()
