"""Every variant has its surprise: no strategy wins two of the nine pairs, and the best flips with one bandwidth."""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from pathlib import Path

import pytest

from navarch.course.parallelism_puzzle import variant as drawn
from navarch.course.parallelism_puzzle.challenge import ROWS, best_rule, best_strategy, rule_score
from navarch.course.parallelism_puzzle.debate import cards, every_strategy
from navarch.course.parallelism_puzzle.flip import flip_below, own_bandwidth
from navarch.course.parallelism_puzzle.instruments import best_on_pair, flip_place, pair_at
from navarch.course.parallelism_puzzle.outcome import outcome_of
from navarch.course.parallelism_puzzle.pairs import searched
from navarch.course.parallelism_puzzle.words import given
from navarch.course.variant import Student, seed_of

SOURCE = Path(drawn.__file__).parent
STUDENTS = [Student(f"student {number}", "2026") for number in range(1000)]


def seeds(count: int) -> list[int]:
    return [seed_of(student, drawn.LAB) for student in STUDENTS[:count]]


def test_a_variant_is_the_same_whenever_it_is_drawn_and_differs_from_others() -> None:
    variants = [drawn.variant_of(student) for student in STUDENTS]
    assert variants == [drawn.variant_of(student) for student in STUDENTS]
    assert len(set(variants)) > 500
    assert {len(variant.pairs) for variant in variants} == {9}
    assert drawn.variant_of(Student("Ada", "2026")) != drawn.variant_of(Student("Ada", "2027"))


def test_all_families_and_all_their_parts_are_drawn() -> None:
    variants = [drawn.variant_of(student) for student in STUDENTS]
    families = drawn.pool()["families"]
    for part in range(3):
        pooled = {tuple(row) for family in families for row in family[drawn.PARTS[part]]}
        found = {(w.model, w.sequence_length, w.global_batch) for w in (v.workloads[part] for v in variants)}
        assert found == pooled
    assert {v.nodes for v in variants} == {tuple(row) for family in families for row in family["clusters"]}


@pytest.mark.slow
def test_in_1000_seeds_no_strategy_wins_two_pairs_or_comes_close_to_winning_all() -> None:
    margin = drawn.pool()["margin"]
    near = {}
    for pair in drawn.every_pair():
        found = searched(pair)
        near[pair] = {each.key for each in found.within(margin)}
        assert found.best.key in near[pair]
    for seed in seeds(1000):
        pairs = drawn.variant_of_seed(seed).pairs
        count = Counter(key for pair in pairs for key in near[pair])
        assert max(count.values()) == 1, f"{count.most_common(1)} comes within {margin:.0%} on two of {pairs}"


@pytest.mark.slow
def test_even_the_best_single_strategy_loses_much_somewhere() -> None:
    for seed in seeds(25):
        every = every_strategy(drawn.variant_of_seed(seed).pairs)
        assert every.lost.max(axis=1).min() > 0.15, "a strategy loses little on all nine"
        assert every.means.min() > 0.05


@pytest.mark.slow
def test_the_best_flips_with_the_network_in_every_variant() -> None:
    flipped = set()
    for seed in seeds(1000):
        pair = pair_at(seed, flip_place(seed))
        if pair not in flipped:
            below = flip_below(pair, "scaleout")
            assert below is not None and below < own_bandwidth(pair, "scaleout")
            flipped.add(pair)


@pytest.mark.slow
def test_keys_of_100_seeds_recompute() -> None:
    for number, seed in enumerate(seeds(100)):
        place = number % 9
        shown, pair = best_on_pair(seed=seed, place=place), pair_at(seed, place)
        best = searched(pair).best
        assert shown["step_time"].value == pytest.approx(best.step_time, rel=1e-12)
        assert shown["memory"].value == pytest.approx(best.memory, rel=1e-12)
        assert shown["kind"].value == best.strategy.form
        assert outcome_of(best.strategy, pair).wins


@pytest.mark.slow
def test_a_rule_of_cards_can_meet_the_challenge_and_the_given_strategy_runs_where_it_is_asked() -> None:
    for seed in seeds(16):
        best = {key: reading.value for key, reading in best_rule(seed=seed).readings.items() if key != "score"}
        cards_of = {row: next(k for k, (name, _) in cards().items() if name == best[row]) for row in ROWS}
        made = rule_score(seed=seed, small_below=best["small_below"], fast_from=best["fast_from"], **cards_of)
        assert all(row["met"] for row in made.rows), made.rows
        assert made["score"].value == pytest.approx(best_rule(seed=seed)["score"].value)
        assert best_strategy(seed=seed)["score"].value > made["score"].value


@pytest.mark.slow
def test_the_given_strategy_runs_on_every_large_model_and_fast_cluster() -> None:
    for family in drawn.pool()["families"]:
        for row, cluster in itertools.product(family["large"], family["clusters"]):
            pair = drawn.Workload(*row).on(cluster[0], drawn.pool()["accelerators"])
            assert outcome_of(given(), pair).runs


def test_no_key_is_a_constant_in_the_source() -> None:
    keys: set[float] = set()
    for seed in seeds(2):
        for place in (0, 3):
            best = searched(pair_at(seed, place)).best
            keys |= {best.step_time, best.memory}
    for path in (*SOURCE.glob("*.py"), *SOURCE.parent.glob("labs/lab_05*.py")):
        numbers = {
            float(node.value)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, (int, float))
            and not isinstance(node.value, bool)
        }
        near = {n for n in numbers for key in keys if abs(n - key) < 0.005 * key}
        assert not near, f"{path.name}: {near}"


def test_every_hidden_pair_can_be_trained_somehow() -> None:
    unseen = drawn.pool()["unseen"]
    shown = {node for family in drawn.pool()["families"] for cluster in family["clusters"] for node in cluster}
    assert not shown & set(unseen["nodes"])
    first, second = drawn.hidden_pairs("a word"), drawn.hidden_pairs("another")
    assert first == drawn.hidden_pairs("a word") and first != second
    assert all(searched(pair).tried for pair in first)


@pytest.mark.slow
def test_every_pair_that_can_be_drawn_for_hiding_can_be_trained_somehow() -> None:
    unseen = drawn.pool()["unseen"]
    for size in ("small", "middle", "large"):
        for row in unseen[size]:
            for node in unseen["nodes"]:
                for fleet in unseen["accelerators"]:
                    pair = drawn.Workload(*row).on(node, fleet)
                    assert searched(pair).tried, f"nothing fits {pair}"
