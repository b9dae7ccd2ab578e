"""Fixtures for the tests of the command."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _without_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key comes from the environment in which the tests run."""
    monkeypatch.delenv("CONFORMANCE_WRITE_KEY", raising=False)
    monkeypatch.delenv("CONFORMANCE_BEARER", raising=False)
