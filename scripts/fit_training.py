"""Fit the constants of training software to published runs and write them as catalog constants.

Usage: python scripts/fit_training.py [STACK ...]    (default: every stack)

Only calibration rows are read (`navarch.validation.split`). Each constant has a prior, a value with a spread, from
measurements of single kernels and links or from counting; the fit is the most probable set of constants given the
rows (least squares of the logarithms of predicted over measured step times, with a soft loss for outliers, and of the
constants from their priors). How well the rows tell a constant is in its note (Laplace's approximation).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.optimize import least_squares
from training_priors import BELOW_ONE, PRIORS, SUSTAINED

from navarch.catalog import load
from navarch.distributed.training import estimate, products
from navarch.distributed.training.runtime import CONSTANTS, STACKS, lineage, nearest_constant
from navarch.validation.measured import measured_step
from navarch.validation.rows import UnpredictableError, text
from navarch.validation.runs import Run, run_of
from navarch.validation.split import calibration_ids, configuration_of
from navarch.validation.training import best_candidate

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "src/navarch/catalog/data/constants/training-stacks.yaml"
LIBRARY = float(np.log(1.3))  # kernels measured in 8 bits are vLLM's; those of Transformer Engine may be faster
NOISE = 0.05  # standard deviation of a row's logarithm that no constant can explain
HEADER = """\
# Written by scripts/fit_training.py: constants of training software, fitted to the calibration rows of published runs
# (navarch.validation.split) from the priors in the script. Do not edit by hand.
"""


@dataclass(frozen=True)
class Free:
    """A constant to fit: its id (general name @ scope), and the value and spread (of the logarithm) of its prior."""

    id: str
    value: float
    spread: float
    unit: str = "fraction"


def free(stack: str) -> list[Free]:
    """The constants to fit of one stack."""
    return [Free(f"{name}@{scope}", value, spread, *unit) for name, scope, value, spread, *unit in PRIORS[stack]]


ERROR, EXPERT_ERROR, HELD = "training.model-error", "training.model-error-experts", 0.8


def family(stack: str) -> set[str]:
    """A stack and its variants that are not fitted by themselves."""
    return {stack, *(name for name in STACKS if name not in PRIORS and stack in lineage(name))}


@dataclass
class Case:
    """A calibration row: the run, the measured step time [s], and the ids of the constants that it takes."""

    id: str
    run: Run
    model: str
    configuration: str
    measured: float
    ids: dict[str, str]


def remember_products() -> None:
    """Matrix products do not depend on what is fitted: compute each once."""
    compute, known = products.matmul_time, {}

    def remembered(kernel: Any, *product: float) -> Any:
        key = (kernel.accelerator, kernel.precision, *product)
        if key not in known:
            known[key] = compute(kernel, *product)
        return known[key]

    products.matmul_time = remembered


def cases(catalog: Any, stack: str) -> Iterator[Case]:
    """The calibration rows of a stack and its variants."""
    rows = catalog.table("training_runs").rows(named=True)
    chosen = calibration_ids(rows)
    for row in rows:
        if text(row, "row_id") not in chosen:
            continue
        try:
            run, measured = run_of(row, catalog), measured_step(row)
        except UnpredictableError:
            continue
        if run.stack in family(stack):
            where = (run.accelerator, run.precision, run.stack)
            ids = {f: nearest_constant(catalog, name, *where) for f, name in CONSTANTS.items()}
            names_of = (text(row, "row_id"), run, f"{text(row, 'model')} {text(row, 'gpu')}", configuration_of(row))
            yield Case(*names_of, measured, ids)


def predicted(case: Case, values: dict[str, float]) -> float:
    """Step time of a case with some constants replaced."""
    given = {f: values[i] for f, i in case.ids.items() if i in values}
    runtime = replace(case.run.runtime, **given)
    return float(estimate(case.run.shape, case.run.hardware, case.run.candidates[0], runtime).step_time)


def logarithms(rows: Sequence[Case], values: dict[str, float]) -> np.ndarray:
    """Logarithms of predicted over measured step times."""
    return np.log([predicted(case, values) / case.measured for case in rows])


def solve(rows: Sequence[Case], wanted: Sequence[Free], start: np.ndarray) -> Any:
    """The most probable constants (their logarithms) given some rows."""
    centre, spread = np.log([f.value for f in wanted]), np.array([f.spread for f in wanted])

    def residuals(x: np.ndarray) -> np.ndarray:
        errors = logarithms(rows, named(wanted, x))
        size = np.abs(errors) / NOISE
        soft = np.sign(errors) * np.sqrt(2 * (np.sqrt(1 + size**2) - 1))  # as the soft L1 loss has it
        return np.concatenate([soft, (x - centre) / spread])

    bounds = (-np.inf, upper_of(wanted))
    return least_squares(residuals, start, bounds=bounds, x_scale=spread, xtol=1e-4, ftol=1e-4)


def upper_of(wanted: Sequence[Free]) -> np.ndarray:
    """The greatest logarithm that each constant may take."""
    names = [(f.id, f.id.partition("@")[0]) for f in wanted]
    return np.array(
        [LIBRARY if n == SUSTAINED and i.endswith("/fp8") else 0.0 if n in BELOW_ONE else np.inf for i, n in names]
    )


def named(wanted: Sequence[Free], x: np.ndarray) -> dict[str, float]:
    return {f.id: float(np.exp(v)) for f, v in zip(wanted, x, strict=True)}


def fit(catalog: Any, stack: str) -> tuple[list[dict[str, Any]], list[tuple[Case, float]]]:
    """The fitted constants of a stack, as catalog entries, and each row's error with its model left out."""
    wanted = free(stack)
    rows = [settled(case) for case in cases(catalog, stack)]
    start = np.minimum(np.log([f.value for f in wanted]), upper_of(wanted) - 1e-3)
    found = solve(rows, wanted, start)
    left = logarithms(rows, named(wanted, found.x))
    print(f"{stack}: {len(rows)} rows, {len(wanted)} constants, mean error {np.mean(np.abs(np.expm1(left))):.1%}")
    for case, error in sorted(zip(rows, left, strict=True), key=lambda pair: -abs(pair[1]))[:5]:
        print(f"  {case.id} {np.expm1(error):+.1%}")
    deviation = np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac)))
    entries = [entry(catalog, f, x, d, len(rows)) for f, x, d in zip(wanted, found.x, deviation, strict=True)]
    return entries, left_out(rows, wanted, found.x)


def left_out(rows: Sequence[Case], wanted: Sequence[Free], x: np.ndarray) -> list[tuple[Case, float]]:
    """The error of each row, predicted by constants fitted without any row of its model on its accelerator."""
    made = []
    start = np.minimum(x, upper_of(wanted) - 1e-3)
    for name in sorted({case.model for case in rows}):
        others = [case for case in rows if case.model != name]
        own = [case for case in rows if case.model == name]
        constants = named(wanted, solve(others, wanted, start).x)
        made += list(zip(own, logarithms(own, constants), strict=True))
    errors = np.abs(np.expm1([error for _, error in made]))
    print(f"  models left out: median {np.median(errors):.1%}, mean {errors.mean():.1%}")
    return made


def settled(case: Case) -> Case:
    """The case with the one candidate plan that the priors choose."""
    case.run = replace(case.run, candidates=(best_candidate(case.run)[0],))
    return case


def entry(catalog: Any, constant: Free, x: float, deviation: float, rows: int) -> dict[str, Any]:
    """A fitted constant as the catalog writes it."""
    general, _, scope = constant.id.partition("@")
    fact = catalog.fact("constant", general)
    value = float(np.exp(x))
    print(f"    {constant.id:60} {constant.value:9.4g} -> {value:9.4g}  +-{deviation:.0%}")
    return {
        "id": constant.id,
        "title": f"{fact.title} ({scope})",
        "value": float(f"{value:.4g}"),
        "unit": constant.unit,
        "kind": "measured",
        "source": f"fitted to {rows} calibration rows of published training runs by scripts/fit_training.py",
        "date": "2026",
        "note": (
            f"Prior {constant.value:g} within a factor of {np.exp(constant.spread):.2f}; known from the rows within "
            f"{100 * deviation:.0f} %. Its uncertainty is part of training.model-error."
        ),
    }


def main(stacks: Sequence[str]) -> None:
    """Fit the stacks named, and replace their constants in the file."""
    remember_products()
    kept = yaml.safe_load(TARGET.read_text(encoding="utf-8")) if TARGET.exists() else []
    kept = kept or []
    known = {e["id"] for e in kept}
    missing = [f for stack in PRIORS for f in free(stack) if f.id not in known]
    if missing:
        write(kept + [prior(f) for f in missing])
    catalog = load()
    made = {e["id"]: e for e in yaml.safe_load(TARGET.read_text(encoding="utf-8"))}
    for stack in stacks:
        entries, errors = fit(catalog, stack)
        made |= {e["id"]: e for e in [*entries, *model_errors(stack, errors)]}
        order = [f.id for s in PRIORS for f in free(s)]
        write([made[i] for i in order] + [e for i, e in made.items() if i.startswith(ERROR)])


def model_errors(stack: str, errors: Sequence[tuple[Case, float]]) -> list[dict[str, Any]]:
    """How far measured step times lie from predicted ones, for dense models and for mixtures of experts.

    Split conformal prediction over configurations: the interval that held four fifths of the configurations left out,
    counted for a sample of that size (Vovk et al. 2005), as wide on either side. Rows of one configuration are one.
    """
    made = []
    for kind, name in ((False, ERROR), (True, EXPERT_ERROR)):
        groups: dict[str, list[float]] = {}
        for case, error in errors:
            if (case.run.shape.experts is not None) == kind:
                groups.setdefault(case.configuration, []).append(abs(error))
        sizes = np.sort([np.median(group) for group in groups.values()])
        place = int(np.ceil(HELD * (len(sizes) + 1)))
        if not len(sizes) or place > len(sizes):
            continue
        width = float(sizes[place - 1])
        made.append(
            {
                "id": f"{name}@{stack}",
                "title": f"Measured step time over predicted ({'experts, ' if kind else ''}{stack})",
                "value": 1,
                "unit": "1",
                "low": float(f"{np.exp(-width):.3f}"),
                "high": float(f"{np.exp(width):.3f}"),
                "kind": "measured",
                "source": "published training runs, each predicted by constants fitted without its model",
                "date": "2026",
                "note": f"Held four fifths of {len(sizes)} configurations left out, by scripts/fit_training.py.",
            }
        )
    return made


def prior(constant: Free) -> dict[str, Any]:
    """A constant before it is fitted."""
    return {"id": constant.id, "title": constant.id, "value": constant.value, "unit": constant.unit,
            "kind": "estimate", "source": "prior of scripts/fit_training.py", "date": "2026"}  # fmt: skip


def write(entries: list[dict[str, Any]]) -> None:
    """Replace the constants file whole."""
    unfinished = TARGET.with_suffix(".tmp")
    unfinished.write_text(
        HEADER + yaml.safe_dump(entries, sort_keys=False, width=128, allow_unicode=True), encoding="utf-8"
    )
    unfinished.replace(TARGET)


if __name__ == "__main__":
    main(sys.argv[1:] or list(PRIORS))
