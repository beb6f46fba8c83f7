"""The cost section of a design: total cost of ownership by line, and the cloud beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from navarch.core.arithmetic import ratio, sum_of
from navarch.deployment.operations import cost


@dataclass(frozen=True, slots=True)
class Ownership:
    """Cost of owning a cluster for a period [USD]; the lines sum to `spent`, and `total` is less the residual value."""

    lines: dict[str, Any]
    capital: Any
    operating: Any
    spent: Any
    residual: Any
    total: Any
    per_accelerator_time: Any


@dataclass(frozen=True, slots=True)
class Rental:
    """The same accelerators rented."""

    always: Any
    while_used: Any
    break_even_utilisation: Any
    break_even_time: Any


def ownership(
    *,
    servers: Any,
    network: Any,
    storage: Any,
    facility_energy: Any,
    electricity_price: Any,
    period: Any,
    year: Any,
    maintenance_share: Any,
    people: Any,
    salary: Any,
    residual_share: Any,
    accelerators: Any,
    share_used: Any,
    facility: Any = None,
    cost_of_capital: Any = None,
) -> Ownership:
    """Total cost of ownership by line.

    servers, network, storage: capital [USD]; facility_energy: of the whole period [J]; electricity_price: [USD/J];
    period: [s]; year: [s]; maintenance_share: of the capital a year [fraction]; people: who run it;
    salary: of one for a year [USD]; residual_share: of the capital [fraction]; accelerators: in service;
    share_used: of the time [fraction]; facility: share of the building written off [USD], none where left out;
    cost_of_capital: a year [fraction], above 0; no interest where left out.
    """
    years = ratio(period, year, unit="1", title="Years in use", symbol="y")
    capital = sum_of(servers, network, storage, unit="USD", title="Capital for equipment", symbol="K")
    residual = cost.residual_value(capital, residual_share)
    bought = {"servers": servers, "network": network, "storage": storage}
    running = {
        "energy": cost.energy_cost(facility_energy, electricity_price),
        "maintenance": cost.maintenance_cost(capital, maintenance_share, years),
        "staff": cost.staff_cost(people, salary, years),
    }
    if facility is not None:
        running["facility"] = facility
    interest = {}
    if cost_of_capital is not None:
        recovery = cost.capital_recovery_factor(cost_of_capital, years)
        interest["interest"] = cost.financing_cost(capital, residual, cost_of_capital, years, recovery)
    lines = {**bought, **running, **interest}
    spent = sum_of(*lines.values(), unit="USD", title="Sum of the cost lines", symbol="C_spent")
    total = cost.total_cost_of_ownership(spent, residual)
    return Ownership(
        lines=lines,
        capital=capital,
        operating=sum_of(*running.values(), unit="USD", title="Operating cost", symbol="C_op"),
        spent=spent,
        residual=residual,
        total=total,
        per_accelerator_time=cost.cost_per_accelerator_time(total, accelerators, period, share_used),
    )


def rental(*, owned: Ownership, accelerators: Any, period: Any, price: Any, share_used: Any) -> Rental:
    """The cloud beside an owned cluster.

    owned: the owned cluster; accelerators: rented; period: [s]; price: of an accelerator [USD/s];
    share_used: of the time [fraction].
    """
    always = cost.cloud_rental(accelerators, period, price)
    return Rental(
        always=always,
        while_used=cost.part_time_rental(always, share_used),
        break_even_utilisation=cost.break_even_utilisation(owned.total, always),
        break_even_time=cost.break_even_time(owned.capital, owned.operating, always, period),
    )
