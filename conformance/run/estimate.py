"""Estimates what a run will send, from costs that were measured against the reference server."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from conformance.checks.check import Tier
from conformance.core.model import Area
from conformance.core.resources import read_json_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.checks.trial import Trial
    from conformance.wire import Budget

_SAFETY_FACTOR = 1.2
"""Controls are shared by checks and sent again after failures, so their number varies between runs."""
_BROWSER_COST = (9, 12_000, 5)
"""The most that a check with a browser sends to one operation: each request in two ways, with a preflight before it."""
Amounts = tuple[float, float, float]
"""Numbers of requests, bytes and events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaEstimate:
    """The estimate for one area: its checks, their tiers, and about how much they send at most."""

    area: str
    tiers: tuple[Tier, ...]
    checks: int
    requests: int
    bytes: int
    events: int


def estimate_areas(profile: str, trials: Sequence[Trial], fuzz: int) -> list[AreaEstimate]:
    """The estimate for each area; `fuzz` is the number of generated requests.

    For a profile that does not come with the suite, every check is assumed to cost its maximum over all
    profiles that do.
    """
    costs = _measured_costs().get(profile) or _worst_costs()
    runnable = [trial for trial in trials if trial.is_runnable]
    shares = [_preflight_estimate(costs, runnable)] if runnable or fuzz else []
    for area in sorted({trial.check.area for trial in runnable} - {Area.FUZZ}):
        area_trials = [trial for trial in runnable if trial.check.area is area]
        sums = _add_amounts(_cost_of(trial, costs) for trial in area_trials)
        shares.append(_area_estimate(area, area_trials, sums))
    if fuzz:
        area_trials = [trial for trial in runnable if trial.check.area is Area.FUZZ]
        shares.append(_area_estimate(Area.FUZZ, area_trials, (fuzz, *(fuzz * each for each in costs["fuzz"]))))
    return shares


def total(shares: Iterable[AreaEstimate], budget: Budget) -> dict[str, int]:
    """The sums of all estimates, by `requests`, `bytes` and `events`, capped by the budget of the run."""
    totals = {}
    share_list = list(shares)
    for unit in ("requests", "bytes", "events"):
        limit = getattr(budget, unit)
        totals[unit] = _round_up(sum(getattr(share, unit) for share in share_list))
        totals[unit] = totals[unit] if limit is None else min(totals[unit], limit)
    return totals


def checks_by_tier(trials: Iterable[Trial]) -> dict[Tier, int]:
    """The number of checks of each tier that a run would make."""
    counts = Counter(trial.check.tier for trial in trials if trial.is_runnable)
    return {tier: counts[tier] for tier in Tier if counts[tier]}


def _preflight_estimate(costs: dict[str, Any], runnable: Sequence[Trial]) -> AreaEstimate:
    """The estimate for the preflight and the controls of each operation."""
    paths = {trial.operation for trial in runnable}
    preflight_cost = costs["preflight"]
    cost_per_request = [number / max(1, preflight_cost[0]) for number in preflight_cost]
    control_cost = (
        sum(cost_per_request[0] * 2 for _ in paths),
        sum(cost_per_request[1] * 2 for _ in paths),
        sum(cost_per_request[2] * 2 for _ in paths),
    )
    return _area_estimate(
        "preflight",
        (),
        (
            max(control_cost[0], preflight_cost[0]),
            max(control_cost[1], preflight_cost[1]),
            max(control_cost[2], preflight_cost[2]),
        ),
    )


def _area_estimate(area: str, area_trials: Sequence[Trial], sums: Sequence[float]) -> AreaEstimate:
    requests, size, events = (_round_up(number * _SAFETY_FACTOR) for number in sums)
    tiers = {trial.check.tier for trial in area_trials}
    return AreaEstimate(
        area=str(area),
        tiers=tuple(tier for tier in Tier if tier in tiers),
        checks=len(area_trials),
        requests=requests,
        bytes=size,
        events=events,
    )


def _cost_of(trial: Trial, costs: dict[str, Any]) -> Sequence[float]:
    """The cost of a check on one operation; those with a browser are not measured."""
    unmeasured = _BROWSER_COST if trial.check.needs_browser else (1, 1, 1)
    cost: Sequence[float] = costs["checks"].get(trial.check.id, unmeasured)
    return cost


def _add_amounts(parts: Iterable[Sequence[float]]) -> Amounts:
    requests = size = events = 0.0
    for part in parts:
        requests, size, events = requests + part[0], size + part[1], events + part[2]
    return requests, size, events


def _round_up(number: float) -> int:
    """A number rounded up to two significant digits."""
    whole = int(-(-number // 1))
    step: int = 10 ** max(0, len(str(whole)) - 2)
    return -(-whole // step) * step


@cache
def _measured_costs() -> dict[str, Any]:
    """The measured costs, by profile: of the preflight, of each check on one operation, of a generated request."""
    return read_json_spec("costs.json")


def _worst_costs() -> dict[str, Any]:
    """The maximum of each cost over all profiles."""
    costs = list(_measured_costs().values())
    ids = {name for item in costs for name in item["checks"]}
    return {
        "preflight": [max(column) for column in zip(*(item["preflight"] for item in costs), strict=True)],
        "fuzz": [max(column) for column in zip(*(item["fuzz"] for item in costs), strict=True)],
        "checks": {
            name: [max(column) for column in zip(*_check_costs(costs, name), strict=True)] for name in sorted(ids)
        },
    }


def _check_costs(costs: Iterable[dict[str, Any]], name: str) -> list[list[float]]:
    return [item["checks"][name] for item in costs if name in item["checks"]]
