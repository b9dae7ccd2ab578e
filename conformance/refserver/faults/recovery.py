"""Faults in recovery: requests that fail because of another request before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.profile.facts import AuthScheme
from conformance.refserver.faults.fault import Fault, requires_facts
from conformance.refserver.faults.protocol_overrides import (
    content_lengths,
    leave_body_unread,
    request_head,
)
from conformance.refserver.faults.response_overrides import (
    INTERNAL_ERROR,
    is_not_options,
    refused_by,
)
from conformance.requests.credentials import UNKNOWN_KEY, encode_base64

if TYPE_CHECKING:
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView, ResponseOverride


_LARGE_BYTES = 12_000
"""More than any acceptable request has that comes in pieces."""


def _crash_after(*facts: str) -> ResponseOverride:
    """Fails on the second request of a connection whose first one was refused by one of these facts."""
    is_bad = refused_by(*facts)

    def override(view: RequestView) -> ServerReply | None:
        session = view.request.connection
        is_poisoned = session.flags["poison"] > 0
        session.flags["poison"] = int(session.responses == 0 and is_not_options(view) and is_bad(view))
        return INTERNAL_ERROR if is_poisoned else None

    return override


def _crash_on_later_request(count: int, *facts: str, text: str = "") -> ResponseOverride:
    """Fails on a later request of a connection that was opened right after some request, the count-th."""
    is_bad = refused_by(*facts)

    def override(view: RequestView) -> ServerReply | None:
        session = view.request.connection
        if session.responses == 0:
            session.flags["poison"] = view.memory["bad"]
        view.memory["bad"] = int(text in view.body_text if text else is_bad(view))
        return INTERNAL_ERROR if session.flags["poison"] and session.responses == count - 1 else None

    return override


def _poisoned_by(name: str, refused_input: str, why: str, *facts: str) -> Fault:
    """A server that does not get over a kind of refusal."""
    return Fault(f"poisoned-by-{name}", f"Fails on what follows {refused_input} on a connection.", why,
                 f"robustness.recovery.{name}", _crash_after(*facts),
                 key_words=f"after {refused_input} 500")  # fmt: skip


def _is_lone_head(data: bytes) -> bool:
    """Whether this is the head of a request with a length, and nothing of its body; not one of an HTTP client's."""
    head = request_head(data).lower()
    return (
        data.endswith(b"\r\n\r\n")
        and bool(content_lengths(data))
        and not (b"accept-encoding" in head or b"\r\nexpect:" in head)
    )


def _has_wrong_key(data: bytes) -> bool:
    """Whether a head has no key, or an unknown one."""
    head = request_head(data)
    return b"authorization" not in head.lower() or encode_base64(f"{UNKNOWN_KEY}:").encode() in head


FAULTS = (
    Fault(
        "body-left-at-unknown-paths",
        "Leaves the body of a request to an unknown path on the connection.",
        "it is refused before it is read",
        "robustness.recovery.path",
        leave_body_unread(lambda data: b"/conformance-unknown HTTP" in request_head(data)),
        key_words="after unknown path",
    ),
    Fault(
        "body-left-of-wrong-methods",
        "Leaves the body of a wrong method on the connection.",
        "it is refused before it is read",
        "robustness.recovery.method",
        leave_body_unread(lambda data: request_head(data).startswith(b"PUT ")),
        key_words="after wrong method",
    ),
    Fault(
        "body-left-in-gzip",
        "Leaves a body on the connection that is no gzip.",
        "it gives up in the middle",
        "robustness.recovery.gzip",
        leave_body_unread(lambda data: b"gzip" in request_head(data) and b"\xff" * 9 in data),
        key_words="after corrupt gzip",
    ),
    Fault(
        "late-body-read-after-401",
        "Refuses credentials by the head of a request, and takes a body that comes later for the next one.",
        "a guard answers, and nobody reads the rest",
        "robustness.recovery.late-credentials robustness.recovery.late-key",
        leave_body_unread(lambda data: _is_lone_head(data) and _has_wrong_key(data)),
        lambda contract: contract.default_scheme is AuthScheme.BASIC,
        key_words="late 404",
    ),
    Fault(
        "late-body-read-after-413",
        "Refuses a body by its length, and takes it for the next request where it comes later.",
        "the length is looked at first, and nobody reads the rest",
        "robustness.recovery.late-size",
        leave_body_unread(lambda data: _is_lone_head(data) and content_lengths(data)[0] > _LARGE_BYTES),
        requires_facts("limits.event"),
        key_words="over the limit late 404",
    ),
    _poisoned_by("json", "invalid JSON", "a parser keeps its state", "answers.json-invalid"),
    _poisoned_by("credentials", "missing credentials", "a guard keeps its answer", "answers.credentials-missing"),
    _poisoned_by("method", "a wrong method", "a router keeps its state", "answers.method-wrong"),
    _poisoned_by("key", "an unknown key", "a cache of sources keeps the miss", "answers.credentials-unknown"),
    _poisoned_by("path", "an unknown path", "a router keeps its state", "answers.path-unknown"),
    _poisoned_by("size", "a body over the limit", "a buffer stays full", "limits.event"),
    _poisoned_by("gzip", "corrupt gzip", "a decompressor keeps its state", "answers.encoding-invalid"),
    _poisoned_by("utf8", "a body that is not UTF-8", "a decoder keeps its state", "answers.json-not-utf8"),
    Fault(
        "tenth-crash",
        "Fails on the tenth request after invalid JSON.",
        "one worker of a pool is broken",
        "robustness.recovery.series",
        _crash_on_later_request(10, "answers.json-invalid"),
        key_words="after invalid JSON 500",
    ),
    Fault(
        "third-crash",
        "Fails on the third request after a NUL.",
        "a transaction that was never rolled back",
        "robustness.recovery.series-odd",
        _crash_on_later_request(3, text="\\u0000"),
        key_words="after NUL 500",
    ),
)
