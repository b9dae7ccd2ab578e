"""The mutator: a seeded stream of documented requests with something odd done to them, without end."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance import pointers
from conformance.fuzz import oddities
from conformance.fuzz.case import Auth, Case, Origin
from conformance.fuzz.stock import Stock
from conformance.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.model import Json, JsonObject

_NAMES = (
    "", " ", "conformance", "a.b", "$a", "__proto__", "constructor", "\0", "n" * 1_100, "Überprüfung", "type",
    "properties", "context", "0", "-1", "null", "\U0001f600",
)  # fmt: skip
_LETTERS = 'aZ09_ .:/-"\\{}[]é漢\U0001f600'
_BYTES = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b",",
    b":",
    b"\\",
    b"\0",
    b"\xff",
    b" ",
    b"1",
    b"e",
    b"-",
    b"null",
    b"\n",
)
_SHARE_TEXT, _SHARE_HEADER = 0.2, 0.03
_MOST_BYTES = 10_000

Place = tuple[Any, Any]
"""Something that holds a value, and its name or number there."""


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The stock of an operation, with the events that its batches may carry, by their type."""

    stock: Stock
    events: tuple[tuple[JsonObject, ...], ...]

    @classmethod
    def of(cls, contract: Contract, operation: Operation) -> _Shelf:
        """All that one operation takes."""
        stock = Stock.of(contract, operation)
        if operation.kind is not Kind.BATCH:
            return cls(stock, (tuple(stock.bases),))
        pointer = contract.profile.pointers.type
        others = [Stock.of(contract, operation, name).bases for name in contract.batch_types()]
        typed = [
            [item for item in bases if pointer is None or pointers.has(item, pointer)] for bases in others
        ]
        return cls(stock, tuple(tuple(bases) for bases in typed if bases))


def mutations(contract: Contract, seed: int) -> Iterator[Case]:
    """Cases without end: the same for the same seed."""
    dice = random.Random(f"conformance-{seed}")  # noqa: S311 - cases, no secrets
    shelves = [_Shelf.of(contract, operation) for operation in contract.operations]
    while True:
        case = _mutated(dice, dice.choice(shelves))
        if len(case.body) <= _MOST_BYTES:
            yield case


def _mutated(dice: random.Random, shelf: _Shelf) -> Case:
    """One case."""
    value, stock = _base(dice, shelf), shelf.stock
    done = [_mutate(dice, value) for _ in range(dice.choice((0, 1, 1, 1, 2, 3)))]
    body = oddities.written(value)
    if dice.random() < _SHARE_TEXT:
        words, body = _respelled(dice, body)
        done.append(words)
    case = Case(call=stock.call, origin=Origin.MUTATOR, about=", ".join(done) or "nothing special", body=body)
    if dice.random() < _SHARE_HEADER and stock.operation.kind in {Kind.EVENT, Kind.BATCH}:
        return _headed(dice, case)
    return case


def _base(dice: random.Random, shelf: _Shelf) -> Json:
    """An acceptable body of which nothing is shared with another."""
    count = dice.choice((1, 1, 2, 3, 5)) if shelf.stock.operation.kind is Kind.BATCH else 1
    return shelf.stock.wrap(*(_copied(dice.choice(dice.choice(shelf.events))) for _ in range(count)))


def _copied(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A copy of a value that shares nothing with it."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _places(value: Any) -> list[Place]:  # noqa: ANN401 - any JSON
    """Every value in a body, as the place where it is."""
    found: list[Place] = []
    rest = [value]
    while rest:
        holder = rest.pop()
        items = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for name, item in items:
            found.append((holder, name))
            if isinstance(item, dict | list):
                rest.append(item)
    return found


def _mutate(dice: random.Random, value: Json) -> str:
    """Does one odd thing to a body, and says what."""
    places = _places(value)
    if not places:
        return "nothing"
    holder, name = dice.choice(places)
    match dice.randrange(6):
        case 0:
            del holder[name]
            return f"{_shown(name)} gone"
        case 1:
            return _named(dice, value)
        case 2 if isinstance(holder[name], str):
            holder[name] = _text(dice)
            return f"{_shown(name)}: another text"
        case 3 if isinstance(holder[name], list) and holder[name]:
            holder[name].append(_copied(dice.choice(holder[name])))
            return f"{_shown(name)}: one more of the same"
        case _:
            odd = dice.choice(oddities.VALUES)
            holder[name] = _copied(odd.value)
            return f"{_shown(name)}: {odd.words}"


def _named(dice: random.Random, value: Json) -> str:
    """Puts in a field of another name."""
    holders = [value, *(holder[name] for holder, name in _places(value))]
    objects = [item for item in holders if isinstance(item, dict)]
    if not objects:
        return "nothing"
    name, odd = dice.choice(_NAMES), dice.choice(oddities.VALUES)
    dice.choice(objects)[name] = _copied(odd.value)
    return f"a field {_shown(name)}: {odd.words}"


def _text(dice: random.Random) -> str:
    """A text of any letters."""
    return "".join(dice.choice(_LETTERS) for _ in range(dice.randrange(1, 30)))


def _shown(name: object) -> str:
    """A name or number for a person."""
    text = str(name)
    return repr(text if len(text) <= 40 else f"{text[:20]}...") if isinstance(name, str) else f"item {name}"


def _respelled(dice: random.Random, body: bytes) -> tuple[str, bytes]:
    """A body with some of its bytes changed."""
    if dice.random() < 0.3:
        words, respell = dice.choice(oddities.SPELLINGS)
        return words, respell(body)
    at = dice.randrange(len(body) + 1)
    match dice.randrange(3):
        case 0:
            return "a byte gone", body[:at] + body[at + 1 :]
        case 1:
            return "bytes put in", body[:at] + dice.choice(_BYTES) + body[at:]
        case _:
            return "cut off", body[:at]


def _headed(dice: random.Random, case: Case) -> Case:
    """A case with other credentials, or another type."""
    if dice.random() < 0.5:
        auth = dice.choice((Auth.NONE, Auth.UNKNOWN, Auth.MALFORMED))
        return case._replace(auth=auth, about=f"{case.about}; credentials: {auth}")
    media_type = dice.choice(oddities.TYPES)
    return case._replace(content_type=media_type, about=f"{case.about}; the type {media_type}")
