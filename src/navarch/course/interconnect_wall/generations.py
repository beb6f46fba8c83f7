"""Three generations of accelerators: how arithmetic grew, and how the links that feed it did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from navarch.core.arithmetic import product_of, ratio
from navarch.core.ledger import Ledger, Value
from navarch.core.quantity import parse
from navarch.course.desk import reading, shelf, titled
from navarch.course.errors import CourseError
from navarch.course.instrument import Answer, instrument
from navarch.course.interconnect_wall.names import short
from navarch.course.interconnect_wall.variant import menu
from navarch.fleet.compute.estimate import scaleout_bandwidth

LINKS = {
    "memory": "Its own memory", "scaleup": "The link to its neighbours", "bus": "The bus to its host",
    "network": "Its share of the network cards",
}  # fmt: skip
TITLES = {"memory": "memory", "scaleup": "link to neighbours", "bus": "bus to the host", "network": "network"}


def families(link: str) -> dict[str, str]:
    """The families of which a link is known, with their names."""
    return {key: family["name"] for key, family in menu()["families"].items() if _known(key, link)}


def links(family: str) -> dict[str, str]:
    """The links that are known of every accelerator of a family."""
    return {link: title for link, title in LINKS.items() if _known(family, link)}


def links_beside(link: str) -> dict[str, str]:
    """The links that are known of every family of which a link is known."""
    return {each: title for each, title in LINKS.items() if all(_known(family, each) for family in families(link))}


def _family(family: str) -> Mapping[str, Any]:
    found = menu()["families"].get(family)
    if found is None:
        raise CourseError(f"family: {family!r} is not one of {', '.join(menu()['families'])}")
    return dict(found)


def _known(family: str, link: str) -> bool:
    told = _family(family)
    if link == "network":
        return "nodes" in told
    chips = [shelf().get("accelerator", name) for name in told["accelerators"]]
    wanted = {"memory": "memory_bandwidth", "scaleup": "scaleup_bandwidth", "bus": "pcie_generation"}[link]
    return all(getattr(chip, wanted) is not None for chip in chips)


def _bandwidth(ledger: Ledger, family: Mapping[str, Any], place: int, link: str) -> Value:
    """Bandwidth of one link of one generation [byte/s]."""
    catalog = shelf()
    chip = catalog.get("accelerator", family["accelerators"][place])
    if link == "network":
        node = catalog.get("node", family["nodes"][place])
        return scaleout_bandwidth(*(ledger.fact(each) for each in (node.nics, node.nic_bandwidth, node.accelerators)))
    if link == "bus":
        return ledger.fact(catalog.fact("fabric", f"pcie{chip.pcie_generation}-x16", "bandwidth"))
    return ledger.fact(chip.memory_bandwidth if link == "memory" else chip.scaleup_bandwidth)


@instrument
def generations(family: str, link: str) -> Answer:
    """Bytes that a link moves in the time of a million operations, over three generations, and what grew how much."""
    told = _family(family)
    if link not in links(family):
        raise CourseError(f"link: {link!r} is not known of {family}; there are: {', '.join(links(family))}")
    catalog, precision, names = shelf(), told["precision"], told["accelerators"]
    with Ledger() as ledger:
        work = ledger.field("operations", parse(menu()["operations"], "FLOP"), "FLOP", "A million operations")
        peaks = [ledger.fact(catalog.fact("accelerator", name, precision)) for name in names]
        speeds = {each: [_bandwidth(ledger, told, n, each) for n in range(len(names))] for each in links(family)}
        moved = []
        for peak, speed in zip(peaks, speeds[link], strict=True):
            time = ratio(work, peak, unit="s", title="Time of a million operations", symbol="t")
            moved.append(product_of(speed, time, unit="byte", title="Moved in that time", symbol="M"))
        grown = {each: _growth(speed, TITLES[each]) for each, speed in speeds.items()}
        arithmetic = _growth(peaks, f"arithmetic, {precision}")
        outgrown = ratio(arithmetic, grown[link], unit="1", title="Arithmetic outgrew the link by", symbol="r")
        rows = [_row(n, name, peaks, speeds, moved[n]) for n, name in enumerate(names)]
        values = {"bytes": moved[-1], "bytes_first": moved[0], "arithmetic": arithmetic, "link": grown[link],
                  "outgrown": outgrown}  # fmt: skip
        readings = {key: reading(value.entry) for key, value in values.items()}
    first, last = (short(catalog.get("accelerator", name).name) for name in (names[0], names[-1]))
    titles = {"bytes": f"Bytes in the time of a million operations, {last}", "bytes_first": f"The same, {first}"}
    return Answer(titled(readings, titles), rows)


def _growth(values: list[Value], of: str) -> Value:
    return ratio(values[-1], values[0], unit="1", title=f"Growth of {of}", symbol="g")


def _row(place: int, name: str, peaks: list[Value], speeds: Mapping[str, list[Value]], moved: Value) -> dict[str, Any]:
    chip = shelf().get("accelerator", name)
    row: dict[str, Any] = {"accelerator": chip.name, "year": chip.year, "peak": float(peaks[place])}
    row |= {link: float(speed[place]) for link, speed in speeds.items()}
    row |= {"moved": float(moved), "peak_growth": float(ratio(peaks[place], peaks[0]))}
    row |= {f"{link}_growth": float(ratio(speed[place], speed[0])) for link, speed in speeds.items()}
    return row


@instrument
def first_generation(family: str, link: str) -> Answer:
    """What the question tells: bytes in the time of a million operations on the first accelerator of a family."""
    shown = generations(family=family, link=link)
    return Answer({key: shown[key] for key in ("bytes_first", "arithmetic")})
