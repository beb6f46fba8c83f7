"""The commented file that a design starts from, written from the types of the design file itself."""

from __future__ import annotations

import os
import re
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

from navarch.design.errors import DesignError
from navarch.design.spec import Design, FieldNote, notes, section_of

WIDTH = 110
READABLE = 0o644

STARTS_WITH = {
    "name": "My fleet",
    "workload.model": "llama3.1-8b",
    "workload.tokens": "chinchilla",
    "workload.deadline": "30 days",
    "site.region": "grid-us",
    "cluster.node": "dgx-h100",
}
"""What the starter file decides, so that it can be evaluated as it stands; all else is shown and left to navarch."""

TRIVIAL = re.compile(r", (more than 0|at least [01])\b")

HEAD = """\
# A navarch design file: what you decide stands here, what you leave out navarch chooses and marks as chosen.
#
# Amounts are written with their unit (400 Gb/s, 80 GB, 3 years, 0.12 USD/kWh). Where you are not sure, give the low
# and the high of an 80 % interval as well:  electricity_price: {value: 0.08 USD/kWh, low: 0.05, high: 0.14}
#
#   navarch check FILE      is it consistent, and what comes out?
#   navarch design FILE     the design document: HTML, PDF and Markdown
#   navarch schema          the JSON schema of this file, for your editor
#   navarch catalog list    what models, nodes, fabrics, regions ... there are to name here
"""


def starter_text() -> str:
    """Return the starter file: every field with its meaning and what may be written, commented out but for a few."""
    lines = [HEAD]
    every = list(notes())
    for name, info in Design.model_fields.items():
        if section_of(info) is None:
            lines += [line for note in every if note.path == name for line in _field(note, "", "# ")]
            continue
        fields = [note for note in every if note.path.startswith(f"{name}.")]
        live = any(note.path in STARTS_WITH for note in fields)
        block = [f"{name}:".ljust(24) + f"# {info.description}"]
        block += [line for note in fields for line in _field(note, "  ", "# " if live else "")]
        lines += ["", *(block if live else [f"# {line}" for line in block])]
    return "\n".join(lines) + "\n"


def write_starter(path: str | Path) -> Path:
    """Write the starter file to a path where there is none yet, whole or not at all; return the path."""
    target = Path(path)
    if target.exists() or target.is_symlink():
        raise DesignError("", "exists already and is left as it is; name another file", source=str(target))
    return write_whole(target, starter_text())


def write_whole(path: Path, text: str) -> Path:
    """Write a text file whole or not at all: under a temporary name beside it, then renamed."""
    if not path.parent.is_dir():
        raise DesignError("", f"the folder {path.parent} does not exist", source=str(path))
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, READABLE)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path


def _field(note: FieldNote, indent: str, mark: str) -> Iterator[str]:
    """Yield a field's comment and its line; `mark` comments out what the starter leaves to navarch."""
    name = note.path.rpartition(".")[2]
    comment = f"{note.title}: {note.description}"
    if note.choices or note.unit:
        comment += f" [{TRIVIAL.sub('', note.allowed)}]"
    margin = f"{indent}#   "
    yield from textwrap.wrap(
        comment, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=margin, break_long_words=False
    )
    given = STARTS_WITH.get(note.path)
    yield f"{indent}{name}: {given}" if given else f"{indent}{mark}{name}: {note.example}".rstrip()
