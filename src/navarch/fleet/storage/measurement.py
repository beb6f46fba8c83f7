"""What a machine's storage was measured to do, as plain records that files keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from navarch.fleet.compute.measurement import MachineSeen, Spread
from navarch.fleet.storage.model import StorageError

KIND = "navarch storage measurement"


@dataclass(frozen=True, slots=True)
class AccessMeasured:
    """One way of reading or writing.

    name; operation: size of one [byte]; operations, time: of all [s]; each: time of one [s]; worst: that one in a
    hundred exceeds [s]; rate [byte/s]; frequency: of operations [1/s].
    """

    name: str
    operation: float
    operations: int
    time: float
    each: Spread
    worst: float
    rate: float
    frequency: float


@dataclass(frozen=True, slots=True)
class LoaderMeasured:
    """A data loader.

    layout: files or records; kind: inline, threads or processes; workers; prefetch: batches ahead; batch: samples;
    rate [byte/s]; samples: a second [1/s]; pace: samples a second of a training that takes them more slowly, or None;
    starvation: share of its steps that wait for data then; stalled: share of the time.
    """

    layout: str
    kind: str
    workers: int
    prefetch: int
    batch: int
    rate: float
    samples: float
    pace: float | None = None
    starvation: float | None = None
    stalled: float | None = None


@dataclass(frozen=True, slots=True)
class StorageMeasured:
    """What a machine's storage did. cache: how the page cache was kept out; file_system: its type; date: ISO."""

    machine: MachineSeen
    date: str
    file_system: str
    cache: str
    access: tuple[AccessMeasured, ...]
    loaders: tuple[LoaderMeasured, ...]
    left_out: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """Machine and date, as a label for a recorded result."""
        return f"{self.machine.title}, {self.file_system}, {self.date}"

    def named(self, name: str) -> AccessMeasured:
        """One way of reading or writing, by its name; StorageError where it was left out."""
        found = next((each for each in self.access if each.name == name), None)
        if found is None:
            raise StorageError(f"{name} was not measured; there are: {', '.join(each.name for each in self.access)}")
        return found

    def as_plain(self) -> dict[str, Any]:
        """JSON values only."""
        return {"kind": KIND, **asdict(self)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> StorageMeasured:
        """The inverse of `as_plain`; StorageError where it is something else."""
        if not isinstance(plain, Mapping) or plain.get("kind") != KIND:
            raise StorageError(f"this is no {KIND}; `navarch measure storage --out FILE` writes one")
        given = {name: value for name, value in plain.items() if name != "kind"}
        try:
            return cls(
                machine=MachineSeen(**given.pop("machine")),
                access=tuple(
                    AccessMeasured(**{**each, "each": Spread(**each["each"])}) for each in given.pop("access")
                ),
                loaders=tuple(LoaderMeasured(**each) for each in given.pop("loaders")),
                left_out=tuple(given.pop("left_out")),
                **given,
            )
        except (KeyError, TypeError) as error:
            raise StorageError(f"this {KIND} lacks or has too much: {error}") from error


def write_measured(measured: StorageMeasured, path: Path) -> None:
    """Write a measurement as JSON: to a temporary name, then renamed."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(json.dumps(measured.as_plain(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    beside.replace(path)


def read_measured(path: Path) -> StorageMeasured:
    """Read a measurement; StorageError where the file is none."""
    try:
        return StorageMeasured.from_plain(json.loads(path.read_text("utf-8")))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise StorageError(f"{path}: no JSON: {error}") from error
