"""Servers that limit the rate, and say wrongly when to come back."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from time import time
from types import MappingProxyType

from tests.targets.application import Application
from tests.targets.dialects import Dialect, Level
from tests.targets.faults.base import Fault, at_levels, make_fault, may, must, should
from tests.targets.messages import Answer, Call, RefusalError
from tests.targets.options import Options
from tests.targets.rate_limiter import RateLimiter

RATE = 30
"""Requests in a second, if the options do not say."""
LONG_SECONDS = 4
FOR_GOOD_SECONDS = 24 * 60 * 60
RIGHT: Mapping[str, str] = MappingProxyType({"Retry-After": "1", "X-RateLimit-Reset": "1"})
EVERY = at_levels(seg="must", rs="should", mr="should")

Headers = Callable[[], Mapping[str, str]]


def correct_headers() -> Mapping[str, str]:
    """Give the headers of a correct server."""
    return RIGHT


def rate_limited(
    headers: Headers = correct_headers, status: int = 429, window_s: float = 1, *, dropped: bool = False
) -> type[Application]:
    """Limit the rate, with other headers, another status or another time."""

    class Limited(Application):
        """A server with a limit."""

        def __init__(self, dialect: Dialect, options: Options | None = None) -> None:
            effective = options or Options()
            super().__init__(dialect, replace(effective, statuses={**effective.statuses, "rate": status}))
            self.limiter = RateLimiter(effective.rate or RATE, window_s)

        def retry_headers(self) -> Mapping[str, str]:
            """Say when to come back."""
            return headers()

        def answer_refused(self, call: Call, refusal: RefusalError) -> Answer:
            """Answer a refused call, perhaps not at all."""
            answer = super().answer_refused(call, refusal)
            return replace(answer, dropped=True) if dropped and refusal.kind == "rate" else answer

    return Limited


def with_header(name: str, value: str) -> Headers:
    """Change one of the headers."""
    return lambda: {**RIGHT, name: value}


def without_headers(*names: str) -> Headers:
    """Leave headers out."""
    return lambda: {name: value for name, value in RIGHT.items() if name not in names}


def date() -> Mapping[str, str]:
    """Give Retry-After as a date, which HTTP allows."""
    return {**RIGHT, "Retry-After": formatdate(time() + 1, usegmt=True)}


def milliseconds() -> Mapping[str, str]:
    """Give X-RateLimit-Reset as a moment in milliseconds."""
    return {**RIGHT, "X-RateLimit-Reset": str(int(time() * 1000) + 1000)}


def epoch_seconds() -> Mapping[str, str]:
    """Give X-RateLimit-Reset as a moment in seconds."""
    return {**RIGHT, "X-RateLimit-Reset": str(int(time()) + 1)}


def header_faults() -> Iterator[Fault]:
    """List wrong headers."""
    dates: Mapping[str, Level] = {**must("seg"), **may("rs", "mr")}
    every: tuple[tuple[str, Mapping[str, Level], Headers], ...] = (
        ("retry-after-absent", at_levels(seg="must", rs="should", mr="may"), without_headers("Retry-After")),
        ("retry-after-date", dates, date),
        ("retry-after-text", EVERY, with_header("Retry-After", "soon")),
        ("retry-after-fraction", EVERY, with_header("Retry-After", "1.5")),
        ("retry-after-negative", EVERY, with_header("Retry-After", "-1")),
        ("retry-after-empty", EVERY, with_header("Retry-After", "")),
        ("rate-reset-absent", must("seg"), without_headers("X-RateLimit-Reset")),
        ("rate-reset-text", must("seg"), with_header("X-RateLimit-Reset", "soon")),
        ("rate-reset-milliseconds", must("seg"), milliseconds),
        ("rate-reset-moment", must("seg"), epoch_seconds),
        ("rate-headers-absent", at_levels(seg="must", rs="should", mr="may"), without_headers(*RIGHT)),
    )
    for name, levels, headers in every:
        yield make_fault(name, "rate-limit", levels, rate_limited(headers))


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield from header_faults()
    limiting = should("seg", "rs", "mr")
    yield make_fault("rate-503", "rate-limit errors", limiting, rate_limited(status=503))
    yield make_fault("rate-503-bare", "rate-limit errors", limiting, rate_limited(without_headers(*RIGHT), 503))
    yield make_fault("rate-400", "rate-limit errors", limiting, rate_limited(status=400))
    yield make_fault("rate-500", "rate-limit errors", limiting, rate_limited(status=500))
    yield make_fault("rate-dropped", "rate-limit errors", limiting, rate_limited(dropped=True))
    yield make_fault("rate-refuses-longer", "rate-limit", EVERY, rate_limited(window_s=LONG_SECONDS))
    yield make_fault("rate-refuses-for-good", "rate-limit", EVERY, rate_limited(window_s=FOR_GOOD_SECONDS))
    for status in (429, 503):
        yield make_fault(f"rate-limited-{status}", "rate-limit", should("ss"), rate_limited(status=status))
