"""What an SDK makes of an answer: seen by giving it, and then a 200 to whatever follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.sdk_runs import drive, load_scripts
from tests.recorder.recording_server import StubAnswer, recording_server

if TYPE_CHECKING:
    from conformance.sdk_runs import Place

JSON = (("Content-Type", "application/json"),)
TEXT = (("Content-Type", "text/plain"),)
BODY_WITH_CODE = b'{"code": "invalid", "message": "invalid"}'
BODY_WITHOUT_CODE = b'{"success": false}'
IMMEDIATE_S = 0.95
"""A pause that is shorter has not waited the second that Retry-After asks for."""

STATUSES = (200, 207, 302, 400, 401, 403, 404, 408, 410, 413, 422, 429, 460, 500, 501, 503, 505, 511)
ANSWERS = {
    **{
        f"{status} {name}": StubAnswer(status=status, headers=headers, body=body)
        for status in STATUSES
        for name, headers, body in (
            ("text", TEXT, b"no"),
            ("coded", JSON, BODY_WITH_CODE),
            ("uncoded", JSON, BODY_WITHOUT_CODE),
            ("list", JSON, b"[]"),
        )
    },
    "201 empty": StubAnswer(status=201),
    "202 empty": StubAnswer(status=202),
    "204 empty": StubAnswer(status=204),
    "304 empty": StubAnswer(status=304),
    **{
        f"{status} {name} after 1": StubAnswer(status=status, headers=(("Retry-After", "1"), *headers), body=body)
        for status in (408, 413, 429, 503)
        for name, headers, body in (("text", TEXT, b"no"), ("uncoded", JSON, BODY_WITHOUT_CODE))
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedReaction:
    """What was seen: how many requests came, what the SDK complained of, how long it paused."""

    requests: int
    errors: tuple[str, ...]
    pause_s: float

    @property
    def summary(self) -> str:
        """What it amounts to."""
        if self.requests > 1:
            return f"sent again {'at once' if self.pause_s < IMMEDIATE_S else 'after a pause'}"
        return "given up" if self.errors else "done"


def observe_reaction(place: Place, stub: StubAnswer) -> ObservedReaction:
    """What an SDK does when one event is answered so."""
    with recording_server(stub, StubAnswer()) as ear:
        errors = drive(place, ear.url, load_scripts()["one"]).errors
    times = [request.at_s for request in ear.requests]
    return ObservedReaction(requests=len(times), errors=errors, pause_s=times[1] - times[0] if len(times) > 1 else 0.0)
