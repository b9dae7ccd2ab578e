"""Normalized answers: what a client could depend on, without what varies from one answer to the next."""

from __future__ import annotations

import enum
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.core.foreign_json import Unreadable, read_body
from conformance.core.statuses import SERVER_ERROR
from conformance.core.text import truncate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.core.model import Exchange, Response, TransportFailure

_ABSENT = "nothing"
_MAX_DEPTH, _MAX_NAMES, _MAX_VALUE_LENGTH, _MAX_WORDING_LENGTH = 4, 24, 64, 160
_MAX_VALUES, _MAX_NAME_LENGTH, _MAX_SHAPE_LENGTH, _MAX_LIST_LENGTH, _MAX_FACETS = 64, 64, 2_000, 500, 24
"""What is looked at of an answer: thousands of them are kept."""
_CORS_PREFIX = "access-control-"
_PRESENCE_ONLY_HEADERS = frozenset({"retry-after", "location"})
"""Headers of which only the presence counts."""
_LIST_HEADERS = frozenset({"allow", "accept", "accept-encoding"})
"""Headers with lists in which the order means nothing."""
_FIRST_SUCCESS, _FIRST_REDIRECT = 200, 300


class FacetKind(enum.StrEnum):
    """A part of an answer, or of a check, in which two servers may differ."""

    STATUS = "status"
    BODY = "body"
    HEADER = "header"
    VALUE = "value"
    WORDING = "wording"
    TRAILING_BYTES = "after the answer"
    VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Facet:
    """A part of an answer. `name` is that of a header, or the pointer of a value in a JSON body."""

    kind: FacetKind
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else self.kind.value

    @property
    def is_cors_header(self) -> bool:
        """Whether it is a header by which browsers decide whether a page may send events."""
        return self.kind is FacetKind.HEADER and self.name.startswith(_CORS_PREFIX)


STATUS, BODY, WORDING = Facet(FacetKind.STATUS), Facet(FacetKind.BODY), Facet(FacetKind.WORDING)
TRAILING_BYTES, VERDICT = Facet(FacetKind.TRAILING_BYTES), Facet(FacetKind.VERDICT)


@dataclass(frozen=True, slots=True)
class AnswerStatus:
    """The status of an answer, or the failure if there is none."""

    code: int
    failure: TransportFailure | None = None

    def __str__(self) -> str:
        return f"no answer ({self.failure})" if self.failure else str(self.code)

    @property
    def is_success(self) -> bool:
        """Whether it is a 2xx."""
        return _FIRST_SUCCESS <= self.code < _FIRST_REDIRECT

    @property
    def is_server_failure(self) -> bool:
        """Whether it is a 5xx, or no answer at all."""
        return self.failure is not None or self.code >= SERVER_ERROR


FacetValue: TypeAlias = "AnswerStatus | str"


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """One way in which two answers differ: the facet, and its value in each answer."""

    facet: Facet
    first: FacetValue
    second: FacetValue

    @property
    def kind(self) -> AnswerChange:
        """A key shared by changes with one cause: a failure counts the same whatever the other side answers.

        Of other facets than the status, only the facet counts.
        """
        if len(self.statuses) < 2:
            return AnswerChange(self.facet, "", "")
        fails = [status.is_server_failure for status in self.statuses]
        if fails[0] == fails[1]:
            return self
        return AnswerChange(STATUS, self.first if fails[0] else "", self.second if fails[1] else "")

    @property
    def statuses(self) -> tuple[AnswerStatus, ...]:
        """The two statuses, if these differ; empty for any other facet."""
        return tuple(value for value in (self.first, self.second) if isinstance(value, AnswerStatus))

    @property
    def is_unanswered(self) -> bool:
        """Whether one side did not answer at all."""
        return any(status.failure is not None for status in self.statuses)

    @property
    def sort_key(self) -> tuple[str, str, str]:
        """A key that orders changes by facet and values."""
        return str(self.facet), str(self.first), str(self.second)


@dataclass(frozen=True, slots=True)
class NormalizedAnswer:
    """An answer in normal form.

    `facets` are the shape of its body and the relevant headers, `values` the short values of a JSON body by pointer,
    `wording` all text in a body that only people read.
    """

    status: AnswerStatus
    facets: Mapping[Facet, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    wording: str = ""

    def facet_value(self, facet: Facet) -> FacetValue | None:
        """The value of a facet; None if the answer lacks it."""
        return self.status if facet == STATUS else self.facets.get(facet)


def normalize(exchange: Exchange, rate_headers: frozenset[str] = frozenset()) -> NormalizedAnswer:
    """The normal form of an answer. Of `rate_headers`, in lower case, only the presence counts."""
    response = exchange.response
    if response is None:
        return NormalizedAnswer(AnswerStatus(0, exchange.failure))
    values: dict[str, str] = {}
    shape, wording = _normalize_body(response, values)
    facets = {BODY: shape, **dict(itertools.islice(_header_facets(response, rate_headers), _MAX_FACETS))}
    if exchange.bytes_after_response:
        facets[TRAILING_BYTES] = "bytes that belong to no answer"
    return NormalizedAnswer(AnswerStatus(response.status), facets, values, wording)


def compare_answers(
    first: NormalizedAnswer, second: NormalizedAnswer, volatile: frozenset[Facet] = frozenset()
) -> Iterator[AnswerChange]:
    """The differences of two answers, the most important first. If the statuses differ, nothing else is compared.

    `volatile` are facets that vary by themselves.
    """
    if first.status != second.status:
        yield AnswerChange(STATUS, first.status, second.status)
        return
    for facet in dict.fromkeys((*first.facets, *second.facets)):
        one, other = first.facets.get(facet, _ABSENT), second.facets.get(facet, _ABSENT)
        if one != other:
            yield AnswerChange(facet, one, other)
    if first.facets.get(BODY) == second.facets.get(BODY):
        for pointer in sorted({*first.values, *second.values}):
            one, other = first.values.get(pointer, _ABSENT), second.values.get(pointer, _ABSENT)
            facet = Facet(FacetKind.VALUE, pointer)
            if one != other and facet not in volatile:
                yield AnswerChange(facet, one, other)
        if first.wording != second.wording and WORDING not in volatile:
            yield AnswerChange(WORDING, first.wording, second.wording)


def change_order(change: AnswerChange) -> tuple[bool, bool, str]:
    """A key that orders the changes of one answer: statuses first, wording last."""
    return change.facet != STATUS, change.facet == WORDING, str(change.facet)


def find_volatile(first: NormalizedAnswer, second: NormalizedAnswer) -> frozenset[Facet]:
    """The values, and the wording, that vary between two answers of one server to the same request."""
    if (first.status, first.facets) != (second.status, second.facets):
        return frozenset()
    varying = {
        Facet(FacetKind.VALUE, pointer)
        for pointer in {*first.values, *second.values}
        if first.values.get(pointer) != second.values.get(pointer)
    }
    return frozenset(varying | ({WORDING} if first.wording != second.wording else set()))


def _header_facets(response: Response, rate_headers: frozenset[str]) -> Iterator[tuple[Facet, str]]:
    """The headers that a client could depend on."""
    for name, value in response.headers:
        lower = name.lower()[:_MAX_NAME_LENGTH]
        facet = Facet(FacetKind.HEADER, lower)
        if lower in _PRESENCE_ONLY_HEADERS or lower in rate_headers:
            yield facet, "present"
        elif lower in _LIST_HEADERS or lower.startswith(_CORS_PREFIX):
            words = {word.strip().lower() for word in value.split(",")}
            yield facet, truncate(", ".join(sorted(words - {""})), _MAX_LIST_LENGTH)
        elif lower == "www-authenticate":
            yield facet, value.partition(" ")[0].lower()[:_MAX_VALUE_LENGTH]


def _normalize_body(response: Response, values: dict[str, str]) -> tuple[str, str]:
    """The type and shape of a body, and its wording. Short values are added to `values`."""
    if not response.body:
        return "empty", ""
    kind = response.media_type[:_MAX_WORDING_LENGTH] or "no type"
    value = read_body(response)
    if isinstance(value, Unreadable):
        return kind, " ".join(response.text.split())[:_MAX_WORDING_LENGTH]
    wording: list[str] = []
    shape = _json_shape(value, "", values, wording, 0)
    return f"{kind}, JSON {truncate(shape, _MAX_SHAPE_LENGTH)}", " | ".join(wording)[:_MAX_WORDING_LENGTH]


def _json_shape(value: Any, pointer: str, values: dict[str, str], wording: list[str], depth: int) -> str:  # noqa: ANN401 - any JSON
    """The type of a value, with the names and types inside it. Fills `values` and `wording`."""
    if depth >= _MAX_DEPTH:
        return "..."
    if isinstance(value, dict):
        if len(value) > _MAX_NAMES:
            return "an object of many names"
        inner = (
            f"{short}: {_json_shape(value[name], f'{pointer}/{short}', values, wording, depth + 1)}"
            for name in sorted(value)
            for short in (truncate(name, _MAX_NAME_LENGTH),)
        )
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, list):
        kinds = {_json_shape(item, f"{pointer}/*", values, wording, depth + 1) for item in value[:_MAX_NAMES]}
        return f"[{' or '.join(sorted(kinds))}]"
    if isinstance(value, str) and (len(value) > _MAX_VALUE_LENGTH or any(map(str.isspace, value))):
        wording.append(value)
    elif value is not None and (pointer in values or len(values) < _MAX_VALUES):
        known = values.get(pointer)
        shown = json.dumps(value, ensure_ascii=False)
        values[pointer] = shown if known in {None, shown} else f"{known}, {shown}"[:_MAX_WORDING_LENGTH]
    return _json_type(value)


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    return {bool: "boolean", str: "text"}.get(type(value), "number")
