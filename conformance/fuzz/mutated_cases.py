"""Mutated cases: an endless seeded stream of valid requests with random changes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core import pointers
from conformance.core.model import OperationKind
from conformance.fuzz import interesting_values
from conformance.fuzz.case import Auth, Case, Origin
from conformance.fuzz.seed_events import SeedEvents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract, Operation
    from conformance.core.model import Json, JsonObject

_FIELD_NAMES = (
    "", " ", "conformance", "a.b", "$a", "__proto__", "constructor", "\0", "n" * 1_100, "Überprüfung", "type",
    "properties", "context", "0", "-1", "null", "\U0001f600",
)  # fmt: skip
_ALPHABET = 'aZ09_ .:/-"\\{}[]é漢\U0001f600'
_INSERTED_BYTES = (
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
_CORRUPTED_SHARE, _OTHER_HEADER_SHARE = 0.2, 0.03
_MAX_BODY_BYTES = 10_000

Slot = tuple[Any, Any]
"""An object or a list, and the name or index of a value in it."""


@dataclass(frozen=True, slots=True)
class _MutationSeeds:
    """The seed events of an operation, and the valid events that its bodies may carry, grouped by type."""

    seed_events: SeedEvents
    events_by_type: tuple[tuple[JsonObject, ...], ...]

    @classmethod
    def for_operation(cls, contract: Contract, operation: Operation) -> _MutationSeeds:
        """The seeds of one operation."""
        seed_events = SeedEvents.for_operation(contract, operation)
        if operation.kind is not OperationKind.BATCH:
            return cls(seed_events, (tuple(seed_events.valid_events),))
        pointer = contract.profile.pointers.type
        events_by_type = [
            SeedEvents.for_operation(contract, operation, name).valid_events for name in contract.batch_types()
        ]
        naming_type = [
            [item for item in events if pointer is None or pointers.has(item, pointer)] for events in events_by_type
        ]
        return cls(seed_events, tuple(tuple(bases) for bases in naming_type if bases))


def mutated_cases(contract: Contract, seed: int) -> Iterator[Case]:
    """An endless stream of cases, the same for the same seed."""
    rng = random.Random(f"conformance-{seed}")  # noqa: S311 - cases, no secrets
    seeds_by_operation = [_MutationSeeds.for_operation(contract, operation) for operation in contract.operations]
    while True:
        case = _mutated_case(rng, rng.choice(seeds_by_operation))
        if len(case.body) <= _MAX_BODY_BYTES:
            yield case


def _mutated_case(rng: random.Random, seeds: _MutationSeeds) -> Case:
    """A valid request with some changes."""
    value, seed_events = _random_valid_body(rng, seeds), seeds.seed_events
    descriptions = [_mutate_in_place(rng, value) for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))]
    body = interesting_values.to_json_bytes(value)
    if rng.random() < _CORRUPTED_SHARE:
        description, body = _corrupt_bytes(rng, body)
        descriptions.append(description)
    case = Case(call=seed_events.call, origin=Origin.MUTATOR, about=", ".join(descriptions) or "no change", body=body)
    if rng.random() < _OTHER_HEADER_SHARE and seed_events.operation.kind in {OperationKind.EVENT, OperationKind.BATCH}:
        return _with_other_headers(rng, case)
    return case


def _random_valid_body(rng: random.Random, seeds: _MutationSeeds) -> Json:
    """A valid body that shares nothing with the seeds, so that it can be changed in place."""
    count = rng.choice((1, 1, 2, 3, 5)) if seeds.seed_events.operation.kind is OperationKind.BATCH else 1
    return seeds.seed_events.wrap_events(
        *(_deep_copy(rng.choice(rng.choice(seeds.events_by_type))) for _ in range(count))
    )


def _deep_copy(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A deep copy; copy.deepcopy takes much longer."""
    if isinstance(value, dict):
        return {name: _deep_copy(item) for name, item in value.items()}
    return [_deep_copy(item) for item in value] if isinstance(value, list) else value


def _all_slots(value: Any) -> list[Slot]:  # noqa: ANN401 - any JSON
    """The slots of all values in a body."""
    slots: list[Slot] = []
    pending = [value]
    while pending:
        container = pending.pop()
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for key, item in items:
            slots.append((container, key))
            if isinstance(item, dict | list):
                pending.append(item)
    return slots


def _mutate_in_place(rng: random.Random, value: Json) -> str:
    """Changes one thing in a body; returns what, in words."""
    slots = _all_slots(value)
    if not slots:
        return "nothing"
    container, key = rng.choice(slots)
    match rng.randrange(6):
        case 0:
            del container[key]
            return f"without {_describe_key(key)}"
        case 1:
            return _add_field(rng, value)
        case 2 if isinstance(container[key], str):
            container[key] = _random_text(rng)
            return f"{_describe_key(key)}: another text"
        case 3 if isinstance(container[key], list) and container[key]:
            container[key].append(_deep_copy(rng.choice(container[key])))
            return f"{_describe_key(key)}: one more of the same"
        case _:
            replacement = rng.choice(interesting_values.VALUES)
            container[key] = _deep_copy(replacement.value)
            return f"{_describe_key(key)}: {replacement.description}"


def _add_field(rng: random.Random, value: Json) -> str:
    """Adds a field with an interesting name and value."""
    values = [value, *(container[name] for container, name in _all_slots(value))]
    objects = [item for item in values if isinstance(item, dict)]
    if not objects:
        return "nothing"
    name, interesting = rng.choice(_FIELD_NAMES), rng.choice(interesting_values.VALUES)
    rng.choice(objects)[name] = _deep_copy(interesting.value)
    return f"a field {_describe_key(name)}: {interesting.description}"


def _random_text(rng: random.Random) -> str:
    """A short text of random characters."""
    return "".join(rng.choice(_ALPHABET) for _ in range(rng.randrange(1, 30)))


def _describe_key(key: object) -> str:
    """The name or the index of a value, in words."""
    text = str(key)
    return repr(text if len(text) <= 40 else f"{text[:20]}...") if isinstance(key, str) else f"item {key}"


def _corrupt_bytes(rng: random.Random, body: bytes) -> tuple[str, bytes]:
    """A body with some bytes changed, and what was changed, in words."""
    if rng.random() < 0.3:
        description, rewrite = rng.choice(interesting_values.BODY_REWRITES)
        return description, rewrite(body)
    position = rng.randrange(len(body) + 1)
    match rng.randrange(3):
        case 0:
            return "a byte removed", body[:position] + body[position + 1 :]
        case 1:
            return "bytes inserted", body[:position] + rng.choice(_INSERTED_BYTES) + body[position:]
        case _:
            return "cut off", body[:position]


def _with_other_headers(rng: random.Random, case: Case) -> Case:
    """A case with other credentials or another content type."""
    if rng.random() < 0.5:
        auth = rng.choice((Auth.NONE, Auth.UNKNOWN, Auth.MALFORMED))
        return case._replace(auth=auth, about=f"{case.about}; credentials: {auth}")
    media_type = rng.choice(interesting_values.CONTENT_TYPES)
    return case._replace(content_type=media_type, about=f"{case.about}; the type {media_type}")
