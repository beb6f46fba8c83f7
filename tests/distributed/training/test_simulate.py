"""The pipeline simulator: equal to the closed forms, to the papers' figures, and to a plain program of its rules."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.core.ledger import Ledger
from navarch.distributed.training import pipeline
from navarch.distributed.training.named_schedules import rules, schedule_of
from navarch.distributed.training.orders import group_of
from navarch.distributed.training.pipeline import SCHEDULES, bubble_of, exact_from, in_flight_of, runs_with, step_of
from navarch.distributed.training.schedules import (
    BACKWARD,
    FORWARD,
    INPUT,
    WEIGHT,
    Schedule,
    ScheduleError,
    group_taken,
)
from navarch.distributed.training.simulate import (
    Extra,
    Holding,
    PipelineRun,
    Timing,
    replicate,
    simulate,
    timing_of_stage,
)

SECONDS = st.floats(0.05, 8.0)
STAGES = st.integers(1, 9)
MORE = st.integers(0, 12)


def run_of(name: str, stages: int, microbatches: int, parts, virtual=None, overlapped=None, **others) -> PipelineRun:
    made = schedule_of(name, stages, microbatches, virtual)
    return simulate(made, timing_of_stage(made, *parts, overlapped=overlapped, **others))


def sizes_of(name: str, stages: int, more: int) -> tuple[int, int]:
    """Stages and microbatches from which the closed form holds."""
    if name == "dualpipe":
        stages += stages % 2
        return stages, 2 * stages + 2 * more
    return stages, exact_from(name, stages, 2 if name in ("gpipe", "interleaved") else 1) + more


@settings(max_examples=400)
@given(st.sampled_from(SCHEDULES), STAGES, MORE, st.integers(1, 4), SECONDS, SECONDS, SECONDS, st.floats(0, 1))
def test_the_closed_form_is_what_the_schedule_does(name, stages, more, virtual, forward, into, weights, gain) -> None:
    stages, microbatches = sizes_of(name, stages, more)
    virtual = virtual if name in ("gpipe", "interleaved") else 1
    parts = (forward, into, weights)
    work = microbatches * sum(parts)
    beside = into + weights + gain * forward if name == "dualpipe" else None
    run = run_of(name, stages, microbatches, parts, virtual, beside)
    told = bubble_of(name, stages, virtual, microbatches, *parts, overlapped=beside)
    assert run.idle.max() == pytest.approx(told, abs=1e-9 * work) if name == "dualpipe" else (
        run.step - work == pytest.approx(told, abs=1e-9 * work)
    )  # fmt: skip
    if name != "dualpipe":
        barrier = bubble_of(name, stages, virtual, microbatches, *parts, barrier=True)
        assert run.makespan - work == pytest.approx(barrier, abs=1e-9 * work)
        assert barrier >= told - 1e-9 * work


@given(
    st.sampled_from(("zero-bubble", "zero-bubble-2", "1f1b", "gpipe")),
    STAGES,
    st.integers(1, 30),
    SECONDS,
    SECONDS,
    SECONDS,
)
def test_the_closed_form_with_few_microbatches(name, stages, microbatches, forward, into, weights) -> None:
    parts = (forward, into, weights)
    run = run_of(name, stages, microbatches, parts)
    told = step_of(name, stages, 1, microbatches, *parts)
    assert run.step == pytest.approx(told, rel=1e-9)


@given(STAGES, st.integers(1, 20), st.floats(0.7, 1.6), st.floats(0.6, 1.2))
def test_zero_bubble_v_with_few_microbatches(stages, microbatches, into, weights) -> None:
    run = run_of("zero-bubble-v", stages, microbatches, (1.0, into, weights))
    told = step_of("zero-bubble-v", stages, 2, microbatches, 1.0, into, weights)
    assert run.step * (1 - 1e-9) <= told <= run.step * 1.01


@given(st.sampled_from(SCHEDULES), STAGES, MORE, st.integers(1, 4))
def test_activations_in_flight(name, stages, more, virtual) -> None:
    stages, microbatches = sizes_of(name, stages, more)
    virtual = virtual if name in ("gpipe", "interleaved") else 1
    made = schedule_of(name, stages, microbatches, virtual)
    run = simulate(made, Timing(1.0, 1.0, 1.0))
    told = in_flight_of(name, stages, virtual, microbatches, group=group_taken(made))
    assert run.in_flight[0] == pytest.approx(told.first)
    assert run.in_flight[-1] == pytest.approx(told.last)
    if name not in ("1f1b", "interleaved"):
        assert run.in_flight == pytest.approx(np.full(stages, run.in_flight[0]))


@given(STAGES, st.integers(1, 30))
def test_activations_of_few_microbatches(stages, microbatches) -> None:
    for name in ("zero-bubble", "zero-bubble-2", "zero-bubble-v"):
        run = run_of(name, stages, microbatches, (1.0, 1.0, 1.0))
        told = in_flight_of(name, stages, 1, microbatches)
        assert (run.in_flight[0], run.in_flight[-1]) == (told.first, told.last)


def test_groups_of_interleaved_hold_more() -> None:
    made = schedule_of("interleaved", 4, 10, 3)
    assert group_taken(made) == group_of(4, 10, None) == 5
    run = simulate(made, Timing(1.0, 1.0, 1.0))
    assert run.in_flight[0] * 3 == 2 * 3 + 2 * 5 + 1
    assert run.makespan == pytest.approx(step_of("interleaved", 4, 3, 10, 3.0, 3.0, 3.0))


# --- the papers ---------------------------------------------------------------------------------------------------


def test_figures_of_narayanan() -> None:
    # Narayanan et al. 2021, section 2.2 and figure 4: p = 4, m = 8, backward twice the forward; bubble over ideal time
    # (p - 1)/m, and half of it with two chunks; 1F1B holds p microbatches instead of GPipe's m
    ideal = 8 * 3.0
    runs = {name: run_of(name, 4, 8, (1.0, 1.0, 1.0), 2 if name == "interleaved" else None)
            for name in ("gpipe", "1f1b", "interleaved")}  # fmt: skip
    assert runs["gpipe"].makespan == runs["1f1b"].makespan == 33
    assert (runs["1f1b"].makespan - ideal) / ideal == pytest.approx(3 / 8)
    assert (runs["interleaved"].makespan - ideal) / ideal == pytest.approx(3 / 16)
    assert runs["gpipe"].in_flight.tolist() == [8, 8, 8, 8]
    assert runs["1f1b"].in_flight.tolist() == [4, 3, 2, 1]


@pytest.mark.parametrize(("stages", "microbatches"), [(4, 8), (8, 24), (16, 48), (32, 96)])
def test_table_of_the_zero_bubble_paper(stages: int, microbatches: int) -> None:
    # Qi et al. 2023, table 2 and section 2.1: with F = B = W the bubble of ZB-H1 is a third of 1F1B's and that of ZB-H2
    # nothing; peak activations p, p and 2p - 1; section 6: ZB-V has no bubble with the memory of 1F1B
    parts = (1.0, 1.0, 1.0)
    names = ("1f1b", "zero-bubble", "zero-bubble-2", "zero-bubble-v")
    runs = {name: run_of(name, stages, microbatches, parts) for name in names}
    bubbles = {name: float(run.bubble.max()) for name, run in runs.items()}
    assert bubbles["zero-bubble"] == pytest.approx(bubbles["1f1b"] / 3)
    assert bubbles["1f1b"] == pytest.approx(3 * (stages - 1))
    assert bubbles["zero-bubble-2"] == pytest.approx(0, abs=1e-9)
    assert bubbles["zero-bubble-v"] == pytest.approx(0, abs=1e-9)
    held = [runs[name].in_flight.max() for name in names]
    assert held == [stages, stages, min(2 * stages - 1, microbatches), stages]


@given(st.integers(2, 9), st.floats(0.1, 4), st.floats(0, 1), st.floats(0.1, 4))
def test_published_formulas_where_they_hold(stages, forward, share, into) -> None:
    # Qi et al. 2023, table 2: (p-1)(F + B - W) and (p-1)(F + B - 2W), W no longer than F (and 2W than F + B)
    weights = share * min(forward, (forward + into) / 2)
    parts, many = (forward, into, weights), 3 * stages
    assert bubble_of("zero-bubble", stages, 1, many, *parts) == pytest.approx((stages - 1) * (forward + into - weights))
    second = (stages - 1) * (forward + into - 2 * weights)
    assert bubble_of("zero-bubble-2", stages, 1, many, *parts) == pytest.approx(second)
    # DeepSeek-AI 2024, table 2: (PP/2 - 1)(F&B + B - 3W), its B both gradients; a forward as long as that of the input
    even, equal = 2 * stages, min(share, 1.0) * forward
    beside = 2 * forward + equal
    published = (even / 2 - 1) * (beside + forward + equal - 3 * equal)
    assert bubble_of("dualpipe", even, 2, 2 * even, forward, forward, equal) == pytest.approx(published)


def test_table_of_deepseek() -> None:
    # DeepSeek-AI 2024, table 2 with PP = 8, F = 1, B = 2 (both gradients), W = 1, F&B = 3; m = 20 as in figure 5
    parts = (1.0, 1.0, 1.0)
    rows = {
        "1f1b": ((8 - 1) * (1 + 2), 8, 1),
        "zero-bubble": ((8 - 1) * (1 + 2 - 2), 8, 1),
        "dualpipe": ((8 / 2 - 1) * (3 + 2 - 3), 9, 2),
    }
    for name, (bubble, held, copies) in rows.items():
        run = run_of(name, 8, 20, parts, overlapped=3.0 if name == "dualpipe" else None)
        assert run.makespan - 20 * 3 == pytest.approx(bubble)
        assert run.in_flight.max() == held
        assert pipeline.parameters_held_of(name, 7e9) == copies * 7e9
    folded = run_of("dualpipe-v", 4, 20, (2.0, 2.0, 2.0), overlapped=6.0)
    assert folded.makespan - 20 * 6 == pytest.approx((8 / 2 - 1) * (3 + 2 - 3))
    assert folded.in_flight.max() * 2 == 9


# --- what must hold -----------------------------------------------------------------------------------------------


@given(st.sampled_from(tuple(rules())), st.integers(1, 5), st.integers(0, 6), st.floats(0, 0.3), st.integers(0, 99))
def test_work_is_conserved(name, stages, more, jitter, seed) -> None:
    stages, microbatches = sizes_of("dualpipe" if "dualpipe" in name else name, stages, more)
    run = run_of(name, stages, microbatches, (1.0, 1.3, 0.8), jitter=jitter, seed=seed)
    work = run.end - run.start
    assert work.sum() == pytest.approx(run.busy.sum())
    if not jitter:
        assert run.busy == pytest.approx(np.full(stages, microbatches * 3.1))
    assert run.busy + run.idle == pytest.approx(np.full(stages, run.makespan))
    assert np.all(run.bubble <= run.idle + 1e-9)
    assert np.all(run.bubble >= -1e-9)
    for stage in range(stages):
        here = run.schedule.tasks_of(stage)
        assert np.all(run.start[here][1:] >= run.end[here][:-1] - 1e-12)


@given(st.sampled_from(tuple(rules())), st.integers(1, 5), st.integers(0, 5), st.data())
def test_a_longer_task_never_shortens_the_step(name, stages, more, data) -> None:
    stages, microbatches = sizes_of("dualpipe" if "dualpipe" in name else name, stages, more)
    made = schedule_of(name, stages, microbatches)
    shape = (stages, made.chunks)
    size = stages * made.chunks
    times = [np.reshape(data.draw(st.lists(SECONDS, min_size=size, max_size=size)), shape) for _ in range(3)]
    part, place = data.draw(st.integers(0, 2)), data.draw(st.integers(0, times[0].size - 1))
    longer = [t.copy() for t in times]
    longer[part].flat[place] += data.draw(SECONDS)
    short, long = simulate(made, Timing(*times)), simulate(made, Timing(*longer))
    assert np.all(long.end >= short.end - 1e-12)
    sent = simulate(made, Timing(*times, transfer=0.3, latency=0.1))
    assert np.all(sent.end >= short.end - 1e-12)
    assert np.all(simulate(made, Timing(*times, transfer=0.3, latency=0.1, blocking=True)).end >= sent.end - 1e-9)


@given(
    st.sampled_from(("gpipe", "1f1b", "interleaved", "zero-bubble", "zero-bubble-2")),
    st.integers(2, 8),
    st.integers(1, 8),
    SECONDS,
    SECONDS,
    SECONDS,
)
def test_more_microbatches_lower_the_share_of_the_bubble(name, stages, more, forward, into, weights) -> None:
    virtual = 2 if name == "interleaved" else None
    shares = [run.bubble.max() / run.step for run in (
        run_of(name, stages, stages * k, (forward, into, weights), virtual) for k in (more, more + 1)
    )]  # fmt: skip
    assert shares[1] <= shares[0] + 1e-12


@given(
    st.sampled_from(tuple(rules())), st.integers(1, 4), st.integers(0, 4), SECONDS, SECONDS, SECONDS, st.floats(0, 2)
)
def test_the_same_as_a_plain_program(name, stages, more, forward, into, weights, latency) -> None:
    stages, microbatches = sizes_of("dualpipe" if "dualpipe" in name else name, stages, more)
    made = schedule_of(name, stages, microbatches)
    run = simulate(made, Timing(forward, into, weights, latency=latency))
    length = {FORWARD: forward, BACKWARD: into + weights, INPUT: into, WEIGHT: weights}
    assert run.end == pytest.approx(relaxed(made, length, latency))


def relaxed(made: Schedule, length, latency: float) -> np.ndarray:
    """Ends of the tasks: raised again and again until every rule holds."""
    before, after = made.neighbours()
    tasks = list(
        zip(made.stage.tolist(), made.kind.tolist(), made.microbatch.tolist(), made.chunk.tolist(), strict=True)
    )
    place = {(s * made.chunks + c, "F" if k == FORWARD else "W" if k == WEIGHT else "B", m): i
             for i, (s, k, m, c) in enumerate(tasks)}  # fmt: skip
    needs = []
    for i, (stage, kind, microbatch, chunk) in enumerate(tasks):
        here = stage * made.chunks + chunk
        found = [(i - 1, 0.0)] if i > made.offset[stage] else []
        if kind == WEIGHT:
            found.append((place[here, "B", microbatch], 0.0))
        else:
            source = before[here] if kind == FORWARD else after[here]
            letter = "F" if kind == FORWARD or source < 0 else "B"
            if source >= 0 or kind != FORWARD:
                other = here if source < 0 else int(source)
                away = latency if other // made.chunks != stage else 0.0
                found.append((place[other, letter, microbatch], away))
        needs.append(found)
    end = np.array([length[kind] for _, kind, _, _ in tasks])
    while True:
        raised = np.array([max((end[j] + away for j, away in found), default=0.0) + length[tasks[i][1]]
                           for i, found in enumerate(needs)])  # fmt: skip
        if np.allclose(raised, end, rtol=0, atol=1e-12):
            return end
        end = raised


# --- messages, draws, ends ----------------------------------------------------------------------------------------


def test_a_message_takes_its_time() -> None:
    made = schedule_of("1f1b", 2, 1)
    run = simulate(made, Timing(1.0, 1.0, 1.0, transfer=0.25, latency=0.5))
    assert run.start.tolist() == [0.0, 1.75 + 3 + 0.75, 1.75, 2.75]
    assert run.makespan == 7.5
    assert run.sending.tolist() == [0, 0]


def test_a_link_carries_one_message_at_a_time() -> None:
    # two forwards of 1 s each, messages of 3 s: the second arrives 3 s after the first
    made = schedule_of("gpipe", 2, 2)
    run = simulate(made, Timing(1.0, 1.0, transfer=3.0))
    assert run.start[made.tasks_of(1)][:2].tolist() == [4, 7]


def test_blocking_sends_keep_the_stage_busy() -> None:
    made = schedule_of("gpipe", 2, 2)
    run = simulate(made, Timing(1.0, 1.0, transfer=0.5, blocking=True))
    assert run.start[made.tasks_of(0)][:2].tolist() == [0, 1.5]
    assert run.sending.tolist() == [1.0, 1.0]
    assert run.busy + run.sending + run.idle == pytest.approx(np.full(2, run.makespan))


def test_messages_within_a_stage_cost_nothing() -> None:
    made = schedule_of("zero-bubble-v", 1, 3)
    assert simulate(made, Timing(1.0, 1.0, 1.0, transfer=9.0, latency=9.0)).makespan == 3 * 2 * 3


def test_links_can_differ() -> None:
    made = schedule_of("1f1b", 3, 1)
    hop = np.zeros((3, 3))
    hop[0, 1] = 2.0
    run = simulate(made, Timing(1.0, 1.0, transfer=hop))
    assert run.start[made.tasks_of(1)][0] == 3
    assert run.makespan == 8


def test_draws_hang_on_seed_stage_and_task_alone() -> None:
    first = run_of("1f1b", 4, 8, (1.0, 1.0, 1.0), jitter=0.1, seed=3)
    assert np.array_equal(first.end, run_of("1f1b", 4, 8, (1.0, 1.0, 1.0), jitter=0.1, seed=3).end)
    assert not np.array_equal(first.end, run_of("1f1b", 4, 8, (1.0, 1.0, 1.0), jitter=0.1, seed=4).end)
    assert first.busy == pytest.approx(run_of("zero-bubble", 4, 8, (1.0, 1.0, 1.0), jitter=0.1, seed=3).busy)
    more = run_of("1f1b", 5, 8, (1.0, 1.0, 1.0), jitter=0.1, seed=3)
    assert np.array_equal(first.busy, more.busy[:4]) or first.busy == pytest.approx(more.busy[:4])


def test_jitter_has_mean_one_and_lengthens_the_step() -> None:
    made = schedule_of("1f1b", 8, 256)
    timing = Timing(1.0, 1.0, 1.0, jitter=0.2, seed=1)
    run = simulate(made, timing)
    assert run.busy.mean() == pytest.approx(256 * 3, rel=0.01)
    spread = replicate(made, timing, 20)
    low, high = spread.interval(0.8)
    assert low <= spread.steps.mean() <= high
    assert spread.steps.min() > step_of("1f1b", 8, 1, 256, 1.0, 1.0, 1.0)
    assert spread.steps[0] == run.step
    assert np.array_equal(replicate(made, timing, 20).makespans, spread.makespans)


def test_a_slow_stage_sets_the_pace() -> None:
    plain, slow = (run_of("1f1b", 4, 32, (1.0, 1.0, 1.0), slowdown=s) for s in (1.0, [1, 1, 1.5, 1]))
    assert slow.busy.tolist() == [96, 96, 144, 96]
    assert slow.makespan > 144 > plain.makespan
    assert slow.makespan <= 1.5 * plain.makespan


def test_ends_of_the_model_have_work_of_their_own() -> None:
    ends = {"embedding": Extra(0.5, 0.25, 0.25), "head": Extra(2.0, 1.0, 1.0)}
    one_way = run_of("zero-bubble-v", 4, 8, (1.0, 1.0, 1.0), **ends)
    assert one_way.busy.tolist() == [8 * (3 + 1 + 4), 24, 24, 24]
    for beside in (None, 3.0):  # side by side, but no faster
        two_way = run_of("dualpipe", 4, 8, (1.0, 1.0, 1.0), overlapped=beside, **ends)
        assert two_way.busy == pytest.approx([24 + 4 * 5, 24, 24, 24 + 4 * 5])


def test_pairs_side_by_side_gain_time() -> None:
    parts = (1.0, 1.0, 1.0)
    apart, joined = (run_of("dualpipe", 4, 12, parts, overlapped=side) for side in (3.0, 2.4))
    assert joined.makespan < apart.makespan
    assert joined.busy.sum() < apart.busy.sum()
    slow = run_of("dualpipe", 4, 12, parts, overlapped=2.4, slowdown=2.0)
    assert slow.makespan == pytest.approx(2 * joined.makespan)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"forward": -1.0}, "forward: -1.0 is not allowed; finite numbers of at least 0"),
        ({"transfer": float("nan")}, "transfer: nan is not allowed"),
        ({"slowdown": 0.0}, "slowdown: 0.0 is not allowed; factors of more than 0"),
    ],
)
def test_times_that_are_refused(given, message: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        simulate(schedule_of("1f1b", 2, 2), replace(Timing(1.0, 1.0), **given))
    assert str(refused.value).startswith(message)


def test_chunks_can_differ() -> None:
    # a pair side by side is a forward of one chunk and a backward of the other
    made = schedule_of("dualpipe", 4, 8)
    times = Timing([[1.0, 5.0]] * 4, [[2.0, 7.0]] * 4, 0.0)
    plain = simulate(made, times)
    both = simulate(made, replace(times, overlapped=6.0))
    first = np.flatnonzero(made.beside)
    lengths = (both.end - both.start)[first]
    assert lengths == pytest.approx(np.full(len(first), 6.0))
    assert set(np.round((plain.end - plain.start)[first], 9)) == {1.0, 5.0}


def test_bytes_held() -> None:
    made = schedule_of("zero-bubble", 4, 8)
    run = simulate(made, Timing(1.0, 1.0, 1.0), Holding(10.0, kept=0.5))
    # Qi et al. 2023, section 2.1: a stage holds p - s microbatches whole, and s more that wait for their weights
    assert run.held_bytes is not None
    assert run.held_bytes.tolist() == [40, 35, 30, 25]
    assert simulate(made, Timing(1.0, 1.0, 1.0), Holding(10.0)).held_bytes.tolist() == [40, 40, 40, 40]
    chunks = simulate(schedule_of("interleaved", 4, 8, 2), Timing(1.0, 1.0), Holding([[1.0, 3.0]] * 4))
    assert chunks.held_bytes.tolist() == [7 + 4 * 3, 5 + 4 * 3, 4 + 3 * 3, 4 + 1 * 3]


# --- what it gives ------------------------------------------------------------------------------------------------


def test_frames() -> None:
    run = run_of("zero-bubble", 2, 3, (1.0, 1.0, 1.0))
    frame = run.to_frame()
    assert frame.columns == ["stage", "kind", "microbatch", "chunk", "start", "end"]
    assert len(frame) == len(run.schedule) == 2 * 3 * 3
    assert frame["kind"].unique().sort().to_list() == ["forward", "backward-input", "backward-weight"]
    stages = run.stages_frame()
    assert stages["busy"].to_list() == [9, 9]
    assert "held_bytes" not in stages.columns
    assert "<svg" in run._repr_html_()


def test_arrays_give_what_scalars_give() -> None:
    rng = np.random.default_rng(1)
    stages, many = np.array([2, 4, 8, 16]), np.array([32, 64, 8, 20])
    parts = rng.uniform(0.5, 2, (3, 4))
    for name in SCHEDULES:
        together = bubble_of(name, stages, np.ones(4), many, *parts)
        held = in_flight_of(name, stages, np.ones(4), many)
        for i in range(4):
            alone = bubble_of(name, int(stages[i]), 1, int(many[i]), *parts[:, i])
            assert together[i] == pytest.approx(alone, rel=1e-12)
            one = in_flight_of(name, int(stages[i]), 1, int(many[i]))
            assert (np.broadcast_to(held.first, 4)[i], np.broadcast_to(held.last, 4)[i]) == (one.first, one.last)


@pytest.mark.parametrize("barrier", [False, True])
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_ledger_records_the_same_without_orphans(name: str, barrier: bool) -> None:
    with Ledger() as ledger:
        stages, virtual, many = (ledger.field(n, v, "1", n) for n, v in (("p", 8.0), ("v", 1.0), ("m", 32.0)))
        parts = [ledger.field(n, v, "s", n) for n, v in (("F", 1.0), ("B", 1.1), ("W", 0.9))]
        bubble = bubble_of(name, stages, virtual, many, *parts, barrier=barrier)
        step = step_of(name, stages, virtual, many, *parts, barrier=barrier)
        held = in_flight_of(name, stages, virtual, many)
    assert ledger.orphans() == []
    assert ledger.exceeded() == []
    assert all(hasattr(x, "entry") for x in (bubble, step, held.first, held.last))
    assert float(bubble) == bubble_of(name, 8.0, 1.0, 32.0, 1.0, 1.1, 0.9, barrier=barrier)


def test_which_schedules_can_be_run() -> None:
    assert runs_with("dualpipe", np.array([4, 3, 4, 4]), 2, np.array([8, 8, 6, 9])).tolist() == [
        True,
        False,
        False,
        False,
    ]
    assert runs_with("interleaved", 4, np.array([2, 2, 1]), np.array([3, 4, 3])).tolist() == [False, True, True]
    assert runs_with("1f1b", 4, np.array([1, 2]), 1).tolist() == [True, False]
    with pytest.raises(ValueError, match='schedule: "pipedream" is not one of gpipe'):
        bubble_of("pipedream", 4, 1, 8, 1.0, 1.0, 1.0)


@pytest.mark.slow
def test_four_million_tasks_in_seconds() -> None:
    simulate(schedule_of("1f1b", 2, 2), Timing(1.0, 1.0))
    begin = time.perf_counter()
    made = schedule_of("interleaved", 64, 4096, 8)
    run = simulate(made, replace(Timing(1.0, 1.0, 1.0), transfer=0.01, jitter=0.02))
    assert len(made) == 64 * 4096 * 8 * 2
    assert run.makespan > 4096 * 8 * 3
    assert time.perf_counter() - begin < 10
