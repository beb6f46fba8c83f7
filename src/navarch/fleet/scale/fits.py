"""The constants of a published law as facts, those that were fitted together tied by their covariance.

The catalog holds the covariance of a law as entries `LAW.cov.X.Y`, X and Y being names of its constants, `lnA` the
logarithm of A. A constant that stands in one gets its `joint` here, so that it is sampled together with the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

from navarch.catalog.errors import CatalogError
from navarch.core.ledger import Fact, Joint

if TYPE_CHECKING:
    from navarch.catalog import Catalog

PARAMETRIC = ("E", "A", "B", "alpha", "beta")
"""The constants of a law L = E + A / N^alpha + B / D^beta, in the order in which its equations take them."""

_LOGARITHM = "ln"
_RATHER_NEGATIVE = -1e-6  # least eigenvalue over the greatest that rounding explains


def fitted(catalog: Catalog, law: str) -> dict[str, Fact]:
    """The constants of a law by name, such as `fitted(catalog, "besiroglu2024")["alpha"]`.

    Raises CatalogError where the law is unknown or its covariance is not one.
    """
    ids = [name for name in catalog.ids("law") if name.startswith(f"{law}.")]
    if not ids:
        known = sorted({name.partition(".")[0] for name in catalog.ids("law")})
        raise CatalogError(f"the catalog has no law {law!r}; it has: {', '.join(known)}")
    constants = {name.partition(".")[2]: catalog.fact("law", name) for name in ids}
    joint = _joint(law, constants)
    if joint is None:
        return constants
    return {name: replace(f, joint=joint) if f.id in joint.members else f for name, f in constants.items()}


def parametric_constants(catalog: Catalog, law: str, take: Callable[[Any], Any] = float) -> tuple[Any, ...]:
    """E, A, B, alpha and beta of a parametric law, each passed through `take`.

    Of approach 3 of Hoffmann et al. those of the paper's source, which are not rounded. Raises CatalogError where the
    law is not of that form.
    """
    constants = fitted(catalog, law)
    missing = [name for name in PARAMETRIC if name not in constants]
    if missing:
        raise CatalogError(
            f"law {law!r} is not of the form E + A / N^alpha + B / D^beta: it has no {', '.join(missing)}"
        )
    return tuple(take(constants.get(f"{name}_tex", constants[name])) for name in PARAMETRIC)


def _joint(law: str, constants: dict[str, Fact]) -> Joint | None:
    """What the law's entries `cov.X.Y` say, or None where there are none."""
    import numpy as np

    pairs = {tuple(name.split(".")[1:]): float(fact) for name, fact in constants.items() if name.startswith("cov.")}
    if not pairs:
        return None
    coordinates = list(dict.fromkeys(x for pair in pairs for x in pair))
    members = [x.removeprefix(_LOGARITHM) for x in coordinates]
    missing = [m for m in members if m not in constants]
    if missing:
        raise CatalogError(f"law {law!r}: its covariance names {', '.join(missing)}, which is no constant of it")
    both = pairs | {(y, x): value for (x, y), value in pairs.items()}
    absent = [pair for pair in combinations_with_replacement(coordinates, 2) if pair not in both]
    if absent:
        raise CatalogError(f"law {law!r}: the covariance of {' and '.join(absent[0])} is missing")
    matrix = [[both[x, y] for y in coordinates] for x in coordinates]
    spread = np.linalg.eigvalsh(np.asarray(matrix))
    if spread[0] < _RATHER_NEGATIVE * spread[-1]:
        raise CatalogError(f"law {law!r}: its covariance is not one (least eigenvalue {spread[0]:.3g})")
    return Joint(
        name=f"law/{law}",
        members=tuple(constants[m].id for m in members),
        logarithmic=tuple(x.startswith(_LOGARITHM) for x in coordinates),
        covariance=tuple(tuple(row) for row in matrix),
    )
