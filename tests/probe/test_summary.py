"""The summary of a probe, the distances from known profiles, and when two answers are the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.contract import Contract
from conformance.core.model import Exchange, Level, Request, Response, TransportFailure
from conformance.probe.dialects import group_into_dialects
from conformance.probe.discovery import is_same_answer
from conformance.probe.draft_profile import DraftProfile
from conformance.probe.profile_distance import rank_profiles
from conformance.probe.summary import Section, summarize
from conformance.profile import load
from conformance.profile.facts import CredentialFact

SEGMENT = load("segment")
OPERATION = Contract(SEGMENT).operations[0]


def draft_profile() -> DraftProfile:
    """A draft in which nothing is known yet."""
    return DraftProfile.for_dialect(group_into_dialects([SEGMENT])[0])


def test_rows_come_by_section_and_alike_event_types_in_one_row() -> None:
    """The section orders rows, whatever their text begins with; only rows of event types are merged."""
    draft = draft_profile()
    draft.add_row(Section.VERIFICATION, "answers of checks", "0 fail")
    draft.add_row(Section.REQUIRED, "required by", "nothing else", "each left out", "track")
    draft.add_row(Section.REQUIRED, "required by", "/name (400)", "each left out", "page")
    draft.add_row(Section.REQUIRED, "required by", "nothing else", "each left out", "group")
    draft.add_fact_row("limits.event", "none up to 100 bytes")
    assert [(row.topic, row.value) for row in summarize(draft.rows)] == [
        ("limits.event", "none up to 100 bytes"),
        ("required by track, group", "nothing else"),
        ("required by page", "/name (400)"),
        ("answers of checks", "0 fail"),
    ]


def test_what_is_observed_takes_little_memory() -> None:
    """Requests that look for a limit are megabytes, and a target may answer each with a large body."""
    draft = draft_profile()
    request, response = (
        Request(method="POST", path="/", body=b"a" * 1_000_000),
        Response(status=400, body=b"b" * 100_000),
    )
    for number in range(1_000):
        exchange = Exchange(request=replace(request), response=replace(response, status=400 + number % 2))
        draft.add_observation("answers.json-invalid", OPERATION, "no JSON", exchange)
    kept = [item.exchange for item in draft.observations["answers.json-invalid"]]
    assert {len(exchange.request.body) for exchange in kept} == {0}
    assert {exchange.status for exchange in kept} == {400, 401}
    assert sum(len(exchange.response.body) for exchange in kept if exchange.response) < 35_000_000


def test_a_fact_is_removed_with_its_row() -> None:
    """Rows of other facts stay."""
    draft = draft_profile()
    draft.add_fact_row("limits.batch", "500 bytes")
    draft.add_fact_row("limits.batch-event", "100 bytes")
    draft.remove_fact("limits.batch")
    assert [row.fact for row in draft.rows] == ["limits.batch-event"]


def test_a_limit_that_was_not_found_differs_from_a_documented_one() -> None:
    """The row of the search stands in for a fact; without one, nothing is known of the limit."""
    draft = draft_profile()
    (unknown,) = rank_profiles(draft, [SEGMENT])
    assert "limits.event" in unknown.not_observed
    draft.add_fact_row("limits.event", "none up to 100 bytes")
    (distance,) = rank_profiles(draft, [SEGMENT])
    assert any(text.startswith("limits.event: none up to 100 bytes instead of") for text in distance.differences)


@pytest.mark.parametrize(("carrier", "is_same"), [("X-Api-Key", True), ("X-Other", False)])
def test_credentials_are_the_same_in_the_same_place_only(carrier: str, *, is_same: bool) -> None:
    """A key in another header is a difference."""
    name = "credentials.header"
    documented = CredentialFact(name=name, level=Level.MUST, sources=(), carrier="X-Api-Key")
    profile = replace(SEGMENT, facts={**SEGMENT.facts, name: documented})
    draft = draft_profile()
    draft.facts[name] = CredentialFact(name=name, level=Level.MUST, sources=(), carrier=carrier)
    (distance,) = rank_profiles(draft, [profile])
    assert (name in distance.same) == is_same


def exchange(path: str, status: int = 404, body: str = "", failure: TransportFailure | None = None) -> Exchange:
    """An answer to a POST."""
    response = None if failure else Response(status=status, headers=(), body=body.encode())
    return Exchange(request=Request(method="POST", path=path), url=path, response=response, failure=failure)


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (exchange("/v1/two", body="Cannot POST /v1/two at 17:02"), True),
        (exchange("/v1/two", body="Cannot POST  /v1/two\n at 18:03"), True),
        (exchange("/v1/two", body="Forbidden"), False),
        (exchange("/v1/two", 403, "Cannot POST /v1/one at 17:02"), False),
        (exchange("/v1/two", failure=TransportFailure.CLOSED), False),
    ],
)
def test_answers_are_the_same_apart_from_path_and_numbers(other: Exchange, *, is_same: bool) -> None:
    """The status and the other words have to be the same."""
    assert is_same_answer(exchange("/v1/one", body="Cannot POST /v1/one at 17:02"), other) == is_same
