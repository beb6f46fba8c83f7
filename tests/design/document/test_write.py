"""Documents are replaced whole: killed at any moment, the writer leaves the old ones or the new."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from navarch.design.document.write import replace_files, write_document

WRITER = """
import sys
from pathlib import Path
from navarch.design.document.write import _sweep, replace_files
directory, turn = Path(sys.argv[1]), 0
print("ready", flush=True)
while True:
    turn += 1
    letter = bytes([97 + turn % 26])
    _sweep(directory, "d")
    replace_files({directory / f"d.{s}": letter * 300_000 for s in ("html", "pdf", "md")}, directory, "d")
"""


def test_all_formats_are_written(document, tmp_path: Path):
    written = write_document(document, tmp_path / "new", "fleet")
    assert [p.name for p in written] == ["fleet.html", "fleet.pdf", "fleet.md"]
    assert all(p.stat().st_size > 10_000 for p in written)
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["fleet.html", "fleet.md", "fleet.pdf"]
    assert {oct(p.stat().st_mode & 0o777) for p in written} == {oct(0o666 & ~_umask())}


def test_an_unknown_format_is_refused(document, tmp_path: Path):
    with pytest.raises(ValueError, match="allowed: html, pdf, md"):
        write_document(document, tmp_path, "fleet", ["docx"])


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path: Path):
    (tmp_path / "d.html").write_bytes(b"old")
    with pytest.raises(TypeError):
        replace_files({tmp_path / "d.html": b"new", tmp_path / "d.pdf": "no bytes"}, tmp_path, "d")  # type: ignore[dict-item]
    assert (tmp_path / "d.html").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["d.html"]


def test_what_a_killed_run_left_is_swept(document, tmp_path: Path):
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    (tmp_path / f".fleet.{dead.pid}.abc.tmp").write_bytes(b"part")
    (tmp_path / f".fleet.{os.getppid()}.abc.tmp").write_bytes(b"of a living process")
    (tmp_path / ".other.1.abc.tmp").write_bytes(b"not ours")
    write_document(document, tmp_path, "fleet", ["md"])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [f".fleet.{os.getppid()}.abc.tmp", ".other.1.abc.tmp", "fleet.md"]
    )


def test_killed_at_random_moments(tmp_path: Path):
    pick = random.Random(3)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, env=environment
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(pick.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for path in tmp_path.glob("d.*"):
            content = path.read_bytes()
            assert len(content) == 300_000 and len(set(content)) == 1
    assert list(tmp_path.glob("d.*"))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
