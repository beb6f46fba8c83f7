"""Two hundred bad design files: each gets one clear message and exit code 2, and none a traceback."""

from __future__ import annotations

import copy
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from navarch.cli.app import app

ROOT = Path(__file__).parents[1]
SEED = 3
COUNT = 200
REAL_PROCESSES = 5

BASE: dict[str, Any] = {
    "name": "A fleet",
    "workload": {
        "model": "llama3.1-8b", "tokens": "50B tokens", "sequence_length": 8192, "global_batch": 128,
        "deadline": "30 days", "precision": "bf16",
    },
    "site": {"region": "grid-de", "power_limit": "70 kW", "pue": 1.4, "electricity_price": "0.2 USD/kWh"},
    "cluster": {"node": "hgx-h100-8", "nodes": 4, "topology": "fat-tree", "oversubscription": 1},
    "storage": {"system": "nvme-gen4", "units": 16, "bytes_per_token": "4 byte/token"},
    "parallelism": {"tensor": 4, "pipeline": 1, "data": 8, "microbatch": 1},
    "fault_tolerance": {"failure_rate": "2e-5 /h", "restart_time": "20 min", "repair_time": "3 days"},
    "serving": {
        "requests": "200000 requests/day", "prompt_tokens": 1500, "output_tokens": 300, "ttft": "1 s",
        "availability": "99.9 %", "node": "univ-4xl40s",
    },
    "carbon": {"budget": "400 t CO2e", "embodied": True},
    "cost": {"budget": "3 million USD", "horizon": "3 years", "ownership": "own", "discount_rate": "3 %"},
}  # fmt: skip

AMOUNTS = (
    "workload.deadline", "site.power_limit", "site.electricity_price", "storage.bytes_per_token", "cost.budget",
    "fault_tolerance.failure_rate", "fault_tolerance.restart_time", "serving.requests", "serving.ttft", "carbon.budget",
    "cost.horizon",
)  # fmt: skip
COUNTS = (
    "workload.sequence_length", "workload.global_batch", "cluster.nodes", "storage.units", "parallelism.tensor",
    "parallelism.data", "parallelism.microbatch", "serving.prompt_tokens",
)  # fmt: skip
CHOICES = ("workload.precision", "cluster.topology", "cost.ownership")
IDENTIFIERS = ("workload.model", "site.region", "cluster.node", "storage.system", "serving.node")
SECTIONS = tuple(name for name, value in BASE.items() if isinstance(value, dict))

WRONG_UNITS = (
    "5 parsecs",
    "3 kg",
    "7 apples/s",
    "12 GHz*K",
    "4",
    "1,5 h",
    "many",
    "5 MB per",
    "$5",
    "5 5 s",
    "--3 W",
    "3 °",
)
WRONG_TYPES = ([1, 2], {"a": 1}, True, [], {"value": 1, "low": None, "high": 2})
IMPOSSIBLE: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"parallelism.tensor": 16, "parallelism.data": 2}, "tensor parallelism beyond the node", "parallelism.tensor"),
    ({"parallelism.tensor": 3, "parallelism.data": None}, "heads that do not divide", "parallelism.tensor"),
    (
        {"parallelism.pipeline": 64, "parallelism.tensor": None, "parallelism.data": None},
        "more stages than layers",
        "parallelism.pipeline",
    ),
    ({"parallelism.data": 64}, "more ranks than accelerators", "parallelism.tensor x pipeline x data"),
    ({"parallelism.data": 2}, "fewer ranks than accelerators", "parallelism.data"),
    ({"parallelism.expert": 8}, "experts of a dense model", "parallelism.expert"),
    ({"parallelism.pipeline": 5, "parallelism.data": None}, "stages that do not divide the cluster", "pipeline"),
    ({"workload.model": "llama3.1-405b"}, "a model that does not fit", "GB too much"),
    ({"workload.global_batch": 4, "parallelism.data": None}, "a batch smaller than the replicas", "4 sequences"),
    ({"serving.tensor": 8}, "a replica larger than its node", "serving.tensor"),
)


@dataclass(frozen=True)
class Bad:
    """A bad file: what is wrong, its bytes (None: there is no file), and a word that the message must hold."""

    label: str
    content: bytes | None
    named: str = ""


def written(design: Any) -> bytes:
    return yaml.safe_dump(design, sort_keys=False, allow_unicode=True).encode()


def changed(changes: dict[str, Any]) -> bytes:
    design = copy.deepcopy(BASE)
    for path, value in changes.items():
        *sections, name = path.split(".")
        here = design
        for section in sections:
            here = here.setdefault(section, {})
        if value is None:
            here.pop(name, None)
        else:
            here[name] = value
    return written(design)


def wrong_unit(chance: random.Random) -> Bad:
    path, text = chance.choice(AMOUNTS), chance.choice(WRONG_UNITS)
    return Bad(f"{path}: {text}", changed({path: text}), path)


def negative(chance: random.Random) -> Bad:
    path = chance.choice(AMOUNTS + COUNTS)
    value = -chance.randint(1, 99) if path in COUNTS else f"-{BASE[path.split('.')[0]][path.split('.')[1]]}"
    return Bad(f"{path}: {value}", changed({path: value}), path)


def unknown_key(chance: random.Random) -> Bad:
    section = chance.choice(("", *(f"{name}." for name in SECTIONS)))
    key = "".join(chance.choice("abcdefgh_<>&$#\"'{}") for _ in range(chance.randint(1, 12))).strip("_") or "x"
    return Bad(f"{section}{key}", changed({f"{section}{key}": 1}), "is not a known key")


def misspelt(chance: random.Random) -> Bad:
    path = chance.choice(AMOUNTS + COUNTS)
    section, name = path.split(".")
    at = chance.randrange(1, len(name))
    value = BASE[section].get(name)
    return Bad(
        f"{path} without letter {at}", changed({path: None, f"{section}.{name[:at]}{name[at + 1 :]}": value}), "mean"
    )


def wrong_type(chance: random.Random) -> Bad:
    path = chance.choice(AMOUNTS + COUNTS + CHOICES + IDENTIFIERS + SECTIONS + ("name",))
    value = chance.choice(WRONG_TYPES)
    if path in SECTIONS:
        value = chance.choice(([1], "text", 5, True))
    return Bad(f"{path}: {value!r}", changed({path: value}), path)


def not_finite(chance: random.Random) -> Bad:
    path = chance.choice(AMOUNTS + COUNTS)
    value = chance.choice((float("nan"), float("inf"), float("-inf"), "nan", "inf s", "1e999 W", 10**400))
    return Bad(f"{path}: {str(value)[:20]}", changed({path: value}), path)


def bad_interval(chance: random.Random) -> Bad:
    path = chance.choice(("site.electricity_price", "cost.discount_rate", "site.pue"))
    value = {"site.electricity_price": "0.08 USD/kWh", "cost.discount_rate": "8 %", "site.pue": "1.3"}[path]
    written_as = chance.choice(
        ({"value": value, "low": 2, "high": 3}, {"value": value, "low": 1.0}, {"low": 1, "high": 2},
         {"value": value, "low": "1 m", "high": "2 m"}, {"value": value, "low": 0, "high": 9, "mean": 3})
    )  # fmt: skip
    return Bad(f"{path}: {written_as}", changed({path: written_as}), path)


def wrong_choice(chance: random.Random) -> Bad:
    path = chance.choice(CHOICES)
    return Bad(f"{path}: none of them", changed({path: chance.choice(("ring", "BF16", "", "yes", 8))}), path)


def contradiction(chance: random.Random) -> Bad:
    changes, named = chance.choice(
        (({"workload.compute": "3e23 FLOP"}, "workload.compute"),
         ({"cluster.accelerators": 32}, "cluster.accelerators"),
         ({"fault_tolerance.failures": "llama3-2024"}, "fault_tolerance.failures"),
         ({"serving.users_regions": {"grid-de": 0.5, "grid-us": chance.random() * 0.4}}, "serving.users_regions"),
         ({"workload.global_batch": 129}, "workload.global_batch"),
         ({"privacy": {"method": "none", "epsilon": chance.randint(1, 9)}}, "privacy.epsilon"),
         ({"cost.accelerator_rent": "2 USD/h"}, "cost.accelerator_rent"))
    )  # fmt: skip
    return Bad(named, changed(changes), named)


def truncated(chance: random.Random) -> Bad:
    whole = written({**BASE, "summary": "a: [b"}) + b'site: {pue: [1, "'
    return Bad("truncated", whole[: chance.randint(len(whole) - 14, len(whole))])


def duplicate_key(chance: random.Random) -> Bad:
    name = chance.choice(("name", *SECTIONS))
    return Bad(f"{name} twice", written(BASE) + f"{name}: again\n".encode(), "is given twice")


def trick(chance: random.Random) -> Bad:
    text = chance.choice(
        ("name: &a A\nsummary: *a\n", "name: !!python/object/apply:os.system [ls]\n", "name: A\n---\nname: B\n",
         "[1, 2, 3]", "", "just text", "name: A\n\tworkload: x\n", "{" * 5000, "name: A\n<<: {a: 1}\n", "? [a]\n: b\n",
         "name: \x07\n", "%YAML 9.9\n---\nname: A\n", "name: 'A\n", "@name: A\n", "name: `A`\n", "- name: A\n")
    )  # fmt: skip
    return Bad(f"trick {text[:20]!r}", text.encode())


def noise(chance: random.Random) -> Bad:
    return Bad("noise", chance.randbytes(chance.randint(1, 2000)))


def not_there(chance: random.Random) -> Bad:
    return Bad(f"missing file {chance.randint(0, 99)}", None, "there is no such file")


def too_large(chance: random.Random) -> Bad:
    line = chance.choice((b"a: 1\n", b"- [x, y]\n", b"# no comment\n"))
    return Bad("10 MB", line * (10_000_000 // len(line)), "larger than 1 MB")


def unknown_name(chance: random.Random) -> Bad:
    path = chance.choice(IDENTIFIERS)
    return Bad(f"{path}: unknown", changed({path: chance.choice(("no-such-thing", "H100", "../../etc/passwd", "<b>"))}))


def impossible(chance: random.Random) -> Bad:
    changes, label, named = chance.choice(IMPOSSIBLE)
    return Bad(label, changed(changes), named)


KINDS: tuple[Callable[[random.Random], Bad], ...] = (
    wrong_unit, negative, unknown_key, misspelt, wrong_type, not_finite, bad_interval, wrong_choice, contradiction,
    truncated, duplicate_key, trick, noise, not_there, too_large, unknown_name, impossible,
)  # fmt: skip


def bad_files() -> Iterator[Bad]:
    """Yield bad files, the kinds in turn, each time with another mistake; every impossible plan at least once."""
    chance = random.Random(SEED)
    yield from (Bad(label, changed(changes), named) for changes, label, named in IMPOSSIBLE)
    for number in range(COUNT - len(IMPOSSIBLE)):
        yield KINDS[number % len(KINDS)](chance)


BAD = list(bad_files())


def placed(bad: Bad, folder: Path) -> Path:
    file = folder / "design.yaml"
    if bad.content is not None:
        file.write_bytes(bad.content)
    return file


def assert_told(bad: Bad, code: int, out: str, err: str) -> None:
    assert code == 2, (bad.label, out, err)
    assert out == ""
    assert err.startswith("navarch: ")
    assert "Traceback" not in err
    assert bad.named in err
    assert len(err.splitlines()) == 1 or "problems in the design" in err.splitlines()[0]
    assert len(err.splitlines()[0]) < 1000
    assert all(character.isprintable() or character == "\n" for character in err)


def test_the_design_without_a_mistake_is_fine(tmp_path: Path) -> None:
    file = placed(Bad("none", written(BASE)), tmp_path)
    assert CliRunner().invoke(app, ["check", str(file)]).exit_code in (0, 1)


def test_there_are_two_hundred() -> None:
    assert len(BAD) == COUNT
    assert len({bad.content for bad in BAD}) > COUNT * 0.7


@pytest.mark.parametrize("bad", BAD, ids=[f"{number}: {bad.label[:40]}" for number, bad in enumerate(BAD)])
def test_a_bad_file_gets_one_clear_message(bad: Bad, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", str(placed(bad, tmp_path))], prog_name="navarch")
    if not isinstance(done.exception, SystemExit):
        raise AssertionError(bad.label) from done.exception
    assert_told(bad, done.exit_code, done.stdout, done.stderr)


@pytest.mark.parametrize("number", [round(i * (COUNT - 1) / (REAL_PROCESSES - 1)) for i in range(REAL_PROCESSES)])
def test_so_it_is_in_a_process_of_its_own(number: int, tmp_path: Path) -> None:
    file = placed(BAD[number], tmp_path)
    command = [sys.executable, "-m", "navarch.cli", "check", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT / "src", check=False)
    assert_told(BAD[number], done.returncode, done.stdout, done.stderr)
