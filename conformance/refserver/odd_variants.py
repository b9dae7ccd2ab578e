"""Correct servers with oddities that were reported of real servers."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.refserver.application import HttpBehavior
from conformance.refserver.faults import protocol_overrides
from conformance.refserver.faults.response_overrides import error_reply, refuse_accepted, refused_by
from conformance.refserver.server_change import ServerChange
from conformance.refserver.variant import make_variant

if TYPE_CHECKING:
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView

_CLOSE_AFTER = 3
"""How many requests the server answers on a connection."""


def _drop_reason(data: bytes) -> bytes:
    """A status line without a reason."""
    return re.sub(rb"\AHTTP/1\.1 (\d{3}) [^\r]*\r\n", rb"HTTP/1.1 \1 \r\n", data)


def _add_trailer(data: bytes) -> bytes:
    """The last chunk with an extension and a trailer."""
    return re.sub(rb"0\r\n\r\n\Z", b"0;conformance=1\r\nConformance-Trailer: 1\r\n\r\n", data)


def _close_after_some(view: RequestView) -> ServerReply | None:
    """Announces the end of the connection with every third answer."""
    is_last = view.request.connection.responses + 1 >= _CLOSE_AFTER
    return view.correct_reply().with_headers(Connection="close") if is_last else None


def _normalize_path(view: RequestView) -> ServerReply | None:
    """Takes a path in any case, with doubled slashes and with one at its end."""
    path = re.sub("/+", "/", view.request.path).rstrip("/").lower()
    if path == view.request.path or not refused_by("answers.path-unknown")(view):
        return None
    return view.server.correct_reply(view.server.decide(replace(view.request, path=path)))


_MAX_DEPTH, _MAX_INTEGER = 64, 2**63
_NUL_OR_SURROGATE = re.compile("[\\x00\\ud800-\\udfff]")


def _is_strictly_invalid(view: RequestView) -> bool:
    """Whether a strict parser refuses the JSON: NULs, lone surrogates, doubled names, long integers, deep nesting."""
    try:
        return _has_oddity(json.loads(view.body_text, object_pairs_hook=_Pairs), 0)
    except (ValueError, RecursionError):
        return True


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object, doubled names included."""


def _has_oddity(value: object, depth: int) -> bool:
    if depth > _MAX_DEPTH:
        return True
    match value:
        case _Pairs():
            names = [name for name, _ in value]
            return len(set(names)) < len(names) or any(
                _has_oddity(name, depth) or _has_oddity(item, depth + 1) for name, item in value
            )
        case list():
            return any(_has_oddity(item, depth + 1) for item in value)
        case str():
            return bool(_NUL_OR_SURROGATE.search(value))
        case int():
            return abs(value) >= _MAX_INTEGER
        case _:
            return False


ODD_VARIANTS = (
    make_variant(
        "unreasoned", "writes a status line without a reason", protocol_overrides.rewrite_output(_drop_reason)
    ),
    make_variant(
        "trailing",
        "answers in chunks with an extension and a trailer",
        ServerChange(behavior=HttpBehavior(is_chunked=True), protocol=protocol_overrides.rewrite_output(_add_trailer)),
    ),
    make_variant(
        "expectations-refused",
        "answers 417 to Expect",
        lambda view: error_reply(view, 417) if "expect" in view.request.headers else None,
    ),
    make_variant("third-closes", "closes the connection after three requests, and announces it", _close_after_some),
    make_variant(
        "json-strict",
        "refuses NULs, lone surrogates, doubled names, integers beyond 64 bits and deep nesting",
        refuse_accepted(lambda view: view.request.method == "POST" and _is_strictly_invalid(view)),
    ),
    make_variant("paths-loose", "takes paths in any case, with // and a slash at the end", _normalize_path),
)
