"""How many bytes a second accelerators eat, and how many of each kind of storage that takes."""

from __future__ import annotations

from typing import Any

from navarch.core.arithmetic import product_of, ratio
from navarch.core.equation import off_the_ledger
from navarch.core.ledger import Ledger, Value
from navarch.core.quantity import parse
from navarch.course.desk import reading, shelf
from navarch.course.instrument import Answer, instrument
from navarch.course.storage_hierarchy.variant import menu, quantities
from navarch.fleet.scale.estimate import affordable_tokens, compute_budget
from navarch.fleet.storage import estimate

FLEETS = (100, 200, 400, 800, 1000, 1200, 2000, 4000)
RATES = (250.0, 500.0, 1000.0, 1500.0, 2000.0, 2500.0, 3000.0)
SECOND = 1.0


def accelerators() -> list[float]:
    """Accelerators of the slider."""
    return [float(count) for count in FLEETS]


def rates() -> list[float]:
    """Images a second of each, of the slider [1/s]."""
    return list(RATES)


def samples() -> list[float]:
    """Sizes of an image, of the slider [byte]."""
    return sorted({*quantities(menu()["sample"], "byte"), 30e3, 500e3, 1e6})


def images_rate(ledger: Ledger, accelerators: float, rate: float, sample: float) -> tuple[Value, Value]:
    """Bytes a second that accelerators eat, all together and one alone, remembered."""
    count = ledger.field("accelerators", accelerators, "1", "Accelerators")
    one = ledger.field("one", 1, "1", "One accelerator")
    batch = ledger.field("batch", menu()["batch"], "1", "Images of a step")
    each = ledger.field("rate", rate, "1/s", "Images a second of each")
    size = ledger.field("sample", sample, "byte", "An image")
    step = ratio(batch, each, unit="s", title="Time of a step", symbol="t_step")
    whole = estimate.loader_demand(count, batch, size, step, title="Bytes a second that they eat")
    return whole, estimate.loader_demand(one, batch, size, step, title="Bytes a second of one accelerator")


def tokens_rate(ledger: Ledger, accelerators: float, model: str) -> Value:
    """Bytes a second that as many accelerators read of tokens while they train a model, remembered."""
    from navarch.distributed.training.throughput import token_throughput

    told, catalog = menu()["language"], shelf()
    count = ledger.field("trainers", accelerators, "1", "Accelerators that train the model")
    peak = ledger.fact(catalog.fact("accelerator", told["accelerator"], told["precision"]))
    used = ledger.fact(catalog.fact("constant", told["utilisation"]))
    second = ledger.field("second", SECOND, "s", "A second")
    parameters = ledger.fact(catalog.get("model", model).params_total)
    trained = affordable_tokens(compute_budget(count, peak, used, second), parameters, title="Tokens in a second")
    rate = token_throughput(trained, second)
    stored = ledger.fact(catalog.fact("constant", "design.bytes-per-token"))
    name = catalog.get("model", model).name
    return estimate.token_read_rate(rate, stored, title=f"Bytes a second of {name} on as many")


@instrument
def bytes_a_second(accelerators: float, rate: float, sample: float) -> Answer:
    """What accelerators that eat images [1/s each, of so many bytes] ask of their storage, by kind of storage."""
    with Ledger() as ledger:
        whole, one = images_rate(ledger, accelerators, rate, sample)
        tokens = tokens_rate(ledger, accelerators, str(menu()["language"]["model"]))
        count = ledger.field("samples", menu()["samples"], "1", "Images of the data set")
        size = ledger.field("size", sample, "byte", "An image of it")
        held = product_of(count, size, unit="byte", title="Size of the data set", symbol="M_data")
        found = {
            "demand": whole, "one": one, "tokens": tokens, "dataset": held,
            "times": ratio(whole, tokens, unit="1", title="Images, times the bytes of the language model"),
            "epoch": ratio(held, whole, unit="s", title="An epoch"),
        }  # fmt: skip
        readings: dict[str, Any] = {key: reading(value.entry) for key, value in found.items()}
    with off_the_ledger():
        rows = [_tier(name, title, float(whole), float(held)) for name, title in menu()["tiers"].items()]
    readings["appliances"] = (rows[1]["tier"].capitalize(), rows[1]["needed"], "1")
    return Answer(readings, rows)


def _tier(name: str, title: str, demand: float, held: float) -> dict[str, Any]:
    """How many units of a kind of storage read so much [byte/s], how soon, and what keeping the data set costs."""
    entry, told = shelf().get("storage", name), menu()
    of_one = float(entry.read_bandwidth)
    usual = shelf().fact("constant", "storage.latency")
    latency = float(entry.latency if entry.latency is not None else usual)
    request = parse(told["request"], "byte")
    if entry.rent is not None:
        cost = estimate.storage_rent(held, float(entry.rent), parse(told["keep"], "s"))
    else:
        price = entry.capex if entry.capex is not None else shelf().fact("constant", "storage.capex")
        cost = estimate.storage_cost(held, float(price))
    return {
        "tier": title, "example": entry.name, "of_one": of_one, "needed": float(estimate.units_for(demand, of_one)),
        "latency": latency, "in_flight": float(estimate.requests_in_flight(demand, latency, request)),
        "keep": float(cost),
    }  # fmt: skip
