"""Faults in accepting valid calls: the success answer, the paths and the credentials."""

from collections.abc import Iterator
from dataclasses import replace

from tests.targets import credentials
from tests.targets.dialects import DIALECTS, Level
from tests.targets.faults.base import (
    MUST,
    SHOULD,
    Fault,
    altering_success,
    make_fault,
    must,
    on_path,
    refusing,
    should,
    with_parts,
)
from tests.targets.messages import Answer, Call

BREAKAGES = (("missing", 404), ("crashing", 500), ("refusing", 400))


def success_faults() -> Iterator[Fault]:
    """List wrong success answers."""
    for status in (201, 202):
        broken = altering_success(with_parts(status=status))
        yield make_fault(f"success-{status}", "accept", MUST, broken)
    yield make_fault("success-204", "accept", must("seg", "rs", "mr"), altering_success(lambda *_: Answer(204)))
    as_200 = altering_success(lambda *_: Answer(200, {"Content-Type": "text/plain"}, b"OK"))
    yield make_fault("success-200", "accept", must("ss"), as_200)
    for name, kind in (("json", "application/json"), ("html", "text/html")):
        broken = altering_success(with_parts(content_type=kind))
        yield make_fault(f"success-type-{name}", "accept content-type", must("rs"), broken)
    untyped = altering_success(lambda _, answer: replace(answer, headers={}))
    yield make_fault("success-type-absent", "accept content-type", must("rs"), untyped)
    for name, body in (("queued", b"queued"), ("empty", b"")):
        broken = altering_success(with_parts(body=body))
        yield make_fault(f"success-body-{name}", "accept", should("rs"), broken)


def path_faults() -> Iterator[Fault]:
    """Break one path of each dialect with several, with a breakage that changes from path to path."""
    for dialect in DIALECTS.values():
        if len(dialect.routes) == 1:
            continue
        for index, route in enumerate(dialect.routes):
            word, status = BREAKAGES[index % len(BREAKAGES)]
            name = f"{word}-at{route.path.replace('/', '-')}"
            areas = "accept batch" if route.kind == "batch" else "accept"
            levels: dict[str, Level] = {dialect.name: route.level}
            yield make_fault(name, areas, levels, refusing(on_path(route.path), status), path=route.path)


def has_only_basic(call: Call) -> bool:
    """Tell whether a call's key is in a Basic header alone."""
    return credentials.basic_user(call, colonless=True) is not None and not credentials.body_keys(call)


def has_only_body_key(call: Call) -> bool:
    """Tell whether a call's key is in its body alone."""
    return "authorization" not in call.request.headers and bool(credentials.body_keys(call))


def has_only_event_keys(call: Call) -> bool:
    """Tell whether a batch's keys are in its events alone."""
    top = isinstance(call.value, dict) and "writeKey" in call.value
    return call.route.kind == "batch" and not top and has_only_body_key(call)


def is_colonless(call: Call) -> bool:
    """Tell whether a Basic header lacks the colon."""
    user = credentials.basic_user(call, colonless=True) is not None
    return user and credentials.basic_user(call, colonless=False) is None


def has_bearer(call: Call) -> bool:
    """Tell whether a call shows a bearer token."""
    return credentials.authorization(call)[0] == "bearer"


def has_lower_scheme(call: Call) -> bool:
    """Tell whether the scheme is written `basic`, which RFC 7617 allows."""
    return call.request.headers.get("authorization", "").startswith("basic ")


def credential_faults() -> Iterator[Fault]:
    """List valid credentials refused."""
    every = (
        ("basic", MUST, has_only_basic),
        ("body-key", must("seg", "mr"), has_only_body_key),
        ("event-keys", must("mr"), has_only_event_keys),
        ("bearer", must("seg"), has_bearer),
        ("colonless", must("mr"), is_colonless),
    )
    for name, levels, when in every:
        yield make_fault(f"{name}-refused", "auth accept", levels, refusing(when, 401))
    lower = refusing(has_lower_scheme, 401)
    yield make_fault("lower-case-scheme-refused", "auth accept", SHOULD, lower)


def faults() -> Iterator[Fault]:
    """List the faults of this area."""
    yield from success_faults()
    yield from path_faults()
    yield from credential_faults()
