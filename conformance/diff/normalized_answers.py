"""Answers in a normal form: what a client could go by, without what varies from one answer to the next."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.core.model import TransportFailure
from conformance.core.statuses import SERVER_ERROR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.core.model import Exchange, Response

STATUS, BODY, WORDING, VALUE = "status", "body", "wording", "value"
TRAILING_BYTES, ABSENT = "after the answer", "nothing"
CONNECTION_CLOSED = f"no answer ({TransportFailure.CLOSED})"
NOT_HTTP = f"no answer ({TransportFailure.NOT_HTTP})"
_MAX_DEPTH, _MAX_NAMES, _MAX_VALUE_LENGTH, _MAX_WORDING_LENGTH = 4, 24, 64, 160
_CORS_PREFIX = "access-control-"
_PRESENCE_ONLY_HEADERS = frozenset({"retry-after", "location"})
"""Headers of which it only counts whether they are there."""
_LIST_HEADERS = frozenset({"allow", "accept", "accept-encoding"})
"""Headers that are lists in which the order means nothing."""


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """One way in which two answers differ: in what, what the first has there, and what the second has."""

    facet: str
    first: str
    second: str

    @property
    def kind(self) -> AnswerChange:
        """What it has in common with others of one reason: a failure is one, whatever the other side answers.

        Of what is no status, it only counts in what the answers differ.
        """
        if self.facet != STATUS:
            return AnswerChange(self.facet, "", "")
        fails = [_is_server_failure(word) for word in (self.first, self.second)]
        if fails[0] == fails[1]:
            return self
        return AnswerChange(STATUS, self.first if fails[0] else "", self.second if fails[1] else "")


@dataclass(frozen=True, slots=True)
class NormalizedAnswer:
    """An answer in its normal form.

    `facets` are its status, body and relevant headers; `values` the short values in a JSON body by their
    pointers; `words` is all the text in a body that only people read.
    """

    facets: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    wording: str = ""

    @property
    def status(self) -> str:
        """The status, or why there is no answer."""
        return self.facets[STATUS]


def _is_server_failure(status: str) -> bool:
    """Whether a status is that of a server that failed, or no answer at all."""
    return not status.isdecimal() or int(status) >= SERVER_ERROR


def normalize(exchange: Exchange, rate_headers: frozenset[str] = frozenset()) -> NormalizedAnswer:
    """The normal form of what came of a request; `rated` are further headers that may be there or not."""
    response = exchange.response
    if response is None:
        return NormalizedAnswer({STATUS: f"no answer ({exchange.failure})"})
    facets = {STATUS: str(response.status)}
    values: dict[str, str] = {}
    facets[BODY], wording = _normalize_body(response, values)
    facets.update(_header_facets(response, rate_headers))
    if exchange.bytes_after_response:
        facets[TRAILING_BYTES] = "bytes that belong to no answer"
    return NormalizedAnswer(facets, values, wording)


def compare_answers(
    first: NormalizedAnswer, second: NormalizedAnswer, volatile: frozenset[str] = frozenset()
) -> Iterator[AnswerChange]:
    """How two answers differ, in order of weight. A status that differs says it all.

    `volatile` are the pointers of values that say nothing.
    """
    if first.status != second.status:
        yield AnswerChange(STATUS, first.status, second.status)
        return
    for name in dict.fromkeys((*first.facets, *second.facets)):
        one, other = first.facets.get(name, ABSENT), second.facets.get(name, ABSENT)
        if one != other:
            yield AnswerChange(name, one, other)
    if first.facets.get(BODY) == second.facets.get(BODY):
        for pointer in sorted({*first.values, *second.values} - volatile):
            one, other = first.values.get(pointer, ABSENT), second.values.get(pointer, ABSENT)
            if one != other:
                yield AnswerChange(f"{VALUE} {pointer}", one, other)
        if first.wording != second.wording and WORDING not in volatile:
            yield AnswerChange(WORDING, first.wording, second.wording)


def find_volatile(first: NormalizedAnswer, second: NormalizedAnswer) -> frozenset[str]:
    """What varies between two answers of one server to the same request: pointers, and the wording."""
    if first.facets != second.facets:
        return frozenset()
    names = {name for name in {*first.values, *second.values}
             if first.values.get(name) != second.values.get(name)}  # fmt: skip
    return frozenset(names | ({WORDING} if first.wording != second.wording else set()))


def _header_facets(response: Response, rate_headers: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The headers that a client goes by."""
    for name, value in response.headers:
        lower = name.lower()
        if lower in _PRESENCE_ONLY_HEADERS or lower in rate_headers:
            yield f"header {lower}", "present"
        elif lower in _LIST_HEADERS or lower.startswith(_CORS_PREFIX):
            words = {word.strip().lower() for word in value.split(",")}
            yield f"header {lower}", ", ".join(sorted(words - {""}))
        elif lower == "www-authenticate":
            yield f"header {lower}", value.partition(" ")[0].lower()


def _normalize_body(response: Response, values: dict[str, str]) -> tuple[str, str]:
    """The type and shape of a body, and its words; short values go into `values`."""
    if not response.body:
        return "empty", ""
    kind = response.media_type or "no type"
    try:
        value: Any = json.loads(response.text)
    except (ValueError, RecursionError):
        return kind, " ".join(response.text.split())[:_MAX_WORDING_LENGTH]
    wording: list[str] = []
    shape = _json_shape(value, "", values, wording, 0)
    return f"{kind}, JSON {shape}", " | ".join(wording)[:_MAX_WORDING_LENGTH]


def _json_shape(value: Any, pointer: str, values: dict[str, str], wording: list[str], depth: int) -> str:  # noqa: ANN401 - any JSON
    """A value's type, with the names and types inside it."""
    if depth >= _MAX_DEPTH:
        return "..."
    if isinstance(value, dict):
        if len(value) > _MAX_NAMES:
            return "an object of many names"
        inner = (
            f"{name}: {_json_shape(value[name], f'{pointer}/{name}', values, wording, depth + 1)}"
            for name in sorted(value)
        )
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, list):
        kinds = {_json_shape(item, f"{pointer}/*", values, wording, depth + 1) for item in value[:_MAX_NAMES]}
        return f"[{' or '.join(sorted(kinds))}]"
    if isinstance(value, str) and (len(value) > _MAX_VALUE_LENGTH or any(map(str.isspace, value))):
        wording.append(value)
    elif value is not None:
        known = values.get(pointer)
        shown = json.dumps(value, ensure_ascii=False)
        values[pointer] = shown if known in {None, shown} else f"{known}, {shown}"[:_MAX_WORDING_LENGTH]
    return _json_type(value)


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    return {bool: "boolean", str: "text"}.get(type(value), "number")
