"""SDKs as data: their requests, their reactions to responses, and the checks made from both."""

from __future__ import annotations

import base64
import gzip
import io
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from conformance import sdks
from conformance.cases import CHECKS
from conformance.checks.trial import make_trials
from conformance.cli import main
from conformance.contract import Contract
from conformance.core import pointers, resources
from conformance.core.errors import Deviation, NotApplicable, ProfileError
from conformance.core.model import (  # fmt: skip
    Area,
    Exchange,
    Level,
    Note,
    OperationKind,
    Outcome,
    Request,
    Response,
    TransportFailure,
    Verdict,
)
from conformance.profile import load
from conformance.refserver.embedded import run_embedded_server
from conformance.report.sdk_overview import build_sdk_overview
from conformance.requests import Call, Draft, Keys
from conformance.requests.sdk_requests import SdkRequest
from conformance.sdks import Reaction, Sdk, SeenAnswer, effective_reaction, sdk_reaction
from conformance.sdks.plans import Plan, describe_plan
from conformance.sdks.sdk import BodyReading
from tests.regenerate import hint
from tests.support import paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.checks.check import Check

GOLDEN = paths.GOLDEN / "sdks.txt"
KEY = "conformance-key-7b1d"
KEYS = Keys(write_key=KEY)
SDKS = {sdk.name: sdk for sdk in sdks.load_all()}
PYTHON_2_3 = "segment-analytics-python-2-3-4"
PYTHON_2_4 = "segment-analytics-python-2-4-0"
NODE, BROWSER = "segment-analytics-node-3-1-0", "segment-analytics-next-1-84-3"
RUDDER_PYTHON, RUDDER_NODE = "rudder-sdk-python-2-1-9", "rudder-sdk-node-3-0-13"
MOBILE, ANDROID = "metarouter-mobile", "metarouter-android-1-3-1"
JAVA, GO = "segment-analytics-java-3-5-4", "segment-analytics-go-3-3-0"
RUDDER_JAVA, RUDDER_GO = "rudder-sdk-java-3-1-2", "rudder-analytics-go-4-2-1"
RUDDER_RUST, RUDDER_BROWSER = "rudder-sdk-rust-2-0-1", "rudder-analytics-js-3-34-1"
PHP, RUBY, DOTNET = "segment-analytics-php-3-8-2", "segment-analytics-ruby-2-5-0", "segment-analytics-net-3-8-1"
KOTLIN, SWIFT = "segment-analytics-kotlin-1-25-0", "segment-analytics-swift-1-9-4"
REACT_NATIVE, CSHARP = "segment-analytics-react-native-2-21-4", "segment-analytics-csharp-2-6-0"
RUDDER_PHP, RUDDER_RUBY, RUDDER_DOTNET = "rudder-php-sdk-2-2-0", "rudder-sdk-ruby-3-2-1", "rudder-sdk-net-2-0-2"
RUDDER_ANDROID, RUDDER_IOS = "rudder-sdk-android-1-28-0", "rudder-sdk-ios-1-31-0"
RUDDER_KOTLIN, RUDDER_SWIFT = "rudder-sdk-kotlin-1-6-0", "rudder-sdk-swift-1-3-1"
VENDORS = {
    "segment": {
        PYTHON_2_3, PYTHON_2_4, NODE, BROWSER, JAVA, GO, PHP, RUBY, DOTNET, KOTLIN, SWIFT, REACT_NATIVE,
        CSHARP,
    },
    "rudderstack": {
        RUDDER_PYTHON, RUDDER_NODE, RUDDER_JAVA, RUDDER_GO, RUDDER_RUST, RUDDER_BROWSER, RUDDER_PHP, RUDDER_RUBY,
        RUDDER_DOTNET, RUDDER_ANDROID, RUDDER_IOS, RUDDER_KOTLIN, RUDDER_SWIFT,
    },
    "metarouter": {MOBILE, ANDROID},
    "segmentstream": set(),
}  # fmt: skip
REQUEST = Request(method="POST", path="/v1/batch")


def exchange_with(status: int, body: bytes = b"", **headers: str) -> Exchange:
    """An exchange with an answer; `retry_after` is the header of that name."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Exchange(request=REQUEST, response=Response(status=status, headers=pairs, body=body))


def request_lines(sdk: Sdk) -> list[str]:
    """One line for each request of an SDK: path, media type, encoding and fields."""
    lines = []
    for shape in sdk.requests:
        names = {name.lower() for name, _ in shape.headers}
        batch: Any = shape.body.get("batch", [shape.body])
        events = sorted({f"{item['type']}({' '.join(sorted(item))})" for item in batch})
        envelope = " ".join(sorted(shape.body)) if "batch" in shape.body else ""
        words = [
            sdk.name, shape.path, shape.content_type or "no-content-type", "gzip" if shape.is_gzipped else "plain",
            "authorization" if "authorization" in names else "no-authorization", envelope, *events,
        ]  # fmt: skip
        lines.append(" ".join(word for word in words if word))
    return lines


def all_request_lines() -> str:
    """The golden list, made from the data."""
    return "\n".join(line for sdk in sdks.load_all() for line in request_lines(sdk)) + "\n"


def test_the_data_are_sound() -> None:
    """Every file is loaded once, under its own name; the schema is valid, and forbids unknown keys."""
    assert list(SDKS) == resources.sdk_names()
    assert len(SDKS) == 28
    schema = json.loads((resources.specs_dir() / "sdk.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


def test_shapes_are_pinned() -> None:
    """Recorded requests do not change unnoticed."""
    assert GOLDEN.read_text(encoding="utf-8") == all_request_lines(), hint("sdks")


def test_profiles_name_their_vendors_sdks() -> None:
    """Each profile names its own SDKs and no others."""
    for name, expected in VENDORS.items():
        facts = load(name).facts
        assert {fact.removeprefix("sdks.") for fact in facts if fact.startswith("sdks.")} == expected


MISTAKES = (
    ("title:", "titel:", "titel: unknown key; did you mean 'title'?"),
    ("does: deliver", "does: delivers", "'delivers' is not one of deliver, deliver-anyway, give-up, retry, follow"),
    ("status: 200,", "status: 6xx,", "'6xx' is not an HTTP status"),
    ("{status: 3xx, does: send-again", "{status: 301, does: send-again", "the status 300 needs a rule without"),
    ("name: rudder", "name: router", "the file is called rudder-sdk-python-2-1-9"),
    ("method: POST", "method: PUT", "POST"),
)  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "says"), MISTAKES, ids=[mistake[1][:20] for mistake in MISTAKES])
def test_a_mistake_is_named_with_its_line(tmp_path: Path, right: str, wrong: str, says: str) -> None:
    """An invalid file is reported like an invalid profile."""
    text = resources.sdk_path(RUDDER_PYTHON).read_text("utf-8")
    assert right in text
    file = tmp_path / f"{RUDDER_PYTHON}.yaml"
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        sdks.load(file)
    assert any(says in str(problem) for problem in caught.value.problems)
    assert all(problem.line > 0 and problem.file == str(file) for problem in caught.value.problems)


def test_a_profile_can_name_only_sdks_that_are_known(tmp_path: Path) -> None:
    """A misspelt name is found when the profile is loaded."""
    text = resources.profile_path("segment").read_text("utf-8")
    file = tmp_path / "vendor.yaml"
    file.write_text(text.replace(f"  {NODE}:", f"  {NODE}9:"), encoding="utf-8")
    with pytest.raises(ProfileError, match=f"no SDK is called '{NODE}9'; did you mean '{NODE}'"):
        load(str(file))


@pytest.mark.parametrize("sdk", SDKS.values(), ids=SDKS)
def test_every_answer_has_a_reaction(sdk: Sdk) -> None:
    """There is a reaction for every status, body and Retry-After."""
    for status, reading, is_timed in itertools.product((0, *range(200, 600)), BodyReading, (True, False)):
        answer = SeenAnswer(status=status, readings=frozenset({reading}), has_retry_after=is_timed)
        assert sdk.rule_for(answer).reaction in Reaction


DONE, ERROR, AGAIN, WAITS, ANYWAY = (
    Reaction.DELIVER, Reaction.GIVE_UP, Reaction.SEND_AGAIN, Reaction.RETRY, Reaction.DELIVER_ANYWAY,
)  # fmt: skip
UNCODED = b'{"success": false}'
OUTCOME_TABLE = (
    ("200", exchange_with(200), DONE, DONE, DONE, DONE, DONE),
    ("204", exchange_with(204), AGAIN, DONE, AGAIN, DONE, DONE),
    ("207", exchange_with(207, UNCODED), AGAIN, ANYWAY, AGAIN, ANYWAY, ANYWAY),
    ("302", exchange_with(302), AGAIN, ERROR, AGAIN, ANYWAY, ERROR),
    ("400 uncoded", exchange_with(400, UNCODED), AGAIN, ERROR, AGAIN, ERROR, ERROR),
    ("400 text", exchange_with(400, b"no"), ERROR, ERROR, ERROR, ERROR, ERROR),
    ("400 coded", exchange_with(400, b'{"code": 1, "message": ""}'), ERROR, ERROR, ERROR, ERROR, ERROR),
    ("401", exchange_with(401), ERROR, ERROR, ERROR, ERROR, ERROR),
    ("413", exchange_with(413), ERROR, ERROR, ERROR, ERROR, ERROR),
    ("429 timed", exchange_with(429, retry_after="1"), AGAIN, WAITS, AGAIN, WAITS, WAITS),
    ("429", exchange_with(429), WAITS, WAITS, WAITS, WAITS, WAITS),
    ("500", exchange_with(500), WAITS, WAITS, WAITS, WAITS, WAITS),
    ("503", exchange_with(503), WAITS, WAITS, WAITS, WAITS, WAITS),
)
COLUMNS = (PYTHON_2_3, PYTHON_2_4, RUDDER_PYTHON, NODE, RUDDER_NODE)


@pytest.mark.parametrize("row", OUTCOME_TABLE, ids=[row[0] for row in OUTCOME_TABLE])
def test_reactions_are_those_that_were_recorded(row: tuple[Any, ...]) -> None:
    """Each cell is the reaction of an SDK that was allowed one repetition."""
    _, exchange, *expected = row
    assert [sdk_reaction(SDKS[name], exchange) for name in COLUMNS] == expected


def test_mobile_sdks_stop_for_good_or_halve() -> None:
    """After a 413 they retry with half of the events; after a 401, 403 or 404 they stop."""
    for name in (MOBILE, ANDROID):
        assert sdk_reaction(SDKS[name], exchange_with(413)) is WAITS
        assert [sdk_reaction(SDKS[name], exchange_with(status)) for status in (401, 403, 404)] == [ERROR] * 3


def test_an_sdk_tries_again_where_no_answer_came() -> None:
    """A broken connection is a reason to retry, for all but two."""
    missed = Exchange(request=REQUEST, failure=TransportFailure.CLOSED, failure_detail="it was closed")
    assert {name for name, sdk in SDKS.items() if sdk_reaction(sdk, missed) is not WAITS} == {RUDDER_RUST, PHP}
    assert sdk_reaction(SDKS[RUDDER_RUST], missed) is ERROR
    assert effective_reaction(SDKS[NODE], missed, is_invalid=True) is AGAIN


@pytest.mark.parametrize(
    ("exchange", "is_bad", "expected"),
    [
        (exchange_with(200), False, DONE),
        (exchange_with(200), True, ANYWAY),
        (exchange_with(500), False, WAITS),
        (exchange_with(500), True, AGAIN),
        (exchange_with(429), True, WAITS),
        (exchange_with(413), True, ERROR),
    ],
)
def test_a_consequence_depends_on_what_was_sent(exchange: Exchange, is_bad: bool, expected: Reaction) -> None:  # noqa: FBT001 - a parameter
    """Invalid events count as delivered anyway, and it is useless to repeat them."""
    assert effective_reaction(SDKS[NODE], exchange, is_invalid=is_bad) is expected


def call_to(profile: str, path: str = "/v1/batch") -> Call:
    """A call to a path of a vendor."""
    contract = Contract(load(profile))
    operation = next(item for item in contract.operations if item.path == path and item.method == "POST")
    return Call(contract=contract, operation=operation, keys=KEYS, label=path)


def sdk_requests(profile: str, name: str) -> list[SdkRequest]:
    """All requests of an SDK to a vendor."""
    return [SdkRequest.for_call(call_to(profile, shape.path), shape) for shape in SDKS[name].requests]


def body_of(draft: Draft) -> bytes:
    """The body of a request, unpacked."""
    request = draft.build_request()
    headers = {name.lower(): value for name, value in request.headers}
    return gzip.decompress(request.body) if headers.get("content-encoding") == "gzip" else request.body


VENDOR_SDKS = [(profile, name) for profile, names in VENDORS.items() for name in sorted(names)]


@pytest.mark.parametrize(("profile", "name"), VENDOR_SDKS)
def test_a_request_is_what_the_sdk_sends(profile: str, name: str) -> None:
    """The body is the recorded one, with the key and unique ids filled in."""
    used_ids: set[str] = set()
    for sent in sdk_requests(profile, name):
        request = sent.to_draft().build_request()
        headers = {key.lower(): value for key, value in request.headers}
        assert headers.get("content-type") == sent.shape.content_type
        assert ("content-encoding" in headers) is sent.shape.is_gzipped
        if "authorization" in headers:
            assert base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode() == f"{KEY}:"
        text = body_of(sent.to_draft()).decode()
        assert not any(word in text for word in ("$BASIC", "$WRITE_KEY", "$MESSAGE_ID"))
        events = json.loads(text).get("batch", [json.loads(text)])
        ids = {event["messageId"] for event in events if name != RUDDER_RUST}
        assert all(item.startswith("conformance-") for item in ids)
        assert not ids & used_ids
        used_ids |= ids
        assert without_filled_in(json.loads(text)) == without_filled_in(sent.shape.body)


def without_filled_in(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A value without the fields that are filled in."""
    if isinstance(value, dict):
        return {
            key: None if key in {"messageId", "writeKey"} else without_filled_in(item) for key, item in value.items()
        }
    return [without_filled_in(item) for item in value] if isinstance(value, list) else value


def test_the_same_run_sends_the_same_bytes() -> None:
    """Compressed bodies contain no timestamp."""
    first, second = (sdk_requests("rudderstack", RUDDER_PYTHON)[0].to_draft().build_request() for _ in range(2))
    assert first == second


def test_what_the_documents_do_not_know_is_kept_apart() -> None:
    """An alias without a previousId, and a type that is not documented for batches, are separated from the others."""
    (sent,) = sdk_requests("metarouter", MOBILE)
    assert [event["type"] for event in events_of(sent.undocumented_only())] == ["screen", "alias"]
    assert {event["type"] for event in events_of(sent.documented_only())} == {
        "track",
        "identify",
        "page",
        "group",
    }
    (sent,) = sdk_requests("segment", NODE)
    assert [event["type"] for event in events_of(sent.undocumented_only())] == ["alias"]


def events_of(sent: SdkRequest) -> list[Any]:
    """The events of an SDK request."""
    return list(sent.events)


def test_an_invalid_request_differs_in_one_thing() -> None:
    """In the key, the user, the size, or the end of the JSON."""
    for profile, name in VENDOR_SDKS:
        for sent in sdk_requests(profile, name):
            documented = sent.documented_only()
            with_unknown_key = documented.with_unknown_key().to_draft()
            assert KEY.encode() not in body_of(with_unknown_key)
            assert KEY not in str(with_unknown_key.build_request().headers)
            (event,) = events_of(documented.first_event_without_user())
            assert not {"userId", "anonymousId"} & event.keys()
            (event,) = events_of(documented.first_event_too_large())
            compact = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
            assert len(compact) == documented.event_limit.smallest_refused
            with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
                json.loads(body_of(documented.to_draft(is_truncated=True)))


def test_a_partly_bad_batch_has_good_events_around_a_bad_one() -> None:
    """Only the event in the middle has no user."""
    (sent,) = sdk_requests("segment", PYTHON_2_4)
    call = sent.call
    named = [
        call.contract.has_identity(event["type"], event)
        for event in events_of(sent.documented_only().middle_event_without_user())
    ]
    assert named.count(False) == 1
    assert named[0]
    assert named[-1]


def check_of(check_id: str) -> Check:
    """A check by its id."""
    return next(item for item in CHECKS if item.id == check_id)


def drive(check_id: str, call: Call, answer: Callable[[Request], Exchange]) -> Note | str | None:
    """The result of a check against a server that is a function."""
    steps = check_of(check_id).steps(call)
    exchange: Any = None
    while True:
        try:
            draft: Any = next(steps) if exchange is None else steps.send(exchange)
        except StopIteration as stop:
            note: Note | str | None = stop.value
            return note
        exchange = answer(draft.build_request())


def outcomes_by_condition(note: Note | str | None) -> dict[str, str]:
    """The reaction for each condition in a note."""
    assert isinstance(note, Note)
    outcomes: Any = note.data["outcomes"]
    return {item["condition"]: item["does"] for item in outcomes}


def test_what_the_documents_refuse_counts_as_delivered_anyway() -> None:
    """The SDK counts an event with a wrong key as delivered; whether it was stored is not seen."""
    note = drive(f"sdk.{PYTHON_2_4}.reactions", call_to("rudderstack"), lambda _: exchange_with(200))
    assert outcomes_by_condition(note) == {
        "accepted": "deliver", "unknown-key": "deliver-anyway", "no-identity": "deliver",
        "too-large": "deliver-anyway", "invalid-json": "deliver-anyway", "partly-bad": "deliver",
    }  # fmt: skip
    assert isinstance(note, Note)
    assert note.text.startswith("acceptable 200: counts as delivered; unknown key 200: counts as delivered anyway; ")
    assert note.data["sdk"] == {
        "name": PYTHON_2_4, "title": "segment-analytics-python 2.4.0", "version": "2.4.0", "supported": False,
    }  # fmt: skip


def test_a_success_without_content_makes_older_sdks_send_again() -> None:
    """They accept only status 200 as a success."""
    note = drive(f"sdk.{PYTHON_2_3}.reactions", call_to("segment"), lambda _: exchange_with(204))
    assert outcomes_by_condition(note)["accepted"] == "send-again"


def test_nothing_follows_from_other_refusals_where_the_sdk_is_not_let_in() -> None:
    """The refusal of a valid request is the only outcome."""
    note = drive(f"sdk.{NODE}.reactions", call_to("metarouter"), lambda _: exchange_with(415))
    assert outcomes_by_condition(note) == {"accepted": "give-up"}


@pytest.mark.parametrize(
    ("profile", "name", "refuses"),
    [
        ("segment", BROWSER, lambda request: ("Content-Type", "text/plain") in request.headers),
        ("segment", PYTHON_2_3, lambda request: b'"anonymousId":null' in request.body),
        ("segment", PYTHON_2_3, lambda request: "Authorization" not in dict(request.headers)),
        ("segment", NODE, lambda request: b"_metadata" in request.body),
        ("segment", PYTHON_2_4, lambda request: ("X-Retry-Count", "1") in request.headers),
        ("rudderstack", RUDDER_PYTHON, lambda request: ("Content-Encoding", "gzip") in request.headers),
        ("rudderstack", RUDDER_NODE, lambda request: "json" not in dict(request.headers)["Content-Type"]),
        ("metarouter", ANDROID, lambda request: b'"traits":null' in request.body),
        ("metarouter", MOBILE, lambda request: b'],"writeKey"' not in request.body),
    ],
)  # fmt: skip
def test_a_server_that_shuts_an_sdk_out_is_named(profile: str, name: str, refuses: Callable[[Request], bool]) -> None:
    """Each refuses one thing that the SDK does; the same server without the refusal passes."""
    path = "/v1/t" if name == BROWSER else "/v1/batch"
    check_id = f"sdk.{name}.accepted"
    cors = {"Access_Control_Allow_Origin": "*", "Access_Control_Allow_Headers": "authorization, x-retry-count"}
    assert drive(check_id, call_to(profile, path), lambda _: exchange_with(200, b"", **cors)) is None
    with pytest.raises(Deviation, match="must be accepted"):
        drive(check_id, call_to(profile, path), lambda item: exchange_with(400 if refuses(item) else 200, b"", **cors))


def test_checks_are_made_where_an_sdk_sends_to() -> None:
    """On the SDK's paths only; checks of another vendor's SDK are not applicable."""
    contract = Contract(load("segment"))
    sdk_trials = [trial for trial in make_trials(contract, KEYS, CHECKS) if trial.check.area == "sdk"]
    paths = {
        trial.operation.path for trial in sdk_trials if trial.check.id == f"sdk.{BROWSER}.accepted" and trial.operation
    }
    assert paths == SDKS[BROWSER].paths
    foreign = next(trial for trial in sdk_trials if trial.check.id == f"sdk.{MOBILE}.accepted")
    with pytest.raises(NotApplicable, match=f"the profile does not state sdks.{MOBILE}"):
        foreign.steps()
    batches = [item for item in contract.operations if item.kind is OperationKind.BATCH]
    assert all(pointers.has(shape.body, "/batch") for sdk in SDKS.values() for shape in sdk.requests
               if shape.path in {item.path for item in batches})  # fmt: skip


@pytest.mark.parametrize("profile", VENDORS)
def test_the_reference_server_accepts_its_vendors_sdks(
    profile: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No check fails, and the report has the reactions of each SDK."""
    file = tmp_path / "report.json"
    main(["run", "--profile", profile, "--select", "sdk", "--json", str(file)])
    document = json.loads(file.read_text("utf-8"))
    schema = json.loads((resources.specs_dir() / "report.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(document)
    outcomes = [(item["id"], item["outcome"]) for item in document["checks"]]
    assert not [item for item in outcomes if item[1] in {"fail", "untestable", "error"}]
    rows = {row["name"]: row for row in document["sdks"]}
    assert {name for name, row in rows.items() if row["supported"]} == VENDORS[profile]
    shown = capsys.readouterr().out
    for name in VENDORS[profile]:
        assert (f"sdk.{name}.accepted", "pass") in outcomes
        assert f"{SDKS[name].title}  " in shown
        for operation in rows[name]["operations"]:
            assert operation["outcomes"][0]["does"] == "deliver"


def test_the_overview_names_harm_alone() -> None:
    """Another vendor's SDK is shown only where it would count refused events as delivered, or send them again."""
    note = drive(f"sdk.{PYTHON_2_3}.reactions", call_to("metarouter"), lambda _: exchange_with(400, UNCODED))
    fine = drive(f"sdk.{NODE}.reactions", call_to("metarouter"), lambda _: exchange_with(400, UNCODED))
    shown = overview_text([verdict(note, "a"), verdict(fine, "b")])
    assert "segment-analytics-python 2.3.4  can't deliver, sends again: 400 on POST /v1/batch" in shown
    assert SDKS[NODE].title not in shown
    lost = drive(f"sdk.{NODE}.reactions", call_to("metarouter"), lambda _: exchange_with(200))
    assert "but" in (shown := overview_text([verdict(lost, "b")]))
    refused = "unknown key, no user, beyond the documented limit, invalid JSON, partly bad"
    assert f"counts as delivered  counts as delivered anyway: {refused}" in shown
    assert not {"lose", "loses", "lost", "delivers"} & set(shown.split())
    assert overview_text([verdict(fine, "b")]) == ""


def verdict(note: Note | str | None, check_id: str) -> Verdict:
    """A verdict with a note's data."""
    assert isinstance(note, Note)
    return Verdict(
        id=check_id, area=Area.SDK, level=Level.MAY, title="It is reported.", operation="POST /v1/batch",
        outcome=Outcome.OBSERVED, message=note.text, data=note.data,
    )  # fmt: skip


def overview_text(verdicts: list[Verdict]) -> str:
    """The overview of verdicts, as a terminal shows it."""
    rows = build_sdk_overview(verdicts)
    console = Console(width=200, record=True, file=io.StringIO())
    if rows is not None:
        console.print(rows)
    return console.export_text()


SENTENCES = (
    (GO, exchange_with(400, b"no"), "sends again 9 times in about 33 s, then drops"),
    (GO, exchange_with(302, location="/login"), "asks the Location with a GET, counts as delivered anyway"),
    (GO, exchange_with(308, location="/other"), "sends it to the Location"),
    (PYTHON_2_4, exchange_with(302, location="/login"), "asks the Location with a GET, counts as delivered anyway"),
    (PYTHON_2_4, exchange_with(503, retry_after="5"), "retries for 12 h, then drops"),
    (PYTHON_2_4, exchange_with(503), "retries 10 times in about 3 min, then drops"),
    (RUDDER_NODE, exchange_with(503, retry_after="5"), "retries 3 times in about 15 s, then drops"),
    (RUDDER_NODE, exchange_with(500), "retries 3 times in about 1.4 s, then drops"),
    (RUDDER_RUST, exchange_with(429, retry_after="5"), "retries 3 times in about 15 s, then drops"),
    (JAVA, exchange_with(200, b"OK"), "sends again 3 times in about 109 s, then drops"),
    (JAVA, exchange_with(200, UNCODED), "counts as delivered"),
    (JAVA, exchange_with(204), "counts as delivered"),
    (RUDDER_JAVA, exchange_with(200, b"OK"), "counts as delivered"),
)


@pytest.mark.parametrize(("name", "exchange", "sentence"), SENTENCES, ids=[f"{row[0]} {row[2]}" for row in SENTENCES])
def test_a_report_says_how_often_and_how_long(name: str, exchange: Exchange, sentence: str) -> None:
    """As it was seen with the SDK's default settings, while the answer stayed the same."""
    plan = Plan.for_exchange(SDKS[name], exchange)
    assert describe_plan({"does": plan.reaction.value, **plan.as_json()}) == sentence


@pytest.mark.parametrize(
    ("name", "path", "answer", "does"),
    [
        (JAVA, "/v1/import/", exchange_with(200, b"OK"), "sends again 3 times"),
        (NODE, "/v1/batch", exchange_with(302, location="/login"), "counts as delivered anyway"),
        (GO, "/v1/batch", exchange_with(500), "retries 9 times"),
        (PYTHON_2_3, "/v1/batch", exchange_with(202), "sends again 10 times"),
    ],
)
def test_an_answer_that_an_sdk_can_not_use_fails(name: str, path: str, answer: Exchange, does: str) -> None:
    """And says what the SDK does with it; a plain success passes."""
    check_id = f"sdk.{name}.reaction"
    assert drive(check_id, call_to("segment", path), lambda _: exchange_with(200, b"{}")) is None
    with pytest.raises(Deviation, match=does):
        drive(check_id, call_to("segment", path), lambda _: answer)


def test_a_key_in_a_compressed_body_is_in_no_report(tmp_path: Path) -> None:
    """Where an SDK sends the key in a compressed body alone, reports show the body without it."""
    report = tmp_path / "report.json"
    with run_embedded_server("segment", KEYS) as url:
        words = ["run", url, "--profile", "segment", "--write-key", KEY, "--gate", "should", "--json", str(report)]
        assert main([*words, "--select", f"sdk.{KOTLIN}.accepted"]) == 0
    text = report.read_text("utf-8")
    assert "analytics-kotlin" in text
    assert KEY not in text
