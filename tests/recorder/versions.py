"""Which recorded SDKs are older than the newest version in their registry, by the registries' own clients."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import sdks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conformance.sdks import Sdk

ASK_TIMEOUT_S = 180.0
"""How long a client may take for one package."""
PARALLEL_QUESTIONS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownVersion:
    """The newest recorded version of a package, and the newest one of its registry (empty if it did not say)."""

    sdk: Sdk
    newest: str = ""
    reason: str = ""

    @property
    def is_older(self) -> bool:
        """Whether the registry has a newer version than the recorded one."""
        return bool(self.newest) and numbers(self.newest) > numbers(self.sdk.version)

    @property
    def sentence(self) -> str:
        """One line about it."""
        if self.reason:
            return f"not known  {self.sdk.title}: {self.reason}"
        word = "older" if self.is_older else "newest"
        return f"{word:<9}  {self.sdk.title}: recorded {self.sdk.version}, newest {self.newest}"


def check_versions(recorded: Iterable[Sdk]) -> list[KnownVersion]:
    """Asks for the newest version of each package, once; only its newest recorded version counts."""
    by_package: dict[tuple[str, str], Sdk] = {}
    unregistered = []
    for sdk in recorded:
        if sdk.registry is None:
            unregistered.append(KnownVersion(sdk=sdk, reason="no registry has it, or none that is known here"))
        elif sdk.registry not in by_package or numbers(sdk.version) > numbers(by_package[sdk.registry].version):
            by_package[sdk.registry] = sdk
    with ThreadPoolExecutor(PARALLEL_QUESTIONS) as pool:
        return [*pool.map(_ask, by_package.values()), *unregistered]


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version, to compare it by; what follows a hyphen or a plus does not count."""
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[-+]", version)[0]))


def _ask(sdk: Sdk) -> KnownVersion:
    kind, package = sdk.registry or ("", "")
    try:
        return KnownVersion(sdk=sdk, newest=_CLIENTS[kind](package, sdk.version))
    except subprocess.TimeoutExpired:
        return KnownVersion(sdk=sdk, reason=f"no answer within {ASK_TIMEOUT_S:g} s")
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        return KnownVersion(sdk=sdk, reason=str(error))


def _run(words: Sequence[str], place: Path | None = None) -> str:
    """What a client says. Raises OSError if it is missing, ValueError with its last words if it fails."""
    if shutil.which(words[0]) is None:
        raise OSError(f"{words[0]} is not installed on this machine")
    done = subprocess.run(
        words, cwd=place, capture_output=True, text=True, timeout=ASK_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        last = ((done.stderr or done.stdout).strip().splitlines() or ["it said nothing"])[-1]
        raise ValueError(f"{words[0]} failed: {last[:200]}")
    return done.stdout


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError("the answer of the registry's client has no version")
    return found[1]


def _pypi(package: str, _: str) -> str:
    return _find(r"\(([^)]+)\)", _run((sys.executable, "-m", "pip", "index", "versions", package)))


def _npm(package: str, _: str) -> str:
    return _run(("npm", "view", package, "version")).strip()


def _crates(package: str, _: str) -> str:
    return _find(
        r"(?m)^version: (\S+)", _run(("cargo", "info", package, "--registry", "crates-io", "--color", "never"))
    )


def _go(package: str, _: str) -> str:
    with tempfile.TemporaryDirectory() as place:
        _run(("go", "mod", "init", "conformance.example/versions"), Path(place))
        answer = json.loads(_run(("go", "list", "-m", "-json", f"{package}@latest"), Path(place)))
    return str(answer["Version"]).removeprefix("v")


def _maven(package: str, version: str) -> str:
    group, artifact = package.split(":")
    with tempfile.TemporaryDirectory() as place:
        pom = Path(place) / "pom.xml"
        pom.write_text(_POM.format(group=group, artifact=artifact, version=version), encoding="utf-8")
        update = "org.codehaus.mojo:versions-maven-plugin:2.16.2:display-dependency-updates"
        said = _run(("mvn", "--batch-mode", "--non-recursive", update, "-Dversions.outputLineWidth=300"), Path(place))
    newer = re.search(rf"{re.escape(package)} \.+ \S+ -> (\S+)", said)
    return newer[1] if newer else version


_POM = (
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
    "<groupId>conformance</groupId><artifactId>versions</artifactId><version>1</version><dependencies><dependency>"
    "<groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>"
    "</dependency></dependencies></project>\n"
)
_CLIENTS: dict[str, Callable[[str, str], str]] = {
    "pypi": _pypi,
    "npm": _npm,
    "crates": _crates,
    "go": _go,
    "maven": _maven,
}


def print_versions(names: Sequence[str] = ()) -> int:
    """Prints a line for each named SDK, or for all; 1 if one is older than its registry's newest version, else 0."""
    known = check_versions(sdk for sdk in sdks.load_all() if not names or sdk.name in names)
    sys.stdout.write("".join(f"{each.sentence}\n" for each in known))
    return int(any(each.is_older for each in known))
