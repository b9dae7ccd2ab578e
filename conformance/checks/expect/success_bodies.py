"""Refusals in the bodies of successes: a 2xx whose body says that events were not taken.

Only what is written in a known form counts: fields of JSON that say false, list errors or count fewer events than were
sent, and short texts that say so in plain words. Beside the usual success of the same target, an answer of another kind
counts, too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.checks.expect.statuses import is_accepted
from conformance.core.errors import Deviation
from conformance.core.foreign_json import Unreadable, read_body

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.contract import Contract
    from conformance.core.model import Exchange, Json, JsonObject, Response

_FLAGS = frozenset(
    {"ok", "isok", "success", "issuccess", "successful", "succeeded", "accepted", "isaccepted", "received", "valid"}
)
"""Names of fields that are true where events were taken; `processed` and `stored` may be so later."""
_PROBLEMS = frozenset(
    {"error", "errors", "haserrors", "errormessage", "errormessages", "errorcount", "validationerrors", "failure",
     "failures", "failed", "failedcount", "failedevents", "rejected", "rejectedcount", "rejectedevents", "invalid",
     "invalidevents", "droppedevents", "dropped"}
)  # fmt: skip
"""Names of fields that are empty, zero, false or missing where events were taken."""
_COUNTS = frozenset(
    {"okevents", "okcount", "accepted", "acceptedevents", "acceptedcount", "received", "receivedevents",
     "receivedcount", "processed", "processedevents", "processedcount", "eventsaccepted", "eventsprocessed",
     "eventsreceived", "ingested", "ingestedevents", "stored", "storedevents", "succeeded", "successcount"}
)  # fmt: skip
"""Names of fields that count the events that were taken."""
_OTHER_COUNTS = frozenset(
    {"queued", "pending", "enqueued", "buffered", "duplicate", "duplicates", "duplicated", "deduplicated", "skipped"}
)
"""Names of fields that count further events, which are not refused."""
_STATES = frozenset({"status", "result", "state", "outcome"})
_REFUSED_STATES = frozenset(
    {
        "error",
        "err",
        "failed",
        "failure",
        "fail",
        "rejected",
        "refused",
        "invalid",
        "denied",
        "unauthorized",
        "forbidden",
    }
)
_NO_PROBLEM_TEXTS = frozenset({"", "none", "null", "no", "false", "ok", "0", "success"})
_ENVELOPES = frozenset(
    {"data", "result", "results", "response", "responses", "events", "items", "batch", "detail", "details", "summary",
     "meta", "message"}
)  # fmt: skip
"""Names of fields whose objects, or lists of objects, are read as well."""
_MAX_LEVELS, _MAX_OBJECTS, _MAX_TEXT_LENGTH, _MAX_VALUE_LENGTH = 3, 400, 300, 80
_ERROR_STATUSES = range(400, 600)
_TAKEN = r"(?:processed|accepted|stored|received|ingested|imported|saved|succeeded|ok)"
_EVENTS_WERE = r"(?: (?:events?|items?|were|was|are))*"
_SOME_OF_ALL = re.compile(
    rf"\b{_TAKEN}\b\W{{0,3}}(\d{{1,9}})(?: events?)? ?(?:of|out of|/) ?(\d{{1,9}})\b"
    rf"|\b(\d{{1,9}})(?: events?)? ?(?:of|out of|/) ?(\d{{1,9}}){_EVENTS_WERE}\W{{0,3}}{_TAKEN}\b",
    re.IGNORECASE,
)
_REFUSAL_START = re.compile(
    r"\W{0,3}(?:error|invalid|failed|failure|rejected|refused|denied|unauthori[sz]ed|forbidden|bad request"
    r"|not accepted|unknown (?:write ?)?key)\b",
    re.IGNORECASE,
)
_REFUSAL_WORDS = re.compile(
    r"\b(?:rejected|refused|dropped|discarded|not accepted|unauthori[sz]ed|forbidden|invalid|failed)\b", re.IGNORECASE
)
_NO_REFUSAL = re.compile(r"\b(?:0|no|none|without|nothing|never|not) (?:\w+ ){0,2}$", re.IGNORECASE)


def taken(exchange: Exchange, subject: str, contract: Contract, usual: Exchange | None = None) -> None:
    """The body of a success does not say that events were refused. Raises Deviation if it does.

    It has the level of what the profile, or else HTTP, says about successes.
    """
    refusal = says_refused(exchange, usual)
    if refusal:
        fact = contract.success_fact
        raise Deviation(
            f"{subject} must be taken",
            f"was answered with {exchange.status}, and the body says that it was refused: it {refusal}",
            exchange=exchange,
            expected="a success whose body does not say otherwise",
            received=f"{exchange.summary}; the body {refusal}",
            level=fact.level,
            sources=fact.sources,
        )


def says_refused(exchange: Exchange, usual: Exchange | None = None) -> str:
    """How the body of a success says that events were refused, as `says "ok": false`; empty if it does not.

    `usual` is the target's answer to an acceptable request on the same path: what is in its body, too, proves nothing.
    Without it, only what is unmistakable counts. A partial success (207) is none of these, nor is a made-up answer.
    """
    if exchange.response is None or exchange.response.is_made_up or not is_accepted(exchange):
        return ""
    body = _SuccessBody.read(exchange.response)
    if usual is None or usual.response is None or not is_accepted(usual):
        return next(body.refusals(exchange.request.event_count), "")
    usual_body = _SuccessBody.read(usual.response)
    known = {_without_numbers(item) for item in usual_body.refusals(usual.request.event_count)}
    for refusal in body.refusals(exchange.request.event_count, usual_body.names_above(usual.request.event_count)):
        if _without_numbers(refusal) not in known:
            return refusal
    return "" if known else body.difference_from(usual_body)


@dataclass(frozen=True, slots=True, kw_only=True)
class _SuccessBody:
    """The body of a success. `form` is its kind in words; `value` its JSON, if it has a form of JSON."""

    text: str
    form: str
    value: Json = None

    @classmethod
    def read(cls, response: Response) -> _SuccessBody:
        """Reads a body, whatever its Content-Type is."""
        text = response.text.strip()
        if not text:
            return cls(text="", form="empty")
        if text.startswith("<"):
            return cls(text=text, form="a page")
        if not text.startswith(("{", "[")):
            return cls(text=text, form="a text")
        value = read_body(response)
        if isinstance(value, Unreadable):
            return cls(text=text, form="a text")
        return cls(text=text, form="a JSON object" if isinstance(value, dict) else "a JSON list", value=value)

    def names_above(self, count: int) -> frozenset[str]:
        """The names of outer numbers above the number of events sent: they count something else."""
        items = self.value.items() if isinstance(self.value, dict) else ()
        return frozenset(name for name, value in items if isinstance(value, int | float) and value > count)

    def refusals(self, event_count: int, no_counts: frozenset[str] = frozenset()) -> Iterator[str]:
        """Each way in which it says that some of `event_count` events were refused; `no_counts` name other numbers."""
        if self.form == "a text":
            yield from _refusals_in_text(self.text, event_count)
            if len(self.text) <= _MAX_TEXT_LENGTH and _REFUSAL_START.match(self.text):
                yield f"says {self.text!r}"
        for item in _objects_in(self.value):
            yield from _refusals_in_object(item, event_count if item is self.value else 0, no_counts)

    def difference_from(self, usual: _SuccessBody) -> str:
        """How it differs in kind from the usual success; empty if it does not."""
        if self.form != usual.form:
            return "" if "empty" in {self.form, usual.form} else f"is {self.form}, and a success is {usual.form} here"
        if isinstance(self.value, dict) and isinstance(usual.value, dict):
            flipped = [name for name, value in self.value.items() if value is False and usual.value.get(name) is True]
            if flipped:
                return f'says "{flipped[0]}": false'
            if self.value and usual.value and not self.value.keys() & usual.value.keys():
                return f"has the fields {_names(self.value)}, and a success has {_names(usual.value)} here"
        if self.form == "a text" and len(self.text) <= _MAX_TEXT_LENGTH and not _REFUSAL_WORDS.search(usual.text):
            match = _REFUSAL_WORDS.search(self.text)
            if match and not _NO_REFUSAL.search(self.text[: match.start()]):
                return f"says {self.text!r}"
        return ""


def _objects_in(value: Json) -> Iterator[JsonObject]:
    """The objects that speak about the events: the outermost, and those in known fields and lists below it."""
    layer, count = [value], 0
    for _ in range(_MAX_LEVELS):
        below: list[Json] = []
        for item in layer:
            if isinstance(item, list):
                below += item
            elif isinstance(item, dict):
                count += 1
                if count > _MAX_OBJECTS:
                    return
                yield item
                below += [inner for name, inner in item.items() if _normalize(name) in _ENVELOPES]
        layer = below


def _refusals_in_object(item: JsonObject, event_count: int, no_counts: frozenset[str]) -> Iterator[str]:
    """Each way in which an object says that events were refused; of 0 events, numbers are not compared."""
    for name, value in item.items():
        key = _normalize(name)
        is_error_status = key in {"statuscode", "code"} and _is_number(value) and value in _ERROR_STATUSES
        if (
            (key in _FLAGS and value is False)
            or (key in _PROBLEMS and _is_problem(value))
            or (key in _STATES and _is_refused_state(value))
            or is_error_status
        ):
            yield f'says "{name}": {_shorten(value)}'
        if isinstance(value, str) and key in {"message", *_STATES}:
            yield from _refusals_in_text(value, event_count)
    yield from _short_counts(item, event_count, no_counts)


def _short_counts(item: JsonObject, event_count: int, no_counts: frozenset[str]) -> Iterator[str]:
    """Each number of taken events that is smaller than `event_count`, with those that wait or are known already.

    A 1 may count the request: only a field for events, or another count, says that it does not.
    """
    numbers = {
        name: value
        for name, value in item.items()
        if isinstance(value, int) and not isinstance(value, bool) and name not in no_counts
    }
    counts = {name for name in numbers if _normalize(name) in _COUNTS | _OTHER_COUNTS | _PROBLEMS}
    others = sum(value for name, value in numbers.items() if _normalize(name) in _OTHER_COUNTS)
    for name, value in numbers.items():
        counts_requests = value == 1 and "event" not in _normalize(name) and len(numbers.keys() & counts) == 1
        if _normalize(name) in _COUNTS and value + others < event_count and not counts_requests:
            yield f'counts {value} of {event_count} events in "{name}"'


def _refusals_in_text(text: str, event_count: int) -> Iterator[str]:
    """`processed 1 of 2`, if two events were sent."""
    match = _SOME_OF_ALL.search(text[:_MAX_TEXT_LENGTH])
    if match:
        some, total = (int(number) for number in match.groups() if number is not None)
        if some < total == event_count:
            yield f"says {match[0]!r}"


def _is_problem(value: Json) -> bool:
    """Whether the value of a field for problems says that there is one."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO_PROBLEM_TEXTS
    return any(_is_problem(item) for item in value.values()) if isinstance(value, dict) else bool(value)


def _is_refused_state(value: Json) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _REFUSED_STATES
    return _is_number(value) and value in _ERROR_STATUSES


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _normalize(name: str) -> str:
    return re.sub("[^a-z]", "", name.lower()[:40])


def _without_numbers(refusal: str) -> str:
    return re.sub(r"\d+", "#", refusal)


def _names(item: JsonObject) -> str:
    return ", ".join(sorted(item)[:4])


def _shorten(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[:_MAX_VALUE_LENGTH]}..."
