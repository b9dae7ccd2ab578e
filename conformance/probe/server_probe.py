"""The phases of a probe, in order: cheap and decisive ones first."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.checks.check import Tier
from conformance.core.errors import InconclusiveError, NoResponse, NotApplicable, Stopped
from conformance.probe import body_shapes, rate_limit
from conformance.probe.answer_facts import derive_answer_facts
from conformance.probe.client import ProbeClient
from conformance.probe.dialects import group_into_dialects
from conformance.probe.discovery import Discovery
from conformance.probe.event_fields import EventFieldProbe
from conformance.probe.http_features import HttpFeatureProbe
from conformance.probe.invalid_requests import InvalidRequestProbe
from conformance.probe.key_location_probe import KeyLocationProbe
from conformance.probe.key_locations import key_locations
from conformance.probe.limit_probe import LimitProbe
from conformance.probe.limit_search import COMMON_SIZES, documented_sizes
from conformance.probe.profile_data import build_profile_data
from conformance.probe.profile_distance import ProfileDistance, rank_profiles
from conformance.probe.rate_limit import probe_burst
from conformance.probe.route_probe import RouteProbe
from conformance.probe.verification import ProfileVerifier, Verification, verification_plan
from conformance.requests.rate_limits import FIRST_429
from conformance.run.sender import Sender
from conformance.run.startup import wait_for_target
from conformance.run.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from conformance.checks.check import Check
    from conformance.probe.draft_profile import DraftProfile
    from conformance.profile.profile import Profile
    from conformance.run.execution import FuzzRunner
    from conformance.run.plan import Plan
    from conformance.wire import Wire

_FIRST_PHASES = 2
"""The phases without which the others have nothing to send."""


@dataclass(slots=True, kw_only=True)
class ProbeResult:
    """The result of a probe: the draft profile, the cost, the skipped phases, and the reason of an early end.

    `phase` is what is being found out, for progress.
    """

    draft_profile: DraftProfile | None = None
    distances: list[ProfileDistance] = field(default_factory=list)
    requests_sent: int = 0
    bytes_sent: int = 0
    skipped_phases: list[str] = field(default_factory=list)
    stop_reason: str = ""
    verification: Verification = field(default_factory=Verification)
    has_derived_facts: bool = False
    phase: str = "a first request that is accepted"

    @property
    def has_profile(self) -> bool:
        """Whether there is enough for a profile: a path, and a location of the key."""
        return bool(self.draft_profile and self.draft_profile.routes and self.draft_profile.key_locations)

    def derive_facts(self, sender: Sender) -> None:
        """Derives facts from all observations, once."""
        if self.draft_profile is None or self.has_derived_facts:
            return
        self.has_derived_facts = True
        derive_answer_facts(self.draft_profile)
        self.draft_profile.add_no_server_error()
        body_shapes.derive_body_shapes(self.draft_profile)
        rate_limit.add_rate_limit_facts(self.draft_profile, sender.shared_exchanges.get(FIRST_429))

    def profile_data(self, name: str, url: str, date: str | None = None) -> dict[str, Any]:
        """The profile as data. Raises InconclusiveError if there is not enough for one."""
        if self.draft_profile is None or not self.has_profile:
            why = self.stop_reason or "the budget ended; see --max-requests"
            raise InconclusiveError(f"{url}: nothing was learned: {why}")
        return build_profile_data(self.draft_profile, name, url, date)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """`burst`: whether many requests may be sent at once. `total`: the most requests, bytes and events in all.

    `fuzz` sends the generated requests of the checks.
    """

    burst: bool = False
    total: Sequence[int | None] = (None, None, None)
    fuzz: FuzzRunner | None = None


async def probe_server(
    plan: Plan,
    profiles: Sequence[Profile],
    checks: Sequence[Check],
    result: ProbeResult,
    options: ProbeOptions,
) -> None:
    """Runs all phases and then the checks, and fills `result` on the way. Raises InconclusiveError without an answer.

    The budget of `plan` is for the phases.
    """
    await wait_for_target(plan)
    wire: Wire = plan.build_wire()
    start_s = time.monotonic()
    sender = Sender(wire=wire)
    async with wire:
        try:
            watchdog = Watchdog(limits=plan.time_limits, signs=[lambda: sender.answer_count], waits=sender.waits)
            if max_requests := plan.budget.requests:
                watchdog.done_share = lambda: wire.budget.usage.requests / max_requests
            async with watchdog.guard():
                await _run_phases(plan, profiles, sender, result, burst=options.burst)
        except Stopped as end:
            result.stop_reason = str(end)
        finally:
            spent = wire.budget.usage
            result.requests_sent, result.bytes_sent = spent.requests, spent.bytes
            result.derive_facts(sender)
            if result.draft_profile is not None:
                result.distances = rank_profiles(result.draft_profile, profiles)
    if result.has_profile and not result.stop_reason:
        checks_plan = verification_plan(plan, (spent.requests, spent.bytes, spent.events), options.total)
        checks_plan = replace(checks_plan, time_limits=plan.time_limits.after(time.monotonic() - start_s))
        await _verify_profile(checks_plan, checks, result, options.fuzz)


async def _verify_profile(plan: Plan, checks: Sequence[Check], result: ProbeResult, fuzz: FuzzRunner | None) -> None:
    """Runs the checks by the profile as it would be written."""
    if result.draft_profile is None:
        return
    verifier = ProfileVerifier(
        plan=plan,
        draft_profile=result.draft_profile,
        checks=checks,
        make_profile_data=lambda: result.profile_data("probe", plan.target.url),
        fuzz=fuzz,
        verification=result.verification,
    )
    result.phase = "checks by the profile that was found"
    try:
        await verifier.verify()
    except InconclusiveError as failure:
        result.skipped_phases.append(f"verification: {failure}")
    finally:
        result.requests_sent += result.verification.requests_sent
        result.bytes_sent += result.verification.bytes_sent


async def _run_phases(
    plan: Plan, profiles: Sequence[Profile], sender: Sender, result: ProbeResult, *, burst: bool
) -> None:
    """Runs the phases. One that the budget ends is recorded as skipped."""
    dialects = group_into_dialects(profiles)
    locations = key_locations(profiles, bearer=plan.keys.bearer is not None)
    discovery = Discovery(sender=sender, keys=plan.keys, dialects=dialects, key_locations=locations, run_id=plan.run_id)
    try:
        draft_profile, first_accepted = await discovery.find_first_accepted()
    except NoResponse as failure:
        raise InconclusiveError(f"{plan.target.url} can't be probed: {failure}") from None
    result.draft_profile = draft_profile
    sender.start_over()
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
        ("invalid requests", invalid_request_probe.run),
        ("HTTP features", HttpFeatureProbe(client=client).run),
        ("limits on all other paths", limit_probe.check_other_operations),
        ("invalid requests on all other paths", invalid_request_probe.check_other_operations),
        *([("a burst", partial(probe_burst, client))] if burst else []),
    )
    for number, (name, run_phase) in enumerate(phases):
        if number >= _FIRST_PHASES and not result.has_profile:
            result.skipped_phases.append(f"{name}: no path, or no location of the key, was found before")
            continue
        result.phase = name
        try:
            await run_phase()
        except (NoResponse, NotApplicable) as failure:
            result.skipped_phases.append(f"{name}: {failure}")
    result.draft_profile.remarks += [f"unstable: {text}" for text in client.unstable]
