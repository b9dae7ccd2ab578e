"""Oddities: JSON that is valid, or nearly so, and that servers break over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from conformance import pointers
from conformance.profile.facts import Ceiling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.model import JsonObject
    from conformance.payloads.call import Call
    from conformance.payloads.draft import Draft

Named: TypeAlias = "Iterator[tuple[str, Draft]]"
"""Drafts, each with what it is in words."""

_STAND_IN = "conformance-odd"
_ROOM_BYTES, _SPARE_BYTES = 30_000, 300
"""How large an event gets where nothing limits it, and what its other fields may need."""
_KEYS, _LONG, _DIGITS = 1_000, 1_000, 400


@dataclass(frozen=True, slots=True)
class Oddity:
    """A kind of odd input: a slug for ids, what it is in words, and the requests that have it."""

    slug: str
    words: str
    make: Callable[[Call], Named]


def _free(call: Call, name: str = "conformance_odd") -> str:
    """Where any value may stand."""
    return f"{call.type.open or ''}/{name}"


def _identity(call: Call) -> str:
    """Where the id of the user stands."""
    return next(iter(call.contract.identities(call.operation.type).values()))


def _at(call: Call, pointer: str, text: str) -> Draft:
    """An event with some JSON text in place of a value."""
    return _respelt(call.event().put(pointer, _STAND_IN), text)


def _respelt(draft: Draft, text: str) -> Draft:
    """A draft with some JSON text in place of the stand-in."""
    stand_in, written = json.dumps(_STAND_IN).encode(), text.encode()
    return draft.spelled(lambda body: body.replace(stand_in, written))


def _room(call: Call) -> int:
    """How many bytes there are for a value in an event."""
    ceiling = Ceiling.BATCH_EVENT if call.is_batch else Ceiling.EVENT
    if not call.contract.states(f"limits.{ceiling}"):
        return _ROOM_BYTES
    return call.contract.limit(ceiling).at_least - _SPARE_BYTES - len(json.dumps(call.event().events[0]))


def _nul(call: Call) -> Named:
    yield "a property with a NUL in it", _at(call, _free(call), r'"a\u0000b"')
    yield "an id with a NUL in it", _at(call, _identity(call), r'"conformance\u0000odd"')
    yield "a property's name with a NUL in it", _at(call, _free(call, _STAND_IN), r'"a\u0000b"')


def _surrogates(call: Call) -> Named:
    yield "a property with half a surrogate pair", _at(call, _free(call), r'"\ud83d"')
    yield "a property with a surrogate pair in the wrong order", _at(call, _free(call), r'"\ude00\ud83d"')
    yield "an id with half a surrogate pair", _at(call, _identity(call), r'"conformance\udc00"')


def _bom(call: Call) -> Named:
    yield "a byte order mark before the JSON", call.event().spelled(lambda body: b"\xef\xbb\xbf" + body)


def _nested(depth: int) -> Callable[[Call], Named]:
    """A value nested so deep, or as deep as an event has room for; in a batch, else beside its list."""

    def make(call: Call) -> Named:
        for what, opening, closing in (("lists", "[", "]"), ("objects", '{"a":', "}")):
            each = len(opening) + len(closing)
            fits = depth * each <= _room(call)
            level = depth if fits or call.is_batch else _room(call) // each
            text = opening * level + "0" + closing * level
            if fits or not call.is_batch:
                draft = _at(call, _free(call), text)
            else:
                draft = _respelt(call.event().share("/conformance_odd", _STAND_IN), text)
            yield f"{what} nested {level:,} levels deep", draft

    return make


def _wide(call: Call) -> Named:
    count = min(_KEYS, _room(call) // len('"key_123":123,'))
    value: JsonObject = {f"key_{number}": number for number in range(count)}
    yield f"an object with {count:,} keys", call.event().put(_free(call), value)


def _long_key(call: Call) -> Named:
    yield f"a key of {_LONG:,} characters", call.event().put(_free(call, "k" * _LONG), 1)


def _empty_key(call: Call) -> Named:
    yield "an empty key", call.event().put(_free(call), {"": 1})
    yield "an empty key among the properties", call.event().put(_free(call, ""), 1)


def _twice(call: Call, pointer: str, first: str, second: str) -> Draft:
    """An event with two fields of the same name."""
    name = json.dumps(pointers.steps(pointer)[-1])
    return _at(call, pointer, f"{json.dumps(first)},{name}:{json.dumps(second)}")


def _duplicates(call: Call) -> Named:
    where = _identity(call)
    yield "an id that is given twice", _twice(call, where, "conformance-one", "conformance-two")
    yield "an id that is given twice, alike", _twice(call, where, "conformance-one", "conformance-one")
    yield "a property that is given twice", _twice(call, _free(call), "one", "two")


def _number(text: str, words: str) -> Callable[[Call], tuple[str, Draft]]:
    return lambda call: (f"the number {words}", _at(call, _free(call), text))


_INTEGERS = (
    _number("9" * _DIGITS, f"of {_DIGITS} digits"),
    _number(str(2**63), "2**63"),
    _number(str(2**64), "2**64"),
    _number(str(-(2**63) - 1), "-2**63-1"),
)
_EXPONENTS = (
    _number("1e400", "1e400"),
    _number("-1e400", "-1e400"),
    _number("1e308", "1e308"),
    _number("1e-400", "1e-400"),
    _number("-0.0", "-0.0"),
)

ODDITIES = (
    Oddity("nul", "a NUL escape", _nul),
    Oddity("surrogates", "half a surrogate pair", _surrogates),
    Oddity("bom", "a byte order mark", _bom),
    Oddity("depth-100", "JSON nested a hundred levels deep", _nested(100)),
    Oddity("depth-1000", "JSON nested a thousand levels deep", _nested(1_000)),
    Oddity("depth-10000", "JSON nested ten thousand levels deep", _nested(10_000)),
    Oddity("wide", "an object with a thousand keys", _wide),
    Oddity("long-key", "a key of a thousand characters", _long_key),
    Oddity("empty-key", "an empty key", _empty_key),
    Oddity("duplicate-keys", "an object that has a key twice", _duplicates),
    Oddity("integers", "integers beyond 64 bits", lambda call: (make(call) for make in _INTEGERS)),
    Oddity("exponents", "numbers beyond a double's range", lambda call: (make(call) for make in _EXPONENTS)),
)  # fmt: skip

COMMON = tuple(
    item for item in ODDITIES if item.slug in {"nul", "surrogates", "bom", "depth-1000", "integers"}
)
"""Those over which servers break most; small enough for an address."""


def commonest(call: Call) -> Named:
    """The first request of each of the most common oddities."""
    for oddity in COMMON:
        yield next(oddity.make(call))
