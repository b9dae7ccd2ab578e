"""The digest of what a contract states, whatever documents say so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING

from conformance.fuzz.corpus_file import FORMAT_VERSION

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.core.model import Json

_NO_FACTS = frozenset(
    {"title", "file", "hosts", "source", "sources", "document_titles", "exclusion", "reading", "readings"}
)
"""Fields of profiles that no request depends on."""
_SECTIONS = ("answers.", "limits.", "credentials.", "events.", "payload.")
"""The beginnings of the names of facts by which requests are made and labelled."""


def facts_digest(contract: Contract) -> str:
    """A hash of the facts and operations of a contract."""
    facts = {name: fact for name, fact in contract.profile.facts.items() if name.startswith(_SECTIONS)}
    profile = replace(contract.profile, facts=facts)
    stated = [FORMAT_VERSION, _as_json(profile), [str(operation) for operation in contract.operations]]
    return hashlib.sha256(json.dumps(stated).encode()).hexdigest()


def _as_json(value: object) -> Json:
    """A part of a profile as JSON, without what is no fact or as by default; what JSON has no type for as its text."""
    if is_dataclass(value) and not isinstance(value, type):
        stated = {item.name: getattr(value, item.name) for item in fields(value) if item.name not in _NO_FACTS}
        defaults = {item.name: item.default for item in fields(value)}
        return {name: _as_json(item) for name, item in stated.items() if item != defaults[name]}
    if isinstance(value, Mapping):
        return {str(name): _as_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
