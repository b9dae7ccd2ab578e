"""What a request shows as its key, for faults that compare it wrongly."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from conformance.model import Kind
from conformance.pointers import Missing, get
from conformance.profile.facts import Scheme

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.refserver.change import Sight


def scheme(sight: Sight) -> str:
    """The word before the credentials, as it is written; empty where there is none."""
    return sight.incoming.headers.get("authorization", "").partition(" ")[0]


def token(sight: Sight) -> str:
    """What comes after the scheme."""
    return sight.incoming.headers.get("authorization", "").partition(" ")[2].strip()


def pair(sight: Sight) -> str | None:
    """The user and password of HTTP Basic, with the colon between them; None where nothing can be read."""
    try:
        return base64.b64decode(token(sight), validate=True).decode() or None
    except (binascii.Error, ValueError):
        return None


def user(sight: Sight) -> str | None:
    """The user of HTTP Basic, under whatever scheme; None where nothing can be read."""
    found = pair(sight)
    return None if found is None else found.partition(":")[0]


def is_bare(sight: Sight) -> bool:
    """Whether no header carries credentials."""
    return "authorization" not in sight.incoming.headers


def inside(sight: Sight) -> str | None:
    """The key in the body: beside the events, or in the first of them."""
    if not sight.contract.states(f"credentials.{Scheme.BODY}"):
        return None
    pointer = sight.contract.credential_key(Scheme.BODY)
    for document in (sight.document, *sight.events[:1]):
        try:
            return str(get(document, pointer))
        except Missing:
            continue
    return None


def asked(sight: Sight) -> str | None:
    """The key in the address of a webhook."""
    if sight.kind is not Kind.WEBHOOK:
        return None
    return sight.incoming.query.get(sight.contract.credential_key(Scheme.QUERY))


def matching(
    shown: Callable[[Sight], str | None], test: Callable[[str, str], bool]
) -> Callable[[Sight], bool]:
    """Holds where a key is shown and a test of the right one and the shown one holds."""

    def holds(sight: Sight) -> bool:
        found = shown(sight)
        return found is not None and test(sight.server.admission.write_key, found)

    return holds
