"""`conformance self-check`: the checks themselves are judged, by servers that are known to be broken."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from conformance import resources
from conformance.cli import writing
from conformance.profile import load
from conformance.selfcheck import EVERY, USUAL, judge, report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STEPS = 20
_IMPERFECT = 1


def self_check(options: Mapping[str, Any]) -> int:
    """Judges the checks and returns the exit code: 0 only if all is perfect."""
    wanted = writing.places(options, ("json", "markdown"))
    profiles = [options["profile"]] if options["profile"] else resources.profile_names()
    for profile in profiles:
        load(profile)
    score = asyncio.run(judge(profiles, _watch, each=EVERY if options["thorough"] else USUAL))
    for name, place in wanted.items():
        writing.write(name, place, report.text(score) if name == "json" else report.markdown(score))
    problems = score.problems()
    told = [*report.summary(score), *problems, "perfect" if not problems else "not perfect"]
    out = sys.stderr if writing.STDOUT in wanted.values() else sys.stdout
    out.write("\n".join(told) + "\n")
    return _IMPERFECT if problems else 0


def _watch(done: int, total: int) -> None:
    """A line now and then."""
    if done * _STEPS // total > (done - 1) * _STEPS // total:
        sys.stderr.write(f"{done}/{total} servers\n")
        sys.stderr.flush()


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"self-check": self_check}
