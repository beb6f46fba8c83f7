"""The commands: what they print, the exit codes, and that a user's mistake is one message."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from navarch.cli.app import app

ROOT = Path(__file__).parents[2]


def navarch(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], prog_name="navarch")


def data_of(*arguments: object, code: int = 0) -> Any:
    done = navarch(*arguments, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_help_names_every_command_and_the_exit_codes() -> None:
    done = navarch("--help")
    assert done.exit_code == 0
    for command in ("design", "check", "explain", "init", "diff", "schema", "catalog", "validate"):
        assert command in done.stdout
    assert "Exit codes" in done.stdout


def test_help_loads_nothing_heavy() -> None:
    heavy = ("numpy", "pydantic", "pint", "polars", "scipy", "yaml", "altair")
    code = f"""
import sys
from navarch.cli.app import app
try:
    app(["--help"], prog_name="navarch")
finally:
    print([m for m in {heavy!r} if m in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "src", check=False)
    assert done.stderr.strip() == "[]"


def test_version() -> None:
    from navarch import __version__

    assert navarch("--version").stdout == f"navarch {__version__}\n"


@pytest.mark.usefixtures("evaluated")
def test_check_says_met_and_exits_with_0(design_file: Path) -> None:
    done = navarch("check", design_file)
    assert done.exit_code == 0, done.output
    for told in ("A [red]small[/red] <b>design</b>", "Met: all 2 constraints", "Deadline", "24 h", "16.7 min", "+99 %",
                 "binding", "80 % interval", "peak rate 9", "1,000 nodes", "12 considered; next 2,000 nodes: total",
                 "One thing to know."):  # fmt: skip
        assert told in done.stdout


@pytest.mark.usefixtures("evaluated")
def test_check_says_missed_and_exits_with_1(late_file: Path) -> None:
    done = navarch("check", late_file)
    assert done.exit_code == 1
    assert "Missed: 1 of 2 constraints. Deadline (−1,057 %)." in done.stdout


@pytest.mark.usefixtures("evaluated")
def test_check_as_json(design_file: Path, late_file: Path) -> None:
    data = data_of("check", design_file)
    assert data["met"] is True
    assert data["design"] == "A [red]small[/red] <b>design</b>"
    duration = data["quantities"]["training.duration"]
    assert duration["value"] == pytest.approx(1000)
    assert duration["unit"] == "s"
    assert 900 < duration["low"] < 1000 < duration["high"] < 1150
    assert [c["met"] for c in data["constraints"]] == [True, True]
    assert data["decisions"][0]["alternatives"][1]["lost_by"]["unit"] == "fraction"
    assert data_of("check", late_file, code=1)["met"] is False


@pytest.mark.usefixtures("evaluated")
def test_explain_prints_the_derivation(design_file: Path) -> None:
    done = navarch("explain", design_file, "training.duration")
    assert done.exit_code == 0
    assert "design file: workload.compute" in done.stdout
    assert "accelerator.test.bf16" in done.stdout
    data = data_of("explain", design_file, "training.duration")
    by_number = {entry["number"]: entry for entry in data["entries"]}
    root = data["entries"][0]
    assert root["names"] == ["training.duration"]
    assert {by_number[i["entry"]]["kind"] for i in root["inputs"]} == {"field", "calculation"}


@pytest.mark.usefixtures("evaluated")
def test_explain_lists_the_quantities(design_file: Path) -> None:
    done = navarch("explain", design_file, "--list")
    assert "training.duration" in done.stdout
    assert "16.7 min" in done.stdout
    assert set(data_of("explain", design_file, "--list")) == {"training.duration", "training.rate"}


@pytest.mark.usefixtures("evaluated")
def test_explain_refuses_an_unknown_quantity(design_file: Path) -> None:
    for arguments in (
        (design_file, "training.durations"),
        (design_file,),
        (design_file, "training.duration", "--list"),
    ):
        done = navarch("explain", *arguments)
        assert done.exit_code == 2
        assert len(done.stderr.splitlines()) == 1
    assert "did you mean training.duration" in navarch("explain", design_file, "training.durations").stderr


@pytest.mark.usefixtures("evaluated")
def test_diff_shows_fields_and_quantities(design_file: Path, late_file: Path) -> None:
    done = navarch("diff", design_file, late_file)
    assert done.exit_code == 0
    assert "workload.compute" in done.stdout
    assert "+99,900 %" in done.stdout
    assert "training.rate" not in done.stdout
    data = data_of("diff", design_file, late_file)
    assert data["fields"] == [{"field": "workload.compute", "a": "1e21 FLOP", "b": "1e24 FLOP"}]
    assert data["quantities"][0]["relative"] == pytest.approx(999)
    assert "come out the same" in navarch("diff", design_file, design_file).stdout


@pytest.mark.usefixtures("evaluated")
def test_design_writes_what_is_asked(
    design_file: Path, late_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, str, tuple[str, ...]]] = []

    def write(evaluation: Any, directory: Path, stem: str, formats: tuple[str, ...]) -> list[Path]:
        asked.append((directory, stem, formats))
        return [directory / f"{stem}.{name}" for name in formats]

    monkeypatch.setattr("navarch.design.document.write_documents", write)
    done = navarch("design", design_file)
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "good.html") in done.stdout
    assert (
        navarch("design", late_file, "--format", "Markdown, pdf", "--out", tmp_path / "new" / "folder").exit_code == 1
    )
    assert asked == [(tmp_path, "good", ("html", "pdf", "md")), (tmp_path / "new" / "folder", "late", ("pdf", "md"))]
    assert data_of("design", design_file)["documents"][0] == str(tmp_path / "good.html")
    done = navarch("design", design_file, "--format", "docx")
    assert done.exit_code == 2
    assert done.stderr == 'navarch: --format: "docx" is not one of html, pdf, markdown\n'


def test_init_writes_a_starter_and_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    assert navarch("init", file).exit_code == 0
    before = file.read_text()
    done = navarch("init", file)
    assert done.exit_code == 2
    assert "exists already" in done.stderr
    assert file.read_text() == before
    assert data_of("init", tmp_path / "b.yaml")["written"] == str(tmp_path / "b.yaml")


def test_schema_is_printed_or_written(tmp_path: Path) -> None:
    schema = json.loads(navarch("schema").stdout)
    assert schema["required"] == ["name", "workload"]
    out = tmp_path / "schema.json"
    assert navarch("schema", "--out", out).exit_code == 0
    assert json.loads(out.read_text()) == schema


def test_catalog_lists_shows_and_searches() -> None:
    assert data_of("catalog", "list")["model"] > 90
    assert "dgx-h100" in navarch("catalog", "list", "node").stdout
    shown = navarch("catalog", "show", "h100-sxm").stdout
    assert "memory_bandwidth" in shown
    assert "3.35 TB/s" in shown
    assert data_of("catalog", "show", "accelerator", "h100-sxm")["facts"]["memory"]["unit"] == "byte"
    assert any(found["id"] == "h200-sxm" for found in data_of("catalog", "search", "nvidia", "h200"))
    assert "Nothing" in navarch("catalog", "search", "unobtainium").stdout


@pytest.mark.parametrize(
    "arguments", [("list", "modle"), ("show", "h100-sxn"), ("show", "node", "dgx"), ("show", "a", "b", "c")]
)
def test_catalog_refuses_unknown_names(arguments: tuple[str, ...]) -> None:
    done = navarch("catalog", *arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("navarch: ")
    assert len(done.stderr.splitlines()) == 1


def test_catalog_imports_a_config_that_can_then_be_used(tmp_path: Path) -> None:
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 128,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 1000,
        "max_position_embeddings": 512, "tie_word_embeddings": False, "hidden_act": "silu", "rms_norm_eps": 1e-5,
        "attention_bias": False, "mlp_bias": False,
    }  # fmt: skip
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    printed = yaml.safe_load(navarch("catalog", "import", folder / "config.json").stdout)
    assert printed["entries"][0]["id"] == "tiny"
    out = tmp_path / "tiny.yaml"
    assert navarch("catalog", "import", folder, "--out", out).exit_code == 0
    assert "tiny" in navarch("catalog", "show", "model", "tiny", "--catalog", out).stdout
    assert data_of("catalog", "import", folder)["parameters"] > 128_000
    assert navarch("catalog", "import", folder, "--out", out).exit_code == 2
    assert navarch("catalog", "import", tmp_path / "none.json").exit_code == 2


def test_usage_errors_exit_with_2() -> None:
    for arguments in (("bogus",), ("check",), ("check", "a", "b"), ("check", "--bogus", "a")):
        assert navarch(*arguments).exit_code == 2


@pytest.mark.usefixtures("evaluated")
def test_a_programming_error_is_not_hidden(design_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("navarch.design.evaluation.evaluate", broken, raising=False)
    assert isinstance(navarch("check", design_file).exception, ValueError)


@pytest.mark.parametrize("arguments", [("schema",), ("catalog", "list", "model"), ("validate", "models")])
def test_a_closed_pipe_is_quiet(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "navarch.cli", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT / "src") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_an_interrupt_exits_with_130(tmp_path: Path) -> None:
    waits = tmp_path / "waits.yaml"
    os.mkfifo(waits)
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import navarch.cli as c; c.main()"
    command = [sys.executable, "-c", code, "check", str(waits)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT / "src") as process:
        try:
            writer = _opened_for_writing(waits)
            time.sleep(0.5)  # now it waits in its read
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=20)
            os.close(writer)
        finally:
            process.kill()
    assert process.returncode == 130
    assert b"Traceback" not in told


def _opened_for_writing(pipe: Path) -> int:
    """Open a named pipe once its reader waits at it."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
