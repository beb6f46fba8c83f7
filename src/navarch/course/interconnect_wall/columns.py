"""Titles and units of the columns of the tables behind the figures."""

from __future__ import annotations

from collections.abc import Mapping

Columns = Mapping[str, tuple[str, str]]

MESSAGE: Columns = {
    "place": ("To", ""),
    "link": ("Link", ""),
    "bandwidth": ("Bandwidth", "byte/s"),
    "latency": ("Latency", "s"),
    "time": ("Time", "s"),
    "times": ("Times its own memory", "1"),
}
BY_SIZE: Columns = {
    "place": ("To", ""),
    "link": ("Link", ""),
    "size": ("Message", "byte"),
    "time": ("Time", "s"),
    "rate": ("Rate", "byte/s"),
}
LEVELS: Columns = {
    "level": ("Level", ""),
    "name": ("What", ""),
    "accelerators": ("Accelerators", "1"),
    "units": ("How many", "1"),
    "link": ("Joined by", ""),
    "bandwidth": ("Each", "byte/s"),
    "latency": ("Latency", "s"),
    "bisection": ("Across its middle", "byte/s"),
    "power": ("Power", "W"),
}
HIERARCHY: Columns = {
    "level": ("Way", ""),
    "size": ("Message", "byte"),
    "time": ("Time, one way", "s"),
    "low": ("Low", "s"),
    "high": ("High", "s"),
    "rate": ("Rate", "byte/s"),
    "line": ("Estimate", "s"),
}
GENERATIONS: Columns = {
    "accelerator": ("Accelerator", ""),
    "year": ("Year", ""),
    "peak": ("Arithmetic", "FLOP/s"),
    "memory": ("Memory", "byte/s"),
    "scaleup": ("Neighbours", "byte/s"),
    "bus": ("Host", "byte/s"),
    "network": ("Network", "byte/s"),
    "moved": ("Bytes a million operations", "byte"),
    "peak_growth": ("Arithmetic, times the first", "1"),
    "memory_growth": ("Memory, times", "1"),
    "scaleup_growth": ("Neighbours, times", "1"),
    "bus_growth": ("Host, times", "1"),
    "network_growth": ("Network, times", "1"),
}
DEGREES: Columns = {
    "degree": ("Group", "1"),
    "computation": ("Computing", "s"),
    "communication": ("Moving", "s"),
    "ratio": ("Moving over computing", "1"),
    "mfu": ("Utilisation", "fraction"),
    "crosses": ("Goes", ""),
}
TIER: Columns = {
    "place": ("Placed", ""),
    "domain": ("Together in a server", "1"),
    "mfu": ("Utilisation", "fraction"),
    "ratio": ("Moving over computing", "1"),
}
REDUCES: Columns = {
    "degree": ("Group", "1"),
    "servers": ("Servers", "1"),
    "estimate": ("Estimate", "s"),
    "simulated": ("Simulated", "s"),
    "one_ring": ("One ring alone", "s"),
    "off": ("Simulated against estimate", "fraction"),
}
FAMILIES: Columns = {
    "family": ("Network", ""),
    "switches": ("Switches", "1"),
    "cables": ("Cables", "1"),
    "theory": ("Closed form", "byte/s"),
    "flow": ("Greatest flow", "byte/s"),
    "each": ("For each accelerator", "byte/s"),
}
LANDSCAPE: Columns = {
    "servers": ("Servers", "1"),
    "cards": ("Cards of a server", "1"),
    "step": ("Step", "s"),
    "cost": ("Cost", "USD"),
    "exposed": ("Exposed communication", "fraction"),
    "met": ("Keeps to all", ""),
}
PRODUCT: Columns = {
    "what": ("What", ""),
    "time": ("Time", "s"),
    "kind": ("Kind", ""),
}
AGAINST: Columns = {
    "what": ("", ""),
    "bandwidth": ("Bandwidth", "byte/s"),
}
