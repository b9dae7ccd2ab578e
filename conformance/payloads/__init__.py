"""Payloads: the bytes of requests, built from the contract; acceptable ones and spoiled ones."""

from __future__ import annotations

from conformance.payloads.call import Call
from conformance.payloads.credentials import Credentials, Keys
from conformance.payloads.draft import Draft
from conformance.payloads.footing import Footing, Ground
from conformance.payloads.several import Conversation, Message, Volley, converse, together

__all__ = [
    "Call",
    "Conversation",
    "Credentials",
    "Draft",
    "Footing",
    "Ground",
    "Keys",
    "Message",
    "Volley",
    "converse",
    "together",
]
