"""Faults on unusual input: rare JSON and wrong types."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, ClassVar

from conformance.refserver.faults.fault import Fault, requires_facts
from conformance.refserver.faults.response_overrides import (
    IS_BATCH,
    IS_EVENT,
    crash_on,
    is_not_options,
)
from conformance.refserver.http_protocol import HttpProtocol
from conformance.refserver.replies import NO_REPLY

if TYPE_CHECKING:
    from conformance.core.model import Json
    from conformance.refserver.faults.response_overrides import RequestPredicate
    from conformance.refserver.server_change import RequestView, ResponseOverride


_DEPTH_60 = re.compile(r'(?:\[|\{"a":){60}')

_DEPTH_400 = re.compile(r'(?:\[|\{"a":){400}')

_RESTART_S = 0.2

_NUL_ESCAPE = r"\\u0000"


def _text_matches(pattern: str | re.Pattern[str], when: RequestPredicate = is_not_options) -> RequestPredicate:
    """Holds for bodies in whose text a pattern is found."""
    compiled = re.compile(pattern)
    return lambda view: when(view) and compiled.search(view.body_text) is not None


def _crash_on_text(pattern: str | re.Pattern[str], when: RequestPredicate = is_not_options) -> ResponseOverride:
    return crash_on(when=_text_matches(pattern, when))


def _has_duplicate_key(view: RequestView) -> bool:
    """Whether an object in the JSON has a key twice."""
    are_duplicated: list[bool] = []

    def note_duplicates(items: list[tuple[str, Json]]) -> None:
        are_duplicated.append(len({name for name, _ in items}) < len(items))

    try:
        json.loads(view.body_text, object_pairs_hook=note_duplicates)
    except (ValueError, RecursionError):
        return False
    return any(are_duplicated)


def _has_wide_object(view: RequestView) -> bool:
    return any(isinstance(value, dict) and len(value) > 300 for value in view.all_values())


def _has_wrong_type(name: str, *wrong: type) -> RequestPredicate:
    """Holds where a field that the profile points at has a value of a wrong type."""
    return lambda view: any(isinstance(value, wrong) for value in view.values_of(name))


def _has_list_as_open_object(view: RequestView) -> bool:
    """Whether the free-form object of an event is a list."""
    operation = view.decision.operation
    open_pointer = view.contract.event_type(operation.event_type).open_object if operation else None
    return any(isinstance(value, list) for value in view.values_at(open_pointer))


def _has_nested_list(view: RequestView) -> bool:
    """Whether an object at the top of an event has a list where a text is meant."""
    inner = (value for event in view.events for value in event.values() if isinstance(value, dict))
    return any(["conformance"] in value.values() for value in inner)


class AbortOnDeepJsonProtocol(HttpProtocol):
    """Closes the connection on JSON that is nested very deep."""

    def data_received(self, data: bytes) -> None:
        """Looks at the bytes before they are parsed."""
        if b"[" * 1500 in data or b'{"a":' * 1500 in data:
            self.transport.abort()
            return
        super().data_received(data)


class CrashOnDeepJsonProtocol(HttpProtocol):
    """Goes away on JSON that is nested very deep: for a moment all connections are closed."""

    _away_until_s: ClassVar[dict[object, float]] = {}
    """By the address of the server."""

    def data_received(self, data: bytes) -> None:
        """Looks at the bytes before they are parsed."""
        now_s, address = time.monotonic(), self.transport.get_extra_info("sockname")
        if b"[" * 1500 in data or b'{"a":' * 1500 in data:
            self._away_until_s[address] = now_s + _RESTART_S
        if now_s < self._away_until_s.get(address, 0.0):
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
        key_words="NUL 500",
    ),
    Fault(
        "nul-crash-in-batches",
        "Fails on a NUL in a batch.",
        "each path has a store of its own",
        "robustness.input.common",
        _crash_on_text(_NUL_ESCAPE, IS_BATCH),
        requires_facts("answers.batch-missing"),
        extra_operations=("batch",),
        key_words="NUL 500",
    ),
    Fault(
        "nul-silence",
        "Never answers an event with a NUL in an id.",
        "a worker dies, and nobody notices",
        "robustness.input.nul",
        lambda view: NO_REPLY if IS_EVENT(view) and "conformance\\u0000odd" in view.body_text else None,
        key_words="NUL no answer",
    ),
    Fault(
        "half-pair-crash",
        "Fails on half a surrogate pair.",
        "it can't be written as UTF-8",
        "robustness.input.surrogates robustness.input.common",
        _crash_on_text(r'\\ud83d"|"\\ude00|odd\\udc00'),
        key_words="surrogate 500",
    ),
    Fault(
        "bom-crash",
        "Fails on a byte order mark.",
        "parsers raise what nobody catches",
        "robustness.input.bom",
        crash_on(when=lambda view: view.request.body[:3] == b"\xef\xbb\xbf"),
        key_words="byte order mark 500",
    ),
    Fault(
        "deep-crash",
        "Fails on JSON nested a hundred levels deep.",
        "recursion has a limit",
        "robustness.input.depth-100 robustness.input.depth-1000 robustness.input.depth-10000",
        _crash_on_text(_DEPTH_60),
        key_words="levels deep 500",
    ),
    Fault(
        "deeper-crash",
        "Fails on JSON nested a thousand levels deep.",
        "recursion has a limit",
        "robustness.input.depth-1000 robustness.input.depth-10000",
        _crash_on_text(_DEPTH_400),
        key_words="levels deep 500",
    ),
    Fault(
        "deepest-dropped",
        "Closes the connection on JSON nested thousands of levels deep.",
        "a stack overflow takes the process with it",
        "robustness.input.depth-10000",
        AbortOnDeepJsonProtocol,
        key_words="levels deep no answer",
    ),
    Fault(
        "deepest-crash",
        "Goes away on JSON nested thousands of levels deep, until it is started again.",
        "a stack overflow takes the process with it, and a supervisor starts another",
        "robustness.input.depth-10000",
        CrashOnDeepJsonProtocol,
        key_words="stop answering",
    ),
    Fault(
        "double-keys-crash",
        "Fails on an object with a key twice.",
        "strict parsers raise what nobody catches",
        "robustness.input.duplicate-keys",
        crash_on(when=_has_duplicate_key),
        key_words="given twice 500",
    ),
    Fault(
        "large-integers-crash",
        "Fails on integers beyond 64 bits.",
        "columns have a width",
        "robustness.input.integers",
        _crash_on_text(r":-?\d{19,}"),
        key_words="number 500",
    ),
    Fault(
        "exponents-crash",
        "Fails on numbers beyond the range of doubles.",
        "they become infinite on the way",
        "robustness.input.exponents",
        _crash_on_text(r"e-?4\d\d[,}]"),
        key_words="number 500",
    ),
    Fault(
        "empty-key-crash",
        "Fails on an empty key.",
        "columns are named by keys",
        "robustness.input.empty-key",
        _crash_on_text(r'[{,]"":'),
        key_words="empty key 500",
    ),
    Fault(
        "long-key-crash",
        "Fails on a key of a thousand characters.",
        "columns are named by keys",
        "robustness.input.long-key",
        _crash_on_text(r'"k{900}'),
        key_words="key of characters 500",
    ),
    Fault(
        "wide-crash",
        "Fails on an object with hundreds of keys.",
        "tables have so many columns and no more",
        "robustness.input.wide",
        crash_on(when=_has_wide_object),
        key_words="keys 500",
    ),
    Fault(
        "number-id-crash",
        "Fails on a number for an id.",
        "a method of texts is called on it",
        "robustness.types.main",
        crash_on(when=_has_wrong_type("user", int, float)),
        key_words="number userId 500",
    ),
    Fault(
        "list-id-crash",
        "Fails on a list for an id.",
        "it can't be the key of a dictionary",
        "robustness.types.main",
        crash_on(when=_has_wrong_type("user", list, dict)),
        key_words="list userId 500",
    ),
    Fault(
        "free-list-crash",
        "Fails where the free-form object is a list.",
        "a list has no keys",
        "robustness.types.main",
        crash_on(when=_has_list_as_open_object),
        key_words="a list as 500",
    ),
    Fault(
        "list-context-crash",
        "Fails where the context is a list.",
        "a list has no keys",
        "robustness.types.common",
        crash_on(when=_has_wrong_type("context", list)),
        key_words="list as /context 500",
    ),
    Fault(
        "number-time-crash",
        "Fails on a number for a timestamp.",
        "clients with clocks in seconds exist",
        "robustness.types.common",
        crash_on(when=_has_wrong_type("timestamp", int, float)),
        key_words="number timestamp 500",
    ),
    Fault(
        "nonsense-time-crash",
        "Fails on a timestamp that is none.",
        "a date parser raises",
        "robustness.types.common",
        _crash_on_text("yesterday, or"),
        key_words="no time 500",
    ),
    Fault(
        "inner-types-crash",
        "Fails on wrong types inside an event's objects.",
        "enrichment reaches in without looking",
        "robustness.types.nested",
        crash_on(when=_has_nested_list),
        key_words="list inner 500",
    ),
)
