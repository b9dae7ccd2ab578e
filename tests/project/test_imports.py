"""The packages: who may import whom, which dependency has which door, and how large a module may be."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import conformance
from conformance.core import resources

PACKAGE = Path(conformance.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

LAYERS = (
    {"core"},
    {"profile", "redaction"},
    {"contract", "sdks", "settings"},
    {"requests"},
    {"checks", "report", "refserver", "sinks", "wire"},
    {"cases", "run"},
    {"delivery", "fuzz", "sdk_runs"},
    {"causes", "clients"},
    {"diff", "export", "loadtest", "probe", "selfcheck", "trace"},
    {"cli", "plugin"},
)
"""From the bottom up: a package imports from lower layers only."""
DOORS = {
    "anyio": {"wire"},
    "confluent_kafka": {"sinks"},
    "fsspec": {"sinks"},
    "gevent": {"loadtest"},
    "h11": {"refserver", "sinks", "wire"},
    "httpcore": {"wire"},
    "hypothesis": {"fuzz"},
    "httpx": {"wire"},
    "jinja2": {"report"},
    "jsonschema": {"profile"},
    "jsonschema_rs": {"checks", "clients", "fuzz", "profile", "report"},
    "locust": {"loadtest"},
    "playwright": {"wire"},
    "psutil": {"loadtest"},
    "pytest": {"plugin"},
    "rich": {"cli", "report"},
    "schemathesis": {"fuzz"},
    "sqlalchemy": {"refserver", "sinks"},
    "uvicorn": {"refserver"},
    "uvloop": {"core"},
    "xdist": {"plugin"},
    "yaml": {"profile"},
}
JSON_READERS = {
    "cases._delivery": "the body of a draft of ours",
    "core.foreign_json": "the door for foreign JSON",
    "cases.accept": "reads an example of the contract",
    "cases.pixel": "reads an example of the contract",
    "causes.json_damage": "reads bodies that the suite sent, and must see in which way they are no JSON",
    "checks.expect.bodies": "reads schemas of a profile, as it has written them",
    "core.written_json": "reads events without loss, to compare them; nothing is raised",
    "fuzz.case": "reads cases that the suite wrote",
    "fuzz.corpus_file": "reads the first line of a corpus, and takes anything that raises for damage",
    "fuzz.feature_extractor": "reads bodies that the suite generated and parsed before",
    "core.resources": "reads the suite's own schemas and costs",
    "fuzz.finding": "reads findings, byte for byte; a file that is none is a UsageError",
    "fuzz.shrinker": "reads bodies that the suite generated",
    "fuzz.strict_json": "reads bodies that the suite generated, and must see what the door hides",
    "loadtest.sender": "reads what the command has prepared for it, while it starts",
    "requests.call": "reads an example of the contract",
    "requests.equal_bodies": "reads bodies that the suite wrote, to write them in another way",
}
"""Modules that parse JSON, and why; what a target or a user wrote is read by `core.foreign_json` alone."""
FILE_READERS = {
    "cli": "opens the null device for standard streams that are closed",
    "core.atomic_files": "opens files to write them",
    "core.resources": "reads the suite's own schemas and costs",
    "core.user_files": "the door for files of users",
    "export.postman": "reads the suite's own scripts",
    "sdk_runs.installation": "reads the suite's own drivers",
    "fuzz.corpus": "reads its own modules for the digest of corpora",
    "loadtest.control": "opens the files that the command shares with its workers",
    "loadtest.fleet": "reads what Locust wrote, and opens its log",
    "loadtest.journal": "maps the journals of workers",
    "loadtest.sender": "reads what the command has prepared for it, and writes what is broken",
    "loadtest.execution": "writes what workers need",
    "sinks.file_places": "reads files that a server writes, from an offset, as they grow; regular ones alone",
}
"""Modules that read files, and why; what a user gave is read by `core.user_files` alone."""
READING = {"read_text", "read_bytes", "load_verify_locations", "load_cert_chain", "tomllib.load", "os.open", "io.open"}
DOOR = {"read_text", "read_bytes"}
"""The functions of the door, which have no owner where they are called."""
NO_FILES = {"servers", "pool", "RawConnection", "self"}
"""What has a method `open` that opens no file."""
MAX_FILE_LINES, MAX_FUNCTION_LINES = 300, 40


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def dotted(path: Path) -> str:
    """The name by which a module is imported."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {dotted(path) for path in MODULES}


def imported(path: Path) -> set[str]:
    """The dotted names that a module imports, those for type checkers included; modules where they are ours."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                names.add(full if full in NAMES or not node.module.startswith("conformance") else node.module)
    return names


def package(name: str) -> str:
    """The package that a module of ours is in; empty for the top."""
    return next(iter(name.split(".")[1:2]), "")


LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}


def test_every_package_has_a_layer() -> None:
    """The map is whole: what is in the package is on it, and nothing else."""
    found = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert found == set(LEVELS)
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_imports_point_strictly_downward() -> None:
    """A module imports from packages below its own, and from its own."""
    wrong = {
        f"{dotted(path)} imports {name}"
        for path in MODULES
        for name in imported(path)
        if name.startswith("conformance.") and package(dotted(path)) in LEVELS
        if package(name) != package(dotted(path))
        if LEVELS.get(package(name), 0) >= LEVELS[package(dotted(path))]
    }
    assert not wrong


def test_no_module_imports_in_a_circle() -> None:
    """Inside a package, too, there is an order in which the modules can be read."""
    graph = {dotted(path): {name for name in imported(path) if name in NAMES} - {dotted(path)} for path in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_dependency_has_one_door() -> None:
    """A dependency is imported in the packages that own it, and nowhere else."""
    wrong = {
        f"{dotted(path)} imports {name}"
        for path in MODULES
        for name in imported(path)
        if package(dotted(path)) not in DOORS.get(name.split(".")[0], {package(dotted(path))})
    }
    assert not wrong


def test_foreign_json_has_one_door() -> None:
    """Nothing parses JSON by itself, but what is known to read the suite's own texts."""
    readers = {
        dotted(path).removeprefix("conformance.")
        for path in MODULES
        if package(dotted(path)) not in {"refserver", "selfcheck"}
        if path.name != "faulty_client.py"  # a program of its own
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in {"loads", "load", "JSONDecoder", "raw_decode", "json"})
        and (node.attr == "json" or (isinstance(node.value, ast.Name) and node.value.id == "json"))
    }
    assert readers == set(JSON_READERS)


def reads_a_file(node: ast.AST) -> bool:
    """Whether a piece of code reads a file: by a method for it, or opened without a mode to write."""
    if isinstance(node, ast.keyword):
        return node.arg in {"cafile", "capath"}
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func)
    owner, _, method = name.rpartition(".")
    if name in READING - DOOR or (owner and method in READING):
        return True
    modes = [
        item.value
        for item in (*node.args, *(keyword.value for keyword in node.keywords))
        if isinstance(item, ast.Constant)
    ]
    return method == "open" and owner not in NO_FILES and not set(modes) & {"w", "wb", "a", "x"}


def test_files_of_users_have_one_door() -> None:
    """Nothing reads a file by itself, in whatever way, but what is known to read the suite's own."""
    readers = {
        dotted(path).removeprefix("conformance.")
        for path in MODULES
        if any(reads_a_file(node) for node in ast.walk(tree(path)))
    }
    assert readers == set(FILE_READERS)


def test_the_checks_and_the_reference_server_do_not_know_each_other() -> None:
    """They meet in the contract alone: else the suite would prove that it agrees with itself."""
    checking = {"cases", "checks"}
    for path in MODULES:
        packages = {package(name) for name in imported(path)}
        if package(dotted(path)) == "refserver":
            assert not packages & checking
        if package(dotted(path)) in checking:
            assert "refserver" not in packages


def test_no_python_names_a_vendor() -> None:
    """What a vendor promises is data: no module knows one by name."""
    vendors = resources.profile_names()
    wrong = {
        f"{dotted(path)}: {vendor}"
        for path in MODULES
        for vendor in vendors
        if vendor in path.read_text(encoding="utf-8").lower()
    }
    assert not wrong


def test_modules_stay_small() -> None:
    """A file has at most 300 lines, a function at most 40."""
    wrong = []
    for path in MODULES:
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MAX_FILE_LINES:
            wrong.append(f"{dotted(path)}: {lines} lines")
        wrong += [
            f"{dotted(path)}.{node.name}: {(node.end_lineno or 0) - node.lineno} lines"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if (node.end_lineno or 0) - node.lineno > MAX_FUNCTION_LINES
        ]
    assert not wrong
