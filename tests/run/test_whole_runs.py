"""Whole runs against a correct server: they send what was estimated, and every event that it takes carries a mark.

A run of a profile takes seconds, so all tests here look at the same ones.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from conformance.contract import Contract
from conformance.core import event_loop, pointers, resources
from conformance.profile import load
from conformance.refserver import Server
from conformance.run.estimate import estimate_areas, total
from conformance.run.execution import execute
from conformance.wire import Budget, Wire
from tests.regenerate import hint
from tests.run.test_estimate import FURTHER_KEYS, KEY, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.core.model import Exchange, JsonObject, Request
    from conformance.wire.budget import Usage
    from conformance.wire.raw_connection import SendResult

RUN_ID = "run-7"
SUCCESS_STATUSES = range(200, 300)


@dataclass(slots=True, kw_only=True)
class RecordingWire(Wire):
    """A wire that remembers what was sent, whole, and what was answered."""

    exchanges: list[tuple[Request, int]] = field(default_factory=list)

    async def send_unredacted(self, request: Request) -> SendResult:
        """As every wire."""
        answer = await Wire.send_unredacted(self, request)
        self.exchanges.append((request, answer.response.status if answer.response else 0))
        return answer

    async def exchange_on_one_connection(
        self, requests: Sequence[Request], *, pipelined: bool = False, half_closed: bool = False, pause_s: float = 0.0
    ) -> list[Exchange]:
        """As every wire."""
        exchanges = await Wire.exchange_on_one_connection(
            self, requests, pipelined=pipelined, half_closed=half_closed, pause_s=pause_s
        )
        self.exchanges += [(request, item.status) for request, item in zip(requests, exchanges, strict=True)]
        return exchanges


@dataclass(frozen=True, kw_only=True)
class WholeRun:
    """What a run was estimated to send, what it counted, and all that it sent, with the statuses of the answers."""

    contract: Contract
    estimated: dict[str, int]
    sent: Usage
    exchanges: list[tuple[Request, int]]


def json_values(request: Request, contract: Contract) -> Iterator[Any]:
    """The JSON of a request, wherever it is carried; nothing where it carries none."""
    body = request.body
    if contract.profile.pixel:
        text = dict(request.query).get(contract.profile.pixel.parameter, "")
        body = body or base64.b64decode(text.replace("-", "+").replace("_", "/").replace(" ", "+") + "==")
    if body.startswith(b"\x1f\x8b"):
        body = gzip.decompress(body)
    try:
        yield json.loads(body)
    except ValueError:
        return


def events(value: Any, contract: Contract) -> list[JsonObject]:  # noqa: ANN401 - any JSON
    """The events of a body."""
    where = contract.profile.batch.pointer
    if isinstance(value, dict) and pointers.has(value, where):
        listed = pointers.get(value, where)
        return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return [value] if isinstance(value, dict) else []


def is_marked(event: JsonObject, contract: Contract, run_id: str) -> bool:
    """Whether an event has an id of ours, or names the run in its context."""
    where = contract.profile.pointers
    ids = [where.user, where.anonymous, where.message_id, "/groupId", "/previousId"]
    id_values = [pointers.get(event, place) for place in ids if place and pointers.has(event, place)]
    context = f"{where.context}/conformance/run"
    if where.context and pointers.has(event, context):
        return pointers.get(event, context) == run_id
    return any(isinstance(item, str) and item.startswith("conformance") for item in id_values)


def has_identity(event: JsonObject, contract: Contract) -> bool:
    """Whether an event has an id at all: no vendor documents that it stores one without."""
    where = contract.profile.pointers
    id_values = [pointers.get(event, p) for p in (where.user, where.anonymous) if p and pointers.has(event, p)]
    return any(isinstance(item, str) and item for item in id_values)


@pytest.fixture(scope="module", params=resources.profile_names())
def whole_run(request: pytest.FixtureRequest) -> WholeRun:
    """A run of a profile with every setting that more checks need."""
    contract = Contract(load(request.param))
    with Server(contract, KEY, "token", FURTHER_KEYS) as server:
        taps: list[RecordingWire] = []

        class Tap(RecordingWire):
            def __post_init__(self) -> None:
                RecordingWire.__post_init__(self)
                taps.append(self)

        plan = make_plan(server.url, request.param, run_id=RUN_ID)
        estimated = total(estimate_areas(request.param, plan.trials, 0), Budget())
        event_loop.run(execute(replace(plan, wire_type=Tap), lambda *_: None))
    return WholeRun(contract=contract, estimated=estimated, sent=plan.budget.usage, exchanges=taps[0].exchanges)


def test_a_run_sends_no_more_than_was_estimated(whole_run: WholeRun) -> None:
    """A run sends at most what was announced, and at least half of it."""
    sent, estimated = whole_run.sent, whole_run.estimated
    assert sent.requests <= estimated["requests"] <= 2 * sent.requests, hint("costs")
    assert sent.bytes <= estimated["bytes"] <= 2 * sent.bytes, hint("costs")
    assert sent.events <= estimated["events"] <= 2 * sent.events, hint("costs")


def test_every_event_that_is_taken_carries_a_mark(whole_run: WholeRun) -> None:
    """Whoever runs it against a real target can clean up behind it."""
    contract = whole_run.contract
    taken = [
        (request, event)
        for request, status in whole_run.exchanges
        if status in SUCCESS_STATUSES
        for value in json_values(request, contract)
        for event in events(value, contract)
    ]
    assert len(taken) > len(contract.operations) * 30
    taken = [(request, event) for request, event in taken if has_identity(event, contract)]
    unmarked = [(request.path, event) for request, event in taken if not is_marked(event, contract, RUN_ID)]
    assert not unmarked, (len(unmarked), len(taken), unmarked[:12])
    assert any(f'"run": "{RUN_ID}"' in json.dumps(event) for _, event in taken)
