"""Limitations: why a check can't be exported, or a format can't hold it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class OmissionReason(enum.Enum):
    """Why a check can't be exported; the value is its text, which may have a detail in it."""

    NOT_ASKED = "the profile does not ask for it"
    FUZZING = "it consists of thousands of generated requests"
    ONLY_REPORTS = "it only reports, and can't fail"
    BELOW_GATE = "its level is below the gate {}"
    HIGH_LOAD = "it is of the tier {}, which puts a high load on the target"
    CANNOT_FAIL = "nothing in it can fail at the gate"
    CONCURRENT = "it sends many requests at once"
    RAW_BYTES = "it is about the connection, and sends bytes that no HTTP client writes"
    CHUNKED = "its body is sent in chunks"
    PAUSES = "it waits between its requests"
    NEXT_REQUEST_DEPENDS = "its next request depends on the answer to the one before"
    EXPECTATION_DEPENDS = "what it expects depends on earlier answers"
    JUDGES_BY_STATUS = "which parts of the answer it judges depends on the status"
    JUDGES_HTTP_VERSION = "it judges the HTTP version of the answer"
    JUDGES_MORE = "it judges more of the answer than its status and the promised body"
    DEPENDS_ON_KEY = "parts of the request other than the key depend on the key"
    TWO_BRACES = "it has two opening braces in a row, which would be taken for a placeholder"
    BINARY_BODY = "its body is not text, and {} holds only text"
    LARGE_BODY = "its body has more than {} bytes, and an archive holds bodies in full"
    UNSUPPORTED_SCHEMA = "the schema of the answer has keywords that Postman's validator does not know"


@dataclass(frozen=True, slots=True)
class Limitation:
    """A reason with its detail."""

    reason: OmissionReason
    detail: str = ""

    def __str__(self) -> str:
        return self.reason.value.format(self.detail)


class NotExportable(Exception):
    """Raised for a check that can't be written as requests with expected answers."""

    def __init__(self, reason: OmissionReason, detail: str = "") -> None:
        self.limitation = Limitation(reason, detail)
        super().__init__(str(self.limitation))
