"""A run: settings -> preflight -> engine -> verdicts. The one way in for the command and the plugin."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from conformance import __version__, engine, preflight
from conformance.catalogue import Check, Tier, Trial, chosen, trials
from conformance.engine import Breaker, Sender
from conformance.errors import CannotJudge, NoAnswer, Stopped, UsageError
from conformance.model import RUN_ID, Area, Level, Verdict
from conformance.payloads import Keys
from conformance.permission import GENTLE, permit
from conformance.profile.facts import Limit as SizeLimit
from conformance.repetition import combined
from conformance.report.document import Header, Report
from conformance.report.limits import Limit, limits
from conformance.verdicts import judged
from conformance.wire import Budget, Redactor, Wire, parse
from conformance.wire.budget import WORDS
from conformance.wire.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from conformance.contract import Contract
    from conformance.deviations import Deviations
    from conformance.engine import Finding
    from conformance.payloads import Ground
    from conformance.wire import Target

_SECRET_HEADER = re.compile("auth|cookie|key|token|secret|pass|sign", re.IGNORECASE)
JOBS = 8
"""How many requests are in flight unless the user says otherwise."""
FUZZ, FUZZ_S = 8_000, 5.0
"""How many generated requests a run sends to this machine, and for how many seconds at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to judge, and how hard to press the target.

    `jobs` is the number of requests in flight, `rate` the most requests a second (None: as fast as it
    goes), `deadline_s` the seconds that one exchange may take; `fuzz` the number of generated requests,
    `fuzz_s` the seconds that they may take. `budget` is what is sent at most in all, `run_id` what the
    events are marked with.
    """

    target: Target
    contract: Contract
    keys: Keys
    trials: Sequence[Trial]
    gate: Level = Level.MUST
    jobs: int = 8
    rate: float | None = None
    deadline_s: float = 10.0
    fuzz: int = 0
    fuzz_seed: int = 1
    fuzz_s: float | None = None
    tiers: frozenset[Tier] = frozenset(Tier)
    budget: Budget = field(default_factory=Budget)
    run_id: str = RUN_ID

    def only(self, trials: Sequence[Trial]) -> Plan:
        """The same with some trials."""
        return replace(self, trials=trials)

    def wire(self, wire_type: type[Wire] = Wire) -> Wire:
        """A wire to the target, as hard on it as the plan says."""
        return wire_type(
            target=self.target,
            redactor=Redactor(self.secrets()),
            connections=self.jobs,
            deadline_s=self.deadline_s,
            throttle=Throttle(self.rate),
            budget=self.budget,
        )

    def secrets(self) -> dict[str, str]:
        """Every secret of the run with its stand-in; a further header is one if its name says so."""
        headers = {
            value: f"$HEADER_{index}"
            for index, (name, value) in enumerate(self.target.headers, 1)
            if _SECRET_HEADER.search(name)
        }
        return {**headers, **self.keys.spellings()}


@dataclass(slots=True, kw_only=True)
class Result:
    """What a run came to; `stopped` says why, if it ended before its end."""

    verdicts: list[Verdict] = field(default_factory=list)
    requests: int = 0
    duration_s: float = 0.0
    waited_s: float = 0.0
    stopped: str = ""


def together(results: Sequence[Result]) -> Result:
    """Several runs of one plan as one: of each check the worst, and how often it came to what."""
    if len(results) == 1:
        return results[0]
    return Result(
        verdicts=combined([item.verdicts for item in results]),
        requests=sum(item.requests for item in results),
        duration_s=sum(item.duration_s for item in results),
        waited_s=sum(item.waited_s for item in results),
        stopped=next((item.stopped for item in results if item.stopped), ""),
    )


def excused(done: Report, listed: Deviations, ids: Collection[str], *, is_whole: bool) -> Report:
    """A report that knows a list of known deviations, and what of that is stale today.

    `ids` are those of all checks; `is_whole` says that none was left out by the user.
    """
    today = datetime.now(UTC).date()
    stale = listed.stale(done.verdicts, ids, today, is_whole=is_whole)
    return replace(done, verdicts=tuple(listed.applied(done.verdicts)), stale=stale)


def prepare(settings: Mapping[str, Any], url: str, contract: Contract, checks: Sequence[Check]) -> Plan:
    """A plan from resolved settings. Raises UsageError for what does not fit, or may not be tested so."""
    if not settings["write_key"]:
        raise UsageError("a write key is needed: set CONFORMANCE_WRITE_KEY, or pass --write-key KEY")
    if not f"{settings['write_key']}{settings['bearer'] or ''}".isprintable():
        raise UsageError(
            "the write key or the access token contains a line break or another control character"
        )
    keys = Keys(write_key=settings["write_key"], bearer=settings["bearer"])
    target = parse(
        url,
        headers=tuple(settings["header"]),
        ca_bundle=settings["ca_bundle"],
        insecure=settings["insecure"],
    )
    tiers = permit(target, contract.profile, settings)
    return Plan(
        target=target,
        contract=contract,
        keys=keys,
        trials=chosen(trials(contract, keys, checks, tiers), settings["select"], settings["deselect"]),
        gate=settings["gate"],
        jobs=_jobs(tiers, settings["jobs"]),
        rate=settings["rate"],
        deadline_s=settings["deadline"],
        fuzz=_fuzz(target, tiers, settings["fuzz"]),
        fuzz_seed=settings["fuzz_seed"],
        fuzz_s=settings["max_time"] or (FUZZ_S if settings["fuzz"] is None else None),
        tiers=tiers,
        budget=Budget(**{word: settings[f"max_{word}"] for word in WORDS}),
        run_id=settings["run_id"],
    )


def _jobs(tiers: frozenset[Tier], asked: int | None) -> int:
    """How many requests are in flight: in the gentle tier one."""
    if tiers != GENTLE:
        return asked or JOBS
    if asked not in {None, 1}:
        raise UsageError(f"--jobs {asked}: the gentle tier sends one request at a time")
    return 1


def _fuzz(target: Target, tiers: frozenset[Tier], asked: int | None) -> int:
    """How many generated requests are sent: beyond this machine only what was asked for, and allowed."""
    if asked and Tier.BURST not in tiers:
        raise UsageError(
            "generated requests are of the tier burst: allow it with --allow burst, or --tier burst"
        )
    if asked is None:
        return FUZZ if target.is_loopback and Tier.BURST in tiers else 0
    return asked


async def execute(
    plan: Plan,
    tell: Callable[[Trial, Verdict], None],
    *,
    ready: Callable[[], None] = lambda: None,
    result: Result | None = None,
    wire_type: type[Wire] = Wire,
) -> Result:
    """Judges every trial of a plan and tells each verdict as it falls; `ready` is told when the first may.

    `result` is filled as the run goes, for who may have to stop it. A target that dies on the way stops it,
    too. Raises CannotJudge if nothing that is valid is accepted.
    """
    result = result or Result()
    start_s = time.monotonic()
    wire = plan.wire(wire_type)
    sender = Sender(wire=wire)

    def done(trial: Trial, finding: Finding) -> None:
        verdict = judged(trial, finding)
        result.verdicts.append(verdict)
        tell(trial, verdict)

    try:
        async with wire:
            ground = await _ground(plan, sender)
            sender.breaker = Breaker()
            ready()
            firm = [replace(trial, ground=ground) for trial in plan.trials]
            fuzzed = [trial for trial in firm if plan.fuzz and trial.check.area is Area.FUZZ]
            others = [trial for trial in firm if not plan.fuzz or trial.check.area is not Area.FUZZ]
            await engine.run(others, sender, plan.jobs, done)
            result.requests += await _fuzzed(plan, fuzzed, sender, done) if fuzzed else 0
    except Stopped as end:
        result.stopped = str(end)
    finally:
        result.requests += wire.sent
        result.waited_s = sender.waited_s
        result.duration_s = time.monotonic() - start_s
    return result


async def _fuzzed(
    plan: Plan, trials: Sequence[Trial], sender: Sender, done: Callable[[Trial, Finding], None]
) -> int:
    """Fuzzes, and returns the number of requests; nobody who does not fuzz pays for its generators."""
    from conformance.fuzz import verdicts

    effort = verdicts.Effort(count=plan.fuzz, seed=plan.fuzz_seed, max_time_s=plan.fuzz_s)
    return await verdicts.run(trials, effort, sender, done)


async def _ground(plan: Plan, sender: Sender) -> Ground:
    """What the preflight finds. Raises CannotJudge where there is nothing to stand on."""
    try:
        return await preflight.fly(plan.contract, plan.keys, sender, plan.run_id)
    except NoAnswer as failure:
        raise CannotJudge(f"{plan.target.url} can't be judged: {failure}") from None


def report(plan: Plan, result: Result, failure: str = "") -> Report:
    """The report of a run that has ended; `failure` is why it could not judge."""
    profile = plan.contract.profile
    started = datetime.now(UTC) - timedelta(seconds=result.duration_s)
    header = Header(
        version=__version__,
        url=plan.target.url,
        profile=profile.name,
        title=profile.title,
        gate=plan.gate,
        started=started.isoformat(timespec="seconds"),
        duration_s=result.duration_s,
        requests=result.requests,
        waited_s=result.waited_s,
        planned=len(plan.trials),
        stopped=result.stopped,
        failure=failure,
    )
    return Report.of(header, result.verdicts, _limits(plan, result))


def _limits(plan: Plan, result: Result) -> tuple[Limit, ...]:
    """Every size limit that checks of the plan are about, with what was measured of it."""
    asked = {
        (trial.check.fact, trial.operation)
        for trial in plan.trials
        if trial.operation and trial.facts and isinstance(trial.facts[0], SizeLimit)
    }
    return limits(plan.contract, asked, result.verdicts)
