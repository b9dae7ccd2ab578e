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
from conformance.sdk_runs import drive, install, load_packages, load_scripts
from conformance.sdk_runs.driving import WRITE_KEY
from tests.recorder.recording_server import recording_server

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.sdk_runs import SdkPackage
    from conformance.sdks import RecordedRequest
    from tests.recorder.recording_server import ReceivedRequest

SDKS = {sdk.name: sdk for sdk in sdks.load_all()}
BY_HAND = {"rudder-sdk-java-3-1-2"}  # another SDK for Java runs here
SLOW = {"go", "rust", "browser"}  # their SDKs are compiled: tried by hand, as docs/sdks.md says
NEWEST = [
    package
    for package in load_packages()
    if not package.is_older and package.slug in SDKS and package.language not in SLOW and package.slug not in BY_HAND
]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
BASIC = f"Basic {base64.b64encode(f'{WRITE_KEY}:'.encode()).decode()}"


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


@pytest.mark.parametrize("package", NEWEST, ids=lambda package: package.slug)
def test_an_sdk_talks_to_the_reference_server_as_recorded(package: SdkPackage, tmp_path: Path) -> None:
    """Every event arrives as stored and is accepted, and the SDK reports no error."""
    place = install(package, tmp_path)
    requests: list[ReceivedRequest] = []
    with run_embedded_server(package.profile, Keys(write_key=WRITE_KEY)) as url:
        for name in package.scripts:
            with recording_server(upstream_url=url) as ear:
                assert drive(place, ear.url, load_scripts()[name]).errors == ()
            requests += ear.requests
    sdk = SDKS[package.slug]
    for shape in sdk.requests:
        same = [request for request in requests if received_shape(request, shape) == recorded_shape(shape)]
        assert same, (recorded_shape(shape), [received_shape(request, shape) for request in requests])
    assert {request.path for request in requests} == sdk.paths
