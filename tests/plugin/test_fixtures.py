"""Targets that a user's fixtures give: a URL, a command, an ASGI application."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.pytest_sessions import WITHOUT_REORDERING, run_pytest, verdicts, write_project
from tests.targets.application import Application
from tests.targets.behaviour import STANDARD as USUAL
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY, Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROFILE = "segmentstream"
CHECKS = ("--conformance-profile", PROFILE, "-q", "-k", "auth.key or own", *WITHOUT_REORDERING)
OWN_TEST = "def test_own():\n    assert True\n"

CONFTEST_HEAD = """
import os, sys
import pytest
from conformance import Target

@pytest.fixture(scope="session")
"""
BY_URL = CONFTEST_HEAD + "def conformance_target():\n    return os.environ['URL']\n"
BY_TARGET = CONFTEST_HEAD + f"def conformance_target():\n    return Target(url=os.environ['URL'], write_key={KEY!r})\n"
BY_COMMAND = (
    CONFTEST_HEAD
    + f"""def conformance_target(conformance_serve_command):
    command = [sys.executable, "-m", "conformance", "serve", "--profile", "{PROFILE}", "--port", "{{port}}"]
    return conformance_serve_command(command, env={{"CONFORMANCE_WRITE_KEY": {KEY!r}}}, write_key={KEY!r})
"""
)
BY_ASGI = (
    CONFTEST_HEAD
    + f"""def conformance_target(conformance_serve_asgi):
    from conformance.contract import Contract
    from conformance.profile import load
    from conformance.refserver.responder import Responder
    from conformance.refserver.application import create_application

    answer = create_application(Responder(Contract(load("{PROFILE}")), {KEY!r}))

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            assert (await receive())["type"] == "lifespan.startup"
            await send({{"type": "lifespan.startup.complete"}})
            assert (await receive())["type"] == "lifespan.shutdown"
            with open("shut-down", "w") as file:
                file.write("yes")
            await send({{"type": "lifespan.shutdown.complete"}})
            return
        await answer({{"state": {{}}, **scope}}, receive, send)

    return conformance_serve_asgi(app, write_key={KEY!r})
"""
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a correct server."""
    with serve(Application(DIALECTS[PROFILE], Options()), USUAL) as address:
        yield address


def passed_count(stdout: str) -> int:
    """How many tests passed."""
    return int(re.findall(r"(\d+) passed", stdout)[-1])


CONFTESTS = {"a URL": BY_URL, "a target": BY_TARGET, "a command": BY_COMMAND, "an application": BY_ASGI}


@pytest.mark.parametrize("way", CONFTESTS)
@pytest.mark.parametrize("place", [".", "tests"])
def test_a_fixture_says_what_is_judged(way: str, place: str, url: str, tmp_path: Path) -> None:
    """Checks come along with a project's tests, and judge what its fixture gives, wherever it is defined."""
    write_project(tmp_path, {f"{place}/conftest.py": CONFTESTS[way], "tests/test_own.py": OWN_TEST})
    key = KEY if way == "a URL" else ""
    completed = run_pytest(tmp_path, *CHECKS, "--conformance-json", "a.json", URL=url, CONFORMANCE_WRITE_KEY=key)
    assert completed.returncode == 0, completed.stdout
    assert "conforms, by the profile" in completed.stdout
    check_verdicts = verdicts(tmp_path / "a.json")
    assert check_verdicts["auth.key.unknown[POST /track]"] == "must pass"
    assert (
        passed_count(completed.stdout)
        == sum(item.endswith(("pass", "observed")) for item in check_verdicts.values()) + 1
    )
    assert (tmp_path / "shut-down").exists() is (way == "an application")


@pytest.mark.parametrize("settings", ["[pytest]\ntestpaths = tests/api\n", "[pytest]\ntestpaths = tests\n", ""])
def test_wherever_tests_are(settings: str, url: str, tmp_path: Path) -> None:
    """The fixture is found above the tests that are run, and beside them."""
    files = {
        "tests/conftest.py": BY_TARGET,
        "tests/api/test_own.py": OWN_TEST,
        "pytest.ini": settings or "[pytest]\n",
    }
    completed = run_pytest(write_project(tmp_path, files), *CHECKS, URL=url)
    assert completed.returncode == 0, completed.stdout
    assert passed_count(completed.stdout) > 4
    assert len(re.findall("conforms", completed.stdout)) == 1


def test_who_names_files_gets_those(url: str, tmp_path: Path) -> None:
    """With a file on the command line no check comes along, unless it is named too."""
    write_project(tmp_path, {"conftest.py": BY_TARGET, "own/test_own.py": OWN_TEST})
    alone = run_pytest(tmp_path, "own/test_own.py", *CHECKS, URL=url)
    assert (alone.returncode, passed_count(alone.stdout)) == (0, 1)
    both = run_pytest(tmp_path, "own", "--pyargs", "conformance.cases", *CHECKS, URL=url)
    assert both.returncode == 0
    assert passed_count(both.stdout) > 4


def test_node_ids_are_the_same_as_with_a_url(url: str, tmp_path: Path) -> None:
    """A fixture changes no node id, and is not made for who only looks."""
    write_project(tmp_path, {"conftest.py": CONFTEST_HEAD + "def conformance_target():\n    raise SystemExit(7)\n"})
    looking = ("--conformance-profile", PROFILE, "--collect-only", "-q", *WITHOUT_REORDERING)
    ours = run_pytest(tmp_path, *looking)
    theirs = run_pytest(tmp_path, *looking, "--conformance-url", url, CONFORMANCE_WRITE_KEY=KEY)
    named = run_pytest(tmp_path, *looking, "--pyargs", "conformance.cases")
    ids = [
        sorted(line for line in completed.stdout.splitlines() if "::" in line) for completed in (ours, theirs, named)
    ]
    assert len(ids[0]) > 60
    assert ids[0] == ids[1] == ids[2]


def test_an_address_on_the_command_line_wins(url: str, tmp_path: Path) -> None:
    """With --conformance-url the fixture is not made."""
    write_project(tmp_path, {"conftest.py": CONFTEST_HEAD + "def conformance_target():\n    raise SystemExit(7)\n"})
    completed = run_pytest(tmp_path, *CHECKS, "--conformance-url", url, CONFORMANCE_WRITE_KEY=KEY)
    assert completed.returncode == 0, completed.stdout
    assert f"{url}: conforms" in completed.stdout


NOTHING_TO_JUDGE = {
    "no fixture": ("", (), 4, "nothing to judge: pass --conformance-url URL, or define the session fixture"),
    "no fixture for what is named": ("", ("--pyargs", "conformance.cases"), 4, "nothing to judge"),
    "no target": (CONFTEST_HEAD + "def conformance_target():\n    return 7\n", (), 4, "gave a int: expected a URL"),
    "no URL": (
        CONFTEST_HEAD + "def conformance_target():\n    return Target(url='nonsense', write_key='k')\n",
        (), 4, "'nonsense' is not a base URL",
    ),
    "no key": (
        CONFTEST_HEAD + "def conformance_target():\n    return 'http://127.0.0.1:1'\n", (), 4, "a write key is needed",
    ),
    "nobody there": (
        CONFTEST_HEAD + "def conformance_target():\n    return Target(url='http://127.0.0.1:1', write_key='k')\n",
        (), 6, "http://127.0.0.1:1 can't be reached",
    ),
    "a command that fails": (
        CONFTEST_HEAD + "def conformance_target(conformance_serve_command):\n"
        "    program = 'print(\"\\x1b[2J no such port\"); exit(9)'\n"
        "    return conformance_serve_command([sys.executable, '-c', program])\n",
        (), 6, "ended with 9; it printed:\n\\x1b[2J no such port",
    ),
    "no such command": (
        CONFTEST_HEAD + "def conformance_target(conformance_serve_command):\n"
        "    return conformance_serve_command(['./no-such-server'])\n",
        (), 6, "./no-such-server can't be started: No such file or directory",
    ),
    "a command that never listens": (
        CONFTEST_HEAD + "def conformance_target(conformance_serve_command):\n"
        "    program = 'import time; time.sleep(60)'\n"
        "    return conformance_serve_command([sys.executable, '-c', program], timeout_s=0.3)\n",
        (), 6, "after 0.3 s; it printed nothing",
    ),
    "an application that does not start": (
        CONFTEST_HEAD + "def conformance_target(conformance_serve_asgi):\n"
        "    async def app(scope, receive, send):\n"
        "        await receive()\n"
        "        await send({'type': 'lifespan.startup.failed', 'message': 'no database'})\n"
        "    return conformance_serve_asgi(app, write_key='k')\n",
        (), 6, "the application under test did not start",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("conftest", "arguments", "code", "words"), NOTHING_TO_JUDGE.values(), ids=NOTHING_TO_JUDGE)
def test_nothing_to_judge(conftest: str, arguments: tuple[str, ...], code: int, words: str, tmp_path: Path) -> None:
    """Whatever keeps the checks from judging ends the session once, with the reason, and never with 0."""
    write_project(tmp_path, {"conftest.py": conftest, "test_own.py": OWN_TEST})
    completed = run_pytest(tmp_path, *arguments, *CHECKS, CONFORMANCE_WRITE_KEY="")
    output = completed.stdout + completed.stderr
    assert (completed.returncode, output.count(words)) == (code, 1), output
    assert "\x1b[2J" not in output


PARENT_PROGRAM = f"""
import subprocess, sys
from conformance.cli import main

child = "import socket, time; s = socket.create_server(('127.0.0.1', 0));"
child += "print(s.getsockname()[1], flush=True); time.sleep(600)"
with open("child", "w") as file:
    subprocess.Popen([sys.executable, "-c", child], stdout=file)
main(["serve", "--profile", "{PROFILE}", "--port", sys.argv[1]])
"""
BY_PARENT = (
    CONFTEST_HEAD
    + f"""def conformance_target(conformance_serve_command):
    command = [sys.executable, "parent.py", "{{port}}"]
    return conformance_serve_command(command, env={{"CONFORMANCE_WRITE_KEY": {KEY!r}}}, write_key={KEY!r})
"""
)


def test_a_server_goes_with_all_that_it_started(tmp_path: Path) -> None:
    """The command's own children end with the session."""
    completed = run_pytest(write_project(tmp_path, {"conftest.py": BY_PARENT, "parent.py": PARENT_PROGRAM}), *CHECKS)
    assert completed.returncode == 0, completed.stdout
    port = int((tmp_path / "child").read_text("utf-8"))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_the_key_of_a_target_is_not_shown(url: str, tmp_path: Path) -> None:
    """A test that fails with the target in its hands prints no key."""
    own = "def test_own(conformance_target):\n    assert conformance_target is None\n"
    completed = run_pytest(
        write_project(tmp_path, {"conftest.py": BY_TARGET, "test_own.py": own}), *CHECKS, "-l", URL=url
    )
    assert completed.returncode == 1
    assert url in completed.stdout
    assert KEY not in completed.stdout.replace(BY_TARGET.splitlines()[-1], "")


def test_fixtures_serve_without_a_profile(tmp_path: Path) -> None:
    """A test of one's own may use the server that the checks judge."""
    own = "def test_own(conformance_target):\n    assert conformance_target.url.startswith('http://127.0.0.1:')\n"
    write_project(tmp_path, {"conftest.py": BY_COMMAND, "test_own.py": own})
    completed = run_pytest(tmp_path, "-q", *WITHOUT_REORDERING)
    assert (completed.returncode, passed_count(completed.stdout)) == (0, 1), completed.stdout
