"""The catalogue: every check by its id, and what becomes of it under one contract."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Unpack

from conformance.checks.check import EVENTS_AND_BATCHES, KNOWN_FACTS, Check, CheckOptions, Parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.core.model import OperationKind
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
    """Enters a generator function into the catalogue.

    With `forms`, one check for each: `{slug}` and `{description}` in id and title are the form's, the function
    gets the form as its second argument, and the fact may be a function of the form.
    """

    def register_function(function: Callable[..., Steps]) -> Callable[..., Steps]:
        base_check = Check(
            id=check_id,
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
    """Every check entered so far, by id."""
    return tuple(_CHECKS[check_id] for check_id in sorted(_CHECKS))


def _register(new_check: Check) -> None:
    if new_check.id in _CHECKS:
        raise ValueError(f"two checks are called {new_check.id}")
    if new_check.fact not in KNOWN_FACTS and not new_check.fact.startswith("sdks."):
        raise ValueError(f"{new_check.id}: no fact is called {new_check.fact}")
    if not new_check.why:
        raise ValueError(f"{new_check.id}: a check says in its docstring why it matters")
    _CHECKS[new_check.id] = new_check
