"""Plain, valid data of an SDK -> an Sdk. Notes what a schema can't say."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.sdks.shapes import Reaction, Reading, Rule, Sdk, Shape

if TYPE_CHECKING:
    from conformance.profile.document import Document, Place

_STATUSES = range(200, 600)
_KEY = "$WRITE_KEY"


def sdk(document: Document) -> Sdk:
    """The SDK that a document describes."""
    data: Any = document.value
    stem = Path(document.file).stem
    if data["name"] != stem:
        document.blame(("name",), f"the file is called {stem}; name and file must be the same")
    found = Sdk(
        name=data["name"],
        title=data["title"],
        version=data["version"],
        language=data["language"],
        recorded=data["recorded"],
        shapes=tuple(_shape(item, ("requests", n), document) for n, item in enumerate(data["requests"])),
        rules=tuple(_rule(item) for item in data["reactions"]),
    )
    _judge_rules(found, document)
    return found


def _shape(data: Any, place: Place, document: Document) -> Shape:
    is_gzipped = data["encoding"] == "gzip"
    if is_gzipped and _KEY in json.dumps(data["body"]):
        document.blame((*place, "body"), f"{_KEY} in a compressed body could not be kept out of reports")
    return Shape(
        path=data["path"],
        content_type=data["content_type"],
        is_gzipped=is_gzipped,
        headers=tuple(data["headers"].items()),
        retry_headers=tuple(data.get("retry_headers", {}).items()),
        body=data["body"],
    )


def _rule(data: Any) -> Rule:
    status = data["status"]
    parts = status if isinstance(status, list) else [status]
    return Rule(
        statuses=frozenset(itertools.chain.from_iterable(map(_statuses, parts))),
        reaction=Reaction(data["does"]),
        reading=Reading(data["body"]) if "body" in data else None,
        retry_after=data.get("retry_after"),
    )


def _statuses(part: int | str) -> range:
    """The statuses that a number, or a class such as `4xx`, stands for."""
    if isinstance(part, int):
        return range(part, part + 1)
    first = int(part[0]) * 100
    return range(first, first + 100)


def _judge_rules(found: Sdk, document: Document) -> None:
    """Notes a status that no rule answers whatever comes with it."""
    plain = (rule for rule in found.rules if rule.reading is None and rule.retry_after is None)
    open_ones = set(_STATUSES).difference(*(rule.statuses for rule in plain))
    if open_ones:
        message = (
            f"nothing is said of the status {min(open_ones)}; every status needs a rule without conditions"
        )
        document.blame(("reactions",), message)
