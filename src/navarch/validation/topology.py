"""Published networks against the graphs that navarch builds from the parameters that they were published with.

Each row names a family and its parameters; every count that the row has (hosts, switches, cables by tier, diameter,
bisection) is compared with the graph's own: counts by counting, the diameter by measuring, the bisection by the
greatest flow between its halves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from navarch.core.arithmetic import ratio
from navarch.core.quantity import QuantityError, parse
from navarch.fleet.fabric import clos, clos_graph, dragonfly_graph, grid_graph, scaleup_graph
from navarch.fleet.fabric.bisection import cut_of
from navarch.fleet.fabric.graph import GraphError, Network
from navarch.fleet.fabric.measures import lengths_of
from navarch.validation.report import Prediction, Skipped, Split, row_id
from navarch.validation.rows import Row, UnpredictableError, number, text
from navarch.validation.topics import Told, Topic

if TYPE_CHECKING:
    from navarch.catalog import Catalog

TABLE = "topologies"
COLUMNS = ("name", "family", "parameters")
COUNTED = {
    "hosts": "host",
    "leaf": "leaf",
    "spine": "spine",
    "core": "core",
    "cables_host_leaf": "host to leaf",
    "cables_leaf_spine": "leaf to spine",
    "cables_spine_core": "spine to core",
}
BUNDLED = ("cables_host_leaf", "cables_leaf_spine", "cables_spine_core", "cables")
OPTIONAL = {"hosts", "links", "planes", "z", "y"}
MOST_HOSTS = 2_000_000
Numbers = Mapping[str, int]


def published(catalog: Catalog) -> Sequence[Row]:
    """The shipped table of published networks."""
    rows: Sequence[Row] = catalog.table(TABLE).rows(named=True)
    return rows


def predict_all(rows: Sequence[Row], catalog: Catalog) -> Told:
    """What the graph of each row counts, beside what was published."""
    predictions: list[Prediction] = []
    skipped: list[Skipped] = []
    for index, row in enumerate(rows, start=1):
        name = row_id(row, index)
        try:
            predictions += list(_of_row(row, name, network_of(row)))
        except (UnpredictableError, GraphError) as reason:
            skipped.append(Skipped(name, str(reason)))
    exact = sum(p.ape == 0 for p in predictions)
    return Told(predictions, skipped, {"exact": exact, "quantities": len(predictions)})


def network_of(row: Row) -> Network:
    """The graph of a row's family and parameters."""
    family = text(row, "family")
    if not family:
        raise UnpredictableError(text(row, "note") or "no family is named")
    if family not in BUILT:
        raise UnpredictableError(f'there is no family "{family}"; allowed: {", ".join(BUILT)}')
    needed, make = BUILT[family]
    given = _parameters(text(row, "parameters"))
    missing = [name for name in needed if name not in given and name not in OPTIONAL]
    unknown = [name for name in given if name not in needed]
    if missing or unknown:
        wrong = f"lacks {missing[0]}" if missing else f"has no {unknown[0]}"
        raise UnpredictableError(f"a {family} {wrong}; its parameters are {', '.join(needed)}")
    return make(given)


def _parameters(written: str) -> dict[str, int]:
    """`a=1 b=2` as numbers."""
    found = {}
    for part in written.split():
        name, _, value = part.partition("=")
        if not value.isdecimal() or not 1 <= int(value) <= MOST_HOSTS:
            raise UnpredictableError(f'the parameter "{part[:40]}" is not a name and a whole number, such as radix=48')
        found[name] = int(value)
    return found


def _sized(hosts: int) -> None:
    if hosts > MOST_HOSTS:
        raise UnpredictableError(f"{hosts:,} hosts are more than the {MOST_HOSTS:,} that are built here")


def _fat_tree(given: Numbers) -> Network:
    _sized(given["radix"] ** 3 // 4)
    return clos_graph.fat_tree(given["radix"])


def _leaf_spine(given: Numbers) -> Network:
    _sized(given["leaves"] * given["leaf_hosts"])
    return clos_graph.leaf_spine(given["leaves"], given["leaf_hosts"], given["spines"], given["uplinks"])


def _rail_optimised(given: Numbers) -> Network:
    """A non-blocking rail-optimised network of switches of one radix, in planes that are alike."""
    nodes, rails, radix = (given[name] for name in ("nodes", "rails", "radix"))
    _sized(nodes * rails)
    down = int(clos.down_ports(radix, 1.0))
    _, leaves = clos_graph.rail_leaf(nodes, rails, down)
    up = int(clos.up_ports(radix, down))
    if leaves <= radix:
        plane = clos_graph.rail_optimised(nodes, rails, down, int(clos.spines_for(leaves, radix, up)), up)
    else:
        pods = int(clos.pods_for(leaves, down))
        if pods > radix:
            raise UnpredictableError(f"{nodes * rails:,} hosts exceed three levels of {radix}-port switches")
        pod_leaves = clos.leaves_per_pod(leaves, pods)
        spines = clos.spines_per_pod(pod_leaves, down, up)
        uplinks = clos.spine_uplinks(pod_leaves, up, spines, 1.0)
        cores = clos.cores_for(spines, uplinks, radix, pods)
        plane = clos_graph.rail_optimised(nodes, rails, down, int(spines), up, pods, int(cores), int(uplinks))
    planes = given.get("planes", 1)
    return plane if planes == 1 else scaleup_graph.in_planes(plane, planes)


def _torus(given: Numbers) -> Network:
    lengths = [given[axis] for axis in "xyz" if axis in given]
    _sized(lengths[0] * (lengths[1] if len(lengths) > 1 else 1) * (lengths[2] if len(lengths) > 2 else 1))
    return grid_graph.torus(lengths)


def _hypercube(given: Numbers) -> Network:
    _sized(2 ** min(given["dimensions"], 64))
    return grid_graph.hypercube(given["dimensions"])


def _dragonfly(given: Numbers) -> Network:
    _sized(given["p"] * given["a"] * given["g"])
    shape = (given["p"], given["a"], given["h"], given["g"])
    return dragonfly_graph.dragonfly(*shape, links=given.get("links"), hosts=given.get("hosts"))


def _dragonfly_plus(given: Numbers) -> Network:
    _sized(given["p"] * given["l"] * given["g"])
    shape = (given["p"], given["l"], given["s"], given["h"], given["g"])
    return dragonfly_graph.dragonfly_plus(*shape, links=given.get("links"), hosts=given.get("hosts"))


BUILT: dict[str, tuple[tuple[str, ...], Callable[[Numbers], Network]]] = {
    "fat-tree": (("radix",), _fat_tree),
    "leaf-spine": (("leaves", "leaf_hosts", "spines", "uplinks"), _leaf_spine),
    "rail-optimised": (("nodes", "rails", "radix", "planes"), _rail_optimised),
    "torus": (("x", "y", "z"), _torus),
    "hypercube": (("dimensions",), _hypercube),
    "dragonfly": (("p", "a", "h", "g", "links", "hosts"), _dragonfly),
    "dragonfly+": (("p", "l", "s", "h", "g", "links", "hosts"), _dragonfly_plus),
}
"""How a family is built, by the parameters of a row."""


def _of_row(row: Row, name: str, network: Network) -> Iterator[Prediction]:
    """Each published quantity of a row with the graph's own."""
    split: Split = "recalled" if text(row, "source_check") == "recalled" else "untouched"
    note = ": ".join(part for part in (text(row, "name"), text(row, "note")) if part)
    told = False
    for quantity, found in _quantities(row, network):
        measured, predicted = found
        told = True
        yield Prediction(
            f"{name} {quantity}", quantity, measured, predicted, "interpolated", text(row, "family"), split, note
        )
    if not told:
        raise UnpredictableError("the row publishes no count")


def _quantities(row: Row, network: Network) -> Iterator[tuple[str, tuple[float, float]]]:
    planes = network.shape.get("copies", 1)
    for column, tier in COUNTED.items():
        if text(row, column):
            each = planes if column in BUNDLED else 1
            yield column, (number(row, column), float(ratio(float(network.count(tier)), float(each))))
    if text(row, "switches"):
        yield "switches", (number(row, "switches"), float(network.switches))
    if text(row, "cables"):
        yield "cables", (number(row, "cables"), float(ratio(float(network.cables), float(planes))))
    if text(row, "diameter"):
        yield "diameter", (number(row, "diameter"), float(lengths_of(network).farthest - _uncounted(network)))
    if text(row, "bisection"):
        yield _bisection(row, network)


def _uncounted(network: Network) -> int:
    """Links of the longest path that a family's diameter leaves out: it counts switches of a tree, links of routers."""
    return 0 if network.direct else 2 if network.kind == "dragonfly" else 1


def _bisection(row: Row, network: Network) -> tuple[str, tuple[float, float]]:
    """Links, or where the row gives a bandwidth, bandwidth one direction."""
    flow = cut_of(network).flow
    if text(row, "link"):
        try:
            measured, link = parse(text(row, "bisection"), "byte/s"), parse(text(row, "link"), "byte/s")
        except QuantityError as error:
            raise UnpredictableError(str(error)) from error
        return "bisection [byte/s]", (measured, _bandwidth(flow, link))
    return "bisection [links]", (number(row, "bisection"), flow)


def _bandwidth(links: float, link: float) -> float:
    from navarch.fleet.fabric.estimate import bisection_bandwidth

    return float(bisection_bandwidth(links, link))


def predict(row: Row, catalog: Catalog) -> Prediction:
    """The first published quantity of a row."""
    return next(_of_row(row, row_id(row, 1), network_of(row)))


TOPIC = Topic(
    "topology", "Hosts, switches, cables, diameter and bisection of published networks", COLUMNS, published, predict,
    predict_all=predict_all,
)  # fmt: skip
