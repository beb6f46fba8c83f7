"""Writing the documents: all are rendered before the first is written, and each replaces the old one in one step.

Killed at any moment, the writer leaves each old document or the new one, never a part of either.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from navarch.design.document.model import Document

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Evaluation

Format = Literal["html", "pdf", "md"]
FORMATS: tuple[Format, ...] = ("html", "pdf", "md")


def write_documents(
    evaluation: Evaluation, directory: Path, stem: str, formats: Sequence[Format] = FORMATS
) -> list[Path]:
    """Write the design document of an evaluation as `stem.html`, `stem.pdf` and `stem.md`; gives the paths written."""
    from navarch.design.chapters import build_document

    return write_document(build_document(evaluation), directory, stem, formats)


def write_document(document: Document, directory: Path, stem: str, formats: Sequence[Format] = FORMATS) -> list[Path]:
    """The same for a document that is already built."""
    rendered = {directory / f"{stem}.{name}": content for name, content in _rendered(document, formats).items()}
    directory.mkdir(parents=True, exist_ok=True)
    _sweep(directory, stem)
    return replace_files(rendered, directory, stem)


def replace_files(contents: dict[Path, bytes], directory: Path, stem: str) -> list[Path]:
    """Put the contents in place of the files: every one is safe on disk before the first is renamed."""
    waiting: list[tuple[Path, Path]] = []
    try:
        for path, content in contents.items():
            handle, name = tempfile.mkstemp(prefix=f".{stem}.{os.getpid()}.", suffix=".tmp", dir=directory)
            waiting.append((Path(name), path))
            _fill(handle, content)
        for temporary, path in waiting:
            os.replace(temporary, path)
    finally:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)
    _settle(directory)
    return list(contents)


def _rendered(document: Document, formats: Sequence[Format]) -> dict[Format, bytes]:
    """The document in each format; the others are made while the PDF is being set."""
    asked = list(dict.fromkeys(formats))
    unknown = [name for name in asked if name not in FORMATS]
    if unknown:
        raise ValueError(f"no document format {unknown[0]!r}; allowed: {', '.join(FORMATS)}")
    made: dict[Format, bytes] = {}
    with ThreadPoolExecutor(1) as press:
        setting = press.submit(_setter(document)) if "pdf" in asked else None
        if "html" in asked:
            from navarch.design.render.html import render_html

            made["html"] = render_html(document).encode()
        if "md" in asked:
            from navarch.design.render.markdown import render_markdown

            made["md"] = render_markdown(document).encode()
        if setting is not None:
            made["pdf"] = setting.result()
    return {name: made[name] for name in asked}


def _setter(document: Document) -> Callable[[], bytes]:
    """What sets the PDF of a document, all of whose text and figures are drawn already."""
    from navarch.design.render.typst import compile_typst, render_typst

    return partial(compile_typst, render_typst(document))


def _fill(handle: int, content: bytes) -> None:
    """Write the content to an open file; it is on disk when this returns."""
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(handle, 0o666 & ~_umask())
        os.fsync(handle)


def _umask() -> int:
    """The process's mask for new files, which `mkstemp` does not apply."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _sweep(directory: Path, stem: str) -> None:
    """Remove what a run that was killed left behind; a run that is still alive keeps its own."""
    pattern = re.compile(re.escape(f".{stem}.") + r"(\d+)\.[^.]+\.tmp")
    for left in directory.iterdir():
        match = pattern.fullmatch(left.name)
        if match and not _alive(int(match[1])):
            left.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    """Whether a process of this number runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process != os.getpid()


def _settle(directory: Path) -> None:
    """Make the renames last through a power cut, where the system lets a directory be synced."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
