"""Permissions: which target a run may be pointed at, and how hard it may press it.

The one place that decides it, for every command and for pytest:

- this machine gets every tier, unless `--tier` names fewer;
- an address in a private network gets the tiers gentle and standard; `--tier` and `--allow` name others;
- any other address needs `--i-may-test` with the very name of its host, and then gets the same;
- a vendor's own production host gets the gentle tier, if that alone is asked for, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance import profile as profiles
from conformance.checks.check import Tier
from conformance.core.errors import UsageError
from conformance.core.resources import profile_names
from conformance.core.text import did_you_mean
from conformance.wire.addresses import AddressScope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from conformance.profile.profile import Profile
    from conformance.wire import TargetAddress

GENTLE_ONLY = frozenset({Tier.GENTLE})


def permitted_tiers(target: TargetAddress, profile: Profile, settings: Mapping[str, Any]) -> frozenset[Tier]:
    """The tiers that a run may send to a target. Raises UsageError if it may not be tested so."""
    tiers = _requested_tiers(target, settings)
    host = _normalize_host(target.host)
    if target.scope is AddressScope.PUBLIC and host not in _allowed_hosts(settings["i_may_test"]):
        raise UsageError(
            f"{host} is beyond this machine and private networks, and would get test events and faulty "
            f"requests; if you may do that to it, say so: --i-may-test {host}"
        )
    if (
        target.scope in {AddressScope.PUBLIC, AddressScope.PRIVATE}
        and tiers != GENTLE_ONLY
        and _is_production_host(host, profile)
    ):
        raise UsageError(
            f"{host} is a vendor's own production host, which gets no more than the gentle tier, "
            "whoever asks; add --tier gentle"
        )
    return tiers


def _requested_tiers(target: TargetAddress, settings: Mapping[str, Any]) -> frozenset[Tier]:
    """The tiers that were asked for; all on this machine, where nobody asked for less."""
    requested = [_parse_tier("tier", name, tuple(Tier)) for name in settings["tier"]]
    allowed = [_parse_tier("allow", name, (Tier.BURST, Tier.VOLUME)) for name in settings["allow"]]
    if allowed and set(requested) == GENTLE_ONLY:
        raise UsageError(f"--tier gentle and --allow {allowed[0]} contradict each other")
    if target.is_loopback and not requested:
        return frozenset(Tier)
    return frozenset().union(*(tier.included for tier in (*(requested or [Tier.STANDARD]), *allowed)))


def _parse_tier(option: str, name: str, choices: tuple[Tier, ...]) -> Tier:
    """A tier by its name. Raises UsageError if it is none of those that an option takes."""
    if name not in choices:
        raise UsageError(f"--{option} {name}: expected {' or '.join(choices)}{did_you_mean(name, choices)}")
    return Tier(name)


def _is_production_host(host: str, profile: Profile) -> bool:
    """Whether a host is a vendor's own: by the profile of the run, or by any that comes with the suite."""
    return any(
        host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))
        for pattern in (*profile.hosts, *_known_production_hosts())
    )


def _known_production_hosts() -> Iterator[str]:
    """The production hosts of all vendors that the suite knows."""
    for name in profile_names():
        yield from profiles.load(name).hosts


def _allowed_hosts(host_lists: Iterable[str]) -> set[str]:
    """The hosts that may be tested: one to each text, or several, separated by commas."""
    return {_normalize_host(name) for text in host_lists for name in text.split(",")}


def _normalize_host(host: str) -> str:
    """The name of a host as names are compared: the case does not matter, nor the dot of the root."""
    return host.strip().strip("[]").lower().rstrip(".")
