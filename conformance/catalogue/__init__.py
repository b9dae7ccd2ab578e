"""The catalogue: every check by its id, and what becomes of it under one contract."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Unpack

from conformance.catalogue.check import (
    BATCHES,
    BODIED,
    ERROR_BODY,
    EVENTS,
    FACTS,
    OF_FORM,
    PIXELS,
    POSTED,
    RATE_HEADERS,
    REQUIRED,
    WEBHOOKS,
    Check,
    Form,
    Sample,
    Tier,
    Traits,
)
from conformance.catalogue.selection import chosen
from conformance.catalogue.trial import Trial, trials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.engine import Steps
    from conformance.model import Kind

__all__ = [
    "BATCHES",
    "BODIED",
    "ERROR_BODY",
    "EVENTS",
    "FACTS",
    "OF_FORM",
    "PIXELS",
    "POSTED",
    "RATE_HEADERS",
    "REQUIRED",
    "WEBHOOKS",
    "Check",
    "Form",
    "Sample",
    "Tier",
    "Traits",
    "Trial",
    "check",
    "checks",
    "chosen",
    "trials",
]

_CHECKS: dict[str, Check] = {}


def check(
    check_id: str,
    title: str,
    *,
    fact: str | Callable[[Any], str],
    kinds: frozenset[Kind] = POSTED,
    forms: Iterable[Form] = (),
    **traits: Unpack[Traits],
) -> Callable[[Callable[..., Steps]], Callable[..., Steps]]:
    """Enters a generator function into the catalogue.

    With `forms`, one check for each: `{slug}` and `{words}` in id and title are the form's, the function
    gets the form as its second argument, and the fact may be a function of the form.
    """

    def enter(function: Callable[..., Steps]) -> Callable[..., Steps]:
        plain = Check(
            id=check_id,
            title=title,
            why=inspect.cleandoc(function.__doc__ or ""),
            fact="" if callable(fact) else fact,
            kinds=kinds,
            steps=function,
            module=function.__module__,
            **traits,
        )
        formed = [plain.formed(form, fact(form) if callable(fact) else fact) for form in forms]
        for item in formed or [plain]:
            _register(item)
        return function

    return enter


def checks() -> tuple[Check, ...]:
    """Every check entered so far, by id."""
    return tuple(_CHECKS[name] for name in sorted(_CHECKS))


def _register(item: Check) -> None:
    if item.id in _CHECKS:
        raise ValueError(f"two checks are called {item.id}")
    if item.fact not in FACTS and not item.fact.startswith("sdks."):
        raise ValueError(f"{item.id}: no fact is called {item.fact}")
    if not item.why:
        raise ValueError(f"{item.id}: a check says in its docstring why it matters")
    _CHECKS[item.id] = item
