"""`navarch explain`: where a number comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, CatalogPaths, DesignFile, console, evaluated, print_json, shown, working

if TYPE_CHECKING:
    from navarch.core.ledger import Entry
    from navarch.design.evaluation import Evaluation

CODE = re.compile(r"[A-Da-d][0-9]{1,6}")


def explain(
    file: DesignFile,
    quantity: Annotated[
        str | None,
        typer.Argument(
            help="Dotted name, such as training.step_time, or a code of the document's appendix, such as A12.",
            metavar="QUANTITY",
            show_default=False,
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--list", help="Print the names of all quantities with their values.")] = False,
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """Print the derivation of a quantity, down to catalog facts and your own inputs."""
    from navarch.design.errors import DesignError

    if every == (quantity is not None):
        raise DesignError("", "name one quantity, or give --list")
    evaluation = evaluated(file, catalog)
    if quantity is not None:
        _explain(evaluation, quantity, json)
    elif json:
        from navarch.cli.report import quantity_data

        print_json({name: quantity_data(evaluation, value) for name, value in evaluation.quantities.items()})
    else:
        _list(evaluation)


def _explain(evaluation: Evaluation, quantity: str, json: bool) -> None:
    entry = _coded(evaluation, quantity) if CODE.fullmatch(quantity) else evaluation.entry(quantity)
    if json:
        print_json(_tree_data(quantity, entry))
        return
    from rich.text import Text

    from navarch.core.explain import explain as derivation

    console().print(Text(derivation(entry)), soft_wrap=True)


def _coded(evaluation: Evaluation, code: str) -> Entry:
    """The entry that has a code in the appendix of the design's document."""
    from navarch.design.chapters import build_document
    from navarch.design.document.appendix import entry_of
    from navarch.design.errors import DesignError

    with working("Building the document"):
        document = build_document(evaluation)
    found = entry_of(document, code)
    if found is None:
        last = {known[0]: known for known in document.appendix.codes.values()}
        allowed = ", ".join(f"{letter}1 to {last[letter]}" for letter in sorted(last))
        raise DesignError("quantity", f"{code!r} is no code of this design's document; allowed: {allowed}")
    return found


def _list(evaluation: Evaluation) -> None:
    from rich.table import Table
    from rich.text import Text

    from navarch.core.quantity import show

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("Quantity", "Value", "80 % interval", "What it is"):
        table.add_column(heading, justify="right" if heading == "Value" else "left", overflow="fold")
    for name, value in evaluation.quantities.items():
        low, high = evaluation.uncertainty.interval(value.entry)
        interval = f"{show(low, value.entry.unit)} to {show(high, value.entry.unit)}" if low < high else ""
        table.add_row(Text(name), shown(value), interval, Text(value.entry.title, style="dim"))
    console().print(table)


def _tree_data(quantity: str, root: Entry) -> dict[str, Any]:
    """Return a derivation as a list of entries that name their inputs by number, the quantity first."""
    return {"quantity": quantity, "entries": [_entry_data(entry) for entry in root.ancestors()]}


def _entry_data(entry: Entry) -> dict[str, Any]:
    from navarch.core.formula import formula

    data: dict[str, Any] = {
        "number": entry.number,
        "kind": entry.kind,
        "title": entry.title,
        "symbol": entry.symbol,
        "value": float(entry.value),
        "unit": entry.unit,
        "source": entry.source,
        "url": entry.url,
        "names": list(entry.names),
    }
    if entry.equation is not None:
        data |= {"formula": formula(entry, "text"), "latex": formula(entry, "latex"), "valid": entry.valid}
        data |= {
            "exceeded": entry.exceeded,
            "inputs": [{"symbol": i.symbol, "entry": i.entry.number} for i in entry.inputs],
        }
    else:
        data |= {"path": entry.path, "low": entry.low, "high": entry.high}
    if entry.fact is not None:
        data |= {"fact": entry.fact.id, "evidence": entry.fact.kind, "date": entry.fact.date}
    return data
