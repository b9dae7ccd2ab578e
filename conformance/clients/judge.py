"""Judges what a client did with a script: each broken rule is a finding."""

from __future__ import annotations

import base64
import contextlib
import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from conformance.clients.scripts import mark_of
from conformance.core.foreign_json import Unreadable
from conformance.core.model import Level
from conformance.sdk_runs.driving import WRITE_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.clients.run import ClientRun
    from conformance.contract import Contract
    from conformance.sdk_runs.listener import HeardRequest

LEAST_PAUSE_S = 0.06
"""A shorter pause before a further attempt is none."""
_CLOCK_S = 0.05
"""How much too early an attempt may come: clocks and schedulers are not exact."""
RULES = {
    "wire": (Level.MUST, "The reference server accepts each request."),
    "coding": (Level.MUST, "A body is what its Content-Encoding says, and JSON."),
    "key": (Level.MUST, "The key is in no URL."),
    "ids": (Level.MUST, "Each event has an id of its own, which stays the same when it is sent again."),
    "own-ids": (Level.SHOULD, "Ids that the caller gives are kept."),
    "content": (Level.MUST, "Events arrive with the fields and characters that the call had."),
    "lost": (Level.MUST, "No event is lost that the server would have accepted in the end."),
    "doubled": (Level.MUST, "No event is sent again once it was accepted, or twice in one attempt."),
    "refused": (Level.MUST, "Nothing is sent again that will never be accepted."),
    "retry-after": (Level.MUST, "No attempt comes before Retry-After is over."),
    "back-off": (Level.SHOULD, "There is a pause before each further attempt."),
    "bounded": (Level.SHOULD, "There are no more attempts than maxRetries allows."),
    "result": (Level.SHOULD, "The client prints a JSON object with `success`, which is true only if all was accepted."),
    "end": (Level.MUST, "The client's process ends."),
}
"""The rules, with level and title."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule, and what shows it."""

    rule: str
    message: str

    @property
    def level(self) -> Level:
        """The level of the rule."""
        return RULES[self.rule][0]


def judge(run: ClientRun, contract: Contract) -> list[Finding]:
    """The rules that a client broke in a run, by a vendor's contract; one finding for each."""
    found: dict[str, Finding] = {}
    for finding in (*_of_events(run, contract), *(finding for look in _LOOKS for finding in look(run))):
        found.setdefault(finding.rule, finding)
    return list(found.values())


def _of_events(run: ClientRun, contract: Contract) -> Iterator[Finding]:
    """Events that the vendor's schemas refuse, whatever the vendor's server does with them."""
    for event in (event for request in run.requests for event in request.events()):
        kind = str(event.get("type"))
        if kind in contract.profile.events:
            problem = _schema_problem(event, kind, contract)
            if problem:
                yield Finding("wire", f"{mark_of(event)} is not as the profile's schema says: {problem}")


def _schema_problem(event: dict[str, Any], kind: str, contract: Contract) -> str:
    """Why an event does not fit the schema of its kind; empty if it does."""
    validator = jsonschema_rs.Draft202012Validator(contract.event_schema(kind), validate_formats=True)
    error = next(validator.iter_errors(event), None)
    place = "/".join(map(str, error.instance_path)) if error else ""
    return f"{place}: {error.message[:200]}" if error else ""


def _has_key(request: HeardRequest) -> bool:
    """Whether a request has the write key, in its headers or its body."""
    text = request.header("authorization") or ""
    with contextlib.suppress(ValueError):
        text += base64.b64decode(text.partition(" ")[2] + "==").decode("latin-1")
    return WRITE_KEY in text or WRITE_KEY.encode() in (request.unpacked or b"")


def _accepted(run: ClientRun) -> Counter[str]:
    """How often each event was accepted."""
    return Counter(
        mark_of(event) for request in run.requests if 200 <= request.answer.status < 300 for event in request.events()
    )


def _of_wire(run: ClientRun) -> Iterator[Finding]:
    for request, check in zip(run.requests, run.checks, strict=True):
        if isinstance(request.value(), Unreadable):
            yield Finding("coding", f"the body of {request.method} {request.path} can't be read: {request.value()}")
        elif not 200 <= check.status < 300:
            said = " ".join(check.body.decode("utf-8", errors="replace").split())[:200]
            yield Finding("wire", f"the reference server answers {check.status} to POST {request.path}: {said}")
        if not _has_key(request):
            yield Finding("wire", f"POST {request.path} has not the write key of the script")
        if WRITE_KEY in request.path:
            yield Finding("key", "the key is in the URL of a request")


def _of_ids(run: ClientRun) -> Iterator[Finding]:
    ids_by_mark: dict[str, set[str]] = defaultdict(set)
    for request in run.requests:
        for event in request.events():
            ids_by_mark[mark_of(event)].add(str(event.get("messageId") or ""))
    for mark, ids in ids_by_mark.items():
        if "" in ids:
            yield Finding("ids", f"{mark} has no messageId")
        elif len(ids) > 1:
            yield Finding("ids", f"{mark} was sent again with another messageId")
    counts = Counter(name for ids in ids_by_mark.values() for name in ids)
    if any(name and count > 1 for name, count in counts.items()):
        yield Finding("ids", "two events have the same messageId")
    if run.script.has_own_ids:
        given = {mark_of(event): str(event["messageId"]) for event in run.script.script.events}
        if any(given.get(mark) not in ids for mark, ids in ids_by_mark.items()):
            yield Finding("own-ids", "an event came with another messageId than the caller's")


def _of_content(run: ClientRun) -> Iterator[Finding]:
    seen = {mark_of(event): event for request in run.requests for event in request.events()}
    for event in run.script.script.events:
        got = seen.get(mark_of(event))
        if got is None:
            continue
        for name, value in event.items():
            if name in {"messageId", "type"}:
                continue
            kept = got.get(name)
            whole = isinstance(value, dict) and isinstance(kept, dict) and value.items() <= kept.items()
            if not whole and kept != value:
                yield Finding("content", f"{mark_of(event)} came with another {name} than the call had")


def _of_delivery(run: ClientRun) -> Iterator[Finding]:
    accepted = _accepted(run)
    script = run.script
    missing = [mark for mark in script.marks if not accepted[mark]]
    batch = int(script.config["flushAt"])
    if ("delivered" in script.holds and missing) or ("most" in script.holds and len(missing) > batch):
        yield Finding("lost", f"{len(missing)} of {len(script.marks)} events were never accepted, such as {missing[0]}")
    twice = [mark for mark, count in accepted.items() if count > 1]
    if twice:
        yield Finding("doubled", f"{len(twice)} events were accepted more than once, such as {twice[0]}")


def _attempts(run: ClientRun) -> dict[str, list[HeardRequest]]:
    """The requests that each event was in."""
    attempts: dict[str, list[HeardRequest]] = defaultdict(list)
    for request in run.requests:
        for mark in {mark_of(event) for event in request.events()}:
            attempts[mark].append(request)
    return attempts


def _of_attempts(run: ClientRun) -> Iterator[Finding]:
    holds = run.script.holds
    most = int(run.script.config["maxRetries"]) + 1
    for mark, requests in _attempts(run).items():
        if "refused" in holds and len(requests) > 1:
            status = requests[0].answer.status
            yield Finding("refused", f"{mark} was sent {len(requests)} times, though answered {status}")
        if "bounded" in holds and len(requests) > most:
            yield Finding("bounded", f"{mark} was sent {len(requests)} times, with {most - 1} further attempts allowed")
        for before, after in itertools.pairwise(requests):
            pause = after.at_s - before.answered_at_s
            asked = next((value for name, value in before.answer.headers if name == "Retry-After"), None)
            if asked is not None and pause < float(asked) - _CLOCK_S:
                yield Finding("retry-after", f"it asked for {asked} s, and the next attempt came after {pause:.2f} s")
            if "grows" in holds and pause < LEAST_PAUSE_S:
                yield Finding("back-off", f"the next attempt came after {pause * 1000:.0f} ms")


def _of_result(run: ClientRun) -> Iterator[Finding]:
    if run.code is None:
        yield Finding("end", "the process did not end in its time")
        return
    if run.result is None or not isinstance(run.result.get("success"), bool):
        said = f" (exit code {run.code}: {run.last_words})" if run.code else ""
        yield Finding("result", f"no JSON object with `success` was printed{said}")
        return
    accepted = _accepted(run)
    is_whole = all(accepted[mark] for mark in run.script.marks)
    if run.result["success"] and not is_whole and "honest" in run.script.holds:
        yield Finding("result", "it says success, and not every event was accepted")
    if not run.result["success"] and is_whole:
        yield Finding("result", f"it says no success, and every event was accepted: {run.result.get('error')}")


_LOOKS: tuple[Callable[[ClientRun], Iterator[Finding]], ...] = (
    _of_wire, _of_ids, _of_content, _of_delivery, _of_attempts, _of_result,
)  # fmt: skip
