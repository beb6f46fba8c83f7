"""How mathematics is spelt in LaTeX, typst, MathML and plain text; the walker in `formula` is the same for all."""

from __future__ import annotations

import html
import re

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ",
    "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip


def split_symbol(symbol: str) -> tuple[str, str]:
    """Base and subscript of a symbol such as `T_ring`; further underscores part the subscript's words."""
    base, _, subscript = symbol.partition("_")
    return base, subscript.replace("_", " ")


class Dialect:
    """One spelling. Every method takes and gives finished text."""

    plus = "+"
    minus = "-"
    dot = " * "
    space = " "

    def ident(self, symbol: str) -> str:
        raise TypeError("a dialect spells its own identifiers")

    def number(self, text: str) -> str:
        return text

    def quantity(self, number: str, unit: str) -> str:
        raise TypeError("a dialect spells its own quantities")

    def paren(self, x: str) -> str:
        return f"({x})"

    def signed(self, terms: list[tuple[str, str]]) -> str:
        """A sum: (sign, term) pairs; the first sign shows only where it is a minus."""
        first = terms[0][1] if terms[0][0] == "+" else self.minus + terms[0][1]
        return first + "".join(f" {self.plus if s == '+' else self.minus} {t}" for s, t in terms[1:])

    def product(self, factors: list[str], tight: list[bool]) -> str:
        """Factors side by side; a dot where `tight` says that two would read as one."""
        text = factors[0]
        for factor, beside in zip(factors[1:], tight, strict=True):
            text += (self.space if beside else self.dot) + factor
        return text


class Text(Dialect):
    """Plain text that a terminal shows."""

    dot = " · "

    def ident(self, symbol: str) -> str:
        base, subscript = split_symbol(symbol)
        return GREEK.get(base, base) + (f"_{subscript.replace(' ', '_')}" if subscript else "")

    def quantity(self, number: str, unit: str) -> str:
        return f"{number} {unit}".strip()

    def frac(self, top: str, bottom: str, wrap_top: bool, wrap_bottom: bool) -> str:
        return f"{self.paren(top) if wrap_top else top} / {self.paren(bottom) if wrap_bottom else bottom}"

    def power(self, base: str, exponent: str, wrap_exponent: bool) -> str:
        return f"{base}^{self.paren(exponent) if wrap_exponent else exponent}"

    def call(self, name: str, latex: str, args: list[str]) -> str:
        return f"{name}({', '.join(args)})"

    def sqrt(self, x: str) -> str:
        return f"sqrt({x})"

    def between(self, kind: str, x: str) -> str:
        return {"ceil": f"⌈{x}⌉", "floor": f"⌊{x}⌋", "abs": f"|{x}|"}[kind]

    def cases(self, branches: list[tuple[str, str]], otherwise: str) -> str:
        return "{" + "; ".join([*(f"{v} if {c}" for v, c in branches), f"{otherwise} otherwise"]) + "}"

    def relation(self, parts: list[str]) -> str:
        signs = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}
        return " ".join(signs.get(p, p) for p in parts)

    def logic(self, word: str, parts: list[str]) -> str:
        return f" {word} ".join(parts)

    def big(self, name: str, x: str) -> str:
        return f"{'Σ' if name == 'sum' else 'Π'} {x}"


class Latex(Dialect):
    """LaTeX mathematics."""

    dot = r" \cdot "
    space = r"\,"

    def ident(self, symbol: str) -> str:
        base, subscript = split_symbol(symbol)
        main = rf"\{base}" if base in GREEK else (base if len(base) == 1 else rf"\mathrm{{{base}}}")
        return main + (f"_{{{self._subscript(subscript)}}}" if subscript else "")

    def _subscript(self, text: str) -> str:
        if text in GREEK:
            return rf"\{text}"
        return text if len(text) == 1 else rf"\mathrm{{{text}}}".replace(" ", r"\ ")

    def number(self, text: str) -> str:
        return re.sub(r"e([+-]?)0*(\d+)$", r" \\cdot 10^{\1\2}", text).replace("{+", "{").replace(",", "{,}")

    def quantity(self, number: str, unit: str) -> str:
        spelt = re.sub(r"([%_&#$])", r"\\\1", unit)
        return self.number(number) + (rf"\,\mathrm{{{spelt}}}".replace(" ", r"\ ") if unit else "")

    def paren(self, x: str) -> str:
        return rf"\left({x}\right)"

    def frac(self, top: str, bottom: str, wrap_top: bool, wrap_bottom: bool) -> str:
        return rf"\frac{{{top}}}{{{bottom}}}"

    def power(self, base: str, exponent: str, wrap_exponent: bool) -> str:
        return f"{{{base}}}^{{{exponent}}}"

    def call(self, name: str, latex: str, args: list[str]) -> str:
        return rf"{latex}\left({', '.join(args)}\right)"

    def sqrt(self, x: str) -> str:
        return rf"\sqrt{{{x}}}"

    def between(self, kind: str, x: str) -> str:
        left, right = {"ceil": (r"\lceil", r"\rceil"), "floor": (r"\lfloor", r"\rfloor"), "abs": ("|", "|")}[kind]
        return rf"\left{left} {x} \right{right}"

    def cases(self, branches: list[tuple[str, str]], otherwise: str) -> str:
        rows = [*(rf"{v} & \text{{if }} {c}" for v, c in branches), rf"{otherwise} & \text{{otherwise}}"]
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"

    def relation(self, parts: list[str]) -> str:
        signs = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}
        return " ".join(signs.get(p, p) for p in parts)

    def logic(self, word: str, parts: list[str]) -> str:
        return rf" \text{{ {word} }} ".join(parts)

    def big(self, name: str, x: str) -> str:
        return rf"\{'sum' if name == 'sum' else 'prod'} {x}"


class Typst(Dialect):
    """typst mathematics; every word is a string literal, so that no text can be read as markup."""

    dot = " dot.op "
    space = " "

    def _word(self, text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def ident(self, symbol: str) -> str:
        base, subscript = split_symbol(symbol)
        main = base if base in GREEK or len(base) == 1 else f"upright({self._word(base)})"
        if not subscript:
            return main
        spelt = subscript if subscript in GREEK or len(subscript) == 1 else self._word(subscript)
        return f"{main}_({spelt})"

    def number(self, text: str) -> str:
        match = re.fullmatch(r"(.*)e([+-]?)0*(\d+)", text)
        if match:
            sign = "-" if match.group(2) == "-" else ""
            return f"{self._word(match.group(1))} dot.op 10^({sign}{match.group(3)})"
        return self._word(text)

    def quantity(self, number: str, unit: str) -> str:
        return self.number(number) + (f" thin {self._word(unit)}" if unit else "")

    def paren(self, x: str) -> str:
        return f"lr(({x}))"

    def frac(self, top: str, bottom: str, wrap_top: bool, wrap_bottom: bool) -> str:
        return f"frac({top}, {bottom})"

    def power(self, base: str, exponent: str, wrap_exponent: bool) -> str:
        return f"{base}^({exponent})"

    def call(self, name: str, latex: str, args: list[str]) -> str:
        return f"op({self._word(name)}) lr(({', '.join(args)}))"

    def sqrt(self, x: str) -> str:
        return f"sqrt({x})"

    def between(self, kind: str, x: str) -> str:
        return f"{kind}({x})"

    def cases(self, branches: list[tuple[str, str]], otherwise: str) -> str:
        rows = [*(f'{v} & "if " {c}' for v, c in branches), f'{otherwise} & "otherwise"']
        return f"cases({', '.join(rows)})"

    def relation(self, parts: list[str]) -> str:
        signs = {"<=": "<=", ">=": ">=", "==": "=", "!=": "!="}
        return " ".join(signs.get(p, p) for p in parts)

    def logic(self, word: str, parts: list[str]) -> str:
        return f' " {word} " '.join(parts)

    def big(self, name: str, x: str) -> str:
        return f"{'sum' if name == 'sum' else 'product'} {x}"


class MathML(Dialect):
    """Presentation MathML, which browsers draw without any script."""

    dot = "<mo>·</mo>"
    space = "<mo>&#x2062;</mo>"
    plus = "<mo>+</mo>"
    minus = "<mo>−</mo>"

    def _row(self, x: str) -> str:
        return f"<mrow>{x}</mrow>"

    def _letters(self, text: str) -> str:
        spelt = html.escape(GREEK.get(text, text))
        return f'<mi mathvariant="normal">{spelt}</mi>' if len(spelt) > 1 else f"<mi>{spelt}</mi>"

    def ident(self, symbol: str) -> str:
        base, subscript = split_symbol(symbol)
        main = self._letters(base)
        if not subscript:
            return main
        spelt = self._letters(subscript) if len(subscript) == 1 else f"<mtext>{html.escape(subscript)}</mtext>"
        return f"<msub>{main}{spelt}</msub>"

    def number(self, text: str) -> str:
        match = re.fullmatch(r"(.*)e([+-]?)0*(\d+)", text)
        if not match:
            return f"<mn>{html.escape(text)}</mn>"
        sign = "−" if match.group(2) == "-" else ""
        power = f"<msup><mn>10</mn><mn>{sign}{match.group(3)}</mn></msup>"
        return f"<mn>{html.escape(match.group(1))}</mn><mo>·</mo>{power}"

    def quantity(self, number: str, unit: str) -> str:
        return self.number(number) + (f'<mspace width="0.17em"/><mtext>{html.escape(unit)}</mtext>' if unit else "")

    def paren(self, x: str) -> str:
        return f"<mrow><mo>(</mo>{x}<mo>)</mo></mrow>"

    def frac(self, top: str, bottom: str, wrap_top: bool, wrap_bottom: bool) -> str:
        return f"<mfrac>{self._row(top)}{self._row(bottom)}</mfrac>"

    def power(self, base: str, exponent: str, wrap_exponent: bool) -> str:
        return f"<msup>{self._row(base)}{self._row(exponent)}</msup>"

    def call(self, name: str, latex: str, args: list[str]) -> str:
        spelt = f'<mi mathvariant="normal">{html.escape(name)}</mi><mo>&#x2061;</mo>'
        return spelt + self.paren("<mo>,</mo>".join(args))

    def sqrt(self, x: str) -> str:
        return f"<msqrt>{x}</msqrt>"

    def between(self, kind: str, x: str) -> str:
        left, right = {"ceil": ("⌈", "⌉"), "floor": ("⌊", "⌋"), "abs": ("|", "|")}[kind]
        return f"<mrow><mo>{left}</mo>{x}<mo>{right}</mo></mrow>"

    def cases(self, branches: list[tuple[str, str]], otherwise: str) -> str:
        rows = [*((v, f"<mtext>if&#160;</mtext>{c}") for v, c in branches), (otherwise, "<mtext>otherwise</mtext>")]
        cells = "".join(f"<mtr><mtd>{v}</mtd><mtd>{c}</mtd></mtr>" for v, c in rows)
        return f"<mrow><mo>{{</mo><mtable>{cells}</mtable></mrow>"

    def relation(self, parts: list[str]) -> str:
        signs = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠", "<": "&lt;", ">": "&gt;", "=": "="}
        return "".join(f"<mo>{signs[p]}</mo>" if p in signs else p for p in parts)

    def logic(self, word: str, parts: list[str]) -> str:
        return f"<mtext>&#160;{word}&#160;</mtext>".join(parts)

    def big(self, name: str, x: str) -> str:
        return f"<mo>{'∑' if name == 'sum' else '∏'}</mo>{x}"


DIALECTS = {"text": Text(), "latex": Latex(), "typst": Typst(), "mathml": MathML()}
