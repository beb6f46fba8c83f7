"""How chapters make content: short functions that take values, labels and digit-free text and give frozen blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from navarch.core.ledger import Entry, Value
from navarch.design.document.model import (
    Block,
    Bullets,
    Card,
    Column,
    ConstraintLine,
    DecisionBlock,
    Heading,
    Paragraph,
    Row,
    Section,
    Status,
    Table,
    Verdict,
)
from navarch.design.document.prose import Label, Number, Prose, ProseError, Sayable, number, prose, say, strong

if TYPE_CHECKING:
    from navarch.design.evaluation.result import Constraint, Decision, Evaluation

TIGHT = 0.05  # a margin under this share is shown as tight: a matter of display, nothing is calculated from it


def paragraph(template: str | Prose, **given: Sayable) -> Paragraph:
    """A paragraph from a template (see `say`) or from finished prose."""
    return Paragraph(template if isinstance(template, Prose) else say(template, **given))


def remark(template: str | Prose, **given: Sayable) -> Paragraph:
    """A paragraph in small type."""
    return Paragraph(template if isinstance(template, Prose) else say(template, **given), small=True)


def heading(text: Sayable) -> Heading:
    """A heading within a section."""
    return Heading(prose(text))


def bullets(*items: Sayable) -> Bullets:
    """An unordered list."""
    return Bullets(tuple(prose(i) for i in items))


def table(
    columns: Sequence[Sayable],
    rows: Iterable[Sequence[Sayable | None]],
    caption: Sayable | None = None,
    *,
    chosen: Iterable[int] = (),
    total: Iterable[int] = (),
) -> Table:
    """A table. A column is aligned right where its cells are numbers; None is an empty cell.

    chosen, total: indices of the rows that stand out as chosen, or close a sum (-1 is the last).
    """
    cells = [tuple(prose(c) for c in row) for row in rows]
    if wrong := [row for row in cells if len(row) != len(columns)]:
        raise ProseError(f"a row of {len(wrong[0])} cells in a table of {len(columns)} columns")
    marked: dict[int, Literal["chosen", "total"]] = {i % len(cells): "chosen" for i in chosen if cells}
    marked |= {i % len(cells): "total" for i in total if cells}
    made = tuple(Row(row, marked.get(i, "")) for i, row in enumerate(cells))
    return Table(tuple(_column(t, i, made) for i, t in enumerate(columns)), made, prose(caption))


def _column(title: Sayable, index: int, rows: tuple[Row, ...]) -> Column:
    filled = [row.cells[index].parts for row in rows if row.cells[index]]
    numeric = bool(filled) and all(len(p) == 1 and isinstance(p[0], Number) for p in filled)
    return Column(prose(title), "right" if numeric else "left")


def decision_block(
    decided: Decision,
    *,
    decision: Sayable,
    why: Sayable,
    sensitivity: Sayable | None = None,
    revisit: Sayable | None = None,
    numbers: Table | None = None,
    alternatives: Table | None = None,
    most: int = 6,
) -> DecisionBlock:
    """The block of a decision of the evaluation; its alternatives become the table, at most `most` of them."""
    by = decided.by
    considered = Prose()
    if by != "user" and isinstance(decided.considered, Value):
        considered = say("best of {count}", count=decided.considered)
        if isinstance(decided.feasible, Value):
            considered += say(", of which {count} meet every limit", count=decided.feasible)
    shown = alternatives or alternatives_table(decided, most)
    return DecisionBlock(
        prose(decision), by, prose(why), considered, numbers, shown, prose(sensitivity), prose(revisit)
    )  # fmt: skip


def alternatives_table(decided: Decision, most: int = 6) -> Table | None:
    """The alternatives of a decision with their figures and why each lost, the chosen one first; None without any."""
    ordered = sorted(decided.alternatives, key=lambda a: not a.chosen)[:most]
    if not ordered:
        return None
    titles = list(dict.fromkeys(t for a in ordered for t in a.metrics))
    rows: list[list[Sayable | None]] = []
    for a in ordered:
        lost = strong("chosen") if a.chosen else prose(a.why_lost)
        if a.lost_by is not None and not a.chosen:
            lost += say(" {by}", by=a.lost_by)
        if not a.chosen and a.lost_by is not None:
            lost = say(f"{a.why_lost} {{by}}", by=a.lost_by)
        rows.append([Label(a.label, "catalog"), *(a.metrics.get(t) for t in titles), lost])
    chosen = [i for i, a in enumerate(ordered) if a.chosen]
    return table(["Alternative", *(Label(t, "catalog") for t in titles), "Why it lost"], rows, chosen=chosen)


def section(key: str, title: Sayable, *blocks: Block | None, summary: Sayable | None = None) -> Section:
    """A section; blocks that are None are left out, so that a chapter can put `x if y else None`."""
    return Section(key, prose(title), tuple(b for b in blocks if b is not None), prose(summary))


def card(title: Sayable, value: Value | Entry | Number, detail: Sayable | None = None, digits: int = 3) -> Card:
    """A headline number with a line of detail under it."""
    return Card(prose(title), value if isinstance(value, Number) else number(value, digits), prose(detail))


def verdict(status: Status, template: str | Prose, **given: Sayable) -> Verdict:
    """The verdict from a template (see `say`)."""
    return Verdict(status, template if isinstance(template, Prose) else say(template, **given))


def constraint_lines(constraints: Iterable[Constraint]) -> tuple[ConstraintLine, ...]:
    """The constraints of an evaluation; the one with the least margin is the binding one."""
    given = list(constraints)
    least = min(given, key=lambda c: float(c.margin), default=None)
    return tuple(
        ConstraintLine(
            prose(Label(c.title, "catalog")), number(c.asked), number(c.designed), number(c.margin, 2, signed=True),
            None if c.probability is None else number(c.probability, 2),
            _status(float(c.margin)), c is least,
        )
        for c in given
    )  # fmt: skip


def intervals_of(found: Evaluation) -> dict[int, tuple[float, float]]:
    """The 80 % interval of every entry that the evaluation's samples let vary, by ledger number."""
    spread = found.uncertainty
    return {e.number: spread.interval(e) for e in found.ledger.entries if e.number in spread.samples}


def _status(margin: float) -> Status:
    if margin < 0:
        return "missed"
    return "tight" if margin < TIGHT else "met"
