"""Sweeps: the same bits from every engine, order and number of workers; nothing lost when interrupted."""

from __future__ import annotations

import functools
import os
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import sweep_workload as work

from navarch.core import sweep_fingerprint, sweep_store, sweep_threads
from navarch.core.ledger import Ledger
from navarch.core.sweep import SweepError, spans, sweep
from navarch.core.sweep_pool import read_only, read_payload, write_payload


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """The answer over a million points, in this process."""
    return work.front(work.CHUNKS, workers=1)


def test_spans_cover_every_number_once():
    assert spans(10, 4) == [range(4), range(4, 8), range(8, 10)]
    assert spans(8, 4) == [range(4), range(4, 8)]
    assert spans(0, 4) == []


def test_a_sweep_equals_a_loop():
    answer = None
    for chunk in work.FEW:
        answer = work.merged(answer, work.designs(work.constants(), chunk))
    assert answer is not None
    assert len(answer["design"]) > 10
    assert work.bits(answer) == work.front(workers=1)


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("window", [None, 2, 7])
def test_workers_and_windows_do_not_change_a_bit(expected: dict[str, Any], workers: int, window: int | None) -> None:
    assert work.front(work.CHUNKS, work.noted, workers=workers, window=window) == expected


def test_no_chunks_give_what_one_begins_with():
    assert sweep(work.square, [], work.added, 7.0, shared=None) == 7.0


def test_a_partial_is_a_function():
    shared = work.constants()
    assert work.front(function=functools.partial(work.designs), shared=shared) == work.front(workers=1)


def test_the_sum_of_a_long_product_does_not_depend_on_threads():
    draw = np.random.Generator(np.random.Philox(key=[3, 4]))
    shared = {"left": draw.random(1_000_003), "right": draw.random(1_000_003)}
    alone = sweep(work.long_sum, range(4), work.appended, [], shared=shared, workers=1)
    assert sweep(work.long_sum, range(4), work.appended, [], shared=shared, workers=2) == alone


def test_workers_use_one_thread_each():
    for found in sweep(work.threads, range(4), work.appended, [], shared=None, workers=2):
        assert set(found) == {1}


def test_this_process_has_its_threads_back():
    from threadpoolctl import threadpool_info

    before, libraries = dict(os.environ), threadpool_info()
    with sweep_threads.one_thread():
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert dict(os.environ) == before
    assert [p["num_threads"] for p in threadpool_info()] == [p["num_threads"] for p in libraries]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_shared_argument_cannot_be_written_to(workers: int):
    shared = work.constants()
    with pytest.raises(SweepError, match=r"chunk 0 of the sweep, 0, failed: ValueError: .*read-only"):
        sweep(work.writing, range(4), work.added, 0.0, shared=shared, workers=workers)
    shared["table"][0, 0] = 1.0


def test_a_payload_is_read_as_it_was_written(tmp_path: Path):
    value = {"a": np.arange(7.0), "b": [np.arange(5, dtype=np.int8), "text"], "c": np.empty(0), "d": np.eye(3).T[::2]}
    write_payload(tmp_path / "payload", value)
    for read in (read_payload(tmp_path / "payload"), read_only(value)):
        assert pickle.dumps([read["a"].tolist(), read["b"][0].tolist(), read["c"].tolist(), read["d"].tolist()]) == (
            pickle.dumps([value["a"].tolist(), value["b"][0].tolist(), [], value["d"].tolist()])
        )
        assert not read["a"].flags.writeable
        assert read["a"].ctypes.data % 8 == 0


def test_chunks_are_not_recorded_on_a_ledger():
    with Ledger() as ledger:
        sweep(work.square, range(3), work.added, 0.0, shared=None, workers=1)
    assert len(ledger.entries) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_results_do_not_queue_up(workers: int):
    tracemalloc.start()
    assert sweep(work.bulky, range(200), work.added, 0.0, shared=None, workers=workers, window=6) == 2**17 * 199 * 100
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 2**20


def test_progress_counts_every_chunk():
    seen: list[tuple[int, int]] = []
    sweep(
        work.square,
        range(5),
        work.added,
        0.0,
        shared=None,
        workers=2,
        progress=lambda done, all_: seen.append((done, all_)),
    )
    assert seen == [(n, 5) for n in range(1, 6)]


class TestErrors:
    @pytest.mark.parametrize("workers", [1, 2, 4])
    def test_the_first_chunk_that_fails_is_named(self, workers: int):
        with pytest.raises(
            SweepError, match=r"^chunk 3 of the sweep, 3, failed: ArithmeticError: 3 cannot be divided$"
        ) as caught:
            sweep(work.refusing, range(40), work.added, 0.0, shared={3, 5, 9}, workers=workers)
        assert isinstance(caught.value.__cause__, ArithmeticError)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_an_error_that_cannot_be_sent_is_told(self, workers: int):
        with pytest.raises(SweepError, match=r"chunk 0 of the sweep, 0, failed: AwkwardError: tensor=0 is too many$"):
            sweep(work.raising, range(4), work.added, 0.0, shared=None, workers=workers)

    def test_a_process_that_dies_is_told(self):
        with pytest.raises(SweepError, match=r"a worker process of the sweep ended suddenly at .*chunks? \d+.*memory"):
            sweep(work.dying, range(8), work.added, 0.0, shared=None, workers=2)

    def test_a_long_chunk_is_cut_short(self):
        with pytest.raises(SweepError) as caught:
            sweep(work.square, [["x" * 500]], work.added, 0.0, shared=None, workers=1)
        assert len(str(caught.value)) < 300

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"engine": "slurm"}, "engine: 'slurm' is not one; allowed: local, ray"),
            ({"address": "10.0.0.1:6379"}, "address: '10.0.0.1:6379' is of a Ray cluster"),
            ({"workers": 0}, "workers: 0 is too few"),
            ({"window": -1}, "window: -1 is too few"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, options: dict[str, Any], message: str):
        with pytest.raises(SweepError, match=message):
            sweep(work.square, range(3), work.added, 0.0, shared=None, **options)

    def test_a_lambda_is_refused_by_every_engine(self):
        with pytest.raises(SweepError, match="importable by name"):
            sweep(lambda shared, chunk: chunk, range(3), work.added, 0.0, shared=None, workers=1)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_shared_argument_that_cannot_be_sent_is_refused(self, workers: int):
        with pytest.raises(SweepError, match="shared argument of a sweep must be picklable"):
            sweep(work.square, range(3), work.added, 0.0, shared=(n for n in range(3)), workers=workers)

    def test_missing_ray_is_one_sentence(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "ray", None)
        with pytest.raises(SweepError, match=r"needs Ray, which is not installed: pip install 'navarch\[ray\]'$"):
            sweep(work.square, range(3), work.added, 0.0, shared=None, engine="ray")

    def test_a_function_of_a_session_is_told_apart(self, tmp_path: Path):
        script = (
            "from navarch.core.sweep import sweep\n"
            "def f(shared, chunk): return chunk\n"
            "try: sweep(f, range(3), max, 0, shared=None, workers=2)\n"
            "except ValueError as error: print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
        assert "a worker process cannot import what the sweep needs" in done.stdout
        assert done.stderr == ""


class TestFolder:
    def test_what_is_kept_can_be_read_by_others(self, tmp_path: Path):
        answer = work.front(folder=tmp_path / "kept", workers=2)
        assert answer == work.front(workers=1)
        frame = pl.read_parquet(tmp_path / "kept" / "*.parquet")
        assert frame.columns == ["design", *work.OBJECTIVES, "label"]
        assert set(np.frombuffer(answer["design"][1], answer["design"][0])) <= set(frame["design"])
        assert len(list((tmp_path / "kept").glob("chunk-*.parquet"))) == len(work.FEW)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_only_the_rest_is_computed(self, tmp_path: Path, workers: int):
        notes = tmp_path / "notes"
        notes.mkdir()
        shared = {**work.constants(), "notes": str(notes), "pause": 0.0}

        def stop(finished: int, _: int) -> None:
            if finished == 6:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            work.front(work.FEW, work.paused, shared=shared, folder=tmp_path / "kept", progress=stop, workers=workers)
        kept = len(list((tmp_path / "kept").glob("*.parquet")))
        assert 6 <= kept < len(work.FEW)
        first = len(list(notes.iterdir()))
        answer = work.front(work.FEW, work.paused, shared=shared, folder=tmp_path / "kept", workers=workers)
        assert answer == work.front(workers=1)
        assert len(list(notes.iterdir())) - first == len(work.FEW) - kept

    def test_a_finished_sweep_is_only_read(self, tmp_path: Path):
        notes = tmp_path / "notes"
        notes.mkdir()
        shared = {**work.constants(), "notes": str(notes), "pause": 0.0}
        answers = [work.front(work.FEW, work.paused, shared=shared, folder=tmp_path / "kept") for _ in range(2)]
        assert answers[0] == answers[1]
        assert len(list(notes.iterdir())) == len(work.FEW)

    def test_a_failure_keeps_what_was_finished(self, tmp_path: Path):
        shared = {**work.constants(), "powers": ()}
        with pytest.raises(SweepError, match="chunk 0"):
            work.front(shared=shared, folder=tmp_path / "kept", workers=1)
        assert (tmp_path / "kept" / "sweep.json").exists()

    def test_a_damaged_or_unfinished_file_is_computed_again(self, tmp_path: Path):
        answer = work.front(folder=tmp_path, workers=1)
        whole = (tmp_path / "chunk-0000002.parquet").read_bytes()
        (tmp_path / "chunk-0000001.parquet").write_bytes(b"")
        (tmp_path / "chunk-0000002.parquet").write_bytes(whole[: len(whole) // 2])
        middle = len(whole) // 4
        (tmp_path / "chunk-0000003.parquet").write_bytes(whole[:middle] + b"\xff\x00\xff" + whole[middle + 3 :])
        (tmp_path / "chunk-0000004.parquet").rename(tmp_path / ".chunk-0000004.parquet.tmp")
        assert work.front(folder=tmp_path, workers=1) == answer
        assert (tmp_path / "chunk-0000002.parquet").read_bytes() == whole
        assert not list(tmp_path.glob(".*.tmp"))

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"function": "noted"}, "the function changed"),
            ({"chunks": spans(60_000, 5_000)}, "the list of chunks changed"),
            ({"chunks": work.FEW[:-1]}, "the list of chunks changed"),
            ({"table": 0.5}, "the shared argument, .* changed"),
        ],
    )
    def test_another_sweep_is_refused(self, tmp_path: Path, changed: dict[str, Any], message: str):
        work.front(folder=tmp_path, workers=1)
        shared = work.constants()
        shared["table"][7, 7] = changed.get("table", shared["table"][7, 7])
        function = getattr(work, changed.get("function", "designs"))
        with pytest.raises(SweepError, match=f"cannot be resumed: {message} since it began; name another folder"):
            work.front(changed.get("chunks", work.FEW), function, shared=shared, folder=tmp_path, workers=1)

    def test_changed_code_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        (tmp_path / "changing_module.py").write_text("def f(shared, chunk):\n    return {'x': chunk}\n", "utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        import changing_module

        before = sweep_fingerprint.fingerprint(changing_module.f, None, range(3))
        assert before == sweep_fingerprint.fingerprint(changing_module.f, None, range(3))
        (tmp_path / "changing_module.py").write_text("def f(shared, chunk):\n    return {'x': 2 * chunk}\n", "utf-8")
        after = sweep_fingerprint.fingerprint(changing_module.f, None, range(3))
        assert {name for name in before if before[name] != after[name]} == {"code"}

    def test_a_folder_with_other_files_is_refused(self, tmp_path: Path):
        (tmp_path / "thesis.tex").touch()
        with pytest.raises(SweepError, match=r"holds other files \(thesis.tex, ...\): name an empty or a new folder"):
            work.front(folder=tmp_path, workers=1)

    def test_two_sweeps_at_once_are_refused(self, tmp_path: Path):
        def again(finished: int, _: int) -> None:
            with pytest.raises(SweepError, match="another sweep is writing to"):
                work.front(folder=tmp_path, workers=1)

        work.front(folder=tmp_path, workers=1, progress=again)

    @pytest.mark.parametrize(
        "result", [3, [1.0], {"a": np.eye(2)}, {"a": np.arange(2), "b": np.arange(3)}, {"a": None}]
    )
    def test_results_that_no_file_holds_are_refused(self, tmp_path: Path, result: Any):
        store = sweep_store.Store(tmp_path, dict.fromkeys(sweep_fingerprint.WHAT, ""), 1)
        with pytest.raises(SweepError, match="that of chunk 0"):
            store.write(0, result)

    def test_every_bit_comes_back(self, tmp_path: Path):
        odd = np.array([0.0, -0.0, np.inf, -np.inf, 5e-324, 1 / 3])
        payload = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000003], np.uint64).view(np.float64)
        result = {
            "double": np.concatenate([odd, payload]),
            "single": np.array([0.0, -0.0, np.nan, np.inf, 1e-45, 1 / 3, 0.1, 7, 8], np.float32),
            "whole": np.arange(9, dtype=np.int16) - 4,
            "byte": np.arange(9, dtype=np.uint8),
            "large": np.full(9, 2**64 - 1, np.uint64),
            "flag": np.arange(9) % 2 == 0,
            "text": np.array(["", "é", "x" * 40, *"abcdef"]),
            "number": 0.1 + 0.2,
            "not a number": float("inf"),
            "counter": 2**70,
            "name": "ü",
            "yes": True,
        }
        store = sweep_store.Store(tmp_path, dict.fromkeys(sweep_fingerprint.WHAT, ""), 1)
        written = store.write(0, result)
        store.close()
        again = sweep_store.Store(tmp_path, dict.fromkeys(sweep_fingerprint.WHAT, ""), 1).read(0)
        assert again is not None
        assert work.bits(again) == work.bits(written) == work.bits(result)

    def test_no_rows_keep_their_types(self, tmp_path: Path):
        store = sweep_store.Store(tmp_path, dict.fromkeys(sweep_fingerprint.WHAT, ""), 2)
        result = {"a": np.empty(0, np.int32), "b": np.empty(0, "<U3"), "n": 0}
        store.write(0, result)
        store.write(1, {"n": np.float64(2.5)})
        store.close()
        again = sweep_store.Store(tmp_path, dict.fromkeys(sweep_fingerprint.WHAT, ""), 2)
        read = again.read(0)
        assert read is not None
        assert work.bits(read) == work.bits(result)
        assert again.read(1) == {"n": 2.5}


def test_a_digest_is_of_values_not_of_objects():
    text = "".join(["a", "b"])
    assert sweep_fingerprint.digest([[text, text]]) == sweep_fingerprint.digest([["ab", "".join(["a", "b"])]])
    array = np.arange(12.0)
    assert sweep_fingerprint.digest([array]) == sweep_fingerprint.digest([array.copy()])
    assert sweep_fingerprint.digest([array]) != sweep_fingerprint.digest([array.reshape(3, 4)])
    assert sweep_fingerprint.digest([array]) != sweep_fingerprint.digest([array + 0.0 - 1e-300 * (array == 3) + 1e-9])


def test_a_digest_of_sets_is_the_same_in_every_process():
    code = "from navarch.core.sweep_fingerprint import digest; print(digest([{'a', 'b', 'c', 'd', frozenset('xyz')}]))"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1
