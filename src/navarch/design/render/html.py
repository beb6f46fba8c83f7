"""The design document as one self-contained HTML file: no script, no request, light and dark, fit for print.

Everything from outside is escaped where it enters; jinja2 escapes the rest. Numbers link to their derivation and show
its formula when pointed at; each derivation links back to every place that prints it.
"""

from __future__ import annotations

# ruff: noqa: S704 (this module is where text is escaped and marked as safe)
import re
from functools import cache
from html import escape
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from navarch.core.formula import formula, symbol, validity
from navarch.core.ledger import Entry, Input
from navarch.core.plot import adaptive, variables
from navarch.design.document.appendix import PARTS, Appendix, make_appendix
from navarch.design.document.model import Document, Figure, Section
from navarch.design.document.prose import Inline, Label, Number, Prose, ProseError, Reference, Text
from navarch.design.document.wording import (
    DECIDED_BY,
    Spelt,
    clean,
    safe_url,
    set_formula,
    spell,
    spell_alike,
    spell_interval,
    words,
)

SUMMARY = ("summary", "Summary")
_BREAKABLE = 260  # characters of MathML beyond which a formula may be broken at its signs
_TAG = re.compile(r"<(/?)(\w+)[^>]*?(/?)>")
_SIGNS = {"<mo>+</mo>", "<mo>−</mo>", "<mo>=</mo>", "<mo>·</mo>"}
_IDENTIFIER = re.compile(r'(\bid="|url\(#|href="#)([A-Za-z][\w-]*)')


def render_html(document: Document) -> str:
    """The document as the text of one HTML file."""
    page = Page(document)
    template = _templates().get_template("document.html")
    return template.render(
        document=document, page=page, palette=Markup(variables()), plain_palette=Markup(variables(False))
    )


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("navarch.design.render", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.tests["kind"] = lambda block, name: type(block).__name__ == name
    return made


class Page:
    """What the template asks for while it is filled: prose as HTML, figures, formulas, and the appendix as it grows."""

    def __init__(self, document: Document):
        self.document = document
        self.appendix: Appendix = make_appendix(document)
        self.numbers = {section.key: index + 1 for index, section in enumerate(document.sections)}
        self.titles = PARTS
        self.decided_by = DECIDED_BY
        self._popovers: dict[int, str] = {}
        self._figures = 0

    def place(self, section: Section | None) -> tuple[str, str]:
        """The anchor and the name of a section, or of the summary."""
        if section is None:
            return SUMMARY
        return f"s-{section.key}", f"{self.numbers[section.key]} {words(section.title)}"

    def ink(self, prose: Prose, place: tuple[str, str]) -> Markup:
        """Prose as HTML, each of its numbers noted as used at that place."""
        return Markup("".join(self._inline(part, place) for part in prose.parts))

    def _inline(self, part: Inline, place: tuple[str, str]) -> str:
        if isinstance(part, Text):
            shown = escape(part.text)
        elif isinstance(part, Label):
            shown = f'<bdi class="label">{escape(clean(part.text))}</bdi>'
        elif isinstance(part, Number):
            shown = self._number(part, place)
        else:
            shown = self._reference(part)
        return f"<strong>{shown}</strong>" if part.strong else shown

    def _reference(self, part: Reference) -> str:
        if part.key not in self.numbers:
            raise ProseError(f"the document has no section {part.key!r}; it has {', '.join(self.numbers)}")
        return f'<a class="ref" href="#s-{escape(part.key)}">section&nbsp;{self.numbers[part.key]}</a>'

    def _number(self, number: Number, place: tuple[str, str]) -> str:
        entry = number.entry
        anchor = self.appendix.use(entry, *place)
        shown = figures(spell(entry.value, entry.unit, number.digits, number.signed))
        link = f'<a class="n" id="{anchor}" href="#{self.appendix.anchor(entry)}">{shown}{self._popover(entry)}</a>'
        if number.interval and (bounds := self.appendix.interval(entry)):
            low, high = (figures(end) for end in spell_interval(*bounds, entry.unit, number.digits))
            link += f' <a class="i" href="#{self.appendix.anchor(entry)}">(80&nbsp;%: {low} to {high})</a>'
        return link

    def _popover(self, entry: Entry) -> str:
        """What is shown when a number is pointed at: title, formula or source, and its code."""
        known = self._popovers.get(entry.number)
        if known is None:
            below = math(formula(entry, "mathml")) if entry.equation else escape(clean(self.origin(entry)))
            told = f"<b>{escape(clean(entry.title))}</b><span>{below}</span><i>{self.appendix.code(entry)}</i>"
            known = self._popovers[entry.number] = f'<span class="pop" aria-hidden="true">{told}</span>'
        return known

    def interval(self, number: Number) -> Markup:
        """The 80 % interval of a number, or nothing."""
        return self.span(number.entry, number.digits)

    def span(self, entry: Entry, digits: int = 3) -> Markup:
        """The 80 % interval of an entry, or nothing."""
        bounds = self.appendix.interval(entry)
        if bounds is None:
            return Markup("")
        low, high = spell_interval(*bounds, entry.unit, digits)
        return Markup(f"{figures(low)} to {figures(high)}")

    def title(self) -> Prose:
        """The document's title as prose."""
        return Prose((self.document.title,))

    def plain_title(self) -> str:
        """The document's title as plain text."""
        return clean(self.document.title.text)

    def file(self) -> str:
        """The design file's name."""
        return clean(self.document.imprint.file)

    def text(self, given: str) -> Markup:
        """Other people's text, kept apart from what is around it."""
        return Markup(f"<bdi>{escape(clean(given))}</bdi>") if given else Markup("")

    def number(self, number: Number, place: tuple[str, str]) -> Markup:
        """One number."""
        return Markup(self._inline(number, place))

    def cited(self, figure: Figure, place: tuple[str, str]) -> Markup:
        """The derivations of the numbers that a drawing prints, as a line of codes."""
        entries = {n.entry.number: n.entry for n in figure.cited}.values()
        if not entries:
            return Markup("")
        links = " ".join(
            f'<a id="{self.appendix.use(e, *place)}" href="#{self.appendix.anchor(e)}">{self.appendix.code(e)}</a>'
            for e in entries
        )
        return Markup(f' <span class="codes">{links}</span>')

    def picture(self, figure: Figure) -> Markup:
        """A figure's SVG in colours that follow the page, with identifiers of its own."""
        self._figures += 1
        own = f"f{self._figures}-"
        svg = _IDENTIFIER.sub(lambda m: f"{m[1]}{own}{m[2]}", adaptive(figure.svg))
        alt = escape(self.words(figure.alt))
        svg = svg.replace("<svg ", f'<svg role="img" aria-label="{alt}" ', 1)
        return Markup(re.sub(r'(<svg [^>]*?)\swidth="[^"]*"\sheight="[^"]*"', r"\1", svg, count=1))

    def words(self, prose: Prose) -> str:
        """Prose as plain text."""
        return words(prose)

    def formula(self, entry: Entry) -> Markup:
        """The formula of a calculation, as far as it tells something."""
        signs = self.appendix.left_side(entry, "mathml")
        return Markup(math(signs)) if signs else Markup("")

    def with_numbers(self, entry: Entry) -> Markup:
        """The formula's right-hand side with the numbers put in."""
        return Markup(math(set_formula(formula(entry, "mathml", numbers=True))))

    def valid(self, entry: Entry) -> Markup:
        """The validity range of a calculation, or nothing."""
        text = set_formula(validity(entry, "mathml"))
        return Markup(math(text)) if text else Markup("")

    def symbol(self, text: str) -> Markup:
        """A symbol."""
        return Markup(math(symbol(text, "mathml"))) if text else Markup("")

    def value(self, entry: Entry, digits: int = 3) -> Markup:
        """The value of an entry with its unit."""
        return Markup(figures(spell(entry.value, entry.unit, digits)))

    def cell(self, entry: Entry, unit: str | None) -> Markup:
        """The value of an entry in a column of a table of calculations that are alike."""
        return Markup(figures(spell_alike(entry, unit)))

    def inputs(self, entry: Entry) -> list[dict[str, Any]]:
        """The inputs of a calculation: symbol, meaning, value, and where each comes from."""
        return [self._input(entry, sign, given) for sign, given in self.appendix.inputs(entry)]

    def spoken(self, column: Input) -> str:
        """The name of an input, as the heading of a column."""
        return column.parameter.name.replace("_", " ")

    def _input(self, entry: Entry, sign: str, given: Input) -> dict[str, Any]:
        return {
            "symbol": self.symbol(sign),
            "meaning": clean(self.appendix.meaning(entry, given)),
            "value": self.value(given.entry),
            "code": self.appendix.code(given.entry),
            "anchor": self.appendix.anchor(given.entry),
        }

    def alike(self, entry: Entry) -> Markup:
        """Where the calculations are listed that are like one that is written out; nothing where there are none."""
        fold = self.appendix.fold(entry)
        if fold is None:
            return Markup("")
        first, last = self.appendix.range_of(fold)
        return Markup(
            f'calculated alike: <a href="#{first.lower()}">{first}</a> to <a href="#{last.lower()}">{last}</a>'
        )

    def origin(self, entry: Entry) -> str:
        """Where an entry that was not calculated comes from, in a few words."""
        if entry.kind == "fact" and entry.fact is not None:
            return ", ".join(t for t in (entry.source, entry.fact.date, entry.fact.kind) if t)
        if entry.kind == "field":
            return f"design file: {entry.path}"
        if entry.kind == "choice":
            return f"chosen: {entry.note}"
        return entry.source

    def linked(self, text: str, url: str) -> Markup:
        """A source, linked where its address may be."""
        shown, address = escape(clean(text)), safe_url(url)
        if not address:
            return Markup(shown)
        return Markup(f'<a class="out" href="{escape(address)}" rel="noopener noreferrer">{shown or "source"}</a>')


def figures(spelt: Spelt) -> str:
    """A number as HTML, its unit in a smaller weight."""
    power = "" if spelt.exponent is None else f"&nbsp;×&nbsp;10<sup>{str(spelt.exponent).replace('-', '−')}</sup>"
    unit = f'<span class="u">&nbsp;{escape(spelt.unit)}</span>' if spelt.unit else ""
    return f"{spelt.digits}{power}{unit}"


@cache
def math(inner: str) -> str:
    """MathML of a formula; a long one in pieces, so that a line may end after a sign."""
    if len(inner) <= _BREAKABLE:
        return f'<math displaystyle="true">{inner}</math>'
    return "<wbr>".join(f'<math displaystyle="true">{piece}</math>' for piece in _pieces(inner))


def _pieces(inner: str) -> list[str]:
    """A formula cut after the signs that stand at its outermost level."""
    pieces, depth, start = [], 0, 0
    for tag in _TAG.finditer(inner):
        closing, _, alone = tag.groups()
        if alone:
            continue
        depth += -1 if closing else 1
        if closing and depth == 0 and inner[: tag.end()].endswith(tuple(_SIGNS)):
            pieces.append(inner[start : tag.end()])
            start = tag.end()
    return [*pieces, inner[start:]] if start < len(inner) else pieces
