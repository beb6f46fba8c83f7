"""Which published training runs the constants were fitted on: a third of the configurations of some sources.

Fixed before any constant was fitted. The rows of a source are divided by accelerator, precision and kind of model;
within each group the configurations are put in the order of a hash of what they are, and every third is for
calibration, together with its repetitions on more accelerators or with other releases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from navarch.validation.rows import Row, text

WHOLE = ("Korthikanti",)
THIRDS = ("MosaicML", "BigScience", "Megatron-Bridge", "SimuMax", "performance_summary.md (24.07)")
"""What the `source` of a row contains whose configurations are for calibration: all of them, or every third."""
CONFIGURATION = ("model", "gpu", "precision", "tp", "pp", "cp", "ep", "seq", "mbs")


def calibration_ids(rows: Iterable[Row]) -> frozenset[str]:
    """The ids of the rows that constants may be fitted on."""
    groups: dict[tuple[str, ...], dict[str, list[str]]] = {}
    chosen: list[str] = []
    for row in rows:
        source = text(row, "source")
        if text(row, "source_check") == "recalled":
            continue
        if any(part in source for part in WHOLE):
            chosen.append(text(row, "row_id"))
        elif any(part in source for part in THIRDS):
            groups.setdefault(_group(row), {}).setdefault(configuration_of(row), []).append(text(row, "row_id"))
    for configurations in groups.values():
        chosen += [
            identifier for name in _third(sorted(configurations, key=_hash)) for identifier in configurations[name]
        ]
    return frozenset(chosen)


def configuration_of(row: Row) -> str:
    """What a row runs, on however many accelerators and with whichever release."""
    return "|".join(text(row, column) for column in CONFIGURATION)


def key_of(row: Row) -> tuple[str, ...]:
    """The group of a row and what it runs, the same however its numbers are written (8, 8.0 or " 8 ")."""
    return (*_group(row), *(_plain(text(row, column)) for column in CONFIGURATION))


def _group(row: Row) -> tuple[str, ...]:
    """Source, accelerator, precision and kind of model."""
    kind = "experts" if text(row, "ep") else "dense"
    return text(row, "source"), text(row, "gpu"), _bits(text(row, "precision")), kind


def _plain(written: str) -> str:
    try:
        return f"{float(written):g}"
    except ValueError:
        return written


def _third(ordered: Sequence[str]) -> Sequence[str]:
    return ordered[: (len(ordered) + 1) // 3]


def _hash(configuration: str) -> str:
    return hashlib.sha256(configuration.encode()).hexdigest()


def _bits(precision: str) -> str:
    lowered = precision.lower()
    return next((part for part in ("fp4", "mx", "fp8") if part in lowered), "16")
