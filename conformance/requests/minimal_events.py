"""The smallest event of a type."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from conformance.contract import schemas
from conformance.core import pointers

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.core.model import JsonObject


@functools.lru_cache(maxsize=64)
def minimal_event_without_id(contract: Contract, type_name: str) -> JsonObject:
    """The smallest event of a type without its id. It is cached and must not be changed."""
    event_type, schema = contract.event_type(type_name), contract.event_schema(type_name)
    event: JsonObject = {}
    for pointer in (*event_type.required, *contract.profile.always_required):
        event = pointers.put(event, pointer, schemas.minimal_sample(schemas.subschema(schema, pointer)))
    user_pointer = next(iter(contract.identity_pointers(type_name).values()))
    return pointers.put(
        event, user_pointer, schemas.full_sample(schemas.subschema(schema, user_pointer) or {"type": "string"})
    )
