"""What pairs are called: models and clusters as the catalog names them, short enough for a figure."""

from __future__ import annotations

import re
from functools import lru_cache

from navarch import load_catalog
from navarch.core.quantity import show
from navarch.course.parallelism_puzzle.pairs import Pair, plain_machine

MAKERS = ("NVIDIA ", "Azure ", "University server ", "Google ")
BESIDE = re.compile(r"\s*\(.*?\)|\.\d+xlarge$|-8g$| OAM server$")
"""What a name can do without."""


@lru_cache(maxsize=256)
def model_name(model: str) -> str:
    """A model as the catalog names it."""
    return load_catalog().get("model", model).name or model


@lru_cache(maxsize=256)
def cluster_name(node: str) -> str:
    """A cluster by its nodes, without their maker."""
    name = BESIDE.sub("", BESIDE.sub("", load_catalog().get("node", node).name or node)).strip()
    for maker in MAKERS:
        name = name.removeprefix(maker)
    return name


def cluster_told(pair: Pair) -> str:
    """A cluster in one line: its accelerators, their memory, and both bandwidths."""
    hardware = plain_machine(pair).hardware
    joined = f"{int(hardware.scaleup_domain)} joined at {show(float(hardware.scaleup_bandwidth), 'byte/s')}"
    network = f"{show(float(hardware.scaleout_bandwidth), 'byte/s')} beyond"
    return f"{pair.accelerators} accelerators of {show(float(hardware.memory), 'byte')}, {joined}, {network}"


def pair_name(pair: Pair) -> str:
    """A pair in a few words."""
    return f"{model_name(pair.model)} on {cluster_name(pair.node)}"
