"""The bench: sends single cases for whoever examines failures, and judges what comes."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from conformance.engine import asked_s
from conformance.fuzz.judge import TOO_MANY, Fault, Judge, Judgement
from conformance.fuzz.rendering import LARGE_BYTES, Rendering, Shot
from conformance.model import Exchange
from conformance.wire.answers import Head, Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.fuzz.case import Case
    from conformance.fuzz.oracle import Oracle
    from conformance.wire import Wire
    from conformance.wire.lanes import Lanes

_TRIES = 4
_LONGEST_S = 10.0
_SETTLING, _PATIENCE = 40, 2
"""How many acceptable requests a target may fail until it is well, and how often it may not get well."""


class Bench:
    """Sends cases one at a time. `sent` counts them."""

    def __init__(
        self, wire: Wire, lanes: Lanes[Shot], rendering: Rendering, oracle: Oracle, judge: Judge
    ) -> None:
        self.wire = wire
        self.lanes = lanes
        self.rendering = rendering
        self.oracle = oracle
        self.judge = judge
        self._unsettled: Counter[str] = Counter()

    async def ask(self, *cases: Case, listens: bool = False) -> tuple[Reply, Judgement | None]:
        """What the last of some cases comes to, sent one after the other over one new connection."""
        labelled = [self.labelled(case) for case in cases]
        reply = Reply()
        for _ in range(_TRIES):
            reply = await self._sent(labelled, listens=listens)
            if reply.status != TOO_MANY:
                break
            await asyncio.sleep(min(asked_s(self.kept(labelled[-1], reply)), _LONGEST_S))
        return reply, self.judge.judge(labelled[-1], reply)

    def labelled(self, case: Case) -> Case:
        """A case with what the oracle says of it."""
        return case if case.expect else case._replace(expect=self.oracle.expect(case))

    async def settle(self, control: Case) -> bool:
        """Whether the target takes an acceptable request: now, or after it has failed a few."""
        if self._unsettled[control.call] >= _PATIENCE:
            return False
        for _ in range(_SETTLING):
            _, judgement = await self.ask(control)
            if judgement is None:
                return True
            if judgement.fault is Fault.UNANSWERED:
                break
        self._unsettled[control.call] += 1
        return False

    async def fails(self, fault: Fault, kind: str, *cases: Case) -> bool:
        """Whether a case comes to the same fault."""
        if fault in {Fault.REFUSED, Fault.TAKEN} and not self.labelled(cases[-1]).expect:
            return False
        _, judgement = await self.ask(*cases, listens=fault is Fault.MISFRAMED)
        if judgement is None or judgement.fault is not fault:
            return False
        return judgement.kind == kind or fault in {Fault.SERVER_ERROR, Fault.MISFRAMED, Fault.LEAK}

    def kept(self, case: Case, reply: Reply) -> Exchange:
        """An exchange for people: without secrets."""
        request, redactor = self.rendering.request(case), self.wire.redactor
        target = self.wire.target
        return Exchange(
            request=redactor.request(request),
            url=f"{target.scheme}://{target.authority}{target.prefix}{request.path}",
            response=redactor.response(reply.response) if reply.response else None,
            mishap=reply.mishap,
            detail=redactor.text(reply.detail),
            stray=redactor.body(reply.stray),
        )

    async def _sent(self, cases: Sequence[Case], *, listens: bool) -> Reply:
        """The last reply; a large body goes the careful way."""
        if len(cases) == 1 and len(cases[0].body) > LARGE_BYTES:
            return await self.carefully(cases[0])
        shots = [self.rendering.shot(case) for case in cases]
        return (await self.lanes.sequence(shots, listens=listens))[-1]

    async def carefully(self, case: Case) -> Reply:
        """Sends a large body over the wire that goes on listening while it sends."""
        heard = await self.wire.hear(self.rendering.request(case))
        response = heard.response
        if response is None:
            return Reply(mishap=heard.mishap, detail=heard.detail)
        head = Head(
            status=response.status,
            headers=response.headers,
            length=None,
            keeps=True,
            media_type=response.media_type,
            version=response.http_version,
        )
        return Reply(response.status, head, response.body, truncated=response.truncated)
