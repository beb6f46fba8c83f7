"""`navarch plan topology` and `navarch validate topology` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from navarch.cli.app import app

OWN = "from,to,count\n" + "".join(f"host{i},leaf{i // 4},1\n" for i in range(8)) + "leaf0,spine,2\nleaf1,spine,2\n"


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result.output


def test_families_side_by_side() -> None:
    told = run("plan", "topology", "--hosts", "512")
    for word in (
        "512 hosts",
        "fat-tree",
        "rail-optimised",
        "dragonfly+",
        "3-D torus",
        "hypercube",
        "equal",
        "copper",
        "kW",
    ):
        assert word in told
    assert "After the failures" not in told


def test_as_json_and_as_pictures(tmp_path: Path) -> None:
    told = run(
        "plan", "topology", "--hosts", "64", "--family", "hypercube", "--json", "--failed-links", "25 %", "--figures",
        str(tmp_path),
    )  # fmt: skip
    found = json.loads(told)
    row = found["rows"][0]
    assert (row["hosts"], row["cables"], row["diameter"], row["bisection_share"]) == (64, 192, 6, 1)
    assert row["bisection"] == row["bisection_theory"] == 32 * 50e9
    assert found["failures"]["hypercube"]["cables"] == 48
    assert 0 < found["failures"]["hypercube"]["left"] < 1
    assert [path.name for path in tmp_path.iterdir()] == ["topology-hypercube.svg"]


def test_an_own_network_beside_the_others(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(OWN, "utf-8")
    told = run("plan", "topology", "--cables", str(path), "--family", "fat-tree", "--failed-switches", "1")
    assert "8 hosts" in told and "mine" in told and "equal (search)" in told
    assert "After the failures" in told


def test_scale_up_domains() -> None:
    told = run(
        "plan", "topology", "--hosts", "144", "--rails", "4", "--domain", "72", "--family", "rail-optimised", "--json"
    )
    plain, domains = json.loads(told)["rows"]
    assert domains["switches_by_tier"]["scale-up"] == 36
    assert domains["cables_by_tier"]["host to scale-up"] == 144 * 18
    assert domains["cost"] == plain["cost"]  # the domain is its machines'
    assert domains["mean_links"] < plain["mean_links"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--family", "mesh"), 'no family "mesh"; allowed: fat-tree'),
        (("--switch", "ib-ndr"), "--switch: ib-ndr is a link"),
        (("--failed-links", "many"), '--failed-links: "many"'),
        (("--failed-links", "300 %"), "from 0 to 1, not 3"),
        (("--cables", "nowhere.csv"), "nowhere.csv: there is no such file"),
        (("--link", "nothing"), "nothing"),
        (("--domain", "72"), "1024 hosts do not divide into domains of 72"),
        (("--domain", "8", "--domain-link", "nvlink6"), "nvlink6 has no ports"),
        (("--hosts", "1"), "equal to 2"),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], words: str) -> None:
    told = run("plan", "topology", *arguments, code=2)
    assert words in told and "Traceback" not in told


def test_what_cannot_hold_the_hosts_is_left_out() -> None:
    told = run(
        "plan",
        "topology",
        "--hosts",
        "60",
        "--family",
        "rail-optimised",
        "--family",
        "hypercube",
        "--family",
        "3-D torus",
    )
    assert "Left out" in told and "60 hosts are no power of two" in told and "do not divide into machines of 8" in told


def test_validation(tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("name,family,parameters,hosts,bisection\nmine,torus,x=4 y=4,16,8\nodd,mesh,x=4,16,8\n", "utf-8")
    found = json.loads(run("validate", "topology", "--data", str(table), "--json"))
    assert (found["exact"], found["quantities"], found["summary"]["skipped"]) == (2, 2, 1)
    assert "no family" in run("validate", "topology", "--data", str(table))
