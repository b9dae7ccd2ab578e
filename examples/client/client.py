"""A client that `conformance client` can judge: it reads a script from standard input, and prints what came of it.

In an SDK's own project this file makes the calls of the SDK; here it sends the events itself, to be short.
"""

import base64
import http.client
import json
import sys
import time
import uuid
from datetime import UTC, datetime
from urllib.parse import urlsplit

MAX_BATCH_BYTES = 400_000
PAUSE_S = 0.2


def post(script, batch):
    """The status of the answer to a batch (0: there was none), and the seconds that it asks to wait."""
    basic = base64.b64encode(f"{script['writeKey']}:".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {basic}"}
    connection = http.client.HTTPConnection(urlsplit(script["apiHost"]).netloc, timeout=10)
    try:
        connection.request("POST", "/v1/batch", json.dumps({"batch": batch}), headers)
        answer = connection.getresponse()
        return answer.status, float(answer.getheader("Retry-After") or 0)
    except (OSError, http.client.HTTPException):
        return 0, 0.0
    finally:
        connection.close()


def deliver(script, batch):
    """Sends a batch until it is accepted or refused, and returns what went wrong."""
    for attempt in range(script["config"].get("maxRetries", 3) + 1):
        status, after_s = post(script, batch)
        if 200 <= status < 300:
            return None
        if status and status != 429 and status < 500:
            break
        time.sleep(max(after_s, PAUSE_S * 2**attempt))
    return f"answered {status}"


def batches(script):
    """The events in batches that are small enough."""
    batch = []
    for sequence in script["sequences"]:
        time.sleep(sequence.get("delayMs", 0) / 1000)
        for call in sequence["events"]:
            event = {"messageId": str(uuid.uuid4()), "timestamp": datetime.now(UTC).isoformat(), **call}
            is_full = len(batch) >= script["config"].get("flushAt", 20)
            if batch and (is_full or len(json.dumps([*batch, event])) > MAX_BATCH_BYTES):
                yield batch
                batch = []
            batch.append(event)
    if batch:
        yield batch


def main():
    script = json.load(sys.stdin)
    errors = [error for batch in batches(script) if (error := deliver(script, batch))]
    sys.stdout.write(json.dumps({"success": not errors, "error": errors[0] if errors else None}) + "\n")


main()
