"""Fit the constants of collective libraries and write them, each with its error on rows that the fit has not seen.

Usage: python scripts/fit_collectives.py [--data FOLDER]    (default ../shared/data)

Within a node: twelve constants a collective and accelerator (base, step, bandwidth and crowding of three protocols),
two more where switches reduce, from nccl.parquet and custom_allreduce.parquet; four an operation of expert exchange,
accelerator and number of nodes, from deepep_*.parquet. Between nodes: four constants a kind of
network from the calibration half of the catalog table of collectives. Least squares of the logarithm of the error,
outliers counting less, from a few fixed starts, held near priors of NCCL's own tuning.
Rows kept out: navarch.validation.collective_tables.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from scipy.optimize import least_squares

from navarch.catalog import load
from navarch.distributed.collectives import expert_exchange, library
from navarch.validation.collective_tables import (
    EXCHANGES,
    SINGLE_NODE,
    Exchanged,
    Measured,
    across_rows,
    exchanged_of,
    is_kept_out,
    measured_of,
)

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src/navarch/catalog/data/constants/collective-library.yaml"
SHARED = ROOT.parent / "shared/data"
PACKAGE = "aiconfigurator-core 0.12.0, measured collectives"
URL = "https://github.com/ai-dynamo/aiconfigurator"
HEADER = """\
# Written by scripts/fit_collectives.py from measured collectives of the public package aiconfigurator-core 0.12.0
# (NVIDIA, Apache-2.0) and of the catalog table of collectives. Do not edit by hand.
collection: constant
"""
PARTS = ("base", "step", "bandwidth", "crowding", "least")
MOST_TITLE = "Most ranks that the library was measured with"
LEAST = 8
"""Ranks from which on the curves of numbers that switches reduce, and of those that they do not, part."""
UNITS = {"least": "1", "base": "s", "step": "s", "bandwidth": "byte/s", "crowding": "1"}
TITLES = {
    "least": "Ranks from which on switches reduce",
    "base": "Time that any message takes", "step": "Latency of a step", "bandwidth": "Bandwidth of a rank",
    "crowding": "Exponent with which bandwidth falls as ranks join",
}  # fmt: skip
ORDINALS = {
    "first": "protocol that waits least",
    "second": "middle protocol",
    "third": "protocol that carries most",
    "in-network": "reduced by the switches",
}
PRIOR = {"first": (5e-6, 1e-6, 30e9), "second": (7e-6, 1.5e-6, 100e9), "third": (15e-6, 2e-6, None)}
SPREAD = np.array([1.4, 2.0, 3.0, 0.6] * 3)
"""How far constants may lie from their prior: of the logarithm, and of the exponent."""
NETWORK_PRIOR = np.array([np.log(20e-6), np.log(5e-6), np.log(0.9), np.log(0.05)])
NETWORK_SPREAD = np.array([1.0, 1.0, 0.2, 0.7])
EXCHANGE_CHOICE = 1e-9
EXCHANGE_SPREAD = np.array([1.0, 2.0, 1.0, 2.0])
EXCHANGE_TITLES = {
    "floor": "Least time", "base": "Time beside the transfer", "bandwidth": "Bandwidth of a rank",
    "choice": "Time for one token and expert",
}  # fmt: skip
COLUMNS = ("id", "title", "value", "unit", "from")
NETWORK_TITLES = {
    "base": ("s", "What two nodes wait for the network"),
    "hop": ("s", "What each doubling of the nodes adds"),
    "efficiency": ("fraction", "Share of the adapters' bandwidth that two nodes reach"),
    "congestion": ("1", "Exponent with which it falls as nodes join"),
}
ERROR, STARTS, POWER = 0.1, 6, 6
REDUCING = ("h100-sxm", "h200-sxm", "b200-sxm", "gb200")
"""Measured accelerators whose switches reduce: Hopper and later with NVSwitch (NCCL 2.18)."""
REDUCER_PRIOR, REDUCER_SPREAD = (np.log(20e-6), np.log(0.6)), (1.4, 0.5)
"""Base, and bandwidth as a share of the link."""


def tuned_of(collective: str, x: np.ndarray) -> library.Tuned:
    """The constants from the vector of the fit: logarithms, and exponents as they are."""
    three = tuple(library.Protocol(*np.exp(x[i : i + 3]), x[i + 3]) for i in (0, 4, 8))
    return library.Tuned(
        collective, three, np.inf, "", "", library.Reducer(*np.exp(x[12:]), LEAST) if len(x) > 12 else None
    )


def smooth(tuned: library.Tuned, message: np.ndarray, ranks: np.ndarray, floating: bool) -> np.ndarray:
    """Time in the fastest protocol, with corners that a fit can round."""
    return (np.array(tuned.times(message, ranks, floating)) ** -POWER).sum(axis=0) ** (-1 / POWER)


def least(residuals: Callable[[np.ndarray], np.ndarray], prior: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The best of a few fits from fixed starts."""
    random = np.random.default_rng(1)
    starts = [prior] + [prior + random.normal(size=len(prior)) * spread / 4 for _ in range(STARTS - 1)]

    def held(x: np.ndarray) -> np.ndarray:
        return np.r_[residuals(x) / ERROR, (x - prior) / spread]

    return min((least_squares(held, start, loss="soft_l1") for start in starts), key=lambda r: r.cost).x


def within(rows: list[Measured], collective: str, link: float | None) -> np.ndarray:
    """Constants of one collective on one accelerator; link: of the accelerator where its switches reduce [byte/s]."""
    groups = []
    for floating in (True, False):
        mine = [r for r in rows if r.floating is floating]
        groups.append((floating, *(np.array([getattr(r, n) for r in mine]) for n in ("message", "ranks", "time"))))
    most = max(r.message / r.time for r in rows)
    prior = np.concatenate([[*np.log([base, step, rate or most]), 0.0] for base, step, rate in PRIOR.values()])
    spread = SPREAD
    if link is not None:
        base, share = REDUCER_PRIOR
        prior, spread = np.r_[prior, base, share + np.log(link)], np.r_[SPREAD, REDUCER_SPREAD]

    def residuals(x: np.ndarray) -> np.ndarray:
        tuned = tuned_of(collective, x)
        return np.concatenate([
            np.log(smooth(tuned, message, ranks, floating) / time) for floating, message, ranks, time in groups
        ])  # fmt: skip

    return least(residuals, prior, spread)


def between(catalog: Any, rows: list[Any]) -> np.ndarray:
    """Constants of one kind of network."""

    def residuals(x: np.ndarray) -> np.ndarray:
        return np.array([np.log(row.predicted(catalog, library.Network(*np.exp(x))) / row.time) for row in rows])

    return least(residuals, NETWORK_PRIOR, NETWORK_SPREAD)


def told(errors: np.ndarray, fitted: int) -> str:
    """The note of a fit."""
    if not len(errors):
        return f"Fitted to {fitted} rows; none kept out."
    median, high = np.median(errors), np.quantile(errors, 0.9)
    return f"Fitted to {fitted} rows; on {len(errors)} kept out: median error {median:.1%}, 90th percentile {high:.1%}."


def entries_within(rows: list[Measured], key: tuple[str, str, str], link: float | None, note: Callable[[str], str]):
    """The catalog entries of one library, collective and accelerator, and what the fit reached."""
    name, collective, accelerator = key
    seen = [r for r in rows if not is_kept_out(r)]
    aside = [r for r in rows if is_kept_out(r)]
    found = tuned_of(collective, within(seen, collective, link))
    errors = np.array([abs(float(found.time(r.message, r.ranks, r.floating)) / r.time - 1) for r in aside])
    source = note(told(errors, len(seen)))
    stem = f"{library.PREFIX}.{name}.{collective}.{accelerator}"
    most = max(r.ranks for r in rows)
    yield {"id": f"{stem}.{library.MOST}", "title": MOST_TITLE, "value": most, "unit": "1", "from": source}
    ways = [*zip(library.PROTOCOLS, found.protocols, strict=True)]
    ways += [] if found.reducer is None else [(library.IN_NETWORK, found.reducer)]
    for ordinal, way in ways:
        for part in (p for p in PARTS if hasattr(way, p)):
            yield {
                "id": f"{stem}.{ordinal}.{part}",
                "title": f"{TITLES[part]}, {ORDINALS[ordinal]}",
                "value": float(f"{getattr(way, part):.4g}"),
                "unit": UNITS[part],
                "from": source,
            }


def exchanging(rows: list[Exchanged]) -> np.ndarray:
    """Constants of one operation of expert exchange on one accelerator and number of nodes."""
    tokens, width, choices, time = (
        np.array([getattr(r, n) for r in rows]) for n in ("tokens", "token_bytes", "choices", "time")
    )
    ranks, last = rows[0].ranks, int(np.argmax(tokens))
    reached = ranks * (1 - (1 - 1 / ranks) ** choices[last])
    rate = tokens[last] * width[last] * reached / time[last]
    prior = np.log([time.min(), time.min() / 2, rate, EXCHANGE_CHOICE])

    def residuals(x: np.ndarray) -> np.ndarray:
        return np.log(expert_exchange.Exchange(*np.exp(x)).time(tokens, width, choices, ranks) / time)

    return least(residuals, prior, EXCHANGE_SPREAD)


def entries_exchanging(rows: list[Exchanged], note: Callable[[str], str]):
    """The catalog entries of one operation, accelerator and number of nodes, and what the fit reached."""
    seen, aside = ([r for r in rows if is_kept_out(r) is flag] for flag in (False, True))
    found = expert_exchange.Exchange(*np.exp(exchanging(seen)))
    errors = np.array([abs(found.time(r.tokens, r.token_bytes, r.choices, r.ranks) / r.time - 1) for r in aside])
    source, first = note(told(errors, len(seen))), rows[0]
    stem = f"{library.PREFIX}.deepep-{first.mode}.{first.operation}.{first.accelerator}.nodes-{first.nodes}"
    for part in expert_exchange.PARTS:
        yield {
            "id": f"{stem}.{part}",
            "title": f"{EXCHANGE_TITLES[part]}, {first.operation}, {first.mode} kernels",
            "value": float(f"{getattr(found, part):.4g}"),
            "unit": "byte/s" if part == "bandwidth" else "s",
            "from": source,
        }


class Written:
    """What goes into the catalog: entries, and the source of each group of them."""

    def __init__(self) -> None:
        self.entries: list[dict] = []
        self.sources: dict[str, dict] = {}

    def source(self, name: str, note: str, told: str, url: str, kind: str = "measured") -> str:
        self.sources[name] = {
            "source": f"{told}; fitted by scripts/fit_collectives.py", "url": url, "date": "2026", "kind": kind,
            "note": note,
        }  # fmt: skip
        print(f"{name}: {note}")
        return name

    def noted(self, *names: object) -> Callable[[str], str]:
        """Takes the note of a fit to measured collectives, and names its source."""
        return lambda note: self.source(".".join(map(str, names)), note, PACKAGE, URL)

    def save(self) -> None:
        """Write the catalog's files, each whole or not at all."""
        flat = {"width": 10_000, "default_flow_style": True, "sort_keys": False, "allow_unicode": True}
        named = (f"  {name}: {yaml.safe_dump(said, **flat).strip()}\n" for name, said in self.sources.items())
        table = io.StringIO()
        rows = csv.DictWriter(table, COLUMNS, lineterminator="\n")
        rows.writeheader()
        rows.writerows(self.entries)
        for target, text in (
            (TARGET.with_suffix(".csv"), table.getvalue()),
            (TARGET, f"{HEADER}table: {TARGET.stem}.csv\nsources:\n{''.join(named)}"),
        ):
            part = target.with_suffix(".partial")
            part.write_text(text, "utf-8")
            part.replace(target)


def fit_within(folder: Path, to: Written) -> None:
    """Fit the libraries within a node."""
    groups: dict[tuple[str, str, str], list[Measured]] = {}
    for file in SINGLE_NODE:
        for row in pl.read_parquet(folder / file).iter_rows(named=True):
            made = measured_of(row)
            groups.setdefault((made.library, made.collective, made.accelerator), []).append(made)
    catalog = load()
    for key, rows in sorted(groups.items()):
        name, collective, accelerator = key
        reduces = name == "nccl" and collective == library.ALL_REDUCE and accelerator in REDUCING
        link = catalog.fact("accelerator", accelerator, "scaleup_bandwidth").value if reduces else None
        to.entries += entries_within(rows, key, link, to.noted(*key))


def fit_exchanges(folder: Path, to: Written) -> None:
    """Fit the exchange of tokens between experts."""
    groups: dict[tuple[str, str, str, int], list[Exchanged]] = {}
    for file in EXCHANGES:
        for row in pl.read_parquet(folder / file).iter_rows(named=True):
            for made in exchanged_of(row):
                groups.setdefault((made.mode, made.operation, made.accelerator, made.nodes), []).append(made)
    for (mode, operation, accelerator, nodes), rows in sorted(groups.items()):
        to.entries += entries_exchanging(rows, to.noted(f"deepep-{mode}", operation, accelerator, f"nodes-{nodes}"))


def fit_networks(to: Written) -> None:
    """Fit the kinds of network, with the libraries within a node as they were just fitted."""
    catalog = load()
    rows = across_rows(catalog)
    for kind in library.NETWORKS:
        mine = [r for r in rows if r.kind == kind]
        seen, aside = ([r for r in mine if r.calibrates is flag] for flag in (True, False))
        network = library.Network(*(float(f"{v:.4g}") for v in np.exp(between(catalog, seen))))
        errors = np.array([abs(r.predicted(catalog, network) / r.time - 1) for r in aside])
        note = told(errors, len(seen))
        source = to.source(f"network.{kind}", note, "catalog table collectives", "", "measured" if seen else "estimate")
        for name, (unit, title) in NETWORK_TITLES.items():
            value = getattr(network, name)
            identifier = f"{library.PREFIX}.network.{kind}.{name}"
            to.entries.append({"id": identifier, "title": title, "value": value, "unit": unit, "from": source})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=SHARED)
    folder = options.parse_args().data / "silicon"
    written = Written()
    fit_within(folder, written)
    fit_exchanges(folder, written)
    written.save()
    fit_networks(written)
    written.save()


if __name__ == "__main__":
    main()
