"""`conformance run`: settings in, reports out."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from conformance import settings as table
from conformance.cases import CHECKS
from conformance.cli import planning
from conformance.cli.progress import Progress
from conformance.contract import Contract
from conformance.errors import CannotJudge, UsageError
from conformance.payloads import Keys
from conformance.profile import load
from conformance.report.junit import junit
from conformance.report.terminal import show
from conformance.run import Result, execute, prepare, report
from conformance.wire import loop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.catalogue import Check
    from conformance.report.document import Report

_LOG_WIDTH = 120
_ANYWHERE = "http://127.0.0.1"
INTERRUPTED, INTERRUPTED_CODE = "interrupted", 130
_EMBEDDED = Keys(write_key="conformance-embedded-key", bearer="conformance-embedded-token")


def run(options: Mapping[str, Any]) -> int:
    """Judges a target and returns the exit code."""
    settings = table.resolve(options)
    if not settings["profile"]:
        raise UsageError(
            "a profile is needed: pass --profile NAME, one of those that `conformance profiles` lists"
        )
    writers = {name: options[name] for name in ("json", "junit") if options[name]}
    if list(writers.values()).count("-") > 1:
        raise UsageError("only one report can go to standard output")
    contract = Contract(load(settings["profile"]), settings["include"])
    if options["dry_run"]:
        return dry_run(settings, options["url"], contract, CHECKS)
    with ExitStack() as stack:
        url = options["url"]
        if url is None:
            url = stack.enter_context(reference(settings))
        done = _judge(settings, url, contract, quiet=options["quiet"])
    _write(done, writers)
    if "-" not in writers.values():
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


def _judge(settings: Mapping[str, Any], url: str, contract: Contract, *, quiet: bool) -> Report:
    """Runs the plan and watches it, unless nobody wants to. What is interrupted is reported as it is."""
    plan = prepare(settings, url, contract, CHECKS)
    planning.tell(plan, Console(stderr=True, highlight=False, quiet=quiet))
    result = Result()
    with Progress(Console(stderr=True, highlight=False, quiet=quiet), len(plan.trials)) as progress:
        try:
            loop.run(execute(plan, lambda _, verdict: progress.tell(verdict), result=result))
        except KeyboardInterrupt:
            result.stopped = INTERRUPTED
    return report(plan, result)


def _write(done: Report, writers: Mapping[str, str]) -> None:
    """Writes the reports that were asked for. Raises CannotJudge if one can't be written."""
    made: dict[str, Callable[[], str]] = {"json": done.text, "junit": lambda: junit(done)}
    for name, place in writers.items():
        try:
            if place == "-":
                sys.stdout.write(made[name]())
            else:
                Path(place).write_text(made[name](), encoding="utf-8")
        except OSError as error:
            raise CannotJudge(f"--{name} {place}: the report can't be written: {error.strerror}") from None
