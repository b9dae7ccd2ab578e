"""A small server for customer events: an ASGI application in one file, without a framework."""

from __future__ import annotations

