"""The flow simulator beside SimGrid's recorded runs: the same networks, routing and traffic."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from navarch.catalog import Catalog
from navarch.fleet.fabric import clos_graph, grid_graph
from navarch.fleet.fabric.graph import Wires
from navarch.fleet.fabric.routing import router_for
from navarch.validation import Report, simgrid_networks, validate
from navarch.validation.network import TABLE, published, simulated
from navarch.validation.rows import UnpredictableError

ROOT = Path(__file__).parents[3]
RECORDED = ROOT.parent / "shared/data/network/simgrid_runs.json"
UNIFORM, RANDOM = 1e-6, 0.01
TIMES = 20.0


@pytest.fixture(scope="module")
def report(catalog: Catalog) -> Report:
    return validate("network", catalog)


@pytest.fixture(scope="module")
def rows(catalog: Catalog) -> dict[str, dict[str, Any]]:
    return {str(row["id"]): dict(row) for row in published(catalog)}


def test_every_row_is_predicted(report: Report) -> None:
    assert (report.summary.rows, report.summary.skipped) == (42, 0)


def test_uniform_cases_are_equal_to_the_last_digits(report: Report, rows: dict[str, dict[str, Any]]) -> None:
    checked = [
        p for p in report.predictions if rows[p.id]["pattern"] != "ring_random" and rows[p.id]["model"] == "CM02"
    ]
    assert len(checked) == 29
    assert max(p.ape for p in checked) < UNIFORM


def test_random_orders_are_within_a_hundredth_in_every_case(report: Report, rows: dict[str, dict[str, Any]]) -> None:
    checked = [p for p in report.predictions if rows[p.id]["pattern"] == "ring_random"]
    assert len(checked) == 7
    assert max(p.ape for p in checked) < RANDOM
    assert [p.id for p in checked if p.ape > UNIFORM] == ["sg22"]


def test_the_one_that_is_off_is_what_simgrid_gives_without_its_lazy_updates(catalog: Catalog, rows: Any) -> None:
    """Run by us with SimGrid 3.32 and network/optim:Full, a round in the same order."""
    exact = 1.7477464782116454e-4
    assert simulated(rows["sg22"], catalog) / rows["sg22"]["rounds"] == pytest.approx(exact, rel=1e-12)


def test_with_corrections_of_tcp_too(report: Report, rows: dict[str, dict[str, Any]]) -> None:
    assert max(p.ape for p in report.predictions if rows[p.id]["model"] == "LV08") < 1e-5


def test_it_is_twenty_times_as_fast_at_512_hosts(report: Report, rows: dict[str, dict[str, Any]]) -> None:
    """All cases together; SimGrid's own times are of one of two shared cores."""
    clocks = [each for each in report.more["wall"] if rows[each["id"]]["hosts"] == 512]
    assert len(clocks) == 16
    assert sum(each["simgrid_s"] for each in clocks) > TIMES * sum(each["navarch_s"] for each in clocks)


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_network_table", ROOT / "scripts/build_network_table.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_what_was_recorded() -> None:
    if not RECORDED.exists():
        pytest.skip("the recorded runs (../shared/data/network) are not on this machine")
    found = _script().rows(json.loads(RECORDED.read_text("utf-8")))
    written = io.StringIO()
    table = csv.DictWriter(written, list(found[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(found)
    assert written.getvalue() == (ROOT / f"src/navarch/catalog/data/tables/{TABLE}.csv").read_text("utf-8")


def test_routes_on_a_fat_tree_are_those_of_our_own_network() -> None:
    """SimGrid's fat-tree is a leaf-spine network of ours, its routing our D-mod-K: as many flows on as many links."""
    ours = clos_graph.leaf_spine(4, 4, 4, 4, Wires(1.0, 0, 0, 0))
    theirs = simgrid_networks.fat_tree([4, 4], [1, 4])
    source = np.repeat(np.arange(16), 15)
    destination = np.concatenate([np.delete(np.arange(16), host) for host in range(16)])
    ways = router_for(ours, "modulo").paths(source, destination), theirs.paths(source, destination)
    assert ways[0].hops().tolist() == ways[1].hops().tolist()
    loads = [np.sort(np.bincount(paths.links, minlength=64))[-64:].tolist() for paths in ways]
    assert loads[0] == loads[1]


def test_routes_on_a_torus_are_those_of_our_own_network() -> None:
    ours = grid_graph.torus([3, 5, 3], Wires(1.0, 0, 0, 0))
    theirs = simgrid_networks.torus([3, 5, 3])
    source, destination = np.divmod(np.arange(45 * 45), 45)
    ways = router_for(ours, "dimension-order").paths(source, destination), theirs.paths(source, destination)
    assert np.sort(ways[0].hops()).tolist() == np.sort(ways[1].hops()).tolist()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"topology": "star"}, 'topology "star" is not one of fattree, torus, dragonfly'),
        ({"shape": "4x4"}, 'shape "4x4" is not one of a fattree, such as 8x8x8/1x8x8'),
        ({"topology": "torus", "shape": "4xfour"}, 'shape "4xfour" is not one of a torus'),
        ({"topology": "torus", "shape": "999x999"}, "more than 65,536 hosts"),
        ({"topology": "dragonfly", "shape": "9x1x8x8"}, "more groups than routers"),
        ({"model": "X"}, 'model "X" is not one of CM02, LV08'),
        ({"pattern": "gossip"}, 'pattern "gossip" is not one of ring'),
        ({"pattern": "ring_random", "order_seed": ""}, "order_seed is empty"),
        ({"message_bytes": "-1"}, "message_bytes"),
    ],
)
def test_a_row_that_cannot_be_is_skipped_with_its_reason(
    catalog: Catalog, rows: dict[str, dict[str, Any]], change: dict[str, str], told: str
) -> None:
    with pytest.raises(UnpredictableError, match=told):
        simulated({**rows["sg01"], **change}, catalog)


def test_a_table_of_ones_own(catalog: Catalog, tmp_path: Path, rows: dict[str, dict[str, Any]]) -> None:
    own = tmp_path / "runs.csv"
    with own.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows["sg01"]))
        table.writeheader()
        table.writerows([rows["sg03"], {**rows["sg16"], "topology": "ring"}])
    found = validate("network", catalog, own)
    assert (found.summary.predicted, found.summary.skipped) == (1, 1)
