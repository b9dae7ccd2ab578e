"""`conformance run`: settings in, reports out."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from rich.console import Console

from conformance import __version__, loop
from conformance.cases import CHECKS
from conformance.cli import planning, writing
from conformance.cli.options import REPORTS
from conformance.cli.progress import Progress
from conformance.cli.settling import need_profile, settled
from conformance.contract import Contract
from conformance.deviations import Deviations, draft, read
from conformance.errors import CannotJudge, UsageError
from conformance.payloads import Keys
from conformance.profile import load
from conformance.report import events
from conformance.report.terminal import show
from conformance.run import Result, excused, execute, prepare, report, together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.catalogue import Check
    from conformance.cli.writing import Stream
    from conformance.model import Verdict
    from conformance.report.document import Report
    from conformance.run import Plan

EVERY = "all"
"""In place of a profile: each of those that come with the suite."""
DRAFT = "write_known_deviations"
_LOG_WIDTH = 120
_ANYWHERE = "http://127.0.0.1"
INTERRUPTED, INTERRUPTED_CODE = "interrupted", 130
_EMBEDDED = Keys(write_key="conformance-embedded-key", bearer="conformance-embedded-token")


def run(options: Mapping[str, Any]) -> int:
    """Judges a target and returns the exit code."""
    settings = settled(options)
    need_profile(settings)
    if settings["profile"] == EVERY and options["dry_run"]:
        raise UsageError("--dry-run is of one profile, and --profile all judges by several")
    if settings["profile"] == EVERY:
        from conformance.cli.surveying import survey

        return survey(options, settings)
    wanted = writing.places(options, (*REPORTS, "ndjson", DRAFT))
    listed = read(settings["known_deviations"]) if settings["known_deviations"] else Deviations()
    contract = Contract(load(settings["profile"]), settings["include"])
    if options["dry_run"]:
        return dry_run(settings, options["url"], contract, CHECKS)
    with ExitStack() as stack:
        url = options["url"]
        if url is None:
            url = stack.enter_context(reference(settings))
        plan = prepare(settings, url, contract, CHECKS)
        stream = stack.enter_context(writing.Stream("ndjson", wanted.pop("ndjson", None)))
        done = _judge(plan, settings, listed, stream, quiet=options["quiet"])
    if place := wanted.pop(DRAFT, None):
        writing.write(DRAFT, place, draft(done.verdicts, done.header.gate, listed))
    writing.write_reports([done.as_json()], wanted)
    if writing.STDOUT not in {*wanted.values(), options["ndjson"]}:
        show(done, console(), quiet=options["quiet"])
    return INTERRUPTED_CODE if done.header.stopped == INTERRUPTED else done.exit_code


def dry_run(settings: Mapping[str, Any], url: str | None, contract: Contract, chosen: Sequence[Check]) -> int:
    """Shows the plan, sends nothing, and returns the exit code. It needs no key, and no server."""
    given = {**settings, "write_key": settings["write_key"] or _EMBEDDED.write_key}
    plan = prepare(given, url or _ANYWHERE, contract, chosen)
    return planning.show(plan, console(), plan.target.url if url else "the embedded reference server")


def reference(settings: dict[str, Any]) -> AbstractContextManager[str]:
    """The embedded reference server, which takes whatever key was given."""
    from conformance.refserver.embedded import embedded

    settings["write_key"] = settings["write_key"] or _EMBEDDED.write_key
    settings["bearer"] = settings["bearer"] or _EMBEDDED.bearer
    keys = Keys(write_key=settings["write_key"], bearer=settings["bearer"])
    return embedded(settings["profile"], keys, settings["include"])


def console() -> Console:
    """Standard output: as wide as the terminal, or as a CI's log."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_LOG_WIDTH)


def watched(plan: Plan, stream: Stream, *, quiet: bool) -> Result:
    """Executes a plan and shows how far it is, unless nobody wants to see. Raises CannotJudge.

    What is interrupted is a result as far as it came, and says so.
    """
    result = Result()
    with Progress(Console(stderr=True, highlight=False, quiet=quiet), len(plan.trials)) as progress:

        def tell(_: object, verdict: Verdict) -> None:
            stream.tell(events.verdict(verdict))
            progress.tell(verdict)

        try:
            loop.run(execute(plan, tell, result=result))
        except KeyboardInterrupt:
            result.stopped = INTERRUPTED
    return result


def _judge(
    plan: Plan, settings: Mapping[str, Any], listed: Deviations, stream: Stream, *, quiet: bool
) -> Report:
    """Executes a plan, as often as it is wanted, between the first and the last line of a stream."""
    profile = plan.contract.profile
    planning.tell(plan, Console(stderr=True, highlight=False, quiet=quiet))
    stream.tell(events.start(__version__, plan.target.url, profile, plan.gate, len(plan.trials)))
    try:
        results = []
        for _ in range(settings["repeat"]):
            results.append(watched(plan, stream, quiet=quiet))
            if results[-1].stopped:
                break
    except CannotJudge as failure:
        stream.tell(events.failure(str(failure)))
        raise
    is_whole = not (settings["select"] or settings["deselect"] or results[-1].stopped)
    done = excused(report(plan, together(results)), listed, {item.id for item in CHECKS}, is_whole=is_whole)
    stream.tell(events.end(done))
    return done


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"run": run}
