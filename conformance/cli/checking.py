"""`conformance self-check`: the checks themselves are judged, by servers that are known to be broken."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import resources
from conformance.errors import CannotJudge, UsageError
from conformance.profile import load
from conformance.selfcheck import EVERY, USUAL, judge, report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.selfcheck import Score

_STEPS = 20
_IMPERFECT = 1


def self_check(options: Mapping[str, Any]) -> int:
    """Judges the checks and returns the exit code: 0 only if all is perfect."""
    writers = {name: options[name] for name in ("json", "markdown") if options[name]}
    if list(writers.values()).count("-") > 1:
        raise UsageError("only one report can go to standard output")
    profiles = [options["profile"]] if options["profile"] else resources.profile_names()
    for profile in profiles:
        load(profile)
    score = asyncio.run(judge(profiles, _watch, each=EVERY if options["thorough"] else USUAL))
    _write(score, writers)
    problems = score.problems()
    told = [*report.summary(score), *problems, "perfect" if not problems else "not perfect"]
    out = sys.stderr if "-" in writers.values() else sys.stdout
    out.write("\n".join(told) + "\n")
    return _IMPERFECT if problems else 0


def _watch(done: int, total: int) -> None:
    """A line now and then."""
    if done * _STEPS // total > (done - 1) * _STEPS // total:
        sys.stderr.write(f"{done}/{total} servers\n")
        sys.stderr.flush()


def _write(score: Score, writers: Mapping[str, str]) -> None:
    """Writes the reports that were asked for. Raises CannotJudge if one can't be written."""
    made: dict[str, Callable[[Score], str]] = {"json": report.text, "markdown": report.markdown}
    for name, place in writers.items():
        try:
            if place == "-":
                sys.stdout.write(made[name](score))
            else:
                Path(place).write_text(made[name](score), encoding="utf-8")
        except OSError as error:
            raise CannotJudge(f"--{name} {place}: the report can't be written: {error.strerror}") from None
