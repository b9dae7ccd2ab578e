"""The scripts of answers, from `specs/client-scripts.yaml`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from conformance.core import resources
from conformance.profile import yaml_document
from conformance.sdk_runs import Script
from conformance.wire.forwarding import ForwardedAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.core.model import JsonObject

USER, VISITOR = "conformance-user", "conformance-visitor"
_CONFIG = {"flushAt": 20, "flushInterval": 200, "maxRetries": 5}
_BODIES = {True: '{"success": true}', False: '{"success": false, "code": "scripted", "message": "scripted"}'}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientScript:
    """What a client is made to send, what it is answered, and what must hold; `marks` are the names of its events."""

    name: str
    title: str
    script: Script
    answers: tuple[ForwardedAnswer, ...]
    holds: frozenset[str]
    has_own_ids: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def marks(self) -> list[str]:
        """What tells its events apart, in their order."""
        return [mark_of(event) for event in self.script.events]

    def answer(self, number: int) -> ForwardedAnswer:
        """The answer to a request, by the number of those before it."""
        return self.answers[min(number, len(self.answers) - 1)]


def mark_of(event: Mapping[str, Any]) -> str:
    """What tells an event apart from the others of its script: its kind and its own words."""
    kind = str(event.get("type"))
    return f"{kind} {event.get('event')}" if kind == "track" else kind


@cache
def load_client_scripts() -> tuple[ClientScript, ...]:
    """All scripts, in the order of the file."""
    document = yaml_document.read(resources.specs_dir() / "client-scripts.yaml", "scripts")
    data: Any = document.value
    return tuple(_parse(name, item) for name, item in data["scripts"].items())


def _parse(name: str, item: Any) -> ClientScript:  # noqa: ANN401 - data of the suite
    config = {**_CONFIG, **item.get("config", {})}
    events = _all_kinds() if item["events"] == "kinds" else [_event(number, item) for number in range(item["events"])]
    middle = len(events) // 2 if "pause" in item else 0
    sequences = [
        {"delayMs": 0, "events": events[:middle]}, {"delayMs": item.get("pause", 0), "events": events[middle:]},
    ]  # fmt: skip
    return ClientScript(
        name=name,
        title=item["title"],
        script=Script(sequences=[each for each in sequences if each["events"]], config=config),
        answers=tuple(_answer(answer) for answer in item["answers"]),
        holds=frozenset(item["holds"]),
        has_own_ids=item.get("ids", False),
        config=config,
    )


def _event(number: int, item: Mapping[str, Any]) -> JsonObject:
    properties: JsonObject = {"number": number}
    if "pad" in item:
        properties["pad"] = "x" * item["pad"]
    if "text" in item:
        properties["text"] = item["text"]
    event: JsonObject = {"type": "track", "userId": USER, "event": f"Conformance {number}", "properties": properties}
    return {**event, "messageId": f"conformance-own-{number}"} if item.get("ids") else event


def _all_kinds() -> list[JsonObject]:
    return [
        {"type": "track", "userId": USER, "event": "Conformance", "properties": {"total": 39.9, "currency": "EUR"}},
        {"type": "identify", "userId": USER, "traits": {"email": "conformance@example.com"}},
        {"type": "page", "userId": USER, "name": "Home", "properties": {"path": "/"}},
        {"type": "screen", "userId": USER, "name": "Welcome", "properties": {"variation": "blue"}},
        {"type": "group", "userId": USER, "groupId": "conformance-group", "traits": {"name": "Example"}},
        {"type": "alias", "userId": USER, "previousId": VISITOR},
    ]


def _answer(item: Any) -> ForwardedAnswer:  # noqa: ANN401 - data of the suite
    if item == "close":
        return ForwardedAnswer(status=0)
    if isinstance(item, int):
        item = {"status": item}
    status = item["status"]
    headers = [("Content-Type", item.get("type", "application/json"))]
    if "after" in item:
        headers.append(("Retry-After", str(item["after"])))
    if "location" in item:
        headers.append(("Location", item["location"]))
    body = item.get("body", _BODIES[status < 300])
    return ForwardedAnswer(status=status, headers=tuple(headers), body=body.encode())
