"""The subcommands that send nothing: `list`, `explain`, `profiles`, `spec`; and `serve`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from conformance.cases import BROWSER_CHECKS, CHECKS
from conformance.checks.selection import select_checks
from conformance.checks.trial import Trial, make_trials
from conformance.contract import Contract
from conformance.core import resources
from conformance.core.errors import UsageError
from conformance.core.text import format_range, to_json_text
from conformance.profile import load
from conformance.profile.facts import ExpectedResponse, SizeLimit
from conformance.requests import Keys
from conformance.settings.table import WRITE_KEY_VARIABLE
from conformance.trace import has_requirements, load_requirements, requirements_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from conformance.checks.check import Check
    from conformance.profile.facts import Fact
    from conformance.trace import Requirement

_DEFAULT_KEY = "conformance-embedded-key"
"""What `serve` accepts unless a key is given."""
_PLACEHOLDER_KEYS = Keys(write_key="conformance")
_MAX_STATEMENTS = 5


def list_checks(options: Mapping[str, Any]) -> int:
    """Prints checks with the strongest level that they have; of a profile, with its level and number of operations."""
    checks = select_checks(CHECKS, options["words"])
    if options["profile"] is None:
        _print_lines(f"{check.id:38} {check.max_level:6} {check.tier:8} {check.title}" for check in checks)
        return 0
    contract = Contract(load(options["profile"]))
    for check in checks:
        stated_trials = _stated_trials(contract, check)
        level = min((trial.level for trial in stated_trials), key=lambda level: level.rank, default=None)
        title = _title_with_answer(check, stated_trials)
        _print_lines([f"{check.id:38} {level or '-':6} {len(stated_trials):3} {check.tier:8} {title}"])
    return 0


def explain(options: Mapping[str, Any]) -> int:
    """Prints what checks do, and what each profile promises about them."""
    if not options["id"].strip():
        raise UsageError("no check is named; see `conformance list`")
    checks = select_checks((*CHECKS, *BROWSER_CHECKS), [options["id"]])
    contracts = {name: Contract(load(name)) for name in options["profile"] or resources.profile_names()}
    requirements = {
        name: load_requirements(contract.profile) if has_requirements(contract.profile) else ()
        for name, contract in contracts.items()
    }
    for check in checks:
        _explain(check, contracts, requirements)
    return 0


def _explain(
    check: Check, contracts: Mapping[str, Contract], requirements: Mapping[str, Sequence[Requirement]]
) -> None:
    """Prints what a check does, what each profile promises about it, and the statements of documents that it judges."""
    _print_lines(
        [
            check.id,
            f"  {check.title}",
            f"  tier: {check.tier}",
            "",
            *(f"  {line}" for line in check.why.splitlines()),
            "",
        ]
    )
    for name, contract in contracts.items():
        _print_lines(_describe_promise(name, contract, check, requirements[name]))


def profiles(_: Mapping[str, Any]) -> int:
    """Prints the profiles that come with the suite."""
    for name in resources.profile_names():
        profile = load(name)
        _print_lines([f"{name:16} {profile.title}"])
    return 0


def spec(options: Mapping[str, Any]) -> int:
    """Prints the OpenAPI document of a profile."""
    from conformance.contract.published_openapi import publish

    contract = Contract(load(options["profile"]), options["include"] or ())
    _print_lines([to_json_text(publish(contract), indent=2)])
    return 0


def serve(options: Mapping[str, Any]) -> int:
    """Serves the reference server until it is interrupted."""
    from conformance.refserver import FurtherKeys, Server
    from conformance.refserver.store import open_store
    from conformance.settings import table

    credentials = table.resolve(options, settings=[item for item in table.SETTINGS if item.key in table.CREDENTIALS])
    given_key = credentials["write_key"]
    keys = Keys.of_settings({**credentials, "write_key": given_key or _DEFAULT_KEY})
    port = options["port"]
    if not (port.isascii() and port.isdecimal()) or int(port[:6]) > 65_535:
        raise UsageError(f"--port {port}: expected a number from 0 to 65535")
    contract = Contract(load(options["profile"]), options["include"] or ())
    further_keys = FurtherKeys(source_id=keys.source_id, disabled=keys.disabled)
    store = open_store(options["store"]) if options["store"] else None
    with Server(contract, keys.write_key, keys.bearer, further_keys, port=int(port), store=store) as server:
        note = "the write key is the one that you gave" if given_key else f"export {WRITE_KEY_VARIABLE}={_DEFAULT_KEY}"
        sample = _sample_command(contract, keys, server.url)
        _print_lines([f"{contract.profile.title} on {server.url}", note, sample])
        sys.stdout.flush()
        server.wait()
    return 0


def _sample_command(contract: Contract, keys: Keys, url: str) -> str:
    """A curl command for a request that the server accepts, with variables in place of keys."""
    from conformance.report.curl import curl_command
    from conformance.requests import Call
    from conformance.wire import Redactor

    call = Call(contract=contract, operation=contract.operations[0], keys=keys, label="serve")
    request = Redactor(keys.placeholders_by_secret()).redact_request(call.acceptable_request().build_request())
    return curl_command(request, f"{url}{request.path}")


COMMANDS: dict[str, Callable[[Mapping[str, Any]], int]] = {
    "list": list_checks,
    "explain": explain,
    "profiles": profiles,
    "spec": spec,
    "serve": serve,
}


def _stated_trials(contract: Contract, check: Check) -> list[Trial]:
    """The trials of a check on operations for which the contract states a fact."""
    return [trial for trial in make_trials(contract, _PLACEHOLDER_KEYS, [check]) if trial.operation and trial.facts]


def _title_with_answer(check: Check, stated_trials: Iterable[Trial]) -> str:
    """The title of a check with the statuses that the profile states, if they are the same on all operations."""
    stated = {fact.expect if isinstance(fact := trial.facts[0], ExpectedResponse) else () for trial in stated_trials}
    if check.observes or len(stated) != 1 or not (statuses := " or ".join(map(str, stated.pop()))):
        return check.title
    title = check.title.replace("answered as documented", f"answered {statuses}")
    return f"{title.removesuffix('.')} with {statuses}." if title.endswith("refused.") else title


def _describe_promise(name: str, contract: Contract, check: Check, requirements: Sequence[Requirement]) -> list[str]:
    """The lines on what a profile promises about a check, with sources, and with the statements that it judges."""
    stated_trials = _stated_trials(contract, check)
    if not stated_trials:
        return [f"{name}: not promised", ""]
    strictest = min(stated_trials, key=lambda trial: trial.level.rank)
    lines = [
        f"{name}: {strictest.level}{_describe_statuses(strictest)}, on "
        + ", ".join(str(trial.operation) for trial in stated_trials)
    ]
    for source in dict.fromkeys(source for trial in stated_trials for source in trial.sources):
        lines.append(f"  {source}{f': {source.says}' if source.says else ''}")
        lines += [f"    {source.url}"] if source.url else []
    judged = requirements_of(stated_trials, requirements)
    lines += [f"  judges {item.id}, lines {item.lines}: {item.says}" for item in judged[:_MAX_STATEMENTS]]
    if len(judged) > _MAX_STATEMENTS:
        lines.append(f"  judges {len(judged) - _MAX_STATEMENTS} more statements; see `conformance trace`")
    return [*lines, ""]


def _describe_statuses(trial: Trial) -> str:
    """The statuses that a fact expects and tolerates, and its limit; empty if it is about neither."""
    fact: Fact = trial.facts[0]
    if not isinstance(fact, ExpectedResponse):
        return ""
    text = f", expects {' or '.join(map(str, fact.expect))}"
    if fact.tolerate:
        text += f", tolerates {' or '.join(str(item.status) for item in fact.tolerate)}"
    if not isinstance(fact, SizeLimit):
        return text
    return f"{text}, limit {format_range(fact.at_least, fact.at_most)} {fact.unit.words}"


def _print_lines(lines: Iterable[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
