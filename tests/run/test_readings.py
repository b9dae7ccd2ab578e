"""Documents that contradict themselves: a server written by either reading conforms, and is judged by its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from conformance.cli import main
from conformance.contract import Contract
from conformance.core.errors import ProfileError
from conformance.core.resources import profile_path
from conformance.profile import load, parse
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY, Options
from tests.targets.server import serve

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.core.model import JsonObject

TWO_READINGS = "segmentstream"
"""A profile whose documents contradict themselves."""
TABLE = Options(user_beside_event=True)
EXAMPLE = Options()
SENTENCE = "read so: the table is right"
BODY: JsonObject = {"event": {}, "user": {"userId": "conformance"}}
FUZZED = ("--fuzz", "1500")


def application(options: Options) -> Application:
    """A server that knows nothing of the suite."""
    return Application(DIALECTS[TWO_READINGS], options)


def run(url: str, report: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code of a run, and its report."""
    arguments = ("--profile", TWO_READINGS, "--write-key", KEY, "--json", str(report), *arguments)
    code = main(["run", url, *arguments])
    document: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return code, document


@pytest.mark.parametrize(("options", "is_first"), [(EXAMPLE, True), (TABLE, False)], ids=["example", "table"])
def test_a_server_of_either_reading_conforms(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, is_first: bool
) -> None:
    """With fuzzing, at every level; every kind of report says by which reading it was judged, if not by the first."""
    pages = {kind: tmp_path / f"report.{kind}" for kind in ("html", "markdown")}
    with serve(application(options)) as url:
        written = [word for kind, page in pages.items() for word in (f"--{kind}", str(page))]
        code, document = run(url, tmp_path / "report.json", "--gate", "should", *FUZZED, *written)
    assert code == 0, capsys.readouterr().out
    assert document["run"].get("reading", SENTENCE).count(SENTENCE) == 1
    for text in (json.dumps(document["run"]), capsys.readouterr().out, *(page.read_text() for page in pages.values())):
        assert (SENTENCE in text) is not is_first
    generated = [item for item in document["checks"] if item["id"].startswith("fuzz.generated")]
    assert {"pass"} <= {item["outcome"] for item in generated}


def test_a_fault_of_the_other_reading_is_found(tmp_path: Path) -> None:
    """What is asked is where that reading has it: a server that asks for no user breaks its own reading."""

    class Careless(Application):
        """A server that asks for a user, and takes an empty one."""

        def check_identity(self, event: dict[str, object], kind: str) -> None:
            """Refuse only an event without `user`."""
            if "user" not in event:
                super().check_identity(event, kind)

    with serve(Careless(DIALECTS[TWO_READINGS], TABLE)) as url:
        code, document = run(url, tmp_path / "report.json", "--gate", "should", "--select", "payload.identity.*")
    failed = {item["id"] for item in document["checks"] if item["outcome"] == "fail"}
    assert (code, SENTENCE in document["run"]["reading"]) == (1, True)
    assert failed
    assert {item.get("cause") for item in document["checks"] if item["id"] in failed} <= {
        cause["id"] for cause in document["causes"]
    }


def test_a_server_that_accepts_nothing_is_not_judged(capsys: pytest.CaptureFixture[str]) -> None:
    """By no reading; what looks wrong is said of the first."""
    with serve(application(TABLE)) as url:
        code = main(["run", url, "--profile", TWO_READINGS, "--write-key", "Another-Key"])
    assert code == 3
    assert "the write key looks wrong" in capsys.readouterr().err


def test_generated_requests_follow_the_reading(capsys: pytest.CaptureFixture[str]) -> None:
    """`conformance fuzz` sends those of the reading that the server follows."""
    with serve(application(TABLE)) as url:
        code = main(["fuzz", url, "--profile", TWO_READINGS, "--write-key", KEY, "--fuzz", "1500", "--quiet"])
    assert code == 0, capsys.readouterr().out


@pytest.mark.parametrize(("first", "second", "code"), [(TABLE, TABLE, 0), (TABLE, EXAMPLE, 3), (EXAMPLE, TABLE, 3)])
def test_two_servers_are_compared_by_one_reading(first: Options, second: Options, code: int) -> None:
    """If there is none that both follow, they can't be compared."""
    with serve(application(first)) as url, serve(application(second)) as other:
        arguments = ["--profile", TWO_READINGS, "--write-key", KEY, "--select", "accept,payload", "--fuzz", "200"]
        assert main(["diff", url, other, *arguments]) == code


def test_a_mistake_in_a_reading_is_named_with_its_line() -> None:
    """That of the change, not of what it changes."""
    text = profile_path(TWO_READINGS).read_text("utf-8")
    wrong = text.replace("identity: {user: /user/userId", "identity: {user: user/userId")
    assert wrong != text
    line = wrong[: wrong.index("user: user/userId")].count("\n") + 1
    with pytest.raises(ProfileError, match=f"profile.yaml:{line}: identity.user: 'user/userId' is not a JSON pointer"):
        parse(wrong, "profile.yaml")


def test_a_reading_changes_what_it_states_and_nothing_else() -> None:
    """Facts, routes and names stay; what is null is gone."""
    first = load(TWO_READINGS)
    (reading,) = first.readings
    other = first.read_as(reading)
    assert (other.name, other.routes, other.facts) == (first.name, first.routes, first.facts)
    assert other.events["track"].example is None
    assert (first.reading, other.reading, other.readings) == (None, reading, ())
    assert Contract(other).has_identity("track", BODY)
    assert not Contract(first).has_identity("track", BODY)
