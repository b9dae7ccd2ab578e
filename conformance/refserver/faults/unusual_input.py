"""Faults over odd input: rare JSON, wrong types, and gzip that is none or too much."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from conformance.refserver.faults.fault import Fault, requires_facts, requires_sdk
from conformance.refserver.faults.response_overrides import (
    INTERNAL_ERROR,
    IS_BATCH,
    IS_EVENT,
    accept_refused,
    change_refusal_status,
    crash_on,
    is_not_options,
    refuse_accepted,
    success_reply,
)
from conformance.refserver.http_protocol import HttpProtocol
from conformance.refserver.replies import NO_REPLY

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.refserver.fault_change import RequestView, ResponseOverride
    from conformance.refserver.faults.response_overrides import RequestPredicate

_ENCODING = "answers.encoding-invalid"
_DEPTH_60 = re.compile(r'(?:\[|\{"a":){60}')
_DEPTH_400 = re.compile(r'(?:\[|\{"a":){400}')
_NUL_ESCAPE = r"\\u0000"


def _text_matches(pattern: str | re.Pattern[str], when: RequestPredicate = is_not_options) -> RequestPredicate:
    """Holds for bodies in whose text a pattern is found."""
    compiled = re.compile(pattern)
    return lambda sight: when(sight) and compiled.search(sight.body_text) is not None


def _crash_on_text(pattern: str | re.Pattern[str], when: RequestPredicate = is_not_options) -> ResponseOverride:
    return crash_on(when=_text_matches(pattern, when))


def _has_duplicate_key(sight: RequestView) -> bool:
    """Whether an object in the JSON has a key twice."""
    are_duplicated: list[bool] = []

    def note_duplicates(items: list[tuple[str, Json]]) -> None:
        are_duplicated.append(len({name for name, _ in items}) < len(items))

    try:
        json.loads(sight.body_text, object_pairs_hook=note_duplicates)
    except (ValueError, RecursionError):
        return False
    return any(are_duplicated)


def _has_wide_object(sight: RequestView) -> bool:
    return any(isinstance(value, dict) and len(value) > 300 for value in sight.all_values())


def _has_wrong_type(name: str, *wrong: type) -> RequestPredicate:
    """Holds where a field that the profile points at has a value of a wrong type."""
    return lambda sight: any(
        isinstance(value, wrong) for value in sight.values_at(getattr(sight.contract.profile.pointers, name))
    )


def _has_list_as_open_object(sight: RequestView) -> bool:
    """Whether the free-form object of an event is a list."""
    operation = sight.decision.operation
    open_pointer = sight.contract.event_type(operation.event_type).open_object if operation else None
    return any(isinstance(value, list) for value in sight.values_at(open_pointer))


def _has_nested_list(sight: RequestView) -> bool:
    """Whether an object at the top of an event has a list where a text is meant."""
    inner = (value for event in sight.events for value in event.values() if isinstance(value, dict))
    return any(["conformance"] in value.values() for value in inner)


def _has_content_encoding(sight: RequestView) -> bool:
    return "content-encoding" in sight.request.headers


def _is_gzip(sight: RequestView) -> bool:
    return sight.request.headers.get("content-encoding", "").lower() in {"gzip", "x-gzip"}


def _is_decompression_bomb(sight: RequestView) -> bool:
    """Whether a small body in gzip unpacks to too much."""
    return _is_gzip(sight) and sight.refusal_fact.startswith("limits.") and len(sight.request.body) < 100_000


def _is_truncated_gzip(sight: RequestView) -> bool:
    """Whether a body begins as gzip does, and goes on as gzip for a while."""
    body = sight.request.body
    return _is_gzip(sight) and body[:2] == b"\x1f\x8b" and body[10:13] != b"\xff\xff\xff"


class AbortOnDeepJsonProtocol(HttpProtocol):
    """Hangs up on JSON that is nested very deep."""

    def data_received(self, data: bytes) -> None:
        """Looks at what comes before it is read."""
        if b"[" * 1500 in data or b'{"a":' * 1500 in data:
            self.transport.abort()
            return
        super().data_received(data)


FAULTS = (
    Fault(
        "nul-crash",
        "Fails on a NUL in a text.",
        "databases refuse it, and nobody asked them",
        "robustness.input.nul robustness.input.common",
        _crash_on_text(_NUL_ESCAPE),
    ),
    Fault(
        "nul-crash-in-batches",
        "Fails on a NUL in a batch.",
        "each path has a store of its own",
        "robustness.input.common",
        _crash_on_text(_NUL_ESCAPE, IS_BATCH),
        requires_facts("answers.batch-missing"),
        extra_operations=("batch",),
    ),
    Fault(
        "nul-silence",
        "Never answers an event with a NUL in an id.",
        "a worker dies, and nobody notices",
        "robustness.input.nul",
        lambda sight: NO_REPLY if IS_EVENT(sight) and "conformance\\u0000odd" in sight.body_text else None,
    ),
    Fault(
        "half-pair-crash",
        "Fails on half a surrogate pair.",
        "it can't be written as UTF-8",
        "robustness.input.surrogates robustness.input.common",
        _crash_on_text(r'\\ud83d"|"\\ude00|odd\\udc00'),
    ),
    Fault(
        "bom-crash",
        "Fails on a byte order mark.",
        "parsers raise what nobody catches",
        "robustness.input.bom",
        crash_on(when=lambda sight: sight.request.body[:3] == b"\xef\xbb\xbf"),
    ),
    Fault(
        "deep-crash",
        "Fails on JSON nested a hundred levels deep.",
        "recursion has a limit",
        "robustness.input.depth-100 robustness.input.depth-1000 robustness.input.depth-10000",
        _crash_on_text(_DEPTH_60),
    ),
    Fault(
        "deeper-crash",
        "Fails on JSON nested a thousand levels deep.",
        "recursion has a limit",
        "robustness.input.depth-1000 robustness.input.depth-10000",
        _crash_on_text(_DEPTH_400),
    ),
    Fault(
        "deepest-dropped",
        "Hangs up on JSON nested thousands of levels deep.",
        "a stack overflow takes the process with it",
        "robustness.input.depth-10000",
        AbortOnDeepJsonProtocol,
    ),
    Fault(
        "double-keys-crash",
        "Fails on an object with a key twice.",
        "strict parsers raise what nobody catches",
        "robustness.input.duplicate-keys",
        crash_on(when=_has_duplicate_key),
    ),
    Fault(
        "large-integers-crash",
        "Fails on integers beyond 64 bits.",
        "columns have a width",
        "robustness.input.integers",
        _crash_on_text(r":-?\d{19,}"),
    ),
    Fault(
        "exponents-crash",
        "Fails on numbers beyond the range of doubles.",
        "they become infinite on the way",
        "robustness.input.exponents",
        _crash_on_text(r"e-?4\d\d[,}]"),
    ),
    Fault(
        "empty-key-crash",
        "Fails on an empty key.",
        "columns are named by keys",
        "robustness.input.empty-key",
        _crash_on_text(r'[{,]"":'),
    ),
    Fault(
        "long-key-crash",
        "Fails on a key of a thousand characters.",
        "columns are named by keys",
        "robustness.input.long-key",
        _crash_on_text(r'"k{900}'),
    ),
    Fault(
        "wide-crash",
        "Fails on an object with hundreds of keys.",
        "tables have so many columns and no more",
        "robustness.input.wide",
        crash_on(when=_has_wide_object),
    ),
    Fault(
        "number-id-crash",
        "Fails on a number for an id.",
        "a method of texts is called on it",
        "robustness.types.main",
        crash_on(when=_has_wrong_type("user", int, float)),
    ),
    Fault(
        "list-id-crash",
        "Fails on a list for an id.",
        "it can't be the key of a dictionary",
        "robustness.types.main",
        crash_on(when=_has_wrong_type("user", list, dict)),
    ),
    Fault(
        "free-list-crash",
        "Fails where the free-form object is a list.",
        "a list has no keys",
        "robustness.types.main",
        crash_on(when=_has_list_as_open_object),
    ),
    Fault(
        "list-context-crash",
        "Fails where the context is a list.",
        "a list has no keys",
        "robustness.types.common",
        crash_on(when=_has_wrong_type("context", list)),
    ),
    Fault(
        "number-time-crash",
        "Fails on a number for a timestamp.",
        "clients with clocks in seconds exist",
        "robustness.types.common",
        crash_on(when=_has_wrong_type("timestamp", int, float)),
    ),
    Fault(
        "nonsense-time-crash",
        "Fails on a timestamp that is none.",
        "a date parser raises",
        "robustness.types.common",
        _crash_on_text("yesterday, or"),
    ),
    Fault(
        "inner-types-crash",
        "Fails on wrong types inside an event's objects.",
        "enrichment reaches in without looking",
        "robustness.types.nested",
        crash_on(when=_has_nested_list),
    ),
    Fault(
        "gzip-refused",
        "Refuses gzip.",
        "it may, and people want to know",
        "robustness.gzip.accepted",
        refuse_accepted(_has_content_encoding, 415),
    ),
    Fault(
        "gzip-refused-in-batches",
        "Refuses gzip in batches.",
        "the vendor's own SDKs send it",
        "sdk.*-python-2-1-*.accepted sdk.*-node-3-0-*.accepted",
        refuse_accepted(lambda sight: IS_BATCH(sight) and _has_content_encoding(sight), 415),
        requires_sdk("*-python-2-1-*"),
        extra_operations=("batch",),
    ),
    Fault(
        "gzip-crash",
        "Fails on every body in gzip.",
        "compressed bytes reach the JSON parser as text",
        "robustness.gzip.status robustness.gzip.accepted",
        crash_on(when=_is_gzip),
    ),
    Fault(
        "corrupt-gzip-crash",
        "Fails on gzip that is none.",
        "the decompressor raises",
        "robustness.gzip.status robustness.gzip.corrupt robustness.gzip.truncated",
        crash_on(_ENCODING, when=_is_gzip),
    ),
    Fault(
        "corrupt-gzip-taken",
        "Accepts gzip that is none.",
        "the body is unpacked later, in a queue",
        "robustness.gzip.corrupt robustness.gzip.truncated",
        accept_refused(_ENCODING, when=_is_gzip),
    ),
    Fault(
        "truncated-gzip-taken",
        "Takes gzip that breaks off, as far as it goes.",
        "streams have no end to check",
        "robustness.gzip.truncated",
        accept_refused(_ENCODING, when=_is_truncated_gzip),
    ),
    Fault(
        "corrupt-gzip-422",
        "Answers gzip that is none with 422.",
        "a validator's default status",
        "robustness.gzip.corrupt robustness.gzip.truncated",
        change_refusal_status(422, _ENCODING, when=_is_gzip),
    ),
    Fault(
        "bomb-taken",
        "Accepts what unpacks to any size.",
        "limits are looked at on the wire alone",
        "robustness.gzip.bomb",
        lambda sight: success_reply(sight) if _is_decompression_bomb(sight) else None,
    ),
    Fault(
        "bomb-crash",
        "Fails on what unpacks to megabytes.",
        "memory runs out",
        "robustness.gzip.bomb robustness.gzip.bomb-status",
        lambda sight: INTERNAL_ERROR if _is_decompression_bomb(sight) else None,
    ),
    Fault(
        "coding-crash",
        "Fails on a content coding that it does not know.",
        "a table of decoders has a gap",
        "robustness.gzip.status",
        crash_on(_ENCODING, when=lambda sight: not _is_gzip(sight)),
    ),
)
