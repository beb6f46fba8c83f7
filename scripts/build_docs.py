"""Write the documentation's generated pages: every equation of navarch, a page for each room."""

from __future__ import annotations

import pkgutil
import shutil
import sys
from collections import defaultdict
from html import escape
from importlib import import_module
from pathlib import Path

import navarch
from navarch.core.equation import Equation
from navarch.core.formula import formula, symbol, validity
from navarch.core.ledger import registry

DOCS = Path(__file__).parents[1] / "docs"
FLOORS = {
    "core": "Arithmetic",
    "fleet": "Part I, fleet",
    "distributed": "Part II, distributed",
    "deployment": "Part III, deployment",
    "responsible": "Part IV, responsible",
    "design": "The design",
    "course": "The course",
}
LEFT_OUT = ("measure", "cli", "studio", "course")


def load_every_equation() -> list[Equation]:
    """Import every room, so that its equations are registered; return those that are navarch's own."""
    for module in pkgutil.walk_packages(navarch.__path__, "navarch."):
        if not set(module.name.split(".")) & set(LEFT_OUT):
            import_module(module.name)
    return [used for used in registry().values() if used.function.__module__.startswith("navarch.")]


def room_of(used: Equation) -> str:
    """`fleet/scale` for an equation of navarch.fleet.scale.estimate."""
    floor, *rest = used.identifier.split(".")[:-1]
    return f"{floor}/{rest[0]}" if floor in FLOORS and len(rest) > 1 else floor


def write_equations(folder: Path) -> list[Path]:
    """Write the index and a page for each room into a folder; return the paths."""
    rooms: dict[str, list[Equation]] = defaultdict(list)
    for used in load_every_equation():
        rooms[room_of(used)].append(used)
    folder.mkdir(parents=True, exist_ok=True)
    order = sorted(rooms, key=lambda room: ([*FLOORS].index(room.split("/")[0]), room))
    written = [_write(folder / f"{_file(room)}.md", _page(room, rooms[room])) for room in order]
    return [*written, _write(folder / "index.md", _index(order, rooms))]


def _write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def _file(room: str) -> str:
    return room.replace("/", "-")


def _index(order: list[str], rooms: dict[str, list[Equation]]) -> str:
    total = sum(map(len, rooms.values()))
    lines = ["# All equations", "", f"{total} equations, each generated from the function that is computed.", ""]
    floor = ""
    for room in order:
        if FLOORS[room.split("/")[0]] != floor:
            floor = FLOORS[room.split("/")[0]]
            lines += ["", f"## {floor}", ""]
        lines.append(f"- [{room.rpartition('/')[2]}]({_file(room)}.md): {len(rooms[room])}")
    return "\n".join(lines) + "\n"


def _page(room: str, equations: list[Equation]) -> str:
    head = f"# {room.rpartition('/')[2].capitalize()}\n\n{FLOORS[room.split('/')[0]]}. [All rooms](index.md)\n"
    return head + "".join(f"\n{_section(used)}" for used in equations)


def _section(used: Equation) -> str:
    rows = [_row(used.symbol, used.title, used.unit or "that of the inputs")]
    rows += [_row(p.symbol, p.meaning, p.unit) for p in used.parameters]
    source = f"[{_plain(used.source)}]({used.url})" if used.url else _plain(used.source)
    lines = [
        f"## {_plain(used.title)}",
        "",
        _math(formula(used, "mathml"), block=True),
        "",
        "| Symbol | Meaning | Unit |",
        "|---|---|---|",
        *rows,
        "",
    ]
    if used.valid:
        lines += [f"Valid for {_math(validity(used, 'mathml'))}.", ""]
    lines += [f"Source: {source}. `{used.identifier}`" if used.source else f"`{used.identifier}`", ""]
    return "\n".join(lines)


def _row(name: str, meaning: str, unit: str) -> str:
    return f"| {_math(symbol(name, 'mathml'))} | {_plain(meaning)} | {'' if unit == '1' else f'`{unit}`'} |"


def _math(mathml: str, block: bool = False) -> str:
    kind = ' display="block"' if block else ""
    return f"<math{kind}>{mathml}</math>"


def _plain(text: str) -> str:
    """Text that stays text in Markdown."""
    escaped = escape(text, quote=False)
    for mark in "\\`*_[]|#":
        escaped = escaped.replace(mark, f"\\{mark}") if mark != "#" else escaped
    return escaped


def main() -> None:
    """Write docs/equations anew."""
    folder = DOCS / "equations"
    load_every_equation()
    shutil.rmtree(folder, ignore_errors=True)
    written = write_equations(folder)
    sys.stdout.write(f"{len(written)} pages of equations in {folder}\n")


if __name__ == "__main__":
    main()
