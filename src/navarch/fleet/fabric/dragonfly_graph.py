"""Dragonfly and dragonfly+ as graphs.

Between each two groups runs the same number of global links. `spread` wires them so that the links of a group are
shared out evenly over its routers and those of two groups end on different routers where they can; `by number` puts the
link from group i to group j on router j of group i, as SimGrid does.
"""

from __future__ import annotations

import itertools

import numpy as np

from navarch.fleet.fabric.graph import Draft, GraphError, Ints, Network, Wires, whole

UNIT = Wires()
HOST_ROUTER, WITHIN, BETWEEN = "host to router", "within groups", "between groups"
ARRANGEMENTS = ("spread", "by number")


def dragonfly(
    router_hosts: int,
    routers: int,
    global_ports: int,
    groups: int,
    links: int | None = None,
    chassis: int = 1,
    arrangement: str = "spread",
    wires: Wires = UNIT,
    hosts: int | None = None,
) -> Network:
    """Groups of routers (Kim et al. 2008).

    router_hosts: hosts of a router; routers: of a group; global_ports: of a router; groups; links: between each two
    groups, by default as many as the ports allow; chassis: rows into which the routers of a group are put, each two of
    a row or a column joined (one row: all are joined; more is the Cray Cascade, Faanes et al. 2012); arrangement: one
    of ARRANGEMENTS; hosts: in all, where the last routers are not full.
    """
    whole(router_hosts=router_hosts, routers=routers, global_ports=global_ports, groups=groups, chassis=chassis)
    if routers % chassis:
        raise GraphError(f"{routers} routers of a group do not divide into {chassis} chassis")
    between = links_of(routers * global_ports, groups, links)
    hosts = _filled(hosts, router_hosts * routers * groups)
    shape = {
        "hosts": hosts, "hosts_per_router": router_hosts, "routers_per_group": routers, "global_ports": global_ports,
        "groups": groups, "links": between, "chassis": chassis, "router": routers * groups,
        "by_number": int(arrangement == "by number"),
    }  # fmt: skip
    draft = Draft("dragonfly", f"dragonfly of {hosts:,} hosts", wires, shape)
    ends, router = draft.nodes("host", hosts), draft.nodes("router", routers * groups)
    draft.join(ends, router[ends // router_hosts], HOST_ROUTER, wires.near)
    first, second = _within(routers, chassis)
    base = (np.arange(groups) * routers)[:, None]
    draft.join(router[(base + first).ravel()], router[(base + second).ravel()], WITHIN, wires.far)
    one, other = _global(groups, routers, between, arrangement)
    draft.join(router[one], router[other], BETWEEN, wires.far)
    group = np.concatenate([ends // (router_hosts * routers), np.repeat(np.arange(groups), routers)])
    return draft.finish(group[:hosts] < groups // 2, places={"group": group})


def dragonfly_plus(
    leaf_hosts: int,
    leaves: int,
    spines: int,
    global_ports: int,
    groups: int,
    links: int | None = None,
    wires: Wires = UNIT,
    hosts: int | None = None,
) -> Network:
    """Groups of leaves and spines, each two joined once; the spines hold the global links (Shpiner et al. 2017).

    leaf_hosts: hosts of a leaf; leaves, spines: of a group; global_ports: of a spine; groups; links: between each two
    groups, by default as many as the ports allow; hosts: in all, where the last leaves are not full.
    """
    whole(leaf_hosts=leaf_hosts, leaves=leaves, spines=spines, global_ports=global_ports, groups=groups)
    between = links_of(spines * global_ports, groups, links)
    hosts = _filled(hosts, leaf_hosts * leaves * groups)
    shape = {
        "hosts": hosts, "leaf_hosts": leaf_hosts, "leaves_per_group": leaves, "spines_per_group": spines,
        "global_ports": global_ports, "groups": groups, "links": between, "leaf": leaves * groups,
        "spine": spines * groups,
    }  # fmt: skip
    draft = Draft("dragonfly+", f"dragonfly+ of {hosts:,} hosts", wires, shape)
    ends = draft.nodes("host", hosts)
    leaf, spine = draft.nodes("leaf", leaves * groups), draft.nodes("spine", spines * groups)
    draft.join(ends, leaf[ends // leaf_hosts], "host to leaf", wires.near)
    near = leaf.reshape(groups, leaves, 1), spine.reshape(groups, 1, spines)
    draft.join(near[0], near[1], "leaf to spine", wires.far)
    one, other = _global(groups, spines, between, "spread")
    draft.join(spine[one], spine[other], BETWEEN, wires.far)
    counted = np.arange(groups)
    group = np.concatenate([ends // (leaf_hosts * leaves), *(np.repeat(counted, n) for n in (leaves, spines))])
    return draft.finish(group[:hosts] < groups // 2, places={"group": group})


def _filled(hosts: int | None, most: int) -> int:
    """Hosts in all: as asked, or as many as there are ports for."""
    if hosts is not None and not 1 <= hosts <= most:
        raise GraphError(f"{hosts} hosts; the routers have ports for 1 to {most}")
    return most if hosts is None else hosts


def links_of(ports: int, groups: int, links: int | None) -> int:
    """Links between each two groups: as asked, or as many as the global ports of a group allow."""
    most = ports // max(groups - 1, 1)
    if groups > 1 and most < 1:
        raise GraphError(f"{groups} groups need {groups - 1} global ports a group; there are {ports}")
    if links is not None and not 1 <= links <= most:
        raise GraphError(f"{links} links between each two groups; the {ports} global ports allow 1 to {most}")
    return 0 if groups == 1 else most if links is None else links


def _within(routers: int, chassis: int) -> tuple[Ints, Ints]:
    """The links of one group: of each two routers of a row (a chassis), then of each two of a column."""
    grid = np.arange(routers).reshape(chassis, routers // chassis)
    lines = [*grid, *grid.T] if chassis > 1 else [grid[0]]
    pairs = [pair for line in lines for pair in itertools.combinations(line.tolist(), 2)]
    found = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _global(groups: int, switches: int, links: int, arrangement: str) -> tuple[Ints, Ints]:
    """Both ends of each link between groups, among the switches that hold them."""
    if arrangement not in ARRANGEMENTS:
        raise GraphError(f'there is no arrangement "{arrangement}"; allowed: {", ".join(ARRANGEMENTS)}')
    one, other = np.triu_indices(groups, 1)
    one, other = np.repeat(one, links), np.repeat(other, links)
    copy = np.tile(np.arange(links), groups * (groups - 1) // 2)
    if arrangement == "by number":
        if groups * links > switches:
            raise GraphError(f"links by number need a router for each of {groups} groups; a group has {switches}")
        return one * switches + copy * groups + other, other * switches + copy * groups + one
    ports = max(1, links * (groups - 1))
    ahead = copy * (groups - 1) + other - one - 1
    back = copy * (groups - 1) + groups - 1 - (other - one)
    return one * switches + ahead * switches // ports, other * switches + back * switches // ports
