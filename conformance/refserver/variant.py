"""A variant: a correct server with a legal difference from the reference server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.refserver.faults.fault import any_contract
from conformance.refserver.server_change import ServerChange

if TYPE_CHECKING:
    from conformance.refserver.application import HttpBehavior
    from conformance.refserver.faults.fault import ContractPredicate
    from conformance.refserver.http_protocol import HttpProtocol
    from conformance.refserver.server_change import ResponseOverride


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A correct server.

    `description`: how it differs from the reference server, as the rest of a sentence about it.
    `applies_to`: the contracts that allow the difference.
    `is_sent_bursts`: whether checks with bursts and large volumes run on it too.
    """

    name: str
    description: str
    change: ServerChange
    applies_to: ContractPredicate = field(default=any_contract)
    is_sent_bursts: bool = False


CORRECT_SERVER = Variant(
    name="correct", description="is the reference server as it is", change=ServerChange(), is_sent_bursts=True
)


def make_variant(
    name: str,
    description: str,
    implementation: ServerChange | ResponseOverride | HttpBehavior | type[HttpProtocol],
    applies_to: ContractPredicate = any_contract,
    *,
    is_sent_bursts: bool = False,
) -> Variant:
    """A variant of the reference server."""
    return Variant(
        name=name,
        description=description,
        change=ServerChange.from_part(implementation),
        applies_to=applies_to,
        is_sent_bursts=is_sent_bursts,
    )
