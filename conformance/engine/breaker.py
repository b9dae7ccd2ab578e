"""The breaker: ends a run against a target that is no longer there, or has fallen ill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.errors import Stopped

if TYPE_CHECKING:
    from conformance.model import Exchange
    from conformance.payloads import Draft

IN_A_ROW = 20
"""So many failures with nothing good in between, over the whole target, end a run."""
_SERVER_ERROR = 500


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row. A target with one dead path answers on others, and is judged on.

    What checks provoke does not count: neither a silence that a check lets pass, nor one 5xx after a faulty
    request, for the next acceptable request is answered well by a target that is well.
    """

    unanswered: int = 0
    failed: int = 0

    def note(self, draft: Draft, exchange: Exchange) -> None:
        """Takes what came of a request. Raises Stopped at the last straw."""
        if exchange.response is not None and exchange.status < _SERVER_ERROR:
            self.unanswered = self.failed = 0
        elif draft.may_go_unanswered or draft.may_hang:
            return
        elif exchange.response is not None:
            self.unanswered = 0
            self.failed += 1
        else:
            self.unanswered += 1
        if self.unanswered >= IN_A_ROW:
            raise Stopped(f"{IN_A_ROW} requests in a row were not answered, the last one: {exchange.detail}")
        if self.failed >= IN_A_ROW:
            raise Stopped(f"{IN_A_ROW} answers in a row were failures of the server: {exchange.outline}")
