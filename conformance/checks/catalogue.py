"""The catalogue: the registry of all checks, by their ids."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Unpack

from conformance.checks.check import EVENTS_AND_BATCHES, KNOWN_FACTS, Check, CheckOptions
from conformance.core.model import Area

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.core.model import OperationKind, Parameter
    from conformance.requests.steps import Steps

_CHECKS: dict[str, Check] = {}


def check(
    check_id: str,
    title: str,
    *,
    fact: str | Callable[[Any], str],
    kinds: frozenset[OperationKind] = EVENTS_AND_BATCHES,
    parameters: Iterable[Parameter] = (),
    **options: Unpack[CheckOptions],
) -> Callable[[Callable[..., Steps]], Callable[..., Steps]]:
    """Registers a generator function as a check, or as one check per parameter.

    Ids and titles may contain `{slug}` and `{description}` of a parameter, the function gets the parameter as
    its second argument, and `fact` may be a function of it. Raises ValueError for an id that is taken, a fact
    that does not exist, or a function without a docstring.
    """

    def register_function(function: Callable[..., Steps]) -> Callable[..., Steps]:
        base_check = Check(
            id=check_id,
            area=Area(check_id.partition(".")[0]),
            title=title,
            why=inspect.cleandoc(function.__doc__ or ""),
            fact="" if callable(fact) else fact,
            kinds=kinds,
            steps=function,
            module=function.__module__,
            **options,
        )
        parameterized = [
            base_check.for_parameter(parameter, fact(parameter) if callable(fact) else fact) for parameter in parameters
        ]
        for new_check in parameterized or [base_check]:
            _register(new_check)
        return function

    return register_function


def all_checks() -> tuple[Check, ...]:
    """All registered checks that need no browser and no sink, sorted by id."""
    return tuple(item for _, item in sorted(_CHECKS.items()) if not (item.needs_browser or item.needs_sink))


def browser_checks() -> tuple[Check, ...]:
    """The registered checks that need a real browser, sorted by id."""
    return tuple(_CHECKS[check_id] for check_id in sorted(_CHECKS) if _CHECKS[check_id].needs_browser)


def sink_checks() -> tuple[Check, ...]:
    """The registered checks that look into a sink, sorted by id."""
    return tuple(item for _, item in sorted(_CHECKS.items()) if item.needs_sink)


def _register(new_check: Check) -> None:
    if new_check.id in _CHECKS:
        raise ValueError(f"two checks have the id {new_check.id}")
    if new_check.fact not in KNOWN_FACTS and not new_check.fact.startswith("sdks."):
        raise ValueError(f"{new_check.id}: there is no fact {new_check.fact}")
    if not new_check.why:
        raise ValueError(f"{new_check.id}: the docstring of a check must say why it matters")
    _CHECKS[new_check.id] = new_check
