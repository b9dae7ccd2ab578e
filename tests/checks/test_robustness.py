"""The checks of odd input, wrong types, gzip, methods, paths and CORS, on many targets."""

from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.contract import Contract
from conformance.core.model import Request, Response, TransportFailure
from conformance.core.resources import profile_names
from conformance.profile import load
from conformance.profile.facts import AuthScheme, LimitKind
from conformance.requests import Baseline, Call, Keys, content_codings, edge_cases, wrong_types
from conformance.requests.edge_cases import EDGE_CASES
from conformance.wire import Redactor
from tests.support import paths
from tests.support.function_targets import KEYS, outcomes_of, run_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.contract import Operation
    from tests.support.fake_wires import Answer

SMALL = "segmentstream"
OK = Response(status=204)
BAD = Response(status=400)
CRASH = Response(status=500)
NO_GZIP = (OSError, EOFError, zlib.error)
ACME = str(paths.ACME)
CONTRACTS = {name: Contract(load(name)) for name in (*profile_names(), ACME)}
BODY_LIMIT = CONTRACTS[SMALL].body_size_limit(CONTRACTS[SMALL].operations[0]).at_most
OPERATIONS = [(name, operation) for name, contract in CONTRACTS.items() for operation in contract.operations]


def call_to(name: str, operation: Operation | None = None) -> Call:
    """A call to an operation, or to the first of a profile."""
    contract = CONTRACTS[name]
    return Call(contract=contract, operation=operation or contract.operations[0], keys=KEYS, label="test")


def coding(request: Request) -> str:
    """The coding of a request's body."""
    return dict(request.headers).get("Content-Encoding", "")


def strict_target(request: Request) -> Response:
    """A server that refuses whatever is not plain, right, small enough and a POST."""
    if request.method == "OPTIONS":
        return OK
    if request.method != "POST":
        return Response(status=405)
    if request.path != "/track":
        return Response(status=404)
    if coding(request):
        return Response(status=415)
    if len(request.body) > BODY_LIMIT:
        return Response(status=413)
    return OK if is_event(request.body) else BAD


def is_event(body: bytes) -> bool:
    """Whether a body is JSON of the small dialect, with nothing odd in it."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict)


def gzip_target(request: Request) -> Response:
    """A server that takes gzip, too."""
    if coding(request) != "gzip":
        return strict_target(request)
    try:
        body = gzip.decompress(request.body)
    except NO_GZIP:
        return BAD
    return strict_target(replace(request, headers=(), body=body))


def target_answering(
    when: Callable[[Request], bool], answer: Response | TransportFailure, base: Answer = gzip_target
) -> Answer:
    """A server that answers some requests in another way."""
    return lambda request: answer if when(request) else base(request)


def has_edge_case_input(request: Request) -> bool:
    """Whether a body has the NUL of the odd ones."""
    return rb"\u0000" in request.body


@pytest.mark.parametrize("server", [strict_target, gzip_target])
def test_a_server_that_refuses_in_time(server: Answer) -> None:
    """Refusing all that is odd breaks no promise, nor does taking it."""
    for check in ("input.*", "types.*", "gzip.*", "method.*", "path.*", "options.*", "preflight.*"):
        check_verdicts = run_checks(SMALL, f"robustness.{check}", server)
        assert outcomes_of(check_verdicts) <= {"pass", "observed", "not-applicable"}, check_verdicts


@pytest.mark.parametrize("answer", [CRASH, TransportFailure.CLOSED, TransportFailure.TIMEOUT], ids=str)
@pytest.mark.parametrize("check", ["input.nul", "input.common"])
def test_odd_input_that_brings_a_server_down(check: str, answer: Response | TransportFailure) -> None:
    """A 5xx, a closed connection and silence are the same to a client: it sends again."""
    (verdict,) = run_checks(SMALL, f"robustness.{check}", target_answering(has_edge_case_input, answer))
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "must")
    assert "a property with a NUL in it" in verdict.message


def test_silence_costs_two_deadlines() -> None:
    """A request that hangs is sent again alone, then one more shows that the target lives; no other is sent."""
    sent: list[Request] = []

    def silent(request: Request) -> Response | TransportFailure:
        sent.append(request)
        return TransportFailure.TIMEOUT if len(sent) > 1 and rb"\u0000" in request.body else OK

    (verdict,) = run_checks(SMALL, "robustness.input.nul", silent)
    assert [has_edge_case_input(request) for request in sent] == [False, True, True, False]
    assert sent[1] == sent[2]
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "must")
    assert verdict.expected == "an answer"


def test_a_target_that_falls_silent_altogether_is_not_judged() -> None:
    """What nobody answers says nothing about odd input, nor does what is sent again alone."""
    sent: list[Request] = []

    def silent(request: Request) -> Response | TransportFailure:
        sent.append(request)
        return OK if len(sent) == 1 else TransportFailure.TIMEOUT

    (verdict,) = run_checks(SMALL, "robustness.input.nul", silent)
    assert [has_edge_case_input(request) for request in sent] == [False, True, True, False, False]
    assert (verdict.outcome.value, verdict.message[:10]) == ("error", "no verdict")


def test_a_silent_kind_of_refusal_is_a_failure_of_the_status_checks() -> None:
    """The same holds for what is refused."""
    check_verdicts = run_checks(
        SMALL, "errors.status.json", target_answering(lambda item: not is_event(item.body), TransportFailure.TIMEOUT)
    )
    assert [(item.outcome.value, item.expected) for item in check_verdicts] == [("fail", "an answer")]


def test_a_server_that_is_down_after_odd_input() -> None:
    """It took the input, and nothing after it."""
    sent: list[Request] = []

    def poisoned(request: Request) -> Response:
        sent.append(request)
        return (
            CRASH if any(has_edge_case_input(item) for item in sent[:-1]) and not has_edge_case_input(request) else OK
        )

    (verdict,) = run_checks(SMALL, "robustness.input.nul", poisoned)
    assert (verdict.outcome.value, verdict.message[:40]) == ("fail", "an acceptable request after the invalid ")


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=str)
def test_odd_input_stays_within_the_limits(name: str, operation: Operation) -> None:
    """A server that refuses a body for its size has not looked at what is odd in it."""
    call, contract = call_to(name, operation), CONTRACTS[name]
    limit = contract.body_size_limit(operation).at_least
    event = contract.size_limit(LimitKind.BATCH_EVENT if call.is_batch else LimitKind.EVENT).at_least
    for oddity in EDGE_CASES:
        for _, draft in oddity.make_drafts(call):
            body = draft.build_request().body
            assert len(body) <= (limit if "conformance_odd" in draft.envelope else event + 50)
            assert len(body) <= limit


def texts_of(slug: str) -> list[bytes]:
    """The bodies of an oddity."""
    (oddity,) = [item for item in EDGE_CASES if item.slug == slug]
    return [draft.build_request().body for _, draft in oddity.make_drafts(call_to(SMALL))]


def test_odd_input_is_what_it_says() -> None:
    """JSON libraries see in it what the words say."""
    assert json.loads(texts_of("nul")[0])["event"]["conformance_odd"] == "a\0b"
    assert json.loads(texts_of("surrogates")[0])["event"]["conformance_odd"] == "\ud83d"
    assert texts_of("bom")[0].startswith("﻿".encode())
    assert len(json.loads(texts_of("wide")[0])["event"]["conformance_odd"]) == 1_000
    assert json.loads(texts_of("integers")[0])["event"]["conformance_odd"] == 10**400 - 1
    assert json.loads(texts_of("exponents")[0])["event"]["conformance_odd"] == float("inf")
    twice = json.loads(texts_of("duplicate-keys")[0], object_pairs_hook=lambda pairs: pairs)
    assert [key for key, _ in dict(dict(twice)["event"])["user"]] == ["userId", "userId"]
    assert texts_of("depth-10000")[0].count(b"[") == 10_000


def test_what_does_not_fit_an_event_stands_beside_a_batch() -> None:
    """Where events are small and batches are not, the batch is nested as deep as it is said."""
    contract = CONTRACTS["metarouter"]
    batch = next(item for item in contract.operations if item.path == "/v1/batch")
    (deep,) = [item for item in EDGE_CASES if item.slug == "depth-10000"]
    assert [words for words, _ in deep.make_drafts(call_to("metarouter", batch))] == [
        "lists nested 10,000 levels deep",
        "objects nested 10,000 levels deep",
    ]
    words, draft = next(deep.make_drafts(call_to("metarouter")))
    assert words == f"lists nested {draft.build_request().body.count(b'['):,} levels deep"


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=str)
def test_wrong_types_are_wrong_and_few(name: str, operation: Operation) -> None:
    """Every draft differs from an acceptable event, and no check asks for more than a hundred."""
    call = call_to(name, operation)
    for make in (wrong_types.in_main_fields, wrong_types.in_other_fields, wrong_types.in_nested_fields):
        drafts = list(make(call))
        assert 0 < len(drafts) <= 100
        assert len({words for words, _ in drafts}) == len(drafts)
    pointers = [words.rpartition(" ")[2] for words, _ in wrong_types.in_main_fields(call)]
    assert set(call.contract.identity_pointers(operation.event_type).values()) <= set(pointers)
    assert set(call.event_type.required) <= set(pointers)


@pytest.mark.parametrize(
    ("check", "field"), [("main", "userId"), ("common", "sentAt"), ("common", "context"), ("nested", "ip")]
)
def test_a_wrong_type_that_crashes_a_server(check: str, field: str) -> None:
    """Whichever field it is in."""

    def has_list(request: Request) -> bool:
        return request.method == "POST" and f'"{field}":["conformance"]'.encode() in request.body

    check_verdicts = run_checks(SMALL, f"robustness.types.{check}", target_answering(has_list, CRASH))
    assert outcomes_of(check_verdicts) == {"fail"}


def claims_gzip_with(body_is: Callable[[bytes], bool]) -> Callable[[Request], bool]:
    """Whether a body is labelled as gzip, and is such a body."""
    return lambda request: coding(request) == "gzip" and body_is(request.body)


def is_gzip(body: bytes) -> bool:
    """Whether a body is gzip, whole and right."""
    try:
        return bool(gzip.decompress(body))
    except NO_GZIP:
        return False


def is_bomb(body: bytes) -> bool:
    """Whether a body unpacks to very much."""
    return is_gzip(body) and len(gzip.decompress(body)) > content_codings.BOMB_BYTES


def is_invalid_gzip(body: bytes) -> bool:
    """Whether a body begins like gzip, and is none."""
    return body.startswith(b"\x1f\x8b") and not is_gzip(body)


GZIP: tuple[tuple[str, Callable[[Request], bool], Response | TransportFailure, str], ...] = (
    ("status", claims_gzip_with(is_gzip), CRASH, "must"),
    ("status", claims_gzip_with(is_invalid_gzip), CRASH, "must"),
    ("status", claims_gzip_with(lambda body: body.startswith(b"{")), CRASH, "must"),
    ("status", lambda request: coding(request) == "conformance", CRASH, "must"),
    ("status", claims_gzip_with(is_invalid_gzip), TransportFailure.TIMEOUT, "must"),
    ("corrupt", claims_gzip_with(is_invalid_gzip), OK, "should"),
    ("truncated", claims_gzip_with(is_invalid_gzip), OK, "should"),
    ("truncated", claims_gzip_with(is_invalid_gzip), Response(status=403), "should"),
    ("bomb", claims_gzip_with(is_bomb), OK, "should"),
    ("bomb", claims_gzip_with(is_bomb), TransportFailure.CLOSED, "must"),
    ("bomb-status", claims_gzip_with(is_bomb), TransportFailure.CLOSED, "must"),
    ("bomb-status", claims_gzip_with(is_bomb), TransportFailure.TIMEOUT, "must"),
)


@pytest.mark.parametrize(("check", "when", "answer", "level"), GZIP)
def test_gzip_that_is_answered_wrongly(
    check: str, when: Callable[[Request], bool], answer: Response | TransportFailure, level: str
) -> None:
    """A crash over a body is a stronger matter than a success for what nobody can read."""
    (verdict,) = run_checks(SMALL, f"robustness.gzip.{check}", target_answering(when, answer))
    assert (verdict.outcome.value, verdict.level.value) == ("fail", level)


@pytest.mark.parametrize("check", ["corrupt", "truncated"])
def test_gzip_that_is_not_looked_at_is_no_json(check: str) -> None:
    """Where invalid JSON has an answer of its own, bytes that were never unpacked may get that one."""
    bytes_are_no_json = target_answering(lambda item: not is_event(item.body), Response(status=422), lambda _: OK)
    check_verdicts = run_checks(ACME, f"robustness.gzip.{check}", bytes_are_no_json)
    assert outcomes_of(check_verdicts) == {"pass"}


def test_a_bomb_is_not_for_servers_that_know_no_gzip() -> None:
    """They refuse every body of the kind, and prove nothing by that."""
    (verdict,) = run_checks(SMALL, "robustness.gzip.bomb", strict_target)
    assert verdict.outcome.value == "not-applicable"


@pytest.mark.parametrize("answer", [OK, TransportFailure.CLOSED], ids=str)
def test_a_bomb_is_not_for_servers_without_a_limit(answer: Response | TransportFailure) -> None:
    """What is accepted in plain bytes may be in gzip; `size.*` judges the limit, `bomb-status` a crash."""

    def without_limit(request: Request) -> Response:
        is_large = not coding(request) and len(request.body) > BODY_LIMIT
        return OK if is_large else gzip_target(request)

    target = target_answering(claims_gzip_with(is_bomb), answer, without_limit)
    (verdict,) = run_checks(SMALL, "robustness.gzip.bomb", target)
    assert (verdict.outcome.value, verdict.message[:27]) == ("not-applicable", "a body over the limit is ac")
    (verdict,) = run_checks(SMALL, "robustness.gzip.bomb-status", target)
    assert verdict.outcome.value == ("pass" if answer is OK else "fail")


def test_whether_gzip_is_taken_is_a_note() -> None:
    """Path by path."""
    (taken,) = run_checks(SMALL, "robustness.gzip.accepted", gzip_target)
    (refused,) = run_checks(SMALL, "robustness.gzip.accepted", strict_target)
    assert (taken.message, refused.message) == (
        "a body in gzip: accepted with 204",
        "a body in gzip: refused with 415",
    )


POSTED = [(name, operation) for name, operation in OPERATIONS if operation.method == "POST"]


@pytest.mark.parametrize(("name", "operation"), POSTED, ids=str)
def test_a_bomb_is_small_and_right(name: str, operation: Operation) -> None:
    """Ten thousand bytes of gzip, and ten million of valid JSON."""
    body = content_codings.gzip_bomb(call_to(name, operation)).build_request().body
    assert len(body) < 20_000
    assert len(json.dumps(json.loads(gzip.decompress(body)))) > content_codings.BOMB_BYTES


GZIP_WRITERS = (
    content_codings.with_gzip,
    content_codings.with_corrupt_gzip,
    content_codings.with_truncated_gzip,
    content_codings.with_gzip_label_only,
)


def test_a_key_in_a_packed_body_is_hidden() -> None:
    """It stays where reports find it and put its stand-in there, whole, broken or huge as the body may be."""
    contract = CONTRACTS["segment"]
    key = "Secret-Key-1"
    call = Call(
        contract=contract,
        operation=contract.operations[0],
        keys=Keys(write_key=key),
        baseline=Baseline(scheme=AuthScheme.BODY),
    )
    redactor = Redactor(call.keys.placeholders_by_secret())
    for draft in (*(pack(call.acceptable_request()) for pack in GZIP_WRITERS), content_codings.gzip_bomb(call)):
        shown = redactor.redact_request(draft.build_request())
        assert key.encode() not in shown.body
        assert b"Key-1" not in b"".join(_inflated(shown.body))
    assert key.encode() in gzip.decompress(content_codings.with_gzip(call.acceptable_request()).build_request().body)


def _inflated(body: bytes) -> Iterator[bytes]:
    """What can be read in a body, packed or not, as far as it is whole."""
    yield body
    with contextlib.suppress(zlib.error):
        yield zlib.decompressobj(31).decompress(body)


def is_method_without_origin(method: str) -> Callable[[Request], bool]:
    """Whether a request has a method, and comes from no page."""
    return lambda request: request.method == method and "Origin" not in dict(request.headers)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_a_wrong_method(method: str) -> None:
    """A success misleads, a 500 is a crash; 501 says that the server knows no such method."""
    (verdict,) = run_checks(SMALL, "robustness.method.wrong", target_answering(is_method_without_origin(method), OK))
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "should")
    (verdict,) = run_checks(
        SMALL, "robustness.method.status", target_answering(is_method_without_origin(method), CRASH)
    )
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "must")
    unknown = target_answering(is_method_without_origin(method), Response(status=501))
    assert outcomes_of(run_checks(SMALL, "robustness.method.*", unknown)) == {"pass"}


def test_methods_without_content_are_sent_without() -> None:
    """A server may refuse content where HTTP gives it no meaning; that would hide how it takes the method."""
    sent: list[Request] = []

    def noting(request: Request) -> Response:
        sent.append(request)
        return gzip_target(request)

    run_checks(SMALL, "robustness.method.wrong", noting)
    assert {request.method: bool(request.body) for request in sent} == {
        "POST": True, "GET": False, "DELETE": False, "PUT": True, "PATCH": True,
    }  # fmt: skip


def test_unknown_and_odd_paths() -> None:
    """A success for an unknown path loses events; a 500 is a crash."""
    beside = target_answering(lambda request: request.path.endswith("unknown"), OK)
    (verdict,) = run_checks(SMALL, "robustness.path.unknown", beside)
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "should")
    (verdict,) = run_checks(SMALL, "robustness.path.status", target_answering(lambda item: "%ff" in item.path, CRASH))
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "must")


def test_other_spellings_of_a_path_are_a_note() -> None:
    """Each with its status."""
    (verdicts_by_id,) = run_checks("segment", "robustness.path.spelling", lambda _: OK)
    assert verdicts_by_id.message == "/v1/identify/ 204, //v1/identify 204, /v1/v1/identify 204, /v1//identify 204"


def preflight(request: Request) -> bool:
    """Whether a browser asks."""
    return "Access-Control-Request-Method" in dict(request.headers)


@pytest.mark.parametrize("status", [401, 403])
def test_a_preflight_that_is_asked_for_credentials(status: int) -> None:
    """No browser ever sends them."""
    asking = target_answering(preflight, Response(status=status))
    (verdict,) = run_checks(SMALL, "robustness.preflight.credentials", asking)
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "should")


def test_a_preflight_that_is_refused_only_without_credentials() -> None:
    """Whatever the status is, credentials are what makes the difference."""

    def asks(request: Request) -> bool:
        return preflight(request) and "Authorization" not in dict(request.headers)

    (verdict,) = run_checks(SMALL, "robustness.preflight.credentials", target_answering(asks, BAD))
    assert verdict.outcome.value == "fail"
    refused = target_answering(preflight, Response(status=405))
    (verdict,) = run_checks(SMALL, "robustness.preflight.credentials", refused)
    assert verdict.outcome.value == "pass"


def test_a_preflight_that_crashes_a_server() -> None:
    """It is nobody's fault but the server's."""
    (verdict,) = run_checks(SMALL, "robustness.preflight.status", target_answering(preflight, CRASH))
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "must")
    plain = target_answering(is_method_without_origin("OPTIONS"), CRASH)
    (verdict,) = run_checks(SMALL, "robustness.options.plain", plain)
    assert (verdict.outcome.value, verdict.level.value) == ("fail", "must")


def target_with_cors(credentials: str | None, origin: str | None = None) -> Answer:
    """A server that lets an origin in, or each that asks."""

    def answer(request: Request) -> Response:
        asked = dict(request.headers).get("Origin")
        response = gzip_target(request)
        if asked is None:
            return response
        headers = [("Access-Control-Allow-Origin", origin or asked)]
        headers += [("Access-Control-Allow-Credentials", credentials)] if credentials else []
        return replace(response, headers=tuple(headers))

    return answer


@pytest.mark.parametrize(
    ("server", "outcome"),
    [
        (target_with_cors("true"), "fail"),
        (target_with_cors(None), "pass"),
        (target_with_cors("true", "*"), "pass"),
        (target_with_cors("true", "https://shop.example"), "pass"),
        (gzip_target, "not-applicable"),
    ],
)
def test_an_origin_that_nobody_knows(server: Answer, outcome: str) -> None:
    """It is let in with credentials only where it is named, and not every origin has them."""
    (verdict,) = run_checks(SMALL, "robustness.preflight.origin", server)
    assert (verdict.outcome.value, verdict.level.value) == (outcome, "may")


def test_what_a_preflight_allows_is_a_note() -> None:
    """The origin that was asked for stands for whatever is asked for."""
    (verdict,) = run_checks(SMALL, "robustness.preflight.allowed", target_with_cors("true"))
    assert verdict.message == "204; origin as asked, methods none, headers none, credentials true"


def test_the_commonest_edge_cases_are_small() -> None:
    """They fit into the address of a pixel."""
    pixels = [item for item in CONTRACTS["metarouter"].operations if item.method == "GET"]
    for operation in pixels:
        for _, draft in edge_cases.first_of_each_common(call_to("metarouter", operation)):
            assert len(dict(draft.build_request().query)["data"]) < 4_000
