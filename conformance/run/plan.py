"""A plan: the target, the trials, and the limits of what is sent."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from conformance.checks.check import Check, Tier
from conformance.checks.selection import select_trials
from conformance.checks.trial import Trial, make_trials
from conformance.core.errors import UsageError
from conformance.core.model import DEFAULT_RUN_ID, Area, Level
from conformance.profile.facts import AuthScheme
from conformance.redaction import learn
from conformance.redaction.header_secrets import secrets_of_headers
from conformance.requests import Keys
from conformance.run.permissions import GENTLE_ONLY, permitted_tiers
from conformance.run.watchdog import TimeLimits
from conformance.wire import Budget, Redactor, Wire, parse_target
from conformance.wire.browser import open_page
from conformance.wire.budget import BUDGET_UNITS
from conformance.wire.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from conformance.contract import Contract
    from conformance.requests import PreflightResult
    from conformance.run.sink_steps import WatchedSink
    from conformance.wire import TargetAddress
    from conformance.wire.browser import BrowserPage

DEFAULT_JOBS = 8
"""The number of requests in flight by default."""
DEFAULT_FUZZ_REQUESTS, DEFAULT_FUZZ_S = 8_000, 5.0
"""The number of generated requests that a run sends to loopback by default, and its limit in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The target, the trials, and the limits of what is sent.

    `jobs` is the number of requests in flight, `rate` the maximum of requests per second (None: no limit),
    `deadline_s` the time limit of one exchange. `fuzz_requests` is the number of generated requests, `fuzz_seed`
    their seed, `fuzz_max_s` their time limit in seconds (None: no limit). `budget` limits what is sent in all;
    `run_id` marks the run's events. `time_limits` bound the run as a whole; `runs_in_report` share the room
    of one file. All headers of the target but the last `plain_header_count` are secrets. `wait_s` is how long to wait
    for a target that is starting (None: not at all). `location` is the file of the user's repository in which reports
    place what is broken, if there is one. `chromium` is the path of the browser of checks that need one; empty: none.
    `sink` is where accepted events arrive; None if nobody looks.
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
    time_limits: TimeLimits = field(default_factory=TimeLimits)
    runs_in_report: int = 1
    plain_header_count: int = 0
    wait_s: float | None = None
    location: str = ""
    chromium: str = ""
    sink: WatchedSink | None = None

    def with_trials(self, trials: Sequence[Trial]) -> Plan:
        """The plan with other trials."""
        return replace(self, trials=trials)

    def with_browser(self, chromium: str) -> Plan:
        """The plan with a browser, if one is given. Raises UsageError if it can't send what the plan says."""
        if chromium and self.target.headers:
            raise UsageError("--browser can't send the headers of --header and --plain-header: a page may not")
        if chromium and self.target.has_own_authorities:
            raise UsageError("--browser can't trust the certificates of --ca-bundle; add them to those of the system")
        return replace(self, chromium=chromium)

    @contextlib.asynccontextmanager
    async def open_page(self) -> AsyncIterator[BrowserPage | None]:
        """The page of the run's browser; None if no check needs one. Raises InconclusiveError if it can't be opened."""
        if not self.chromium or not any(trial.check.needs_browser for trial in self.trials):
            yield None
            return
        redactor = Redactor(self.placeholders_by_secret())
        async with open_page(self.chromium, self.target, redactor, self.deadline_s) as page:
            yield page

    def after_preflight(self, preflight: PreflightResult) -> Plan:
        """The plan under the contract by the reading of the documents that the target follows."""
        if preflight.contract is None:
            return self
        trials = [replace(trial, contract=preflight.contract) for trial in self.trials]
        return replace(self, contract=preflight.contract, trials=trials)

    def build_wire(self) -> Wire:
        """A wire to the target, with the limits of the plan."""
        wire_type = self.sink.wire_type(self.wire_type) if self.sink else self.wire_type
        return wire_type(
            target=self.target,
            redactor=Redactor(self.placeholders_by_secret()),
            connections=self.jobs,
            deadline_s=self.deadline_s,
            throttle=Throttle(self.rate),
            budget=self.budget,
        )

    def placeholders_by_secret(self) -> dict[str, str]:
        """Every secret of the run, with its placeholder: the keys, and the headers that the user adds."""
        headers = self.target.headers[: len(self.target.headers) - self.plain_header_count]
        return {**secrets_of_headers(headers), **self.keys.placeholders_by_secret()}


def build_plan(settings: Mapping[str, Any], url: str, contract: Contract, checks: Sequence[Check]) -> Plan:
    """A plan from resolved settings. Raises UsageError for invalid settings, or if the target may not be tested."""
    if not settings["write_key"]:
        raise UsageError("a write key is needed: set CONFORMANCE_WRITE_KEY, or pass --write-key KEY")
    keys = Keys.of_settings(settings)
    texts = (keys.write_key, keys.bearer, keys.expired_bearer, keys.source_id, keys.disabled)
    if not "".join(filter(None, texts)).isprintable():
        raise UsageError("a key or the access token contains a line break or another control character")
    _require_source_id(contract, keys)
    headers = (*settings["header"], *settings["plain_header"])
    target = parse_target(url, headers=headers, ca_bundle=settings["ca_bundle"], insecure=settings["insecure"])
    tiers = permitted_tiers(target, contract.profile, settings)
    trials = [replace(trial, is_thorough=settings["thorough"]) for trial in make_trials(contract, keys, checks, tiers)]
    trials = select_trials(trials, settings["select"], settings["deselect"])
    fuzz_requests = _choose_fuzz_requests(target, tiers, settings["fuzz"])
    has_fuzz_checks = not trials or any(trial.check.area is Area.FUZZ for trial in trials)
    plan = Plan(
        target=target,
        contract=contract,
        keys=keys,
        trials=trials,
        gate=settings["gate"],
        jobs=_choose_jobs(tiers, settings["jobs"]),
        rate=settings["rate"],
        deadline_s=settings["deadline"],
        fuzz_requests=fuzz_requests if has_fuzz_checks else 0,
        fuzz_seed=settings["fuzz_seed"],
        fuzz_max_s=settings["max_time"] or (DEFAULT_FUZZ_S if settings["fuzz"] is None else None),
        tiers=tiers,
        budget=Budget(**{word: settings[f"max_{word}"] for word in BUDGET_UNITS}),
        run_id=settings["run_id"],
        time_limits=TimeLimits.of(settings["max_duration"], settings["deadline"]),
        plain_header_count=len(settings["plain_header"]),
        wait_s=settings["wait"],
        location=settings.get("sarif_location") or "",
    )
    learn(plan.placeholders_by_secret())
    return plan


def _require_source_id(contract: Contract, keys: Keys) -> None:
    """Raises UsageError if a path takes the id of a source in place of a key, and none is given."""
    if keys.source_id:
        return
    for operation in contract.operations:
        if contract.for_operation(operation).default_scheme is AuthScheme.SOURCE_ID:
            raise UsageError(f"{operation} takes the id of a source in place of a write key: pass --source-id ID")


def _choose_jobs(tiers: frozenset[Tier], requested: int | None) -> int:
    """The number of requests in flight: one if only the gentle tier is allowed."""
    if tiers != GENTLE_ONLY:
        return requested or DEFAULT_JOBS
    if requested not in {None, 1}:
        raise UsageError(f"--jobs {requested}: the gentle tier sends one request at a time")
    return 1


def _choose_fuzz_requests(target: TargetAddress, tiers: frozenset[Tier], requested: int | None) -> int:
    """The number of generated requests: a default on loopback, elsewhere only what is requested and allowed."""
    if requested and Tier.BURST not in tiers:
        raise UsageError("generated requests are of the tier burst: allow it with --allow burst, or --tier burst")
    if requested is None:
        return DEFAULT_FUZZ_REQUESTS if target.is_loopback and Tier.BURST in tiers else 0
    return requested
