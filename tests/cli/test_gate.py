"""The gate: known deviations, stale entries, repeated runs, and where settings come from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from conformance.cli import main
from conformance.core.errors import ProfileError, UsageError
from conformance.core.known_deviation import KnownDeviation
from conformance.core.model import Area, Level, Outcome, Verdict
from conformance.report.cause import Cause, ExplainedCheck, FoundCauses, Harm
from conformance.run import known_deviations
from conformance.run.execution import merge_runs
from conformance.settings.file import find_configuration
from conformance.settings.setting import SettingOrigin
from conformance.settings.table import SETTINGS, resolve, resolve_with_origins
from tests.fuzz.test_findings import ignoring_fault
from tests.targets.application import Application
from tests.targets.dialects import DIALECTS
from tests.targets.options import KEY
from tests.targets.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.targets.dialects import Kind
    from tests.targets.messages import Answer, Request

DIALECT = "segmentstream"
BROKEN = "size.event.over"
DRAFTED_REASON = "TODO: why this is accepted for now"


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    """A server that takes events of any size."""
    with serve(ignoring_fault("size")(DIALECTS[DIALECT])) as url:
        yield url


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A place for a list of known deviations."""
    return tmp_path / "known.yaml"


def exit_code_of_run(url: str, *arguments: str, select: str = "size") -> int:
    """The exit code of a run."""
    known = ["--profile", DIALECT, "--write-key", KEY, "--quiet"]
    return main(["run", url, *known, "--select", select, *arguments])


def test_a_list_is_drafted_and_then_excuses(
    broken: str, listed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Listed deviations are shown as known and don't fail the run; a written list still needs reasons."""
    assert exit_code_of_run(broken, "--write-known-deviations", str(listed)) == 1
    text = listed.read_text()
    assert f'check: "{BROKEN}"' in text
    assert "TODO" in text
    listed.write_text(text.replace(DRAFTED_REASON, "the store takes any size"))
    capsys.readouterr()
    report, junit, sarif = (tmp_path / name for name in ("r.json", "r.xml", "r.sarif"))
    papers = ["--json", str(report), "--junit", str(junit), "--sarif", str(sarif)]
    pages = ["--html", str(tmp_path / "r.html"), "--markdown", str(tmp_path / "r.md")]
    assert exit_code_of_run(broken, "--known-deviations", str(listed), *papers, *pages, select="size,json") == 0
    output = capsys.readouterr().out
    assert "(known)" in output
    assert "the store takes any size" in output
    document = json.loads(report.read_text())
    assert document["verdict"] == "conforms"
    known = [item for item in document["checks"] if "known" in item]
    assert known
    assert {item["outcome"] for item in known} == {"fail"}
    assert 'failures="0"' in junit.read_text()
    results = json.loads(sarif.read_text())["runs"][0]["results"]
    assert all(item["suppressions"][0]["justification"] == "the store takes any size" for item in results)
    page = (tmp_path / "r.html").read_text()
    assert "are known deviations" in page
    assert "the store takes any size" in page
    assert "the store takes any size" in (tmp_path / "r.md").read_text()


STALE = {
    "passes": (
        "- {check: json.syntax.truncated, reason: once}",
        "json.syntax.truncated: passes now; delete line 3",
    ),
    "no check": (
        "- {check: size.event.ovr, reason: typo}",
        "there is no check size.event.ovr; did you mean",
    ),
    "expired": (
        f"- check: {BROKEN}\n    reason: for a while\n    expires: 2020-01-31",
        "size.event.over: expired on 2020-01-31; delete lines 3 to 5",
    ),
}


@pytest.mark.parametrize("name", STALE)
def test_a_stale_entry_ends_in_4(name: str, broken: str, listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says which lines are to be deleted; nobody carries excuses along that excuse nothing."""
    entry, words = STALE[name]
    exit_code_of_run(broken, "--write-known-deviations", str(listed))
    rest = listed.read_text().partition("deviations:\n")[2].replace(DRAFTED_REASON, "the store takes any size")
    if name == "expired":
        blocks = rest.split("  # ")
        rest = "  # ".join(block for block in blocks if f'"{BROKEN}"' not in block)
    listed.write_text(f"# ours\ndeviations:\n  {entry}\n{rest}")
    capsys.readouterr()
    assert exit_code_of_run(broken, "--known-deviations", str(listed), select="size,json") == 4
    assert words in " ".join(capsys.readouterr().out.split())


def test_what_was_not_judged_is_not_stale(broken: str, listed: Path) -> None:
    """A run of some checks says nothing of the others; nor does a list excuse what it does not name."""
    listed.write_text(f'deviations:\n  - {{check: {BROKEN}, call: "POST /track", reason: known}}\n')
    assert exit_code_of_run(broken, "--known-deviations", str(listed), select="json") == 0
    assert exit_code_of_run(broken, "--known-deviations", str(listed), select=BROKEN) == 3
    listed.write_text(f'deviations:\n  - {{check: {BROKEN}, call: "POST /nowhere", reason: known}}\n')
    assert exit_code_of_run(broken, "--known-deviations", str(listed), select=BROKEN) == 1


MISTAKES = {
    "typo": (
        "deviations:\n  - chek: size.event.over\n    reason: x\n",
        "known.yaml:2: deviations[0].chek: unknown key; did you mean 'check'?",
    ),
    "no reason": ("deviations:\n  - check: size.event.over\n", "the key 'reason' is missing"),
    "date": (
        "deviations:\n  - check: a\n    reason: b\n    expires: soon\n",
        "known.yaml:4: deviations[0].expires: 'soon' is no date",
    ),
    "empty": ("", "the file is empty; expected a list of known deviations"),
    "no list": ("deviations: 3\n", "expected a list"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_list_with_a_mistake_is_refused(name: str, listed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is sent, with the line."""
    text, words = MISTAKES[name]
    listed.write_text(text)
    assert exit_code_of_run("http://127.0.0.1:9", "--known-deviations", str(listed)) == 2
    assert words in capsys.readouterr().err


def verdict(outcome: Outcome, operation: str = "POST /v1/track", check: str = BROKEN) -> Verdict:
    """A verdict on an event that is too large."""
    return Verdict(
        id=check, area=Area.SIZE, level=Level.MUST, title="A title.", operation=operation, outcome=outcome,
        message="too large", expected="413", received="200 'line\nbreak \x1b[31m'",
    )  # fmt: skip


def test_a_draft_goes_by_causes(listed: Path) -> None:
    """What has one cause stands together below its name, what costs most first; the list is read as any other."""
    checks = ["a.first", "b.second", "c.third", "d.fourth"]
    verdicts = [verdict(Outcome.FAIL, check=name) for name in checks]
    explained = {name: ExplainedCheck(id=name, operation="POST /v1/track", outcome=Outcome.FAIL) for name in checks}
    causes = tuple(
        Cause(
            key=(name,), check=name, sentence=f"the cause\n of {name}", level=Level.MUST, harm=harm, promise="",
            expected="", received="", sources=(), shown_by=explained[name],
            explains=tuple(explained[item] for item in names),
        )
        for name, harm, names in (
            ("c.third", Harm.LOST, ["a.first", "c.third"]), ("b.second", Harm.LETTER, ["b.second"])
        )
    )  # fmt: skip
    draft = known_deviations.render_template(
        verdicts, Level.MUST, known_deviations.DeviationList(), FoundCauses(causes=causes)
    )
    listed.write_text(draft.replace(DRAFTED_REASON, "ours"))
    assert [item.name for item in known_deviations.read(str(listed)).entries] == [
        "a.first", "c.third", "b.second", "d.fourth",
    ]  # fmt: skip
    headings = [line for line in draft.splitlines() if line.startswith(("  # Cause", "  # Without"))]
    assert headings == [
        f"  # Cause {causes[0].id} (lost): the cause of c.third:",
        f"  # Cause {causes[1].id} (letter): the cause of b.second:",
        "  # Without a common cause:",
    ]


def test_an_entry_may_name_a_cause(listed: Path) -> None:
    """All that it alone explains is known; an entry of a cause that is gone is to be deleted."""
    verdicts = [verdict(Outcome.FAIL, check=name) for name in ("a.first", "b.second", "c.third")]
    first, second, third = (
        ExplainedCheck(id=item.id, operation=item.operation, outcome=Outcome.FAIL) for item in verdicts
    )
    causes = tuple(
        Cause(
            key=(name,), check=name, sentence=name, level=Level.MUST, harm=Harm.LOST, promise="", expected="",
            received="", sources=(), shown_by=explains[0], explains=explains,
        )
        for name, explains in (("a.first", (first, second)), ("c.third", (second, third)))
    )  # fmt: skip
    found, today = FoundCauses(causes=causes), datetime.now(UTC).date()
    listed.write_text(f"deviations:\n  - {{cause: {causes[0].id}, reason: ours}}\n")
    deviations = known_deviations.read(str(listed))
    assert [item.id for item in deviations.mark_known(verdicts, found) if item.known_deviation] == ["a.first"]
    assert not any(item.known_deviation for item in deviations.mark_known(verdicts))
    assert deviations.stale_entries(verdicts, {"a.first"}, today, is_full_run=True, causes=found) == ()
    assert deviations.stale_entries(verdicts, {"a.first"}, today, is_full_run=True) == ()
    (stale,) = deviations.stale_entries([], {"a.first"}, today, is_full_run=True, causes=FoundCauses())
    assert (stale.name, stale.reason) == (f"cause {causes[0].id}", "nothing fails because of it")
    listed.write_text("deviations:\n  - {cause: 1a, check: a.first, reason: ours}\n")
    with pytest.raises(ProfileError, match="either the id of a check or that of a cause"):
        known_deviations.read(str(listed))


def test_a_draft_can_be_read_back_and_keeps_reasons(listed: Path) -> None:
    """A check that fails everywhere is one entry; texts from a target stay in their comment."""
    everywhere = [verdict(Outcome.FAIL), verdict(Outcome.FAIL, "POST /v1/page")]
    there = [
        verdict(Outcome.FAIL, check="json.syntax.nan"),
        verdict(Outcome.PASS, "POST /v1/page", "json.syntax.nan"),
    ]
    listed.write_text(
        known_deviations.render_template([*everywhere, *there], Level.MUST, known_deviations.DeviationList())
    )
    with pytest.raises(ProfileError, match=r"known\.yaml:\d+: deviations\[0\]\.reason: this is a draft"):
        known_deviations.read(str(listed))
    listed.write_text(listed.read_text().replace(DRAFTED_REASON, "ours"))
    listed_deviations = known_deviations.read(str(listed))
    assert [item.name for item in listed_deviations.entries] == [BROKEN, "json.syntax.nan on POST /v1/track"]
    assert "\x1b" not in listed.read_text()
    former = known_deviations.DeviationList(
        entries=(
            known_deviations.DeviationEntry(
                check_id=BROKEN,
                operation_pattern="",
                known_deviation=KnownDeviation(reason="ours", owner="us"),
                line=1,
                last_line=2,
            ),
        )
    )
    assert 'reason: "ours"\n    owner: "us"' in known_deviations.render_template(everywhere, Level.MUST, former)
    assert known_deviations.render_template([], Level.MUST, former).endswith("deviations: []\n")


def test_an_entry_is_good_to_its_last_day(listed: Path) -> None:
    """Expiry is a date, in UTC."""
    today = datetime.now(UTC).date()
    listed.write_text(f"deviations:\n  - {{check: {BROKEN}, reason: x, expires: {today}}}\n")
    listed_deviations, broken_one = known_deviations.read(str(listed)), [verdict(Outcome.FAIL)]
    assert listed_deviations.stale_entries(broken_one, {BROKEN}, today, is_full_run=True) == ()
    tomorrow = today + timedelta(days=1)
    (stale,) = listed_deviations.stale_entries(broken_one, {BROKEN}, tomorrow, is_full_run=True)
    assert stale.reason == f"expired on {today}"


def test_repeated_runs_are_told_as_one() -> None:
    """The worst counts, and the rate is said."""
    well, ill = verdict(Outcome.PASS), verdict(Outcome.FAIL)
    (check_verdict,) = merge_runs([[well], [ill], [well]])
    assert check_verdict.outcome is Outcome.FAIL
    assert check_verdict.message == "flaky, 1 fail, 2 pass in 3 runs; too large"
    assert check_verdict.outcome_counts == ((Outcome.FAIL, 1), (Outcome.PASS, 2))
    assert merge_runs([[well], [well]]) == [well]


class FlakySizeLimit(Application):
    """Takes an event that is too large in every second half-dozen of requests."""

    count = 0

    def refuse_if_documented(self, kind: Kind, message: str) -> None:
        """Looks away now and then."""
        if kind != "size" or self.count % 12 < 6:
            super().refuse_if_documented(kind, message)

    def answer(self, request: Request) -> Answer:
        """Counts requests: the check sends three, one of them too large, and is asked again where it fails."""
        self.count += 1
        return super().answer(request)


def test_a_flaky_check_is_named_with_its_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once is chance; several runs tell."""
    report = tmp_path / "r.json"
    with serve(FlakySizeLimit(DIALECTS[DIALECT])) as url:
        code = exit_code_of_run(url, "--repeat", "4", "--json", str(report), select=BROKEN)
    document = json.loads(report.read_text())["checks"]
    assert code == 1
    assert document[0]["runs"] == {"fail": 2, "pass": 2}
    assert "flaky, 2 fail, 2 pass in 4 runs" in capsys.readouterr().out


def test_options_go_before_the_environment_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And every origin is known."""
    (tmp_path / "pyproject.toml").write_text('[tool.conformance]\ngate = "may"\njobs = 3\nselect = ["size", "must"]\n')
    filed = find_configuration(tmp_path).values
    assert resolve_with_origins({}, filed)["gate"] == (Level.MAY, SettingOrigin.FILE)
    assert resolve({}, filed)["select"] == ("size", "must")
    monkeypatch.setenv("CONFORMANCE_GATE", "should")
    monkeypatch.setenv("CONFORMANCE_SELECT", "json\nsize,auth")
    assert resolve_with_origins({}, filed)["gate"] == (Level.SHOULD, SettingOrigin.ENVIRONMENT)
    assert resolve({}, filed)["select"] == ("json", "size,auth")
    assert resolve_with_origins({"gate": "must"}, filed)["gate"] == (Level.MUST, SettingOrigin.OPTION)
    assert resolve_with_origins({}, filed)["jobs"] == (3, SettingOrigin.FILE)
    assert resolve_with_origins({}, filed)["deadline"] == (10.0, SettingOrigin.DEFAULT)
    monkeypatch.setenv("CONFORMANCE_GATE", "most")
    with pytest.raises(UsageError, match="CONFORMANCE_GATE most: expected must, should or may"):
        resolve({}, filed)


def test_the_nearest_file_is_taken(tmp_path: Path) -> None:
    """A file of ours before a project's; none above the root of a repository; paths are beside the file."""
    inner = tmp_path / "repo" / "service"
    inner.mkdir(parents=True)
    (tmp_path / "conformance.toml").write_text("jobs = 2\n")
    (tmp_path / "repo" / ".git").mkdir()
    assert find_configuration(inner).file == ""
    (tmp_path / "repo" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert find_configuration(inner).file == ""
    (tmp_path / "repo" / "conformance.toml").write_text(
        'known-deviations = "known.yaml"\nprofile = "acme.yaml"\nrepeat = 2\n'
    )
    settings_path = find_configuration(inner)
    assert settings_path.values == {
        "known_deviations": str(tmp_path / "repo" / "known.yaml"),
        "profile": str(tmp_path / "repo" / "acme.yaml"),
        "repeat": "2",
    }


WRONG = {
    "unknown": ("gat = 'must'", "gat: unknown key; did you mean 'gate'?"),
    "secret": ("write_key = 'abc'", "a secret does not belong in a file"),
    "insecure": ("insecure = true", "insecure: this loosens the safety of a run"),
    "permission": ("i-may-test = ['api.vendor.com']", "pass --i-may-test, or set CONFORMANCE_I_MAY_TEST"),
    "authorities": ("ca-bundle = 'ca.pem'", "ca-bundle: this loosens the safety of a run"),
    "header": ("header = ['Host: api.vendor.com']", "header: this loosens the safety of a run"),
    "list": ("select = [3]", "select: expected a list of strings"),
    "table": ("[gate]\nx = 1", "gate: expected must, should or may"),
    "toml": ("gate = ", "not valid TOML"),
    "depth": ("gate = " + "[" * 100_000, "not valid TOML: nested too deeply"),
    "digits": ("jobs = " + "9" * 5_000, "not valid TOML: Exceeds the limit"),
    "hexadecimal digits": ("jobs = 0x" + "f" * 5_000, "jobs: the number is too large"),
    "dots": ("a" + ".a" * 50_000 + " = 1", "not valid TOML: too many dots in one line"),
    "date": ("gate = 2027-03-31", "gate: expected must, should or may"),
    "not UTF-8": ("gate = '\udcff'", "the file can't be read: it is not UTF-8"),
    "NUL": ("gate = '\0'", "the file can't be read: it holds NUL characters"),
    "large": ("#" * 1_048_577, "the file can't be read: it has more than 1,024 KiB"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_with_a_mistake_is_refused(name: str, tmp_path: Path) -> None:
    """With its path and the key."""
    text, words = WRONG[name]
    (tmp_path / "conformance.toml").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(UsageError, match=r"conformance\.toml: ") as error:
        find_configuration(tmp_path)
    assert words in str(error.value)


def test_config_shows_every_setting_and_no_secret(tmp_path: Path) -> None:
    """As a user runs it, in a project of his own."""
    (tmp_path / "conformance.toml").write_text('gate = "should"\n')
    completed = subprocess.run(
        [sys.executable, "-m", "conformance", "config", "--jobs", "2"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "CONFORMANCE_WRITE_KEY": "Canary-Key-7f3a91"},
    )  # fmt: skip
    lines = {line.split()[0]: line.split()[1:] for line in completed.stdout.splitlines()}
    assert {setting.name for setting in SETTINGS} <= set(lines)
    assert lines["jobs"] == ["2", "option"]
    assert lines["gate"][0] == "should"
    assert lines["write-key"] == ["(set)", "$CONFORMANCE_WRITE_KEY"]
    assert "Canary" not in completed.stdout + completed.stderr


def test_the_key_can_come_from_a_file(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it is in no list of processes; the line break at its end is not part of it, and no other key counts."""
    monkeypatch.setenv("CONFORMANCE_WRITE_KEY", "a key that the server does not know")
    secret = tmp_path / "key"
    secret.write_text(f"{KEY}\n")
    known = ["--profile", DIALECT, "--quiet", "--select", "json"]
    assert main(["run", broken, *known, "--write-key-file", str(secret)]) == 0
    assert main(["run", broken, *known, "--write-key-file", str(tmp_path / "none")]) == 2
