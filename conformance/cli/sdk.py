"""`conformance sdk`: official SDKs themselves, installed and driven against a server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import sdks
from conformance.cli import output
from conformance.cli.options_to_settings import parse_timeout, require_profile, resolve_settings
from conformance.contract import Contract
from conformance.core.errors import UsageError
from conformance.core.text import did_you_mean, escape_controls, to_json_text
from conformance.profile import load
from conformance.redaction import redact, redact_document
from conformance.run.permissions import GENTLE_ONLY
from conformance.run.plan import build_plan
from conformance.sdk_runs import load_packages
from conformance.sdk_runs.run import SdkRun, SdkRunOptions, run_sdk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.profile.profile import Profile
    from conformance.run.plan import Plan
    from conformance.sdk_runs import SdkPackage

_LOST_CODE, _UNJUDGED_CODE = 1, 3
_MAX_TIMEOUT_S = 600.0


def sdk(options: Mapping[str, Any]) -> int:
    """Runs SDKs against a server and returns the exit code."""
    settings = resolve_settings(options)
    url = settings["url"]
    if url is None:
        raise UsageError("a URL is needed: that of the server that the SDKs are to send to")
    outputs = output.Outputs.requested(options, ("json",))
    require_profile(settings)
    profile = load(settings["profile"])
    packages = _chosen(options["sdk"] or ["all"], profile)
    timeout_s = parse_timeout("sdk-timeout", options["sdk_timeout"], SdkRunOptions().timeout_s, _MAX_TIMEOUT_S)
    with outputs.cleared_if_inconclusive():
        plan = build_plan(settings, url, Contract(profile), ())
    if plan.tiers == GENTLE_ONLY and len(packages) > 1:
        raise UsageError("the gentle tier sends one request at a time; name one SDK: --sdk NAME")
    outputs.clear()
    run_options = SdkRunOptions(
        directory=Path(options["sdk_dir"]).absolute() if options["sdk_dir"] else None,
        is_offline=options["offline"],
        timeout_s=timeout_s,
        key=plan.keys.write_key,
    )
    recorded = {each.name: each for each in sdks.load_all()}
    out = sys.stderr if outputs.has_stdout else sys.stdout
    runs: list[SdkRun] = []
    for package in packages:
        runs.append(run_sdk(package, plan.target, run_options, recorded.get(package.recorded_as or package.slug)))
        out.write("\n".join(_lines(runs[-1])) + "\n")
        out.flush()
    outputs.publish_texts(lambda _: to_json_text(redact_document(_document(plan, runs)), indent=2) + "\n")
    return _code(runs)


def _chosen(names: Sequence[str], profile: Profile) -> list[SdkPackage]:
    """The SDKs to run. Raises UsageError for a name that none has, or if none is the vendor's."""
    packages = {package.slug: package for package in load_packages()}
    for name in names:
        if name not in {*packages, "all"}:
            raise UsageError(f"--sdk {name}: no such SDK can be installed{did_you_mean(name, (*packages, 'all'))}")
    if "all" in names:
        chosen = [package for package in packages.values() if package.profile == profile.name and not package.is_older]
        if not chosen:
            raise UsageError(f"no SDK of {profile.name} can be installed; name another vendor's: {', '.join(packages)}")
        return chosen
    return [packages[name] for name in dict.fromkeys(names)]


def _lines(run: SdkRun) -> list[str]:
    lines = [f"{run.outcome:<10}  {run.package.title}: {run.sentence.removeprefix('not judged: ')}"]
    lines += [f"{'':<12}it reported: {error}" for error in run.errors[:3]]
    lines += [f"{'':<12}our data differ: {difference}" for difference in run.differences]
    return [redact(escape_controls(line)) for line in lines]


def _code(runs: Sequence[SdkRun]) -> int:
    outcomes = {run.outcome for run in runs}
    if "lost" in outcomes:
        return _LOST_CODE
    return _UNJUDGED_CODE if "not judged" in outcomes or not runs else 0


def _document(plan: Plan, runs: Sequence[SdkRun]) -> dict[str, Any]:
    return {
        "format": 1,
        "kind": "sdk-runs",
        "target": plan.target.url,
        "profile": plan.contract.profile.name,
        "judged_by": "answers",
        "sdks": [run.as_json() for run in runs],
    }


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {"sdk": sdk}
