"""The facts of a profile: what a vendor promises, how strongly, and where it is written."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.profile.size_unit import SizeUnit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.core.model import JsonObject, Level, OperationKind, Source


class Condition(enum.StrEnum):
    """What a request can be, for a profile to say how it is answered."""

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


class AuthScheme(enum.StrEnum):
    """A way to hand in the write key."""

    BASIC = "basic"
    BASIC_WITHOUT_COLON = "basic-without-colon"
    BEARER = "bearer"
    BODY = "body"
    HEADER = "header"
    QUERY = "query"


class LimitKind(enum.StrEnum):
    """What a size limit is about."""

    EVENT = "event"
    BATCH = "batch"
    BATCH_EVENT = "batch-event"


class ResponseKind(enum.StrEnum):
    """Which answer a body belongs to."""

    ACCEPTED = "accepted"
    ACCEPTED_TEXT = "accepted-text"
    PARTLY_BAD = "partly-bad"
    ERROR = "error"
    ERROR_BATCH = "error-batch"


class Rule(enum.StrEnum):
    """A promise that needs no status of its own."""

    NO_SERVER_ERROR = "no-server-error"
    NO_STACK_TRACE = "no-stack-trace"
    NO_HTML_REFLECTION = "no-html-reflection"
    CONTENT_TYPE_CHARSET = "content-type-charset"
    CONTENT_TYPE_OTHER = "content-type-other"
    CHUNKED = "chunked"
    SCHEME_CASE = "scheme-case"
    SIZE_BAND = "size-band"
    NULL_OPTIONAL = "null-optional"
    REPEATED_MESSAGE_ID = "repeated-message-id"
    UNDOCUMENTED = "undocumented"
    GZIP = "gzip"
    INFLATED_SIZE = "inflated-size"
    PREFLIGHT = "preflight"
    PREFLIGHT_ORIGIN = "preflight-origin"
    PATH_SPELLING = "path-spelling"
    FRAMING = "framing"
    RECOVERY = "recovery"
    CONCURRENCY = "concurrency"
    PIPELINING = "pipelining"
    EXPECT_CONTINUE = "expect-continue"
    CHUNK_EXTENSIONS = "chunk-extensions"
    HTTP_10 = "http-10"
    LENGTH_CONFLICT = "length-conflict"
    INCOMPLETE_BODY = "incomplete-body"
    HALF_CLOSE = "half-close"
    RETRY_AFTER = "retry-after"
    SDK_REACTIONS = "sdk-reactions"


MAX_EVENTS_FACT = "limits.batch-events"
"""The fact that says how many events a batch may have."""


class BodyFormat(enum.StrEnum):
    """What kind of thing a body is."""

    EMPTY = "empty"
    MESSAGE = "message"
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A promise: its name in the profile, its level and its sources."""

    name: str
    level: Level
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToleratedStatus:
    """A status that another source of the same vendor documents, or its live service gives."""

    status: int
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedResponse(Fact):
    """The statuses that a condition is answered with; the first expected one is preferred."""

    expect: tuple[int, ...]
    tolerate: tuple[ToleratedStatus, ...] = ()

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status that keeps the promise."""
        return (*self.expect, *(item.status for item in self.tolerate))


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLimit(ExpectedResponse):
    """A size limit as a band: up to `at_least` units are accepted, above `at_most` are refused.

    `holds_in_chunks` says whether it counts for a body that comes without a Content-Length, too.
    """

    at_least: int
    at_most: int
    unit: SizeUnit = SizeUnit.BYTES
    applies_to_chunked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxEvents(ExpectedResponse):
    """How many events a batch may have at most."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialFact(Fact):
    """A way to hand in the key, with the header, parameter or JSON pointer that carries it.

    In a header the key may stand after a `prefix`, as a token does after its scheme.
    """

    carrier: str
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseBody(Fact):
    """What the body of an answer looks like; a facet that is None is not promised."""

    body_format: BodyFormat | None = None
    media_type: str | None = None
    text: str | None = None
    schema: JsonObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageIdLimit(Fact):
    """How long a message id may be, in characters."""

    max_length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A documented payload."""

    value: JsonObject
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidExample:
    """A documented payload that is not JSON, verbatim."""

    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One type of event: its shape, what names its user, and which fields it can't do without."""

    name: str
    schema: str | JsonObject
    identified_by: tuple[str, ...] = ("user", "anonymous")
    open_object: str | None = None
    required: Mapping[str, ExpectedResponse] = field(default_factory=dict)
    example: Example | None = None
    invalid_example: InvalidExample | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path of the API, and the event type that it takes."""

    kind: OperationKind
    event_type: str
    path: str
    level: Level
    sources: tuple[Source, ...]
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPointers:
    """Where the dialect keeps the fields that checks speak of, as JSON pointers."""

    user: str
    anonymous: str | None = None
    type: str | None = None
    timestamp: str | None = None
    message_id: str | None = None
    context: str | None = None
    integrations: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEnvelope:
    """The envelope of a batch: where the list is, what it carries, what stands beside it."""

    pointer: str = "/batch"
    types: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    example: Example | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixel:
    """How a GET carries an event: the query parameter, and the documented example."""

    parameter: str
    example: Example | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything that one vendor documents. `file` is where it was read from, `hosts` are its own servers."""

    name: str
    title: str
    file: str
    pointers: FieldPointers
    always_required: tuple[str, ...]
    events: Mapping[str, EventType]
    routes: tuple[Route, ...]
    batch: BatchEnvelope
    pixel: Pixel | None
    facts: Mapping[str, Fact]
    rate_headers: tuple[str, ...] = ()
    recommended_requests_per_s: int | None = None
    hosts: tuple[str, ...] = ()
