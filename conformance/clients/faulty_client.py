"""A small client with bugs that can be switched on: `python faulty_client.py [FAULT]`, with a script on standard input.

It imports nothing of the suite, and starts in a moment: the self-check runs it by its path, once for each fault.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import http.client
import json
import sys
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

FAULT = sys.argv[1] if len(sys.argv) > 1 else ""
MAX_BATCH_EVENTS, MAX_BATCH_BYTES = 100, 400_000
FINAL = {400, 401, 403, 404, 413, 422}
PAUSE_S = 0.15


def has(name: str) -> bool:
    """Whether a fault is switched on."""
    return name == FAULT


class Client:
    """Sends events in batches, each until it is accepted, refused for good, or tried too often."""

    def __init__(self, script: dict[str, Any]) -> None:
        self.address = urlsplit(script["apiHost"])
        self.key = script["writeKey"] if not has("wrong-key") else "another-key"
        config = script.get("config", {})
        self.flush_at = min(config.get("flushAt", 20), MAX_BATCH_EVENTS)
        self.retries = config.get("maxRetries", 3)
        self.queue: list[dict[str, Any]] = []
        self.error = ""

    def add(self, call: dict[str, Any]) -> None:
        """Takes a call, and sends a batch once there are enough."""
        event = {"messageId": str(uuid.uuid4()), "timestamp": now(), **call}
        if has("no-ids"):
            del event["messageId"]
        if has("same-ids"):
            event["messageId"] = "always-the-same"
        if has("own-ids-replaced"):
            event["messageId"] = str(uuid.uuid4())
        if has("fields-dropped"):
            event.pop("properties", None)
            event.pop("traits", None)
        if has("text-mangled"):
            event = json.loads(json.dumps(event, ensure_ascii=False).encode("ascii", "replace").decode())
        if has("wrong-time"):
            event["timestamp"] = "yesterday"
        if has("numbers-as-text"):
            event["event"] = 7
        self.queue.append(event)
        size = len(json.dumps(self.queue))
        if size > MAX_BATCH_BYTES and not has("large-batches"):
            last = self.queue.pop()
            self.flush()
            self.queue.append(last)
        if len(self.queue) >= self.flush_at:
            self.flush()

    def flush(self) -> None:
        """Sends what is in the queue."""
        batch, self.queue = self.queue, []
        if batch and not (has("stops-after-refusal") and self.error):
            self.send(batch)
            if has("sends-twice"):
                self.send(batch)

    def send(self, batch: list[dict[str, Any]]) -> None:
        """Sends a batch until it is accepted, refused for good, or tried too often."""
        attempt = 0
        while True:
            status, after = self.post(batch)
            attempt += 1
            if 200 <= status < 300 and not (has("only-200") and status != 200):
                return
            is_final = status in FINAL or 300 <= status < 400
            if has("retries-refusals"):
                is_final = False
            if has("server-errors-final") and status >= 500:
                is_final = True
            if has("silence-is-final") and status == 0:
                is_final = True
            if has("limits-are-final") and status == 429:
                is_final = True
            if is_final or (attempt > self.retries and not (has("endless") and attempt < 6)):
                self.error = self.error or f"answered {status}"
                return
            self.wait(after, attempt)
            if has("new-ids-on-retry"):
                batch = [{**event, "messageId": str(uuid.uuid4())} for event in batch]

    def wait(self, after: str | None, attempt: int) -> None:
        """Waits before the next attempt."""
        if after and not has("ignores-retry-after"):
            time.sleep(float(after))
        elif not has("no-pause"):
            time.sleep(PAUSE_S * min(attempt, 4))

    def post(self, batch: list[dict[str, Any]]) -> tuple[int, str | None]:
        """The status of the answer to a batch, 0 if there was none, and its Retry-After."""
        body = json.dumps({"batch": batch, "sentAt": now()}).encode()
        basic = base64.b64encode(f"{self.key}:".encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {basic}"}
        if has("broken-gzip"):
            headers["Content-Encoding"], body = "gzip", gzip.compress(body)[:-12]
        elif has("no-gzip-header"):
            body = gzip.compress(body)
        elif len(body) > 10_000:
            headers["Content-Encoding"], body = "gzip", gzip.compress(body, 1)
        if has("no-credentials"):
            del headers["Authorization"]
        path = "/v1/batch?writeKey=" + self.key if has("key-in-url") else "/v1/batch"
        path = "/v1/bulk" if has("wrong-path") else path
        connection = http.client.HTTPConnection(self.address.netloc, timeout=10)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()
        return answer.status, answer.getheader("Retry-After")


def now() -> str:
    """The time in ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> None:
    """Does what the script says, and prints what came of it."""
    script = json.load(sys.stdin)
    client = Client(script)
    for sequence in script["sequences"]:
        time.sleep(sequence.get("delayMs", 0) / 1000)
        for event in sequence["events"]:
            client.add(event)
    if not has("no-flush-at-exit"):
        client.flush()
    if has("says-nothing"):
        return
    is_whole = not client.error or has("always-success")
    sys.stdout.write(json.dumps({"success": is_whole, "error": None if is_whole else client.error}) + "\n")


main()
