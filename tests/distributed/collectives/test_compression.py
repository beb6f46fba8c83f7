"""Gradient compression: bytes as the equations say, and training that reaches the loss of training without it."""

from __future__ import annotations

import numpy as np
import pytest

from navarch.catalog import load
from navarch.distributed.collectives.compression import estimate
from navarch.distributed.collectives.compression.choice import METHODS as COSTED
from navarch.distributed.collectives.compression.choice import compressed, traffic_of
from navarch.distributed.collectives.compression.compressors import METHODS, Fp8
from navarch.distributed.collectives.compression.measure import SETTINGS, measure_compression
from navarch.distributed.collectives.compression.model import STUDENT, generated, gradient, loss, started
from navarch.distributed.collectives.launch import Site
from navarch.distributed.collectives.schedule import CollectiveError

SHAPES = [each.shape for each in started(STUDENT, 0)]


def test_the_gradient_is_that_of_the_loss() -> None:
    data = generated(64, 3, 1)
    parameters = [each.astype(np.float64) for each in started(STUDENT, 5)]
    found = gradient(parameters, data.inputs.astype(np.float64), data.labels)
    first = 0
    for parameter in parameters:
        place = (0,) * parameter.ndim
        sides = []
        for step in (1e-5, -1e-5):
            parameter[place] += step
            sides.append(loss(parameters, data))
            parameter[place] -= step
        assert found[first] == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-3, abs=1e-6)
        first += parameter.size


def test_e4m3_has_the_values_of_the_format() -> None:
    assert Fp8.positive[-1] == 448.0
    assert Fp8.positive[1] == 2.0**-9
    assert Fp8.positive[8] == 2.0**-6
    codes = np.arange(127, dtype=np.uint8)
    kept = Fp8.table[codes]
    np.testing.assert_array_equal(Fp8._coded(Fp8, kept), codes)  # type: ignore[arg-type]
    np.testing.assert_array_equal(Fp8._coded(Fp8, -kept)[1:], codes[1:] | 128)  # type: ignore[arg-type]
    np.testing.assert_array_equal(Fp8.table[codes | 128], -kept)
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    theirs = torch.from_numpy(codes).view(torch.float8_e4m3fn).float().numpy()
    np.testing.assert_array_equal(kept, theirs)
    drawn = np.random.default_rng(0).uniform(-448, 448, 10_000).astype(np.float32)
    rounded = torch.from_numpy(drawn).to(torch.float8_e4m3fn).view(torch.uint8).numpy()
    np.testing.assert_array_equal(Fp8._coded(Fp8, drawn), rounded)  # type: ignore[arg-type]


def test_every_method_sends_what_its_equation_says() -> None:
    ranks, steps = 2, 6
    found = measure_compression(Site(ranks), steps=steps, batch=8)
    assert [run.method for run in found.runs] == list(METHODS)
    for run in found.runs:
        expected = float(traffic_of(run.method, SHAPES, ranks, run.setting))
        assert run.sent / steps == pytest.approx(expected, rel=1e-4), run.method
        assert np.isfinite(run.loss)
        assert run.time >= run.transfer > 0
    assert found.of("none").fewer == 1
    assert found.to_frame()["method"].n_unique() == len(METHODS)
    with pytest.raises(CollectiveError, match="method: 'gzip' was not run"):
        found.of("gzip")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_top_k_and_powersgd_reach_the_loss_with_ten_times_fewer_bytes(seed: int) -> None:
    found = measure_compression(Site(4), ["top-k", "powersgd"], steps=300, seed=seed)
    start = found.of("none").curve[0][3]
    assert found.of("none").loss < 0.6 * start
    for method in ("top-k", "powersgd"):
        assert found.of(method).fewer >= 10
        assert abs(found.of(method).worse) <= 0.02


@pytest.mark.slow
def test_without_feedback_signs_and_few_random_places_are_behind() -> None:
    found = measure_compression(Site(2), ["random-k", "sign", "int8"], steps=150)
    assert found.of("int8").worse == pytest.approx(0, abs=0.01)
    assert found.of("random-k").worse > found.of("int8").worse


def test_on_a_fast_network_fewer_bytes_are_slower() -> None:
    catalog = load()
    shapes = [(4096, 4096)] * 8
    memory = 2e12

    def time(method: str, bandwidth: float) -> float:
        return float(compressed(catalog, method, shapes, 8, bandwidth, memory, SETTINGS.get(method, 0.0)).time)

    slow, fast = 1e9, 400e9
    for method in ("top-k", "powersgd"):
        assert time(method, slow) < time("none", slow)
        even = float(compressed(catalog, method, shapes, 8, slow, memory, SETTINGS[method]).break_even)
        assert time(method, even) == pytest.approx(time("none", even))
        assert slow < even
    assert time("top-k", fast) > time("none", fast)


@pytest.mark.parametrize("method", [m for m in COSTED if m != "none"])
def test_penalties_and_passes_are_in_the_catalog(method: str) -> None:
    found = compressed(load(), method, SHAPES, 4, 1e9, 1e11, SETTINGS.get(method, 0.0))
    assert 0 <= found.penalty < 0.05
    assert found.coding > 0
    assert 0 < found.traffic < traffic_of("none", SHAPES, 4)
    assert estimate.accuracy_with_compression(0.943, found.penalty) <= 0.943


def test_an_exchange_that_all_must_see_grows_with_the_ranks() -> None:
    assert estimate.gathered_traffic(1e6, 64) == 63e6
    assert float(estimate.low_rank_message(4096, 1024, 4, 4)) == (4096 + 1024) * 4 * 4
    assert float(estimate.low_rank_message(10, 1024, 64, 4)) == (10 + 1024) * 10 * 4
    assert float(estimate.quantised_message(1024, 8, 256, 4)) == 1024 + 16


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"methods": ["zip"]}, "method: 'zip' is not one; there are: none, top-k"),
        ({"steps": 0}, "steps: 0 is not allowed"),
        ({"settings": {"top-k": 0.0}}, "top-k: 0 is not allowed; a share above 0"),
        ({"settings": {"powersgd": 0.5}}, "powersgd: 0.5 is not allowed; a rank of at least 1"),
    ],
)
def test_what_cannot_be_trained_is_said(more: dict[str, object], message: str) -> None:
    with pytest.raises(CollectiveError, match=message):
        measure_compression(Site(2), **more)  # type: ignore[arg-type]
