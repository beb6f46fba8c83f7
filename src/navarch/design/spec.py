"""The design file as types: one section a capstone item, every field with its title, meaning, unit and bounds.

Only `name` and `workload.model` are needed. What is absent is None and is chosen by navarch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from pydantic import Field, PrivateAttr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from navarch.design.amount import Amount, Unit
from navarch.design.errors import DesignError, Problem
from navarch.design.spec_checks import contradictions
from navarch.design.spec_messages import line_of, problems_of
from navarch.design.spec_service import CarbonBudget, Cost, Edge, Operations, Privacy, Robustness, Serving
from navarch.design.spec_training import Cluster, FaultTolerance, Orchestration, Parallelism, Site, Storage, Workload
from navarch.design.spec_types import Line, Section, Seed, Text, optional, required

TRAINING_FIELDS = ("workload.tokens", "workload.compute", "workload.deadline", "workload.global_batch", "parallelism")


class Design(Section):
    """One design: everything that its author decided. `None` is undecided."""

    name: Line = required("Name", "What the design is called.", examples=["Frontier fleet"])
    summary: Text | None = optional("Summary", "One sentence for the title page.")
    seed: Seed = Field(default=1, title="Seed", description="Seed of the random streams.", examples=["1"])
    workload: Workload = required("Workload", "What is trained, and by when.")
    site: Site | None = optional("Site", "Where the fleet stands.")
    cluster: Cluster | None = optional("Cluster", "Nodes and the fabric between them.")
    storage: Storage | None = optional("Storage", "Where data and checkpoints lie.")
    parallelism: Parallelism | None = optional("Parallelism", "How the model is spread over the accelerators.")
    fault_tolerance: FaultTolerance | None = optional("Fault tolerance", "Failures, checkpoints and spares.")
    orchestration: Orchestration | None = optional("Orchestration", "Scheduler and the other load.")
    serving: Serving | None = optional("Serving", "Traffic, promises and the machines that keep them.")
    edge: Edge | None = optional("Edge", "What runs on the users' devices.")
    operations: Operations | None = optional("Operations", "Objectives, alerts and canaries.")
    privacy: Privacy | None = optional("Privacy", "Differentially private training.")
    robustness: Robustness | None = optional("Robustness", "Training and serving against hostile inputs.")
    carbon: CarbonBudget | None = optional("Carbon", "What may be emitted.")
    cost: Cost | None = optional("Cost", "What may be spent, and the assumptions.")

    _source_path: Path | None = PrivateAttr(default=None)
    _text_sha256: str = PrivateAttr(default="")
    _lines: Mapping[str, int] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _without_contradictions(self) -> Self:
        found = list(contradictions(self))
        if found:
            raise PydanticCustomError("contradiction", "{reason}", {"reason": str(found[0]), "problems": found})
        return self

    @classmethod
    def of(
        cls,
        data: Mapping[str, Any],
        *,
        source_path: Path | None = None,
        text_sha256: str = "",
        lines: Mapping[str, int] | None = None,
    ) -> Design:
        """Return the design that a mapping describes, or raise a DesignError that tells every mistake in it.

        lines: line of the file at which each dotted field stands, for the messages.
        """
        try:
            design = cls.model_validate(dict(data))
        except ValidationError as error:
            problems = problems_of(error, cls, lines or {})
            raise DesignError.of(problems, str(source_path or "")) from error
        design._source_path = source_path
        design._text_sha256 = text_sha256
        design._lines = lines or {}
        return design

    @property
    def source_path(self) -> Path | None:
        """The file that the design was read from, if it was."""
        return self._source_path

    @property
    def text_sha256(self) -> str:
        """SHA-256 of the file's bytes, in hexadecimal; "" when not read from a file."""
        return self._text_sha256

    def located(self, error: DesignError) -> DesignError:
        """Return an error of the evaluation with the file and the lines that it speaks of."""
        found = (replace(p, line=p.line or line_of(p.field, self._lines)) for p in error.problems)
        return DesignError.of(found, error.source or str(self._source_path or ""))

    @property
    def trains(self) -> bool:
        """Whether the design trains: it says how much, or it does not serve."""
        return self.serving is None or any(self.given(path) for path in TRAINING_FIELDS)

    @property
    def serves(self) -> bool:
        """Whether the design serves."""
        return self.serving is not None

    def field(self, path: str) -> Any:
        """Return what stands at a dotted path: an Amount, text, a truth value, a section or None when left out."""
        here: Any = self
        for part in path.split("."):
            if here is None:
                return None
            if isinstance(here, Mapping):
                here = here.get(part)
            elif part in type(here).model_fields:
                here = getattr(here, part)
            else:
                raise KeyError(path)
        return here

    def title(self, path: str) -> str:
        """Return the title of a field; a key of a mapping field has the mapping's title and its own name."""
        found = note(path)
        return found.title if found.path == path else f"{found.title}: {path.removeprefix(found.path)[1:]}"

    def given(self, path: str) -> bool:
        """Return whether the author wrote this field (or, for a section, any field of it)."""
        return self.field(path) is not None

    def model_config_path(self, path: str = "workload.model") -> Path | None:
        """Return the config.json that a model field points to, or None when it names a model of the catalog."""
        text = self.field(path)
        if text is None or not (text.endswith(".json") or "/" in text or "\\" in text):
            return None
        base = self._source_path.parent if self._source_path else Path()
        return base / Path(text).expanduser()

    def leaves(self) -> Iterator[tuple[str, Any]]:
        """Yield the dotted path and value of every field that is given, in the file's order."""
        for note in notes():
            value = self.field(note.path)
            if isinstance(value, Mapping):
                yield from ((f"{note.path}.{key}", share) for key, share in value.items())
            elif value is not None:
                yield note.path, value


@dataclass(frozen=True)
class FieldNote:
    """What is known about one field of the design file: its dotted path, meaning, unit, and what may be written."""

    path: str
    title: str
    description: str
    unit: str
    allowed: str
    example: str
    choices: tuple[str, ...]
    required: bool


def notes(model: type[Section] = Design, prefix: str = "") -> Iterator[FieldNote]:
    """Yield a note on every field (not on the sections themselves), in the file's order."""
    for name, info in model.model_fields.items():
        section = section_of(info)
        if section is None:
            yield _note(f"{prefix}{name}", info)
        else:
            yield from notes(section, f"{prefix}{name}.")


def note(path: str) -> FieldNote:
    """Return the note on one field; a key of a mapping field has the note of the mapping."""
    known = _notes_by_path()
    while path and path not in known:
        path = path.rpartition(".")[0]
    return known[path]


@cache
def _notes_by_path() -> dict[str, FieldNote]:
    return {found.path: found for found in notes()}


def section_of(info: FieldInfo) -> type[Section] | None:
    """Return the section that a field holds, or None when it is a plain field."""
    for part in _alternatives(info.annotation):
        if isinstance(part, type) and issubclass(part, Section):
            return part
    return None


def _note(path: str, info: FieldInfo) -> FieldNote:
    unit, choices = "", list[str]()
    allowed, example = "text", ""
    marks = [*info.metadata]
    for part in _alternatives(info.annotation):
        if get_origin(part) is Literal:
            choices += [str(choice) for choice in get_args(part)]
        elif part is bool:
            choices += ["true", "false"]
        elif part is int:
            unit, allowed = "1", "a whole number"
        elif get_origin(part) is Annotated:
            marks += get_args(part)[1:]
        elif get_origin(part) is dict:
            marks += [mark for mark in get_args(get_args(part)[1])[1:] if isinstance(mark, Unit)]
    for mark in marks:
        if isinstance(mark, Unit):
            unit, allowed, example = mark.unit, mark.range, mark.example
    if choices:
        words = ", ".join(choices[:-1]) + f" or {choices[-1]}" if len(choices) > 1 else choices[0]
        allowed = f"{allowed}, or {words}" if unit else words
        example = example or choices[0]
    if info.examples:
        example = str(info.examples[0])
    return FieldNote(
        path, info.title or path, info.description or "", unit, allowed, example, tuple(choices), info.is_required()
    )


def _alternatives(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from _alternatives(part)
    elif annotation is not type(None):
        yield annotation


__all__ = ["Amount", "Design", "FieldNote", "Problem", "note", "notes", "section_of"]
