"""The command: what it prints, what it writes, and what it exits with."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from conformance.cases import CHECKS
from conformance.cli import main
from conformance.core import resources
from tests.support.broken_servers import broken_server
from tests.targets.application import Application
from tests.targets.behaviour import STANDARD
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY, Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SMALL = ("--profile", "segmentstream", "--select", "accept.event.*")
NAMES = resources.profile_names()


def run_command(*arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    environment = {**os.environ, **({"CONFORMANCE_WRITE_KEY": key} if key else {})}
    return subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        capture_output=True, text=True, encoding="utf-8", timeout=60, check=False, env=environment,
    )  # fmt: skip


def read_request(connection: socket.socket) -> bytes:
    """One request, to the end of its body."""
    with connection.makefile("rb") as file:
        head = b""
        while (line := file.readline()).strip():
            head += line
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return head + b"\r\n" + file.read(int(length[1]) if length else 0)


@contextmanager
def answering_server(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A server that makes an answer of every request, and closes; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(answer(read_request(connection)))

        thread = threading.Thread(target=talk)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


# Results of a run


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_server_conforms(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a URL the reference server of the profile is judged, and conforms."""
    assert main(["run", "--profile", name, "--select", "accept.event.*,auth.key.unknown"]) == 0
    last_line = capsys.readouterr().out.splitlines()[-1]
    pattern = r"conforms at must: \d+ kept; 0 broken, 0 below the gate, 0 known; 0 not judged; .*; {} at http://127\.0\.0\.1:\d+"
    assert re.fullmatch(pattern.format(name), last_line)


def test_a_full_run() -> None:
    """A whole run in a process of its own ends with 0 and a summary of every area."""
    completed = run_command("run", "--profile", "segmentstream")
    assert completed.returncode == 0, completed.stderr
    assert all(f"\n{area} " in completed.stdout for area in ("auth", "json", "size", "errors"))
    (planned,) = re.findall(r"plan for segmentstream: ([\d,]+) checks \(", completed.stderr)
    assert f"segmentstream: {planned}/{planned} checks, none broken so far" in completed.stderr
    last_line = completed.stdout.splitlines()[-1]
    assert last_line.startswith("conforms at must: ")
    words = r"([\d,]+) (?:kept|broken|below the gate|known|not judged|observed|not applicable)"
    assert sum(int(number.replace(",", "")) for number in re.findall(words, last_line)) == int(planned.replace(",", ""))


def test_a_deviating_server(capsys: pytest.CaptureFixture[str]) -> None:
    """A broken promise is shown with its source and a line to see it again; the exit code is 1."""
    with broken_server("unknown-key-accepted") as url:
        code = main(["run", url, "--profile", "segmentstream", "--write-key", KEY, "--select", "auth.key.*"])
    shown = capsys.readouterr().out
    assert code == 1
    for words in ("FAIL  auth.key.other-case  MUST", "POST /track", "expected 401", "section 'Errors'", "curl"):
        assert words in shown
    assert re.fullmatch(rf"deviates at must: .* [1-9] broken, .*; segmentstream at {url}", shown.splitlines()[-1])


@pytest.mark.parametrize(("gate", "code"), [("must", 0), ("should", 1), ("may", 1)])
def test_the_gate(gate: str, code: int) -> None:
    """A broken SHOULD counts at the gate should, not at must."""
    with broken_server("identity-unchecked") as url:
        exit_code = main(
            ["run", url, "--profile", "segmentstream", "--write-key", KEY, "--gate", gate, "--quiet",
             "--select", "payload,accept.event.minimal"]
        )  # fmt: skip
    assert exit_code == code


def test_quiet_leaves_out_what_is_fine(capsys: pytest.CaptureFixture[str]) -> None:
    """With --quiet a conforming run prints its verdict and nothing else on standard output."""
    assert main(["run", *SMALL, "--quiet"]) == 0
    assert len(capsys.readouterr().out.strip().splitlines()) == 1


def test_include_adds_routes(tmp_path: Path) -> None:
    """Optional routes are judged when asked for, at the level that they have."""
    file = tmp_path / "report.json"
    arguments = ["--profile", "rudderstack", "--include", "internal", "--select", "accept.event.minimal"]
    assert main(["run", *arguments, "--json", str(file)]) == 0
    levels = {item["operation"]: item["level"] for item in json.loads(file.read_text("utf-8"))["checks"]}
    assert levels["POST /v1/track"] == "must"
    assert levels["POST /internal/v1/retl"] == "may"


# Reports


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], ET.Element]:
    """The two reports of one run against a server with a fault."""
    place = tmp_path_factory.mktemp("reports")
    arguments = ["--profile", "segmentstream", "--write-key", KEY, "--quiet", "--gate", "should"]
    with broken_server("top-level-array-accepted") as url:
        files = ["--json", str(place / "a.json"), "--junit", str(place / "a.xml")]
        assert main(["run", url, *arguments, *files]) == 1
    document: dict[str, Any] = json.loads((place / "a.json").read_text("utf-8"))
    return document, ET.fromstring((place / "a.xml").read_text("utf-8"))  # noqa: S314 - our own report


def test_the_json_report_fits_its_schema(reports: tuple[dict[str, Any], ET.Element]) -> None:
    """The report fits specs/report.schema.json, sums up, and is sorted by id and operation."""
    document, _ = reports
    schema = json.loads((resources.specs_dir() / "report.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    checks = document["checks"]
    assert [(c["id"], c["operation"]) for c in checks] == sorted((c["id"], c["operation"]) for c in checks)
    assert sum(document["counts"].values()) == len(checks) >= len(CHECKS)
    assert document["verdict"] == "deviates"
    assert list(document)[-1] == "complete"


def test_the_report_tells_what_was_exchanged(reports: tuple[dict[str, Any], ET.Element]) -> None:
    """A failure has its exchanges, the control first; a pass has none."""
    checks = {item["id"]: item for item in reports[0]["checks"]}
    control, refused = checks["json.top-level.array"]["exchanges"]
    assert [item["response"]["status"] for item in (control, refused)] == [204, 204]
    assert refused["request"]["body"].startswith("[{")
    assert checks["json.top-level.string"]["exchanges"] == []
    assert checks["json.top-level.string"]["curl"] == ""


def test_the_junit_report_adds_up(reports: tuple[dict[str, Any], ET.Element]) -> None:
    """The JUnit report has the same verdicts, and each suite counts its own."""
    document, root = reports
    assert len(root.findall("testsuite/testcase")) == len(document["checks"])
    for suite in root:
        test_cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(test_cases))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(name) == str(len(suite.findall(f"testcase/{tag}")))
    failed = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed == [f"{c['id']}[{c['operation']}]" for c in document["checks"] if c["outcome"] == "fail"]


@pytest.mark.parametrize(("option", "read"), [("--json", json.loads), ("--junit", ET.fromstring)])
def test_a_report_on_standard_output(option: str, read: Callable[[str], object]) -> None:
    """With - a report is all that comes on standard output."""
    completed = run_command("run", *SMALL, option, "-")
    assert completed.returncode == 0
    assert completed.stdout[0] in "{<"
    read(completed.stdout)


# What can't be done


def printed_by(code: int, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command says as it refuses: one line on standard error, with an exit code."""
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    *progress, last = captured.err.splitlines()
    assert last.startswith("conformance: ")
    assert all(re.match(r"\w+: [\d,]+/[\d,]+ checks, |plan for ", line) for line in progress)
    assert captured.out == ""
    return last.removeprefix("conformance: ")


URL = "http://127.0.0.1:1"
SUFFICIENT_OPTIONS = (URL, "--profile", "segmentstream", "--write-key", "k")
WRONG = {
    "no command": ((), "the following arguments are required: COMMAND; see `conformance --help`"),
    "unknown command": (("rum",), "invalid choice: 'rum'"),
    "unknown option": (("run", "--porfile", "segment"), "unrecognized arguments: --porfile"),
    "option without its value": (("run", "--profile"), "argument --profile: expected one argument"),
    "no profile": (("run", URL), "a profile is needed: pass --profile NAME"),
    "unknown profile": (("run", "--profile", "segmnet"), "no such profile; did you mean 'segment'?"),
    "missing profile": (("run", "--profile", "./no.yaml"), "--profile ./no.yaml: no such file"),
    "no write key": (("run", *SUFFICIENT_OPTIONS[:3]), "set CONFORMANCE_WRITE_KEY, or pass --write-key KEY"),
    "URL without scheme": (("run", "localhost:80", *SUFFICIENT_OPTIONS[1:]), "write it like http://127.0.0.1:8080"),
    "URL of another scheme": (("run", "ftp://host", *SUFFICIENT_OPTIONS[1:]), "'ftp://host' is not a base URL"),
    "URL without host": (("run", "http://", *SUFFICIENT_OPTIONS[1:]), "'http://' is not a base URL"),
    "URL with a bad port": (("run", "http://h:99999", *SUFFICIENT_OPTIONS[1:]), "is not a URL: Port out of range"),
    "URL with a query": (("run", f"{URL}/?a=b", *SUFFICIENT_OPTIONS[1:]), "drop what follows the path"),
    "URL with a password": (("run", "http://a:b@h", *SUFFICIENT_OPTIONS[1:]), "hand in the write key with --write-key"),
    "no jobs": (("run", *SUFFICIENT_OPTIONS, "--jobs", "0"), "--jobs 0: expected a whole number from 1 to 256"),
    "half a job": (("run", *SUFFICIENT_OPTIONS, "--jobs", "1.5"), "--jobs 1.5: expected a whole number"),
    "no rate": (("run", *SUFFICIENT_OPTIONS, "--rate", "0"), "--rate 0: expected a number above 0"),
    "rate without bounds": (("run", *SUFFICIENT_OPTIONS, "--rate", "inf"), "--rate inf: expected a number above 0"),
    "no gate": (("run", *SUFFICIENT_OPTIONS, "--gate", "most"), "--gate most: expected must, should or may"),
    "no deadline": (("run", *SUFFICIENT_OPTIONS, "--deadline", "0"), "--deadline 0: expected a number of seconds"),
    "nothing selected": (("run", *SUFFICIENT_OPTIONS, "--select", "nix.*"), "no check matches 'nix.*'"),
    "unknown group": (("run", *SUFFICIENT_OPTIONS, "--include", "nix"), "has no such group; it has none"),
    "unknown group of a profile that has one": (
        ("spec", "--profile", "rudderstack", "--include", "nix"), "has no such group; it has internal"),
    "missing authorities": (
        ("run", "https://127.0.0.1:1", *SUFFICIENT_OPTIONS[1:], "--ca-bundle", "/no.pem"), "the file can't be read"),
    "header without a colon": (("run", *SUFFICIENT_OPTIONS, "--header", "nix"), "write it as 'Name: value'"),
    "two reports on standard output": (
        ("run", *SUFFICIENT_OPTIONS, "--json", "-", "--junit", "-"), "only one report can go to standard output"),
    "unknown check": (("explain", "auth.key.unknwon"), "did you mean 'auth.key.unknown'?"),
    "spec of nothing": (("spec",), "the following arguments are required: --profile"),
    "server on no port": (
        ("serve", "--profile", "segment", "--write-key", "k", "--port", "http"), "expected a number from 0"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), WRONG.values(), ids=WRONG)
def test_wrong_usage(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage is said in one sentence, and exits with 2."""
    assert words in printed_by(2, capsys, *arguments)


def test_wrong_usage_in_a_process() -> None:
    """The process says the same, and nothing else."""
    completed = run_command("run", "--profile", "segmnet")
    assert (completed.returncode, completed.stdout) == (2, "")
    assert completed.stderr == "conformance: --profile segmnet: no such profile; did you mean 'segment'?\n"


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "words"),
    [("127.0.0.1", "no connection to 127.0.0.1 port"), ("nothing.invalid", "does not resolve")],
)
def test_nobody_is_there(host: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A target that can't be reached is no deviation: the exit code is 3."""
    url = f"http://{host}:{free_port()}"
    shown = printed_by(3, capsys, "run", url, *SUFFICIENT_OPTIONS[1:])
    assert shown.startswith(f"{url} can't be reached: ")
    assert words in shown


ANSWERS = {
    "another protocol": (b"220 mail.example ESMTP\r\n\r\n", "does not speak HTTP"),
    "half a word": (b"220 mail.example ESMTP\r\n", "does it speak HTTP"),
    "no answer": (b"", "does not answer: the connection was closed without an answer"),
    "401": (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "the write key looks wrong; check --write-key"),
    "404": (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "the path looks wrong: nothing is at /track"),
    "301": (b"HTTP/1.1 301 No\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "it redirects to /x"),
    "500": (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "it fails on valid events"),
    "400": (b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n", "or it speaks another vendor's dialect"),
}


@pytest.mark.parametrize(("answer", "words"), ANSWERS.values(), ids=ANSWERS)
def test_nothing_can_be_judged(answer: bytes, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A target that takes nothing is not judged; what looks wrong is said, and the exit code is 3."""
    with answering_server(lambda _: answer) as url:
        assert words in printed_by(3, capsys, "run", url, *SUFFICIENT_OPTIONS[1:])


def test_a_wrong_key(capsys: pytest.CaptureFixture[str]) -> None:
    """A key that the target does not know is named as the likely reason."""
    with serve(Application(DIALECTS["segmentstream"], Options()), STANDARD) as url:
        shown = printed_by(3, capsys, "run", url, "--profile", "segmentstream", "--write-key", "not-the-key")
    assert "(401 'Invalid or missing writekey'): the write key looks wrong" in shown
    assert "not-the-key" not in shown


@pytest.mark.parametrize("option", ["--json", "--junit"])
def test_a_report_that_cannot_be_written(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run whose report can't be written does not end well."""
    shown = printed_by(3, capsys, "run", *SMALL, option, str(tmp_path / "no" / "report"))
    assert "the report can't be written: No such file or directory" in shown


def test_nothing_applies(capsys: pytest.CaptureFixture[str]) -> None:
    """A run in which no promise was judged ends with 3."""
    assert main(["run", "--profile", "segmentstream", "--select", "batch", "--quiet"]) == 3
    last_line = capsys.readouterr().out.splitlines()[-1]
    assert last_line.startswith(
        "unjudged at must: 0 kept; 0 broken, 0 below the gate, 0 known; not judged: nothing at MUST "
    )


# Secrets


CANARY = 'Canary"4f+9a~'


def echo(request: bytes) -> bytes:
    """An answer of success that says all of a request again, in every spelling, in its body and a header."""
    text = request.decode("utf-8", "replace")
    token = re.search(r"(?i)authorization: \w+ (\S+)", text)
    try:
        user = base64.b64decode(token[1] if token else "").decode()
    except ValueError:
        user = ""
    says = [
        user, quote(user, safe=""), quote_plus(user), json.dumps(user),
        *(base64.b64encode(b"x" * shift + user.encode()).decode() for shift in range(3)),
    ]  # fmt: skip
    body = "\n".join([*says, text]).encode()
    head = f"HTTP/1.1 200 OK\r\nX-Echo: {' '.join(says)}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def texts(value: object) -> Iterator[str]:
    """Every text inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in (*value, *value.values()):
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def leaked_forms(text: str) -> list[str]:
    """The spellings of the canary that a text holds."""
    cores = [base64.b64encode(b"x" * shift + CANARY.encode()).decode() for shift in range(3)]
    middles = [core[4 if shift else 0 : -4] for shift, core in enumerate(cores)]
    forms = [CANARY, quote(CANARY, safe=""), quote_plus(CANARY), json.dumps(CANARY)[1:-1], *middles]
    return [form for form in forms if form in text]


@pytest.mark.parametrize("profile", ["segmentstream", "metarouter"])
def test_the_write_key_comes_out_nowhere(profile: str, tmp_path: Path) -> None:
    """A target that says the key again, in whatever spelling, does not get it into any output or file."""
    with answering_server(echo) as url:
        completed = run_command(
            "run", url, "--profile", profile, "--select", "accept.*,auth,pixel,webhook",
            "--json", str(tmp_path / "a.json"), "--junit", str(tmp_path / "a.xml"), key=CANARY,
        )  # fmt: skip
    written = [(tmp_path / name).read_text("utf-8") for name in ("a.json", "a.xml")]
    assert completed.returncode == 1
    assert "$CONFORMANCE_WRITE_KEY" in written[0]
    inner = "\n".join(texts(json.loads(written[0])))
    assert "X-Echo" in inner
    assert [leaked_forms(text) for text in (completed.stdout, completed.stderr, *written, inner)] == [[]] * 5


# The other subcommands


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    """`list` prints every check with its title."""
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [check.id for check in CHECKS]
    assert all(line.endswith(".") for line in lines)


def test_list_of_a_profile(capsys: pytest.CaptureFixture[str]) -> None:
    """With a profile, `list` adds the level and the number of operations."""
    assert main(["list", "--profile", "metarouter"]) == 0
    shown = {line.split()[0]: line.split()[1:3] for line in capsys.readouterr().out.splitlines()}
    assert shown["pixel.event.minimal"] == ["must", "5"]
    assert shown["accept.credentials.bearer"] == ["-", "0"]


@pytest.mark.parametrize(
    ("words", "start"),
    [(["auth"], "auth."), (["auth.key.*,auth.scheme.*"], "auth."), (["size.*"], "size.")],
)
def test_list_takes_words(words: list[str], start: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Areas and globs, as --select does; each line has the level."""
    assert main(["list", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 0 < len(lines) < len(CHECKS)
    assert all(line.startswith(start) and line.split()[1] in {"must", "should", "may"} for line in lines)


def test_list_takes_levels(capsys: pytest.CaptureFixture[str]) -> None:
    """A level is that of the line."""
    assert main(["list", "may"]) == 0
    assert {line.split()[1] for line in capsys.readouterr().out.splitlines()} == {"may"}


def test_explain_takes_globs(capsys: pytest.CaptureFixture[str]) -> None:
    """Each check that matches."""
    assert main(["explain", "size.event.ov*", "--profile", "segmentstream"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "size.event.over" in shown
    assert "size.event.over-chunked" in shown


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    """`explain` says why a check matters, and what each vendor promises, with sources."""
    assert main(["explain", "size.event.over"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "An event over its limit is refused.",
        "segment: must, expects 400, limit 32,000 to 32,768 bytes, on POST /v1/identify",
        "rudderstack: must, expects 413, tolerates 400",
        "HTTP API, section 'Max Request Size': 64 KB a call",
    ):
        assert words in shown


@pytest.mark.parametrize("check", [check.id for check in CHECKS][::12])
def test_explain_speaks_of_every_profile(check: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every check can be explained, for every profile."""
    assert main(["explain", check]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n{name}: " in shown for name in NAMES)


def test_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    """`profiles` lists the vendors by name and title."""
    assert main(["profiles"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == NAMES


def test_spec(capsys: pytest.CaptureFixture[str]) -> None:
    """`spec` prints the vendor's OpenAPI document."""
    assert main(["spec", "--profile", "segmentstream"]) == 0
    assert list(json.loads(capsys.readouterr().out)["paths"]) == ["/track"]


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in ("run", "list", "serve"))])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Every command helps itself."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("usage: conformance")


def test_serve() -> None:
    """`serve` prints its address and answers there, with the key of the environment, until Ctrl-C ends it."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "conformance", "serve", "--profile", "rudderstack"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "CONFORMANCE_WRITE_KEY": KEY},
        # A parent that was started in the background ignores SIGINT, and so would its children.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads in the child
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            title, _, address = process.stdout.readline().strip().rpartition(" on http://")
            note, command = process.stdout.readline(), process.stdout.readline()
            connection = HTTPConnection(address, timeout=10)
            connection.request("POST", "/v1/track", body=b"{}")
            status = connection.getresponse().status
            connection.close()
            process.send_signal(signal.SIGINT)
            rest, error = process.communicate(timeout=15)
        finally:
            process.kill()
    assert (title, status) == ("RudderStack HTTP API", 401)
    assert (process.returncode, rest, error) == (130, "", "conformance: interrupted\n")
    assert note == "the write key is the one that you gave\n"
    assert command.startswith("curl ")
    assert "$CONFORMANCE_WRITE_KEY" in command
    assert KEY not in command


def test_serve_without_a_key() -> None:
    """It takes one that it prints, with a command that shows an answer; the command works."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONFORMANCE_")}
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "conformance", "serve", "--profile", "segmentstream"],
        stdout=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(3)]
            shell = subprocess.run(["sh", "-c", "".join(lines[1:])], capture_output=True, timeout=30, check=False)
        finally:
            process.kill()
    assert lines[1] == "export CONFORMANCE_WRITE_KEY=conformance-embedded-key\n"
    assert shell.stdout.startswith(b"HTTP/1.1 2"), shell.stderr
