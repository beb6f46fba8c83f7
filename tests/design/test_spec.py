"""The design file as types: amounts, sections, contradictions, and what is known about each field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.design import Amount, Design, DesignError, design_schema, notes, read_design, starter_text, write_starter
from navarch.design.reader import read_mapping
from navarch.design.spec import note

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
LEAST: dict[str, Any] = {"name": "A design", "workload": {"model": "llama3.1-8b"}}


def design(**sections: Any) -> Design:
    workload = {**LEAST["workload"], **sections.pop("workload", {})}
    return Design.of({**LEAST, "workload": workload, **sections})


def problem(**sections: Any) -> tuple[str, str]:
    with pytest.raises(DesignError) as caught:
        design(**sections)
    assert len(caught.value.problems) == 1
    return caught.value.field, caught.value.message


def test_only_name_and_model_are_needed() -> None:
    least = design()
    assert [path for path, _ in least.leaves()] == ["name", "seed", "workload.model"]
    assert least.seed == 1
    assert least.trains
    assert not least.serves
    with pytest.raises(DesignError, match=r"2 problems[\s\S]*name: is missing[\s\S]*workload: is missing"):
        Design.of({})


@pytest.mark.parametrize(
    ("section", "field", "written", "value", "unit"),
    [
        ("workload", "tokens", "15.6T tokens", 15.6e12, "token"),
        ("workload", "tokens", 15.6e12, 15.6e12, "token"),
        ("workload", "deadline", "90 days", 90 * 86400, "s"),
        ("workload", "global_batch", 2048, 2048, "1"),
        ("workload", "compute", "3.8e25 FLOP", 3.8e25, "FLOP"),
        ("site", "power_limit", "30 MW", 30e6, "W"),
        ("site", "electricity_price", "0.108 USD/kWh", 0.03e-6, "USD/J"),
        ("site", "pue", 1.2, 1.2, "1"),
        ("storage", "bytes_per_token", "4 byte/token", 4, "byte/token"),
        ("storage", "starvation_limit", "1 %", 0.01, "fraction"),
        ("fault_tolerance", "failure_rate", "3.6e-2 /h", 1e-5, "1/s"),
        ("serving", "requests", "86400 requests/day", 1, "request/s"),
        ("serving", "availability", 0.9995, 0.9995, "fraction"),
        ("edge", "ambient", "-10 degC", -10, "degC"),
        ("cost", "budget", "1.2 billion USD", 1.2e9, "USD"),
        ("carbon", "budget", "12 kt CO2e", 12e6, "kgCO2e"),
    ],
)
def test_an_amount_is_read_in_si(section: str, field: str, written: Any, value: float, unit: str) -> None:
    amount = design(**{section: {field: written}}).field(f"{section}.{field}")
    assert isinstance(amount, Amount)
    assert float(amount) == pytest.approx(value, rel=1e-12)
    assert amount.unit == unit
    assert (amount.low, amount.high) == (None, None)
    assert amount.text == str(written)


@pytest.mark.parametrize("low", [0.05, "0.05", "0.05 USD/kWh", "50 USD/MWh"])
def test_low_and_high_carry_or_inherit_the_unit(low: Any) -> None:
    price = design(site={"electricity_price": {"value": "0.08 USD/kWh", "low": low, "high": 0.14}}).field(
        "site.electricity_price"
    )
    assert price.low == pytest.approx(0.05 / 3.6e6)
    assert price.value == pytest.approx(0.08 / 3.6e6)
    assert price.high == pytest.approx(0.14 / 3.6e6)
    written = "50 USD/MWh" if low == "50 USD/MWh" else "0.05 USD/kWh"
    assert str(price) == f"0.08 USD/kWh ({written} to 0.14 USD/kWh)"


def test_an_amount_writes_itself_so_that_it_can_be_read_again() -> None:
    before = design(site={"electricity_price": {"value": "0.08 USD/kWh", "low": 0.05, "high": 0.14}, "pue": 1.2})
    again = Design.of(before.model_dump(exclude_none=True))
    assert list(again.leaves()) == list(before.leaves())


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_low_value_high_are_in_order_or_refused(low: float, value: float, high: float) -> None:
    written = {"value": value, "low": low, "high": high}
    if low <= value <= high:
        share = design(cost={"residual": written}).field("cost.residual")
        assert (share.low, share.value, share.high) == (low, value, high)
    else:
        field, message = problem(cost={"residual": written})
        assert field == "cost.residual"
        assert "low <= value <= high" in message


@pytest.mark.parametrize(
    ("sections", "field", "said"),
    [
        ({"workload": {"deadline": 90}}, "workload.deadline", "90 has no unit; write a duration"),
        ({"workload": {"deadline": "90 parsecs"}}, "workload.deadline", "parsecs"),
        ({"workload": {"deadline": "0 s"}}, "workload.deadline", "too small"),
        ({"workload": {"global_batch": -1}}, "workload.global_batch", "-1 is too small; write a whole number"),
        ({"workload": {"global_batch": 1.5}}, "workload.global_batch", "1.5 is not a whole number"),
        ({"workload": {"global_batch": True}}, "workload.global_batch", "true is a truth value"),
        ({"workload": {"global_batch": float("nan")}}, "workload.global_batch", "not a finite number"),
        ({"workload": {"global_batch": 10**400}}, "workload.global_batch", "not a finite number"),
        ({"workload": {"tokens": "fifteen"}}, "workload.tokens", "or chinchilla"),
        ({"workload": {"precision": "bf61"}}, "workload.precision", "did you mean bf16?"),
        ({"site": {"pue": 0.9}}, "site.pue", "at least 1"),
        ({"site": {"region": 3}}, "site.region", "3 is a number; write text"),
        ({"site": 3}, "site", "write a section"),
        ({"site": {"wue": {"value": "1 L/kWh"}}}, "site.wue", "lacks low and high"),
        ({"site": {"wue": {"value": "1 L/kWh", "lo": 1}}}, "site.wue", 'unknown key "lo"'),
        ({"cluster": {"acelerators": 5}}, "cluster.acelerators", "did you mean accelerators?"),
        ({"fault_tolerance": {"checkpoint_mode": "async"}}, "fault_tolerance.checkpoint_mode", "mean asynchronous?"),
        ({"serving": {"users_regions": {"a": 2}}}, "serving.users_regions.a", "too large"),
        ({"serving": {"users_regions": {}}}, "serving.users_regions", "is empty"),
        ({"parallelism": {"zero_stage": 4}}, "parallelism.zero_stage", "at most 3"),
        ({"parallelism": {"sequence_parallel": 1}}, "parallelism.sequence_parallel", "write true or false"),
        ({"seed": -1}, "seed", "-1 is not a whole number from 0"),
        ({"name": "a\nb"}, "name", "line break or a control character"),
        ({"summary": "\x1b[31m"}, "summary", r"\x1b[31m"),
    ],
)
def test_a_mistake_names_field_value_and_what_is_allowed(sections: dict[str, Any], field: str, said: str) -> None:
    found, message = problem(**sections)
    assert found == field
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("sections", "field", "said"),
    [
        (
            {"workload": {"tokens": 1e9, "compute": "3e25 FLOP"}},
            "workload.compute",
            "beside workload.tokens = 1000000000.0",
        ),
        ({"cluster": {"nodes": 4, "accelerators": 32}}, "cluster.accelerators", "give one of them"),
        ({"fault_tolerance": {"failure_rate": "1 /day", "failures": "x"}}, "fault_tolerance.failures", "give one"),
        ({"privacy": {"epsilon": 8, "noise_multiplier": 1}}, "privacy.noise_multiplier", "give one"),
        ({"privacy": {"method": "none", "delta": 1e-9}}, "privacy.delta", "privacy.method is none"),
        ({"parallelism": {"pipeline": 1, "virtual_stages": 2}}, "parallelism.virtual_stages", "needs a pipeline"),
        ({"parallelism": {"tensor": 1, "sequence_parallel": True}}, "parallelism.sequence_parallel", "tensor is 1"),
        (
            {"workload": {"global_batch": 10}, "parallelism": {"data": 4, "microbatch": 2}},
            "workload.global_batch",
            "10 is not a multiple of 8",
        ),
        (
            {"workload": {"sequence_length": 10}, "parallelism": {"context": 4}},
            "parallelism.context",
            "does not divide",
        ),
        (
            {"cluster": {"accelerators": 24}, "parallelism": {"tensor": 8, "pipeline": 2, "data": 2}},
            "cluster.accelerators",
            "parallelism.tensor 8 x parallelism.pipeline 2 x parallelism.data 2 = 32",
        ),
        ({"cluster": {"accelerators": 20}, "parallelism": {"tensor": 8}}, "cluster.accelerators", "not a multiple"),
        (
            {"serving": {"users_regions": {"a": 0.5, "b": 0.4}}},
            "serving.users_regions",
            "sum to 0.9; they must sum to 1",
        ),
        ({"edge": {"share": 0.1}}, "edge.share", "needs a serving section"),
        ({"cost": {"ownership": "own", "accelerator_rent": "2 USD/h"}}, "cost.accelerator_rent", "ownership is own"),
        ({"cost": {"ownership": "cloud", "residual": 0.1}}, "cost.residual", "ownership is cloud"),
    ],
)
def test_contradictions_are_told(sections: dict[str, Any], field: str, said: str) -> None:
    found, message = problem(**sections)
    assert found == field
    assert said in message


def test_every_mistake_of_a_file_is_told_in_one_error() -> None:
    with pytest.raises(DesignError) as caught:
        design(workload={"deadline": 90, "precision": "x"}, sit={}, cluster={"nodes": 0})
    assert [p.field for p in caught.value.problems] == [
        "workload.deadline",
        "workload.precision",
        "cluster.nodes",
        "sit",
    ]
    lines = str(caught.value).splitlines()
    assert lines[0] == "4 problems in the design"
    assert len(lines) == 5


def test_many_mistakes_are_counted() -> None:
    with pytest.raises(DesignError) as caught:
        Design.of({**LEAST, **{f"key{i}": 1 for i in range(50)}})
    assert str(caught.value).splitlines()[-1] == "  and 30 more"


def test_fields_are_found_by_their_path() -> None:
    found = design(serving={"users_regions": {"grid-us": 1}}, site={"region": "no"})
    assert found.field("serving.users_regions.grid-us").value == 1
    assert found.field("serving.users_regions.nowhere") is None
    assert found.field("site.region") == "no"
    assert found.field("cluster.nodes") is None
    assert found.given("site")
    assert not found.given("cluster")
    assert found.title("serving.users_regions.grid-us") == "Users' regions: grid-us"
    assert found.title("workload.deadline") == "Deadline"
    with pytest.raises(KeyError):
        found.field("workload.colour")
    with pytest.raises(KeyError):
        note("nothing")


def test_training_and_serving_follow_from_the_sections() -> None:
    assert not design(serving={}).trains
    assert design(serving={}).serves
    assert design(serving={}, workload={"tokens": "chinchilla"}).trains
    assert design(serving={}, parallelism={"tensor": 8}).trains


def test_a_model_may_be_a_path_beside_the_design_file(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("name: A\nworkload: {model: ./models/config.json}\n")
    assert read_design(file).model_config_path() == tmp_path / "models" / "config.json"
    assert design().model_config_path() is None


def test_a_design_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        design().name = "Another"


def test_every_field_has_a_title_a_meaning_and_a_readable_example() -> None:
    seen = list(notes())
    assert len({n.path for n in seen}) == len(seen) > 100
    for field in seen:
        assert field.title
        assert field.description.endswith((".", "constraint."))
        assert field.allowed
    starter_free = [n for n in seen if n.unit and n.example and n.path.count(".") == 1 and "{" not in n.example]
    for field in starter_free:
        section, name = field.path.split(".")
        content, _ = read_mapping(f"{name}: {field.example}")
        if field.path in ("edge.share",):
            continue
        assert design(**{section: content}).field(field.path) is not None, field.path


def test_the_schema_takes_the_examples_and_refuses_what_the_types_refuse() -> None:
    schema = design_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for example in EXAMPLES:
        content, _ = read_mapping(example.read_text())
        assert not list(validator.iter_errors(content)), example.name
    price = {"value": "0.08 USD/kWh", "low": 0.05, "high": "0.14 USD/kWh"}
    assert validator.is_valid({**LEAST, "site": {"electricity_price": price}})
    refused: list[dict[str, Any]] = [
        {},
        {**LEAST, "sit": {}},
        {**LEAST, "site": {"electricity_price": 0.08}},
        {**LEAST, "site": {"electricity_price": {"value": "0.08 USD/kWh"}}},
        {**LEAST, "cluster": {"nodes": 1.5}},
        {**LEAST, "cluster": {"topology": "ring"}},
        {**LEAST, "site": {"pue": 0.5}},
    ]
    assert not any(validator.is_valid(content) for content in refused)


def test_the_starter_file_is_a_design_and_so_it_is_with_every_comment_mark_taken_away(tmp_path: Path) -> None:
    written = write_starter(tmp_path / "new.yaml")
    assert read_design(written).workload.model == "llama3.1-8b"
    assert not list(tmp_path.glob(".*"))
    for field in notes():
        assert f"{field.path.rpartition('.')[2]}:" in starter_text()
    with pytest.raises(DesignError, match="exists already"):
        write_starter(written)
    with pytest.raises(DesignError, match="does not exist"):
        write_starter(tmp_path / "no" / "new.yaml")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_designs(example: Path) -> None:
    found = read_design(example)
    assert found.summary
    assert found.source_path == example
    assert len(found.text_sha256) == 64


def test_there_are_the_four_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {"frontier", "gpt3-175b", "lab-cluster", "llama3-405b"}
