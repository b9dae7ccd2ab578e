"""Body shapes: what the bodies of answers have in common."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.contract import schemas
from conformance.core.foreign_json import Unreadable, read_body
from conformance.core.model import Level, OperationKind
from conformance.core.statuses import MULTI_STATUS, SERVER_ERROR
from conformance.probe.dialects import probe_source
from conformance.profile.body_format import BodyFormat
from conformance.profile.facts import ResponseBody, ResponseKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.core.model import JsonObject, Response
    from conformance.probe.draft_profile import DraftProfile, Observation

_HTML_MEDIA_TYPES = ("text/html", "application/xhtml+xml")
_FIRST_ERROR = 400
_MAX_PATHS = 4
_MAX_TEXT_LENGTH = 40
_MAX_DEPTH = 6


def derive_body_shapes(draft_profile: DraftProfile) -> None:
    """Adds facts about the bodies of successes and of errors."""
    accepted = [
        item
        for item in draft_profile.observations.get("answers.accepted", ())
        if item.operation.kind is not OperationKind.PIXEL
    ]
    _add_shape_fact(draft_profile, ResponseKind.ACCEPTED, accepted)
    partly_rejected = [
        item
        for item in draft_profile.observations.get("answers.batch-partly-bad", ())
        if item.exchange.status == MULTI_STATUS
    ]
    _add_shape_fact(draft_profile, ResponseKind.PARTLY_BAD, partly_rejected)
    refused = [
        item
        for name, observations in draft_profile.observations.items()
        if name.startswith("answers.") and name not in {"answers.method-wrong", "answers.path-unknown"}
        for item in observations
        if _FIRST_ERROR <= item.exchange.status < SERVER_ERROR
    ]
    events = [item for item in refused if item.operation.kind is OperationKind.EVENT]
    batches = [item for item in refused if item.operation.kind is OperationKind.BATCH]
    _add_shape_fact(draft_profile, ResponseKind.ERROR, events or batches)
    if events and batches:
        _add_shape_fact(draft_profile, ResponseKind.ERROR_BATCH, batches)


def _add_shape_fact(draft_profile: DraftProfile, name: ResponseKind, observations: Sequence[Observation]) -> None:
    responses = [item.exchange.response for item in observations if item.exchange.response]
    if not responses:
        return
    shape = common_shape(name, responses, observations)
    if shape is None:
        draft_profile.add_fact_row(f"bodies.{name}", "not always of one kind, not stated", f"{len(responses)} answers")
        return
    draft_profile.facts[f"bodies.{name}"] = shape
    words = [str(shape.body_format), shape.media_type or ""]
    if shape.schema:
        words.append(json.dumps(shape.schema.get("required", [])))
    draft_profile.add_fact_row(
        f"bodies.{name}",
        " ".join(word for word in words if word),
        f"{len(responses)} answers, all alike" if len(responses) > 1 else "1 answer",
    )
    if name is ResponseKind.ACCEPTED and shape.body_format in {BodyFormat.TEXT, BodyFormat.MESSAGE}:
        texts = {item.text.strip() for item in responses}
        text = next(iter(texts))
        if len(texts) == 1 and 0 < len(text) <= _MAX_TEXT_LENGTH:
            draft_profile.facts[f"bodies.{ResponseKind.ACCEPTED_TEXT}"] = ResponseBody(
                name=f"bodies.{ResponseKind.ACCEPTED_TEXT}", level=Level.MUST, sources=shape.sources, text=text
            )


def common_shape(
    name: ResponseKind, responses: Sequence[Response], observations: Sequence[Observation]
) -> ResponseBody | None:
    """What all bodies have in common; None if they differ in format."""
    body_classes = {_body_class(item) for item in responses}
    body_class = BodyFormat.MESSAGE if body_classes == {BodyFormat.TEXT, BodyFormat.JSON} else None
    body_class = next(iter(body_classes)) if len(body_classes) == 1 else body_class
    if body_class is None:
        return None
    media_types = {item.media_type for item in responses}
    media_type = next(iter(media_types)) if len(media_types) == 1 and body_class is not BodyFormat.EMPTY else ""
    schema = infer_schema([read_body(item) for item in responses]) if body_class is BodyFormat.JSON else None
    paths = list(dict.fromkeys(str(item.operation) for item in observations))
    says = f"{len(responses)} answers were alike" if len(responses) > 1 else "seen once"
    return ResponseBody(
        name=f"bodies.{name}",
        level=Level.MUST,
        sources=(probe_source(", ".join(paths[:_MAX_PATHS]), says),),
        body_format=body_class,
        media_type=media_type or None,
        schema=schema,
    )


def _body_class(response: Response) -> BodyFormat | None:
    """The format of a body; None for HTML and for blank text, which are none."""
    if not response.body:
        return BodyFormat.EMPTY
    if response.media_type in _HTML_MEDIA_TYPES or not response.text.strip():
        return None
    value = read_body(response)
    if isinstance(value, Unreadable):
        return BodyFormat.TEXT
    is_json = isinstance(value, dict | list) or response.media_type.endswith("json")
    return BodyFormat.JSON if is_json else BodyFormat.TEXT


def infer_schema(values: Sequence[Any], depth: int = 0) -> JsonObject:
    """A JSON Schema for all these values: their types, and the keys that all of them have."""
    names = list(dict.fromkeys(map(schemas.type_name, values)))
    schema: dict[str, Any] = {"type": names[0] if len(names) == 1 else [*names]}
    if names == ["boolean"] and len(set(values)) == 1 and len(values) > 1:
        return {"const": values[0]}
    if names == ["object"] and depth < _MAX_DEPTH:
        keys = [key for key in values[0] if all(key in value for value in values)]
        if keys:
            schema["required"] = [*keys]
            schema["properties"] = {key: infer_schema([value[key] for value in values], depth + 1) for key in keys}
    if names == ["array"] and depth < _MAX_DEPTH:
        items = [item for value in values for item in value]
        if items:
            schema["items"] = infer_schema(items, depth + 1)
        if all(values):
            schema["minItems"] = 1
    return schema
