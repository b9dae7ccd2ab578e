"""Faults on the values of ids, times and properties."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.refserver.faults.fault import HAS_BATCHES, Fault
from conformance.refserver.faults.response_overrides import IS_BATCH, crash_on, error_reply, refuse_accepted

if TYPE_CHECKING:
    from conformance.refserver.replies import ServerReply
    from conformance.refserver.server_change import RequestView

_LATE = re.compile(r'"2[12]\d\d-')


def _repeats_in_batch(view: RequestView) -> bool:
    """Whether a batch has a message id of ours twice."""
    ids = [str(value) for value in view.values_of("message_id")]
    return IS_BATCH(view) and ids.count("conformance-same-in-batch") > 1


def _crash_on_repeat(view: RequestView) -> ServerReply | None:
    """Fails on a message id that was seen before, once the store of recent ones is in use."""
    ids = [value for value in view.values_of("message_id") if isinstance(value, str) and "-same-" in value]
    if not view.is_accepted or (IS_BATCH(view) and len(ids) > 1):
        return None
    for value in ids:
        view.memory[value] += 1
    return error_reply(view, 500) if any(view.memory[value] > 1 for value in ids) else None


FAULTS = (
    Fault(
        "late-times-refused",
        "Refuses times after 2106.",
        "seconds are kept in 32 bits",
        "values.times.accepted",
        refuse_accepted(lambda view: _LATE.search(view.body_text) is not None),
        key_words="2107",
    ),
    Fault(
        "mail-addresses-refused",
        "Refuses user ids with an @.",
        "a pattern allows what its author thought of",
        "values.ids.accepted",
        refuse_accepted(lambda view: any("@shop" in str(value) for value in view.values_of("user"))),
        key_words="@",
    ),
    Fault(
        "dollar-names-refused",
        "Refuses properties whose names begin with a dollar.",
        "a database has operators of such names",
        "values.properties.accepted",
        refuse_accepted(lambda view: '"$' in view.body_text and '"$"' not in view.body_text),
        key_words="$",
    ),
    Fault(
        "false-id-crash",
        "Fails on false for a user id.",
        "a method of texts is called on it",
        "values.ids.status",
        crash_on(when=lambda view: any(value is False for value in view.values_of("user"))),
        key_words="false 500",
    ),
    Fault(
        "object-message-id-crash",
        "Fails on an object for a message id.",
        "it can't be the key of a store",
        "values.message-id.status",
        crash_on(when=lambda view: any(isinstance(value, dict) for value in view.values_of("message_id"))),
        key_words="object message id 500",
    ),
    Fault(
        "prototype-crash",
        "Fails on a property named __proto__.",
        "names of properties become names of members",
        "values.properties.status",
        crash_on(when=lambda view: '"__proto__"' in view.body_text),
        key_words="__proto__ 500",
    ),
    Fault(
        "repeat-at-once-crash",
        "Fails on a message id that comes again at once.",
        "a unique index raises",
        "values.message-id.at-once",
        _crash_on_repeat,
        key_words="message id same time 500",
    ),
    Fault(
        "repeat-in-batch-refused",
        "Refuses a batch with a message id twice.",
        "a unique index raises",
        "values.message-id.in-batch",
        refuse_accepted(_repeats_in_batch),
        HAS_BATCHES,
        key_words="one message id refused",
    ),
)
