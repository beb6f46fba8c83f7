"""Titles and units of the columns behind the figures of Lab 06."""

from __future__ import annotations

from collections.abc import Mapping

Columns = Mapping[str, tuple[str, str]]

RANKS: Columns = {
    "accelerators": ("Accelerators", "1"),
    "large": ("Large, quickest", "s"),
    "large_by": ("by", ""),
    "large_ring": ("Large, ring", "s"),
    "small": ("Small, quickest", "s"),
    "small_by": ("by", ""),
    "small_ring": ("Small, ring", "s"),
}
SIZES: Columns = {
    "message": ("Message", "byte"),
    "algorithm": ("Algorithm", ""),
    "time": ("Time", "s"),
    "pieces": ("Pieces", "1"),
}
BUS: Columns = {
    "message": ("Message", "byte"),
    "algorithm": ("Algorithm", ""),
    "time": ("Time", "s"),
    "bus": ("Bus bandwidth", "byte/s"),
    "algorithm_bandwidth": ("Algorithm bandwidth", "byte/s"),
}
FABRIC: Columns = {
    "algorithm": ("Algorithm", ""),
    "order": ("Ranks on the hosts", ""),
    "estimate": ("Estimate", "s"),
    "simulated": ("Simulated", "s"),
    "difference": ("Longer by", "fraction"),
}
RING: Columns = {
    "message": ("Message", "byte"),
    "measured": ("Measured", "s"),
    "low": ("10 %", "s"),
    "high": ("90 %", "s"),
    "estimate": ("Estimate, fitted", "s"),
    "simulated": ("Simulated, fitted", "s"),
    "bus": ("Bus bandwidth", "byte/s"),
}
METHODS: Columns = {
    "method": ("Method", ""),
    "sent": ("Sent by a rank", "byte"),
    "coding": ("Encode and decode", "s"),
    "transfer": ("On the network", "s"),
    "time": ("Exchange", "s"),
    "faster": ("Times as fast", "1"),
    "penalty": ("Accuracy lost, as published", "fraction"),
}
BY_RANKS: Columns = {"ranks": ("Ranks", "1"), "method": ("Method", ""), "faster": ("Times as fast", "1")}
TRAINED: Columns = {
    "method": ("Method", ""),
    "fewer": ("Times fewer bytes", "1"),
    "faster": ("Times as fast", "1"),
    "sent": ("Sent by a rank", "byte"),
    "time": ("Steps", "s"),
    "encode": ("Encode", "s"),
    "transfer": ("Network", "s"),
    "decode": ("Decode", "s"),
    "loss": ("Loss", "1"),
    "worse": ("Against none", "fraction"),
}
BUCKETS: Columns = {
    "bucket": ("Bucket", "byte"),
    "algorithm": ("Algorithm", ""),
    "added": ("Added to the backward pass", "s"),
    "hidden": ("Hidden", "fraction"),
}
