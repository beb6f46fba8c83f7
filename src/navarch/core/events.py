"""Random streams for simulations: counter-based, one for each entity, so that the order of work changes no result."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_WORD = 2**64


def stream(seed: int, entity: int, purpose: int = 0) -> np.random.Generator:
    """The random stream of one entity.

    seed: of the whole simulation; entity: its number (a stage, a node, a job); purpose: tells apart several streams of
    one entity. The same three numbers always give the same stream (Philox: Salmon et al. 2011).
    """
    import numpy as np

    return np.random.Generator(np.random.Philox(key=[seed % _WORD, entity % _WORD], counter=[0, 0, 0, purpose % _WORD]))
