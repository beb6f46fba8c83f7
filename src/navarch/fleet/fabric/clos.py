"""Closed forms of folded Clos networks: the k-ary fat-tree, and leaf-spine networks of any size and oversubscription.

A leaf joins hosts, a spine joins leaves (of one pod where there are three levels), a core joins pods. All switches
have the same radix. Cables are bundled evenly: between two switches that are joined runs the same number of cables.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

AL_FARES = "Al-Fares, Loukissas and Vahdat 2008, section 3.1"
AL_FARES_URL = "https://doi.org/10.1145/1402958.1402967"
COUNT = "count"
LEISERSON = "Leiserson 1985; ports of a switch shared out evenly"
RADIX = {"radix": "k"}

# The k-ary fat-tree (three levels, full bisection)


@equation(symbol="n_hosts", unit="1", source=AL_FARES, url=AL_FARES_URL, symbols=RADIX, valid="radix >= 2")
def fat_tree_hosts(radix):
    """Hosts of a k-ary fat-tree.

    radix: ports of a switch, even.
    """
    return radix**3 / 4


@equation(symbol="n_switches", unit="1", source=AL_FARES, url=AL_FARES_URL, symbols=RADIX, valid="radix >= 2")
def fat_tree_switches(radix):
    """Switches of a k-ary fat-tree.

    radix: ports of a switch, even.
    """
    return 5 * radix**2 / 4


@equation(symbol="n_leaf", unit="1", source=AL_FARES, url=AL_FARES_URL, symbols=RADIX, valid="radix >= 2")
def fat_tree_leaves(radix):
    """Leaf switches (and as many spine switches) of a k-ary fat-tree.

    radix: ports of a switch, even.
    """
    return radix**2 / 2


@equation(symbol="n_core", unit="1", source=AL_FARES, url=AL_FARES_URL, symbols=RADIX, valid="radix >= 2")
def fat_tree_cores(radix):
    """Core switches of a k-ary fat-tree.

    radix: ports of a switch, even.
    """
    return radix**2 / 4


@equation(symbol="n_cables", unit="1", source=AL_FARES, url=AL_FARES_URL, symbols=RADIX, valid="radix >= 2")
def fat_tree_cables_per_tier(radix):
    """Cables between two neighbouring tiers of a k-ary fat-tree.

    radix: ports of a switch, even.
    """
    return radix**3 / 4


@equation(symbol="n_bisection", unit="1", source=AL_FARES, url=AL_FARES_URL, symbols=RADIX, valid="radix >= 2")
def fat_tree_bisection(radix):
    """Links across the bisection of a k-ary fat-tree.

    radix: ports of a switch, even.
    """
    return radix**3 / 8


@equation(
    symbol="n_hosts",
    unit="1",
    source="Al-Fares et al. 2008, two levels: k leaves of k/2 hosts",
    url=AL_FARES_URL,
    symbols=RADIX,
    valid="radix >= 2",
)
def leaf_spine_hosts(radix):
    """Hosts of the largest non-blocking two-level network.

    radix: ports of a switch, even.
    """
    return radix**2 / 2


@equation(
    symbol="n_switches",
    unit="1",
    source="Al-Fares et al. 2008, two levels: k leaves and k/2 spines",
    url=AL_FARES_URL,
    symbols=RADIX,
    valid="radix >= 2",
)
def leaf_spine_switches(radix):
    """Switches of the largest non-blocking two-level network.

    radix: ports of a switch, even.
    """
    return 3 * radix / 2


# Any number of hosts, any oversubscription


@equation(symbol="k", unit="1", source=LEISERSON, symbols={"switch_bandwidth": "B_switch", "link_bandwidth": "B_link"})
def switch_radix(switch_bandwidth, link_bandwidth):
    """Ports of a switch at the link's rate, split ports counted.

    switch_bandwidth: of the whole switch, per direction [byte/s]; link_bandwidth: of one link, per direction [byte/s].
    """
    return np.floor(switch_bandwidth / link_bandwidth)


@equation(
    symbol="d",
    unit="1",
    source=LEISERSON,
    symbols={"radix": "k", "oversubscription": "o"},
    valid="oversubscription >= 1",
)
def down_ports(radix, oversubscription):
    """Ports of a switch that face down.

    radix: ports of a switch; oversubscription: bandwidth down over bandwidth up.
    """
    return np.floor(radix * oversubscription / (1 + oversubscription))


@equation(symbol="u", unit="1", source=LEISERSON, symbols={"radix": "k", "down": "d"})
def up_ports(radix, down):
    """Ports of a switch that face up.

    radix: ports of a switch; down: ports that face down.
    """
    return radix - down


@equation(symbol="n_leaf", unit="1", source=LEISERSON, symbols={"hosts": "n_hosts", "down": "d_leaf"})
def leaves_for(hosts, down):
    """Leaf switches.

    hosts: endpoints of the network; down: ports of a leaf that face hosts.
    """
    return np.ceil(hosts / down)


@equation(
    symbol="n_leaf",
    unit="1",
    source="NVIDIA DGX SuperPOD reference architectures: leaf i of a unit joins rail i",
    symbols={"nodes": "n_nodes", "rails": "r", "down": "d_leaf"},
    valid="rails >= 1",
)
def rail_leaves(nodes, rails, down):
    """Leaf switches of a rail-optimised network.

    nodes: joined by the network; rails: network interfaces of a node, each on its own rail; down: ports of a leaf that
    face hosts. A leaf serves one rail of as many nodes as it has ports, or several rails of fewer nodes.
    """
    rails_of_leaf = np.maximum(1, np.minimum(rails, np.floor(down / nodes)))
    return np.ceil(rails / rails_of_leaf) * np.ceil(nodes / down)


@equation(
    symbol="n_spine",
    unit="1",
    source=LEISERSON + "; gives the spines of NVIDIA's SuperPOD tables",
    symbols={"leaves": "n_leaf", "radix": "k", "up": "u_leaf"},
    valid="leaves <= radix",
)
def spines_for(leaves, radix, up):
    """Spine switches of a two-level network.

    leaves: leaf switches; radix: ports of a switch; up: ports of a leaf that face up. Each spine gives each leaf the
    same number of cables, at most radix over leaves.
    """
    return np.ceil(up / np.maximum(1, np.floor(radix / leaves)))


@equation(symbol="n_pods", unit="1", source=LEISERSON, symbols={"leaves": "n_leaf", "down": "d_spine"})
def pods_for(leaves, down):
    """Pods of a three-level network.

    leaves: leaf switches; down: ports of a spine that face down, one for each leaf of its pod.
    """
    return np.ceil(leaves / down)


@equation(symbol="q_leaf", unit="1", source=LEISERSON, symbols={"leaves": "n_leaf", "pods": "n_pods"})
def leaves_per_pod(leaves, pods):
    """Leaf switches of a pod.

    leaves: leaf switches; pods: among which they are shared out evenly.
    """
    return np.ceil(leaves / pods)


@equation(symbol="q_spine", unit="1", source=LEISERSON, symbols={"leaves": "q_leaf", "down": "d_spine", "up": "u_leaf"})
def spines_per_pod(leaves, down, up):
    """Spine switches of a pod.

    leaves: of the pod; down: ports of a spine that face down; up: ports of a leaf that face up.
    """
    return np.ceil(up / np.maximum(1, np.floor(down / leaves)))


@equation(
    symbol="v_spine",
    unit="1",
    source=LEISERSON,
    symbols={"leaves": "q_leaf", "up": "u_leaf", "spines": "q_spine", "oversubscription": "o_pod"},
    valid="oversubscription >= 1",
)
def spine_uplinks(leaves, up, spines, oversubscription):
    """Uplinks of a spine switch.

    leaves: of its pod; up: ports of a leaf that face up; spines: of its pod; oversubscription: bandwidth down over
    bandwidth up at the spine.
    """
    return np.ceil(leaves * up / (spines * oversubscription))


@equation(
    symbol="n_core",
    unit="1",
    source=LEISERSON + "; gives the cores of NVIDIA's SuperPOD tables",
    symbols={"spines": "q_spine", "uplinks": "v_spine", "radix": "k", "pods": "n_pods"},
    valid="pods <= radix",
)
def cores_for(spines, uplinks, radix, pods):
    """Core switches of a three-level network.

    spines: of one pod; uplinks: of one spine; radix: ports of a switch; pods: joined. The i-th spines of all pods
    share a group of cores; each core gives each pod the same number of cables.
    """
    return spines * np.ceil(uplinks / np.maximum(1, np.floor(radix / pods)))


@equation(symbol="n_cables,leaf", unit="1", source=COUNT, symbols={"switches": "n_switches", "uplinks": "u"})
def uplink_cables(switches, uplinks):
    """Cables from one tier to the next.

    switches: of the lower tier; uplinks: of one of them.
    """
    return switches * uplinks


@equation(
    symbol="n_bisection",
    unit="1",
    source="least of the cuts at hosts, leaves and spines",
    symbols={"hosts": "n_hosts", "leaf_cables": "n_cables,leaf", "spine_cables": "n_cables,spine"},
)
def clos_bisection(hosts, leaf_cables, spine_cables):
    """Links across the bisection of a folded Clos network.

    hosts: endpoints; leaf_cables: from leaves to spines; spine_cables: from spines to cores, or as many as
    leaf_cables where there is no third level. Half of the narrowest tier.
    """
    return np.minimum(hosts, np.minimum(leaf_cables, spine_cables)) / 2


@equation(
    symbol="n_bisection",
    unit="1",
    source=LEISERSON + "; whole leaves on either side, one leaf halved where their number is odd",
    symbols={"leaves": "n_leaf", "leaf_hosts": "n_leafhosts", "up": "u_leaf"},
)
def leaf_spine_bisection(leaves, leaf_hosts, up):
    """Links across the bisection of leaves that are filled evenly.

    leaves: leaf switches; leaf_hosts: endpoints of a leaf; up: cables from a leaf to the spines, which have ports for
    all of them.
    """
    halved = leaves - 2 * np.floor(leaves / 2)
    return np.floor(leaves / 2) * np.minimum(leaf_hosts, up) + halved * leaf_hosts / 2


@equation(
    symbol="n_bisection",
    unit="1",
    source=LEISERSON + "; whole pods on either side, one pod halved where their number is odd",
    symbols={"pods": "n_pods", "leaf_cut": "n_cut,pod", "spine_cables": "n_cables,pod", "pod": "n_bisection,pod"},
)
def pods_bisection(pods, leaf_cut, spine_cables, pod):
    """Links across the bisection of pods that are filled evenly.

    pods: joined by cores; leaf_cut: links that cut all endpoints of a pod off from its spines; spine_cables: from the
    spines of a pod to the cores; pod: links across the bisection of one pod.
    """
    halved = pods - 2 * np.floor(pods / 2)
    return np.floor(pods / 2) * np.minimum(leaf_cut, spine_cables) + halved * pod


@equation(
    symbol="n_cut,pod",
    unit="1",
    source=COUNT,
    symbols={"leaves": "q_leaf", "leaf_hosts": "n_leafhosts", "up": "u_leaf"},
)
def pod_cut(leaves, leaf_hosts, up):
    """Links that cut all endpoints of a pod off from its spines.

    leaves: of the pod; leaf_hosts: endpoints of a leaf; up: cables from a leaf to the spines.
    """
    return leaves * np.minimum(leaf_hosts, up)


@equation(symbol="h_switch", unit="1", source="up and down the tree", symbols={"levels": "l"}, valid="levels >= 1")
def clos_switch_hops(levels):
    """Switches between the farthest hosts of a folded Clos network.

    levels: of switches.
    """
    return 2 * levels - 1


@equation(
    symbol="h_mean",
    unit="1",
    source="mean over pairs of different hosts, drawn evenly",
    symbols={"hosts": "n_hosts", "levels": "l", "leaf_hosts": "n_leafhosts", "pod_hosts": "n_podhosts"},
)
def clos_mean_switch_hops(hosts, levels, leaf_hosts, pod_hosts):
    """Mean switches between two hosts of a folded Clos network.

    hosts: endpoints; levels: of switches; leaf_hosts: endpoints below one leaf; pod_hosts: endpoints of one pod, all of
    them where there are fewer than three levels.
    """
    pairs = np.maximum(hosts - 1, 1)
    below = np.where(levels > 1, (np.minimum(leaf_hosts, hosts) - 1) / pairs, 0)
    beside = np.where(levels > 2, (np.minimum(pod_hosts, hosts) - 1) / pairs, 0)
    return 2 * levels - 1 - 2 * below - 2 * beside
