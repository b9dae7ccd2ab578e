"""Answers in a normal form: what a client could go by, without what varies from one answer to the next."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.expect import SERVER_ERROR
from conformance.model import Mishap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.model import Exchange, Response

STATUS, BODY, WORDS, VALUE = "status", "body", "wording", "value"
STRAY, NOTHING = "after the answer", "nothing"
CLOSED = f"no answer ({Mishap.CLOSED})"
GARBAGE = f"no answer ({Mishap.NOT_HTTP})"
_DEEPEST, _MOST_NAMES, _LONGEST_VALUE, _LONGEST_WORDS = 4, 24, 64, 160
_CORS = "access-control-"
_PRESENT = frozenset({"retry-after", "location"})
"""Headers of which it only counts whether they are there."""
_LISTS = frozenset({"allow", "accept", "accept-encoding"})
"""Headers that are lists in which the order means nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """One way in which two answers differ: in what, what the first has there, and what the second has."""

    facet: str
    first: str
    second: str

    @property
    def sort(self) -> Change:
        """What it has in common with others of one reason: a failure is one, whatever the other side answers.

        Of what is no status, it only counts in what the answers differ.
        """
        if self.facet != STATUS:
            return Change(self.facet, "", "")
        fails = [_is_failure(word) for word in (self.first, self.second)]
        if fails[0] == fails[1]:
            return self
        return Change(STATUS, self.first if fails[0] else "", self.second if fails[1] else "")


@dataclass(frozen=True, slots=True)
class Form:
    """An answer in its normal form.

    `facets` are its status, body and relevant headers; `values` the short values in a JSON body by their
    pointers; `words` is all the text in a body that only people read.
    """

    facets: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    words: str = ""

    @property
    def status(self) -> str:
        """The status, or why there is no answer."""
        return self.facets[STATUS]


def _is_failure(status: str) -> bool:
    """Whether a status is that of a server that failed, or no answer at all."""
    return not status.isdecimal() or int(status) >= SERVER_ERROR


def form(exchange: Exchange, rated: frozenset[str] = frozenset()) -> Form:
    """The normal form of what came of a request; `rated` are further headers that may be there or not."""
    response = exchange.response
    if response is None:
        return Form({STATUS: f"no answer ({exchange.mishap})"})
    facets = {STATUS: str(response.status)}
    values: dict[str, str] = {}
    facets[BODY], words = _body(response, values)
    facets.update(_headers(response, rated))
    if exchange.stray:
        facets[STRAY] = "bytes that belong to no answer"
    return Form(facets, values, words)


def changes(first: Form, second: Form, volatile: frozenset[str] = frozenset()) -> Iterator[Change]:
    """How two answers differ, in order of weight. A status that differs says it all.

    `volatile` are the pointers of values that say nothing.
    """
    if first.status != second.status:
        yield Change(STATUS, first.status, second.status)
        return
    for name in dict.fromkeys((*first.facets, *second.facets)):
        one, other = first.facets.get(name, NOTHING), second.facets.get(name, NOTHING)
        if one != other:
            yield Change(name, one, other)
    if first.facets.get(BODY) == second.facets.get(BODY):
        for pointer in sorted({*first.values, *second.values} - volatile):
            one, other = first.values.get(pointer, NOTHING), second.values.get(pointer, NOTHING)
            if one != other:
                yield Change(f"{VALUE} {pointer}", one, other)
        if first.words != second.words and WORDS not in volatile:
            yield Change(WORDS, first.words, second.words)


def varying(first: Form, second: Form) -> frozenset[str]:
    """What varies between two answers of one server to the same request: pointers, and the wording."""
    if first.facets != second.facets:
        return frozenset()
    names = {name for name in {*first.values, *second.values}
             if first.values.get(name) != second.values.get(name)}  # fmt: skip
    return frozenset(names | ({WORDS} if first.words != second.words else set()))


def _headers(response: Response, rated: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The headers that a client goes by."""
    for name, value in response.headers:
        lower = name.lower()
        if lower in _PRESENT or lower in rated:
            yield f"header {lower}", "present"
        elif lower in _LISTS or lower.startswith(_CORS):
            words = {word.strip().lower() for word in value.split(",")}
            yield f"header {lower}", ", ".join(sorted(words - {""}))
        elif lower == "www-authenticate":
            yield f"header {lower}", value.partition(" ")[0].lower()


def _body(response: Response, values: dict[str, str]) -> tuple[str, str]:
    """The type and shape of a body, and its words; short values go into `values`."""
    if not response.body:
        return "empty", ""
    kind = response.media_type or "no type"
    try:
        value: Any = json.loads(response.text)
    except (ValueError, RecursionError):
        return kind, " ".join(response.text.split())[:_LONGEST_WORDS]
    words: list[str] = []
    shape = _shape(value, "", values, words, 0)
    return f"{kind}, JSON {shape}", " | ".join(words)[:_LONGEST_WORDS]


def _shape(value: Any, pointer: str, values: dict[str, str], words: list[str], depth: int) -> str:  # noqa: ANN401 - any JSON
    """A value's type, with the names and types inside it."""
    if depth >= _DEEPEST:
        return "..."
    if isinstance(value, dict):
        if len(value) > _MOST_NAMES:
            return "an object of many names"
        inner = (
            f"{name}: {_shape(value[name], f'{pointer}/{name}', values, words, depth + 1)}"
            for name in sorted(value)
        )
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, list):
        kinds = {_shape(item, f"{pointer}/*", values, words, depth + 1) for item in value[:_MOST_NAMES]}
        return f"[{' or '.join(sorted(kinds))}]"
    if isinstance(value, str) and (len(value) > _LONGEST_VALUE or any(map(str.isspace, value))):
        words.append(value)
    elif value is not None:
        known = values.get(pointer)
        shown = json.dumps(value, ensure_ascii=False)
        values[pointer] = shown if known in {None, shown} else f"{known}, {shown}"[:_LONGEST_WORDS]
    return _type(value)


def _type(value: object) -> str:
    if value is None:
        return "null"
    return {bool: "boolean", str: "text"}.get(type(value), "number")
