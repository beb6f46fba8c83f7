"""The JSON schema of the design file, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from navarch.design.spec import Design

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def design_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a design file; an amount may be text, a number or a mapping."""
    schema = Design.model_json_schema()
    return {"$schema": DIALECT, **schema, "title": "navarch design file"}
