"""Collectives really run: right sums for every type, count of ranks and odd size; and a clear end when a rank dies."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from navarch.distributed.collectives import measure
from navarch.distributed.collectives.algorithms import names, schedule_of
from navarch.distributed.collectives.elements import (
    ELEMENT_TYPES,
    element_type,
    from_bfloat16,
    to_bfloat16,
)
from navarch.distributed.collectives.launch import Site, lead
from navarch.distributed.collectives.measure import measure_collectives, usual_sizes
from navarch.distributed.collectives.measurement import fitted
from navarch.distributed.collectives.rendezvous import Guest, JoinError, RanksFailedError, Rendezvous, parse_address
from navarch.distributed.collectives.replay import padded
from navarch.distributed.collectives.schedule import CollectiveError, Cost

TIMEOUT = 60.0
ROUNDING = {"float64": 1e-14, "float32": 1e-5, "float16": 2e-2, "bfloat16": 1e-1}
LARGE = 1_200_007
"""Elements of a message that takes more than one connection to each peer."""


def _shape(algorithm: str, ranks: int) -> list[int]:
    return ([2, ranks // 2] if ranks % 2 == 0 else [1, ranks]) if algorithm in ("hierarchical", "torus") else []


def _tasks(ranks: int, cases: list[tuple[str, str, int, str]]) -> list[dict[str, Any]]:
    tasks = []
    for collective, algorithm, elements, dtype in cases:
        options = {"shape": _shape(algorithm, ranks), "segments": 3}
        count = padded(schedule_of(collective, algorithm, ranks, **options), elements)
        asked = {"collective": collective, "algorithm": algorithm, "elements": count, "dtype": dtype}
        tasks.append({"kind": "check", "seed": 5, "asked": {**asked, "options": options}})
    return tasks


def _run(ranks: int, cases: list[tuple[str, str, int, str]], reducers: int = 0) -> None:
    reports: dict[int, list[dict[str, Any]]] = {}

    def heard(rank: int, message: dict[str, Any]) -> None:
        if "task" in message and rank < ranks:
            reports.setdefault(message["task"], []).append(message)

    lead(Site(ranks, timeout=TIMEOUT), reducers, _tasks(ranks, cases), heard)
    assert sorted(reports) == list(range(len(cases)))
    for place, found in reports.items():
        assert len(found) == ranks
        assert all(each["equal"] for each in found), cases[place]
        assert max(each["error"] for each in found) <= ROUNDING.get(cases[place][3], 0.0), cases[place]


def test_every_type_and_odd_sizes_among_three() -> None:
    _run(3, [("all_reduce", "ring", n, dtype) for dtype in ELEMENT_TYPES for n in (1, 2, 1009)])


def test_every_collective_and_algorithm_among_four() -> None:
    cases = [(c, a, n, "float32") for c, a in names() if a != "in_network" for n in (3, 1013)]
    _run(4, [*cases, ("all_reduce", "ring", LARGE, "float32"), ("all_to_all", "pairwise", LARGE, "float32")])


def test_a_process_stands_for_the_switch() -> None:
    _run(3, [("all_reduce", "in_network", n, "float32") for n in (1, 1009)], reducers=1)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 5, 6, 7, 8])
def test_two_to_eight_ranks(ranks: int) -> None:
    cases = [(c, a, n, "float32") for c, a in names() if a != "in_network" for n in (1, 1009)]
    _run(ranks, [*cases, *[("all_reduce", "ring", 100_003, dtype) for dtype in ELEMENT_TYPES]])


def _killed(
    signal_: int, timeout: float, peer: str = "", after: float = 1.5
) -> tuple[RanksFailedError, dict[int, int], float]:
    """Kill rank 1 of four in the middle of a large all-reduce."""
    began: dict[int, int] = {}

    def started(processes: dict[int, int]) -> None:
        began.update(processes)
        threading.Timer(after, os.kill, (processes[1], signal_)).start()

    asked = {"collective": "all_reduce", "algorithm": "ring", "elements": 8_000_000, "dtype": "float32"}
    task = {"kind": "time", "repeats": 10_000, "warm": 1, "peer": peer, "asked": {**asked, "options": {}}}
    with pytest.raises(RanksFailedError) as caught:
        lead(Site(4, timeout=timeout), 0, [task], lambda _rank, _message: None, started)
    return caught.value, began, time.monotonic()


def _all_gone(processes: dict[int, int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in processes.values())


def test_killing_one_rank_gives_every_other_one_a_clear_error() -> None:
    start = time.monotonic()
    error, processes, end = _killed(signal.SIGKILL, TIMEOUT)
    assert end - start < TIMEOUT
    assert error.lost == 1
    assert "rank 1 died during the run" in str(error)
    assert "signal 9" in str(error)
    assert sorted(error.told) == [0, 2, 3]
    assert all("rank 1" in message for message in error.told.values())
    assert _all_gone(processes)


@pytest.mark.slow
def test_killing_one_rank_beside_gloo_ends_all() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    for after in (12.0, 12.3):
        error, processes, _ = _killed(signal.SIGKILL, TIMEOUT, "gloo", after)
        assert "rank 1 died during the run" in str(error)
        assert sorted(error.told) == [0, 2, 3]
        assert all("rank 1" in message for message in error.told.values())
        assert _all_gone(processes)


@pytest.mark.slow
def test_a_rank_that_hangs_is_given_up_after_the_timeout() -> None:
    error, processes, _ = _killed(signal.SIGSTOP, 3.0)
    assert "waited 3 s in vain" in str(error)
    assert 1 not in error.told
    assert _all_gone(processes)


def test_a_rank_that_never_comes_is_named() -> None:
    server = Rendezvous(("127.0.0.1", 0), 2, 0.3)
    with pytest.raises(JoinError, match=r"ranks \[0, 1\] did not come to the rendezvous within 0.3 s"):
        server.gather(lambda: None)
    server.close()


def test_a_rank_that_is_done_may_leave_before_the_others() -> None:
    server, heard = Rendezvous(("127.0.0.1", 0), 2, TIMEOUT), []

    def take_part() -> None:
        first, second = (Guest(server.address, TIMEOUT) for _ in range(2))
        for rank, guest in enumerate((first, second)):
            guest.say({"join": rank})
        for guest in (first, second):
            guest.hear()
        first.say({"done": True})
        first.connection.shutdown(socket.SHUT_RDWR)
        first.connection.close()
        time.sleep(0.3)
        second.say({"task": 0})
        second.say({"done": True})

    threading.Thread(target=take_part, daemon=True).start()
    server.gather(lambda: None)
    server.tell({"tasks": []})
    server.collect(lambda rank, message: heard.append((rank, message)))
    server.close()
    assert heard == [(0, {"done": True}), (1, {"task": 0}), (1, {"done": True})]


def test_ranks_do_not_outlive_the_rendezvous() -> None:
    began: dict[int, int] = {}

    class Stop(Exception):  # noqa: N818
        pass

    def started(processes: dict[int, int]) -> None:
        began.update(processes)
        raise Stop

    asked = {"collective": "all_reduce", "algorithm": "ring", "elements": 8_000_000, "dtype": "float32", "options": {}}
    task = {"kind": "time", "repeats": 10_000, "warm": 1, "peer": "", "asked": asked}
    with pytest.raises(Stop):
        lead(Site(2, timeout=TIMEOUT), 0, [task], lambda _rank, _message: None, started)
    assert began and _all_gone(began)


def test_measured_beside_the_estimate() -> None:
    found = measure_collectives(Site(2, timeout=TIMEOUT), 4e6, peer="none", repeats=3)
    assert found.correct
    assert [each.message for each in found.sizes] == [62.5e3, 250e3, 1e6, 4e6]
    for each in found.sizes:
        assert each.estimated == pytest.approx(found.fitted.time(each.message, found.cost))
        assert each.bus_bandwidth == pytest.approx(each.algorithm_bandwidth)  # 2 (n - 1) / n is 1 for two
    assert found.to_frame().height == 4
    assert found.as_plain()["cost"]["rounds"] == 2


@pytest.mark.slow
def test_gloo_runs_beside_it() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    found = measure_collectives(Site(2, timeout=120), 1e6, sizes=[1e6], repeats=2, dtype="bfloat16")
    assert found.correct
    assert found.sizes[0].peer is not None and found.sizes[0].beside is not None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"algorithm": "star"}, "algorithm: 'star' is not one"),
        ({"dtype": "int4"}, "dtype: 'int4' is not one; there are: float32"),
        ({"peer": "mpi"}, "peer: 'mpi' is not one; there are: gloo"),
        ({"repeats": 0}, "repeats: 0 is not allowed"),
        ({"size": 1.0}, "size: 1 bytes is not allowed"),
        ({"size": 1e15}, "size: 2 processes would hold"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_starts(more: dict[str, Any], message: str) -> None:
    with pytest.raises(CollectiveError, match=message):
        measure_collectives(Site(2), **{"size": 1e6, **more})


def test_the_fit_finds_what_made_the_times() -> None:
    cost, messages = Cost(6, 1.5, 0.75), [1e6, 4e6, 16e6, 64e6]
    times = [6 * 2e-4 + 1.5 * m / 2e9 + 0.75 * m / 8e9 for m in messages]
    constants = fitted(cost, messages, times, 8e9)
    assert (constants.latency, constants.bandwidth) == (pytest.approx(2e-4), pytest.approx(2e9))
    assert constants.time(3e7, cost) == pytest.approx(6 * 2e-4 + 1.5 * 3e7 / 2e9 + 0.75 * 3e7 / 8e9)


def test_bfloat16_rounds_to_even_and_keeps_what_is_not_a_number() -> None:
    values = np.array([1.0, 1.00390625, 1.01171875, -2.5, np.inf, np.nan], np.float32)
    assert from_bfloat16(to_bfloat16(values))[:5].tolist() == [1.0, 1.0, 1.015625, -2.5, np.inf]
    assert np.isnan(from_bfloat16(to_bfloat16(values))[5])
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    drawn = np.random.default_rng(0).standard_normal(10_000, np.float32) * 1e3
    theirs = torch.from_numpy(drawn).bfloat16().view(torch.uint16).numpy()
    np.testing.assert_array_equal(to_bfloat16(drawn), theirs)


def test_nccl_wants_a_gpu_for_each_rank() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    there = torch.cuda.device_count()
    with pytest.raises(CollectiveError) as told:
        measure.measure_collectives(Site(there + 2), 1e5, "all_reduce", "ring", peer="nccl", sizes=[1e5])
    wanted = f"peer: nccl needs a GPU for each rank, and there {'is' if there == 1 else 'are'} {there or 'none'} here"
    assert str(told.value) == f"{wanted} for {there + 2}; --peer gloo, or fewer processes"


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_sums_of_sixteen_bits_are_rounded_once(name: str) -> None:
    """Every number there is, the endless and the undefined too, added to others: as NumPy has it."""
    kind, shuffled = element_type(name), np.random.default_rng(0)
    every = np.arange(1 << 16, dtype=np.uint16).view(kind.stored)
    with np.errstate(all="ignore"):
        for _ in range(20):
            others = shuffled.permutation(every)
            if name == "float16":
                expected = every + others
            else:
                expected = to_bfloat16(from_bfloat16(every) + from_bfloat16(others))
            found, right = kind.wide(kind.add(every, others)), kind.wide(expected)
            np.testing.assert_array_equal(found, right)
            np.testing.assert_array_equal(np.signbit(found)[~np.isnan(right)], np.signbit(right)[~np.isnan(right)])


def test_integers_wrap_as_numpy_has_them() -> None:
    kind = element_type("uint8")
    assert kind.add(np.array([200], np.uint8), np.array([100], np.uint8)).tolist() == [44]


def test_addresses_and_sizes() -> None:
    assert parse_address("10.0.0.1:7", 1) == ("10.0.0.1", 7)
    assert parse_address("node", 29400) == ("node", 29400)
    assert parse_address("[fe80::1]:80", 1) == ("fe80::1", 80)
    with pytest.raises(CollectiveError, match="rendezvous: 'a:b' is not allowed"):
        parse_address("a:b", 1)
    assert usual_sizes(256e6) == [1e6, 4e6, 16e6, 64e6, 256e6]
    assert usual_sizes(64e3) == [1e3, 4e3, 16e3, 64e3]
    assert measure.PEERS == ("gloo", "nccl", "none")
