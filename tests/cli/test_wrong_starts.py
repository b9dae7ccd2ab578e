"""Ways to start the command wrongly: each ends at once with one sentence, and sends nothing."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from tests.support.scripted_server import ScriptedServer, scripted_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = "run {url} --profile segmentstream --write-key k"
BASES = {
    "run": RUN,
    "fuzz": "fuzz {url} --profile segmentstream --write-key k",
    "probe": "probe {url} --write-key k",
    "diff": "diff {url} {url} --profile segmentstream --write-key k",
    "replay": "replay {id} {url} --profile segmentstream --write-key k",
    "sdk": "sdk {url} --profile segment --write-key k --sdk all",
    "config": "config --profile segmentstream",
    "export": "export --profile segmentstream --format har",
    "report": "report {missing}",
    "compare": "compare {missing} {missing}",
    "list": "list",
    "explain": "explain auth.key.unknown",
    "profiles": "profiles",
    "spec": "spec --profile segmentstream",
    "serve": "serve --profile segmentstream --write-key k",
    "self-check": "self-check --profile segmentstream",
}
WRONG_VALUES = {
    "gate": ("maybe", "''", "MUST!", "0"),
    "repeat": ("0", "-1", "257", "x", "1.5", "''", "1_0", "\u0663", "' 2'"),
    "jobs": ("0", "-1", "257", "x", "99999999999999999999"),
    "rate": ("0", "-1", "nan", "inf", "x"),
    "deadline": ("0", "-3", "nan", "inf", "1e999", "x", "10s"),
    "max-duration": ("0", "-1", "nan", "soon"),
    "max-requests": ("0", "-1", "1.5", "many"),
    "max-bytes": ("0", "4KB"),
    "max-events": ("0", "x"),
    "fuzz": ("-1", "10000001", "x"),
    "fuzz-seed": ("-1", "x"),
    "max-time": ("0", "x"),
    "run-id": ("'a b'", "''", "a/b", "a" * 65),
    "select": ("no-such-area", "''", "','", "no.such.check", "auth.key.unknwon", "'auth.*.nothing'", "musst"),
    "deselect": ("no-such-area", "''", "'*'"),
    "include": ("no-such-group",),
    "exclude": ("no-such-group", "sdk-paths"),
    "wait": ("0", "-1", "soon"),
    "allow": ("everything", "''", "bursts"),
    "tier": ("hard", "''"),
    "header": ("NoColon", "'Bad Name: x'", "'X-A: \\u00e9'", "'Content-Length: 3'", "''"),
    "profile": ("no-such", "''", "{missing}", "{dir}", "{text}", "{empty}", "/dev/zero", "a" * 5000, "segmentstraem"),
    "write-key": ("''",),
    "i-may-test": ("''", "'a b'", "http://example.com/", "','"),
    "write-key-file": ("{missing}", "{dir}", "/dev/zero", "{empty}", "''"),
    "known-deviations": ("{missing}", "{dir}", "{text}", "/dev/zero", "{todo}", "{empty}"),
    "ca-bundle": ("{missing}", "{dir}", "{text}", "{empty}"),
}
URLS = (
    "localhost", "localhost:8080", "ftp://127.0.0.1", "http://", "http:///path", "http://127.0.0.1:0",
    "http://127.0.0.1:99999", "http://127.0.0.1:port", "http://user:pass@127.0.0.1", "http://127.0.0.1?x=1",
    "http://127.0.0.1#x", "'http://127.0.0.1/a b'", "http://[::1", "http://[::1]evil", "http://exa\\u00e4mple", "''",
    "http://127.1", "/", "-", f"http://127.0.0.1/{'a' * 5_000}", "https://api.segment.io", "http://8.8.8.8", "http://169.254.169.254",
)  # fmt: skip
PUBLIC_URLS = URLS[-3:]
"""Those that are right, and may not be tested: settings with them are shown."""
FURTHER = {
    "run": (
        "--json - --html -", "--dry-run --profile all", "--profile all --repeat 2", "--profile all --ndjson -",
        "--profile all --junit {new}", "--profile all --badge -", "--profile all --include nothing",
        "--profile all --known-deviations {missing}", "--tier gentle --jobs 4", "--tier gentle --fuzz 5",
        "--select auth --deselect auth", "--json", "--i-may-test", "{url}", "--quiet=yes",
    ),
    "fuzz": ("--fuzz 0", "--select auth", "--repeat 2", "--tier gentle", "--profile all"),
    "replay": ("--select auth", "--fuzz 5"),
    "probe": ("--name 'Not A Name'", "--name ''", "--json - --out -", "--tier gentle", "--select auth"),
    "diff": ("--profile all", "--junit {new}", "--json - --html -", "--write-key-file-b {missing}", "--repeat 2"),
    "sdk": (
        "--sdk no-such", "--sdk-timeout 0", "--sdk-timeout x", "--tier gentle", "--select auth", "--profile metarouter",
    ),
    "export": ("--format xml", "--select accept.nothing", "--jobs 3"),
    "report": ("--json - --html -",),
    "explain": ("--profile no-such",),
    "list": ("--profile no-such", "--profile {dir}"),
    "spec": ("--profile no-such", "--include no-such-group"),
    "serve": ("--port x", "--port -1", "--port 65536", "--port ''", "--port \u0663", "--profile no-such",
              "--include no-such-group", "--profile segmentstream --write-key ''"),
    "self-check": ("--profile no-such", "--profile ''", "--fault no-such-fault", "--check no-such-check"),
}  # fmt: skip
WHOLE = (
    "", "''", "rnu {url}", "RUN {url}", "--nonsense", "--verison", "run", "run {url}", "run {url} --write-key k",
    "fuzz", "fuzz {url}", "probe", "probe --write-key k", "diff", "diff {url}", "diff {url} {url} --write-key k",
    "replay", "replay no-such-finding {url} --write-key k", "replay '../../etc/passwd' {url} --write-key k",
    "export", "export --profile segmentstream", "explain", "explain no.such.check", "explain ''", "explain auht",
    "client", "client --profile segment", "client --profile no-such true", "client --profile segment no-such-program",
    "client --profile segment --script no-such true", "client --profile segment --timeout 0 true",
    "sdk", "sdk --sdk all", "sdk {url} --sdk all",
    "report", "report {missing}", "report {dir}", "report {text}", "report {empty}", "report /dev/zero",
    "report {json}", "compare", "compare {missing}", "compare {json} {json}", "compare {text} {missing}", "spec",
    "serve", "completion", "completion tcsh",
    "list no.such", "list auht", "list 'auth.*.nothing'", "config --gate maybe",
    "self-check --nonsense", "self-check --jobs 2",
)  # fmt: skip
SETTINGS_FILES = {
    "no TOML": "gate =", "unknown key": "gaet = 'must'", "wrong value": "gate = 'maybe'",
    "a secret": "write-key = 'k'",
    "a table": "[gate]\nx = 1", "a date": "jobs = 2020-01-01", "a bool": "jobs = true", "too large": "jobs = 9999",
    "a list": "jobs = [1]",
    "numbers": "select = [1]", "loosens": "insecure = true", "no profile": "profile = 'no-such'",
    "no file": "known-deviations = 'none.yaml'", "deep": f"select = {'[' * 2000}", "bytes": "\x00",
    "twice": "jobs=1\njobs=2",
}  # fmt: skip
ENVIRONMENT = {
    "CONFORMANCE_BEARER": "k" * 20_000,
    "CONFORMANCE_GATE": "maybe", "CONFORMANCE_JOBS": "x", "CONFORMANCE_RATE": "0", "CONFORMANCE_DEADLINE": "nan",
    "CONFORMANCE_FUZZ": "many", "CONFORMANCE_REPEAT": "0", "CONFORMANCE_SELECT": "no-such-area",
    "CONFORMANCE_TIER": "hard", "CONFORMANCE_ALLOW": "all", "CONFORMANCE_INCLUDE": "no-such-group",
    "CONFORMANCE_HEADER": "NoColon", "CONFORMANCE_CA_BUNDLE": "/nowhere.pem", "CONFORMANCE_RUN_ID": "a b",
    "CONFORMANCE_KNOWN_DEVIATIONS": "/nowhere.yaml", "CONFORMANCE_MAX_DURATION": "never",
    "CONFORMANCE_INSECURE": "maybe",
}  # fmt: skip


def lines() -> Iterator[str]:
    """Every wrong command line, with places for files and URLs."""
    yield from WHOLE
    for command, base in BASES.items():
        yield f"{base} --nonsense"
        yield f"{base} --profil segment"
        yield f"{base} one-more two-more"
        yield from (f"{base} {rest}" for rest in FURTHER.get(command, ()))
    for name, values in WRONG_VALUES.items():
        base = RUN.removesuffix(" --write-key k") if name == "write-key-file" else RUN
        yield from (f"{base} --{name} {value}" for value in values)
        yield f"{RUN} --{name}"
        yield f"config{base[3:].replace(' {url}', '')} --{name} {values[0]}"
        if name not in {"select", "deselect", "repeat", "known-deviations"}:
            yield f"fuzz {base[4:]} --{name} {values[0]}"
    for url in URLS:
        yield f"run {url} --profile segmentstream --write-key k"
    yield from (f"config {url}" for url in URLS if url not in PUBLIC_URLS)
    yield from (f"probe {url} --write-key k" for url in URLS[:4])
    yield from (f"diff {{url}} {url} --profile segmentstream --write-key k" for url in URLS[:4])


LINES = list(dict.fromkeys(lines()))


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    """A target that counts its connections."""
    with scripted_server(lambda peer: peer.reset()) as target:
        yield target


@pytest.fixture(scope="module")
def places(server: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What stands in the places of a command line."""
    directory = tmp_path_factory.mktemp("files")
    texts = {
        "text": "no YAML: [and: no report\n",
        "empty": "",
        "json": "{}",
        "todo": 'deviations:\n  - check: auth.key.unknown\n    reason: "TODO: why this is accepted for now"\n',
    }
    for name, text in texts.items():
        (directory / name).write_text(text, "utf-8")
    files = {name: str(directory / name) for name in (*texts, "missing", "new")}
    return {**files, "url": server.url, "dir": str(directory), "id": "0123456789ab"}


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings, keys or findings of the machine count."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.startswith("CONFORMANCE_")]:
        monkeypatch.delenv(name)


def start(arguments: list[str], server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> str:
    """Starts the command in this process; it must refuse. Returns the message."""
    connections = server.connections
    code = main(arguments)
    out, err = capsys.readouterr()
    assert code in {2, 3}, (code, out, err)
    assert out == ""
    assert err.startswith("conformance: ")
    assert "fault of the suite" not in err
    assert len(err) < 700, err
    assert len(err.splitlines()) == 1, err
    assert server.connections == connections
    return err


@pytest.mark.parametrize("line", LINES)
def test_a_wrong_command_line(
    line: str, server: ScriptedServer, places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, exit code 2 or 3, no request."""
    start(shlex.split(line.encode().decode("unicode_escape").format(**places)), server, capsys)


@pytest.mark.parametrize("case", SETTINGS_FILES)
@pytest.mark.parametrize("file", ["conformance.toml", "pyproject.toml"])
def test_a_wrong_settings_file(
    file: str, case: str, server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence names the file, except for what is wrong only together with others."""
    header = "[tool.conformance]\n" if file == "pyproject.toml" and case != "a table" else ""
    text = SETTINGS_FILES[case].replace("[gate]", "[tool.conformance.gate]" if file == "pyproject.toml" else "[gate]")
    (tmp_path / file).write_text(header + text, "utf-8")
    profile = [] if case == "no profile" else ["--profile", "segmentstream"]
    start(["run", server.url, "--write-key", "k", *profile], server, capsys)


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_a_wrong_environment(
    name: str, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A variable counts like an option."""
    monkeypatch.setenv(name, ENVIRONMENT[name])
    start(["run", server.url, "--write-key", "k", "--profile", "segmentstream"], server, capsys)


def test_there_are_enough() -> None:
    """The table is long."""
    assert len(LINES) + 2 * len(SETTINGS_FILES) + len(ENVIRONMENT) > 200


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run {url} --selct auth", "unrecognized arguments: --selct; did you mean '--select'?; see `conformance run -"),
        ("run {url} --prof segment", "unrecognized arguments: --prof; did you mean '--profile'"),
        ("fuzz {url} --repeat 2", "unrecognized arguments: --repeat"),
        ("run {url} --write-kye=k-1", "unrecognized arguments: --write-kye; did you mean '--write-key'"),
        ("profiles k-1 k-2", "conformance: too many arguments: 2; see `conformance profiles --help`"),
        ("run --known-deviations {todo} --profile segmentstream", "reason: this is a draft; say why"),
    ],
)
def test_what_is_wrong_is_named(
    line: str, words: str, server: ScriptedServer, places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the nearest word; never with a value, which may be the key."""
    message = start(shlex.split(line.format(**places)), server, capsys)
    assert words in message
    assert "k-1" not in message


_MEASURED = """
import sys
from conformance.cli import main
code = main(sys.argv[1:])
status = open("/proc/self/status", encoding="ascii").read()
print(status.partition("VmHWM:")[2].split()[0])
sys.exit(code)
"""
"""The largest size of the process itself: what `getrusage` says includes that of its parent at the start."""
_MIB = 1024


@pytest.mark.parametrize(
    "line",
    [
        "",
        "run {url} --profile segmentstream --write-key k --selct auth",
        "run {url} --profile segment --write-key k --select accept.nothing",
        "report /dev/zero",
        "run {url} --profile /dev/zero --write-key k",
    ],
)
def test_a_wrong_start_is_cheap(line: str, server: ScriptedServer, places: dict[str, str]) -> None:
    """A process of its own needs less than 150 MiB, and prints no traceback."""
    arguments = shlex.split(line.format(**places))
    completed = subprocess.run(
        [sys.executable, "-c", _MEASURED, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert completed.returncode == 2
    assert len(completed.stderr.splitlines()) == 1
    assert int(completed.stdout) < 150 * _MIB
    assert server.connections == 0


@pytest.mark.parametrize("place", ["x" * 5_000, "circle/report", "circle"], ids=["long", "in a circle", "a circle"])
def test_a_report_that_no_file_can_hold(
    place: str,
    server: ScriptedServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Names that are too long, and links that lead in a circle, are the user's."""
    (tmp_path / "circle").symlink_to("circle")
    monkeypatch.chdir(tmp_path)
    start(["run", server.url, "--write-key", "k", "--profile", "segmentstream", "--json", place], server, capsys)
