"""An export as JSON lines: one about the export, then one for each request.

Their schema is specs/export.schema.json.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from conformance.core.text import to_json_text
from conformance.export.request_template import RepeatedText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.core.model import Json, JsonObject
    from conformance.export.exported_checks import Export, ExportedCheck, ExportedRequest
    from conformance.export.limitations import Limitation
    from conformance.export.request_template import BodyPiece, RequestTemplate

FORMAT_VERSION = 1
"""The version of the format."""


def find_limitation(_: ExportedCheck) -> Limitation | None:
    """Always None: JSON lines can hold every check."""
    return None


def render(export: Export, version: str) -> str:
    """The lines of an export, in ASCII, because some readers treat U+2028 as a line break."""
    return "".join(f"{to_json_text(record, ensure_ascii=True)}\n" for record in _records(export, version))


def _records(export: Export, version: str) -> Iterator[JsonObject]:
    yield {
        "record": "export",
        "format": FORMAT_VERSION,
        "suite": {"name": "ingest-conformance", "version": version},
        "profile": {"name": export.profile.name, "title": export.profile.title},
        "gate": export.gate.value,
        "checks": len(export.checks),
        "requests": export.request_count,
        "left_out": [
            {"reason": str(limitation), "checks": [*names]} for limitation, names in export.names_by_limitation.items()
        ],
    }
    for check in export.checks:
        for number, request in enumerate(check.requests, 1):
            yield _request_record(check, number, request)


def _request_record(check: ExportedCheck, number: int, request: ExportedRequest) -> JsonObject:
    """One request with the expected answer."""
    template = request.template
    return {
        "record": "request",
        "id": check.id,
        "operation": check.operation,
        "step": number,
        "steps": len(check.requests),
        "title": check.title,
        "level": check.level.value,
        "is_control": request.is_control,
        "method": template.method,
        "path": template.path,
        "query": [[name, value] for name, value in template.query],
        "headers": [[name, value] for name, value in template.headers],
        **_body_fields(template),
        "base64": dict(template.base64_placeholders),
        "expect": request.expectation.as_json(),
        "sources": [source.as_json() for source in check.sources],
    }


def _body_fields(template: RequestTemplate) -> JsonObject:
    """The body in its simplest form; nothing if there is none."""
    if not template.has_body:
        return {}
    if template.binary_body:
        return {"body_base64": base64.b64encode(template.binary_body).decode()}
    if template.has_no_repetitions:
        return {"body": template.body_text}
    fields: JsonObject = {"body_pieces": [_piece_data(piece) for piece in template.pieces]}
    return {**fields, "body_bytes": template.body_size} if template.body_size else fields


def _piece_data(piece: BodyPiece) -> Json:
    return {"repeat": piece.unit, "times": piece.times} if isinstance(piece, RepeatedText) else piece
