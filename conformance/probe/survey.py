"""A survey: everything that is asked of a server, in order, the cheap and decisive first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.catalogue import Tier
from conformance.engine import FIRST_429, CircuitBreaker, Sender
from conformance.errors import InconclusiveError, NoResponse, Stopped
from conformance.probe import rating, shaping
from conformance.probe.credentialing import KeyLocationProbe
from conformance.probe.distance import ProfileDistance, rank_profiles
from conformance.probe.document import build_profile_data
from conformance.probe.family import documented_sizes, group_into_dialects, key_locations
from conformance.probe.faulting import InvalidRequestProbe
from conformance.probe.finding import Discovery
from conformance.probe.habits import HttpFeatureProbe
from conformance.probe.identifying import EventFieldProbe
from conformance.probe.inquiry import ProbeClient
from conformance.probe.limiting import LimitProbe
from conformance.probe.rating import BurstProbe
from conformance.probe.routing import RouteProbe
from conformance.probe.search import COMMON_SIZES
from conformance.probe.verifying import ProfileVerifier
from conformance.profile import parse
from conformance.profile.writing import to_yaml

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from conformance.catalogue import Check
    from conformance.probe.sketch import DraftProfile
    from conformance.profile.facts import Profile
    from conformance.run import Plan
    from conformance.wire import Wire


@dataclass(slots=True, kw_only=True)
class ProbeResult:
    """What a survey came to: the sketch, what it cost, what was left out, and why it ended, if too early."""

    draft_profile: DraftProfile | None = None
    distances: list[ProfileDistance] = field(default_factory=list)
    requests_sent: int = 0
    bytes_sent: int = 0
    skipped_phases: list[str] = field(default_factory=list)
    stop_reason: str = ""
    has_derived_facts: bool = False

    @property
    def has_profile(self) -> bool:
        """Whether there is enough for a profile: a path, and a way to hand in the key."""
        return bool(self.draft_profile and self.draft_profile.routes and self.draft_profile.key_locations)

    def derive_facts(self, sender: Sender) -> None:
        """Makes facts of all that was seen, once."""
        if self.draft_profile is None or self.has_derived_facts:
            return
        self.has_derived_facts = True
        self.draft_profile.derive_answer_facts()
        shaping.derive_body_shapes(self.draft_profile)
        rating.add_rate_limit_facts(self.draft_profile, sender.notable_exchanges.get(FIRST_429))

    def profile_data(self, name: str, url: str, date: str | None = None) -> dict[str, Any]:
        """The profile, as data."""
        if self.draft_profile is None or not self.has_profile:
            raise InconclusiveError(f"{url}: the budget ended before anything was learned; see --max-requests")
        return build_profile_data(self.draft_profile, name, url, date)


async def probe_server(
    plan: Plan, profiles: Sequence[Profile], checks: Sequence[Check], result: ProbeResult, *, burst: bool
) -> None:
    """Asks everything, and fills the outcome as it goes. Raises CannotJudge if nothing can be learned.

    `burst` says whether many requests may be sent at once.
    """
    wire: Wire = plan.build_wire()
    sender = Sender(wire=wire)
    async with wire:
        try:
            await _run_phases(plan, profiles, sender, result, burst=burst)
            result.derive_facts(sender)
            await _verify_profile(plan, checks, sender, result)
        except Stopped as end:
            result.stop_reason = str(end)
        finally:
            spent = wire.budget.usage
            result.requests_sent, result.bytes_sent = spent.requests, spent.bytes
            result.derive_facts(sender)
            if result.draft_profile is not None:
                result.distances = rank_profiles(result.draft_profile, profiles)


async def _verify_profile(plan: Plan, checks: Sequence[Check], sender: Sender, result: ProbeResult) -> None:
    """Makes checks by the profile as it would be written."""
    if result.draft_profile is None:
        return
    profile = parse(to_yaml(result.profile_data("probe", plan.target.url)), "the profile that was just made")
    verifier = ProfileVerifier(
        draft_profile=result.draft_profile, sender=sender, keys=plan.keys, checks=checks, run_id=plan.run_id
    )
    try:
        await verifier.verify(profile)
    except NoResponse as failure:
        result.skipped_phases.append(f"verifying: {failure}")


async def _run_phases(
    plan: Plan, profiles: Sequence[Profile], sender: Sender, result: ProbeResult, *, burst: bool
) -> None:
    """Goes through the phases; one that the budget cuts short is left out, and named."""
    dialects = group_into_dialects(profiles)
    locations = key_locations(profiles, bearer=plan.keys.bearer is not None)
    discovery = Discovery(sender=sender, keys=plan.keys, dialects=dialects, key_locations=locations, run_id=plan.run_id)
    try:
        draft_profile, first_accepted = await discovery.find_first_accepted()
    except NoResponse as failure:
        raise InconclusiveError(f"{plan.target.url} can't be probed: {failure}") from None
    result.draft_profile = draft_profile
    sender.breaker = CircuitBreaker()
    client = ProbeClient(sender=sender, keys=plan.keys, draft_profile=draft_profile, run_id=plan.run_id)
    invalid_request_probe = InvalidRequestProbe(client=client)
    known_sizes = documented_sizes(profiles)
    largest_size = max(*COMMON_SIZES, *known_sizes) if Tier.VOLUME in plan.tiers else max(known_sizes)
    limit_probe = LimitProbe(client=client, known_sizes=known_sizes, largest_size=largest_size)
    phases: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
        ("routes", RouteProbe(client=client, dialects=dialects, first_accepted=first_accepted).run),
        ("credentials", KeyLocationProbe(client=client, locations=locations).run),
        ("ids and required fields", EventFieldProbe(client=client).run),
        ("limits", limit_probe.run),
        ("faults", invalid_request_probe.run),
        ("codings, content types, browsers", HttpFeatureProbe(client=client).run),
        ("limits on all other paths", limit_probe.check_other_operations),
        ("faults on all other paths", invalid_request_probe.check_other_operations),
        *([("a burst", BurstProbe(client=client).run)] if burst else []),
    )
    for name, run_phase in phases:
        try:
            await run_phase()
        except NoResponse as failure:
            result.skipped_phases.append(f"{name}: {failure}")
    result.draft_profile.remarks += [f"unstable: {text}" for text in client.unstable]
