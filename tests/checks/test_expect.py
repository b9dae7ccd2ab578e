"""Assertions, each on an exchange that keeps the promise and on one that breaks it."""

from __future__ import annotations

import json
import re

import pytest

from conformance.checks import expect
from conformance.contract import Contract
from conformance.core.errors import Deviation, NoResponse, NotApplicable, Untestable
from conformance.core.model import Exchange, JsonObject, Level, Request, Response, Source, TransportFailure
from conformance.profile import load
from conformance.profile.body_format import BodyFormat
from conformance.profile.facts import ExpectedResponse, LimitKind, ResponseBody, Rule, ToleratedStatus

REQUEST = Request(method="POST", path="/v1/track")
SOURCE = Source(document="API", section="Errors", says="it happens")
CLOSED_EXCHANGE = Exchange(request=REQUEST, failure=TransportFailure.CLOSED, failure_detail="it was closed")
TIMED_OUT_EXCHANGE = Exchange(request=REQUEST, failure=TransportFailure.TIMEOUT, failure_detail="no answer within 10 s")


def exchange_with(
    status: int = 200, body: str | bytes = b"", media_type: str | None = None, version: str = "HTTP/1.1"
) -> Exchange:
    """An exchange with an answer."""
    headers = (("content-type", media_type),) if media_type else ()
    content = body if isinstance(body, bytes) else body.encode()
    response = Response(status=status, headers=headers, body=content, http_version=version)
    return Exchange(request=REQUEST, response=response)


def answer_fact(*expected: int, tolerate: tuple[int, ...] = (), says: str = "it happens") -> ExpectedResponse:
    """The statuses of a contract."""
    source = Source(document="API", section="Errors", says=says)
    tolerated = tuple(ToleratedStatus(status=status, source=source) for status in tolerate)
    return ExpectedResponse(
        name="answers.x", level=Level.SHOULD, sources=(source,), expect=expected, tolerate=tolerated
    )


def body_fact(
    body_class: BodyFormat | None = None,
    media_type: str | None = None,
    text: str | None = None,
    schema: JsonObject | None = None,
) -> ResponseBody:
    """The body that a contract promises."""
    return ResponseBody(
        name="bodies.x", level=Level.MUST, sources=(SOURCE,),
        body_format=body_class, media_type=media_type, text=text, schema=schema,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "is_accepted"),
    [(199, False), (200, True), (204, True), (206, True), (207, False), (299, True), (302, False),
     (400, False), (500, False)],
)  # fmt: skip
def test_an_acceptance_is_a_whole_success(status: int, is_accepted: bool) -> None:  # noqa: FBT001 - a parameter
    """Any 2xx except 207."""
    assert expect.is_accepted(exchange_with(status)) is is_accepted
    assert not expect.is_accepted(CLOSED_EXCHANGE)


def test_an_accepted_control_is_fine() -> None:
    """Nothing is said."""
    expect.control(exchange_with(204))


def test_a_refused_control_is_untestable() -> None:
    """The message says what was refused, why that matters, and where to look first."""
    with pytest.raises(Untestable) as caught:
        expect.control(exchange_with(401, "no  such\nkey"))
    assert caught.value.expected == "a success"
    assert caught.value.received == "401 'no such key'"
    assert caught.value.message.startswith("an acceptable request to POST /v1/track must be accepted")
    assert "look at the accept checks first" in caught.value.message


def test_an_acceptance_is_expected() -> None:
    """Any success is allowed; the message names the request and the answer."""
    expect.accepted(exchange_with(202), "a batch")
    with pytest.raises(Deviation, match=r"^a batch must be accepted, and was answered with 400 ") as caught:
        expect.accepted(exchange_with(400, "no"), "a batch")
    assert not isinstance(caught.value, Untestable)
    assert (caught.value.expected, caught.value.received) == ("a success", "400 'no'")


def test_what_is_not_supported_is_silent() -> None:
    """A feature that the documents do not promise may be missing."""
    expect.require_supported(exchange_with(200), "gzip")
    with pytest.raises(NotApplicable, match=r"^gzip is not supported here: 415 with an empty body$"):
        expect.require_supported(exchange_with(415), "gzip")


@pytest.mark.parametrize("exchange", [exchange_with(200), exchange_with(302), CLOSED_EXCHANGE])
def test_without_a_refusal_there_is_none_to_look_at(exchange: Exchange) -> None:
    """A success, a redirect or silence is no refusal."""
    expect.require_refused(exchange_with(400))
    expect.require_refused(exchange_with(503))
    with pytest.raises(NotApplicable, match=r"^the target did not refuse the request"):
        expect.require_refused(exchange)


def test_an_expected_status_needs_no_word() -> None:
    """Any one of several."""
    assert expect.status(exchange_with(400), answer_fact(400), "it") is None
    assert expect.status(exchange_with(404), answer_fact(405, 404), "it") is None


def test_a_tolerated_status_is_noted() -> None:
    """With its source, and what that says."""
    note = expect.status(exchange_with(401), answer_fact(400, tolerate=(401,)), "it")
    assert note == "401 is tolerated: API, section 'Errors' (it happens)"
    assert expect.status(exchange_with(401), answer_fact(400, tolerate=(401,), says=""), "it") == (
        "401 is tolerated: API, section 'Errors'"
    )


@pytest.mark.parametrize("exchange", [exchange_with(200, "ok"), CLOSED_EXCHANGE])
def test_another_status_is_a_deviation(exchange: Exchange) -> None:
    """The message has every status that would have been fine; the level is the answer's own."""
    with pytest.raises(Deviation) as caught:
        expect.status(exchange, answer_fact(400, tolerate=(401, 400)), "no key")
    assert caught.value.message == (
        f"no key must be answered with 400 or 401, and was answered with {exchange.summary}"
    )
    assert (caught.value.expected, caught.value.received) == ("400 or 401", exchange.summary)
    assert caught.value.level is Level.SHOULD


@pytest.mark.parametrize(
    ("exchange", "promised"),
    [
        (exchange_with(200, "anything", "text/html"), body_fact()),
        (exchange_with(204), body_fact(BodyFormat.EMPTY)),
        (exchange_with(200, "x"), body_fact(BodyFormat.MESSAGE)),
        (exchange_with(200, " OK\n", "text/plain; charset=utf-8"), body_fact(BodyFormat.TEXT, "text/plain", "ok")),
        (exchange_with(200, "{}", "Application/JSON"), body_fact(BodyFormat.JSON, "application/json")),
        (exchange_with(200, '"ok"'), body_fact(BodyFormat.JSON)),
        (exchange_with(200, '{"ok": true}'), body_fact(BodyFormat.JSON, schema={"required": ["ok"]})),
    ],
)
def test_a_body_of_the_promised_shape_is_fine(exchange: Exchange, promised: ResponseBody) -> None:
    """Only what is promised is judged."""
    expect.body(exchange, promised, "it")


@pytest.mark.parametrize(
    ("exchange", "promised", "expected", "received"),
    [
        (exchange_with(200, "x"), body_fact(BodyFormat.EMPTY), "an empty body", "200 with the body 'x'"),
        (exchange_with(400, " \n"), body_fact(BodyFormat.MESSAGE), "a body that says something",
         "400 with an empty body"),
        (exchange_with(400), body_fact(BodyFormat.TEXT), "a body that says something", "400 with an empty body"),
        (exchange_with(400, "<html>"), body_fact(BodyFormat.JSON), "a JSON body", "400 with the body '<html>'"),
        (exchange_with(400), body_fact(BodyFormat.JSON), "a JSON body", "400 with the body nothing"),
        (exchange_with(400, b"\xff"), body_fact(BodyFormat.JSON), "a JSON body", "400 with the body '\ufffd'"),
        (exchange_with(400, "{}", "text/html"), body_fact(media_type="application/json"),
         "the type application/json", "400 with the type text/html"),
        (exchange_with(400, "{}"), body_fact(media_type="application/json"),
         "the type application/json", "400 with no Content-Type"),
        (exchange_with(200, "okay"), body_fact(text="OK"), "the body 'OK'", "200 with the body 'okay'"),
        (exchange_with(400, '{"a": [1]}'),
         body_fact(BodyFormat.JSON, schema={"properties": {"a": {"items": {"type": "string"}}}}),
         "a JSON body of the documented shape (a[0]: '1 is not of type \"string\"')",
         "400 with '{\"a\": [1]}'"),
    ],
)  # fmt: skip
def test_a_body_of_another_shape_is_a_deviation(
    exchange: Exchange, promised: ResponseBody, expected: str, received: str
) -> None:
    """The message names the broken promise and what was received instead."""
    with pytest.raises(Deviation) as caught:
        expect.body(exchange, promised, "a bad event")
    assert (caught.value.expected, caught.value.received) == (expected, received)
    assert caught.value.message.startswith(f"the answer to a bad event must have {expected}, and has ")


def test_a_long_body_is_cut_in_a_message() -> None:
    """A page of HTML does not drown the report."""
    with pytest.raises(Deviation) as caught:
        expect.body(exchange_with(400, "<p>" * 10_000), body_fact(BodyFormat.JSON), "it")
    assert len(caught.value.message) < 300
    assert "...'" in caught.value.message


def test_without_an_answer_there_is_no_body() -> None:
    """That is for other checks to judge."""
    with pytest.raises(NotApplicable, match="no answer whose body"):
        expect.body(CLOSED_EXCHANGE, body_fact(), "it")


def test_chunks_are_for_http_1_1() -> None:
    """A target that answers as HTTP/1.0 knows no chunks; one that refuses the control proves nothing."""
    expect.require_http_1_1(exchange_with(200))
    with pytest.raises(NotApplicable, match=r"HTTP/1\.0, which has no chunks"):
        expect.require_http_1_1(exchange_with(200, version="HTTP/1.0"))
    with pytest.raises(Untestable):
        expect.require_http_1_1(exchange_with(400))


def test_chunks_may_be_unsupported() -> None:
    """A refusal is no fault here, and neither is an old version."""
    expect.require_chunks_supported(exchange_with(200))
    for exchange in (exchange_with(400), exchange_with(200, version="HTTP/1.0"), CLOSED_EXCHANGE):
        with pytest.raises(NotApplicable):
            expect.require_chunks_supported(exchange)


def test_a_length_may_be_insisted_on() -> None:
    """With a 411, and with nothing else."""
    expect.require_length_optional(exchange_with(200))
    expect.require_length_optional(exchange_with(400))
    with pytest.raises(NotApplicable, match="insists on a Content-Length"):
        expect.require_length_optional(exchange_with(411))


def test_silence_is_waited_for_once() -> None:
    """No connection or no answer in time ends the check; a closed connection is for the check to judge."""
    expect.no_timeout(exchange_with(500))
    expect.no_timeout(CLOSED_EXCHANGE)
    for mishap in (TransportFailure.TIMEOUT, TransportFailure.UNREACHABLE, TransportFailure.TLS):
        with pytest.raises(NoResponse, match=r"^no verdict: why$"):
            expect.no_timeout(Exchange(request=REQUEST, failure=mishap, failure_detail="why"))


@pytest.mark.parametrize("status", [200, 302, 400, 404, 429, 499])
def test_a_fault_of_the_client_is_answered_as_such(status: int) -> None:
    """Any answer below 500."""
    expect.no_server_error(exchange_with(status), "it")


@pytest.mark.parametrize(
    "exchange", [exchange_with(500, "oops"), exchange_with(503), CLOSED_EXCHANGE, TIMED_OUT_EXCHANGE]
)
def test_a_fault_of_the_server_is_a_deviation(exchange: Exchange) -> None:
    """A 5xx, or no answer at all."""
    with pytest.raises(Deviation) as caught:
        expect.no_server_error(exchange, "invalid JSON")
    assert caught.value.expected == "an answer below 500"
    assert caught.value.received == exchange.summary
    assert caught.value.message.startswith("invalid JSON must not make the server fail")


TRACES = {
    "python": """Traceback (most recent call last):
  File "/app/main.py", line 10, in track
    event = json.loads(body)
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)""",
    "python-tail": """in
  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode""",
    "java": """java.lang.NullPointerException: Cannot invoke "String.length()" because "id" is null
\tat com.example.ingest.TrackController.track(TrackController.java:42)
\tat java.base/java.lang.Thread.run(Thread.java:833)""",
    "java-modules": """java.lang.NullPointerException
\tat java.base/java.util.Objects.requireNonNull(Objects.java:209)""",
    "java-main": """Exception in thread "main" java.lang.IllegalStateException""",
    "kotlin": """    at com.example.AppKt$main$1.invokeSuspend(App.kt:17)""",
    "node": """SyntaxError: Unexpected token } in JSON at position 12
    at JSON.parse (<anonymous>)
    at parse (/app/node_modules/body-parser/lib/types/json.js:92:19)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)""",
    "node-windows": r"""    at Object.<anonymous> (C:\app\server.js:10:15)""",
    "node-anonymous": """TypeError: x is undefined
    at /app/server.js:10:15""",
    "node-modules": """    at async file:///app/server.mjs:10:15""",
    "express": """<!DOCTYPE html>
<html lang="en">
<body>
<pre>SyntaxError: Unexpected end of JSON input<br> &nbsp; &nbsp;\
at JSON.parse (&lt;anonymous&gt;)<br> &nbsp; &nbsp;\
at parse (/app/node_modules/body-parser/lib/types/json.js:92:19)<br> &nbsp; &nbsp;\
at /app/node_modules/body-parser/lib/read.js:128:18</pre>
</body>
</html>""",
    "go": """panic: runtime error: invalid memory address or nil pointer dereference

goroutine 34 [running]:
main.track(0xc0000b4000)
\t/app/main.go:21 +0x1b""",
    "go-stack": """goroutine 7 [chan receive]:
main.main()""",
    "go-goroutine": """goroutine 7 [running]:
main.main()""",
    "ruby": """/app/server.rb:12:in `track': undefined method `[]' for nil:NilClass (NoMethodError)
\tfrom /app/server.rb:5:in `<main>'""",
    "ruby-3.4": """\tfrom /app/server.rb:5:in 'Object#track'""",
    "rails": """app/controllers/events_controller.rb:7:in `create'""",
    "php": """PHP Fatal error:  Uncaught TypeError: strlen() in /var/www/index.php:3
Stack trace:
#0 /var/www/index.php(9): track(NULL)
#1 {main}
  thrown in /var/www/index.php on line 3""",
    "php-tail": """#12 /var/www/vendor/laravel/framework/src/Pipeline.php(180): handle()""",
    "rust": """thread 'tokio-runtime-worker' panicked at src/main.rs:14:35:
called `Option::unwrap()` on a `None` value""",
    "rust-1.91": """thread 'main' (73810) panicked at src/main.rs:2:5:""",
    "dotnet": """System.NullReferenceException: Object reference not set to an instance of an object.
   at Ingest.TrackController.Post(Event e) in /src/TrackController.cs:line 31""",
}


@pytest.mark.parametrize("language", TRACES)
@pytest.mark.parametrize("form", ["plain", "json", "json-list", "html"])
def test_a_stack_trace_is_seen(language: str, form: str) -> None:
    """Traces of many languages: plain, as a JSON string, as a list of lines, and in an HTML page."""
    trace = TRACES[language]
    escaped = trace.replace('"', "&quot;")
    shown = {
        "plain": trace,
        "json": json.dumps({"error": "Internal", "stack": trace}),
        "json-list": json.dumps({"stack": trace.splitlines()}, indent=1),
        "html": f"<html><body><pre>{escaped}</pre></body></html>",
    }[form]
    with pytest.raises(Deviation, match=r"^the answer to invalid JSON must not show a stack trace, and has ") as caught:
        expect.no_stack_trace(exchange_with(500, shown), "invalid JSON")
    assert caught.value.expected == "an error message without the inside of the server"


def test_only_bodies_that_can_match_are_searched() -> None:
    """Each part of the pattern names a text that is in all that it matches, and some trace shows each."""
    parts = expect.FORBIDDEN_PATTERNS[Rule.NO_STACK_TRACE].parts
    found = [(part, match[0]) for part in parts for trace in TRACES.values()
             if (match := re.search(part, trace, re.MULTILINE))]  # fmt: skip
    assert {part for part, _ in found} == {*parts}
    assert [match for part, match in found if parts[part] not in match] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "at least one of userId or anonymousId is needed",
        "line 3 column 5: unexpected token",
        "Unexpected token } in JSON at position 12",
        "Unexpected end of JSON input at line 1, column 14 (char 13)",
        "Expecting value: line 1 column 1 (char 0)",
        "invalid character '}' looking for beginning of value",
        'json: cannot unmarshal string into Go struct field Event.userId of type "int"',
        "Error at /batch/0/userId: expected string",
        "at /batch/0: type is missing",
        "look at (https://docs.example.com:443/errors)",
        'the file "events.json", line 3, is wrong',
        "accepted at 2024-03-01T09:30:00.000Z",
        "at 12:30:15 the limit was reached",
        '{"error":"no_user_anon_id","path":"/v1/track","at":"09:30:00"}',
        "from /v1/track: in the body, userId is missing",
        "a thread of events panicked nobody",
        "the request was traced: see trace id 4bf92f3577b34da6a3ce929d0e0e4736",
        "error #3 in /v1/batch (2 events)",
        "main thread is busy; try later",
        "<p>Not found. Have a look at <a href='/docs'>the documents</a> (section 3:2)</p>",
        "events at index 3 (userId) and at index 4 (event) are invalid",
    ],
)
def test_an_innocent_text_is_no_stack_trace(text: str) -> None:
    """Messages that help a client may speak of lines, columns and paths; every client sees its own."""
    for shown in (text, json.dumps({"error": text}), json.dumps({"errors": [text]}, indent=2)):
        expect.no_stack_trace(exchange_with(400, shown), "it")
    expect.no_stack_trace(CLOSED_EXCHANGE, "it")


@pytest.mark.parametrize("media_type", ["text/html; charset=utf-8", "application/xhtml+xml", None])
def test_markup_in_a_page_is_a_deviation(media_type: str | None) -> None:
    """A browser would run it, and guesses where there is no type."""
    exchange = exchange_with(400, f"<p>bad: {expect.HTML_PROBE}</p>", media_type)
    with pytest.raises(Deviation, match=r"must not repeat the client's markup .*, and does, as ") as caught:
        expect.no_html_reflection(exchange, "invalid JSON")
    assert caught.value.received == exchange.summary


@pytest.mark.parametrize(
    "exchange",
    [
        exchange_with(400, f'{{"got": "{expect.HTML_PROBE}"}}', "application/json"),
        exchange_with(400, expect.HTML_PROBE, "text/plain"),
        exchange_with(400, "<p>&lt;script&gt;conformance()&lt;/script&gt;</p>", "text/html"),
        exchange_with(400, "<p>bad</p>", "text/html"),
        CLOSED_EXCHANGE,
    ],
)
def test_markup_that_nobody_runs_is_fine(exchange: Exchange) -> None:
    """Another type, escaped, not there, or no answer."""
    expect.no_html_reflection(exchange, "it")


@pytest.mark.parametrize(
    ("exchange", "outline"),
    [
        (exchange_with(204), "204 with an empty body"),
        (exchange_with(400, " a \n\t b "), "400 'a b'"),
        (exchange_with(500, "x" * 500), f"500 '{'x' * 120}...'"),
        (CLOSED_EXCHANGE, "no answer (it was closed)"),
        (Exchange(request=REQUEST, failure=TransportFailure.TLS), "no answer (tls)"),
    ],
)
def test_an_exchange_is_outlined_in_a_few_words(exchange: Exchange, outline: str) -> None:
    """A summary is one line for any answer."""
    assert exchange.summary == outline


@pytest.mark.parametrize(("status", "is_named"), [(200, True), (500, False)])
def test_a_stale_document_is_named(status: int, is_named: bool) -> None:  # noqa: FBT001 - a parameter
    """A larger body that is accepted fails by the document, and the newer source says why the document may be wrong."""
    limit = Contract(load("rudderstack")).size_limit(LimitKind.EVENT)
    assert limit.newer
    assert (limit.at_most, limit.newer.at_most) == (32_768, 65_536)
    with pytest.raises(Deviation) as caught:
        expect.status(exchange_with(status), limit, "a body over its limit")
    assert ("the document may be stale" in str(caught.value)) is is_named
    assert (set(limit.newer.sources) <= set(caught.value.sources)) is is_named
