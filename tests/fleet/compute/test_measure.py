"""This machine really measured, and the timing of a CUDA device with the device's clock played by the host's."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from navarch.fleet.compute.backends import Block, Cuda, Numpy
from navarch.fleet.compute.comparison import compared
from navarch.fleet.compute.measure import measure_compute, read_shape
from navarch.fleet.compute.measurement import ComputeMeasured, MeasureError, Spread, read_measured, write_measured

ROOT = Path(__file__).parents[3]
SHAPES = ((256, 256, 256), (128, 256, 64))


@pytest.fixture(scope="module")
def measured() -> ComputeMeasured:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    return measure_compute("cpu", shapes=SHAPES, limit=4.0)


def test_everything_asked_is_measured_or_said_to_be_left_out(measured: ComputeMeasured) -> None:
    found = {(p.precision, p.rows, p.columns, p.depth) for p in measured.products}
    wanted = {(precision, *shape) for precision in ("fp32", "bf16") for shape in SHAPES}
    assert len(found) + sum("x" in each.split(":")[0] for each in measured.left_out) >= len(wanted)
    assert found <= wanted
    for product in measured.products:
        assert product.work == 2 * product.rows * product.columns * product.depth
        assert product.rate == pytest.approx(product.work / product.time.median)
        assert product.time.low <= product.time.median <= product.time.high
        assert product.time.runs >= 3


def test_a_training_step_counts_dense_and_attention_operations(measured: ComputeMeasured) -> None:
    for step in measured.training:
        tokens = step.batch * step.sequence
        assert step.parameters == 12 * step.width**2
        dense, attention = 6 * step.parameters * tokens, 12 * step.width * (step.sequence + 1) / 2 * tokens
        assert step.work == pytest.approx(dense + attention)
    assert measured.best_training.rate == max(step.rate for step in measured.training)


def test_a_measurement_survives_its_file(measured: ComputeMeasured, tmp_path: Path) -> None:
    write_measured(measured, tmp_path / "m.json")
    assert read_measured(tmp_path / "m.json") == measured
    assert list(tmp_path.iterdir()) == [tmp_path / "m.json"]
    text = (tmp_path / "m.json").read_text("utf-8")
    assert str(Path.home()) not in text
    assert str(ROOT) not in text


def test_progress_rises_from_nothing_to_all() -> None:
    told: list[float] = []
    measure_compute("cpu", ["fp32"], [(64, 64, 64)], limit=1.5, progress=lambda share, _what: told.append(share))
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"device": "tpu"}, "device: 'tpu'"),
        ({"precisions": ["fp3"]}, "precision: 'fp3'"),
        ({"limit": 0.1}, "limit: 0.1 s"),
    ],
)
def test_a_mistake_is_told_with_what_is_allowed(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(MeasureError, match=message):
        measure_compute(**{"device": "cpu", **asked})


def test_shapes_are_read() -> None:
    assert read_shape("4096") == (4096, 4096, 4096)
    assert read_shape("64x8192X1024") == (64, 8192, 1024)
    for wrong in ("", "0", "4x4", "-1", "1x2x3x4", "axbxc"):
        with pytest.raises(MeasureError, match="shape"):
            read_shape(wrong)


def test_a_file_that_is_no_measurement_is_refused(tmp_path: Path) -> None:
    for text in ("", "[]", '{"kind": "other"}', '{"kind": "navarch compute measurement"}'):
        (tmp_path / "m.json").write_text(text, "utf-8")
        with pytest.raises(MeasureError):
            read_measured(tmp_path / "m.json")


def test_the_command_line_module_writes_its_json(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "navarch.fleet.compute.measure", "--out", str(tmp_path / "m.json")]
    command += ["--device", "cpu", "--precision", "fp32", "--shape", "128", "--limit", "1.5"]
    subprocess.run(command, check=True, cwd=ROOT / "src", capture_output=True)
    assert json.loads((tmp_path / "m.json").read_text("utf-8"))["device"] == "cpu"


def test_the_comparison_is_the_estimate_of_the_kernel(measured: ComputeMeasured, catalog: Any) -> None:
    found = compared(measured, catalog, "h200-sxm")
    assert len(found) == len(measured.products)
    for each in found:
        assert each.ratio == pytest.approx(each.product.time.median / each.estimated)
        assert each.ratio > 1  # a host is slower than that accelerator
    with pytest.raises(MeasureError, match="no-such"):
        compared(measured, catalog, "no-such")


def test_numpy_alone_measures_products_and_the_products_of_a_step() -> None:
    backend = Numpy()
    for calls in (backend.product("fp32", 64, 32, 16), backend.step("fp32", Block(64, 4, 16, 1))):
        assert backend.timed(calls)() > 0


def test_a_spread_is_of_its_observations() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.2, 2.8, 3)


class _Event:
    def __init__(self, enable_timing: bool) -> None:
        assert enable_timing

    def record(self) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, other: _Event) -> float:
        return 1e3 * (other.at - self.at)


class _Context:
    def __init__(self, *_given: Any) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_given: object) -> None:
        pass

    def wait_stream(self, _other: Any) -> None:
        pass


class _Graph:
    replays = 0

    def replay(self) -> None:
        _Graph.replays += 1
        time.sleep(0.01)


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    """A CUDA backend whose device is the host and whose graphs sleep for 10 ms."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    played = SimpleNamespace(
        Event=_Event, Stream=_Context, CUDAGraph=_Graph, graph=_Context, stream=_Context, current_stream=_Context,
        synchronize=lambda: None, mem_get_info=lambda: (2**33, 2**33),
        get_device_properties=lambda _number: SimpleNamespace(L2_cache_size=2**20),
    )  # fmt: skip
    for name, value in vars(played).items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(Cuda, "device", "cpu")
    monkeypatch.setattr("navarch.fleet.compute.backends.WARM_UP", 0.0)
    return Cuda(torch)


def test_operands_on_a_device_fill_the_cache_several_times(device: Cuda) -> None:
    calls = device.product("bf16", 256, 256, 256)
    moved = 2 * 256 * 256 * 2
    assert len(calls) * moved > 4 * 2**20


def test_a_device_is_timed_by_the_replay_of_a_graph(device: Cuda) -> None:
    _Graph.replays = 0
    ran = []
    calls = [lambda: ran.append(1)] * 4
    once = device.timed(calls)
    before, of_a_replay = _Graph.replays, once()
    assert _Graph.replays == before + 1
    assert 0.01 / len(ran) < of_a_replay < 0.1


def test_what_cannot_be_captured_runs_one_after_the_other(device: Cuda, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_graph: Any) -> Any:
        raise RuntimeError("not in a graph")

    monkeypatch.setattr(device.torch.cuda, "graph", refuse)
    calls = [lambda: time.sleep(1e-3)] * 2
    assert 1e-3 <= device.timed(calls)() < 2e-2


@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp8", "int8", "tf32"])
def test_every_precision_of_a_device_runs(device: Cuda, precision: str) -> None:
    for call in device.product(precision, 32, 32, 32)[:2]:
        assert call().shape == (32, 32)


def test_a_training_step_of_a_device_runs(device: Cuda) -> None:
    for call in device.step("bf16", Block(64, 4, 16, 1)):
        call()
