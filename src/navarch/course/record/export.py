"""Writing a log as files: each replaces the old one in one step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from navarch.course.record.errors import RecordError
from navarch.course.record.log import Log, export_text
from navarch.course.record.markdown import render_markdown
from navarch.course.record.page import page_of

FORMATS = ("md", "pdf", "json")


def export_log(
    log: Log, folder: Path, stem: str, formats: Sequence[str] = FORMATS, lab: str | None = None
) -> list[Path]:
    """Write `stem.md`, `stem.pdf` and `stem.json`; gives the paths written. lab: only this one (the JSON is whole)."""
    from navarch.design.document.write import replace_files

    contents = {folder / f"{stem}.{each}": exported(log, each, lab) for each in dict.fromkeys(formats)}
    folder.mkdir(parents=True, exist_ok=True)
    return replace_files(contents, folder, stem)


def exported(log: Log, form: str, lab: str | None = None) -> bytes:
    """A log in one format: md, pdf or json."""
    if form == "json":
        return export_text(log).encode()
    if form == "md":
        return render_markdown(page_of(log, lab)).encode()
    if form == "pdf":
        from navarch.course.record.pdf import render_pdf

        return render_pdf(page_of(log, lab))
    raise RecordError(f"{form!r} is no format of a log; allowed: {', '.join(FORMATS)}")
