"""Preflight: one valid event of each kind first, so that a wrong key, path or address is named as such."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance import expect
from conformance.errors import CannotJudge, Silent
from conformance.model import RUN_ID, Exchange, Kind, Mishap
from conformance.payloads import Call, Draft, Footing, Ground
from conformance.profile.facts import Scheme

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from conformance.contract import Contract
    from conformance.engine import Sender
    from conformance.payloads import Keys
    from conformance.wire import Wire

_KEY_WORDS = re.compile(
    r"write.?key|unauthor|authori[sz]ation|authenticat|credential|api.?key|(access|auth|invalid|missing|bearer).token",
    re.IGNORECASE,
)
_SCOUTS = 4
"""If none of so many first requests is answered, no more are sent."""
_TLS_HINT = "; name your authority with --ca-bundle FILE, or pass --insecure"


async def fly(contract: Contract, keys: Keys, sender: Sender, run_id: str = RUN_ID) -> Ground:
    """Sends one valid request to each operation; where it is refused, other requests as valid.

    Raises CannotJudge if every request is refused: then nothing that follows would mean anything.
    NoAnswer is raised for a target that does nothing but ask us to wait.
    """
    calls = [
        Call(
            contract=contract, operation=operation, keys=keys, label=f"preflight[{operation}]", run_id=run_id
        )
        for operation in contract.operations
    ]
    wire = sender.wire
    room = asyncio.Semaphore(wire.connections)

    async def send(draft: Draft) -> Exchange:
        async with room:
            return await sender.send(draft)

    exchanges = await asyncio.gather(*(send(call.event()) for call in calls[:_SCOUTS]))
    if all(exchange.response is None for exchange in exchanges):
        raise CannotJudge(_diagnosis(exchanges, wire))
    exchanges += await asyncio.gather(*(send(call.event()) for call in calls[_SCOUTS:]))
    refused = [
        (call, item) for call, item in zip(calls, exchanges, strict=True) if not expect.is_accepted(item)
    ]
    found = await asyncio.gather(*(_firm(call, send) for call, _ in refused))
    if len(refused) == len(calls) and not any(found):
        raise CannotJudge(_diagnosis(exchanges, wire))
    outcomes = list(zip(refused, found, strict=True))
    return Ground(
        footings={call.operation: footing for (call, _), footing in outcomes if footing},
        dead={
            call.operation: item.outline
            for (call, item), footing in outcomes
            if not footing and item.response
        },
        seen=sender.seen,
        run_id=run_id,
    )


async def _firm(call: Call, send: Callable[[Draft], Awaitable[Exchange]]) -> Footing | None:
    """The first footing on which an operation accepts something; None if there is none."""
    for footing in _footings(call):
        with contextlib.suppress(Silent):
            if expect.is_accepted(await send(replace(call, footing=footing).event())):
                return footing
    return None


def _footings(call: Call) -> Iterator[Footing]:
    """Ways to send something as valid as the smallest request, which may be refused alone, or once."""
    yield Footing()
    yield Footing(is_full=True)
    yield Footing(content_type="application/json; charset=utf-8")
    if call.operation.kind in {Kind.EVENT, Kind.BATCH}:
        for scheme in Scheme:
            if call.contract.states(f"credentials.{scheme}"):
                yield Footing(scheme=scheme)


def _diagnosis(exchanges: Sequence[Exchange], wire: Wire) -> str:
    """What looks wrong when nothing valid is accepted."""
    (mishap, status), _ = Counter((item.mishap, item.status) for item in exchanges).most_common(1)[0]
    typical = next(item for item in exchanges if (item.mishap, item.status) == (mishap, status))
    if mishap is not None:
        return _unheard(typical, wire)
    requests = f"all {len(exchanges)} valid requests" if len(exchanges) > 1 else "the only valid request"
    return f"{wire.target.url} refused {requests} ({typical.outline}): {_suspect(typical, wire)}"


def _unheard(exchange: Exchange, wire: Wire) -> str:
    """What looks wrong when nothing is answered."""
    url, detail = wire.target.url, exchange.detail
    match exchange.mishap:
        case Mishap.NOT_HTTP:
            return f"{url} does not speak HTTP: {detail}"
        case Mishap.TLS:
            return f"{url} can't be reached: {detail}{_TLS_HINT if 'certificate' in detail else ''}"
        case Mishap.TIMEOUT:
            return f"{url} does not answer: {detail}"
        case Mishap.CLOSED:
            return f"{url} does not answer: {detail}; does it speak HTTP, and is TLS on both sides or none?"
        case _:
            return f"{url} can't be reached: {detail}"


def _suspect(exchange: Exchange, wire: Wire) -> str:
    """Whether the key, the path or the server looks wrong, by what a typical refusal says."""
    status, response = exchange.status, exchange.response
    text = response.text if response else ""
    if status in {401, 403} or (status < expect.SERVER_ERROR and _KEY_WORDS.search(text)):
        return "the write key looks wrong; check --write-key or CONFORMANCE_WRITE_KEY"
    if status in {404, 405, 410}:
        doubled = wire.target.prefix.endswith("/v1") and exchange.request.path.startswith("/v1/")
        hint = "; the paths begin with /v1 themselves, so drop it from the URL" if doubled else ""
        return f"the path looks wrong: nothing is at {wire.target.prefix}{exchange.request.path}{hint}"
    if 300 <= status < 400:
        place = (response.header("location") if response else None) or "nowhere"
        return f"the address looks wrong: it redirects to {place}, and redirects are not followed"
    if status >= expect.SERVER_ERROR:
        return "the server looks wrong: it fails on valid events"
    return "the server looks wrong, or it speaks another vendor's dialect than the profile"
