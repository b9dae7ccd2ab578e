"""The choices that the vendors' documents leave to a correct server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.targets.dialects import Dialect, Kind

KEY = "conformance-test-key-4f9a"
BEARER = "conformance-test-token"
REQUESTS_PER_SECOND = 300
"""Requests in a second that a limited server takes."""


@dataclass(frozen=True)
class Options:
    """One correct server's choices; the defaults are the newest documents' own."""

    key: str = KEY
    token: str = BEARER
    kilobyte: int = 1024
    statuses: Mapping[Kind, int | None] = field(default_factory=dict)
    partly_bad: int | None = None
    whole_batch: frozenset[Kind] = frozenset()
    success_body: bytes | None = None
    refuse_empty_batch: bool = False
    require_name: bool = False
    require_message_id: bool = False
    text_errors: bool = False
    empty_errors: bool = False
    gzip: Literal["unpacked", "refused", "ignored"] = "unpacked"
    unknown_coding_ignored: bool = False
    inflation: int = 1
    cors: bool = True
    rate: int | None = None
    message_id_maximum: int | None = None
    depth_maximum: int | None = None
    duplicate_keys_refused: bool = False
    bom_ignored: bool = False
    strict_types: bool = False
    user_beside_event: bool = False
    """Whether the user is where the table of SegmentStream has it, and not where its example has it."""
    item_weight: float = 1.0
    """What an event inside a batch counts, beside its bytes as compact JSON."""


_EVERYWHERE = {
    "default": Options(),
    "kilobyte-1000": Options(kilobyte=1000),
    "wrong-method-404": Options(statuses={"method": 404}),
    "no-cors": Options(cors=False),
    "no-cors-404": Options(cors=False, statuses={"method": 404}),
    "unknown-coding-ignored": Options(unknown_coding_ignored=True),
    "larger-inflated-limit": Options(inflation=2),
    "shallow": Options(depth_maximum=200),
    "duplicate-keys-refused": Options(duplicate_keys_refused=True),
    "bom-ignored": Options(bom_ignored=True),
    "strict-types": Options(strict_types=True),
    "items-weigh-less": Options(item_weight=0.97),
    "items-weigh-more": Options(item_weight=1.025),
}

_VARIANTS: dict[str, dict[str, Options]] = {
    "segment": {
        "gzip-refused": Options(gzip="refused"),
        "gzip-ignored": Options(gzip="ignored", unknown_coding_ignored=True),
        "rate-limited": Options(rate=REQUESTS_PER_SECOND),
        "message-id-limited": Options(message_id_maximum=99),
        "credentials-401": Options(statuses={"auth": 401}),
        "credentials-400": Options(statuses={"auth": 400}),
        "strict-fields": Options(statuses={"identity": 400, "field": 400}),
        "strict-batch": Options(statuses={"batch": 400, "item": 400, "type": 400}, refuse_empty_batch=True),
        "top-level-accepted": Options(statuses={"shape": None}),
        "text-errors": Options(text_errors=True),
    },
    "rudderstack": {
        "rate-limited": Options(rate=REQUESTS_PER_SECOND),
        "older-statuses": Options(statuses={"auth": 400, "size": 400}),
        "older-credentials": Options(statuses={"auth": 400}),
        "older-size": Options(statuses={"size": 400}),
        "partly-bad-200": Options(partly_bad=200),
        "name-required": Options(require_name=True),
        "lower-case-ok": Options(success_body=b"ok"),
        "empty-batch-refused": Options(refuse_empty_batch=True),
    },
    "metarouter": {
        "gzip-refused": Options(gzip="refused"),
        "gzip-ignored": Options(gzip="ignored", unknown_coding_ignored=True),
        "rate-limited": Options(rate=REQUESTS_PER_SECOND),
        "credentials-401": Options(statuses={"auth": 401}),
        "message-id-required": Options(require_message_id=True),
        "unknown-type-refuses-batch": Options(whole_batch=frozenset({"type", "item"})),
        "empty-batch-refused": Options(refuse_empty_batch=True),
    },
    "segmentstream": {
        "gzip-refused": Options(gzip="refused"),
        "gzip-ignored": Options(gzip="ignored", unknown_coding_ignored=True),
        "empty-errors": Options(empty_errors=True),
        "user-beside-event": Options(user_beside_event=True),
    },
}


def variants(dialect: Dialect) -> dict[str, Options]:
    """Name every correct server of a dialect that this package offers."""
    return {**_EVERYWHERE, **_VARIANTS[dialect.name]}
