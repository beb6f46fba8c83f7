"""The content of a design document, apart from how it looks; HTML, PDF and Markdown are rendered from this one source.

Every piece of text is `Prose` (`navarch.design.document.prose`), so every number is in the ledger. The classes are
frozen; chapters make them with the functions of `navarch.design.document.blocks`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from navarch.core.ledger import Entry, Ledger
from navarch.design.document.prose import Label, Number, Prose

if TYPE_CHECKING:
    from navarch.design.document.appendix import Layout

Align = Literal["left", "right"]
Status = Literal["met", "tight", "missed"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph; `small` for remarks."""

    prose: Prose
    small: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    prose: Prose


@dataclass(frozen=True, slots=True)
class Bullets:
    """An unordered list."""

    items: tuple[Prose, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: Prose
    align: Align = "left"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; `chosen` rows stand out, `total` rows close a sum."""

    cells: tuple[Prose, ...]
    mark: Literal["", "chosen", "total"] = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    caption: Prose = field(default_factory=Prose)


@dataclass(frozen=True, slots=True)
class Sketch:
    """A line of a figure told in text, for where no picture can be: a bar of `share` (0 to 1) or a drawn line."""

    label: Prose
    value: Prose = field(default_factory=Prose)
    share: float | None = None
    drawn: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure: its drawing in the light palette, its caption, what it shows in words, and the same in text.

    draw: gives the drawing as SVG, when it is first rendered; draw_narrow: the same for half a column, where there is
    such a form; cited: the numbers that the drawing prints.
    """

    key: str
    draw: Callable[[], str] = field(repr=False)
    caption: Prose
    alt: Prose
    sketch: tuple[Sketch, ...] = ()
    cited: tuple[Number, ...] = ()
    draw_narrow: Callable[[], str] | None = field(default=None, repr=False)

    @cached_property
    def svg(self) -> str:
        """The drawing."""
        return self.draw()


@dataclass(frozen=True, slots=True)
class DecisionBlock:
    """A decision: what, why, by which numbers, what it beat and by how much, how firm, and when to think again."""

    decision: Prose
    by: Literal["navarch", "partly", "user"]
    why: Prose
    considered: Prose = field(default_factory=Prose)
    numbers: Table | None = None
    alternatives: Table | None = None
    sensitivity: Prose = field(default_factory=Prose)
    revisit: Prose = field(default_factory=Prose)


Block = Paragraph | Heading | Bullets | Table | Figure | DecisionBlock


@dataclass(frozen=True, slots=True)
class Section:
    """A section; its number is its place in the document. `summary`: its decision in one line, for the first page."""

    key: str
    title: Prose
    blocks: tuple[Block, ...]
    summary: Prose = field(default_factory=Prose)

    @property
    def decides(self) -> bool:
        """Whether the section has a decision, and so a line among those of the first page."""
        return bool(self.summary) and any(isinstance(b, DecisionBlock) for b in self.blocks)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the design does what was asked, in two or three sentences."""

    status: Status
    prose: Prose


@dataclass(frozen=True, slots=True)
class Card:
    """A headline number."""

    title: Prose
    value: Number
    detail: Prose = field(default_factory=Prose)


@dataclass(frozen=True, slots=True)
class ConstraintLine:
    """One constraint: asked, designed, margin, the chance that it is met, and whether it is met as designed."""

    title: Prose
    asked: Number
    designed: Number
    margin: Number
    chance: Number | None
    status: Status
    binding: bool = False
    remark: Prose = field(default_factory=Prose)


@dataclass(frozen=True, slots=True)
class Imprint:
    """What the footer says: where the document came from."""

    file: str
    seed: int
    version: str


@dataclass(frozen=True)
class Document:
    """A design document. `intervals` holds the 80 % interval of each uncertain entry by its ledger number."""

    title: Label
    subtitle: Prose
    verdict: Verdict
    cards: tuple[Card, ...]
    constraints: tuple[ConstraintLine, ...]
    movers: Figure | None
    sections: tuple[Section, ...]
    ledger: Ledger = field(repr=False)
    intervals: Mapping[int, tuple[float, float]] = field(repr=False)
    imprint: Imprint
    remarks: tuple[Paragraph, ...] = ()

    @cached_property
    def appendix(self) -> Layout:
        """The appendix, which is the same in every rendering."""
        from navarch.design.document.appendix import laid_out

        return laid_out(self)

    def with_intervals(self, intervals: Mapping[int, tuple[float, float]]) -> Document:
        """The same with the intervals of its entries."""
        made = dataclasses.replace(self, intervals=intervals)
        made.__dict__["appendix"] = self.appendix  # which does not hang on them
        return made


def numbers_in(content: object) -> Iterator[Number]:
    """Every number in a piece of content, in reading order."""
    if isinstance(content, Number):
        yield content
    elif isinstance(content, tuple):
        for item in content:
            yield from numbers_in(item)
    elif dataclasses.is_dataclass(content) and not isinstance(content, (Entry, Ledger, type)):
        for each in dataclasses.fields(content):
            yield from numbers_in(getattr(content, each.name))


def figures_in(document: Document) -> Iterator[Figure]:
    """The figures of a document, in reading order."""
    if document.movers is not None:
        yield document.movers
    for section in document.sections:
        yield from (block for block in section.blocks if isinstance(block, Figure))
