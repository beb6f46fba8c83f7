"""Cost: three years (or the horizon) of the whole fleet by line, the run, the token, and renting instead."""

from __future__ import annotations

from dataclasses import dataclass, replace

from navarch.core.arithmetic import product_of, ratio, relative_change, sum_of
from navarch.core.ledger import Value
from navarch.deployment.operations import cost as equations
from navarch.deployment.operations.ownership import Ownership, ownership
from navarch.design.evaluation.carbon import Party, Site
from navarch.design.evaluation.cluster import Fleet
from navarch.design.evaluation.desk import Desk
from navarch.design.evaluation.prices import accelerator_rent, known_rent, node_price
from navarch.design.evaluation.result import Alternative, Decision
from navarch.design.evaluation.serving import Service
from navarch.design.evaluation.storage import Store
from navarch.fleet.fabric.topology import FabricEstimate
from navarch.responsible.sustainability import estimate as sustainability

LINES = ("servers", "network", "storage", "energy", "maintenance", "staff", "facility", "interest")


def evaluate(
    desk: Desk,
    site: Site,
    drawing: list[Party],
    fleet: Fleet | None,
    fabric: FabricEstimate | None,
    store: Store | None,
    service: Service | None,
) -> None:
    """Put the cost lines, the total and the unit costs down, and decide between owning and renting."""
    horizon = desk.take("cost.horizon", "design.horizon")
    accelerators = _all_accelerators(fleet, service)
    owned = _owned(desk, site, drawing, fleet, fabric, store, service, horizon, accelerators)
    rented = _rented(desk, fleet, service, drawing, horizon)
    asked = desk.text("cost.ownership")
    rents = asked == "cloud" or (asked is None and rented is not None and rented.horizon < owned.total)
    total = rented.work if rents and rented is not None else owned.total
    desk.put_all("cost", {f"line_{name}": value for name, value in owned.lines.items()})
    desk.put_all(
        "cost",
        {
            "capital": owned.capital,
            "operating": owned.operating,
            "residual": owned.residual,
            "owned": owned.total,
            "tco": total,
            "per_accelerator_time": owned.per_accelerator_time,
        },
    )
    rate = owned.per_accelerator_time
    if rents:
        machine = (fleet or service).node  # type: ignore[union-attr]
        rate = accelerator_rent(desk, desk.catalog.get("accelerator", machine.accelerator))
    _units(desk, fleet, service, rate)
    _decide(desk, owned, rented, rents)
    desk.at_most("cost.budget", "Cost", total)


def _all_accelerators(fleet: Fleet | None, service: Service | None) -> Value:
    counts = [x.accelerators for x in (fleet, service) if x is not None]
    return sum_of(*counts, title="Accelerators of the whole fleet", symbol="G")


def _owned(
    desk: Desk,
    site: Site,
    drawing: list[Party],
    fleet: Fleet | None,
    fabric: FabricEstimate | None,
    store: Store | None,
    service: Service | None,
    horizon: Value,
    accelerators: Value,
) -> Ownership:
    servers, network = _equipment(desk, drawing, fleet, fabric, service)
    year = desk.constant("operations.year")
    powers = [desk.quantities[f"{p.name}.power"] for p in drawing]
    power = sum_of(*powers, title="Power drawn by the facility", symbol="P_fac")
    energy = sustainability.it_energy(power, horizon, title="Energy of the facility over the horizon", symbol="E_fac")
    it = ratio(power, site.pue, unit="W", title="Power of the equipment", symbol="P_IT")
    people = (
        desk.field("cost.staff")
        if desk.given("cost.staff")
        else ratio(
            accelerators,
            desk.constant("operations.accelerators-per-person"),
            unit="1",
            title="People who run the fleet",
            symbol="n_staff",
        )
    )
    salary = desk.constant("operations.salary")
    if desk.given("cost.staff_cost"):
        salary = product_of(
            desk.field("cost.staff_cost"), year, unit="USD", title="Cost of one of the staff for a year"
        )
    return ownership(
        servers=servers,
        network=network,
        storage=_stored(store, accelerators),
        facility_energy=energy,
        electricity_price=site.price,
        period=horizon,
        year=year,
        maintenance_share=desk.take("cost.maintenance", "operations.maintenance-share"),
        people=people,
        salary=salary,
        residual_share=desk.take("cost.residual", "operations.residual-share"),
        accelerators=accelerators,
        share_used=desk.constant("operations.share-used"),
        facility=equations.facility_cost(
            it, desk.constant("operations.facility-price"), horizon, desk.constant("operations.facility-life")
        ),
        cost_of_capital=desk.take("cost.discount_rate", "operations.cost-of-capital"),
    )


def _equipment(
    desk: Desk, drawing: list[Party], fleet: Fleet | None, fabric: FabricEstimate | None, service: Service | None
) -> tuple[Value, Value]:
    """Capital for servers and for the network."""
    servers, networks = [], []
    nodes = {p.name: p.nodes for p in drawing}
    if fleet is not None and fabric is not None:
        servers.append(
            equations.server_capital(
                nodes["training"], node_price(desk, fleet.node), title="Capital for training servers"
            )
        )
        networks.append(fabric.cost)
    if service is not None:
        capital = equations.server_capital(
            nodes["serving"], node_price(desk, service.node), title="Capital for serving servers"
        )
        servers.append(capital)
        networks.append(equations.network_capital(capital, desk.constant("operations.network-capital-share")))
    return (
        sum_of(*servers, title="Capital for servers", symbol="K_server"),
        sum_of(*networks, title="Capital for the network", symbol="K_net"),
    )


def _stored(store: Store | None, accelerators: Value) -> Value:
    from navarch.core.arithmetic import difference

    if store is not None:
        return store.estimate.cost
    return difference(
        accelerators,
        accelerators,
        unit="USD",
        title="Capital for storage: the service keeps its weights on local drives",
    )


@dataclass(frozen=True)
class Rent:
    """The same accelerators rented on demand [USD]: for the work only, and for the whole horizon."""

    work: Value
    horizon: Value


def _rented(
    desk: Desk, fleet: Fleet | None, service: Service | None, drawing: list[Party], horizon: Value
) -> Rent | None:
    """Rent of the training run and of the service, where a rent is known for both."""
    periods = {p.name: p.period for p in drawing}
    work, whole = [], []
    for name, part in (("training", fleet), ("serving", service)):
        if part is None:
            continue
        accelerator = desk.catalog.get("accelerator", part.node.accelerator)
        asked = desk.given("cost.accelerator_rent") or desk.text("cost.ownership") == "cloud"
        rent = accelerator_rent(desk, accelerator) if asked else known_rent(desk, accelerator)
        if rent is None:
            return None
        work.append(
            equations.cloud_rental(part.accelerators, periods[name], rent, title=f"Rent of the accelerators for {name}")
        )
        whole.append(
            equations.cloud_rental(
                part.accelerators, horizon, rent, title=f"Rent over the horizon of the accelerators for {name}"
            )
        )
    found = Rent(
        sum_of(*work, title="Cost of renting for the work only", symbol="C_work"),
        sum_of(*whole, title="Cost of renting for the horizon", symbol="C_cloud"),
    )
    desk.put_all("cost", {"rented_for_work": found.work, "rented_for_horizon": found.horizon})
    return found


def _units(desk: Desk, fleet: Fleet | None, service: Service | None, rate: Value) -> None:
    """Cost of the run, of a trained token and of a million served tokens."""
    if fleet is not None:
        run = equations.run_cost(fleet.accelerators, desk.quantities["training.duration"], rate)
        desk.put("cost.training", run)
        desk.put("cost.per_trained_token", equations.cost_per_token(run, desk.quantities["workload.tokens"]))
    if service is not None:
        from navarch.deployment.serving.throughput import cost_per_million_tokens

        mean = product_of(
            service.cloud_rate,
            service.output,
            unit="token/s",
            title="Output tokens a second, on average",
            symbol="X_tok",
        )
        desk.put("serving.token_rate", mean)
        desk.put("cost.per_million_tokens", cost_per_million_tokens(rate, service.accelerators, mean))


def _decide(desk: Desk, owned: Ownership, rented: Rent | None, rents: bool) -> None:
    given = desk.given("cost.ownership")
    own = Alternative("own", {"total": owned.total, "capital": owned.capital}, chosen=not rents)
    alternatives = [own]
    if rented is not None:
        chosen = rented.work if rents else owned.total
        dearer = relative_change(rented.horizon, chosen, title="Renting for the horizon over the chosen way to pay")
        work = Alternative("rent for this work only", {"total": rented.work}, chosen=True)
        if rents:
            other = relative_change(owned.total, chosen, title="Owning for the horizon over renting for the work")
            alternatives = [
                work,
                replace(own, why_lost="the machines outlast the work; total changes by", lost_by=other),
            ]
        else:
            short = relative_change(rented.work, chosen, title="Renting for this work only over owning for the horizon")
            alternatives.append(
                replace(
                    work, why_lost="leaves no fleet when this work ends; total changes by", chosen=False, lost_by=short
                )
            )
        alternatives.insert(
            1, Alternative("rent for the horizon", {"total": rented.horizon}, "total changes by", False, dearer)
        )
    count = desk.ledger.choice(
        "cost.ownership.considered", len(alternatives), "1", "Ways to pay compared", "own and rent"
    )
    desk.decide(
        Decision(
            "cost",
            "Ownership",
            "rent" if rents else "own",
            "user" if given else "navarch",
            considered=count,
            alternatives=tuple(alternatives),
            binding="cost over the horizon",
            margin=alternatives[1].lost_by if len(alternatives) > 1 else None,
        )
    )
