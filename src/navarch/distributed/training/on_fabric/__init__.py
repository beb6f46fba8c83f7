"""A training step on a real fabric: all parallel groups at once on a network graph, and what a fault costs the step."""

from navarch.distributed.training.on_fabric.adapters import Adapters, planned, shuffled
from navarch.distributed.training.on_fabric.comparison import Answer, Comparison, Outcome, compare, costs
from navarch.distributed.training.on_fabric.groups import FormGroups, Groups, groups
from navarch.distributed.training.on_fabric.traffic import Exchange, traffic

__all__ = [
    "Adapters", "Answer", "Comparison", "Exchange", "FormGroups", "Groups", "Outcome", "compare", "costs", "groups",
    "planned", "shuffled", "traffic",
]  # fmt: skip
