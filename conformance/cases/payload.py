"""What an event must contain, and what it may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import expect, pointers
from conformance.cases._steps import accepted, reports, spoilt
from conformance.catalogue import EVENTS, REQUIRED, check
from conformance.contract import schemas
from conformance.errors import Silent
from conformance.model import Level
from conformance.payloads.spoils import NO_IDENTITY
from conformance.profile.facts import Condition

if TYPE_CHECKING:
    from conformance.engine import Steps
    from conformance.model import Json
    from conformance.payloads import Call, Draft

ACCEPTED = "answers.accepted"
IDENTITY = "answers.identity-missing"
NULL = "rules.null-optional"
UNDOCUMENTED = "rules.undocumented"


@check("payload.identity.missing", "An event with neither userId nor anonymousId is answered as documented.",
       fact=IDENTITY, kinds=EVENTS)  # fmt: skip
def identity_missing(call: Call) -> Steps:
    """An event of nobody can't be attributed to anybody."""
    return (yield from spoilt(call, NO_IDENTITY))


def _identified(call: Call, **values: Json) -> Draft:
    """An event with these ids and no others. Raises Silent where a document gives it no such id."""
    where = call.contract.identities(call.operation.type)
    missing = [name for name in values if name not in where]
    if missing:
        raise Silent(f"no document gives {call.operation.type} the id of a {missing[0]}")
    draft = call.event().drop(*where.values())
    for name, value in values.items():
        draft = draft.put(where[name], value)
    return draft


def _anybody(call: Call, value: Json) -> Draft:
    """An event whose every id has the same value."""
    return _identified(call, **dict.fromkeys(call.contract.identities(call.operation.type), value))


@check("payload.identity.both", "An event with both a userId and an anonymousId is accepted.", fact=ACCEPTED)
def identity_both(call: Call) -> Steps:
    """The moment of signing in is when both are known."""
    draft = _identified(call, user="conformance-user", anonymous="conformance-anonymous")
    return (yield from accepted([("an event with both ids", draft)]))


@check("payload.identity.null", "An event whose ids are all null is answered as one without ids.",
       fact=IDENTITY, kinds=EVENTS, cap=Level.SHOULD)  # fmt: skip
def identity_null(call: Call) -> Steps:
    """Null is how many languages write what is not there."""
    expect.control((yield call.control()))
    answer = call.contract.answer(Condition.IDENTITY_MISSING)
    return expect.status((yield call.marked(_anybody(call, None))), answer, "an event whose ids are null")


@check("payload.identity.empty", "What happens to an event whose ids are all empty is reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, cap=Level.MAY, observes=True)  # fmt: skip
def identity_empty(call: Call) -> Steps:
    """An empty text names nobody, and yet is there; no document decides."""
    expect.control((yield call.control()))
    return (yield from reports([("empty ids", call.marked(_anybody(call, "")))]))


@check("payload.identity.blank", "What happens to an event whose ids are white space is reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, cap=Level.MAY, observes=True)  # fmt: skip
def identity_blank(call: Call) -> Steps:
    """Some servers trim, others store the blank as a user of its own."""
    expect.control((yield call.control()))
    return (yield from reports([("ids of white space", call.marked(_anybody(call, " \t ")))]))


@check("payload.identity.null-other", "A null id beside a real one is accepted.", fact=NULL)
def identity_null_other(call: Call) -> Steps:
    """Official SDKs write the id that they don't have as null."""
    drafts = [("an event with a userId and anonymousId null",
               _identified(call, user="conformance-user", anonymous=None))]  # fmt: skip
    return (yield from accepted(drafts))


@check("payload.identity.empty-other", "What happens to an empty id beside a real one is reported.",
       fact=UNDOCUMENTED, kinds=EVENTS, cap=Level.MAY, observes=True)  # fmt: skip
def identity_empty_other(call: Call) -> Steps:
    """Clients that always send both ids leave the one that they don't have empty."""
    expect.control((yield call.control()))
    draft = _identified(call, user="", anonymous="conformance-anonymous")
    return (yield from reports([("an empty userId beside an anonymousId", draft)]))


@check("payload.optional.null", "What happens to optional fields that are null is reported.",
       fact=NULL, kinds=EVENTS, cap=Level.MAY, observes=True)  # fmt: skip
def optional_null(call: Call) -> Steps:
    """Serializers write null for what is not set; a server that takes it as a value refuses the event."""
    expect.control((yield call.control()))
    drafts = ((f"{pointer} null", call.full().put(pointer, None)) for pointer in call.optional())
    return (yield from reports(drafts))


@check("payload.required.missing", "An event without a required field is answered as documented.",
       fact=REQUIRED, kinds=EVENTS)  # fmt: skip
def required_missing(call: Call) -> Steps:
    """A track without its event, a group without its id: nothing downstream can use them."""
    expect.control((yield call.control()))
    note = None
    for pointer, answer in call.type.required.items():
        exchange = yield call.event().drop(pointer)
        note = expect.status(exchange, answer, f"an event without {pointer}") or note
    return note


@check("payload.required.empty", "What happens to a required field that is empty or null is reported.",
       fact=REQUIRED, kinds=EVENTS, cap=Level.MAY, observes=True)  # fmt: skip
def required_empty(call: Call) -> Steps:
    """An empty name is there and says nothing; no document decides."""
    expect.control((yield call.control()))
    values: tuple[tuple[str, Json], ...] = (("empty", ""), ("null", None))
    return (
        yield from reports(
            (f"{name} {word}", call.event().put(name, value))
            for name in call.type.required
            for word, value in values
        )
    )


@check("payload.required.either", "Whether a field that sources disagree on is required is reported.",
       fact=REQUIRED, kinds=EVENTS, cap=Level.MAY, observes=True)  # fmt: skip
def required_either(call: Call) -> Steps:
    """Where a vendor's sources contradict each other, servers differ."""
    expect.control((yield call.control()))
    open_questions = [name for name, answer in call.type.required.items() if _is_open(answer.statuses)]
    if not open_questions:
        raise Silent("the sources agree on what is required")
    return (yield from reports((f"without {name}", call.event().drop(name)) for name in open_questions))


def _is_open(statuses: tuple[int, ...]) -> bool:
    """Whether both a success and a refusal are allowed."""
    return min(statuses) < 300 and max(statuses) >= 400


@dataclass(frozen=True, slots=True)
class Properties:
    """Free-form properties of some shape, within every limit."""

    slug: str
    words: str
    value: Json


def _nested(depth: int) -> Json:
    value: Json = "deep"
    for number in range(depth, 0, -1):
        value = {f"level_{number}": value}
    return value


SHAPES = (
    Properties("deep", "nested twenty levels deep", _nested(20)),
    Properties("wide", "with two hundred keys", {f"key_{number}": number for number in range(200)}),
    Properties("lists", "with lists of lists and objects", [[1, [2, []]], {"in": [{}]}, None, True]),
    Properties("numbers", "with numbers of every usual kind",
               {"zero": 0, "negative": -1.5, "small": 1e-7, "large": 9_007_199_254_740_991, "e": 1.5e300}),
)  # fmt: skip


@check("payload.properties.{slug}", "Free-form properties {words} are accepted.", fact=ACCEPTED,
       cap=Level.SHOULD, forms=SHAPES)  # fmt: skip
def properties(call: Call, form: Properties) -> Steps:
    """Free-form means any JSON object; people nest and list what they like."""
    draft = call.event().put(f"{call.type.open or ''}/conformance_{form.slug}", form.value)
    return (yield from accepted([(f"properties {form.words}", draft)]))


@check("payload.properties.empty", "Empty free-form properties are accepted.", fact=ACCEPTED)
def properties_empty(call: Call) -> Steps:
    """SDKs send an empty object when the caller gives none."""
    where = call.type.open
    if where is None or pointers.has(call.plain(call.operation.type), where):
        raise Silent(f"no document gives {call.operation.type} a free-form object that may be empty")
    return (yield from accepted([("empty properties", call.event().put(where, {}))]))


@check("payload.context.documented", "An event with the documented context is accepted.", fact=ACCEPTED)
def context(call: Call) -> Steps:
    """SDKs fill it in by themselves: address, page, library, locale."""
    where = call.contract.profile.pointers.context
    if where is None:
        raise Silent("the profile does not say where a context goes")
    whole = schemas.sample(schemas.at(call.contract.event_schema(call.operation.type), where))
    drafts = [("an event with the documented context", call.event().put(where, whole)),
              ("an event with an empty context", call.event().put(where, {}))]  # fmt: skip
    return (yield from accepted(drafts))


INTEGRATIONS: tuple[tuple[str, Json], ...] = (
    ("all on", {"All": True}),
    ("all off but one", {"All": False, "Conformance": True}),
    ("options for one", {"All": True, "Conformance": {"option": "value", "list": [1]}}),
    ("none at all", {}),
)


@check(
    "payload.integrations.documented", "An event that chooses its destinations is accepted.", fact=ACCEPTED
)
def integrations(call: Call) -> Steps:
    """Destinations are switched on and off, or given options, event by event."""
    where = call.contract.profile.pointers.integrations
    if where is None:
        raise Silent("the profile does not say where integrations go")
    drafts = [(f"integrations with {words}", call.event().put(where, value)) for words, value in INTEGRATIONS]
    return (yield from accepted(drafts))
