"""Training over many accelerators: memory, step time, utilisation, and the choice of a strategy (weeks 1, 2 and 5)."""

from navarch.distributed.training.estimate import TrainingEstimate, estimate
from navarch.distributed.training.runtime import Runtime
from navarch.distributed.training.shape import Hardware, Plan, TransformerShape

__all__ = ["Hardware", "Plan", "Runtime", "TrainingEstimate", "TransformerShape", "estimate"]
