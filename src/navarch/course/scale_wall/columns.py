"""Titles and units of the columns behind the figures of Lab 01."""

from __future__ import annotations

from collections.abc import Mapping

Columns = Mapping[str, tuple[str, str]]

WALL: Columns = {
    "accelerators": ("Accelerators", "1"),
    "time": ("Time", "s"),
    "low": ("Low", "s"),
    "high": ("High", "s"),
}
MACHINES: Columns = {
    "machine": ("Machine", ""),
    "rate": ("Training rate", "FLOP/s"),
    "time": ("Time of the run", "s"),
    "kind": ("How known", ""),
}
FAILURES: Columns = {
    "accelerators": ("Accelerators", "1"),
    "interruptions": ("Interruptions", "1"),
    "low": ("Low", "1"),
    "high": ("High", "1"),
    "between": ("Time between them", "s"),
}
RECORDS: Columns = {
    "record": ("System", ""),
    "told": ("Record", ""),
    "interruptions": ("Interruptions", "1"),
    "between": ("Time between them", "s"),
    "lab": ("Used above", ""),
}
SIXTEEN: Columns = {
    "accelerators": ("Accelerators", "1"),
    "multiple": ("Times", "1"),
    "step": ("Step", "s"),
    "speedup": ("Speed-up", "1"),
    "rule": ("By the rule of thumb", "1"),
    "mfu": ("Utilisation", "fraction"),
    "cost": ("Cost of a step", "USD"),
    "plan": ("Best plan", ""),
}
PIPELINES: Columns = {
    "accelerators": ("Accelerators", "1"),
    "multiple": ("Times", "1"),
    "step": ("Step", "s"),
    "computing": ("Computing", "s"),
    "communication": ("Communication", "s"),
    "waiting": ("Waiting", "s"),
    "rest": ("The rest", "s"),
    "simulated": ("Waiting, simulated", "s"),
}
SCALING: Columns = {
    "series": ("Series", ""),
    "accelerators": ("Accelerators", "1"),
    "multiple": ("Times", "1"),
    "speedup": ("Speed-up", "1"),
    "step": ("Step", "s"),
}
LOSS: Columns = {
    "money": ("Money", "USD"),
    "loss": ("Loss", "1"),
    "low": ("Low", "1"),
    "high": ("High", "1"),
    "compute": ("Compute", "FLOP"),
    "parameters": ("Model", "parameter"),
    "tokens": ("Tokens", "token"),
}
LANDSCAPE: Columns = {
    "accelerators": ("Accelerators", "1"),
    "cost": ("Rent", "USD"),
    "time": ("Time", "s"),
    "parameters": ("Model", "parameter"),
}
WAITS: Columns = {
    "estimate": ("Wait, closed form", ""),
    "simulated": ("Wait, task by task", ""),
    "share": ("Of the step", ""),
}
