"""`navarch catalog`: what there is to name in a design file, and where every value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, CatalogPaths, console, load_catalog, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.catalog import Catalog
    from navarch.core.ledger import Fact

app = typer.Typer(
    no_args_is_help=True, help="Look up models, hardware, places and prices, with the source of every value."
)

MOST_FACTS = 4


@app.command("list")
def list_entries(
    collection: Annotated[
        str | None,
        typer.Argument(
            help="Such as model or node; left out, the collections.", metavar="COLLECTION", show_default=False
        ),
    ] = None,
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """List the collections, or the entries of one."""
    known = load_catalog(catalog)
    if collection is None:
        counts = {name: len(known.ids(name)) for name in known.collections}
        if json:
            print_json(counts)
            return
        _print(("Collection", "Entries"), ((name, f"{count:,}") for name, count in counts.items()), right=(1,))
        return
    entries = [known.get(collection, name) for name in known.ids(collection)]
    if json:
        print_json([_entry_data(entry) for entry in entries])
        return
    _print(("Id", "Name", "Facts"), ((entry.id, entry.name, _few(entry)) for entry in entries))


@app.command()
def show(
    names: Annotated[list[str], typer.Argument(help="An id, or a collection and an id.", metavar="[COLLECTION] ID")],
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """Show an entry: every value with its unit, interval, kind and source."""
    known = load_catalog(catalog)
    entries = _entries_named(known, names)
    if json:
        print_json(_entry_data(entries[0]) if len(entries) == 1 else [_entry_data(entry) for entry in entries])
        return
    for entry in entries:
        _show_entry(entry)


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="Words that an entry must all contain.", metavar="WORDS")],
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """Find entries by words in their id, name, note or source."""
    found = load_catalog(catalog).search(" ".join(words))
    if json:
        print_json([{"collection": collection, "id": name, "name": title} for collection, name, title in found])
    elif found:
        _print(("Collection", "Id", "Name"), found)
    else:
        typer.echo("Nothing in the catalog contains these words.")


@app.command("import")
def import_config(
    config: Annotated[Path, typer.Argument(help="A Hugging Face config.json, or its folder.", metavar="CONFIG")],
    name: Annotated[str, typer.Option("--name", help="Name of the model; left out, that of its folder.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Catalog file to add the model to.", metavar="FILE")] = None,
    json: AsJson = False,
) -> None:
    """Make a catalog entry of a model from its config.json; a mechanism that is not modelled is refused by name."""
    from navarch.catalog.huggingface import from_config, said_by_config
    from navarch.fleet.scale.parameters import parameter_count

    said = said_by_config(config, name)
    count = parameter_count(from_config(config, name))
    if out is not None:
        from navarch.catalog.face import import_config as added_to

        added_to(config, out, name)
    if json:
        print_json({"entry": said, "parameters": float(count.total), "active_parameters": float(count.active)})
    elif out is None:
        typer.echo(_entry_text(said))
    else:
        from navarch.core.quantity import show as shown

        total, active = shown(float(count.total), "parameter"), shown(float(count.active), "parameter")
        typer.echo(f"{out} has the model {said['id']}: {total}, {active} used by a token.")
        typer.echo(f"Use it with:  navarch check FILE --catalog {out}")


def _entry_text(said: Mapping[str, Any]) -> str:
    """Return a catalog file with one model."""
    import yaml

    content = {"collection": "model", "entries": [dict(said)]}
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return text.rstrip()


def _entries_named(catalog: Catalog, names: list[str]) -> list[Any]:
    """Return the entry of a collection, or all entries that have an id."""
    from navarch.catalog.errors import CatalogError

    if len(names) == 2:
        return [catalog.get(*names)]
    if len(names) > 2:
        raise CatalogError("name one entry: its id, or its collection and its id")
    found = [
        catalog.get(collection, names[0]) for collection in catalog.collections if names[0] in catalog.ids(collection)
    ]
    if not found:
        from navarch.catalog.errors import nearest

        every = [name for collection in catalog.collections for name in catalog.ids(collection)]
        raise CatalogError(f'the catalog has no entry "{names[0]}"{nearest(names[0], every)}')
    return found


def _few(entry: Any) -> str:
    from navarch.core.quantity import show as shown

    facts = list(entry.facts.items())[:MOST_FACTS]
    return ", ".join(f"{attribute} {shown(fact.value, fact.unit)}" for attribute, fact in facts)


def _show_entry(entry: Any) -> None:
    from rich.text import Text

    from navarch.core.quantity import show as shown

    out = console()
    out.print(Text(f"{entry.collection} {entry.id}", style="bold").append(f"   {entry.name}", style="not bold"))
    for name, value in _other_data(entry).items():
        out.print(Text(f"  {name}: {value}", style="dim"))
    table = _table(("Attribute", "Value", "80 % interval", "What it is", "Kind", "Source"), right=(1,))
    for attribute, fact in entry.facts.items():
        interval = f"{shown(fact.low, fact.unit)} to {shown(fact.high, fact.unit)}" if fact.low is not None else ""
        source = f"{fact.source}{f', {fact.date}' if fact.date else ''}"
        cells = (attribute, shown(fact.value, fact.unit), interval, fact.title, fact.kind, source)
        table.add_row(*(Text(cell) for cell in cells))
        if fact.note and fact.note != entry.note:
            table.add_row("", "", "", Text(fact.note, style="dim"), "", "")
    out.print(table)
    if entry.url:
        out.print(Text(entry.url, style="dim"), soft_wrap=True)
    out.print()


def _other_data(entry: Any) -> dict[str, Any]:
    """Return what an entry says beside its facts: its family, its note, which accelerator it has."""
    hidden = {"id", "name", "source", "url", "date", "evidence", *entry.facts}
    said = {name: getattr(entry, name) for name in type(entry).model_fields if name not in hidden}
    return {name: value for name, value in said.items() if value not in (None, "", False)}


def _entry_data(entry: Any) -> dict[str, Any]:
    facts = {attribute: _fact_data(fact) for attribute, fact in entry.facts.items()}
    return {
        "collection": entry.collection, "id": entry.id, "name": entry.name, "source": entry.source, "url": entry.url,
        **_other_data(entry), "facts": facts,
    }  # fmt: skip


def _fact_data(fact: Fact) -> dict[str, Any]:
    from dataclasses import asdict

    from navarch.core.quantity import show as shown

    return {**asdict(fact), "text": shown(fact.value, fact.unit)}


def _print(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]], right: tuple[int, ...] = ()) -> None:
    from rich.text import Text

    table = _table(headings, right)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def _table(headings: tuple[str, ...], right: tuple[int, ...] = ()) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index in right else "left", overflow="fold")
    return table
