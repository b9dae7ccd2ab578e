"""What a sink file says: where events are read, and how they are compared with those that were sent."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from conformance.core.model import ID_PREFIX


class MatchBy(enum.StrEnum):
    """By what a stored event is known to be one that was sent."""

    MESSAGE_ID = "message-id"
    MARK = "mark"
    CONTENT = "content"


class Normalisation(enum.StrEnum):
    """A difference of spelling that a sink's file declares to be none."""

    INSTANT = "instant"
    """Equal points in time, in whatever spelling of ISO 8601, to the millisecond."""
    NUMBER_VALUE = "number-value"
    """Equal numbers in whatever spelling: `1.0` for `1`, `1e2` for `100`; the exact values are compared."""
    DOUBLE = "double"
    """Numbers that a double of 64 bits does not tell apart."""
    CASE = "case"
    """Texts that differ in upper and lower case."""
    TRIM = "trim"
    """Texts that differ in spaces around them."""
    NULL_IS_ABSENT = "null-is-absent"
    """A member that is null, and one that is not there."""


class Decoding(enum.StrEnum):
    """How a record is turned into JSON, before anything else."""

    BASE64 = "base64"
    HEX = "hex"
    GZIP = "gzip"


@dataclass(frozen=True, slots=True)
class NormalisedField:
    """A normalisation, and the pointer to the fields for which it is declared (the field itself and all in it)."""

    pointer: str
    kind: Normalisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How stored events are matched, in the order of `by`; pointers into the stored event, the first there counts."""

    by: tuple[MatchBy, ...] = tuple(MatchBy)
    message_id: tuple[str, ...] = ("/messageId",)
    mark: tuple[str, ...] = (f"/context/{ID_PREFIX}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """When nothing more is awaited, in seconds: `quiet_s` after the last new event, `at_most_s` in any case."""

    poll_s: float = 0.5
    quiet_s: float = 3.0
    at_most_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlSource:
    """A database. `url` is SQLAlchemy's; `tables` a name or a pattern (`*`, `?`); `query` may stand for the table.

    `cursor` is a column that grows; `key` the columns that tell records apart, in all tables together. Records that
    come with one of the last `window` values of the cursor or later are found; earlier ones are not looked for.
    """

    url: str
    column: str
    cursor: str
    tables: str = ""
    query: str = ""
    key: tuple[str, ...] = ()
    window: int = 10_000
    timeout_s: float = 10.0
    is_created_later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSource:
    """A receiver of ours at `listen` (address and port). `secret` is what the header `secret_header` must have.

    What is posted to another path than `path` is refused, if there is one; `status` answers what was taken.
    """

    listen: str
    path: str = ""
    secret_header: str = "Authorization"  # noqa: S105 - a name
    secret: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSource:
    """Files or objects by a pattern; with a scheme such as `s3://` through fsspec, with its `options`.

    `is_whole` for files that are one JSON value each; else each line is one. Compression is seen by the first bytes.
    """

    path: str
    is_whole: bool = False
    options: tuple[tuple[str, str], ...] = ()
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSource:
    """Topics of brokers; a topic may be a pattern (`*`, `?`). `options` are those of librdkafka."""

    brokers: str
    topics: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSource:
    """A program that prints a JSON value in each line, since a cursor.

    `{cursor}` in its arguments, and `$SINK_CURSOR`, is the cursor: what it printed last as `#cursor VALUE`, or the
    number of lines so far if it prints none. It is empty in the first call.
    """

    run: tuple[str, ...]
    timeout_s: float = 30.0


Source: TypeAlias = SqlSource | HttpSource | FilesSource | KafkaSource | CommandSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A sink file, with `${NAME}` where something of the environment belongs: it holds no credentials.

    `events` are pointers into a record, the first that is there counts. `ignore` are pointers to what is not compared,
    `set_by_server` to what the server sets itself: such a field may be added, or have another value.
    """

    file: str
    source: Source
    events: tuple[str, ...] = ("",)
    decode: tuple[Decoding, ...] = ()
    match: Match = Match()
    ignore: tuple[str, ...] = ()
    set_by_server: tuple[str, ...] = ()
    normalise: tuple[NormalisedField, ...] = ()
    settle: Settle = Settle()
