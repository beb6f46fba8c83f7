"""Files that are really written and read, with the page cache kept out where the system can: which way, it says."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PAGE = 4096
DIRECT = "O_DIRECT: the page cache is bypassed"
DROPPED = "posix_fadvise(DONTNEED): pages are dropped before they are read"
CACHED = "the page cache could not be kept out: reads may be of memory"
REFUSED = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
GUARD = "import shutil, sys; sys.stdin.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"


@contextmanager
def scratch(folder: Path | None) -> Iterator[Path]:
    """A folder of its own that is removed at the end, on Ctrl-C, and by a guard process if this one is killed."""
    made = Path(tempfile.mkdtemp(prefix="navarch-storage-", dir=folder))
    guard = subprocess.Popen(
        [sys.executable, "-S", "-c", GUARD, str(made)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        if guard.stdin is not None:
            guard.stdin.close()
        guard.wait()


def avoidance(folder: Path) -> str:
    """How the page cache can be kept out in a folder."""
    trial = folder / "trial"
    trial.write_bytes(bytes(PAGE))
    direct = getattr(os, "O_DIRECT", 0)
    if direct:
        try:
            with opened(trial, os.O_RDONLY | direct) as file:
                os.preadv(file, [mmap.mmap(-1, PAGE)], 0)
                return DIRECT
        except OSError as error:
            if error.errno not in REFUSED:
                raise
    return DROPPED if hasattr(os, "posix_fadvise") else CACHED


@contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """A file descriptor, closed at the end."""
    file = os.open(path, flags, 0o600)
    try:
        yield file
    finally:
        os.close(file)


def flags_for(way: str, flags: int) -> int:
    """Flags to open a file with, where the page cache is to be kept out that way."""
    return flags | os.O_DIRECT if way == DIRECT else flags


def forget(paths: list[Path]) -> None:
    """Drop what the page cache has of files that are on the disk."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in paths:
        with opened(path, os.O_RDONLY) as file:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


def file_system(folder: Path) -> str:
    """The type of the file system that a folder is on, where the system tells."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "unknown file system"
    where, best, kind = str(folder.resolve()), "", "unknown file system"
    for line in mounts.read_text("utf-8", "replace").splitlines():
        _, mounted, found, *_ = line.split()
        inside = where == mounted or where.startswith(mounted.rstrip("/") + "/")
        if inside and len(mounted) >= len(best):
            best, kind = mounted, found
    return kind


def room(folder: Path) -> int:
    """Free bytes in a folder."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return 0
