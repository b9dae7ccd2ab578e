"""The write key, wrong keys made from it, and how a request carries a key."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from conformance.core.errors import NotApplicable
from conformance.profile.facts import AuthScheme

if TYPE_CHECKING:
    from conformance.contract import Contract

UNKNOWN_KEY = "conformance-unknown-key"
REDACTED_WRITE_KEY = "$CONFORMANCE_WRITE_KEY"
REDACTED_BEARER = "$CONFORMANCE_BEARER"


def encode_base64(text: str) -> str:
    """Standard base64 of a text."""
    return base64.b64encode(text.encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The secrets of a run: the write key, and a bearer token where there is one."""

    write_key: str
    bearer: str | None = None

    @property
    def suffixed(self) -> str:
        """The key with one more character at its end."""
        return f"{self.write_key}x"

    @property
    def prefixed(self) -> str:
        """The key with one more character before it."""
        return f"x{self.write_key}"

    @property
    def truncated(self) -> str:
        """The key without its last character. Raises NotApplicable if nothing is left."""
        if len(self.write_key) == 1:
            raise NotApplicable("the write key has one character; nothing is left without it")
        return self.write_key[:-1]

    @property
    def other_case(self) -> str:
        """The key with every letter in the other case. Raises NotApplicable if it has no letters."""
        swapped = self.write_key.swapcase()
        if swapped == self.write_key:
            raise NotApplicable("the write key has no letters; its case can't be changed")
        return swapped

    def placeholders_by_secret(self) -> dict[str, str]:
        """Every secret, and every wrong key that reveals it, with its placeholder in reports."""
        placeholders = {
            self.write_key[:-1]: f"truncated({REDACTED_WRITE_KEY})",
            self.write_key.swapcase(): f"swapcase({REDACTED_WRITE_KEY})",
            self.write_key: REDACTED_WRITE_KEY,
        }
        if self.bearer:
            placeholders[self.bearer] = REDACTED_BEARER
        return {secret: shown for secret, shown in placeholders.items() if secret}

    def fill_in(self, url: str) -> str:
        """A URL with the secrets in place of their placeholders."""
        filled = url.replace(REDACTED_WRITE_KEY, quote(self.write_key, safe=""))
        return filled.replace(REDACTED_BEARER, quote(self.bearer, safe="")) if self.bearer else filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The credentials of one request: headers, a key in the body, or query parameters."""

    headers: tuple[tuple[str, str], ...] = ()
    body_key: str | None = None
    query: tuple[tuple[str, str], ...] = ()


NO_CREDENTIALS = Credentials()


def authorization(value: str) -> Credentials:
    """An Authorization header, verbatim."""
    return Credentials(headers=(("Authorization", value),))


def basic(user: str) -> Credentials:
    """HTTP Basic with a user and an empty password (RFC 7617)."""
    return authorization(f"Basic {encode_base64(f'{user}:')}")


def credentials_for_scheme(contract: Contract, scheme: AuthScheme, keys: Keys, key: str | None = None) -> Credentials:
    """The credentials of a scheme, with `key` or the right key. Raises NotApplicable without a bearer token."""
    key = keys.write_key if key is None else key
    match scheme:
        case AuthScheme.BASIC:
            return basic(key)
        case AuthScheme.BASIC_WITHOUT_COLON:
            return authorization(f"Basic {encode_base64(key)}")
        case AuthScheme.BODY:
            return Credentials(body_key=key)
        case AuthScheme.HEADER:
            return Credentials(headers=((contract.credential_carrier(scheme), f"{contract.credential_prefix}{key}"),))
        case AuthScheme.QUERY:
            return Credentials(query=((contract.credential_carrier(scheme), key),))
        case AuthScheme.BEARER:
            if keys.bearer is None:
                raise NotApplicable("no bearer token was given; hand one in with --bearer")
            return Credentials(headers=(("Authorization", f"Bearer {keys.bearer}"),), body_key=key)
