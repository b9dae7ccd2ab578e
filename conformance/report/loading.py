"""Reports read back: JSON documents that are whole, of a format that is known, and as their schema says."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from conformance.errors import UsageError
from conformance.report.document import FORMAT, text
from conformance.resources import specs

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 160


def load(path: str) -> dict[str, Any]:
    """The report in a file. Raises UsageError, with one clear sentence, for all that is none."""
    document = _read(path)
    if "reports" in document:
        raise UsageError(f"{path}: this file holds several reports, and one is needed")
    _check(path, document)
    return document


def load_all(path: str) -> list[dict[str, Any]]:
    """The reports in a file: one, or several that were written together. Raises UsageError as `load` does."""
    document = _read(path)
    if "reports" not in document:
        _check(path, document)
        return [document]
    _check_frame(path, document)
    found = document["reports"]
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found) or not found:
        raise UsageError(f"{path}: /reports is not a list of reports")
    for item in found:
        _check(path, item)
    return found


def together(documents: Iterable[dict[str, Any]]) -> str:
    """Several reports as one JSON text, which `load_all` reads back."""
    document = {"format": FORMAT, "reports": list(documents), "complete": True}
    return text(document)


def _read(path: str) -> dict[str, Any]:
    """What a file holds, if it ends as a report does."""
    try:
        content = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: the report can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: this is no report: it is not UTF-8") from None
    try:
        document = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        if content.lstrip().startswith("{") and not content.rstrip().endswith("}"):
            raise UsageError(f"{path}: the report is truncated: it breaks off before its end") from None
        raise UsageError(f"{path}: this is no report: it is not JSON ({error})") from None
    if not isinstance(document, dict) or "format" not in document:
        raise UsageError(f"{path}: this is no report: it has no format")
    return document


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _check(path: str, document: dict[str, Any]) -> None:
    """The document is a whole report. Raises UsageError if it is not."""
    _check_frame(path, document)
    for problem in _validator().iter_errors(document):
        place = "".join(f"/{part}" for part in problem.instance_path) or "its top level"
        message = problem.message
        said = message if len(message) <= _LONGEST else f"...{message[-_LONGEST:]}"
        raise UsageError(f"{path}: this is no report: at {place}, {said}")


def _check_frame(path: str, document: dict[str, Any]) -> None:
    """The document is of this format, and whole. Raises UsageError if it is not."""
    if document.get("format") != FORMAT:
        found = json.dumps(document.get("format"))[:_LONGEST]
        raise UsageError(f"{path}: a report of format {found}; this version reads format {FORMAT}")
    if document.get("complete") is False:
        raise UsageError(f"{path}: the report is truncated: its run ended before everything was judged")
    if document.get("complete") is not True:
        raise UsageError(f'{path}: the report is truncated: it does not end with "complete": true')


@cache
def _validator() -> jsonschema_rs.Validator:
    """The schema at work."""
    schema = json.loads((specs() / "report.schema.json").read_text(encoding="utf-8"))
    return jsonschema_rs.validator_for(schema)
