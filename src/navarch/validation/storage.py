"""Storage: what loaders were found to demand, what systems deliver, how large checkpoints are and how long they stall.

Each row says what it is (`what`) and the parameters that the prediction takes, in SI: `batch=7 sample=1.5e8 step=0.3`.
The published checkpoints of the catalog's table are rows too, where they tell sizes, or times with the accelerators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from navarch.core.quantity import QuantityError, parse
from navarch.fleet.storage import estimate
from navarch.validation.report import Basis, Prediction, Skipped, Split, row_id
from navarch.validation.rows import Row, UnpredictableError, text
from navarch.validation.topics import Told, Topic

if TYPE_CHECKING:
    from navarch.catalog import Catalog

TABLE, CHECKPOINTS = "storage", "checkpoints"
COLUMNS = ("what", "value", "unit", "parameters")
NODE = 8  # accelerators of a node, where the row does not tell
Given = Mapping[str, str]
Rule = Callable[["Facts", Given], Any]


@dataclass(frozen=True)
class Facts:
    """The catalog as the rules ask it."""

    catalog: Catalog

    def constant(self, name: str) -> float:
        return float(self.catalog.fact("constant", f"storage.{name}").value)

    def system(self, given: Given, attribute: str) -> float:
        return float(self.catalog.fact("storage", given["system"], attribute).value)


@dataclass(frozen=True)
class Kind:
    """What a row can be. unit: in which it is compared; needs: parameters; basis: how near the inputs are."""

    unit: str
    needs: tuple[str, ...]
    rule: Rule
    basis: Basis


def _of(given: Given, name: str) -> float:
    try:
        return float(given[name])
    except ValueError as error:
        raise UnpredictableError(f'{name} "{given[name][:40]}" is not a number') from error


def _demand(_: Facts, given: Given) -> Any:
    return estimate.loader_demand(1.0, _of(given, "batch"), _of(given, "sample"), _of(given, "step"))


def _aggregate(facts: Facts, given: Given) -> Any:
    drive = facts.system(given, "read_bandwidth")
    node = estimate.server_bandwidth(_of(given, "nics"), _of(given, "nic"), _of(given, "drives"), drive)
    return estimate.aggregate_bandwidth(_of(given, "nodes"), node)


def _units(attribute: str) -> Rule:
    return lambda facts, given: estimate.aggregate_bandwidth(_of(given, "units"), facts.system(given, attribute))


def _scaled(_: Facts, given: Given) -> Any:
    return estimate.aggregate_bandwidth(_of(given, "units"), _of(given, "of_one"))


def _size(facts: Facts, given: Given) -> Any:
    return estimate.checkpoint_bytes(_of(given, "parameters"), facts.constant("checkpoint-bytes-per-parameter"))


def _copied(facts: Facts, given: Given) -> Any:
    return estimate.host_copy_time(_size(facts, given), _of(given, "accelerators"), facts.constant("host-bandwidth"))


def _local(facts: Facts, given: Given) -> Any:
    nodes = estimate.units_for(_of(given, "accelerators"), float(NODE))
    return estimate.local_write_time(_size(facts, given), nodes, facts.constant("local-bandwidth"))


KINDS: dict[str, Kind] = {
    "loader demand": Kind("byte/s", ("batch", "sample", "step"), _demand, "fitted"),
    "aggregate read": Kind("byte/s", ("nodes", "nics", "nic", "drives", "system"), _aggregate, "assumed"),
    "unit read": Kind("byte/s", ("units", "system"), _units("read_bandwidth"), "fitted"),
    "capacity": Kind("byte", ("units", "system"), _units("capacity"), "fitted"),
    "operations": Kind("request/s", ("units", "system"), _units("iops"), "fitted"),
    "scaled rate": Kind("byte/s", ("units", "of_one"), _scaled, "interpolated"),
    "checkpoint size": Kind("byte", ("parameters",), _size, "assumed"),
    "asynchronous stall": Kind("s", ("parameters", "accelerators"), _copied, "assumed"),
    "local write": Kind("s", ("parameters", "accelerators"), _local, "assumed"),
}
ASYNCHRONOUS = {"async": "asynchronous stall", "in-memory": "asynchronous stall"}
NOT_WHOLE = ("subset", "per GPU", "weights only")


def published(catalog: Catalog) -> Sequence[Row]:
    """The shipped table, and those of the published checkpoints that tell a size or a stall."""
    return [*catalog.table(TABLE).rows(named=True), *_checkpoints(catalog)]


def _checkpoints(catalog: Catalog) -> Iterator[Row]:
    for row in catalog.table(CHECKPOINTS).rows(named=True):
        parameters, accelerators = text(row, "params"), text(row, "accelerators")
        if not parameters or text(row, "mode") == "rule" or any(part in text(row, "model") for part in NOT_WHOLE):
            continue
        told = {"id": row["id"], "name": text(row, "model"), "source": row["source"], "note": text(row, "notes")}
        told["source_check"] = row["source_check"]
        if text(row, "bytes"):
            yield {
                **told, "what": "checkpoint size", "value": row["bytes"], "unit": "byte",
                "parameters": f"parameters={parameters}",
            }  # fmt: skip
        elif text(row, "seconds") and accelerators.isdecimal() and (what := _stall(row)):
            yield {
                **told, "what": what, "value": row["seconds"], "unit": "s",
                "parameters": f"parameters={parameters} accelerators={accelerators}",
            }  # fmt: skip


def _stall(row: Row) -> str:
    """What the seconds of a checkpoint are, where they are predicted."""
    if text(row, "mode") == "sync" and text(row, "tier") == "local":
        return "local write"
    return "" if "end to end" in text(row, "notes") else ASYNCHRONOUS.get(text(row, "mode"), "")


def predict_all(rows: Sequence[Row], catalog: Catalog) -> Told:
    """Every row's prediction, or why there is none."""
    predictions, skipped = [], []
    for index, row in enumerate(rows, start=1):
        try:
            predictions.append(_predict(row, catalog, row_id(row, index)))
        except UnpredictableError as reason:
            skipped.append(Skipped(row_id(row, index), str(reason)))
    return Told(predictions, skipped)


def _predict(row: Row, catalog: Catalog, name: str) -> Prediction:
    what = text(row, "what")
    if not what:
        raise UnpredictableError(text(row, "note") or "the row does not say what it is")
    kind = KINDS.get(what)
    if kind is None:
        raise UnpredictableError(f'"{what[:40]}" is not predicted; {", ".join(KINDS)} are')
    given = _parameters(text(row, "parameters"), kind)
    measured = _measured(row, kind)
    predicted = float(kind.rule(_known(catalog, given), given))
    split: Split = "recalled" if text(row, "source_check").startswith("recalled") else "untouched"
    split = "calibration" if split == "untouched" and kind.basis == "fitted" else split
    return Prediction(name, f"{what} [{kind.unit}]", measured, predicted, kind.basis, what, split, text(row, "note"))


def _known(catalog: Catalog, given: Given) -> Facts:
    system = given.get("system")
    if system is not None and system not in catalog.ids("storage"):
        raise UnpredictableError(f'the catalog has no storage "{system[:40]}"')
    return Facts(catalog)


def _parameters(written: str, kind: Kind) -> dict[str, str]:
    given = dict(part.partition("=")[::2] for part in written.split())
    lacking = [name for name in kind.needs if not given.get(name)]
    unknown = [name for name in given if name not in kind.needs]
    if lacking or unknown:
        wrong = f"lack {lacking[0]}" if lacking else f"have {unknown[0][:40]}"
        raise UnpredictableError(f"the parameters {wrong}; they are {', '.join(kind.needs)}")
    return given


def _measured(row: Row, kind: Kind) -> float:
    written = f"{text(row, 'value')} {text(row, 'unit')}".strip()
    try:
        value = parse(written, kind.unit)
    except QuantityError as error:
        raise UnpredictableError(str(error)) from error
    if value <= 0:
        raise UnpredictableError(f'value "{written[:40]}" is not more than 0')
    return value


def _predict_one(row: Row, catalog: Catalog) -> Prediction:
    return _predict(row, catalog, row_id(row, 1))


TOPIC = Topic(
    "storage", "Storage: loaders, systems and checkpoints", COLUMNS, published, _predict_one, predict_all=predict_all
)
