"""Rings that really run, over shaped links where the machine lets them be shaped and over a process where not."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from navarch.course.communication_topologies import measured, ranks, spaces
from navarch.course.frame.recorded import recorded_result
from navarch.distributed.collectives.replay import replay

RATE, MESSAGE = 25e6, 4e6


def test_a_ring_in_another_order_still_adds_everything() -> None:
    order = [3, 0, 2, 1, 5, 4]
    schedule = ranks.ring_in(order)
    elements = 6 * 5
    drawn = [np.random.default_rng(rank).integers(0, 100, elements) for rank in range(6)]
    for found in replay(schedule, drawn, elements, np.add):
        assert np.array_equal(found, np.sum(drawn, axis=0))
    first = schedule.rounds[0]
    assert {(int(a), int(b)) for a, b in zip(first.source, first.destination, strict=True)} == {
        (3, 0), (0, 2), (2, 1), (1, 5), (5, 4), (4, 3),
    }  # fmt: skip


def test_the_recorded_result_can_be_compared() -> None:
    recorded = recorded_result(measured.RECORDED)
    inputs = measured.beside_inputs(recorded.shown, recorded=True)
    shown = measured.rings_beside(**inputs)
    assert set(recorded.shown.inputs) == set(measured.inputs(1))
    for key in ("longer", "worst"):
        assert shown[f"{key}_measured"].value == pytest.approx(shown[f"{key}_estimate"].value, rel=0.35)
        assert shown[f"{key}_simulated"].value == pytest.approx(shown[f"{key}_estimate"].value)


@pytest.mark.slow
@pytest.mark.parametrize("shaped", [True, False])
def test_order_decides_how_long_a_ring_takes(shaped: bool) -> None:
    if shaped and spaces.why_not():
        pytest.skip(str(spaces.why_not()))
    told: list[float] = []
    made = ranks.measure_rings(8, RATE, MESSAGE, 1, 1, lambda share, _: told.append(share), shaped)
    if shaped and not made.shaped:
        pytest.skip(made.why)
    assert all(each.correct for each in made.orders)
    assert told[-1] == 1
    leaf = ranks.leaf_of(8)
    for each in made.orders:
        across = ranks.crossings(each.order, leaf)
        least = 2 * 7 / 8 * made.message * across / RATE
        assert each.times[0] > 0.8 * least
    assert made.orders[-1].times[0] > 1.3 * made.orders[0].times[0]


HOLD = """
import sys, time
from navarch.course.communication_topologies import spaces
with spaces.spaces([0, 1], 25e6) as made:
    print(made.name, flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_no_namespace_is_left_behind_when_the_measurement_is_killed() -> None:
    if spaces.why_not():
        pytest.skip(str(spaces.why_not()))
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        process.kill()
    if not name:
        pytest.skip("this machine does not let namespaces be made")
    end = time.monotonic() + 10
    while name in _there() and time.monotonic() < end:
        time.sleep(0.1)
    assert name not in _there()


def _there() -> str:
    return subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
