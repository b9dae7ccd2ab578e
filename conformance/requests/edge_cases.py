"""Edge cases: JSON that is valid, or nearly so, and that often crashes servers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from conformance.core import pointers
from conformance.core.model import Parameter
from conformance.profile.facts import LimitKind
from conformance.requests.fields import free_form_pointer, identity_pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.core.model import JsonObject
    from conformance.requests.call import Call
    from conformance.requests.draft import Draft

NamedDrafts: TypeAlias = "Iterator[tuple[str, Draft]]"
"""Drafts, each after its description."""

_PLACEHOLDER, _FREE_FIELD = "conformance-odd", "conformance_odd"
_DEFAULT_EVENT_BYTES, _RESERVED_BYTES = 30_000, 300
"""How large an event gets where nothing limits it, and what its other fields may need, in bytes."""
_KEY_COUNT, _LONG_KEY_LENGTH, _DIGIT_COUNT = 1_000, 1_000, 400


@dataclass(frozen=True, slots=True)
class EdgeCase(Parameter):
    """A kind of unusual input, with the requests that contain it."""

    make_drafts: Callable[[Call], NamedDrafts]


def request_with_json_text(call: Call, pointer: str, text: str) -> Draft:
    """An event with this JSON text as the value of a field."""
    return _replace_placeholder(call.acceptable_request().with_field(pointer, _PLACEHOLDER), text)


def _replace_placeholder(draft: Draft, text: str) -> Draft:
    """A draft with this JSON text in place of the placeholder."""
    placeholder, replacement = json.dumps(_PLACEHOLDER).encode(), text.encode()
    return draft.with_json_bytes(lambda body: body.replace(placeholder, replacement))


def _free_bytes(call: Call) -> int:
    """How many bytes an event has room for in one value."""
    limit_kind = LimitKind.BATCH_EVENT if call.is_batch else LimitKind.EVENT
    if not call.contract.has_fact(f"limits.{limit_kind}"):
        return _DEFAULT_EVENT_BYTES
    return (
        call.contract.size_limit(limit_kind).largest_accepted
        - _RESERVED_BYTES
        - len(json.dumps(call.acceptable_request().events[0]))
    )


def _nul_escapes(call: Call) -> NamedDrafts:
    yield (
        "a property with a NUL in it",
        request_with_json_text(call, free_form_pointer(call, _FREE_FIELD), r'"a\u0000b"'),
    )
    yield ("an id with a NUL in it", request_with_json_text(call, identity_pointer(call), r'"conformance\u0000odd"'))
    yield (
        "a property's name with a NUL in it",
        request_with_json_text(call, free_form_pointer(call, _PLACEHOLDER), r'"a\u0000b"'),
    )


def _lone_surrogates(call: Call) -> NamedDrafts:
    yield (
        "a property with half a surrogate pair",
        request_with_json_text(call, free_form_pointer(call, _FREE_FIELD), r'"\ud83d"'),
    )
    yield (
        "a property with a surrogate pair in the wrong order",
        request_with_json_text(call, free_form_pointer(call, _FREE_FIELD), r'"\ude00\ud83d"'),
    )
    yield (
        "an id with half a surrogate pair",
        request_with_json_text(call, identity_pointer(call), r'"conformance\udc00"'),
    )


def _byte_order_mark(call: Call) -> NamedDrafts:
    yield (
        "a byte order mark before the JSON",
        call.acceptable_request().with_json_bytes(lambda body: b"\xef\xbb\xbf" + body),
    )


def _nested_to(depth: int) -> Callable[[Call], NamedDrafts]:
    """A value nested to a depth. Where an event has no room for it: as deep as fits, or beside the list of a batch."""

    def make(call: Call) -> NamedDrafts:
        for container, opening, closing in (("lists", "[", "]"), ("objects", '{"a":', "}")):
            bytes_per_level = len(opening) + len(closing)
            fits = depth * bytes_per_level <= _free_bytes(call)
            actual_depth = depth if fits or call.is_batch else _free_bytes(call) // bytes_per_level
            text = opening * actual_depth + "0" + closing * actual_depth
            if fits or not call.is_batch:
                draft = request_with_json_text(call, free_form_pointer(call, _FREE_FIELD), text)
            else:
                draft = _replace_placeholder(
                    call.acceptable_request().with_shared_field("/conformance_odd", _PLACEHOLDER), text
                )
            yield f"{container} nested {actual_depth:,} levels deep", draft

    return make


def _many_keys(call: Call) -> NamedDrafts:
    count = min(_KEY_COUNT, _free_bytes(call) // len('"key_123":123,'))
    value: JsonObject = {f"key_{number}": number for number in range(count)}
    yield (
        f"an object with {count:,} keys",
        call.acceptable_request().with_field(free_form_pointer(call, _FREE_FIELD), value),
    )


def _long_key(call: Call) -> NamedDrafts:
    yield (
        f"a key of {_LONG_KEY_LENGTH:,} characters",
        call.acceptable_request().with_field(free_form_pointer(call, "k" * _LONG_KEY_LENGTH), 1),
    )


def _empty_key(call: Call) -> NamedDrafts:
    yield "an empty key", call.acceptable_request().with_field(free_form_pointer(call, _FREE_FIELD), {"": 1})
    yield ("an empty key among the properties", call.acceptable_request().with_field(free_form_pointer(call, ""), 1))


def _request_with_duplicate_key(call: Call, pointer: str, first: str, second: str) -> Draft:
    """An event with two fields of the same name."""
    name = json.dumps(pointers.split(pointer)[-1])
    return request_with_json_text(call, pointer, f"{json.dumps(first)},{name}:{json.dumps(second)}")


def _duplicate_keys(call: Call) -> NamedDrafts:
    where = identity_pointer(call)
    yield (
        "an id that is given twice with different values",
        _request_with_duplicate_key(call, where, "conformance-one", "conformance-two"),
    )
    yield (
        "an id that is given twice with the same value",
        _request_with_duplicate_key(call, where, "conformance-one", "conformance-one"),
    )
    yield (
        "a property that is given twice",
        _request_with_duplicate_key(call, free_form_pointer(call, _FREE_FIELD), "one", "two"),
    )


def _number_case(text: str, description: str) -> Callable[[Call], tuple[str, Draft]]:
    return lambda call: (
        f"the number {description}",
        request_with_json_text(call, free_form_pointer(call, _FREE_FIELD), text),
    )


_INTEGERS = (
    _number_case("9" * _DIGIT_COUNT, f"with {_DIGIT_COUNT} digits"),
    _number_case(str(2**63), "2**63"),
    _number_case(str(2**64), "2**64"),
    _number_case(str(-(2**63) - 1), "-2**63-1"),
)
_EXPONENTS = (
    _number_case("1e400", "1e400"),
    _number_case("-1e400", "-1e400"),
    _number_case("1e308", "1e308"),
    _number_case("1e-400", "1e-400"),
    _number_case("-0.0", "-0.0"),
)

NUL_ESCAPES = EdgeCase("nul", "an escaped NUL character", _nul_escapes)
EDGE_CASES = (
    NUL_ESCAPES,
    EdgeCase("surrogates", "half a surrogate pair", _lone_surrogates),
    EdgeCase("bom", "a byte order mark", _byte_order_mark),
    EdgeCase("depth-100", "JSON nested a hundred levels deep", _nested_to(100)),
    EdgeCase("depth-1000", "JSON nested a thousand levels deep", _nested_to(1_000)),
    EdgeCase("depth-10000", "JSON nested ten thousand levels deep", _nested_to(10_000)),
    EdgeCase("wide", "an object with a thousand keys", _many_keys),
    EdgeCase("long-key", "a key of a thousand characters", _long_key),
    EdgeCase("empty-key", "an empty key", _empty_key),
    EdgeCase("duplicate-keys", "an object with a repeated key", _duplicate_keys),
    EdgeCase("integers", "integers beyond 64 bits", lambda call: (make(call) for make in _INTEGERS)),
    EdgeCase("exponents", "numbers beyond a double's range", lambda call: (make(call) for make in _EXPONENTS)),
)  # fmt: skip

COMMON_EDGE_CASES = tuple(
    item for item in EDGE_CASES if item.slug in {"nul", "surrogates", "bom", "depth-1000", "integers"}
)
"""Those that crash servers most often; small enough for the query of a pixel."""


def first_of_each_common(call: Call) -> NamedDrafts:
    """The first request of each of the most common edge cases."""
    for edge_case in COMMON_EDGE_CASES:
        yield next(edge_case.make_drafts(call))
