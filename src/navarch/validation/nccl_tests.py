"""The output of nccl-tests as it is printed, read into rows of measured collectives."""

from __future__ import annotations

import re
from pathlib import Path

from navarch.design.errors import DesignError
from navarch.validation.rows import SIZE_LIMIT, Row

SUFFIXES = ("", ".txt", ".log", ".out")
"""Of files that are looked at."""
DEVICE = re.compile(r"^#\s+Rank\s+\d+.*?\bPid\s+\d+ on\s+(?P<host>\S+) device\s+\d+ \[[^\]]*\] (?P<gpu>.+?)\s*$")
MEASURED = re.compile(
    r"^\s*(?P<size>\d+)\s+\d+\s+(?P<type>[a-z0-9_]+)\s+(?P<redop>[a-z]+)\s+(?:-?\d+\s+)?"
    r"(?P<time>[\d.]+)\s+(?P<algbw>[\d.]+)\s+(?P<busbw>[\d.]+)\s+(?:\d+|N/A)\b"
)
NAMED = re.compile(r"\b(all_reduce|all_gather|reduce_scatter|alltoall)_perf\b")
GPUS = {
    "V100": "v100-sxm2-32gb", "A100-SXM4-40GB": "a100-sxm-40gb", "A100": "a100-sxm-80gb", "H100 PCIe": "h100-pcie",
    "H100": "h100-sxm", "H200": "h200-sxm", "H20": "h20", "GH200": "gh200-96gb", "GB200": "gb200", "GB300": "gb300",
    "B200": "b200-sxm", "B300": "b300-sxm", "L40S": "l40s", "RTX 5090": "rtx-5090", "MI300X": "mi300x",
}  # fmt: skip
"""Catalog ids by what the driver calls the device; the longest name that is found in it decides."""
ONCE = 1.0
"""Bus over algorithm bandwidth: at least so much in an all-reduce, less in all else."""


def read_nccl_tests(path: Path) -> list[Row] | None:
    """The measurements of a file that nccl-tests printed, or None where it is no such file."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file() or path.stat().st_size > SIZE_LIMIT:
        return None
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    found = [match for match in map(MEASURED.match, lines) if match]
    if not found:
        return None
    devices = [match for match in map(DEVICE.match, lines) if match]
    if not devices:
        raise DesignError("--data", 'lacks the lines "# Rank 0 ... device 0 [...] NVIDIA ..."', source=str(path))
    shared = {
        "gpu": _accelerator(devices[0]["gpu"], path),
        "gpus": len(devices),
        "nodes": len({device["host"] for device in devices}),
        "inter_link_per_node": "not printed",
    }
    named = NAMED.search("\n".join(lines))
    return [_row(index, match, named and named[1], shared) for index, match in enumerate(found, start=1)]


def _accelerator(printed: str, path: Path) -> str:
    known = [name for name in GPUS if name in printed]
    if not known:
        raise DesignError("--data", f'"{printed[:40]}" is no accelerator of the catalog', source=str(path))
    return GPUS[max(known, key=len)]


def _row(index: int, match: re.Match[str], named: str | None, shared: dict[str, object]) -> Row:
    """One measurement, out of place; a size that takes no bandwidth worth printing has its time alone."""
    return {
        **shared,
        "id": f"{named or _collective(match)} {match['size']}",
        "row": index,
        "collective": named or _collective(match),
        "message_bytes": match["size"],
        "time_us": match["time"],
        "busbw_GBps": match["busbw"],
        "floating": str(not match["type"].startswith(("int", "uint"))),
    }


def _collective(match: re.Match[str]) -> str:
    """What was run, where the file does not say: sums are reduced, and twice over the wire in an all-reduce."""
    if match["redop"] == "none":
        return "all_gather"
    whole = float(match["algbw"])
    return "all_reduce" if whole == 0 or float(match["busbw"]) / whole >= ONCE else "reduce_scatter"
