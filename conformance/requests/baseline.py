"""Which variant of an acceptable request each operation takes, as the preflight found out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.core.errors import NotApplicable, Untestable
from conformance.core.kept_connections import KeptConnections
from conformance.core.model import DEFAULT_RUN_ID, Level, PathState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.contract import Contract, Operation
    from conformance.core.model import Exchange
    from conformance.profile.facts import AuthScheme
    from conformance.profile.profile import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The variant of an acceptable request that a target takes where it refuses the minimal one.

    With it, the other promises of the target can still be tested. `scheme` is None for the default one.
    """

    has_all_fields: bool = False
    scheme: AuthScheme | None = None
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightResult:
    """What each operation accepts, and what the checks of a run share.

    `baselines`: the operations that refuse the minimal request but accept a variant of it.
    `successes`: the answer of each operation to the request that it accepts.
    `dead`: the operations that accept nothing, each with the answer to its minimal request.
    `absent`: those of them that are not there at all.
    `shared_exchanges`: exchanges that several checks need; filled during the run.
    `refusals`: the answers to requests with one reason to refuse them, by the repetition; filled during the run.
    `run_id`: the tag of the run's events; `nonce`: what their marks begin with, if they have any.
    `contract`: the contract by the reading of the documents that the target follows; None for the first reading.
    `kept`: what became of kept connections; counted during the run.
    """

    baselines: Mapping[Operation, Baseline] = field(default_factory=dict)
    successes: Mapping[Operation, Exchange] = field(default_factory=dict)
    dead: Mapping[Operation, Exchange] = field(default_factory=dict)
    absent: frozenset[Operation] = frozenset()
    shared_exchanges: dict[str, Exchange] = field(default_factory=dict)
    refusals: dict[int, dict[str, Exchange]] = field(default_factory=dict)
    run_id: str = DEFAULT_RUN_ID
    nonce: str = ""
    contract: Contract | None = None
    kept: KeptConnections = field(default_factory=KeptConnections)

    @property
    def reading(self) -> Reading | None:
        """The reading of the documents that the target follows; None for the first."""
        return self.contract.profile.reading if self.contract else None

    def require_alive(self, operation: Operation) -> None:
        """Raises Untestable if the operation accepts nothing."""
        if operation in self.dead:
            untestable = Untestable(
                f"{operation} must accept some acceptable request, or what it refuses proves nothing",
                "accepted none; look at the check of the smallest request",
                exchange=self.dead[operation],
                expected="a success",
            )
            untestable.path_state = PathState.ABSENT if operation in self.absent else PathState.REFUSES_ALL
            raise untestable

    def require_present(self, operation: Operation, smallest_request_check: str) -> None:
        """Raises NotApplicable if an operation that need not be there is not there.

        That is one deviation, and the check of the smallest request reports it.
        """
        if operation in self.absent and operation.level is not Level.MUST:
            raise NotApplicable(
                f"nothing is at {operation} ({self.dead[operation].status}): see {smallest_request_check}",
                path_state=PathState.ABSENT,
            )
