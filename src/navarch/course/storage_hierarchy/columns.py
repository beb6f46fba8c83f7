"""Titles and units of the columns behind the figures of Lab 04."""

from __future__ import annotations

from collections.abc import Mapping

Columns = Mapping[str, tuple[str, str]]

TIERS: Columns = {
    "tier": ("Storage", ""),
    "example": ("For example", ""),
    "of_one": ("One reads", "byte/s"),
    "needed": ("Needed", "1"),
    "latency": ("Latency", "s"),
    "in_flight": ("Requests in flight", "1"),
    "keep": ("The data for three years", "USD"),
}
STEPS: Columns = {
    "step": ("Step", "1"),
    "began": ("Began", "s"),
    "computed": ("Computes", "s"),
    "waited": ("Waited before", "s"),
    "late": ("Accelerators late", "1"),
}
WRITTEN: Columns = {**STEPS, "writing": ("While one is written", "")}
TAIL: Columns = {
    "together": ("Accelerators that wait for each other", "1"),
    "waits": ("Steps that wait", "fraction"),
}
PREFETCH: Columns = {
    "prefetch": ("Batches ahead", "1"),
    "theory": ("Steps that wait, in theory", "fraction"),
    "steps": ("Simulated", "fraction"),
    "late": ("Batches late", "fraction"),
    "still": ("Stands still", "fraction"),
}
MODES: Columns = {
    "mode": ("Way of writing", ""),
    "what": ("Training waits for", ""),
    "stall": ("Stands still at each", "s"),
    "share": ("Of the time", "fraction"),
    "near": ("On the nodes' drives after", "s"),
    "safe": ("On shared storage after", "s"),
}
SIZED: Columns = {
    "model": ("Model", ""),
    "what": ("Asked by", ""),
    "rate": ("Rate", "byte/s"),
    "units": ("Units", "1"),
}
EPOCHS: Columns = {
    "place": ("Storage", ""),
    "layout": ("Images in", ""),
    "theory": ("Times as long, by rates", "1"),
    "simulated": ("Simulated", "1"),
}
BY_SIZE: Columns = {
    "sample": ("A file", "byte"),
    "place": ("Storage", ""),
    "rate": ("Reaches the accelerators", "byte/s"),
    "eaten": ("They would eat", "byte/s"),
}
HERE: Columns = {
    "what": ("Read", ""),
    "how": ("How known", ""),
    "rate": ("Rate", "byte/s"),
}
LOADERS: Columns = {
    "prefetch": ("Batches ahead", "1"),
    "how": ("How known", ""),
    "images": ("Images a second", "1/s"),
    "late": ("Batches late", "fraction"),
}
NEEDS: Columns = {
    "system": ("Shared storage", ""),
    "need": ("Asked by", ""),
    "units": ("Units", "1"),
    "cost": ("Cost", "USD"),
}
TASK: Columns = {"what": ("Asked", ""), "value": ("", "")}
