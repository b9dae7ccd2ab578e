"""The write key, wrong keys made from it, and how a request carries a key."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from conformance.core.errors import NotApplicable
from conformance.profile.facts import AuthScheme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.contract import Contract

UNKNOWN_KEY = "conformance-unknown-key"
REDACTED_WRITE_KEY = "$CONFORMANCE_WRITE_KEY"
REDACTED_BEARER = "$CONFORMANCE_BEARER"
REDACTED_EXPIRED_BEARER = "$CONFORMANCE_EXPIRED_BEARER"
REDACTED_SOURCE_ID = "$CONFORMANCE_SOURCE_ID"
REDACTED_DISABLED_KEY = "$CONFORMANCE_DISABLED_WRITE_KEY"


def encode_base64(text: str) -> str:
    """Standard base64 of a text."""
    return base64.b64encode(text.encode()).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The secrets of a run: the write key, and what else there is.

    `bearer` is an OAuth token, `expired_bearer` one that is no longer valid, `source_id` the id of a source for paths
    that take it in place of a key, and `disabled` the write key of a source that is switched off. `of_other_paths` is
    what other paths take in place of `write_key`, if that is known.
    """

    write_key: str
    bearer: str | None = None
    expired_bearer: str | None = None
    source_id: str | None = None
    disabled: str | None = None
    of_other_paths: str | None = None

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> Keys:
        """The keys among the values of settings."""
        return cls(
            write_key=settings["write_key"] or "",
            bearer=settings["bearer"],
            expired_bearer=settings["expired_bearer"],
            source_id=settings["source_id"],
            disabled=settings["disabled_write_key"],
        )

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
    def expired_token(self) -> str:
        """A token that is no longer valid. Raises NotApplicable if none was given."""
        if self.expired_bearer is None:
            raise NotApplicable("no token that has expired was given; hand one in: --expired-bearer")
        return self.expired_bearer

    @property
    def of_disabled_source(self) -> str:
        """The write key of a source that is switched off. Raises NotApplicable if none was given."""
        if self.disabled is None:
            raise NotApplicable("no key of a source that is switched off was given; hand one in: --disabled-write-key")
        return self.disabled

    @property
    def of_another_path(self) -> str:
        """The write key where the id of a source is asked for, and the other way round.

        Raises NotApplicable if all paths take the same, or none is known that others take.
        """
        if self.of_other_paths is None:
            raise NotApplicable("no path takes another key, or no id of a source was given; hand one in: --source-id")
        return self.of_other_paths

    @property
    def other_case(self) -> str:
        """The key with every letter in the other case. Raises NotApplicable if it has no letters."""
        swapped = self.write_key.swapcase()
        if swapped == self.write_key:
            raise NotApplicable("the write key has no letters; its case can't be changed")
        return swapped

    def for_path(self, whole: Contract, here: Contract) -> Keys:
        """The keys on a path, under a whole contract and as it holds on the path.

        Where some paths take the id of a source, it is what is sent there in place of the write key, and what other
        paths must not take.
        """
        takes_ids = whole.has_fact(f"credentials.{AuthScheme.SOURCE_ID}")
        if not takes_ids or not self.source_id or self.source_id == self.write_key:
            return self
        if here.default_scheme is AuthScheme.SOURCE_ID:
            return replace(self, write_key=self.source_id, of_other_paths=self.write_key)
        return replace(self, of_other_paths=self.source_id)

    def placeholders_by_secret(self) -> dict[str, str]:
        """Every secret, and every wrong key that reveals it, with its placeholder in reports."""
        placeholders = {
            self.write_key[:-1]: f"truncated({REDACTED_WRITE_KEY})",
            self.write_key.swapcase(): f"swapcase({REDACTED_WRITE_KEY})",
            self.write_key: REDACTED_WRITE_KEY,
        }
        further = {
            self.bearer: REDACTED_BEARER,
            self.expired_bearer: REDACTED_EXPIRED_BEARER,
            self.source_id: REDACTED_SOURCE_ID,
            self.disabled: REDACTED_DISABLED_KEY,
        }
        placeholders |= {secret: shown for secret, shown in further.items() if secret}
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
        case AuthScheme.BASIC | AuthScheme.SOURCE_ID:
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
