"""A log as one Markdown file in GitHub's flavour. User text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from navarch.course.record.claims import ABSENT, PREDICTED
from navarch.course.record.page import PROVES, DecisionPart, EvidenceRow, LabPage, Page, Run
from navarch.design.render.markdown import escape


def render_markdown(page: Page) -> str:
    """The page as the text of one Markdown file."""
    return "\n\n".join(_parts(page)) + "\n"


def _parts(page: Page) -> Iterator[str]:
    yield f"# Decision log of {escape(page.student)}"
    yield f"Course {escape(page.course)}."
    yield f"> {'🔴' if page.flaws else '🟢'} {escape(page.verdict)}"
    if page.note:
        yield f"> 🟠 {escape(page.note)}"
    for lab in page.labs:
        yield from _lab(lab)
    if page.receipts:
        yield "## Receipts"
        rows = ([str(r.number), escape(r.what), r.time, f"`{r.receipt}`"] for r in page.receipts)
        yield _table(("Entry", "Commitment", "Time", "Receipt"), rows, "rlll")
    yield f"*{PROVES}*"


def _lab(lab: LabPage) -> Iterator[str]:
    yield f"## Lab {escape(lab.lab)}" + (f": {escape(lab.name)}" if lab.name else "")
    if lab.decisions:
        yield from _decision(lab.decisions[0])
    if lab.predictions:
        yield "### Predictions beside results"
        rows = (
            [escape(p.part), escape(p.question), escape(p.predicted), p.sure, f"**{escape(p.result)}**", escape(p.off),
             f"{p.committed} / {p.revealed or '–'}"]
            for p in lab.predictions
        )  # fmt: skip
        heads = ("Part", "Asked", "Predicted", "How sure", "Result", "Off", "Committed / shown")
        yield _table(heads, rows, "llrrrll")
    if lab.evidence:
        yield "### Evidence"
        yield _table(("Entry", "Part", "What", "Result", "From"), map(_evidence, lab.evidence), "rllll")
    if lab.submissions:
        yield "### Handed in"
        rows = (
            [str(s.number), escape(s.part), "<br>".join(f"{escape(k)}: {escape(v)}" for k, v in s.items)]
            for s in lab.submissions
        )
        yield _table(("Entry", "Part", "What"), rows, "rll")
    if len(lab.decisions) > 1:
        yield "### Earlier decisions"
        yield "\n".join(
            f"- Entry {d.number}, {d.time}: {_text(d.recommendation)} (sure: {d.confidence})" for d in lab.decisions[1:]
        )


def _decision(decision: DecisionPart) -> Iterator[str]:
    evidence = ", ".join(map(str, decision.evidence)) or "none"
    yield f"**Decision.** {_text(decision.recommendation)}"
    yield f"**Why.** {_text(decision.reasoning)} *What decides: {escape(decision.term)}.*"
    yield f"**Rejected.** {_text(decision.rejected)}: {_text(decision.rejected_by)}"
    yield f"**Revisit when** {_text(decision.trigger)}"
    yield (
        f"Entry {decision.number}, {decision.time}; evidence: entries {evidence}; how sure: {decision.confidence}; "
        f"{decision.supported} of {decision.numbers} numbers supported."
    )


def _evidence(row: EvidenceRow) -> list[str]:
    what = f"**{escape(row.what)}**" + (f": {escape(row.inputs)}" if row.inputs else "")
    results = "<br>".join(
        f"{escape(title)}: **{escape(value)}**" + (f" (80 %: {escape(span)})" if span else "")
        for title, value, span in row.readings
    )
    origin = escape(row.origin) + (f"<br>*{escape(row.note)}*" if row.note else "")
    return [str(row.number), escape(row.part), what, results, origin]


def _text(runs: Sequence[Run]) -> str:
    return "".join(map(_run, runs)).replace("\n", " ")


def _run(run: Run) -> str:
    if not run.mark:
        return escape(run.text)
    sign = {ABSENT: "❓", PREDICTED: "💭"}.get(run.mark, "✅")
    told = run.mark if run.mark == ABSENT else escape(run.where)
    return f"**{escape(run.text)}** ({sign} {told})"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    rule = ["---:" if letter == "r" else "---" for letter in align]
    lines = [heads, rule, *rows]
    return "\n".join("| " + " | ".join(cell.replace("\n", " ") for cell in line) + " |" for line in lines)
