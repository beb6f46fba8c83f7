"""How fast a lab is in a browser: server, first render, a control's change; and how long its rehearsal takes.

Usage: python benchmarks/labs.py [LAB ...]    (needs Chromium; left out, labs 01 and 05)

First render: of a lab just begun, from navigation until masthead and first prediction are drawn. A control:
from the key to what hangs on it, drawn anew; the median.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "course"))

import driver as driving  # noqa: E402

from navarch.course.frame.rehearsing import rehearse  # noqa: E402
from navarch.course.labs.registry import labs  # noqa: E402

OPENED, MOVES, QUIET = 3, 7, 2500
STUDENT = ("ada", "benchmark")


def figures(number: str, notebook: Path, browser, folder: Path) -> tuple[str, ...]:
    """A row of the table."""
    first = []
    with driving.served(notebook, folder / f"{number}-new.navlog", *STUDENT) as serving:
        started = serving.started
        for _ in range(OPENED):
            student = driving.driver_of(browser, serving.address)
            student.open()
            first += student.timings["first render"]
            student.page.wait_for_timeout(QUIET)
            student.page.context.close()
    record = folder / f"{number}.navlog"
    began = time.perf_counter()
    rehearse(number, notebook, *STUDENT, record)
    rehearsed = time.perf_counter() - began
    with driving.served(notebook, record, *STUDENT) as serving:
        moved = []
        student = driving.driver_of(browser, serving.address)
        student.open()
        student.settle(3.0)
        slider = student.page.get_by_role("slider").first
        keys = ["ArrowRight", "ArrowLeft"]
        if slider.get_attribute("aria-valuenow") == slider.get_attribute("aria-valuemax"):
            keys.reverse()
        for key in keys * MOVES:
            slider.focus()
            before = student._texts("svg, dl.nv-readings")
            began = time.perf_counter()
            student.page.keyboard.press(key)
            student._changed("svg, dl.nv-readings", before)
            moved.append(time.perf_counter() - began)
    return (
        number, f"{rehearsed:.1f} s", f"{started:.1f} s", f"{min(first):.2f} s", f"{max(first):.2f} s",
        f"{statistics.median(moved) * 1e3:.0f} ms",
    )  # fmt: skip


def main() -> None:
    wanted = sys.argv[1:] or ["01", "05"]
    table = Table(title="labs in a browser")
    for heading in ("lab", "rehearsal", "server", "first render, best", "worst", "a control, median"):
        table.add_column(heading)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    known = {lab.number: lab.notebook for lab in labs() if lab.notebook is not None}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playing:
        browser = playing.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for number in wanted:
            table.add_row(*figures(number, known[number], browser, Path(folder)))
        browser.close()
    Console().print(table)


if __name__ == "__main__":
    main()
