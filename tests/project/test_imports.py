"""The rooms of the package: who may import whom, and which dependency has which door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import conformance
from conformance.core import resources

PACKAGE = Path(conformance.__file__).parent

LAYERS = {
    name: level
    for level, names in enumerate(
        (
            ("model", "text"),
            ("errors", "loop", "pointers", "repetition", "resources"),
            ("profile", "settings"),
            ("configuration", "contract", "deviations", "sdks"),
            ("openapi", "payloads"),
            ("wire", "expect"),
            ("engine",),
            ("catalogue", "preflight", "report", "refserver"),
            ("estimate", "export", "fuzz", "permission", "verdicts"),
            ("cases", "run"),
            ("difference", "probe", "selfcheck"),
            ("plugin", "cli"),
        )
    )
    for name in names
}
DEPENDENCY_OWNERS = {
    "anyio": {"wire"},
    "h11": {"refserver", "wire"},
    "httpcore": {"wire"},
    "hypothesis": {"fuzz"},
    "httpx": {"wire"},
    "jinja2": {"report"},
    "jsonschema": {"expect", "profile"},
    "jsonschema_rs": {"fuzz", "report"},
    "pytest": {"plugin"},
    "rich": {"cli", "report"},
    "schemathesis": {"fuzz"},
    "uvicorn": {"refserver"},
    "uvloop": {"loop"},
    "xdist": {"plugin"},
    "yaml": {"profile"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def subpackage_of(path: Path) -> str:
    """The room that a module of the package belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_names(path: Path) -> list[str]:
    """The dotted names that a module imports, those for type checkers included."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def imported_subpackages(path: Path) -> set[str]:
    """The rooms of the package that a module imports from."""
    names = [name.split(".") for name in imported_names(path) if name.startswith("conformance.")]
    return {parts[1] for parts in names if parts[1] in LAYERS}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_strictly_downward(path: Path) -> None:
    """A module imports from rooms below its own, and from its own."""
    here = subpackage_of(path)
    if here in {"__init__", "__main__"}:
        assert imported_subpackages(path) <= {"cli"}
        return
    upward = {name for name in imported_subpackages(path) if name != here and LAYERS[name] >= LAYERS[here]}
    assert not upward


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_dependency_is_imported_by_its_owners_only(path: Path) -> None:
    """A dependency is imported in the rooms that own it, and nowhere else."""
    for name in imported_names(path):
        owners = DEPENDENCY_OWNERS.get(name.split(".")[0])
        assert owners is None or subpackage_of(path) in owners, name


def test_the_checks_and_the_reference_server_do_not_know_each_other() -> None:
    """They meet in the contract alone: else the suite would prove that it agrees with itself."""
    for path in MODULES:
        if subpackage_of(path) == "refserver":
            assert not imported_subpackages(path) & {"cases", "expect", "catalogue"}
        if subpackage_of(path) in {"cases", "expect", "catalogue"}:
            assert "refserver" not in imported_subpackages(path)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_python_names_a_vendor(path: Path) -> None:
    """What a vendor promises is data: no module knows one by name."""
    text = path.read_text(encoding="utf-8").lower()
    assert not [name for name in resources.profile_names() if name in text]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_and_functions_stay_small(path: Path) -> None:
    """A file has at most 300 lines, a function at most 40."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno <= 40, node.name
