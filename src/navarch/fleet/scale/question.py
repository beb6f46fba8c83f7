"""What may be asked about the scale of a run, and what is refused, in one message that names the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from navarch.core.quantity import QuantityError, show

DEFAULT_ACCELERATOR = "h100-sxm"
DEFAULT_LAW = "besiroglu2024"

WAYS: Mapping[str, tuple[str, ...]] = {
    "compute": ("compute",),
    "loss": ("loss",),
    "money": ("budget", "price"),
    "fleet": ("accelerators", "duration"),
    "run": ("parameters", "tokens"),
}
"""What fixes the compute of a run: exactly one of these is asked."""

UNITS: Mapping[str, str] = {
    "compute": "FLOP",
    "loss": "1",
    "budget": "USD",
    "price": "USD/s",
    "accelerators": "1",
    "duration": "s",
    "deadline": "s",
    "parameters": "parameter",
    "tokens": "token",
    "utilisation": "fraction",
    "availability": "fraction",
    "batch": "token",
    "sequence": "token",
    "unique_tokens": "token",
    "inference_tokens": "token",
    "serving_utilisation": "fraction",
}


class ScaleError(QuantityError):
    """A question about scale that cannot be answered as asked: names the field, its value and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question about the scale of a run, in SI; what is None is not asked, or taken from the catalog.

    What fixes the compute is exactly one of: compute [FLOP]; loss [nats a token]; budget [USD] at a price of one
    accelerator [USD/s, or the id of a price in the catalog]; a number of accelerators for a duration [s]; parameters on
    tokens. Beside it: deadline [s]: the smallest fleet that keeps it; unique_tokens: of the dataset, where data are
    short; inference_tokens: read and written over the model's life, served at serving_utilisation [fraction]; batch,
    sequence [token]; law: that answers, a parametric one of the catalog.
    """

    compute: float | None = None
    loss: float | None = None
    budget: float | None = None
    price: float | str | None = None
    accelerators: float | None = None
    duration: float | None = None
    parameters: float | None = None
    tokens: float | None = None
    deadline: float | None = None
    accelerator: str = DEFAULT_ACCELERATOR
    node: str | None = None
    precision: str = "bf16"
    law: str = DEFAULT_LAW
    utilisation: float | None = None
    availability: float | None = None
    batch: float | None = None
    sequence: float | None = None
    unique_tokens: float | None = None
    inference_tokens: float | None = None
    serving_utilisation: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in UNITS and value is not None and not isinstance(value, str):
                _check(field.name, value)
        _check_ways(self)
        if self.serving_utilisation is not None and self.inference_tokens is None:
            raise ScaleError(
                "serving_utilisation: says at what utilisation tokens are served; give inference_tokens too"
            )

    @property
    def way(self) -> str:
        """What fixes the compute: compute, loss, money, fleet or run."""
        return _ways(self)[0]

    def given(self, name: str) -> bool:
        """Whether a field is given."""
        return getattr(self, name) is not None


def _check(name: str, value: float) -> None:
    unit = UNITS[name]
    if not 0 < value < float("inf"):
        raise ScaleError(f"{name}: {value:g} is not allowed; it must be greater than 0")
    if unit == "fraction" and value > 1:
        raise ScaleError(f"{name}: {show(value, unit)} is not allowed; it must be at most 100 %")
    if unit == "1" and name == "accelerators" and value != int(value):
        raise ScaleError(f"accelerators: {value:g} is not allowed; it must be a whole number")


def _ways(question: Question) -> list[str]:
    """The ways in which the question fixes the compute. Accelerators alone, or a price alone, fix nothing."""
    leading = {"money": "budget", "fleet": "duration"}
    return [way for way, names in WAYS.items() if question.given(leading.get(way, names[0]))]


def _check_ways(question: Question) -> None:
    found = _ways(question)
    written = [" and ".join(names) for names in WAYS.values()]
    if not found:
        raise ScaleError(f"nothing fixes the compute of the run; give one of: {'; '.join(written)}")
    if len(found) > 1:
        both = " and ".join(WAYS[way][-1 if way == "fleet" else 0] for way in found)
        raise ScaleError(f"{both} each fix the compute of the run; give one of: {'; '.join(written)}")
    missing = [name for name in WAYS[found[0]] if not question.given(name)]
    if missing:
        given = next(name for name in WAYS[found[0]] if question.given(name))
        raise ScaleError(f"{given}: needs {missing[0]} too")
    if question.given("tokens") and found != ["run"]:
        raise ScaleError("tokens: go with parameters, to judge a run; leave them out, or give parameters too")
    if question.given("deadline") and question.given("accelerators"):
        raise ScaleError("deadline: asks for the smallest fleet; leave accelerators out")
    if question.given("deadline") and found == ["fleet"]:
        raise ScaleError("deadline: the duration fixes the compute already; leave one of the two out")
