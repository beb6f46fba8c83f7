"""The loss that money buys, with the interval of the law's constants, which were fitted together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from navarch.core.arithmetic import difference, product_of, ratio
from navarch.core.ledger import Ledger, Value
from navarch.course.desk import reading, shelf, titled, with_intervals
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, instrument
from navarch.course.scale_wall.variant import menu
from navarch.course.scale_wall.wall import PRECISION
from navarch.fleet.scale import estimate
from navarch.fleet.scale.optimum import parametric
from navarch.fleet.scale.question import DEFAULT_LAW

FACTORS = tuple(10 ** (power / 3) for power in range(-12, 7))
"""Multiples of the money along the figure's curve."""
BEFORE = (1e-4, 1e-3)
"""Shares of the money whose losses are told before the prediction."""
TEN = 10.0
TITLES = {
    "loss": "Loss that the money buys", "compute": "Compute that the money buys", "parameters": "Its best model",
    "tokens": "Its best tokens", "loss_ten": "Loss with ten times the money",
}  # fmt: skip


def offers() -> dict[str, str]:
    """Prices that may be asked about, with their names."""
    return {told["price"]: shelf().fact("price", told["price"]).title for told in menu()["rented"]}


def accelerator_at(price: str) -> str:
    """The accelerator of an offer."""
    return next(str(told["accelerator"]) for told in menu()["rented"] if told["price"] == price)


def sums() -> list[float]:
    """Money of the slider [USD]."""
    return [1e5, 3e5, 1e6, 3e6, 1e7, 2e7, 4e7, 6e7, 1e8, 1.5e8, 2.5e8, 5e8, 1e9, 3e9, 1e10]


@dataclass(frozen=True, slots=True)
class _Bought:
    """What money buys: compute, the compute-optimal model and tokens, and their loss."""

    money: Value
    compute: Value
    parameters: Value
    tokens: Value
    loss: Value


class _Desk:
    """What money buys at one price."""

    def __init__(self, ledger: Ledger, money: float, price: str) -> None:
        catalog = shelf()
        self.ledger = ledger
        self.money = ledger.field("money", money, "USD", "Money")
        self.price = ledger.fact(catalog.fact("price", price))
        self.peak = ledger.fact(catalog.fact("accelerator", accelerator_at(price), PRECISION))
        self.utilisation = ledger.fact(catalog.fact("constant", "scale.utilisation"))
        self.available = ledger.fact(catalog.fact("constant", "design.planned-goodput"))
        self.one = ledger.choice("one", 1.0, "1", "One accelerator", "accelerator time is counted on one")

    def bought(self, factor: float, title: str) -> _Bought:
        """What a multiple of the money buys."""
        money = self.money
        if factor != 1:
            times = self.ledger.field(f"factor.{factor:g}", factor, "1", "Times the money")
            money = product_of(self.money, times, unit="USD", title=title)
        rented = ratio(money, self.price, unit="s", title="Accelerator time that the money rents", symbol="T_acc")
        productive = product_of(rented, self.available, unit="s", title="Productive part of it", symbol="T_prod")
        compute = estimate.compute_budget(self.one, self.peak, self.utilisation, productive)
        best = parametric(compute, shelf(), DEFAULT_LAW, self.ledger.fact)
        if best.loss is None:
            raise CourseError(f"the law {DEFAULT_LAW} gives no loss")
        return _Bought(money, compute, best.parameters, best.tokens, best.loss)


@instrument
def before(money: float, price: str) -> Answer:
    """Losses of a ten-thousandth and of a thousandth of the money [USD], told before the prediction."""
    with Ledger() as ledger:
        desk = _Desk(ledger, money, price)
        bought = [desk.bought(share, "Part of the money") for share in BEFORE]
        readings = {f"loss_{place}": reading(each.loss.entry) for place, each in enumerate(bought)}
        spent = {f"money_{place}": reading(each.money.entry) for place, each in enumerate(bought)}
        gain = difference(bought[0].loss, bought[1].loss, unit="1", title="Loss that ten times the money took off")
        readings["gain"] = reading(gain.entry)
    return Answer({**readings, **spent})


@instrument
def loss_of_money(money: float, price: str) -> Answer:
    """The loss of the compute-optimal run that money [USD] buys at a price, and what ten times the money adds."""
    with Ledger() as ledger:
        desk = _Desk(ledger, money, price)
        here, ten = desk.bought(1, "The money"), desk.bought(TEN, "Ten times the money")
        values: dict[str, Value] = {
            "loss": here.loss,
            "compute": here.compute,
            "parameters": here.parameters,
            "tokens": here.tokens,
            "loss_ten": ten.loss,
            "gain": difference(here.loss, ten.loss, unit="1", title="Loss that ten times the money takes off"),
        }
        points = [desk.bought(factor, "Money of that run") for factor in FACTORS]
        readings, drawn = with_intervals(ledger, values, [each.loss for each in points])
        rows = []
        for each in points:
            low, high = drawn.interval(each.loss.entry)
            rows.append({
                "money": float(each.money), "loss": float(each.loss), "low": low, "high": high,
                "compute": float(each.compute), "parameters": float(each.parameters), "tokens": float(each.tokens),
            })  # fmt: skip
        irreducible = _irreducible(ledger)
    kept: dict[str, Any] = titled(readings, TITLES)
    kept["irreducible"] = reading(irreducible.entry)
    return Answer(kept, rows)


def _irreducible(ledger: Ledger) -> Value:
    from navarch.fleet.scale.fits import fitted

    return ledger.fact(fitted(shelf(), DEFAULT_LAW)["E"])
