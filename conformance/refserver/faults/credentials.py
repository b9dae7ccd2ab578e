"""What a request shows as its key, for faults that compare it wrongly."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from conformance.core.model import OperationKind
from conformance.core.pointers import PointerNotFound, get
from conformance.profile.facts import AuthScheme

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.refserver.fault_change import RequestView


def auth_scheme(sight: RequestView) -> str:
    """The word before the credentials, as it is written; empty where there is none."""
    return sight.request.headers.get("authorization", "").partition(" ")[0]


def auth_token(sight: RequestView) -> str:
    """What comes after the scheme."""
    return sight.request.headers.get("authorization", "").partition(" ")[2].strip()


def basic_user_and_password(sight: RequestView) -> str | None:
    """The user and password of HTTP Basic, with the colon between them; None where nothing can be read."""
    try:
        return base64.b64decode(auth_token(sight), validate=True).decode() or None
    except (binascii.Error, ValueError):
        return None


def basic_user(sight: RequestView) -> str | None:
    """The user of HTTP Basic, under whatever scheme; None where nothing can be read."""
    user_and_password = basic_user_and_password(sight)
    return None if user_and_password is None else user_and_password.partition(":")[0]


def has_no_authorization(sight: RequestView) -> bool:
    """Whether no header carries credentials."""
    return "authorization" not in sight.request.headers


def body_key(sight: RequestView) -> str | None:
    """The key in the body: beside the events, or in the first of them."""
    if not sight.contract.has_fact(f"credentials.{AuthScheme.BODY}"):
        return None
    pointer = sight.contract.credential_carrier(AuthScheme.BODY)
    for document in (sight.document, *sight.events[:1]):
        try:
            return str(get(document, pointer))
        except PointerNotFound:
            continue
    return None


def webhook_query_key(sight: RequestView) -> str | None:
    """The key in the address of a webhook."""
    if sight.kind is not OperationKind.WEBHOOK:
        return None
    return sight.request.query.get(sight.contract.credential_carrier(AuthScheme.QUERY))


def key_matches(
    read_key: Callable[[RequestView], str | None], test: Callable[[str, str], bool]
) -> Callable[[RequestView], bool]:
    """Holds where a key is shown and a test of the right one and the shown one holds."""

    def holds(sight: RequestView) -> bool:
        shown_key = read_key(sight)
        return shown_key is not None and test(sight.server.authenticator.write_key, shown_key)

    return holds
