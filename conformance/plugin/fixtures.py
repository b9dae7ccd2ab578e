"""Fixtures for people who start their own server: functions that serve until the session ends."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from os import PathLike

    from conformance.plugin.target import Target


@pytest.fixture(scope="session")
def conformance_serve_command() -> Iterator[Callable[..., Target]]:
    """Gives `serve(command, *, write_key, bearer, url, env, cwd, timeout_s)`, which starts a server.

    It returns the server's target. `command` is a list of words; `{port}` in it, in the values of `env` and
    in `url` (by default `http://127.0.0.1:{port}`) becomes a free port. Hand secrets to the server in `env`:
    anybody can read a command line. If nothing listens after `timeout_s` seconds (30), or the command ends,
    CannotJudge is raised with what it printed. The session's end ends the server with all processes that it
    started.
    """
    from conformance.plugin.server_process import run_server
    from conformance.plugin.target import Target

    with ExitStack() as stack:

        def serve(
            command: Sequence[str | PathLike[str]],
            *,
            write_key: str | None = None,
            bearer: str | None = None,
            **options: Any,  # noqa: ANN401 - those of the process
        ) -> Target:
            url = stack.enter_context(run_server(command, **options))
            return Target(url=url, write_key=write_key, bearer=bearer)

        yield serve


@pytest.fixture(scope="session")
def conformance_serve_asgi() -> Iterator[Callable[..., Target]]:
    """Gives `serve(app, *, write_key, bearer)`, which serves an ASGI application in a thread.

    It returns the application's target. The application gets a free port of loopback, and its lifespan.
    CannotJudge is raised if it does not start. The session's end shuts it down.
    """
    from conformance.plugin.target import Target
    from conformance.refserver.threaded_server import ThreadedServer

    with ExitStack() as stack:

        def serve(app: object, *, write_key: str | None = None, bearer: str | None = None) -> Target:
            url = stack.enter_context(ThreadedServer.for_app(app)).url
            return Target(url=url, write_key=write_key, bearer=bearer)

        yield serve
