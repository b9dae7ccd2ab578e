"""The section `delivery` of a JSON report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.text import escape_surrogates
from conformance.delivery.judgement import ALTERED, DOUBLED, KEPT, MISSING, Judgement

if TYPE_CHECKING:
    from conformance.core.arrivals import LedgerPage
    from conformance.core.model import Json, JsonObject

_COUNTS = {
    "sent": "sent", "accepted": "accepted", "refused": "refused", "unanswered": "unanswered",
    "unanswered_arrived": "unanswered and arrived", "broken_off": "broken off",
    "broken_off_arrived": "broken off and arrived", "arrived": "arrived", "missing": MISSING, "doubled": DOUBLED,
    "altered": ALTERED, "kept_though_refused": KEPT,
}  # fmt: skip


def build_document(judgement: Judgement, strays: int) -> JsonObject:
    """The section: totals, latencies in seconds, and a row for each operation and SDK with examples."""
    rows: list[Any] = [_row(name, item.page()) for name, item in sorted(judgement.by_operation.items())]
    sdks: list[Any] = [_row(name, item.page()) for name, item in sorted(judgement.by_sdk.items())]
    totals: JsonObject = {name: sum(row[name] for row in rows) for name in _COUNTS}
    latency: JsonObject = {}
    for name, share in (("p50_s", 0.5), ("p99_s", 0.99)):
        value = judgement.percentile_s(share)
        latency[name] = None if value is None else round(value, 3)
    return {**totals, "stray": strays, "latency": latency, "paths": rows, "sdks": sdks}


def _row(name: str, page: LedgerPage) -> dict[str, Any]:
    examples: dict[str, Json] = {
        key: [escape_surrogates(text) for text in found.examples]
        for key, kind in _COUNTS.items()
        if (found := page.finding(kind)) is not None
    }
    return {"name": name, **{key: page.counts.get(kind, 0) for key, kind in _COUNTS.items()}, "examples": examples}
