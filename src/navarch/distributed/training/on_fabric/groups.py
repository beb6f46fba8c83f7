"""Which accelerators make up each parallel group of a plan, and where in the network a group lies.

Accelerators are numbered with tensor innermost, then context, data, and pipeline outermost (`training.placement`);
expert groups are neighbours within tensor x context x data. Accelerator a uses adapter a of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from navarch.core.arithmetic import product_of
from navarch.core.equation import off_the_ledger
from navarch.distributed.collectives.estimate import ranks_in_domain
from navarch.distributed.training import states
from navarch.distributed.training.on_fabric.adapters import Adapters
from navarch.distributed.training.shape import Plan
from navarch.fleet.fabric.graph import GraphError, Network

if TYPE_CHECKING:
    import altair
    import polars

Longs = NDArray[np.int64]
DOMAIN, LEAF, POD = "within a domain", "within a leaf", "within a pod"
DENSE_DATA, EXPERT_DATA = "data", "data of experts"
SHARDS, BETWEEN = "shards", "between shards"
ACROSS, ACROSS_LEAVES, ACROSS_PODS = "across domains", "across leaves", "across pods"


@dataclass(frozen=True, eq=False)
class FormGroups:
    """All groups of one form of parallelism.

    form: its key among the parts of a step (`StepTime`); name: its own; title: in words; members: accelerators of each
    group (groups x ranks), in the order of the ring; within: members of a group in one scale-up domain, at most;
    domains, leaves, pods: that one group touches, at most (None where no network is known, or it has none); direct: of
    a network whose hosts are their own switches.
    """

    form: str
    name: str
    title: str
    members: Longs = field(repr=False)
    within: int
    domains: int
    leaves: int | None = None
    pods: int | None = None
    direct: bool = False

    @property
    def count(self) -> int:
        """Groups."""
        return len(self.members)

    @property
    def ranks(self) -> int:
        """Members of a group."""
        return self.members.shape[1]

    @property
    def stride(self) -> int:
        """Distance between neighbours in the numbering of accelerators."""
        return int(self.members[0, 1] - self.members[0, 0])

    @property
    def crosses(self) -> bool:
        """Whether a group leaves its scale-up domain."""
        return self.domains > 1

    @property
    def lies(self) -> str:
        """Where a group lies, in words."""
        if not self.crosses:
            return DOMAIN
        if self.leaves is None:
            return ACROSS
        if self.leaves == 1:
            return LEAF
        return ACROSS_LEAVES if self.pods is None else POD if self.pods == 1 else ACROSS_PODS


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of all forms of a plan.

    accelerators: of the plan; domain: accelerators of a scale-up domain; borders: how many accelerators in a row are on
    the same leaves, and in the same pod, by its name; none where the network is not known or the plan scattered over
    it.
    """

    forms: tuple[FormGroups, ...]
    accelerators: int
    domain: int
    borders: Mapping[str, int] = field(default_factory=dict)

    def of(self, name: str) -> FormGroups | None:
        """The groups of a form, or None where the plan has none."""
        return next((form for form in self.forms if form.name == name), None)

    def to_frame(self) -> polars.DataFrame:
        """A row for each form."""
        import polars as pl

        names = ("name", "form", "count", "ranks", "stride", "within", "domains", "leaves", "pods", "lies")
        return pl.DataFrame({name: [getattr(form, name) for form in self.forms] for name in names})

    def plot(self, title: str = "Where the parallel groups lie") -> altair.TopLevelMixin:
        """The figure (`figure.placement`) with its theme."""
        from navarch.core.gantt import themed
        from navarch.distributed.training.on_fabric.figure import placement

        return themed(placement(self, title))

    def _repr_html_(self) -> str:
        return str(self.to_frame()._repr_html_())


def groups(
    plan: Plan,
    domain: Any,
    network: Network | None = None,
    hosts: Longs | None = None,
    adapters: Adapters | None = None,
) -> Groups:
    """The groups of every form whose degree is more than one.

    domain: accelerators of a scale-up domain; network: on which leaves and pods are counted; hosts: the host of each
    adapter, adapter i on host i where left out; adapters: of the accelerators, as many as the network allows where left
    out.
    """
    with off_the_ledger():
        degrees = _degrees(plan)
        accelerators = int(product_of(*(degrees[name] for name in ("tensor", "context", "data", "pipeline"))))
        size = whole("domain", domain)
        made = [_placed(name, *found, size) for name, found in _forms(plan, degrees, accelerators).items()]
    if network is None:
        return Groups(tuple(made), accelerators, size)
    where = _Where(network, adapters or Adapters.of(network, accelerators), hosts)
    told = tuple(where.told(form) for form in made)
    return Groups(told, accelerators, size, where.borders(size) if hosts is None else {})


def whole(name: str, value: Any) -> int:
    """A number of a plan as a whole number; GraphError where it is none."""
    found = float(np.asarray(value, float))
    if found != int(found) or found < 1:
        raise GraphError(f"{name}: {found:g} is not allowed; a whole number of at least 1")
    return int(found)


def _degrees(plan: Plan) -> dict[str, int]:
    names = ("tensor", "context", "data", "pipeline", "expert", "virtual_stages")
    found = {name: whole(name, getattr(plan, name)) for name in names}
    block = found["tensor"] * found["context"] * found["data"]
    if block % found["expert"]:
        raise GraphError(f"expert: {found['expert']} does not divide the {block} ranks of tensor x context x data")
    return found


def _forms(plan: Plan, degrees: dict[str, int], accelerators: int) -> dict[str, tuple[str, str, Longs]]:
    """Key, title and members of each form that has more than one rank."""
    tensor, context, data, stages, expert = (
        degrees[name] for name in ("tensor", "context", "data", "pipeline", "expert")
    )
    number = np.arange(accelerators).reshape(stages, data, context, tensor)
    block = number.reshape(stages, -1)
    found = {
        "tensor": ("tensor", "Tensor", number.reshape(-1, tensor)),
        "context": ("context", "Context", _lines(number, 2)),
        "expert": ("expert", "Expert", number.reshape(-1, expert)),
        **_replicas(plan, DENSE_DATA, "Data", block, tensor),
    }
    split = int(states.expert_split(tensor, expert))
    if split != tensor:
        found |= _replicas(plan, EXPERT_DATA, "Data, experts", block, split)
    found["pipeline"] = ("pipeline", "Pipeline", _lines(block, 0))
    return {name: (form, title, each) for name, (form, title, each) in found.items() if each.shape[1] > 1}


def _lines(numbers: Longs, axis: int) -> Longs:
    """The lines along an axis, a row each."""
    return np.moveaxis(numbers, axis, -1).reshape(-1, numbers.shape[axis])


def _replicas(plan: Plan, name: str, title: str, block: Longs, split: int) -> dict[str, tuple[str, str, Longs]]:
    """Replicas of the same parameters, `split` apart: one group, or shards and the groups of them."""
    apart = block.reshape(len(block), -1, split)
    replicas = apart.shape[1]
    hybrid = plan.shard is not None and plan.zero_stage > 0
    shards = int(states.shards_of(replicas, whole("shard", plan.shard))) if hybrid else replicas
    if replicas % shards:
        raise GraphError(f"shard: {shards} does not divide the {replicas} replicas")
    if shards == replicas:
        return {name: ("data", title, _lines(apart, 1))}
    parted = apart.reshape(len(block), -1, shards, split)
    return {
        f"{name}, {SHARDS}": ("data", f"{title}: {SHARDS}", _lines(parted, 2)),
        f"{name}, {BETWEEN}": ("data", f"{title}: {BETWEEN}", _lines(parted, 1)),
    }


def _placed(name: str, form: str, title: str, members: Longs, domain: int) -> FormGroups:
    stride = int(members[0, 1] - members[0, 0])
    within = int(ranks_in_domain(members.shape[1], stride, domain))
    return FormGroups(form, name, title, members, within, _touched(members // domain))


def _touched(where: Longs) -> int:
    """Different values in the row that has most."""
    ordered = np.sort(where, axis=1)
    return int((np.diff(ordered, axis=1) > 0).sum(axis=1).max() + 1)


class _Where:
    """On which leaves and in which pods accelerators are."""

    def __init__(self, network: Network, adapters: Adapters, hosts: Longs | None) -> None:
        first = adapters.first(np.arange(adapters.accelerators))
        self.host = first if hosts is None else np.asarray(hosts, np.int64)[first]
        self.places: Callable[[str], Any] = network.places.get
        self.direct = network.direct

    def told(self, form: FormGroups) -> FormGroups:
        return replace(form, leaves=self._most(form, "leaf"), pods=self._most(form, "pod"), direct=self.direct)

    def borders(self, domain: int) -> dict[str, int]:
        """Accelerators in a row on the leaves of the first domain, and in its pod."""
        found = {}
        for place in ("leaf", "pod"):
            known = self.places(place)
            if known is not None and not self.direct:
                of_each = known[self.host]
                others = np.flatnonzero(~np.isin(of_each, of_each[:domain]))
                if len(others):
                    found[place] = int(others[0])
        return found

    def _most(self, form: FormGroups, place: str) -> int | None:
        found = self.places(place)
        if found is None or self.direct:
            return None
        several = len(np.unique(found[self.host])) > 1 or place == "leaf"
        return _touched(found[self.host[form.members]].astype(np.int64)) if several else None
