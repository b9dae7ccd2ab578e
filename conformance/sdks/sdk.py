"""An SDK as data: its requests, and the rules by which it reacts to responses."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.foreign_json import Unreadable, read_body
from conformance.core.statuses import SERVER_ERROR

if TYPE_CHECKING:
    from conformance.core.model import Exchange, JsonObject, Response


class Reaction(enum.StrEnum):
    """What an SDK does with its events after a response. What the server did with them is another question.

    DELIVER: counts them as delivered. DELIVER_ANYWAY: counts them as delivered, although the documents have such a
    request refused, or the answer is no plain success, or its body says that they were refused. GIVE_UP: drops
    them and reports it. RETRY: waits and sends them again, as it should. SEND_AGAIN: sends them again although
    that is wrong or useless. LOSE is the older word for DELIVER_ANYWAY, in reports and files from before.
    """

    DELIVER = "deliver"
    DELIVER_ANYWAY = "deliver-anyway"
    GIVE_UP = "give-up"
    RETRY = "retry"
    SEND_AGAIN = "send-again"
    LOSE = "lose"

    @property
    def verb(self) -> str:
        """The reaction as a verb, such as `gives up`."""
        return _VERBS[self]


_VERBS = {
    Reaction.DELIVER: "counts as delivered",
    Reaction.DELIVER_ANYWAY: "counts as delivered anyway",
    Reaction.GIVE_UP: "gives up",
    Reaction.RETRY: "retries",
    Reaction.SEND_AGAIN: "sends again",
    Reaction.LOSE: "counts as delivered anyway",
}


class BodyReading(enum.StrEnum):
    """How an SDK understands the body of a response.

    CODED is a JSON object with `code` and `message`, UNCODED any other JSON, TEXT everything else, also an
    empty body.
    """

    CODED = "coded"
    UNCODED = "uncoded"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionRule:
    """The reaction to some responses; a condition that is None always holds."""

    statuses: frozenset[int]
    reaction: Reaction
    reading: BodyReading | None = None
    has_retry_after: bool | None = None

    def matches(self, status: int, reading: BodyReading, *, has_retry_after: bool) -> bool:
        """Whether the rule applies to a response."""
        return (
            status in self.statuses
            and self.reading in {None, reading}
            and self.has_retry_after in {None, has_retry_after}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """One recorded request of an SDK; `retry_headers` are added when the SDK repeats it.

    In `headers`, `$BASIC` stands for the base64 of the key and a colon. In `headers` and `body`, `$WRITE_KEY`
    stands for the key, and `$MESSAGE_ID` for a unique id.
    """

    path: str
    content_type: str
    is_gzipped: bool
    headers: tuple[tuple[str, str], ...]
    retry_headers: tuple[tuple[str, str], ...]
    body: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """One version of an official SDK. `recorded` says when it was recorded, and from what.

    `is_browser`: it runs in pages of other sites, so that a browser decides what it may send and read.
    """

    name: str
    title: str
    version: str
    language: str
    recorded: str
    requests: tuple[RecordedRequest, ...]
    rules: tuple[ReactionRule, ...]
    is_browser: bool = False

    @property
    def paths(self) -> frozenset[str]:
        """The paths of its requests."""
        return frozenset(request.path for request in self.requests)

    def requests_to(self, path: str) -> tuple[RecordedRequest, ...]:
        """The requests that it sends to a path."""
        return tuple(request for request in self.requests if request.path == path)

    def reaction_to(self, status: int, reading: BodyReading, *, has_retry_after: bool) -> Reaction | None:
        """The reaction to a response, by the first rule that applies; None if none does."""
        rules = (rule for rule in self.rules if rule.matches(status, reading, has_retry_after=has_retry_after))
        return next((rule.reaction for rule in rules), None)


def sdk_reaction(sdk: Sdk, exchange: Exchange) -> Reaction:
    """The reaction of an SDK to an exchange; RETRY if there was no response."""
    response = exchange.response
    if response is None:
        return Reaction.RETRY
    has_retry_after = response.header("retry-after") is not None
    return sdk.reaction_to(response.status, _read_body(response), has_retry_after=has_retry_after) or Reaction.GIVE_UP


def effective_reaction(sdk: Sdk, exchange: Exchange, *, is_invalid: bool) -> Reaction:
    """The reaction of an SDK; `is_invalid`: its events were to be refused, or the answer says that they were.

    It counts such events as delivered anyway (DELIVER_ANYWAY), and it is useless to repeat them after a server
    error (SEND_AGAIN).
    """
    nominal = sdk_reaction(sdk, exchange)
    if is_invalid and nominal is Reaction.DELIVER:
        return Reaction.DELIVER_ANYWAY
    if is_invalid and nominal is Reaction.RETRY and (exchange.response is None or exchange.status >= SERVER_ERROR):
        return Reaction.SEND_AGAIN
    return nominal


def _read_body(response: Response) -> BodyReading:
    """How an SDK understands a body; the Content-Type is not looked at."""
    value = read_body(response)
    if isinstance(value, Unreadable):
        return BodyReading.TEXT
    is_coded = isinstance(value, dict) and {"code", "message"} <= value.keys()
    return BodyReading.CODED if is_coded else BodyReading.UNCODED
