"""Traffic, prepared before a load: the requests as texts with places for ids, and for each how its answer is judged.

The result is plain JSON, so that workers need nothing of the contract to send and to judge.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance import sdks
from conformance.core import pointers
from conformance.core.errors import NotApplicable, UsageError
from conformance.core.model import OperationKind
from conformance.loadtest.rules import bad_rule, good_rule, limited_rule
from conformance.profile.facts import LimitKind
from conformance.profile.size_unit import SizeUnit
from conformance.requests import Call
from conformance.requests.invalid_cases import TRUNCATED_JSON, oversized_request
from conformance.requests.invalid_credentials import UNKNOWN_KEY_CASE
from conformance.requests.raw_writers import start_line
from conformance.requests.sdk_requests import SdkRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.contract import Contract, Operation
    from conformance.core.model import Json, JsonObject, Request
    from conformance.loadtest.mix import Mix
    from conformance.requests import Draft, Keys
    from conformance.wire import TargetAddress

SIZE_COUNT, LARGEST_WEIGHT = 8, 0.005
USER_MARK = "conformance-user-00000000"
"""The id of a user in prepared requests; workers put other digits in place of the zeros."""
_RETRYING = ("retry", "send-again")
_SOURCES = {
    OperationKind.EVENT: "events", OperationKind.BATCH: "batches", OperationKind.PIXEL: "pixels",
    OperationKind.WEBHOOK: "webhooks",
}  # fmt: skip


def build_traffic(  # noqa: PLR0913, PLR0917 - what traffic is made of
    contract: Contract, keys: Keys, target: TargetAddress, mix: Mix, bad_share: float, run_id: str
) -> dict[str, Any]:
    """The items of a load with their weights, and the rules by which answers are judged. Raises UsageError for none."""
    builder = _Builder(contract, keys, target, mix, run_id)
    good = [item for operation in contract.operations for item in builder.good_items(operation)]
    good = [item for item in good if item["weight"] > 0]
    if not good:
        raise UsageError("the mix leaves nothing to send under this profile")
    total = sum(item["weight"] for item in good)
    bad = [item for operation in contract.operations for item in builder.bad_items(operation)] if bad_share else []
    for item in bad:
        item["weight"] = total * bad_share / max(1e-9, 1 - bad_share) / len(bad)
    return {"items": [*good, *bad], "rules": builder.rules, "limited": limited_rule(contract)}


class _Builder:
    """Makes items, and collects their rules."""

    def __init__(self, contract: Contract, keys: Keys, target: TargetAddress, mix: Mix, run_id: str) -> None:
        self._contract, self._keys, self._target, self._mix, self._run_id = contract, keys, target, mix, run_id
        self.rules: list[JsonObject] = []

    def good_items(self, operation: Operation) -> Iterator[dict[str, Any]]:
        """Acceptable requests to an operation: single events or batches of several sizes, and those of SDKs."""
        call = Call(contract=self._contract, operation=operation, keys=self._keys, label="load", run_id=self._run_id)
        rule = self._add(good_rule(call))
        weight = self._mix.sources[_SOURCES[operation.kind]] * self._mix.type_weight(operation.event_type)
        drafts = list(self._batches(call) if call.is_batch else self._events(call))
        for draft, share in drafts:
            yield self._item(call, draft, rule, weight * share)
        sdk_drafts = list(_sdk_drafts(call)) if self._mix.sources["sdks"] else []
        for sdk, draft in sdk_drafts:
            item = self._item(call, draft, rule, self._mix.sources["sdks"] * 10 / len(sdk_drafts))
            retries = [
                status
                for status in range(400, 600)
                if sdk.rule_for(sdks.SeenAnswer(status=status)).reaction.value in _RETRYING
            ]
            yield {**item, "name": f"{item['name']} ({sdk.title})", "retry": retries}

    def bad_items(self, operation: Operation) -> Iterator[dict[str, Any]]:
        """Requests that must be refused, where the contract says how."""
        call = Call(
            contract=self._contract, operation=operation, keys=self._keys, label="load-bad", run_id=self._run_id
        )
        if operation.kind in {OperationKind.PIXEL, OperationKind.WEBHOOK}:
            return
        size_fact = f"limits.{LimitKind.BATCH if call.is_batch else LimitKind.EVENT}"
        cases = [
            ("auth.key.unknown", UNKNOWN_KEY_CASE.fact, UNKNOWN_KEY_CASE.description, UNKNOWN_KEY_CASE.make_draft),
            ("json.syntax.truncated", TRUNCATED_JSON.fact, TRUNCATED_JSON.description, TRUNCATED_JSON.make_draft),
        ]
        if not call.is_batch:
            cases.append(("size.event.over", size_fact, "a body over the limit", oversized_request))
        for check, fact, description, make in cases:
            try:
                rule = bad_rule(call, check, fact, description)
                draft = make(call)
            except NotApplicable:
                continue
            yield {**self._item(call, draft, self._add(rule), 0), "kind": 1, "name": f"{operation} ({description})"}

    def _add(self, rule: JsonObject) -> int:
        self.rules.append(rule)
        return len(self.rules) - 1

    def _events(self, call: Call) -> Iterator[tuple[Draft, float]]:
        """Events of the sizes of the mix, and one near the limit."""
        plain = _with_user(call, call.full_request())
        if call.operation.kind is OperationKind.PIXEL:
            yield plain, 1.0
            return
        limit = _byte_limit(call, LimitKind.EVENT)
        smallest = len(plain.build_request().body)
        for size in self._mix.sizes(SIZE_COUNT):
            fits = smallest + 64 <= size <= limit * self._mix.largest
            yield (plain.with_body_size(size) if fits else plain), 1 / SIZE_COUNT
        if limit < 10_000_000 and limit * self._mix.largest > smallest + 64:
            yield plain.with_body_size(int(limit * self._mix.largest)), LARGEST_WEIGHT

    def _batches(self, call: Call) -> Iterator[tuple[Draft, float]]:
        """Batches of the numbers of events of the mix, and one near the limit."""
        total = sum(self._mix.batch_events.values()) or 1
        names = call.contract.batch_types()
        for count, weight in self._mix.batch_events.items():
            types = [names[number % len(names)] for number in range(count)]
            try:
                draft = _with_user(call, call.full_request(*types))
                draft.require_within_limits()
            except NotApplicable:
                draft = _with_user(call, call.batch_of_at_most(count))
            yield draft, weight / total
        limit = _byte_limit(call, LimitKind.BATCH)
        if limit < 10_000_000:
            size = int(limit * self._mix.largest)
            yield _with_user(call, call.request_with_room_for(size)).with_body_size(size), LARGEST_WEIGHT

    def _item(self, call: Call, draft: Draft, rule: int, weight: float) -> dict[str, Any]:
        request = draft.build_request()
        headers = [*request.headers, *self._target.headers]
        body, is_gzipped = request.body, False
        if any(name.lower() == "content-encoding" and value == "gzip" for name, value in headers):
            import gzip  # noqa: PLC0415 - few SDKs compress

            body, is_gzipped = gzip.decompress(body), True
        return {
            "name": str(call.operation),
            "kind": 0,
            "rule": rule,
            "weight": weight,
            "events": request.event_count,
            "type": call.operation.event_type,
            "head": _head(self._target, request, headers),
            "body": base64.b64encode(body).decode(),
            "gzip": is_gzipped,
            "retry": [429, 500, 502, 503, 504],
        }


def _head(target: TargetAddress, request: Request, headers: Iterable[tuple[str, str]]) -> str:
    """The head of a request up to its Content-Length, which is added with the body."""
    names = {name.lower() for name, _ in headers}
    lines = [start_line(request, target.prefix)]
    if "host" not in names:
        lines.append(f"Host: {target.authority}")
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers)])


def _byte_limit(call: Call, kind: LimitKind) -> int:
    """The largest size in bytes that must be accepted; a very large number if there is none in bytes."""
    if not call.contract.has_fact(f"limits.{kind}"):
        return 10_000_000
    limit = call.contract.size_limit(kind)
    return limit.largest_accepted if limit.unit is SizeUnit.BYTES else 10_000_000


def _with_user(call: Call, draft: Draft) -> Draft:
    return draft.with_events(*(_mark_user(call, event) for event in draft.events))


def _mark_user(call: Call, event: Json) -> Json:
    """An event whose user ids are USER_MARK, where it has any."""
    where = call.contract.profile.pointers
    for pointer in (where.user, where.anonymous):
        if pointer and isinstance(event, dict) and isinstance(pointers.find(event, pointer), str):
            event = pointers.put(event, pointer, USER_MARK)
    return event


def _sdk_drafts(call: Call) -> Iterator[tuple[sdks.Sdk, Draft]]:
    """The documented requests to an operation of the SDKs that the profile names."""
    for sdk in sdks.load_all():
        if not call.contract.has_fact(f"sdks.{sdk.name}"):
            continue
        for shape in sdk.requests_to(call.operation.path):
            request = SdkRequest.for_call(call, shape).documented_only()
            if request.events:
                yield sdk, replace(request, events=tuple(_mark_user(call, item) for item in request.events)).to_draft()
