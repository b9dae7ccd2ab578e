"""A plan: what to judge, at which target, and how hard that may be pressed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.checks.check import Check, Tier
from conformance.checks.selection import select_trials
from conformance.checks.trial import Trial, make_trials
from conformance.core.errors import UsageError
from conformance.core.model import DEFAULT_RUN_ID, Level
from conformance.requests import Keys
from conformance.run.permissions import GENTLE_ONLY, permitted_tiers
from conformance.wire import Budget, Redactor, Wire, parse_target
from conformance.wire.budget import BUDGET_UNITS
from conformance.wire.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.contract import Contract
    from conformance.wire import TargetAddress

_SECRET_HEADER_NAME = re.compile("auth|cookie|key|token|secret|pass|sign", re.IGNORECASE)
DEFAULT_JOBS = 8
"""How many requests are in flight unless the user says otherwise."""
DEFAULT_FUZZ_REQUESTS, DEFAULT_FUZZ_S = 8_000, 5.0
"""How many generated requests a run sends to this machine, and for how many seconds at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to judge, and how hard to press the target.

    `jobs` is the number of requests in flight, `rate` the most requests a second (None: as fast as it
    goes), `deadline_s` the seconds that one exchange may take; `fuzz` the number of generated requests,
    `fuzz_s` the seconds that they may take. `budget` is what is sent at most in all, `run_id` what the
    events are marked with.
    """

    target: TargetAddress
    contract: Contract
    keys: Keys
    trials: Sequence[Trial]
    gate: Level = Level.MUST
    jobs: int = 8
    rate: float | None = None
    deadline_s: float = 10.0
    fuzz_requests: int = 0
    fuzz_seed: int = 1
    fuzz_max_s: float | None = None
    tiers: frozenset[Tier] = frozenset(Tier)
    budget: Budget = field(default_factory=Budget)
    run_id: str = DEFAULT_RUN_ID
    wire_type: type[Wire] = Wire

    def with_trials(self, trials: Sequence[Trial]) -> Plan:
        """The same with some trials."""
        return replace(self, trials=trials)

    def build_wire(self) -> Wire:
        """A wire to the target, as hard on it as the plan says."""
        return self.wire_type(
            target=self.target,
            redactor=Redactor(self.placeholders_by_secret()),
            connections=self.jobs,
            deadline_s=self.deadline_s,
            throttle=Throttle(self.rate),
            budget=self.budget,
        )

    def placeholders_by_secret(self) -> dict[str, str]:
        """Every secret of the run with its stand-in; a further header is one if its name says so."""
        headers = {
            value: f"$HEADER_{index}"
            for index, (name, value) in enumerate(self.target.headers, 1)
            if _SECRET_HEADER_NAME.search(name)
        }
        return {**headers, **self.keys.placeholders_by_secret()}


def build_plan(settings: Mapping[str, Any], url: str, contract: Contract, checks: Sequence[Check]) -> Plan:
    """A plan from resolved settings. Raises UsageError for what does not fit, or may not be tested so."""
    if not settings["write_key"]:
        raise UsageError("a write key is needed: set CONFORMANCE_WRITE_KEY, or pass --write-key KEY")
    if not f"{settings['write_key']}{settings['bearer'] or ''}".isprintable():
        raise UsageError("the write key or the access token contains a line break or another control character")
    keys = Keys(write_key=settings["write_key"], bearer=settings["bearer"])
    target = parse_target(
        url,
        headers=tuple(settings["header"]),
        ca_bundle=settings["ca_bundle"],
        insecure=settings["insecure"],
    )
    tiers = permitted_tiers(target, contract.profile, settings)
    return Plan(
        target=target,
        contract=contract,
        keys=keys,
        trials=select_trials(make_trials(contract, keys, checks, tiers), settings["select"], settings["deselect"]),
        gate=settings["gate"],
        jobs=_choose_jobs(tiers, settings["jobs"]),
        rate=settings["rate"],
        deadline_s=settings["deadline"],
        fuzz_requests=_choose_fuzz_requests(target, tiers, settings["fuzz"]),
        fuzz_seed=settings["fuzz_seed"],
        fuzz_max_s=settings["max_time"] or (DEFAULT_FUZZ_S if settings["fuzz"] is None else None),
        tiers=tiers,
        budget=Budget(**{word: settings[f"max_{word}"] for word in BUDGET_UNITS}),
        run_id=settings["run_id"],
    )


def _choose_jobs(tiers: frozenset[Tier], requested: int | None) -> int:
    """How many requests are in flight: in the gentle tier one."""
    if tiers != GENTLE_ONLY:
        return requested or DEFAULT_JOBS
    if requested not in {None, 1}:
        raise UsageError(f"--jobs {requested}: the gentle tier sends one request at a time")
    return 1


def _choose_fuzz_requests(target: TargetAddress, tiers: frozenset[Tier], requested: int | None) -> int:
    """How many generated requests are sent: beyond this machine only what was asked for, and allowed."""
    if requested and Tier.BURST not in tiers:
        raise UsageError("generated requests are of the tier burst: allow it with --allow burst, or --tier burst")
    if requested is None:
        return DEFAULT_FUZZ_REQUESTS if target.is_loopback and Tier.BURST in tiers else 0
    return requested
