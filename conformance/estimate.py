"""What a run will send, at most about: counted once against a correct server, and kept as data."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from conformance.catalogue import Tier
from conformance.model import Area
from conformance.resources import specs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.catalogue import Trial
    from conformance.wire import Budget

_MARGIN = 1.2
"""Controls are shared, and sent anew after failures: the count varies by some of them from run to run."""
Numbers = tuple[float, float, float]
"""Requests, bytes and events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one area takes: its checks, by their tiers, and about how much they send at most."""

    area: str
    tiers: tuple[Tier, ...]
    checks: int
    requests: int
    bytes: int
    events: int


def estimate(profile: str, trials: Sequence[Trial], fuzz: int) -> list[Share]:
    """The share of each area; `fuzz` generated requests are the share of their own area.

    For a profile that does not come with the suite, every check is taken for as costly as it is at worst.
    """
    counted = _costs().get(profile) or _worst()
    asked = [trial for trial in trials if trial.operation and trial.facts and trial.is_allowed]
    shares = [_first(counted, asked)] if asked or fuzz else []
    for area in sorted({trial.check.area for trial in asked} - {Area.FUZZ}):
        own = [trial for trial in asked if trial.check.area is area]
        sums = _sum(counted["checks"].get(trial.check.id, (1, 1, 1)) for trial in own)
        shares.append(_share(area, own, sums))
    if fuzz:
        own = [trial for trial in asked if trial.check.area is Area.FUZZ]
        shares.append(_share(Area.FUZZ, own, (fuzz, *(fuzz * each for each in counted["fuzz"]))))
    return shares


def total(shares: Iterable[Share], budget: Budget) -> dict[str, int]:
    """What all shares come to, by `requests`, `bytes` and `events`; no more than the budget of the run."""
    found = {}
    listed = list(shares)
    for word in ("requests", "bytes", "events"):
        most = getattr(budget, word)
        found[word] = _rounded(sum(getattr(share, word) for share in listed))
        found[word] = found[word] if most is None else min(found[word], most)
    return found


def by_tier(trials: Iterable[Trial]) -> dict[Tier, int]:
    """How many checks there are of each tier."""
    counts = Counter(
        trial.check.tier for trial in trials if trial.operation and trial.facts and trial.is_allowed
    )
    return {tier: counts[tier] for tier in Tier if counts[tier]}


def _first(counted: dict[str, Any], asked: Sequence[Trial]) -> Share:
    """The preflight, and a control for each path."""
    paths = {trial.operation for trial in asked}
    known = counted["preflight"]
    each = [number / max(1, known[0]) for number in known]
    paid = (sum(each[0] * 2 for _ in paths), sum(each[1] * 2 for _ in paths), sum(each[2] * 2 for _ in paths))
    return _share("preflight", (), (max(paid[0], known[0]), max(paid[1], known[1]), max(paid[2], known[2])))


def _share(area: str, own: Sequence[Trial], sums: Sequence[float]) -> Share:
    requests, size, events = (_rounded(number * _MARGIN) for number in sums)
    tiers = {trial.check.tier for trial in own}
    return Share(
        area=str(area),
        tiers=tuple(tier for tier in Tier if tier in tiers),
        checks=len(own),
        requests=requests,
        bytes=size,
        events=events,
    )


def _sum(parts: Iterable[Sequence[float]]) -> Numbers:
    requests = size = events = 0.0
    for part in parts:
        requests, size, events = requests + part[0], size + part[1], events + part[2]
    return requests, size, events


def _rounded(number: float) -> int:
    """A number rounded up to two digits that count: it is an estimate, and looks like one."""
    whole = int(-(-number // 1))
    step: int = 10 ** max(0, len(str(whole)) - 2)
    return -(-whole // step) * step


@cache
def _costs() -> dict[str, Any]:
    """What was counted: by profile the preflight, a check on one path, and a generated request."""
    found: dict[str, Any] = json.loads((specs() / "costs.json").read_text(encoding="utf-8"))
    return found


def _worst() -> dict[str, Any]:
    """The most that each costs in any profile."""
    known = list(_costs().values())
    ids = {name for item in known for name in item["checks"]}
    return {
        "preflight": [max(column) for column in zip(*(item["preflight"] for item in known), strict=True)],
        "fuzz": [max(column) for column in zip(*(item["fuzz"] for item in known), strict=True)],
        "checks": {
            name: [max(column) for column in zip(*_each(known, name), strict=True)] for name in sorted(ids)
        },
    }


def _each(known: Iterable[dict[str, Any]], name: str) -> list[list[float]]:
    return [item["checks"][name] for item in known if name in item["checks"]]
