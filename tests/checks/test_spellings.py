"""Other spellings of an acceptable request mean the same, and a server that refuses some is told which."""

from __future__ import annotations

import gzip
import json
import re

from conformance.contract import Contract
from conformance.core.model import Outcome, Response
from conformance.profile import load
from conformance.requests import Call, Keys, equal_bodies, equal_framings, spellings
from conformance.requests.raw_writers import write_standard
from tests.support.function_targets import run_checks

BAD_YEARS = re.compile(rb'"(?:21|19)\d\d-')
HEADERS = [("Host", "target"), ("Authorization", "Basic eA=="), ("Content-Type", "application/json")]


def call() -> Call:
    """A call of a profile with a key in bodies."""
    contract = Contract(load("metarouter"))
    return Call(contract=contract, operation=contract.operations[0], keys=Keys(write_key="Spelled-Key-1"))


def test_pieces_are_one_request() -> None:
    """Put together, they are what a client would send at once; none of them is empty."""
    for form in (*equal_framings.PIECE_FORMS, *equal_framings.SLOW_PIECE_FORMS):
        request = form.make(call()).build_request()
        assert request.raw_writer is not None
        pieces = request.raw_writer("POST /v1/track HTTP/1.1", HEADERS, request.body)
        assert len(pieces) > 1
        assert all(pieces), form.description
        assert (b"".join(pieces),) == write_standard("POST /v1/track HTTP/1.1", HEADERS, request.body)


def test_chunks_hold_the_whole_body() -> None:
    """Of any size."""
    for form in equal_framings.CHUNK_FORMS:
        request = form.make(call()).build_request()
        assert request.raw_writer is not None
        rest = b"".join(request.raw_writer("POST / HTTP/1.1", HEADERS, request.body)).partition(b"\r\n\r\n")[2]
        body = b""
        while not rest.startswith(b"0\r\n\r\n"):
            size, _, rest = rest.partition(b"\r\n")
            body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        assert body == request.body, form.description


def test_bodies_mean_the_same() -> None:
    """Unpacked and parsed, each is the JSON of an acceptable request."""
    usual = json.loads(call().acceptable_request().build_request().body)
    for form in (*equal_bodies.CODING_FORMS, *equal_bodies.USUAL_CODING_FORMS, *equal_bodies.JSON_FORMS):
        request = form.make(call()).build_request()
        is_gzip = any(name == "Content-Encoding" for name, _ in request.headers)
        body = gzip.decompress(request.body) if is_gzip else request.body
        assert json.loads(body) == usual, form.description
        assert is_gzip or body != call().acceptable_request().build_request().body, form.description


def test_heads_mean_the_same() -> None:
    """The names of headers in lower case, and their values without white space around them, are the same."""
    usual = {name.lower(): value for name, value in HEADERS}
    for form in spellings.HEAD_FORMS:
        request = form.make(call()).build_request()
        if request.raw_writer is None:
            continue
        head = b"".join(request.raw_writer("POST / HTTP/1.1", HEADERS, b"{}")).decode().partition("\r\n\r\n")[0]
        pairs = dict(re.findall(r"^([^:\s]+):[ \t]*(.*?)[ \t]*$", head.replace("\r\n", "\n"), re.MULTILINE))
        assert {name.lower(): value for name, value in pairs.items()} == {**usual, "content-length": "2"}


def test_each_failed_form_is_named() -> None:
    """In one verdict, at the level of the documented answer; the other forms are judged, too."""
    verdicts = run_checks(
        "segmentstream",
        "values.times.accepted",
        lambda request: Response(status=400 if BAD_YEARS.search(request.body) else 204),
    )
    (verdict,) = verdicts
    assert verdict.outcome is Outcome.FAIL
    assert verdict.level == "must"
    for year in ("2107", "1969", "1900"):
        assert f"the timestamp {year}-" in verdict.message
    assert "2262" not in verdict.message
