"""Authorization headers under every scheme that a stack of libraries may know, with any key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.errors import NotApplicable
from conformance.core.model import OperationKind
from conformance.requests.credentials import UNKNOWN_KEY, authorization, encode_base64

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.requests.call import Call
    from conformance.requests.draft import Draft


@dataclass(frozen=True, slots=True)
class AuthHeader:
    """A way to write a key into an Authorization header that no vendor documents."""

    description: str
    write: Callable[[str], str]

    def make_draft(self, call: Call, key: str) -> Draft:
        """An acceptable request with this header in place of its credentials."""
        if call.operation.kind in {OperationKind.PIXEL, OperationKind.WEBHOOK}:
            raise NotApplicable("the key is in the query")
        return call.acceptable_request().with_credentials(authorization(self.write(key)))


_DIGEST_REST = 'realm="events", nonce="Y29uZm9ybWFuY2U", uri="/", response="6629fae49393a05397450978507c4ef1"'

AUTH_HEADERS = (
    AuthHeader("the scheme Bearer", lambda key: f"Bearer {key}"),
    AuthHeader("the scheme Token", lambda key: f"Token {key}"),
    AuthHeader("the scheme Token with a name", lambda key: f'Token token="{key}"'),
    AuthHeader("the scheme Digest", lambda key: f'Digest username="{key}", {_DIGEST_REST}'),
    AuthHeader("the scheme ApiKey", lambda key: f"ApiKey {key}"),
    AuthHeader("the scheme Negotiate", lambda key: f"Negotiate {encode_base64(key)}"),
    AuthHeader("no scheme", lambda key: key),
)

_UNSIGNED_TOKEN = ".".join(
    encode_base64(part).rstrip("=") for part in ('{"alg":"none","typ":"JWT"}', f'{{"sub":"{UNKNOWN_KEY}"}}', "")
)
UNSIGNED_TOKEN = AuthHeader("the scheme Bearer as a token that nobody signed", lambda _: f"Bearer {_UNSIGNED_TOKEN}")
