"""The key in a request, read from every place that can carry it, for faults that compare it wrongly."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from conformance.core.model import OperationKind
from conformance.core.pointers import PointerNotFound, get
from conformance.profile.facts import AuthScheme, Condition
from conformance.refserver.faults.fault import requires_refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.refserver.server_change import RequestView

MISSING, MALFORMED, UNKNOWN = (
    f"answers.{condition}"
    for condition in (
        Condition.CREDENTIALS_MISSING,
        Condition.CREDENTIALS_MALFORMED,
        Condition.CREDENTIALS_UNKNOWN,
    )
)
REFUSES_BAD_CREDENTIALS = requires_refusals(MISSING, MALFORMED, UNKNOWN)


def auth_scheme(view: RequestView) -> str:
    """The scheme of the Authorization header as it was sent; empty without the header."""
    return view.request.headers.get("authorization", "").partition(" ")[0]


def auth_token(view: RequestView) -> str:
    """The Authorization header without its scheme."""
    return view.request.headers.get("authorization", "").partition(" ")[2].strip()


def basic_user_and_password(view: RequestView) -> str | None:
    """The decoded `user:password` of HTTP Basic; None if it is not base64 of text."""
    try:
        return base64.b64decode(auth_token(view), validate=True).decode() or None
    except (binascii.Error, ValueError):
        return None


def basic_user(view: RequestView) -> str | None:
    """The user of HTTP Basic, under any scheme; None if it can't be decoded."""
    user_and_password = basic_user_and_password(view)
    return None if user_and_password is None else user_and_password.partition(":")[0]


def has_no_authorization(view: RequestView) -> bool:
    """Whether there is no Authorization header."""
    return "authorization" not in view.request.headers


def body_key(view: RequestView) -> str | None:
    """The key in the body: beside the events, or in the first of them."""
    if not view.contract.has_fact(f"credentials.{AuthScheme.BODY}"):
        return None
    pointer = view.contract.credential_carrier(AuthScheme.BODY)
    for document in (view.document, *view.events[:1]):
        try:
            return str(get(document, pointer))
        except PointerNotFound:
            continue
    return None


def webhook_query_key(view: RequestView) -> str | None:
    """The key in the query of a webhook."""
    if view.kind is not OperationKind.WEBHOOK:
        return None
    return view.request.query.get(view.contract.credential_carrier(AuthScheme.QUERY))


def key_matches(
    read_key: Callable[[RequestView], str | None], test: Callable[[str, str], bool]
) -> Callable[[RequestView], bool]:
    """Holds where a request has a key and the test of the right key and this one holds."""

    def holds(view: RequestView) -> bool:
        shown_key = read_key(view)
        return shown_key is not None and test(view.server.authenticator.write_key, shown_key)

    return holds
