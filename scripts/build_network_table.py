"""Write the recorded runs of SimGrid as the table that `navarch validate network` ships.

Usage: python scripts/build_network_table.py [FILE]    (default ../shared/data/network/simgrid_runs.json)
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RECORDED = ROOT.parent / "shared/data/network/simgrid_runs.json"
TABLE = ROOT / "src/navarch/catalog/data/tables/simgrid_runs.csv"
NAMES = {"hd": "halving_doubling", "bisect": "bisection"}
ORDER_SEED = 7
"""Seed of the recorded random orders: `random.Random(7).shuffle`, the one that gives their times to the last digit."""
SOURCE = "SimGrid run for this project"
NOTES = {
    22: "SimGrid's lazy updates are off by as much: with network/optim:Full the same program and order give "
    "1.7477464782116454e-4 s a round, which is ours to the last digit"
}
"""What is known of a run, by its number."""


def rows(recorded: Any) -> list[dict[str, Any]]:
    """The recorded runs as rows of the table."""
    return [
        {
            "id": f"sg{index:02}", "topology": run["topology"], "shape": shape(run["topology"], run["params"]),
            "hosts": run["hosts"], "link_bytes_per_s": run["link_Bps"], "link_latency_s": run["link_latency_s"],
            "model": run["net_model"], "pattern": NAMES.get(run["algorithm"], run["algorithm"]),
            "order_seed": ORDER_SEED if run["algorithm"] == "ring_random" else "",
            "message_bytes": run["message_bytes"], "seconds": run["simulated_s_full"], "rounds": run["rounds_total"],
            "rounds_simulated": run["rounds_simulated"], "wall_s": run["wall_s"], "tool": run["tool"],
            "maxmin_precision": run["maxmin_precision"], "source": SOURCE, "note": NOTES.get(index, ""),
        }
        for index, run in enumerate(recorded["runs"], start=1)
    ]  # fmt: skip


def shape(topology: str, given: dict[str, Any]) -> str:
    """The parameters of a network as the table writes them."""
    if topology == "fattree":
        return f"{_times(given['down'])}/{_times(given['up'])}"
    if topology == "torus":
        return _times(given["dims"])
    return _times([given[name] for name in ("groups", "chassis", "routers", "nodes_per_router")])


def _times(sides: Sequence[int]) -> str:
    return "x".join(map(str, sides))


def main(recorded: Path) -> None:
    """Write the table."""
    found = rows(json.loads(recorded.read_text("utf-8")))
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(found[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(found)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDED)
