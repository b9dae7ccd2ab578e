"""Data types shared by the whole package: levels, outcomes, requests, responses, exchanges, verdicts."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeAlias

if TYPE_CHECKING:
    from conformance.core.known_deviation import KnownDeviation
    from conformance.core.timing import Timing

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = "dict[str, Json]"

ID_PREFIX = "conformance"
"""The start of every id that the suite generates, and the key in an event's context that holds the run id."""
DEFAULT_RUN_ID = "unnamed"
"""The run id if none is given; it is constant, so that every run sends the same bytes."""

RawWriter: TypeAlias = Callable[[str, list[tuple[str, str]], bytes], tuple[bytes, ...]]
"""Builds a request that no HTTP client would send, from its start line, headers and body: pieces with waits between."""


class Level(enum.StrEnum):
    """How binding a promise is, strongest first."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"

    @property
    def rank(self) -> int:
        """0 for the strongest level; grows as promises get weaker."""
        return {"must": 0, "should": 1, "may": 2}[self]

    def is_at_least(self, gate: Level) -> bool:
        """Whether a run with this gate counts promises of this level."""
        return self.rank <= gate.rank


def weaker_level(first: Level, second: Level) -> Level:
    """The weaker of two levels: a MUST about a path that only SHOULD exist is a SHOULD."""
    return max(first, second, key=lambda level: level.rank)


class Outcome(enum.StrEnum):
    """The result of a check."""

    PASS = "pass"  # noqa: S105 - an outcome, no password
    FAIL = "fail"
    UNTESTABLE = "untestable"
    ERROR = "error"
    OBSERVED = "observed"
    NOT_APPLICABLE = "not-applicable"


DEVIATING_OUTCOMES = frozenset({Outcome.FAIL, Outcome.UNTESTABLE})
"""A promise was broken, or could not be tested because an acceptable request was refused."""
PROBLEM_OUTCOMES = DEVIATING_OUTCOMES | {Outcome.ERROR}
"""Outcomes that a person has to look at."""
JUDGED_OUTCOMES = PROBLEM_OUTCOMES | {Outcome.PASS}
"""Outcomes of checks that the contract asks for, and that do more than report."""
WORST_FIRST = (
    Outcome.FAIL, Outcome.UNTESTABLE, Outcome.ERROR, Outcome.OBSERVED, Outcome.PASS, Outcome.NOT_APPLICABLE,
)  # fmt: skip
"""The order in which one outcome stands for several."""


class PathState(enum.StrEnum):
    """Why nothing is accepted on a path: it is not there, or it refuses every acceptable request."""

    ABSENT = "absent"
    REFUSES_ALL = "refuses-all"


class Area(enum.StrEnum):
    """The topic of a check, and the first word of its id."""

    ACCEPT = "accept"
    AUTH = "auth"
    CONTENT_TYPE = "content-type"
    JSON = "json"
    PAYLOAD = "payload"
    SIZE = "size"
    BATCH = "batch"
    ERRORS = "errors"
    RATE_LIMIT = "rate-limit"
    PIXEL = "pixel"
    WEBHOOK = "webhook"
    ROBUSTNESS = "robustness"
    FUZZ = "fuzz"
    SAME = "same"
    VALUES = "values"
    COMBINED = "combined"
    SDK = "sdk"
    DELIVERY = "delivery"


class OperationKind(enum.StrEnum):
    """How an operation carries its events."""

    EVENT = "event"
    BATCH = "batch"
    PIXEL = "pixel"
    WEBHOOK = "webhook"


class TransportFailure(enum.StrEnum):
    """Why a request got no usable response."""

    UNREACHABLE = "unreachable"
    TLS = "tls"
    CLOSED = "closed"
    TIMEOUT = "timeout"
    NOT_HTTP = "not-http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a promise is documented; `says` is our paraphrase of the text there."""

    document: str
    section: str
    says: str = ""
    url: str = ""

    def __str__(self) -> str:
        return f"{self.document}, section {self.section!r}"

    def as_json(self) -> JsonObject:
        """Returns a JSON-serializable dict."""
        return {"document": self.document, "section": self.section, "says": self.says, "url": self.url}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSize:
    """The size of a request that was built to hit a size limit, in the unit of that limit.

    `limit_fact` is the name of the limit, such as `limits.event`.
    """

    limit_fact: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, relative to the target's base URL.

    `is_decompressed` marks a request that was sent with gzip and is shown without. `measured_size` is set if
    the request was built to hit a size limit; `event_count` includes events that are not acceptable. `awaits_end`:
    over a connection of its own, the end of the connection is waited for.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunked: bool = False
    raw_writer: RawWriter | None = None
    is_decompressed: bool = False
    event_count: int = 1
    measured_size: MeasuredSize | None = None
    awaits_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One HTTP response. The body is decoded; it is `truncated` if it was longer than the wire reads.

    `left_out_bytes` were cut off later, to save room. `is_made_up`: no target sent it, but an export made it.
    """

    is_made_up: ClassVar[bool] = False
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    http_version: str = "HTTP/1.1"
    truncated: bool = False
    left_out_bytes: int = 0

    def header(self, name: str) -> str | None:
        """The first value of a header, by its name in any case; None if it is missing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, in lower case; empty if it is missing."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body decoded as UTF-8, with a replacement character for every invalid byte."""
        return self.body.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its response, or the failure that came instead. Secrets are already redacted.

    `is_certificate_rejected` tells an untrusted certificate from other TLS failures. `stays_open` says whether
    the target announced that the connection stays usable; it and the two fields beside it are only meaningful if
    the request was written to the connection byte by byte, and `elapsed_s` only if it was not. `is_left_open`: the
    target had not closed the connection in time, where the request waits for its end.
    """

    request: Request
    url: str = ""
    response: Response | None = None
    failure: TransportFailure | None = None
    failure_detail: str = ""
    is_certificate_rejected: bool = False
    bytes_after_response: bytes = b""
    stays_open: bool = True
    got_100_continue: bool = False
    is_left_open: bool = False
    elapsed_s: float = field(default=0.0, compare=False)

    @property
    def status(self) -> int:
        """The status of the response; 0 if there was none."""
        return self.response.status if self.response else 0

    @property
    def summary(self) -> str:
        """The response in a few words, for messages."""
        if self.response is None:
            return f"no answer ({self.failure_detail or self.failure})"
        body = " ".join(self.response.text.split())
        excerpt = f"{body[:120]}..." if len(body) > 120 else body
        return f"{self.status} {excerpt!r}" if excerpt else f"{self.status} with an empty body"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of several similar things that share a check's function and text.

    `slug` goes into ids, `description` into titles and messages; a check looks at `paths` alone, where given.
    """

    slug: str
    description: str
    paths: frozenset[str] | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """An observation of a check, beside its outcome: text for people, and data for reports."""

    text: str
    data: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of one check on one operation; `operation` is empty if the profile has none for the check.

    `exchanges` are transcripts, kept for problems only; `left_out_exchanges` counts those without room in the report.
    `received_status` is the status of the response that shows a problem: 0 if there was no response, None if no
    exchange shows one. `data` comes from the check's Note. `measured_sizes` lists the requests that were built to hit a
    size limit, and whether each was accepted. `known_deviation` is set if a broken promise is accepted for now;
    `outcome_counts` if repeated runs had different outcomes. `path_state` is set if the check could not be asked
    because nothing is accepted on the path; `asked_on` if it was asked on another path for that reason. `timing` is
    None if nothing was sent for it alone.
    """

    id: str
    area: Area
    level: Level
    title: str
    operation: str
    outcome: Outcome
    message: str = ""
    expected: str = ""
    received: str = ""
    received_status: int | None = None
    sources: tuple[Source, ...] = ()
    exchanges: tuple[JsonObject, ...] = ()
    left_out_exchanges: int = 0
    curl: str = ""
    data: JsonObject | None = None
    measured_sizes: tuple[tuple[MeasuredSize, bool], ...] = ()
    known_deviation: KnownDeviation | None = None
    outcome_counts: tuple[tuple[Outcome, int], ...] = ()
    path_state: PathState | None = None
    asked_on: str = ""
    timing: Timing | None = field(default=None, compare=False)

    @property
    def judged_operation(self) -> str:
        """The operation that got the requests."""
        return self.asked_on or self.operation

    @property
    def name(self) -> str:
        """The id and the operation, as in the ids of pytest."""
        return f"{self.id}[{self.operation}]" if self.operation else self.id
