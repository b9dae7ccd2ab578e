"""Comparing two servers: a server with itself, a correct one with broken ones, and what is told of them."""

from __future__ import annotations

import itertools
import json
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance import diff
from conformance.cli import main
from conformance.cli.diff import prepare_plans
from conformance.core.errors import InconclusiveError, UsageError
from conformance.report.html import render_html_diff
from conformance.report.markdown import render_markdown_diff
from tests.support.broken_servers import broken_application
from tests.support.campaigns import crashing_on_any, labelled_cases
from tests.support.comparisons import QUICK_SELECTION, SINGLE_PATH_DIALECT, compare_servers, fits_schema
from tests.targets.application import Application
from tests.targets.behaviour import BEHAVIOURS, STANDARD
from tests.targets.dialects import DIALECTS
from tests.targets.faults import broken_servers
from tests.targets.messages import Answer
from tests.targets.options import KEY, Options, variants
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.targets.dialects import Dialect
    from tests.targets.messages import Request

OTHER_KEY = "another-Key-of-the-second-server"


@pytest.fixture(scope="module")
def correct() -> Iterator[Callable[[str], str]]:
    """The address of a correct server of a dialect; each is started once."""
    urls: dict[str, str] = {}
    with ExitStack() as stack:

        def address(dialect: str) -> str:
            if dialect not in urls:
                urls[dialect] = stack.enter_context(serve(Application(DIALECTS[dialect], Options())))
            return urls[dialect]

        yield address


class VaryingAnswers(Application):
    """A correct server of which no two answers are the same, and that asks for patience now and then."""

    def __init__(self, dialect: Dialect, options: Options) -> None:
        super().__init__(dialect, options)
        self._numbers = itertools.count(1)
        self._seen: set[bytes] = set()

    def answer(self, request: Request) -> Answer:
        """Adds a number, and whether the body was seen before; each ninth request is put off."""
        number = next(self._numbers)
        answer = super().answer(request)
        headers = {**answer.headers, "X-Request-Id": f"r-{number}"}
        if number % 9 == 0:
            return replace(answer, status=429, headers={**headers, "Retry-After": "0"}, body=b"later")
        if answer.status != 200:
            return replace(answer, headers=headers)
        body = {"success": True, "number": number, "duplicate": request.body in self._seen}
        self._seen.add(request.body)
        headers["Content-Type"] = "application/json"
        return replace(answer, headers=headers, body=json.dumps(body).encode())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_server_does_not_differ_from_itself(dialect: str, correct: Callable[[str], str]) -> None:
    """Neither in what checks ask nor in what is generated, and something was compared."""
    url = correct(dialect)
    select = QUICK_SELECTION if dialect == SINGLE_PATH_DIALECT else "accept.event.*,auth.key.*,json.top-level.*"
    comparison = compare_servers(url, url, dialect, select=select, fuzzed=labelled_cases(dialect, 200))
    assert (comparison["verdict"], comparison["differences"], comparison["unstable"]) == ("same", [], [])
    assert comparison["compared"]["checks"] > 20
    assert comparison["compared"]["generated"] > 150
    assert fits_schema(comparison)


def test_it_stays_so_twenty_times(correct: Callable[[str], str]) -> None:
    """It is no matter of luck."""
    url = correct(SINGLE_PATH_DIALECT)
    assert {
        compare_servers(url, url, SINGLE_PATH_DIALECT, select="accept.event.*,auth.key.*")["verdict"] for _ in range(20)
    } == {"same"}


@pytest.mark.parametrize("behaviour", ["close", "chunked", "early-refusal", "lower-case", "idle-drop"])
def test_how_an_answer_is_sent_is_no_difference(behaviour: str, correct: Callable[[str], str]) -> None:
    """Connections that end, chunks and the case of headers are none of an SDK's business."""
    with serve(Application(DIALECTS[SINGLE_PATH_DIALECT], Options()), BEHAVIOURS[behaviour]) as url:
        assert compare_servers(correct(SINGLE_PATH_DIALECT), url, SINGLE_PATH_DIALECT)["differences"] == []


def test_what_varies_by_itself_is_no_difference() -> None:
    """Numbers, request ids, duplicates that are noticed, and 429s in between."""
    with serve(VaryingAnswers(DIALECTS["segment"], Options())) as url:
        comparison = compare_servers(url, url, "segment", select="accept.event.*,auth.key.*")
    assert (comparison["verdict"], comparison["differences"]) == ("same", [])


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("success-201", "accept.event.minimal"),
        ("unknown-key-accepted", "auth.key.other-case"),
        ("credentials-400", "auth.base64.invalid"),
        ("raw-key-accepted", "auth.base64.plain"),
        ("empty-body-accepted", "json.syntax.empty-body"),
        ("json-500", "json.syntax.empty-body"),
        ("top-level-string-accepted", "json.top-level.string"),
        ("charset-500", "content-type.json.charset"),
        ("chunked-unmeasured", "size.event.over-chunked"),
        ("identity-fault-500", "payload.identity.missing"),
        ("extra-property-refused", "accept.fields.free-form"),
        ("offset-timestamp-refused", "accept.timestamp.offset"),
        ("context-refused", "accept.event.example"),
        ("trace-in-text", "errors.trace.array"),
    ],
)
def test_a_broken_promise_is_named_and_nothing_else(name: str, check: str, correct: Callable[[str], str]) -> None:
    """However many requests show it: one difference, by the check that names it, with who keeps it."""
    with serve(broken_application(SINGLE_PATH_DIALECT, name), STANDARD) as url:
        comparison = compare_servers(
            correct(SINGLE_PATH_DIALECT),
            url,
            SINGLE_PATH_DIALECT,
            select=f"accept,errors,payload,{check.partition('.')[0]}",
        )
    assert [(item["id"], item["keeps"]) for item in comparison["differences"]] == [(check, "A")]
    assert comparison["verdict"] == "different"
    assert fits_schema(comparison)


class ManyFaults(Application):
    """A server with the faults of several others."""

    def __init__(self, dialect: str, *names: str) -> None:
        super().__init__(DIALECTS[dialect], Options())
        self._broken = [broken_application(dialect, name) for name in names]

    async def handle(self, request: Request) -> Answer:
        """Answers as the first that does not answer correctly."""
        correct = await super().handle(request)
        answers = [await judge.handle(request) for judge in self._broken]
        return next((item for item in answers if item != correct), correct)


@pytest.mark.parametrize(
    ("names", "checks"),
    [
        (("json-500", "unknown-key-accepted"), {"json.syntax.empty-body", "auth.key.other-case"}),
        (
            ("offset-timestamp-refused", "extra-property-refused"),
            {"accept.timestamp.offset", "accept.fields.free-form"},
        ),
    ],
)
def test_two_faults_are_two_differences(
    names: tuple[str, ...], checks: set[str], correct: Callable[[str], str]
) -> None:
    """None hides the other, also where both refuse what is acceptable with the same status."""
    with serve(ManyFaults(SINGLE_PATH_DIALECT, *names), STANDARD) as url:
        comparison = compare_servers(
            correct(SINGLE_PATH_DIALECT), url, SINGLE_PATH_DIALECT, select="accept.*,auth.key.*,json.syntax.*,payload"
        )
    assert {item["id"] for item in comparison["differences"]} == checks
    assert len(comparison["differences"]) == len(checks)


@pytest.mark.parametrize(
    "names",
    [
        ("invalid-utf8-500", "unknown-type-500"),
        ("invalid-utf8-accepted", "unknown-type-accepted"),
        ("truncated-500", "missing-batch-500"),
        ("unknown-key-accepted", "unknown-type-accepted"),
    ],
)
def test_faults_of_different_areas_are_two_differences(names: tuple[str, str], correct: Callable[[str], str]) -> None:
    """Also where both are answered alike, and other checks send the same requests as those that name them."""
    dialect = "rudderstack"
    selection = "accept.event.*,auth.key.*,json.syntax.*,json.encoding.*,batch,errors.status.*"

    def named(*faults: str) -> list[str]:
        with serve(ManyFaults(dialect, *faults), STANDARD) as url:
            comparison = compare_servers(correct(dialect), url, dialect, select=selection)
        return sorted(item["id"] for item in comparison["differences"])

    one, two = named(names[0]), named(names[1])
    assert (len(one), len(two)) == (1, 1)
    assert named(*names) == sorted([*one, *two])


@pytest.mark.parametrize(
    ("name", "checks"),
    [("both-ids-refused", {"accept.event.example"}), ("extra-property-refused", {"accept.event.full"})],
)
def test_what_is_refused_only_together_is_one_difference(
    name: str, checks: set[str], correct: Callable[[str], str]
) -> None:
    """No field alone is the reason, nor is any name in an open object."""
    with serve(broken_application("rudderstack", name), STANDARD) as url:
        comparison = compare_servers(
            correct("rudderstack"),
            url,
            "rudderstack",
            select="accept.event.*,accept.fields.*,payload.identity.*",
        )
    assert {item["id"] for item in comparison["differences"]} == checks
    assert comparison["counts"] == {"A": 1, "B": 0, "neither": 0, "both": 0}


def test_the_sides_may_be_swapped(correct: Callable[[str], str]) -> None:
    """Who breaks a promise does not depend on who comes first."""
    with serve(broken_application(SINGLE_PATH_DIALECT, "unknown-key-accepted"), STANDARD) as url:
        (item,) = compare_servers(url, correct(SINGLE_PATH_DIALECT), SINGLE_PATH_DIALECT, select="accept.event.*,auth")[
            "differences"
        ]
    assert item["keeps"] == "B"
    assert item["ways"][0]["A"] == "204"
    assert item["ways"][0]["B"] == "401"


def test_what_only_generated_requests_show_is_shrunk(correct: Callable[[str], str]) -> None:
    """The smallest request that both answer differently, by what is special about it."""
    target = crashing_on_any(lambda call: "conformance-odd" in json.dumps(call.value) and "sentAt" in str(call.value))
    odd = [
        case._replace(body=b'{"event":{"user":{"userId":"u"}},"sentAt":"conformance-odd","more":[1,2,3]}')
        for case in labelled_cases(SINGLE_PATH_DIALECT, 2)
        if case.has_standard_headers
    ][:1]
    with serve(target(DIALECTS[SINGLE_PATH_DIALECT], Options()), STANDARD) as url:
        comparison = compare_servers(
            correct(SINGLE_PATH_DIALECT), url, SINGLE_PATH_DIALECT, select="accept.event.minimal", fuzzed=odd
        )
    (item,) = comparison["differences"]
    assert item["id"] == "fuzz.generated.server-error"
    assert json.loads(item["exchanges"]["B"]["request"]["body"]).keys() == {"event", "sentAt"}
    assert fits_schema(comparison)


def test_what_a_profile_leaves_open_is_told_as_allowed(correct: Callable[[str], str]) -> None:
    """Other answers that break nothing differ all the same."""
    with serve(
        Application(DIALECTS[SINGLE_PATH_DIALECT], variants(DIALECTS[SINGLE_PATH_DIALECT])["empty-errors"]), STANDARD
    ) as url:
        comparison = compare_servers(correct(SINGLE_PATH_DIALECT), url, SINGLE_PATH_DIALECT)
    assert [item["keeps"] for item in comparison["differences"]] == ["both"]
    assert comparison["counts"] == {"A": 0, "B": 0, "neither": 0, "both": 1}


def test_what_sdks_do_is_told_and_lost_events_come_first(correct: Callable[[str], str]) -> None:
    """An acceptable event that B refuses is given up where A had it delivered."""
    with serve(broken_application("rudderstack", "traits-absent-refused"), STANDARD) as url:
        comparison = compare_servers(
            correct("rudderstack"), url, "rudderstack", select="accept.event.*,auth.key.unknown"
        )
    first = comparison["differences"][0]["sdks"]
    assert first["usual"]
    assert {(item["A"], item["B"]) for item in first["effects"] if item["noticed"]} <= {
        ("deliver", "give-up"), ("deliver", "retry"), ("deliver", "send-again"),
    }  # fmt: skip


def test_each_server_has_a_key_of_its_own_and_none_is_shown(correct: Callable[[str], str]) -> None:
    """Both keys are in no document; the line for the second server reads a variable of its own."""
    with serve(Application(DIALECTS[SINGLE_PATH_DIALECT], Options(key=OTHER_KEY)), STANDARD) as url:
        same = compare_servers(
            correct(SINGLE_PATH_DIALECT), url, SINGLE_PATH_DIALECT, write_key_b=OTHER_KEY, select="accept.event.*"
        )
    assert same["verdict"] == "same"
    broken = next(case for case in broken_servers() if case.name == f"{SINGLE_PATH_DIALECT}-success-201")
    with serve(broken.application(Options(key=OTHER_KEY)), STANDARD) as url:
        comparison = compare_servers(
            correct(SINGLE_PATH_DIALECT), url, SINGLE_PATH_DIALECT, write_key_b=OTHER_KEY, select="accept.event.*"
        )
    shown = json.dumps(comparison) + render_markdown_diff(comparison) + render_html_diff(comparison)
    assert KEY not in shown
    assert OTHER_KEY not in shown
    assert "$CONFORMANCE_WRITE_KEY_B" in comparison["differences"][0]["curl"]["B"]
    assert "$CONFORMANCE_WRITE_KEY_B" not in comparison["differences"][0]["curl"]["A"]


def test_the_second_key_may_stand_in_a_file(correct: Callable[[str], str], tmp_path: Path) -> None:
    """So that it is in no list of processes; a file that can't be read is wrong usage."""
    path = tmp_path / "key-of-b"
    path.write_text(f"{OTHER_KEY}\n", encoding="utf-8")
    with serve(Application(DIALECTS[SINGLE_PATH_DIALECT], Options(key=OTHER_KEY)), STANDARD) as url:
        comparison = compare_servers(
            correct(SINGLE_PATH_DIALECT), url, SINGLE_PATH_DIALECT, write_key_file_b=str(path), select="accept.event.*"
        )
    assert comparison["verdict"] == "same"
    with pytest.raises(UsageError, match=r"^--write-key-file-b: the file can't be read"):
        compare_servers(
            correct(SINGLE_PATH_DIALECT),
            correct(SINGLE_PATH_DIALECT),
            SINGLE_PATH_DIALECT,
            write_key_file_b=str(tmp_path / "none"),
        )


def test_who_accepts_nothing_is_named(correct: Callable[[str], str]) -> None:
    """Nothing can be said then, and it is said which of the two it is."""
    with (
        serve(Application(DIALECTS[SINGLE_PATH_DIALECT], Options(key=OTHER_KEY)), STANDARD) as url,
        pytest.raises(InconclusiveError, match=r"^B: .*the write key looks wrong"),
    ):
        compare_servers(correct(SINGLE_PATH_DIALECT), url, SINGLE_PATH_DIALECT)


def test_the_same_answers_give_the_same_document(correct: Callable[[str], str]) -> None:
    """There is no clock in it."""
    with serve(broken_application(SINGLE_PATH_DIALECT, "json-500"), STANDARD) as url:
        first, second = (
            compare_servers(
                correct(SINGLE_PATH_DIALECT), url, SINGLE_PATH_DIALECT, select="accept.event.*,json.syntax.*"
            )
            for _ in range(2)
        )
    assert first == second


def test_the_command_ends_with_what_it_found(
    correct: Callable[[str], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 for the same, 1 for different, 2 for wrong usage, 3 where nothing was asked; reports where wanted."""
    url = correct(SINGLE_PATH_DIALECT)
    usual = ["--profile", SINGLE_PATH_DIALECT, "--write-key", KEY, "--select", "accept,auth", "--quiet", "--fuzz", "0"]
    assert main(["diff", url, url, *usual]) == 0
    files = {name: tmp_path / f"diff.{name}" for name in ("json", "html", "markdown")}
    wanted = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    with serve(broken_application(SINGLE_PATH_DIALECT, "unknown-key-accepted"), STANDARD) as other:
        assert main(["diff", url, other, *usual, *wanted]) == 1
    output = capsys.readouterr().out
    texts = [path.read_text(encoding="utf-8") for path in files.values()]
    assert all("auth.key.other-case" in text and KEY not in text for text in (output, *texts))
    assert main(["diff", url, url, *usual[2:]]) == 2
    assert main(["diff", url, url, *usual, "--dry-run"]) == 3
    assert main(["diff", url, "http://127.0.0.1:9", *usual]) == 3
    assert "B: " in capsys.readouterr().err


def test_nothing_compared_is_not_the_same() -> None:
    """Only answers of both can be the same."""
    with pytest.raises(UsageError):
        prepare_plans({"url": "http://127.0.0.1:9", "url_b": "http://127.0.0.1:9", "write_key": KEY})
    outcome = diff.DiffReport(contract=None, urls=("a", "b"))  # type: ignore[arg-type] # not asked for
    assert (outcome.verdict, outcome.exit_code) == (diff.UNCOMPARED, 3)


class BatchesOnly(Application):
    """A server with one path; a broken one fails on HTTP/1.0."""

    def __init__(self, *, fails_on_http_10: bool) -> None:
        super().__init__(DIALECTS["rudderstack"])
        self._fails = fails_on_http_10

    def answer(self, request: Request) -> Answer:
        """Answer batches."""
        if self._fails and request.version == "HTTP/1.0":
            return Answer(500, {"Content-Type": "text/plain"}, b"oops")
        return super().answer(request if request.path == "/v1/batch" else replace(request, path="/elsewhere"))


def test_a_check_that_runs_once_is_asked_where_both_sides_accept_something() -> None:
    """As `run` does; the difference names that path."""
    with serve(BatchesOnly(fails_on_http_10=False)) as one, serve(BatchesOnly(fails_on_http_10=True)) as other:
        document = compare_servers(one, other, "rudderstack", select="robustness.version.*,robustness.length.*")
    assert [(item["id"], item["calls"]) for item in document["differences"]] == [
        ("robustness.version.http-10", ["POST /v1/batch"])
    ]
    assert fits_schema(document)
