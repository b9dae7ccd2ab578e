"""Reports read from files: complete JSON documents of a known format that match their schema."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from conformance.core.errors import UsageError
from conformance.core.foreign_json import Unreadable, read_file_json
from conformance.core.model import Level, Outcome
from conformance.core.resources import read_json_spec
from conformance.core.user_files import REPORT_FILE_BYTES, read_text
from conformance.report.document import FORMAT_VERSION, dump_json, verdict_of_gated

if TYPE_CHECKING:
    from collections.abc import Iterable


_MAX_LENGTH = 160


def load(path: str) -> dict[str, Any]:
    """The report in a file. Raises UsageError, with one sentence, for anything else."""
    document = _read(path)
    if "reports" in document:
        raise UsageError(f"{path}: this file holds several reports, and one is needed")
    _validate(path, document)
    return document


def load_all(path: str) -> list[dict[str, Any]]:
    """The reports in a file: one, or several written together. Raises UsageError as `load` does."""
    document = _read(path)
    if "reports" not in document:
        _validate(path, document)
        return [document]
    _check_format(path, document)
    reports = document["reports"]
    if not isinstance(reports, list) or not all(isinstance(item, dict) for item in reports) or not reports:
        raise UsageError(f"{path}: /reports is not a list of reports")
    for item in reports:
        _validate(path, item)
    return reports


def combine_reports(documents: Iterable[dict[str, Any]]) -> str:
    """Several reports as one JSON text, which `load_all` reads back."""
    document = {"format": FORMAT_VERSION, "reports": list(documents), "complete": True}
    return dump_json(document)


def _read(path: str) -> dict[str, Any]:
    """The JSON object in a file. Raises UsageError if it is none, or has no format."""
    content = read_text(path, what="the report", max_bytes=REPORT_FILE_BYTES)
    document = read_file_json(content)
    if isinstance(document, Unreadable):
        if content.lstrip().startswith("{") and not content.rstrip().endswith("}"):
            raise UsageError(f"{path}: the report is truncated: it breaks off before its end") from None
        raise UsageError(f"{path}: this is no report: {document}") from None
    if not isinstance(document, dict) or "format" not in document:
        raise UsageError(f"{path}: this is no report: it has no format")
    return document


def _validate(path: str, document: dict[str, Any]) -> None:
    """Raises UsageError unless the document is a complete report, with the verdict and counts of its checks."""
    _check_format(path, document)
    for problem in _validator().iter_errors(document):
        place = "".join(f"/{part}" for part in problem.instance_path) or "its top level"
        message = problem.message
        shortened = message if len(message) <= _MAX_LENGTH else f"...{message[-_MAX_LENGTH:]}"
        raise UsageError(f"{path}: this is no report: at {place}, {shortened}")
    _check_conclusions(path, document)


def _check_conclusions(path: str, document: dict[str, Any]) -> None:
    """Raises UsageError unless the counts and the verdict of a complete report follow from its checks."""
    checks = document["checks"]
    counts = Counter(item["outcome"] for item in checks)
    for outcome in Outcome:
        stated = document["counts"].get(outcome.value, 0)
        if stated != counts[outcome.value]:
            wrong = f"/counts/{outcome.value} is {stated}, and {counts[outcome.value]} checks have that outcome"
            raise UsageError(f"{path}: the report contradicts itself: {wrong}")
    gate = Level(document["run"]["gate"])
    verdict = verdict_of_gated(
        Outcome(item["outcome"]) for item in checks if Level(item["level"]).is_at_least(gate) and "known" not in item
    )
    if document["verdict"] != verdict:
        wrong = f"its verdict is {document['verdict']!r}, and its checks make it {verdict!r}"
        raise UsageError(f"{path}: the report contradicts itself: {wrong}")


def _check_format(path: str, document: dict[str, Any]) -> None:
    """Raises UsageError unless the document has this format and is complete."""
    if document.get("format") != FORMAT_VERSION:
        format_text = json.dumps(document.get("format"))[:_MAX_LENGTH]
        raise UsageError(f"{path}: a report of format {format_text}; this version reads format {FORMAT_VERSION}")
    if document.get("complete") is False:
        raise UsageError(f"{path}: the report is truncated: its run ended before everything was judged")
    if document.get("complete") is not True:
        raise UsageError(f'{path}: the report is truncated: it does not end with "complete": true')


@cache
def _validator() -> jsonschema_rs.Validator:
    """The compiled schema."""
    return jsonschema_rs.validator_for(read_json_spec("report.schema.json"))
