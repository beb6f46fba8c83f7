"""Titles and units of the columns behind the figures of Lab 03."""

from __future__ import annotations

from collections.abc import Mapping

Columns = Mapping[str, tuple[str, str]]

WIRED: Columns = {
    "fabric": ("Fabric", ""),
    "rate": ("Rate of a link", "byte/s"),
    "bisection": ("Bisection", "byte/s"),
    "per_host": ("Bisection for each host", "byte/s"),
    "diameter": ("Diameter, hops", "1"),
    "mean": ("Mean hops", "1"),
    "ports": ("Ports of switches and routers", "1"),
    "cables": ("Cables", "1"),
}
HALVES: Columns = {
    "fabric": ("Fabric", ""),
    "hosts": ("Hosts", "1"),
    "closed_form": ("Links across, closed form", "1"),
    "greatest_flow": ("By the greatest flow", "1"),
    "all_partitions": ("Least of all partitions", "1"),
}
EXCHANGE: Columns = {
    "collective": ("Collective", ""),
    "fabric": ("Fabric", ""),
    "estimate": ("Closed form", "s"),
    "simulated": ("Simulated, round by round", "s"),
    "at_once": ("Simulated, all at once", "s"),
    "times": ("Times the fat-tree's", "1"),
}
SHUFFLED: Columns = {
    "fabric": ("Fabric", ""),
    "in_order": ("Ring in order", "s"),
    "random": ("In random order", "s"),
    "times": ("Times as long", "1"),
}
PLACEMENT: Columns = {
    "order": ("Ranks", ""),
    "ratio": ("Ports down for each up", "1"),
    "estimate": ("Closed form", "s"),
    "simulated": ("Simulated", "s"),
    "times": ("Times the best", "1"),
}
RINGS: Columns = {
    "order": ("Ring", ""),
    "how": ("How known", ""),
    "across": ("Steps that share the uplink", "1"),
    "time": ("Time", "s"),
    "low": ("Low", "s"),
    "high": ("High", "s"),
}
HASHED: Columns = {
    "draw": ("Draw", "1"),
    "time": ("Time", "s"),
    "times": ("Times as long", "1"),
}
LANDSCAPE: Columns = {
    "fabric": ("Fabric", ""),
    "price": ("Price", "USD"),
    "missed": ("Limits missed", ""),
    "training": ("Training", "s"),
    "experts": ("Experts", "s"),
    "search": ("Search", "s"),
}
TASK: Columns = {
    "job": ("Job", ""),
    "hosts": ("Hosts", "1"),
    "message": ("Message", "byte"),
    "limit": ("At most", "s"),
}
