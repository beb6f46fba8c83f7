"""The four keys of a variant, computed by the library, and whether each is the surprise that it must be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from navarch.core.arithmetic import ratio
from navarch.core.equation import off_the_ledger
from navarch.core.quantity import parse
from navarch.course.instrument import Instrument, Shown
from navarch.course.scale_wall import failures, loss, more, wall
from navarch.course.scale_wall.variant import Training, Variant, menu

PARTS = ("years", "interruptions", "sixteen", "loss")
_READ = {"years": "alone", "interruptions": "interruptions", "sixteen": "speedup", "loss": "gain"}


@cache
def _answered(asked: Instrument, inputs: tuple[tuple[str, object], ...]) -> Shown:
    return asked(**dict(inputs))


def answers(variant: Variant) -> Mapping[str, Shown]:
    """What the instruments of the four predictions show for a variant."""
    asked: Mapping[str, tuple[Instrument, Mapping[str, object]]] = {
        "years": (wall.one_accelerator, wall_inputs(variant)),
        "interruptions": (failures.interruptions, failure_inputs(variant)),
        "sixteen": (more.more_accelerators, more_inputs(variant.training)),
        "loss": (loss.loss_of_money, {"money": variant.money, "price": variant.price}),
    }
    return {part: _answered(used, tuple(sorted(inputs.items()))) for part, (used, inputs) in asked.items()}


def wall_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the first instrument."""
    return {"run": variant.run, "accelerator": variant.accelerator, "deadline": variant.deadline}


def failure_inputs(variant: Variant) -> dict[str, object]:
    """Inputs of the second instrument."""
    return {"accelerators": variant.fleet, "period": variant.period, "record": str(menu()["record"])}


def more_inputs(training: Training) -> dict[str, object]:
    """Inputs of the third instrument."""
    return {name: getattr(training, name) for name in Training.__dataclass_fields__}


def keys(variant: Variant) -> dict[str, float]:
    """The right answers of a variant, SI."""
    shown = answers(variant)
    return {part: float(shown[part][_READ[part]].value) for part in PARTS}


def surprises(variant: Variant) -> dict[str, bool]:
    """Which parts of a variant hold what the lab must make felt.

    years: no one waits for one accelerator, and the deadline forces a fleet; interruptions: the fleet is never quiet
    for a day; sixteen: most of the 16 times is lost; loss: money buys less and less.
    """
    limits = menu()["surprise"]
    shown = answers(variant)
    years, broken, sixteen, bought = (shown[part] for part in PARTS)
    earlier = _answered(loss.before, (("money", variant.money), ("price", variant.price)))
    with off_the_ledger():
        flattening = float(ratio(_number(bought, "gain"), _number(earlier, "gain")))
    return {
        "years": _number(years, "alone") >= parse(limits["alone"], "s")
        and _number(years, "fleet") >= float(limits["fleet"]),
        "interruptions": _number(broken, "between") <= parse(limits["quiet"], "s")
        and _number(broken, "quiet_day") <= float(limits["quiet_day"]),
        "sixteen": _number(sixteen, "efficiency") <= float(limits["efficiency"]),
        "loss": flattening <= float(limits["flattening"]),
    }


def _number(shown: Shown, key: str) -> float:
    return float(shown[key].value)
