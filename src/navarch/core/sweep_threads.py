"""One thread a process: no more threads than cores, and sums whose bits do not depend on how many cores there are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

LIBRARIES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""What the libraries of linear algebra read when they are loaded."""

WORKER_ENVIRONMENT = dict.fromkeys(
    (*LIBRARIES, "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
"""What a worker process starts with."""


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """These values in the environment, and what was there before put back at the end."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold the libraries of this process, those loaded and those to be loaded, to one thread.

    Numba reads its variable again later and refuses a change, so that it is told directly, and only where it is loaded.
    """
    from threadpoolctl import threadpool_limits

    with ExitStack() as stack:
        stack.enter_context(environment(dict.fromkeys(LIBRARIES, "1")))
        stack.enter_context(threadpool_limits(limits=1))
        numba = sys.modules.get("numba")
        if numba is not None:
            stack.callback(numba.set_num_threads, numba.get_num_threads())
            numba.set_num_threads(1)
        yield
