"""Plain, valid profile data -> a Profile. Notes what a schema can't say: dangling references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from conformance import resources
from conformance.model import Kind, Level, Source
from conformance.profile import facts as f
from conformance.profile.problems import nearest, unsound
from conformance.profile.unit import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.profile.document import Document, Place

_UNITS = {
    "b": (1, 1),
    "kb": (1000, 1024),
    "mb": (1000**2, 1024**2),
    "kib": (1024, 1024),
    "mib": (1024**2,) * 2,
}


def size_band(size: str | int | Mapping[str, int]) -> tuple[int, int]:
    """The smaller and the larger reading of a size: `32KB` is 32,000 to 32,768."""
    if isinstance(size, int):
        return size, size
    if not isinstance(size, str):
        return size["at_least"], size["at_most"]
    found = re.fullmatch(r"(\d+) ?([a-zA-Z]+)", size)
    if found is None:
        raise ValueError(f"{size!r} is not a size")
    small, large = _UNITS[found[2].lower()]
    return int(found[1]) * small, int(found[1]) * large


class Parser:
    """Builds the parts of a Profile from one valid document."""

    def __init__(self, document: Document, schemas: Iterable[str] = ()) -> None:
        self._document = document
        self._data: Any = document.value
        self._schemas = list(schemas)

    def facts(self) -> dict[str, f.Fact]:
        """Every fact by its name, such as `answers.json-invalid` or `limits.event`."""
        data = self._data
        found: list[f.Fact] = [
            *(self.answer(value, ("answers", key)) for key, value in data.get("answers", {}).items()),
            *(self._limit(value, ("limits", key)) for key, value in data.get("limits", {}).items()),
            *(self._body(value, ("bodies", key)) for key, value in data.get("bodies", {}).items()),
            *(
                self._scheme(value, ("credentials", key))
                for key, value in data.get("credentials", {}).items()
            ),
            *(self._fact(value, ("rules", key)) for key, value in data.get("rules", {}).items()),
            *(self._sdk(value, ("sdks", key)) for key, value in data.get("sdks", {}).items()),
        ]
        rate = data.get("rate", {})
        found += [self._fact(v, ("rate", "headers", k)) for k, v in rate.get("headers", {}).items()]
        if "unlimited" in rate:
            found.append(self._fact(rate["unlimited"], ("rate", "unlimited")))
        if "message_id" in data:
            longest = data["message_id"]["max_length"]
            found.append(f.MessageId(max_length=longest, **self._base(data["message_id"], ("message_id",))))
        return {fact.name: fact for fact in found}

    def profile(self, common: Mapping[str, f.Fact]) -> f.Profile:
        """The whole profile; facts that it does not state come from the common ones."""
        data = self._data
        self._kinds_need()
        batch, pixel, rate = data.get("batch", {}), data.get("pixel"), data.get("rate", {})
        return f.Profile(
            name=data["name"],
            title=data["title"],
            file=self._document.file,
            pointers=f.Pointers(**data["identity"], **data.get("pointers", {})),
            always=tuple(data.get("always", ())),
            events={name: self._event(name, value) for name, value in data["events"].items()},
            routes=tuple(self._routes()),
            batch=self._batch(batch),
            pixel=pixel and f.Pixel(parameter=pixel["parameter"], example=self._example(pixel, ("pixel",))),
            facts={**common, **self.facts()},
            rate_headers=tuple(rate.get("headers", ())),
            recommended_per_s=rate.get("recommended_per_s"),
            hosts=tuple(data.get("hosts", ())),
        )

    def _kinds_need(self) -> None:
        """Notes what a kind of route needs and the profile does not say."""
        needs = {Kind.WEBHOOK: ("credentials", "query"), Kind.PIXEL: ("pixel", "parameter")}
        for index, group in enumerate(self._data["routes"]):
            section, key = needs.get(Kind(group["kind"]), ("", ""))
            if section and key not in self._data.get(section, {}):
                message = f"a {group['kind']} needs {section}.{key}, which the profile does not state"
                self._document.blame(("routes", index, "kind"), message)

    def answer(self, data: Any, place: Place) -> f.Answer:
        """An answer: statuses, level, sources."""
        return f.Answer(**self._statuses(data, place), **self._base(data, place))

    def _statuses(self, data: Any, place: Place) -> dict[str, Any]:
        tolerated = [
            f.Tolerated(status=item["status"], source=self._source(item, (*place, "tolerate", index)))
            for index, item in enumerate(data.get("tolerate", ()))
        ]
        return {"expect": tuple(data["expect"]), "tolerate": tuple(tolerated)}

    def _base(self, data: Any, place: Place) -> dict[str, Any]:
        return {
            "name": ".".join(str(step) for step in place),
            "level": Level(data["level"]),
            "sources": self._sources(data, place),
        }

    def _fact(self, data: Any, place: Place) -> f.Fact:
        return f.Fact(**self._base(data, place))

    def _sdk(self, data: Any, place: Place) -> f.Fact:
        name, known = str(place[-1]), resources.sdk_names()
        if name not in known:
            self._document.blame(place, f"no SDK is called {name!r}{nearest(name, known)}")
        return self._fact(data, place)

    def _limit(self, data: Any, place: Place) -> f.Answer:
        common = {**self._statuses(data, place), **self._base(data, place)}
        if common["name"] == f.BATCH_EVENTS:
            return f.Crowd(count=data["count"], **common)
        at_least, at_most = size_band(data["size"])
        if at_least > at_most:
            self._document.blame((*place, "size"), f"at_least {at_least} is above at_most {at_most}")
        return f.Limit(
            at_least=at_least,
            at_most=at_most,
            unit=Unit(data.get("unit", Unit.BYTES)),
            holds_in_chunks=data.get("chunked", True),
            **common,
        )

    def _body(self, data: Any, place: Place) -> f.BodyShape:
        if "schema" in data:
            self._sound(data["schema"], (*place, "schema"))
        return f.BodyShape(
            body_class=f.BodyClass(data["class"]) if "class" in data else None,
            media_type=data.get("media_type"),
            text=data.get("text"),
            schema=data.get("schema"),
            **self._base(data, place),
        )

    def _scheme(self, data: Any, place: Place) -> f.Fact:
        base = self._base(data, place)
        if "name" not in data:
            return f.Fact(**base)
        return f.KeyedFact(key=data["name"], prefix=data.get("prefix", ""), **base)

    def _sources(self, data: Any, place: Place) -> tuple[Source, ...]:
        return tuple(
            self._source(item, (*place, "sources", index)) for index, item in enumerate(data["sources"])
        )

    def _source(self, data: Any, place: Place) -> Source:
        documents = self._data["documents"]
        document = documents.get(data["document"])
        if document is None:
            hint = nearest(data["document"], documents)
            self._document.blame((*place, "document"), f"no document is called {data['document']!r}{hint}")
            document = {"title": ""}
        return Source(
            document=document["title"],
            section=data["section"],
            says=data.get("says", ""),
            url=document.get("url", ""),
        )

    def _event(self, name: str, data: Any) -> f.EventType:
        place: Place = ("events", name)
        schema, invalid = data["schema"], data.get("invalid_example")
        if isinstance(schema, dict):
            self._sound(schema, (*place, "schema"))
        if isinstance(schema, str) and schema not in self._schemas:
            hint = nearest(schema, self._schemas)
            self._document.blame((*place, "schema"), f"the common API has no schema {schema!r}{hint}")
        return f.EventType(
            name=name,
            schema=schema,
            identified_by=tuple(data.get("identified_by", ("user", "anonymous"))),
            open=data.get("open"),
            required={
                pointer: self.answer(value, (*place, "required", pointer))
                for pointer, value in data.get("required", {}).items()
            },
            example=self._example(data, place),
            invalid_example=invalid
            and f.InvalidExample(
                text=invalid["text"], sources=self._sources(invalid, (*place, "invalid_example"))
            ),
        )

    def _example(self, data: Any, place: Place) -> f.Example | None:
        example = data.get("example")
        if example is None:
            return None
        return f.Example(value=example["value"], sources=self._sources(example, (*place, "example")))

    def _batch(self, data: Any) -> f.BatchShape:
        for index, name in enumerate(data.get("types", ())):
            self._known_event(name, ("batch", "types", index))
        return f.BatchShape(
            pointer=data.get("pointer", "/batch"),
            types=tuple(data.get("types", ())),
            shared=tuple(data.get("shared", ())),
            example=self._example(data, ("batch",)),
        )

    def _routes(self) -> Iterable[f.Route]:
        seen: set[tuple[bool, str]] = set()
        for index, group in enumerate(self._data["routes"]):
            sources = self._sources(group, ("routes", index))
            for number, entry in enumerate(group["paths"]):
                place: Place = ("routes", index, "paths", number)
                self._known_event(entry["type"], (*place, "type"))
                if (group["kind"] == Kind.PIXEL, entry["path"]) in seen:
                    self._document.blame((*place, "path"), f"the path {entry['path']} stands twice")
                seen.add((group["kind"] == Kind.PIXEL, entry["path"]))
                yield f.Route(
                    kind=Kind(group["kind"]),
                    level=Level(group["level"]),
                    sources=sources,
                    include=group.get("include"),
                    type=entry["type"],
                    path=entry["path"],
                )

    def _sound(self, schema: Any, place: Place) -> None:
        """Notes that a JSON Schema inside the profile is none."""
        for problem in unsound(schema):
            self._document.blame(place, problem)

    def _known_event(self, name: str, place: Place) -> None:
        events = self._data["events"]
        if name not in events:
            self._document.blame(place, f"no event type is called {name!r}{nearest(name, events)}")
