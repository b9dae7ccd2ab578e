"""The promise that a failure breaks: how strong it is, and where it is documented."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.checks.check import MALFORMED_REQUEST, NO_SERVER_ERROR
from conformance.core.model import Level, weaker_level
from conformance.requests.framings import is_well_formed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.checks.trial import Trial
    from conformance.contract import Contract
    from conformance.core.model import Exchange, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A broken promise: its level, and where it is documented."""

    level: Level
    sources: tuple[Source, ...]


def broken_promise(trial: Trial, stated: Promise | None) -> Promise:
    """The promise that a failed check broke: its own, or the one that `stated` names; the weaker level holds."""
    if stated is None:
        return Promise(level=trial.level, sources=trial.sources)
    return Promise(
        level=weaker_level(trial.level, trial.cap_level(stated.level)),
        sources=(*stated.sources, *trial.operation_sources) if stated.sources else trial.sources,
    )


def server_error_promise(contract: Contract, *, well_formed: bool) -> Promise | None:
    """What a 5xx, or no answer, breaks: for well-formed HTTP the vendor's list of answers, else HTTP alone.

    None if the contract has no such fact.
    """
    name = NO_SERVER_ERROR if well_formed else MALFORMED_REQUEST
    if not contract.has_fact(name):
        return None
    fact = contract.fact(name)
    return Promise(level=fact.level, sources=fact.sources)


def server_error_or(own: Promise, trial: Trial, exchanges: Iterable[Exchange]) -> Promise:
    """What a 5xx, or no answer, broke: `own`, or the promise about these for any request.

    The stronger one holds for requests that HTTP allows. If one of the exchanges has another request, no promise is
    stronger than that of HTTP about such requests.
    """
    well_formed = all(is_well_formed(exchange.request) for exchange in exchanges)
    general = server_error_promise(trial.contract, well_formed=well_formed)
    if general is None:
        return own
    general = replace(
        general, level=trial.cap_level(general.level), sources=(*general.sources, *trial.operation_sources)
    )
    first, second = (general, own) if well_formed else (own, general)
    return general if first.level.rank < second.level.rank else own


def silence_promise(trial: Trial, exchanges: Iterable[Exchange]) -> Promise | None:
    """What no answer to a request breaks, whatever the check is about; None if the contract has no such fact.

    A check that only observes is a MAY at most, and must not hide that official SDKs get no answers.
    """
    well_formed = all(is_well_formed(exchange.request) for exchange in exchanges)
    general = server_error_promise(trial.contract, well_formed=well_formed)
    operation = trial.asked_operation
    if general is None or operation is None:
        return general
    sources = (*general.sources, *trial.operation_sources)
    return Promise(level=weaker_level(general.level, operation.level), sources=sources)
