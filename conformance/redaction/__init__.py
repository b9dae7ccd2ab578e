"""Secrets kept out of everything that leaves the process: what is secret, how it is found, and the gate for output."""

from conformance.redaction.gate import learn, opened, redact, redact_document, redact_file_text
from conformance.redaction.redactor import TextRedactor

__all__ = [
    "TextRedactor",
    "learn",
    "opened",
    "redact",
    "redact_document",
    "redact_file_text",
]
