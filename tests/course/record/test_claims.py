"""Numbers in free text: found with their units, held against what was kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.core.quantity import show
from navarch.course.instrument import Instrument
from navarch.course.record import Decision, Prediction, Record
from navarch.course.record.claims import ABSENT, PREDICTED, SUPPORTED, Claim, claims_of
from navarch.course.record.numbers import numbers_in


def found(text: str) -> list[tuple[str, float, str]]:
    return [(n.text, n.meanings[0].value, n.meanings[0].unit) for n in numbers_in(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("about 3.1 h on 16 GPUs", [("3.1 h", 11160.0, "s"), ("16 GPUs", 16.0, "1")]),
        ("44 % of the peak, or 44% of it", [("44 %", 0.44, "1"), ("44%", 0.44, "1")]),
        ("1,066 interruptions in 90-day runs.", [("1,066 interruptions", 1066.0, "1"), ("90-day", 7776000.0, "s")]),
        ("400 Gb/s, then 0.12 USD/kWh", [("400 Gb/s", 5e10, "byte/s"), ("0.12 USD/kWh", 0.12 / 3.6e6, "USD/J")]),
        ("3x faster; 2.5× slower; 4 times", [("3x", 3.0, "1"), ("2.5×", 2.5, "1"), ("4", 4.0, "1")]),
        ("3.8 × 10^25 FLOP or 3.8e25 FLOP", [("3.8 × 10^25 FLOP", 3.8e25, "FLOP"), ("3.8e25 FLOP", 3.8e25, "FLOP")]),
        ("12 t CO2e and 15.6T tokens", [("12 t CO2e", 12000.0, "kgCO2e"), ("15.6T tokens", 15.6e12, "1")]),
        ("TP=8 with 8k context", [("8", 8.0, "1"), ("8k", 8000.0, "1")]),
        ("GPT-3 on H100, lab 05, part 2, entry 7, 3D, 2nd, on 2026-03-01 at 14:05", []),
        ("at 25,000 GPUs", [("25,000 GPUs", 25000.0, "1")]),
    ],
)
def test_numbers_are_found_with_their_units(text: str, expected: list[tuple[str, float, str]]) -> None:
    assert found(text) == [(written, pytest.approx(value), unit) for written, value, unit in expected]


def test_a_number_with_two_meanings_has_both() -> None:
    (number,) = numbers_in("a model of 70B")
    assert {(m.value, m.unit) for m in number.meanings} == {(70.0, "byte"), (70e9, "1")}
    (number,) = numbers_in("989 TFLOPs")
    assert {m.unit for m in number.meanings} == {"FLOP", "FLOP/s"}


@given(
    st.floats(1e-9, 1e18),
    st.sampled_from(["s", "byte", "byte/s", "FLOP", "FLOP/s", "W", "USD", "kgCO2e", "USD/J", "token"]),
)
def test_what_show_writes_is_found_and_fits(value: float, unit: str) -> None:
    (number, *rest) = numbers_in(f"It is {show(value, unit)}, then.")
    assert not rest
    assert any(abs(m.value - value) <= m.half * 1.001 for m in number.meanings)


@given(st.text(alphabet="0123456789.,eEx×^%-–/ GTkBbs()hHO\n", max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for number in numbers_in(text):
        assert text[number.start : number.end] == number.text


@pytest.fixture
def told(record: Record, ring: Instrument):
    """The claims of a decision with one text, resting on two kept results (35 and 37.5 ms)."""
    record.commit("05", "A", Prediction(0.080, "s", 0.5, "80 ms"))
    one = record.keep("05", "A", ring(size=1e9, ranks=8))
    other = record.keep("05", "A", ring(size=1e9, ranks=16))
    record.keep("05", "B", ring(size=4e9, ranks=2))

    def claims(text: str) -> list[Claim]:
        told = Decision("go", (one.number, other.number), text, "bytes", "stay", "", "", 0.5)
        entry = record.decide("05", told)
        return claims_of(entry, record.log())

    return claims


@pytest.mark.parametrize(
    ("text", "mark", "where"),
    [
        ("35 ms", SUPPORTED, "entry 2, Time of the all-reduce: 35 ms"),
        ("0.035 s", SUPPORTED, "entry 2, Time of the all-reduce: 35 ms"),
        ("38 ms", SUPPORTED, "entry 3, Time of the all-reduce: 37.5 ms"),
        ("42 ms", SUPPORTED, "entry 2, Time of the all-reduce: 42 ms"),
        ("36.5 ms", ABSENT, ""),
        ("35 s", ABSENT, ""),
        ("35 GB", ABSENT, ""),
        ("1.75 GB", SUPPORTED, "entry 2, Bytes moved: 1.75 GB"),
        ("1 GB", SUPPORTED, "entry 2, input size"),
        ("16 GPUs", SUPPORTED, "entry 3, input ranks"),
        ("7.1 %", SUPPORTED, "relative change: Time of the all-reduce in entry 3 against entry 2"),
        ("2.5 ms", SUPPORTED, "difference: Time of the all-reduce between entry 2 and entry 3"),
        ("80 ms", SUPPORTED, "entry 4, Time of the all-reduce: 80 ms"),
        ("40 GB/s", ABSENT, ""),
    ],
)
def test_a_number_is_held_against_the_evidence(told, text: str, mark: str, where: str) -> None:
    (claim,) = told(f"The step takes {text}.")
    assert (claim.mark, claim.where) == (mark, where)
    assert claim.text == text and claim.field == "reasoning"


def test_a_prediction_is_told_from_evidence(record: Record, ring: Instrument) -> None:
    record.commit("05", "A", Prediction(0.080, "s", 0.5, "80 ms"))
    kept = record.keep("05", "A", ring(size=1e9, ranks=8))
    entry = record.decide("05", Decision("go", (kept.number,), "I expected 80 ms.", "", "", "", "", 0.5))
    (claim,) = claims_of(entry, record.log())
    assert (claim.mark, claim.where) == (PREDICTED, "entry 1, the prediction for part A")
