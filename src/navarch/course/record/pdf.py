"""A log as PDF, through typst, in the look of the design document (its template, and `log.typ` on top).

The source is code, not markup: every text is a typst string literal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from navarch.core.plot import PALETTE
from navarch.course.record.page import PROVES, DecisionPart, EvidenceRow, LabPage, Page, PredictionRow, Run
from navarch.design.render.typst import compile_typst, listed, quoted

OWN_NAMES = {"link": "link_", "grid": "grid_"}  # names that typst needs itself
DECADES = 2.0  # shown to either side of the result


def render_pdf(page: Page) -> bytes:
    """The page as the bytes of a PDF file."""
    return compile_typst(render_typst(page))


def render_typst(page: Page) -> str:
    """The page as typst source."""
    title = f"Decision log of {page.student}"
    frame = f"#show: log-sheet.with({quoted(title)}, {quoted(f'{page.student} · course {page.course}')})\n"
    return _look() + frame + "#{\n" + "\n".join(_parts(page, title)) + "\n}\n"


@cache
def _look() -> str:
    colours = "".join(f'#let {OWN_NAMES.get(name, name)} = rgb("{light}")\n' for name, (light, _) in PALETTE.items())
    document = files("navarch.design.render").joinpath("templates/document.typ").read_text(encoding="utf-8")
    return colours + document + files(__package__).joinpath("log.typ").read_text(encoding="utf-8")


def _parts(page: Page, title: str) -> Iterator[str]:
    labs = ", ".join(lab.lab for lab in page.labs)
    under = f"Course {page.course}" + (f" · lab{'s' if len(page.labs) > 1 else ''} {labs}" if labs else "")
    yield f"title({quoted(title)}, {quoted(under)})"
    status = "missed" if page.flaws else "met"
    yield f"verdict({quoted(status)}, {quoted(page.verdict)})"
    if page.note:
        yield f"verdict({quoted('tight')}, {quoted(page.note)})"
    for lab in page.labs:
        yield from _lab(lab)
    if page.receipts:
        rows = (listed(map(quoted, (str(r.number), r.what, r.time, r.receipt))) for r in page.receipts)
        yield f"receipts({listed(rows)})"
    yield f"proves({quoted(PROVES)})"


def _lab(lab: LabPage) -> Iterator[str]:
    yield f"lab-heading({quoted(lab.lab)}, {quoted(lab.name)})"
    if lab.decisions:
        yield _decision(lab.decisions[0])
    if lab.predictions:
        yield f"predictions({listed(map(_prediction, lab.predictions))})"
    if lab.evidence:
        yield f"evidence({listed(map(_evidence, lab.evidence))})"
    if lab.submissions:
        rows = (f"({quoted(str(s.number))}, {quoted(s.part)}, {_pairs(s.items)})" for s in lab.submissions)
        yield f"submissions({listed(rows)})"
    if len(lab.decisions) > 1:
        older = (f"({quoted(str(d.number))}, {quoted(d.time)}, {_runs(d.recommendation)})" for d in lab.decisions[1:])
        yield f"earlier({listed(older)})"


def _prediction(row: PredictionRow) -> str:
    times = _clock(row.committed), _clock(row.revealed)
    texts = (row.part, row.question, row.predicted, row.sure, row.result, row.off, *times)
    return f"({listed(map(quoted, texts))}, {_place(row.ratio)})"


def _clock(time: str) -> str:
    """A time without its year and zone."""
    return time[5:19]


def _place(times: float | None) -> str:
    """Where the prediction stands on the line through the result: -1 and 1 are its ends, a hundredfold off."""
    if times is None:
        return "none"
    return repr(max(-1.0, min(1.0, math.log10(times) / DECADES)))


def _evidence(row: EvidenceRow) -> str:
    texts = map(quoted, (str(row.number), row.part, row.what, row.inputs, row.origin, row.note))
    readings = listed(listed(map(quoted, reading)) for reading in row.readings)
    return f"({listed(texts)}, {readings})"


def _decision(decision: DecisionPart) -> str:
    fields = (decision.recommendation, decision.reasoning, decision.rejected, decision.rejected_by, decision.trigger)
    evidence = ", ".join(map(str, decision.evidence)) or "none"
    share = f"{decision.supported} of {decision.numbers} numbers supported"
    foot = f"entry {decision.number}, {decision.time} · evidence: entries {evidence} · {share}"
    texts = f"{quoted(decision.term)}, {quoted(decision.confidence)}, {quoted(foot)}"
    return f"decision({', '.join(map(_runs, fields))}, {texts})"


def _pairs(items: Sequence[tuple[str, str]]) -> str:
    return listed(f"({quoted(key)}, {quoted(value)})" for key, value in items)


def _runs(runs: Sequence[Run]) -> str:
    return listed(f"({quoted(run.text)}, {quoted(run.mark)}, {quoted(_origin(run))})" for run in runs)


def _origin(run: Run) -> str:
    """The number of the entry that supports a number, to stand small beside it."""
    words = run.where.replace(",", " ").split()
    numbers = [words[i + 1].rstrip(":") for i, word in enumerate(words[:-1]) if word == "entry"]
    return "/".join(numbers)
