"""Profiles: the four of the suite are valid, and every mistake in one is named with its line and its fix."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from conformance.cli import main
from conformance.contract import Contract
from conformance.core import resources
from conformance.core.errors import ProfileError, UsageError
from conformance.core.pointers import get
from conformance.profile import base_openapi, common_facts, facts, load, parse, yaml_document
from conformance.profile.body_format import BodyFormat
from conformance.profile.size_unit import SizeUnit, parse_size
from tests.support import paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA: dict[str, Any] = json.loads((resources.specs_dir() / "profile.schema.json").read_text("utf-8"))
ACME = paths.ACME
NAMES = ("metarouter", "rudderstack", "segment", "segmentstream")
FILES = {**{name: resources.profile_path(name) for name in NAMES}, "acme": ACME}
POSITION_MARK = "@@"


def raw_yaml(path: Path) -> Any:  # noqa: ANN401 - whatever the YAML holds
    """A YAML file as PyYAML reads it."""
    return yaml.safe_load(path.read_text("utf-8"))


def walk(value: object) -> Iterator[dict[str, Any]]:
    """Every mapping inside a value."""
    inner: list[object] = []
    if isinstance(value, dict):
        yield value
        inner = list(value.values())
    elif isinstance(value, list):
        inner = value
    for item in inner:
        yield from walk(item)


def cited_documents(data: object) -> set[str]:
    """The documents that sources cite."""
    return {item["document"] for item in walk(data) if {"document", "section"} <= set(item)}


def test_four_profiles_come_with_the_suite() -> None:
    """The suite carries the four vendors."""
    assert tuple(resources.profile_names()) == NAMES


@pytest.mark.parametrize("name", FILES)
def test_loads(name: str) -> None:
    """A profile loads, has the name of its file, and states the answer to accepted requests."""
    profile = load(name if name in NAMES else str(ACME))
    assert profile.name == FILES[name].stem
    assert "answers.accepted" in profile.facts
    assert profile.routes
    assert set(common_facts()) <= set(profile.facts)


@pytest.mark.parametrize("name", FILES)
def test_fits_the_published_schema(name: str) -> None:
    """A profile fits specs/profile.schema.json, with a validator as in an editor."""
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(raw_yaml(FILES[name]))


@pytest.mark.parametrize("name", FILES)
def test_every_source_cites_a_known_document(name: str) -> None:
    """Only documents that the profile lists are cited."""
    data = raw_yaml(FILES[name])
    assert cited_documents(data)
    assert cited_documents(data) <= set(data["documents"])


@pytest.mark.parametrize("name", NAMES)
def test_every_document_is_cited(name: str) -> None:
    """Every listed document is cited."""
    data = raw_yaml(FILES[name])
    assert cited_documents(data) == set(data["documents"])


def test_common_facts_fit_their_schema() -> None:
    """The common facts are valid, and cite documents that they list."""
    data = raw_yaml(resources.specs_dir() / "common.yaml")
    Draft202012Validator({"$ref": "#/$defs/common", "$defs": SCHEMA["$defs"]}).validate(data)
    assert cited_documents(data) == set(data["documents"])


def test_the_common_api_is_an_openapi_document() -> None:
    """specs/openapi.yaml is valid OpenAPI 3.1."""
    validate(base_openapi())


ENUMS = {
    facts.Condition: SCHEMA["$defs"]["answers"]["properties"],
    facts.Rule: SCHEMA["$defs"]["rules"]["properties"],
    facts.AuthScheme: SCHEMA["properties"]["credentials"]["properties"],
    facts.LimitKind: [
        word for word in SCHEMA["properties"]["limits"]["properties"] if f"limits.{word}" != facts.MAX_EVENTS_FACT
    ],
    SizeUnit: SCHEMA["$defs"]["limit"]["properties"]["unit"]["enum"],
    facts.ResponseKind: SCHEMA["properties"]["bodies"]["properties"],
    BodyFormat: SCHEMA["$defs"]["body"]["properties"]["class"]["enum"],
}


@pytest.mark.parametrize("words", ENUMS)
def test_the_enums_are_the_keys_of_the_schema(words: Any) -> None:  # noqa: ANN401 - an enum class
    """The schema and the code have the same words, in the same order."""
    assert [str(word) for word in words] == list(ENUMS[words])


def examples(name: str) -> Iterator[tuple[str, Any]]:
    """Every documented event of a profile, with its type."""
    profile = load(name if name in NAMES else str(ACME))
    for event in profile.events.values():
        if event.example:
            yield event.name, event.example.value
    if profile.batch.example:
        items: Any = profile.batch.example.value
        for item in items[profile.batch.pointer.removeprefix("/")]:
            yield item[(profile.pointers.type or "").removeprefix("/")], item
    if profile.pixel and profile.pixel.example:
        yield str(profile.pixel.example.value["type"]), profile.pixel.example.value


@pytest.mark.parametrize("name", FILES)
def test_every_example_satisfies_its_schema(name: str) -> None:
    """A documented example fits the schema in the profile, and identifies its user."""
    contract = Contract(load(name if name in NAMES else str(ACME)))
    example_pairs = list(examples(name))
    assert example_pairs
    for kind, value in example_pairs:
        Draft202012Validator(contract.event_schema(kind)).validate(value)
        assert contract.has_identity(kind, value)


@pytest.mark.parametrize("name", FILES)
def test_invalid_examples_are_not_json(name: str) -> None:
    """An invalid example is really not valid JSON."""
    for event in load(name if name in NAMES else str(ACME)).events.values():
        if event.invalid_example:
            with pytest.raises(ValueError, match="line"):
                json.loads(event.invalid_example.text)


@pytest.mark.parametrize(
    ("size", "band"),
    [
        ("32KB", (32_000, 32_768)),
        ("15 kb", (15_000, 15_360)),
        ("4MB", (4_000_000, 4_194_304)),
        ("40KiB", (40_960, 40_960)),
        ("1MiB", (1_048_576, 1_048_576)),
        ("512B", (512, 512)),
        (4096, (4096, 4096)),
    ],
)
def test_a_size_is_a_band(size: str | int, band: tuple[int, int]) -> None:
    """KB and MB have two readings; KiB, MiB and bytes have one."""
    assert parse_size(size) == band


@dataclass(frozen=True)
class Mistake:
    """A mistake in a copy of a profile: the text to replace, its replacement, and the expected message.

    The replacement has a marker on the line that the message must name.
    """

    old: str
    new: str
    key: str
    says: str
    profile: str = "segmentstream"

    def apply(self) -> tuple[str, int]:
        """The text with the mistake, and the line that the message must name."""
        text = FILES[self.profile].read_text("utf-8")
        assert self.old in text
        text = text.replace(self.old, self.new, 1)
        return text.replace(POSITION_MARK, ""), text[: text.index(POSITION_MARK)].count("\n") + 1


DOCUMENT = "{document: http-api, section: Authorizing"
MISTAKES = {
    "typo at the top": Mistake("limits:\n", "limit@@:\n", "limit", "unknown key; did you mean 'limits'?"),
    "typo in the second level": Mistake("  json-invalid:\n", "  json-invald:@@\n", "answers.json-invald",
        "unknown key; did you mean 'json-invalid'?"),
    "typo in an event": Mistake("    open: /event\n", "    opne: /event@@\n", "events.track.opne",
        "unknown key; did you mean 'open'?"),
    "typo in a fact": Mistake("    size: 64KB\n", "    sise@@: 64KB\n", "limits.event.sise",
        "unknown key; did you mean 'size'?"),
    "typo in a route": Mistake('says: "POST /track"}', 'sais: "POST /track"}@@',
        "routes[0].sources[0].sais", "unknown key; did you mean 'says'?"),
    "typo in a required field": Mistake("      /event:\n        expect", "      /event:\n        @@expects",
        "events.track.required./event.expects", "unknown key; did you mean 'expect'?"),
    "a key that is like no other": Mistake("  unlimited:\n", "  zzz:@@\n", "rate.zzz",
        "unknown key; known here: headers, recommended, unlimited"),
    "wrong level": Mistake("  - kind: event\n    level: must\n", "  - kind: event\n    level: most@@\n",
        "routes[0].level", "'most' is not one of must, should, may; did you mean 'must'?"),
    "wrong kind": Mistake("  - kind: event\n", "  - kind: events@@\n", "routes[0].kind",
        "'events' is not one of event, batch, pixel, webhook; did you mean 'event'?"),
    "wrong status": Mistake("expect: [204]", "expect: [204, 599@@]", "answers.accepted.expect[1]",
        "599 is not an HTTP status between 200 and 499"),
    "status that is a text": Mistake("expect: [204]", 'expect: ["204"]@@', "answers.accepted.expect[0]",
        "'204' is not an HTTP status between 200 and 499"),
    "no statuses": Mistake("expect: [204]", "expect: []@@", "answers.accepted.expect",
        "[] is not a list of HTTP statuses such as [400]"),
    "bad size": Mistake("size: 64KB", "size: 32 pounds@@", "limits.event.size",
        "'32 pounds' is not a size; write 32KB or a number of bytes"),
    "size with decimals": Mistake("size: 64KB", "size: 64000.0@@", "limits.event.size",
        "64000.0 is not a size; write 32KB or a number of bytes"),
    "size of nothing": Mistake("size: 64KB", "size: 0@@", "limits.event.size",
        "0 is not a size; write 32KB or a number of bytes"),
    "missing key at the top": Mistake("format: 1\nname: segmentstream\n", "@@format: 1\n", "",
        "the key 'name' is missing; expected a short name in lower case: letters, digits and hyphens"),
    "missing key inside": Mistake("  event:\n    size: 64KB\n", "  event:@@\n", "limits.event",
        "the key 'size' is missing"),
    "another format": Mistake("format: 1", "format: 2@@", "format", "2 is not 1, the only format so far"),
    "duplicate key": Mistake("rate:\n", "limits@@:\n", "limits", "duplicate key"),
    "duplicate key inside": Mistake("pointers:\n",
        "pointers:\n  timestamp: /when\n  timestamp: /sentAt@@\n#", "pointers.timestamp",
        "duplicate key"),
    "unquoted timestamp": Mistake('sentAt: "2019-02-21T10:56:10.723Z"',
        "sentAt: 2019-02-21T10:56:10.723Z@@", "events.track.example.value.sentAt",
        "a YAML timestamp can't be used here; quote it to make it a string"),
    "key that is a number": Mistake("  accepted:\n", "  204@@:\n", "answers.204",
        "a key must be a string; quote it: '204'"),
    "key that is a boolean": Mistake("  accepted:\n", "  yes@@:\n", "answers.yes",
        "a key must be a string; quote it: 'yes'"),
    "merge key": Mistake("    size: 64KB\n", "    <<: {size: 64KB}@@\n", "limits.event.<<",
        "a key must be a string; quote it: '<<'"),
    "unknown document": Mistake(DOCUMENT, f"{POSITION_MARK}{DOCUMENT.replace('api', 'ape')}",
        "credentials.basic.sources[0].document",
        "no document is called 'http-ape'; did you mean 'http-api'?"),
    "unknown document that is tolerated": Mistake("{status: 401, document: http-api",
        "{status: 401, document: sdk-wrie@@", "answers.credentials-missing.tolerate[1].document",
        "no document is called 'sdk-wrie'; did you mean 'sdk-wire'?", "segment"),
    "unknown event type in a route": Mistake("{type: track, path", "{type: trakc@@, path",
        "routes[0].paths[0].type", "no event type is called 'trakc'; did you mean 'track'?"),
    "unknown event type in a batch": Mistake("types: [identify, group", "types: [identify, groop@@",
        "batch.types[1]", "no event type is called 'groop'; did you mean 'group'?", "segment"),
    "unknown schema": Mistake("schema: Track", "schema: Trak@@", "events.track.schema",
        "the common API has no schema 'Trak'; did you mean 'Track'?", "segment"),
    "bad pointer": Mistake("user: /event/user/userId", "user: event.user.userId@@", "identity.user",
        "'event.user.userId' is not a JSON pointer such as /userId or /event/user/userId"),
    "bad path": Mistake("path: /track", "path: track@@", "routes[0].paths[0].path",
        "'track' is not a path that begins with a slash"),
    "null section": Mistake("rate:\n  unlimited:", "rate:@@\nunlimited:", "rate",
        "expected a mapping, found null"),
    "list in place of a mapping": Mistake(
        "identity: {user: /event/user/userId, anonymous: /event/user/anonymousId}", "identity: [/user]@@",
        "identity", 'expected a mapping, found ["/user"]'),
    "mapping in place of a list": Mistake("expect: [204]", "expect: {a: 1}@@", "answers.accepted.expect",
        '{"a": 1} is not a list of HTTP statuses such as [400]'),
    "tab": Mistake("\npointers:\n", "\npointers:\n\t@@", "", "not valid YAML: "),
    "unclosed bracket": Mistake("expect: [204]\n", "expect: [204\n@@", "", "not valid YAML: "),
    "unknown alias": Mistake("  credentials-malformed: *credentials",
        "  credentials-malformed: *credential@@", "", "not valid YAML: "),
    "two documents": Mistake("\nrate:\n", "\n@@---\nrate:\n", "", "not valid YAML: "),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named(mistake: Mistake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake is named with its place, what was expected and the nearest word; the command exits 2."""
    file = tmp_path / "vendor.yaml"
    text, line = mistake.apply()
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load(str(file))
    wanted = f"{file}:{line}: {mistake.key}: {mistake.says}" if mistake.key else f"{file}:{line}: {mistake.says}"
    assert any(str(problem).startswith(wanted) for problem in caught.value.problems)

    assert main(["run", "--profile", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"conformance: {caught.value}\n"
    assert captured.out == ""
    assert captured.err.count("\n") == len(caught.value.problems)


def test_every_missing_key_is_named_once() -> None:
    """An object that lacks several keys has one message for each, in the order of the schema."""
    with pytest.raises(ProfileError) as caught:
        parse("format: 1\nname: acme\ntitle: Acme\ndocuments: {}\nidentity: {user: /user}\nevents: {}\n", "acme.yaml")
    messages = [problem.message for problem in caught.value.problems if "is missing" in problem.message]
    assert messages == [f"the key {key!r} is missing" for key in ("routes", "credentials", "answers")]


FILE_MISTAKES = {
    "empty": (b"", "1: the file is empty; expected a profile"),
    "only a comment": (b"# acme\n", "the file is empty; expected a profile"),
    "not YAML": (b"{]\n", "1: not valid YAML: did not find expected node content"),
    "words": (b"acme\n", "1: expected a mapping, found 'acme'"),
    "a list": (b"- acme\n", '1: expected a mapping, found ["acme"]'),
    "a number": (b"42\n", "1: expected a mapping, found 42"),
    "not UTF-8": (b"title: caf\xe9\n", "1: the file can't be read: it is not UTF-8"),
    "nested without end": (b"a: " + b"[" * 60 + b"]" * 60, "1: not valid YAML: nested too deeply"),
    "inside itself": (b"a: &a [*a]\n", "1: a: too large, or an alias to what is around it"),
    "sixties": (b"a: 1:30\n", "1: a: 1:30 is no number in decimal digits; quote it"),
    "many sixties": (b"a: 1" + b":59" * 100_000, "is no number in decimal digits"),
    "octal": (b"a: 010\n", "1: a: 010 is no number in decimal digits"),
    "hexadecimal": (b"a: 0x" + b"f" * 9_000, "is no number in decimal digits"),
    "many digits": (b"a: " + b"9" * 9_000, "is no number in decimal digits"),
    "infinity": (b"a: .inf\n", "1: a: .inf is no number in decimal digits"),
    "no tag of YAML's either": (b"a: !!bool x\n", "the tag 'tag:yaml.org,2002:bool' can't be used"),
    "too many aliases": (b"a: &a x\nb: [" + b"*a, " * 301 + b"*a]", "2: not valid YAML: too many aliases"),
    "too many values": (b"[" + b"1," * 100_001 + b"1]", "1: not valid YAML: too large"),
    "a tag of Python's": (
        b"a: !!python/name:os.system x\n",
        "1: not valid YAML: the tag 'tag:yaml.org,2002:python/name:os.system' can't be used",
    ),
}


@pytest.mark.parametrize(("content", "says"), FILE_MISTAKES.values(), ids=FILE_MISTAKES)
def test_a_file_that_is_no_profile(
    content: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is no profile at all has one message in one line."""
    file = tmp_path / "vendor.yaml"
    file.write_bytes(content)
    assert main(["run", "--profile", str(file)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"conformance: {file}:")
    assert says in error
    assert error.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file and an unknown name are usage errors."""
    with pytest.raises(UsageError, match=r"vendor\.yaml: no such file$"):
        load(str(tmp_path / "vendor.yaml"))
    with pytest.raises(UsageError, match="no such profile; did you mean 'rudderstack'"):
        load("ruderstack")


def test_several_mistakes_are_several_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All mistakes are reported at once, in the order of the file."""
    text = FILES["segmentstream"].read_text("utf-8")
    chosen = [MISTAKES[name] for name in ("wrong kind", "wrong status", "bad size", "typo in an event")]
    for mistake in chosen:
        text = text.replace(mistake.old, mistake.new.replace(POSITION_MARK, ""), 1)
    file = tmp_path / "vendor.yaml"
    file.write_text(text, encoding="utf-8")
    assert main(["list", "--profile", str(file)]) == 2
    lines = capsys.readouterr().err.removeprefix("conformance: ").splitlines()
    assert len(lines) == len(chosen)
    numbers = [int(line.removeprefix(f"{file}:").partition(":")[0]) for line in lines]
    assert numbers == sorted(numbers)
    assert all(any(mistake.says in line for line in lines) for mistake in chosen)


OPEN_KEYS = {"value", "schema", "documents", "events", "required"}
"""Mappings whose keys the author chooses."""


def closed_keys(name: str) -> list[tuple[int, str]]:
    """The line and the name of every key that the schema defines."""
    lines = yaml_document.read(FILES[name]).lines
    keys = set()
    for place, line in lines.items():
        if place and isinstance(place[-1], str) and not {"value", "schema"} & set(place[:-1]):
            parent = place[-2] if len(place) > 1 else ""
            keys |= {(line, place[-1])} if parent not in OPEN_KEYS else set()
    return sorted(keys)


@pytest.mark.parametrize(("line", "word"), closed_keys("segmentstream"))
def test_a_typo_in_any_key_is_found(line: int, word: str, tmp_path: Path) -> None:
    """The message for a misspelt key names its line and suggests the right word."""
    lines = FILES["segmentstream"].read_text("utf-8").splitlines()
    wrong = f"{word}x"
    lines[line - 1] = re.sub(rf"\b{word}:", f"{wrong}:", lines[line - 1], count=1)
    file = tmp_path / "vendor.yaml"
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load(str(file))
    matching = [problem for problem in caught.value.problems if problem.key.endswith(wrong)]
    assert {problem.line for problem in matching} == {line}
    assert f"did you mean {word!r}?" in matching[0].message


def test_a_payload_may_hold_a_decimal_that_is_whole(tmp_path: Path) -> None:
    """Sizes and statuses must be written as integers; a price in an example need not be."""
    text = resources.profile_path("segmentstream").read_text(encoding="utf-8")
    file = tmp_path / "vendor.yaml"
    file.write_text(text.replace("nonInteraction: false", "nonInteraction: 20.0", 1), encoding="utf-8")
    example = load(str(file)).events["track"].example
    assert example is not None
    assert get(example.value, "/event/nonInteraction") == 20.0
