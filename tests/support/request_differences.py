"""How a request differs from an acceptable one, as a list of single things."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.core.model import ID_PREFIX
from conformance.requests.raw_writers import write_standard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.core.model import Request
    from conformance.requests import Draft

_TIMESTAMP = re.compile(r"(\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_RECENT_YEAR = "2020"
_MISSING = object()
WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


def draft_differences(control: Draft, case: Draft) -> list[str]:
    """The single things in which a case differs from its control; credentials count as one, wherever they are."""
    found = []
    if case.credentials != control.credentials:
        found.append("credentials")
        case = replace(case, credentials=control.credentials)
    if (case.body_size, case.event_size) != (control.body_size, control.event_size):
        found.append("size")
        control, case = (_without_size(draft, len(control.events)) for draft in (control, case))
    return found + list(dict.fromkeys(request_differences(control.build_request(), case.build_request())))


def _without_size(draft: Draft, event_count: int) -> Draft:
    """A draft with a short filler in place of a long one, and no more events than its control."""
    return replace(draft, body_size=None, event_size=None, events=draft.events[:event_count]).with_filler("a")


def request_differences(control: Request, case: Request) -> Iterator[str]:
    """Method, path, parameters, headers, framing, and the places in the JSON of the body."""
    for name in ("method", "path", "chunked"):
        if getattr(control, name) != getattr(case, name):
            yield name
    if (case.raw_writer or write_standard) is not (control.raw_writer or write_standard):
        yield "framing"
    yield from _query_differences(dict(control.query), dict(case.query))
    headers = [
        {name.lower(): value for name, value in item.headers if name.lower() != "connection"}
        for item in (control, case)
    ]
    if case.method in WITHOUT_BODY and not case.body:
        headers[0].pop("content-type", None)
        control = replace(control, body=b"")
    coding = headers[0].pop("content-encoding", None) != headers[1].pop("content-encoding", None)
    yield from _changed_names("header", *headers)
    if coding:
        yield "coding"
    elif control.body != case.body:
        yield from body_differences(control.body, case.body)


def _query_differences(control: dict[str, str], case: dict[str, str]) -> Iterator[str]:
    """The parameters that differ; in one that holds an event, the places of its JSON."""
    for name in {**control, **case}:
        pair = [control.get(name), case.get(name)]
        if pair[0] == pair[1]:
            continue
        try:
            bodies = [base64.b64decode(value or "", validate=True) for value in pair]
        except ValueError:
            bodies = []
        if bodies and all(bodies):
            yield from body_differences(*bodies)
        else:
            yield f"parameter {name}"


def body_differences(control: bytes, case: bytes) -> list[str]:
    """The places in which two bodies differ; one thing if the case is not JSON, or the same JSON in other bytes."""
    try:
        pair = [json.loads(body) for body in (control, case)]
    except (ValueError, RecursionError):
        return ["bytes"]
    return list(value_differences(*pair)) or (["bytes"] if _without_ids(control) != _without_ids(case) else [])


def value_differences(control: Any, case: Any, pointer: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """The pointers of what differs, apart from ids that the suite makes up anew for each event."""
    if isinstance(control, dict) and isinstance(case, dict):
        for name in {**control, **case}:
            yield from value_differences(control.get(name, _MISSING), case.get(name, _MISSING), f"{pointer}/{name}")
    elif isinstance(control, list) and isinstance(case, list) and pointer:
        if len(control) != len(case):
            yield pointer
        for index, (first, second) in enumerate(zip(control, case, strict=False)):
            yield from value_differences(first, second, f"{pointer}/{index}")
    elif control != case and not (_is_made_up_id(control) and _is_made_up_id(case)) and not _is_run_tag(case):
        yield re.sub("/(userId|anonymousId)$", "/identity", pointer)
        yield from _faults_of_container(control, case, pointer)
        yield from [f"{pointer} ({part})" for part in _timestamp_parts(case)][1:]


def _faults_of_container(control: Any, case: Any, pointer: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    """The loss of content, where a list stands for an object or the other way round."""
    if {type(control), type(case)} == {list, dict}:
        values, value = (control, case) if isinstance(control, list) else (case, control)
        if all(list(value_differences(value, item)) for item in values):
            yield f"{pointer} (content)"


def _timestamp_parts(value: Any) -> list[str]:  # noqa: ANN401 - JSON
    """What is unusual about a timestamp: its year, its decimals, its zone."""
    match = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if not match:
        return []
    year, decimals, zone = match.groups()
    parts = {"year": year < _RECENT_YEAR, "decimals": len(decimals or "") != len(".000"), "zone": zone != "Z"}
    return [name for name, is_unusual in parts.items() if is_unusual]


def _changed_names(kind: str, control: dict[str, str], case: dict[str, str]) -> Iterator[str]:
    for name in {**control, **case}:
        if control.get(name) != case.get(name):
            yield f"{kind} {name}"


def _is_made_up_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(rf"{ID_PREFIX}-[0-9a-f-]{{36}}", value) is not None


def _is_run_tag(value: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether a context has nothing but the tag of the run."""
    return isinstance(value, dict) and list(value) == [ID_PREFIX] and isinstance(value[ID_PREFIX], dict)


def _without_ids(body: bytes) -> bytes:
    return re.sub(rb"conformance-[0-9a-f-]{36}", b"", body)
