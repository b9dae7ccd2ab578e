"""Every regular expression of the package, found in its source, and of the data that comes with it."""

from __future__ import annotations

import ast
import importlib
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

import yaml

import conformance
from conformance.checks.expect import FORBIDDEN_PATTERNS
from conformance.core import resources

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(conformance.__file__).parent
_FUNCTIONS = {"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
_ANCHORED = {"match", "fullmatch"}
_JAVASCRIPT_LITERAL = re.compile(r"(?<=[(\s=,])/((?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+)/([dgimsuy]*)(?=[.,;)\s])")
MADE_AT_RUN_TIME: dict[str, tuple[str | bytes, ...]] = {
    "checks.expect.bodies": tuple(f"(?m:{item.pattern})" for item in FORBIDDEN_PATTERNS.values()),
    "delivery.ledger": (r"conformance-0a1b2c3d-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",),
    "loadtest.arrivals": (r"conformance-0a1b2c3d-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})",),
    "probe.discovery": (r"(?:(?<!/)/+)?\b(POST|v1|track)\b",),
    "profile.json_schemas": (r"^[a-z]+$",),
    "profile.schema_errors": (r"^[a-z]+\Z",),
    "refserver.faults.protocol_overrides": (rb"\r\ncontent-length:[^\r]*",),
    "refserver.faults.unusual_input": (r'\\ud83d"|"\\ude00|odd\\udc00', r":-?\d{19,}", r"e-?4\d\d[,}]", r'"k{900}'),
    "report.failure_groups": (r"POST\ /v1/track(?![\w/-])",),
}
"""Modules with patterns whose text only a run knows, and those texts or examples of them."""


class Pattern(NamedTuple):
    """A regular expression: where it stands, its text, its flags, and how it is used (a method of `re`)."""

    place: str
    text: str | bytes
    flags: int
    method: str


@cache
def all_patterns() -> tuple[Pattern, ...]:
    """All of them; one whose text can't be found is an error."""
    return (*_patterns_in_python(), *_patterns_in_data(), *_patterns_in_scripts())


def _patterns_in_python() -> Iterator[Pattern]:
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if not re.search(r"^ *(?:import re$|from re )", source, re.MULTILINE):
            continue
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        assert "from re " not in source, f"{name} imports from re, where its patterns are not seen"
        module = importlib.import_module(f"conformance.{name}")
        yield from _patterns_in_module(name, ast.parse(source), vars(module))


def _patterns_in_module(name: str, tree: ast.Module, known: dict[str, Any]) -> Iterator[Pattern]:
    methods = _methods_by_name(tree)
    targets: dict[ast.AST, str] = {
        node.value: node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if not _is_call_of_re(node):
            continue
        function = node.func.attr  # type: ignore[attr-defined]
        used = methods.get(targets.get(node, ""), {"search"}) if function == "compile" else {function}
        method = "fullmatch" if used == {"fullmatch"} else "match" if used <= _ANCHORED else "search"
        try:
            text, flags = _evaluate(node, known)
        except NameError:
            assert name in MADE_AT_RUN_TIME, f"give an example of a pattern that {name} makes at run time"
            yield from (Pattern(name, example, 0, method) for example in MADE_AT_RUN_TIME[name])
        else:
            yield Pattern(f"{name}:{node.lineno}", text, flags, method)


def _is_call_of_re(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in _FUNCTIONS
    )


def _methods_by_name(tree: ast.Module) -> dict[str, set[str]]:
    """The methods that are called on each name of a module."""
    methods: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            methods.setdefault(node.func.value.id, set()).add(node.func.attr)
    return methods


def _evaluate(node: ast.Call, known: dict[str, Any]) -> tuple[str | bytes, int]:
    """The text and flags of a call of `re`. Raises NameError if they depend on what only a run knows."""
    function = node.func.attr  # type: ignore[attr-defined]
    flag_index = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(function, 2)
    flag_nodes = [
        *node.args[flag_index : flag_index + 1],
        *(item.value for item in node.keywords if item.arg == "flags"),
    ]
    values = [
        eval(compile(ast.Expression(part), "<pattern>", "eval"), dict(known))  # noqa: S307 - the suite's own source
        for part in (node.args[0], *flag_nodes)
    ]
    return values[0], int(values[1]) if flag_nodes else 0


def _patterns_in_data() -> Iterator[Pattern]:
    """The patterns of JSON Schemas: they are searched for, and see what a target or a user wrote."""
    folder = resources.specs_dir()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".json", ".yaml"}:
            text = path.read_text(encoding="utf-8")
            value = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
            yield from (Pattern(path.name, found, 0, "search") for found in _schema_patterns(value))


def _schema_patterns(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        if isinstance(value.get("patternProperties"), dict):
            yield from value["patternProperties"]
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _schema_patterns(item)


def _patterns_in_scripts() -> Iterator[Pattern]:
    """The patterns of JavaScript, in what is exported and in pages."""
    for path in sorted(item for item in PACKAGE.rglob("templates/*") if item.suffix in {".html", ".js"}):
        for found in _JAVASCRIPT_LITERAL.finditer(path.read_text(encoding="utf-8")):
            flags = (re.IGNORECASE if "i" in found[2] else 0) | (re.MULTILINE if "m" in found[2] else 0)
            text = re.sub(r"\\p\{L\}", "[^\\\\W\\\\d_]", found[1])
            yield Pattern(path.name, text, int(flags), "search")
