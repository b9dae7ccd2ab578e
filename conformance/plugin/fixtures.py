"""Fixtures that start a server of the user's and stop it when the session ends."""

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
    in `url` (by default `http://127.0.0.1:{port}`) becomes a free port. Pass secrets in `env`: command lines
    are visible to other users. If nothing listens after `timeout_s` seconds (30), or the command ends,
    InconclusiveError is raised with its output. At the end of the session the server and all processes that
    it started are stopped.
    """
    from conformance.plugin.server_process import run_server
    from conformance.plugin.target import Target

    with ExitStack() as stack:

        def serve(
            command: Sequence[str | PathLike[str]],
            *,
            write_key: str | None = None,
            bearer: str | None = None,
            **options: Any,  # noqa: ANN401 - the options of run_server
        ) -> Target:
            url = stack.enter_context(run_server(command, **options))
            return Target(url=url, write_key=write_key, bearer=bearer)

        yield serve


@pytest.fixture(scope="session")
def conformance_serve_asgi() -> Iterator[Callable[..., Target]]:
    """Gives `serve(app, *, write_key, bearer)`, which serves an ASGI application in a thread.

    It returns the application's target. The application is served on a free port of the loopback interface,
    with lifespan events, until the session ends. InconclusiveError is raised if it does not start.
    """
    from conformance.plugin.target import Target
    from conformance.refserver.threaded_server import ThreadedServer

    with ExitStack() as stack:

        def serve(app: object, *, write_key: str | None = None, bearer: str | None = None) -> Target:
            url = stack.enter_context(ThreadedServer.for_app(app)).url
            return Target(url=url, write_key=write_key, bearer=bearer)

        yield serve
