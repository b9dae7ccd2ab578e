"""The oracle: which facts of the contract say how a request is answered. In doubt, it leaves the answer open."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from conformance.core import pointers
from conformance.core.model import Json, Level, OperationKind
from conformance.core.statuses import MULTI_STATUS
from conformance.fuzz.case import Auth, Case
from conformance.fuzz.event_oracle import ApplicableFacts, EventOracle
from conformance.fuzz.seed_events import batch_events
from conformance.fuzz.strict_json import parse_body
from conformance.profile.facts import MAX_EVENTS_FACT, AuthScheme, Condition, ExpectedResponse, LimitKind
from conformance.profile.size_unit import SizeUnit

if TYPE_CHECKING:
    from conformance.contract import Contract, Operation

ACCEPTED_FACT = f"answers.{Condition.ACCEPTED}"
_KEY_MARGIN_BYTES = 512
"""How much a key may add to a body: closer to its limit, a body may be on either side."""
_MAX_LABELLED_EVENTS = 200
"""A batch of more events is left open: a correct server may have limits of its own."""


class Oracle:
    """Labels requests under one contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.event_oracle = EventOracle(contract)
        self.operations = {str(operation): operation for operation in contract.operations}
        self._oracles_of_paths: dict[str, Oracle] = {}

    def _of_path(self, path: str, contract: Contract) -> Oracle:
        """The oracle of a path, for a contract with facts that do not hold on all paths."""
        if path not in self._oracles_of_paths:
            self._oracles_of_paths[path] = Oracle(contract)
        return self._oracles_of_paths[path]

    def expected_facts(self, case: Case) -> tuple[str, ...]:
        """The facts of which one says how a request is answered; empty if the contract leaves that open."""
        operation, applicable = self.operations[case.call], ApplicableFacts()
        contract = self.contract.for_operation(operation)
        if contract is not self.contract:
            return self._of_path(operation.path, contract).expected_facts(case)
        self._label_headers(case, operation, applicable)
        is_over_limit = self._label_size(case, operation, applicable)
        if not applicable.is_ambiguous:
            with self.event_oracle.allow_long_texts(is_over_limit=is_over_limit):
                self._label_body(case, operation, applicable)
        if is_over_limit and applicable.is_ambiguous and not case.coding:
            applicable.add_condition(Condition.JSON_INVALID)
            applicable.is_ambiguous = False
        if applicable.is_ambiguous:
            return ()
        if not applicable.facts:
            return (ACCEPTED_FACT,)
        answers = {name: self.answer_for_fact(name) for name in applicable.facts}
        if any(answer is None or answer.level is Level.MAY for answer in answers.values()):
            return ()
        return tuple(sorted(answers))

    def answer_for_fact(self, fact_name: str) -> ExpectedResponse | None:
        """The response that a fact states; None if the profile does not state it."""
        return answer_for_fact(self.contract, fact_name)

    def _label_headers(self, case: Case, operation: Operation, applicable: ApplicableFacts) -> None:
        """Labels the credentials, the content type and the coding."""
        if case.auth is not Auth.VALID:
            applicable.add_condition(_credentials_condition(operation.kind, case.auth))
        media_type, _, parameter = case.content_type.partition(";")
        if media_type != "application/json" or parameter.strip().lower() not in {"", "charset=utf-8"}:
            applicable.mark_ambiguous()
        if case.coding and (case.coding != "gzip" or parse_body(case.body).is_json or _is_gzip(case.body)):
            applicable.mark_ambiguous()
        elif case.coding:
            applicable.add_condition(Condition.ENCODING_INVALID)

    def _label_size(self, case: Case, operation: Operation, applicable: ApplicableFacts) -> bool:
        """Labels the size of the body; returns whether it is over its limit, and so rejected whatever it says."""
        if operation.kind is OperationKind.PIXEL:
            return False
        limit_kind = LimitKind.BATCH if operation.kind is OperationKind.BATCH else LimitKind.EVENT
        if not self.contract.has_fact(f"limits.{limit_kind}"):
            return False
        limit = self.contract.size_limit(limit_kind)
        size = len(case.body)
        if size > limit.largest_accepted and limit.unit is not SizeUnit.BYTES:
            applicable.mark_ambiguous()
            return False
        if size >= limit.smallest_refused:
            applicable.facts.add(limit.name)
            return True
        if size > limit.largest_accepted - _KEY_MARGIN_BYTES * self._key_is_in_body(operation):
            applicable.mark_ambiguous()
        return False

    def _key_is_in_body(self, operation: Operation) -> bool:
        """Whether the body carries the key."""
        return operation.kind is OperationKind.PIXEL or self.contract.default_scheme is AuthScheme.BODY

    def _label_body(self, case: Case, operation: Operation, applicable: ApplicableFacts) -> None:
        """Labels the value in the body."""
        if case.coding:
            return
        parsed, is_pixel = parse_body(case.body), operation.kind is OperationKind.PIXEL
        if parsed.is_parser_dependent:
            applicable.mark_ambiguous()
        elif not parsed.is_json or not isinstance(parsed.value, dict):
            self._label_non_object(case, operation, applicable, is_utf8=parsed.is_utf8, is_json=parsed.is_json)
        elif self._has_own_key_field(operation, parsed.value):
            applicable.mark_ambiguous()
        elif operation.kind is OperationKind.BATCH:
            self._label_batch(parsed.value, applicable)
        else:
            missing_identity = Condition.PIXEL_IDENTITY_MISSING if is_pixel else Condition.IDENTITY_MISSING
            is_webhook = operation.kind is OperationKind.WEBHOOK
            event = self.event_oracle.label_event(operation.event_type, parsed.value, missing_identity, is_single=True)
            applicable.add(event)
            applicable.is_ambiguous |= is_webhook and bool(event.facts)

    def _label_non_object(
        self, case: Case, operation: Operation, applicable: ApplicableFacts, *, is_utf8: bool, is_json: bool
    ) -> None:
        """Labels a body that is not a JSON object."""
        if operation.kind is OperationKind.PIXEL:
            applicable.add_condition(Condition.PIXEL_DATA_INVALID)
            if not case.body:
                applicable.add_condition(Condition.PIXEL_DATA_MISSING)
        elif not is_json:
            applicable.add_condition(Condition.JSON_INVALID)
            if not is_utf8:
                applicable.add_condition(Condition.JSON_NOT_UTF8)
        else:
            applicable.add_condition(Condition.JSON_NOT_OBJECT)
        if self._key_is_in_body(operation):
            applicable.add_condition(_credentials_condition(operation.kind, Auth.NONE))

    def _has_own_key_field(self, operation: Operation, value: dict[str, Json]) -> bool:
        """Whether a body has a value of its own where the key would be."""
        if not self.contract.has_fact(f"credentials.{AuthScheme.BODY}"):
            return False
        key_field = pointers.split(self.contract.credential_carrier(AuthScheme.BODY))[0]
        events = batch_events(self.contract, value) if operation.kind is OperationKind.BATCH else None
        return any(isinstance(item, dict) and key_field in item for item in (value, *(events or [])))

    def _label_batch(self, value: dict[str, Json], applicable: ApplicableFacts) -> None:
        """Labels a batch: its envelope, its list, and every event in it."""
        batch_pointer = self.contract.profile.batch.pointer
        if not self.event_oracle.is_documented_envelope(value):
            applicable.mark_ambiguous()
        event_list = pointers.find(value, batch_pointer)
        if not pointers.has(value, batch_pointer):
            applicable.add_condition(Condition.BATCH_MISSING)
        elif event_list is None:
            applicable.add_condition(Condition.BATCH_NOT_ARRAY)
            applicable.add_condition(Condition.BATCH_MISSING)
        elif not isinstance(event_list, list):
            applicable.add_condition(Condition.BATCH_NOT_ARRAY)
        elif not event_list:
            applicable.add_condition(Condition.BATCH_EMPTY)
        else:
            if self.contract.has_fact(MAX_EVENTS_FACT) and len(event_list) > self.contract.max_events:
                applicable.facts.add(MAX_EVENTS_FACT)
            self._label_batch_events(event_list, applicable)

    def _label_batch_events(self, event_list: list[Json], applicable: ApplicableFacts) -> None:
        """Labels the events of a batch: all valid, all invalid, or some of each."""
        if len(event_list) > _MAX_LABELLED_EVENTS:
            applicable.mark_ambiguous()
        invalid_count = 0
        for event in event_list[:_MAX_LABELLED_EVENTS]:
            labelled = self.event_oracle.label_batch_event(event)
            applicable.add(labelled)
            invalid_count += bool(labelled.facts)
        if invalid_count and len(event_list) > 1:
            self._label_partly_bad(applicable, some_valid=invalid_count < len(event_list))

    def _label_partly_bad(self, applicable: ApplicableFacts, *, some_valid: bool) -> None:
        """Labels a batch of several events of which some are invalid: it may be answered as partly bad."""
        partly_bad = self.answer_for_fact(f"answers.{Condition.BATCH_PARTLY_BAD}")
        if partly_bad is None:
            applicable.mark_ambiguous()
        elif some_valid or MULTI_STATUS in partly_bad.statuses:
            applicable.add_condition(Condition.BATCH_PARTLY_BAD)


def answer_for_fact(contract: Contract, fact_name: str) -> ExpectedResponse | None:
    """The response that a fact of a contract states; None if the profile does not state it."""
    if fact_name.startswith("events."):
        _, event, pointer = fact_name.split(".", 2)
        return contract.event_type(event).required.get(pointer)
    fact = contract.profile.facts.get(fact_name)
    return fact if isinstance(fact, ExpectedResponse) else None


def _credentials_condition(kind: OperationKind, auth: Auth) -> Condition:
    """The condition of wrong credentials on a kind of operation."""
    if kind is OperationKind.PIXEL:
        return Condition.PIXEL_KEY_UNKNOWN
    if kind is OperationKind.WEBHOOK:
        return Condition.WEBHOOK_KEY_MISSING if auth is Auth.NONE else Condition.WEBHOOK_KEY_UNKNOWN
    return {
        Auth.NONE: Condition.CREDENTIALS_MISSING,
        Auth.UNKNOWN: Condition.CREDENTIALS_UNKNOWN,
        Auth.MALFORMED: Condition.CREDENTIALS_MALFORMED,
    }[auth]


def _is_gzip(body: bytes) -> bool:
    """Whether a body is gzip."""
    try:
        gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return False
    return True
