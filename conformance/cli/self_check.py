"""`conformance self-check`: tests the checks on servers that are known to be broken."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from conformance.cli import output
from conformance.cli.progress import is_line_due
from conformance.clients.score import client_score
from conformance.core import event_loop, resources
from conformance.profile import load
from conformance.selfcheck import (
    ALL_PROFILES_PER_FAULT,
    DEFAULT_PROFILES_PER_FAULT,
    Selection,
    report,
    run_selection,
    run_self_check,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PROGRESS_LINES = 20
_IMPERFECT_CODE = 1


def self_check(options: Mapping[str, Any]) -> int:
    """Runs the self-check and returns the exit code: 0 only if it finds no problem."""
    outputs = output.Outputs.requested(options, ("json", "markdown"))
    profiles = [options["profile"]] if options["profile"] else resources.profile_names()
    for profile in profiles:
        load(profile)
    clients = None
    if options["fault"] or options["check"]:
        selection = Selection.matching(options["fault"] or (), options["check"] or ())
        score = event_loop.run(run_selection(profiles, lambda *_: None, selection))
        lines = report.fault_lines(score)
    else:
        count = ALL_PROFILES_PER_FAULT if options["thorough"] else DEFAULT_PROFILES_PER_FAULT
        score = event_loop.run(run_self_check(profiles, _show_progress, profiles_per_fault=count))
        clients = client_score()
        lines = [*report.summary(score), clients.line]
    problems = [*score.problems(), *(clients.problems if clients else ())]
    lines += [*problems, "perfect" if not problems else "not perfect"]
    out = sys.stderr if outputs.has_stdout else sys.stdout
    out.write("\n".join(lines) + "\n")
    outputs.publish_texts(lambda name: report.json_text(score) if name == "json" else report.markdown(score))
    return _IMPERFECT_CODE if problems else 0


def _show_progress(done: int, total: int) -> None:
    """Prints about `_PROGRESS_LINES` lines in all."""
    if is_line_due(done, total, _PROGRESS_LINES):
        sys.stderr.write(f"{done}/{total} servers\n")
        sys.stderr.flush()


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"self-check": self_check}
