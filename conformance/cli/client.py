"""`conformance client`: judges a program that sends events, with scripts of answers."""

from __future__ import annotations

import fnmatch
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.cli import output
from conformance.cli.options_to_settings import parse_timeout
from conformance.clients import ClientScript, Finding, find_client, judge, load_client_scripts, run_scripts
from conformance.clients.judge import RULES
from conformance.contract import Contract
from conformance.core.errors import UsageError
from conformance.core.model import Level
from conformance.core.text import did_you_mean, escape_controls, to_json_text
from conformance.profile import load
from conformance.redaction import redact, redact_document
from conformance.refserver.embedded import run_embedded_server
from conformance.requests import Keys
from conformance.sdk_runs.driving import WRITE_KEY
from conformance.wire import parse_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.clients import ClientRun

    _Judged: TypeAlias = tuple[ClientRun, list[Finding]]

_BROKEN_CODE = 1
_MAX_TIMEOUT_S = 600.0


def client(options: Mapping[str, Any]) -> int:
    """Runs a client with every script and returns the exit code."""
    profile = load(options["profile"])
    command = options["client"][1:] if options["client"][:1] == ["--"] else options["client"]
    if not command:
        raise UsageError("a command is needed: the one that starts the client")
    scripts = _chosen(options["script"] or ())
    timeout_s = parse_timeout("timeout", options["timeout"], 60.0, _MAX_TIMEOUT_S)
    outputs = output.Outputs.requested(options, ("json",))
    outputs.clear()
    with run_embedded_server(profile.name, Keys(write_key=WRITE_KEY)) as url:
        reference = parse_target(url)
        found = find_client(command, load_client_scripts()[0], reference, timeout_s)
        judged = [(run, judge(run, Contract(profile))) for run in run_scripts(found, scripts, reference)]
    out = sys.stderr if outputs.has_stdout else sys.stdout
    out.write("\n".join(redact(escape_controls(line)) for line in _lines(judged)) + "\n")
    document = _document(profile.name, command, judged)
    outputs.publish_texts(lambda _: to_json_text(redact_document(document), indent=2) + "\n")
    return _BROKEN_CODE if any(finding.level is Level.MUST for _, broken in judged for finding in broken) else 0


def _chosen(patterns: Sequence[str]) -> list[ClientScript]:
    """The scripts to run; all without a pattern. Raises UsageError for a pattern that fits none."""
    scripts = load_client_scripts()
    names = [script.name for script in scripts]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            raise UsageError(f"--script {pattern}: no such script{did_you_mean(pattern, names)}")
    return [script for script in scripts if not patterns or any(fnmatch.fnmatch(script.name, p) for p in patterns)]


def _lines(judged: Sequence[_Judged]) -> list[str]:
    lines = []
    for run, broken in judged:
        lines.append(f"{'broken' if broken else 'kept':<8}{run.script.name}: {run.script.title}")
        lines += [f"{'':<8}{finding.level.name} {finding.rule}: {finding.message}" for finding in broken]
    whole = sum(not broken for _, broken in judged)
    return [*lines, f"{whole} of {len(judged)} scripts without a broken rule"]


def _document(
    profile: str, command: Sequence[str], judged: Sequence[tuple[ClientRun, list[Finding]]]
) -> dict[str, Any]:
    return {
        "format": 1,
        "kind": "client",
        "profile": profile,
        "command": list(command),
        "rules": {name: {"level": level.value, "title": title} for name, (level, title) in RULES.items()},
        "scripts": [
            {
                "name": run.script.name,
                "title": run.script.title,
                "requests": len(run.requests),
                "events": len(run.script.marks),
                "code": run.code,
                "broken": [
                    {"rule": finding.rule, "level": finding.level.value, "message": finding.message}
                    for finding in broken
                ],
            }
            for run, broken in judged
        ],
    }


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"client": client}
