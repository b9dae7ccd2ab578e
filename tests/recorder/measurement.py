"""Whether SDKs do what reports say of them: each gets one kind of answer again and again, and is watched for a time."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import sdks
from conformance.core.model import Exchange, Request, Response, TransportFailure
from conformance.sdk_runs import drive, install, load_packages, load_scripts
from conformance.sdk_runs.listener import listening
from conformance.sdk_runs.stubs import configuration_answer
from conformance.sdks import Reaction, SeenAnswer
from conformance.sdks.plans import Plan, describe_plan
from conformance.wire.forwarding import ForwardedAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conformance.sdk_runs import Place
    from conformance.sdk_runs.listener import HeardRequest
    from conformance.sdks import Sdk

WINDOW_S = 30.0
"""How long each SDK is watched; what it would do later is not seen."""
PARALLEL_DRIVES = 12
_LOGIN, _OTHER = "/login", "/other"
_TEXT, _JSON = ("Content-Type", "text/plain"), ("Content-Type", "application/json")
_SUCCESS = ForwardedAnswer(status=200, headers=(_JSON,), body=b'{"success": true}')
_PAGE = ForwardedAnswer(status=200, headers=(("Content-Type", "text/html"),), body=b"<html>log in</html>")


def _answer(status: int, body: bytes = b"", *headers: tuple[str, str]) -> ForwardedAnswer:
    return ForwardedAnswer(status=status, headers=(_JSON if body.startswith(b"{") else _TEXT, *headers), body=body)


ANSWERS = {
    "200 text": _answer(200, b"OK"),
    "200 json": _SUCCESS,
    "202": _answer(202),
    "204": _answer(204),
    "207": _answer(207, b'{"success": false, "errors": [{"status": 400}]}'),
    "302 to a page": _answer(302, b"", ("Location", _LOGIN)),
    "302 to nowhere": _answer(302),
    "307": _answer(307, b"", ("Location", _OTHER)),
    "308": _answer(308, b"", ("Location", _OTHER)),
    "400 text": _answer(400, b"bad"),
    "400 json": _answer(400, b'{"success": false}'),
    "401": _answer(401, b"no"),
    "404": _answer(404, b"no"),
    "413": _answer(413, b"big"),
    "429": _answer(429, b"slow"),
    "429 after 5": _answer(429, b"slow", ("Retry-After", "5")),
    "500": _answer(500, b"oops"),
    "503": _answer(503, b"busy"),
    "503 after 5": _answer(503, b"busy", ("Retry-After", "5")),
    "none": ForwardedAnswer(status=0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One SDK with one kind of answer: what was said of it before, and what was seen."""

    sdk: Sdk
    kind: str
    is_over: bool
    errors: tuple[str, ...]
    requests: tuple[HeardRequest, ...]

    @property
    def plan(self) -> Plan:
        """What reports say that it does."""
        return Plan.for_exchange(self.sdk, _exchange(ANSWERS[self.kind]))

    @property
    def is_as_said(self) -> bool:
        """Whether it did that, as far as the window shows it; an SDK that was ended has not said its errors."""
        sent = [item for item in self.requests if item.method == "POST" and item.path not in {_OTHER, _LOGIN}]
        plan, repeated = self.plan, len(sent) - 1
        is_page_read = any(item.path == _LOGIN and item.method == "GET" for item in self.requests)
        if plan.reaction is Reaction.FOLLOW:
            return any(item.path == _OTHER and item.method == "POST" for item in self.requests)
        if is_page_read is not plan.follows_by_get:
            return False
        if plan.reaction in {Reaction.RETRY, Reaction.SEND_AGAIN}:
            return repeated > 0 and self._is_count_right(repeated)
        is_reported = bool(self.errors) or not self.is_over
        return repeated == 0 and (plan.reaction is not Reaction.GIVE_UP or is_reported)

    def _is_count_right(self, repeated: int) -> bool:
        rule = self.sdk.rule_for(SeenAnswer.from_exchange(_exchange(ANSWERS[self.kind])))
        if rule.repeats is None or rule.repeats.times is None:
            return True
        return repeated == rule.repeats.times if self.is_over else repeated <= rule.repeats.times

    @property
    def sentence(self) -> str:
        """What was said, and what was seen."""
        said = describe_plan({"does": self.plan.reaction.value, **self.plan.as_json()})
        seen = f"{len(self.requests)} requests, {len(self.errors)} errors, {'ended' if self.is_over else 'still at it'}"
        return f"{self.sdk.title}, {self.kind}: said: {said}; seen: {seen}"


def measure(names: Sequence[str], directory: Path | None) -> list[Case]:
    """Drives the named SDKs, or all that can be installed and need no stand-in for a browser."""
    recorded = {sdk.name: sdk for sdk in sdks.load_all() if not sdk.is_browser}
    places = [
        install(package, directory)
        for package in load_packages()
        if package.slug in recorded and (not names or package.slug in names)
    ]
    with ThreadPoolExecutor(PARALLEL_DRIVES) as pool:
        pairs = [(place, kind) for place in places for kind in ANSWERS]
        return list(pool.map(lambda pair: _watch(recorded[pair[0].package.slug], *pair), pairs))


def _watch(sdk: Sdk, place: Place, kind: str) -> Case:
    def answer(request: HeardRequest, _: int) -> ForwardedAnswer:
        if request.path in {_LOGIN, _OTHER}:
            return _PAGE if request.path == _LOGIN else _SUCCESS
        return configuration_answer(request) or ANSWERS[kind]

    with listening(answer) as listener:
        result = drive(place, listener.url, load_scripts()["default"], timeout_s=WINDOW_S)
    is_over = not result.is_timed_out
    return Case(sdk=sdk, kind=kind, is_over=is_over, errors=result.errors, requests=tuple(listener.requests))


def _exchange(answer: ForwardedAnswer) -> Exchange:
    request = Request(method="POST", path="/v1/batch")
    if not answer.status:
        return Exchange(request=request, failure=TransportFailure.CLOSED, failure_detail="it was closed")
    return Exchange(request=request, response=Response(status=answer.status, headers=answer.headers, body=answer.body))


def print_measurement(names: Sequence[str], directory: Path | None) -> int:
    """Prints a row for each SDK, and what was otherwise than said; 1 if something was, else 0."""
    cases = measure(names, directory)
    for name in dict.fromkeys(case.sdk.name for case in cases):
        own = [case for case in cases if case.sdk.name == name]
        sys.stdout.write(f"| {own[0].sdk.title} | {sum(case.is_as_said for case in own)} of {len(own)} |\n")
    others = [case for case in cases if not case.is_as_said]
    sys.stdout.write("".join(f"otherwise: {case.sentence}\n" for case in others))
    return int(bool(others))
