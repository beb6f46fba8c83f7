"""Direct networks as graphs, whose hosts are their own routers: torus, twisted torus, hypercube.

Host numbers count the first dimension fastest. A dimension of length 1 is absent; along one of length 2 the way round
is the same cable.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from navarch.fleet.fabric.graph import Draft, Flags, GraphError, Ints, Network, Wires, whole

UNIT = Wires()
HOST_HOST = "host to host"


def torus(lengths: Sequence[int], wires: Wires = UNIT) -> Network:
    """A torus of so many hosts along each dimension."""
    return _grid("torus", lengths, wires, twisted=False)


def twisted_torus(lengths: Sequence[int], wires: Wires = UNIT) -> Network:
    """A torus of n x 2n, n x n x 2n or n x 2n x 2n whose way round a short dimension moves n along the long ones.

    Cámara, Moretó, Vallejo, Beivide, Miguel-Alonso, Martínez and Navaridas 2010; Google's TPU v4 has slices of this
    kind (Jouppi et al. 2023, section 2.8).
    """
    short, long = min(lengths), max(lengths)
    if len(lengths) not in (2, 3) or long != 2 * short or not set(lengths) <= {short, long}:
        shape = " x ".join(str(d) for d in lengths)
        raise GraphError(f"a twisted torus is n x 2n, n x n x 2n or n x 2n x 2n, not {shape}")
    return _grid("twisted torus", lengths, wires, twisted=True)


def hypercube(dimensions: int, wires: Wires = UNIT) -> Network:
    """Two to the power of so many hosts; neighbours differ in one bit of their number."""
    whole(dimensions=dimensions)
    hosts = 2**dimensions
    draft = Draft("hypercube", f"hypercube of {hosts:,} hosts", wires, {"dimensions": dimensions, "hosts": hosts}, True)
    ends = draft.nodes("host", hosts)
    for bit in range(dimensions):
        lower = ends[(ends >> bit) & 1 == 0]
        draft.join(lower, lower | (1 << bit), HOST_HOST, wires.direct)
    axes = {f"axis{bit}": (ends >> bit) & 1 for bit in range(dimensions)}
    return draft.finish(ends < hosts // 2, places=axes)


def _grid(kind: str, lengths: Sequence[int], wires: Wires, twisted: bool) -> Network:
    sides = [int(d) for d in lengths]
    for place, side in enumerate(sides, start=1):
        whole(**{f"length of dimension {place}": side})
    hosts = int(np.prod(sides))
    names = dict(zip("xyz", (*sides, 1, 1)[:3], strict=True)) if len(sides) <= 3 else {}
    title = f"{kind} of {' x '.join(str(d) for d in sides)}"
    draft = Draft(kind, title, wires, {"hosts": hosts, **names, "dimensions": len(sides)}, direct=True)
    ends = draft.nodes("host", hosts)
    at = coordinates(hosts, sides)
    for axis, side in enumerate(sides):
        if side == 1:
            continue
        for ahead, behind in _steps(at, axis, sides, twisted):
            draft.join(ends[_numbers(behind, sides)], ends[_numbers(ahead, sides)], HOST_HOST, wires.direct)
    return draft.finish(_half(at, sides, twisted), places={f"axis{i}": at[:, i] for i in range(len(sides))})


def _steps(at: Ints, axis: int, sides: Sequence[int], twisted: bool) -> list[tuple[Ints, Ints]]:
    """The neighbours ahead along a dimension, and what they are neighbours of: inside, and the way round."""
    side = sides[axis]
    inside, last = at[at[:, axis] < side - 1], at[at[:, axis] == side - 1]
    ahead, around = inside.copy(), last.copy()
    ahead[:, axis] += 1
    around[:, axis] = 0
    turns = twisted and side == min(sides)
    if turns:
        for other, length in enumerate(sides):
            if length > side:
                around[:, other] = (around[:, other] + side) % length
    steps = [(ahead, inside)]
    if side > 2 or turns:
        steps.append((around, last))
    return steps


def coordinates(hosts: int, sides: Sequence[int]) -> Ints:
    """The place of each host, the first dimension counted fastest."""
    at = np.empty((hosts, len(sides)), dtype=np.int32)
    rest = np.arange(hosts, dtype=np.int32)
    for axis, side in enumerate(sides):
        rest, at[:, axis] = np.divmod(rest, side)
    return at


def _numbers(at: Ints, sides: Sequence[int]) -> Ints:
    strides = np.cumprod([1, *sides[:-1]])
    return (at @ strides).astype(np.int32)


def _half(at: Ints, sides: Sequence[int], twisted: bool) -> Flags:
    """The first half of the hosts, counted so that the dimension with the fewest cables across it is cut.

    That is the longest one; one of length 2 has half the cables and counts as 4. In a twisted torus it is the shortest.
    """
    weight = [side if side != 2 or twisted else 4 for side in sides]
    order = sorted(range(len(sides)), key=lambda axis: -weight[axis] if twisted else weight[axis])
    ranked = np.lexsort([at[:, axis] for axis in order])
    half = np.zeros(len(at), dtype=bool)
    half[ranked[: len(at) // 2]] = True
    return half
