"""`navarch plan scale`: the model, tokens, fleet, time and money of a training run, from any one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from navarch.cli.session import AsJson, CatalogPaths, console, load_catalog, print_json, working

if TYPE_CHECKING:
    from rich.table import Table

    from navarch.catalog import Catalog
    from navarch.fleet.scale.plan import ScalePlan
    from navarch.fleet.scale.question import Question

FIXES = "What fixes the compute (one of)"
MACHINES = "Machines"
BESIDE = "Beside it"
ACCELERATOR_TIME = "fleet.accelerator_time"
HOUR = 3600.0
LOSS_DIGITS = 4
FEW_DIGITS = 2


def _option(name: str, told: str, panel: str) -> Any:
    return typer.Option(f"--{name}", help=told, rich_help_panel=panel, metavar="QUANTITY", show_default=False)


def scale(
    compute: Annotated[str | None, _option("compute", "Compute budget, such as 3.8e25.", FIXES)] = None,
    loss: Annotated[str | None, _option("loss", "Loss wanted, in nats a token.", FIXES)] = None,
    budget: Annotated[str | None, _option("budget", "Money, such as '60 million USD'; with --price.", FIXES)] = None,
    duration: Annotated[
        str | None, _option("duration", "Time that the fleet is yours, such as '90 days'; with --accelerators.", FIXES)
    ] = None,
    parameters: Annotated[
        str | None, _option("parameters", "A given model, such as 405B; with --tokens.", FIXES)
    ] = None,
    tokens: Annotated[str | None, _option("tokens", "Tokens that it is trained on, such as 15.6T.", FIXES)] = None,
    accelerators: Annotated[str | None, _option("accelerators", "Accelerators of the fleet.", MACHINES)] = None,
    deadline: Annotated[str | None, _option("deadline", "Find the smallest fleet that keeps it.", MACHINES)] = None,
    price: Annotated[
        str | None, _option("price", "Of one accelerator, such as '2.5 USD/h', or a price of the catalog.", MACHINES)
    ] = None,
    accelerator: Annotated[
        str, typer.Option(help="Accelerator of the catalog.", rich_help_panel=MACHINES, metavar="ID")
    ] = "h100-sxm",
    node: Annotated[
        str | None,
        typer.Option(help="Node of the catalog.", rich_help_panel=MACHINES, metavar="ID", show_default=False),
    ] = None,
    precision: Annotated[
        str, typer.Option(help="Rate of the accelerator that counts.", rich_help_panel=MACHINES, metavar="NAME")
    ] = "bf16",
    utilisation: Annotated[str | None, _option("utilisation", "Share of the peak that becomes FLOP.", MACHINES)] = None,
    availability: Annotated[str | None, _option("availability", "Share of the time that counts.", MACHINES)] = None,
    batch: Annotated[str | None, _option("batch", "Tokens in one optimiser step.", BESIDE)] = None,
    sequence: Annotated[str | None, _option("sequence", "Tokens in a training sequence.", BESIDE)] = None,
    unique_tokens: Annotated[str | None, _option("unique-tokens", "All the data that there are.", BESIDE)] = None,
    inference_tokens: Annotated[
        str | None, _option("inference-tokens", "Tokens that the model will read and write in its life.", BESIDE)
    ] = None,
    serving_utilisation: Annotated[
        str | None, _option("serving-utilisation", "Share of the peak that serving reaches.", BESIDE)
    ] = None,
    law: Annotated[
        str,
        typer.Option(help="Law that answers: a parametric one of the catalog.", rich_help_panel=BESIDE, metavar="LAW"),
    ] = "besiroglu2024",
    explain: Annotated[
        str | None,
        typer.Option(
            help="Print where a number comes from, such as fleet.time.", metavar="QUANTITY", show_default=False
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="Write scale-isoflop.svg and scale-wall.svg here.", metavar="FOLDER", show_default=False),
    ] = None,
    json: AsJson = False,
    catalog: CatalogPaths = None,
) -> None:
    """Find the best model and tokens for a budget, and how long they take on one machine and on a fleet."""
    facts = load_catalog(catalog)
    asked = {
        "compute": compute, "loss": loss, "budget": budget, "duration": duration, "parameters": parameters,
        "tokens": tokens, "accelerators": accelerators, "deadline": deadline, "price": price,
        "utilisation": utilisation, "availability": availability, "batch": batch, "sequence": sequence,
        "unique_tokens": unique_tokens, "inference_tokens": inference_tokens,
        "serving_utilisation": serving_utilisation,
    }  # fmt: skip
    question = _question(asked, facts, accelerator=accelerator, node=node, precision=precision, law=law)
    with working("Planning"):
        from navarch.fleet.scale.plan import plan_scale

        plan = plan_scale(question, facts)
    if figures is not None:
        _draw(plan, figures)
    if explain is not None:
        from rich.text import Text

        console().print(Text(plan.explain(explain)), soft_wrap=True)
    elif json:
        print_json(plan.as_data())
    else:
        _show(plan)


def _question(asked: dict[str, str | None], catalog: Catalog, **named: str | None) -> Question:
    """The question in SI; a field that is no quantity is refused by its name."""
    from navarch.core.quantity import QuantityError, parse
    from navarch.fleet.scale.question import UNITS, Question, ScaleError

    read: dict[str, Any] = {}
    for name, text in asked.items():
        if text is None:
            continue
        if name == "price" and text in catalog.ids("price"):
            read[name] = text
            continue
        try:
            read[name] = parse(f"{text} FLOP" if name == "compute" and _is_number(text) else text, UNITS[name])
        except QuantityError as error:
            more = "; or the id of a price (`navarch catalog list price`)" if name == "price" else ""
            raise ScaleError(f"--{name.replace('_', '-')}: {error}{more}") from error
    return Question(**read, **named)  # type: ignore[arg-type]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _draw(plan: ScalePlan, folder: Path) -> None:
    from navarch.core.plot import to_svg

    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("isoflop", "wall"):
        path = folder / f"scale-{kind}.svg"
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text(to_svg(plan.plot(kind)), "utf-8")
        unfinished.replace(path)


def _show(plan: ScalePlan) -> None:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    parts: list[Any] = [_headline(plan), Text(), _laws(plan), Text(), _machines(plan)]
    parts += [Text(), more] if (more := _more(plan)) is not None else []
    parts += [Text(), _beside(plan)] if {"repeated.loss", "lifetime.change"} & set(plan.quantities) else []
    parts += [Padding(Text(note, style="dim"), (1, 0, 0, 0)) for note in _notes(plan)]
    console().print(Padding(Group(*parts), (1, 1)))


def _headline(plan: ScalePlan) -> Any:
    """The compute, and what it buys, in a sentence."""
    from rich.text import Text

    from navarch.core.quantity import show

    best = plan.optimum
    sure = _span(plan, "compute")
    line = Text(_value(plan, "compute"), style="bold")
    line.append(f"{f' (80 %: {sure})' if sure else ''} is best spent on ", style="default")
    line.append(f"{show(best.parameters, 'parameter')} and {show(best.tokens, 'token')}", style="bold cyan")
    size = _span(plan, f"laws.{best.law}.parameters")
    line.append(f" (80 %: {size})." if size else ".", style="default")
    if "run.loss" in plan.quantities:
        told = (
            f"\nThis run ends at a loss of {_value(plan, 'run.loss', LOSS_DIGITS)}, "
            f"{_value(plan, 'run.loss_above_optimum', FEW_DIGITS)} above the best of its compute: "
            f"{_value(plan, 'run.overtraining', FEW_DIGITS)} times the tokens that its size is best trained on."
        )
        line.append(told, style="default")
    return line


def _laws(plan: ScalePlan) -> Table:
    """What each published law makes of the budget."""
    from rich.text import Text

    from navarch.core.quantity import show

    table = _table("Law", "Parameters", "80 %", "Tokens", "80 %", "Tokens/parameter", "80 %", "Loss")
    for each in plan.optima:
        room = f"laws.{each.law}"
        loss = "" if each.loss is None else show(each.loss, "1", LOSS_DIGITS)
        style = "bold" if each is plan.optimum else ""
        table.add_row(
            Text(each.title, style=style),
            Text(show(each.parameters, "parameter").removesuffix(" parameters"), style=style),
            _dim(plan, f"{room}.parameters", bare=True),
            Text(show(each.tokens, "token").removesuffix(" tokens"), style=style),
            _dim(plan, f"{room}.tokens", bare=True),
            Text(show(each.tokens_per_parameter, "1"), style=style),
            _dim(plan, f"{room}.tokens_per_parameter"),
            loss,
        )
    return table


def _machines(plan: ScalePlan) -> Table:
    """How long the run takes on one machine and on the fleet, and what must hold it."""
    labels = {name: plan.labels.get(name, "") for name in ("accelerator", "node")}
    rows = [
        ("wall.time_one", f"On one {labels['accelerator']}"),
        ("wall.time_node", f"On one {labels['node']}"),
        ("wall.compute_of_one_node", "What that node can do in the time"),
        ("wall.parameters_of_one_node", "The best model that it can train in the time"),
        ("memory.parameters_of_one", "Parameters whose states fill one accelerator"),
        ("memory.accelerators", "Accelerators that hold the states of this model"),
        ("wall.accelerators_for_deadline", "Accelerators that keep the deadline"),
        ("fleet.accelerators", "Accelerators of the fleet"),
        ("fleet.time", "Time on that fleet"),
        ("fleet.accelerator_time", "Accelerator time in all"),
        ("fleet.cost", "Rent of the accelerators"),
    ]
    return _listed(plan, rows, "How long, on what")


def _more(plan: ScalePlan) -> Table | None:
    """What more of the same accelerators give at a fixed batch."""
    rows = [(f"batch.x{n}.speedup", f"Speed-up of {n} times the fleet, same batch") for n in (2, 4, 16)]
    rows += [
        ("batch.half_wasted_fleet", "Accelerators at which half of each step does not divide"),
        ("batch.most_accelerators", "Accelerators that the batch divides over at most"),
        ("batch.tokens", "Tokens in one step"),
        ("batch.critical", "Critical batch at this loss (Kaplan et al.)"),
        ("batch.compute_over_least", "Compute at this batch over the least"),
    ]
    return _listed(plan, rows, "Where more accelerators stop helping")


def _beside(plan: ScalePlan) -> Table:
    """Short data and served tokens, where they were asked for."""
    rows = [
        ("repeated.parameters", "With repeated data: parameters"),
        ("repeated.tokens", "tokens trained on"),
        ("repeated.epochs", "times that the data are seen"),
        ("repeated.loss_above_endless", "loss that the shortage costs"),
        ("lifetime.parameters", "Least cost of training and serving: parameters"),
        ("lifetime.tokens", "tokens trained on"),
        ("lifetime.training_compute", "training compute"),
        ("lifetime.change", "lifetime cost against the compute-optimal model"),
    ]
    return _listed(plan, rows, "When data are short, or the model is served")


def _listed(plan: ScalePlan, rows: list[tuple[str, str]], heading: str) -> Table:
    from rich.text import Text

    table = _table(heading, "", "80 %", left=(0, 3))
    for name, told in rows:
        if name in plan.quantities:
            table.add_row(Text(told), Text(_value(plan, name), style="bold"), _dim(plan, name))
    return table


def _notes(plan: ScalePlan) -> list[str]:
    from navarch.core.quantity import show

    chance = plan.chance_of_deadline
    notes = list(plan.notes)
    if chance is not None:
        _, most = plan.interval("wall.accelerators_for_deadline")
        notes.append(
            f"The fleet keeps the deadline in {show(chance, 'fraction', FEW_DIGITS)} of the samples; "
            f"{most:,.0f} accelerators keep it nine times in ten."
        )
    reached = plan.chance_of_loss
    if reached is not None and reached < 1:
        notes.append(f"In {show(1 - reached, 'fraction', FEW_DIGITS)} of the samples no run reaches this loss.")
    caveats = [f"{each.title}: {each.caveat}." for each in plan.optima if each.caveat]
    return [*notes, "Losses of different laws are of different data and cannot be compared. " + " ".join(caveats)]


def _value(plan: ScalePlan, name: str, digits: int = 3) -> str:
    from navarch.core.quantity import show

    entry = plan.entry(name)
    if name == ACCELERATOR_TIME:
        return f"{show(entry.value / HOUR, '1', digits)} h"
    return show(entry.value, entry.unit, digits)


def _span(plan: ScalePlan, name: str, bare: bool = False) -> str:
    """The 80 % interval, a common unit once (or not at all, where bare); nothing where the quantity is certain."""
    from navarch.core.quantity import parts

    unit = plan.entry(name).unit
    scale = HOUR if name == ACCELERATOR_TIME else 1.0
    ends = [parts(end / scale, "1" if name == ACCELERATOR_TIME else unit) for end in plan.interval(name)]
    (low, of_low), (high, of_high) = ends
    if ends[0] == ends[1]:
        return ""
    kept = [label.removesuffix("parameters").removesuffix("tokens").strip() if bare else label for _, label in ends]
    if unit == "token/parameter":
        kept = ["", ""]
    first = f"{low} {kept[0]}".rstrip() if of_low != of_high else low
    last = f"{high} {kept[1]}".rstrip()
    return f"{first} to {last}{' h' if name == ACCELERATOR_TIME else ''}"


def _dim(plan: ScalePlan, name: str, bare: bool = False) -> Any:
    from rich.text import Text

    return Text(_span(plan, name, bare), style="dim")


def _table(*headings: str, left: tuple[int, ...] = (0,)) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index in left else "right", overflow="fold")
    return table
