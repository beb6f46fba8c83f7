"""Write the pool that the variants of Lab 05 are drawn from: families of models and clusters, every draw of which has
its surprise.

Each candidate pair is searched exhaustively by the library. A family is a product of workloads and clusters; what
stands in the way of the surprise is taken out one after the other, the most harmful first, until no draw of the family
lacks it: no strategy comes within MARGIN of the best on two of the nine pairs.

    .venv/bin/python scripts/build_puzzle.py        (some three minutes)
"""

from __future__ import annotations

import itertools
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from navarch.course.parallelism_puzzle.pairs import Pair, searched

POOL = Path(__file__).parents[1] / "src/navarch/course/parallelism_puzzle/pool.yaml"
ACCELERATORS = 256
MARGIN = 0.01
PROCESSES = 2
TRIES = 60
LEAST_KEPT = 2

BATCHES = (256, 512, 1024)
SMALL = [(m, s, b) for m, s in (("gemma2-9b", 8192), ("phi-4", 8192), ("qwen2.5-14b", 8192), ("llama2-13b", 4096))
         for b in BATCHES]  # fmt: skip
SMALL += [(m, 65536, b) for m in ("llama3.1-8b", "qwen2.5-14b") for b in (32, 64)]
DENSE = [(m, s, b) for m, s in (("qwen2.5-32b", 8192), ("llama1-65b", 2048), ("llama3.1-70b", 8192),
                                ("qwen2.5-72b", 8192)) for b in BATCHES]  # fmt: skip
EXPERTS = [(m, 4096, b) for m in ("mixtral-8x7b", "qwen3-30b-a3b") for b in BATCHES]
LARGE_DENSE = [(m, 2048, b) for m in ("gpt3-175b", "bloom-176b", "falcon-180b") for b in BATCHES]
LARGE_EXPERTS = [(m, 4096, b) for m in ("mixtral-8x22b", "qwen3-235b-a22b", "grok-1") for b in (256, 1024)]
FAMILIES = {
    "dense": (SMALL, DENSE, LARGE_DENSE),
    "experts": (SMALL, EXPERTS, LARGE_EXPERTS),
    "large experts": (SMALL, DENSE, LARGE_EXPERTS),
    "middle experts": (SMALL, EXPERTS, LARGE_DENSE),
}
FAST = ("dgx-a100-640", "dgx-h100", "dgx-h200", "dgx-b200")
ETHERNET = ("aws-p4d-24xlarge", "gcp-a3-highgpu-8g")
PCIE = ("univ-4xl40s",)
UNSEEN = {
    "small": [
        ("mistral-7b", 8192, 512),
        ("qwen3-8b", 16384, 256),
        ("gpt-oss-20b", 4096, 1024),
        ("gemma1-7b", 8192, 512),
    ],
    "middle": [("llama2-70b", 4096, 512), ("opt-66b", 2048, 1024), ("qwen3-32b", 8192, 512), ("gemma2-27b", 8192, 512)],
    "large": [("llama3.1-405b", 8192, 512), ("deepseek-v2", 4096, 1024), ("opt-175b", 2048, 1024)],
}
UNSEEN_NODES = ("aws-p4de-24xlarge", "gb200-nvl72", "gcp-a3-megagpu-8g", "mi300x-8-oam", "univ-8xrtxpro6000")
UNSEEN_FLEETS = (128, 512)
UNSEEN_PAIRS = 2
CLUSTERS = list(itertools.product(FAST, ETHERNET, PCIE))
HEAD = """# Lab 05, The Parallelism Puzzle: what the variants are drawn from.
# Written by scripts/build_puzzle.py, which searched every pair: in every draw of every family, no strategy comes within
# {margin:.0%} of the best on two of the nine pairs. A workload is [model, tokens of a sequence, sequences of a batch];
# clusters are [NVLink and InfiniBand, NVLink and Ethernet, PCIe and Ethernet].
"""


def near_of(pair: Pair) -> frozenset:
    """The strategies that come within the margin of the best on a pair; empty where nothing fits."""
    found = searched(pair)
    return frozenset(each.key for each in found.within(MARGIN)) if found.tried else frozenset()


def main() -> None:
    wanted = sorted({w for family in FAMILIES.values() for part in family for w in part})
    nodes = sorted({n for cluster in CLUSTERS for n in cluster})
    places = list(itertools.product(wanted, nodes))
    near = {}
    with ProcessPoolExecutor(PROCESSES) as processes:
        found = processes.map(near_of, [Pair(m, node, ACCELERATORS, batch, s) for (m, s, batch), node in places])
        for place, each in zip(places, found, strict=True):
            near[place] = each
            sys.stderr.write(f"\r{len(near)} of {len(places)} pairs")
    families = {name: family_of(parts, near) for name, parts in FAMILIES.items()}
    sys.stderr.write("\n" + "".join(f"{n}: {np.prod([len(p) for p in f]):,} draws\n" for n, f in families.items()))
    POOL.write_text(written(families))


def family_of(parts: tuple, near: dict) -> list[list]:
    """The largest product found in which every draw has its surprise."""
    axes = [*parts, CLUSTERS]
    good = surprises(axes, near)
    best: list[list[int]] = [[], [], [], []]
    for seed in range(TRIES):
        kept = thinned(good, np.random.default_rng(seed))
        if kept and worth(kept, axes) > worth(best, axes):
            best = kept
    return [[axis[i] for i in kept] for axis, kept in zip(axes, best, strict=True)]


def worth(kept: list[list[int]], axes: list) -> float:
    """How many draws, and how many different models and clusters, a product has."""
    kinds = [len({axis[i][0] for i in rows}) for axis, rows in zip(axes, kept, strict=True)]
    return float(np.prod([len(rows) for rows in kept]) * np.prod(kinds) ** 0.5)


def surprises(axes: list, near: dict) -> np.ndarray:
    """Whether each draw has its surprise."""
    good = np.zeros([len(axis) for axis in axes], bool)
    for place in itertools.product(*(range(len(axis)) for axis in axes[:3])):
        workloads = [axis[i] for axis, i in zip(axes, place, strict=False)]
        for number, cluster in enumerate(CLUSTERS):
            good[(*place, number)] = apart([near[w, n] for w in workloads for n in cluster])
    return good


def apart(sets: list[frozenset]) -> bool:
    """Whether no strategy is in two of the sets, and none of them is empty."""
    return all(sets) and sum(map(len, sets)) == len(frozenset().union(*sets))


def thinned(good: np.ndarray, random: np.random.Generator) -> list[list[int]] | None:
    """What is left when the most harmful is taken out until every draw is good."""
    kept = [list(range(n)) for n in good.shape]
    while not (left := good[np.ix_(*kept)]).all():
        worst = None
        for axis in range(4):
            if len(kept[axis]) <= LEAST_KEPT:
                continue
            share = left.mean(axis=tuple(other for other in range(4) if other != axis))
            rated = share + 0.15 * random.random(len(share))
            row = int(np.argmin(rated))
            if worst is None or rated[row] < worst[0]:
                worst = (rated[row], axis, row)
        if worst is None:
            return None
        kept[worst[1]].pop(worst[2])
    return kept


def written(families: dict) -> str:
    """The pool as YAML."""
    lines = [HEAD.format(margin=MARGIN), f"accelerators: {ACCELERATORS}", f"margin: {MARGIN}", "families:"]
    for name, parts in families.items():
        lines.append(f"  - name: {name}")
        for part, rows in zip(("small", "middle", "large", "clusters"), parts, strict=True):
            lines.append(f"    {part}:")
            lines += [f"      - {listed(row)}" for row in rows]
    lines += ["unseen:", f"  nodes: {listed(UNSEEN_NODES)}", f"  accelerators: {listed(UNSEEN_FLEETS)}"]
    lines.append(f"  pairs_of_a_workload: {UNSEEN_PAIRS}")
    for part, rows in UNSEEN.items():
        lines += [f"  {part}:", *(f"    - {listed(row)}" for row in rows)]
    return "\n".join(lines) + "\n"


def listed(values: tuple) -> str:
    """A row of the pool."""
    return f"[{', '.join(map(str, values))}]"


if __name__ == "__main__":
    main()
