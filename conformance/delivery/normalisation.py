"""Differences of spelling that a sink's file declares to be none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.core.written_json import WrittenNumber
from conformance.delivery.comparison import instant_of
from conformance.sinks import Normalisation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.sinks import NormalisedField


class Normaliser:
    """Says whether a value sent and a value stored are one by what is declared for their field."""

    def __init__(self, fields: Sequence[NormalisedField]) -> None:
        self._fields = tuple(fields)

    def __call__(self, pointer: str, sent: Any, stored: Any) -> bool:  # noqa: ANN401 - JSON without loss
        """Whether they are one."""
        return any(
            _is_same(item.kind, sent, stored)
            for item in self._fields
            if pointer == item.pointer or pointer.startswith(f"{item.pointer}/") or not item.pointer
        )


def _is_same(kind: Normalisation, sent: Any, stored: Any) -> bool:  # noqa: ANN401 - as above
    if kind is Normalisation.NULL_IS_ABSENT:
        return sent is None and not isinstance(stored, (str, bool, WrittenNumber, list, dict))
    if isinstance(sent, WrittenNumber) and isinstance(stored, WrittenNumber):
        if kind is Normalisation.DOUBLE:
            return float(sent.text) == float(stored.text)
        return kind is Normalisation.NUMBER_VALUE and sent.value == stored.value
    return isinstance(sent, str) and isinstance(stored, str) and _is_same_text(kind, sent, stored)


def _is_same_text(kind: Normalisation, sent: str, stored: str) -> bool:
    match kind:
        case Normalisation.INSTANT:
            return instant_of(sent) is not None and instant_of(sent) == instant_of(stored)
        case Normalisation.CASE:
            return sent.casefold() == stored.casefold()
        case Normalisation.TRIM:
            return sent.strip() == stored.strip()
    return False
