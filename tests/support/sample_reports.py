"""JSON reports to make pages of: a small one with everything in it, and large ones."""

from __future__ import annotations

from collections import Counter
from typing import Any

SOURCE = {
    "document": "HTTP API",
    "section": "Errors",
    "says": "an unknown key is answered 401",
    "url": "https://acme.example/docs#errors",
}
TRACK, PAGE, BATCH = "POST /v1/track", "POST /v1/page", "POST /v1/batch"
DEAD_OPERATION_MESSAGE = "nothing acceptable was accepted by {}, so nothing follows from what it refuses"


def exchange(body: str = '{"userId":"someone"}', answer: str = "OK", **more: object) -> dict[str, Any]:
    """A transcript, as a report has it."""
    return {
        "request": {
            "method": "POST",
            "url": "http://127.0.0.1:8080/v1/track",
            "query": [["trace", "1"]],
            "headers": [["Content-Type", "application/json"]],
            "chunked": True,
            "unpacked": False,
            "handwritten": False,
            "body": body,
            "body_bytes": len(body.encode()),
        },
        "response": {
            "status": 200,
            "http_version": "HTTP/1.1",
            "headers": [["Server", "acme"]],
            "body": answer,
            "body_bytes": len(answer.encode()),
        },
        "stray": "",
        "error": "",
        **more,
    }


NO_ANSWER = exchange(response=None, error="it was closed")


def check(name: str, outcome: str = "pass", operation: str = TRACK, **more: object) -> dict[str, Any]:
    """A check, as a report has it."""
    return {
        "id": name,
        "area": name.partition(".")[0],
        "level": "must",
        "title": f"The promise of {name} is kept.",
        "operation": operation,
        "outcome": outcome,
        "message": "",
        "expected": "",
        "received": "",
        "sources": [SOURCE],
        "exchanges": [],
        "curl": "",
        **more,
    }


def failed_check(name: str, operation: str = TRACK, **more: object) -> dict[str, Any]:
    """A check that failed, with all that a report says of it."""
    fields: dict[str, Any] = {
        "message": "an unknown key must be answered with 401, and was answered with 200 'OK'",
        "expected": "401",
        "received": "200 'OK'",
        "exchanges": [exchange(), exchange('{"userId":"someone else"}', "fine")],
        "curl": "curl -g -sS -i -X POST http://127.0.0.1:8080/v1/track",
    }
    return check(name, "fail", operation, **fields | more)


def report(*checks: dict[str, Any], verdict: str = "deviates", **more: object) -> dict[str, Any]:
    """A report of checks."""
    outcomes = ("pass", "fail", "untestable", "error", "observed", "not-applicable")
    counts = Counter(item["outcome"] for item in checks)
    return {
        "format": 1,
        "suite": {"name": "ingest-conformance", "version": "0.1.0"},
        "target": {"url": "http://127.0.0.1:8080"},
        "profile": {"name": "acme", "title": "Acme HTTP API"},
        "run": {
            "gate": "must",
            "started": "2024-03-01T09:30:00+00:00",
            "duration_s": 1.235,
            "requests": 1234,
            "waited_s": 0.5,
        },
        "verdict": verdict,
        "counts": {outcome: counts[outcome] for outcome in outcomes},
        "limits": [],
        "sdks": [],
        "checks": sorted(checks, key=lambda item: (item["id"], item["operation"])),
        "complete": True,
        **more,
    }


def limit(title: str, accepted: int | None, refused: int | None, **more: object) -> dict[str, Any]:
    """A limit of 32 KB, as a report has it."""
    return {
        "fact": "limits.event",
        "title": title,
        "unit": "bytes",
        "operations": [PAGE, TRACK],
        "at_least": 32000,
        "at_most": 32768,
        "accepted_up_to": accepted,
        "refused_from": refused,
        "level": "must",
        "sources": [SOURCE],
        **more,
    }


SDK = {
    "name": "acme-python",
    "title": "acme-python 1.2",
    "version": "1.2",
    "supported": True,
    "operations": [
        {
            "operation": BATCH,
            "outcomes": [
                {"condition": "accepted", "words": "acceptable", "received": "200", "does": "deliver"},
                {"condition": "unknown-key", "words": "unknown key", "received": "200", "does": "lose"},
                {"condition": "too-large", "words": "too large", "received": "", "does": "retry"},
            ],
        }
    ],
}


def full_report() -> dict[str, Any]:
    """A small report with every outcome and level, limits and SDKs in it."""
    return report(
        failed_check("auth.key.unknown"),
        failed_check("auth.key.unknown", PAGE),
        failed_check("auth.key.unknown", BATCH, received="403 'no'"),
        failed_check("size.event.over", level="should", received="200"),
        check(
            "json.syntax.nan", "untestable", BATCH, message=DEAD_OPERATION_MESSAGE.format(BATCH), received="404 'gone'"
        ),
        check(
            "json.syntax.open", "untestable", BATCH, message=DEAD_OPERATION_MESSAGE.format(BATCH), received="404 'gone'"
        ),
        check("errors.body.json", "error", message="no answer", exchanges=[NO_ANSWER]),
        check("auth.key.padded", "observed", level="may", message="accepted with 200"),
        check("pixel.key.unknown", "not-applicable", "", message="the profile has no pixel operation"),
        check("fuzz.generated.valid", "not-applicable", message="fuzzing is off"),
        check("size.event.over", operation=PAGE, level="should"),
        *(check("accept.event.minimal", operation=call) for call in (BATCH, PAGE, TRACK)),
        limits=[
            limit("one event", 32000, 32769),
            limit("a batch", 70000, None, level="should"),
            limit("an event of a batch", 100, 20000, operations=[BATCH]),
        ],
        sdks=[SDK],
    )


def cause(name: str, identifier: str, calls: list[str], **more: object) -> dict[str, Any]:
    """A cause, as a report has it."""
    return {
        "id": identifier,
        "check": name,
        "sentence": f"what {name} sends is accepted with 200",
        "level": "must",
        "harm": "unsafe",
        "promise": f"The promise of {name} is kept.",
        "expected": "401",
        "received": "200 'OK'",
        "sources": [SOURCE],
        "calls": calls,
        "shown_by": {"id": name, "operation": calls[-1]},
        "curl": "curl -g -sS -i -X POST http://127.0.0.1:8080/v1/track",
        "sdks": [{"title": "acme-python 1.2", "does": "counts as delivered anyway"}],
        "stops": [],
        "explains": [{"id": name, "outcome": "fail", "operations": calls}],
        **more,
    }


def report_with_causes() -> dict[str, Any]:
    """The small report with what has to be mended: at the gate, below it, and a path that is gone."""
    document = full_report()
    gone = [
        {"id": name, "outcome": "untestable", "operations": [BATCH]} for name in ("json.syntax.nan", "json.syntax.open")
    ]
    causes = [
        cause(
            "json.syntax.nan", "2f", [BATCH], harm="lost", received="404 'gone'", explains=gone, sdks=[],
            stops=["no official SDK can deliver"], hint="the path",
        ),
        cause("auth.key.unknown", "0a", [BATCH, PAGE, TRACK]),
        cause("size.event.over", "1b", [TRACK], level="should", harm="letter", sdks=[], curl=""),
    ]  # fmt: skip
    owners = {
        (item["id"], operation): entry["id"]
        for entry in causes for item in entry["explains"] for operation in item["operations"]
    }  # fmt: skip
    checks = [
        item | ({"cause": owners[place]} if (place := (item["id"], item["operation"])) in owners else {})
        for item in document["checks"]
    ]
    return {**document, "causes": causes, "checks": checks}


def conforming_report() -> dict[str, Any]:
    """A report in which nothing is wrong."""
    return report(check("accept.event.minimal"), check("auth.key.unknown"), verdict="conforms")


def large_report(count: int, outcome: str = "fail") -> dict[str, Any]:
    """A report of so many checks that all came to one outcome, none like another, with long transcripts."""
    body = '{"filler":"' + "x" * 1000 + '"}'
    fields: dict[str, Any] = {
        "exchanges": [exchange(body, body), exchange(body, body)],
        "curl": f"curl -d '{body}'",
    }
    return report(
        *(failed_check(f"auth.key.n{index:04}", **fields) | {"outcome": outcome} for index in range(count)),
        verdict="deviates",
    )
