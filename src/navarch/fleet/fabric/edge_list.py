"""A user's own network, read from a list of cables (CSV).

    from,to,bandwidth,latency,length,count
    host1,leaf1,400 Gb/s,0.5 us,2 m,
    leaf1,spine1,400 Gb/s,,,4

`from` and `to` are needed; the rest may be left out or empty: bandwidth and latency are then those of the link asked
for, length 0, count 1. Nodes whose names match the pattern of hosts ("host*") are hosts; where none does, all are, and
they pass on traffic for others. The tier of a node is its name without the number at its end.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from navarch.core.quantity import QuantityError, parse
from navarch.fleet.fabric.graph import Draft, Flags, GraphError, Ints, Network, Wires, listed

UNITS = {"bandwidth": "byte/s", "latency": "s", "length": "m", "count": "1"}
COLUMNS = ("from", "to", *UNITS)
SIZE_LIMIT = 200_000_000
"""Largest list of cables [byte]."""
MOST_COUNT = 4096
DENSE = 1500
"""Nodes up to which the spectrum of a network is worked out with a dense matrix."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list: the names of both ends, and what it says of the cable, None where it says nothing."""

    one: str
    other: str
    bandwidth: float | None
    latency: float | None
    length: float | None
    count: int


def read_network(path: Path, wires: Wires | None = None, hosts: str = "host*", name: str = "") -> Network:
    """The network of a list of cables.

    path: of the list; wires: bandwidth and latencies of cables that state none; hosts: pattern of the names of hosts.
    """
    rows = _rows(path)
    names = list(dict.fromkeys(end for row in rows for end in (row.one, row.other)))
    ends = [n for n in names if fnmatchcase(n, hosts)]
    direct = not ends
    switches = [] if direct else [n for n in names if n not in set(ends)]
    ends = ends or names
    _check(path, rows, set(ends), direct)
    return _built(rows, ends, switches, wires or Wires(), direct, name or path.stem)


def _built(rows: list[Row], hosts: list[str], switches: list[str], wires: Wires, direct: bool, name: str) -> Network:
    tiers: dict[str, list[str]] = {}
    for switch in switches:
        tiers.setdefault(_tier(switch), []).append(switch)
    draft = Draft("own", name, wires, {"hosts": len(hosts)}, direct)
    number = dict(zip(hosts, draft.nodes("host", len(hosts)).tolist(), strict=True))
    for tier, members in tiers.items():
        number |= zip(members, draft.nodes(tier, len(members)).tolist(), strict=True)
    lengths: list[float] = []
    ends = set(hosts)
    for row in rows:
        near = not direct and (row.one in ends or row.other in ends)
        usual = wires.direct if direct else wires.near if near else wires.far
        between = " to ".join("host" if end in ends else _tier(end) for end in (row.one, row.other))
        a, b = np.full(row.count, number[row.one]), np.full(row.count, number[row.other])
        draft.join(a, b, between, usual if row.latency is None else row.latency, row.bandwidth)
        lengths += [row.length or 0.0] * row.count
    network = replace(draft.finish(np.zeros(len(hosts), dtype=bool)), length=np.array(lengths))
    return replace(network, half=spectral_half(network))


def spectral_half(network: Network) -> Flags:
    """Half of the hosts, on one side of the Fiedler vector: a good cut where no theory names one (Fiedler 1973)."""
    import scipy.sparse as sparse

    count = network.nodes
    if network.hosts < 2:
        return np.zeros(network.hosts, dtype=bool)
    weight = sparse.coo_matrix((network.capacity, (network.source, network.target)), shape=(count, count)).tocsr()
    laplacian = sparse.diags(np.asarray(weight.sum(axis=1)).ravel()) - weight
    scale = float(network.capacity.max()) or 1.0
    if count <= DENSE:
        _, vectors = np.linalg.eigh(laplacian.toarray() / scale)
    else:
        from scipy.sparse.linalg import eigsh

        start = np.cos(np.arange(count, dtype=float))  # any vector, but always the same
        _, vectors = eigsh(laplacian / scale + sparse.identity(count) * 1e-6, k=2, sigma=0.0, v0=start)
    order: Ints = np.argsort(np.round(vectors[: network.hosts, 1], 9), kind="stable").astype(np.int32)
    half = np.zeros(network.hosts, dtype=bool)
    half[order[: network.hosts // 2]] = True
    return half


def _tier(name: str) -> str:
    return re.sub(r"[\W_]*\d*$", "", re.sub(r"[\d.:_-]+$", "", name)) or "switch"


def _rows(path: Path) -> list[Row]:
    """The lines of the list, or a GraphError that names the line, the field and what is allowed."""
    if path.is_dir() or not path.exists():
        raise GraphError(f"{path}: {'is a folder; name a CSV file' if path.is_dir() else 'there is no such file'}")
    if path.stat().st_size > SIZE_LIMIT:
        raise GraphError(f"{path}: is larger than {SIZE_LIMIT / 1e6:g} MB")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restkey="beyond the last column")
            named = [(column or "").strip() for column in reader.fieldnames or ()]
            reader.fieldnames = named
            if not {"from", "to"} <= set(named):
                raise GraphError(f"{path}: its first line must name the columns from and to ({', '.join(COLUMNS)})")
            unknown = [column for column in named if column not in COLUMNS]
            if unknown:
                raise GraphError(f"{path}: unknown column {unknown[0]!r}; allowed: {listed(COLUMNS)}")
            rows = [_row(path, reader.line_num, row) for row in reader]
    except UnicodeDecodeError as error:
        raise GraphError(f"{path}: is not UTF-8 text") from error
    except csv.Error as error:
        raise GraphError(f"{path}: is not a CSV table: {error}") from error
    if not rows:
        raise GraphError(f"{path}: lists no cable")
    return rows


def _row(path: Path, line: int, row: dict[str, str | None]) -> Row:
    if "beyond the last column" in row:
        raise GraphError(f"{path}, line {line}: has more cells than the first line names columns")
    one, other = ((row.get(end) or "").strip() for end in ("from", "to"))
    for end, node in (("from", one), ("to", other)):
        if not node:
            raise GraphError(f"{path}, line {line}: {end} is empty; it names a node")
    if one == other:
        raise GraphError(f"{path}, line {line}: joins {one!r} to itself")
    told = {name: _amount(path, line, name, (row.get(name) or "").strip()) for name in UNITS}
    count = told["count"]
    if count is not None and (count != int(count) or not 1 <= count <= MOST_COUNT):
        raise GraphError(f"{path}, line {line}: count is {count:g}; allowed is a whole number from 1 to {MOST_COUNT}")
    return Row(one, other, told["bandwidth"], told["latency"], told["length"], int(count or 1))


def _amount(path: Path, line: int, name: str, written: str) -> float | None:
    if not written:
        return None
    try:
        value = parse(written, UNITS[name])
    except QuantityError as error:
        raise GraphError(f"{path}, line {line}: {name}: {error}") from error
    if not 0 <= value < np.inf or (name == "bandwidth" and value == 0):
        raise GraphError(f"{path}, line {line}: {name} is {written}; it must be more than 0 and finite")
    return value


def _check(path: Path, rows: list[Row], hosts: set[str], direct: bool) -> None:
    """Refuse cables between hosts of a switched network, and networks in several pieces."""
    for row in rows:
        if not direct and row.one in hosts and row.other in hosts:
            raise GraphError(
                f"{path}: {row.one} and {row.other} are hosts joined directly; in a network with switches hosts pass "
                "nothing on. Name the hosts by another pattern, or none where every node is a host"
            )
    neighbours: dict[str, set[str]] = {}
    for row in rows:
        neighbours.setdefault(row.one, set()).add(row.other)
        neighbours.setdefault(row.other, set()).add(row.one)
    start = rows[0].one
    met, ahead = {start}, [start]
    while ahead:
        for following in neighbours[ahead.pop()] - met:
            met.add(following)
            ahead.append(following)
    lost = [name for name in neighbours if name not in met]
    if lost:
        raise GraphError(f"{path}: {lost[0]} cannot be reached from {start}; the network is in several pieces")
