"""Probing servers that are none of the vendors': every fact is found, and a run by the profile is green."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from conformance.cli import main
from conformance.contract import Contract
from conformance.core import resources
from conformance.profile import load
from conformance.profile.facts import MAX_EVENTS_FACT, ExpectedResponse, MaxEvents, ResponseBody, SizeLimit
from conformance.profile.size_unit import SizeUnit
from tests.support.configurable_server import ABBREVIATED_PATHS, KEY, ConfigurableServer, ServerConfig
from tests.targets.behaviour import STANDARD, Behaviour
from tests.targets.server import serve

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.profile.profile import Profile

SCHEMA: dict[str, Any] = json.loads((resources.specs_dir() / "probe.schema.json").read_text("utf-8"))
SINGLE_PATH_CONFIG: dict[str, Any] = {"events": {"/v1/track": "track"}, "batches": (), "event_limit": 20_000}
"""One path, and a limit that costs few bytes to find."""
NESTED: dict[str, Any] = {"batches": (), "where": ("event", "user"), "event_limit": 9_000}
QUICK = "accept.event.*,accept.answer.*,accept.credentials.*,auth.key.unknown,json.syntax.truncated,size,batch.*"
"""What most servers are run by here, with what a test is about; whole runs are made of one."""


class ProbeRun:
    """A probe of a server, and what it wrote."""

    def __init__(
        self,
        place: Path,
        manners: ServerConfig,
        *options: str,
        behaviour: Behaviour = STANDARD,
        run_exit_code: str = QUICK,
        whole: bool = False,
    ) -> None:
        out, report = place / "probed.yaml", place / "probe.json"
        with serve(ConfigurableServer(manners), behaviour) as url:
            asked = ["probe", url, "--write-key", KEY, "--out", str(out), "--json", str(report)]
            limited = () if whole or "--max-requests" in options else ("--max-requests", "240")
            self.probe_exit_code = main([*asked, *limited, *options])
            self.run = -1
            if self.probe_exit_code == 0:
                areas = [] if whole else ["--select", run_exit_code]
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

    def limit(self, name: str) -> tuple[int, int, SizeUnit, tuple[int, ...]]:
        """A limit: its band, unit and statuses."""
        limit_fact = self.fact(f"limits.{name}")
        assert isinstance(limit_fact, SizeLimit)
        return limit_fact.at_least, limit_fact.at_most, limit_fact.unit, limit_fact.expect

    @property
    def question_count(self) -> int:
        """The requests without those of the checks."""
        return int(self.report["requests"] - self.report["verification"]["requests"])

    @property
    def remarks(self) -> str:
        """What the profile does not say."""
        return "\n".join(self.report["remarks"])


@pytest.mark.parametrize(
    ("unit", "limits", "status"),
    [
        (SizeUnit.BYTES, (12_345, 12_000, 70_001), 413),
        (SizeUnit.CHARACTERS, (15_360, None, 61_000), 400),
        (SizeUnit.DECODED_BYTES, (7_000, None, 20_000), 413),
        (SizeUnit.DECODED_CHARACTERS, (8_000, None, 30_000), 422),
        (SizeUnit.UTF_16_UNITS, (9_000, None, 20_000), 413),
        (SizeUnit.DECODED_UTF_16_UNITS, (9_000, None, 20_000), 413),
    ],
)
def test_limits_are_found_to_the_byte(
    tmp_path: Path, unit: SizeUnit, limits: tuple[int, int | None, int], status: int
) -> None:
    """Odd limits, and limits in every unit; a run by the profile is green."""
    event, item, batch = limits
    manners = ServerConfig(
        events={"/v1/track": "track"},
        event_limit=event,
        item_limit=item,
        batch_limit=batch,
        unit=unit.value,
        too_large_status=status,
    )
    probe_run = ProbeRun(tmp_path, manners, whole=unit is SizeUnit.BYTES)
    assert (probe_run.probe_exit_code, probe_run.run) == (0, 0)
    assert probe_run.limit("event") == (event, event, unit, (status,))
    assert probe_run.limit("batch") == (batch, batch, unit, (status,))
    if item is None:
        assert probe_run.fact("limits.batch-event") is None
    else:
        assert probe_run.limit("batch-event") == (item, item, SizeUnit.BYTES, (status,))
    assert probe_run.question_count <= 400


@pytest.mark.parametrize(("most", "status"), [(10, 400), (1, 422)])
def test_the_number_of_events_is_found(tmp_path: Path, most: int, status: int) -> None:
    """So many events a batch, whatever the bytes."""
    probe_run = ProbeRun(
        tmp_path, ServerConfig(max_events=most, too_many_events_status=status, item_limit=2_000, event_limit=2_000)
    )
    crowd = probe_run.fact(MAX_EVENTS_FACT)
    assert isinstance(crowd, MaxEvents)
    assert (crowd.count, crowd.expect) == (most, (status,))
    assert probe_run.run == 0


def test_bytes_are_not_taken_for_a_number(tmp_path: Path) -> None:
    """A small limit of bytes refuses many events, too, and is no limit of their number."""
    probe_run = ProbeRun(tmp_path, ServerConfig(event_limit=2_000, batch_limit=5_000))
    assert probe_run.fact(MAX_EVENTS_FACT) is None
    assert probe_run.limit("batch") == (5_000, 5_000, SizeUnit.BYTES, (413,))
    assert probe_run.run == 0


def test_a_limit_that_chunks_escape_says_so(tmp_path: Path) -> None:
    """Where only a Content-Length is looked at, the profile does not promise more."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, ignores_chunked_size=True))
    assert not probe_run.fact("limits.event").applies_to_chunked
    assert probe_run.run == 0


def test_a_closed_connection_is_told_and_not_stated(tmp_path: Path) -> None:
    """No profile can say that a connection is closed; the report says where it is."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, too_large_status=None))
    assert probe_run.fact("limits.event") is None
    assert "limits.event: 20,000 bytes are taken; 20,001: no answer" in probe_run.remarks
    assert probe_run.run == 0


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
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, credential_places=keys))
    assert probe_run.profile is not None
    stated = {
        name.partition(".")[2]: getattr(fact, "carrier", "")
        for name, fact in probe_run.profile.facts.items()
        if name.startswith("credentials.")
    }
    assert stated == credentials
    assert probe_run.fact("answers.credentials-missing").expect == (401,)
    assert probe_run.run == 0


@pytest.mark.parametrize(
    ("manners", "paths"),
    [
        (
            ServerConfig(events=ABBREVIATED_PATHS, batches=("/v1/b",), event_limit=2_000, batch_limit=9_000),
            {*ABBREVIATED_PATHS, "/v1/b"},
        ),
        (ServerConfig(events={}, batches=(), pixels={"/v1/pixel/track": "track"}), {"/v1/pixel/track"}),
        (
            ServerConfig(events={"/track": "track"}, batches=(), id_holder_path=("event", "user"), event_limit=9_000),
            {"/track"},
        ),
        (
            ServerConfig(
                events={"/v1/track": "track"}, batches=(), id_holder_path=("event", "user"), event_limit=9_000
            ),
            {"/v1/track"},
        ),
        (
            ServerConfig(
                events={"/track": "track", "/identify": "identify"},
                batches=("/batch",),
                event_limit=2_000,
                batch_limit=9_000,
            ),
            {"/track", "/identify", "/batch"},
        ),
        (
            ServerConfig(events={"/v2/track": "track"}, batches=("/v2/batch",), event_limit=2_000, batch_limit=9_000),
            {"/v2/track", "/v2/batch"},
        ),
    ],
    ids=["short", "pixel", "nested", "nested-elsewhere", "without-version", "another-version"],
)
def test_routes_and_dialects_are_found(tmp_path: Path, manners: ServerConfig, paths: set[str]) -> None:
    """Only those paths that are there, in the dialect that is spoken there."""
    probe_run = ProbeRun(tmp_path, manners, "--max-requests", "330", run_exit_code="pixel" if manners.pixels else QUICK)
    assert probe_run.profile is not None
    assert {route.path for route in probe_run.profile.routes} == paths
    assert probe_run.profile.pointers.user == ("/event/user/userId" if manners.id_holder_path else "/userId")
    assert probe_run.run == 0


@pytest.mark.parametrize(("success", "body"), [(202, b'{"status":"queued"}'), (204, b"")])
def test_successes_are_found(tmp_path: Path, success: int, body: bytes) -> None:
    """The status and the body of success."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, success_status=success, success_body=body))
    accepted = probe_run.fact("answers.accepted")
    assert isinstance(accepted, ExpectedResponse)
    assert accepted.expect == (success,)
    assert (probe_run.fact("bodies.accepted").body_format == "empty") == (not body)
    assert probe_run.run == 0


@pytest.mark.parametrize(("errors", "keys"), [("code", ["error"]), ("problem", ["title"]), ("empty", None)])
def test_the_shape_of_errors_is_found(tmp_path: Path, errors: Any, keys: list[str] | None) -> None:  # noqa: ANN401
    """JSON with its keys, text, or nothing."""
    probe_run = ProbeRun(
        tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, errors=errors, invalid_status=422, unauthorized_status=403)
    )
    shape = probe_run.fact("bodies.error")
    assert isinstance(shape, ResponseBody)
    assert (shape.schema or {}).get("required") == keys
    assert probe_run.fact("answers.json-invalid").expect == (422,)
    assert probe_run.fact("answers.credentials-unknown").expect == (403,)
    assert probe_run.run == 0


@pytest.mark.parametrize(("name", "word"), [("userId", "user"), ("anonymousId", "anonymous")])
def test_the_ids_that_count_are_found(tmp_path: Path, name: str, word: str) -> None:
    """One id may not do where the other would."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, id_fields=(name,)))
    assert probe_run.profile is not None
    assert set(Contract(probe_run.profile).identity_pointers("track")) == {word}
    assert probe_run.run == 0


def test_two_ids_at_once_are_found(tmp_path: Path) -> None:
    """Where no id is enough alone, one names the user, and the other is required."""
    probe_run = ProbeRun(
        tmp_path,
        ServerConfig(**SINGLE_PATH_CONFIG, all_ids_required=True),
        run_exit_code=f"{QUICK},payload.identity.*,payload.required.*",
    )
    assert probe_run.profile is not None
    assert set(Contract(probe_run.profile).identity_pointers("track")) == {"user"}
    assert "/anonymousId" in probe_run.profile.events["track"].required
    assert probe_run.run == 0


def test_limits_of_a_few_hundred_bytes_are_found(tmp_path: Path) -> None:
    """What is refused for its size is not taken for a field that is refused, nor an event for a batch."""
    manners = ServerConfig(events={"/v1/track": "track"}, event_limit=256, item_limit=256, batch_limit=900)
    probe_run = ProbeRun(tmp_path, manners, whole=True)
    assert probe_run.limit("event") == (256, 256, SizeUnit.BYTES, (413,))
    assert probe_run.limit("batch-event") == (256, 256, SizeUnit.BYTES, (413,))
    assert probe_run.limit("batch") == (900, 900, SizeUnit.BYTES, (413,))
    assert not probe_run.report["remarks"]
    assert probe_run.run == 0


def test_a_limit_of_what_is_written_anew_is_a_band(tmp_path: Path) -> None:
    """A server that counts escapes that nobody sent takes fewer bytes of them: a band is stated."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, counts_escapes=True))
    low, high, unit, _ = probe_run.limit("event")
    assert low < high < 20_000
    assert unit is SizeUnit.BYTES
    assert "however they are written: a band is stated" in probe_run.remarks
    assert probe_run.run == 0


def test_a_burst_is_asked_for(tmp_path: Path) -> None:
    """What a crowd of requests is answered with is told, and the 429 and its headers are stated."""
    probe_run = ProbeRun(
        tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, max_requests_per_s=60), "--allow", "burst", "--max-requests", "400"
    )
    entry = next(item for item in probe_run.report["found"] if item["topic"] == "burst")
    assert " refused" in entry["value"]
    assert "429" in entry["evidence"]
    assert probe_run.fact("answers.rate-exceeded").expect == (429,)
    assert probe_run.profile is not None
    assert probe_run.profile.rate_headers == ("Retry-After",)
    assert probe_run.question_count <= 400


def test_the_requests_of_a_limit_are_counted(tmp_path: Path) -> None:
    """The evidence says what the search took, and what its unit took: within a dozen, and six."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**{**SINGLE_PATH_CONFIG, "event_limit": 32_768}))
    entry = next(item for item in probe_run.report["found"] if item["topic"] == "limits.event")
    numbers = re.match(r"(\d+) requests and (\d+) for what it counts", entry["evidence"])
    assert numbers is not None
    assert int(numbers[1]) <= 12
    assert int(numbers[2]) <= 6


def test_required_fields_are_found(tmp_path: Path) -> None:
    """Fields that few vendors ask for, one of which no smallest event has."""
    required = {"track": "timestamp", "identify": "messageId"}
    probe_run = ProbeRun(tmp_path, ServerConfig(batches=(), event_limit=9_000, required=required))
    assert probe_run.profile is not None
    assert {name: [*event.required] for name, event in probe_run.profile.events.items()} == {
        "track": ["/timestamp"],
        "identify": ["/messageId"],
    }
    assert probe_run.run == 0


def test_unwanted_fields_are_found(tmp_path: Path) -> None:
    """A field that this server can't stand is none that the profile knows."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, refused_fields=("integrations",)))
    assert probe_run.profile is not None
    assert probe_run.profile.pointers.integrations is None
    assert "track: refused with /integrations, which the profile leaves out" in probe_run.remarks
    assert probe_run.run == 0


def test_what_is_not_the_same_everywhere_is_told(tmp_path: Path) -> None:
    """Statuses that differ from spelling to spelling are tolerated, and named."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, accepts_nan=True))
    answer = probe_run.fact("answers.json-invalid")
    assert answer.expect == (400,)
    assert [item.status for item in answer.tolerate] == [200]
    assert "answers.json-invalid: not the same everywhere: 200 to a field with NaN as its value" in probe_run.remarks
    assert probe_run.run == 0


def test_a_crash_is_told_and_not_stated(tmp_path: Path) -> None:
    """A 5xx is no answer that a profile may promise: a run goes on failing, and the probe says so."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, crashes_on_null_ids=True), whole=True)
    assert probe_run.fact("answers.identity-missing").statuses == (400,)
    assert "was answered with 500 'oops'; no profile states that, and a run fails on it" in probe_run.remarks
    assert probe_run.run == 1


def test_a_server_that_says_yes_to_everything_is_recognised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing can be told apart there, and no profile is written."""
    probe_run = ProbeRun(tmp_path, ServerConfig(nothing_refused=True))
    assert probe_run.probe_exit_code == 3
    assert not probe_run.text
    assert "accepts every request" in capsys.readouterr().err


def test_a_wrong_key_is_recognised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is accepted, the statuses are named."""
    with serve(ConfigurableServer(ServerConfig())) as url:
        assert main(["probe", url, "--write-key", "another-key", "--out", str(tmp_path / "no.yaml")]) == 3
    assert "it answered 404 (" in capsys.readouterr().err
    assert not (tmp_path / "no.yaml").exists()


def test_patience(tmp_path: Path) -> None:
    """A 429 in the middle is waited out, and stated."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG, throttled_at=(7, 50, 51, 120)))
    assert probe_run.fact("answers.rate-exceeded").expect == (429,)
    assert probe_run.profile is not None
    assert probe_run.profile.rate_headers == ("Retry-After",)
    assert probe_run.run == 0


@pytest.mark.parametrize(
    "behaviour",
    [Behaviour(length_required=True), Behaviour(http10=True), Behaviour(close=True, announce_close=False)],
    ids=["411", "http-1.0", "closing"],
)
def test_legal_habits_do_no_harm(tmp_path: Path, behaviour: Behaviour) -> None:
    """Servers that insist on a length, speak HTTP/1.0 or close after each answer."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG), behaviour=behaviour)
    assert probe_run.limit("event") == (20_000, 20_000, SizeUnit.BYTES, (413,))
    assert probe_run.run == 0


def test_a_small_budget_leaves_a_band(tmp_path: Path) -> None:
    """What the bytes do not suffice for is written as far as it is known."""
    probe_run = ProbeRun(
        tmp_path,
        ServerConfig(events={"/v1/track": "track"}, batches=(), event_limit=123_457),
        "--max-bytes",
        "1500000",
    )
    low, high, _, _ = probe_run.limit("event")
    assert low <= 123_457 <= high
    assert low < high
    assert "the budget ended between" in probe_run.remarks
    assert probe_run.run == 0


def test_few_requests_leave_much_out(tmp_path: Path) -> None:
    """What there were no requests for is named, and the profile is valid all the same."""
    probe_run = ProbeRun(tmp_path, ServerConfig(**SINGLE_PATH_CONFIG), "--max-requests", "90")
    assert probe_run.report["requests"] <= 90
    assert not probe_run.report["complete"]
    assert any(text.startswith("invalid requests") for text in probe_run.report["left_out"])
