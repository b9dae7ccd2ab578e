"""Official SDKs themselves, installed from their registries, against the reference server.

They prove that the SDKs send the requests in specs/sdks, and that they work with a server that follows the
contract.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import pytest

from conformance import sdks
from conformance.refserver.embedded import run_embedded_server
from conformance.requests import Keys
from tests.recorder.recording_server import recording_server
from tests.recorder.sdk_packages import KEY, SDK_PACKAGES, SdkPackage

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.sdks import RecordedRequest
    from tests.recorder.recording_server import ReceivedRequest

SDKS = {sdk.name: sdk for sdk in sdks.load_all()}
OLDER = "segment-analytics-python-2-3-4"
NEWEST = [kit for kit in SDK_PACKAGES if kit.slug != OLDER]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
BASIC = f"Basic {base64.b64encode(f'{KEY}:'.encode()).decode()}"


def value_types(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The parts of a value that every recording has in common: fields, types, and the format of times."""
    if isinstance(value, dict):
        return {key: value_types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [value_types(item) for item in value]
    if isinstance(value, str) and TIME.match(value):
        return re.sub(r"\d", "0", value)
    return type(value).__name__


def recorded_shape(shape: RecordedRequest) -> tuple[object, ...]:
    """The comparable parts of a stored request."""
    names = sorted({name.lower(): value for name, value in shape.headers}.items())
    headers = [(name, value.replace("Basic $BASIC", BASIC)) for name, value in names]
    return shape.path, shape.content_type, shape.is_gzipped, headers, value_types(shape.body)


def received_shape(request: ReceivedRequest, shape: RecordedRequest) -> tuple[object, ...]:
    """The comparable parts of a received request, with only those headers that the stored one has."""
    known = {name.lower() for name, _ in shape.headers}
    headers = sorted((name.lower(), value) for name, value in request.headers if name.lower() in known)
    is_gzipped = request.header("Content-Encoding") == "gzip"
    return request.path, request.header("Content-Type"), is_gzipped, headers, value_types(request.json())


@pytest.mark.parametrize("kit", NEWEST, ids=lambda kit: kit.slug)
def test_an_sdk_talks_to_the_reference_server_as_recorded(kit: SdkPackage, tmp_path: Path) -> None:
    """Every event arrives as stored and is accepted, and the SDK reports no error."""
    kit.install(tmp_path)
    profile = "rudderstack" if "rudder" in kit.slug else "segment"
    requests: list[ReceivedRequest] = []
    with run_embedded_server(profile, Keys(write_key=KEY)) as url:
        for extent in kit.event_sets:
            with recording_server(upstream_url=url) as ear:
                assert kit.send_events(tmp_path, ear.url, extent) == []
            requests += ear.requests
    for shape in SDKS[kit.slug].requests:
        same = [request for request in requests if received_shape(request, shape) == recorded_shape(shape)]
        assert same, (recorded_shape(shape), [received_shape(request, shape) for request in requests])
    assert {request.path for request in requests} == SDKS[kit.slug].paths
