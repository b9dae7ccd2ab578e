"""Invalid requests: the answers to each kind of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.core.model import OperationKind
from conformance.core.statuses import MULTI_STATUS
from conformance.profile.facts import AuthScheme, Condition
from conformance.requests import content_codings
from conformance.requests.invalid_cases import (
    INVALID_BATCH,
    NO_IDENTITY,
    UNREADABLE_BODIES,
    InvalidCase,
)
from conformance.requests.invalid_credentials import (
    INVALID_AUTHORIZATION,
    INVALID_PIXEL,
    INVALID_WEBHOOK,
    WRONG_BODY_KEY,
    WRONG_KEY,
)
from conformance.requests.wrong_routes import request_with_method, unknown_paths, wrong_methods

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from conformance.contract import Operation
    from conformance.core.model import Json
    from conformance.probe.client import ProbeClient
    from conformance.requests import Call, Draft


def _with_null_ids(call: Call) -> Draft:
    """An event whose ids are all null."""
    draft = call.acceptable_request()
    for pointer in call.contract.identity_pointers(call.operation.event_type).values():
        draft = draft.with_field(pointer, None)
    return draft


def _bad_batch_case(slug: str, description: str, is_bad: tuple[bool, ...]) -> InvalidCase:
    """A batch of events of which some name no user; if all are bad, its condition is that of single events."""
    condition = Condition.IDENTITY_MISSING if all(is_bad) else Condition.BATCH_PARTLY_BAD

    def make_draft(call: Call) -> Draft:
        drafts = [NO_IDENTITY.make_draft(call) if bad else call.acceptable_request() for bad in is_bad]
        return drafts[0].with_events(*(event for draft in drafts for event in draft.events))

    return InvalidCase(slug, description, condition, make_draft)


def _no_events_case(slug: str, description: str, values: tuple[Json, ...]) -> InvalidCase:
    """A batch in which nothing is an event; servers that take the good part of a batch have none here."""
    return InvalidCase(
        slug,
        description,
        Condition.BATCH_EVENT_NOT_OBJECT,
        lambda call: call.acceptable_request().with_events(*values),
    )


def _wrong_method_case(method: str) -> InvalidCase:
    return InvalidCase(
        f"method.{method}",
        f"the method {method}",
        Condition.METHOD_WRONG,
        lambda call: request_with_method(call, method),
    )


def _encoding_case(slug: str, title: str, make: Callable[[Draft], Draft]) -> InvalidCase:
    return InvalidCase(slug, title, Condition.ENCODING_INVALID, lambda call: make(call.acceptable_request()))


BAD_GZIP = (
    _encoding_case("gzip.corrupt", "a body with a gzip header and corrupt data", content_codings.with_corrupt_gzip),
    _encoding_case("gzip.truncated", "the first half of a body in gzip", content_codings.with_truncated_gzip),
)
NULL_IDENTITY = InvalidCase("null-identity", "an event whose ids are null", Condition.IDENTITY_MISSING, _with_null_ids)
BAD_BATCHES = (
    _bad_batch_case("second", "a batch of three, of which the second names no user", (False, True, False)),
    _bad_batch_case("first", "a batch of two, of which the first names no user", (True, False)),
    _bad_batch_case("last", "a batch of two, of which the last names no user", (False, True)),
    _bad_batch_case("alone", "a batch of one event, which names no user", (True,)),
    _bad_batch_case("all", "a batch of two events, which name no user", (True, True)),
    _no_events_case("events.one-number", "a batch of nothing but a number", (42,)),
    _no_events_case("events.strings", "a batch of two strings", ("conformance", "conformance")),
)
"""Bad events in each place, alone, and with none but bad ones."""
JSON_CONDITIONS = frozenset({Condition.JSON_INVALID, Condition.JSON_NOT_OBJECT, Condition.JSON_NOT_UTF8})


def invalid_cases_for(operation: Operation, *, accepts_body_keys: bool) -> tuple[InvalidCase, ...]:
    """Every invalid case for an operation."""
    method_cases = tuple(map(_wrong_method_case, wrong_methods(operation, ())))
    key_cases = (*INVALID_AUTHORIZATION, *WRONG_KEY, *(WRONG_BODY_KEY if accepts_body_keys else ()))
    match operation.kind:
        case OperationKind.EVENT:
            return (*key_cases, *UNREADABLE_BODIES, *BAD_GZIP, NO_IDENTITY, NULL_IDENTITY, *method_cases)
        case OperationKind.BATCH:
            return (*key_cases, *UNREADABLE_BODIES, *BAD_GZIP, *INVALID_BATCH, *BAD_BATCHES, *method_cases)
        case OperationKind.WEBHOOK:
            return (*INVALID_WEBHOOK, *UNREADABLE_BODIES, *BAD_GZIP, *method_cases)
        case _:
            return (*INVALID_PIXEL, *method_cases)


@dataclass(slots=True, kw_only=True)
class InvalidRequestProbe:
    """Sends invalid requests and records the answers."""

    client: ProbeClient

    async def run(self) -> None:
        """Sends each case to the first operation; to those of other kinds, samples and all that is new there."""
        known_conditions: set[Condition] = set()
        for operation in self.client.draft_profile.first_of_each_kind():
            cases = self._invalid_cases(operation)
            for case in _select_cases(cases, known_conditions):
                await self._send(operation, case)
            known_conditions |= {case.condition for case in cases}
        await self._try_unknown_paths()

    async def check_other_operations(self) -> None:
        """Sends the first case of each condition to all other operations."""
        draft_profile = self.client.draft_profile
        already_probed = draft_profile.first_of_each_kind()
        for operation in draft_profile.operations():
            if operation in already_probed:
                continue
            for case in _select_cases(self._invalid_cases(operation), frozenset(Condition), 1):
                await self._send(operation, case)

    def _invalid_cases(self, operation: Operation) -> tuple[InvalidCase, ...]:
        accepts_body_keys = any(item.scheme is AuthScheme.BODY for item in self.client.draft_profile.key_locations)
        return invalid_cases_for(operation, accepts_body_keys=accepts_body_keys)

    async def _send(self, operation: Operation, case: InvalidCase) -> None:
        call = self.client.make_call(operation)
        exchange = await self.client.send_if_possible(lambda: case.make_draft(call))
        if exchange is not None:
            is_partial = exchange.status == MULTI_STATUS and case.condition is Condition.IDENTITY_MISSING
            condition = Condition.BATCH_PARTLY_BAD if is_partial else case.condition
            self.client.draft_profile.add_observation(f"answers.{condition}", operation, case.description, exchange)

    async def _try_unknown_paths(self) -> None:
        """Sends requests to unknown paths."""
        draft_profile = self.client.draft_profile
        operation = draft_profile.first_of_each_kind()[0]
        for unknown_path in unknown_paths(operation.path):
            exchange = await self.client.send(
                self.client.make_call(operation).acceptable_request().with_path(unknown_path)
            )
            draft_profile.add_observation(
                f"answers.{Condition.PATH_UNKNOWN}", operation, f"a request to {unknown_path}", exchange
            )


def _select_cases(
    cases: Iterable[InvalidCase], known_conditions: Container[Condition], max_per_condition: int = 2
) -> Iterator[InvalidCase]:
    """All cases of new conditions, and a few of each known one."""
    counts: Counter[Condition] = Counter()
    for case in cases:
        counts[case.condition] += 1
        if case.condition not in known_conditions or counts[case.condition] <= max_per_condition:
            yield case
