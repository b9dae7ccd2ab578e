"""The reference page of a profile's keys, from its JSON Schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.core import resources

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTRODUCTION = """# Profile keys

Every key of a profile, from its JSON Schema, `specs/profile.schema.json`. An unknown key is an error.
[Profiles](../profiles.md) explains the ideas.
"""
_SHARED = {
    "fact": "fact",
    "answer": "answer",
    "tolerated": "list of tolerated statuses",
    "source": "source",
    "keyed": "key in the query",
    "keyed-body": "key in the body",
    "keyed-header": "key in a header",
    "limit": "size limit",
    "size": "size",
    "body": "response body",
    "example": "example",
    "event": "event type",
    "route": "group of routes",
}
"""The definitions that have a section of their own, since several keys refer to them, and their names there."""


def schema() -> dict[str, Any]:
    """The JSON Schema of a profile."""
    document: dict[str, Any] = json.loads((resources.specs_dir() / "profile.schema.json").read_text("utf-8"))
    return document


def render() -> str:
    """The page."""
    document = schema()
    parts = [_INTRODUCTION, "## Top level\n", *_table(document, document)]
    for key, value in document["properties"].items():
        resolved = _resolve(document, value)
        if _reference(value) not in _SHARED and "properties" in resolved:
            parts += _section(document, key, resolved)
    for name, title in _SHARED.items():
        parts += _section(document, f"{_article(title).capitalize()} {title}", document["$defs"][name])
    return "\n".join(parts)


def _section(document: dict[str, Any], title: str, node: dict[str, Any]) -> Iterator[str]:
    """The section of an object, or of a list of objects."""
    yield f"## {title}\n"
    if node.get("description"):
        yield f"{_cell(node['description'])}\n"
    if list(keys(document, node.get("items", node))):
        yield from _table(document, node.get("items", node))


def _table(document: dict[str, Any], node: dict[str, Any]) -> Iterator[str]:
    """The keys of an object, those of unnamed objects in it with dots."""
    yield "| key | value | |"
    yield "|---|---|---|"
    for key, value, required in keys(document, node):
        mark = "; required" if required else ""
        yield f"| `{key}` | {_kind(document, value)}{mark} | {_cell(describe(document, value))} |"
    yield ""


def keys(document: dict[str, Any], node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Each key of an object: its name, its schema, and whether it is required; those of objects in it, too."""
    for key, value in node.get("properties", {}).items():
        yield key, value, key in node.get("required", ())
        if node is document and "properties" in _resolve(document, value):
            continue  # it has a section of its own
        resolved = value if _reference(value) in _SHARED else _resolve(document, value)
        infix, inner = "", resolved.get("items", resolved)
        if isinstance(resolved.get("additionalProperties"), dict):
            infix, inner = ".NAME", resolved["additionalProperties"]
        for name, inner_schema, required in keys(document, inner):
            yield f"{key}{infix}.{name}", inner_schema, required


def describe(document: dict[str, Any], value: dict[str, Any]) -> str:
    """What a key is for: its own description, or that of the definition that it refers to."""
    return str(value.get("description") or _resolve(document, value).get("description", ""))


def _kind(document: dict[str, Any], value: dict[str, Any]) -> str:
    """What a key's value is, in few words, with a link where a section describes it."""
    name = _reference(value)
    if name in _SHARED:
        phrase = f"{_article(_SHARED[name])} {_SHARED[name]}"
        return f"[{phrase}](#{phrase.replace(' ', '-')})"
    resolved = _resolve(document, value)
    if _reference(resolved.get("items", {})) == "source":
        return "a list of [sources](#a-source)"
    if "x-expected" in resolved:
        return _cell(resolved["x-expected"])
    return _kind_of_schema(document, resolved)


def _kind_of_schema(document: dict[str, Any], node: dict[str, Any]) -> str:
    """What a value is by the rules for it."""
    if "enum" in node:
        return " or ".join(f"`{item}`" for item in node["enum"])
    if "items" in node:
        return f"a list, each item: {_kind(document, node['items'])}"
    if isinstance(node.get("additionalProperties"), dict):
        return f"names, each with {_kind(document, node['additionalProperties'])}"
    if "properties" in node:
        return "the keys below"
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    names = {"boolean": "true or false", "integer": "a whole number", "object": "an object", "string": "a text"}
    return " or ".join(names[kind] for kind in kinds)


def _reference(value: dict[str, Any]) -> str:
    """The name of the definition that a schema refers to; empty for none."""
    return str(value.get("$ref", "")).removeprefix("#/$defs/")


def _resolve(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    name = _reference(value)
    resolved: dict[str, Any] = document["$defs"][name] if name else value
    return resolved


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeio" else "a"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
