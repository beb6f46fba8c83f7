"""The machine that a measurement ran on, in words."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from navarch.core.quantity import show

Machine = Mapping[str, str]


def this_machine() -> Machine:
    """What a reader needs to judge a measurement: processor, cores, memory, system, and the day."""
    return {
        "processor": _processor(),
        "cores": str(_cores()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def in_words(machine: Machine) -> str:
    """One line about a machine."""
    parts = [machine.get("processor", ""), f"{machine['cores']} cores" if "cores" in machine else ""]
    parts += [machine.get("memory", ""), machine.get("system", "")]
    return ", ".join(part for part in parts if part)


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", told.read_text("utf-8"), re.MULTILINE) if told.exists() else None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> str:
    told = Path("/proc/meminfo")
    found = re.search(r"^MemTotal:\s*(\d+) kB$", told.read_text("utf-8"), re.MULTILINE) if told.exists() else None
    return show(float(found.group(1)) * 1024, "byte") if found else ""
