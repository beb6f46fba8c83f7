"""Serving: memory, latency and throughput of language-model inference, and the search for a plan.

`replica` composes the equations of `estimate` (memory and step times), `throughput` (rates, cost) and `waiting`
(queues and tails) for one replica; `choose` searches over splits, batches and precisions with the same composition;
`disaggregated` prices prefill and decode on separate workers; `inputs` brings catalog entries into their form.
"""

from navarch.deployment.serving.choose import Objectives, Option, ServingChoice, choose, latency_curve
from navarch.deployment.serving.disaggregate import DisaggregatedEstimate, disaggregated
from navarch.deployment.serving.inputs import engine_of, hardware_of, precision_of, precisions_of, shape_of
from navarch.deployment.serving.replica import (
    Engine,
    Hardware,
    Plan,
    Precision,
    ServingEstimate,
    Shape,
    Traffic,
    equilibrium_batch,
    replica,
)

__all__ = [
    "DisaggregatedEstimate",
    "Engine",
    "Hardware",
    "Objectives",
    "Option",
    "Plan",
    "Precision",
    "ServingChoice",
    "ServingEstimate",
    "Shape",
    "Traffic",
    "choose",
    "disaggregated",
    "engine_of",
    "equilibrium_batch",
    "hardware_of",
    "latency_curve",
    "precision_of",
    "precisions_of",
    "replica",
    "shape_of",
]
