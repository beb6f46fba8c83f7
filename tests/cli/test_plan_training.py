"""`navarch plan training`: what it prints, its JSON, its figure, and that a user's mistake is one message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from navarch.cli.app import app

SMALL = ("--model", "llama3.1-8b", "--accelerators", "32", "--global-batch", "64", "--sequence", "8192")
COMMON = (*SMALL, "--forms", "common")


def training(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["plan", "training", *(str(a) for a in arguments)], prog_name="navarch")


def told(*arguments: object) -> str:
    done = training(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def data_of(*arguments: object) -> Any:
    return json.loads(told(*arguments, "--json"))


def test_the_table_says_plan_time_memory_and_reasons() -> None:
    printed = told(*SMALL)
    for part in ("Llama 3.1 8B on 32 x NVIDIA H100", "NVIDIA DGX H100, bf16, megatron-core", "a step (80 %: ", "MFU ",
                 "left free", "Where the step goes", "Matrix products and attention", "Hidden beside computation",
                 "Memory of an accelerator", "Optimiser states", "What lost", "runner-up, ", " slower: ",
                 "Pareto front (", "--front has all", "legal plans considered", "searched in"):  # fmt: skip
        assert part in printed, part


def test_json_has_everything() -> None:
    data = data_of(*SMALL, "--sensitivity", "--ratios")
    chosen = data["chosen"]
    assert chosen["interval"]["low"] < chosen["step_time"] < chosen["interval"]["high"]
    assert sum(chosen["step"].values()) == pytest.approx(chosen["step_time"])
    for stage in chosen["memory"].values():
        assert sum(stage.values()) <= chosen["memory_capacity"]
    assert chosen["memory"]["first"].keys() == chosen["memory"]["last"].keys()
    assert data["runner_up"]["step_time"] >= chosen["step_time"]
    assert data["losers"] and all(loser["why_lost"] for loser in data["losers"])
    assert data["front"]["objectives"] == ["time", "headroom"]
    times = [plan["step_time"] for plan in data["front"]["plans"]]
    assert times == sorted(times) and times[0] == chosen["step_time"]
    fleet = data["fleets"][0]
    assert fleet["considered"] > fleet["feasible"] > len(times)
    assert {change["what"] for change in data["sensitivity"]} == {
        "scaleout", "scaleup", "memory-bandwidth", "memory", "batch",
    }  # fmt: skip
    assert {ratio["form"] for ratio in data["ratios"]} == {"data", "zero-3", "tensor", "pipeline", "context"}
    assert data["seconds"] > 0


def test_sensitivity_and_ratios_are_tables() -> None:
    printed = told(*COMMON, "--sensitivity", "--ratios")
    for part in ("The fastest plan with ...", "half the network bandwidth", "twice the memory bandwidth",
                 "the same plan", "Each form alone", "ZeRO-3 / FSDP", "Context (ring attention)", "scale-up",
                 "network"):  # fmt: skip
        assert part in printed, part


def test_what_is_fixed_is_kept() -> None:
    plan = data_of(
        *SMALL, "--tensor", 4, "--pipeline", 2, "--zero-stage", 1, "--schedule", "zero-bubble", "--recomputation",
        "full", "--offload", "none", "--no-sequence-parallel", "--microbatch", 2,
    )["chosen"]["plan"]  # fmt: skip
    assert (plan["tensor"], plan["pipeline"], plan["zero_stage"], plan["microbatch"]) == (4, 2, 1, 2)
    assert (plan["schedule"], plan["recomputation"], plan["offload"]) == ("zero-bubble", "full", "none")
    assert plan["sequence_parallel"] is False


def test_several_fleets_and_what_they_cost() -> None:
    rates = ("--price", "2 USD/h", "--intensity", "400 g CO2e/kWh", "--objective", "cost")
    more = ("--model", "llama3.1-8b", "--global-batch", 64, "--sequence", 8192, "--forms", "common")
    data = data_of(*more, "--accelerators", "64,16,32,35", *rates)
    assert [fleet["accelerators"] for fleet in data["fleets"]] == [16, 32, 35, 64]
    assert "no data-parallel degree divides it" in data["fleets"][2]["infeasible"]
    chosen = data["chosen"]
    costs = [plan["objectives"]["cost"] for plan in data["front"]["plans"]]
    assert chosen["objectives"]["cost"] == min(costs)
    hours = chosen["step_time"] / 3600 * chosen["accelerators"]
    assert chosen["objectives"]["cost"] == pytest.approx(2 * hours)
    assert chosen["objectives"]["carbon"] > 0
    printed = told(*more, "--accelerators", "16,35,64", *rates)
    assert "none: global batch 64, no data-parallel degree divides it" in printed
    assert "cost of a step" in printed and "carbon of a step" in printed


def test_prices_and_regions_of_the_catalog() -> None:
    rates = ("--price", "aws-p5-h100-od-2026", "--intensity", "gcp-europe-north1")
    data = data_of(*COMMON, *rates, "--objective", "carbon")
    assert data["chosen"]["objectives"]["cost"] > 0
    assert data["chosen"]["objectives"]["carbon"] > 0


def test_headroom_and_a_front_of_the_users_objectives() -> None:
    lean = data_of(*COMMON, "--objective", "headroom")
    fast = data_of(*COMMON, "--objective", "mfu", "--objective", "headroom")
    assert lean["chosen"]["objectives"]["headroom"] > fast["chosen"]["objectives"]["headroom"]
    assert lean["chosen"]["step_time"] > fast["chosen"]["step_time"]
    assert fast["front"]["objectives"] == ["mfu", "headroom"]


def test_forms_software_precision_and_network() -> None:
    every, common = data_of(*SMALL), data_of(*COMMON)
    assert every["fleets"][0]["considered"] > 10 * common["fleets"][0]["considered"]
    fp8 = data_of(*COMMON, "--precision", "fp8", "--software", "megatron-bridge")
    assert fp8["chosen"]["step_time"] < common["chosen"]["step_time"]
    old = data_of(*COMMON, "--software", "megatron-lm", "--node", "dgx-a100-640")["chosen"]["plan"]
    assert old["attention_kernel"] == "unfused"
    slow = data_of(*COMMON, "--network", "25 Gb/s")
    assert slow["chosen"]["step_time"] > common["chosen"]["step_time"]


def test_workers_change_nothing() -> None:
    one, two = (data_of(*COMMON, "--workers", workers) for workers in (1, 2))
    for data in (one, two):
        data.pop("seconds")
    assert one == two


def test_a_config_of_hugging_face(tmp_path: Path) -> None:
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16,
        "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 8192, "vocab_size": 128256,
        "max_position_embeddings": 131072, "tie_word_embeddings": True, "hidden_act": "silu", "head_dim": 64,
    }  # fmt: skip
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    data = data_of("--model", file, "--accelerators", 8, "--global-batch", 64, "--sequence", 4096)
    assert data["chosen"]["plan"]["tensor"] in (1, 2, 4, 8)


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_figure_is_written(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"plan.{kind}"
    told(*COMMON, "--plot", file)
    begin = file.read_bytes()[:4]
    assert begin == (b"\x89PNG" if kind == "png" else b"<svg")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tensor", 3), "--tensor: 3: must divide 32 accelerators and the 32 attention heads"),
        (("--zero-stage", 5), "--zero-stage: 5: is not a stage of ZeRO; allowed: 0, 1, 2, 3"),
        (("--recomputation", "some"), "--recomputation: some: is not known; allowed: none, selective, full"),
        (("--schedule", "dualpipe", "--pipeline", 1), "only 1f1b runs without a pipeline"),
        (("--expert", 2), "--expert: 2: the model has no experts"),
        (("--accelerators", "many"), '--accelerators: "many": no number at its beginning'),
        (("--accelerators", "8.5"), '--accelerators: "8.5" is not a whole number'),
        (("--accelerators", "8,,16"), "--accelerators: "),
        (("--accelerators", 37), "--global-batch: 64: no data-parallel degree divides it"),
        (("--model", "llama9"), "did you mean"),
        (("--model", "./nowhere.json"), "nowhere.json"),
        (("--node", "dgx"), "did you mean"),
        (("--precision", "fp5"), '--precision: "fp5" is not known; allowed: bf16, fp16, fp8'),
        (("--precision", "fp4"), "the fp4 of accelerator 'h100-sxm' is not known"),
        (("--software", "magic"), '--software: "magic" is not known; allowed: megatron-core'),
        (("--network", "qm9700"), '--network: "qm9700" is a switch; allowed: a bandwidth, or nvlink2'),
        (("--network", "fast"), '--network: "fast": no number at its beginning'),
        (("--forms", "some"), '--forms: "some" is not known; allowed: common, all'),
        (("--objective", "beauty"), '--objective: "beauty" is not known; allowed: time, cost'),
        (("--objective", "cost"), '--objective: "cost" needs --price'),
        (("--objective", "carbon"), '--objective: "carbon" needs --intensity'),
        (("--price", "cheap"), '--price: "cheap": no number at its beginning'),
        (("--intensity", "3 kg"), "--intensity: "),
        (("--engine", "cloud"), "engine: 'cloud' is not one; allowed: local, ray"),
        (("--address", "host:6379"), "is of a Ray cluster, which the engine 'local' does not use"),
        (("--plot", "plan.gif"), "--plot: "),
        (("--model", "llama3.1-405b", "--forms", "common"), "legal plans fits in"),
    ],
)
def test_a_mistake_is_one_message(arguments: tuple[object, ...], said: str) -> None:
    done = training(*SMALL, *arguments)
    assert done.exit_code == 2, done.output
    assert said in done.stderr.replace("\n", " ")
    assert done.stderr.startswith("navarch: ")
    assert "Traceback" not in done.stderr


def test_a_network_is_a_bandwidth_or_a_link_of_the_catalog() -> None:
    fixed = ("--tensor", 1, "--pipeline", 1, "--zero-stage", 1, "--data", 32)
    link, same, ethernet = (
        data_of(*SMALL, *fixed, "--network", network)["chosen"]["step_time"]
        for network in ("ib-hdr", "200 Gb/s", "roce-200gbe")
    )
    assert link == same < ethernet


def test_what_must_be_given() -> None:
    done = training("--model", "llama3.1-8b")
    assert done.exit_code == 2
    assert "--accelerators" in done.stderr
