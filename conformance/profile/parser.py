"""Builds a Profile from YAML data that fits the schema, and checks what a schema can't: references."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from conformance.core import resources
from conformance.core.model import Level, OperationKind, Source
from conformance.core.text import did_you_mean
from conformance.profile.body_format import BodyFormat
from conformance.profile.facts import (
    MAX_EVENTS_FACT,
    CredentialFact,
    ExpectedResponse,
    Fact,
    MaxEvents,
    MessageIdLimit,
    RateHeader,
    ResponseBody,
    SizeLimit,
    ToleratedStatus,
)
from conformance.profile.json_schemas import SchemaError, event_schema_problem, usable_schema
from conformance.profile.openapi_names import OpenApiNames
from conformance.profile.profile import (
    BatchEnvelope,
    CustomaryFields,
    DocumentedField,
    EventType,
    Example,
    FieldPointers,
    InvalidExample,
    Pixel,
    Profile,
    RecommendedRate,
    Route,
)
from conformance.profile.size_unit import MAX_SIZE, NewerSize, SizeUnit, parse_size
from conformance.profile.validation import schema_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.core.model import JsonObject
    from conformance.profile.yaml_document import Place, YamlDocument


class ProfileParser:
    """Builds the parts of a Profile from a document that fits the schema.

    Mistakes that the schema can't find are added to the document's problems. `schemas` are those of the common API, by
    name.
    """

    def __init__(self, document: YamlDocument, schemas: Mapping[str, Any] = MappingProxyType({})) -> None:
        self._document, self._schemas = document, schemas
        self._data: Any = document.value

    def facts(self) -> dict[str, Fact]:
        """Every fact that the document states, by its name, such as `answers.json-invalid` or `limits.event`."""
        data = self._data
        facts: list[Fact] = [
            *(self.expected_response(value, ("answers", key)) for key, value in data.get("answers", {}).items()),
            *(self._limit(value, ("limits", key)) for key, value in data.get("limits", {}).items()),
            *(self._body(value, ("bodies", key)) for key, value in data.get("bodies", {}).items()),
            *(self._credential(value, ("credentials", key)) for key, value in data.get("credentials", {}).items()),
            *(self._fact(value, ("rules", key)) for key, value in data.get("rules", {}).items()),
            *(self._sdk(value, ("sdks", key)) for key, value in data.get("sdks", {}).items()),
        ]
        rate = data.get("rate", {})
        facts += [
            RateHeader(may_be_date=v.get("may_be_date", False), **self._fact_fields(v, ("rate", "headers", k)))
            for k, v in rate.get("headers", {}).items()
        ]
        if "unlimited" in rate:
            facts.append(self._fact(rate["unlimited"], ("rate", "unlimited")))
        if recommended := rate.get("recommended"):
            fields = self._fact_fields(recommended, ("rate", "recommended"))
            facts.append(RecommendedRate(requests_per_s=recommended["per_s"], **fields))
        if limit := data.get("message_id"):
            facts.append(MessageIdLimit(max_length=limit["max_length"], **self._fact_fields(limit, ("message_id",))))
        if "customary" in data.get("fields", {}):
            customary, place = data["fields"]["customary"], ("fields", "customary")
            facts.append(CustomaryFields(pointers=tuple(customary["pointers"]), **self._fact_fields(customary, place)))
        return {fact.name: fact for fact in facts}

    def profile(self, common: Mapping[str, Fact]) -> Profile:
        """The whole profile; a fact that it does not state is taken from the common ones."""
        data = self._data
        self._check_route_requirements()
        batch, pixel, rate, openapi = (data.get(key, {}) for key in ("batch", "pixel", "rate", "openapi"))
        return Profile(
            name=data["name"],
            title=data["title"],
            file=self._document.file,
            pointers=FieldPointers(**data["identity"], **data.get("pointers", {})),
            always_required=tuple(data.get("always", ())),
            events={name: self._event(name, value) for name, value in data["events"].items()},
            routes=tuple(self._routes()),
            batch=self._batch(batch),
            pixel=Pixel(parameter=pixel["parameter"], example=self._example(pixel, ("pixel",))) if pixel else None,
            facts={**common, **self.facts()},
            documented_fields=tuple(self._documented_fields(data.get("fields", {}).get("documented", ()))),
            rate_headers=tuple(rate.get("headers", ())),
            hosts=tuple(data.get("hosts", ())),
            document_titles={key: item["title"] for key, item in data["documents"].items()},
            openapi_names=OpenApiNames.from_data(openapi, self.sources(openapi, ("openapi",)) if openapi else ()),
        )

    def _check_route_requirements(self) -> None:
        """Adds a problem for every route of a kind that needs a key which the profile does not state."""
        needs = {OperationKind.WEBHOOK: ("credentials", "query"), OperationKind.PIXEL: ("pixel", "parameter")}
        for index, group in enumerate(self._data["routes"]):
            section, key = needs.get(OperationKind(group["kind"]), ("", ""))
            if section and key not in self._data.get(section, {}):
                message = f"a {group['kind']} needs {section}.{key}, which the profile does not state"
                self._document.add_problem(("routes", index, "kind"), message)

    def expected_response(self, data: Any, place: Place) -> ExpectedResponse:
        """The statuses, level and sources of an answer."""
        return ExpectedResponse(**self._statuses(data, place), **self._fact_fields(data, place))

    def _statuses(self, data: Any, place: Place) -> dict[str, Any]:
        tolerated_statuses = [
            ToleratedStatus(status=item["status"], source=self._source(item, (*place, "tolerate", index)))
            for index, item in enumerate(data.get("tolerate", ()))
        ]
        return {"expect": tuple(data["expect"]), "tolerate": tuple(tolerated_statuses)}

    def _fact_fields(self, data: Any, place: Place) -> dict[str, Any]:
        return {
            "name": ".".join(str(step) for step in place),
            "level": Level(data["level"]),
            "sources": self.sources(data, place),
            "paths": self._paths(data, place),
        }

    def _paths(self, data: Any, place: Place) -> tuple[str, ...]:
        """The paths that a fact holds on. Adds a problem for one that is no route."""
        known = [entry["path"] for group in self._data.get("routes", ()) for entry in group["paths"]]
        for index, path in enumerate(data.get("paths", ())):
            if path not in known:
                self._document.add_problem((*place, "paths", index), f"no route is {path}{did_you_mean(path, known)}")
        if "paths" in data and place == ("answers", "accepted"):
            self._document.add_problem((*place, "paths"), "every route accepts something, so it holds on all of them")
        return tuple(data.get("paths", ()))

    def _fact(self, data: Any, place: Place) -> Fact:
        return Fact(**self._fact_fields(data, place))

    def _sdk(self, data: Any, place: Place) -> Fact:
        name, known_sdks = str(place[-1]), resources.sdk_names()
        if name not in known_sdks:
            self._document.add_problem(place, f"no SDK is called {name!r}{did_you_mean(name, known_sdks)}")
        return self._fact(data, place)

    def _limit(self, data: Any, place: Place) -> ExpectedResponse:
        fields = {**self._statuses(data, place), **self._fact_fields(data, place)}
        if fields["name"] == MAX_EVENTS_FACT:
            return MaxEvents(count=data["count"], **fields)
        (at_least, at_most), newer = parse_size(data["size"]), data.get("newer")
        if at_least > at_most:
            self._document.add_problem((*place, "size"), f"at_least {at_least} is above at_most {at_most}")
        if at_most > MAX_SIZE:
            self._document.add_problem((*place, "size"), f"more than {MAX_SIZE:,} can't be tested")
        return SizeLimit(
            at_least=at_least,
            at_most=at_most,
            unit=SizeUnit(data.get("unit", SizeUnit.BYTES)),
            applies_to_chunked=data.get("chunked", True),
            newer=NewerSize.parse(newer["size"], self.sources(newer, (*place, "newer"))) if newer else None,
            **fields,
        )

    def _body(self, data: Any, place: Place) -> ResponseBody:
        schema = self._usable_schema(data["schema"], (*place, "schema")) if "schema" in data else None
        return ResponseBody(
            body_format=BodyFormat(data["class"]) if "class" in data else None,
            media_type=data.get("media_type"),
            charset=data.get("charset"),
            text=data.get("text"),
            schema=schema,
            examples=data.get("examples", {}),
            **self._fact_fields(data, place),
        )

    def _credential(self, data: Any, place: Place) -> Fact:
        base = self._fact_fields(data, place)
        if "name" not in data:
            return Fact(**base)
        return CredentialFact(carrier=data["name"], prefix=data.get("prefix", ""), **base)

    def sources(self, data: Any, place: Place) -> tuple[Source, ...]:
        """The sources of a part of the document."""
        return tuple(self._source(item, (*place, "sources", index)) for index, item in enumerate(data["sources"]))

    def _source(self, data: Any, place: Place) -> Source:
        documents = self._data["documents"]
        document = documents.get(data["document"])
        if document is None:
            hint = did_you_mean(data["document"], documents)
            self._document.add_problem((*place, "document"), f"no document is called {data['document']!r}{hint}")
            document = {"title": ""}
        return Source(
            document=document["title"],
            section=data["section"],
            says=data.get("says", ""),
            url=document.get("url", ""),
        )

    def _event(self, name: str, data: Any) -> EventType:
        place: Place = ("events", name)
        schema, invalid = data["schema"], data.get("invalid_example")
        if isinstance(schema, dict):
            schema = self._usable_schema(schema, (*place, "schema"))
            problem = event_schema_problem(schema)
            if problem:
                self._document.add_problem((*place, "schema"), problem)
        if isinstance(schema, str) and schema not in self._schemas:
            hint = did_you_mean(schema, self._schemas)
            self._document.add_problem((*place, "schema"), f"the common API has no schema {schema!r}{hint}")
        return EventType(
            name=name,
            schema=schema,
            identified_by=tuple(data.get("identified_by", ("user", "anonymous"))),
            open_object=data.get("open"),
            required={
                pointer: self.expected_response(value, (*place, "required", pointer))
                for pointer, value in data.get("required", {}).items()
            },
            example=self._example(data, place),
            further_examples=self._examples(data, (*place, "further_examples")),
            disputed_examples=self._examples(data, (*place, "disputed_examples")),
            invalid_example=invalid
            and InvalidExample(text=invalid["text"], sources=self.sources(invalid, (*place, "invalid_example"))),
        )

    def _example(self, data: Any, place: Place) -> Example | None:
        return self._example_of(data["example"], (*place, "example")) if "example" in data else None

    def _examples(self, data: Any, place: Place) -> tuple[Example, ...]:
        return tuple(self._example_of(item, (*place, index)) for index, item in enumerate(data.get(place[-1], ())))

    def _example_of(self, data: Any, place: Place) -> Example:
        return Example(value=data["value"], sources=self.sources(data, place))

    def _documented_fields(self, data: Any) -> Iterable[DocumentedField]:
        for index, item in enumerate(data):
            sources = self.sources(item, ("fields", "documented", index))
            yield DocumentedField(
                pointer=item["pointer"], value=item["value"], types=tuple(item.get("types", ())), sources=sources
            )

    def _batch(self, data: Any) -> BatchEnvelope:
        for index, name in enumerate(data.get("types", ())):
            self._check_event_type(name, ("batch", "types", index))
        return BatchEnvelope(
            pointer=data.get("pointer", "/batch"),
            types=tuple(data.get("types", ())),
            shared=tuple(data.get("shared", ())),
            example=self._example(data, ("batch",)),
        )

    def _routes(self) -> Iterable[Route]:
        known_paths: set[tuple[bool, str]] = set()
        for index, group in enumerate(self._data["routes"]):
            sources = self.sources(group, ("routes", index))
            for number, entry in enumerate(group["paths"]):
                place: Place = ("routes", index, "paths", number)
                self._check_event_type(entry["type"], (*place, "type"))
                if (group["kind"] == OperationKind.PIXEL, entry["path"]) in known_paths:
                    self._document.add_problem((*place, "path"), f"duplicate path {entry['path']}")
                known_paths.add((group["kind"] == OperationKind.PIXEL, entry["path"]))
                yield Route(
                    kind=OperationKind(group["kind"]),
                    level=Level(group["level"]),
                    sources=sources,
                    group=group.get("include"),
                    exclusion=group.get("exclude"),
                    event_type=entry["type"],
                    path=entry["path"],
                )

    def _usable_schema(self, schema: Any, place: Place) -> JsonObject:
        """A JSON Schema inside the profile, as code may walk it; adds a problem for every mistake in it."""
        problems = list(schema_problems(schema))
        if not problems:
            try:
                return usable_schema(schema, self._schemas)
            except SchemaError as error:
                problems = [str(error)]
        for problem in problems:
            self._document.add_problem(place, problem)
        return {}

    def _check_event_type(self, name: str, place: Place) -> None:
        events = self._data["events"]
        if name not in events:
            self._document.add_problem(place, f"no event type is called {name!r}{did_you_mean(name, events)}")
