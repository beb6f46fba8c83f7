"""How fast graphs of networks are: building, the greatest flow beside SciPy's, all partitions, distances and routes.

    .venv/bin/python benchmarks/fabric.py

All are medians on this machine as it is.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import maximum_flow

from navarch.catalog import load
from navarch.fleet.fabric.bisection import cut_of, least_cut
from navarch.fleet.fabric.clos_graph import fat_tree, three_tier
from navarch.fleet.fabric.comparison import compare
from navarch.fleet.fabric.dragonfly_graph import dragonfly
from navarch.fleet.fabric.families import Asked
from navarch.fleet.fabric.graph import Network
from navarch.fleet.fabric.grid_graph import torus
from navarch.fleet.fabric.measures import lengths_of
from navarch.fleet.fabric.parts import parts_of
from navarch.fleet.fabric.placement import hall_of
from navarch.fleet.fabric.routing import router_for

HOSTS = 16_384
LARGE = 2**30  # more than any flow here


def usual(call: Callable[[], object], repeats: int = 5) -> float:
    """The median of some runs [s], after one that compiles and fills the caches."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def tree() -> Network:
    """A full three-tier network of 16,384 hosts and 1,280 switches of 64 ports."""
    return three_tier(16, 32, 32, 32, 32, 256, 32)


def by_scipy(network: Network) -> int:
    """The same greatest flow by `scipy.sparse.csgraph.maximum_flow`, with one more source and sink."""
    source, sink = network.nodes, network.nodes + 1
    first = np.flatnonzero(network.half)
    second = np.flatnonzero(~network.half)
    a = np.concatenate([network.source, np.full(len(first), source), second])
    b = np.concatenate([network.target, first, np.full(len(second), sink)])
    rates = np.concatenate([np.ones(2 * network.cables, dtype=np.int32), np.full(network.hosts, LARGE, dtype=np.int32)])
    graph = coo_matrix((rates, (a, b)), shape=(sink + 1, sink + 1), dtype=np.int32).tocsr()
    return int(maximum_flow(graph, source, sink).flow_value)


def rows() -> list[tuple[str, str]]:
    """What is measured: (what, how long or how often a second)."""
    network, random = tree(), np.random.default_rng(1)
    there = random.permutation(network.hosts)
    hosts = np.arange(network.hosts)
    found: list[tuple[str, str]] = [
        ("build a fat-tree of 16,384 hosts, 49,152 cables", f"{usual(tree) * 1e3:.1f} ms"),
        ("build a dragonfly of 16,512 hosts", f"{usual(lambda: dragonfly(8, 16, 8, 129)) * 1e3:.1f} ms"),
        ("greatest flow between its halves", f"{usual(lambda: cut_of(network)) * 1e3:.1f} ms"),
        ("the same by SciPy", f"{usual(lambda: by_scipy(network), 3) * 1e3:.1f} ms"),
        (
            "all 6,435 balanced partitions of a fat-tree of 16 hosts",
            f"{usual(lambda: least_cut(fat_tree(4))) * 1e3:.1f} ms",
        ),
        ("all 6,435 of a torus of 4 x 4", f"{usual(lambda: least_cut(torus((4, 4)))) * 1e3:.2f} ms"),
        ("paths between all pairs of the fat-tree", f"{usual(lambda: lengths_of(network), 3):.2f} s"),
    ]
    for policy in ("modulo", "ecmp", "adaptive"):
        router = router_for(network, policy)
        rate = network.hosts / usual(lambda r=router: r.paths(hosts, there))  # type: ignore[misc]
        found.append((f"routes by {policy}, random destinations", f"{rate / 1e3:,.0f} thousand a second"))
    grid = torus((16, 16, 16))
    router = router_for(grid, "dimension-order")
    to = random.permutation(grid.hosts)
    rate = grid.hosts / usual(lambda: router.paths(np.arange(grid.hosts), to))
    found.append(("routes by dimension-order in a torus of 16 x 16 x 16", f"{rate / 1e3:,.0f} thousand a second"))
    catalog = load()
    parts, hall = parts_of(catalog, "ib-ndr", "qm9700"), hall_of(catalog)
    asked = Asked(HOSTS, 64, 4.0, 8)
    found.append(
        ("all families at 16,384 hosts, everything", f"{usual(lambda: compare(asked, parts, hall, catalog), 2):.1f} s")
    )
    return found


def main() -> None:
    """Print the table."""
    assert by_scipy(tree()) == cut_of(tree()).flow
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("Graphs of networks")
    table.add_column("", justify="right")
    for what, figure in rows():
        table.add_row(what, figure)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
