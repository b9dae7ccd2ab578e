"""Faults in what becomes of events after their answer: only a sink shows them."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, cast

from conformance.core import pointers
from conformance.core.statuses import CLIENT_ERROR
from conformance.core.written_json import WrittenNumber
from conformance.profile.facts import Condition
from conformance.refserver.faults.fault import HAS_BATCHES, Fault, all_of, requires_facts, requires_refusals
from conformance.refserver.server_change import ServerChange

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.core.written_json import WrittenJson, WrittenObject
    from conformance.refserver.storing import EditStored, Storing

_SAFE_DIGITS = 15
_SHARED, _DEDUPLICATED = "rules.shared-merged", "rules.deduplicated"
_BAD = f"answers.{Condition.IDENTITY_MISSING}"
_ZONE = re.compile(r"(\d\d:\d\d:\d\d(?:\.\d+)?)(?:Z|[+-]\d\d:\d\d)$")


def _keeping(edit: EditStored) -> ServerChange:
    return ServerChange(edit_stored=edit)


def _each(change: Callable[[Any], Any]) -> ServerChange:
    """A server that changes every value of every event it keeps, from the inside out."""
    return _keeping(lambda storing: [cast("WrittenObject", _walk(event, change)) for event in storing.kept])


def _refuses_whole_batches(contract: Contract) -> bool:
    """Whether a batch with one bad event is refused as a whole."""
    fact = f"answers.{Condition.BATCH_PARTLY_BAD}"
    return contract.has_fact(fact) and contract.expected_response(Condition.BATCH_PARTLY_BAD).expect[0] >= CLIENT_ERROR


def _walk(value: WrittenJson, change: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - JSON without loss
    if isinstance(value, dict):
        return change({name: _walk(item, change) for name, item in value.items()})
    if isinstance(value, list):
        return change([_walk(item, change) for item in value])
    return change(value)


def _as_float(value: Any) -> Any:  # noqa: ANN401 - as above
    is_long = isinstance(value, WrittenNumber) and len(value.text) > _SAFE_DIGITS and value.text.lstrip("-").isdigit()
    return WrittenNumber(f"{float(value.text):.0f}") if is_long else value


def _rounded(value: Any) -> Any:  # noqa: ANN401 - as above
    return WrittenNumber(str(round(float(value.text)))) if isinstance(value, WrittenNumber) else value


def _drop_each(count: int) -> EditStored:
    def edit(storing: Storing) -> list[WrittenObject]:
        kept = []
        for event in storing.kept:
            storing.memory["seen"] += 1
            if storing.memory["seen"] % count:
                kept.append(event)
        return kept

    return edit


def _double_each(count: int) -> EditStored:
    def edit(storing: Storing) -> list[WrittenObject]:
        storing.memory["seen"] += len(storing.kept)
        return [*storing.kept, *(storing.kept if storing.memory["seen"] % count < len(storing.kept) else ())]

    return edit


def _previous(storing: Storing) -> list[WrittenObject]:
    """Keeps the properties of the request before with the ids of this one."""
    return [
        {**before, **_ids(event)} for event, before in zip(storing.kept, storing.last or storing.kept, strict=False)
    ]


def _ids(event: WrittenObject) -> WrittenObject:
    return {name: value for name, value in event.items() if name.endswith("Id") or name == "type"}


def _without_shared(storing: Storing) -> list[WrittenObject]:
    """Keeps the events of a batch without what they share."""
    if not storing.is_batch:
        return storing.kept
    own = {name for name in storing.document if name != "batch"}
    return [{name: value for name, value in event.items() if name not in own} for event in storing.kept]


def _shared_wins(storing: Storing) -> list[WrittenObject]:
    """Merges what a batch shares over the events' own values."""
    if not storing.is_batch:
        return storing.kept
    shared: Any = {name: value for name, value in storing.document.items() if isinstance(value, dict)}
    return [cast("WrittenObject", pointers.deep_merge(cast("Any", event), shared)) for event in storing.kept]


def _refused_too(storing: Storing) -> list[WrittenObject]:
    return storing.kept or storing.offered


def _part_of_refused(storing: Storing) -> list[WrittenObject]:
    """Keeps the first event of a batch before it looks at the others."""
    return storing.kept or (storing.offered[:1] if storing.is_batch else [])


def _by_coding(name: str) -> EditStored:
    return lambda storing: [] if name in storing.decision.request.headers else storing.kept


def _under_load(storing: Storing) -> list[WrittenObject]:
    """Loses events of more than a few that come within a few milliseconds: a queue that is full."""
    now = int(time.monotonic() * 100)
    if storing.memory["tick"] != now:
        storing.memory["tick"], storing.memory["in tick"] = now, 0
    storing.memory["in tick"] += len(storing.kept)
    return storing.kept if storing.memory["in tick"] < 8 else []


def _long_ones(storing: Storing) -> list[WrittenObject]:
    return [] if len(storing.decision.body) > 8_000 else storing.kept


def _of_sdk(storing: Storing) -> list[WrittenObject]:
    return [event for event in storing.kept if "_metadata" not in event and "library" not in str(event.get("context"))]


def _only_first(storing: Storing) -> list[WrittenObject]:
    return storing.kept[:1]


def _reversed(storing: Storing) -> list[WrittenObject]:
    return storing.kept[::-1]


DELIVERY_FAULTS = (
    Fault("loses-all", "Answers with a success, and stores nothing.",
          "the queue behind the server is gone", "delivery.event.arrives delivery.run.lost",
          _keeping(lambda _: []), key_words="lost"),
    Fault("loses-some", "Loses one event in a hundred.", "a buffer is emptied in the wrong moment",
          "delivery.run.lost", _keeping(_drop_each(100))),
    Fault("loses-all-but-first", "Stores the first event of a batch only.", "a loop returns too early",
          "delivery.batch.arrives delivery.run.lost", _keeping(_only_first), HAS_BATCHES),
    Fault("loses-gzip", "Loses what is sent in gzip.", "the worker reads the raw body",
          "delivery.gzip.arrives delivery.run.lost", _keeping(_by_coding("content-encoding"))),
    Fault("loses-chunked", "Loses what is sent in chunks.", "the worker trusts Content-Length",
          "delivery.chunked.arrives", _keeping(_by_coding("transfer-encoding"))),
    Fault("loses-under-load", "Loses events that come close together.", "a queue is full, and drops",
          "delivery.concurrency.arrives", _keeping(_under_load)),
    Fault("loses-large", "Loses events of more than 8,000 bytes.", "a message of the queue has a limit",
          "delivery.size.arrives", _keeping(_long_ones), requires_facts("limits.event")),
    Fault("loses-of-sdks", "Loses events with a library in their context.", "a filter for bots",
          "delivery.sdk.*", _keeping(_of_sdk), HAS_BATCHES),
    Fault("doubles-all", "Stores every event twice.", "a retry after a slow commit",
          "delivery.event.arrives delivery.run.doubled", _keeping(lambda storing: [*storing.kept, *storing.kept])),
    Fault("doubles-some", "Stores one event in fifty twice.", "a retry after a slow commit", "delivery.run.doubled",
          _keeping(_double_each(50))),
    Fault("keeps-refused", "Stores events that it refuses.", "it stores before it validates",
          "delivery.refused.* delivery.run.refused", _keeping(_refused_too), requires_refusals(_BAD)),
    Fault("keeps-part-of-refused", "Stores the first event of a batch that it refuses.",
          "it stores while it reads", "delivery.batch.partly-bad", _keeping(_part_of_refused),
          all_of(HAS_BATCHES, _refuses_whole_batches)),
    Fault("integers-to-floats", "Turns integers beyond 2^53 into floats.", "JSON is parsed into doubles",
          "delivery.values.integers", _each(_as_float)),
    Fault("rounds-numbers", "Rounds numbers.", "a column of integers", "delivery.values.decimals", _each(_rounded)),
    Fault("truncates-texts", "Cuts texts after 255 characters.", "a column of the type varchar(255)",
          "delivery.values.long-text", _each(lambda item: item[:255] if isinstance(item, str) else item)),
    Fault("trims-texts", "Strips spaces around texts.", "a helper for forms", "delivery.values.white-space",
          _each(lambda item: item.strip() if isinstance(item, str) else item)),
    Fault("ascii-only", "Replaces characters beyond ASCII by question marks.", "a column in Latin-1",
          "delivery.values.texts",
          _each(lambda item: item.encode("ascii", "replace").decode() if isinstance(item, str) else item)),
    Fault("lower-cases-names", "Stores the names of fields in lower case.", "names become columns",
          "delivery.values.names delivery.run.altered",
          _each(lambda item: {k.lower(): v for k, v in item.items()} if isinstance(item, dict) else item)),
    Fault("flattens-lists", "Sorts the elements of lists.", "a set in place of a list", "delivery.values.nested",
          _each(lambda item: sorted(item, key=str) if isinstance(item, list) else item)),
    Fault("guesses-types", "Turns texts that look like numbers into numbers.", "a loader that guesses types",
          "delivery.values.number-like",
          _each(lambda item: WrittenNumber(str(int(item))) if isinstance(item, str) and item.isdigit() else item)),
    Fault("drops-booleans", "Stores booleans as 0 and 1.", "a database without booleans", "delivery.values.booleans",
          _each(lambda item: WrittenNumber(str(int(item))) if isinstance(item, bool) else item)),
    Fault("drops-zones", "Stores points in time without their zone.", "a column without a zone",
          "delivery.values.times", _each(lambda item: _ZONE.sub(r"\1", item) if isinstance(item, str) else item)),
    Fault("drops-nulls", "Leaves out nulls and empty values.", "a serializer that omits what is empty",
          "delivery.values.empty",
          _each(lambda item: {k: v for k, v in item.items() if v not in (None, "", [], {})}
                if isinstance(item, dict) else item)),
    Fault("respells-numbers", "Writes numbers in another spelling.", "JSON is parsed and written again",
          "delivery.values.spelling",
          _each(lambda item: WrittenNumber(f"{float(item.text):g}") if isinstance(item, WrittenNumber)
                and abs(float(item.text)) < 1000 else item)),
    Fault("overflows-numbers", "Stores numbers beyond a double as null.", "infinity is no JSON",
          "delivery.values.huge",
          _each(lambda item: None if isinstance(item, WrittenNumber) and abs(float(item.text)) == float("inf")
                else item)),
    Fault("drops-nul", "Removes NUL from texts.", "PostgreSQL has no NUL in texts", "delivery.values.unusual",
          _each(lambda item: item.replace("\0", "") if isinstance(item, str) else item)),
    Fault("drops-context", "Stores events without their context.", "a table without a column for it",
          "delivery.fields.kept",
          _keeping(lambda storing: [{k: v for k, v in item.items() if k != "context"} for item in storing.kept])),
    Fault("swaps-events", "Stores the content of the request before with the ids of this one.", "a buffer is shared",
          "delivery.run.altered", _keeping(_previous)),
    Fault("drops-shared", "Stores the events of a batch without what they share.", "the envelope is not read",
          "delivery.batch.shared", _keeping(_without_shared), all_of(HAS_BATCHES, requires_facts(_SHARED))),
    Fault("shared-wins", "Lets what a batch shares win over the events' own values.", "merged the wrong way",
          "delivery.batch.shared", _keeping(_shared_wins), all_of(HAS_BATCHES, requires_facts(_SHARED))),
    Fault("stores-backwards", "Stores the events of a batch in reverse order.", "a stack in place of a queue",
          "delivery.order.batch", _keeping(_reversed), HAS_BATCHES),
)  # fmt: skip
"""Faults that change no answer. A server has one only together with a store."""
