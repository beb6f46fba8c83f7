"""What a cluster costs over its years, by line, and what a rented one would have cost."""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

_TCO = "Barroso, Hölzle and Ranganathan 2018, The Datacenter as a Computer, 3rd ed., chapter 6"


@equation(
    symbol="K_server", unit="USD", source=f"{_TCO}: capital", symbols={"nodes": "n", "price": "p"},
    valid="nodes >= 0 and price >= 0",
)  # fmt: skip
def server_capital(nodes, price):
    """Capital for servers.

    nodes: servers bought, spares included; price: price of a server [USD].
    """
    return nodes * price


@equation(
    symbol="K_net", unit="USD", source=f"{_TCO}: capital", symbols={"servers": "K_server", "share": "f_net"},
    valid="servers >= 0 and share >= 0",
)  # fmt: skip
def network_capital(servers, share):
    """Capital for the network, as a share of that for servers.

    servers: capital for servers [USD]; share: network over servers [fraction].
    Where switches and cables are counted, sum their prices instead.
    """
    return servers * share


@equation(
    symbol="K_store", unit="USD", source=f"{_TCO}: capital", symbols={"capacity": "S", "price": "p"},
    valid="capacity >= 0 and price >= 0",
)  # fmt: skip
def storage_capital(capacity, price):
    """Capital for storage.

    capacity: usable capacity [byte]; price: price of usable capacity [USD/byte].
    """
    return capacity * price


@equation(
    symbol="C_rent", unit="USD", source="definition: amount times price times time",
    symbols={"capacity": "S", "price": "p", "period": "t"}, valid="capacity >= 0 and price >= 0 and period >= 0",
)  # fmt: skip
def storage_rent(capacity, price, period):
    """Rent of storage.

    capacity: capacity rented [byte]; price: rent [USD/(byte*s)]; period: time rented [s].
    """
    return capacity * price * period


@equation(
    symbol="C_fac", unit="USD", source=f"{_TCO}: straight-line depreciation of the building",
    symbols={"power": "P_IT", "price": "p_W", "period": "t", "life": "L"},
    valid="power >= 0 and price >= 0 and period >= 0 and life > 0",
)  # fmt: skip
def facility_cost(power, price, period, life):
    """Share of the building written off.

    power: IT power installed [W]; price: construction per watt of IT [USD/W]; period: time used [s];
    life: life of the building [s].
    """
    return power * price * period / life


@equation(
    symbol="C_energy", unit="USD", source="definition: energy times price", symbols={"energy": "E_fac", "price": "p_E"},
    valid="energy >= 0",
)  # fmt: skip
def energy_cost(energy, price):
    """Cost of energy.

    energy: energy of the facility, overhead included [J]; price: price of electricity [USD/J].
    """
    return energy * price


@equation(
    symbol="C_maint", unit="USD", source=f"{_TCO}: operating cost",
    symbols={"capital": "K", "share": "f_maint", "years": "y"}, valid="capital >= 0 and share >= 0 and years >= 0",
)  # fmt: skip
def maintenance_cost(capital, share, years):
    """Cost of maintenance.

    capital: capital for equipment [USD]; share: share of it paid a year [fraction]; years: years in use.
    """
    return capital * share * years


@equation(
    symbol="C_staff", unit="USD", source=f"{_TCO}: operating cost",
    symbols={"people": "n_staff", "salary": "p_staff", "years": "y"}, valid="people >= 0 and salary >= 0",
)  # fmt: skip
def staff_cost(people, salary, years):
    """Cost of staff.

    people: people who run the cluster; salary: cost of one for a year, all included [USD]; years: years in use.
    """
    return people * salary * years


@equation(
    symbol="K_left", unit="USD", source=f"{_TCO}: depreciation", symbols={"capital": "K", "share": "f_left"},
    valid="capital >= 0 and share >= 0 and share <= 1",
)  # fmt: skip
def residual_value(capital, share):
    """Value of the equipment at the end.

    capital: capital for equipment [USD]; share: share of it that it then fetches [fraction].
    """
    return capital * share


@equation(
    symbol="CRF", unit="1", source="annuity formula", symbols={"rate": "r", "years": "y"},
    valid="rate > 0 and years > 0",
)  # fmt: skip
def capital_recovery_factor(rate, years):
    """Payment a year for each unit of capital.

    rate: cost of capital a year [fraction]; years: years in use.
    """
    return rate / (1 - (1 + rate) ** -years)


@equation(
    symbol="C_int", unit="USD", source="annuity formula: payments less the capital written off",
    symbols={"capital": "K", "residual": "K_left", "rate": "r", "years": "y", "recovery": "CRF"},
    valid="rate > 0 and years > 0 and residual <= capital",
)  # fmt: skip
def financing_cost(capital, residual, rate, years, recovery):
    """Interest on the capital.

    capital: capital spent at the start [USD]; residual: value at the end [USD];
    rate: cost of capital a year [fraction];
    years: years in use; recovery: capital recovery factor.
    """
    return (capital - residual * (1 + rate) ** -years) * recovery * years - (capital - residual)


@equation(
    symbol="TCO", unit="USD", source=f"{_TCO}: sum of lines",
    symbols={"spent": "C_spent", "residual": "K_left"}, valid="spent >= 0",
)  # fmt: skip
def total_cost_of_ownership(spent, residual):
    """Total cost of ownership.

    spent: sum of all lines [USD]; residual: value of the equipment at the end [USD].
    """
    return spent - residual


@equation(
    symbol="c_acc", unit="USD/s", source="definition: cost over accelerator time",
    symbols={"cost": "TCO", "accelerators": "G", "period": "t", "share_used": "u"},
    valid="accelerators > 0 and period > 0 and share_used > 0 and share_used <= 1",
)  # fmt: skip
def cost_per_accelerator_time(cost, accelerators, period, share_used):
    """Cost of one accelerator for the time that it is used.

    cost: total cost [USD]; accelerators: accelerators in service; period: time in service [s];
    share_used: share of that time that is sold or used [fraction].
    """
    return cost / (accelerators * period * share_used)


@equation(
    symbol="C_run", unit="USD", source="definition: accelerator time times its cost",
    symbols={"accelerators": "G", "duration": "T_run", "rate": "c_acc"}, valid="accelerators >= 0 and duration >= 0",
)  # fmt: skip
def run_cost(accelerators, duration, rate):
    """Cost of a run.

    accelerators: accelerators that the run holds; duration: time that it holds them [s];
    rate: cost of an accelerator [USD/s].
    """
    return accelerators * duration * rate


@equation(
    symbol="c_token", unit="USD/token", source="definition: cost over tokens", symbols={"cost": "C", "tokens": "D"},
    valid="tokens > 0",
)  # fmt: skip
def cost_per_token(cost, tokens):
    """Cost of a token.

    cost: cost of the run or of the service [USD]; tokens: tokens trained or served [token].
    """
    return cost / tokens


@equation(
    symbol="C_cloud", unit="USD", source="definition: amount times price times time",
    symbols={"accelerators": "G", "period": "t", "price": "p_cloud"},
    valid="accelerators >= 0 and period >= 0 and price >= 0",
)  # fmt: skip
def cloud_rental(accelerators, period, price):
    """Cost of renting the accelerators all the time.

    accelerators: accelerators rented; period: time rented [s]; price: price of an accelerator [USD/s].
    """
    return accelerators * period * price


@equation(
    symbol="C_part", unit="USD", source="definition: rent of the time used",
    symbols={"rent": "C_cloud", "share_rented": "u"}, valid="rent >= 0 and share_rented >= 0 and share_rented <= 1",
)  # fmt: skip
def part_time_rental(rent, share_rented):
    """Cost of renting the accelerators only while they are used.

    rent: cost of renting all the time [USD]; share_rented: share of the time that they are used [fraction].
    """
    return rent * share_rented


@equation(
    symbol="u_even", unit="fraction", source="definition: own cost over rent at full use",
    symbols={"own": "TCO", "rent": "C_cloud"}, valid="rent > 0",
)  # fmt: skip
def break_even_utilisation(own, rent):
    """Share of the time that must be used for owning to be the cheaper.

    own: total cost of ownership [USD]; rent: cost of renting all the time [USD]. Above 1 renting is always cheaper.
    """
    return own / rent


@equation(
    symbol="T_even", unit="s", source="definition: capital over the saving of each second",
    symbols={"capital": "K", "operating": "C_op", "rent": "C_cloud", "period": "t"},
    valid="rent != operating and period > 0",
)  # fmt: skip
def break_even_time(capital, operating, rent, period):
    """Time after which owning has paid back.

    capital: capital spent at the start [USD]; operating: operating cost of the period [USD];
    rent: cost of renting for the period [USD]; period: period of both [s]. Infinite where renting costs no more to run.
    """
    return np.where(rent > operating, capital * period / (rent - operating), np.inf)
