"""Storage that is really measured, bounded, and cleaned up however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from navarch.fleet.storage import disk, loader
from navarch.fleet.storage.measure import measure_storage
from navarch.fleet.storage.measurement import StorageMeasured, read_measured, write_measured
from navarch.fleet.storage.model import StorageError

STUCK = 20.0
SCRIPT = """
import sys
from pathlib import Path
from navarch.fleet.storage.measure import measure_storage
if __name__ == "__main__":
    measure_storage(Path(sys.argv[1]), limit=60, progress=lambda _, what: print(what, flush=True))
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> StorageMeasured:
    folder = tmp_path_factory.mktemp("storage")
    told: list[tuple[float, str]] = []
    found = measure_storage(
        folder, size=16e6, files=96, sample=32768, workers=2, prefetch=(1, 4), limit=6,
        progress=lambda share, what: told.append((share, what)),
    )  # fmt: skip
    assert list(folder.iterdir()) == []
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    return found


def test_everything_is_measured(measured: StorageMeasured) -> None:
    for name in ("sequential write", "sequential read", "shuffled read", "small files, shuffled read"):
        each = measured.named(name)
        assert each.rate > 1e6
        assert each.each.low <= each.each.median <= each.worst or each.operations < 10
    assert measured.named("small files, lookup").frequency > 100
    assert measured.cache in (disk.DIRECT, disk.DROPPED, disk.CACHED)
    assert measured.machine.cores >= 1


def test_loaders_are_measured_and_paced(measured: StorageMeasured) -> None:
    found = {(each.layout, each.kind, each.prefetch) for each in measured.loaders}
    left = " ".join(measured.left_out)
    for layout in ("files", "records"):
        assert f"{layout}, inline" in left or (layout, "inline", 1) in found
        assert f"{layout}, threads" in left or (layout, "threads", 4) in found
    for each in measured.loaders:
        assert each.samples > 0
        assert each.starvation is None or 0 <= each.starvation <= 1


def test_a_measurement_is_kept_and_read_back(measured: StorageMeasured, tmp_path: Path) -> None:
    write_measured(measured, tmp_path / "own.json")
    assert read_measured(tmp_path / "own.json") == measured
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(StorageError, match="this is no navarch storage measurement"):
        read_measured(tmp_path / "other.json")


def test_a_loader_gives_every_byte_in_order(tmp_path: Path) -> None:
    pieces = []
    for number in range(12):
        path = tmp_path / str(number)
        path.write_bytes(bytes([number]) * 1000)
        pieces.append((str(path), 0, 1000))
    batches = [pieces[first : first + 3] for first in range(0, 12, 3)]
    for kind in ("inline", "threads"):
        with loader.pool(kind, 2) as made:
            got = [ready()[1] for ready in loader._ahead(made, batches, 2)]
        assert got == [b"".join(bytes([n]) * 1000 for n in range(first, first + 3)) for first in range(0, 12, 3)]


def test_reading_ahead_hides_a_slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fetch of 20 ms beside a step of 30 ms: nothing is waited for, but the first."""

    def slow(pieces: object) -> bytes:
        time.sleep(0.02)
        return b"x"

    monkeypatch.setattr(loader, "fetch", slow)
    batches = [[("a", 0, 1)]] * 12
    with loader.pool("threads", 2) as made:
        ahead = loader.take(made, batches, 4, 5.0, 0.03)
    alone = loader.take(None, batches, 1, 5.0, 0.03)
    assert ahead.batches == alone.batches == 12
    assert alone.late == 12
    assert ahead.late <= 3
    assert ahead.waited < alone.waited / 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_the_folder_is_removed_however_it_ends(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "run.py"
    script.write_text(SCRIPT)
    folder = tmp_path / "disk"
    folder.mkdir()
    started = subprocess.Popen(
        [sys.executable, str(script), str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert started.stdout is not None
    for line in started.stdout:
        if line.startswith("loader, files, threads"):
            break
    assert any(folder.iterdir())
    os.killpg(started.pid, how)
    started.wait(STUCK)
    started.stdout.close()
    until = time.monotonic() + STUCK
    while any(folder.iterdir()) and time.monotonic() < until:
        time.sleep(0.1)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"limit": 0.5}, "limit: 0.5 is not allowed; 2 to 3600"),
        ({"size": 1.0}, "size: 1 is not allowed"),
        ({"files": 1}, "files: 1 is not allowed; 32 to"),
        ({"sample": 1.0}, "sample: 1 is not allowed"),
        ({"prefetch": (0,)}, "prefetch: 0 is not allowed; at least 1"),
        ({"folder": Path("nowhere")}, "there is no folder 'nowhere'"),
    ],
)
def test_a_mistake_is_told(given: dict[str, object], told: str) -> None:
    with pytest.raises(StorageError, match=told):
        measure_storage(**given)  # type: ignore[arg-type]


def test_too_little_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "room", lambda _: 1_000_000)
    with pytest.raises(StorageError, match="MB are needed and 1 are free"):
        measure_storage(tmp_path)
    assert list(tmp_path.iterdir()) == []
