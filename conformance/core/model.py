"""The nouns that travel through the pipe: levels, outcomes, requests, answers, exchanges."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = "dict[str, Json]"

ID_PREFIX = "conformance"
"""What every id of ours begins with, and the member of an event's context that names the run."""
DEFAULT_RUN_ID = "unnamed"
"""The run that events name where nobody gives it a name: then each run sends the same bytes."""

RawWriter: TypeAlias = Callable[[str, list[tuple[str, str]], bytes], tuple[bytes, ...]]
"""Writes a request by hand, from its start line, headers and body: where no HTTP client goes.

Between two pieces the wire waits a moment for an answer.
"""


class Level(enum.StrEnum):
    """How strong a promise is, strongest first."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"

    @property
    def rank(self) -> int:
        """0 for the strongest level; grows as promises get weaker."""
        return list(Level).index(self)

    def is_at_least(self, gate: Level) -> bool:
        """Whether a promise of this level counts at a gate."""
        return self.rank <= gate.rank


def weaker_level(first: Level, second: Level) -> Level:
    """The weaker of two levels: a MUST on a path that only SHOULD exist is a SHOULD."""
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
    Outcome.FAIL,
    Outcome.UNTESTABLE,
    Outcome.ERROR,
    Outcome.OBSERVED,
    Outcome.PASS,
    Outcome.NOT_APPLICABLE,
)
"""The order in which one outcome stands for several."""


class Area(enum.StrEnum):
    """The first word of a check's id: what the check is about."""

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
    SDK = "sdk"
    DELIVERY = "delivery"


class OperationKind(enum.StrEnum):
    """How an operation carries its events."""

    EVENT = "event"
    BATCH = "batch"
    PIXEL = "pixel"
    WEBHOOK = "webhook"


class TransportFailure(enum.StrEnum):
    """Why an exchange ended without an answer."""

    UNREACHABLE = "unreachable"
    TLS = "tls"
    CLOSED = "closed"
    TIMEOUT = "timeout"
    NOT_HTTP = "not-http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a promise is documented; `says` is our paraphrase."""

    document: str
    section: str
    says: str = ""
    url: str = ""

    def __str__(self) -> str:
        return f"{self.document}, section {self.section!r}"

    def as_json(self) -> JsonObject:
        """It as JSON data."""
        return {"document": self.document, "section": self.section, "says": self.says, "url": self.url}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSize:
    """What a request that was made to measure weighs: in bytes, by the limit that it is about."""

    limit_fact: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, relative to the target's base URL.

    The body of one that is `unpacked` is shown without the gzip in which it was sent. `weight` is that of
    one whose size is the point of it; `events` is how many events are in it, acceptable or not.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One HTTP answer; the body is decoded and never longer than the wire's cap."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    http_version: str = "HTTP/1.1"
    truncated: bool = False

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case; empty when missing."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as UTF-8, with a replacement character for every bad byte."""
        return self.body.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request to a URL and what came of it: an answer, or a mishap. Secrets are already redacted.

    Of a connection that was written by hand: `stray` is what came after the answer, `is_open` whether the
    target said that it goes on, `is_continued` whether it asked for the rest of a request in pieces.
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

    @property
    def status(self) -> int:
        """The status of the answer; 0 when there was none."""
        return self.response.status if self.response else 0

    @property
    def summary(self) -> str:
        """The answer in a few words, for a message."""
        if self.response is None:
            return f"no answer ({self.failure_detail or self.failure})"
        body = " ".join(self.response.text.split())
        excerpt = f"{body[:120]}..." if len(body) > 120 else body
        return f"{self.status} {excerpt!r}" if excerpt else f"{self.status} with an empty body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a check has to say beside its outcome: in words for people, and as data for reports."""

    text: str
    data: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDeviation:
    """Why a broken promise is accepted for now; `expires` is the last day of that, as ISO 8601 has it."""

    reason: str
    link: str = ""
    owner: str = ""
    expires: str = ""

    def as_json(self) -> JsonObject:
        """As JSON data."""
        return {"reason": self.reason, "link": self.link, "owner": self.owner, "expires": self.expires}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleEntry:
    """An entry of a list of known deviations that has to go: where it stands, and why. Lines count from 1."""

    file: str
    line: int
    last_line: int
    name: str
    reason: str

    def __str__(self) -> str:
        lines = f"line {self.line}" if self.line == self.last_line else f"lines {self.line} to {self.last_line}"
        return f"{self.file}:{self.line}: {self.name}: {self.reason}; delete {lines}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one check came to on one operation. `operation` is empty where the profile has none for it.

    `exchanges` are transcripts, kept only where somebody will want to see them; `data` is that of its note;
    `weighed` is what was made to measure, and whether it was accepted, whatever the check came to. `known` is
    why a broken promise is accepted; `runs` how often each outcome came in repeated runs that differed.
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
    curl: str = ""
    data: JsonObject | None = None
    measured_sizes: tuple[tuple[MeasuredSize, bool], ...] = ()
    known_deviation: KnownDeviation | None = None
    outcome_counts: tuple[tuple[Outcome, int], ...] = ()

    @property
    def name(self) -> str:
        """The id with the operation, as pytest shows it."""
        return f"{self.id}[{self.operation}]" if self.operation else self.id
