"""Coverage: which part of which lab serves each learning objective of the syllabus, by which functions of the library.

It is read from the source of the labs, where each part declares its objective and what it uses; nothing is run. An
objective that no part serves is a gap, and is shown as one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from navarch.course.errors import CourseError
from navarch.course.labs.registry import CourseLab, Objective, labs

DECLARING = ("predict", "measure", "challenge")
USING = ("uses", "instrument", "score", "best")
INSTRUMENT_PLACE = 2
TO_COME, GAP = "lab to come", "no part yet"


@dataclass(frozen=True, slots=True)
class Part:
    """A part as a notebook declares it. functions: `package.module:function` or as the notebook writes them."""

    lab: str
    kind: str
    name: str
    objectives: tuple[str, ...]
    functions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """An objective and the parts that serve it; there: whether its lab exists."""

    objective: Objective
    parts: tuple[Part, ...]
    there: bool

    @property
    def gap(self) -> str:
        """Why there is nothing, or an empty text."""
        if self.parts:
            return ""
        return GAP if self.there else TO_COME

    @property
    def parts_told(self) -> str:
        """The parts in words."""
        told = ", ".join(f"Lab {part.lab}, {part.kind} {part.name}" for part in self.parts)
        return told or f"({self.gap})"

    @property
    def functions_told(self) -> str:
        """The functions in words."""
        return ", ".join(dict.fromkeys(function for part in self.parts for function in part.functions))

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        parts = [
            {"lab": part.lab, "kind": part.kind, "part": part.name, "functions": list(part.functions)}
            for part in self.parts
        ]
        return {"objective": self.objective.key, "text": self.objective.text, "parts": parts, "gap": self.gap}


def coverage_of_course() -> list[Row]:
    """The table, over all sixteen weeks."""
    return coverage_of(labs())


def coverage_of(course: Sequence[CourseLab]) -> list[Row]:
    """The table for some labs: every objective of theirs, in the order of the syllabus."""
    declared = [part for lab in course if lab.notebook is not None for part in parts_of(lab.number, lab.notebook)]
    return [
        Row(aim, tuple(p for p in declared if aim.key in p.objectives), lab.notebook is not None)
        for lab in course
        for aim in lab.objectives
    ]


def parts_of(number: str, notebook: Path) -> list[Part]:
    """The parts that a notebook declares; raises CourseError where a declaration cannot be read from its source."""
    tree = ast.parse(notebook.read_text("utf-8"))
    names = dict(_imported(tree))
    return [
        _part(number, notebook, call, call.func.attr, names)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in DECLARING
        and isinstance(call.func.value, ast.Name) and call.func.value.id == "lab"
    ]  # fmt: skip


def imported_modules(notebook: Path) -> list[str]:
    """The modules of navarch that a notebook imports."""
    found = []
    for _, dotted in _imported(ast.parse(notebook.read_text("utf-8"))):
        module, _, name = dotted.rpartition(".")
        if dotted.startswith("navarch."):
            found += [module, *([dotted] if _is_module(module, name) else [])]
    return list(dict.fromkeys(found))


def as_markdown(rows: Sequence[Row]) -> str:
    """The table as a page of the docs."""
    lines = [
        "# Coverage of the syllabus",
        "",
        "Which part of which lab serves each learning objective, and by which functions of the library. Generated from",
        "the labs by `navarch lab coverage --markdown`; what is still missing is shown as missing.",
        "",
        "| | Learning objective | Lab part | Library function |",
        "|---|---|---|---|",
    ]
    for row in rows:
        functions = ", ".join(f"`{name}`" for name in row.functions_told.split(", ") if name)
        told = row.parts_told if row.parts else f"*{row.gap}*"
        lines.append(f"| {row.objective.key} | {row.objective.text} | {told} | {functions} |")
    served = sum(1 for row in rows if row.parts)
    return "\n".join([*lines, "", f"{served} of {len(rows)} objectives are served.", ""])


def _part(number: str, notebook: Path, call: ast.Call, kind: str, names: dict[str, str]) -> Part:
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
    if not call.args or not (isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)):
        raise CourseError(f"{notebook.name}, line {call.lineno}: write the name of the part as text")
    if "objective" not in given:
        raise CourseError(f"{notebook.name}, line {call.lineno}: say which objective= it serves")
    try:
        aims = ast.literal_eval(given["objective"])
    except ValueError as error:
        raise CourseError(f"{notebook.name}, line {call.lineno}: write objective= as text, as '5.2'") from error
    used = [node for key in USING if key in given for node in _elements(given[key])]
    if kind == "measure" and len(call.args) > INSTRUMENT_PLACE:
        used.append(call.args[INSTRUMENT_PLACE])
    functions = tuple(_told(node, names) for node in used)
    return Part(number, kind, call.args[0].value, (aims,) if isinstance(aims, str) else tuple(aims), functions)


def _elements(node: ast.expr) -> Sequence[ast.expr]:
    return node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]


def _told(node: ast.expr, names: dict[str, str]) -> str:
    """A function as `module.function`, its module as imported."""
    written = ast.unparse(node)
    first, _, rest = written.partition(".")
    return f"{names.get(first, first)}.{rest}" if rest else names.get(first, first)


def _is_module(package: str, name: str) -> bool:
    """Whether a name of a package is a module of its own, told without importing it."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    return any((Path(folder) / f"{name}.py").exists() or (Path(folder) / name).is_dir() for folder in folders or ())


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name, alias.name
