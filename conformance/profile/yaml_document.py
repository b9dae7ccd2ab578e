"""Reads YAML files as plain data, with the line of every key."""

from __future__ import annotations

import contextlib
import math
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from conformance.core.errors import FileProblem, ProfileError
from conformance.core.text import shorten
from conformance.core.user_files import UnreadableFile, read_text

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.core.model import Json

Place: TypeAlias = tuple[str | int, ...]
WRITE_KEY_PLACEHOLDER = "$WRITE_KEY"
"""Stands for the write key in the payloads of profiles and SDKs."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 40
_MAX_ALIASES = 300
_MAX_PLACES = 50_000
_MAX_PROBLEMS = 20
_MAX_MESSAGE_LENGTH = 400
_DECIMAL = re.compile("[-+]?(?:0|[1-9][0-9]{0,17})")
"""The whole numbers that are read; YAML 1.1 has others, and takes 1:30 for 90 and 010 for 8."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_NUMBER = "{} is no number in decimal digits; quote it to make it a string"
_LONE_SURROGATE = "a lone surrogate is no character"
_YAML_TAG_PREFIX = "tag:yaml.org,2002:"


def format_place(place: Place) -> str:
    """A place in a document as text, such as `routes[0].paths[2].path`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{shorten(step)}"
    return text.removeprefix(".")


@dataclass(slots=True)
class YamlDocument:
    """A YAML file as plain data: `value`, with the line (from 1) of every key and list item in `lines`.

    `problems` are the mistakes found so far.
    """

    file: str
    value: Json = None
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[FileProblem] = field(default_factory=list)

    def line_of(self, place: Place) -> int:
        """The line of a place, or of the closest enclosing place that has one."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def add_problem(self, place: Place, message: str) -> None:
        """Adds a mistake to `problems`."""
        shown = shorten(message, _MAX_MESSAGE_LENGTH)
        self.problems.append(FileProblem(self.file, self.line_of(place), format_place(place), shown))

    def raise_for_problems(self) -> None:
        """Raises ProfileError if there are problems: the first ones, sorted by line."""
        problems = sorted(self.problems, key=lambda problem: problem.line)
        if len(problems) > _MAX_PROBLEMS:
            further = f"and {len(problems) - _MAX_PROBLEMS:,} more mistakes"
            problems[_MAX_PROBLEMS:] = [FileProblem(self.file, problems[_MAX_PROBLEMS].line, "", further)]
        if problems:
            raise ProfileError(problems)


def read(path: Path, expected: str = "a profile") -> YamlDocument:
    """Reads a YAML file; `expected` says in error messages what it should contain.

    Raises ProfileError if the file can't be read, or is not YAML.
    """
    try:
        text = read_text(path)
    except UnreadableFile as error:
        problem = FileProblem(shorten(str(path)), error.line, "", f"the file can't be read: {error.reason}")
        raise ProfileError([problem]) from None
    return parse(text, str(path), expected)


def parse(text: str, file: str, expected: str = "a profile") -> YamlDocument:
    """Parses YAML; `file` is the name for error messages. Raises ProfileError, as `read`."""
    document = YamlDocument(file=shorten(file))
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        document.lines[()] = mark.line + 1 if mark else 1
        document.add_problem((), f"not valid YAML: {error.problem or error.context}")
    except yaml.YAMLError as error:
        document.add_problem((), f"not valid YAML: {' '.join(str(error).split())}")
    else:
        if node is None:
            document.add_problem((), f"the file is empty; expected {expected}")
        else:
            document.value = _convert_node(node, (), document)
    document.raise_for_problems()
    return document


def _check_events(text: str) -> None:
    """Raises MarkedYAMLError if a text is too much for a recursive parser, or has tags, which need code to read."""
    depth = aliases = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        aliases += isinstance(event, yaml.AliasEvent)
        problem = _event_problem(event, depth, aliases, count)
        if problem:
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _event_problem(event: yaml.Event, depth: int, aliases: int, count: int) -> str:
    """What is wrong at an event of the parser; empty if nothing is."""
    if depth > _MAX_DEPTH:
        return "nested too deeply"
    if aliases > _MAX_ALIASES:
        return "too many aliases"
    if count > 2 * _MAX_PLACES:
        return "too large"
    tag = getattr(event, "tag", None)
    return f"the tag {shorten(tag)!r} can't be used here" if tag else ""


def _convert_node(node: yaml.Node, place: Place, document: YamlDocument) -> Json:
    """Converts a YAML node to plain data, and records its lines. Raises ProfileError if it is too large."""
    document.lines.setdefault(place, node.start_mark.line + 1)
    if len(document.lines) > _MAX_PLACES or len(place) > _MAX_DEPTH:
        document.add_problem(place[:1], "too large, or an alias to what is around it")
        document.raise_for_problems()
    if isinstance(node, yaml.MappingNode):
        return _convert_mapping(node, place, document)
    if isinstance(node, yaml.SequenceNode):
        return [_convert_node(item, (*place, index), document) for index, item in enumerate(node.value)]
    return _convert_scalar(node, place, document)


def _convert_mapping(node: yaml.MappingNode, place: Place, document: YamlDocument) -> Json:
    """Converts a YAML mapping to a dict; a key that is not text, or that is repeated, is a mistake."""
    result: dict[str, Json] = {}
    for key_node, value_node in node.value:
        is_text = key_node.tag == f"{_YAML_TAG_PREFIX}str"
        key_text = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else key_node.id
        key_place: Place = (*place, key_text)
        document.lines[key_place] = key_node.start_mark.line + 1
        if not is_text:
            document.add_problem(key_place, f"a key must be a string; quote it: {shorten(key_text)!r}")
        elif _SURROGATE.search(key_text):
            document.add_problem(key_place, _LONE_SURROGATE)
        elif key_node.value in result:
            document.add_problem(key_place, "duplicate key")
        else:
            result[key_node.value] = _convert_node(value_node, key_place, document)
    return result


def _convert_scalar(node: yaml.Node, place: Place, document: YamlDocument) -> Json:
    """Converts a YAML scalar to text, number, boolean or null; a date becomes ISO 8601 text."""
    kind, text = node.tag.removeprefix(_YAML_TAG_PREFIX), str(node.value)
    value: Any = node
    if (kind == "int" and not _DECIMAL.fullmatch(text)) or (kind == "float" and ":" in text):
        problem = _NO_NUMBER  # unread: the time for one in sixties grows with the square of its length
    else:
        with contextlib.suppress(ValueError, yaml.YAMLError):
            value = yaml.constructor.SafeConstructor().construct_object(node)
        problem = _scalar_problem(value, kind)
    if problem:
        document.add_problem(place, problem.format(shorten(text)))
        return None
    return value.isoformat() if isinstance(value, date) else value


def _scalar_problem(value: object, kind: str) -> str:
    """Why a scalar can't be used; empty if it can."""
    if isinstance(value, str):
        return _LONE_SURROGATE if _SURROGATE.search(value) else ""
    if isinstance(value, float) and not math.isfinite(value):
        return _NO_NUMBER
    if value is None or isinstance(value, int | float) or (isinstance(value, date) and not isinstance(value, datetime)):
        return ""
    return f"a YAML {kind} can't be used here; quote it to make it a string"
