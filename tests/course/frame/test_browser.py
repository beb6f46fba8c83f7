"""A lab in a real Chromium: the lock, the whole way through, reload in the middle, the look, the time it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from navarch.course.record import Record
from navarch.course.record.verify import verify
from navarch.course.variant import Student

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MEMORY = "How much memory do the weights"
STRATEGY = "Which buys less memory"
RATE = "How fast does this machine copy memory?"
FLEET = "Hold the largest model"
ANSWER = "8 GB"
TEXTS = {
    "Recommendation": "Buy two accelerators of 180 GB.",
    "Causal reasoning": "Memory capacity decides: the weights of 70 GB must be held, 123 GB would not.",
    "Rejected alternative": "Many small accelerators.",
    "Rejected by how much": "They need more memory.",
    "Trigger to revisit": "A larger accelerator.",
}
MOVES = ["ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft"]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "ada.navlog"


@pytest.fixture
def serving(driving: Any, notebook: Path, record: Path) -> Iterator[Any]:
    with driving.served(notebook, record) as running:
        yield running


@pytest.fixture
def student(driving: Any, chromium: Any, serving: Any) -> Any:
    driver = driving.driver_of(chromium, serving.address)
    driver.open()
    return driver


def test_the_lock_holds(student: Any, serving: Any, record: Path) -> None:
    student.settle()
    before = serving.state(record)
    assert before["shown"] == []
    assert "memory" in before["globals"]
    assert not {"shown", "knobs", "strategy", "rate"} & set(before["globals"])
    for told in (student.text(), "\n".join(student.frames)):
        assert "smallest of these models" in told
        assert ANSWER not in told
        assert "8000000000" not in told
        assert "Weights against what" not in told

    sent: list[Any] = []
    student.page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    student.predict(MEMORY, "16 GB")
    student.page.locator("figure.nv-figure svg").wait_for()
    assert ANSWER in student.text().replace("\u00a0", " ")
    assert serving.state(record)["shown"] != []

    committed = Record.open(record, Student("ada", "test")).prediction("00", "memory")
    assert committed is not None
    assert student.part(MEMORY).get_by_role("textbox").count() == 0
    assert student.part(MEMORY).get_by_role("button").count() == 0
    for request in sent:
        answered = student.page.request.fetch(
            request.url, method="POST", headers=request.headers, data=(request.post_data or "").replace("16 GB", "8 GB")
        )
        assert answered.status < 500
    student.reload()
    student.settle()
    assert "16 GB" in student.part(MEMORY).inner_text()
    found = Record.open(record, Student("ada", "test")).entries(kind="prediction", part="memory")
    assert found == [committed]
    assert student.errors == []


def test_what_is_no_answer_is_met_with_a_sentence(student: Any, record: Path) -> None:
    for answer, sure, says in (
        ("", "75 %", "Write your number first"),
        ("16 s", "75 %", "s is a unit of s, not of byte"),
        ("1e60 GB", "75 %", "more than all the data"),
        ("16 GB", "", "Say how sure you are"),
    ):
        if not sure:
            student.page.reload()
        student.type_prediction(MEMORY, answer, sure)
        student.part(MEMORY).get_by_role("alert").get_by_text(says).wait_for()
        assert student.part(MEMORY).get_by_label("Your prediction").input_value() == answer
    assert Record.open(record, Student("ada", "test")).entries() == []
    assert student.errors == []


def test_a_student_goes_through_the_lab(student: Any, record: Path, tmp_path: Path, driving: Any) -> None:
    student.predict(MEMORY, "16 GB")
    for key in MOVES:
        student.move("Bytes a parameter", key)
    student.choose("Model", "Llama 3 70B")
    student.keep()
    student.predict(STRATEGY, "Few large ones")
    student.reload()
    student.settle()
    assert "Few large ones" in student.part(STRATEGY).inner_text()
    student.measure(RATE)
    assert "Measured here on" in student.part(RATE).inner_text()
    student.part(FLEET).get_by_role("button", name="Submit this design").click()
    student.part(FLEET).get_by_text("stands on red").wait_for()
    student.move("Accelerators", "End", watch=".nv-score")
    student.submit(FLEET)
    assert "of the best" in student.part(FLEET).inner_text()
    student.write_decision({**TEXTS, "Trigger to revisit": ""}, "memory capacity")
    student.part("Your decision").get_by_text("Trigger to revisit is still empty.").wait_for()
    student.part("Your decision").get_by_text("123 GB").first.wait_for()
    assert "not in your evidence" in student.part("Your decision").inner_text()
    student.decide(TEXTS, "memory capacity", evidence=2)
    exported = {form: student.export(form, tmp_path) for form in ("Markdown", "PDF", "JSON")}
    assert "Buy two accelerators" in exported["Markdown"].read_text("utf-8").replace("*", "")
    assert exported["PDF"].read_bytes().startswith(b"%PDF")
    assert verify(exported["JSON"]).ok
    kinds = [entry["kind"] for entry in json.loads(exported["JSON"].read_text("utf-8"))["entries"]]
    assert kinds == ["prediction", "reveal", "evidence", "prediction", "measurement", "submission", "decision"]
    student.photograph(tmp_path / "light.png")
    student.photograph(tmp_path / "dark.png", dark=True)
    assert (tmp_path / "light.png").read_bytes() != (tmp_path / "dark.png").read_bytes()
    assert student.errors == []


def test_a_measurement_is_cancelled_in_the_page(student: Any, record: Path) -> None:
    student.predict(MEMORY, "16 GB")
    student.predict(STRATEGY, "Few large ones")
    part = student.part(RATE)
    part.get_by_role("button", name="Measure").click()
    part.get_by_role("button", name="Cancel").click()
    part.get_by_text("was cancelled").wait_for()
    assert Record.open(record, Student("ada", "test")).entries(kind="measurement") == []
    assert student.errors == []


def test_axe_finds_nothing_serious(student: Any, driving: Any) -> None:
    if not driving.AXE.exists():
        pytest.skip("axe-core is not installed (npm install in tests/course)")
    student.settle()
    assert student.violations() == []
    student.predict(MEMORY, "16 GB")
    student.predict(STRATEGY, "Few large ones")
    student.measure(RATE)
    student.settle()
    assert student.violations() == []
    student.page.goto(f"{student.address}?theme=dark")
    student.settle()
    assert student.page.evaluate("document.body.classList.contains('dark')")
    assert student.violations() == []


def test_the_keyboard_alone_is_enough(student: Any) -> None:
    press = student.page.keyboard.press
    student.part(MEMORY).get_by_label("Your prediction").focus()
    student.page.keyboard.type("16 GB")
    press("Tab")
    student.page.keyboard.type("75")
    press("Tab")
    press("Enter")
    student.part(MEMORY).locator(".nv-receipt").wait_for()
    thumb = student.page.get_by_role("slider", name="Bytes a parameter")
    thumb.focus()
    press("ArrowRight")
    student.page.wait_for_function(
        "() => { const find = root => { for (const e of root.querySelectorAll('*')) {"
        " if (e.getAttribute('role') === 'slider') return e;"
        " const inner = e.shadowRoot && find(e.shadowRoot); if (inner) return inner; } return null; };"
        " return find(document)?.getAttribute('aria-valuetext') === '2'; }"
    )


def test_a_printed_lab_is_whole_and_light(driving: Any, chromium: Any, serving: Any, tmp_path: Path) -> None:
    driver = driving.driver_of(chromium, serving.address, dark=True)
    driver.open()
    driver.predict(MEMORY, "16 GB")
    driver.settle()
    driver.page.emulate_media(media="print", color_scheme="dark")
    driver.page.evaluate(driving.PAINTED)
    assert driver.page.evaluate("getComputedStyle(document.querySelector('.nv-part')).backgroundColor") in (
        "rgb(255, 255, 255)",
        "rgba(0, 0, 0, 0)",
    )
    assert driver.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not driver.page.get_by_role("button", name="Keep as evidence").is_visible()
    height = driver.page.evaluate("document.querySelector('.nv-log').getBoundingClientRect().bottom")
    assert driver.page.evaluate("document.documentElement.scrollHeight") >= height
    pages = driver.page.pdf().count(b"/Type /Page\n") + driver.page.pdf().count(b"/Type /Page ")
    assert pages >= 2


def test_other_pages_are_refused(serving: Any, student: Any) -> None:
    answer = student.page.request.get(serving.address, headers={"Origin": "http://elsewhere.example"})
    assert answer.status == 403
    assert student.page.request.get(serving.address).status == 200
