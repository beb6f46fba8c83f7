"""The debate: strategies and rules on the same pairs, against the best that the library finds on each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray

from navarch.core.arithmetic import largest_of, ratio, sum_of
from navarch.core.equation import off_the_ledger
from navarch.course.errors import CourseError
from navarch.course.parallelism_puzzle import estimate as eq
from navarch.course.parallelism_puzzle.hand_in import HandIn, HandInError, read_hand_in
from navarch.course.parallelism_puzzle.outcome import Outcome, outcome_of
from navarch.course.parallelism_puzzle.pairs import Pair, plain_machine, searched
from navarch.course.parallelism_puzzle.strategy import Key, Strategy, strategy_of, without_experts
from navarch.course.parallelism_puzzle.variant import debate_variant, hidden_pairs

Kind = Literal["strategy", "rule"]
Progress = Callable[[int, int], None]

ENDINGS = (".yaml", ".yml")
NOT_COVERED = "no row of the rule holds"
LOST_ALL = 1.0


@dataclass(frozen=True, slots=True)
class OnPair:
    """What a contender does on a pair. strategy: that it uses (None: a rule without a row for it); why: it does not
    run; over: step time over that of the best; lost: share of the best speed that is lost [fraction]."""

    strategy: Strategy | None
    why: str
    step_time: float
    over: float
    lost: float

    @property
    def runs(self) -> bool:
        return not self.why

    @property
    def wins(self) -> bool:
        return self.over == 1.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A strategy or a rule, and what it does on each pair.

    name; kind; ours: whether it is the library's; on: a result for each pair, in their order; mean_lost, worst_lost:
    share of the best speed that is lost, 1 where it does not run [fraction].
    """

    name: str
    kind: Kind
    ours: bool
    on: tuple[OnPair, ...]
    mean_lost: float
    worst_lost: float

    @property
    def wins(self) -> int:
        return sum(each.wins for each in self.on)

    @property
    def runs(self) -> int:
        return sum(each.runs for each in self.on)


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that could not be used, and why."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Debate:
    """What a debate found.

    course: its seed; shown, hidden: the pairs that all students knew, and those that none did; best: the best strategy
    of each pair; strategies, rules: best first; refused: files left out; single: the strategy of all strategies that
    loses least over all pairs.
    """

    course: str
    shown: tuple[Pair, ...]
    hidden: tuple[Pair, ...]
    best: tuple[Strategy, ...]
    strategies: tuple[Contender, ...]
    rules: tuple[Contender, ...]
    refused: tuple[Refused, ...]
    single: Contender

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return self.shown + self.hidden

    @property
    def most_wins(self) -> int:
        """Most pairs that any one strategy wins."""
        return max(contender.wins for contender in (*self.strategies, self.single))


@cache
def baselines() -> dict[str, Any]:
    """The library's own hand-ins, and the cards of the lab."""
    text = files("navarch.course.parallelism_puzzle").joinpath("baselines.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


@cache
def cards() -> Mapping[str, tuple[str, Strategy]]:
    """The cards of the lab: name and strategy by key."""
    return {key: (card["name"], Strategy(**card["strategy"])) for key, card in baselines()["cards"].items()}


def judged_over(
    name: str, kind: Kind, chosen: Sequence[Strategy | None], pairs: Sequence[Pair], ours: bool = False
) -> Contender:
    """A contender by the strategies that it uses on each pair."""
    on = tuple(_on_pair(strategy, pair) for strategy, pair in zip(chosen, pairs, strict=True))
    with off_the_ledger():
        mean, worst = mean_lost(on), float(largest_of(*(each.lost for each in on)))
    return Contender(name, kind, ours, on, mean, worst)


def mean_lost(on: Sequence[OnPair]) -> float:
    """Share of the best speed that is lost, in the mean over pairs [fraction]."""
    return float(ratio(sum_of(*(each.lost for each in on)), len(on)))


def _on_pair(strategy: Strategy | None, pair: Pair) -> OnPair:
    if strategy is None:
        return OnPair(None, NOT_COVERED, float("inf"), float("inf"), LOST_ALL)
    outcome: Outcome = outcome_of(strategy, pair)
    return OnPair(strategy, outcome.why, outcome.step_time, outcome.over, outcome.lost)


@dataclass(frozen=True, slots=True)
class EveryStrategy:
    """What every strategy that runs on any of some pairs loses on each: a row for each key, a column for each pair."""

    keys: tuple[Key, ...]
    lost: NDArray[np.float64]

    @property
    def means(self) -> NDArray[np.float64]:
        """In the mean over the pairs [fraction]."""
        total: NDArray[np.float64] = sum_of(*self.lost.T)
        return np.asarray(ratio(total, self.lost.shape[1]))


def every_strategy(pairs: Sequence[Pair]) -> EveryStrategy:
    """What each strategy loses on each of some pairs; one for a model with experts counts on a dense one without."""
    found = [(searched(pair), plain_machine(pair).has_experts) for pair in pairs]
    keys = sorted({key for every, _ in found for key in every.tried})
    lost = np.empty((len(keys), len(pairs)))
    with off_the_ledger():
        for place, (every, has_experts) in enumerate(found):
            asked = [key if has_experts else without_experts(key) for key in keys]
            times = [every.tried[key].step_time if key in every.tried else np.inf for key in asked]
            lost[:, place] = eq.lost_speed(np.array(times), every.best.step_time)
    return EveryStrategy(tuple(keys), lost)


def best_single(pairs: Sequence[Pair]) -> Contender:
    """Of all strategies the one that loses least over some pairs, in the mean."""
    every = every_strategy(pairs)
    strategy = strategy_of(every.keys[int(np.argmin(every.means))])
    return judged_over(strategy.label, "strategy", [strategy] * len(pairs), pairs, ours=True)


def read_folder(folder: Path) -> tuple[list[HandIn], list[Refused]]:
    """The hand-ins in a folder, by file name; a file that cannot be used is left out and told."""
    if not folder.is_dir():
        raise CourseError(f"{folder}: is no folder; name one with a YAML file of each student")
    read: list[HandIn] = []
    refused: list[Refused] = []
    taken: dict[str, str] = dict.fromkeys((rule["student"] for rule in baselines()["rules"]), "the library")
    for path in sorted(each for each in folder.iterdir() if each.suffix.lower() in ENDINGS):
        try:
            given = read_hand_in(path)
        except HandInError as error:
            refused.append(Refused(path.name, str(error).removeprefix(f"{path.name}: ")))
            continue
        if given.student in taken:
            refused.append(
                Refused(path.name, f"student: {given.student!r} handed in already, in {taken[given.student]}")
            )
            continue
        taken[given.student] = path.name
        read.append(given)
    if not read and not refused:
        raise CourseError(f"{folder}: holds no hand-in; it takes files that end in {' or '.join(ENDINGS)}")
    return read, refused


def debate(folder: Path, course: str, secret: str | None = None, progress: Progress | None = None) -> Debate:
    """Score a folder of hand-ins on the course's nine pairs and on hidden ones.

    course: seed of the nine pairs; secret: of the hidden ones, the same where it is left out; progress: called with the
    pairs searched and the pairs in all.
    """
    hand_ins, refused = read_folder(folder)
    shown, hidden = debate_variant(course).pairs, hidden_pairs(course if secret is None else secret)
    pairs = shown + hidden
    for done, pair in enumerate(pairs, start=1):
        searched(pair)
        if progress is not None:
            progress(done, len(pairs))
    ours = [HandIn.model_validate(given) for given in baselines()["rules"]]
    fixed = [cards()[key] for key in baselines()["strategies"]]
    strategies = [judged_over(h.student, "strategy", [h.strategy] * len(pairs), pairs) for h in hand_ins]
    strategies += [judged_over(name, "strategy", [card] * len(pairs), pairs, ours=True) for name, card in fixed]
    rules = [_rule(given, pairs, given in ours) for given in (*hand_ins, *ours)]
    return Debate(
        course, shown, hidden, tuple(searched(pair).best.strategy for pair in pairs), ranked(strategies), ranked(rules),
        tuple(refused), best_single(pairs),
    )  # fmt: skip


def ranked(contenders: Sequence[Contender]) -> tuple[Contender, ...]:
    """Contenders by what they lose in the mean, then at worst, then by name."""
    return tuple(sorted(contenders, key=lambda each: (each.mean_lost, each.worst_lost, each.name)))


def _rule(given: HandIn, pairs: Sequence[Pair], ours: bool) -> Contender:
    return judged_over(given.student, "rule", [given.decides.strategy_for(pair) for pair in pairs], pairs, ours)
