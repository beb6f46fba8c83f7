"""The chapters of the design document, each from the evaluation alone; `build_document` puts them together."""

from __future__ import annotations

from navarch.core.uncertainty import propagate
from navarch.design.chapters import (
    carbon,
    cluster,
    cost,
    edge,
    faults,
    operations,
    orchestration,
    parallelism,
    safety,
    serving,
    storage,
    summary,
    workload,
)
from navarch.design.document.blocks import constraint_lines
from navarch.design.document.model import Document, Imprint
from navarch.design.document.prose import Label
from navarch.design.evaluation.result import Evaluation

CHAPTERS = (
    cluster.chapter,
    parallelism.chapter,
    faults.chapter,
    serving.chapter,
    carbon.chapter,
    cost.chapter,
    workload.chapter,
    storage.chapter,
    orchestration.chapter,
    edge.chapter,
    operations.chapter,
)

__all__ = ["build_document"]


def build_document(evaluation: Evaluation) -> Document:
    """The design document of an evaluation: the first page, the sections that the design has, and the ledger."""
    from navarch import __version__

    sections = [made for chapter in CHAPTERS if (made := chapter(evaluation)) is not None]
    sections += safety.chapters(evaluation)
    sections.append(summary.certainty(evaluation))
    spec = evaluation.spec
    file = spec.source_path.name if spec.source_path is not None else "design file"
    verdict = summary.verdict(evaluation, {s.key for s in sections})
    cards = summary.cards(evaluation)
    document = Document(
        title=Label(spec.name, "design file"),
        subtitle=summary.subtitle(evaluation),
        verdict=verdict,
        cards=cards,
        constraints=constraint_lines(evaluation.constraints),
        movers=summary.movers(evaluation),
        sections=tuple(sections),
        ledger=evaluation.ledger,
        intervals={},
        imprint=Imprint(file, evaluation.uncertainty.seed, __version__),
    )
    return document.with_intervals(_intervals(evaluation, document))


def _intervals(evaluation: Evaluation, document: Document) -> dict[int, tuple[float, float]]:
    """The interval of every entry of the appendix that varies, those that the chapters calculated included."""
    known = evaluation.uncertainty
    spread = propagate(evaluation.ledger, known.count, known.seed, known=known)
    entries = (e for e in evaluation.ledger.entries if e.number in document.appendix.codes)
    return {e.number: spread.interval(e) for e in entries if e.number in spread.samples}
