"""The search finds the cheapest storage that feeds everybody, and says why the next one lost."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from navarch.catalog import Catalog
from navarch.cli.app import app
from navarch.fleet.storage.model import StorageError
from navarch.fleet.storage.parts import Choice, Parts, Workload
from navarch.fleet.storage.search import Needs, search, simulated
from navarch.validation.topics import validate

YEARS = 3 * 31_536_000.0
SMALL = Workload(200, 2500.0, 250, 115e3, 1e7)


@pytest.fixture(scope="module")
def needs() -> Needs:
    return Needs(405e9 * 14, 120.0, 3.0, 1.0, 0.01, YEARS, 0.8)


def test_the_best_feeds_everybody_and_nothing_cheaper_of_the_grid_does(parts: Parts, needs: Needs) -> None:
    found = search(parts, SMALL, needs, drives=(0, 1))
    best, second = found.best, found.runner_up
    assert best is not None
    assert second is not None
    assert best.run is not None
    assert max(best.run.starvation, best.run.stalled) <= 0.01
    assert best.write_time <= 120
    assert best.cost < second.cost
    assert second.verdict == f"costs {second.cost / best.cost - 1:.1%} more"
    assert (second.choice.system, second.choice.drives) != (best.choice.system, best.choice.drives)
    cheaper = [each for each in found.simulated if each.cost < best.cost]
    assert all(each.verdict == "starves, simulated" for each in cheaper)
    assert found.considered >= found.feasible > 0


def test_checkpoints_not_samples_size_the_store(parts: Parts, needs: Needs) -> None:
    """Reading tokens' worth of samples asks for one unit; the checkpoint in 20 s asks for five."""
    slow = replace(SMALL, rate=50.0)
    best = search(parts, slow, replace(needs, allowed=20.0), ["ddn-ai400x2"], (0,)).best
    assert best is not None
    assert best.sized_by == "checkpoints"
    assert best.choice.units == 5


@pytest.mark.slow
def test_enough_on_average_starves_while_a_checkpoint_is_written(parts: Parts, needs: Needs) -> None:
    eager = replace(needs, write_depth=16)
    found = search(parts, replace(SMALL, accelerators=1000, prefetch=4), eager, ["ddn-ai400x2"], (0,))
    assert found.naive is not None
    assert found.best is not None
    assert found.naive.choice.units == 4
    assert found.best.choice.units > 4
    assert found.naive.run is not None
    assert max(found.naive.run.starvation, found.naive.run.stalled) > 0.01
    assert found.naive.verdict.endswith("while a checkpoint is written")


def test_more_is_never_worse(parts: Parts, needs: Needs) -> None:
    few, many = (simulated(parts, SMALL, needs, Choice("ddn-ai400x2", units), 0) for units in (1, 3))
    assert many.stalled <= few.stalled


def test_small_files_need_metadata_servers(parts: Parts, needs: Needs) -> None:
    files = replace(SMALL, layout="files", accelerators=24)
    assert search(parts, files, needs, ["ddn-ai400x2"], (0,), metadata=1).best is None
    assert search(parts, files, needs, ["ddn-ai400x2"], (0,), metadata=3).best is not None


def test_the_least_that_is_sold_is_kept(parts: Parts) -> None:
    assert parts.fewest("wekapod-nitro") == 8
    assert parts.fewest("ddn-ai400x2") == 1


def test_a_system_without_figures_is_told(parts: Parts, needs: Needs) -> None:
    with pytest.raises(StorageError, match="cannot be sized"):
        search(parts, SMALL, needs, ["vast-ceres"])


def test_published_rows(catalog: Catalog) -> None:
    report = validate("storage", catalog)
    assert report.summary.predicted >= 35
    families = report.by(lambda p: p.family)
    assert families["checkpoint size"].median_ape < 0.25
    assert families["aggregate read"].worst_ape < 0.25
    assert all(row.reason for row in report.skipped)


def test_validate_takes_a_table_of_the_user_and_tells_what_is_wrong(catalog: Catalog, tmp_path: object) -> None:
    table = tmp_path / "own.csv"  # type: ignore[operator]
    table.write_text(
        "what,value,unit,parameters\n"
        "checkpoint size,98,GB,parameters=7e9\n"
        "checkpoint size,98,GB,\n"
        "checkpoint size,98,GB,parameters=seven\n"
        "weather,1,s,\n"
        "unit read,5,GB/s,units=1 system=nothing\n"
    )
    report = validate("storage", catalog, table)
    assert [p.ape for p in report.predictions] == [0]
    told = [row.reason for row in report.skipped]
    assert "lack parameters" in told[0]
    assert '"seven" is not a number' in told[1]
    assert '"weather" is not predicted' in told[2]
    assert 'no storage "nothing"' in told[3]


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


def test_simulate_shows_estimate_and_simulation() -> None:
    code, told = run("simulate", "storage", "--accelerators", "64", "--units", "1", "--steps", "20", "--json")
    assert code == 0
    data = json.loads(told)
    assert data["starvation"]["simulation"] == 0
    assert data["rate"]["delivered"] == pytest.approx(data["rate"]["demanded"], rel=0.01)
    code, told = run(
        "simulate", "storage", "--accelerators", "64", "--units", "1", "--steps", "24", "--checkpoint", "100 GB",
        "--every", "8", "--mode", "multi-tier", "--drives", "1",
    )  # fmt: skip
    assert code == 0
    assert "multi-tier, simulated, 1" in told


def test_plan_shows_chosen_and_runner_up() -> None:
    code, told = run("plan", "storage", "--accelerators", "100", "--drives", "0", "--checkpoint", "100 GB", "--json")
    data = json.loads(told)
    assert code == 0
    assert data["best"]["cost"] < data["runner_up"]["cost"]
    code, told = run("plan", "storage", "--accelerators", "100", "--system", "ddn-ai400x2")
    assert code == 0
    assert "runner-up" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["simulate", "storage", "--sample", "fast"], "--sample"),
        (["simulate", "storage", "--layout", "tape"], "layout: 'tape' is not one of files, records"),
        (["simulate", "storage", "--system", "nothing"], "no storage 'nothing'"),
        (["simulate", "storage", "--mode", "late", "--checkpoint", "1 TB"], "mode: 'late' is not one of"),
        (["simulate", "storage", "--accelerators", "8", "--steps", "4", "--plot", "a.pdf"], "--plot"),
        (["plan", "storage", "--starvation", "few"], "--starvation"),
        (["measure", "storage", "--limit", "0"], "limit: 0 is not allowed; 2 to 3600"),
    ],
)
def test_a_mistake_is_one_message(arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert told in done.output
    assert "Traceback" not in done.output
