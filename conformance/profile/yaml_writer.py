"""Writes profiles as YAML that people can read and `conformance.profile.load` accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from conformance.core.resources import read_json_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LINE_WIDTH = 110
_MAX_INLINE_LENGTH = 80


class _Dumper(yaml.SafeDumper):
    """A YAML dumper that writes short collections on one line, and uses no anchors or aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's signature
        """Writes repeated values in full instead of as aliases."""
        return True

    def represent(self, data: Any) -> None:  # noqa: ANN401 - PyYAML's signature
        """Writes a document with every top-level key on a line of its own."""
        node: Any = self.represent_data(data)
        _choose_flow_style(node)
        node.flow_style = False
        self.serialize(node)


def _choose_flow_style(node: Any) -> int | None:  # noqa: ANN401 - PyYAML's nodes
    """Puts a collection on one line if it is short. Returns the length of that line; None for several lines."""
    if isinstance(node, yaml.ScalarNode):
        return len(node.value) + len("'', ") if "\n" not in node.value else None
    if isinstance(node, yaml.MappingNode):
        lengths = [_choose_flow_style(child) for pair in node.value for child in pair]
    else:
        lengths = [_choose_flow_style(child) for child in node.value]
    inline_lengths = [length for length in lengths if length is not None]
    is_short = len(inline_lengths) == len(lengths) and sum(inline_lengths) <= _MAX_INLINE_LENGTH
    node.flow_style = is_short
    return sum(inline_lengths) + len("{}") if is_short else None


def modeline(schema_file: str) -> str:
    """The comment by which editors find the JSON Schema of a YAML file, after its sign."""
    return f"yaml-language-server: $schema={read_json_spec(schema_file)['$id']}"


def to_yaml(data: Mapping[str, Any], comments: Iterable[str] = ()) -> str:
    """Formats a profile as YAML: comments first, and an empty line before every section of several lines."""
    text = "".join(f"# {line}\n" for line in (modeline("profile.schema.json"), *comments))
    for key, value in data.items():
        section = yaml.dump({key: value}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_LINE_WIDTH)
        text += f"\n{section}" if section.count("\n") > 1 else section
    return text
