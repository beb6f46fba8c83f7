"""The one error of the catalog, and the near matches that it names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CatalogError(ValueError):
    """What is wrong with a catalog file, entry or name, in one message that says what is allowed."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """A phrase that names what comes nearest to a misspelt name, or an empty text."""
    lowered = {k.lower(): k for k in known}
    close = difflib.get_close_matches(name.lower(), lowered, n=count, cutoff=0.5)
    close += [k for k in lowered if name and name.lower() in k and k not in close][: count - len(close)]
    return f"; did you mean {' or '.join(repr(lowered[c]) for c in close)}?" if close else ""


def listed(names: Iterable[str], limit: int = 40) -> str:
    """Names in one line, cut where there are too many to read."""
    ordered = sorted(names)
    more = f", ... ({len(ordered)} in all)" if len(ordered) > limit else ""
    return ", ".join(ordered[:limit]) + more
