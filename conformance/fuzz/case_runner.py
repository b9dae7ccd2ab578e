"""Sends cases one at a time and judges the replies."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from conformance.core.errors import NoResponse
from conformance.core.model import Exchange, Request
from conformance.core.statuses import MULTIPLE_CHOICES
from conformance.fuzz.judge import FailureKind, Judge, Judgement
from conformance.fuzz.request_renderer import LARGE_BYTES, PreparedCase, RequestRenderer
from conformance.requests.rate_limits import asks_to_wait, retry_after_s
from conformance.wire.responses import Reply, ResponseHead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.fuzz.case import Case
    from conformance.fuzz.oracle import Oracle
    from conformance.wire import Wire
    from conformance.wire.connections import Connections

_MAX_ATTEMPTS, _ACCEPTANCE_ATTEMPTS = 7, 2
_MAX_WAITS_S = 61.0
"""How long a case waits at most where its answers ask for it, in seconds: twice as long each time."""
_MAX_RECOVERY_REQUESTS, _MAX_FAILED_RECOVERIES = 40, 2
"""How many control requests a target may fail until it has recovered, and how often it may fail to recover."""


class PutOff(NoResponse):
    """A valid request is refused for longer than it is sent again, since there are too many."""


class CaseRunner:
    """Sends cases one at a time and judges the replies."""

    def __init__(
        self,
        wire: Wire,
        connections: Connections[PreparedCase],
        renderer: RequestRenderer,
        oracle: Oracle,
        judge: Judge,
    ) -> None:
        self.wire = wire
        self.connections = connections
        self.renderer = renderer
        self.oracle = oracle
        self.judge = judge
        self._failed_recoveries: Counter[str] = Counter()

    async def run(self, *cases: Case, reads_trailing_bytes: bool = False) -> tuple[Reply, Judgement | None]:
        """Sends cases in order over one new connection; returns the last reply and its judgement."""
        labelled_cases = [self.with_expected_facts(case) for case in cases]
        reply, waited_s = Reply(), 0.0
        for _ in range(_MAX_ATTEMPTS):
            reply = await self._send(labelled_cases, reads_trailing_bytes=reads_trailing_bytes)
            if not asks_to_wait(reply) or waited_s >= _MAX_WAITS_S or retry_after_s(reply) > _MAX_WAITS_S:
                break
            wait_s = min(retry_after_s(reply) + waited_s, _MAX_WAITS_S)
            await asyncio.sleep(wait_s)
            waited_s += wait_s
        return reply, self.judge.judge(labelled_cases[-1], reply)

    async def accepts(self, case: Case) -> bool:
        """Whether the target accepts a case, at the second attempt at the latest. Raises PutOff."""
        for _ in range(_ACCEPTANCE_ATTEMPTS):
            reply, _ = await self.run(case)
            if asks_to_wait(reply):
                raise PutOff(f"no verdict: the target keeps answering {reply.status} to a valid request")
            if 200 <= reply.status < MULTIPLE_CHOICES:
                return True
        return False

    def with_expected_facts(self, case: Case) -> Case:
        """A case labelled by the oracle."""
        return case if case.expected_facts else case._replace(expected_facts=self.oracle.expected_facts(case))

    async def wait_until_healthy(self, control: Case) -> bool:
        """Whether the target accepts a control request, now or after a few failures."""
        if self._failed_recoveries[control.call] >= _MAX_FAILED_RECOVERIES:
            return False
        for _ in range(_MAX_RECOVERY_REQUESTS):
            _, judgement = await self.run(control)
            if judgement is None:
                return True
            if judgement.failure_kind is FailureKind.UNANSWERED:
                break
        self._failed_recoveries[control.call] += 1
        return False

    async def fails_like(self, failure: Judgement, *cases: Case) -> bool:
        """Whether the last of some cases has the same failure; of several facts, it may break only some."""
        failure_kind = failure.failure_kind
        if (
            failure_kind in {FailureKind.WRONGLY_REJECTED, FailureKind.WRONGLY_ACCEPTED}
            and not self.with_expected_facts(cases[-1]).expected_facts
        ):
            return False
        _, judgement = await self.run(*cases, reads_trailing_bytes=failure_kind is FailureKind.MALFORMED_RESPONSE)
        if judgement is None or judgement.failure_kind is not failure_kind:
            return False
        if failure_kind is FailureKind.WRONGLY_ACCEPTED and {*judgement.facts} < {*failure.facts}:
            return True
        return judgement.dedup_key == failure.dedup_key or failure_kind in {
            FailureKind.SERVER_ERROR,
            FailureKind.MALFORMED_RESPONSE,
            FailureKind.INFORMATION_LEAK,
        }

    def redacted_exchange(self, case: Case, reply: Reply) -> Exchange:
        """A case and its reply as an exchange without secrets."""
        request, redactor, target = self.redacted_request(case), self.wire.redactor, self.wire.target
        return Exchange(
            request=request,
            url=redactor.redact_text(f"{target.scheme}://{target.authority}{target.prefix}{request.path}"),
            response=redactor.redact_response(reply.response) if reply.response else None,
            failure=reply.failure,
            failure_detail=redactor.redact_text(reply.failure_detail),
            bytes_after_response=redactor.redact_body(reply.bytes_after_response),
        )

    def redacted_request(self, case: Case) -> Request:
        """A case as a request without secrets."""
        return self.wire.redactor.redact_request(self.renderer.render(case))

    async def _send(self, cases: Sequence[Case], *, reads_trailing_bytes: bool) -> Reply:
        """Sends cases in order; returns the last reply."""
        if len(cases) == 1 and len(cases[0].body) > LARGE_BYTES:
            return await self.send_large(cases[0])
        prepared = [self.renderer.prepare(case) for case in cases]
        return (await self.connections.send_in_order(prepared, reads_trailing=reads_trailing_bytes))[-1]

    async def send_large(self, case: Case) -> Reply:
        """Sends a case while reading, since a server may respond before it has read the whole of a large body."""
        received = await self.wire.send_unredacted(self.renderer.render(case))
        response = received.response
        if response is None:
            return Reply(failure=received.failure, failure_detail=received.failure_detail)
        head = ResponseHead(
            status=response.status,
            headers=response.headers,
            body_length=None,
            keeps_alive=True,
            media_type=response.media_type,
            http_version=response.http_version,
        )
        return Reply(response.status, head, response.body, is_truncated=response.truncated)
