"""`navarch plan topology`: every family of networks at the same hosts, and a network of one's own beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, CatalogPaths, console, load_catalog, print_json, working

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.catalog import Catalog
    from navarch.fleet.fabric.comparison import Compared, Comparison
    from navarch.fleet.fabric.failures import Damage
    from navarch.fleet.fabric.families import Asked
    from navarch.fleet.fabric.parts import Parts
    from navarch.fleet.fabric.placement import Hall

MACHINES, NETWORK, FAILURES = "Machines", "Network", "Failures"
MOST_HOSTS = 65_536
FULL = 0.995
ROUNDING = 1e-9
MANY_PATHS = 1_000_000


def topology(
    hosts: Annotated[
        int,
        typer.Option(help="Network interfaces to join.", min=2, max=MOST_HOSTS, rich_help_panel=MACHINES),
    ] = 1024,
    rails: Annotated[
        int, typer.Option(help="Interfaces of a machine, each on its own rail.", min=1, rich_help_panel=MACHINES)
    ] = 8,
    rack_hosts: Annotated[
        int | None,
        typer.Option(help="Interfaces of a rack.", min=1, rich_help_panel=MACHINES, show_default=False),
    ] = None,
    domain: Annotated[
        int | None,
        typer.Option(
            help="Accelerators of a scale-up domain, such as 72: rails with it and without.",
            min=2,
            rich_help_panel=MACHINES,
            show_default=False,
        ),
    ] = None,
    domain_link: Annotated[
        str, typer.Option(help="Link of the domain, of the catalog.", metavar="ID", rich_help_panel=MACHINES)
    ] = "nvlink5",
    link: Annotated[str, typer.Option(help="Link of the catalog.", metavar="ID", rich_help_panel=NETWORK)] = "ib-ndr",
    switch: Annotated[
        str, typer.Option(help="Switch of the catalog.", metavar="ID", rich_help_panel=NETWORK)
    ] = "qm9700",
    oversubscription: Annotated[
        float, typer.Option(help="Of the thinned fat-tree: down over up.", min=1, rich_help_panel=NETWORK)
    ] = 4.0,
    family: Annotated[
        list[str] | None,
        typer.Option(help="Only this family. May be repeated.", rich_help_panel=NETWORK, show_default=False),
    ] = None,
    cables: Annotated[
        Path | None,
        typer.Option(
            help="Your own network: a list of cables (CSV).",
            metavar="FILE",
            rich_help_panel=NETWORK,
            show_default=False,
        ),
    ] = None,
    hosts_named: Annotated[
        str, typer.Option(help="How the hosts of that list are named.", metavar="PATTERN", rich_help_panel=NETWORK)
    ] = "host*",
    failed_links: Annotated[
        str | None,
        typer.Option(
            help="Share of the links that fail, such as '1 %'.",
            metavar="SHARE",
            rich_help_panel=FAILURES,
            show_default=False,
        ),
    ] = None,
    failed_switches: Annotated[
        int, typer.Option(help="Switches of the top tier that fail.", min=0, rich_help_panel=FAILURES)
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of the failures.", min=0, rich_help_panel=FAILURES)] = 0,
    figures: Annotated[
        Path | None,
        typer.Option(help="Write topology-FAMILY.svg here.", metavar="FOLDER", show_default=False),
    ] = None,
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """Compare networks at the same hosts: switches, cables, bisection, distances, cost and power."""
    facts = load_catalog(catalog)
    share = _share(failed_links)
    with working("Building networks"):
        parts, hall = _parts(facts, link, switch), _hall(facts, rack_hosts)
        asked = _asked(hosts, parts, oversubscription, rails)
        found = _compared(asked, parts, hall, facts, family, cables, hosts_named)
        if domain is not None:
            found = _with_domains(found, asked, parts, hall, facts, domain, domain_link)
        lost = _damages(found, share, failed_switches, seed)
    if figures is not None:
        _draw(found, figures)
    if json:
        more = {name: _damage_data(each) for name, each in lost.items()}
        print_json({**found.as_data(), **({"failures": more} if more else {})})
    else:
        _show(found, lost)


def _share(written: str | None) -> float:
    from navarch.core.quantity import QuantityError, parse
    from navarch.fleet.fabric.graph import GraphError

    if written is None:
        return 0.0
    try:
        return parse(written, "fraction")
    except QuantityError as error:
        raise GraphError(f"--failed-links: {error}") from error


def _parts(facts: Catalog, link: str, switch: str) -> Parts:
    from navarch.fleet.fabric.graph import GraphError
    from navarch.fleet.fabric.parts import parts_of

    for option, name, kind in (("--link", link, "link"), ("--switch", switch, "switch")):
        entry = facts.get("fabric", name)
        if entry.kind != kind or entry.bandwidth is None:
            raise GraphError(
                f"{option}: {name} is a {entry.kind} of the catalog's fabrics, not a {kind} with a bandwidth"
            )
    return parts_of(facts, link, switch)


def _hall(facts: Catalog, rack_hosts: int | None) -> Hall:
    from navarch.fleet.fabric.placement import hall_of

    return hall_of(facts, rack_hosts)


def _asked(hosts: int, parts: Parts, oversubscription: float, rails: int) -> Asked:
    from navarch.fleet.fabric.families import Asked

    return Asked(hosts, int(parts.radix), oversubscription, rails)


def _compared(
    asked: Asked, parts: Parts, hall: Hall, facts: Catalog, family: list[str] | None, cables: Path | None, named: str
) -> Comparison:
    """The families asked for, and the user's own network first."""
    from dataclasses import replace

    from navarch.fleet.fabric.comparison import compare, described
    from navarch.fleet.fabric.placement import wires_of

    if cables is None:
        return compare(asked, parts, hall, facts, family)
    from navarch.fleet.fabric.edge_list import read_network

    own = read_network(cables, wires_of(parts), named)
    beside = compare(replace(asked, hosts=own.hosts), parts, hall, facts, family)
    return replace(beside, rows=[described(own, parts, hall, facts), *beside.rows])


def _with_domains(
    found: Comparison, asked: Asked, parts: Parts, hall: Hall, facts: Catalog, domain: int, link: str
) -> Comparison:
    """The rail-optimised network once more, its hosts in scale-up domains."""
    from dataclasses import replace

    from navarch.fleet.fabric.comparison import described
    from navarch.fleet.fabric.families import made, under_scale_up
    from navarch.fleet.fabric.placement import wires_of

    wires = wires_of(parts)
    rails = made("rail-optimised", asked, parts, wires)
    row = described(under_scale_up(rails, domain, facts.get("fabric", link), wires), parts, hall, facts)
    return replace(found, rows=[*found.rows, row])


def _damages(found: Comparison, links: float, switches: int, seed: int) -> dict[str, Damage]:
    from navarch.fleet.fabric.failures import damage, failed

    if not links and not switches:
        return {}
    told = {}
    for row in found.rows:
        number = min(switches, row.network.switches)
        after = failed(row.network, links, number, seed=seed)
        told[row.name] = damage(row.network, after, row.bisection.flow)
    return told


def _damage_data(lost: Damage) -> dict[str, Any]:
    return {
        "cables": lost.cables,
        "bisection": lost.bisection,
        "left": lost.left,
        "cut_off": lost.lengths.unreached,
        "mean_links": lost.lengths.mean,
    }


def _draw(found: Comparison, folder: Path) -> None:
    from navarch.fleet.fabric.picture import picture

    folder.mkdir(parents=True, exist_ok=True)
    for row in found.rows:
        path = folder / f"topology-{row.name.lower().replace(' ', '-')}.svg"
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text(picture(row.network, row.bisection.flow), "utf-8")
        unfinished.replace(path)


def _show(found: Comparison, lost: dict[str, Damage]) -> None:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    parts: list[Any] = [_head(found), Text(), _carries(found), Text(), _made_of(found)]
    if lost:
        parts += [Text(), _broken(found, lost)]
    parts += [Padding(Text(note, style="dim"), (1, 0, 0, 0)) for note in _notes(found)]
    console().print(Padding(Group(*parts), (1, 1)))


def _head(found: Comparison) -> Any:
    from rich.text import Text

    from navarch.core.quantity import show

    switched = [row for row in found.rows if not row.network.direct]
    full = [row for row in switched if row.bisection_share >= FULL]
    line = Text(f"{found.hosts:,} hosts", style="bold")
    if not full:
        return line.append(": no network of switches here has full bisection.", style="default")
    best = min(full, key=lambda row: row.bill.cost)
    line.append(". Of networks of switches, full bisection costs least in a ", style="default")
    line.append(best.name, style="bold cyan")
    line.append(f": {_money(best.bill.cost)}, {show(best.bill.power, 'W')}", style="default")
    cheaper = [row for row in switched if row.bill.cost < best.bill.cost]
    if cheaper:
        cheap = min(cheaper, key=lambda row: row.bill.cost)
        told = f"; a {cheap.name} costs {_money(cheap.bill.cost)} and has {_percent(cheap.bisection_share)} of it"
        line.append(told, style="default")
    return line.append(".", style="default")


def _carries(found: Comparison) -> Table:
    """What each network carries, and how far hosts are apart."""
    from rich.text import Text

    from navarch.core.quantity import show

    table = _table(
        "", "Bisection", "by theory", "of full", "each host", "Longest path", "Mean", "Shortest paths", "Disjoint",
        "Latency", "farthest",
    )  # fmt: skip
    for row in found.rows:
        table.add_row(
            Text(row.name, style="bold"),
            show(row.bisection.flow, "byte/s"),
            Text(_beside(row), style="dim"),
            _percent(row.bisection_share),
            show(row.bisection_per_host, "byte/s"),
            f"{row.lengths.farthest:,} links",
            f"{row.lengths.mean:.2f}",
            _many(row.far.shortest),
            f"{row.far.disjoint:,}",
            show(row.latency_mean, "s"),
            show(row.latency_far, "s"),
        )
    return table


def _beside(row: Compared) -> str:
    """What theory says, or where it says nothing the search over all balanced partitions."""
    from navarch.core.quantity import show

    flow, theory, search = row.bisection.flow, row.bisection.theory, row.bisection.search
    other = search if theory is None else theory
    if other is None:
        return "—"
    alike = abs(other - flow) <= ROUNDING * max(other, flow)
    return f"{'equal' if alike else show(other, 'byte/s')}{' (search)' if theory is None else ''}"


def _made_of(found: Comparison) -> Table:
    """What each network is made of, and what it costs."""
    from rich.text import Text

    from navarch.core.quantity import show

    table = _table(
        "", "Hosts", "Switches", "Cables", "copper", "active", "optical", "Longest", "Cost", "a host", "Power"
    )  # fmt: skip
    for row in found.rows:
        bill = row.bill
        table.add_row(
            Text(row.name, style="bold"),
            f"{row.network.hosts:,}",
            f"{bill.switches:,}" if bill.switches else "—",
            f"{sum(bill.cables.values()):,}",
            *(f"{count:,}" if count else "—" for count in bill.cables.values()),
            show(bill.longest, "m"),
            _money(bill.cost),
            _money(row.cost_per_host),
            show(bill.power, "W"),
        )
    return table


def _broken(found: Comparison, lost: dict[str, Damage]) -> Table:
    """What failures leave."""
    from rich.text import Text

    from navarch.core.quantity import show

    table = _table("After the failures", "Cables lost", "Bisection", "left", "Pairs cut off", "Mean path", "Longest")
    for row in found.rows:
        each = lost[row.name]
        table.add_row(
            Text(row.name, style="bold"),
            f"{each.cables:,}",
            show(each.bisection, "byte/s"),
            _percent(each.left),
            _percent(each.lengths.unreached),
            f"{each.lengths.mean:.2f} links",
            f"{each.lengths.farthest:,} links",
        )
    return table


def _notes(found: Comparison) -> list[str]:
    refused = [f"{family}: {why}." for family, why in found.refused.items()]
    told = (
        "Bisection is the greatest flow between the two halves that theory cuts, one direction. Paths are counted "
        "between host 0 and the farthest; disjoint ones share no cable between their switches. Hosts of a torus or a "
        "hypercube are their own routers, whose price is the machines'. Latencies are of an idle network."
    )
    return [told, *(["Left out: " + " ".join(refused)] if refused else [])]


def _many(count: int) -> str:
    return f"{count:,}" if count < MANY_PATHS else f"{count:.0e}".replace("e+", " × 10^").replace("^0", "^")


def _money(value: float) -> str:
    from navarch.core.quantity import show

    return show(value, "USD")


def _percent(value: float) -> str:
    from navarch.core.quantity import show

    return show(value, "fraction")


def _table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index == 0 else "right", overflow="fold")
    return table
