"""The report as SARIF 2.1.0, for tools that show the findings of code scanners."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from conformance.core.model import Level, Outcome
from conformance.core.text import escape_controls, to_json_text, truncate
from conformance.report.document import UNJUDGED
from conformance.report.markdown.markup import escape_markdown, inline_code, markdown_link
from conformance.report.scan_results import Place, broken_items, fingerprint, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.core.model import Json, JsonObject

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Level.MUST: "error", Level.SHOULD: "warning", Level.MAY: "note"}
_BRACKETS = re.compile(r"\[[^\]]*(?:\](?P<address>\()?)?")
"""An opening bracket and all up to the first closing one, and the start of an address that makes it a link."""
_MAX_LENGTH, _MAX_HELP_LENGTH = 1000, 4000


def render_sarif(document: Mapping[str, Any]) -> str:
    """A log of one run: a result for each cause, with the calls that show it; a rule for the check that names it.

    A broken check without a cause is a result on each call.

    SARIF wants a result to be in a file: it is the one that the settings name, or else the profile that states the
    promise, for the target's source is unknown here. The call is the logical location. Checks without an answer become
    notifications. All that can't be asked on a call because nothing is accepted there is one result.
    """
    checks = document["checks"]
    broken = broken_items(document)
    rules = _rules(broken)
    rule_indexes = {rule: number for number, rule in enumerate(rules)}
    profile = document["profile"]["name"]
    notifications: list[Json] = [_notification(item) for item in checks if item["outcome"] == Outcome.ERROR]
    reasons = [document["run"][name] for name in ("failure", "stopped") if name in document["run"]]
    notifications += map(_warning, reasons)
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
        "results": [_result(item, profile, rule_indexes[item["id"]], place_of(document)) for item in broken],
        "properties": {
            "target": document["target"]["url"],
            "profile": profile,
            "gate": document["run"]["gate"],
            "verdict": document["verdict"],
        },
    }
    return to_json_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=True) + "\n"


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
        "name": _rule_name(name),
        "shortDescription": _message(checks[0]["title"]),
        "fullDescription": _message(checks[0]["title"]),
        "help": {**_message("\n".join([checks[0]["title"], *lines])), "markdown": _help(name, checks[0], sources)},
        "defaultConfiguration": {"level": _LEVELS[level]},
        "properties": {"tags": [checks[0]["area"], level.value]},
    }
    links = [source["url"] for source in sources if re.fullmatch(r"https?://[\x21-\x7e]+", source["url"])]
    return {**rule, "helpUri": links[0]} if links else rule


def _rule_name(name: str) -> str:
    """The id as one word, as names of rules are written: `AuthKeyUnknown`."""
    return "".join(word.capitalize() for word in re.split("[^a-z0-9]+", name))


def _help(name: str, check: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]) -> str:
    """What is promised, by which document, and what to do, as Markdown."""
    documents = [
        f"- {markdown_link(source['document'], source['url'])}, section {escape_markdown(source['section'])}"
        f"{': ' if source['says'] else ''}{escape_markdown(source['says'])}"
        for source in sources
    ]
    steps = [
        f"- What the check asks, and who promises it: {inline_code(f'conformance explain {name}')}",
        f"- To see it pass: {inline_code(f'conformance run URL --profile NAME --select {name}')}",
        "- If it has to stay so for now: list it as a known deviation, with the reason",
    ]
    parts = [f"**{escape_markdown(check['title'])}**", "\n".join(documents), "\n".join(steps)]
    return truncate("\n\n".join(part for part in parts if part), _MAX_HELP_LENGTH)


def _result(item: Mapping[str, Any], profile: str, rule: int, place: Place) -> JsonObject:
    """A check that is broken on one call."""
    digest = fingerprint(item, profile)
    return {
        "ruleId": item["id"],
        "ruleIndex": rule,
        "level": _LEVELS[Level(item["level"])],
        "message": _message(item["message"] or item["title"]),
        "locations": [_location(item, place)],
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


def _location(item: Mapping[str, Any], place: Place) -> JsonObject:
    """The file, as a path from the root of a repository, and the calls."""
    location: JsonObject = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(place.path)},
            "region": {"startLine": place.line},
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
