"""An export as lines of JSON: one on the whole, then one for each request.

Their schema is specs/export.schema.json.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from conformance.export.template import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.export.script import Export, Script, Step
    from conformance.export.template import Piece, Template
    from conformance.model import Json, JsonObject

FORMAT = 1
"""The version of the lines."""


def unfit(_: Script) -> str:
    """Why a script can't be told in lines of JSON: there is nothing that can't."""
    return ""


def render(export: Export, version: str) -> str:
    """The lines of an export; in ASCII, for some readers of lines take U+2028 for the end of one."""
    return "".join(f"{json.dumps(record)}\n" for record in _records(export, version))


def _records(export: Export, version: str) -> Iterator[JsonObject]:
    yield {
        "record": "export",
        "format": FORMAT,
        "suite": {"name": "ingest-conformance", "version": version},
        "profile": {"name": export.profile.name, "title": export.profile.title},
        "gate": export.gate.value,
        "checks": len(export.scripts),
        "requests": export.requests,
        "left_out": [{"reason": reason, "checks": [*names]} for reason, names in export.reasons.items()],
    }
    for script in export.scripts:
        for number, step in enumerate(script.steps, 1):
            yield _request(script, number, step)


def _request(script: Script, number: int, step: Step) -> JsonObject:
    """One request with what is expected of its answer."""
    template = step.template
    return {
        "record": "request",
        "id": script.id,
        "operation": script.operation,
        "step": number,
        "steps": len(script.steps),
        "title": script.title,
        "level": script.level.value,
        "is_control": step.is_control,
        "method": template.method,
        "path": template.path,
        "query": [[name, value] for name, value in template.query],
        "headers": [[name, value] for name, value in template.headers],
        **_body(template),
        "base64": dict(template.tokens),
        "expect": step.expectation.as_json(),
        "sources": [source.as_json() for source in script.sources],
    }


def _body(template: Template) -> JsonObject:
    """The body in the simplest way that it can be told; nothing where there is none."""
    if not template.has_body:
        return {}
    if template.packed:
        return {"body_base64": base64.b64encode(template.packed).decode()}
    if template.is_short:
        return {"body": template.text}
    found: JsonObject = {"body_pieces": [_piece(piece) for piece in template.pieces]}
    return {**found, "body_bytes": template.size} if template.size else found


def _piece(piece: Piece) -> Json:
    return {"repeat": piece.unit, "times": piece.times} if isinstance(piece, Run) else piece
