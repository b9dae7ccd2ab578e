"""Faults in writing answers: lengths that are wrong, doubled, or where none may be."""

from collections.abc import Callable, Iterator

from tests.targets.faults.base import SHOULD, Fault, make_fault, should, with_connection_type
from tests.targets.http_connection import HttpConnection, chunked
from tests.targets.http_parser import Head
from tests.targets.messages import Answer

STRAY = 3
FORBIDDEN = b"accepted"

Writer = Callable[[bytes], tuple[dict[str, str], bytes]]


def writing(write: Writer, when: Callable[[Answer], bool]) -> type[HttpConnection]:
    """Write some answers with other lengths."""

    class Writing(HttpConnection):
        """A connection with wrong lengths."""

        def render(self, answer: Answer, head: Head, *, closing: bool) -> bytes:
            """Write an answer as bytes."""
            if not when(answer) or head.request.method == "HEAD":
                return super().render(answer, head, closing=closing)
            lengths, body = write(answer.body)
            ending = {"Connection": "close"} if closing else {}
            return self.head_of(answer.status, {**answer.headers, **lengths, **ending}) + body

    return Writing


def short(body: bytes) -> tuple[dict[str, str], bytes]:
    """Announce less than follows, so that bytes stray into the next answer."""
    return {"Content-Length": str(max(0, len(body) - STRAY))}, body


def double(body: bytes) -> tuple[dict[str, str], bytes]:
    """Announce a length and chunks at once."""
    return {"Content-Length": str(len(body)), "Transfer-Encoding": "chunked"}, chunked(body)


def forbidden(_: bytes) -> tuple[dict[str, str], bytes]:
    """Send a body where none may be."""
    return {"Content-Length": str(len(FORBIDDEN))}, FORBIDDEN


def is_error(answer: Answer) -> bool:
    """Tell whether an answer refuses, in words."""
    return answer.status >= 400 and answer.body != b""


def is_success(answer: Answer) -> bool:
    """Tell whether an answer accepts, in words."""
    return answer.status < 400 and answer.body != b""


def is_empty(answer: Answer) -> bool:
    """Tell whether an answer must have no body."""
    return answer.status == 204


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    worded = should("seg", "rs", "mr")
    for name, write in (("short-length", short), ("both-lengths", double)):
        on_errors = with_connection_type(writing(write, is_error))
        yield make_fault(f"{name}-in-errors", "robustness errors", SHOULD, on_errors)
        on_success = with_connection_type(writing(write, is_success))
        yield make_fault(f"{name}-in-success", "robustness accept", worded, on_success)
    yield make_fault(
        "204-with-body", "robustness accept", should("ss"), with_connection_type(writing(forbidden, is_empty))
    )
