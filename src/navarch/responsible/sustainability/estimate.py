"""Energy, carbon and water of a fleet, of a run, of a token.

Operational carbon follows the location-based method: energy at the meter times the average intensity of the grid.
"""

from __future__ import annotations

from navarch.core.ledger import equation

_PATTERSON = "Patterson et al. 2021, arXiv 2104.10350, section 2.5"
_PATTERSON_URL = "https://arxiv.org/abs/2104.10350"
_GREEN_GRID = "The Green Grid 2012, PUE: a comprehensive examination of the metric, white paper 49"
_GUPTA = "Gupta et al. 2022, ACT, ISCA 2022, eq. 1"
_GUPTA_URL = "https://doi.org/10.1145/3470496.3527408"
_LI = "Li et al. 2023, arXiv 2304.03271, section 3"
_LI_URL = "https://arxiv.org/abs/2304.03271"


@equation(
    symbol="P_IT", unit="W", source=_PATTERSON, url=_PATTERSON_URL,
    symbols={"units": "n", "power": "P_unit", "utilisation": "u"},
    valid="units >= 0 and power >= 0 and utilisation >= 0 and utilisation <= 1",
)  # fmt: skip
def it_power(units, power, utilisation):
    """Power drawn by the equipment, on average.

    units: nodes or accelerators powered; power: rated power of one [W];
    utilisation: mean draw over rated power [fraction].
    """
    return units * power * utilisation


@equation(
    symbol="E_IT", unit="J", source="definition: power times time", symbols={"power": "P_IT", "period": "t"},
    valid="power >= 0 and period >= 0",
)  # fmt: skip
def it_energy(power, period):
    """Energy of the equipment.

    power: mean power drawn by the equipment [W]; period: time counted [s].
    """
    return power * period


@equation(
    symbol="E_IT", unit="J", source=_PATTERSON, url=_PATTERSON_URL,
    symbols={"accelerator_time": "T_acc", "power": "P_acc"}, valid="accelerator_time >= 0 and power >= 0",
)  # fmt: skip
def energy_of_accelerator_time(accelerator_time, power):
    """Energy of a run, from its accelerator time.

    accelerator_time: accelerators times duration [s]; power: mean power for each accelerator [W].
    """
    return accelerator_time * power


@equation(
    symbol="P_fac", unit="W", source=_GREEN_GRID, symbols={"power": "P_IT", "pue": "PUE"},
    valid="power >= 0 and pue >= 1",
)  # fmt: skip
def facility_power(power, pue):
    """Power drawn by the facility.

    power: power drawn by the equipment [W]; pue: power usage effectiveness.
    """
    return power * pue


@equation(
    symbol="E_fac", unit="J", source=_GREEN_GRID,
    symbols={"energy": "E_IT", "pue": "PUE"}, valid="energy >= 0 and pue >= 1",
)  # fmt: skip
def facility_energy(energy, pue):
    """Energy of the facility.

    energy: energy of the equipment [J]; pue: power usage effectiveness.
    """
    return energy * pue


@equation(
    symbol="E_over", unit="J", source=_GREEN_GRID,
    symbols={"energy": "E_IT", "pue": "PUE"}, valid="energy >= 0 and pue >= 1",
)  # fmt: skip
def overhead_energy(energy, pue):
    """Energy of cooling and power delivery.

    energy: energy of the equipment [J]; pue: power usage effectiveness.
    """
    return energy * (pue - 1)


@equation(
    symbol="m_op", unit="kgCO2e", source=_PATTERSON, url=_PATTERSON_URL,
    symbols={"energy": "E_fac", "intensity": "I_grid"}, valid="energy >= 0 and intensity >= 0",
)  # fmt: skip
def operational_carbon(energy, intensity):
    """Operational carbon.

    energy: energy of the facility, overhead included [J]; intensity: mean intensity of the grid [kgCO2e/J].
    """
    return energy * intensity


@equation(
    symbol="m_node", unit="kgCO2e", source=_GUPTA, url=_GUPTA_URL,
    symbols={"accelerators": "g", "accelerator": "m_acc", "chassis": "m_server"},
    valid="accelerators >= 0 and accelerator >= 0 and chassis >= 0",
)  # fmt: skip
def node_embodied_carbon(accelerators, accelerator, chassis):
    """Carbon of making one node.

    accelerators: accelerators in the node; accelerator: carbon of making one accelerator [kgCO2e];
    chassis: carbon of making the rest of the node [kgCO2e].
    """
    return accelerators * accelerator + chassis


@equation(
    symbol="m_made", unit="kgCO2e", source=_GUPTA, url=_GUPTA_URL,
    symbols={"nodes": "n", "node": "m_node", "network_share": "f_net"},
    valid="nodes >= 0 and node >= 0 and network_share >= 0",
)  # fmt: skip
def cluster_embodied_carbon(nodes, node, network_share):
    """Carbon of making the cluster.

    nodes: nodes bought, spares included; node: carbon of making one node [kgCO2e];
    network_share: network and storage over nodes [fraction].
    """
    return nodes * node * (1 + network_share)


@equation(
    symbol="m_emb", unit="kgCO2e", source=_GUPTA, url=_GUPTA_URL,
    symbols={"made": "m_made", "period": "t", "life": "L"}, valid="made >= 0 and period >= 0 and life > 0",
)  # fmt: skip
def embodied_carbon(made, period, life):
    """Embodied carbon, the share of the time used.

    made: carbon of making the cluster [kgCO2e]; period: time used [s]; life: life of the equipment [s].
    """
    return made * period / life


@equation(
    symbol="W_site", unit="L", source=_LI, url=_LI_URL, symbols={"energy": "E_IT", "wue": "WUE"},
    valid="energy >= 0 and wue >= 0",
)  # fmt: skip
def site_water(energy, wue):
    """Water evaporated on site.

    energy: energy of the equipment [J]; wue: water usage effectiveness of the site [L/J].
    """
    return energy * wue


@equation(
    symbol="W_grid", unit="L", source=_LI, url=_LI_URL,
    symbols={"energy": "E_IT", "pue": "PUE", "grid_wue": "WUE_grid"},
    valid="energy >= 0 and pue >= 1 and grid_wue >= 0",
)  # fmt: skip
def grid_water(energy, pue, grid_wue):
    """Water consumed by the power plants.

    energy: energy of the equipment [J]; pue: power usage effectiveness; grid_wue: water for electricity [L/J].
    """
    return energy * pue * grid_wue


@equation(
    symbol="W", unit="L", source=_LI, url=_LI_URL,
    symbols={"energy": "E_IT", "wue": "WUE", "pue": "PUE", "grid_wue": "WUE_grid"},
    valid="energy >= 0 and wue >= 0 and pue >= 1 and grid_wue >= 0",
)  # fmt: skip
def water(energy, wue, pue, grid_wue):
    """Water consumed, on site and by the power plants.

    energy: energy of the equipment [J]; wue: water usage effectiveness of the site [L/J];
    pue: power usage effectiveness; grid_wue: water for electricity [L/J].
    """
    return energy * (wue + pue * grid_wue)


@equation(
    symbol="e_token", unit="J/token", source="definition: energy over tokens",
    symbols={"energy": "E_fac", "tokens": "D"}, valid="tokens > 0",
)  # fmt: skip
def energy_per_token(energy, tokens):
    """Energy of a token.

    energy: energy of the facility [J]; tokens: tokens trained or served [token].
    """
    return energy / tokens


@equation(
    symbol="m_token", unit="kgCO2e/token", source="definition: carbon over tokens",
    symbols={"carbon": "m", "tokens": "D"}, valid="tokens > 0",
)  # fmt: skip
def carbon_per_token(carbon, tokens):
    """Carbon of a token.

    carbon: carbon, operational and embodied [kgCO2e]; tokens: tokens trained or served [token].
    """
    return carbon / tokens


@equation(
    symbol="SCI", unit="kgCO2e/request", source="ISO/IEC 21031:2024, Software Carbon Intensity: (E I + M) / R",
    symbols={"operational": "m_op", "embodied": "m_emb", "requests": "R"}, valid="requests > 0",
)  # fmt: skip
def carbon_per_request(operational, embodied, requests):
    """Carbon of a request.

    operational: operational carbon [kgCO2e]; embodied: embodied carbon [kgCO2e]; requests: requests served [request].
    """
    return (operational + embodied) / requests


@equation(
    symbol="m_shift", unit="kgCO2e", source="Wiesner et al. 2021, arXiv 2110.13234",
    url="https://arxiv.org/abs/2110.13234",
    symbols={"carbon": "m_op", "saving": "f_shift", "flexible": "f_flex"},
    valid="saving >= 0 and saving <= 1 and flexible >= 0 and flexible <= 1",
)  # fmt: skip
def shifted_carbon(carbon, saving, flexible):
    """Operational carbon with flexible work moved to cleaner hours.

    carbon: operational carbon without shifting [kgCO2e]; saving: saving on the work that moves [fraction];
    flexible: share of the energy that can move [fraction].
    """
    return carbon * (1 - saving * flexible)
