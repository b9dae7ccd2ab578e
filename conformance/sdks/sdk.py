"""An SDK as data: its requests, and the rules by which it reacts to responses."""

from __future__ import annotations

import enum
import math
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
    them and reports it. RETRY: waits and sends them again, as it should. FOLLOW: sends them to the place that the
    answer names. SEND_AGAIN: sends them again although
    that is wrong or useless. LOSE is the older word for DELIVER_ANYWAY, in reports and files from before.
    """

    DELIVER = "deliver"
    DELIVER_ANYWAY = "deliver-anyway"
    GIVE_UP = "give-up"
    RETRY = "retry"
    FOLLOW = "follow"
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
    Reaction.FOLLOW: "sends it to the Location",
    Reaction.SEND_AGAIN: "sends again",
    Reaction.LOSE: "counts as delivered anyway",
}


NO_ANSWER = 0
"""The status of no answer."""


class BodyReading(enum.StrEnum):
    """How an SDK understands the body of a response.

    CODED is a JSON object with `code` and `message`, UNCODED any other JSON, TEXT everything else, also an
    empty body. Rules can also speak of JSON, which is any of it, and of JSON_OBJECT.
    """

    CODED = "coded"
    UNCODED = "uncoded"
    TEXT = "text"
    JSON = "json"
    JSON_OBJECT = "json-object"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAnswer:
    """What an SDK sees of an answer. `status` is 0 if none came; `readings` are all that apply to its body.

    `retry_after_s` is None without a Retry-After in seconds.
    """

    status: int
    readings: frozenset[BodyReading] = frozenset({BodyReading.TEXT})
    has_retry_after: bool = False
    has_location: bool = False
    retry_after_s: float | None = None

    @classmethod
    def from_exchange(cls, exchange: Exchange) -> SeenAnswer:
        """What it sees of the answer of an exchange; the Content-Type is not looked at."""
        response = exchange.response
        if response is None:
            return cls(status=NO_ANSWER)
        asked = response.header("retry-after")
        is_number = asked is not None and asked.strip().isdecimal()
        return cls(
            status=response.status,
            readings=_read_body(response),
            has_retry_after=asked is not None,
            has_location=response.header("location") is not None,
            retry_after_s=float(asked) if asked is not None and is_number else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """How an SDK sends events again while the answer stays the same; times in seconds, waits on average.

    `times` is None if they are not counted, `for_s` is infinite if the time is not looked at; `keeps_after` if it
    keeps the events after the last time, for later.
    """

    times: int | None
    first_s: float
    factor: float
    most_s: float = math.inf
    for_s: float = math.inf
    heeds_retry_after: bool = False
    keeps_after: bool = False

    def waits(self, count: int, retry_after_s: float | None = None) -> list[float]:
        """Its first waits, as many as asked for; `retry_after_s` is what the answer asks for."""
        floor = (retry_after_s or 0.0) if self.heeds_retry_after else 0.0
        return [max(floor, min(self.most_s, self.first_s * self.factor**number)) for number in range(count)]

    def planned(self, retry_after_s: float | None = None) -> tuple[int | None, float | None]:
        """How often it sends again, and how long that takes; None for a number or a time without an end."""
        if self.times is not None:
            return self.times, sum(self.waits(self.times, retry_after_s))
        return None, None if math.isinf(self.for_s) else self.for_s


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionRule:
    """The reaction to some responses; a condition that is None always holds."""

    statuses: frozenset[int]
    reaction: Reaction
    reading: BodyReading | None = None
    has_retry_after: bool | None = None
    has_location: bool | None = None
    repeats: Repeats | None = None
    follows_by_get: bool = False

    @property
    def is_unconditional(self) -> bool:
        """Whether it applies to every answer with its statuses."""
        return self.reading is None and self.has_retry_after is None and self.has_location is None

    def matches(self, answer: SeenAnswer) -> bool:
        """Whether the rule applies to an answer."""
        return (
            answer.status in self.statuses
            and (self.reading is None or self.reading in answer.readings)
            and self.has_retry_after in {None, answer.has_retry_after}
            and self.has_location in {None, answer.has_location}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """One recorded request of an SDK; `retry_headers` are added when the SDK repeats it.

    In `headers`, `$BASIC` stands for the base64 of the key and a colon. In `headers` and `body`, `$WRITE_KEY`
    stands for the key, and `$MESSAGE_ID` for a unique id. `content_type` is None if it sends no such header.
    """

    path: str
    content_type: str | None
    is_gzipped: bool
    headers: tuple[tuple[str, str], ...]
    retry_headers: tuple[tuple[str, str], ...]
    body: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """One version of an official SDK. `recorded` says when it was recorded, and from what.

    `is_browser`: it runs in pages of other sites, so that a browser decides what it may send and read.
    `is_read_off`: its requests and reactions are read off its sources. `registry` has the kind and the package's name.
    """

    name: str
    title: str
    version: str
    language: str
    recorded: str
    requests: tuple[RecordedRequest, ...]
    rules: tuple[ReactionRule, ...]
    is_browser: bool = False
    is_read_off: bool = False
    registry: tuple[str, str] | None = None

    @property
    def paths(self) -> frozenset[str]:
        """The paths of its requests."""
        return frozenset(request.path for request in self.requests)

    def requests_to(self, path: str) -> tuple[RecordedRequest, ...]:
        """The requests that it sends to a path."""
        return tuple(request for request in self.requests if request.path == path)

    def rule_for(self, answer: SeenAnswer) -> ReactionRule:
        """The first rule that applies to an answer; every answer has one (see the parser)."""
        return next(rule for rule in self.rules if rule.matches(answer))


def sdk_reaction(sdk: Sdk, exchange: Exchange) -> Reaction:
    """The reaction of an SDK to an exchange."""
    return sdk.rule_for(SeenAnswer.from_exchange(exchange)).reaction


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


def _read_body(response: Response) -> frozenset[BodyReading]:
    """All readings that apply to a body."""
    value = read_body(response)
    if isinstance(value, Unreadable):
        return frozenset({BodyReading.TEXT})
    if not isinstance(value, dict):
        return frozenset({BodyReading.UNCODED, BodyReading.JSON})
    kind = BodyReading.CODED if {"code", "message"} <= value.keys() else BodyReading.UNCODED
    return frozenset({kind, BodyReading.JSON, BodyReading.JSON_OBJECT})
