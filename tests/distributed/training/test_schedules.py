"""Schedules as data: the published orders, what is refused, and that what is written is read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.distributed.training.named_schedules import rules, schedule_of
from navarch.distributed.training.orders import group_of
from navarch.distributed.training.schedule_file import data_of, read_schedule, schedule_from, write_schedule
from navarch.distributed.training.schedules import (
    FORWARD,
    INPUT,
    WEIGHT,
    Schedule,
    ScheduleError,
    check_complete,
)
from navarch.distributed.training.simulate import Timing, simulate

NAMES = tuple(rules())


def some(name: str, stages: int, microbatches: int, virtual: int = 2) -> Schedule:
    """A schedule of that name, with sizes that it can have near to those asked."""
    many = name in ("gpipe", "interleaved")
    if name in ("dualpipe", "dualpipe-v"):
        stages += stages % 2
        microbatches = 2 * stages + 2 * (microbatches // 2)
    if name == "interleaved":
        microbatches = max(microbatches, stages)
    return schedule_of(name, stages, microbatches, virtual if many else None)


def order(schedule: Schedule, stage: int) -> list[str]:
    """The tasks of a stage as words of the file."""
    return str(data_of(schedule)["order"][stage]).split()


@given(st.sampled_from(NAMES), st.integers(1, 9), st.integers(1, 24), st.integers(1, 4))
def test_every_generated_schedule_is_complete_and_runs(name, stages, microbatches, virtual) -> None:
    made = some(name, stages, microbatches, virtual)
    check_complete(made)
    run = simulate(made, Timing(1.0, 1.0, 1.0))
    assert np.isfinite(run.end).all()


@given(st.sampled_from(NAMES), st.integers(1, 6), st.integers(1, 12), st.integers(1, 3))
def test_what_is_written_is_read_back(name, stages, microbatches, virtual) -> None:
    made = some(name, stages, microbatches, virtual)
    again = schedule_from(data_of(made))
    assert data_of(again) == data_of(made)
    assert again.routes == made.routes


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_files(tmp_path: Path, suffix: str) -> None:
    made = schedule_of("dualpipe", 4, 8)
    write_schedule(made, tmp_path / f"own.{suffix}")
    assert data_of(read_schedule(tmp_path / f"own.{suffix}")) == data_of(made)
    assert [p.name for p in tmp_path.iterdir()] == [f"own.{suffix}"]


def test_1f1b_of_narayanan() -> None:
    # Narayanan et al. 2021, figure 4 (top), microbatches counted from 0
    assert " ".join(order(schedule_of("1f1b", 4, 8), 0)[:8]) == "F0 F1 F2 F3 B0 F4 B1 F5"
    assert " ".join(order(schedule_of("1f1b", 4, 8), 3)[:4]) == "F0 B0 F1 B1"


def test_interleaved_of_narayanan() -> None:
    # figure 4 (bottom): four devices, two chunks each, eight microbatches
    first = order(schedule_of("interleaved", 4, 8, 2), 0)
    assert " ".join(first[:11]) == "F0.0 F1.0 F2.0 F3.0 F0.1 F1.1 F2.1 F3.1 F4.0 F5.0 F6.0"
    assert " ".join(first[11:15]) == "B0.1 F7.0 B1.1 F4.1"
    last = order(schedule_of("interleaved", 4, 8, 2), 3)
    assert " ".join(last[:8]) == "F0.0 F1.0 F2.0 F3.0 F0.1 B0.1 F1.1 B1.1"


def test_groups_of_megatron() -> None:
    # Megatron-Core's table for five microbatches in groups of three through two chunks
    made = schedule_of("interleaved", 2, 5, 2, group=3)
    here = made.tasks_of(0)
    forward = made.kind[here] == FORWARD
    table = list(zip(made.microbatch[here][forward].tolist(), made.chunk[here][forward].tolist(), strict=True))
    assert table == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (3, 0), (4, 0), (3, 1), (4, 1)]


def test_the_smallest_legal_group() -> None:
    assert group_of(4, 8, None) == 4
    assert group_of(4, 10, None) == 5
    assert group_of(4, 7, None) == 7
    with pytest.raises(ScheduleError, match="group: 3 is not allowed with 4 stages"):
        group_of(4, 8, 3)
    with pytest.raises(ScheduleError, match="microbatches: 3 are fewer than the 4 stages"):
        group_of(4, 3, None)


@pytest.mark.parametrize(("name", "warm"), [("zero-bubble", (4, 3, 2, 1)), ("zero-bubble-2", (7, 5, 3, 1))])
def test_warm_up_of_the_zero_bubble_paper(name: str, warm: tuple[int, ...]) -> None:
    # Qi et al. 2023, figure 3: forwards before the first backward, from the first device to the last
    made = schedule_of(name, 4, 8)
    for stage, forwards in enumerate(warm):
        kind = made.kind[made.tasks_of(stage)]
        assert int(np.argmax(kind == INPUT)) == forwards


def test_zero_bubble_v_folds() -> None:
    # Qi et al. 2023 (arXiv), section 6: the last stage goes on with what it has just run, the loss is on the first
    made = schedule_of("zero-bubble-v", 4, 8)
    assert " ".join(order(made, 3)[:4]) == "F0.0 F0.1 F1.0 F1.1"
    assert " ".join(order(made, 0)[:10]) == "F0.0 F1.0 F2.0 F3.0 F4.0 F5.0 F6.0 F0.1 I0.1 W0.1"
    assert made.routes[0].places == ((0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (2, 1), (1, 1), (0, 1))


def test_dualpipe_of_deepseek() -> None:
    # DeepSeek-AI 2024, figure 5: eight ranks, twenty microbatches, ten from either end
    made = schedule_of("dualpipe", 8, 20)
    first = order(made, 0)
    assert " ".join(first[:10]) == "F0.0 F1.0 F2.0 F3.0 F4.0 F5.0 F6.0 F10.1 I10.1 W10.1"
    assert " ".join(order(made, 7)[:8]) == "F10.1 F11.1 F12.1 F13.1 F14.1 F15.1 F16.1 F0.0"
    assert first.count("F7.0&B13.1") == 1
    assert len(made.routes) == 2
    middle = [order(made, stage) for stage in (3, 4)]
    assert all(f"F{n}.{c}" in line for line, n, c in ((middle[0], 4, 0), (middle[1], 14, 1)))


def test_weights_follow_their_input() -> None:
    made = schedule_of("dualpipe", 6, 16)
    for stage in range(6):
        here = made.tasks_of(stage)
        pairs = {kind: list(zip(made.microbatch[here][made.kind[here] == kind],
                                made.chunk[here][made.kind[here] == kind], strict=True))
                 for kind in (INPUT, WEIGHT)}  # fmt: skip
        assert pairs[INPUT] == pairs[WEIGHT]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pipedream", 4, 8), 'schedule: "pipedream" is not one of gpipe, 1f1b'),
        (("1f1b", 0, 8), "stages: 0 is not allowed; at least 1"),
        (("1f1b", 4, 8, 2), "virtual: 2 is not allowed; 1f1b has 1 a stage"),
        (("1f1b", 4, 8, None, 4), "group: 1f1b has none"),
        (("dualpipe", 3, 8), "stages: 3 is odd"),
        (("dualpipe", 4, 7), "microbatches: 7 is not allowed; dualpipe needs an even number, at least twice"),
        (("dualpipe-v", 4, 7), "microbatches: 7 is not allowed; dualpipe-v needs at least 8"),
        (("gpipe", 10**5, 10**6), "microbatches: 200,000,000,000 tasks are more than can be run"),
    ],
)
def test_sizes_that_are_refused(arguments, message: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        schedule_of(*arguments)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"order": ["F0 F1 B0 B1", "F0 B0 F1"]}, "stage 1: backward of microbatch 1 is missing"),
        ({"order": ["F0 F1 B0 B1", "F0 B0 F1 B1 B1"]}, "stage 1: backward of microbatch 1 is there 2 times"),
        ({"order": ["F0 F1 B0 B1", "F0 I0 F1 B1"]}, "stage 1: backward-weight of microbatch 0 is missing"),
        ({"order": ["F0 F1 B0 B1", "F0 B0 W0 F1 B1"]}, "stage 1: backward-weight of microbatch 0 has no"),
        ({"order": ["F0 F1 B0 B7", "F0 B0 F1 B1"]}, "stage 0: backward of microbatch 7: microbatch 7 does not exist"),
        ({"order": ["F0 F1 B0 B1.1", "F0 B0 F1 B1"]}, "stage 0: backward of microbatch 1: chunk 1 does not exist"),
        ({"order": ["F0 F1 B0 B1", "F0 B0 F1 Q1"]}, 'stage 1: task 3, "Q1", is not a task; F, B, I or W'),
        ({"order": ["F0&F1 B0 B1", "F0 B0 F1 B1"]}, "stage 0: forward of microbatch 0: & joins a forward and a"),
        ({"order": ["F0 F1 B0 B1"]}, "order: a list with the tasks of each of the 2 stages is needed; 1 are given"),
        ({"order": "F0"}, "order: a list with the tasks of each of the 2 stages is needed; it is no list"),
        ({"order": [], "microbatches": True}, "microbatches: it is True; a whole number of at least 1 is needed"),
        ({"order": [], "stages": None}, "stages: it is missing"),
        ({"order": [], "speed": 3}, "speed: this field does not exist; there are name, stages"),
        ({"order": ["F0 F1 B0 B1"] * 2, "placement": "round"}, "placement: 'round' is not one of loop, v, two-way"),
        ({"order": ["F0 F1 B0 B1"] * 2, "placement": [[0, 0]]}, "placement: the 2 chunks must each be there once"),
        ({"order": ["F0 F1 B0 B1"] * 2, "placement": "two-way"}, "chunks: 1 is not allowed with two-way"),
        ({"order": ["F0", "F0"], "microbatches": 10**9}, "microbatches: 4,000,000,000 tasks are more than can be run"),
    ],
)  # fmt: skip
def test_mistakes_of_a_file(said, message: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        schedule_from({"stages": 2, "microbatches": 2, **said})
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["F0 B0 F1 B1", "F1 F0 B0 B1"],
            "stage 0: its task 1, backward of microbatch 0, waits for ever for the backward of microbatch 0 by stage 1"
            "; the stages that wait for each other: 0 → 1 → 0",
        ),
        (["B0 F0 F1 B1", "F0 F1 B0 B1"], "stage 0: its task 0, backward of microbatch 0, waits for ever for"),
        (
            ["F0 F1 B0 B1", "F0 F1 W0 I0 B1"],
            "stage 1: its task 2, backward-weight of microbatch 0, waits for ever for the backward-input of "
            "microbatch 0, which comes after it",
        ),
    ],
)
def test_deadlocks_name_stage_and_task(lines: list[str], message: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        schedule_from({"stages": 2, "microbatches": 2, "order": lines})
    assert str(refused.value).startswith(message)


def test_a_pair_side_by_side_can_wait_for_itself() -> None:
    # one after the other the orders run; side by side the backward of 0 needs the forward of 1, and the other way round
    said = {"stages": 2, "microbatches": 2, "order": ["F0 F1&B0 B1", "F0 F1 B0 B1"]}
    made = schedule_from(said)
    with pytest.raises(ScheduleError, match="stage 0: its task 2, backward of microbatch 0, waits for ever"):
        simulate(made, Timing(1.0, 1.0, 1.0, overlapped=2.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("order: [", "line 1: "),
        ("- 1", "a schedule has the fields"),
        ("\x00", "this is not YAML"),
        ("stages: x", "stages: it is 'x'"),
    ],
)
def test_files_that_are_no_schedule(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(ScheduleError) as refused:
        read_schedule(file)
    assert message in str(refused.value)


def test_own_placement() -> None:
    said = {"stages": 2, "chunks": 2, "microbatches": 1, "placement": [[1, 0], [0, 0], [1, 1], [0, 1]],
            "order": ["F0.0 F0.1 B0.1 B0.0", "F0.0 F0.1 B0.1 B0.0"]}  # fmt: skip
    made = schedule_from(said)
    run = simulate(made, Timing(1.0, 1.0, 0.0))
    assert run.start[made.tasks_of(1)].tolist() == [0, 2, 5, 7]
    assert data_of(made)["placement"] == said["placement"]
