"""Profile: everything that one vendor documents."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from conformance.profile.facts import Fact
from conformance.profile.openapi_names import OpenApiNames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.core.model import Json, JsonObject, Level, OperationKind, Source
    from conformance.profile.facts import ExpectedResponse


RECOMMENDED_RATE = "rate.recommended"
"""The name of the fact that states how much the vendor recommends to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A documented payload."""

    value: JsonObject
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidExample:
    """A documented payload that is not valid JSON, verbatim."""

    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One type of event: its JSON Schema (or the name of one), its identity fields, and its required fields.

    `required` maps the pointer of a field to the answer to an event without it. `open_object` is the pointer
    of an object that takes any key.
    """

    name: str
    schema: str | JsonObject
    identified_by: tuple[str, ...] = ("user", "anonymous")
    open_object: str | None = None
    required: Mapping[str, ExpectedResponse] = field(default_factory=dict)
    example: Example | None = None
    further_examples: tuple[Example, ...] = ()
    disputed_examples: tuple[Example, ...] = ()
    invalid_example: InvalidExample | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path of the API and its event type.

    A route with a `group` is off by default; users may leave out those with an `exclusion`, by that word.
    """

    kind: OperationKind
    event_type: str
    path: str
    level: Level
    sources: tuple[Source, ...]
    group: str | None = None
    exclusion: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPointers:
    """JSON pointers to the fields of an event that checks use; None if events have no such field."""

    user: str
    anonymous: str | None = None
    type: str | None = None
    timestamp: str | None = None
    message_id: str | None = None
    context: str | None = None
    integrations: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEnvelope:
    """The shape of a batch: the pointer of its list, the event types in it, and the fields beside the list."""

    pointer: str = "/batch"
    types: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    example: Example | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixel:
    """How a GET request carries an event: the query parameter, and the documented example."""

    parameter: str
    example: Example | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentedField:
    """A field that the documents list and the common schemas lack, with a value; `types` is empty for all types."""

    pointer: str
    value: Json
    types: tuple[str, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomaryFields(Fact):
    """Fields of the common schemas that no document of the vendor lists, but clients send."""

    pointers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendedRate(Fact):
    """How many requests a second the vendor recommends at most."""

    requests_per_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Another reading of documents that contradict themselves: what it changes in the profile.

    `says` is the rest of a sentence that begins with "The documents were read so:".
    """

    name: str
    says: str
    sources: tuple[Source, ...]
    pointers: FieldPointers
    always_required: tuple[str, ...]
    events: Mapping[str, EventType]

    @property
    def sentence(self) -> str:
        """Which reading a run used, for reports."""
        return f"The documents contradict themselves and were read so: {self.says}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Everything that one vendor documents, read from `file`.

    `always_required` are pointers of fields that every valid event must have; `rate_headers` the headers
    promised with a 429; `hosts` the vendor's production hosts; `document_titles` those of its documents, by their keys.
    `readings` are the other readings of the documents, in the order in which they are tried; `reading` is the one that
    this profile follows, None for the first.
    """

    name: str
    title: str
    file: str
    pointers: FieldPointers
    always_required: tuple[str, ...]
    events: Mapping[str, EventType]
    routes: tuple[Route, ...]
    batch: BatchEnvelope
    pixel: Pixel | None
    facts: Mapping[str, Fact]
    documented_fields: tuple[DocumentedField, ...] = ()
    rate_headers: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    document_titles: Mapping[str, str] = field(default_factory=dict)
    openapi_names: OpenApiNames = field(default_factory=OpenApiNames)
    readings: tuple[Reading, ...] = ()
    reading: Reading | None = None

    def read_as(self, reading: Reading) -> Profile:
        """The profile by one of its other readings."""
        return replace(
            self,
            pointers=reading.pointers,
            always_required=reading.always_required,
            events=reading.events,
            readings=(),
            reading=reading,
        )
