"""Sends the traffic of one worker: each request when it is due, over connections that clients keep.

A load is open: what is due does not wait for earlier answers, and latency counts from when a request was due.
"""

from __future__ import annotations

import heapq
import json
import math
import os
import socket as plain_socket
import time
from typing import TYPE_CHECKING, Any

import gevent
from gevent import socket, ssl

from conformance.loadtest.answers import Answer, NoAnswer, read_answer
from conformance.loadtest.control import SILENCE_S, Budget, Control, Order
from conformance.loadtest.items import JOURNEY, Client, Item, Picker
from conformance.loadtest.journal import DROPPED, LIMITED, JournalWriter
from conformance.loadtest.judge import Judge
from conformance.loadtest.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAX_IN_FLIGHT, MAX_ATTEMPTS, MAX_WAIT_S = 2_000, 3, 30.0
_TICK_S, _FRESH_S = 0.02, 0.3


class Sender:
    """All that one worker sends. `report` gets each outcome for Locust's statistics."""

    def __init__(self, directory: Path, worker: str, report: Callable[[Item, float, int, str], None]) -> None:
        data = json.loads((directory / "traffic.json").read_text("utf-8"))  # our own, from the same run
        self._target = data["target"]
        self._tls = _tls(data["target"])
        self.items = [Item(number, item) for number, item in enumerate(data["items"])]
        self._picker = Picker(self.items)
        identifies = [item for item in self.items if item.kind == 0 and item.type == "identify" and item.weight]
        self._identify = Picker(identifies) if identifies else None
        self.clients: list[Client] = []
        self._journal = JournalWriter(directory, worker)
        self._failures = (directory / f"failures-{worker}.jsonl").open("a", buffering=1, encoding="utf-8")
        self._names: list[str] = []
        self.judge = Judge(data, self._note_failure)
        self._control, self._budget = Control(directory), Budget(directory) if data["has_budget"] else None
        self._report = report
        self._stem = b"conformance-%s-%s-%s-" % (data["run"].encode(), worker[:4].encode(), worker[4:8].encode())
        self._retries: list[tuple[float, int, Item, int]] = []
        self._may_retry, self._deadline_s = data["retry"], data["deadline_s"]
        self.in_flight, self._connections, self._is_over, self.is_paused = 0, 0, False, False
        self.own_rate: float | None = None
        self.own_most = float(data["max_rate"] or 0.0) or float("inf")

    def _orders(self, now: float) -> tuple[int, float, float, float, int, int]:
        """Whether to send, the rate and the highest rate of all, the phase, the clients, and how many at once."""
        if self.own_rate is not None:
            count = len(self.clients)
            return Order.SEND, min(self.own_rate * count, self.own_most), self.own_most, 1.0, max(1, count), 1
        alive, rate, max_rate, epoch, users, together = self._control.read()
        order = Order.END if now - alive > SILENCE_S else self._control.current_order()
        return order, rate, max_rate, epoch, users, together

    def run(self) -> None:
        """Sends until the command says that it is over, or is gone."""
        pace = Pace()
        while not self._is_over:
            now = time.time()
            order, rate, max_rate, epoch, users, together = self._orders(now)
            if order == Order.END:
                break
            part = len(self.clients) / users if users else 0.0
            if order != Order.SEND or rate * part <= 0 or self.is_paused:
                pace.stop()
                gevent.sleep(_TICK_S)
                continue
            pace.set_rate(now, rate * part, (max_rate or float("inf")) * part, epoch)
            for _ in range(pace.together(now, math.ceil(together * part) if together > 1 else 0)):
                self._send_next(pace.take(now, is_now=True))
            if (wait_s := pace.wait(now)) > 0:
                gevent.sleep(min(wait_s, _TICK_S))
            elif self.in_flight >= MAX_IN_FLIGHT:
                pace.hold()
                gevent.sleep(0.001)
            else:
                self._send_next(pace.take(now))
                gevent.sleep(0)
        self.drain()

    def drain(self) -> None:
        """Waits until all answers have come, for a bounded time."""
        end = time.time() + min(2.0, self._deadline_s)
        while self.in_flight and time.time() < end:
            gevent.sleep(0.01)

    def _send_next(self, due: float) -> None:
        client = self.clients[self._journal.count % len(self.clients)]
        attempt = 0
        if self._retries and self._retries[0][0] <= time.time():
            _, _, item, attempt = heapq.heappop(self._retries)
        else:
            is_new_user = self._identify is not None and client.calls % JOURNEY == 0
            item = (self._identify if self._identify is not None and is_new_user else self._picker).next()
        if self._budget is not None and not self._budget.take(1, item.events, len(item.plain_head) + len(item.body)):
            self._is_over = True
            return
        self.in_flight += 1
        gevent.spawn(self._exchange, client, item, due, attempt)

    def _exchange(self, client: Client, item: Item, due: float, attempt: int) -> None:
        user, _ = client.next_user()
        number = self._journal.announce(item.kind, item.number, item.events, attempt, due)
        request = item.render(self._stem, number, user)
        sent, connection_number, status, size, answer = time.time(), 0, 0, 0, None
        is_kept, idle_s, connection = False, 0.0, None
        try:
            if client.idle:
                connection, connection_number, used = client.idle.pop()
                is_kept, idle_s = True, sent - used
            else:
                connection, connection_number = self._connect()
            connection.sendall(request)
            self._journal.note_sent(number, sent - due, connection_number)
            answer = read_answer(connection)
            status, size = answer.status, len(answer.body)
            own = self._stem + b"0000-%012x" % number if item.ids else None
            verdict = self.judge.judge(item.rule, answer, own)
            if answer.stays_open:
                client.idle.append((connection, connection_number, time.time()))
            else:
                connection.close()
        except (OSError, NoAnswer, gevent.Timeout) as error:
            if connection is not None:
                connection.close()
            verdict = self._judge_silence(error, idle_s if is_kept else None)
        finally:
            self.in_flight -= 1
        now = time.time()
        self._journal.note_answer(
            number, verdict, status, took_s=now - sent, wait_s=sent - due, connection=connection_number
        )
        failure = "" if verdict in {0, LIMITED, DROPPED} else self._names[verdict - 1]
        self._report(item, (now - due) * 1000, size, failure)
        self._retry(item, attempt, verdict, status, answer)

    def _retry(self, item: Item, attempt: int, verdict: int, status: int, answer: Answer | None) -> None:
        """Plans to send a request again, as the SDK does after such an answer."""
        if verdict == DROPPED:
            heapq.heappush(self._retries, (time.time(), self._journal.count, item, attempt))
        elif self._may_retry and item.kind == 0 and attempt < MAX_ATTEMPTS and (not status or status in item.retry):
            due = time.time() + _retry_after(answer, attempt)
            heapq.heappush(self._retries, (due, self._journal.count, item, attempt + 1))

    def _connect(self) -> tuple[Any, int]:
        last: OSError = OSError("the host has no address")
        for address in self._target["addresses"]:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.settimeout(self._deadline_s)
            try:
                connection.connect((address, self._target["port"]))
                connection.setsockopt(plain_socket.IPPROTO_TCP, plain_socket.TCP_NODELAY, 1)
                self._connections += 1
                if self._tls is not None:
                    return self._tls.wrap_socket(connection, server_hostname=self._target["host"]), self._connections
            except OSError as error:
                connection.close()
                last = error
            else:
                return connection, self._connections
        raise last

    def _judge_silence(self, error: BaseException, idle_s: float | None) -> int:
        """The verdict on a request without an answer; `idle_s` is how long its connection was idle, if it was kept."""
        is_closed = isinstance(error, ConnectionResetError | BrokenPipeError) or (
            isinstance(error, NoAnswer) and error.is_silent
        )
        if idle_s is not None and is_closed:
            if idle_s > _FRESH_S:
                return DROPPED
            return self.judge.fail(
                "robustness.connection.announced", "a busy kept connection was closed without an answer", "must"
            )
        if isinstance(error, OSError) and error.errno in {24, 99, 105}:
            return self.judge.fail("client", f"this machine has no more sockets: {os.strerror(error.errno)}", "client")
        if isinstance(error, TimeoutError | gevent.Timeout):
            return self.judge.fail("errors.status.payload", "no answer in time", "must")
        if isinstance(error, ConnectionRefusedError):
            return self.judge.fail("errors.status.payload", "connections are refused", "must")
        reason = (
            os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else "no reason is known"
        )
        cause = str(error) if isinstance(error, NoAnswer) else f"the connection failed: {reason}"
        return self.judge.fail("errors.status.payload", cause, "must")

    def _note_failure(self, failure: dict[str, Any]) -> int:
        self._failures.write(json.dumps(failure) + "\n")
        self._failures.flush()
        self._names.append(f"{failure['check']}: {failure['cause']}")
        return len(self._names)


def _retry_after(answer: Answer | None, attempt: int) -> float:
    value = (answer.header(b"retry-after") if answer else None) or b""
    return min(MAX_WAIT_S, float(value)) if value.isdigit() else min(MAX_WAIT_S, 0.5 * 2**attempt)


def _tls(target: dict[str, Any]) -> Any:  # noqa: ANN401 - gevent has no types for it
    """The TLS of a target, verified as the command says; None for plain HTTP."""
    if target["scheme"] != "https":
        return None
    context = ssl.create_default_context(cadata=target["authorities"])
    if target["insecure"]:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
