"""Marks: every event that a server takes can be found by a mark of ours, and deleted."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from conformance import loop, pointers, resources, settings
from conformance.cases import CHECKS
from conformance.contract import Contract
from conformance.profile import load
from conformance.refserver import Server
from conformance.run import execute, prepare
from conformance.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.model import Exchange, JsonObject, Request
    from conformance.wire.raw import Heard

KEY = "Marks-Write-Key"
TAKEN = range(200, 300)


@dataclass(slots=True, kw_only=True)
class Tapped(Wire):
    """A wire that remembers what was sent, whole, and what was answered."""

    heard: list[tuple[Request, int]] = field(default_factory=list)

    async def hear(self, request: Request) -> Heard:
        """As every wire."""
        found = await Wire.hear(self, request)
        self.heard.append((request, found.response.status if found.response else 0))
        return found

    async def converse(
        self, requests: Sequence[Request], *, pipelined: bool = False, half_closed: bool = False
    ) -> list[Exchange]:
        """As every wire."""
        found = await Wire.converse(self, requests, pipelined=pipelined, half_closed=half_closed)
        self.heard += [(request, item.status) for request, item in zip(requests, found, strict=True)]
        return found


def values_of(request: Request, contract: Contract) -> Iterator[Any]:
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
    found = [pointers.get(event, place) for place in ids if place and pointers.has(event, place)]
    context = f"{where.context}/conformance/run"
    if where.context and pointers.has(event, context):
        return pointers.get(event, context) == run_id
    return any(isinstance(item, str) and item.startswith("conformance") for item in found)


def names_somebody(event: JsonObject, contract: Contract) -> bool:
    """Whether an event has an id at all: no vendor documents that it stores one without."""
    where = contract.profile.pointers
    found = [pointers.get(event, p) for p in (where.user, where.anonymous) if p and pointers.has(event, p)]
    return any(isinstance(item, str) and item for item in found)


def judge(profile: str, run_id: str) -> tuple[Contract, list[tuple[Request, int]]]:
    """What a whole run sends to a correct server, and what it answers."""
    contract = Contract(load(profile))
    with Server(contract, KEY, "token") as server:
        given = {"write_key": KEY, "bearer": "token", "run_id": run_id, "fuzz": "0"}
        plan = prepare(settings.resolve(given), server.url, contract, CHECKS)
        taps: list[Tapped] = []

        class Tap(Tapped):
            def __post_init__(self) -> None:
                Tapped.__post_init__(self)
                taps.append(self)

        loop.run(execute(plan, lambda *_: None, wire_type=Tap))
    return contract, taps[0].heard


@pytest.mark.parametrize("profile", resources.profile_names())
def test_every_event_that_is_taken_carries_a_mark(profile: str) -> None:
    """A whole run, every event of it: who runs it against a real target can clean up behind it."""
    contract, heard = judge(profile, "run-7")
    taken = [
        (request, event)
        for request, status in heard
        if status in TAKEN
        for value in values_of(request, contract)
        for event in events(value, contract)
    ]
    assert len(taken) > len(contract.operations) * 30
    taken = [(request, event) for request, event in taken if names_somebody(event, contract)]
    unmarked = [(request.path, event) for request, event in taken if not is_marked(event, contract, "run-7")]
    assert not unmarked, (len(unmarked), len(taken), unmarked[:12])
    assert any('"run": "run-7"' in json.dumps(event) for _, event in taken)
