"""`navarch simulate network` and `navarch simulate collective`: flows on a network, and what its faults cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, CatalogPaths, console, load_catalog, print_json, working

if TYPE_CHECKING:
    from navarch.catalog import Catalog
    from navarch.distributed.collectives.schedule import Schedule
    from navarch.fleet.fabric.graph import Network

NETWORK = "Network"
MOST_HOSTS = 65_536


def _option(flag: str, meaning: str, metavar: str, **more: Any) -> Any:
    return typer.Option(flag, help=meaning, metavar=metavar, **more)


Topology = Annotated[
    str, _option("--topology", "Family of networks, as of `navarch plan topology`.", "FAMILY", rich_help_panel=NETWORK)
]
Hosts = Annotated[
    int, typer.Option("--hosts", help="Network interfaces.", min=2, max=MOST_HOSTS, rich_help_panel=NETWORK)
]
Rails = Annotated[int, typer.Option("--rails", help="Interfaces of a machine.", min=1, rich_help_panel=NETWORK)]
Link = Annotated[str, _option("--link", "Link of the catalog.", "ID", rich_help_panel=NETWORK)]
Switch = Annotated[str, _option("--switch", "Switch of the catalog.", "ID", rich_help_panel=NETWORK)]
Oversubscription = Annotated[
    float, typer.Option("--oversubscription", help="Of a thinned fat-tree.", min=1, rich_help_panel=NETWORK)
]
Cables = Annotated[
    Path | None,
    _option("--cables", "Your own network: a list of cables (CSV).", "FILE", rich_help_panel=NETWORK,
            show_default=False),
]  # fmt: skip
Routing = Annotated[
    str | None,
    _option("--routing", "Policy: modulo, ecmp, adaptive, spray, dimension-order, valiant, ugal.", "POLICY",
            rich_help_panel=NETWORK, show_default="ecmp; dimension-order of a torus"),
]  # fmt: skip
Seed = Annotated[int, typer.Option("--seed", help="Of hashes and random patterns.", min=0)]
Faults = Annotated[
    list[str] | None,
    _option(
        "--fault",
        "What goes wrong: slow-nic:3=0.5, pcie:3=pcie3-x16, lost:spine=1, oversubscription=4, ecmp. May be repeated.",
        "FAULT", show_default=False,
    ),
]  # fmt: skip


def network(
    pattern: Annotated[
        str, _option("--pattern", "neighbour, bisection, permutation, incast or all-to-all.", "PATTERN")
    ] = "permutation",
    size: Annotated[str, _option("--size", "Of each flow.", "SIZE")] = "100 MB",
    background: Annotated[
        str, _option("--background", "Share of its bandwidth at which each host sends to a random other.", "SHARE")
    ] = "0 %",
    fails_at: Annotated[
        str | None,
        _option("--fails-at", "When the faults happen; from the start where left out.", "TIME", show_default=False),
    ] = None,
    reroute_after: Annotated[
        str | None,
        _option("--reroute-after", "Until routing follows a fault during the run; never where left out.", "TIME",
                show_default=False),
    ] = None,
    fault: Faults = None,
    plot: Annotated[
        Path | None,
        _option("--plot", "Draw when flows were done: .png, .svg, .html or .json.", "FILE", show_default=False),
    ] = None,
    topology: Topology = "fat-tree",
    hosts: Hosts = 256,
    rails: Rails = 1,
    link: Link = "ib-ndr",
    switch: Switch = "qm9700",
    oversubscription: Oversubscription = 4.0,
    cables: Cables = None,
    routing: Routing = None,
    seed: Seed = 0,
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:  # fmt: skip
    """Run a pattern of traffic as flows that share links max-min fairly; with faults, before or during the run."""
    from navarch.cli import simulate_network_report as report

    facts = load_catalog(catalog)
    with working("Simulating flows"):
        built = _built(facts, topology, hosts, rails, link, switch, oversubscription, cables)
        policy = _policy(built, routing)
        each = _amount("--size", size, "byte")
        rest = _amount("--background", background, "fraction")
        at = None if fails_at is None else _amount("--fails-at", fails_at, "s")
        wait = None if reroute_after is None else _amount("--reroute-after", reroute_after, "s")
        found = report.traffic(built, pattern, each, policy, seed, rest, _faults(fault, built, facts), at, wait)
    if plot is not None:
        report.draw_traffic(found, plot)
    if json:
        print_json(report.traffic_data(found))
    else:
        report.show_traffic(found, console())


def collective(
    operation: Annotated[
        str, _option("--collective", "all_reduce, reduce_scatter, all_gather, all_to_all or broadcast.", "NAME")
    ] = "all_reduce",
    algorithm: Annotated[
        str, _option("--algorithm", "Such as ring, halving_doubling, double_binary_tree, hierarchical.", "NAME")
    ] = "ring",
    shape: Annotated[
        str | None,
        _option("--shape", "Groups and ranks of a group (hierarchical), sides (torus): 32x8.", "SHAPE",
                show_default=False),
    ] = None,
    message: Annotated[str, _option("--message", "Bytes of the operation, as nccl-tests count them.", "SIZE")] = "1 GB",
    step: Annotated[str, _option("--step", "What each step takes besides the network's latency.", "TIME")] = "0 s",
    shuffled: Annotated[bool, typer.Option("--shuffled", help="Ranks on hosts in random order.")] = False,
    by_need: Annotated[
        bool, typer.Option("--by-need", help="No barrier: a rank goes on as soon as it has what it sends.")
    ] = False,
    fault: Faults = None,
    plot: Annotated[
        Path | None,
        _option("--plot", "Draw what the faults cost: .png, .svg, .html or .json.", "FILE", show_default=False),
    ] = None,
    topology: Topology = "fat-tree",
    hosts: Hosts = 256,
    rails: Rails = 1,
    link: Link = "ib-ndr",
    switch: Switch = "qm9700",
    oversubscription: Oversubscription = 4.0,
    cables: Cables = None,
    routing: Routing = None,
    seed: Seed = 0,
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:  # fmt: skip
    """Simulate a collective on a network, round by round, beside its closed form; with faults, what each costs."""
    from navarch.cli import simulate_network_report as report

    facts = load_catalog(catalog)
    with working("Simulating the collective"):
        built = _built(facts, topology, hosts, rails, link, switch, oversubscription, cables)
        schedule = _schedule(operation, algorithm, built.hosts, shape)
        found = report.collective(
            schedule, _amount("--message", message, "byte"), built, _policy(built, routing), seed,
            _amount("--step", step, "s"), shuffled, by_need, _faults(fault, built, facts),
        )  # fmt: skip
    if plot is not None:
        report.draw(found, plot)
    if json:
        print_json(report.collective_data(found))
    else:
        report.show_collective(found, console())


def _amount(option: str, text: str, unit: str) -> float:
    from navarch.core.quantity import QuantityError, parse
    from navarch.design.errors import DesignError

    try:
        value = parse(text, unit)
    except QuantityError as error:
        raise DesignError(option, str(error)) from error
    if value < 0:
        raise DesignError(option, f'"{text}" is not allowed; at least 0')
    return value


def _built(
    facts: Catalog, topology: str, hosts: int, rails: int, link: str, switch: str, oversubscription: float,
    cables: Path | None,
) -> Network:  # fmt: skip
    from navarch.fleet.fabric.edge_list import read_network
    from navarch.fleet.fabric.families import Asked, made
    from navarch.fleet.fabric.graph import GraphError
    from navarch.fleet.fabric.parts import parts_of
    from navarch.fleet.fabric.placement import wires_of

    for option, name, kind in (("--link", link, "link"), ("--switch", switch, "switch")):
        entry = facts.get("fabric", name)
        if entry.kind != kind or entry.bandwidth is None:
            raise GraphError(f"{option}: {name} is a {entry.kind} of the catalog, not a {kind} with a bandwidth")
    parts = parts_of(facts, link, switch)
    if cables is not None:
        return read_network(cables, wires_of(parts))
    return made(topology, Asked(hosts, int(parts.radix), oversubscription, rails), parts, wires_of(parts))


def _policy(built: Network, routing: str | None) -> str:
    from navarch.fleet.fabric.routing import GRIDS

    if routing is not None:
        return routing
    return "dimension-order" if built.kind in GRIDS else "ecmp"


def _faults(texts: list[str] | None, built: Network, facts: Catalog) -> list[Any]:
    from navarch.fleet.fabric.faults import read_fault

    return [read_fault(text, built, facts) for text in texts or ()]


def _schedule(operation: str, algorithm: str, ranks: int, shape: str | None) -> Schedule:
    from navarch.design.errors import DesignError
    from navarch.distributed.collectives.algorithms import schedule_of
    from navarch.distributed.collectives.schedule import CollectiveError

    sides = [] if shape is None else shape.replace(",", "x").split("x")
    if not all(side.isdigit() for side in sides):
        raise DesignError("--shape", f'"{shape}" is not allowed; whole numbers, such as 32x8')
    try:
        return schedule_of(operation, algorithm, ranks, shape=[int(side) for side in sides])
    except CollectiveError as error:
        raise DesignError("collective", str(error)) from error
