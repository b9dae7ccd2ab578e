"""Shapes: what the bodies of answers have in common."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.model import Kind, Level, Source
from conformance.probe.family import SOURCE
from conformance.profile.facts import BodyClass, BodyShape, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.model import JsonObject, Response
    from conformance.probe.sketch import Sighting, Sketch

_HTML = ("text/html", "application/xhtml+xml")
_TYPES: dict[type, str] = {
    bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object",
    type(None): "null",
}  # fmt: skip
_LONGEST_TEXT = 40
_DEEPEST = 6


def learn(sketch: Sketch) -> None:
    """Finds the shapes of accepted bodies and of errors."""
    answers = "answers."
    accepted = [
        item for item in sketch.sightings.get("answers.accepted", ()) if item.operation.kind is not Kind.PIXEL
    ]
    _state(sketch, Shape.ACCEPTED, accepted)
    partly = [
        item for item in sketch.sightings.get("answers.batch-partly-bad", ()) if item.exchange.status == 207
    ]
    _state(sketch, Shape.PARTLY_BAD, partly)
    refused = [
        item
        for name, seen in sketch.sightings.items()
        if name.startswith(answers) and name not in {"answers.method-wrong", "answers.path-unknown"}
        for item in seen
        if 400 <= item.exchange.status < 500
    ]
    events = [item for item in refused if item.operation.kind is Kind.EVENT]
    batches = [item for item in refused if item.operation.kind is Kind.BATCH]
    _state(sketch, Shape.ERROR, events or batches)
    if events and batches:
        _state(sketch, Shape.ERROR_BATCH, batches)


def _state(sketch: Sketch, name: Shape, seen: Sequence[Sighting]) -> None:
    responses = [item.exchange.response for item in seen if item.exchange.response]
    if not responses:
        return
    shape = shaped(name, responses, seen)
    if shape is None:
        sketch.tell(f"bodies.{name}", "not always of one kind, not stated", f"{len(responses)} answers")
        return
    sketch.facts[f"bodies.{name}"] = shape
    words = [str(shape.body_class), shape.media_type or ""]
    if shape.schema:
        words.append(json.dumps(shape.schema.get("required", [])))
    sketch.tell(
        f"bodies.{name}",
        " ".join(word for word in words if word),
        f"{len(responses)} answers, all alike" if len(responses) > 1 else "1 answer",
    )
    if name is Shape.ACCEPTED and shape.body_class in {BodyClass.TEXT, BodyClass.MESSAGE}:
        texts = {item.text.strip() for item in responses}
        text = next(iter(texts))
        if len(texts) == 1 and 0 < len(text) <= _LONGEST_TEXT:
            sketch.facts[f"bodies.{Shape.ACCEPTED_TEXT}"] = BodyShape(
                name=f"bodies.{Shape.ACCEPTED_TEXT}", level=Level.MUST, sources=shape.sources, text=text
            )


def shaped(name: Shape, responses: Sequence[Response], seen: Sequence[Sighting]) -> BodyShape | None:
    """What all bodies have in common; None if they have not even their kind."""
    kinds = {_class(item) for item in responses}
    kind = BodyClass.MESSAGE if kinds == {BodyClass.TEXT, BodyClass.JSON} else None
    kind = next(iter(kinds)) if len(kinds) == 1 else kind
    if kind is None:
        return None
    types = {item.media_type for item in responses}
    media_type = next(iter(types)) if len(types) == 1 and kind is not BodyClass.EMPTY else ""
    schema = inferred([json.loads(item.text) for item in responses]) if kind is BodyClass.JSON else None
    paths = list(dict.fromkeys(str(item.operation) for item in seen))
    says = f"{len(responses)} answers were alike" if len(responses) > 1 else "seen once"
    return BodyShape(
        name=f"bodies.{name}",
        level=Level.MUST,
        sources=(Source(document=SOURCE, section=", ".join(paths[:4]), says=says),),
        body_class=kind,
        media_type=media_type or None,
        schema=schema,
    )


def _class(response: Response) -> BodyClass | None:
    """What kind of thing a body is; None for a page of HTML, which is none of them."""
    if not response.body:
        return BodyClass.EMPTY
    if response.media_type in _HTML or not response.text.strip():
        return None
    try:
        value = json.loads(response.text)
    except ValueError:
        return BodyClass.TEXT
    is_json = isinstance(value, dict | list) or response.media_type.endswith("json")
    return BodyClass.JSON if is_json else BodyClass.TEXT


def inferred(values: Sequence[Any], depth: int = 0) -> JsonObject:
    """A JSON Schema that values have in common: their types, and the keys that all of them have."""
    names = list(dict.fromkeys(_TYPES[type(value)] for value in values))
    schema: dict[str, Any] = {"type": names[0] if len(names) == 1 else [*names]}
    if names == ["boolean"] and len(set(values)) == 1 and len(values) > 1:
        return {"const": values[0]}
    if names == ["object"] and depth < _DEEPEST:
        keys = [key for key in values[0] if all(key in value for value in values)]
        if keys:
            schema["required"] = [*keys]
            schema["properties"] = {
                key: inferred([value[key] for value in values], depth + 1) for key in keys
            }
    if names == ["array"] and depth < _DEEPEST:
        items = [item for value in values for item in value]
        if items:
            schema["items"] = inferred(items, depth + 1)
        if all(values):
            schema["minItems"] = 1
    return schema
