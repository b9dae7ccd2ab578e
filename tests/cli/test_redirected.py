"""Output that goes to a file or a log: for grep, in any locale, with signs of life."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from conformance.cli.progress import CountDisplay, Heartbeat, ProgressDisplay
from conformance.core.model import Area, Level, Outcome, Verdict
from tests.support.broken_servers import broken_server
from tests.targets.options import KEY

if TYPE_CHECKING:
    from pathlib import Path


def redirected(arguments: list[str], place: Path, **environment: str) -> tuple[int, bytes, bytes]:
    """The command with its output in files; exit code, standard output and standard error."""
    with (place / "out").open("wb") as out, (place / "err").open("wb") as err:
        code = subprocess.run(
            [sys.executable, "-m", "conformance", *arguments],
            stdout=out, stderr=err, timeout=60, check=False, env={**os.environ, **environment},
        ).returncode  # fmt: skip
    return code, (place / "out").read_bytes(), (place / "err").read_bytes()


def test_nothing_is_wrapped_or_padded(tmp_path: Path) -> None:
    """However wide the terminal is that the log may come from; the last line is one line."""
    with broken_server("unknown-key-accepted") as url:
        arguments = ["run", url, "--profile", "segmentstream", "--write-key", KEY, "--select", "auth.key.*"]
        code, out, err = redirected(arguments, tmp_path, COLUMNS="20")
    lines = out.decode().splitlines()
    assert code == 1
    assert b"\x1b" not in out + err
    assert not [line for line in lines if line != line.rstrip()]
    assert lines[-1].startswith("deviates at must: ")
    assert lines[-1].endswith(f"segmentstream at {url}")
    assert "area  pass  fail  untestable  error  observed  not-applicable" in lines


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_locale_ends_no_run(encoding: str, tmp_path: Path) -> None:
    """Characters that it lacks are shown as escapes; a report for programs is UTF-8."""
    arguments = ["run", "--profile", "segmentstream", "--select", "accept.event.minimal,auth.key.unknown"]
    code, out, err = redirected(arguments, tmp_path, PYTHONIOENCODING=encoding)
    assert (code, b"fault of the suite" in err) == (0, False)
    assert out.decode(encoding).splitlines()[-1].startswith("conforms at must: ")
    assert (b"\\xb7" in out) is (encoding == "ascii")
    code, out, _ = redirected([*arguments, "--html", "-"], tmp_path, PYTHONIOENCODING=encoding)
    assert code == 0
    assert out.decode("utf-8").endswith("</html>\n")


class Lines(io.StringIO):
    """A log that says when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        """Writes."""
        count = super().write(text)
        self.written.set()
        return count


def test_a_log_shows_what_is_happening_while_no_verdict_comes() -> None:
    """Each line names the profile, the numbers, and the areas that are at work."""
    log = Lines()
    with ProgressDisplay(Console(file=log, width=40), (), "acme", interval_s=0.01):
        assert log.written.wait(20)
    assert log.getvalue().startswith("acme: 0/0 checks, none broken so far\n")


def test_counting_is_shown_once_it_has_begun() -> None:
    """What has not begun prints nothing; a log gets a line at once, and then one from time to time."""
    log = io.StringIO()
    with CountDisplay(Console(file=log, width=20), "acme: generating requests, once", interval_s=0.001) as display:
        display.update(1, 5)
        assert log.getvalue() == ""
        display.start()
        while "5/5" not in log.getvalue():
            display.update(5, 5)
    assert log.getvalue().splitlines()[0] == "acme: generating requests, once"
    assert {*log.getvalue().splitlines()[1:]} <= {f"acme: generating requests, once: {done}/5" for done in (1, 5)}


def test_progress_counts_in_the_words_of_the_verdict() -> None:
    """Broken, untestable, not judged."""
    log = io.StringIO()
    with ProgressDisplay(Console(file=log, width=20), (), "acme") as progress:
        for outcome in (Outcome.FAIL, Outcome.UNTESTABLE, Outcome.ERROR, Outcome.PASS, Outcome.FAIL):
            progress.on_verdict(
                Verdict(id="auth.a.b", area=Area.AUTH, level=Level.MUST, title="A.", operation="", outcome=outcome)
            )
    assert log.getvalue() == "acme: 5/0 checks, 2 broken, 1 untestable, 1 not judged\n"


def test_a_terminal_and_a_quiet_run_get_no_lines() -> None:
    """The one has a bar, the other asked for none."""
    for console in (Console(file=Lines(), force_terminal=True), Console(file=Lines(), quiet=True)):
        with Heartbeat(console, lambda: "alive", interval_s=0.001):
            assert not [thread for thread in threading.enumerate() if thread.name == "progress"]
