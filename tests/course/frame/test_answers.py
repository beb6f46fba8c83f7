"""What students type: read where it is an answer, met with one friendly sentence where it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.core.quantity import parse, show
from navarch.course.frame.answers import (
    CONFIDENCES,
    AnswerError,
    choice_of,
    confidence_of,
    limits,
    number_of,
    predicted_choice,
    predicted_number,
)

YEAR = 365 * 86400.0


@pytest.mark.parametrize(
    ("written", "unit", "value"),
    [("3 years", "s", 3 * YEAR), (" 16 GB ", "byte", 16e9), ("40 %", "fraction", 0.4), ("1,066", "1", 1066.0)],
)
def test_an_answer_is_read(written: str, unit: str, value: float) -> None:
    assert number_of(written, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("written", "unit", "says"),
    [
        ("", "s", "Write your number first, with its unit"),
        ("   ", "byte", "for example 80 GB"),
        ("16 s", "byte", "s is a unit of s, not of byte"),
        ("12", "s", "the unit is missing"),
        ("many", "byte", "no number at its beginning"),
        ("1,5 h", "s", "the comma is ambiguous"),
        ("-3 years", "s", "more than nothing"),
        ("0 s", "s", "more than nothing"),
        ("1e30 years", "s", "longer than the universe has existed"),
        ("nan s", "s", "not a finite number"),
        ("150 %", "fraction", "more than the whole"),
        ("9" * 200, "1", "at most 100 characters"),
        ("$5", "USD", "write the currency after the number"),
    ],
)
def test_what_is_no_answer_gets_one_sentence(written: str, unit: str, says: str) -> None:
    with pytest.raises(AnswerError, match=r".") as told:
        number_of(written, unit)
    assert says in str(told.value)
    assert "Traceback" not in str(told.value)
    assert len(str(told.value)) < 400


def test_the_librarys_own_bounds_are_asked_about() -> None:
    assert number_of("30 years", "s", (YEAR, 1e4 * YEAR)) == 30 * YEAR
    with pytest.raises(AnswerError, match="between 1 year and 10,000 years"):
        number_of("3 s", "s", (YEAR, 1e4 * YEAR))


@given(st.text(max_size=60), st.sampled_from(["s", "byte", "1", "fraction", "USD", "FLOP/s"]))
def test_anything_typed_is_an_answer_or_a_sentence(written: str, unit: str) -> None:
    try:
        value = number_of(written, unit)
    except AnswerError as error:
        told = str(error)
    else:
        assert value > 0
        return
    assert told.endswith((".", "?"))


@given(st.floats(1e-3, 1e12), st.sampled_from(["s", "byte", "W", "byte/s"]))
def test_what_the_page_shows_can_be_typed(value: float, unit: str) -> None:
    assert number_of(show(value, unit), unit) == pytest.approx(parse(show(value, unit), unit))


def test_how_sure_is_asked_for() -> None:
    assert [confidence_of(sure) for sure in CONFIDENCES] == [0.1, 0.25, 0.5, 0.75, 0.9, 0.99]
    for given_ in ("", None, "certain"):
        with pytest.raises(AnswerError, match="sure"):
            confidence_of(given_)


def test_a_choice_is_one_of_the_answers() -> None:
    choices = {"dp": "Data parallel", "tp": "Tensor parallel"}
    assert choice_of("tp", choices) == "tp"
    for given_ in ("", None):
        with pytest.raises(AnswerError, match="Choose one"):
            choice_of(given_, choices)
    with pytest.raises(AnswerError, match="'pp' is not one of the answers: Data parallel, Tensor parallel"):
        choice_of("pp", choices)


def test_a_prediction_keeps_what_was_written() -> None:
    predicted = predicted_number(" 16 GB ", "75 %", "byte")
    assert (predicted.value, predicted.unit, predicted.confidence, predicted.written) == (16e9, "byte", 0.75, "16 GB")
    chosen = predicted_choice("dp", "50 %", {"dp": "Data parallel"})
    assert (chosen.value, chosen.unit, chosen.written) == ("dp", "choice", "Data parallel")


def test_limits_are_read_with_their_units() -> None:
    assert limits()["s"].highest == pytest.approx(13.8e9 * YEAR)
    assert all(limit.told and limit.highest > 0 for limit in limits().values())
