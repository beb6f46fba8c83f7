"""The machine as one tree: chip, node, rack, pod, cluster, with what joins, feeds and fails together at each level.

`machine` builds it from catalog entries; the tree then answers where two ranks meet, what a group of ranks has between
its members, how many accelerators one failure takes, and what each level draws and can move across its middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from navarch.core.quantity import show
from navarch.fleet.compute import levels

if TYPE_CHECKING:
    import polars

Number = Any  # a float or a Value
LevelName = Literal["chip", "node", "rack", "pod", "cluster"]
Joining = Literal["switches", "full mesh", "2D torus", "3D torus", "host"]
LEVELS: tuple[LevelName, ...] = ("chip", "node", "rack", "pod", "cluster")


@dataclass(frozen=True, slots=True)
class Link:
    """What joins the members of a unit. Bandwidths per direction [byte/s], latency [s]; None where not known."""

    name: str
    joining: Joining
    bandwidth: Number | None  # of one accelerator into this level
    pair: Number | None  # between two accelerators that are neighbours on it
    latency: Number | None
    bisection: Number | None  # of one unit


@dataclass(frozen=True, slots=True)
class FailureDomain:
    """What one failure at a level takes down: what fails, accelerators lost, and how often it does [1/s]."""

    what: str
    accelerators: Number
    rate: Number | None  # of one unit
    total_rate: Number | None  # of all units of the machine


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a level: so many units of the level below, what joins them, and what they draw and lose together."""

    level: LevelName
    name: str
    accelerators: Number
    units: Number  # of this level in the machine
    children: Number | None  # units of the level below in this one
    child: Unit | None
    link: Link | None
    power: Number | None  # greatest [W]; of nodes only: network, storage and cooling are not in it
    failure: FailureDomain | None

    def down(self) -> Iterator[Unit]:
        """This unit and those under it, the chip last."""
        unit: Unit | None = self
        while unit is not None:
            yield unit
            unit = unit.child


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine: its outermost unit, and answers about ranks, which are numbered unit by unit from zero."""

    name: str
    root: Unit

    @property
    def units(self) -> tuple[Unit, ...]:
        """One unit of each level, the chip first."""
        return tuple(reversed(tuple(self.root.down())))

    def unit(self, level: LevelName) -> Unit:
        """The unit of a level; a KeyError names the levels that this machine has."""
        for unit in self.units:
            if unit.level == level:
                return unit
        raise KeyError(f"{self.name} has no level {level}; it has {', '.join(u.level for u in self.units)}")

    def meeting(self, first: Number, second: Number) -> Unit:
        """The smallest unit that holds two ranks."""
        self._check(first, second)
        for unit in self.units:
            if levels.unit_of(first, unit.accelerators) == levels.unit_of(second, unit.accelerators):
                return unit
        return self.root

    def bandwidth_between(self, first: Number, second: Number) -> Number | None:
        """Bandwidth between two ranks with nothing else under way, per direction [byte/s]; None where it is not known.

        On a torus it is that of one link, as between neighbours.
        """
        link = self.meeting(first, second).link
        return None if link is None else link.pair

    def latency_between(self, first: Number, second: Number) -> Number | None:
        """Latency between two ranks [s]; None where it is not known."""
        link = self.meeting(first, second).link
        return None if link is None else link.latency

    def group(self, ranks: Number, stride: Number) -> Unit:
        """The smallest unit in which every group of so many ranks at this stride lies whole.

        Groups are those of a process grid: a group and its sisters take ranks x stride ranks in a row, and a unit holds
        whole blocks of these or some group lies across its border.
        """
        block = levels.ranks_spanned(ranks, stride)
        if block > self.root.accelerators:
            raise ValueError(
                f"a group of {ranks:g} ranks at stride {stride:g} exceeds {self.root.accelerators:g} ranks"
            )
        held = (u for u in self.units if u.accelerators >= block and levels.blocks_cut(u.accelerators, block) == 0)
        return next(held, self.root)

    def failure_domains(self) -> tuple[FailureDomain, ...]:
        """What may fail at each level, the smallest first."""
        return tuple(unit.failure for unit in self.units if unit.failure is not None)

    def to_frame(self) -> polars.DataFrame:
        """One row a level, in SI."""
        import polars

        return polars.DataFrame([_row(unit) for unit in self.units])

    def text(self) -> str:
        """The tree, printed."""
        lines = [self.name]
        for depth, unit in enumerate(self.root.down()):
            lines.append(f"{'   ' * depth}└─ {_told(unit)}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())

    def _check(self, *ranks: Number) -> None:
        for rank in ranks:
            if not 0 <= rank < self.root.accelerators:
                raise ValueError(f"rank {rank:g} is none of 0 to {self.root.accelerators - 1:g}")


def _row(unit: Unit) -> dict[str, Any]:
    link, failure = unit.link, unit.failure
    row: dict[str, Any] = {
        "level": unit.level,
        "name": unit.name,
        "accelerators": float(unit.accelerators),
        "units": float(unit.units),
        "children": _plain(unit.children),
        "power": _plain(unit.power),
    }
    for name in (f.name for f in fields(Link)):
        row["link" if name == "name" else name] = None if link is None else _plain(getattr(link, name))
    row["fails"] = None if failure is None else failure.what
    row["accelerators_lost"] = None if failure is None else _plain(failure.accelerators)
    row["failure_rate"] = None if failure is None else _plain(failure.total_rate)
    return row


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else float(value)


def _told(unit: Unit) -> str:
    """A level in one line."""
    said = [f"{unit.units:,.0f} x {unit.level} {unit.name}"]
    if unit.children is not None:
        said.append(f"{unit.accelerators:,.0f} accelerators")
    link = unit.link
    if link is not None:
        known = [
            ("", link.bandwidth, "byte/s", " each"),
            ("latency ", link.latency, "s", ""),
            ("bisection ", link.bisection, "byte/s", ""),
        ]
        told = [f"{before}{show(float(v), unit_)}{after}" for before, v, unit_, after in known if v is not None]
        said.append(", ".join([f"{link.name} ({link.joining})", *told]))
    if unit.power is not None:
        said.append(show(float(unit.power), "W"))
    if unit.failure is not None and unit.failure.total_rate is not None:
        said.append(f"{unit.failure.what} failures {show(float(unit.failure.total_rate), '1/s')}")
    return "; ".join(said)
