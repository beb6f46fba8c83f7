"""Chooses the whole numbers of a topology: levels of switches, lengths of a torus, shape of a dragonfly.

These are choices, not calculations: they return plain numbers with the reason, which the caller enters in a ledger as
choices (`Plan.choices`) and gives back (`Plan.with_values`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from types import MappingProxyType
from typing import Any

KINDS = ("fat-tree", "rail-optimised", "torus", "dragonfly")
LEVELS = {1: "one switch", 2: "leaf and spine", 3: "leaf, spine and core"}


class SizingError(ValueError):
    """A topology cannot hold the hosts; the message says by how much and what would."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One chosen whole number of a topology."""

    name: str
    value: int
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A kind of topology with its whole numbers: plain ints as chosen, or remembered values put in their place."""

    kind: str
    choices: tuple[Choice, ...]
    values: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def with_values(self, values: Mapping[str, Any]) -> Plan:
        """The same plan with some numbers replaced (by the remembered values of a ledger, or by the user's own)."""
        unknown = set(values) - {c.name for c in self.choices}
        if unknown:
            raise KeyError(f"{self.kind} has no {sorted(unknown)}; it has {[c.name for c in self.choices]}")
        return replace(self, values=MappingProxyType({**self.values, **values}))


def _plan(kind: str, *choices: Choice) -> Plan:
    return Plan(kind, choices, MappingProxyType({c.name: c.value for c in choices}))


def plan(
    kind: str,
    hosts: float,
    radix: float,
    oversubscription: float = 1.0,
    pod_oversubscription: float = 1.0,
    rails: float = 1.0,
    dimensions: int = 3,
) -> Plan:
    """Choose the whole numbers of a topology for so many hosts.

    kind: one of KINDS; hosts: endpoints (network interfaces); radix: ports of a switch at the link's rate;
    oversubscription: at the leaf, pod_oversubscription: at the spine (Clos kinds); rails: interfaces of a node
    (rail-optimised); dimensions: of a torus, 1 to 3. Raises SizingError where the topology cannot hold the hosts.
    """
    size = math.ceil(hosts)
    if size < 1:
        raise SizingError(f"a fabric needs at least one host, not {hosts:g}")
    if kind == "torus":
        return _plan(kind, *_torus(size, dimensions))
    if radix < 2:
        raise SizingError(f"a switch needs at least 2 ports, not {radix:g}")
    if kind == "dragonfly":
        return _plan(kind, *_dragonfly(size, int(radix)))
    if kind in ("fat-tree", "rail-optimised"):
        across = rails if kind == "rail-optimised" else 1.0
        return _plan(kind, _levels(size, int(radix), oversubscription, pod_oversubscription, max(1, int(across))))
    raise SizingError(f"unknown topology {kind!r}; allowed: {', '.join(KINDS)}")


def _levels(hosts: int, radix: int, oversubscription: float, pod_oversubscription: float, rails: int) -> Choice:
    """The fewest levels of switches that join the hosts."""
    down = math.floor(radix * oversubscription / (1 + oversubscription))
    spine_down = math.floor(radix * pod_oversubscription / (1 + pod_oversubscription))
    leaves = _rail_leaves(math.ceil(hosts / rails), rails, down) if rails > 1 else math.ceil(hosts / down)
    most = radix * spine_down * down
    if hosts <= radix:
        levels, reason = 1, f"{hosts} hosts fit the {radix} ports of one switch"
    elif leaves <= radix:
        levels, reason = 2, f"{leaves} leaves fit the {radix} ports of a spine"
    elif math.ceil(leaves / spine_down) <= radix:
        levels, reason = 3, f"{leaves} leaves exceed the {radix} ports of a spine, so a core joins the pods"
    else:
        raise SizingError(
            f"{hosts} hosts exceed the {most} that three levels of {radix}-port switches join at "
            f"oversubscription {oversubscription:g} and {pod_oversubscription:g}; use switches of a larger radix"
        )
    return Choice("levels", levels, "Levels of switches", f"{LEVELS[levels]}: {reason}")


def _rail_leaves(nodes: int, rails: int, down: int) -> int:
    rails_of_leaf = max(1, min(rails, down // nodes))
    return math.ceil(rails / rails_of_leaf) * math.ceil(nodes / down)


def torus_dimensions(hosts: int, dimensions: int = 3) -> tuple[int, int, int]:
    """Lengths (x, y, z), longest first, of the smallest torus that holds the hosts with no length over twice the least.

    hosts: to be held; dimensions: 1 (a ring), 2 or 3; absent dimensions have length 1. Of equally small tori the one
    whose longest dimension is shortest, which has the most bisection.
    """
    if dimensions not in (1, 2, 3):
        raise SizingError(f"a torus has 1, 2 or 3 dimensions here, not {dimensions}")
    if dimensions == 1:
        return hosts, 1, 1
    best: tuple[int, int, int] | None = None
    for z in range(1, _root(hosts, 3) + 1) if dimensions == 3 else (1,):
        for y in range(z, _root(math.ceil(hosts / z), 2) + 1):
            x = max(y, math.ceil(hosts / (y * z)))
            least = z if dimensions == 3 else y
            if x <= 2 * least and (best is None or (x * y * z, x) < (math.prod(best), best[0])):
                best = (x, y, z)
    if best is None:
        raise SizingError(f"no torus of {dimensions} dimensions holds {hosts} hosts")
    return best


def _root(number: int, degree: int) -> int:
    """The least whole number whose power reaches the number."""
    return next(i for i in count(max(1, int(number ** (1 / degree)) - 1)) if i**degree >= number)


def _torus(hosts: int, dimensions: int) -> tuple[Choice, ...]:
    lengths = torus_dimensions(hosts, dimensions)
    shape = " x ".join(str(d) for d in lengths if d > 1) or "1"
    reason = f"{shape} = {math.prod(lengths)} is the smallest nearly cubic torus for {hosts} hosts"
    names = ("first", "second", "third")
    return tuple(
        Choice(n, d, f"Length of the {word} dimension of the torus", reason)
        for n, d, word in zip("xyz", lengths, names, strict=True)
    )


def balanced_dragonfly(hosts: int, radix: int) -> tuple[int, int, int, int]:
    """Shape (p, a, h, g) of a balanced dragonfly, a = 2 p = 2 h (Kim et al. 2008, section 3.1), for the hosts.

    hosts: to be held; radix: ports of a router. All ports are used as far as the balance allows. Raises SizingError
    for more hosts than that holds, and for so few that they fill only one group.
    """
    half = (radix + 1) // 4
    if half < 1:
        raise SizingError(f"a balanced dragonfly needs routers of at least 3 ports, not {radix}")
    routers = 2 * half
    groups = math.ceil(hosts / (half * routers))
    most = routers * half + 1
    if groups > most:
        raise SizingError(
            f"{hosts} hosts exceed the {half * routers * most} of a balanced dragonfly of {radix}-port routers"
        )
    if groups == 1:
        raise SizingError(
            f"{hosts} hosts fit one group of {half * routers} of a balanced dragonfly of {radix}-port routers; "
            "a dragonfly joins two groups or more"
        )
    return half, routers, half, groups


def _dragonfly(hosts: int, radix: int) -> tuple[Choice, ...]:
    p, a, h, g = balanced_dragonfly(hosts, radix)
    reason = f"balanced, a = 2p = 2h, for {radix}-port routers and {hosts} hosts"
    return (
        Choice("hosts_per_router", p, "Hosts of a dragonfly router", reason),
        Choice("routers_per_group", a, "Routers of a dragonfly group", reason),
        Choice("global_ports", h, "Global ports of a dragonfly router", reason),
        Choice("groups", g, "Groups of the dragonfly", reason),
    )


SPARE = 1.1  # room for hosts over those asked for up to which a shape is taken for its large groups


def fitting_dragonfly(hosts: int, radix: int) -> tuple[int, int, int, int]:
    """Shape (p, a, h, g) of a balanced dragonfly that may leave ports free, so that few hosts still fill two groups."""
    shapes = []
    for half in range((radix + 1) // 4, 0, -1):
        group = 2 * half * half
        groups = max(2, math.ceil(hosts / group))
        if groups <= group + 1:
            shapes.append((half, 2 * half, half, groups))
    return _fitting(hosts, radix, shapes, "dragonfly", lambda s: s[0] * s[1] * s[3])


def fitting_dragonfly_plus(hosts: int, radix: int) -> tuple[int, int, int, int, int]:
    """Shape (p, l, s, h, g) of a dragonfly+ of m hosts a leaf, m leaves, m spines, m global ports, that may leave ports
    free (Shpiner et al. 2017, section III)."""
    shapes = []
    for half in range(radix // 2, 0, -1):
        groups = max(2, math.ceil(hosts / half**2))
        if groups <= half**2 + 1:
            shapes.append((half, half, half, half, groups))
    return _fitting(hosts, radix, shapes, "dragonfly+", lambda s: s[0] * s[1] * s[4])


def _fitting(hosts: int, radix: int, shapes: list[Any], kind: str, room: Callable[[Any], int]) -> Any:
    """The shape of the largest groups that are filled, or nearly filled; else the one with the least room to spare."""
    if not shapes:
        raise SizingError(f"{hosts} hosts exceed what a {kind} of {radix}-port switches holds")
    for most in (hosts, SPARE * hosts):
        fitting = [shape for shape in shapes if room(shape) <= most]
        if fitting:
            return fitting[0]
    return min(shapes, key=room)
