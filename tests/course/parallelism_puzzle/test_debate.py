"""The debate: every hand-in scored alike, broken files told, no strategy winning, a report that is safe to open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from navarch.cli.app import app
from navarch.course.errors import CourseError
from navarch.course.parallelism_puzzle import report
from navarch.course.parallelism_puzzle.debate import (
    Debate,
    OnPair,
    baselines,
    cards,
    debate,
    every_strategy,
    judged_over,
    ranked,
    read_folder,
)
from navarch.course.parallelism_puzzle.pairs import Pair, searched
from navarch.course.parallelism_puzzle.strategy import strategy_of

EXAMPLES = Path(__file__).parents[3] / "examples/debate"
PAIRS = (Pair("gemma2-9b", "dgx-h100", 256, 512, 8192), Pair("llama3.1-70b", "aws-p4d-24xlarge", 256, 512, 8192))


@pytest.fixture(scope="module")
def found() -> Debate:
    return debate(EXAMPLES, "2026", "a secret")


def test_every_strategy_and_rule_is_scored_on_the_same_pairs(found: Debate) -> None:
    assert len(found.shown) == 9 and len(found.hidden) == 6
    assert not {pair.node for pair in found.hidden} & {pair.node for pair in found.shown}
    for contender in (*found.strategies, *found.rules, found.single):
        assert len(contender.on) == len(found.pairs)
        assert all(on.over >= 1.0 for on in contender.on)
    students = {"Ada", "Grace", "Linus"}
    assert {each.name for each in found.strategies if not each.ours} == students
    assert {each.name for each in found.rules if not each.ours} == students
    assert len(found.strategies) == len(students) + len(baselines()["strategies"])


def test_no_single_strategy_wins_all_and_they_are_ranked_by_what_they_lose(found: Debate) -> None:
    assert found.most_wins < len(found.shown)
    for each in (found.strategies, found.rules):
        assert [c.mean_lost for c in each] == sorted(c.mean_lost for c in each)
    assert found.single.mean_lost <= min(each.mean_lost for each in found.strategies)


def test_a_rule_does_what_its_row_says(found: Debate) -> None:
    linus = next(each for each in found.rules if each.name == "Linus")
    for pair, on in zip(found.pairs, linus.on, strict=True):
        assert on.strategy is not None
        assert on.strategy.pipeline == (16 if pair.node == "univ-4xl40s" else 8)


def test_a_broken_file_is_told_and_stops_nobody(found: Debate) -> None:
    (refused,) = found.refused
    assert refused.file == "mallory.yaml"
    assert "strategy.tensor: 3 is not one of 1, 2, 4, 8 or 16" in refused.why
    assert "rule, row 1: when.scaleout.below: 25 has no unit" in refused.why


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("- 1\n", "holds a list"),
        ("student: a\n", "strategy is missing; rule is missing"),
        (
            "student: a\nstrategy: {tensr: 2}\nrule: [{use: {}}]\n",
            "strategy.tensr is not a known key; did you mean tensor?",
        ),
        ("student: a\nstrategy: {}\nrule: []\n", "rule is empty; write at least one row"),
        ("student: ''\nstrategy: {}\nrule: [{use: {}}]\n", "student"),
        (
            "student: a\nstrategy: {}\nrule: [{when: {memory: {below: 5 W}}, use: {}}]\n",
            "rule, row 1: when.memory.below",
        ),
        ("student: a\nstrategy: {}\nrule: [{when: {memory: {}}, use: {}}]\n", "needs at_least, below or both"),
        (
            "student: a\nstrategy: {}\nrule: [{when: {memory: {at_least: 2 GB, below: 1 GB}}, use: {}}]\n",
            "at_least is not less than below",
        ),
        ("student: a\nstrategy: {}\nrule: [{use: {zero_stage: 4}}]\n", "use.zero_stage: 4 is not one of 0, 1, 2 or 3"),
        ("student: a\nstrategy: !!python/name:os.system\nrule: []\n", "YAML tag"),
        ("student: a\nstudent: b\n", "given twice"),
        ("student: a\nstrategy: {microbatch: true}\nrule: [{use: {}}]\n", "microbatch"),
        ("student: Always ZeRO-3\nstrategy: {}\nrule: [{use: {}}]\n", "handed in already, in the library"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "broken.yaml").write_text(text)
    (tmp_path / "good.yaml").write_text((EXAMPLES / "ada.yaml").read_text())
    read, refused = read_folder(tmp_path)
    assert [each.student for each in read] == ["Ada"]
    assert said in refused[0].why and "\n" not in refused[0].why


def test_files_that_are_no_text_or_too_large_or_twice_the_same_student(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b.yaml").write_text("x" * 200_000)
    (tmp_path / "c.yaml").write_text((EXAMPLES / "ada.yaml").read_text())
    (tmp_path / "d.yml").write_text((EXAMPLES / "ada.yaml").read_text())
    (tmp_path / "e.yaml").mkdir()
    read, refused = read_folder(tmp_path)
    assert len(read) == 1
    assert {each.file for each in refused} == {"a.yaml", "b.yaml", "d.yml", "e.yaml"}
    with pytest.raises(CourseError, match="is no folder"):
        read_folder(tmp_path / "none")


def test_a_rule_without_a_row_for_a_pair_loses_there() -> None:
    contender = judged_over("nobody", "rule", [None, searched(PAIRS[1]).best.strategy], PAIRS)
    assert contender.on[0] == OnPair(None, "no row of the rule holds", float("inf"), float("inf"), 1.0)
    assert contender.on[1].wins and contender.mean_lost == 0.5 and contender.worst_lost == 1.0


def test_what_every_strategy_loses_agrees_with_each_alone() -> None:
    every = every_strategy(PAIRS)
    for key in every.keys[:: len(every.keys) // 25]:
        card = strategy_of(key)
        alone = judged_over("one", "strategy", [card] * 2, PAIRS)
        row = every.keys.index(key)
        assert [on.lost for on in alone.on] == pytest.approx(list(every.lost[row]))
        assert alone.mean_lost == pytest.approx(every.means[row])


def test_the_cards_of_the_lab_are_strategies() -> None:
    assert len(cards()) > 8
    assert ranked([]) == ()


def test_the_report_is_written_whole_and_escapes_what_students_write(tmp_path: Path, found: Debate) -> None:
    folder = tmp_path / "hand-ins"
    folder.mkdir()
    text = (EXAMPLES / "ada.yaml").read_text().replace("student: Ada", 'student: "<script>alert(1)</script> | x"')
    (folder / "a.yaml").write_text(text)
    made = debate(folder, "2026", "a secret")
    written = report.write_report(made, tmp_path / "out")
    assert {path.name for path in written} == {"debate.html", "debate.md", "strategies.svg", "rules.svg"}
    page = (tmp_path / "out/debate.html").read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert "No strategy wins more than" in page and "prefers" not in page
    assert not list((tmp_path / "out").glob(".*.part"))
    assert "mallory" not in page and "mallory.yaml" in report.as_markdown(found)


def test_the_command_tells_all_in_json(tmp_path: Path) -> None:
    asked = [
        "debate",
        str(EXAMPLES),
        "--course",
        "2026",
        "--hidden",
        "a secret",
        "--json",
        "--out",
        str(tmp_path / "o"),
    ]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert len(told["pairs"]) == 15 and sum(pair["hidden"] for pair in told["pairs"]) == 6
    assert told["refused"][0]["file"] == "mallory.yaml"
    assert all(rule["mean_lost"] <= 1 for rule in told["rules"])
    assert (tmp_path / "o/debate.html").exists()


def test_a_folder_that_is_none_is_one_message() -> None:
    done = CliRunner().invoke(app, ["debate", "nowhere"])
    assert done.exit_code == 2 and "nowhere: is no folder" in done.output
