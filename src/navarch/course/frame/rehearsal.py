"""Rehearsal: scripted answers, given through the same path as a student's clicks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from navarch.course.frame import answers

SURE = "50 %"
DECISION = {
    "recommendation": "Build what the library's search found.",
    "reasoning": "The binding term decides; the kept evidence shows it.",
    "rejected": "The obvious alternative.",
    "rejected_by": "It misses a constraint.",
    "trigger": "A link or a memory that is twice as fast.",
    "confidence": "75 %",
}


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What is answered in a rehearsal. predictions: by part, `answer` and `sure`; decision_fields: of the decision."""

    predictions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    decision_fields: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def beside(cls, notebook: Path | None) -> Rehearsal:
        """The answers in the YAML file beside a notebook, where there is one."""
        file = notebook.with_suffix(".yaml") if notebook is not None else None
        told: dict[str, Any] = (
            yaml.safe_load(file.read_text("utf-8")) or {} if file is not None and file.exists() else {}
        )
        return cls(told.get("predictions", {}), told.get("decision", {}))

    def prediction(self, part: str, unit: str, choices: Mapping[str, str] | None) -> tuple[str, str]:
        """Answer and how sure, as they would be typed."""
        told = self.predictions.get(part, {})
        usual = next(iter(choices)) if choices is not None else answers.examples_of(unit).split(", ")[0]
        return str(told.get("answer", usual)), str(told.get("sure", SURE))

    @property
    def decision(self) -> Mapping[str, str]:
        """The fields of the decision."""
        return {**DECISION, **self.decision_fields}
