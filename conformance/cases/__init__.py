"""The checks, a module an area. Importing this package fills the catalogue.

Every check is a generator that does no I/O: it yields drafts of requests and is sent the exchanges.
Each refusal stands beside its control, the acceptable twin that goes first.
"""

from __future__ import annotations

from conformance.cases import (
    accept,
    auth,
    batch,
    concurrency,
    content_type,
    encodings,
    errors,
    fuzz,
    json,
    message_id,
    payload,
    pixel,
    rate_limit,
    raw,
    recovery,
    robustness,
    sdk,
    size,
    web,
    webhook,
)
from conformance.checks import catalogue

MODULES = (
    accept,
    auth,
    batch,
    concurrency,
    content_type,
    encodings,
    errors,
    fuzz,
    json,
    message_id,
    payload,
    pixel,
    rate_limit,
    raw,
    recovery,
    robustness,
    sdk,
    size,
    web,
    webhook,
)

CHECKS = catalogue.all_checks()
