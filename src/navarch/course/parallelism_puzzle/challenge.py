"""The design challenges of Lab 05: one strategy for nine pairs, and a rule that chooses among strategies."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from navarch.core.arithmetic import ratio, sum_of
from navarch.core.equation import off_the_ledger
from navarch.core.quantity import show
from navarch.course.instrument import Answer, instrument
from navarch.course.parallelism_puzzle.debate import Contender, best_single, cards, every_strategy, judged_over
from navarch.course.parallelism_puzzle.facts import facts_of
from navarch.course.parallelism_puzzle.instruments import row_of, strategy_from
from navarch.course.parallelism_puzzle.names import cluster_name, model_name
from navarch.course.parallelism_puzzle.outcome import outcome_of
from navarch.course.parallelism_puzzle.pairs import Pair, searched
from navarch.course.parallelism_puzzle.rules import Rule
from navarch.course.parallelism_puzzle.strategy import Strategy
from navarch.course.parallelism_puzzle.variant import variant_of_seed

SMALL_BELOW = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0)
"""Accelerators that one copy of all states fills, under which a rule may call a model small."""
FAST_FROM = (10e9, 20e9, 40e9)
"""Bandwidths from which a rule may call a network fast [byte/s]."""
JOINED_FROM = 8
"""Accelerators joined closely, from which a rule calls a server wide."""
ROWS = ("small", "fast", "wide", "otherwise")
SHARE = "Speed lost, in the mean"


def fields_of(strategy: Strategy) -> dict[str, Any]:
    """A strategy as a hand-in has it: what is not as usual."""
    return strategy.model_dump(exclude_defaults=True) | {"zero_stage": strategy.zero_stage}


@lru_cache(maxsize=64)
def single_of(seed: int) -> Contender:
    """Of all strategies the one that loses least on the nine pairs of a seed."""
    return best_single(variant_of_seed(seed).pairs)


@lru_cache(maxsize=64)
def most_run(seed: int) -> int:
    """On how many of the nine pairs of a seed any one strategy runs, at most."""
    every = every_strategy(variant_of_seed(seed).pairs)
    return int((every.lost < 1).sum(axis=1).max())


def _runs(contender: Contender, limit: int) -> dict[str, Any]:
    """The light of the pairs on which a contender runs."""
    lost = [each.why for each in contender.on if each.why]
    return {
        "constraint": "Pairs on which it runs", "value": float(contender.runs), "limit": float(limit), "unit": "1",
        "sense": "at least", "met": contender.runs >= limit, "why": lost[0] if lost else "",
    }  # fmt: skip


@instrument
def strategy_score(
    seed: int, tensor: int, pipeline: int, context: int, expert: int, zero_stage: int, recomputation: str
) -> Answer:
    """A strategy on nine pairs: what it loses in the mean, and whether it runs on as many as any strategy can."""
    strategy = strategy_from(tensor, pipeline, context, expert, zero_stage, recomputation)
    pairs = variant_of_seed(seed).pairs
    made = judged_over(strategy.label, "strategy", [strategy] * len(pairs), pairs)
    readings: dict[str, Any] = {
        "score": (SHARE, made.mean_lost, "fraction"),
        "wins": ("Pairs won", float(made.wins), "1"),
        "worst": ("Speed lost at worst", made.worst_lost, "fraction"),
    }
    return Answer(readings, [_runs(made, most_run(seed))])


@instrument
def best_strategy(seed: int) -> Answer:
    """Of all strategies the one that loses least on nine pairs."""
    best = single_of(seed)
    readings: dict[str, Any] = {
        "score": (SHARE, best.mean_lost, "fraction"),
        "strategy": ("Strategy", best.name, "text"),
        "wins": ("Pairs won", float(best.wins), "1"),
        "worst": ("Speed lost at worst", best.worst_lost, "fraction"),
    }
    return Answer(readings)


def rule_from(small_below: float, fast_from: float, chosen: Mapping[str, str]) -> Rule:
    """The rule of four rows: small models, fast networks, wide servers, all others. chosen: a card for each."""
    return Rule.model_validate({"rows": rows_of(small_below, fast_from, chosen)})


def rows_of(small_below: float, fast_from: float, chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    """The same as a hand-in has it."""
    conditions: list[dict[str, Any]] = [
        {"states_over_accelerator": {"below": small_below}},
        {"scaleout": {"at_least": show(fast_from, "byte/s")}},
        {"domain": {"at_least": JOINED_FROM}},
    ]
    uses = [{"use": fields_of(cards()[chosen[row]][1])} for row in ROWS]
    return [{"when": when, **use} for when, use in zip(conditions, uses, strict=False)] + [uses[-1]]


@instrument
def rule_score(
    seed: int, small_below: float, fast_from: float, small: str, fast: str, wide: str, otherwise: str
) -> Answer:
    """A rule on nine pairs: what it loses in the mean; it must run everywhere and beat every single strategy."""
    made, _, pairs = _judged(seed, small_below, fast_from, small, fast, wide, otherwise)
    single = single_of(seed)
    beats = {
        "constraint": SHARE, "value": made.mean_lost, "limit": single.mean_lost, "unit": "fraction", "sense": "at most",
        "met": made.mean_lost <= single.mean_lost, "why": f"the best single strategy, {single.name}, loses that much",
    }  # fmt: skip
    rows: list[dict[str, Any]] = [_runs(made, len(pairs)), beats]
    readings: dict[str, Any] = {
        "score": (SHARE, made.mean_lost, "fraction"),
        "worst": ("Speed lost at worst", made.worst_lost, "fraction"),
        "wins": ("Pairs won", float(made.wins), "1"),
    }
    return Answer(readings, rows)


@instrument
def rule_on_nine(
    seed: int, small_below: float, fast_from: float, small: str, fast: str, wide: str, otherwise: str
) -> Answer:
    """What a rule uses on each of nine pairs, and how far that is from the best."""
    made, strategies, pairs = _judged(seed, small_below, fast_from, small, fast, wide, otherwise)
    rows = [
        {**row_of(outcome_of(strategy, pair)), "best": searched(pair).best.strategy.label}
        for strategy, pair in zip(strategies, pairs, strict=True)
    ]
    return Answer({"lost": (SHARE, made.mean_lost, "fraction"), "wins": ("Pairs won", float(made.wins), "1")}, rows)


def _judged(
    seed: int, small_below: float, fast_from: float, small: str, fast: str, wide: str, otherwise: str
) -> tuple[Contender, list[Strategy], tuple[Pair, ...]]:
    rule = rule_from(small_below, fast_from, dict(zip(ROWS, (small, fast, wide, otherwise), strict=True)))
    pairs = variant_of_seed(seed).pairs
    strategies = [strategy for pair in pairs if (strategy := rule.strategy_for(pair)) is not None]
    return judged_over("rule", "rule", strategies, pairs), strategies, pairs


@instrument
def best_rule(seed: int) -> Answer:
    """Of all rules of the cards that run on most of nine pairs, the one that loses least."""
    pairs = variant_of_seed(seed).pairs
    small_below, fast_from, chosen, lost = best_rule_of(pairs)
    readings: dict[str, Any] = {
        "score": (SHARE, lost, "fraction"),
        "small_below": ("Small below, accelerators filled by the states", small_below, "1"),
        "fast_from": ("Fast from", fast_from, "byte/s"),
        **{row: (f"Card: {row}", cards()[key][0], "text") for row, key in chosen.items()},
    }
    return Answer(readings)


def best_rule_of(pairs: Sequence[Pair]) -> tuple[float, float, dict[str, str], float]:
    """The thresholds and the cards of a rule over some pairs, and what it loses [fraction]: of those that run on most
    pairs, the one that loses least.

    All thresholds are tried, and for each the best card of every row: rows do not touch each other's pairs.
    """
    keys = list(cards())
    with off_the_ledger():
        outcomes = [[outcome_of(cards()[key][1], pair) for pair in pairs] for key in keys]
        lost = np.array([[each.lost for each in row] for row in outcomes])
        fails = np.array([[float(not each.runs) for each in row] for row in outcomes])
        best: tuple[tuple[float, float], float, float, dict[str, str]] | None = None
        for small_below, fast_from in itertools.product(SMALL_BELOW, FAST_FROM):
            row = rows_by_pair(pairs, small_below, fast_from)
            failed, sums = ([_sum(of[:, row == place]) for place in range(len(ROWS))] for of in (fails, lost))
            picked = [int(np.lexsort((loses, fail))[0]) for loses, fail in zip(sums, failed, strict=True)]
            fail, loss = (
                float(sum_of(*(float(each[card]) for each, card in zip(of, picked, strict=True))))
                for of in (failed, sums)
            )
            if best is None or (fail, loss) < best[0]:
                best = ((fail, loss), small_below, fast_from, dict(zip(ROWS, [keys[c] for c in picked], strict=True)))
    if best is None:
        raise ValueError("a rule needs thresholds")
    (_, loss), small_below, fast_from, chosen = best
    return small_below, fast_from, chosen, float(ratio(loss, len(pairs)))


def _sum(lost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the pairs of a row, for each card; nothing where the row has none."""
    return np.asarray(sum_of(np.zeros(len(lost)), *lost.T))


def rows_by_pair(pairs: Sequence[Pair], small_below: float, fast_from: float) -> NDArray[np.int64]:
    """Which row of the rule holds for each pair."""
    facts = [facts_of(pair) for pair in pairs]
    small, fast, wide = (
        np.array([each[name] for each in facts]) for name in ("states_over_accelerator", "scaleout", "domain")
    )
    return np.select([small < small_below, fast >= fast_from, wide >= JOINED_FROM], [0, 1, 2], default=3)


def hand_in_text(student: str, strategy: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    """The hand-in for the debate as YAML. strategy, rule: the values of the controls."""
    chosen = {row: str(rule[row]) for row in ROWS}
    content = {
        "student": student,
        "strategy": fields_of(strategy_from(**strategy)),
        "rule": rows_of(float(rule["small_below"]), float(rule["fast_from"]), chosen),
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def hand_in_told(student: str, strategy: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    """The hand-in, and what to do with it, as Markdown."""
    return (
        "**Your hand-in for the debate.** Save it as a file, improve its rows and conditions by hand if you like, and "
        "hand it in: `navarch debate` scores it on pairs that you have not seen.\n\n"
        f"```yaml\n{hand_in_text(student, strategy, rule)}```"
    )


def card_names() -> dict[str, str]:
    """The cards of a rule, by key."""
    return {key: f"{name}: {strategy.label}" for key, (name, strategy) in cards().items()}


def told_pairs(seed: int) -> list[dict[str, Any]]:
    """The nine pairs with what a rule may ask, a row each."""
    rows = []
    for pair in variant_of_seed(seed).pairs:
        facts = facts_of(pair)
        shown = {name: facts[name] for name in SHOWN_FACTS}
        rows.append({"model": model_name(pair.model), "cluster": cluster_name(pair.node), **shown})
    return rows


SHOWN_FACTS = ("parameters", "states_over_accelerator", "memory", "domain", "scaleup", "scaleout")
