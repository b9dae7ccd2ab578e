"""The exceptions, and whose fault each one is.

ConformanceError
├── UsageError          the command line (exit 2)
│   └── ProfileError    the profile's author (exit 2)
└── InconclusiveError   the network, the target's address, or us (exit 3)

Raised while a check runs; they become its outcome:

NotApplicable           the contract promises nothing that the check could judge
Deviation               the target broke a promise: the check fails
└── Untestable          an acceptable request was refused, so refusing an invalid one proves nothing
NoResponse              a request got no usable response: an error, no verdict
└── Unanswered          others do, and this one does not, or nothing does since it was sent: the check fails

Stopped                 nothing more is sent: the run ends early, and its report says so
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.text import shorten

if TYPE_CHECKING:
    from conformance.core.model import Exchange, Level, PathState, Source


_MAX_LINES, _MAX_LINE_LENGTH = 30, 600


class ConformanceError(Exception):
    """Base class of errors that end a command; `exit_code` is the command's, and the text one sentence for users.

    A long line is shown with its beginning and its end, so that no word of a user or a target makes a message a page.
    """

    exit_code = 3

    def __init__(self, message: str = "") -> None:
        lines = message.split("\n", _MAX_LINES)[:_MAX_LINES]
        super().__init__("\n".join(shorten(line, _MAX_LINE_LENGTH) for line in lines))


class UsageError(ConformanceError):
    """An option, argument or configuration file is wrong."""

    exit_code = 2


class InconclusiveError(ConformanceError):
    """The target could not be tested."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One mistake in a YAML file: file, line (from 1), key (empty for the whole file), and a message."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ProfileError(UsageError):
    """A profile, or another YAML file, is not valid; `problems` are all mistakes in it, by line."""

    def __init__(self, problems: list[FileProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class NotApplicable(Exception):
    """The contract promises nothing that a check could judge; the text says why.

    `path_state` is set if the reason is that an optional path is not there.
    """

    def __init__(self, message: str, *, path_state: PathState | None = None) -> None:
        super().__init__(message)
        self.path_state = path_state


class Deviation(Exception):
    """The target broke a promise.

    `promise` says what must hold, `problem` what happened instead; `message` is both in one sentence. `subject`
    names the request, if only its answer is wrong. `exchange` is the one that shows it, and `received` its summary
    unless something else in it is wrong. `level` is the level of the promise, and `sources` are its documents, if
    they are not those of the check. With `is_server_error` the answer was a 5xx, or there was none.
    """

    def __init__(  # noqa: PLR0913 - each is a field that reports need on its own
        self,
        promise: str,
        problem: str,
        *,
        exchange: Exchange,
        expected: str,
        received: str | None = None,
        level: Level | None = None,
        sources: tuple[Source, ...] = (),
        is_server_error: bool = False,
        subject: str = "",
    ) -> None:
        self.message = f"{promise}, and {problem}"
        super().__init__(self.message)
        self.promise = promise
        self.exchange = exchange
        self.expected = expected
        self.received = exchange.summary if received is None else received
        self.level = level
        self.sources = sources
        self.is_server_error = is_server_error
        self.subject = subject


class Untestable(Deviation):
    """An acceptable request was refused, so refusing an invalid one proves nothing.

    `path_state` is set if the path accepts no request at all.
    """

    path_state: PathState | None = None


class NoResponse(Exception):
    """A request got no usable response, so there is no verdict; `exchange` is the one without it."""

    def __init__(self, message: str, *, exchange: Exchange | None = None) -> None:
        super().__init__(message)
        self.exchange = exchange


class Unanswered(NoResponse):
    """A request got no response, alone as well, while others did; `unanswered` is its exchange.

    With `is_outage` the target went away because of it.
    """

    def __init__(self, message: str, *, exchange: Exchange, is_outage: bool = False) -> None:
        super().__init__(message, exchange=exchange)
        self.unanswered = exchange
        self.is_outage = is_outage


class Stopped(Exception):
    """The run ends before its end; the text says why."""
