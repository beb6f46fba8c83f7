"""The report of a debate: HTML and Markdown with its two maps, and all of it as plain data."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from navarch.core.plot import FONT, SANS_FALLBACK, adaptive, colour, to_svg, variables
from navarch.core.quantity import show
from navarch.course.parallelism_puzzle.debate import Contender, Debate, mean_lost
from navarch.course.parallelism_puzzle.figures import debate_figure, over_told
from navarch.course.parallelism_puzzle.names import cluster_name, model_name, pair_name
from navarch.course.parallelism_puzzle.outcome import outcome_of
from navarch.course.parallelism_puzzle.pairs import searched

TEMPLATE = "debate.html"
Table = list[tuple[str, ...]]
OURS = "the library"


def verdict(debate: Debate) -> str:
    """What the debate showed, in two sentences."""
    wins, pairs, single = debate.most_wins, len(debate.pairs), debate.single
    first = f"No strategy wins more than {wins} of {pairs} pairs."
    if wins == pairs:
        first = f"One strategy wins all {pairs} pairs."
    tried = f"The best that any one strategy can do ({single.name}) loses {_share(single.mean_lost)} of the best speed"
    best = next((rule for rule in debate.rules), None)
    if best is None:
        return f"{first} {tried}."
    beats = "less" if best.mean_lost < single.mean_lost else "more"
    return f"{first} {tried}; the best rule, {_whose(best)}, loses {beats}: {_share(best.mean_lost)}."


def strategies_told(debate: Debate) -> str:
    """What the map of strategies shows."""
    single = debate.single
    return (
        "Each row is one strategy, used on every pair; the pairs after the gap were hidden. The last row, "
        f"{single.name}, is that of all strategies that loses least in the mean. It wins {single.wins} of "
        f"{len(debate.pairs)} pairs, and on its worst it loses {_share(single.worst_lost)} of the best speed."
    )


def rules_told(debate: Debate) -> str:
    """What the map of rules shows."""
    best = debate.rules[0]
    shown, hidden = _means(debate, best)
    return (
        f"Each row is a rule, which chooses by model, memory and bandwidths. The best is {_whose(best)}: it loses "
        f"{_share(shown)} in the mean on the pairs that all knew and {_share(hidden)} on those that nobody did."
    )


def _whose(contender: Contender) -> str:
    return f"the library's “{contender.name}”" if contender.ours else f"that of {contender.name}"


def _share(value: float) -> str:
    return show(value, "fraction", digits=2)


def _means(debate: Debate, contender: Contender) -> tuple[float, float]:
    """Speed lost in the mean on the pairs that were shown, and on the hidden ones."""
    known = len(debate.shown)
    return mean_lost(contender.on[:known]), mean_lost(contender.on[known:])


def ranking_table(debate: Debate) -> Table:
    """Rules, best first."""
    rows: Table = [("rule", "lost in the mean", "on known pairs", "on hidden pairs", "at worst", "whose worst pair is")]
    for rule in debate.rules:
        shown, hidden = _means(debate, rule)
        worst = max(range(len(rule.on)), key=lambda place: rule.on[place].lost)
        why = f": {rule.on[worst].why}" if rule.on[worst].why else ""
        name = f"{rule.name} (the library's)" if rule.ours else rule.name
        where = f"{pair_name(debate.pairs[worst])}{why}"
        rows.append((name, _share(rule.mean_lost), _share(shown), _share(hidden), _share(rule.worst_lost), where))
    return rows


def best_table(debate: Debate) -> Table:
    """The best strategy of each pair."""
    rows: Table = [("model", "cluster", "best strategy", "step", "memory")]
    for pair, best in zip(debate.pairs, debate.best, strict=True):
        made = outcome_of(best, pair)
        cluster = f"{pair.accelerators} accelerators, {cluster_name(pair.node)}"
        times = (show(made.step_time, "s"), show(made.memory, "byte"))
        rows.append((model_name(pair.model), cluster, made.tuned.label, *times))
    return rows


def maps_of(debate: Debate) -> tuple[str, str]:
    """The maps of strategies and of rules, as SVG."""
    every = (*debate.strategies, debate.single)
    return to_svg(debate_figure(debate, every)), to_svg(debate_figure(debate, debate.rules))


def as_html(debate: Debate) -> str:
    """The report as a page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    found = Environment(
        loader=PackageLoader("navarch.course.parallelism_puzzle", "."), autoescape=True, undefined=StrictUndefined
    )
    strategies, rules = (Markup(adaptive(svg)) for svg in maps_of(debate))  # noqa: S704
    return found.get_template(TEMPLATE).render(
        debate=debate, variables=Markup(variables()), font=Markup(SANS_FALLBACK), strategies=strategies, rules=rules,  # noqa: S704
        verdict=verdict(debate), told_strategies=strategies_told(debate), told_rules=rules_told(debate),
        alt_strategies=in_words(debate.strategies), alt_rules=in_words(debate.rules),
        ranking=ranking_table(debate), best=best_table(debate), plans=plans_tried(debate),
    )  # fmt: skip


def plans_tried(debate: Debate) -> str:
    """From how many plans the best of each pair was found."""
    counts = sorted(searched(pair).plans for pair in debate.pairs)
    return f"{counts[0]:,} to {counts[-1]:,}"


def in_words(contenders: Sequence[Contender]) -> str:
    """A map for who cannot see it."""
    return "; ".join(
        f"{each.name}: {', '.join(over_told(on.over) if on.runs else 'does not run' for on in each.on)}"
        for each in contenders
    )


def as_markdown(debate: Debate) -> str:
    """The report as Markdown, its maps beside it as strategies.svg and rules.svg."""
    parts = [
        "# The Parallelism Puzzle: class debate",
        f"Course {debate.course}, {len(debate.shown)} pairs that all knew and {len(debate.hidden)} that nobody did.",
        verdict(debate),
        "## One strategy for everything",
        "![Strategies by pairs](strategies.svg)",
        strategies_told(debate),
        "## A rule for choosing",
        "![Rules by pairs](rules.svg)",
        rules_told(debate),
        "## Ranking of the rules",
        _table(ranking_table(debate)),
        "## What was best on each pair",
        _table(best_table(debate)),
    ]
    if debate.refused:
        refused: Table = [("file", "why"), *((each.file, each.why) for each in debate.refused)]
        parts += ["## Left out", _table(refused)]
    return "\n\n".join(parts) + "\n"


def _table(rows: Table) -> str:
    lines = [
        "| " + " | ".join(html.escape(cell, quote=False).replace("|", r"\|") for cell in row) + " |" for row in rows
    ]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def as_data(debate: Debate) -> dict[str, Any]:
    """All of it as plain data; what is not a number is None."""
    return {
        "course": debate.course,
        "verdict": verdict(debate),
        "pairs": [
            {**pair.as_inputs(), "hidden": place >= len(debate.shown), "best": best.model_dump(exclude_none=True),
             "step_time": searched(pair).best.step_time, "memory": searched(pair).best.memory,
             "plans": searched(pair).plans}
            for place, (pair, best) in enumerate(zip(debate.pairs, debate.best, strict=True))
        ],
        "strategies": [_contender(debate, each) for each in debate.strategies],
        "best_single_strategy": _contender(debate, debate.single),
        "rules": [_contender(debate, each) for each in debate.rules],
        "refused": [{"file": each.file, "why": each.why} for each in debate.refused],
    }  # fmt: skip


def _contender(debate: Debate, contender: Contender) -> dict[str, Any]:
    shown, hidden = _means(debate, contender)
    return {
        "name": contender.name, "kind": contender.kind, "by": OURS if contender.ours else "a student",
        "wins": contender.wins, "runs": contender.runs, "mean_lost": contender.mean_lost,
        "mean_lost_known": shown, "mean_lost_hidden": hidden, "worst_lost": contender.worst_lost,
        "pairs": [
            {"strategy": None if on.strategy is None else on.strategy.model_dump(exclude_none=True), "why": on.why,
             "step_time": _number(on.step_time), "over": _number(on.over), "lost": on.lost}
            for on in contender.on
        ],
    }  # fmt: skip


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def on_paper(svg: str) -> str:
    """A map with a ground of its own and type that is always there, which reads on any page."""
    ground = svg.replace(">", f'><rect width="100%" height="100%" fill="{colour("paper")}"/>', 1)
    return ground.replace(f'font-family="{FONT}"', f'font-family="{SANS_FALLBACK}"')


def write_report(debate: Debate, folder: Path) -> list[Path]:
    """Write the page, the Markdown and the maps into a folder; each to a temporary name, then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    strategies, rules = maps_of(debate)
    contents = {
        "debate.html": as_html(debate), "debate.md": as_markdown(debate),
        "strategies.svg": on_paper(strategies), "rules.svg": on_paper(rules),
    }  # fmt: skip
    written = []
    for name, content in contents.items():
        begun = folder / f".{name}.part"
        begun.write_text(content, encoding="utf-8")
        begun.replace(folder / name)
        written.append(folder / name)
    return written
