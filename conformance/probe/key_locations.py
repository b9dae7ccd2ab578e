"""Key locations: the places in a request where a server may expect the key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.model import Level
from conformance.probe.dialects import probe_source
from conformance.profile.facts import AuthScheme, CredentialFact, Fact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.profile.profile import Profile

_GUESSED_KEY_NAMES = {
    AuthScheme.BODY: ("/writeKey", "/write_key"),
    AuthScheme.HEADER: ("X-Write-Key", "X-API-Key", "Authorization Bearer "),
    AuthScheme.QUERY: ("writeKey", "write_key"),
}
"""Further locations to try; a header may have a prefix after a space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLocation:
    """A place for the key in a request: `name` is the header, parameter or pointer, `prefix` stands before the key."""

    scheme: AuthScheme
    name: str = ""
    prefix: str = ""

    @classmethod
    def parse(cls, scheme: AuthScheme, text: str) -> KeyLocation:
        """A location from text: a name, and after a space the prefix."""
        name, _, prefix = text.partition(" ")
        return cls(scheme=scheme, name=name, prefix=prefix)

    def as_fact(self, level: Level = Level.MUST, says: str = "", operation: str = "-") -> Fact:
        """The fact that the key is accepted here, with the operation that showed it."""
        fact_name, sources = f"credentials.{self.scheme}", (probe_source(operation, says),)
        if self.name:
            return CredentialFact(name=fact_name, level=level, sources=sources, carrier=self.name, prefix=self.prefix)
        return Fact(name=fact_name, level=level, sources=sources)

    def __str__(self) -> str:
        return " ".join(word for word in (self.scheme, self.name, self.prefix.strip()) if word)


def key_locations(profiles: Iterable[Profile], *, bearer: bool) -> list[KeyLocation]:
    """Every location of the key that a profile knows, and some guesses. `bearer` adds an OAuth token."""
    locations = [KeyLocation(scheme=AuthScheme.BASIC), KeyLocation(scheme=AuthScheme.BASIC_WITHOUT_COLON)]
    profile_list = list(profiles)
    for scheme in (AuthScheme.HEADER, AuthScheme.BODY, AuthScheme.QUERY):
        facts = [profile.facts.get(f"credentials.{scheme}") for profile in profile_list]
        keys = [
            f"{fact.carrier} {fact.prefix}" if fact.prefix else fact.carrier
            for fact in facts
            if isinstance(fact, CredentialFact)
        ]
        locations += [KeyLocation.parse(scheme, place) for place in dict.fromkeys((*keys, *_GUESSED_KEY_NAMES[scheme]))]
    return [*locations, *([KeyLocation(scheme=AuthScheme.BEARER)] if bearer else [])]


def first_with_scheme(locations: Iterable[KeyLocation], scheme: AuthScheme) -> KeyLocation:
    """The first location of a scheme."""
    return next(location for location in locations if location.scheme is scheme)
