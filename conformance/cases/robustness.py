"""Robustness: unusual JSON and fields of a wrong type cause no server error, accepted or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.cases._steps import expect_no_server_errors
from conformance.checks.catalogue import check
from conformance.checks.check import ALL_KINDS, EVENTS_AND_BATCHES, NO_SERVER_ERROR, WITH_BODY, FirstPer
from conformance.requests import edge_cases, wrong_types
from conformance.requests.edge_cases import EDGE_CASES

if TYPE_CHECKING:
    from conformance.requests import Call
    from conformance.requests.edge_cases import EdgeCase
    from conformance.requests.steps import Steps


@check("robustness.input.{slug}", "A request with {description} causes no server error.",
       fact=NO_SERVER_ERROR, kinds=WITH_BODY, first_per=FirstPer.KIND, parameters=EDGE_CASES)  # fmt: skip
def edge_case(call: Call, unusual: EdgeCase) -> Steps:
    """After a 5xx, or no answer at all, SDKs send the same event again and again."""
    return (yield from expect_no_server_errors(call, unusual.make_drafts(call)))


@check("robustness.input.common", "The most common edge cases cause no server error on any path.",
       fact=NO_SERVER_ERROR, kinds=ALL_KINDS)  # fmt: skip
def common_edge_cases(call: Call) -> Steps:
    """Each path may have its own parser and storage."""
    return (yield from expect_no_server_errors(call, edge_cases.first_of_each_common(call)))


@check("robustness.types.main", "Wrong types in ids, required fields and properties cause no server error.",
       fact=NO_SERVER_ERROR, kinds=EVENTS_AND_BATCHES, first_per=FirstPer.TYPE)  # fmt: skip
def wrong_main_types(call: Call) -> Steps:
    """Clients in dynamic languages send numbers in place of strings; after a crash, SDKs send them again and again."""
    return (yield from expect_no_server_errors(call, wrong_types.in_main_fields(call)))


@check("robustness.types.common", "Wrong types in the other documented fields cause no server error.",
       fact=NO_SERVER_ERROR, kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def wrong_common_types(call: Call) -> Steps:
    """Clients often send timestamps as numbers and contexts as lists."""
    return (yield from expect_no_server_errors(call, wrong_types.in_other_fields(call)))


@check("robustness.types.nested", "Wrong types inside documented objects cause no server error.",
       fact=NO_SERVER_ERROR, kinds=EVENTS_AND_BATCHES, first_per=FirstPer.KIND)  # fmt: skip
def wrong_nested_types(call: Call) -> Steps:
    """Servers that enrich events read nested fields, and may crash on them."""
    return (yield from expect_no_server_errors(call, wrong_types.in_nested_fields(call)))
