"""Faults in the answers to faulty calls."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from tests.targets.dialects import Kind, Level
from tests.targets.faults.base import (
    MUST,
    SHOULD,
    AnswerEdit,
    Fault,
    accepting,
    altering,
    answering,
    at_levels,
    make_fault,
    must,
    should,
    with_parts,
)
from tests.targets.messages import Answer, Call

TRACE = (
    'Traceback (most recent call last):\n  File "/srv/ingest/app/handlers.py", line 118, in post\n'
    "    event = parser.parse(body)\nValueError: cannot parse event"
)
HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Bad Request</h1></body></html>"
FORMAT = at_levels(seg="should", rs="must", mr="must")
CRASHES: dict[Kind, tuple[str, Mapping[str, Level]]] = {
    "path": ("errors accept", should("seg", "rs", "mr", "ss")),
    "method": ("errors accept", should("seg", "rs", "mr", "ss")),
    "identity": ("errors payload accept", at_levels(seg="should", rs="must", mr="must", ss="should")),
    "field": ("errors payload accept", should("seg", "rs", "mr", "ss")),
    "encoding": ("errors content-type payload json", should("seg", "rs", "mr", "ss")),
    "pixel": ("errors accept json", must("mr")),
}


def html_page(_: Call, answer: Answer) -> Answer:
    """Send a page instead of the error."""
    return replace(answer, headers={"Content-Type": "text/html; charset=utf-8"}, body=HTML)


def reflected(call: Call, answer: Answer) -> Answer:
    """Send the input back as a page."""
    page = b"<html><body>Cannot process: " + call.body + b"</body></html>"
    return replace(answer, headers={"Content-Type": "text/html; charset=utf-8"}, body=page)


def typed(content_type: str) -> AnswerEdit:
    """Send the error as another content type."""
    return with_parts(content_type=content_type)


def traced(name: str) -> AnswerEdit:
    """Put a stack trace into one field of every error object, or after a text."""

    def change(_: Call, answer: Answer) -> Answer:
        """Change the answer."""
        if answer.headers.get("Content-Type") != "application/json":
            return replace(answer, body=answer.body + b"\n" + TRACE.encode())
        body = json.loads(answer.body)
        for error in body.get("Errors", [body]):
            error[name] = TRACE
        return replace(answer, body=json.dumps(body).encode())

    return change


def rewritten(edit: Callable[[dict[str, object]], object], *, batch: bool) -> AnswerEdit:
    """Rewrite the JSON of single errors, or that of batch errors."""

    def change(call: Call, answer: Answer) -> Answer:
        """Change the answer."""
        if (call.route.kind == "batch") != batch:
            return answer
        return replace(answer, body=json.dumps(edit(json.loads(answer.body))).encode())

    return change


def emptied(_: Call, answer: Answer) -> Answer:
    """Send an error without a body."""
    return replace(answer, headers={}, body=b"")


def dropped(_: Call, answer: Answer) -> Answer:
    """Close the connection instead of answering."""
    return replace(answer, dropped=True)


def body_faults() -> Iterator[Fault]:
    """List wrong error bodies, for every kind of error and for one kind each."""
    yield make_fault("html-errors", "errors", FORMAT, altering(html_page))
    yield make_fault("empty-errors", "errors", FORMAT, altering(emptied))
    kinds: tuple[Kind, ...] = ("auth", "json", "size")
    for kind in kinds:
        levels = must("rs", "mr") if kind == "auth" else FORMAT
        yield make_fault(f"html-error-on-{kind}", f"errors {kind}", levels, altering(html_page, {kind}))
        yield make_fault(f"empty-error-on-{kind}", f"errors {kind}", levels, altering(emptied, {kind}))
        lost = must("rs", "mr", "ss") if kind == "auth" else MUST
        yield make_fault(f"dropped-on-{kind}", f"errors {kind}", lost, altering(dropped, {kind}))
    yield make_fault("json-typed-errors", "errors", must("rs"), altering(typed("application/json")))
    yield make_fault("text-typed-errors", "errors", must("mr"), altering(typed("text/plain")))
    yield make_fault("untyped-errors", "errors", must("rs", "mr"), altering(lambda _, a: replace(a, headers={})))
    yield make_fault("input-reflected", "errors", SHOULD, altering(reflected, {"json"}))


def key_faults() -> Iterator[Fault]:
    """List MetaRouter's error objects gone wrong."""
    single: dict[str, Callable[[dict[str, object]], object]] = {
        "lower-case": lambda body: {name.lower(): value for name, value in body.items()},
        "error-absent": lambda body: {name: value for name, value in body.items() if name != "Error"},
        "message-absent": lambda body: {name: value for name, value in body.items() if name != "Message"},
        "details-absent": lambda body: {name: value for name, value in body.items() if name != "Details"},
        "batch-shape": lambda body: {"Success": False, "Errors": [body]},
        "array": lambda body: [body],
    }
    batch: dict[str, Callable[[dict[str, object]], object]] = {
        "single-shape": lambda _: {"Error": "Bad Request", "Message": "Batch refused", "Details": ""},
        "success-absent": lambda body: {"Errors": body["Errors"]},
        "success-true": lambda body: {**body, "Success": True},
        "errors-absent": lambda _: {"Success": False},
    }
    for name, edit in single.items():
        yield make_fault(f"error-{name}", "errors", must("mr"), altering(rewritten(edit, batch=False)))
    for name, edit in batch.items():
        yield make_fault(f"batch-error-{name}", "errors batch", must("mr"), altering(rewritten(edit, batch=True)))


def leak_faults() -> Iterator[Fault]:
    """List stack traces in error bodies."""
    for name in ("Details", "Message"):
        yield make_fault(f"trace-in-{name.lower()}", "errors", should("mr"), altering(traced(name)))
    yield make_fault("trace-in-json", "errors", should("seg"), altering(traced("message")))
    yield make_fault("trace-in-text", "errors", should("rs", "ss"), altering(traced("")))


def crash_faults() -> Iterator[Fault]:
    """List a server's crash for a client's fault; the other files have those of their own area."""
    for kind, (areas, levels) in CRASHES.items():
        yield make_fault(f"{kind}-fault-500", areas, levels, answering({kind}, 500))
    levels = at_levels(seg="should", rs="must", mr="must", ss="should")
    yield make_fault("identity-fault-422", "errors payload accept", levels, answering({"identity"}, 422))
    yield make_fault("unknown-path-accepted", "errors accept", should("seg", "rs", "mr", "ss"), accepting({"path"}))
    yield make_fault("wrong-method-accepted", "errors accept", should("seg", "rs", "mr", "ss"), accepting({"method"}))


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield from body_faults()
    yield from key_faults()
    yield from leak_faults()
    yield from crash_faults()
