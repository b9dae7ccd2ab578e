"""The locustfile of loads, for Locust's master and workers: `locust -f FILE --master` and `--worker`.

The environment names the directory of a prepared load: CONFORMANCE_LOAD_DIRECTORY. Each user of Locust's is one client.
In a cluster of the user's own, CONFORMANCE_LOAD_RATE is the rate of each (1 a second), and CONFORMANCE_LOAD_WORKERS how
many workers share the highest rate that was named.
"""

from __future__ import annotations

import os
import resource
import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from locust import User, constant, events, task

from conformance.loadtest.items import Client, Item
from conformance.loadtest.sender import Sender

if TYPE_CHECKING:
    from locust.env import Environment

DIRECTORY = Path(os.environ.get("CONFORMANCE_LOAD_DIRECTORY", "."))
"""The directory that `conformance load --prepare` has made."""


class _BrokenPromise(Exception):
    """A broken promise, for Locust's statistics."""


class _Worker:
    """The sender of this process, once the first user starts."""

    sender: Sender | None = None


def _sender(environment: Environment) -> Sender:
    if _Worker.sender is None:

        def report(item: Item, latency_ms: float, size: int, failure: str) -> None:
            environment.events.request.fire(  # type: ignore[no-untyped-call]
                request_type=item.method, name=item.name, response_time=latency_ms, response_length=size,
                exception=_BrokenPromise(failure) if failure else None, context={}, start_time=time.time(),
                url=item.path,
            )  # fmt: skip

        sender = _Worker.sender = Sender(DIRECTORY, secrets.token_hex(4), report)
        if "CONFORMANCE_LOAD_PARENT" not in os.environ:  # a cluster of the user's own: Locust's users are the rate
            sender.own_rate = float(os.environ.get("CONFORMANCE_LOAD_RATE", "1"))
            sender.own_most /= float(os.environ.get("CONFORMANCE_LOAD_WORKERS", "1"))
        gevent.spawn(_run, environment, _Worker.sender)
    return _Worker.sender


def _run(environment: Environment, sender: Sender) -> None:
    sender.run()
    if environment.runner is not None:
        environment.runner.quit()


class SdkClient(User):
    """One client of the target; the worker's sender sends for it, so the task only waits."""

    wait_time = constant(1)

    def on_start(self) -> None:
        """Adds a client."""
        self.sdk_client = Client()
        sender = _sender(self.environment)
        sender.is_paused = False
        sender.clients.append(self.sdk_client)

    def on_stop(self) -> None:
        """Takes the client away, where users are given to another worker."""
        clients: list[Any] = _sender(self.environment).clients
        if self.sdk_client in clients:
            clients.remove(self.sdk_client)

    @task
    def wait(self) -> None:
        """Does nothing."""


@events.test_stopping.add_listener  # type: ignore[untyped-decorator]
def _drain(**_details: Any) -> None:  # noqa: ANN401 - Locust's
    """Waits for answers that are still due, so that the worker's last figures have all that was sent."""
    if _Worker.sender is not None:
        _Worker.sender.is_paused = True
        _Worker.sender.drain()


@events.init.add_listener  # type: ignore[untyped-decorator]
def _prepare(**_details: Any) -> None:  # noqa: ANN401 - Locust's
    """Allows as many sockets as the system does, and ends with the command that started this process."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    parent = os.environ.get("CONFORMANCE_LOAD_PARENT")
    if parent:
        threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        gevent.sleep(0.5)
    os._exit(1)
