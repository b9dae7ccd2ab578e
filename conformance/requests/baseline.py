"""What a target accepts at all: found out before the checks, so that they need not stumble over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.core.errors import Untestable
from conformance.core.model import DEFAULT_RUN_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.contract import Operation
    from conformance.core.model import Exchange
    from conformance.profile.facts import AuthScheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What an acceptable request to a target looks like, where the smallest documented one is refused.

    A target that insists on a documented but optional field breaks a promise, once. On a footing that it
    accepts, all its other promises can still be judged.
    """

    has_all_fields: bool = False
    scheme: AuthScheme | None = None
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightResult:
    """Where a target accepts something other than the smallest request, and where nothing at all.

    `dead` maps an operation to the exchange in which its smallest request was refused. `seen` fills as the run goes.
    `run_id` is what the run's events are marked with.
    """

    baselines: Mapping[Operation, Baseline] = field(default_factory=dict)
    dead: Mapping[Operation, Exchange] = field(default_factory=dict)
    shared_exchanges: dict[str, Exchange] = field(default_factory=dict)
    run_id: str = DEFAULT_RUN_ID

    def require_alive(self, operation: Operation) -> None:
        """Raises Untestable where nothing is accepted."""
        if operation in self.dead:
            raise Untestable(
                f"{operation} must accept some acceptable request, or what it refuses proves nothing",
                "accepted none; look at the check of the smallest request",
                exchange=self.dead[operation],
                expected="a success",
            )
