"""The report as SARIF 2.1.0, for tools that show the findings of code scanners."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from conformance.core.model import DEVIATING_OUTCOMES, Level, Outcome
from conformance.core.resources import profile_names
from conformance.core.text import escape_controls, to_json_text, truncate
from conformance.report.cause_view import view_causes
from conformance.report.document import UNJUDGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.core.model import Json, JsonObject
    from conformance.report.cause_view import CauseView

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Level.MUST: "error", Level.SHOULD: "warning", Level.MAY: "note"}
_BRACKETS = re.compile(r"\[[^\]]*(?:\](?P<address>\()?)?")
"""An opening bracket and all up to the first closing one, and the start of an address that makes it a link."""
_MAX_LENGTH = 1000


def render_sarif(document: Mapping[str, Any]) -> str:
    """A log of one run: a result for each cause, with the calls that show it; a rule for the check that names it.

    A broken check without a cause is a result on each call.

    SARIF wants a result to be in a file, and the target's source is unknown here: so the file is the profile that
    states the promise, and the call is the logical location. Checks without an answer become notifications. All that
    can't be asked on a call because nothing is accepted there is one result.
    """
    checks = document["checks"]
    broken = _causes_and_failures(document)
    rules = _rules(broken)
    rule_indexes = {rule: number for number, rule in enumerate(rules)}
    profile = document["profile"]["name"]
    notifications: list[Json] = [_notification(item) for item in checks if item["outcome"] == Outcome.ERROR]
    if document["run"].get("failure"):
        notifications.append(_warning(document["run"]["failure"]))
    run: JsonObject = {
        "tool": {
            "driver": {
                "name": document["suite"]["name"],
                "semanticVersion": document["suite"]["version"],
                "rules": list(rules.values()),
            }
        },
        "automationDetails": {"id": f"conformance/{profile}/"},
        "invocations": [
            {
                "executionSuccessful": document["verdict"] != UNJUDGED,
                "toolExecutionNotifications": notifications,
            }
        ],
        "results": [_result(item, profile, rule_indexes[item["id"]]) for item in broken],
        "properties": {
            "target": document["target"]["url"],
            "profile": profile,
            "gate": document["run"]["gate"],
            "verdict": document["verdict"],
        },
    }
    return to_json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=True) + "\n"


def _one_for_each_dead_path(checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The checks, of those on a call that accepts nothing only the strongest, which says how many there are."""
    groups: dict[tuple[str, bool], list[Mapping[str, Any]]] = {}
    for item in checks:
        if item.get("path_state"):
            groups.setdefault((item["operation"], bool(item.get("known"))), []).append(item)
    kept: list[Mapping[str, Any]] = [item for item in checks if not item.get("path_state")]
    for group in groups.values():
        strongest = min(group, key=lambda item: Level(item["level"]).rank)
        number = f"{len(group)} checks can't be tested here: " if len(group) > 1 else ""
        kept.append({**strongest, "message": f"{number}{strongest['message']}"})
    return sorted(kept, key=lambda item: (item["id"], item["operation"]))


def _causes_and_failures(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The causes in the form of checks, and the broken checks that have none."""
    overview, checks = view_causes(document), document["checks"]
    views = [view for view in overview.all if view.outcome in DEVIATING_OUTCOMES] if overview else []
    failures = [item for item in checks if item["outcome"] in DEVIATING_OUTCOMES]
    lone = [item for item in failures if "cause" not in item] if overview else failures
    return [*(_as_check(view, checks) for view in views), *_one_for_each_dead_path(lone)]


def _as_check(view: CauseView, checks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """A cause in the form of the check that names it, with all calls that show it."""
    cause = view.data
    naming = next(item for item in checks if item["id"] == cause["check"])
    own = {name: cause[name] for name in ("level", "calls", "sources", "expected", "received")}
    return {
        **naming, **own, "id": cause["check"], "message": cause["sentence"], "title": cause["promise"],
        "operation": "", "outcome": view.outcome, "cause": cause["id"], "explains": view.check_ids,
        "known": {"reason": view.known} if view.known else None,
    }  # fmt: skip


def _rules(checks: Iterable[Mapping[str, Any]]) -> dict[str, Json]:
    """The checks as rules, by id; each at the strongest level that it has."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for item in checks:
        groups.setdefault(item["id"], []).append(item)
    return {name: _rule(name, groups[name]) for name in sorted(groups)}


def _rule(name: str, checks: Sequence[Mapping[str, Any]]) -> JsonObject:
    """A check as a rule, with the documents that state its promise."""
    level = min((Level(item["level"]) for item in checks), key=lambda item: item.rank)
    sources = list({json.dumps(source): source for item in checks for source in item["sources"]}.values())
    lines = [
        f"{source['document']}, section '{source['section']}'{': ' if source['says'] else ''}{source['says']}"
        for source in sources
    ]
    rule: JsonObject = {
        "id": name,
        "shortDescription": _message(checks[0]["title"]),
        "fullDescription": _message(checks[0]["title"]),
        "help": _message("\n".join([checks[0]["title"], *lines])),
        "defaultConfiguration": {"level": _LEVELS[level]},
        "properties": {"tags": [checks[0]["area"], level.value]},
    }
    links = [source["url"] for source in sources if re.fullmatch(r"https?://[\x21-\x7e]+", source["url"])]
    return {**rule, "helpUri": links[0]} if links else rule


def _result(item: Mapping[str, Any], profile: str, rule: int) -> JsonObject:
    """A check that is broken on one call."""
    place = ["cause", item["cause"]] if "calls" in item else [item["id"], item["operation"]]
    digest = hashlib.sha256(json.dumps([profile, *place]).encode()).hexdigest()[:32]
    return {
        "ruleId": item["id"],
        "ruleIndex": rule,
        "level": _LEVELS[Level(item["level"])],
        "message": _message(item["message"] or item["title"]),
        "locations": [_location(item, profile)],
        "partialFingerprints": {"primaryLocationLineHash": f"{digest}:1", "conformanceCheck/v1": digest},
        **_suppressions(item),
        "properties": {
            "outcome": item["outcome"],
            "expected": escape_controls(item["expected"])[:_MAX_LENGTH],
            "received": escape_controls(item["received"])[:_MAX_LENGTH],
            **({"cause": item["cause"], "checks": [*item["explains"]]} if "calls" in item else {}),
        },
    }


def _suppressions(item: Mapping[str, Any]) -> JsonObject:
    """The reason why a result does not count, if it is a known deviation."""
    if not item.get("known"):
        return {}
    return {"suppressions": [{"kind": "external", "justification": escape_controls(item["known"]["reason"])}]}


def _location(item: Mapping[str, Any], profile: str) -> JsonObject:
    """The profile's file, as a path from the root of a repository, and the call."""
    folder = "specs/profiles/" if profile in profile_names() else ""
    location: JsonObject = {
        "physicalLocation": {
            "artifactLocation": {"uri": f"{folder}{quote(profile, safe='')}.yaml"},
            "region": {"startLine": 1},
        }
    }
    calls = item.get("calls") or ([item["operation"]] if item["operation"] else [])
    if calls:
        location["logicalLocations"] = [
            {"fullyQualifiedName": escape_controls(call), "kind": "resource"} for call in calls
        ]
    return location


def _notification(item: Mapping[str, Any]) -> JsonObject:
    """A check that ended without a verdict."""
    return _warning(f"{item['id']} on {item['operation']}: {item['message']}")


def _warning(text: str) -> JsonObject:
    """A notification of the run."""
    return {"level": "warning", "message": _message(text)}


def _message(text: str) -> JsonObject:
    """A message in which nothing is a placeholder or a link (SARIF 2.1.0, sections 3.11.5 and 3.11.6)."""
    line = truncate(escape_controls(text), _MAX_LENGTH)
    return {"text": _BRACKETS.sub(_escape_link, line.replace("{", "{{").replace("}", "}}"))}


def _escape_link(match: re.Match[str]) -> str:
    """The text of a match, in which no bracket opens a link."""
    return match[0].replace("[", "\\[") if match["address"] else match[0]
