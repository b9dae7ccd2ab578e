"""Probing servers that are none of the vendors': every fact is found, and a run by the profile is green."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance import resources
from conformance.cli import main
from conformance.contract import Contract
from conformance.profile import load
from conformance.profile.facts import BATCH_EVENTS, Answer, BodyShape, Crowd, Limit
from conformance.profile.unit import Unit
from tests.probed import KEY, SHORT, Manners, Probed
from tests.targets.behaviour import PLAIN, Behaviour
from tests.targets.server import serve

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.profile.facts import Profile

SCHEMA: dict[str, Any] = json.loads((resources.specs() / "probe.schema.json").read_text("utf-8"))
SMALL: dict[str, Any] = {"events": {"/v1/track": "track"}, "batches": (), "event_limit": 20_000}
"""One path, and a limit that costs few bytes to find."""
NESTED: dict[str, Any] = {"batches": (), "where": ("event", "user"), "event_limit": 9_000}
QUICK = (
    "accept.event.*,accept.answer.*,accept.credentials.*,auth.key.unknown,json.syntax.truncated,size,batch.*"
)
"""What most servers are run by here, with what a test is about; whole runs are made of one."""


class Probing:
    """A probe of a server, and what it wrote."""

    def __init__(
        self,
        place: Path,
        manners: Manners,
        *options: str,
        behaviour: Behaviour = PLAIN,
        run: str = QUICK,
        whole: bool = False,
    ) -> None:
        out, report = place / "probed.yaml", place / "probe.json"
        with serve(Probed(manners), behaviour) as url:
            asked = ["probe", url, "--write-key", KEY, "--out", str(out), "--json", str(report)]
            limited = () if whole or "--max-requests" in options else ("--max-requests", "240")
            self.code = main([*asked, *limited, *options])
            self.run = -1
            if self.code == 0:
                areas = [] if whole else ["--select", run]
                self.run = main(["run", url, "--write-key", KEY, "--profile", str(out), "--quiet", *areas])
        self.text = out.read_text("utf-8") if out.exists() else ""
        self.report: dict[str, Any] = json.loads(report.read_text("utf-8")) if report.exists() else {}
        self.profile: Profile | None = load(str(out)) if out.exists() else None
        if self.report:
            Draft202012Validator(SCHEMA).validate(self.report)
        assert KEY not in self.text + json.dumps(self.report)

    def fact(self, name: str) -> Any:  # noqa: ANN401 - a fact of any kind
        """A fact of the profile, or None."""
        assert self.profile is not None
        return self.profile.facts.get(name)

    def limit(self, name: str) -> tuple[int, int, Unit, tuple[int, ...]]:
        """A limit: its band, unit and statuses."""
        found = self.fact(f"limits.{name}")
        assert isinstance(found, Limit)
        return found.at_least, found.at_most, found.unit, found.expect

    @property
    def remarks(self) -> str:
        """What the profile does not say."""
        return "\n".join(self.report["remarks"])


@pytest.mark.parametrize(
    ("unit", "limits", "status"),
    [
        (Unit.BYTES, (12_345, 12_000, 70_001), 413),
        (Unit.CHARACTERS, (15_360, None, 61_000), 400),
        (Unit.DECODED_BYTES, (7_000, None, 20_000), 413),
        (Unit.DECODED_CHARACTERS, (8_000, None, 30_000), 422),
        (Unit.UTF_16_UNITS, (9_000, None, 20_000), 413),
        (Unit.DECODED_UTF_16_UNITS, (9_000, None, 20_000), 413),
    ],
)
def test_limits_are_found_to_the_byte(
    tmp_path: Path, unit: Unit, limits: tuple[int, int | None, int], status: int
) -> None:
    """Odd limits, and limits in every unit; a run by the profile is green."""
    event, item, batch = limits
    manners = Manners(
        events={"/v1/track": "track"},
        event_limit=event,
        item_limit=item,
        batch_limit=batch,
        unit=unit.value,
        large=status,
    )
    found = Probing(tmp_path, manners, whole=unit is Unit.BYTES)
    assert (found.code, found.run) == (0, 0)
    assert found.limit("event") == (event, event, unit, (status,))
    assert found.limit("batch") == (batch, batch, unit, (status,))
    if item is None:
        assert found.fact("limits.batch-event") is None
    else:
        assert found.limit("batch-event") == (item, item, Unit.BYTES, (status,))
    assert found.report["requests"] <= 400


@pytest.mark.parametrize(("most", "status"), [(10, 400), (1, 422)])
def test_the_number_of_events_is_found(tmp_path: Path, most: int, status: int) -> None:
    """So many events a batch, whatever the bytes."""
    found = Probing(
        tmp_path, Manners(most_events=most, most_status=status, item_limit=2_000, event_limit=2_000)
    )
    crowd = found.fact(BATCH_EVENTS)
    assert isinstance(crowd, Crowd)
    assert (crowd.count, crowd.expect) == (most, (status,))
    assert found.run == 0


def test_bytes_are_not_taken_for_a_number(tmp_path: Path) -> None:
    """A small limit of bytes refuses many events, too, and is no limit of their number."""
    found = Probing(tmp_path, Manners(event_limit=2_000, batch_limit=5_000))
    assert found.fact(BATCH_EVENTS) is None
    assert found.limit("batch") == (5_000, 5_000, Unit.BYTES, (413,))
    assert found.run == 0


def test_a_limit_that_chunks_escape_says_so(tmp_path: Path) -> None:
    """Where only a Content-Length is looked at, the profile does not promise more."""
    found = Probing(tmp_path, Manners(**SMALL, ignores_chunks=True))
    assert not found.fact("limits.event").holds_in_chunks
    assert found.run == 0


def test_a_closed_connection_is_told_and_not_stated(tmp_path: Path) -> None:
    """No profile can say that a connection is closed; the report says where it is."""
    found = Probing(tmp_path, Manners(**SMALL, large=None))
    assert found.fact("limits.event") is None
    assert "limits.event: 20,000 bytes are taken; 20,001: no answer" in found.remarks
    assert found.run == 0


@pytest.mark.parametrize(
    ("keys", "credentials"),
    [
        (("basic",), {"basic": "", "basic-without-colon": ""}),
        (("body",), {"body": "/writeKey"}),
        (("header",), {"header": "X-Write-Key"}),
        (("bearer",), {"header": "Authorization"}),
        (("query", "body"), {"body": "/writeKey", "query": "writeKey"}),
    ],
)
def test_credentials_are_found(tmp_path: Path, keys: tuple[str, ...], credentials: dict[str, str]) -> None:
    """Each way to hand in the key that is taken alone, and no other."""
    found = Probing(tmp_path, Manners(**SMALL, keys=keys))
    assert found.profile is not None
    stated = {
        name.partition(".")[2]: getattr(fact, "key", "")
        for name, fact in found.profile.facts.items()
        if name.startswith("credentials.")
    }
    assert stated == credentials
    assert found.fact("answers.credentials-missing").expect == (401,)
    assert found.run == 0


@pytest.mark.parametrize(
    ("manners", "paths"),
    [
        (Manners(events=SHORT, batches=("/v1/b",), event_limit=2_000, batch_limit=9_000), {*SHORT, "/v1/b"}),
        (Manners(events={}, batches=(), pixels={"/v1/pixel/track": "track"}), {"/v1/pixel/track"}),
        (
            Manners(events={"/track": "track"}, batches=(), where=("event", "user"), event_limit=9_000),
            {"/track"},
        ),
        (
            Manners(events={"/v1/track": "track"}, batches=(), where=("event", "user"), event_limit=9_000),
            {"/v1/track"},
        ),
        (
            Manners(
                events={"/track": "track", "/identify": "identify"},
                batches=("/batch",),
                event_limit=2_000,
                batch_limit=9_000,
            ),
            {"/track", "/identify", "/batch"},
        ),
        (
            Manners(
                events={"/v2/track": "track"}, batches=("/v2/batch",), event_limit=2_000, batch_limit=9_000
            ),
            {"/v2/track", "/v2/batch"},
        ),
    ],
    ids=["short", "pixel", "nested", "nested-elsewhere", "without-version", "another-version"],
)
def test_routes_and_dialects_are_found(tmp_path: Path, manners: Manners, paths: set[str]) -> None:
    """Only those paths that are there, in the dialect that is spoken there."""
    found = Probing(tmp_path, manners, "--max-requests", "330", run="pixel" if manners.pixels else QUICK)
    assert found.profile is not None
    assert {route.path for route in found.profile.routes} == paths
    assert found.profile.pointers.user == ("/event/user/userId" if manners.where else "/userId")
    assert found.run == 0


@pytest.mark.parametrize(("success", "body"), [(202, b'{"status":"queued"}'), (204, b"")])
def test_successes_are_found(tmp_path: Path, success: int, body: bytes) -> None:
    """The status and the body of success."""
    found = Probing(tmp_path, Manners(**SMALL, success=success, success_body=body))
    accepted = found.fact("answers.accepted")
    assert isinstance(accepted, Answer)
    assert accepted.expect == (success,)
    assert (found.fact("bodies.accepted").body_class == "empty") == (not body)
    assert found.run == 0


@pytest.mark.parametrize(("errors", "keys"), [("code", ["error"]), ("problem", ["title"]), ("empty", None)])
def test_the_shape_of_errors_is_found(tmp_path: Path, errors: Any, keys: list[str] | None) -> None:  # noqa: ANN401
    """JSON with its keys, text, or nothing."""
    found = Probing(tmp_path, Manners(**SMALL, errors=errors, invalid=422, unauthorized=403))
    shape = found.fact("bodies.error")
    assert isinstance(shape, BodyShape)
    assert (shape.schema or {}).get("required") == keys
    assert found.fact("answers.json-invalid").expect == (422,)
    assert found.fact("answers.credentials-unknown").expect == (403,)
    assert found.run == 0


@pytest.mark.parametrize(("name", "word"), [("userId", "user"), ("anonymousId", "anonymous")])
def test_the_ids_that_count_are_found(tmp_path: Path, name: str, word: str) -> None:
    """One id may not do where the other would."""
    found = Probing(tmp_path, Manners(**SMALL, ids=(name,)))
    assert found.profile is not None
    assert set(Contract(found.profile).identities("track")) == {word}
    assert found.run == 0


def test_two_ids_at_once_are_found(tmp_path: Path) -> None:
    """Where no id is enough alone, one names the user, and the other is required."""
    found = Probing(
        tmp_path, Manners(**SMALL, all_ids=True), run=f"{QUICK},payload.identity.*,payload.required.*"
    )
    assert found.profile is not None
    assert set(Contract(found.profile).identities("track")) == {"user"}
    assert "/anonymousId" in found.profile.events["track"].required
    assert found.run == 0


def test_limits_of_a_few_hundred_bytes_are_found(tmp_path: Path) -> None:
    """What is refused for its size is not taken for a field that is refused, nor an event for a batch."""
    manners = Manners(events={"/v1/track": "track"}, event_limit=256, item_limit=256, batch_limit=900)
    found = Probing(tmp_path, manners, whole=True)
    assert found.limit("event") == (256, 256, Unit.BYTES, (413,))
    assert found.limit("batch-event") == (256, 256, Unit.BYTES, (413,))
    assert found.limit("batch") == (900, 900, Unit.BYTES, (413,))
    assert not found.report["remarks"]
    assert found.run == 0


def test_a_limit_of_what_is_written_anew_is_a_band(tmp_path: Path) -> None:
    """A server that counts escapes that nobody sent takes fewer bytes of them: a band is stated."""
    found = Probing(tmp_path, Manners(**SMALL, counts_escapes=True))
    low, high, unit, _ = found.limit("event")
    assert low < high < 20_000
    assert unit is Unit.BYTES
    assert "however they are written: a band is stated" in found.remarks
    assert found.run == 0


def test_a_burst_is_asked_for(tmp_path: Path) -> None:
    """What a crowd of requests is answered with is told, and the 429 and its headers are stated."""
    found = Probing(
        tmp_path, Manners(**SMALL, most_per_second=60), "--allow", "burst", "--max-requests", "400"
    )
    told = next(item for item in found.report["found"] if item["topic"] == "burst")
    assert " refused" in told["value"]
    assert "429" in told["evidence"]
    assert found.fact("answers.rate-exceeded").expect == (429,)
    assert found.profile is not None
    assert found.profile.rate_headers == ("Retry-After",)
    assert found.report["requests"] <= 400


def test_the_requests_of_a_limit_are_counted(tmp_path: Path) -> None:
    """The evidence says what the search took, and what its unit took: within a dozen, and six."""
    found = Probing(tmp_path, Manners(**{**SMALL, "event_limit": 32_768}))
    told = next(item for item in found.report["found"] if item["topic"] == "limits.event")
    numbers = re.match(r"(\d+) requests and (\d+) for what it counts", told["evidence"])
    assert numbers is not None
    assert int(numbers[1]) <= 12
    assert int(numbers[2]) <= 6


def test_required_fields_are_found(tmp_path: Path) -> None:
    """Fields that few vendors ask for, one of which no smallest event has."""
    required = {"track": "timestamp", "identify": "messageId"}
    found = Probing(tmp_path, Manners(batches=(), event_limit=9_000, required=required))
    assert found.profile is not None
    assert {name: [*event.required] for name, event in found.profile.events.items()} == {
        "track": ["/timestamp"],
        "identify": ["/messageId"],
    }
    assert found.run == 0


def test_unwanted_fields_are_found(tmp_path: Path) -> None:
    """A field that this server can't stand is none that the profile knows."""
    found = Probing(tmp_path, Manners(**SMALL, unwanted=("integrations",)))
    assert found.profile is not None
    assert found.profile.pointers.integrations is None
    assert "track: refused with /integrations, which the profile leaves out" in found.remarks
    assert found.run == 0


def test_what_is_not_the_same_everywhere_is_told(tmp_path: Path) -> None:
    """Statuses that differ from spelling to spelling are tolerated, and named."""
    found = Probing(tmp_path, Manners(**SMALL, nan=True))
    answer = found.fact("answers.json-invalid")
    assert answer.expect == (400,)
    assert [item.status for item in answer.tolerate] == [200]
    assert "answers.json-invalid: not the same everywhere: 200 to a field that holds NaN" in found.remarks
    assert found.run == 0


def test_a_crash_is_told_and_not_stated(tmp_path: Path) -> None:
    """A 5xx is no answer that a profile may promise: a run goes on failing, and the probe says so."""
    found = Probing(tmp_path, Manners(**SMALL, crashes_on_null_ids=True), whole=True)
    assert found.fact("answers.identity-missing").statuses == (400,)
    assert "was answered with 500 'oops'; no profile states that, and a run fails on it" in found.remarks
    assert found.run == 1


def test_a_server_that_says_yes_to_everything_is_recognised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing can be told apart there, and no profile is written."""
    found = Probing(tmp_path, Manners(nothing_refused=True))
    assert found.code == 3
    assert not found.text
    assert "accepts whatever it is sent" in capsys.readouterr().err


def test_a_wrong_key_is_recognised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is accepted, the statuses are named."""
    with serve(Probed(Manners())) as url:
        assert main(["probe", url, "--write-key", "another-key", "--out", str(tmp_path / "no.yaml")]) == 3
    assert "it answered 404 (" in capsys.readouterr().err
    assert not (tmp_path / "no.yaml").exists()


def test_patience(tmp_path: Path) -> None:
    """A 429 in the middle is waited out, and stated."""
    found = Probing(tmp_path, Manners(**SMALL, throttled_at=(7, 50, 51, 120)))
    assert found.fact("answers.rate-exceeded").expect == (429,)
    assert found.profile is not None
    assert found.profile.rate_headers == ("Retry-After",)
    assert found.run == 0


@pytest.mark.parametrize(
    "behaviour",
    [Behaviour(length_required=True), Behaviour(http10=True), Behaviour(close=True, announce_close=False)],
    ids=["411", "http-1.0", "closing"],
)
def test_legal_habits_do_no_harm(tmp_path: Path, behaviour: Behaviour) -> None:
    """Servers that insist on a length, speak HTTP/1.0 or close after each answer."""
    found = Probing(tmp_path, Manners(**SMALL), behaviour=behaviour)
    assert found.limit("event") == (20_000, 20_000, Unit.BYTES, (413,))
    assert found.run == 0


def test_a_small_budget_leaves_a_band(tmp_path: Path) -> None:
    """What the bytes do not suffice for is written as far as it is known."""
    found = Probing(
        tmp_path,
        Manners(events={"/v1/track": "track"}, batches=(), event_limit=123_457),
        "--max-bytes",
        "1500000",
    )
    low, high, _, _ = found.limit("event")
    assert low <= 123_457 <= high
    assert low < high
    assert "the budget ended between" in found.remarks
    assert found.run == 0


def test_few_requests_leave_much_out(tmp_path: Path) -> None:
    """What there were no requests for is named, and the profile is valid all the same."""
    found = Probing(tmp_path, Manners(**SMALL), "--max-requests", "90")
    assert found.report["requests"] <= 90
    assert not found.report["complete"]
    assert any(text.startswith("faults") for text in found.report["left_out"])
