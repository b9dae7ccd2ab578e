"""Runs an SDK against a target over a recording proxy on loopback, and says what became of its events."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.errors import InconclusiveError
from conformance.core.model import Exchange, Request, Response
from conformance.sdk_runs.driving import drive
from conformance.sdk_runs.installation import MissingToolError, install, is_installed
from conformance.sdk_runs.listener import listening
from conformance.sdk_runs.scripts import load_scripts
from conformance.sdk_runs.stubs import configuration_answer
from conformance.sdks import Reaction, sdk_reaction
from conformance.wire.forwarding import forward

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conformance.core.model import JsonObject
    from conformance.sdk_runs.driving import DriverResult
    from conformance.sdk_runs.listener import HeardRequest
    from conformance.sdk_runs.packages import SdkPackage
    from conformance.sdks import Sdk
    from conformance.wire import TargetAddress
    from conformance.wire.forwarding import ForwardedAnswer

FORWARD_TIMEOUT_S = 30.0
"""How long the target may take for one answer."""
_SENT_AGAIN = frozenset({Reaction.RETRY, Reaction.SEND_AGAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkRunOptions:
    """How SDKs are run: where they are installed (None: the cache), and the time for each script in seconds."""

    directory: Path | None = None
    is_offline: bool = False
    timeout_s: float = 60.0
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkRun:
    """What became of the events of one SDK.

    `reason` says why it could not be run; then it says nothing about the target. `made` is the number of calls.
    """

    package: SdkPackage
    reason: str = ""
    made: int = 0
    requests: Sequence[HeardRequest] = ()
    errors: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    is_timed_out: bool = False

    @property
    def delivered(self) -> int:
        """The number of events that were answered with a success at least once."""
        return len(_ids(_accepted(self.requests)))

    @property
    def lost(self) -> int:
        """The number of events that never were."""
        return max(0, self.made - self.delivered)

    @property
    def doubled(self) -> int:
        """The number of events that were accepted more than once."""
        return sum(count > 1 for count in _ids(_accepted(self.requests)).values())

    @property
    def most_attempts(self) -> int:
        """How often the event that was sent most often was sent."""
        return max(_ids(self.requests).values(), default=0)

    @property
    def outcome(self) -> str:
        """`delivered`, `lost` or `not judged`."""
        if self.reason:
            return "not judged"
        return "lost" if self.lost else "delivered"

    @property
    def sentence(self) -> str:
        """What became of the events, for people."""
        if self.reason:
            return f"not judged: {self.reason}"
        count = len(self.requests)
        parts = [f"delivered {self.delivered} of {self.made} events in {count} request{'s' if count != 1 else ''}"]
        if self.lost:
            parts.append(f"lost {self.lost} (answered {_statuses(self.requests)})")
        if self.most_attempts > 1:
            parts.append(f"sent events again, up to {self.most_attempts - 1} times")
        if self.doubled:
            parts.append(f"{self.doubled} were accepted more than once")
        if self.is_timed_out:
            parts.append("was still at it when its time was over")
        return "; ".join(parts)

    def as_json(self) -> JsonObject:
        """Returns a JSON-serializable dict."""
        package = self.package
        begin = self.requests[0].at_s if self.requests else 0.0
        return {
            "name": package.slug, "title": package.title, "version": package.version, "language": package.language,
            "outcome": self.outcome, "says": self.sentence, "reason": self.reason,
            "made": self.made, "delivered": self.delivered, "lost": self.lost, "doubled": self.doubled,
            "attempts": self.most_attempts, "timed_out": self.is_timed_out,
            "errors": list(self.errors), "differences": list(self.differences),
            "requests": [
                {
                    "method": request.method, "path": request.path, "status": request.answer.status,
                    "events": len(request.events()), "after_s": round(request.at_s - begin, 3),
                    "failure": request.answer.failure,
                }
                for request in self.requests
            ],
        }  # fmt: skip


def run_sdk(package: SdkPackage, target: TargetAddress, options: SdkRunOptions, sdk: Sdk | None) -> SdkRun:
    """Installs an SDK, unless it is there, and drives it through its scripts; `sdk` is what is recorded of it."""
    if options.is_offline and not is_installed(package, options.directory):
        return SdkRun(package=package, reason="it is not installed, and --offline asks no registry")
    try:
        place = install(package, options.directory)
    except (MissingToolError, InconclusiveError) as error:
        return SdkRun(package=package, reason=str(error))
    requests: list[HeardRequest] = []
    results: list[DriverResult] = []
    scripts = [load_scripts()[name] for name in package.scripts]
    for script in scripts:
        with listening(lambda request, _: _answer(request, target)) as listener:
            results.append(drive(place, listener.url, script, key=options.key, timeout_s=options.timeout_s))
        requests += [request for request in listener.requests if request.method == "POST"]
    broken = next((result for result in results if result.is_broken), None)
    if broken is not None:
        last = (broken.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return SdkRun(package=package, requests=requests, reason=f"its driver failed: {last[:300]}")
    return SdkRun(
        package=package,
        made=sum(len(script.events) for script in scripts),
        requests=requests,
        errors=tuple(error for result in results for error in result.errors),
        differences=tuple(_differences(requests, sdk)) if sdk else (),
        is_timed_out=any(result.is_timed_out for result in results),
    )


def _answer(request: HeardRequest, target: TargetAddress) -> ForwardedAnswer:
    """The target's answer, or that of a stub to what no target is asked."""
    return configuration_answer(request) or forward(target, _request(request), timeout_s=FORWARD_TIMEOUT_S)


def _accepted(requests: Sequence[HeardRequest]) -> list[HeardRequest]:
    return [request for request in requests if 200 <= request.answer.status < 300]


def _ids(requests: Sequence[HeardRequest]) -> Counter[str]:
    """How often each event is in some requests, by its id."""
    return Counter(_event_id(event) for request in requests for event in request.events())


def _event_id(event: JsonObject) -> str:
    """What tells an event from others: its messageId, or all of it, but for when it was sent, if it has none."""
    given = event.get("messageId")
    if given is not None:
        return str(given)
    return json.dumps({key: value for key, value in event.items() if key != "sentAt"}, sort_keys=True)


def _statuses(requests: Sequence[HeardRequest]) -> str:
    counts = Counter(str(request.answer.status or "not at all") for request in requests)
    return ", ".join(f"{status} x{count}" if count > 1 else status for status, count in counts.items()) or "nothing"


def _differences(requests: Sequence[HeardRequest], sdk: Sdk) -> list[str]:
    """Where an SDK did otherwise than what is recorded of it: findings about our data, not about the target."""
    found = [
        f"it posts to {path}, which is not recorded"
        for path in sorted({request.path for request in requests} - sdk.paths)
    ]
    for number, request in enumerate(requests):
        predicted = sdk_reaction(sdk, _exchange(request))
        later = _ids(requests[number + 1 :])
        is_again = any(_event_id(event) in later for event in request.events())
        if is_again and predicted not in _SENT_AGAIN:
            found.append(f"it sent again after a {request.answer.status}; recorded is that it {predicted.verb}")
        elif not is_again and predicted in _SENT_AGAIN and not _ids(requests[:number]) & _ids([request]):
            found.append(f"it did not send again after a {request.answer.status}; recorded is that it {predicted.verb}")
    return list(dict.fromkeys(found))


def _exchange(request: HeardRequest) -> Exchange:
    answer = request.answer
    response: Any = Response(status=answer.status, headers=answer.headers, body=answer.body) if answer.status else None
    return Exchange(request=_request(request), response=response)


def _request(request: HeardRequest) -> Request:
    return Request(method=request.method, path=request.path, headers=request.headers, body=request.body)
