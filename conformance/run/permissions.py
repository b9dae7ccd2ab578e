"""Permissions: which targets a run may test, and which load tiers it may use.

All commands and the pytest plugin ask here:

- loopback: every tier, unless `--tier` names fewer;
- private networks: gentle and standard, or the tiers named by `--tier` and `--allow`;
- any other address: the same, but only with `--i-may-test` and exactly its host name;
- a cloud's metadata service: only with `--i-may-test metadata:HOST`;
- a Host header of the user's is judged as if the target had that name;
- a vendor's own production hosts: the gentle tier, and only if no other is requested;
- a load: only with `--allow load`, on other machines with `--i-may-test` and a highest rate, never a vendor's hosts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.checks.check import Tier
from conformance.core.errors import UsageError
from conformance.core.resources import profile_names
from conformance.core.text import did_you_mean
from conformance.profile import load
from conformance.wire.addresses import AddressScope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from conformance.profile.profile import Profile
    from conformance.wire import TargetAddress

GENTLE_ONLY = frozenset({Tier.GENTLE})
LOAD = "load"
"""What `--allow` has to name before a load; it allows checks nothing."""


def permitted_tiers(target: TargetAddress, profile: Profile, settings: Mapping[str, Any]) -> frozenset[Tier]:
    """The load tiers that a run may use. Raises UsageError if the target may not be tested in this way."""
    tiers = _requested_tiers(target, settings)
    allowed = _allowed_hosts(settings["i_may_test"])
    for name, scope in target.scopes_by_name():
        host = _normalize_host(name)
        _require_permission(host, scope, allowed)
        if scope is not AddressScope.LOOPBACK and tiers != GENTLE_ONLY and _is_production_host(host, profile):
            raise UsageError(
                f"{host} is a vendor's own production host, for which only the gentle tier is allowed; "
                "add --tier gentle"
            )
    return tiers


def permit_load(target: TargetAddress, profile: Profile, settings: Mapping[str, Any], max_rate: float | None) -> None:
    """Raises UsageError if a target may not be put under load: `max_rate` is the highest rate that the user names."""
    if LOAD not in settings["allow"]:
        raise UsageError("a load can bring a server down, so it has to be allowed: --allow load")
    allowed = _allowed_hosts(settings["i_may_test"])
    for name, scope in target.scopes_by_name():
        host = _normalize_host(name)
        if _is_production_host(host, profile):
            raise UsageError(f"{host} is a vendor's own production host, which is never put under load")
        _require_permission(host, scope, allowed)
        if scope is not AddressScope.LOOPBACK and host not in allowed and f"metadata:{host}" not in allowed:
            raise UsageError(f"{host} is another machine; if you are allowed to put it under load: --i-may-test {host}")
        if scope is not AddressScope.LOOPBACK and max_rate is None:
            raise UsageError(f"{host} is another machine: name the highest rate that it may get, with --max-rate N")


def _require_permission(host: str, scope: AddressScope, allowed: Collection[str]) -> None:
    """Raises UsageError if a host of a scope may not be tested without the user's word for it."""
    if scope is AddressScope.METADATA and f"metadata:{host}" not in allowed:
        raise UsageError(
            f"{host} is a cloud's metadata service, which hands out credentials; "
            f"if you are allowed to test it, say so: --i-may-test metadata:{host}"
        )
    if scope is AddressScope.PUBLIC and host not in allowed:
        raise UsageError(
            f"{host} is outside this machine and private networks, and would get test events and invalid "
            f"requests; if you are allowed to test it, say so: --i-may-test {host}"
        )


def _requested_tiers(target: TargetAddress, settings: Mapping[str, Any]) -> frozenset[Tier]:
    """The tiers that the options request. Without options: all on loopback, elsewhere gentle and standard."""
    requested = [_parse_tier("tier", name, tuple(Tier)) for name in settings["tier"]]
    allowed = [_parse_tier("allow", name, (Tier.BURST, Tier.VOLUME)) for name in settings["allow"] if name != LOAD]
    if allowed and set(requested) == GENTLE_ONLY:
        raise UsageError(f"--tier gentle and --allow {allowed[0]} contradict each other")
    if target.is_loopback and not requested:
        return frozenset(Tier)
    return frozenset().union(*(tier.included for tier in (*(requested or [Tier.STANDARD]), *allowed)))


def _parse_tier(option: str, name: str, choices: tuple[Tier, ...]) -> Tier:
    """A tier by its name. Raises UsageError if it is not one of the `choices` of the option."""
    if name not in choices:
        raise UsageError(f"--{option} {name}: expected {' or '.join(choices)}{did_you_mean(name, choices)}")
    return Tier(name)


def _is_production_host(host: str, profile: Profile) -> bool:
    """Whether a host is a vendor's own, by the profile of the run or by any profile of the suite."""
    return any(
        host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))
        for pattern in (*profile.hosts, *_known_production_hosts())
    )


def _known_production_hosts() -> Iterator[str]:
    """The production hosts in all profiles of the suite."""
    for name in profile_names():
        yield from load(name).hosts


def _allowed_hosts(host_lists: Iterable[str]) -> set[str]:
    """The hosts of `--i-may-test`: one in each text, or several, separated by commas. Raises UsageError."""
    names = [name.strip() for text in host_lists for name in text.split(",")]
    for name in names:
        if not name or any(character.isspace() or character in "/?#@" for character in name):
            raise UsageError(f"--i-may-test {name or chr(39) * 2}: expected a host, without a scheme and a path")
    return {_normalize_permission(name) for name in names}


def _normalize_permission(text: str) -> str:
    """A host for comparison, with the word `metadata:` in front if it has it."""
    word, _, host = text.strip().partition(":")
    return f"metadata:{_normalize_host(host)}" if word == "metadata" else _normalize_host(text)


def _normalize_host(host: str) -> str:
    """A host name for comparison: in lower case, without brackets and without the dot of the root."""
    return host.strip().strip("[]").lower().rstrip(".")
