"""Which unit a person would write a quantity in: a ladder of display units for every SI unit."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from navarch.core.units import DAY, HOUR, MINUTE, MONTH, SI, YEAR

KWH = 3.6e6


class Step(NamedTuple):
    """One display unit: used from `threshold` [SI] upwards, worth `scale` [SI]."""

    threshold: float
    scale: float
    label: str
    singular: str


def _step(scale: float, label: str, singular: str = "", threshold: float | None = None) -> Step:
    return Step(scale if threshold is None else threshold, scale, label, singular or label)


def _prefixed(prefixes: str, symbol: str) -> tuple[Step, ...]:
    """Steps of an SI unit; a space among the prefixes is the unit itself."""
    exponents = {" ": 0} | {prefix: exponent for prefix, (exponent, _) in SI.items()}
    return tuple(_step(10.0 ** exponents[prefix], (prefix + symbol).strip()) for prefix in prefixes)


def _counted(noun: str, over: str = "") -> tuple[Step, ...]:
    return (
        _step(1.0, f"{noun}s{over}", f"{noun}{over}"),
        _step(1e6, f"M {noun}s{over}"),
        _step(1e9, f"B {noun}s{over}"),
        _step(1e12, f"T {noun}s{over}"),
    )


def _rates(noun: str, per: str) -> tuple[Step, ...]:
    """Occurrences a year, day, hour or second: the longest period in which a tenth happens or more."""
    periods = (("year", YEAR), ("day", DAY), ("hour", HOUR), ("s" if noun else "second", 1))
    steps = [
        _step(1.0 / seconds, f"{noun and noun + 's'}{per}{period}", f"{noun}{per}{period}", 0.1 / seconds)
        for period, seconds in periods
    ]
    last = steps[-1].label
    steps += [_step(1e6, f"million {last}"), _step(1e9, f"billion {last}")]
    return tuple(steps)


_DATA = " kMGTPEZ"
_CO2 = (
    _step(1e-3, "g CO2e"),
    _step(1.0, "kg CO2e"),
    _step(1e3, "t CO2e"),
    _step(1e6, "kt CO2e"),
    _step(1e9, "Mt CO2e"),
)
_USD = (_step(1.0, "USD"), _step(1e6, "M USD"), _step(1e9, "B USD"), _step(1e12, "T USD"))
_BYTES = (_step(1.0, "bytes", "byte"), *_prefixed(_DATA[1:], "B"))

# What stands before a "/" in a quotient that has no ladder of its own.
NUMERATORS: dict[str, tuple[Step, ...]] = {
    "s": _prefixed("nµm ", "s"),
    "byte": _BYTES,
    "FLOP": _prefixed(" kMGTPE", "FLOP"),
    "J": _prefixed("pnµm kMG", "J"),
    "W": _prefixed("µm kMG", "W"),
    "USD": _USD,
    "kgCO2e": _CO2,
    "L": _prefixed("µm ", "L"),
    "token": _counted("token"),
    "request": _counted("request"),
}

LADDERS: dict[str, tuple[Step, ...]] = {
    "s": (
        *_prefixed("nµm ", "s"),
        _step(MINUTE, "min", threshold=2 * MINUTE),
        _step(HOUR, "h", threshold=2 * HOUR),
        _step(DAY, "days", "day", threshold=2 * DAY),
        _step(YEAR, "years", "year"),
    ),
    "byte": _BYTES,
    "byte/s": _prefixed(_DATA, "B/s"),
    "FLOP": (*NUMERATORS["FLOP"], _step(1.0, "FLOP", threshold=1e21)),
    "FLOP/s": _prefixed(_DATA, "FLOP/s"),
    "W": NUMERATORS["W"],
    "J": (
        *_prefixed("pnµm k", "J"),
        *(_step(scale * KWH, label) for scale, label in ((1, "kWh"), (1e3, "MWh"), (1e6, "GWh"), (1e9, "TWh"))),
    ),
    "USD": _USD,
    "kgCO2e": _CO2,
    "1": (
        _step(1.0, ""),
        _step(1e6, "million", threshold=1e7),
        _step(1e9, "billion"),
        _step(1e12, "trillion"),
        _step(1.0, "", threshold=1e15),
    ),
    "fraction": (_step(1e-2, "%"),),
    "token": _counted("token"),
    "token/s": _counted("token", "/s"),
    "request": _counted("request"),
    "request/s": _rates("request", "/"),
    "parameter": _counted("parameter"),
    "m": _prefixed("nµm k", "m"),
    "L": (_step(1e-3, "mL"), _step(1.0, "L"), _step(1e3, "m3"), _step(1e9, "million m3")),
    "L/J": (_step(1.0 / KWH, "L/kWh"),),
    "kgCO2e/J": (_step(1e-3 / KWH, "g CO2e/kWh"),),
    "USD/J": (_step(1.0 / KWH, "USD/kWh"),),
    "USD/kgCO2e": (_step(1e-3, "USD/t CO2e"),),
    "USD/s": (
        _step(1.0 / HOUR, "USD/h"),
        _step(1.0 / YEAR, "USD/year", threshold=1e3 / HOUR),
        *(_step(scale / YEAR, f"{letter} USD/year") for scale, letter in ((1e6, "M"), (1e9, "B"))),
    ),
    "USD/byte": (_step(1e-12, "USD/TB"), _step(1e-9, "USD/GB")),
    "USD/(byte*s)": (_step(1e-9 / float(MONTH), "USD/GB/month"),),
    "USD/token": (_step(1e-6, "USD/million tokens"),),
    "USD/request": (
        _step(1e-6, "USD/million requests"),
        _step(1e-3, "USD/thousand requests"),
        _step(1.0, "USD/request"),
    ),
    "1/s": _rates("", "per "),
    "FLOP/byte": (_step(1.0, "FLOP/byte"),),
    "m^2": (_step(1.0, "m2"),),
}


@cache
def ladder(unit: str) -> tuple[Step, ...]:
    """The display units of an SI unit, smallest first; the unit itself where no better is known."""
    known = LADDERS.get(unit)
    if known is not None:
        return known
    numerator, slash, denominator = unit.partition("/")
    if slash and numerator in NUMERATORS:
        return tuple(
            Step(step.threshold, step.scale, f"{step.label}/{denominator}", f"{step.singular}/{denominator}")
            for step in NUMERATORS[numerator]
        )
    return (_step(1.0, unit),)
