"""Faults in what an event must contain, and in what it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.model import Kind
from conformance.pointers import has
from conformance.refserver.faults.fault import Fault, refuses, requires, states, supports
from conformance.refserver.faults.twists import (
    EVENT,
    accept,
    accepting,
    answering,
    crashing,
    posted,
    refuse,
    refusing,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.model import Json
    from conformance.profile.facts import Answer
    from conformance.refserver.change import Sight
    from conformance.refserver.faults.twists import When
    from conformance.refserver.replies import Reply

_IDENTITY, _REQUIRED = "answers.identity-missing", "events.*.required.*"


def _ids(sight: Sight) -> list[Json]:
    """What a single event has as ids."""
    where = sight.contract.profile.pointers
    return [*sight.each(where.user), *sight.each(where.anonymous)] if EVENT(sight) else []


def _all(test: Callable[[Json], bool]) -> When:
    """Holds for a single event that has ids, all of which pass a test."""
    return lambda sight: bool(_ids(sight)) and all(map(test, _ids(sight)))


def _beside(value: Json) -> When:
    """Holds for a single event one of whose ids has a value, and the other is a text that says something."""
    return lambda sight: value in _ids(sight) and any(isinstance(item, str) and item for item in _ids(sight))


def _message_id(test: Callable[[Any], bool]) -> When:
    return lambda sight: any(map(test, sight.each(sight.contract.profile.pointers.message_id)))


def _seen(sight: Sight) -> bool:
    """Whether an event's message id came before; those of this one count from now on."""
    found = False
    for value in sight.each(sight.contract.profile.pointers.message_id) if posted(sight) else ():
        found |= sight.memory[f"id {value}"] > 0 and "repeated" in str(value)
        sight.memory[f"id {value}"] += 1
    return found


def _nested(depth: int) -> When:
    """Holds for a document that is nested deeper than this, up to a depth that nobody means."""
    return lambda sight: EVENT(sight) and depth < _depth(sight.document) < 50


def _depth(value: Json, limit: int = 60) -> int:
    if limit == 0 or not isinstance(value, dict | list) or not value:
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(_depth(item, limit - 1) for item in inner)


def _open(sight: Sight) -> list[Json]:
    """The free-form object of single events."""
    operation = sight.decision.operation
    return sight.each(sight.contract.event(operation.type).open) if operation and EVENT(sight) else []


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _null_field(sight: Sight) -> bool:
    """Whether a top-level field of an event is null."""
    return EVENT(sight) and isinstance(sight.document, dict) and None in sight.document.values()


def _pointed(name: str, test: Callable[[Json], bool]) -> When:
    """Holds for a single event where what the profile points at passes a test."""
    return lambda sight: (
        EVENT(sight) and any(map(test, sight.each(getattr(sight.contract.profile.pointers, name))))
    )


def _empty_required(sight: Sight) -> bool:
    """Whether a field that an event can't do without is there, and empty."""
    operation = sight.decision.operation
    required = sight.contract.event(operation.type).required if operation else {}
    return EVENT(sight) and any(
        value in {None, ""} for pointer in required for value in _texts(sight, pointer)
    )


def _texts(sight: Sight, pointer: str) -> list[str | None]:
    return [value for value in sight.each(pointer) if value is None or isinstance(value, str)]


def _is_open(answer: Answer) -> bool:
    """Whether both a success and a refusal are right."""
    return min(answer.statuses) < 300 <= max(answer.statuses)


def _lacks_open_question(sight: Sight) -> bool:
    """Whether an event lacks a field of which the sources disagree whether it is required."""
    operation = sight.decision.operation
    required = sight.contract.event(operation.type).required if operation and EVENT(sight) else {}
    return any(not has(sight.document, pointer) for pointer, answer in required.items() if _is_open(answer))


def _has_open_question(contract: Contract) -> bool:
    answers = [answer for event in contract.profile.events.values() for answer in event.required.values()]
    return any(map(_is_open, answers))


def _answers_required(contract: Contract) -> bool:
    operation = next(item for item in contract.operations if item.kind is Kind.EVENT)
    return requires(operation.type)(contract) and _may_be_empty(contract)


def _answer_empty(sight: Sight) -> Reply | None:
    """Another answer than the correct one to a required field that is empty."""
    if not _empty_required(sight):
        return None
    return refuse(sight, 400 if sight.is_accepted else 422)


def _may_be_empty(contract: Contract) -> bool:
    """Fits where the free-form object is not the one that names the user."""
    user = contract.profile.pointers.user
    return not any(
        user.startswith(f"{event.open}/") for event in contract.profile.events.values() if event.open
    )


def _has_required(contract: Contract) -> bool:
    """Fits where single events can't do without a field that does not name the user."""
    operation = next(item for item in contract.operations if item.kind is Kind.EVENT)
    return bool(contract.event(operation.type).required) and _may_be_empty(contract)


def _empty_otherwise(sight: Sight) -> Reply | None:
    """Another answer than the correct one to ids that are empty."""
    if not _all(lambda value: value == "")(sight):
        return None
    return refuse(sight, 400) if sight.is_accepted else accept(sight)


FAULTS = (
    Fault("identity-unchecked", "Takes events of nobody.", "they can't be attributed to anybody",
          "payload.identity.missing payload.identity.null", accepting(_IDENTITY, when=EVENT),
          refuses(_IDENTITY)),
    Fault("identity-422", "Answers an event of nobody with 422.", "validators do", "payload.identity.missing",
          answering(422, _IDENTITY, when=EVENT), states(_IDENTITY)),
    Fault("identity-crash", "Fails on an event of nobody.", "a key of a table is null",
          "payload.identity.missing payload.identity.null errors.status.payload robustness.types.main",
          crashing(_IDENTITY, when=EVENT), states(_IDENTITY)),
    Fault("null-identity-accepted", "Takes null for an id.", "the field is there", "payload.identity.null",
          accepting(_IDENTITY, when=_all(lambda value: value is None)), refuses(_IDENTITY)),
    Fault("null-identity-crash", "Fails on ids that are null.", "null has no length",
          "payload.identity.null robustness.types.main",
          crashing(_IDENTITY, when=_all(lambda value: value is None)), states(_IDENTITY)),
    Fault("empty-identity-otherwise", "Takes an empty text for an id, or refuses it.", "people want to know",
          "payload.identity.empty", _empty_otherwise),
    Fault("blank-identity-refused", "Trims ids, and refuses those of white space.", "people want to know",
          "payload.identity.blank",
          refusing(_all(lambda value: isinstance(value, str) and bool(value) and not value.strip()))),
    Fault("both-ids-refused", "Refuses an event with both ids.", "one field for one id: signing in has both",
          "payload.identity.both accept.event.full",
          refusing(lambda sight: len([value for value in _ids(sight) if value]) > 1)),
    Fault("null-id-refused", "Refuses a null id beside a real one.",
          "official SDKs write what they don't have as null", "payload.identity.null-other",
          refusing(_beside(None))),
    Fault("null-id-refused-in-batches", "Refuses a null id beside a real one in batches.",
          "official SDKs send exactly that", "sdk.*-python-*.accepted payload.identity.null-other",
          refusing(lambda sight: not EVENT(sight)
              and None in sight.each(sight.contract.profile.pointers.anonymous)),
          supports("*-python-*"), also=("batch",)),
    Fault("empty-id-refused", "Refuses an empty id beside a real one.", "people want to know",
          "payload.identity.empty-other", refusing(_beside(""))),
    Fault("nulls-refused", "Refuses optional fields that are null.",
          "serializers write what is not set as null", "payload.optional.null", refusing(_null_field)),
    Fault("required-unchecked", "Takes events without what they can't do without.",
          "a track without its event is of no use to anybody", "payload.required.missing",
          accepting(_REQUIRED, when=EVENT), _answers_required),
    Fault("required-422", "Answers 422 to events without what they can't do without.", "validators do",
          "payload.required.missing", answering(422, _REQUIRED, when=EVENT), _has_required),
    Fault("required-crash", "Fails on events without what they can't do without.",
          "a field that is not there", "payload.required.missing errors.status.payload",
          crashing(_REQUIRED, when=EVENT), _answers_required),
    Fault("group-unchecked", "Takes a group call without its group.", "one path of several",
          "payload.required.missing", accepting(_REQUIRED, when=lambda sight: sight.is_further),
          requires("group"), also=("group",)),
    Fault("previous-id-422", "Answers an alias without its previous id with 422.", "one path of several",
          "payload.required.missing", answering(422, _REQUIRED, when=lambda sight: sight.is_further),
          requires("alias"), also=("alias",)),
    Fault("required-empty-refused", "Refuses required fields that are empty or null.", "people want to know",
          "payload.required.empty", _answer_empty),
    Fault("name-needed", "Refuses events without what only one of two sources requires.",
          "people want to know", "payload.required.either", refusing(_lacks_open_question),
          _has_open_question, also=("page",)),
    Fault("deep-refused", "Refuses properties that are nested ten levels deep.",
          "tables have columns, not trees", "payload.properties.deep", refusing(_nested(12))),
    Fault("wide-refused", "Refuses an object of more than a hundred keys.", "tables have so many columns",
          "payload.properties.wide",
          refusing(lambda sight: EVENT(sight) and any(isinstance(item, dict)
              and 100 < len(item) < 300 for item in sight.values()))),
    Fault("lists-refused", "Refuses lists among the properties.", "tables have no columns for them",
          "payload.properties.lists",
          refusing(lambda sight: any("conformance_lists" in item for item in _open(sight)
              if isinstance(item, dict)))),
    Fault("numbers-crash", "Fails on numbers that are no decimal of its database.", "1.5e300 overflows",
          "payload.properties.numbers",
          crashing(when=lambda sight: any(value == 1.5e300 for value in sight.values()))),
    Fault("empty-properties-refused", "Refuses empty properties.",
          "SDKs send them when the caller gives none", "payload.properties.empty",
          refusing(lambda sight: any(item == {} for item in _open(sight))), _may_be_empty),
    Fault("empty-context-refused", "Refuses an empty context.", "nothing in it is what was required",
          "payload.context.documented", refusing(_pointed("context", lambda value: value == {}))),
    Fault("integration-options-refused", "Takes integrations as switches alone.",
          "options are documented, too", "payload.integrations.documented",
          refusing(_pointed("integrations", lambda value: isinstance(value, dict) and any(isinstance(item,
              dict) for item in value.values())))),
    Fault("message-id-uuid-sized", "Refuses message ids that are longer than a UUID.",
          "columns of 36 characters", "payload.message-id.longest",
          refusing(_message_id(lambda value: isinstance(value, str) and 60 < len(value) < 100)),
          states("message_id")),
    Fault("message-id-limited", "Refuses message ids of 100 characters and more.", "people want to know",
          "payload.message-id.longer",
          refusing(_message_id(lambda value: isinstance(value, str) and len(value) >= 100))),
    Fault("message-id-text-only", "Refuses message ids that are numbers.", "people want to know",
          "payload.message-id.number", refusing(_message_id(_is_whole))),
    Fault("repeat-refused", "Refuses a message id that came before.",
          "a client that got no answer sends again, and is told that it did wrong",
          "payload.message-id.repeated", refusing(_seen, 409)),
    Fault("repeat-crash", "Fails on a message id that came before.", "a key of a table that must be unique",
          "payload.message-id.repeated", crashing(when=_seen)),
)  # fmt: skip
