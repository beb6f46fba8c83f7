"""The document of an evaluation: the first page and the chapters on cluster, parallelism, faults and serving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from navarch.catalog import load
from navarch.design.chapters import build_document
from navarch.design.document import DecisionBlock, Document, figures_in, numbers_in
from navarch.design.document.prose import Label, Text
from navarch.design.document.wording import words
from navarch.design.evaluation import Evaluation, evaluate
from navarch.design.reader import read_design
from navarch.design.spec import Design

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
SERVING = {"requests": "20 requests/s", "ttft": "2 s", "time_per_output_token": "80 ms", "node": "dgx-h100"}
SPECS: dict[str, dict[str, Any]] = {
    "serving only": {"workload": {"model": "llama3.1-70b"}, "serving": SERVING},
    "serving promises that cannot be kept": {
        "workload": {"model": "llama3.1-405b"},
        "serving": {**SERVING, "ttft": "1 ms", "time_per_output_token": "1 ms"},
    },
    "a mixture of experts": {
        "workload": {"model": "mixtral-8x7b", "tokens": "1T tokens", "deadline": "60 days"},
        "cluster": {"node": "dgx-h100", "nodes": 64},
    },
    "one node": {
        "workload": {"model": "llama3.1-8b", "tokens": "20B tokens"},
        "cluster": {"node": "dgx-h100", "nodes": 1},
    },
    "a torus without switches": {
        "workload": {"model": "llama3.1-70b", "tokens": "2T tokens"},
        "cluster": {"node": "dgx-h100", "nodes": 128, "topology": "torus"},
    },
    "a dragonfly": {
        "workload": {"model": "llama3.1-70b", "tokens": "2T tokens"},
        "cluster": {"node": "dgx-h100", "nodes": 128, "topology": "dragonfly"},
    },
    "everything missed": {
        "workload": {"model": "llama3.1-70b", "tokens": "15T tokens", "deadline": "5 days"},
        "cluster": {"node": "dgx-h100", "nodes": 64, "oversubscription": 2},
        "site": {"power_limit": "10 kW"},
        "fault_tolerance": {"goodput": "99.9 %", "spares": 0, "checkpoint_interval": "8 h"},
        "serving": {**SERVING, "ttft": "1 ms"},
        "carbon": {"budget": "1 t CO2e"},
        "cost": {"budget": "1000 USD", "ownership": "own"},
    },
    "a fixed plan": {
        "workload": {"model": "llama3.1-70b", "tokens": "1T tokens", "global_batch": 1024},
        "cluster": {"node": "dgx-h100", "nodes": 32},
        "parallelism": {"tensor": 8, "pipeline": 4, "data": 8, "microbatch": 1, "recomputation": "full"},
    },
}


def evaluated(data: dict[str, Any]) -> Evaluation:
    return evaluate(Design.of({"name": "Made <b>up</b> 42", **data}), load())


@pytest.fixture(scope="module", params=[*(p.stem for p in EXAMPLES), *SPECS])
def made(request: pytest.FixtureRequest) -> tuple[Evaluation, Document]:
    known = {p.stem: p for p in EXAMPLES}
    if request.param in known:
        found = evaluate(read_design(known[request.param]), load())
    else:
        found = evaluated(SPECS[request.param])
    return found, build_document(found)


def decisions(document: Document) -> list[DecisionBlock]:
    return [b for s in document.sections for b in s.blocks if isinstance(b, DecisionBlock)]


def texts(content: object) -> list[Text | Label]:
    """Every literal text and label of a piece of content."""
    if isinstance(content, (Text, Label)):
        return [content]
    if isinstance(content, tuple):
        return [t for item in content for t in texts(item)]
    fields = getattr(type(content), "__dataclass_fields__", {})
    names = [n for n in fields if n not in ("entry", "ledger", "draw", "intervals")]
    return [t for name in names for t in texts(getattr(content, name))]


def test_every_number_is_in_the_ledger(made):
    evaluation, document = made
    entries = evaluation.ledger.entries
    numbers = list(numbers_in(document))
    assert len(numbers) > 50
    assert all(entries[n.entry.number - 1] is n.entry for n in numbers)
    assert not evaluation.ledger.orphans()


def test_every_figure_draws(made):
    for figure in figures_in(made[1]):
        assert figure.svg.lstrip().startswith("<svg"), figure.key
        assert words(figure.alt)


def test_text_reads_well(made):
    for part in texts(made[1]):
        assert part.text, "an empty label or text"
        assert part.text not in ("None", "nan", "inf")
        if isinstance(part, Text):
            assert "  " not in part.text and ".." not in part.text and " ." not in part.text


def test_each_decision_says_why_and_when_to_think_again(made):
    for block in decisions(made[1]):
        assert words(block.decision).endswith(".")
        assert words(block.why)
        assert words(block.revisit)


def test_chapters_follow_from_what_the_design_does(made):
    evaluation, document = made
    keys = [s.key for s in document.sections]
    for key in ("cluster", "parallelism", "faults"):
        assert (key in keys) == evaluation.spec.trains
    assert ("serving" in keys) == evaluation.spec.serves
    assert keys[-1] == "certainty" and len(set(keys)) == len(keys)
    assert len(document.cards) == 4


def test_the_verdict_agrees_with_the_constraints(made):
    evaluation, document = made
    said = words(document.verdict.prose)
    missed = [c for c in evaluation.constraints if not c.met]
    assert (document.verdict.status == "missed") == bool(missed)
    for constraint in missed:
        assert constraint.title.lower() in said.lower()
    if not missed and evaluation.constraints:
        assert "Meets" in said and "issed" not in said


def test_building_twice_gives_the_same_document():
    evaluation = evaluated(SPECS["everything missed"])
    first = build_document(evaluation)
    size = len(evaluation.ledger.entries)
    second = build_document(evaluation)
    assert len(evaluation.ledger.entries) == size
    assert [words(s.summary) for s in first.sections] == [words(s.summary) for s in second.sections]
    assert first.intervals == second.intervals


def test_every_headline_has_an_interval_and_what_it_rests_on():
    document = build_document(evaluate(read_design(EXAMPLES[0]), load()))
    section = document.sections[-1]
    rows = next(b for b in section.blocks if hasattr(b, "rows")).rows
    assert len(rows) >= 14
    for row in rows:
        estimate, rests = row.cells
        number = next(numbers_in(estimate))
        assert number.interval and number.entry.number in document.intervals
        assert 1 <= len(list(numbers_in(rests))) <= 3


def test_a_missed_constraint_names_its_lever():
    said = words(build_document(evaluated(SPECS["everything missed"])).verdict.prose)
    assert said.startswith("Meets ") and "Missed: " in said and "Also missed: " in said


def test_a_torus_is_not_given_switches():
    document = build_document(evaluated(SPECS["a torus without switches"]))
    said = words(decisions(document)[0].decision)
    assert "torus" in said and "switch" not in said and "oversubscribed" not in said


def test_a_plan_without_stages_has_no_fullest_stage():
    document = build_document(evaluated(SPECS["one node"]))
    said = " ".join(words(b.why) for b in decisions(document))
    assert "fullest stage" not in said and "Each accelerator needs" in said
