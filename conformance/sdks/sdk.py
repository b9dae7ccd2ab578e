"""An SDK as data: the shapes of its requests, and the rules by which it reads answers."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.statuses import SERVER_ERROR

if TYPE_CHECKING:
    from conformance.core.model import Exchange, JsonObject, Response


class Reaction(enum.StrEnum):
    """What an SDK does with an answer."""

    DELIVER = "deliver"
    GIVE_UP = "give-up"
    RETRY = "retry"
    SEND_AGAIN = "send-again"
    LOSE = "lose"

    @property
    def verb(self) -> str:
        """What it does, for a sentence."""
        return _VERBS[self]


_VERBS = {
    Reaction.DELIVER: "delivers",
    Reaction.GIVE_UP: "gives up",
    Reaction.RETRY: "retries",
    Reaction.SEND_AGAIN: "sends again",
    Reaction.LOSE: "loses silently",
}


class BodyReading(enum.StrEnum):
    """What an SDK sees in the body of an answer.

    Coded is a JSON object with `code` and `message`, uncoded any other JSON, text all else, nothing included.
    """

    CODED = "coded"
    UNCODED = "uncoded"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionRule:
    """What an SDK does with some answers; a facet that is None may be anything."""

    statuses: frozenset[int]
    reaction: Reaction
    reading: BodyReading | None = None
    has_retry_after: bool | None = None

    def matches(self, status: int, reading: BodyReading, *, has_retry_after: bool) -> bool:
        """Whether it is about such an answer."""
        return (
            status in self.statuses
            and self.reading in {None, reading}
            and self.has_retry_after in {None, has_retry_after}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """One request as an SDK writes it, and the headers that it adds when it sends it again.

    In `headers`, `$BASIC` stands for the base64 of the key and a colon; there and in `body`, `$WRITE_KEY`
    stands for the key, `$MESSAGE_ID` for an id that no other event has.
    """

    path: str
    content_type: str
    is_gzipped: bool
    headers: tuple[tuple[str, str], ...]
    retry_headers: tuple[tuple[str, str], ...]
    body: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """One version of an official SDK. `recorded` says when and from what."""

    name: str
    title: str
    version: str
    language: str
    recorded: str
    requests: tuple[RecordedRequest, ...]
    rules: tuple[ReactionRule, ...]

    @property
    def paths(self) -> frozenset[str]:
        """The paths that it sends to."""
        return frozenset(shape.path for shape in self.requests)

    def requests_to(self, path: str) -> tuple[RecordedRequest, ...]:
        """The requests that it sends to a path."""
        return tuple(shape for shape in self.requests if shape.path == path)

    def reaction_to(self, status: int, reading: BodyReading, *, has_retry_after: bool) -> Reaction | None:
        """What it does with such an answer; None if its rules do not say."""
        rules = (rule for rule in self.rules if rule.matches(status, reading, has_retry_after=has_retry_after))
        return next((rule.reaction for rule in rules), None)


def sdk_reaction(sdk: Sdk, exchange: Exchange) -> Reaction:
    """What an SDK does with what came of its request; it tries again where no answer came at all."""
    response = exchange.response
    if response is None:
        return Reaction.RETRY
    has_retry_after = response.header("retry-after") is not None
    return sdk.reaction_to(response.status, _read_body(response), has_retry_after=has_retry_after) or Reaction.GIVE_UP


def effective_reaction(sdk: Sdk, exchange: Exchange, *, is_invalid: bool) -> Reaction:
    """What an answer makes of an SDK's events, where it is known whether they should have been refused.

    What should have been refused and counts as delivered is lost, and trying it again after an error of the
    server is of no use.
    """
    nominal = sdk_reaction(sdk, exchange)
    if is_invalid and nominal is Reaction.DELIVER:
        return Reaction.LOSE
    if is_invalid and nominal is Reaction.RETRY and (exchange.response is None or exchange.status >= SERVER_ERROR):
        return Reaction.SEND_AGAIN
    return nominal


def _read_body(response: Response) -> BodyReading:
    """What an SDK sees in a body, whatever its type is said to be."""
    try:
        value: Any = json.loads(response.text)
    except (ValueError, RecursionError):
        return BodyReading.TEXT
    is_coded = isinstance(value, dict) and {"code", "message"} <= value.keys()
    return BodyReading.CODED if is_coded else BodyReading.UNCODED
