"""Which versions computed something: what a replay that differs is explained by."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version

LIBRARIES = ("numpy", "scipy", "numba")


@cache
def versions() -> dict[str, str]:
    """The versions of navarch, Python and the libraries that compute."""
    from navarch import __version__

    return {"navarch": __version__, "python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
