"""The reference pages of all checks: one that lists them, and one for each area that explains them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases import CHECKS
from conformance.checks.trial import Trial, make_trials
from conformance.contract import Contract
from conformance.core import resources
from conformance.profile import load
from conformance.profile.facts import ExpectedResponse, MaxEvents, SizeLimit
from conformance.requests import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.checks.check import Check
    from conformance.core.model import Source

_KEYS = Keys(write_key="conformance")
_INTRODUCTION = """# Checks

Every check with its [tier](../safety.md#tiers) and its [level](../gate.md) in each profile that comes with the suite.
A dash means that the profile does not promise it. *reported* means that the check only reports what a server does and
never fails. The page of an area says what each check is for, what each profile expects on which calls, and where that
is documented; `conformance explain ID` prints the same. Optional paths (`--include`) are left out.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What one profile promises about a check: its strictest trial, the calls, and all sources."""

    profile: str
    trial: Trial
    calls: tuple[str, ...]
    sources: tuple[Source, ...]


def render() -> Mapping[str, str]:
    """The pages by their names."""
    contracts = _contracts()
    names = list(contracts)
    promises = {check.id: [_promise(name, contracts[name], check) for name in names] for check in CHECKS}
    by_area: dict[str, list[Check]] = defaultdict(list)
    for check in CHECKS:
        by_area[check.area].append(check)
    listing = [_INTRODUCTION]
    pages = {}
    for area, checks in by_area.items():
        page = f"checks/{area}.md"
        listing += [f"## {area}\n", f"| check | tier | {' | '.join(names)} | |", f"|---|---|{'---|' * len(names)}---|"]
        listing += [_row(page, check, promises[check.id]) for check in checks]
        listing.append("")
        explained = [_explain(check, promises[check.id]) for check in checks]
        pages[page] = "\n".join([f"# Checks: {area}\n", "[All checks](../checks.md)\n", *explained])
    return {"checks.md": "\n".join(listing), **pages}


def _contracts() -> dict[str, Contract]:
    """The contract of every profile that comes with the suite, its optional paths left out."""
    return {name: Contract(load(name)) for name in resources.profile_names()}


def _promise(name: str, contract: Contract, check: Check) -> Promise | None:
    """What a profile promises about a check; None for nothing."""
    stated = [trial for trial in make_trials(contract, _KEYS, [check]) if trial.operation and trial.facts]
    if not stated:
        return None
    return Promise(
        profile=name,
        trial=min(stated, key=lambda trial: trial.level.rank),
        calls=tuple(str(trial.operation) for trial in stated),
        sources=tuple(dict.fromkeys(source for trial in stated for source in trial.sources)),
    )


def _row(page: str, check: Check, promises: list[Promise | None]) -> str:
    """A check's row in the list."""
    levels = [_level(check, promise) for promise in promises]
    link = f"[`{check.id}`]({page}#{_anchor(check)})"
    return f"| {link} | {check.tier} | {' | '.join(levels)} | {_text(check.title)} |"


def _level(check: Check, promise: Promise | None) -> str:
    if promise is None:
        return "-"
    return "reported" if check.observes else str(promise.trial.level)


def _anchor(check: Check) -> str:
    """The anchor of a check's section, as both MkDocs and GitHub make it of the heading."""
    return check.id.replace(".", "")


def _explain(check: Check, promises: list[Promise | None]) -> str:
    """A check's section."""
    reports = " It only reports, and never fails." if check.observes else ""
    lines = [
        f"## {check.id}\n",
        f"**{_text(check.title)}**\n",
        f"{_text(' '.join(check.why.split()))}\n",
        f"Tier: {check.tier}.{reports}\n",
    ]
    groups: dict[tuple[str, tuple[Source, ...]], list[Promise]] = defaultdict(list)
    for promise in promises:
        if promise is not None:
            groups[_level_and_statuses(promise.trial), promise.sources].append(promise)
    for (statement, sources), members in groups.items():
        lines += [f"- {', '.join(f'`{member.profile}`' for member in members)}: {statement}"]
        lines += [f"    - {_describe_calls(member, members)}" for member in _different_calls(members)]
        lines += [f"    - {_describe_source(source)}" for source in sources]
    if not groups:
        lines.append("No profile that comes with the suite promises it.")
    return "\n".join([*lines, ""])


def _level_and_statuses(trial: Trial) -> str:
    """How strongly it is promised, and what is expected where the fact is about statuses."""
    fact = trial.facts[0]
    if not isinstance(fact, ExpectedResponse):
        return str(trial.level)
    statuses = " or ".join(map(str, fact.expect))
    if fact.tolerate:
        statuses += f" (tolerated: {', '.join(str(item.status) for item in fact.tolerate)})"
    if isinstance(fact, SizeLimit):
        return f"{trial.level}, limit {fact.at_least:,} to {fact.at_most:,} {fact.unit}; more is answered {statuses}"
    if isinstance(fact, MaxEvents):
        return f"{trial.level}, limit {fact.count:,} events; more is answered {statuses}"
    return f"{trial.level}, answered {statuses}"


def _different_calls(members: list[Promise]) -> list[Promise]:
    """One promise for each different list of calls."""
    return list({member.calls: member for member in reversed(members)}.values())[::-1]


def _describe_calls(promise: Promise, members: list[Promise]) -> str:
    same = [member.profile for member in members if member.calls == promise.calls]
    prefix = "" if len(same) == len(members) else f" ({', '.join(same)})"
    return f"on {', '.join(f'`{call}`' for call in promise.calls)}{prefix}"


def _describe_source(source: Source) -> str:
    """A source, with a link where its document has an address."""
    name = _text(str(source))
    name = f"[{name}]({source.url})" if source.url else name
    return f"{name}: {_text(source.says)}" if source.says else name


def _text(text: str) -> str:
    """Text for Markdown, where nothing in it is markup."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text).replace("<", "&lt;").replace(">", "&gt;")
