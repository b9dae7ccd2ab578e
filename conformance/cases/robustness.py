"""Robustness: odd but valid JSON, and fields of a wrong type; a server refuses or takes them, and lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.cases._steps import survives
from conformance.catalogue import BODIED, PIXELS, POSTED, Sample, check
from conformance.payloads import mistypes, oddities
from conformance.payloads.oddities import ODDITIES

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.payloads import Call
    from conformance.payloads.oddities import Oddity

NO_5XX: Final = "rules.no-server-error"


@check("robustness.input.{slug}", "A request with {words} is accepted or refused, and breaks nothing.",
       fact=NO_5XX, kinds=BODIED, sample=Sample.KIND, forms=ODDITIES)  # fmt: skip
def odd(call: Call, oddity: Oddity) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same event again and again."""
    return (yield from survives(call, oddity.make(call)))


@check("robustness.input.common", "The most common odd inputs break nothing, on every path.",
       fact=NO_5XX, kinds=BODIED | PIXELS)  # fmt: skip
def common(call: Call) -> Steps:
    """Each path may have a parser and a store of its own."""
    return (yield from survives(call, oddities.commonest(call)))


@check("robustness.types.main", "Wrong types in ids, required fields and properties break nothing.",
       fact=NO_5XX, kinds=POSTED, sample=Sample.TYPE)  # fmt: skip
def main_types(call: Call) -> Steps:
    """Dynamic languages send a number where a text is meant; a crash makes SDKs send it again and again."""
    return (yield from survives(call, mistypes.main(call)))


@check("robustness.types.common", "Wrong types in the other documented fields break nothing.",
       fact=NO_5XX, kinds=POSTED, sample=Sample.KIND)  # fmt: skip
def common_types(call: Call) -> Steps:
    """Timestamps as numbers and contexts as lists are sent every day."""
    return (yield from survives(call, mistypes.common(call)))


@check("robustness.types.nested", "Wrong types inside documented objects break nothing.",
       fact=NO_5XX, kinds=POSTED, sample=Sample.KIND)  # fmt: skip
def nested_types(call: Call) -> Steps:
    """Servers that enrich events reach deep into them, and trip there."""
    return (yield from survives(call, mistypes.nested(call)))
