"""The carbon section of a design: one footprint, and the same work in every region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from navarch.catalog import Catalog
from navarch.core.arithmetic import sum_of
from navarch.deployment.operations import cost
from navarch.responsible.sustainability import estimate


@dataclass(frozen=True, slots=True)
class Footprint:
    """Energy, carbon and water of equipment over a period, in SI units."""

    it_power: Any
    facility_power: Any
    it_energy: Any
    facility_energy: Any
    overhead_energy: Any
    operational: Any
    embodied: Any
    carbon: Any
    site_water: Any
    grid_water: Any
    water: Any


@dataclass(frozen=True, slots=True)
class RegionComparison:
    """The same work in several regions: one element for each, in the order given."""

    facility_energy: Any
    carbon: Any
    water: Any
    energy_cost: Any

    def order(self, by: str = "carbon") -> np.ndarray:
        """Indices of the regions from least to most of one quantity; unknown values last."""
        return np.argsort(np.asarray(getattr(self, by), dtype=float), kind="stable")


def footprint(
    *,
    nodes: Any,
    node_power: Any,
    utilisation: Any,
    period: Any,
    pue: Any,
    grid_intensity: Any,
    wue: Any,
    grid_wue: Any,
    accelerators_per_node: Any,
    accelerator_embodied: Any,
    chassis_embodied: Any,
    network_embodied_share: Any,
    life: Any,
) -> Footprint:
    """Energy, carbon and water of a cluster over a period.

    nodes: powered and bought; node_power: rated [W]; utilisation: mean draw over rated [fraction]; period: [s]; pue;
    grid_intensity: [kgCO2e/J]; wue, grid_wue: [L/J]; accelerators_per_node; accelerator_embodied, chassis_embodied:
    [kgCO2e]; network_embodied_share: of the nodes [fraction]; life: of the equipment [s].
    """
    power = estimate.it_power(nodes, node_power, utilisation)
    energy = estimate.it_energy(power, period)
    at_meter = estimate.facility_energy(energy, pue)
    operational = estimate.operational_carbon(at_meter, grid_intensity)
    node = estimate.node_embodied_carbon(accelerators_per_node, accelerator_embodied, chassis_embodied)
    made = estimate.cluster_embodied_carbon(nodes, node, network_embodied_share)
    embodied = estimate.embodied_carbon(made, period, life)
    return Footprint(
        it_power=power,
        facility_power=estimate.facility_power(power, pue),
        it_energy=energy,
        facility_energy=at_meter,
        overhead_energy=estimate.overhead_energy(energy, pue),
        operational=operational,
        embodied=embodied,
        carbon=sum_of(operational, embodied, unit="kgCO2e", title="Carbon, operational and embodied", symbol="m"),
        site_water=estimate.site_water(energy, wue),
        grid_water=estimate.grid_water(energy, pue, grid_wue),
        water=estimate.water(energy, wue, pue, grid_wue),
    )


def region_values(catalog: Catalog, attribute: str, fallback: float) -> np.ndarray:
    """One attribute of every region of the catalog, in the order of `catalog.ids("region")`.

    attribute: "grid_intensity", "pue", "wue" or "electricity_price"; fallback: value where a region's is unknown,
    NaN to keep it unknown.
    """
    facts = (getattr(catalog.get("region", name), attribute) for name in catalog.ids("region"))
    return np.array([fallback if fact is None else float(fact) for fact in facts])


def compare_regions(
    *, it_energy: Any, grid_intensity: Any, pue: Any, wue: Any, grid_wue: Any, electricity_price: Any
) -> RegionComparison:
    """The same work in several regions.

    it_energy: energy of the equipment [J]; grid_intensity: [kgCO2e/J]; pue; wue, grid_wue: [L/J];
    electricity_price: [USD/J]; each of the last five an array over the regions, NaN where unknown.
    """
    at_meter = estimate.facility_energy(it_energy, pue)
    return RegionComparison(
        facility_energy=at_meter,
        carbon=estimate.operational_carbon(at_meter, grid_intensity),
        water=estimate.water(it_energy, wue, pue, grid_wue),
        energy_cost=cost.energy_cost(at_meter, electricity_price),
    )
