"""Builds an Sdk from YAML data that fits the schema, and checks what a schema can't."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.sdks.sdk import NO_ANSWER, BodyReading, Reaction, ReactionRule, RecordedRequest, Repeats, Sdk

if TYPE_CHECKING:
    from conformance.profile.yaml_document import YamlDocument

_STATUSES = frozenset({NO_ANSWER, *range(200, 600)})


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
        is_read_off=data.get("observed") == "source",
        registry=(data["registry"]["kind"], data["registry"]["package"]) if "registry" in data else None,
        requests=tuple(_parse_request(item) for item in data["requests"]),
        rules=tuple(_parse_rule(item) for item in data["reactions"]),
    )
    _check_rules(parsed, document)
    return parsed


def _parse_request(data: Any) -> RecordedRequest:
    return RecordedRequest(
        path=data["path"],
        content_type=data["content_type"],
        is_gzipped=data["encoding"] == "gzip",
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
        has_location=data.get("location"),
        repeats=_parse_repeats(data["repeats"]) if "repeats" in data else None,
        follows_by_get="follows" in data,
    )


def _parse_repeats(data: Any) -> Repeats:
    return Repeats(
        times=None if data["times"] == "endless" else data["times"],
        first_s=data["first_s"],
        factor=data["factor"],
        most_s=data.get("most_s", math.inf),
        for_s=data.get("for_s", math.inf),
        heeds_retry_after="retry_after" in data,
        keeps_after=data.get("then") == "keep",
    )


def _expand_statuses(status_or_class: int | str) -> range:
    """The statuses of a number, of a class such as `4xx`, or of `none`."""
    if status_or_class == "none":
        return range(NO_ANSWER, NO_ANSWER + 1)
    if isinstance(status_or_class, int):
        return range(status_or_class, status_or_class + 1)
    first = int(status_or_class[0]) * 100
    return range(first, first + 100)


def _check_rules(parsed: Sdk, document: YamlDocument) -> None:
    """Adds a problem if a status has no rule without further conditions."""
    unconditional = (rule for rule in parsed.rules if rule.is_unconditional)
    uncovered = _STATUSES.difference(*(rule.statuses for rule in unconditional))
    if uncovered:
        missing = f"the status {min(uncovered)}" if min(uncovered) else "no answer (none)"
        message = f"{missing} needs a rule without conditions, as every status does"
        document.add_problem(("reactions",), message)
