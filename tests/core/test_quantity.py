"""Quantities at the border: read exactly, refused when unclear, written as people write, read back as written."""

from __future__ import annotations

import math
from contextlib import suppress
from functools import cache

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.core.quantity import EXAMPLES, QuantityError, factor, mantissa_exponent, parse, parts, show
from navarch.core.units import CANONICAL, table

READ = [
    ("400 Gb/s", "byte/s", 50e9),
    ("400 Gbps", "byte/s", 50e9),
    ("400 Gbit/s", "byte/s", 50e9),
    ("50 GB/s", "byte/s", 50e9),
    ("80 GB", "byte", 80e9),
    ("80 GiB", "byte", 80 * 2**30),
    ("80GiB", "byte", 80 * 2**30),
    ("8 Gibit", "byte", 2**30),
    ("3 years", "s", 3 * 365 * 86400),
    ("1 month", "s", 730 * 3600),
    ("800 ms", "s", 0.8),
    ("2 us", "s", 2e-6),
    ("2 µs", "s", 2e-6),
    ("5 min", "s", 300),
    ("0.12 USD/kWh", "USD/J", 0.12 / 3.6e6),
    ("0.12 USD per kWh", "USD/J", 0.12 / 3.6e6),
    ("15.6T tokens", "token", 15.6e12),
    ("15.6 T tokens", "token", 15.6e12),
    ("15.6 trillion tokens", "token", 15.6e12),
    ("15.6T", "token", 15.6e12),
    (15.6e12, "token", 15.6e12),
    ("405B parameters", "parameter", 405e9),
    ("405B", "parameter", 405e9),
    ("1e9 requests/day", "request/s", 1e9 / 86400),
    ("2048 sequences", "1", 2048),
    ("2048 sequences", "sequence", 2048),
    (2048, "1", 2048),
    ("16,384", "1", 16384),
    ("1,234,567.5 USD", "USD", 1234567.5),
    ("30 MW", "W", 30e6),
    ("30 mW", "W", 0.03),
    ("430 gCO2e/kWh", "kgCO2e/J", 0.430 / 3.6e6),
    ("430 g CO2e / kWh", "kgCO2e/J", 0.430 / 3.6e6),
    ("12 kt CO2e", "kgCO2e", 12e6),
    ("12 tonnes CO2e", "kgCO2e", 12e3),
    ("25 degC", "degC", 25),
    ("-5 °C", "degC", -5),
    ("0.5 degC/W", "K/W", 0.5),
    ("1.8 L/kWh", "L/J", 1.8 / 3.6e6),
    ("3 m3", "L", 3000),
    ("0.023 USD/GB/month", "USD/(byte*s)", 0.023 / 1e9 / (730 * 3600)),
    ("0.023 USD/(GB*month)", "USD/(byte*s)", 0.023 / 1e9 / (730 * 3600)),
    ("3.8e25 FLOP", "FLOP", 3.8e25),
    ("3.8E+25 FLOP", "FLOP", 3.8e25),
    ("989 TFLOP/s", "FLOP/s", 989e12),
    ("989 TFLOPS", "FLOP/s", 989e12),
    ("400 TFLOP/s/GPU", "FLOP/s", 400e12),
    ("2000 TOPS", "FLOP/s", 2e15),
    ("99.95 %", "fraction", 0.9995),
    ("99.95%", "fraction", 0.9995),
    (0.25, "fraction", 0.25),
    ("12.29 USD per accelerator-hour", "USD/s", 12.29 / 3600),
    ("2.5 USD/million tokens", "USD/token", 2.5e-6),
    ("1.5 million USD", "USD", 1.5e6),
    ("1.42 B USD", "USD", 1.42e9),
    ("10 USD/W", "USD/W", 10),
    ("6.5 failures/day", "1/s", 6.5 / 86400),
    ("3 per day", "1/s", 3 / 86400),
    ("1/s", "1/s", 1),
    ("1.98 GHz", "1/s", 1.98e9),
    ("100 pJ/bit", "J/byte", 800e-12),
    ("1 PFLOP/s*day", "FLOP", 86400e15),
    ("3 gallon", "L", 3 * 3.785411784),
    ("-3 GB", "byte", -3e9),
]


@pytest.mark.parametrize(("text", "unit", "value"), READ, ids=[f"{text}|{unit}" for text, unit, _ in READ])
def test_reads(text: object, unit: str, value: float) -> None:
    assert parse(text, unit) == pytest.approx(value, rel=1e-15)


REFUSED = [
    ("400 gb/s", "byte/s", "gigabit (Gb) or gigabyte (GB)?"),
    ("80 G", "byte", "prefix without a unit"),
    ("80 gb", "byte", "gigabit (Gb) or gigabyte (GB)?"),
    ("80 mb", "byte", "megabit (Mb) or megabyte (MB)?"),
    ("80 KB", "byte", "kB (1,000 bytes) or KiB (1,024 bytes)?"),
    ("80 kb", "byte", "kbit"),
    ("5 m", "s", "m is metre"),
    ("3 M", "s", "prefix without a unit"),
    ("3 M", "USD", "prefix without a unit"),
    ("3 TFLOPs", "FLOP/s", "TFLOP/s"),
    ("3 TFLOPs", "FLOP", "TFLOP/s"),
    ("3 FLOPS", "FLOP", "not of FLOP"),
    ("5 mw", "W", "milliwatt (mW) or megawatt (MW)?"),
    ("5 kw", "W", "kilowatt (kW)"),
    (5, "s", "no unit"),
    ("5", "byte", "unit is missing"),
    ("1_000", "1", "separators"),
    ("1 000", "1", "separators"),
    ("1,5", "1", "comma is ambiguous"),
    ("12,34", "1", "comma is ambiguous"),
    ("1,000,00", "1", "comma is ambiguous"),
    ("nan", "1", "not a finite number"),
    ("-inf s", "s", "not a finite number"),
    (math.nan, "1", "not a finite number"),
    (math.inf, "token", "not a finite number"),
    (10**400, "1", "out of range"),
    ("1e999999999999", "1", "out of range"),
    ("1e-9999999 s", "s", "out of range"),
    (True, "1", "not a quantity"),
    (None, "1", "not a quantity"),
    ([1], "1", "not a quantity"),
    ("$5", "USD", "after the number"),
    ("5 EUR", "USD", "only currency is USD"),
    ("5 kg CO2", "kgCO2e", "write kg CO2e"),
    ("25 C", "degC", "write degC"),
    ("300 K", "degC", "temperature"),
    ("25 degC", "K", "temperature"),
    ("3 years 2 months", "s", "cannot read"),
    ("4-5 GB", "byte", "cannot read"),
    ("5 GB/", "byte", "a unit is missing"),
    ("5 (GB", "byte", "closing parenthesis"),
    ("5 GB)", "byte", "cannot read"),
    ("5 GB^99", "byte", "out of range"),
    ("5 furlongs_per_jiffy", "s", "not a known unit"),
    ("5 decades", "s", "write it in years"),
    ("9" * 101, "1", "at most 100 characters"),
    ("", "s", "no number"),
    ("fast", "s", "no number"),
    ("5 USD/kWh", "USD", "not of USD"),
    ("5 %", "s", "not of s"),
    ("5 <b>GB</b>", "byte", "cannot read"),
    ("٣ GB", "byte", "no number"),
]


@pytest.mark.parametrize(("text", "unit", "reason"), REFUSED, ids=[f"{str(text)[:20]}|{u}" for text, u, _ in REFUSED])
def test_refuses_with_the_reason_and_what_is_allowed(text: object, unit: str, reason: str) -> None:
    with pytest.raises(QuantityError) as refusal:
        parse(text, unit)
    assert reason in str(refusal.value)
    assert f"Allowed: a quantity in {unit}" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("unit", sorted(EXAMPLES))
def test_the_examples_that_messages_give_are_read(unit: str) -> None:
    for example in EXAMPLES[unit].split(", "):
        assert math.isfinite(parse(example, unit))


WRITTEN = [
    (50e9, "byte/s", "50 GB/s"),
    (0.41, "fraction", "41 %"),
    (0.9995, "fraction", "99.95 %"),
    (1.2, "fraction", "120 %"),
    (11128, "s", "3.09 h"),
    (86400, "s", "24 h"),
    (365 * 86400, "s", "1 year"),
    (54 * 86400, "s", "54 days"),
    (35.07e-3, "s", "35.1 ms"),
    (5e-6, "s", "5 µs"),
    (0, "s", "0 s"),
    (3.8e25, "FLOP", "3.80e25 FLOP"),
    (989e12, "FLOP/s", "989 TFLOP/s"),
    (49.4e6, "USD", "49.4 M USD"),
    (1.42e9, "USD", "1.42 B USD"),
    (250000, "USD", "250,000 USD"),
    (11.9e6, "kgCO2e", "11.9 kt CO2e"),
    (3.2e6, "L", "3,200 m3"),
    (0.12 / 3.6e6, "USD/J", "0.12 USD/kWh"),
    (0.430 / 3.6e6, "kgCO2e/J", "430 g CO2e/kWh"),
    (12.29 / 3600, "USD/s", "12.3 USD/h"),
    (16384, "1", "16,384"),
    (1066.2, "1", "1,066"),
    (1.07, "1", "1.07"),
    (1.5e-5, "1", "1.50e-5"),
    (0.324 / 3600, "1/s", "0.324 per hour"),
    (15.6e12, "token", "15.6 T tokens"),
    (405e9, "parameter", "405 B parameters"),
    (1e9 / 86400, "request/s", "11,574 requests/s"),
    (4718592, "byte/token", "4.72 MB/token"),
    (0.025, "s/token", "25 ms/token"),
    (999.6e9, "byte", "1.00 TB"),
    (30e6, "W", "30 MW"),
    (-3e9, "byte", "-3 GB"),
    (math.inf, "s", "unlimited"),
    (5.0, "rad", "5 rad"),
]


@pytest.mark.parametrize(("value", "unit", "text"), WRITTEN, ids=[text for *_, text in WRITTEN])
def test_writes(value: float, unit: str, text: str) -> None:
    assert show(value, unit) == text


def test_parts_and_powers() -> None:
    assert parts(11128, "s") == ("3.09", "h")
    assert parts(3.8e25, "FLOP") == ("3.80e25", "FLOP")
    assert mantissa_exponent("3.80e25") == ("3.80", 25)
    assert mantissa_exponent("1.50e-5") == ("1.50", -5)
    assert mantissa_exponent("3.80") is None


def test_factors_for_the_catalog() -> None:
    assert factor("GB/s") == (1e9, "byte/s")
    assert factor("gCO2e/kWh") == (pytest.approx(1e-3 / 3.6e6), "kgCO2e/J")
    assert factor("%") == (0.01, "fraction")
    assert factor("1") == (1.0, "1")
    assert factor("L/kWh") == (pytest.approx(1 / 3.6e6), "L/J")
    assert factor("USD/accelerator-hour") == (pytest.approx(1 / 3600), "USD/s")
    with pytest.raises(QuantityError, match="gigabit"):
        factor("gb/s")


SHOWN = (*CANONICAL, "fraction", "1")
MAGNITUDES = st.floats(min_value=-14, max_value=28).map(lambda exponent: 10.0**exponent)


@given(value=MAGNITUDES, sign=st.sampled_from((1, -1)), unit=st.sampled_from(SHOWN), digits=st.integers(2, 6))
def test_what_is_shown_is_read_back(value: float, sign: int, unit: str, digits: int) -> None:
    rounding = 0.5001 * 10.0 ** (1 - digits)
    assert parse(show(sign * value, unit, digits), unit) == pytest.approx(sign * value, rel=rounding)


@cache
def _pint() -> pint.UnitRegistry:
    return pint.UnitRegistry()


@cache
def _known_to_both() -> list[str]:
    """Names that pint knows with our meaning: its month and year follow the Julian calendar, its b is the barn."""
    ours_alone = {"month", "months", "year", "years", "yr"}
    names = []
    for name, unit in table().items():
        bases = {base for base, _ in unit.dimensions}
        is_physical = bool(bases) and bases <= {"s", "J", "m", "kg", "K", "byte"}
        if is_physical and name not in ours_alone and "bit" not in unit.words and name.isascii() and name in _pint():
            names.append(name)
    return names


def test_pint_knows_most_of_the_physical_units() -> None:
    assert len(_known_to_both()) > 80


@given(data=st.data(), number=st.floats(min_value=1e-6, max_value=1e9), operator=st.sampled_from("/*"))
def test_agrees_with_pint(data: st.DataObject, number: float, operator: str) -> None:
    left, right = data.draw(st.sampled_from(_known_to_both())), data.draw(st.sampled_from(_known_to_both()))
    unit = f"{left}{operator}{right}"
    ours, canonical = factor(unit)
    by_pint = _pint_base(number, unit) / _pint_base(1.0, canonical)
    assert parse(f"{number!r} {unit}", canonical) == pytest.approx(by_pint, rel=1e-12)
    assert number * ours == pytest.approx(by_pint, rel=1e-12)


def _pint_base(number: float, unit: str) -> float:
    return _pint().Quantity(number, unit).to_base_units().magnitude


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(QuantityError):
        assert math.isfinite(parse(text, "byte/s"))
