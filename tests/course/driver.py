"""A lab in a real browser: what a student does, by the names on the page, what went wrong, and how long it took."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PATIENCE = 60.0
PAINTED = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))"
STILL = """still => new Promise(done => {
    let last = performance.now();
    const watching = new MutationObserver(() => { last = performance.now(); });
    watching.observe(document.documentElement, {childList: true, subtree: true, characterData: true});
    const look = () => performance.now() - last > still ? (watching.disconnect(), done()) : setTimeout(look, 50);
    look();
})"""
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SERVER = """
import faulthandler
import gc
import json
import signal
import sys
from pathlib import Path
from navarch.course.frame.server import free_port, serve
from navarch.course.frame.session import session

notebook, student, course, record = sys.argv[1:]

def look(signum, frame):
    from navarch.course.instrument import Answer, Shown
    alive = gc.get_objects()
    shown = [repr(each) for each in alive if isinstance(each, (Answer, Shown))]
    kernels = [each for each in alive if type(each).__name__ == "Kernel"]
    names = {name: repr(value)[:1000] for kernel in kernels for name, value in kernel.globals.items()}
    Path(record + ".part").write_text(json.dumps({"shown": shown, "globals": names}))
    Path(record + ".part").replace(record + ".state")

signal.signal(signal.SIGUSR1, look)
faulthandler.register(signal.SIGUSR2, all_threads=True)
serve(Path(notebook), session(student, course, Path(record)), free_port(None), lambda at: print(at, flush=True))
"""


@dataclass
class Serving:
    """A lab that is served. started: it answered after [s]; said: what it has printed, line by line."""

    process: subprocess.Popen[str]
    address: str
    started: float
    said: list[str]

    def stacks(self) -> str:
        """What it has printed, and where each of its threads is."""
        before = len(self.said)
        self.process.send_signal(signal.SIGUSR2)
        end = time.monotonic() + PATIENCE
        while len(self.said) == before and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(0.5)
        return "".join(self.said)

    def state(self, record: Path) -> dict[str, Any]:
        """What the kernel holds: every result of an instrument alive in the process, and the notebook's names."""
        told = Path(f"{record}.state")
        told.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + PATIENCE
        while not told.exists() and time.monotonic() < end:
            time.sleep(0.02)
        found: dict[str, Any] = json.loads(told.read_text("utf-8"))
        return found

    def kill(self) -> None:
        """End it as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(notebook: Path, record: Path, student: str = "ada", course: str = "test") -> Serving:
    """Serve a notebook; the process is the leader of its own group."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(notebook), student, course, str(record)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        if line.startswith("http"):
            threading.Thread(target=said.extend, args=(process.stdout,), daemon=True).start()
            return Serving(process, line.strip(), time.monotonic() - began, said)
        said.append(line)
    raise AssertionError(f"the lab was not served: code {process.wait()}\n{''.join(said)}")


@contextmanager
def served(notebook: Path, record: Path, student: str = "ada", course: str = "test") -> Iterator[Serving]:
    """Serve a notebook for as long as the block runs."""
    serving = start(notebook, record, student, course)
    try:
        yield serving
    except Exception as error:
        if serving.process.poll() is None:
            error.add_note(serving.stacks())
        raise
    finally:
        if serving.process.poll() is None:
            serving.kill()


@dataclass
class Driver:
    """A student at a page. errors: what the console said; frames: what the kernel sent;
    timings: how long things took, by name [s]."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    timings: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.on("console", lambda said: self._heard(said.type, said.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", self._failed)
        self.page.on("websocket", lambda socket: socket.on("framereceived", lambda got: self.frames.append(str(got))))

    def open(self) -> None:
        """Open the lab and wait until its masthead and its first prediction are drawn."""
        with self.timed("first render"):
            self.page.goto(self.address, wait_until="commit")
            self._drawn()

    def reload(self) -> None:
        """Reload the page."""
        with self.timed("reload"):
            self.page.reload(wait_until="commit")
            self._drawn()

    def part(self, title: str) -> Locator:
        """A part of the lab by (a piece of) its heading."""
        return self.page.locator(
            "section.nv-part", has=self.page.get_by_role("heading", name=re.compile(re.escape(title)))
        )

    def type_prediction(self, question: str, answer: str, sure: str) -> None:
        """Fill in a prediction, and commit it; whether it is taken is for the test to see."""
        form = self.part(question)
        form.get_by_role("radio").or_(form.get_by_label("Your prediction", exact=True)).first.wait_for()
        if form.get_by_role("radio").count():
            form.get_by_label(answer, exact=True).click()
        else:
            form.get_by_label("Your prediction", exact=True).fill(answer)
        if sure:
            form.get_by_label("How sure").select_option(sure)
        form.get_by_role("button", name="Commit prediction").click()

    def predict(self, question: str, answer: str, sure: str = "75 %") -> None:
        """Commit a prediction and wait for its receipt."""
        with self.timed("commit"):
            self.type_prediction(question, answer, sure)
            self.part(question).locator(".nv-receipt").wait_for()

    def refused(self, question: str) -> str:
        """The sentence that says why an answer was not taken."""
        said = self.part(question).get_by_role("alert").locator("p")
        said.wait_for()
        return said.inner_text()

    def move(self, label: str, key: str = "ArrowRight", watch: str = "dl.nv-readings") -> None:
        """Move a slider by a key, and wait until what hangs on it is drawn anew. watch: the elements that change."""
        thumb = self.page.get_by_role("slider", name=re.compile(re.escape(label)))
        thumb.focus()
        before = self._texts(watch)
        with self.timed("control"):
            self.page.keyboard.press(key)
            self._changed(watch, before)

    def choose(self, label: str, option: str, watch: str = "dl.nv-readings") -> None:
        """Choose from a list, and wait until what hangs on it is drawn anew."""
        before = self._texts(watch)
        with self.timed("control"):
            self.page.get_by_label(label, exact=True).select_option(label=option)
            self._changed(watch, before)

    def measure(self, title: str) -> None:
        """Measure and wait for the result."""
        part = self.part(title)
        with self.timed("measure"):
            part.get_by_role("button", name="Measure").click()
            part.locator(".nv-receipt").wait_for()

    def keep(self, index: int = 0) -> None:
        """Keep the n-th evidence that can be kept."""
        button = self.page.get_by_role("button", name="Keep as evidence").nth(index)
        kept = self.page.locator(".nv-kept").count()
        button.click()
        self.page.wait_for_function("n => document.querySelectorAll('.nv-kept').length > n", arg=kept)

    def submit(self, title: str) -> None:
        """Submit the design of a challenge and wait until it stands beside the best."""
        part = self.part(title)
        part.get_by_role("button", name="Submit this design").click()
        part.locator(".nv-standing .nv-receipt").wait_for()

    def write_decision(self, texts: dict[str, str], term: str, sure: str = "75 %", evidence: int = 1) -> None:
        """Write the decision, pick the first pieces of evidence, commit it."""
        form = self.part("Your decision")
        for box in form.get_by_role("checkbox").all()[:evidence]:
            if not box.is_checked():
                box.click()
        for label, text in texts.items():
            form.get_by_label(label, exact=True).fill(text)
        form.get_by_label("The term that decides").select_option(label=term)
        form.get_by_label("How sure are you of this decision?").select_option(sure)
        form.get_by_role("button", name="Commit decision").click()

    def decide(self, texts: dict[str, str], term: str, sure: str = "75 %", evidence: int = 1) -> None:
        """Commit the decision and wait for its receipt."""
        self.write_decision(texts, term, sure, evidence)
        self.part("Your decision").locator(".nv-standing .nv-receipt").wait_for()

    def export(self, form: str, folder: Path) -> Path:
        """Export the log as Markdown, PDF or JSON; gives the file that was downloaded."""
        with self.page.expect_download() as waiting:
            self.page.get_by_text(f"Export {form}").click()
        target = folder / waiting.value.suggested_filename
        waiting.value.save_as(target)
        return target

    def photograph(self, file: Path, dark: bool = False) -> None:
        """The whole page as a picture."""
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        width = (self.page.viewport_size or {"width": 1280})["width"]
        before = self.page.viewport_size
        height = self.page.evaluate("document.querySelector('#App').scrollHeight")
        self.page.set_viewport_size({"width": width, "height": int(height) + 40})
        self.page.evaluate("for (const e of document.querySelectorAll('*')) if (e.scrollTop) e.scrollTop = 0")
        self.page.evaluate(PAINTED)
        self.page.screenshot(path=file)
        if before is not None:
            self.page.set_viewport_size(before)

    def settle(self, still: float = 0.6) -> None:
        """Wait until the last part is there and nothing has changed on the page for a while [s]."""
        self.page.locator(".nv-log").wait_for()
        self.page.evaluate(STILL, still * 1000)

    def text(self) -> str:
        """All that the page holds, shadow trees and attributes too."""
        walk = """() => {
            const said = [];
            const visit = node => {
                if (node.nodeType === 3) said.push(node.textContent);
                if (node.attributes) for (const a of node.attributes) said.push(a.value);
                if (node.shadowRoot) node.shadowRoot.childNodes.forEach(visit);
                node.childNodes.forEach(visit);
            };
            visit(document.documentElement);
            return said.join('\\n');
        }"""
        return str(self.page.evaluate(walk))

    def violations(self) -> list[str]:
        """What axe-core finds serious or critical."""
        self.page.add_script_tag(path=str(AXE))
        found: list[dict[str, Any]] = self.page.evaluate("async () => (await axe.run()).violations")
        return [
            f"{each['impact']} {each['id']}: {each['nodes'][0]['html'][:200]}"
            for each in found
            if each["impact"] in ("serious", "critical")
        ]

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Note how long the block took."""
        began = time.perf_counter()
        yield
        self.timings.setdefault(name, []).append(time.perf_counter() - began)

    def _drawn(self) -> None:
        self.page.locator(".nv-masthead h1").wait_for()
        self.page.locator(".nv-prediction").first.wait_for()
        self.page.evaluate(PAINTED)

    def _texts(self, watch: str) -> str:
        return str(
            self.page.evaluate("s => [...document.querySelectorAll(s)].map(e => e.textContent).join('|')", watch)
        )

    def _changed(self, watch: str, before: str) -> None:
        anew = "([s, b]) => [...document.querySelectorAll(s)].map(e => e.textContent).join('|') !== b"
        self.page.wait_for_function(anew, arg=[watch, before], polling="raf")
        self.page.evaluate(PAINTED)

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    def _failed(self, request: Any) -> None:
        if "ERR_ABORTED" not in str(request.failure):
            self.errors.append(f"{request.url}: {request.failure}")


def driver_of(browser: Browser, address: str, dark: bool = False, width: int = 1280) -> Driver:
    """A student with a browser window of their own."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", accept_downloads=True
    )
    return Driver(context.new_page(), address)
