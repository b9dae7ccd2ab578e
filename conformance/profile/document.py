"""A YAML file as plain data, with the line of every key."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from conformance.errors import Problem, ProfileError

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.model import Json

Place: TypeAlias = tuple[str | int, ...]
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 40
_MOST_ALIASES = 300
_MOST_PLACES = 50_000
_YAML_MARKS = "tag:yaml.org,2002:"


def dotted(place: Place) -> str:
    """A place in a document as people write it: `routes[0].paths[2].path`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


@dataclass(slots=True)
class Document:
    """A YAML file as plain data; `lines` gives the line (from 1) of every key and list item."""

    file: str
    value: Json = None
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest place around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def blame(self, place: Place, message: str) -> None:
        """Notes a mistake."""
        self.problems.append(Problem(self.file, self.line(place), dotted(place), message))

    def check(self) -> None:
        """Raises ProfileError if any mistake was noted."""
        if self.problems:
            raise ProfileError(sorted(self.problems, key=lambda problem: problem.line))


def read(path: Path, what: str = "a profile") -> Document:
    """Reads a YAML file that should hold something. Raises ProfileError if it can't be read or isn't YAML."""
    document = Document(file=str(path))
    try:
        return parsed(path.read_text(encoding="utf-8"), str(path), what)
    except OSError as error:
        document.blame((), f"the file can't be read: {error.strerror}")
    except UnicodeDecodeError as error:
        document.lines[()] = error.object[: error.start].count(b"\n") + 1
        document.blame((), "the file is not UTF-8")
    document.check()
    return document


def parsed(text: str, file: str, what: str = "a profile") -> Document:
    """Reads YAML that should hold something; `file` is what it is called. Raises ProfileError."""
    document = Document(file=file)
    try:
        _refuse_depth(text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        document.lines[()] = mark.line + 1 if mark else 1
        document.blame((), f"not valid YAML: {error.problem or error.context}")
    except yaml.YAMLError as error:
        document.blame((), f"not valid YAML: {' '.join(str(error).split())}")
    else:
        if node is None:
            document.blame((), f"the file is empty; expected {what}")
        else:
            document.value = _plain(node, (), document)
    document.check()
    return document


def _refuse_depth(text: str) -> None:
    """Raises MarkedYAMLError if a text nests too deeply for a parser that recurses, or has many aliases."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > _DEEPEST or aliases > _MOST_ALIASES:
            what = "nested too deeply" if depth > _DEEPEST else "too many aliases"
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(problem=what, problem_mark=mark)


def _plain(node: yaml.Node, place: Place, document: Document) -> Json:
    """A YAML node as plain data."""
    document.lines.setdefault(place, node.start_mark.line + 1)
    if len(document.lines) > _MOST_PLACES or len(place) > _DEEPEST:
        document.blame(place[:1], "too large, or an alias to what is around it")
        document.check()
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, document)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, index), document) for index, item in enumerate(node.value)]
    return _scalar(node, place, document)


def _mapping(node: yaml.MappingNode, place: Place, document: Document) -> Json:
    """A YAML mapping as a dict; a key that is no text, or stands twice, is a mistake."""
    result: dict[str, Json] = {}
    for key_node, value_node in node.value:
        is_text = key_node.tag == f"{_YAML_MARKS}str"
        shown = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else key_node.id
        here: Place = (*place, shown)
        document.lines[here] = key_node.start_mark.line + 1
        if not is_text:
            document.blame(here, f"a key must be a text; quote it: {shown!r}")
        elif key_node.value in result:
            document.blame(here, "the key stands twice")
        else:
            result[key_node.value] = _plain(value_node, here, document)
    return result


def _scalar(node: yaml.Node, place: Place, document: Document) -> Json:
    """A YAML scalar as text, number, boolean or null."""
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, yaml.YAMLError):
        value = node
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    kind = node.tag.removeprefix(_YAML_MARKS)
    document.blame(place, f"a YAML {kind} can't be used here; quote it to make it a text")
    return None
