"""The reference server: answers as a contract says. It does not import the checks."""

from __future__ import annotations

from conformance.refserver.authentication import FurtherKeys
from conformance.refserver.threaded_server import Server

__all__ = ["FurtherKeys", "Server"]
