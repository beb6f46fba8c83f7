"""Closed forms of the dragonfly: groups of fully joined routers, each group joined to each other one.

`p` hosts and `h` global ports a router, `a` routers a group, `g` groups; at most `a h + 1` groups. Between each two
groups runs the same number of global links.
"""

from __future__ import annotations

import numpy as np

from navarch.core.ledger import equation

KIM = "Kim, Dally, Scott and Abts 2008, section 3.1"
KIM_URL = "https://doi.org/10.1109/ISCA.2008.19"
SYMBOLS = {
    "hosts": "p",
    "routers": "a",
    "globals_": "h",
    "groups": "g",
    "links": "w",
}


def _symbols(*names: str) -> dict[str, str]:
    return {name: SYMBOLS[name] for name in names}


@equation(symbol="g_max", unit="1", source=KIM, url=KIM_URL, symbols=_symbols("routers", "globals_"))
def most_groups(routers, globals_):
    """Groups of the largest dragonfly.

    routers: of a group; globals_: global ports of a router.
    """
    return routers * globals_ + 1


@equation(symbol="n_hosts", unit="1", source=KIM, url=KIM_URL, symbols=_symbols("hosts", "routers", "groups"))
def dragonfly_hosts(hosts, routers, groups):
    """Hosts of a dragonfly.

    hosts: of a router; routers: of a group; groups: in all.
    """
    return routers * hosts * groups


@equation(symbol="n_routers", unit="1", source=KIM, url=KIM_URL, symbols=_symbols("routers", "groups"))
def dragonfly_routers(routers, groups):
    """Routers of a dragonfly.

    routers: of a group; groups: in all.
    """
    return routers * groups


@equation(symbol="k", unit="1", source=KIM, url=KIM_URL, symbols=_symbols("hosts", "routers", "globals_"))
def dragonfly_radix(hosts, routers, globals_):
    """Ports of a dragonfly router.

    hosts: of a router; routers: of a group; globals_: global ports of a router.
    """
    return hosts + routers + globals_ - 1


@equation(symbol="n_local", unit="1", source=KIM, url=KIM_URL, symbols=_symbols("routers", "groups"))
def local_links(routers, groups):
    """Links within the groups of a dragonfly.

    routers: of a group; groups: in all. Each two routers of a group are joined once.
    """
    return groups * routers * (routers - 1) / 2


@equation(
    symbol="w",
    unit="1",
    source=KIM,
    url=KIM_URL,
    symbols=_symbols("routers", "globals_", "groups"),
    valid="groups > 1 and groups <= routers * globals_ + 1",
)
def links_between_groups(routers, globals_, groups):
    """Global links between each two groups of a dragonfly.

    routers: of a group; globals_: global ports of a router; groups: in all.
    """
    return np.floor(routers * globals_ / np.maximum(groups - 1, 1))


@equation(symbol="n_global", unit="1", source=KIM, url=KIM_URL, symbols=_symbols("groups", "links"))
def global_links(groups, links):
    """Links between the groups of a dragonfly.

    groups: in all; links: between each two groups.
    """
    return links * groups * (groups - 1) / 2


@equation(
    symbol="n_bisection",
    unit="1",
    source=KIM + ": half of the groups on either side",
    url=KIM_URL,
    symbols=_symbols("groups", "links"),
    valid="groups > 1",
)
def dragonfly_bisection(groups, links):
    """Global links across the bisection of a dragonfly.

    groups: in all; links: between each two groups.
    """
    return links * np.floor(groups / 2) * np.ceil(groups / 2)


@equation(symbol="h_max", unit="1", source=KIM + ": local, global, local", url=KIM_URL, symbols=_symbols("groups"))
def dragonfly_diameter(groups):
    """Links between the farthest routers of a dragonfly.

    groups: in all. Minimal routing.
    """
    return np.where(groups > 1, 3, 1)


@equation(
    symbol="h_mean",
    unit="1",
    source=KIM + ": mean over destinations, minimal routing",
    url=KIM_URL,
    symbols=_symbols("hosts", "routers", "globals_", "groups"),
)
def dragonfly_mean_hops(hosts, routers, globals_, groups):
    """Mean links between the routers of two hosts of a dragonfly.

    hosts: of a router; routers: of a group; globals_: global ports of a router; groups: in all. Two hosts of one router
    are 0 links apart, of one group 1, else 1 to 3: the global link, and a local one at either end where the router
    there holds no link to the other group. The links of two groups end on different routers where they can.
    """
    others = np.maximum(hosts * routers * groups - 1, 1)
    bundle = np.floor(routers * globals_ / np.maximum(groups - 1, 1))
    miss = 1 - np.minimum(bundle / routers, 1)
    direct = np.minimum(bundle / routers**2, 1)
    return (hosts * (routers - 1) + hosts * routers * (groups - 1) * (2 - direct + miss**2)) / others


@equation(symbol="h_switch", unit="1", source="one router more than links", symbols={"links": "h"})
def routers_passed(links):
    """Routers on a path of a dragonfly.

    links: between routers on the path.
    """
    return links + 1


# Dragonfly+: groups of leaves and spines

SHPINER = "Shpiner et al. 2017, section III"
SHPINER_URL = "https://doi.org/10.1109/HiPINEB.2017.11"


@equation(
    symbol="n_links", unit="1", source=SHPINER, url=SHPINER_URL, symbols={"leaves": "l", "spines": "s", "groups": "g"}
)
def leaf_links(leaves, spines, groups):
    """Links within the groups of a dragonfly+.

    leaves: of a group; spines: of a group; groups: in all. Each leaf is joined to each spine once.
    """
    return groups * leaves * spines


@equation(
    symbol="n_bisection",
    unit="1",
    source=SHPINER + ": half of the groups on either side",
    url=SHPINER_URL,
    symbols={"groups": "g", "links": "w", "group_hosts": "n_grouphosts"},
    valid="groups > 1",
)
def dragonfly_plus_bisection(groups, links, group_hosts):
    """Links across the bisection of a dragonfly+.

    groups: in all; links: between each two groups; group_hosts: endpoints of a group, whose own links are fewer than
    its global ones where it has more global ports than endpoints. Holds where a spine has no more global ports than
    there are leaves in its group.
    """
    return np.floor(groups / 2) * np.minimum(links * np.ceil(groups / 2), group_hosts)


@equation(
    symbol="h_mean",
    unit="1",
    source=SHPINER + ": leaf, spine, spine, leaf",
    url=SHPINER_URL,
    symbols={"leaf_hosts": "p", "leaves": "l", "groups": "g"},
)
def dragonfly_plus_mean_hops(leaf_hosts, leaves, groups):
    """Mean links between the leaves of two hosts of a dragonfly+: none on one leaf, two in one group, else three.

    leaf_hosts: hosts of a leaf; leaves: of a group; groups: in all. A leaf reaches every group through a spine of its
    own group.
    """
    others = np.maximum(leaf_hosts * leaves * groups - 1, 1)
    return leaf_hosts * (2 * (leaves - 1) + 3 * leaves * (groups - 1)) / others
