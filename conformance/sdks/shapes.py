"""An SDK as data: the shapes of its requests, and the rules by which it reads answers."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.model import Exchange, JsonObject, Response


class Reaction(enum.StrEnum):
    """What an SDK does with an answer."""

    DELIVER = "deliver"
    GIVE_UP = "give-up"
    RETRY = "retry"
    SEND_AGAIN = "send-again"
    LOSE = "lose"

    @property
    def words(self) -> str:
        """What it does, for a sentence."""
        return _WORDS[self]


_SERVER_ERROR = 500
_WORDS = {
    Reaction.DELIVER: "delivers",
    Reaction.GIVE_UP: "gives up",
    Reaction.RETRY: "retries",
    Reaction.SEND_AGAIN: "sends again",
    Reaction.LOSE: "loses silently",
}


class Reading(enum.StrEnum):
    """What an SDK sees in the body of an answer.

    Coded is a JSON object with `code` and `message`, uncoded any other JSON, text all else, nothing included.
    """

    CODED = "coded"
    UNCODED = "uncoded"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an SDK does with some answers; a facet that is None may be anything."""

    statuses: frozenset[int]
    reaction: Reaction
    reading: Reading | None = None
    retry_after: bool | None = None

    def fits(self, status: int, reading: Reading, *, retry_after: bool) -> bool:
        """Whether it is about such an answer."""
        return (
            status in self.statuses
            and self.reading in {None, reading}
            and self.retry_after in {None, retry_after}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
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
    shapes: tuple[Shape, ...]
    rules: tuple[Rule, ...]

    @property
    def paths(self) -> frozenset[str]:
        """The paths that it sends to."""
        return frozenset(shape.path for shape in self.shapes)

    def shapes_at(self, path: str) -> tuple[Shape, ...]:
        """The requests that it sends to a path."""
        return tuple(shape for shape in self.shapes if shape.path == path)

    def reads(self, status: int, reading: Reading, *, retry_after: bool) -> Reaction | None:
        """What it does with such an answer; None if its rules do not say."""
        rules = (rule for rule in self.rules if rule.fits(status, reading, retry_after=retry_after))
        return next((rule.reaction for rule in rules), None)


def reaction(sdk: Sdk, exchange: Exchange) -> Reaction:
    """What an SDK does with what came of its request; it tries again where no answer came at all."""
    response = exchange.response
    if response is None:
        return Reaction.RETRY
    retry_after = response.header("retry-after") is not None
    return sdk.reads(response.status, _reading(response), retry_after=retry_after) or Reaction.GIVE_UP


def consequence(sdk: Sdk, exchange: Exchange, *, is_bad: bool) -> Reaction:
    """What an answer makes of an SDK's events, where it is known whether they should have been refused.

    What should have been refused and counts as delivered is lost, and trying it again after an error of the
    server is of no use.
    """
    found = reaction(sdk, exchange)
    if is_bad and found is Reaction.DELIVER:
        return Reaction.LOSE
    if is_bad and found is Reaction.RETRY and (exchange.response is None or exchange.status >= _SERVER_ERROR):
        return Reaction.SEND_AGAIN
    return found


def _reading(response: Response) -> Reading:
    """What an SDK sees in a body, whatever its type is said to be."""
    try:
        value: Any = json.loads(response.text)
    except (ValueError, RecursionError):
        return Reading.TEXT
    is_coded = isinstance(value, dict) and {"code", "message"} <= value.keys()
    return Reading.CODED if is_coded else Reading.UNCODED
