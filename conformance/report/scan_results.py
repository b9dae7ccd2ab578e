"""What is broken, as tools for code show it: a result for each cause, with a place in a file and a fingerprint."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.model import DEVIATING_OUTCOMES
from conformance.core.resources import profile_names
from conformance.report.cause_view import view_causes
from conformance.report.dead_paths import one_for_each_dead_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.report.cause_view import CauseView


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, as a path from the root of a repository."""

    path: str
    line: int = 1


def place_of(document: Mapping[str, Any]) -> Place:
    """Where results are shown: where the settings say, else in the profile's file."""
    location = document["run"].get("location", "")
    if location:
        path, colon, line = location.rpartition(":") if re.search(r":[0-9]+$", location) else (location, "", "")
        return Place(path, int(line)) if colon else Place(path)
    profile = document["profile"]["name"]
    return Place(f"specs/profiles/{profile}.yaml" if profile in profile_names() else f"{profile}.yaml")


def fingerprint(item: Mapping[str, Any], profile: str) -> str:
    """A digest that stays the same from run to run, of an item of `broken_items`."""
    place = ["cause", item["cause"]] if "calls" in item else [item["id"], item["operation"]]
    return hashlib.sha256(json.dumps([profile, *place]).encode()).hexdigest()[:32]


def broken_items(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The causes in the form of checks, and the broken checks that have none."""
    overview, checks = view_causes(document), document["checks"]
    views = [view for view in overview.all if view.outcome in DEVIATING_OUTCOMES] if overview else []
    failures = [item for item in checks if item["outcome"] in DEVIATING_OUTCOMES]
    lone = [item for item in failures if "cause" not in item] if overview else failures
    return [*(_as_check(view, checks) for view in views), *one_for_each_dead_path(lone)]


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
