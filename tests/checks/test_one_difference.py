"""Every case differs from an acceptable request in one thing, or a server that minds another thing is misjudged."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cases import CHECKS
from conformance.checks.trial import make_trials
from conformance.contract import Contract
from conformance.core.errors import Deviation, NoResponse, NotApplicable
from conformance.core.model import Area, Exchange, OperationKind, Response
from conformance.core.resources import profile_names
from conformance.profile import load
from conformance.refserver.request import ReceivedRequest
from conformance.refserver.responder import Responder
from conformance.requests import Call, Draft, Keys
from tests.support.request_differences import draft_differences, value_differences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.checks.trial import Trial

KEYS = Keys(write_key="One-Difference-Key", bearer="one-difference-token")
EXCEPTIONS = {
    "*.example": "a documented example is sent word for word",
    "*.further-examples": "so are the others",
    "payload.readings.other": "so is what only one reading of the documents allows",
    "pixel.event.as-printed": "the documented pixel is sent as it is printed",
    "batch.identity.all-missing": "each event of a batch lacks its user",
    "batch.partly-bad.required": "one event of a batch has another type and lacks a field of it",
    "batch.partly-bad.every-error": "two events of a batch lack their user",
    "webhook.event.types": "an event of another type has other fields",
    "errors.html.reflected": "it looks for its text in the answer, whichever field the refusal is about",
    "robustness.recovery.late-*": "a request is refused by its head alone, and its body comes after the refusal",
    "robustness.types.*": "it judges only that nothing fails, and tries many fields at once to send less",
    "robustness.preflight.*": "a preflight is another request, which browsers make up (the Fetch standard)",
    "robustness.cors.*": "whatever a page sends has an Origin beside what else is asked",
    "robustness.options.plain": "OPTIONS carries neither events nor credentials",
    "same.*": "a form is one difference in meaning, and writes several headers or the whole JSON anew",
    "combined.*": "two things at once is what they are about",
    "values.*": "values that differ in several ways at once, such as the date, the zone and the decimals of a time",
    "sdk.*": "requests of official SDKs are sent as recorded",
}
"""Checks whose requests differ in more than one thing from ours, with the reason."""


def exchange_with(responder: Responder, draft: Draft) -> Exchange:
    """The exchange of a draft with a correct server, without a network."""
    request = draft.build_request()
    headers = {name.lower(): value for name, value in request.headers}
    if request.chunked:
        headers["transfer-encoding"] = "chunked"
    received = ReceivedRequest(
        method=request.method, path=request.path, query=dict(request.query), headers=headers, body=request.body
    )
    reply = responder.handle(received)
    media_type = (("Content-Type", reply.media_type),) if reply.media_type else ()
    response = Response(status=reply.status, headers=(*media_type, *reply.headers.items()), body=reply.body)
    return Exchange(request=request, url=request.path, response=response)


def sent_drafts(trial: Trial, responder: Responder) -> Iterator[tuple[Draft, Exchange]]:
    """What a check sends to a correct server, with the answers."""
    try:
        steps = trial.steps()
        step = next(steps)
        while True:
            drafts = (step,) if isinstance(step, Draft) else step.drafts
            exchanges = tuple(exchange_with(responder, draft) for draft in drafts)
            yield from zip(drafts, exchanges, strict=True)
            reply: Any = exchanges[0] if isinstance(step, Draft) else exchanges
            step = steps.send(reply)
    except (StopIteration, NotApplicable, Deviation, NoResponse):
        return


def acceptable_drafts(trial: Trial, case: Draft) -> Iterator[Draft]:
    """Requests to the operation that any server accepts, like a case in the number and types of their events."""
    assert trial.operation is not None
    call = Call(contract=trial.contract, operation=trial.operation, keys=KEYS, label="control")
    yield call.acceptable_request()
    yield call.full_request()
    yield call.acceptable_request().with_filler(case.filler_character)
    if call.is_batch:
        if len(case.events) > 1:
            yield call.batch_of(len(case.events))
            yield call.batch_of(len(case.events)).with_filler(case.filler_character)
        where = trial.contract.profile.pointers.type
        types = [item.get(where.lstrip("/")) for item in case.events if isinstance(item, dict)] if where else []
        names = [name for name in types if isinstance(name, str) and name in trial.contract.profile.events]
        if names:
            yield call.acceptable_request(*names)
            yield call.full_request(*names)


def offending_cases(trial: Trial, responder: Responder) -> Iterator[str]:
    """The cases of a check that differ in more than one thing from any request that is known to be accepted."""
    accepted: list[Draft] = []
    for case, exchange in sent_drafts(trial, responder):
        fewest: list[str] | None = None
        for control in [*accepted, *acceptable_drafts(trial, case)]:
            differences = draft_differences(control, case)
            if fewest is None or len(differences) < len(fewest):
                fewest = differences
            if len(fewest) <= 1:
                break
        if fewest and len(fewest) > 1:
            yield f"{trial.name}: {fewest}"
        if exchange.status < 300 and not (fewest and len(fewest) > 1):
            accepted.append(case)


@cache
def offences(profile: str) -> dict[str, list[str]]:
    """The offending cases of a profile by check, each check on one operation of each kind."""
    contract = Contract(load(profile))
    responder = Responder(contract, KEYS.write_key, KEYS.bearer)
    found: dict[str, list[str]] = {}
    seen: set[tuple[str, OperationKind]] = set()
    for trial in make_trials(contract, KEYS, CHECKS):
        if trial.operation is None or not trial.is_runnable or trial.check.area is Area.FUZZ:
            continue
        if (trial.check.id, trial.operation.kind) not in seen:
            seen.add((trial.check.id, trial.operation.kind))
            found.setdefault(trial.check.id, []).extend(offending_cases(trial, responder))
    return found


@pytest.mark.parametrize("profile", profile_names())
def test_every_case_differs_in_one_thing(profile: str) -> None:
    """From an acceptable request, or from one that was accepted before it in the same check."""
    wrong = [
        case
        for name, cases in offences(profile).items()
        if not any(fnmatchcase(name, pattern) for pattern in EXCEPTIONS)
        for case in cases
    ]
    assert not wrong


def test_exceptions_are_needed() -> None:
    """An entry for which no case differs in several things has had its day."""
    several = {name for profile in profile_names() for name, cases in offences(profile).items() if cases}
    assert [pattern for pattern in EXCEPTIONS if not any(fnmatchcase(name, pattern) for name in several)] == []


CONTROL = {"batch": [{"userId": "u", "type": "track", "event": "e"}], "sentAt": "2024-03-01T09:30:00.000Z"}


@pytest.mark.parametrize(
    ("case", "differences"),
    [
        ({}, []),
        ({"batch": CONTROL["batch"][0]}, ["/batch"]),
        ({"batch": {}}, ["/batch", "/batch (content)"]),
        ({"batch": [[CONTROL["batch"][0]]]}, ["/batch/0"]),
        ({"batch": [[]]}, ["/batch/0", "/batch/0 (content)"]),
        ({"batch": "text"}, ["/batch"]),
        ({"batch": [{"userId": "u", "type": "x"}]}, ["/batch/0/type", "/batch/0/event"]),
        ({"sentAt": "2024-03-01T09:30:00.123456Z"}, ["/sentAt"]),
        ({"sentAt": "2024-03-01T09:30:00.123456+00:00"}, ["/sentAt", "/sentAt (zone)"]),
        ({"sentAt": "1999-03-01T09:30:00Z"}, ["/sentAt", "/sentAt (decimals)"]),
        ({"extra": {"a": 1, "b": 2}}, ["/extra"]),
    ],
)
def test_what_counts_as_one_thing(case: dict[str, Any], differences: list[str]) -> None:
    """A field with all that is in it is one thing; a value that is unusual in two ways is two."""
    assert list(value_differences(CONTROL, {**CONTROL, **case})) == differences
