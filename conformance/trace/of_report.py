"""The trace of a report: what became of the statements of the documents in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.contract import Contract
from conformance.core import resources
from conformance.profile import load
from conformance.trace.rendering import rows_by_document
from conformance.trace.requirements import has_requirements, load_requirements
from conformance.trace.tracing import trace

if TYPE_CHECKING:
    from collections.abc import Mapping


def statements_of_report(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The statements by document, with how they came out in a JSON report.

    Empty for a profile of the user, for which no statements come with the suite.
    """
    name = document["profile"]["name"]
    if name not in resources.profile_names():
        return {}
    profile = load(name)
    if profile.title != document["profile"]["title"] or not has_requirements(profile):
        return {}
    asked_paths = {str(item["operation"] or "").partition(" ")[2] for item in document["checks"]}
    groups = {route.group for route in profile.routes if route.group and route.path in asked_paths}
    traced = trace(Contract(profile, groups), profile.document_titles, load_requirements(profile), document)
    return rows_by_document(traced)
