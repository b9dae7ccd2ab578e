"""The gentle tier is exactly what it says: a few small requests of well-formed JSON, one at a time."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from conformance.cases import CHECKS
from conformance.checks.check import Tier
from conformance.contract import Contract
from conformance.core import event_loop, resources
from conformance.core.model import Area, Exchange, Outcome, Request, Verdict
from conformance.profile import load
from conformance.refserver import Server
from conformance.run.execution import execute
from conformance.run.plan import build_plan
from conformance.settings import table
from conformance.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.checks.trial import Trial

KEY = "Gentle-Write-Key"
MAX_BODY_BYTES, MAX_REQUESTS_PER_TRIAL = 8_192, 8


@dataclass(slots=True)
class Traffic:
    """What a run has sent, and the most requests that were in flight at once."""

    sent: list[Request] = field(default_factory=list)
    in_flight: int = 0
    max_in_flight: int = 0


def recording_wire(traffic: Traffic) -> type[Wire]:
    """A wire that keeps record of its traffic, and does not write requests by hand."""

    class RecordingWire(Wire):
        async def exchange(self, request: Request) -> Exchange:
            traffic.sent.append(request)
            traffic.in_flight += 1
            traffic.max_in_flight = max(traffic.max_in_flight, traffic.in_flight)
            try:
                return await Wire.exchange(self, request)
            finally:
                traffic.in_flight -= 1

        async def exchange_on_one_connection(
            self,
            requests: Sequence[Request],
            *,
            pipelined: bool = False,
            half_closed: bool = False,
            pause_s: float = 0.0,
        ) -> list[Exchange]:
            raise AssertionError(f"{len(requests)} on one connection, {pipelined=}, {half_closed=}, {pause_s=}")

    return RecordingWire


def gentle_run(profile: str) -> tuple[list[tuple[Trial, Verdict]], Traffic]:
    """The verdicts of a gentle run against a correct server, and what was sent."""
    traffic = Traffic()
    verdicts: list[tuple[Trial, Verdict]] = []
    settings = table.resolve({"write_key": KEY, "bearer": "token", "tier": ["gentle"]})
    with Server(Contract(load(profile)), KEY, "token") as server:
        plan = build_plan(settings, server.url, Contract(load(profile)), CHECKS)
        plan = replace(plan, wire_type=recording_wire(traffic))
        event_loop.run(execute(plan, lambda trial, verdict: verdicts.append((trial, verdict))))
    assert len(verdicts) == len(plan.trials)
    return verdicts, traffic


@pytest.mark.parametrize("profile", resources.profile_names())
def test_a_gentle_run_is_gentle(profile: str) -> None:
    """On the wire, too: no check of another tier sends anything, and none of this tier sends too much."""
    verdicts, traffic = gentle_run(profile)
    judged = [verdict for trial, verdict in verdicts if verdict.outcome is not Outcome.NOT_APPLICABLE]
    assert {verdict.outcome for verdict in judged} == {Outcome.PASS}
    assert {trial.check.tier for trial, verdict in verdicts if verdict in judged} == {Tier.GENTLE}
    others = [verdict.message for trial, verdict in verdicts if trial.check.tier is not Tier.GENTLE and trial.facts]
    assert all(message.startswith(("not in the tiers of this run", "the profile has no")) for message in others)
    assert 0 < len(traffic.sent) <= MAX_REQUESTS_PER_TRIAL * len(judged)
    assert traffic.max_in_flight == 1
    for request in traffic.sent:
        assert request.raw_writer is None
        assert len(request.body) <= MAX_BODY_BYTES
        assert (request.method in {"GET", "OPTIONS"} and not request.body) or is_json_object(request)


def is_json_object(request: Request) -> bool:
    """Whether a request has a well-formed JSON object as its body, perhaps in gzip."""
    is_gzip = ("content-encoding", "gzip") in {(name.lower(), value) for name, value in request.headers}
    return isinstance(json.loads(gzip.decompress(request.body) if is_gzip else request.body), dict)


def test_gentle_checks_only_ask_whether_valid_requests_are_accepted() -> None:
    """Whatever is wrong with a request, or needs many of them, belongs to another tier."""
    gentle = {item.id for item in CHECKS if item.tier is Tier.GENTLE}
    assert {item.area for item in CHECKS if item.id in gentle} == {Area.ACCEPT, Area.SDK}
    assert all(name.endswith(".accepted") for name in gentle if name.startswith("sdk."))
