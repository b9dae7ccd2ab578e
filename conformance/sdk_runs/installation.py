"""Installs SDKs from their registries, each into a directory of its own; what is there is not installed again."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.core import resources
from conformance.core.errors import InconclusiveError, UsageError
from conformance.wire.browser import find_chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.sdk_runs.packages import SdkPackage

INSTALL_TIMEOUT_S = 600.0
"""How long an installation may take."""
_BUILT, _GO_VERSION = "driver", "1.21"
_LAST_LINES, _MAX_LINE_LENGTH = 3, 200


class MissingToolError(InconclusiveError):
    """A program that installs or runs an SDK is not on this machine; that says nothing about any server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an SDK is installed; `command` starts its driver, which reads a script from standard input."""

    package: SdkPackage
    directory: Path
    command: tuple[str, ...]
    environment: Mapping[str, str]


def default_directory() -> Path:
    """Where SDKs are kept: `sdks` in the cache directory of the suite."""
    return resources.cache_dir() / "sdks"


def install(package: SdkPackage, directory: Path | None = None) -> Place:
    """Installs an SDK, unless it is there, under `directory` (the cache of the suite if None).

    Raises MissingToolError if a program for it is missing, InconclusiveError if the registry does not give it.
    """
    make, command = _LANGUAGES[package.language]
    place = (directory or default_directory()) / f"{package.slug}-{_digest(package)}"
    argv, environment = command(package, place)
    if not place.is_dir():
        _install_whole(package, place, make)
    return Place(package=package, directory=place, command=tuple(argv), environment=environment)


def is_installed(package: SdkPackage, directory: Path | None = None) -> bool:
    """Whether an SDK is there, so that no registry is asked for it."""
    return ((directory or default_directory()) / f"{package.slug}-{_digest(package)}").is_dir()


def program_path(name: str) -> str:
    """The path of a program. Raises MissingToolError if it is not installed."""
    path = shutil.which(name)
    if path is None:
        raise MissingToolError(f"{name} is not installed on this machine")
    return path


def _digest(package: SdkPackage) -> str:
    """What tells an installation from one of other packages or with another driver."""
    parts = [*package.requires, package.driver]
    if package.language not in {"python", "node", "browser"}:
        parts.append(package.driver_path.read_text(encoding="utf-8"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _install_whole(package: SdkPackage, place: Path, make: Callable[[SdkPackage, Path], None]) -> None:
    """Installs beside the place and renames, so that a place is whole or not there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".", ignore_cleanup_errors=True) as scratch:
        fresh = Path(scratch) / "place"
        fresh.mkdir()
        make(package, fresh)
        try:
            fresh.rename(place)
        except OSError:
            if not place.is_dir():  # another process was faster
                raise


def _run(
    package: SdkPackage, command: Sequence[str], place: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Runs a program of a registry. Raises InconclusiveError with its last words if it fails."""
    try:
        subprocess.run(  # noqa: S603 - the words are ours
            command, cwd=place, check=True, timeout=INSTALL_TIMEOUT_S, capture_output=True, stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InconclusiveError(f"{package.title} was not installed within {INSTALL_TIMEOUT_S:g} s") from None
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout or b"").decode(errors="replace").strip().splitlines()
        said = " / ".join(line[:_MAX_LINE_LENGTH] for line in lines[-_LAST_LINES:])
        raise InconclusiveError(
            f"{package.title} can't be installed: {said or f'exit code {error.returncode}'}"
        ) from None


def _make_python(package: SdkPackage, place: Path) -> None:
    options = ("--quiet", "--disable-pip-version-check", "--no-input", "--target", str(place))
    _run(package, (sys.executable, "-m", "pip", "install", *options, *package.requires), place)


def _python_command(package: SdkPackage, place: Path) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, str(package.driver_path), package.module], {"PYTHONPATH": str(place)}


def _make_node(package: SdkPackage, place: Path) -> None:
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--loglevel=error")
    _run(package, (program_path("npm"), "install", "--prefix", str(place), *options, *package.requires), place)


def _node_command(package: SdkPackage, place: Path) -> tuple[list[str], dict[str, str]]:
    return [program_path("node"), str(package.driver_path), str(place)], {}


def _browser_command(package: SdkPackage, place: Path) -> tuple[list[str], dict[str, str]]:
    try:
        chromium = find_chromium(needed_by="an SDK for browsers")
    except UsageError as error:
        raise MissingToolError(str(error)) from None
    return [sys.executable, str(package.driver_path), str(place), package.module], {"CHROMIUM": chromium}


def _make_java(package: SdkPackage, place: Path) -> None:
    (place / "pom.xml").write_text(_pom(package.requires), encoding="utf-8")
    copy = ("dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime")
    _run(package, (program_path("mvn"), "--batch-mode", "--quiet", *copy), place)
    compiled = ("-nowarn", "-Xlint:none", "-encoding", "UTF-8", "-d", "classes", "-cp", f"lib{os.sep}*")
    _run(package, (program_path("javac"), *compiled, str(package.driver_path)), place)


def _java_command(package: SdkPackage, place: Path) -> tuple[list[str], dict[str, str]]:
    classes = f"{place / 'classes'}{os.pathsep}{place / 'lib'}{os.sep}*"
    options = ("-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", classes)
    return [program_path("java"), *options, Path(package.driver).stem], {}


def _pom(coordinates: Sequence[str]) -> str:
    """A project that needs packages of Maven's, each as group:artifact:version."""
    names = ("groupId", "artifactId", "version")
    dependencies = "".join(
        "<dependency>"
        + "".join(f"<{name}>{part}</{name}>" for name, part in zip(names, item.split(":"), strict=True))
        + "</dependency>"
        for item in coordinates
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>conformance</groupId><artifactId>driver</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>\n"
    )


def _make_go(package: SdkPackage, place: Path) -> None:
    """Builds the driver with the SDK; the module cache is Go's own, and no other version of Go is downloaded."""
    program, environment = program_path("go"), {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "GOWORK": "off"}
    (place / "go.mod").write_text(f"module driver\n\ngo {_GO_VERSION}\n", encoding="utf-8")
    source = package.driver_path.read_text(encoding="utf-8").replace('"SDK"', f'"{package.module}"')
    (place / "main.go").write_text(source, encoding="utf-8")
    _run(package, (program, "get", *package.requires), place, environment)
    _run(package, (program, "build", "-o", _BUILT, "."), place, environment)


def _make_rust(package: SdkPackage, place: Path) -> None:
    """Builds the driver with the SDK, and keeps only the program of what was built."""
    program, environment = program_path("cargo"), {"CARGO_TARGET_DIR": "target"}
    _run(package, (program, "init", "--quiet", "--vcs", "none", "--edition", "2021", "--name", _BUILT), place)
    _run(package, (program, "add", "--quiet", *package.requires), place)
    shutil.copyfile(package.driver_path, place / "src" / "main.rs")
    _run(package, (program, "build", "--quiet"), place, environment)
    shutil.copy2(place / "target" / "debug" / _BUILT, place / _BUILT)
    shutil.rmtree(place / "target")


def _built_command(_: SdkPackage, place: Path) -> tuple[list[str], dict[str, str]]:
    return [str(place / _BUILT)], {}


_LANGUAGES = {
    "browser": (_make_node, _browser_command),
    "go": (_make_go, _built_command),
    "rust": (_make_rust, _built_command),
    "java": (_make_java, _java_command),
    "python": (_make_python, _python_command),
    "node": (_make_node, _node_command),
}
"""How an SDK of a language is installed, and what starts its driver."""


def driver_environment(place: Place) -> dict[str, str]:
    """The environment of a driver: this process's, without proxies and settings of ours."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().endswith("_PROXY") and not name.startswith("CONFORMANCE_")
    }
    return {**kept, "NO_PROXY": "127.0.0.1,localhost", **place.environment}
