"""Fit the constants of the kernel time models and write them, each with its error on rows that the fit has not seen.

Usage: python scripts/fit_kernels.py [--data FOLDER] [--only KIND ...]    (default ../shared/data/silicon)

The constants minimise the mean of |log(predicted / measured)| over the rows that are not kept out, by Nelder-Mead from
fixed starting values; large errors count less, so that a kernel chosen badly by a library does not bend the rest. Which
rows are kept out follows from a hash of their shape (navarch.validation.kernel_tables).
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from scipy.optimize import minimize

from navarch.catalog import Catalog, load
from navarch.core.ledger import Fact
from navarch.fleet.compute.fitted import PREFIX, Fitted
from navarch.validation.kernel_tables import SYSTEMS, TABLES, KernelTable, kept_out, kernel_of

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src/navarch/catalog/data/constants/kernels.csv"
SHARED = ROOT.parent / "shared/data/silicon"
FILES = {
    "matmul": "gemm", "attention-context": "attention_context", "attention-generation": "attention_generation",
    "latent-context": "mla_context", "latent-generation": "mla_generation", "experts": "moe",
}  # fmt: skip
SATURATION = 0.5
RIDGE = 1e-4
HEADER = """\
# Written by scripts/fit_kernels.py from measured kernels of the public package aiconfigurator-core 0.12.0 (NVIDIA,
# Apache-2.0). Do not edit by hand. The constants stand in the table, each with the error of its fit.
"""
COLUMNS = ("id", "title", "value", "unit", "low", "high", "kind", "from", "note")
URL = "https://github.com/ai-dynamo/aiconfigurator"


@dataclass(frozen=True)
class Start:
    """One constant before the fit: its starting value, most that it may be, unit and title."""

    value: float
    unit: str
    title: str
    most: float = np.inf
    least: float = 0.0
    fixed: bool = False
    note: str = "Not fitted: the measurements do not show it, or it is known from the library."


COMMON = {
    "efficiency": Start(0.8, "fraction", "Share of the peak reached within a tile", 1.0),
    "core-bandwidth": Start(1e11, "byte/s", "Rate at which one core pulls operands"),
    "tile-overhead": Start(1e-6, "s", "Time to fill and empty a tile's pipeline"),
    "launch": Start(3e-6, "s", "Time to launch"),
    "cache-share": Start(0.6, "fraction", "Share of the cache that keeps data from run to run", 1.0),
    "memory-efficiency": Start(0.9, "fraction", "Share of the memory bandwidth reached", 1.0),
    "cache-bandwidth": Start(1.0, "1", "Rate of the cache over the memory's"),
    "clock-drop": Start(0.15, "fraction", "By how much the power limit makes a long product longer"),
}
SPLIT = {
    "least-depth": Start(600, "1", "Shortest part of a split sum"),
    "split-overhead": Start(2e-6, "s", "Time of the second pass of a split sum"),
}
PERSISTENT = {"wave-rounding": Start(0.3, "fraction", "Share of the waves of tiles that is rounded up", 1.0)}
"""Blackwell's kernels stay on the cores: waves of tiles flow into each other, and stores overlap with computing."""
STORES = {"store-moves": Start(1.0, "1", "Times that the result is moved after each tile")}
QUANTISE = {
    "row-time": Start(1e-7, "s", "Time of a core to quantise a row"),
    "step-time": Start(1e-7, "s", "Time of a core for each step of a row that is quantised"),
    "quantisation-traffic": Start(4.0, "byte", "Bytes moved to quantise an element"),
}
BLOCKS = QUANTISE | {
    "launch": Start(3e-6, "s", "Time to launch", fixed=True),
    "cache-share": Start(0.6, "fraction", "Share of the cache that keeps data from run to run", fixed=True),
    "cache-bandwidth": Start(1.0, "1", "Rate of the cache over the memory's", fixed=True),
    "row-time": Start(1e-8, "s", "Time of a core to quantise a row", fixed=True),
    "step-time": Start(1e-8, "s", "Time of a core for each step of a row that is quantised", fixed=True),
}
"""Block-scaled products hide what is short behind the time of the host; these constants stay where they start."""
HOST = {
    "host": Start(1e-4, "s", "Time of the host to launch one product"),
    "host-padding": Start(1e-5, "s", "Time of the host to pad rows"),
    "host-fallback": Start(1.7e-4, "s", "Time of the host where the shape does not fit the blocks"),
}
BY_ROWS = {"middle-reach": Start(128, "1", "Most rows that the middle tile is used for", fixed=True)}
ADA = {
    "middle-reach": Start(256, "1", "Most rows that the middle tile is used for", fixed=True),
    "store-rate": Start(3e11, "byte/s", "Rate of the store out of tiles too large for the registers"),
} | STORES
HOPPER = {"host-few-rows": Start(6e-5, "s", "Time of the host to launch a product of few rows")}


ATTENTION = {
    "efficiency": Start(0.7, "fraction", "Share of the BF16 peak reached within a tile", 1.0),
    "tile-overhead": Start(2e-6, "s", "Time to fill and empty a tile's pipeline"),
    "memory-efficiency": Start(0.6, "fraction", "Share of the memory bandwidth reached", 1.0),
    "cache-share": Start(0.6, "fraction", "Share of the cache that keeps data from run to run", 1.0),
    "cache-bandwidth": Start(1.0, "1", "Rate of the cache over the memory's"),
    "launch": Start(1e-5, "s", "Time to launch"),
}
CONTEXT = ATTENTION | {
    "exponential": Start(3.5e-11, "s", "Time of a core for the exponential of a query and a key"),
    "overlap": Start(2.0, "1", "Overlap of exponentials with matrix products", least=1.0),
    "balance": Start(1.5, "1", "Sharpness of the corner between many tiles and one long one", least=1.0),
    "cache-moves": Start(2.0, "1", "Times that keys and values are moved"),
}
GENERATION = ATTENTION | {
    "core-bandwidth": Start(1e11, "byte/s", "Rate at which one core pulls the cache"),
    "least-keys": Start(250, "1", "Shortest part of a split cache"),
    "split-overhead": Start(1.5e-6, "s", "Time to join the parts of a split cache"),
    "query-moves": Start(3.0, "1", "Times that queries and results are moved"),
    "sharpness": Start(1.7, "1", "Sharpness of the corner between computing and moving", least=1.0),
}
REGROUPING = {"regrouping": Start(4e-6, "s", "Time to put the result of grouped queries back in order")}
"""What FlashAttention-2 does: on accelerators before Hopper, with a cache of sixteen bits."""
FILL = {"fill": Start(1e-8, "s", "Time to fill the pipeline for each element of a key and its value")}
"""What FlashAttention-3 does, on Hopper."""
BEST = "Not fitted: of seven pairs (1 to 4 parts, 1 to 8 blocks), the best on the rows of the fit."
WHOLE_CACHE = {name: start for name, start in ATTENTION.items() if name != "efficiency"} | {
    "efficiency": Start(0.4, "fraction", "Share of the BF16 peak that a block reaches alone on a core", 1.0),
    "head-rows": Start(64, "1", "Heads of a block", fixed=True),
    "sharing": Start(0.5, "1", "Power of the blocks on a core by which each is slower", 1.0),
    "query-moves": Start(3.0, "1", "Times that queries and results are moved"),
    "sharpness": Start(1.7, "1", "Sharpness of the corner between computing and moving", least=1.0),
}
"""What TensorRT-LLM's latent attention does before Hopper: the cache of a sequence is not split."""
BLOCKS_OF_A_CORE = {"a100-sxm-80gb": (2, 2), "l40s": (4, 4)}
"""Parts that the columns of its result are split into, and blocks that a core takes at once."""
EXPERTS = {
    "efficiency": Start(0.6, "fraction", "Share of the peak reached within a tile", 1.0),
    "core-bandwidth": Start(1e11, "byte/s", "Rate at which one core pulls operands"),
    "tile-overhead": Start(1e-6, "s", "Time to fill and empty a tile's pipeline"),
    "memory-efficiency": Start(0.8, "fraction", "Share of the memory bandwidth reached", 1.0),
    "own-moves": Start(1.0, "1", "Times that activations of a rank's own choices are moved"),
    "every-moves": Start(0.3, "1", "Times that activations of all choices are moved"),
    "launch": Start(3e-5, "s", "Time to launch all kernels of a layer"),
    "sharpness": Start(2.0, "1", "Sharpness of the corner between computing and moving", least=1.0),
}
MARLIN = {
    "tile-fill": Start(
        0.9, "fraction", "Fill of a tile above which a higher one is taken", fixed=True,
        note="Not fitted: fused_marlin_moe of vLLM.",
    )
}  # fmt: skip
TWO_TILES = {
    "many-rows": Start(
        64, "1", "Rows of a tile where tokens outnumber experts", fixed=True,
        note="Not fitted: get_default_config of vLLM 0.14.",
    )
}  # fmt: skip
"""What the fused expert kernels of vLLM 0.14 do, which measured the A100."""
MAPPING = {"mapping": Start(3e-5, "s", "Time to map choices to the experts of a rank")}
"""What Triton's kernels do where experts are spread over ranks."""
EIGHT_BITS = {"efficiency": Start(0.8, "1", "Rate within a tile over the BF16 peak", 2.0)}
"""What an eight-bit cache changes: products may run at the rate of eight bits."""


def starts(kind: str, accelerator: str, precision: str) -> dict[str, Start]:
    """The constants to fit, with their starting values."""
    if kind == "matmul":
        tiles = ADA if accelerator.startswith("l40") else BY_ROWS
        flow = PERSISTENT if accelerator.startswith(("b200", "gb200")) else STORES
        more = {"bf16": SPLIT | flow, "fp8": QUANTISE | tiles, "fp4": QUANTISE, "fp8_block": BLOCKS | HOST}[precision]
        if precision == "fp8_block" and accelerator.startswith(("h100", "h200")):
            more = more | HOPPER
        return COMMON | more
    if kind == "experts":
        return EXPERTS | experts_of(accelerator, precision)
    if kind == "latent-generation" and accelerator in BLOCKS_OF_A_CORE:
        return WHOLE_CACHE | blocks_of(accelerator)
    own = CONTEXT if kind.endswith("context") else GENERATION
    if kind == "attention-generation" and accelerator.startswith(("h100", "h200")):
        own = own | FILL
    if precision.endswith("fp8"):
        return own | EIGHT_BITS
    before_hopper = kind == "attention-generation" and accelerator.startswith(("a100", "l40"))
    return own | REGROUPING if before_hopper else own


def experts_of(accelerator: str, precision: str) -> dict[str, Start]:
    """The constants that only some libraries' expert products have."""
    if precision in ("int4", "mxfp4-marlin") or (accelerator, precision) == ("l40s", "mxfp4"):
        return MARLIN
    if accelerator.startswith("a100"):
        return TWO_TILES
    triton = precision == "mxfp4" and accelerator.startswith(("h100", "h200"))
    return MAPPING if triton else {}


def blocks_of(accelerator: str) -> dict[str, Start]:
    """The whole numbers of latent attention that leaves the cache whole."""
    parts, resident = BLOCKS_OF_A_CORE[accelerator]
    return {
        "column-parts": Start(parts, "1", "Parts of the columns of the result, one a block", fixed=True, note=BEST),
        "resident": Start(resident, "1", "Blocks that a core takes at once", fixed=True, note=BEST),
    }


def groups(table: KernelTable, folder: Path) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """The rows of each accelerator and precision."""
    rows = pl.read_parquet(folder / f"{FILES[table.kind]}.parquet").sort("system", *table.precision, *table.shape)
    names = [kernel_of(table, row) for row in rows.iter_rows(named=True)]
    for (system, name), part in rows.with_columns(kernel=pl.Series(names)).group_by(
        "system", "kernel", maintain_order=True
    ):
        yield SYSTEMS.get(str(system), str(system)), str(name), part


def constants_of(kind: str, accelerator: str, precision: str, values: Mapping[str, float], source: str) -> Fitted:
    """Constants as the kernels take them."""
    known = starts(kind, accelerator, precision)
    facts = {n: Fact(f"{PREFIX}.{n}", v, known[n].unit, known[n].title, source) for n, v in values.items()}
    return Fitted(accelerator, accelerator, "", False, facts)


class Fit:
    """One fit: rows of one kind of kernel on one accelerator at one precision."""

    def __init__(
        self, catalog: Catalog, table: KernelTable, accelerator: str, precision: str, rows: pl.DataFrame
    ) -> None:
        self.catalog, self.table, self.accelerator, self.precision = catalog, table, accelerator, precision
        self.measured = rows["latency_ms"].to_numpy() * 1e-3
        self.kept_out = kept_out(table.kind, rows.select(table.shape).rows())
        self.shapes = {name: rows[name].to_numpy() for name in (*table.shape, *table.also)}
        self.starts = starts(table.kind, accelerator, precision)
        self.framework = ", ".join(sorted(rows["framework_version"].unique()))
        self.seen = {name: column[~self.kept_out] for name, column in self.shapes.items()}
        self.wanted = np.log(self.measured[~self.kept_out])

    def predict(self, values: Mapping[str, float], shapes: Mapping[str, np.ndarray]) -> np.ndarray:
        constants = constants_of(self.table.kind, self.accelerator, self.precision, values, self.framework)
        return self.table.time(self.catalog, self.accelerator, self.precision, shapes, constants)

    def values(self, point: np.ndarray) -> dict[str, float]:
        free = {name: s for name, s in self.starts.items() if not s.fixed}
        least, most = zip(*((s.least, s.most) for s in free.values()), strict=True)
        fitted = dict(zip(free, np.clip(np.exp(point), least, most).tolist(), strict=True))
        return {name: fitted.get(name, s.value) for name, s in self.starts.items()}

    def point(self, values: Mapping[str, float]) -> np.ndarray:
        """Constants as the search sees them; those that are not given start where they always do."""
        return np.log([values.get(name, s.value) for name, s in self.starts.items() if not s.fixed])

    def loss(self, point: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            errors = np.abs(np.log(self.predict(self.values(point), self.seen)) - self.wanted)
        errors = np.where(np.isfinite(errors), errors, 10.0)
        drift = point - self.point({})
        return float(np.mean(errors / (1 + errors / SATURATION)) + RIDGE * drift @ drift)

    def run(self, sibling: Mapping[str, float]) -> dict[str, float]:
        """The fitted constants, to four digits: the better of two searches, one from the constants of a sibling."""
        found = [self.search(self.point(start)) for start in ([{}, sibling] if sibling else [{}])]
        return {name: float(f"{value:.4g}") for name, value in self.values(min(found, key=self.loss)).items()}

    def search(self, point: np.ndarray, rounds: int = 4, calls: int = 1500) -> np.ndarray:
        """Nelder-Mead, started anew from where it ended with smaller and smaller steps."""
        for turn in range(rounds):
            steps = np.diag(np.where(np.arange(point.size) % 2, 0.25, -0.25)) / (turn + 1)
            options: dict[str, object] = {"initial_simplex": np.vstack([point, point + steps]), "adaptive": True}
            options |= {"maxfev": calls, "maxiter": calls, "xatol": 1e-3, "fatol": 1e-6}
            point = minimize(self.loss, point, method="Nelder-Mead", options=options).x
        return point

    def errors(self, values: Mapping[str, float]) -> np.ndarray:
        return self.predict(values, self.shapes) / self.measured - 1


def told_of(start: Start) -> dict[str, str]:
    """What the catalog says of a constant that was not fitted."""
    return {"kind": "estimate", "note": start.note} if start.fixed else {}


def written(fit: Fit, values: Mapping[str, float]) -> list[dict[str, object]]:
    """The catalog's entries of one fit: its constants, and the errors on rows kept out."""
    out = np.abs(fit.errors(values)[fit.kept_out])
    stem = f"{PREFIX}.{fit.table.kind}.{fit.accelerator}.{fit.precision}"
    where = f"{fit.table.title.lower()}, {fit.accelerator} at {fit.precision}"
    note = (
        f"Fitted to {int((~fit.kept_out).sum())} rows; on {out.size} rows kept out: median error "
        f"{np.median(out):.1%}, 90th percentile {np.quantile(out, 0.9):.1%}."
    )
    told = {"from": fit.framework, "note": note}
    lines: list[dict[str, object]] = [
        {"id": f"{stem}.{name}", "title": f"{fit.starts[name].title}, {where}", "value": value,
         "unit": fit.starts[name].unit, **told, **told_of(fit.starts[name])}
        for name, value in values.items()
    ]  # fmt: skip
    error = {
        "id": stem.replace(PREFIX, f"{PREFIX}-error"), "title": f"Median error on rows kept out, {where}",
        "value": round(float(np.median(out)), 4), "unit": "fraction", "low": 0.0,
        "high": round(float(np.quantile(out, 0.9)), 4), **told,
    }  # fmt: skip
    return [*lines, error]


def main() -> None:
    """Read the tables, fit each kernel, and replace the constants file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--only", nargs="*", default=())
    given = parser.parse_args()
    catalog = load()
    lines = [line for line in written_before() if given.only and kind_of(line) not in given.only]
    for table in TABLES:
        if given.only and table.kind not in given.only:
            continue
        siblings: dict[str, dict[str, float]] = {}
        for accelerator, precision, rows in groups(table, given.data):
            fit = Fit(catalog, table, accelerator, precision, rows)
            siblings[precision] = fit.run(siblings.get(precision, {}))
            made = written(fit, siblings[precision])
            lines += made
            print(f"{table.kind:22} {accelerator:14} {precision:12} {made[-1]['note']}", flush=True)
    write(lines)


def written_before() -> list[dict[str, object]]:
    """The entries that an earlier fit wrote."""
    if not TARGET.exists():
        return []
    with TARGET.open(encoding="utf-8", newline="") as stream:
        return [{name: cell for name, cell in row.items() if cell} for row in csv.DictReader(stream)]


def kind_of(line: Mapping[str, object]) -> str:
    """The kind of kernel of an entry."""
    return str(line["id"]).split(".")[2]


def write(lines: list[dict[str, object]]) -> None:
    """Replace the constants: a table of entries, and the file that says where they are from."""
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    kinds = [table.kind for table in TABLES]
    writer.writerows(sorted(lines, key=lambda line: kinds.index(kind_of(line))))
    sources = {
        str(name): {
            "source": f"aiconfigurator-core 0.12.0, measured kernels ({name}); fitted by scripts/fit_kernels.py",
            "url": URL, "date": "2026", "kind": "measured",
        }
        for name in sorted({str(line["from"]) for line in lines})
    }  # fmt: skip
    head = {"collection": "constant", "sources": sources, "table": TARGET.name}
    replace(TARGET, table.getvalue())
    replace(TARGET.with_suffix(".yaml"), HEADER + yaml.safe_dump(head, width=120, sort_keys=False))


def replace(target: Path, text: str) -> None:
    """Write a file whole or not at all."""
    unfinished = target.with_suffix(".tmp")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(target)


if __name__ == "__main__":
    main()
