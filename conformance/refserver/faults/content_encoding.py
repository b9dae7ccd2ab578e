"""Faults in how gzip is read: valid, corrupt, or far too large."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.refserver.application import HttpBehavior
from conformance.refserver.faults.fault import Fault, requires_facts, requires_sdk
from conformance.refserver.faults.response_overrides import (
    INTERNAL_ERROR,
    IS_BATCH,
    accept_refused,
    change_refusal_status,
    crash_on,
    refuse_accepted,
    success_reply,
)
from conformance.refserver.server_change import ServerChange

if TYPE_CHECKING:
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.request import ReceivedRequest
    from conformance.refserver.server_change import RequestView


_ENCODING = "answers.encoding-invalid"
_GZIP, _SMALL_BYTES, _FEW_BYTES, _SMALLEST_BOMB_BYTES = 31, 30_000, 5_000_000, 5_000
_BOMB_DELAY_S = 1.3


def _has_content_encoding(view: RequestView) -> bool:
    return "content-encoding" in view.request.headers


def _is_gzip(view: RequestView) -> bool:
    return view.request.headers.get("content-encoding", "").lower() in {"gzip", "x-gzip"}


def _bomb_delay_s(request: ReceivedRequest) -> float:
    """The delay of a body in gzip that unpacks to megabytes."""
    if request.headers.get("content-encoding") != "gzip" or len(request.body) < _SMALLEST_BOMB_BYTES:
        return 0.0
    try:
        unpacked = zlib.decompressobj(_GZIP).decompress(request.body, _FEW_BYTES)
    except zlib.error:
        return 0.0
    return _BOMB_DELAY_S if len(unpacked) == _FEW_BYTES else 0.0


def _name_delay(view: RequestView) -> ServerReply | None:
    """Says how long it took."""
    delay_s = _bomb_delay_s(view.request)
    return view.correct_reply().with_headers(Server_Timing=f"unzip;dur={delay_s}") if delay_s else None


def _is_decompression_bomb(view: RequestView) -> bool:
    """Whether a small body in gzip unpacks to too much."""
    return _is_gzip(view) and view.refusal_fact.startswith("limits.") and len(view.request.body) < 100_000


def _is_truncated_gzip(view: RequestView) -> bool:
    """Whether a body begins as gzip does, and goes on as gzip for a while."""
    body = view.request.body
    return _is_gzip(view) and body[:2] == b"\x1f\x8b" and body[10:13] != b"\xff\xff\xff"


def _unpacks_to_a_little(view: RequestView) -> bool:
    """Whether a body in gzip is over its limit only once it is unpacked, and then by less than a megabyte."""
    if not _is_gzip(view) or not view.refusal_fact.startswith("limits."):
        return False
    return len(view.request.body) < _SMALL_BYTES and len(zlib.decompress(view.request.body, _GZIP)) < _FEW_BYTES


def _ignore_unknown_codings(view: RequestView) -> ServerReply | None:
    """The answer to the same body without its Content-Encoding, unless that is gzip."""
    if view.refusal_fact != _ENCODING or _is_gzip(view):
        return None
    headers = {name: value for name, value in view.request.headers.items() if name != "content-encoding"}
    return view.server.correct_reply(view.server.decide(replace(view.request, headers=headers)))


FAULTS = (
    Fault(
        "gzip-refused",
        "Refuses gzip.",
        "allowed, but users want to know",
        "robustness.gzip.accepted",
        refuse_accepted(_has_content_encoding, 415),
        key_words="gzip",
    ),
    Fault(
        "gzip-refused-in-batches",
        "Refuses gzip in batches.",
        "the vendor's own SDKs send it",
        "sdk.*-python-2-1-*.accepted sdk.*-node-3-0-*.accepted",
        refuse_accepted(lambda view: IS_BATCH(view) and _has_content_encoding(view), 415),
        requires_sdk("*-python-2-1-*"),
        extra_operations=("batch",),
        key_words="gzip refused",
    ),
    Fault(
        "gzip-crash",
        "Fails on every body in gzip.",
        "compressed bytes reach the JSON parser as text",
        "robustness.gzip.status robustness.gzip.accepted",
        crash_on(when=_is_gzip),
        key_words="gzip 500",
    ),
    Fault(
        "corrupt-gzip-crash",
        "Fails on gzip that is none.",
        "the decompressor raises",
        "robustness.gzip.status robustness.gzip.corrupt robustness.gzip.truncated",
        crash_on(_ENCODING, when=_is_gzip),
        key_words="gzip corrupt 500",
    ),
    Fault(
        "corrupt-gzip-taken",
        "Accepts gzip that is none.",
        "the body is unpacked later, in a queue",
        "robustness.gzip.corrupt robustness.gzip.truncated",
        accept_refused(_ENCODING, when=_is_gzip),
        key_words="gzip corrupt accepted",
    ),
    Fault(
        "truncated-gzip-taken",
        "Accepts gzip that is cut off, as far as it can be decompressed.",
        "streams have no end to check",
        "robustness.gzip.truncated",
        accept_refused(_ENCODING, when=_is_truncated_gzip),
        key_words="half gzip accepted",
    ),
    Fault(
        "corrupt-gzip-422",
        "Answers gzip that is none with 422.",
        "a validator's default status",
        "robustness.gzip.corrupt robustness.gzip.truncated",
        change_refusal_status(422, _ENCODING, when=_is_gzip),
        key_words="gzip 422",
    ),
    Fault(
        "bomb-taken",
        "Accepts what unpacks to any size.",
        "limits are looked at on the wire alone",
        "robustness.gzip.bomb",
        lambda view: success_reply(view) if _is_decompression_bomb(view) else None,
        key_words="gzip unpacks",
    ),
    Fault(
        "bomb-slow",
        "Takes more than a second for a small body that unpacks to ten megabytes.",
        "it is unpacked piece by piece, and each piece copies all before it",
        "robustness.gzip.bomb-time",
        ServerChange(override=_name_delay, behavior=HttpBehavior(extra_delay_s=_bomb_delay_s)),
        key_words="unpacks megabytes",
    ),
    Fault(
        "bomb-crash",
        "Fails on what unpacks to megabytes.",
        "memory runs out",
        "robustness.gzip.bomb robustness.gzip.bomb-status",
        lambda view: INTERNAL_ERROR if _is_decompression_bomb(view) else None,
        key_words="unpacks megabytes 500",
    ),
    Fault(
        "coding-crash",
        "Fails on a content coding that it does not know.",
        "a table of decoders has a gap",
        "robustness.gzip.status",
        crash_on(_ENCODING, when=lambda view: not _is_gzip(view)),
        key_words="coding 500",
    ),
    Fault(
        "empty-gzip-taken",
        "Accepts gzip of nothing.",
        "no event is no mistake",
        "robustness.gzip.empty",
        lambda view: (
            success_reply(view) if _is_gzip(view) and not view.decision.body and not view.is_accepted else None
        ),
        key_words="gzip of nothing",
    ),
    Fault(
        "unpacked-limit-ten-times",
        "Accepts in gzip what unpacks to up to ten times the limit.",
        "the limit of a proxy holds for what arrives, and that of the server for bombs",
        "robustness.coding.over robustness.coding.slightly-over",
        lambda view: success_reply(view) if _unpacks_to_a_little(view) else None,
        requires_facts("limits.event"),
        key_words="gzip unpacks three times",
    ),
    Fault(
        "codings-ignored",
        "Ignores the names of codings that it does not know.",
        "a table of decoders has no entry for them",
        "robustness.coding.named",
        _ignore_unknown_codings,
        key_words="coding",
    ),
    Fault(
        "brotli-crash",
        "Fails on bodies in br.",
        "a library is named, and not there",
        "robustness.coding.status",
        crash_on(_ENCODING, when=lambda view: view.request.headers.get("content-encoding") == "br"),
        key_words="br 500",
    ),
)
