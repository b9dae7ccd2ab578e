"""What a sink's file and a contract allow a stored event to differ in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.delivery.comparison import Tolerance
from conformance.delivery.normalisation import Normaliser
from conformance.profile.facts import AuthScheme

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.sinks import Sink


def tolerance_of(sink: Sink, contract: Contract) -> Tolerance:
    """The tolerance of a sink: the key is never kept, times may be corrected, and a null id, time or context filled."""
    shared = (contract.profile.pointers.context, *contract.profile.batch.shared)
    body_fact, where = f"credentials.{AuthScheme.BODY}", contract.profile.pointers
    key = {contract.credential_carrier(AuthScheme.BODY)} if contract.has_fact(body_fact) else set()
    return Tolerance(
        ignored=frozenset({*sink.ignore, *key}),
        set_by_server=frozenset(sink.set_by_server),
        normalised=Normaliser(sink.normalise),
        times=frozenset({pointer for pointer in (where.timestamp,) if pointer}),
        defaulted=frozenset({pointer for pointer in (where.timestamp, where.message_id, *shared) if pointer}),
    )
