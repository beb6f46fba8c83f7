"""From measured times to the ingredients of a prediction, the inverse of Hockney's law for a ring."""

from __future__ import annotations

from navarch.distributed.training.notation import equation


@equation(symbol="alpha", unit="s", source="Patarasuk and Yuan 2009, section 3, of an empty message", valid="ranks > 1")
def ring_step_latency(time, ranks):
    """Latency of a step of a ring.

    time: of an all-reduce of next to nothing [s]; ranks: participants.
    """
    return time / (2 * (ranks - 1))
