"""The design document: content model, prose without stray numbers, appendix, and writing to disk.

from navarch.design.document import Document, Label, say, section, paragraph, table, decision_block, card
"""

from __future__ import annotations

from navarch.design.document.blocks import (
    alternatives_table,
    bullets,
    card,
    constraint_lines,
    decision_block,
    heading,
    intervals_of,
    paragraph,
    remark,
    section,
    table,
    verdict,
)
from navarch.design.document.model import (
    Block,
    Bullets,
    Card,
    Column,
    ConstraintLine,
    DecisionBlock,
    Document,
    Figure,
    Heading,
    Imprint,
    Paragraph,
    Row,
    Section,
    Sketch,
    Table,
    Verdict,
    figures_in,
    numbers_in,
)
from navarch.design.document.prose import (
    Label,
    Number,
    Prose,
    ProseError,
    Reference,
    Sayable,
    join,
    number,
    prose,
    say,
    strong,
)
from navarch.design.document.write import write_documents

__all__ = [
    "Block", "Bullets", "Card", "Column", "ConstraintLine", "DecisionBlock", "Document", "Figure", "Heading",
    "Imprint", "Label", "Number", "Paragraph", "Prose", "ProseError", "Reference", "Row", "Sayable", "Section",
    "Sketch", "Table", "Verdict", "alternatives_table", "bullets", "card", "constraint_lines", "decision_block",
    "figures_in", "heading", "intervals_of", "join", "number", "numbers_in", "paragraph", "prose", "remark", "say",
    "section", "strong", "table", "verdict", "write_documents",
]  # fmt: skip
