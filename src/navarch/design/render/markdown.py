"""The design document as one Markdown file in GitHub's flavour: links both ways, formulas as `$...$`, figures as bars.

User text is escaped so that neither Markdown nor HTML in it is read as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from navarch.core.folding import Fold
from navarch.core.formula import formula, symbol, validity
from navarch.core.ledger import Entry
from navarch.design.document.appendix import PARTS, Appendix, make_appendix
from navarch.design.document.model import (
    Block,
    Bullets,
    DecisionBlock,
    Document,
    Figure,
    Heading,
    Paragraph,
    Section,
    Sketch,
    Table,
)
from navarch.design.document.prose import Inline, Label, Number, Prose, ProseError, Reference, Text
from navarch.design.document.wording import (
    DECIDED_BY,
    Spelt,
    clean,
    safe_url,
    spell,
    spell_alike,
    spell_interval,
    turns,
    words,
)

Place = tuple[str, str]
SUMMARY: Place = ("summary", "Summary")
LEGEND = (
    "Numbers link to their derivation in the appendix, and each derivation links back. "
    "Intervals hold 80 % of the outcomes that the uncertainty of facts and fields allows."
)
BAR = 24  # blocks of the longest bar
_EIGHTHS = " ▏▎▍▌▋▊▉"
_SIGNS = {"met": "🟢", "tight": "🟠", "missed": "🔴"}
_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "$": "&#36;",
    "@": "&#64;",
    "`": "&#96;",
    "|": "&#124;",
    "#": "&#35;",
}
_SPECIAL = re.compile(r"([\\*_{}\[\]~!^])")
_ENTITY = re.compile("[" + re.escape("".join(_ENTITIES)) + "]")
_AT_START = re.compile(r"^(\s*)([-+=]|\d+[.)])")
_ADDRESS = re.compile(r"(://|www\.)", re.IGNORECASE)


def render_markdown(document: Document) -> str:
    """The document as the text of one Markdown file."""
    return Script(document).whole()


def escape(text: str) -> str:
    """Text that Markdown shows as written: nothing in it is markup, a link or HTML."""
    shown = _SPECIAL.sub(r"\\\1", _ENTITY.sub(lambda m: _ENTITIES[m.group()], clean(text)))
    shown = _ADDRESS.sub(lambda m: m.group().replace(":", "&#58;").replace(".", "&#46;"), shown)
    shown = _AT_START.sub(lambda m: f"{m[1]}{m[2][:-1]}\\{m[2][-1]}", shown)
    return f"\u2068{shown}\u2069" if turns(shown) else shown


def spelt_out(spelt: Spelt) -> str:
    """A number with its unit."""
    power = "" if spelt.exponent is None else f" × 10<sup>{str(spelt.exponent).replace('-', '−')}</sup>"
    return f"{spelt.digits}{power}" + (f" {escape(spelt.unit)}" if spelt.unit else "")


def _subscripts(latex: str) -> str:
    """A formula with the units among its numbers set as in the text."""
    return latex.replace("CO2e", "CO_2e")


def bar(share: float) -> str:
    """A bar of blocks, an eighth of a block fine."""
    eighths = round(max(0.0, min(1.0, share)) * BAR * 8)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "") or "▏"


class Script:
    """Writes the document down from top to bottom, noting where each number stands."""

    def __init__(self, document: Document):
        self.document = document
        self.appendix: Appendix = make_appendix(document)
        self.numbers = {section.key: index + 1 for index, section in enumerate(document.sections)}

    def whole(self) -> str:
        """The whole file."""
        parts = [*self.summary()]
        for section in self.document.sections:
            parts += self.section(section)
        parts += self.back()
        imprint = self.document.imprint
        parts.append(
            f"---\n\n<sub>{escape(imprint.file)} · seed {imprint.seed} · navarch {escape(imprint.version)}</sub>"
        )
        return "\n\n".join(p for p in parts if p) + "\n"

    def summary(self) -> Iterable[str]:
        """The first page."""
        document = self.document
        yield '<a id="summary"></a>\n\n# ' + self.ink(Prose((document.title,)), SUMMARY)
        yield self.ink(document.subtitle, SUMMARY)
        yield f"> {_SIGNS[document.verdict.status]} {self.ink(document.verdict.prose, SUMMARY)}"
        yield self.cards()
        yield self.constraints()
        for remark in document.remarks:
            yield self.ink(remark.prose, SUMMARY)
        yield f"<sub>{LEGEND}</sub>"
        yield "## Decisions"
        yield "\n".join(self.gist(s) for s in document.sections if s.decides)
        if document.movers is not None:
            yield self.figure(document.movers, SUMMARY)

    def cards(self) -> str:
        """The headline numbers as a table."""
        rows = []
        for card in self.document.cards:
            bounds = self.span(card.value.entry, card.value.digits)
            rows.append(
                [
                    self.ink(card.title, SUMMARY),
                    f"**{self.number(card.value, SUMMARY)}**",
                    bounds,
                    self.ink(card.detail, SUMMARY),
                ]
            )
        return self.rows(["", "", "80 % interval", ""], ["l", "r", "r", "l"], rows)

    def constraints(self) -> str:
        """The table of constraints."""
        rows = []
        for line in self.document.constraints:
            note = "**missed**" if line.status == "missed" else "binding" if line.binding else ""
            given = (line.asked, line.designed, line.margin, line.chance)
            numbers = ["" if n is None else self.number(n, SUMMARY) for n in given]
            rows.append(
                [
                    _SIGNS[line.status],
                    self.ink(line.title, SUMMARY),
                    *numbers,
                    f"{note} {self.ink(line.remark, SUMMARY)}".strip(),
                ]
            )
        return (
            self.rows(
                ["", "Constraint", "Asked", "Designed", "Margin", "Chance", ""],
                ["l", "l", "r", "r", "r", "r", "l"],
                rows,
            )
            if rows
            else ""
        )

    def gist(self, section: Section) -> str:
        """A section's decision in one line."""
        title = f"**[{escape(words(section.title))}](#s-{section.key})**"
        said = f": {self.ink(section.summary, SUMMARY)}" if section.summary else ""
        return f"{self.numbers[section.key]}. {title}{said}"

    def section(self, section: Section) -> Iterable[str]:
        """One section."""
        number = self.numbers[section.key]
        place = (f"s-{section.key}", f"{number} {words(section.title)}")
        yield f'<a id="{place[0]}"></a>\n\n## {number} {self.ink(section.title, place)}'
        for block in section.blocks:
            yield self.block(block, place)

    def block(self, block: Block, place: Place) -> str:
        """Any block."""
        match block:
            case Paragraph(prose=prose, small=small):
                return f"<sub>{self.ink(prose, place)}</sub>" if small else self.ink(prose, place)
            case Heading(prose=prose):
                return f"### {self.ink(prose, place)}"
            case Bullets(items=items):
                return "\n".join(f"- {self.ink(i, place)}" for i in items)
            case Table():
                return self.table(block, place)
            case Figure():
                return self.figure(block, place)
            case DecisionBlock():
                return self.decision(block, place)

    def decision(self, block: DecisionBlock, place: Place) -> str:
        """A decision with its reasons, alternatives and triggers."""
        considered = f": {self.ink(block.considered, place)}" if block.considered else ""
        by = f"{DECIDED_BY[block.by]}{considered}"
        parts = [
            f"**Decision.** {self.ink(block.decision, place)} <sub>{by}</sub>",
            f"**Why.** {self.ink(block.why, place)}",
        ]
        parts += [self.table(t, place) for t in (block.numbers, block.alternatives) if t is not None]
        if block.sensitivity:
            parts.append(f"**Sensitivity.** {self.ink(block.sensitivity, place)}")
        if block.revisit:
            parts.append(f"**Revisit when** {self.ink(block.revisit, place)}")
        return "\n\n".join(parts)

    def table(self, table: Table, place: Place) -> str:
        """A table; chosen rows and totals are strong."""
        caption = f"**{self.ink(table.caption, place)}**\n\n" if table.caption else ""
        heads = [self.ink(c.title, place) for c in table.columns]
        rows = [[self._cell(c, bool(r.mark), place) for c in r.cells] for r in table.rows]
        return caption + self.rows(heads, [c.align[0] for c in table.columns], rows)

    def _cell(self, cell: Prose, strong: bool, place: Place) -> str:
        shown = self.ink(cell, place)
        return f"**{shown}**" if strong and shown and "**" not in shown else shown

    def rows(self, heads: list[str], align: list[str], rows: list[list[str]]) -> str:
        """A table of finished cells."""
        rule = ["---:" if a == "r" else "---" for a in align]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))

    def figure(self, figure: Figure, place: Place) -> str:
        """A figure told in text: bars of blocks, or a drawn line."""
        entries = {n.entry.number: n for n in figure.cited if not self._sketched(figure, n)}.values()
        more = " ".join(self.number(n, place) for n in entries)
        rows = [[self.ink(s.label, place), self._drawn(s), self.ink(s.value, place)] for s in figure.sketch]
        told = self.rows(["", "", ""], ["l", "l", "r"], rows) if rows else self.ink(figure.alt, place)
        return f"**{self.ink(figure.caption, place)}** {more}".rstrip() + f"\n\n{told}"

    def _sketched(self, figure: Figure, number: Number) -> bool:
        """Whether the text form of a figure prints a number already."""
        return any(number.entry is p.entry for s in figure.sketch for p in s.value.parts if isinstance(p, Number))

    def _drawn(self, sketch: Sketch) -> str:
        return escape(sketch.drawn) if sketch.drawn else bar(sketch.share) if sketch.share is not None else ""

    def ink(self, prose: Prose, place: Place) -> str:
        """Prose, each of its numbers linked and noted as used at that place."""
        return "".join(self._inline(p, place) for p in prose.parts)

    def _inline(self, part: Inline, place: Place) -> str:
        match part:
            case Text(text=text):
                shown = _SPECIAL.sub(r"\\\1", _ENTITY.sub(lambda m: _ENTITIES[m.group()], text))
            case Label(text=text):
                shown = escape(text)
            case Number():
                shown = self.number(part, place)
            case Reference(key=key):
                if key not in self.numbers:
                    raise ProseError(f"the document has no section {key!r}; it has {', '.join(self.numbers)}")
                shown = f"[section {self.numbers[key]}](#s-{key})"
        if not part.strong or not shown.strip():
            return shown
        inner = shown.strip()
        return shown.replace(inner, f"**{inner}**", 1)

    def number(self, number: Number, place: Place) -> str:
        """A number, linked to its entry of the appendix, with an anchor for the way back."""
        entry = number.entry
        anchor = self.appendix.use(entry, *place)
        shown = spelt_out(spell(entry.value, entry.unit, number.digits, number.signed))
        text = f'<a id="{anchor}"></a>[{shown}](#{self.appendix.anchor(entry)})'
        if number.interval and (span := self.span(entry, number.digits)):
            text += f" (80 %: {span})"
        return text

    def span(self, entry: Entry, digits: int = 3) -> str:
        """An 80 % interval, or nothing."""
        bounds = self.appendix.interval(entry)
        if bounds is None:
            return ""
        low, high = spell_interval(*bounds, entry.unit, digits)
        return f"{spelt_out(low)} to {spelt_out(high)}"

    def back(self) -> Iterable[str]:
        """The appendix."""
        for letter, title in PARTS.items():
            entries = self.appendix.parts[letter]
            if not entries:
                continue
            yield f'<a id="appendix-{letter.lower()}"></a>\n\n## {letter} {title}'
            if letter == "A":
                yield from (self.derivation(e) for e in entries)
                yield from (self.fold(f) for f in self.appendix.folds)
            else:
                heads = ["", "What", "Value", "80 %", "Source" if letter == "B" else "Field", "Used in"]
                yield self.rows(heads, ["l", "l", "r", "r", "l", "l"], [self.leaf(e) for e in entries])

    def fold(self, fold: Fold) -> str:
        """Calculations that are like one that is written out, by their inputs."""
        heads = ["", "", *(f"$`{symbol(c.symbol, 'latex')}`$" for c in fold.columns)]
        heads += [f"$`{symbol(fold.shown.symbol, 'latex')}`$", "used in"]
        rows = [
            [
                self.head(row.entry),
                escape(self.appendix.named(row)),
                *(
                    f"[{spelt_out(spell_alike(e, fold.unit(i)))}](#{self.appendix.anchor(e)})"
                    for i, e in enumerate(row.inputs)
                ),
                f"**{spelt_out(spell(row.entry.value, row.entry.unit))}**",
                " ".join(self._coded(p) for p in self.appendix.users(row)),
            ]
            for row in fold.rows
        ]
        align = ["l", "l", *("r" for _ in fold.columns), "r", "l"]
        command = f"navarch explain {self.document.imprint.file} {self.appendix.code(fold.rows[0].entry)}"
        told = (
            f"Calculated as {self._coded(fold.shown)}, from other inputs. *{escape(command)}* writes one of them out."
        )
        return f"{told}\n\n{self.rows(heads, align, rows)}"

    def _coded(self, entry: Entry) -> str:
        return f"[{self.appendix.code(entry)}](#{self.appendix.anchor(entry)})"

    def head(self, entry: Entry) -> str:
        """An entry's code, with its anchor."""
        return f'<a id="{self.appendix.anchor(entry)}"></a>**{self.appendix.code(entry)}**'

    def linked(self, text: str, url: str) -> str:
        """A source, linked where its address may be."""
        address = safe_url(url).replace("(", "%28").replace(")", "%29")
        return f"[{escape(text) or 'source'}]({address})" if address else escape(text)

    def derivation(self, entry: Entry) -> str:
        """An entry that was calculated or observed."""
        source = self.linked(entry.source, entry.url)
        lines = [f"{self.head(entry)} **{escape(entry.title)}**" + (f" <sub>{source}</sub>" if source else "")]
        result = f"**{spelt_out(spell(entry.value, entry.unit))}**"
        span = f" (80 %: {found})" if (found := self.span(entry)) else ""
        if entry.equation is None:
            lines.append(f"{result}{span} {escape(entry.note)}".rstrip())
        else:
            signs = self.appendix.left_side(entry, "latex")
            numbers = _subscripts(formula(entry, "latex", numbers=True))
            lines.append(f"$`{signs + ' = ' if signs else ''}{numbers}`$ = {result}{span}")
            lines.append(" · ".join(self._inputs(entry)) + self._limits(entry))
        if (fold := self.appendix.fold(entry)) is not None:
            first, last = (self._coded(row.entry) for row in (fold.rows[0], fold.rows[-1]))
            lines.append(f"<sub>calculated alike: {first} to {last}</sub>")
        lines.append(self.used(entry))
        return "<br>\n".join(line for line in lines if line)

    def _inputs(self, entry: Entry) -> Iterable[str]:
        for sign, given in self.appendix.inputs(entry):
            shown = f"$`{symbol(sign, 'latex')}`$ = " if sign else ""
            value = spelt_out(spell(given.entry.value, given.entry.unit))
            link = f"[{self.appendix.code(given.entry)}](#{self.appendix.anchor(given.entry)})"
            yield f"{shown}{value} ({escape(self.appendix.meaning(entry, given))}) {link}"

    def _limits(self, entry: Entry) -> str:
        valid = _subscripts(validity(entry, "latex"))
        if not valid:
            return ""
        return f". **Outside its validity:** $`{valid}`$" if entry.exceeded else f". Valid for $`{valid}`$"

    def leaf(self, entry: Entry) -> list[str]:
        """A fact, a field or a choice as a row."""
        value = spelt_out(spell(entry.value, entry.unit))
        if entry.fact is not None:
            source = ", ".join(
                t for t in (self.linked(entry.source, entry.url), escape(entry.fact.date), entry.fact.kind) if t
            )
            note = f"; {escape(entry.note)}" if entry.note else ""
        else:
            source, note = escape(entry.path), f": {escape(entry.note)}" if entry.note else ""
        return [self.head(entry), escape(entry.title), value, self.span(entry), source + note, self.used(entry, "")]

    def used(self, entry: Entry, lead: str = "used in ") -> str:
        """Where an entry is used: places of the text, and other entries."""
        parts = []
        for _, name, anchors in self.appendix.used(entry):
            arrows = " ".join(f"[↑{i + 1 if len(anchors) > 1 else ''}](#{a})" for i, a in enumerate(anchors))
            parts.append(f"{escape(name)} {arrows}")
        parents = self.appendix.parents.get(entry.number, ())
        if parents:
            parts.append(" ".join(f"[{self.appendix.code(p)}](#{self.appendix.anchor(p)})" for p in parents))
        if not parts:
            return ""
        return f"<sub>{lead}{' · '.join(parts)}</sub>"
