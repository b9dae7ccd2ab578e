"""Two things at once: all pairs are met, and a server that is wrong about two of them is told so."""

from __future__ import annotations

import gzip
import json
import zlib
from itertools import combinations, product

from conformance.contract import Contract
from conformance.core.model import Outcome, Response
from conformance.profile import load
from conformance.requests import Call, Keys
from conformance.requests.combinations import AXES, combinations_of_path
from conformance.requests.covering import covering_rows
from conformance.requests.other_codings import UNUSUAL, gzip_of
from conformance.requests.refusal_pairs import CREDENTIAL_PAIRS, OTHER_PAIRS
from tests.support.function_targets import run_checks

CONTRACT = Contract(load("metarouter"))


def call(path: str) -> Call:
    """A call of a profile with twelve paths."""
    operation = next(item for item in CONTRACT.operations if item.path == path)
    return Call(contract=CONTRACT, operation=operation, keys=Keys(write_key="Combined-Key-1"))


def test_rows_cover_all_pairs() -> None:
    """In not many more rows than the two largest axes have pairs."""
    sizes = (7, 4, 3, 3, 2)
    rows = covering_rows(sizes)
    for (one, first), (other, second) in combinations(enumerate(sizes), 2):
        met = {(row[one], row[other]) for row in rows}
        assert met == set(product(range(first), range(second)))
    assert len(rows) <= 7 * 4 + 4


def test_each_path_meets_each_value() -> None:
    """Of every axis, so that what one path alone does wrong shows."""
    for path in ("/v1/track", "/v1/a", "/v1/import"):
        own = call(path)
        met = {value.description for item in combinations_of_path(own) for value in item.values}
        axes = [values for name, values in AXES.items() if own.is_batch or name != "position"]
        assert met == {value.description for values in axes for value in values}


def test_pairs_have_both_reasons() -> None:
    """No pair is there twice, and each request differs from those with one of its reasons."""
    pairs = (*CREDENTIAL_PAIRS, *OTHER_PAIRS)
    assert len({pair.description for pair in pairs}) == len(pairs)
    own = call("/v1/track")
    for pair in CREDENTIAL_PAIRS:
        requests = [item.make_draft(own).build_request() for item in (pair, pair.first, pair.second)]
        usual = own.acceptable_request().build_request()
        assert (requests[0].headers, requests[0].body, requests[0].method) not in [
            (item.headers, item.body, item.method) for item in (*requests[1:], usual)
        ], pair.description


def test_codings_are_what_they_say() -> None:
    """As far as the standard library reads them; and what unpacks to more than a limit is small on the wire."""
    usual = call("/v1/track").acceptable_request().build_request().body
    bodies = {coded.description: coded.make_draft(call("/v1/track")).build_request().body for coded in UNUSUAL}
    assert json.loads(zlib.decompress(bodies["a body in deflate"])).keys() == json.loads(usual).keys()
    assert zlib.decompress(bodies["a body in deflate without a header"], -zlib.MAX_WBITS)
    assert json.loads(gzip.decompress(gzip.decompress(bodies["a body in gzip twice"])))
    for path in ("/v1/track", "/v1/batch"):
        own, limit = call(path), call(path).contract.body_size_limit(call(path).operation).at_most
        packed = gzip_of(own, 110).build_request().body
        assert len(packed) < limit / 10 < limit < len(gzip.decompress(packed)) < limit * 1.3


def test_a_hole_is_named() -> None:
    """The message says with what the credentials were not asked for."""
    verdicts = run_checks(
        "segmentstream",
        "combined.credentials.missing",
        lambda request: Response(
            status=204 if any(name in {"Authorization", "Content-Encoding"} for name, _ in request.headers) else 401
        ),
    )
    (verdict,) = verdicts
    assert verdict.outcome is Outcome.FAIL
    assert verdict.level == "must"
    assert "a request without credentials with" in verdict.message
    assert all("gzip" in part for part in verdict.message.split(";") if "was answered with 204" in part)
