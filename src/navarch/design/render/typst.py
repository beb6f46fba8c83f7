"""The design document as PDF, through typst.

The source is code, not markup: every piece of text is a typst string literal and every formula comes from
`navarch.core.formula`, so that no text, whoever wrote it, can be read as markup. How things look is in
`templates/document.typ`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache, partial
from importlib.resources import files

from navarch.core.folding import Fold
from navarch.core.formula import formula, symbol, validity
from navarch.core.ledger import Entry, Input
from navarch.core.plot import PALETTE
from navarch.design.document.appendix import PARTS, Appendix, make_appendix
from navarch.design.document.model import (
    Block,
    Bullets,
    Card,
    ConstraintLine,
    DecisionBlock,
    Document,
    Figure,
    Heading,
    Paragraph,
    Section,
    Table,
)
from navarch.design.document.prose import Inline, Label, Number, Prose, ProseError, Reference, Text
from navarch.design.document.wording import (
    DECIDED_BY,
    Spelt,
    clean,
    parted,
    safe_url,
    set_formula,
    spell,
    spell_alike,
    spell_interval,
    words,
)

DATED = datetime.datetime(
    2026, 1, 1, tzinfo=datetime.UTC
)  # in the file's metadata, so that equal designs give equal files
_WIDE = 60  # characters of source beyond which a piece of a formula may be wider than a column of the appendix
_SIGN = re.compile(r'"(?:[^"\\]|\\.)*"|[()]| (?:[+-]|dot\.op) ')
_COLOUR_NAMES = {"link": "link_", "grid": "grid_"}  # names that typst needs itself
_COVERED = ((0x0000, 0x058F), (0x0590, 0x05FF), (0x1E00, 0x22FF), (0x2300, 0x23FF), (0x2500, 0x27BF))


def render_pdf(document: Document) -> bytes:
    """The document as the bytes of a PDF file."""
    return compile_typst(render_typst(document))


def compile_typst(source: str) -> bytes:
    """Compile a source. The machine's own fonts are looked at only for letters that the built-in ones lack."""
    import typst

    stamp = int(DATED.timestamp())
    own_fonts = all(_covered(c) for c in set(source))
    return typst.compile(source.encode(), ignore_system_fonts=own_fonts, timestamp=stamp)


def _covered(letter: str) -> bool:
    """Whether the built-in fonts are known to have a letter (Latin, Greek, Cyrillic, Hebrew and signs)."""
    return any(low <= ord(letter) <= high for low, high in _COVERED)


@cache
def _look() -> str:
    """How the document looks: colours, then the package's typst functions."""
    colours = "".join(
        f'#let {_COLOUR_NAMES.get(name, name)} = rgb("{light}")\n' for name, (light, _) in PALETTE.items()
    )
    return colours + files("navarch.design.render").joinpath("templates/document.typ").read_text(encoding="utf-8")


def render_typst(document: Document) -> str:
    """The document as typst source."""
    sheet = Sheet(document)
    body = [sheet.front(), *(sheet.section(s) for s in document.sections), *sheet.back()]
    return _look() + sheet.frame() + "\n#{\n" + "\n".join(body) + "\n}\n"


def quoted(text: str) -> str:
    """Text as a typst string literal."""
    escaped = clean(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def listed(items: Iterable[str]) -> str:
    """A typst array; one item alone keeps its comma."""
    return "(" + "".join(f"{item}, " for item in items) + ")"


def spelt_out(spelt: Spelt) -> str:
    """A number as typst content: digits, power, unit."""
    power = "none" if spelt.exponent is None else quoted(str(spelt.exponent).replace("-", "−"))
    return f"q({quoted(spelt.digits)}, {power}, {quoted(spelt.unit)})"


def unbroken(maths: str) -> str:
    """The longest piece of a formula without a sign of arithmetic outside parentheses, where a line could end."""
    pieces, depth, start = [], 0, 0
    for found in _SIGN.finditer(maths):
        match found.group()[:1]:
            case "(":
                depth += 1
            case ")":
                depth -= 1
            case " " if depth == 0:
                pieces.append(maths[start : found.start()])
                start = found.end()
    return max((*pieces, maths[start:]), key=len).strip()


class Sheet:
    """Spells the document as calls of the functions in `document.typ`."""

    def __init__(self, document: Document):
        self.document = document
        self.appendix: Appendix = make_appendix(document)
        self.numbers = {section.key: index + 1 for index, section in enumerate(document.sections)}

    def frame(self) -> str:
        """Page, running head and foot, metadata."""
        imprint = self.document.imprint
        foot = f"{clean(imprint.file)} · seed {imprint.seed} · navarch {imprint.version}"
        return f"\n#show: sheet.with({quoted(self.document.title.text)}, {quoted(foot)})\n"

    def front(self) -> str:
        """The summary page."""
        document, place = self.document, ("s-summary", "Summary")
        ink = partial(self.ink, place=place)
        parts = [
            f"title({ink(Prose((document.title,)))}, {ink(document.subtitle)})",
            f"verdict({quoted(document.verdict.status)}, {ink(document.verdict.prose)})",
            f"cards({listed(self.card(c, place) for c in document.cards)})",
            f"constraints({listed(self.constraint(c, place) for c in document.constraints)})",
            *(self.block(p, place) for p in document.remarks),
            "legend()",
            f"overview({self.gists(place)}, {self.movers(place)})",
        ]
        return "\n".join(parts)

    def gists(self, place: tuple[str, str]) -> str:
        """What was decided, a line for each section that decides something."""
        lines = [self.gist(s, place) for s in self.document.sections if s.decides]
        return f"decisions({listed(lines)})" if lines else "none"

    def movers(self, place: tuple[str, str]) -> str:
        """The figure of what moves the cost, for half a page's width; its caption's first clause is the heading."""
        figure = self.document.movers
        if figure is None:
            return "none"
        heading, caption = parted(figure.caption)
        drawing = self.figure(replace(figure, caption=caption, draw=figure.draw_narrow or figure.draw), place)
        return f"mover({self.ink(heading, place)}, {drawing})"

    def card(self, card: Card, place: tuple[str, str]) -> str:
        """A headline number with its interval."""
        entry = card.value.entry
        spelt = spelt_out(spell(entry.value, entry.unit, card.value.digits, card.value.signed)).removeprefix("q(")
        much = f"big({self._link(entry)}, {quoted(self.appendix.use(entry, *place))}, {spelt}"
        span = self.span(entry, card.value.digits)
        return listed((self.ink(card.title, place), much, span, self.ink(card.detail, place)))

    def constraint(self, line: ConstraintLine, place: tuple[str, str]) -> str:
        """One line of the table of constraints."""
        numbers = (line.asked, line.designed, line.margin, line.chance)
        title = self.ink(line.title, place)
        cells = ("none" if n is None else self.number(n, place) for n in numbers)
        note = "missed" if line.status == "missed" else "binding" if line.binding else ""
        return listed((quoted(line.status), title, *cells, quoted(note), self.ink(line.remark, place)))

    def gist(self, section: Section, place: tuple[str, str]) -> str:
        """A section's decision in one line."""
        number = quoted(str(self.numbers[section.key]))
        return listed((number, quoted(f"s-{section.key}"), self.ink(section.summary, place)))

    def section(self, section: Section) -> str:
        """One section."""
        number = self.numbers[section.key]
        place = (f"s-{section.key}", f"{number} {words(section.title)}")
        head = f"section({quoted(str(number))}, {quoted(words(section.title))}, {quoted(place[0])})"
        return "\n".join([head, *(self.block(b, place) for b in section.blocks)])

    def block(self, block: Block, place: tuple[str, str]) -> str:
        """Any block."""
        match block:
            case Paragraph():
                return f"para({self.ink(block.prose, place)}, small: {str(block.small).lower()})"
            case Heading():
                return f"subhead({self.ink(block.prose, place)})"
            case Bullets():
                return f"bullets({listed(self.ink(i, place) for i in block.items)})"
            case Table():
                return self.table(block, place)
            case Figure():
                return self.figure(block, place)
            case DecisionBlock():
                return self.decision(block, place)

    def decision(self, block: DecisionBlock, place: tuple[str, str]) -> str:
        """A decision with its reasons, alternatives and triggers."""
        by = f"{quoted(DECIDED_BY[block.by])}, {self.ink(block.considered, place)}"
        parts = [f"decided({self.ink(block.decision, place)}, {by})"]
        parts.append(f"why({self.ink(block.why, place)})")
        parts += [self.table(t, place) for t in (block.numbers, block.alternatives) if t is not None]
        parts.append(f"firm({self.ink(block.sensitivity, place)}, {self.ink(block.revisit, place)})")
        return "\n".join(parts)

    def table(self, table: Table, place: tuple[str, str]) -> str:
        """A table."""
        caption = self.ink(table.caption, place)
        heads = listed(f"({quoted(c.align)}, {self.ink(c.title, place)})" for c in table.columns)
        rows = listed(f"({quoted(r.mark)}, {listed(self.ink(c, place) for c in r.cells)})" for r in table.rows)
        return f"grid-table({caption}, {heads}, {rows})"

    def figure(self, figure: Figure, place: tuple[str, str]) -> str:
        """A figure: its drawing, caption, and the codes of the numbers that it prints."""
        entries = {n.entry.number: n.entry for n in figure.cited}.values()
        codes = listed(f"({self._link(e)}, {quoted(self.appendix.use(e, *place))})" for e in entries)
        return f"picture({quoted(figure.svg)}, {quoted(words(figure.alt))}, {self.ink(figure.caption, place)}, {codes})"

    def ink(self, prose: Prose, place: tuple[str, str]) -> str:
        """Prose as typst content; `none` where there is none."""
        if not prose:
            return "none"
        return "{" + "; ".join(self._inline(p, place) for p in prose.parts) + "}"

    def _inline(self, part: Inline, place: tuple[str, str]) -> str:
        match part:
            case Text(text=text) | Label(text=text):
                shown = quoted(text)
            case Number():
                shown = self.number(part, place)
            case Reference(key=key):
                if key not in self.numbers:
                    raise ProseError(f"the document has no section {key!r}; it has {', '.join(self.numbers)}")
                shown = f"refer({quoted('s-' + key)}, {quoted(str(self.numbers[key]))})"
        return f"strong({shown})" if part.strong else shown

    def number(self, number: Number, place: tuple[str, str]) -> str:
        """A number, linked to its entry of the appendix, with an anchor of its own for the way back."""
        entry = number.entry
        shown = spelt_out(spell(entry.value, entry.unit, number.digits, number.signed))
        text = f"n({self._link(entry)}, {quoted(self.appendix.use(entry, *place))}, {shown})"
        if number.interval and self.appendix.interval(entry):
            text = f"{{{text}; within({self.span(entry, number.digits)})}}"
        return text

    def _link(self, entry: Entry) -> str:
        return quoted(self.appendix.code(entry))

    def span(self, entry: Entry, digits: int = 3) -> str:
        """The ends of an 80 % interval, or `none`."""
        bounds = self.appendix.interval(entry)
        if bounds is None:
            return "none"
        low, high = spell_interval(*bounds, entry.unit, digits)
        return f"({spelt_out(low)}, {spelt_out(high)})"

    def back(self) -> list[str]:
        """The appendix."""
        made = []
        for letter, entries in self.appendix.parts.items():
            if entries:
                spell_entry = self.derivation if letter == "A" else self.leaf
                head = f"{quoted(letter)}, {quoted(PARTS[letter])}, {quoted(f'appendix-{letter.lower()}')}"
                folds = [self.fold(f) for f in self.appendix.folds] if letter == "A" else []
                body = "\n".join([*(spell_entry(e) for e in entries), *folds])
                made.append(f"part({head}, {{\n{body}\n}})")
        return ["appendix({\n" + "\n".join(made) + "\n})"] if made else []

    def fold(self, fold: Fold) -> str:
        """Calculations that are like one that is written out, by their inputs."""
        signs = listed(f"${symbol(c.symbol, 'typst')}$" for c in fold.columns)
        rows = listed(
            listed(
                (
                    self._link(row.entry),
                    quoted(self.appendix.named(row)),
                    listed(
                        f"({self._link(e)}, {spelt_out(spell_alike(e, fold.unit(i)))})"
                        for i, e in enumerate(row.inputs)
                    ),
                    spelt_out(spell(row.entry.value, row.entry.unit)),
                    listed(self._link(p) for p in self.appendix.users(row)),
                )
            )
            for row in fold.rows
        )
        command = f"navarch explain {clean(self.document.imprint.file)} {self.appendix.code(fold.rows[0].entry)}"
        sign = f"${symbol(fold.shown.symbol, 'typst')}$"
        return f"alike({self._link(fold.shown)}, {quoted(command)}, {signs}, {sign}, {rows})"

    def derivation(self, entry: Entry) -> str:
        """An entry that was calculated or observed. A plain sum, product or ratio is told by its numbers alone."""
        head = f"{self._link(entry)}, {quoted(entry.title)}, {quoted(entry.source)}, {quoted(safe_url(entry.url))}"
        result = spelt_out(spell(entry.value, entry.unit))
        if entry.equation is None:
            return f"observed({head}, {result}, {self.span(entry)}, {quoted(entry.note)}, {self.used(entry)})"
        signs = "" if self.appendix.plain(entry) else self.appendix.left_side(entry, "typst")
        numbers = set_formula(formula(entry, "typst", numbers=True))
        shown = f"$display({signs})$" if signs else "none"
        pieces = unbroken(signs), unbroken(numbers)
        widest = listed(f"$display({p})$" if len(p) > _WIDE else "none" for p in pieces)
        valid = set_formula(validity(entry, "typst"))
        limits = f"${valid}$" if valid else "none"
        inputs = listed(self._input(entry, sign, given) for sign, given in self.appendix.inputs(entry))
        fold = self.appendix.fold(entry)
        like = "none" if fold is None else listed(map(quoted, self.appendix.range_of(fold)))
        more = f"{self.span(entry)}, {inputs}, {limits}, {str(entry.exceeded).lower()}, {self.used(entry)}, {like}"
        return f"derivation({head}, {shown}, $display({numbers})$, {widest}, {result}, {more})"

    def _input(self, entry: Entry, sign: str, given: Input) -> str:
        shown = f"${symbol(sign, 'typst')}$" if sign else "none"
        value = spelt_out(spell(given.entry.value, given.entry.unit))
        return f"({shown}, {quoted(self.appendix.meaning(entry, given))}, {value}, {self._link(given.entry)})"

    def leaf(self, entry: Entry) -> str:
        """A fact, a field or a choice."""
        value = spelt_out(spell(entry.value, entry.unit))
        fact = entry.fact
        source, url, kind = (entry.source, safe_url(entry.url), fact.kind) if fact else (entry.path, "", "")
        dated = f"{source}, {fact.date}" if fact and fact.date else source
        texts = ", ".join(quoted(t) for t in (dated, url, kind, entry.note))
        what = f"{self._link(entry)}, {quoted(entry.title)}, {value}, {self.span(entry)}"
        return f"leaf({what}, {texts}, {self.used(entry)})"

    def used(self, entry: Entry) -> str:
        """Where an entry is used: places of the text, and other entries."""
        places = listed(
            f"({quoted(name)}, {listed(quoted(a) for a in anchors)})" for _, name, anchors in self.appendix.used(entry)
        )
        parents = listed(self._link(p) for p in self.appendix.parents.get(entry.number, ()))
        return f"({places}, {parents})"
