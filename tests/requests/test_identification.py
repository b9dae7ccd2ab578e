"""Marks: every event that a server takes can be found by a mark of ours, and deleted."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.core import event_loop, pointers, resources
from conformance.profile import load
from conformance.refserver import Server
from conformance.run.execution import execute
from conformance.run.plan import build_plan
from conformance.settings import table
from conformance.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.core.model import Exchange, JsonObject, Request
    from conformance.wire.raw_connection import SendResult

KEY = "Marks-Write-Key"
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


def exchanges_of_run(profile: str, run_id: str) -> tuple[Contract, list[tuple[Request, int]]]:
    """What a whole run sends to a correct server, and what it answers."""
    contract = Contract(load(profile))
    with Server(contract, KEY, "token") as server:
        options = {"write_key": KEY, "bearer": "token", "run_id": run_id, "fuzz": "0"}
        plan = build_plan(table.resolve(options), server.url, contract, CHECKS)
        taps: list[RecordingWire] = []

        class Tap(RecordingWire):
            def __post_init__(self) -> None:
                RecordingWire.__post_init__(self)
                taps.append(self)

        event_loop.run(execute(replace(plan, wire_type=Tap), lambda *_: None))
    return contract, taps[0].exchanges


@pytest.mark.parametrize("profile", resources.profile_names())
def test_every_event_that_is_taken_carries_a_mark(profile: str) -> None:
    """A whole run, every event of it: who runs it against a real target can clean up behind it."""
    contract, exchanges = exchanges_of_run(profile, "run-7")
    taken = [
        (request, event)
        for request, status in exchanges
        if status in SUCCESS_STATUSES
        for value in json_values(request, contract)
        for event in events(value, contract)
    ]
    assert len(taken) > len(contract.operations) * 30
    taken = [(request, event) for request, event in taken if has_identity(event, contract)]
    unmarked = [(request.path, event) for request, event in taken if not is_marked(event, contract, "run-7")]
    assert not unmarked, (len(unmarked), len(taken), unmarked[:12])
    assert any('"run": "run-7"' in json.dumps(event) for _, event in taken)
