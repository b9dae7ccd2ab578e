"""Reads sink files, and opens the sinks that they describe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from conformance.core.errors import UsageError
from conformance.profile import validation, yaml_document
from conformance.sinks.secrets import SinkSecrets, has_variable, is_secret_name, literal_password
from conformance.sinks.sink import (
    CommandSource,
    Decoding,
    FilesSource,
    HttpSource,
    KafkaSource,
    Match,
    MatchBy,
    Normalisation,
    NormalisedField,
    Settle,
    Sink,
    SqlSource,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conformance.profile.yaml_document import YamlDocument
    from conformance.sinks.sink import Source
    from conformance.sinks.stored_event import SinkReader

_COMMON = {"format", "kind", "events", "decode", "match", "ignore", "set_by_server", "normalise", "settle"}
_REQUIRED = {
    "sql": {"url", "column", "cursor"},
    "http": {"listen"},
    "files": {"path"},
    "s3": {"path"},
    "kafka": {"brokers", "topics"},
    "command": {"run"},
}
_OPTIONAL = {
    "sql": {"table", "query", "key", "window", "created_later", "timeout"},
    "http": {"path", "secret", "secret_header", "status"},
    "files": {"whole", "options", "timeout"},
    "s3": {"whole", "options", "timeout"},
    "kafka": {"options", "timeout"},
    "command": {"timeout"},
}


def load(path: Path) -> Sink:
    """The sink of a file. Raises ProfileError (a UsageError) with all mistakes, each with its line."""
    return _parse_document(yaml_document.read(path, "a sink"))


def parse(text: str, file: str) -> Sink:
    """The sink of a text; `file` is the name for error messages. Raises ProfileError, as `load`."""
    return _parse_document(yaml_document.parse(text, file, "a sink"))


def open_reader(sink: Sink, environment: Mapping[str, str]) -> SinkReader:
    """The reader of a sink. Raises UsageError if a variable is not set or an extra not installed, and SinkError."""
    from conformance.sinks.command_reader import CommandReader
    from conformance.sinks.files_reader import FilesReader
    from conformance.sinks.http_reader import HttpReader

    secrets, source = SinkSecrets(environment), sink.source
    match source:
        case SqlSource():
            from conformance.sinks.sql_reader import SqlReader

            return SqlReader(sink, source, secrets)
        case HttpSource():
            return HttpReader(sink, source, secrets)
        case FilesSource():
            return FilesReader(sink, source, secrets)
        case CommandSource():
            return CommandReader(sink, source, secrets, environment)
        case KafkaSource():
            from conformance.sinks.kafka_reader import KafkaReader

            return KafkaReader(sink, source, secrets)
        case _:
            assert_never(source)


def _parse_document(document: YamlDocument) -> Sink:
    validation.validate(document, "sink.schema.json")
    data: Any = document.value
    _check_keys(document, data)
    _check_secrets(document, data)
    document.raise_for_problems()
    match, settle = data.get("match", {}), data.get("settle", {})
    return Sink(
        file=document.file,
        source=_source(data),
        events=_pointers(data.get("events", "")),
        decode=tuple(map(Decoding, data.get("decode", ()))),
        match=Match(
            by=tuple(map(MatchBy, match.get("by", Match().by))),
            message_id=_pointers(match.get("message_id", [*Match().message_id])),
            mark=_pointers(match.get("mark", [*Match().mark])),
        ),
        ignore=tuple(data.get("ignore", ())),
        set_by_server=tuple(data.get("set_by_server", ())),
        normalise=tuple(NormalisedField(item["at"], Normalisation(item["as"])) for item in data.get("normalise", ())),
        settle=Settle(**{f"{name}_s": float(value) for name, value in settle.items()}),
    )


def _pointers(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _check_keys(document: YamlDocument, data: Any) -> None:  # noqa: ANN401 - data that its JSON Schema has checked
    """Adds a problem for each key that a kind lacks or does not have."""
    kind = data["kind"]
    for name in sorted(_REQUIRED[kind] - data.keys()):
        document.add_problem((), f"a sink of kind {kind} needs the key {name!r}")
    known = _COMMON | _REQUIRED[kind] | _OPTIONAL[kind]
    for name in data:
        if name not in known:
            others = sorted(other for other in _REQUIRED if name in _REQUIRED[other] | _OPTIONAL[other])
            document.add_problem((name,), f"a sink of kind {kind} has no such key; it is one of {', '.join(others)}")
    if kind == "sql" and not data.keys() & {"table", "query"}:
        document.add_problem((), "a sink of kind sql needs the key 'table' or 'query'")
    if kind == "sql" and "{table}" in data.get("query", "") and "table" not in data:
        document.add_problem(("query",), "{table} stands for the tables of the key 'table', which is missing")


def _check_secrets(document: YamlDocument, data: Any) -> None:  # noqa: ANN401 - likewise
    """Adds a problem for each credential that stands in the file."""
    for name in ("url", "path"):
        if literal_password(data.get(name, "")):
            document.add_problem((name,), "a password stands in no file: write ${NAME} for an environment variable")
    for name, value in data.get("options", {}).items():
        if is_secret_name(name) and isinstance(value, str) and not has_variable(value):
            document.add_problem(
                ("options", name), "a credential stands in no file: write ${NAME} for an environment variable"
            )


def _source(data: Any) -> Source:  # noqa: ANN401 - likewise
    timeout: Any = {"timeout_s": float(data["timeout"])} if "timeout" in data else {}
    options = tuple((name, _option_text(value)) for name, value in data.get("options", {}).items())
    match data["kind"]:
        case "sql":
            given = {name: data[name] for name in ("url", "column", "cursor", "query", "window") if name in data}
            tables, is_later = data.get("table", ""), data.get("created_later", False)
            key = tuple(data.get("key", ()))
            return SqlSource(**given, **timeout, tables=tables, key=key, is_created_later=is_later)
        case "http":
            return HttpSource(**{name: data[name] for name in _REQUIRED["http"] | _OPTIONAL["http"] if name in data})
        case "files" | "s3":
            return FilesSource(path=data["path"], is_whole=data.get("whole", False), options=options, **timeout)
        case "kafka":
            return KafkaSource(brokers=data["brokers"], topics=tuple(data["topics"]), options=options, **timeout)
        case "command":
            return CommandSource(run=tuple(data["run"]), **timeout)
    raise UsageError(f"{data['kind']} is no kind of sink")


def _option_text(value: Any) -> str:  # noqa: ANN401 - text, number or truth
    return str(value).lower() if isinstance(value, bool) else str(value)
