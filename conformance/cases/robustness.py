"""Robustness: odd but valid JSON, and fields of a wrong type; a server refuses or takes them, and lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.cases._steps import expect_no_server_errors
from conformance.checks.catalogue import check
from conformance.checks.check import EVENTS_AND_BATCHES, PIXELS, WITH_BODY, FirstPer
from conformance.requests import edge_cases, wrong_types
from conformance.requests.edge_cases import EDGE_CASES

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.edge_cases import EdgeCase
    from conformance.requests.steps import Steps

NO_5XX: Final = "rules.no-server-error"


@check("robustness.input.{slug}", "A request with {description} is accepted or refused, and breaks nothing.",
       fact=NO_5XX, kinds=WITH_BODY, first_per=FirstPer.KIND, parameters=EDGE_CASES)  # fmt: skip
def edge_case(call: Call, edge_case_input: EdgeCase) -> Steps:
    """A 5xx, or no answer at all, makes SDKs send the same event again and again."""
    return (yield from expect_no_server_errors(call, edge_case_input.make_drafts(call)))


@check("robustness.input.common", "The most common odd inputs break nothing, on every path.",
       fact=NO_5XX, kinds=WITH_BODY | PIXELS)  # fmt: skip
def common_edge_cases(call: Call) -> Steps:
    """Each path may have a parser and a store of its own."""
    return (yield from expect_no_server_errors(call, edge_cases.first_of_each_common(call)))


@check("robustness.types.main", "Wrong types in ids, required fields and properties break nothing.",
       fact=NO_5XX, kinds=EVENTS_AND_BATCHES, first_per=FirstPer.TYPE)  # fmt: skip
def wrong_main_types(call: Call) -> Steps:
    """Dynamic languages send a number where a text is meant; a crash makes SDKs send it again and again."""
    return (yield from expect_no_server_errors(call, wrong_types.in_main_fields(call)))


@check("robustness.types.common", "Wrong types in the other documented fields break nothing.",
       fact=NO_5XX, kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def wrong_common_types(call: Call) -> Steps:
    """Timestamps as numbers and contexts as lists are sent every day."""
    return (yield from expect_no_server_errors(call, wrong_types.in_other_fields(call)))


@check("robustness.types.nested", "Wrong types inside documented objects break nothing.",
       fact=NO_5XX, kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def wrong_nested_types(call: Call) -> Steps:
    """Servers that enrich events reach deep into them, and trip there."""
    return (yield from expect_no_server_errors(call, wrong_types.in_nested_fields(call)))
