"""Answers of the configuration services that SDKs ask before they send; nothing of it reaches a target."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.core import resources
from conformance.profile import yaml_document
from conformance.wire.forwarding import ForwardedAnswer

if TYPE_CHECKING:
    from typing import Any

    from conformance.sdk_runs.listener import HeardRequest


def configuration_answer(request: HeardRequest) -> ForwardedAnswer | None:
    """The answer to a request for a client's configuration, by `specs/sdk_runs/stubs.yaml`; None for any other."""
    if request.method not in {"GET", "OPTIONS"}:
        return None
    path = request.path.partition("?")[0].strip("/")
    document = yaml_document.read(resources.specs_dir() / "sdk_runs" / "stubs.yaml", "stubs")
    data: Any = document.value
    for stub in data["stubs"]:
        if path.startswith(stub["begins"].strip("/")) and path.endswith(stub["ends"]):
            body = json.dumps(stub["body"]).encode()
            if request.method == "OPTIONS":
                return _preflight_answer(request)
            headers = (("Content-Type", "application/json"), ("Access-Control-Allow-Origin", "*"))
            return ForwardedAnswer(status=200, headers=headers, body=body)
    return None


def _preflight_answer(request: HeardRequest) -> ForwardedAnswer:
    """Allows a page what it asks for."""
    asked = request.header("access-control-request-headers") or ""
    headers = (("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Headers", asked))
    return ForwardedAnswer(status=204, headers=headers)
