"""Folded Clos networks as graphs: one switch, leaf and spine, three tiers, the k-ary fat-tree, rail-optimised.

Hosts of a leaf are numbered in a row, leaves of a pod likewise. Cables of a switch are shared out evenly over the
switches above it, alike for all switches of a tier (`clos.py` counts the same cables).
"""

from __future__ import annotations

import numpy as np

from navarch.fleet.fabric.graph import Draft, Flags, GraphError, Ints, Network, Wires, bundled, whole

HOST_LEAF, LEAF_SPINE, SPINE_CORE = "host to leaf", "leaf to spine", "spine to core"
UNIT = Wires()


def one_switch(hosts: int, wires: Wires = UNIT, rails: int = 1, name: str = "") -> Network:
    """All hosts on one switch; rails: hosts (network interfaces) of one machine."""
    whole(hosts=hosts)
    draft = Draft("one switch", name or f"one switch of {hosts} hosts", wires, {"hosts": hosts, "levels": 1})
    ends, switch = draft.nodes("host", hosts), draft.nodes("leaf", 1)
    draft.join(ends, switch, HOST_LEAF, wires.near)
    return draft.finish(np.arange(hosts) < hosts // 2, ends // rails)


def leaf_spine(
    leaves: int, leaf_hosts: int, spines: int, uplinks: int, wires: Wires = UNIT, hosts: int | None = None
) -> Network:
    """Two levels.

    leaves; leaf_hosts: hosts of a leaf; spines; uplinks: cables from a leaf to the spines together; hosts: in all,
    where the last leaf is not full.
    """
    filled = leaves * leaf_hosts if hosts is None else hosts
    whole(leaves=leaves, leaf_hosts=leaf_hosts, spines=spines, uplinks=uplinks, hosts=filled)
    leaf_of_host = in_rows(filled, leaf_hosts)
    return tree("leaf-spine", leaf_of_host, leaves, 1, spines, uplinks, 0, 0, wires, 1)


def three_tier(
    pods: int,
    pod_leaves: int,
    leaf_hosts: int,
    pod_spines: int,
    uplinks: int,
    cores: int,
    spine_uplinks: int,
    wires: Wires = UNIT,
    hosts: int | None = None,
    kind: str = "three-tier",
) -> Network:
    """Three levels: the i-th spines of all pods share the i-th group of cores.

    pods; pod_leaves, pod_spines: of a pod; leaf_hosts: hosts of a leaf; uplinks: of a leaf; cores: in all, as many in
    each group; spine_uplinks: of a spine; hosts: in all, where the last leaf is not full.
    """
    filled = pods * pod_leaves * leaf_hosts if hosts is None else hosts
    whole(
        pods=pods, pod_leaves=pod_leaves, leaf_hosts=leaf_hosts, pod_spines=pod_spines, uplinks=uplinks, cores=cores,
        spine_uplinks=spine_uplinks, hosts=filled,
    )  # fmt: skip
    if cores % pod_spines:
        raise GraphError(f"{cores} cores do not divide among the {pod_spines} spines of a pod")
    leaf_of_host = in_rows(filled, leaf_hosts)
    leaves = pods * pod_leaves
    return tree(kind, leaf_of_host, leaves, pods, pod_spines, uplinks, cores, spine_uplinks, wires, 1)


def fat_tree(radix: int, wires: Wires = UNIT) -> Network:
    """The k-ary fat-tree of Al-Fares et al. 2008: radix, ports of a switch, even."""
    whole(radix=radix)
    if radix % 2:
        raise GraphError(f"a k-ary fat-tree needs switches of an even number of ports, not {radix}")
    half = radix // 2
    return three_tier(radix, half, half, half, half, half * half, half, wires, kind="fat-tree")


def rail_optimised(
    nodes: int,
    rails: int,
    down: int,
    spines: int,
    uplinks: int,
    pods: int = 1,
    cores: int = 0,
    spine_uplinks: int = 0,
    wires: Wires = UNIT,
) -> Network:
    """Interface i of every node on the leaf of rail i of its unit; a unit is as many nodes as a leaf has ports down.

    nodes; rails: interfaces of a node; down: ports of a leaf that face hosts; spines: of a pod; uplinks: of a leaf;
    pods, cores, spine_uplinks: where there is a third level. Host `node x rails + rail` is that interface.
    """
    whole(nodes=nodes, rails=rails, down=down, spines=spines, uplinks=uplinks, pods=pods)
    leaf_of_host, leaves = rail_leaf(nodes, rails, down)
    return tree("rail-optimised", leaf_of_host, leaves, pods, spines, uplinks, cores, spine_uplinks, wires, rails)


def in_rows(hosts: int, leaf_hosts: int) -> Ints:
    """The leaf of each host where leaves are filled one after another."""
    return np.arange(hosts, dtype=np.int32) // leaf_hosts


def rail_leaf(nodes: int, rails: int, down: int) -> tuple[Ints, int]:
    """The leaf of each interface, and how many leaves there are (`clos.rail_leaves`)."""
    rails_of_leaf = max(1, min(rails, down // nodes))
    leaves_of_unit = -(-rails // rails_of_leaf)
    node, rail = np.divmod(np.arange(nodes * rails, dtype=np.int32), rails)
    return node // down * leaves_of_unit + rail // rails_of_leaf, leaves_of_unit * -(-nodes // down)


def tree(
    kind: str, leaf_of_host: Ints, leaves: int, pods: int, pod_spines: int, uplinks: int, cores: int,
    spine_uplinks: int, wires: Wires, rails: int,
) -> Network:  # fmt: skip
    """Leaves with their hosts, spines by pod, and cores where there are any.

    leaf_of_host; leaves, pods: in all; pod_spines: of a pod; uplinks: of a leaf; cores: in all, spine_uplinks: of a
    spine, both 0 where there are two levels; rails: hosts of one machine.
    """
    hosts, levels = len(leaf_of_host), 3 if cores else 2
    shape = {
        "hosts": hosts, "levels": levels, "leaf": leaves, "spine": pods * pod_spines, "core": cores, "pods": pods,
        "uplinks": uplinks, "spine_uplinks": spine_uplinks, "rails": rails,
    }  # fmt: skip
    draft = Draft(kind, f"{kind} of {hosts:,} hosts", wires, shape)
    ends, leaf, spine = draft.nodes("host", hosts), draft.nodes("leaf", leaves), draft.nodes("spine", pods * pod_spines)
    core = draft.nodes("core", cores) if cores else np.zeros(0, dtype=np.int32)
    pod_of_leaf = np.arange(leaves, dtype=np.int32) * pods // leaves
    draft.join(ends, leaf[leaf_of_host], HOST_LEAF, wires.near)
    above = pod_of_leaf[:, None] * pod_spines + bundled(uplinks, pod_spines)
    draft.join(np.repeat(leaf, uplinks), spine[above].ravel(), LEAF_SPINE, wires.far)
    index = np.arange(len(spine), dtype=np.int32)
    if cores:
        group = cores // pod_spines
        over = (index % pod_spines)[:, None] * group + bundled(spine_uplinks, group)
        draft.join(np.repeat(spine, spine_uplinks), core[over].ravel(), SPINE_CORE, wires.far)
    nowhere = np.full(cores, -1)
    places = {
        "pod": np.concatenate([pod_of_leaf[leaf_of_host], pod_of_leaf, index // pod_spines, nowhere]),
        "leaf": np.concatenate([leaf_of_host, np.arange(leaves), np.full(len(spine), -1), nowhere]),
    }
    return draft.finish(_by_leaf(leaf_of_host), ends // rails, places)


def _by_leaf(leaf_of_host: Ints) -> Flags:
    """The half of the hosts on the first leaves."""
    half = np.zeros(len(leaf_of_host), dtype=bool)
    half[np.argsort(leaf_of_host, kind="stable")[: len(half) // 2]] = True
    return half
