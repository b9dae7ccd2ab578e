"""A survey: everything that is asked of a server, in order, the cheap and decisive first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.catalogue import Tier
from conformance.engine import LIMITED, Breaker, Sender
from conformance.errors import CannotJudge, NoAnswer, Stopped
from conformance.probe import rating, shaping
from conformance.probe.credentialing import Credentialing
from conformance.probe.distance import Distance, distances
from conformance.probe.document import document
from conformance.probe.family import bounds, families, ways
from conformance.probe.faulting import Faulting
from conformance.probe.finding import Scout
from conformance.probe.habits import Habits
from conformance.probe.identifying import Identifying
from conformance.probe.inquiry import Inquiry
from conformance.probe.limiting import Limiting
from conformance.probe.rating import Rating
from conformance.probe.routing import Routing
from conformance.probe.search import ROUND_SIZES
from conformance.probe.verifying import Verifying
from conformance.profile import parse
from conformance.profile.writing import written

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from conformance.catalogue import Check
    from conformance.probe.sketch import Sketch
    from conformance.profile.facts import Profile
    from conformance.run import Plan
    from conformance.wire import Wire


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a survey came to: the sketch, what it cost, what was left out, and why it ended, if too early."""

    sketch: Sketch | None = None
    distances: list[Distance] = field(default_factory=list)
    requests: int = 0
    bytes: int = 0
    left_out: list[str] = field(default_factory=list)
    stopped: str = ""
    is_concluded: bool = False

    @property
    def is_learned(self) -> bool:
        """Whether there is enough for a profile: a path, and a way to hand in the key."""
        return bool(self.sketch and self.sketch.routes and self.sketch.ways)

    def conclude(self, sender: Sender) -> None:
        """Makes facts of all that was seen, once."""
        if self.sketch is None or self.is_concluded:
            return
        self.is_concluded = True
        self.sketch.conclude()
        shaping.learn(self.sketch)
        rating.state(self.sketch, sender.seen.get(LIMITED))

    def profile(self, name: str, url: str, date: str | None = None) -> dict[str, Any]:
        """The profile, as data."""
        if self.sketch is None or not self.is_learned:
            raise CannotJudge(f"{url}: the budget ended before anything was learned; see --max-requests")
        return document(self.sketch, name, url, date)


async def survey(
    plan: Plan, profiles: Sequence[Profile], checks: Sequence[Check], outcome: Outcome, *, burst: bool
) -> None:
    """Asks everything, and fills the outcome as it goes. Raises CannotJudge if nothing can be learned.

    `burst` says whether many requests may be sent at once.
    """
    wire: Wire = plan.wire()
    sender = Sender(wire=wire)
    async with wire:
        try:
            await _asked(plan, profiles, sender, outcome, burst=burst)
            outcome.conclude(sender)
            await _verified(plan, checks, sender, outcome)
        except Stopped as end:
            outcome.stopped = str(end)
        finally:
            spent = wire.budget.amount
            outcome.requests, outcome.bytes = spent.requests, spent.bytes
            outcome.conclude(sender)
            if outcome.sketch is not None:
                outcome.distances = distances(outcome.sketch, profiles)


async def _verified(plan: Plan, checks: Sequence[Check], sender: Sender, outcome: Outcome) -> None:
    """Makes checks by the profile as it would be written."""
    if outcome.sketch is None:
        return
    profile = parse(written(outcome.profile("probe", plan.target.url)), "the profile that was just made")
    verifying = Verifying(
        sketch=outcome.sketch, sender=sender, keys=plan.keys, checks=checks, run_id=plan.run_id
    )
    try:
        await verifying.verify(profile)
    except NoAnswer as failure:
        outcome.left_out.append(f"verifying: {failure}")


async def _asked(
    plan: Plan, profiles: Sequence[Profile], sender: Sender, outcome: Outcome, *, burst: bool
) -> None:
    """Goes through the phases; one that the budget cuts short is left out, and named."""
    known = families(profiles)
    every = ways(profiles, bearer=plan.keys.bearer is not None)
    scout = Scout(sender=sender, keys=plan.keys, families=known, ways=every, run_id=plan.run_id)
    try:
        sketch, entrance = await scout.find()
    except NoAnswer as failure:
        raise CannotJudge(f"{plan.target.url} can't be probed: {failure}") from None
    outcome.sketch = sketch
    sender.breaker = Breaker()
    inquiry = Inquiry(sender=sender, keys=plan.keys, sketch=sketch, run_id=plan.run_id)
    faulting = Faulting(inquiry=inquiry)
    marks = bounds(profiles)
    largest = max(*ROUND_SIZES, *marks) if Tier.VOLUME in plan.tiers else max(marks)
    limiting = Limiting(inquiry=inquiry, marks=marks, largest=largest)
    phases: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
        ("routes", Routing(inquiry=inquiry, families=known, entrance=entrance).learn),
        ("credentials", Credentialing(inquiry=inquiry, ways=every).learn),
        ("ids and required fields", Identifying(inquiry=inquiry).learn),
        ("limits", limiting.learn),
        ("faults", faulting.learn),
        ("codings, content types, browsers", Habits(inquiry=inquiry).learn),
        ("limits on all other paths", limiting.repeat),
        ("faults on all other paths", faulting.repeat),
        *([("a burst", Rating(inquiry=inquiry).learn)] if burst else []),
    )
    for name, phase in phases:
        try:
            await phase()
        except NoAnswer as failure:
            outcome.left_out.append(f"{name}: {failure}")
    outcome.sketch.remarks += [f"unstable: {text}" for text in inquiry.unstable]
