"""Power, energy, carbon and water of training and serving, and what other regions would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from navarch.core.arithmetic import complement, product_of, ratio, relative_change, sum_of
from navarch.core.ledger import Value
from navarch.deployment.operations.cost import energy_cost
from navarch.design.errors import DesignError
from navarch.design.evaluation.cluster import Fleet
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.result import Alternative, Decision
from navarch.design.evaluation.serving import Service, tokens_served
from navarch.design.evaluation.storage import Store
from navarch.fleet.fabric.topology import FabricEstimate
from navarch.responsible.sustainability import estimate as equations
from navarch.responsible.sustainability.footprint import Footprint, footprint


@dataclass(frozen=True)
class Site:
    """Where the fleet stands, and what its electricity, cooling and water are."""

    region: Any
    pue: Value
    grid: Value
    price: Value
    wue: Value
    grid_wue: Value


@dataclass(frozen=True)
class RegionPoint:
    """The same work in one region: what its energy would cost and emit."""

    id: str
    name: str
    cost: Value
    carbon: Value
    chosen: bool


@dataclass(frozen=True)
class Party:
    """One part of the fleet: nodes at work for a period, with the power of what stands beside them."""

    name: str
    nodes: Value
    node_power: Value
    per_node: Value
    accelerator: Any
    utilisation: Value
    period: Value
    beside: tuple[Value, ...] = ()


def site_of(desk: Desk, reference: Value | None) -> Site:
    """The site: as given, or the region with the least carbon whose energy costs no more than most do."""
    region = desk.look("region", str(desk.text("site.region") or _choose_region(desk)), "site.region")
    desk.labels["region"] = f"{region.name or region.id}"
    desk.labels["place"] = region.place

    def of(path: str, attribute: str, constant: str) -> Value:
        if desk.given(path):
            return desk.field(path)
        return desk.known(region, attribute) or desk.constant(constant)

    return Site(
        region,
        of("site.pue", "pue", "sustainability.pue"),
        of("site.grid_intensity", "grid_intensity", "sustainability.grid-intensity"),
        of("site.electricity_price", "electricity_price", "sustainability.electricity-price"),
        of("site.wue", "wue", "sustainability.wue"),
        desk.constant("sustainability.grid-wue"),
    )


def _regions(desk: Desk) -> list[Any]:
    """Regions whose grid, price and efficiency are all known."""
    entries = [desk.catalog.get("region", i) for i in desk.catalog.ids("region")]
    return [e for e in entries if e.grid_intensity and e.electricity_price and e.pue]


def _choose_region(desk: Desk) -> str:
    known = _regions(desk)
    if not known:
        raise DesignError(
            "site.region", "the catalog knows no region with grid intensity, electricity price and PUE; name one"
        )
    prices = [float(r.electricity_price) * float(r.pue) for r in known]
    fair = [r for r, price in zip(known, prices, strict=True) if price <= np.median(prices)]
    return str(min(fair, key=lambda r: (float(r.grid_intensity) * float(r.pue), r.id)).id)


def parties(
    desk: Desk,
    fleet: Fleet | None,
    fabric: FabricEstimate | None,
    store: Store | None,
    spares: Value | None,
    duration: Value | None,
    service: Service | None,
) -> list[Party]:
    """What draws power: the training cluster for its run, the service for its duration."""
    found = []
    if fleet is not None and fabric is not None and duration is not None:
        nodes = (
            sum_of(fleet.nodes, spares, title="Nodes, spares included", symbol="n_all")
            if spares is not None
            else fleet.nodes
        )
        beside = [fabric.power]
        if store is not None and store.estimate.power is not None:
            beside.append(store.estimate.power)
        used = desk.constant("sustainability.power-utilisation")
        found.append(
            Party("training", nodes, fleet.node_power, fleet.per_node, fleet.accelerator, used, duration, tuple(beside))
        )
    if service is not None:
        accelerator = desk.catalog.get("accelerator", service.node.accelerator)
        period = desk.take("serving.duration", "design.horizon")
        used = desk.constant("sustainability.serving-power-utilisation")
        found.append(Party("serving", service.nodes, service.node_power, service.per_node, accelerator, used, period))
    return found


def evaluate(
    desk: Desk, site: Site, drawing: list[Party], tokens: Value | None, service: Service | None
) -> dict[str, Footprint]:
    """Put power, energy, carbon and water down, part by part and together."""
    prints = {p.name: _footprint(desk, site, p) for p in drawing}
    powers, energies, operational, embodied, water = [], [], [], [], []
    for party in drawing:
        print_of = prints[party.name]
        power, energy, carbon, litres = _with_beside(site, party, print_of)
        embodied_part = print_of.embodied
        powers.append(power)
        energies.append(energy)
        operational.append(carbon)
        embodied.append(embodied_part)
        water.append(litres)
        desk.put_all(
            party.name,
            {
                "power": power,
                "energy": energy,
                "operational_carbon": carbon,
                "embodied_carbon": embodied_part,
                "water": litres,
            },
        )
    _totals(desk, powers, energies, operational, embodied, water)
    if tokens is not None and "training" in prints:
        desk.put("training.energy_per_token", equations.energy_per_token(desk.quantities["training.energy"], tokens))
    if service is not None:
        served = tokens_served(service, next(p.period for p in drawing if p.name == "serving"))
        desk.put("serving.tokens_served", served)
        desk.put("serving.energy_per_token", equations.energy_per_token(desk.quantities["serving.energy"], served))
    _compare(desk, site)
    return prints


def _footprint(desk: Desk, site: Site, party: Party) -> Footprint:
    known = desk.known(party.accelerator, "embodied")
    life = desk.take("carbon.lifetime", "sustainability.hardware-life")
    return footprint(
        nodes=party.nodes,
        node_power=party.node_power,
        utilisation=party.utilisation,
        period=party.period,
        pue=site.pue,
        grid_intensity=site.grid,
        wue=site.wue,
        grid_wue=site.grid_wue,
        accelerators_per_node=party.per_node,
        accelerator_embodied=known or desk.constant("sustainability.accelerator-embodied"),
        chassis_embodied=desk.constant("sustainability.server-embodied"),
        network_embodied_share=desk.constant("sustainability.network-embodied-share"),
        life=life,
    )


def _with_beside(site: Site, party: Party, found: Footprint) -> tuple[Value, Value, Value, Value]:
    """Power, energy, operational carbon and water of a part with its network and storage."""
    name = party.name
    it = sum_of(found.it_power, *party.beside, title=f"Power of the equipment for {name}", symbol="P_IT")
    energy = equations.it_energy(it, party.period, title=f"Energy of the equipment for {name}")
    at_meter = equations.facility_energy(energy, site.pue, title=f"Energy of the facility for {name}")
    return (
        equations.facility_power(it, site.pue, title=f"Power drawn by the facility for {name}"),
        at_meter,
        equations.operational_carbon(at_meter, site.grid, title=f"Operational carbon of {name}"),
        equations.water(energy, site.wue, site.pue, site.grid_wue, title=f"Water consumed by {name}"),
    )


def _totals(
    desk: Desk,
    powers: list[Value],
    energies: list[Value],
    operational: list[Value],
    embodied: list[Value],
    water: list[Value],
) -> None:
    at_work = sum_of(*operational, title="Operational carbon", symbol="m_op")
    if desk.given("carbon.clean_share"):
        dirty = complement(desk.field("carbon.clean_share"), title="Share of the energy from the grid's mix")
        at_work = product_of(
            at_work, dirty, unit="kgCO2e", title="Operational carbon after clean supply", symbol="m_op"
        )
    made = sum_of(*embodied, title="Embodied carbon", symbol="m_emb")
    total = sum_of(at_work, made, title="Carbon, operational and embodied", symbol="m")
    desk.put("power.facility", sum_of(*powers, title="Power drawn by the facility", symbol="P_fac"))
    desk.put("energy.total", sum_of(*energies, title="Energy of the facility", symbol="E_fac"))
    desk.put_all("carbon", {"operational": at_work, "embodied": made, "total": total})
    desk.put("water.total", sum_of(*water, title="Water consumed", symbol="V"))
    counted = at_work if desk.text("carbon.embodied") is False else total
    desk.at_most("carbon.budget", "Carbon", counted)
    desk.at_most("site.power_limit", "Site power", desk.quantities["power.facility"])


def _compare(desk: Desk, site: Site) -> None:
    """The same energy in every region that is known well enough, for the figure and the decision."""
    it = ratio(desk.quantities["energy.total"], site.pue, unit="J", title="Energy of the equipment", symbol="E_IT")
    points = []
    for region in _regions(desk):
        facts = [desk.enter(getattr(region, a)) for a in ("pue", "grid_intensity", "electricity_price")]
        if region.id == site.region.id:
            facts = [site.pue, site.grid, site.price]
        meter = equations.facility_energy(it, facts[0], title="Energy of the facility in a region")
        points.append(
            RegionPoint(
                region.id,
                region.name or region.id,
                energy_cost(meter, facts[2], title="Cost of energy in a region"),
                equations.operational_carbon(meter, facts[1], title="Operational carbon in a region"),
                region.id == site.region.id,
            )
        )
    desk.curves["regions"] = points
    _decide(desk, site.price, points)


def _decide(desk: Desk, price: Value, points: list[RegionPoint]) -> None:
    energy = desk.quantities["energy.total"]
    here = {"energy cost": energy_cost(energy, price), "carbon": desk.quantities["carbon.operational"]}
    desk.put("cost.energy_of_workload", here["energy cost"])
    alternatives = [Alternative(desk.labels["region"], here, chosen=True)]
    least = (min(points, key=lambda p: float(p.carbon)), min(points, key=lambda p: float(p.cost))) if points else ()
    for index, point in enumerate(least):
        if point.chosen:
            continue
        metrics = {"energy cost": point.cost, "carbon": point.carbon}
        what = ("energy cost", "carbon")[index]
        change = relative_change(metrics[what], here[what], title=f"Change of {what} in another region")
        alternatives.append(Alternative(point.name, metrics, f"{what} would change by", False, change))
    given = desk.given("site.region")
    count = desk.ledger.choice(
        "site.region.considered", len(points), "1", "Regions compared", "grid, price and PUE are known"
    )
    desk.decide(
        Decision(
            "site",
            "Site",
            desk.labels["region"],
            "user" if given else "navarch",
            considered=count,
            alternatives=tuple(alternatives),
            binding="carbon among regions of fair price",
            margin=alternatives[1].lost_by if len(alternatives) > 1 else None,
        )
    )
