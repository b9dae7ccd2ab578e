"""Correct servers with legal differences that confuse naive tests. No check may fail on them."""

from __future__ import annotations

import codecs
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance import sdks
from conformance.profile.facts import LimitKind
from conformance.refserver.application import HttpBehavior
from conformance.refserver.contract_edits import (
    last_reading,
    stated_answers,
    tolerates_at_least,
    with_decimal_limit,
    with_edited_answers,
    with_event_limit,
    with_tolerated_status,
)
from conformance.refserver.faults import credentials, protocol_overrides
from conformance.refserver.faults.fault import requires_facts
from conformance.refserver.faults.response_overrides import IS_WEBHOOK, accept_refused, error_reply, refuse_accepted
from conformance.refserver.faults.success_bodies import count_events
from conformance.refserver.http_protocol import HttpProtocol
from conformance.refserver.odd_variants import ODD_VARIANTS
from conformance.refserver.server_change import ServerChange
from conformance.refserver.variant import make_variant

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView

_MAX_PER_SECOND = 150
"""How many requests the throttled server accepts in a second."""
_MAX_ID_LENGTH = 99
_FIRST_ERROR_STATUS = 400


def _throttle(view: RequestView) -> ServerReply | None:
    """Answers 429 to all but the first requests in each second."""
    second = int(time.monotonic())
    view.memory[f"second {second}"] += 1
    if view.memory[f"second {second}"] <= _MAX_PER_SECOND:
        return None
    return error_reply(view, 429).with_headers(Retry_After="1", X_RateLimit_Reset="1")


def _name_page(view: RequestView) -> ServerReply | None:
    """Allows the origin of the page alone, with every header, also where it throttles."""
    reply, origin = _throttle(view) or view.correct_reply(), view.request.headers.get("origin")
    if origin is None:
        return reply
    return reply.with_headers(Access_Control_Allow_Origin=origin, Access_Control_Expose_Headers="*", Vary="Origin")


def _has_content_encoding(view: RequestView) -> bool:
    return "content-encoding" in view.request.headers


def _ignore_content_encoding(view: RequestView) -> ServerReply | None:
    """Ignores the Content-Encoding and parses the compressed bytes."""
    if not _has_content_encoding(view):
        return None
    headers = {name: value for name, value in view.request.headers.items() if name != "content-encoding"}
    return view.server.correct_reply(view.server.decide(replace(view.request, headers=headers)))


def _refuse_options_and_cors(view: RequestView) -> ServerReply | None:
    """Answers OPTIONS with 405, and never sends CORS headers."""
    if view.request.method == "OPTIONS":
        return error_reply(view, 405).with_headers(Allow="POST", Access_Control_Allow_Origin="")
    return view.correct_reply().with_headers(Access_Control_Allow_Origin="")


def _has_no_browser_sdk(contract: Contract) -> bool:
    """Fits where no official SDK runs in browsers."""
    return not any(sdk.is_browser and contract.has_fact(f"sdks.{sdk.name}") for sdk in sdks.load_all())


def _has_right_body_key(view: RequestView) -> bool:
    """Whether the right key is in the body, regardless of the headers."""
    return credentials.body_key(view) == view.server.authenticator.write_key and not IS_WEBHOOK(view)


def _has_long_message_id(view: RequestView) -> bool:
    return any(isinstance(value, str) and len(value) > _MAX_ID_LENGTH for value in view.values_of("message_id"))


def _add_proxy_headers(view: RequestView) -> ServerReply:
    """The correct answer with headers of proxies and frameworks."""
    return view.correct_reply().with_headers(
        Set_Cookie="session=conformance; HttpOnly", X_Request_Id="conformance", Vary="Origin",
        Cache_Control="no-store", Strict_Transport_Security="max-age=31536000",
    )  # fmt: skip


def _lowercase_success(view: RequestView) -> ServerReply | None:
    """The text of success in lower case."""
    return replace(view.correct_reply(), body=view.correct_reply().body.lower()) if view.is_accepted else None


def _ignore_byte_order_mark(view: RequestView) -> ServerReply | None:
    """Skips a byte order mark."""
    request = view.request
    if not request.body.startswith(codecs.BOM_UTF8):
        return None
    without_mark = replace(request, body=request.body.removeprefix(codecs.BOM_UTF8))
    return view.server.correct_reply(view.server.decide(without_mark))


def _no_sdk_sends_gzip(contract: Contract) -> bool:
    """Whether no SDK of the vendor sends gzip."""
    gzip_sdks = [sdk.name for sdk in sdks.load_all() if any(shape.is_gzipped for shape in sdk.requests)]
    return not any(contract.has_fact(f"sdks.{name}") for name in gzip_sdks)


def _allows_rate_limits(contract: Contract) -> bool:
    return not contract.has_fact("rate.unlimited")


class CloseAfterRefusalProtocol(HttpProtocol):
    """Closes the connection after each refusal without announcing it."""

    def on_response_complete(self) -> None:
        """Closes the connection if the answer was a refusal."""
        if self.connection_state.last_status >= _FIRST_ERROR_STATUS:
            self.transport.close()
        super().on_response_complete()


class ShortKeepAliveProtocol(HttpProtocol):
    """Closes connections that are idle for 50 ms."""

    def on_response_complete(self) -> None:
        """Sets the short timeout."""
        self.timeout_keep_alive = 0.05  # type: ignore[assignment] # asyncio accepts fractions of a second
        super().on_response_complete()


_HTTP_10 = ServerChange(
    protocol=protocol_overrides.rewrite_output(lambda data: data.replace(b"HTTP/1.1 ", b"HTTP/1.0 ", 1)),
    behavior=HttpBehavior(closes_after_reply=True),
)

VARIANTS = (
    make_variant("slow", "waits 30 ms before each answer", HttpBehavior(delay_s=0.03)),
    make_variant(
        "closing", "closes the connection after each answer, and announces it", HttpBehavior(closes_after_reply=True)
    ),
    make_variant("abrupt", "closes the connection after each refusal without announcing it", CloseAfterRefusalProtocol),
    make_variant("restless", "closes idle connections after 50 ms", ShortKeepAliveProtocol),
    make_variant("in-chunks", "answers in chunks, without a length", HttpBehavior(is_chunked=True)),
    make_variant("old", "answers in HTTP/1.0 and closes the connection", _HTTP_10),
    make_variant(
        "eager",
        "answers oversized requests before reading them, then closes the connection",
        HttpBehavior(replies_before_reading=True),
    ),
    make_variant("in-lower-case", "writes the names of headers in lower case", HttpBehavior(lowercases_headers=True)),
    make_variant("adorned", "adds headers of proxies and frameworks", _add_proxy_headers),
    make_variant(
        "throttled",
        f"accepts {_MAX_PER_SECOND} requests a second, and answers the others 429 with Retry-After",
        _throttle,
        _allows_rate_limits,
        is_sent_bursts=True,
    ),
    make_variant(
        "pages-named",
        f"names the origin of each page, lets it read all headers, and accepts {_MAX_PER_SECOND} requests a second",
        _name_page,
        _allows_rate_limits,
        is_sent_bursts=True,
    ),
    make_variant(
        "gzip-unsupported",
        "refuses gzip with 415",
        lambda view: error_reply(view, 415) if _has_content_encoding(view) else None,
        _no_sdk_sends_gzip,
        is_sent_bursts=True,
    ),
    make_variant(
        "gzip-unnoticed",
        "ignores the Content-Encoding",
        _ignore_content_encoding,
        _no_sdk_sends_gzip,
        is_sent_bursts=True,
    ),
    make_variant(
        "cors-unknown",
        "answers OPTIONS with 405, and sends no CORS headers",
        _refuse_options_and_cors,
        _has_no_browser_sdk,
    ),
    make_variant(
        "older-statuses",
        "answers with the first status that is tolerated",
        with_tolerated_status(0),
        tolerates_at_least(1),
    ),
    make_variant(
        "other-statuses",
        "answers with the second status that is tolerated",
        with_tolerated_status(1),
        tolerates_at_least(2),
    ),
    make_variant(
        "last-statuses",
        "answers with the last status that is documented",
        with_edited_answers(lambda answer: replace(answer, expect=answer.expect[-1:])),
        lambda contract: any(len(answer.expect) > 1 for answer in stated_answers(contract)),
    ),
    make_variant(
        "other-reading",
        "follows another reading of documents that contradict themselves",
        last_reading(),
        lambda contract: bool(contract.readings),
    ),
    make_variant("decimal", "reads KB as 1000 bytes", with_edited_answers(with_decimal_limit)),
    make_variant(
        "loose-event-limit",
        "accepts events in a batch that are 4 % over their limit",
        with_event_limit(lambda limit: limit.at_most * 104 // 100),
        requires_facts(f"limits.{LimitKind.BATCH_EVENT}"),
    ),
    make_variant(
        "tight-event-limit",
        "refuses events in a batch from 98 % of their limit",
        with_event_limit(lambda limit: limit.at_least * 98 // 100),
        requires_facts(f"limits.{LimitKind.BATCH_EVENT}"),
    ),
    make_variant(
        "body-first",
        "prefers the key in the body to that in the headers",
        accept_refused("answers.credentials-*", when=_has_right_body_key),
        requires_facts("credentials.body"),
    ),
    make_variant(
        "short-ids", "refuses message ids that are longer than documented", refuse_accepted(_has_long_message_id)
    ),
    make_variant(
        "quiet", "writes the text of success in lower case", _lowercase_success, requires_facts("bodies.accepted-text")
    ),
    make_variant(
        "counting",
        "answers successes with JSON that counts the events, and lists no errors",
        count_events,
        lambda contract: not contract.has_fact("bodies.accepted"),
    ),
    make_variant("nul-refused", "refuses NULs", refuse_accepted(lambda view: "\\u0000" in view.body_text)),
    make_variant("mark-ignored", "ignores a byte order mark", _ignore_byte_order_mark),
    *ODD_VARIANTS,
)
