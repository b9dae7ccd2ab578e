"""What the reference server keeps: every accepted event once, as it was written, and no refused one."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import httpx
import pytest

from conformance.contract import Contract
from conformance.core.errors import UsageError
from conformance.profile import load
from conformance.refserver import Server
from conformance.refserver.store import open_store

if TYPE_CHECKING:
    from pathlib import Path


def _post(url: str, body: bytes) -> int:
    return httpx.post(url, content=body, headers={"Content-Type": "application/json"}).status_code


def test_events_are_kept_as_written(tmp_path: Path) -> None:
    """Numbers keep their text, a batch shares its context, the key is not kept, and refused requests leave nothing."""
    file = tmp_path / "events.db"
    with Server(Contract(load("metarouter")), "k", store=open_store(f"sqlite:///{file}")) as server:
        event = (
            b'{"writeKey":"k","messageId":"1","type":"track","userId":"u","event":"e",'
            b'"properties":{"n":9007199254740993,"x":1e400}}'
        )
        assert _post(f"{server.url}/v1/track", event) == 200
        batch = (
            b'{"writeKey":"k","context":{"ip":"1.2.3.4","a":1},"batch":[{"type":"track","messageId":"2","userId":"u","event":"e",'
            b'"context":{"a":2}},{"type":"track","messageId":"3","event":"e"}]}'
        )
        assert _post(f"{server.url}/v1/batch", batch) == 207
        assert _post(f"{server.url}/v1/track", event.replace(b"}}", b"}")) == 400
    rows = [row[0] for row in sqlite3.connect(file).execute("SELECT payload FROM events ORDER BY id")]
    assert '"n":9007199254740993,"x":1e400' in rows[0]
    assert "writeKey" not in rows[0]
    (kept,) = map(json.loads, rows[1:])
    assert kept["context"] == {"ip": "1.2.3.4", "a": 2}


def test_other_urls_are_refused() -> None:
    """A store is SQLite or PostgreSQL."""
    with pytest.raises(UsageError, match="sqlite:///FILE"):
        open_store("redis://here")
