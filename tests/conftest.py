"""What every test shares: Hypothesis without deadlines, and a browser where the machine has one."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("navarch", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("navarch")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The path of a Chromium; the test is skipped where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on this machine (looked for {', '.join(BROWSERS)})")
    return found
