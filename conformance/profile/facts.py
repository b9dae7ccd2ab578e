"""The facts of a profile: what a vendor promises, at which level, and where that is documented."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.core.model import OperationKind
from conformance.profile.rules import Rule as Rule  # noqa: PLC0414 - a name of this module, too
from conformance.profile.size_unit import (
    NewerSize,
    SizeUnit,
    is_measured_after_parsing,
    largest_accepted,
    smallest_refused,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.core.model import JsonObject, Level, Source
    from conformance.profile.body_format import BodyFormat


class Condition(enum.StrEnum):
    """A property of requests for which a profile states the answer, such as invalid JSON."""

    ACCEPTED = "accepted"
    CREDENTIALS_MISSING = "credentials-missing"
    CREDENTIALS_MALFORMED = "credentials-malformed"
    CREDENTIALS_UNKNOWN = "credentials-unknown"
    JSON_INVALID = "json-invalid"
    JSON_NOT_OBJECT = "json-not-object"
    JSON_NOT_UTF8 = "json-not-utf8"
    ENCODING_INVALID = "encoding-invalid"
    IDENTITY_MISSING = "identity-missing"
    BATCH_MISSING = "batch-missing"
    BATCH_NOT_ARRAY = "batch-not-array"
    BATCH_EMPTY = "batch-empty"
    BATCH_EVENT_NOT_OBJECT = "batch-event-not-object"
    BATCH_TYPE_MISSING = "batch-type-missing"
    BATCH_TYPE_UNKNOWN = "batch-type-unknown"
    BATCH_PARTLY_BAD = "batch-partly-bad"
    PIXEL_DATA_MISSING = "pixel-data-missing"
    PIXEL_DATA_INVALID = "pixel-data-invalid"
    PIXEL_IDENTITY_MISSING = "pixel-identity-missing"
    PIXEL_KEY_UNKNOWN = "pixel-key-unknown"
    WEBHOOK_KEY_MISSING = "webhook-key-missing"
    WEBHOOK_KEY_UNKNOWN = "webhook-key-unknown"
    METHOD_WRONG = "method-wrong"
    PATH_UNKNOWN = "path-unknown"
    RATE_EXCEEDED = "rate-exceeded"
    SOURCE_DISABLED = "source-disabled"

    @property
    def operation_kinds(self) -> frozenset[OperationKind]:
        """The kinds of operations whose requests can fulfil the condition."""
        kind = _ONLY_KIND.get(self)
        return frozenset({kind}) if kind else frozenset(OperationKind)


_ONLY_KIND = {
    Condition.BATCH_MISSING: OperationKind.BATCH,
    Condition.BATCH_NOT_ARRAY: OperationKind.BATCH,
    Condition.BATCH_EMPTY: OperationKind.BATCH,
    Condition.BATCH_EVENT_NOT_OBJECT: OperationKind.BATCH,
    Condition.BATCH_TYPE_MISSING: OperationKind.BATCH,
    Condition.BATCH_TYPE_UNKNOWN: OperationKind.BATCH,
    Condition.BATCH_PARTLY_BAD: OperationKind.BATCH,
    Condition.PIXEL_DATA_MISSING: OperationKind.PIXEL,
    Condition.PIXEL_DATA_INVALID: OperationKind.PIXEL,
    Condition.PIXEL_IDENTITY_MISSING: OperationKind.PIXEL,
    Condition.PIXEL_KEY_UNKNOWN: OperationKind.PIXEL,
    Condition.WEBHOOK_KEY_MISSING: OperationKind.WEBHOOK,
    Condition.WEBHOOK_KEY_UNKNOWN: OperationKind.WEBHOOK,
}
"""The conditions that only requests of one kind of operation can fulfil."""


class AuthScheme(enum.StrEnum):
    """A way to send the write key."""

    BASIC = "basic"
    BASIC_WITHOUT_COLON = "basic-without-colon"
    BEARER = "bearer"
    SOURCE_ID = "source-id"
    BODY = "body"
    HEADER = "header"
    QUERY = "query"


class LimitKind(enum.StrEnum):
    """What a size limit is about: a single event, a whole batch, or one event in a batch."""

    EVENT = "event"
    BATCH = "batch"
    BATCH_EVENT = "batch-event"

    @property
    def operation_kinds(self) -> frozenset[OperationKind]:
        """The kinds of operations that the limit applies to."""
        batches = frozenset({OperationKind.BATCH})
        return frozenset(OperationKind) - batches if self is LimitKind.EVENT else batches


class ResponseKind(enum.StrEnum):
    """The kind of answer that a body belongs to."""

    ACCEPTED = "accepted"
    ACCEPTED_TEXT = "accepted-text"
    PARTLY_BAD = "partly-bad"
    ERROR = "error"
    ERROR_BATCH = "error-batch"


MAX_EVENTS_FACT, CUSTOMARY_FIELDS = "limits.batch-events", "fields.customary"
"""The names of the facts that state how many events a batch may have, and which fields are only customary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A promise: its name in the profile (such as `answers.accepted`), its level and its sources.

    `paths` are those that it holds on; empty if it holds on all of them.
    """

    name: str
    level: Level
    sources: tuple[Source, ...]
    paths: tuple[str, ...] = ()

    def holds_on(self, path: str) -> bool:
        """Whether the promise is made for a path."""
        return not self.paths or path in self.paths


@dataclass(frozen=True, slots=True, kw_only=True)
class ToleratedStatus:
    """A status that does not break the promise, because another source or the live service has it."""

    status: int
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedResponse(Fact):
    """The statuses that answer a request; the first one in `expect` is preferred."""

    expect: tuple[int, ...]
    tolerate: tuple[ToleratedStatus, ...] = ()

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status that keeps the promise."""
        return (*self.expect, *(item.status for item in self.tolerate))


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLimit(ExpectedResponse):
    """A size limit, in the two readings of the documents: `at_least` and `at_most`.

    They differ because a KB may be 1,000 or 1,024 bytes. Everything that judges a size asks `largest_accepted` and
    `smallest_refused`. `applies_to_chunked` is false for a limit that holds only for bodies with a Content-Length.
    """

    at_least: int
    at_most: int
    unit: SizeUnit = SizeUnit.BYTES
    applies_to_chunked: bool = True
    newer: NewerSize | None = None

    @property
    def largest_accepted(self) -> int:
        """The largest size that must be accepted, in units of the limit."""
        return largest_accepted(self.name, self.at_least)

    @property
    def smallest_refused(self) -> int:
        """The smallest size that must be refused, in units of the limit."""
        return smallest_refused(self.name, self.at_most)

    @property
    def is_measured_after_parsing(self) -> bool:
        """Whether it limits an event inside a batch, which a server can only measure as it writes it anew."""
        return is_measured_after_parsing(self.name)

    def format_size(self, size: int) -> str:
        """A size with the unit that the limit counts, such as `32,768 bytes`."""
        return f"{size:,} {self.unit.words}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxEvents(ExpectedResponse):
    """The most events that a batch may have, and the statuses that answer a batch with more."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialFact(Fact):
    """A way to send the key: `carrier` is the header, query parameter or JSON pointer that holds it.

    In a header the key may follow a `prefix`, such as `Bearer `.
    """

    carrier: str
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseBody(Fact):
    """What the body of an answer looks like; a field that is None is not promised.

    `examples` are documented texts, by the status that they come with.
    """

    body_format: BodyFormat | None = None
    media_type: str | None = None
    charset: str | None = None
    text: str | None = None
    schema: JsonObject | None = None
    examples: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        """The promised fields, by their keys in a profile."""
        fields: JsonObject = {
            "class": self.body_format.value if self.body_format else None,
            "media_type": self.media_type,
            "charset": self.charset,
            "text": self.text,
            "schema": self.schema,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class RateHeader(Fact):
    """A header with a number of seconds to wait, or also with a date if it `may_be_date`."""

    may_be_date: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageIdLimit(Fact):
    """The maximum length of a message id, in characters."""

    max_length: int
