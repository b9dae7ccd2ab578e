"""Starts a client with each script, beside a server that gives the script's answers."""

from __future__ import annotations

import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.core.errors import InconclusiveError, UsageError
from conformance.core.foreign_json import read_json
from conformance.core.model import Request
from conformance.sdk_runs.driving import WRITE_KEY
from conformance.sdk_runs.listener import listening
from conformance.sdk_runs.stubs import configuration_answer
from conformance.wire.forwarding import ForwardedAnswer, forward

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.clients.scripts import ClientScript
    from conformance.sdk_runs.listener import HeardRequest
    from conformance.wire import TargetAddress

PLACEHOLDER = "{}"
"""The word of a command that the script takes the place of."""
INPUT_OPTION = "--input"
"""The option by which clients read a script that do not read standard input."""
_FORWARD_TIMEOUT_S = 20.0
_PAGE = ForwardedAnswer(status=200, headers=(("Content-Type", "text/html"),), body=b"<html>a page</html>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A command that sends events; with `has_option` it reads its script from an option, not from standard input."""

    command: tuple[str, ...]
    has_option: bool = False
    timeout_s: float = 60.0

    def arguments(self, text: str) -> tuple[list[str], str]:
        """The words to start it with, and what it gets on standard input."""
        if PLACEHOLDER in self.command:
            return [text if word == PLACEHOLDER else word for word in self.command], ""
        if self.has_option:
            return [*self.command, INPUT_OPTION, text], ""
        return [*self.command], text


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRun:
    """What a client did with a script. `result` is what it printed, None if that is no JSON object.

    `code` is None if it had to be ended. `checks` are the reference server's answers to the requests, in their order.
    """

    script: ClientScript
    requests: tuple[HeardRequest, ...]
    checks: tuple[ForwardedAnswer, ...]
    result: dict[str, Any] | None
    code: int | None
    last_words: str = ""


def find_client(command: Sequence[str], script: ClientScript, reference: TargetAddress, timeout_s: float) -> Client:
    """The client of a command, and how it reads scripts, found out with a simple one.

    Raises UsageError if there is no such program, and InconclusiveError if it sends nothing.
    """
    if shutil.which(command[0]) is None:
        raise UsageError(f"{command[0]}: no such program")
    client = Client(command=tuple(command), timeout_s=timeout_s)
    first = run_script(client, script, reference)
    if first.requests or PLACEHOLDER in command:
        return client
    other = Client(command=tuple(command), has_option=True, timeout_s=timeout_s)
    if run_script(other, script, reference).requests:
        return other
    said = f": {first.last_words}" if first.last_words else ""
    raise InconclusiveError(f"the client sends nothing, with its script on standard input or by {INPUT_OPTION}{said}")


def run_scripts(
    client: Client, scripts: Sequence[ClientScript], reference: TargetAddress, jobs: int = 4
) -> list[ClientRun]:
    """What a client does with each script; some run at a time."""
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda script: run_script(client, script, reference), scripts))


def run_script(client: Client, script: ClientScript, reference: TargetAddress) -> ClientRun:
    """What a client does with a script; the reference server judges each request as it comes."""
    checks: dict[int, ForwardedAnswer] = {}
    counted: list[int] = []

    def answer(request: HeardRequest, number: int) -> ForwardedAnswer:
        given = configuration_answer(request)
        if given is not None or request.method != "POST":
            return given or _PAGE
        counted.append(number)
        place = len(counted) - 1
        checks[number] = forward(
            reference,
            Request(method=request.method, path=request.path, headers=request.headers, body=request.body),
            timeout_s=_FORWARD_TIMEOUT_S,
        )
        return script.answer(place)

    with listening(answer) as listener:
        arguments, text = client.arguments(script.script.to_json(listener.url, WRITE_KEY))
        code, out, err = _run(arguments, text, client.timeout_s)
        time.sleep(0.02)  # what was sent at the very end is heard, too
    posts = [(number, request) for number, request in enumerate(listener.requests) if number in checks]
    return ClientRun(
        script=script,
        requests=tuple(request for _, request in posts),
        checks=tuple(checks[number] for number, _ in posts),
        result=_result(out),
        code=code,
        last_words=(err.strip().splitlines() or [""])[-1][:200],
    )


def _run(arguments: list[str], text: str, timeout_s: float) -> tuple[int | None, str, str]:
    """The exit code, standard output and standard error of a process; no code if it had to be ended."""
    try:
        completed = subprocess.run(  # noqa: S603 - the command is the user's
            arguments, input=text, capture_output=True, text=True, timeout=timeout_s, check=False,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, "", ""
    except OSError as error:
        raise UsageError(f"{arguments[0]}: can't be started: {error.strerror or error}") from None
    return completed.returncode, completed.stdout, completed.stderr


def _result(out: str) -> dict[str, Any] | None:
    """What a client printed: a JSON object that is all of it, its last line, or from a line with a brace to the end."""
    lines = out.strip().splitlines()
    starts = [0, len(lines) - 1, *(number for number, line in enumerate(lines) if line.startswith("{"))]
    for start in starts:
        value = read_json("\n".join(lines[start:])) if lines else None
        if isinstance(value, dict):
            return value
    return None
