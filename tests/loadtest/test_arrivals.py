"""Loads with a sink: what was accepted and did not arrive, or more than once, is counted exactly."""

from __future__ import annotations

import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from conformance.core.resources import profile_names, read_json_spec
from conformance.report.load_report import summary_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = profile_names()[-2]
_KEY = "load-write-key-2"


class _Storing(http.server.ThreadingHTTPServer):
    """Accepts all that is JSON, and appends its events to a file: each `drop`-th not, each `double`-th twice."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, store: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store, self.lock = store.open("a", encoding="utf-8"), threading.Lock()
        self.drop, self.double = 0, 0
        self.count, self.dropped, self.doubled = 0, 0, 0

    def keep(self, event: dict[str, Any]) -> None:
        """Keeps an event, or not."""
        self.count += 1
        copies = 1
        if str(event.get("messageId")).startswith("conformance-"):
            copies = 0 if self.drop and self.count % self.drop == 0 else copies
            copies = 2 if self.double and self.count % self.double == 0 else copies
            self.dropped += copies == 0
            self.doubled += copies == 2
        self.store.write((json.dumps(event) + "\n") * copies)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Storing

    def do_POST(self) -> None:
        """Keeps the events of a request."""
        body = self.rfile.read(int(self.headers["content-length"]))
        value = json.loads(gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body)
        with self.server.lock:
            for event in value.get("batch", [value]):
                self.server.keep(event)
            self.server.store.flush()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "17")
        self.end_headers()
        self.wfile.write(b'{"success": true}')

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[_Storing]:
    """A server with a file behind it."""
    with _Storing(tmp_path / "store.jsonl") as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()
        running.store.close()


def test_events_are_followed_into_the_sink(server: _Storing, tmp_path: Path) -> None:
    """What the server has lost or doubled is what the report says, to the event."""
    server.drop, server.double = 50, 70
    report, sink, mix = tmp_path / "load.json", tmp_path / "sink.yaml", tmp_path / "mix.yaml"
    sink.write_text(f"format: 1\nkind: files\npath: {tmp_path}/store.jsonl\nsettle: {{poll: 0.1, quiet: 1}}\n")
    mix.write_text("format: 1\nsources: {events: 60, batches: 40}\nbatch_events: {'1': 50, '5': 50}\n")
    subprocess.run(
        [sys.executable, "-m", "conformance", "load", f"http://127.0.0.1:{server.server_address[1]}", "--profile",
         NAME, "--allow", "load", "--rate", "100", "--duration", "3", "--bad", "0", "--sink", str(sink), "--mix",
         str(mix), "--json", str(report), "--quiet"],
        env={**os.environ, "CONFORMANCE_WRITE_KEY": _KEY}, check=False, timeout=90,
    )  # fmt: skip
    document: dict[str, Any] = json.loads(report.read_text("utf-8"))
    delivery = document["delivery"]
    assert jsonschema_rs.validator_for(read_json_spec("load.schema.json")).is_valid(document)
    assert delivery["accepted"] + delivery["unfollowed"] == server.count
    assert (delivery["missing"], delivery["doubled"]) == (server.dropped, server.doubled)
    names = {item["check"] for item in document["promises"] if item["check"].startswith("delivery.")}
    assert names == {"delivery.run.lost", "delivery.run.doubled"}
    assert any(line.startswith("sink: of ") for line in summary_lines(document))
