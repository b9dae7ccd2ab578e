"""Builds an Sdk from YAML data that fits the schema, and checks what a schema can't."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.profile.yaml_document import WRITE_KEY_PLACEHOLDER
from conformance.sdks.sdk import BodyReading, Reaction, ReactionRule, RecordedRequest, Sdk

if TYPE_CHECKING:
    from conformance.profile.yaml_document import Place, YamlDocument

_STATUSES = range(200, 600)


def parse_sdk(document: YamlDocument) -> Sdk:
    """The SDK that a document describes; mistakes are added to the document's problems."""
    data: Any = document.value
    stem = Path(document.file).stem
    if data["name"] != stem:
        document.add_problem(("name",), f"the file is called {stem}; name and file must match")
    parsed = Sdk(
        name=data["name"],
        title=data["title"],
        version=data["version"],
        language=data["language"],
        recorded=data["recorded"],
        is_browser=data.get("browser", False),
        requests=tuple(_parse_request(item, ("requests", n), document) for n, item in enumerate(data["requests"])),
        rules=tuple(_parse_rule(item) for item in data["reactions"]),
    )
    _check_rules(parsed, document)
    return parsed


def _parse_request(data: Any, place: Place, document: YamlDocument) -> RecordedRequest:
    is_gzipped = data["encoding"] == "gzip"
    if is_gzipped and WRITE_KEY_PLACEHOLDER in json.dumps(data["body"]):
        document.add_problem(
            (*place, "body"), f"{WRITE_KEY_PLACEHOLDER} in a compressed body could not be kept out of reports"
        )
    return RecordedRequest(
        path=data["path"],
        content_type=data["content_type"],
        is_gzipped=is_gzipped,
        headers=tuple(data["headers"].items()),
        retry_headers=tuple(data.get("retry_headers", {}).items()),
        body=data["body"],
    )


def _parse_rule(data: Any) -> ReactionRule:
    status = data["status"]
    parts = status if isinstance(status, list) else [status]
    return ReactionRule(
        statuses=frozenset(itertools.chain.from_iterable(map(_expand_statuses, parts))),
        reaction=Reaction.DELIVER_ANYWAY if data["does"] == Reaction.LOSE else Reaction(data["does"]),
        reading=BodyReading(data["body"]) if "body" in data else None,
        has_retry_after=data.get("retry_after"),
    )


def _expand_statuses(status_or_class: int | str) -> range:
    """The statuses of a number, or of a class such as `4xx`."""
    if isinstance(status_or_class, int):
        return range(status_or_class, status_or_class + 1)
    first = int(status_or_class[0]) * 100
    return range(first, first + 100)


def _check_rules(parsed: Sdk, document: YamlDocument) -> None:
    """Adds a problem if a status has no rule without further conditions."""
    unconditional = (rule for rule in parsed.rules if rule.reading is None and rule.has_retry_after is None)
    uncovered = set(_STATUSES).difference(*(rule.statuses for rule in unconditional))
    if uncovered:
        message = f"the status {min(uncovered)} needs a rule without conditions, as every status does"
        document.add_problem(("reactions",), message)
